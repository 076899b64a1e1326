"""The file that a copy of a house is: a tar, encrypted with age (age-encryption.org/v1), written and read as a stream.

It is encrypted to a key derived from the root key, so that the recovery sheet alone opens it, with any `age` as well.
Its first member says what it is; its last has the digest of every other, and without it the copy is not whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import pyrage
from pydantic import BaseModel, ConfigDict, ValidationError

from openassistant.durable import flush
from openassistant.errors import Internal, InvalidRequest
from services.vault.rootkey import RootKey

__all__ = ["FORMAT", "About", "identity", "pack", "unpack"]

FORMAT = 1
_ABOUT, _INDEX = "about.json", "index.json"
_SMALL = 16 * 1024 * 1024
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

Member = tuple[str, Path | bytes]


class About(BaseModel):
    """What a copy says of itself."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    house: str
    """Which house it is of (`Places.identity`)."""
    version: str
    """The version of the programs that made it."""
    taken: datetime
    """The moment that it shows."""
    records: int
    """How many records the ledger had."""


def identity(root: RootKey) -> str:
    """The age identity (an X25519 key) that opens the copies made under a root key."""
    return _bech32("age-secret-key-", root.derive("backup")).upper()


def pack(to: Path, about: About, members: Iterable[Member], *, root: RootKey, recipients: Iterable[str] = ()) -> int:
    """Writes an archive; its bytes. `to` is there afterwards, whole and on the disk, or not at all.

    Each member is named, and a file or bytes; a file is read when the one before was taken. Raises `InvalidRequest`
    for a recipient that is no age public key, and what the members raise.
    """
    known = [_own(root).to_public(), *(_recipient(each) for each in recipients)]
    draft = to.with_name(f".{to.name}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with _piped(lambda out: _write_tar(out, about, members)) as plain:
                pyrage.encrypt_io(plain, file, known)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        draft.replace(to)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    flush(to.parent)
    return size


def unpack(archive: Path, root: RootKey, take: Callable[[str, IO[bytes]], None]) -> About:
    """Hands every member's name and content to `take`, one after the other, and checks that the archive is whole.

    Raises `Internal` for a root key that does not open it, for damage, and for one of a newer version.
    """
    try:
        with archive.open("rb") as file, _piped(lambda out: _decrypt(file, out, root)) as plain:
            return _read_tar(plain, take)
    except tarfile.TarError as error:
        raise Internal(f"{archive.name} is damaged: it ends early, or is no copy of a house.") from error
    except OSError as error:
        raise Internal(f"{archive.name} cannot be read or its content not written ({error.strerror}).") from error


def _write_tar(out: IO[bytes], about: About, members: Iterable[Member]) -> None:
    digests: dict[str, str] = {}
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, _ABOUT, about.model_dump_json(indent=2).encode())
        for name, content in members:
            digests[name] = _add(tar, name, content)
        _add(tar, _INDEX, _Index(digests=digests).model_dump_json(indent=1).encode())


def _add(tar: tarfile.TarFile, name: str, content: Path | bytes) -> str:
    """Adds a member and says its digest."""
    entry = tarfile.TarInfo(name)
    entry.mode = 0o600
    with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as source:
        entry.size = len(content) if isinstance(content, bytes) else content.stat().st_size
        hashed = _Hashed(source)
        tar.addfile(entry, hashed)
    return hashed.digest()


def _read_tar(plain: IO[bytes], take: Callable[[str, IO[bytes]], None]) -> About:
    about: About | None = None
    digests: dict[str, str] = {}
    with tarfile.open(fileobj=plain, mode="r|") as tar:
        for entry in tar:
            content = tar.extractfile(entry)
            if not entry.isreg() or content is None:
                raise Internal(f"The copy holds {entry.name[:100]!r}, which is no file.")
            if about is None:
                about = _about(entry, content)
            elif entry.name == _INDEX:
                if _json(_Index, content).digests != digests:
                    raise Internal("The copy is damaged: its content is not what its index says.")
                _drain(plain)
                return about
            else:
                hashed = _Hashed(content)
                take(entry.name, hashed)  # type: ignore[arg-type]  # as above
                digests[entry.name] = hashed.digest()
    raise Internal("The copy is not whole: its end is missing.")


def _about(entry: tarfile.TarInfo, content: IO[bytes]) -> About:
    if entry.name != _ABOUT:
        raise Internal("This is no copy of a house.")
    about: About = _json(About, content)
    if about.format > FORMAT:
        raise Internal(f"The copy was made by a newer version ({about.version}). Restore it with that one.")
    return about


class _Index(BaseModel):
    model_config = ConfigDict(frozen=True)

    digests: dict[str, str]


class _Hashed:
    """A stream whose bytes are hashed as they are read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self._hash = source, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        """The SHA-256 of all that was read."""
        return self._hash.hexdigest()


def _json(model: type[Any], content: IO[bytes]) -> Any:
    try:
        return model.model_validate_json(content.read(_SMALL))
    except ValidationError as error:
        raise Internal("The copy is damaged, or of a version that is not known here.") from error


@contextlib.contextmanager
def _piped(work: Callable[[IO[bytes]], None]) -> Iterator[IO[bytes]]:
    """What `work` writes, to be read at the same time: age and tar both want to be called, so one has its own thread.

    Raises what `work` raised, also where its reader was content with less.
    """
    reading, writing = os.pipe()
    failed: list[BaseException] = []

    def write() -> None:
        try:
            with os.fdopen(writing, "wb") as out:
                work(out)
        except BrokenPipeError:
            pass  # whoever read has had enough, and says why
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            failed.append(error)

    thread = threading.Thread(target=write, name="archive")
    with os.fdopen(reading, "rb") as plain:
        thread.start()
        try:
            yield plain
        except BaseException as error:
            plain.close()
            thread.join()
            if failed and isinstance(error, tarfile.TarError):
                raise failed[0] from error
            raise
    thread.join()
    if failed:
        raise failed[0]


def _decrypt(file: IO[bytes], out: IO[bytes], root: RootKey) -> None:
    try:
        pyrage.decrypt_io(file, out, [_own(root)])
    except pyrage.DecryptError as error:
        words = str(error).lower()
        if "matching" in words or "identit" in words:
            raise Internal("This root key does not open the copy. Take the one of the sheet from that time.") from error
        raise Internal("The copy is damaged: it was changed, or ends early.") from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Internal("The copy is damaged: it was changed, or ends early.") from error


def _drain(plain: IO[bytes]) -> None:
    """Reads to the end, so that what the encryption says about the last bytes is heard."""
    while plain.read(1 << 16):
        pass


def _own(root: RootKey) -> Any:
    return pyrage.x25519.Identity.from_str(identity(root))


def _recipient(text: str) -> Any:
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise InvalidRequest(f"{text[:80]!r} is no age public key (age1…).") from error


def _bech32(prefix: str, data: bytes) -> str:
    """BIP 173, as age writes its keys."""
    bits = int.from_bytes(data) << (-len(data) * 8 % 5)
    length = -(-len(data) * 8 // 5)
    words = [bits >> 5 * place & 31 for place in reversed(range(length))]
    expanded = [*(ord(each) >> 5 for each in prefix), 0, *(ord(each) & 31 for each in prefix)]
    check = _polymod([*expanded, *words, 0, 0, 0, 0, 0, 0]) ^ 1
    return f"{prefix}1" + "".join(_BECH32[each] for each in [*words, *(check >> 5 * (5 - n) & 31 for n in range(6))])


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, factor in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= factor if top >> place & 1 else 0
    return check
