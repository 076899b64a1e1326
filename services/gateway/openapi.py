"""The OpenAPI document, committed as openapi.json: `python -m services.gateway.openapi [--write | --check]`.

The web UI's types are made from it. It needs no room that runs: the routes say it all.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from services.gateway.app import create_api

__all__ = ["DOCUMENT", "document", "main"]

DOCUMENT = Path(__file__).with_name("openapi.json")


def document() -> str:
    """The document as JSON, the same for the same routes."""
    return json.dumps(create_api().openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """The command line: 0, or 1 when --check finds the file stale."""
    parser = argparse.ArgumentParser(prog="python -m services.gateway.openapi")
    parser.add_argument("--write", action="store_true", help="write the file")
    parser.add_argument("--check", action="store_true", help="fail when the file is stale")
    options = parser.parse_args(arguments)
    text = document()
    if options.write:
        DOCUMENT.write_text(text, encoding="utf-8")
    elif options.check:
        if not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != text:
            sys.stderr.write(f"{DOCUMENT.name} is stale; run: make api\n")
            return 1
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
