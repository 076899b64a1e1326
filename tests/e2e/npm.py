"""Official clients that come from npm, as programs: `Clients().run("agui.mjs", …)` gives what the script printed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from deploy.generated import ROOT
from deploy.web import npm_command
from tests.peers.process import PeerError

__all__ = ["Clients"]

_SOURCES = Path(__file__).parent / "clients"
_PLACE = ROOT / ".build" / "clients"
_MANIFEST = ("package.json", "package-lock.json", ".npmrc")


class Clients:
    """The scripts of tests/e2e/clients, with what their lock file names installed beside them."""

    def __init__(self) -> None:
        command, self._node = npm_command()
        _PLACE.mkdir(parents=True, exist_ok=True)
        with (_PLACE / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._install(command)

    def run(self, script: str, *arguments: str, seconds: float = 120.0) -> dict[str, Any]:
        """What a script printed, as JSON; `PeerError` with its words when it failed."""
        shutil.copy(_SOURCES / script, _PLACE / script)
        printed: dict[str, Any] = json.loads(self._do([str(self._node / "node"), script, *arguments], seconds=seconds))
        return printed

    def _install(self, command: list[str]) -> None:
        stamp, wanted = _PLACE / ".locked", (_SOURCES / "package-lock.json").read_text()
        if stamp.exists() and stamp.read_text() == wanted:
            return
        for name in _MANIFEST:
            shutil.copy(_SOURCES / name, _PLACE / name)
        self._do([*command, "ci", "--ignore-scripts", "--loglevel", "error"], seconds=300)
        stamp.write_text(wanted)

    def _do(self, command: list[str], *, seconds: float) -> str:
        path = os.pathsep.join([str(self._node), os.environ.get("PATH", "")])
        ended = subprocess.run(
            command, cwd=_PLACE, capture_output=True, text=True, timeout=seconds, check=False,
            env={**os.environ, "PATH": path}, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if ended.returncode:
            raise PeerError(f"{' '.join(command[:2])}: {ended.stderr or ended.stdout}")
        return ended.stdout
