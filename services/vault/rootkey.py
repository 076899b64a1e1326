"""The root key and what is derived from it: the vault's own file key and the key that wraps all others."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from openassistant.errors import Internal

__all__ = ["RootKey"]


class RootKey:
    """32 random bytes from outside the data volume; nothing is encrypted with them directly."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != 32:
            raise Internal("The root key is not 32 bytes.")
        self._raw = raw

    @classmethod
    def load(cls, path: Path) -> RootKey:
        """The key in a file (base64, one line); raises `Internal` in words for the administrator."""
        try:
            return cls(base64.b64decode(path.read_text().strip(), validate=True))
        except OSError as error:
            raise Internal(
                f"The root key {path} cannot be read. Without it nothing stored here can be opened: "
                "put the key file back, or restore it from your note of it."
            ) from error
        except (binascii.Error, ValueError) as error:
            raise Internal(f"The root key {path} is not a key: it should hold 44 characters of base64.") from error

    def raw(self) -> bytes:
        """The key itself, for the sheet on which its owner keeps it."""
        return self._raw

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
