"""Stoplight's prism between a client and a server: it refuses requests that a provider's own OpenAPI does not allow.

In its proxy mode, with errors: what is not in the document, or not of its shape, is answered by prism with 4xx
(application/problem+json), and never reaches the server behind.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from tests.peers.nodes import node
from tests.peers.process import LOOPBACK, Child, Lifespan, free_port, listens

__all__ = ["Prism"]

_SCRIPT = "@stoplight/prism-cli/dist/index.js"


class Prism(Lifespan):
    """Passes on to `target` what `document` (an OpenAPI object) allows; `refusals` says what it did not."""

    def __init__(self, document: dict[str, Any], target: str) -> None:
        self._document, self._target = document, target
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="prism-")
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """See `Lifespan`."""
        folder = Path(self._folder.name)
        document = folder / "openapi.json"
        document.write_text(json.dumps(self._document))
        command = node(_SCRIPT, "proxy", "--errors", "-h", LOOPBACK, "-p", str(self.port), str(document), self._target)
        self._child = Child(command, name="prism", directory=folder)
        self._child.start(lambda: listens(self.port), seconds=60)

    def stop(self) -> None:
        """See `Lifespan`."""
        if self._child:
            self._child.stop()
        self._folder.cleanup()

    def refusals(self) -> list[str]:
        """What it refused, as its log says."""
        log = (self._child.log if self._child else Path()).read_text(errors="replace")
        return [each for each in log.splitlines() if "terminated with error" in each]
