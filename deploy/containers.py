"""What `docker compose up` runs first, once: keys, the bus configuration, and to each room its own. No network.

The folders under OA_DATA_DIR are volumes: `keys/<room>` is mounted into that room alone, `data/<room>` likewise. This
program runs as root, without any capability but those to reach and to give away files; the rooms run as OA_UID.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from deploy.provision import Server, provision, roots_of
from deploy.settings import HouseSettings, complain
from openassistant.errors import Internal, OaError
from openassistant.settings import SettingsError

__all__ = ["ContainerSettings", "main", "prepare"]

_SERVER = Server(
    listen="0.0.0.0:4222", store_dir="/store", pid_file="/tmp/nats.pid", monitor=8222, key_in_file=True  # noqa: S108
)  # fmt: skip
"""The bus as it is in its container."""
_NEW_KEY = """A new root key was made, in the volume root-key. Everything stored here can be opened with it, and nothing
without it. Keep a copy in a safe place that is not this machine; this shows it:
  docker compose run --rm --no-deps --entrypoint cat init {file}"""
_DOOR = """The house is at http://localhost:{port}. The link with which its owner sets it up, once it runs:
  docker compose exec gateway cat /data/setup-url"""


class ContainerSettings(HouseSettings):
    """The settings of a house in containers."""

    uid: Annotated[int, Field(ge=1)] = 10001
    """The user that the rooms run as; it must be able to read the secrets' files."""
    gid: Annotated[int, Field(ge=1)] = 10001
    """Their group."""


def prepare(settings: ContainerSettings, *, server: Server = _SERVER) -> bool:
    """Makes what is missing and gives everything to the rooms' user. Returns whether the root key is new.

    A root key that somebody brought lies in a folder that cannot be written; it stays his, as the other secrets do.
    Raises `Internal` when a secret cannot be read by that user, or the root key is not this house's.
    """
    own_key = [settings.root_key.parent] if os.access(settings.root_key.parent, os.W_OK) else []
    for name in (
        "setup_password_file",
        "model_api_key_file",
        "passphrase_file",
        *(() if own_key else ("root_key_file",)),
    ):
        _require_readable(f"OA_{name.upper()}", getattr(settings, name), settings)
    store = settings.data_dir / "data" / "bus"
    roots = roots_of(settings)
    made = provision(settings.keys, root_key_file=settings.root_key, server=server, roots=roots, bus_store=store)
    for volume in (settings.keys, *sorted((settings.data_dir / "data").glob("*")), *own_key):
        _give(volume, settings)
    return made


def _give(folder: Path, settings: ContainerSettings) -> None:
    """Makes everything in a folder the rooms' user's, where it is not."""
    for path in _everything_in(folder):
        found = path.lstat()
        if (found.st_uid, found.st_gid) != (settings.uid, settings.gid):
            os.chown(path, settings.uid, settings.gid, follow_symlinks=False)


def _everything_in(folder: Path) -> Iterator[Path]:
    yield folder
    for place, folders, files in os.walk(folder):
        yield from (Path(place, name) for name in (*folders, *files))


def _require_readable(setting: str, file: Path | None, settings: ContainerSettings) -> None:
    """Raises `Internal` when the rooms' user cannot read a file that was brought along."""
    if file is None:
        return
    found = file.stat()
    read = {settings.uid: stat.S_IRUSR}.get(found.st_uid) or {settings.gid: stat.S_IRGRP}.get(found.st_gid)
    if not found.st_mode & (read or stat.S_IROTH):
        raise Internal(
            f"The file of {setting} cannot be read by the user {settings.uid}, which the rooms run as. Let them run as "
            f"its owner (OA_UID={found.st_uid or '…'} OA_GID={found.st_gid or '…'} in .env), or change its owner."
        )


def main() -> int:
    """The command line: 0 done, 1 it cannot be done, 2 a bad setting; says why on stderr."""
    try:
        settings = ContainerSettings.read()
        made = prepare(settings)
    except SettingsError as error:
        return complain(str(error), 2)
    except OaError as error:
        return complain(error.message, 1)
    except OSError as error:
        return complain(f"{error.filename} cannot be written ({error.strerror}).", 1)
    if made:
        print(_NEW_KEY.format(file=settings.root_key))
    print(_DOOR.format(port=settings.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
