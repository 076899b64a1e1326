"""The root key and what is derived from it: the vault's own file key and the key that wraps all others.

Its file holds the key itself, or the key wrapped under a passphrase. While it is being replaced the one that follows
lies beside it (`<name>.new`), until the vault's file is under it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import secrets
import unicodedata
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from openassistant.durable import flush, put, sweep
from openassistant.errors import Internal

__all__ = ["SHORTEST_PASSPHRASE", "RootFile", "RootKey", "WrongPassphrase", "is_protected", "read_passphrase"]

SHORTEST_PASSPHRASE = 12
_MEMORY_KIB, _PASSES, _LANES = 64 * 1024, 10, 4
"""Argon2id: the memory of RFC 9106's second recommended setting, for the vault's container has 256 MB, and three times
its passes. Measured: 0.6 s of a cloud machine's processor for each attempt."""
_MOST_MEMORY_KIB, _MOST_PASSES, _MOST_LANES = 1024 * 1024, 100, 16
"""A file that asks for more was not made here."""
_IDENTITY = re.compile(r"[0-9a-f]{32}")
_KIND = "open-assistant-root-key"


class WrongPassphrase(Internal):
    """The root key's file is protected, and the passphrase is missing or another one."""


class RootKey:
    """32 random bytes from outside the data volume; nothing is encrypted with them directly.

    `replaces` are the identities of the keys before it, oldest first: who knows one of them knows that it follows.
    """

    def __init__(self, raw: bytes, *, replaces: tuple[str, ...] = ()) -> None:
        if len(raw) != 32:
            raise Internal("The root key is not 32 bytes.")
        self._raw, self.replaces = raw, replaces

    @classmethod
    def load(cls, path: Path, *, passphrase: str | None = None) -> RootKey:
        """The key in a file; raises `WrongPassphrase`, `Internal`, in words for the administrator."""
        try:
            return cls._parsed(path, path.read_text().strip(), passphrase)
        except OSError as error:
            raise Internal(
                f"The root key {path} cannot be read. Without it nothing stored here can be opened: "
                "put the key file back, or restore it from your note of it."
            ) from error
        except (binascii.Error, ValueError, KeyError, TypeError) as error:
            raise Internal(f"The root key {path} is not a key: it should hold 44 characters of base64.") from error

    def raw(self) -> bytes:
        """The key itself, for the sheet on which its owner keeps it."""
        return self._raw

    @classmethod
    def _parsed(cls, path: Path, text: str, passphrase: str | None) -> RootKey:
        if text.startswith("{"):
            return cls._unlocked(path, json.loads(text), passphrase)
        first, *rest = text.splitlines() or [""]
        replaces = tuple(line.removeprefix("replaces ") for line in rest)
        if not all(_IDENTITY.fullmatch(each) for each in replaces):
            raise ValueError("not an identity")
        return cls(base64.b64decode(first, validate=True), replaces=replaces)

    @classmethod
    def _unlocked(cls, path: Path, held: dict[str, Any], passphrase: str | None) -> RootKey:
        if passphrase is None:
            raise WrongPassphrase(f"The root key {path} is protected by a passphrase, and none was given.")
        memory, passes, lanes = int(held["memory_kib"]), int(held["passes"]), int(held["lanes"])
        if held["kind"] != _KIND or memory > _MOST_MEMORY_KIB or passes > _MOST_PASSES or lanes > _MOST_LANES:
            raise ValueError("not of our making")
        salt = base64.b64decode(held["salt"], validate=True)
        wrapping = _stretched(passphrase, salt, memory=memory, passes=passes, lanes=lanes)
        try:
            raw = aes_key_unwrap(wrapping, base64.b64decode(held["wrapped"], validate=True))
        except InvalidUnwrap as error:
            raise WrongPassphrase(f"This is not the passphrase of the root key {path}. Nothing was changed.") from error
        return cls(raw, replaces=tuple(held["replaces"]))

    @classmethod
    def following(cls, former: RootKey) -> RootKey:
        """A new key that takes another's place."""
        return cls(secrets.token_bytes(32), replaces=(*former.replaces, former.identity))

    def become(self, other: RootKey) -> None:
        """Whoever holds this object holds the other key from now on."""
        self._raw, self.replaces = other._raw, other.replaces

    def dump(self, *, passphrase: str | None = None) -> str:
        """The text of a file that holds the key, wrapped under a passphrase where one is given."""
        if passphrase is None:
            lines = (base64.b64encode(self._raw).decode(), *(f"replaces {each}" for each in self.replaces))
            return "".join(f"{line}\n" for line in lines)
        salt = secrets.token_bytes(16)
        wrapping = _stretched(passphrase, salt, memory=_MEMORY_KIB, passes=_PASSES, lanes=_LANES)
        held = {
            "kind": _KIND, "kdf": "argon2id", "memory_kib": _MEMORY_KIB, "passes": _PASSES, "lanes": _LANES,
            "salt": base64.b64encode(salt).decode(), "wrap": "aes-256-kw",
            "wrapped": base64.b64encode(aes_key_wrap(wrapping, self._raw)).decode(), "replaces": self.replaces,
        }  # fmt: skip
        return json.dumps(held, indent=2) + "\n"

    @property
    def identity(self) -> str:
        """By which the key is known without being told."""
        return hashlib.sha256(self.derive("id")).hexdigest()[:32]

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose (HKDF-SHA-256, RFC 5869)."""
        return HKDF(SHA256(), 32, salt=None, info=f"oa/vault/{purpose}".encode()).derive(self._raw)

    def wrap(self, key: bytes) -> bytes:
        """A key wrapped for storage (AES key wrap, RFC 3394)."""
        return aes_key_wrap(self.derive("kek"), key)

    def unwrap(self, wrapped: bytes) -> bytes:
        """The key behind `wrap`; raises `Internal` when it was wrapped under another root key."""
        try:
            return aes_key_unwrap(self.derive("kek"), wrapped)
        except InvalidUnwrap as error:
            raise Internal("A stored key was wrapped under another root key.") from error


class RootFile:
    """The file with the root key, and how a key takes another's place in it.

    `passphrase_file` is read each time that it is needed, and its content kept no longer.
    """

    def __init__(self, path: Path, *, passphrase_file: Path | None = None) -> None:
        self.path, self._passphrase_file = path, passphrase_file
        self._coming = path.with_name(f"{path.name}.new")

    @property
    def is_protected(self) -> bool:
        """Whether a passphrase is needed."""
        return is_protected(self.path)

    @property
    def fixed(self) -> str | None:
        """Why the key in it cannot be replaced from here, where that is so."""
        if os.access(self.path.parent, os.W_OK):
            return None
        return "The root key is a file that the house was given and may not write. The guide to keys says what to do."

    def load(self) -> RootKey:
        """The key; raises as `RootKey.load`."""
        return RootKey.load(self.path, passphrase=self._passphrase())

    def load_coming(self) -> RootKey | None:
        """The key that is about to take its place, where one lies there whole."""
        if not self._coming.exists():
            return None
        try:
            return RootKey.load(self._coming, passphrase=self._passphrase())
        except WrongPassphrase:
            raise
        except Internal:
            return None

    def put_beside(self, key: RootKey) -> None:
        """Writes down the key that will follow, as this one is kept."""
        sweep(self._coming)
        put(self._coming, key.dump(passphrase=self._passphrase() if self.is_protected else None))

    def switch(self) -> None:
        """The key that follows takes the place, in one step."""
        sweep(self._coming)
        self._coming.replace(self.path)
        flush(self.path.parent)

    def discard(self) -> None:
        """The key that would have followed is dropped."""
        sweep(self._coming)
        self._coming.unlink(missing_ok=True)

    def _passphrase(self) -> str | None:
        return read_passphrase(self._passphrase_file) if self._passphrase_file and self.is_protected else None


def is_protected(path: Path) -> bool:
    """Whether a root key's file asks for a passphrase; a file that cannot be read does not."""
    try:
        return path.read_text().lstrip().startswith("{")
    except (OSError, UnicodeDecodeError):
        return False


def read_passphrase(path: Path) -> str:
    """The passphrase in a file, without the end of its line; raises `Internal`."""
    try:
        found = path.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Internal(f"OA_PASSPHRASE_FILE: {path} cannot be read.") from error
    if not found:
        raise WrongPassphrase("OA_PASSPHRASE_FILE is empty, and the root key is protected by a passphrase.")
    return found


def _stretched(passphrase: str, salt: bytes, *, memory: int, passes: int, lanes: int) -> bytes:
    plain = unicodedata.normalize("NFC", passphrase).encode()
    return Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory).derive(plain)
