"""The digests that OneDrive gives of a content, made here for comparison.

QuickXorHash: https://learn.microsoft.com/onedrive/developer/code-snippets/quickxorhash. Each byte is laid over 160
bits, 11 bits further than the one before, so that bytes 160 apart meet at the same place; the length is laid over the
end.
"""

from __future__ import annotations

import base64
import hashlib

__all__ = ["is_same", "quick_xor"]

_BITS, _SHIFT = 160, 11


def quick_xor(content: bytes) -> str:
    """The QuickXorHash of a content, in base64 as OneDrive gives it."""
    folded = 0
    for start in range(0, len(content), _BITS):
        folded ^= int.from_bytes(content[start : start + _BITS].ljust(_BITS, b"\0"), "little")
    mask, found = (1 << _BITS) - 1, 0
    for place, byte in enumerate(folded.to_bytes(_BITS, "little")):
        laid = byte << (place * _SHIFT % _BITS)
        found ^= (laid & mask) | (laid >> _BITS)
    found ^= len(content) << (_BITS - 64)
    return base64.b64encode((found & mask).to_bytes(_BITS // 8, "little")).decode()


def is_same(digest: str, content: bytes) -> bool | None:
    """Whether a digest (`quickXor:…`, `sha256:…`, `sha1:…`) is that of a content; None where there is no digest."""
    kind, _, value = digest.partition(":")
    if kind == "quickXor":
        return value == quick_xor(content)
    if kind in ("sha256", "sha1"):
        return value.lower() == hashlib.new(kind, content, usedforsecurity=False).hexdigest()
    return None
