"""A record's stored form, the bytes its leaf hash is over, and its content under the user's key."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from openassistant.messages import LedgerEntry
from services.audit.tree import leaf_hash

__all__ = ["COLUMNS", "LARGEST_CONTENT", "SETTLED", "decrypt", "encrypt", "entry", "exported", "leaf_of"]

COLUMNS = (
    "position",
    "id",
    "action",
    "room",
    "time",
    "user",
    "turn",
    "conversation",
    "connector",
    "card_digest",
    "tool",
    "effect",
    "account",
    "call_digest",
    "outcome",
    "content",
)
"""What the leaf hash covers, in the order of the table; `leaf` itself is the hash."""

SETTLED = (
    "room",
    "user",
    "turn",
    "conversation",
    "connector",
    "card_digest",
    "tool",
    "account",
    "call_digest",
    "outcome",
)
"""What must be the same when a record is made again; the content is encrypted anew each time."""

LARGEST_CONTENT = 256 * 1024
"""Bytes of JSON; of anything larger the ledger keeps the digest."""


def exported(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON values: the content's ciphertext in base64, what is absent left out."""
    shown = {name: row[name] for name in COLUMNS if row[name] is not None}
    if "content" in shown:
        shown["content"] = base64.b64encode(shown["content"]).decode()
    return shown


_FLAT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
"""For one object of strings and small integers under ASCII names this is the RFC 8785 form, at a tenth of the time."""


def leaf_of(row: dict[str, Any]) -> bytes:
    """The leaf hash of a row: over the RFC 8785 form of what is exported, ciphertext included.

    Raises `TypeError` or `ValueError` for values that no record holds.
    """
    return leaf_hash(_FLAT.encode(exported(row)).encode())


def encrypt(content: Any, key: bytes, *, bound_to: str) -> bytes | None:
    """The content as JSON under a key (ChaCha20-Poly1305, nonce in front); None stays None."""
    if content is None:
        return None
    nonce = secrets.token_bytes(12)
    plain = json.dumps(content).encode()
    if len(plain) > LARGEST_CONTENT:
        plain = json.dumps({"digest": hashlib.sha256(plain).hexdigest(), "bytes": len(plain)}).encode()
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, plain, bound_to.encode())


def decrypt(sealed: bytes | None, key: bytes, *, bound_to: str) -> Any:
    """The content again; None where it is absent, was changed, or the key no longer fits (its owner was erased)."""
    if sealed is None:
        return None
    try:
        return json.loads(ChaCha20Poly1305(key).decrypt(sealed[:12], sealed[12:], bound_to.encode()))
    except (InvalidTag, TypeError, ValueError):
        return None


def entry(row: dict[str, Any], content: Any) -> LedgerEntry:
    """A row as its owner reads it."""
    shown = {name: row[name] for name in COLUMNS if name not in ("position", "content", "card_digest")}
    return LedgerEntry.model_validate(
        {**shown, "index": row["position"], "content": content, "leaf": bytes(row["leaf"]).hex()}
    )
