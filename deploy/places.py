"""Where the parts of a house lie, in one folder (`make run`) or each in a volume of its own (containers).

A file has the same name in both, `agent/users/<id>.db` or `keys/gateway/nkey`, so that a copy of one fits the other.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from openassistant import copying
from openassistant.errors import Internal
from openassistant.store import DataKey, DriverError, fitting
from services.vault.rootkey import RootKey

__all__ = ["HEAD", "KEYS", "LEDGER", "RESTORED", "RESTORING", "SPARE", "VAULT", "Coming", "Keyring", "Places"]

KEYS = "keys"
VAULT, LEDGER, HEAD = "vault/vault.db", "audit/ledger.db", "audit/head"
RESTORED = "gateway/restored.json"
"""What a restore leaves for the gateway to read at its next start."""
RESTORING, SPARE = ".restoring", ".replaced"
"""Folders of a restore in each place: what is coming, and what went."""
_NO_ROOM = {KEYS, "bus", "logs", "backup", "lock"}
_LEFT_OUT = {"lock", "setup-url", "restored.json"}
_ENDINGS = ("-wal", "-shm", ".check", ".before", ".new", ".held", ".wanted")


class Places:
    """The places of one house. `volumes`: rooms lie in `data` below the folder, as `docker-compose.yml` mounts them."""

    def __init__(self, folder: Path, *, volumes: bool = False) -> None:
        self.folder, self.volumes = folder, volumes
        self._rooms = folder / "data" if volumes else folder

    @property
    def keys(self) -> Path:
        """The folder of keys."""
        return self.folder / KEYS

    @property
    def work(self) -> Path:
        """Where copies are put together and tried: on the same disk, and never part of a copy."""
        return self.folder / "backup"

    def path(self, name: str) -> Path:
        """Where a file lies; raises `Internal` for a name that no copy of a house has."""
        parts = PurePosixPath(name).parts
        if len(parts) < 2 or name.startswith("/") or ".." in parts or parts[0] in _NO_ROOM - {KEYS}:
            raise Internal(f"{name[:100]!r} is no file of a house.")
        return (self.folder if parts[0] == KEYS else self._rooms) / name

    def home(self, name: str) -> Path:
        """The place that a file belongs to: a folder, or a volume that cannot be moved."""
        parts = PurePosixPath(name).parts
        if parts[0] == KEYS:
            return self.keys / parts[1] if len(parts) > 2 else self.keys
        return self._rooms / parts[0]

    def homes(self) -> list[Path]:
        """Every place that is there, the folder of keys last."""
        keys = sorted(each for each in _folders(self.keys) if each.name not in (RESTORING, SPARE))
        return [
            *(each for each in sorted(_folders(self._rooms)) if each.name not in _NO_ROOM - {"bus"}),
            *keys,
            self.keys,
        ]

    def files(self) -> dict[str, Path]:
        """Everything that belongs into a copy: what is made anew at each start is not among it."""
        roots = [each for each in _folders(self._rooms) if each.name not in _NO_ROOM]
        found = {each.relative_to(self._rooms).as_posix(): each for root in roots for each in _files(root)}
        found |= {each.relative_to(self.folder).as_posix(): each for each in _files(self.keys)}
        return {name: found[name] for name in sorted(found) if _belongs(name)}

    def databases(self) -> dict[str, Path]:
        """Of these the encrypted ones that have something in them."""
        found: dict[str, Path] = {}
        for name, path in self.files().items():
            with contextlib.suppress(FileNotFoundError):
                if name.endswith(".db") and path.stat().st_size:
                    found[name] = path
        return found

    def identity(self) -> str:
        """A short name of this house, the same for as long as its signing keys are."""
        try:
            return hashlib.sha256((self.keys / "gateway" / "trust.json").read_bytes()).hexdigest()[:8]
        except OSError as error:
            raise Internal(f"There is no house at {self.folder}: {error.filename} cannot be read.") from error


class Coming(Places):
    """The same house as a restore has put it beside its places, not yet into them."""

    def path(self, name: str) -> Path:
        """Where a file waits."""
        final = super().path(name)
        home = self.home(name)
        return home / RESTORING / final.relative_to(home)

    def files(self) -> dict[str, Path]:
        """Everything that waits."""
        found: dict[str, Path] = {}
        for home in self.homes():
            waiting = home / RESTORING
            base = self.folder if self.keys in (home, home.parent) else self._rooms
            found |= {(home.relative_to(base) / each.relative_to(waiting)).as_posix(): each for each in _files(waiting)}
        return {name: found[name] for name in sorted(found) if _belongs(name)}


KEYS_QUERY = "SELECT room, user, wrapped, next_wrapped FROM data_keys"


class Keyring:
    """The keys of a house's files, by the vault's file that is given and the root key."""

    def __init__(self, root: RootKey, keys: Mapping[tuple[str, str], bytes]) -> None:
        self._root, self._keys = root, keys

    @classmethod
    def read(cls, root: RootKey, vault: Path) -> Keyring:
        """What a vault's file holds; raises `Internal` where the root key does not open it."""
        try:
            rows = copying.select(vault, root.derive("file"), KEYS_QUERY)
        except DriverError as error:
            raise Internal(
                f"{vault} cannot be opened with this root key: it is another house's, or the file is damaged."
            ) from error
        return cls.of_rows(root, rows)

    @classmethod
    def of_rows(cls, root: RootKey, rows: Iterable[tuple[Any, ...]]) -> Keyring:
        """From rows of `KEYS_QUERY`; raises `Internal` for another root key."""
        keys = {}
        for room, user, wrapped, following in rows:
            successor = DataKey(root.unwrap(bytes(following))) if following else None
            keys[str(room), str(user)] = DataKey(root.unwrap(bytes(wrapped)), successor=successor)
        return cls(root, keys)

    def of(self, name: str, path: Path) -> bytes | None:
        """The key that opens a database, by its name and where it lies; None for one of a person who was erased.

        While its key is being replaced, that is the former one or the one that follows.
        """
        if name == VAULT:
            return self._root.derive("file")
        parts = PurePosixPath(name)
        user = parts.stem if parts.parent.name == "users" else ""
        key = self._keys.get((parts.parts[0], user))
        return None if key is None else fitting(path, key)


def _folders(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError):
        yield from (each for each in folder.iterdir() if each.is_dir() and not each.is_symlink())


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each not in (RESTORING, SPARE, "locks")]
        yield from (Path(place, name) for name in names)


def _belongs(name: str) -> bool:
    path = PurePosixPath(name)
    if name.startswith((f"{KEYS}/bus/", f"{KEYS}/restoring")) or path.name.startswith("."):
        return False
    return path.name not in _LEFT_OUT and not path.name.endswith(_ENDINGS)
