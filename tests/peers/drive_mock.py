"""google-drive-mock: another emulator of Google Drive that nobody here wrote, with a list of changes of its own."""

from typing import Any

import httpx

from tests.peers.nodes import MODULES, node
from tests.peers.process import LOOPBACK, Child, Lifespan, free_port, listens, workspace

__all__ = ["DriveMock"]

_SCRIPT = "require(process.argv[2]).startServer(Number(process.argv[3]), process.argv[4]);\n"


class DriveMock(Lifespan):
    """The emulator on loopback; it takes one token."""

    token = "valid-token"

    def __init__(self) -> None:
        self.directory = workspace("drive-mock")
        self.port = free_port()
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """See `Lifespan`."""
        script = self.directory / "serve.cjs"
        script.write_text(_SCRIPT)
        command = node(script, str(MODULES / "google-drive-mock"), str(self.port), LOOPBACK)
        self._child = Child(command, name="drive-mock", directory=self.directory)
        self._child.start(lambda: listens(self.port), seconds=60)

    def stop(self) -> None:
        """See `Lifespan`."""
        if self._child:
            self._child.stop()

    def clear(self) -> None:
        """Forget all files."""
        self.ask("POST", "/debug/clear")

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request as another program would make it."""
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=15) as client:
            answer = client.request(method, path, **options)
        answer.raise_for_status()
        return answer
