"""A security key in software: makes passkeys and shows them as WebAuthn Level 3 says, or wrongly for a test."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["Authenticator", "plain", "spelt"]

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


def spelt(raw: bytes) -> str:
    """Bytes in base64url."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def plain(text: str) -> bytes:
    """What was spelt so."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """One passkey; what a test changes beforehand is wrong afterwards. `counter` counts on, where it counts at all."""

    def __init__(self, origin: str = "http://localhost:8080", host: str = "localhost") -> None:
        self.origin, self.host, self.counter, self.counts = origin, host, 0, True
        self.id, self.handle, self.verified = secrets.token_bytes(32), b"", True
        self.more: dict[str, Any] = {"crossOrigin": False}
        self._key = ec.generate_private_key(ec.SECP256R1())

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """The browser's answer to what it was asked to make."""
        self.handle = plain(options["user"]["id"])
        point = self._key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}
        attested = bytes(16) + len(self.id).to_bytes(2) + self.id + cbor2.dumps(cose)
        data = self._data(_ATTESTED) + attested
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        parts = {
            "clientDataJSON": spelt(self._client("webauthn.create", options)),
            "attestationObject": spelt(statement),
        }
        return self._answer({**parts, "transports": ["internal"]})

    def show(self, options: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """The browser's answer where it was asked to sign in."""
        data, client = self._data(), self._client("webauthn.get", options)
        signed = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        parts = {
            "clientDataJSON": spelt(client), "authenticatorData": spelt(data), "signature": spelt(signed),
            "userHandle": spelt(self.handle),
        }  # fmt: skip
        return self._answer({**parts, **changes})

    def _answer(self, parts: dict[str, Any]) -> dict[str, Any]:
        return {"id": spelt(self.id), "rawId": spelt(self.id), "type": "public-key", "response": parts}

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        return json.dumps(
            {"type": kind, "challenge": options["challenge"], "origin": self.origin, **self.more}
        ).encode()

    def _data(self, flags: int = 0) -> bytes:
        self.counter += self.counts
        flags |= _PRESENT | (_VERIFIED if self.verified else 0)
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4)
