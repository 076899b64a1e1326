"""Stoplight's prism between a client and a server: it refuses requests that a provider's own OpenAPI does not allow.

In its proxy mode, with errors: what is not in the document, or not of its shape, is answered by prism with 4xx
(application/problem+json), and never reaches the server behind.
"""

import json
import secrets
import tempfile
from pathlib import Path
from typing import Any

import httpx

from tests.peers.nodes import node
from tests.peers.process import LOOPBACK, Child, Lifespan, PeerError, free_port, listens, wait_until

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
        """What it refused before this call, as its log says.

        The log is written behind the answers, so that a request that no document allows goes last, and is waited for.
        """
        last = f"/last-{secrets.token_hex(8)}"
        httpx.get(f"{self.url}{last}", timeout=10)
        if not wait_until(lambda: any(last in each for each in self._refused()), seconds=10):
            raise PeerError("prism does not write down what it refuses")
        return [each for each in self._refused() if "/last-" not in each]

    def _refused(self) -> list[str]:
        log = (self._child.log if self._child else Path()).read_text(errors="replace")
        return [each for each in log.splitlines() if "terminated with error" in each]
