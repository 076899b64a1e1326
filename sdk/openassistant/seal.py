"""Secrets and data keys in transit: HPKE (RFC 9180) boxes that only the receiver opens."""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from openassistant.errors import Forbidden, InvalidRequest

__all__ = ["SealingKey", "b64decode", "b64encode", "seal"]

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def b64encode(raw: bytes) -> str:
    """URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def b64decode(text: str) -> bytes:
    """The bytes behind `b64encode`; raises `InvalidRequest`."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("A value is not valid base64.") from error


class SealingKey:
    """A receiver's X25519 key pair; make one per request, or one per process where many send."""

    def __init__(self) -> None:
        self._private = X25519PrivateKey.generate()

    @property
    def public(self) -> str:
        """The public key, base64: what the sender needs."""
        return b64encode(self._private.public_key().public_bytes_raw())

    def open(self, box: str, *, context: str) -> bytes:
        """The plain bytes; raises `Forbidden` when the box is for another key or another context."""
        try:
            return _SUITE.decrypt(b64decode(box), self._private, info=context.encode())
        except (InvalidTag, ValueError) as error:
            raise Forbidden("The sealed value was not made for this receiver.") from error


def seal(plain: bytes, public: str, *, context: str) -> str:
    """A box of `plain` for the holder of `public`; `context` (a subject, say) must be the same at opening."""
    try:
        key = X25519PublicKey.from_public_bytes(b64decode(public))
        return b64encode(_SUITE.encrypt(plain, key, info=context.encode()))
    except ValueError as error:
        raise InvalidRequest("The public key is not an X25519 key.") from error
