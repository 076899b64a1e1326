"""Signed tree heads as C2SP checkpoints: signed notes that existing verifiers and witnesses read."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from openassistant.errors import Forbidden
from openassistant.messages import TreeHead

__all__ = ["ORIGIN", "is_signed", "read", "sign"]

ORIGIN = "open-assistant/ledger"
_ED25519 = b"\x01"


def sign(size: int, root: bytes, time: datetime, key: bytes) -> TreeHead:
    """A head signed with a 32-byte Ed25519 seed; the time stands in an extension line."""
    private = Ed25519PrivateKey.from_private_bytes(key)
    body = f"{ORIGIN}\n{size}\n{base64.b64encode(root).decode()}\ntime {time.isoformat()}\n"
    signature = _key_hash(private.public_key().public_bytes_raw()) + private.sign(body.encode())
    note = f"{body}\n— {ORIGIN} {base64.b64encode(signature).decode()}\n"
    return TreeHead(size=size, root=root.hex(), time=time, checkpoint=note)


def read(note: str, public: bytes) -> TreeHead:
    """The head in a note signed by this key; raises `Forbidden` when it is anything else."""
    try:
        body, _, signatures = note.partition("\n\n")
        origin, size, root, time = body.split("\n")
        raw = base64.b64decode(signatures.removeprefix(f"— {ORIGIN} ").strip(), validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], f"{body}\n".encode())
        head = TreeHead(
            size=int(size),
            root=base64.b64decode(root, validate=True).hex(),
            time=datetime.fromisoformat(time.removeprefix("time ")),
            checkpoint=note,
        )
    except (ValueError, binascii.Error, InvalidSignature) as error:
        raise Forbidden("That tree head was not signed by this ledger.") from error
    if origin != ORIGIN or raw[:4] != _key_hash(public):
        raise Forbidden("That tree head is of another ledger.")
    return head


def is_signed(note: str, public: bytes) -> bool:
    """Whether a note is a head that this key signed."""
    try:
        read(note, public)
    except Forbidden:
        return False
    return True


def _key_hash(public: bytes) -> bytes:
    """The first four bytes that name a key in a signed note (C2SP signed-note)."""
    return hashlib.sha256(ORIGIN.encode() + b"\n" + _ED25519 + public).digest()[:4]
