"""Secrets as files: written whole, readable by their owner alone; and the kinds of keys a house has."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

import nkeys

from openassistant.durable import put
from openassistant.grants import SigningKey

__all__ = ["bus_key", "keep", "password", "public_bus_key", "root_key", "signing_key", "write", "written_key"]


def write(path: Path, text: str) -> None:
    """Puts `text` in place of whatever `path` held, in one step; mode 0600 in a folder of mode 0700."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    put(path, text)


def keep(path: Path, text: str) -> None:
    """As `write`, unless the file says so already."""
    if not path.exists() or path.read_text() != text:
        write(path, text)


def root_key() -> str:
    """32 random bytes in base64, as the vault reads them."""
    return written_key(secrets.token_bytes(32))


def written_key(raw: bytes) -> str:
    """A root key as its file holds it."""
    return base64.b64encode(raw).decode() + "\n"


def password(path: Path) -> str:
    """The random password in a file, which is made when missing."""
    if not path.exists():
        write(path, secrets.token_urlsafe(32) + "\n")
    return path.read_text().strip()


def bus_key(path: Path) -> str:
    """The public nkey of the seed in `path`, which is made when missing."""
    if not path.exists():
        write(path, nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER).decode() + "\n")
    return public_bus_key(path.read_text().strip())


def public_bus_key(seed: str) -> str:
    """The public nkey of a seed."""
    public: bytes = nkeys.from_seed(bytearray(seed.encode())).public_key
    return public.decode()


def signing_key(path: Path) -> SigningKey:
    """The Ed25519 key in a JWK file, which is made when missing."""
    if not path.exists():
        write(path, SigningKey.generate().private_jwk() + "\n")
    return SigningKey.load(path)
