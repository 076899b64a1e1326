"""Peers that are Node programs: emulators of providers and their published contracts. `make peers` installs them.

They stand in `tests/peers/node/package.json`. The newest of them needs Node 22.15: where the machine has an older one,
the wheel of Node is taken.
"""

from collections.abc import Sequence
from pathlib import Path

from deploy.web import install, npm_command
from tests.peers.process import MissingPeerError

__all__ = ["FOLDER", "MODULES", "node"]

FOLDER = Path(__file__).parent / "node"
MODULES = FOLDER / "node_modules"
_OLDEST = (22, 15)


def node(script: str | Path, *arguments: str) -> Sequence[str]:
    """The command that runs a script of `MODULES` (or any other); raises `MissingPeerError` before `make peers`."""
    if not (MODULES / ".locked").exists():
        raise MissingPeerError("the Node peers are not installed: make peers")
    _, folder = npm_command(_OLDEST)
    return [str(folder / "node"), str(MODULES / script), *arguments]


if __name__ == "__main__":
    install(FOLDER, what="emulators of providers (200 MB)", oldest=_OLDEST)
