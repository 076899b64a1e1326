"""emulate (npm): another emulator of Google's services that nobody here wrote, with drafts that can be changed.

It takes any token for its first user and knows no profile of a mailbox.
"""

import json
from collections.abc import Mapping
from typing import Any

import httpx

from tests.peers.front import Front
from tests.peers.nodes import node
from tests.peers.process import LOOPBACK, Child, Lifespan, free_port, listens, workspace

__all__ = ["Emulate", "EmulatedGmail"]


class Emulate(Lifespan):
    """One service on loopback, with what stands in it at the start (`seed`, as its own sample file has it)."""

    def __init__(self, service: str, seed: Mapping[str, Any]) -> None:
        self.directory = workspace("emulate")
        self.port, self._service, self._seed = free_port(), service, seed
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """See `Lifespan`."""
        seed = self.directory / "seed.json"
        seed.write_text(json.dumps({self._service: self._seed}))
        options = ("start", "--service", self._service, "--port", str(self.port), "--seed", str(seed))
        self._child = Child(node("emulate/dist/index.js", *options), name="emulate", directory=self.directory)
        self._child.start(lambda: listens(self.port), seconds=60)

    def stop(self) -> None:
        """See `Lifespan`."""
        if self._child:
            self._child.stop()


class EmulatedGmail(Front):
    """Stands before it and says whose mailbox it is."""

    def __init__(self, target: str, address: str) -> None:
        super().__init__(target)
        self._address = address

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        if path.partition("?")[0] == "/gmail/v1/users/me/profile":
            return httpx.Response(200, json={"emailAddress": self._address, "historyId": "1", "messagesTotal": 1})
        return super()._ask(method, path, headers, body)
