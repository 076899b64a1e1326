"""The health check of a room in a container: `python health.py FILE | URL`; 0 well, 1 not, in words.

A file is the one that the room touches while it serves and the bus answers (OA_ALIVE_FILE): it may not be old. A URL
is to answer 200. Only the standard library: it runs every few seconds, in every container.
"""

from __future__ import annotations

import http.client
import sys
import time
import urllib.parse
from pathlib import Path

__all__ = ["main"]

_SECONDS = 20.0
"""A room touches its file every five."""


def main(arguments: list[str]) -> int:
    """The command line."""
    [subject] = arguments
    fault = _fault_of_page(subject) if subject.startswith("http:") else _fault_of_file(Path(subject))
    if fault:
        print(fault)
    return 1 if fault else 0


def _fault_of_file(file: Path) -> str:
    try:
        age = time.time() - file.stat().st_mtime
    except OSError:
        return "The room does not serve yet."
    return f"The room has not reached the bus for {age:.0f} s." if age > _SECONDS else ""


def _fault_of_page(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=4)
    try:
        connection.request("GET", parts.path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{url} does not answer ({type(error).__name__})."
    finally:
        connection.close()
    return "" if status == http.HTTPStatus.OK else f"{url} answers {status}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
