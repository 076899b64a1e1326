"""Web push: a message for one browser, encrypted for it alone (RFC 8291), signed by this house (RFC 8292).

The browser's maker carries it: the host of the endpoint sees that this house said something, when and of what size, and
nothing of what. Which makers there are is a setting; what a browser names beyond it is not asked.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import struct
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from openassistant.context import Clock
from openassistant.errors import InvalidRequest
from openassistant.http import HttpClient
from services.gateway.preferences import Preferences
from services.gateway.wayout import WayOut

__all__ = ["RECORD_SIZE", "Browser", "Pusher", "decoded", "encoded", "encrypted", "host_of", "is_maker"]

RECORD_SIZE = 4096
_POINT, _AUTH, _TAG = 65, 16, 16
_SECONDS = 20.0
_TOKEN_LIFE = timedelta(hours=12)
_KEY = "vapid_key"
_TOPIC = "decisions"


class Browser(NamedTuple):
    """Where one browser is reached, with its public point (65 bytes) and its secret (16 bytes), RFC 8291, 3."""

    endpoint: str
    point: bytes
    secret: bytes


def encoded(data: bytes) -> str:
    """base64url without padding (RFC 7515, appendix C)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes again; raises `InvalidRequest`."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("The browser's keys are not what a browser gives.") from error


def encrypted(
    content: bytes, browser: Browser, *, key: ec.EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """The message in one record of `aes128gcm` (RFC 8188, 2; RFC 8291, 3.4).

    `key` and `salt` are fresh ones unless a test gives those of the RFC. Raises `InvalidRequest` for a point that is
    not on the curve, or more than a record holds.
    """
    key, salt = key or ec.generate_private_key(ec.SECP256R1()), salt or os.urandom(16)
    if len(content) + 1 + _TAG > RECORD_SIZE:
        raise InvalidRequest("That is more than a notice holds.")
    mine = _point(key)
    shared = key.exchange(ec.ECDH(), _public(browser))
    info = b"WebPush: info\0" + browser.point + mine
    material = _derived(shared, salt=browser.secret, info=info, length=32)
    cek = _derived(material, salt=salt, info=b"Content-Encoding: aes128gcm\0", length=16)
    nonce = _derived(material, salt=salt, info=b"Content-Encoding: nonce\0", length=12)
    header = salt + struct.pack("!IB", RECORD_SIZE, len(mine)) + mine
    return header + AESGCM(cek).encrypt(nonce, content + b"\x02", None)


def is_maker(endpoint: str, makers: tuple[str, ...]) -> bool:
    """Whether an endpoint lies with one of the makers: a name, `*.name`, or a whole origin (for tests)."""
    try:
        found = urlsplit(endpoint)
        plain, host = f"{found.scheme}://{found.netloc}", found.hostname or ""
        usual = found.scheme == "https" and found.port in (None, 443) and not found.username
    except ValueError:
        return False
    return any(
        plain == each or (usual and (host == each or (each.startswith("*.") and host.endswith(each[1:]))))
        for each in makers
    )


class Pusher:
    """The house's own key for it, and the sending. `subject` is how a maker could reach its owner (RFC 8292, 2.1)."""

    def __init__(
        self, preferences: Preferences, clock: Clock, *, makers: tuple[str, ...], subject: str, way: WayOut
    ) -> None:
        self._preferences, self._clock, self._makers, self._subject = preferences, clock, makers, subject
        self._way = way
        self._key: ec.EllipticCurvePrivateKey | None = None

    async def public_key(self) -> str:
        """What a browser is told to accept messages from: the public point."""
        return encoded(_point(await self._own()))

    def require(self, browser: Browser) -> None:
        """Raises `InvalidRequest` for what no browser of these makers gives."""
        if not is_maker(browser.endpoint, self._makers):
            raise InvalidRequest("This browser is reached over a service that this house does not know.")
        if len(browser.point) != _POINT or len(browser.secret) != _AUTH:
            raise InvalidRequest("The browser's keys are not what a browser gives.")
        _public(browser)

    async def send(self, browser: Browser, body: bytes, *, life: timedelta) -> None:
        """Hands a message over; it waits for the browser for `life` at most, and replaces one that waits already.

        Raises `NotFound` where the subscription has ended (RFC 8030, 7.3), and what `HttpClient` raises.
        """
        place = urlsplit(browser.endpoint)
        origin = f"{place.scheme}://{place.netloc}"
        headers = {
            "Authorization": await self._signed(origin),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(max(int(life.total_seconds()), 0)),
            "Urgency": "high",
            "Topic": _TOPIC,
        }
        private = [origin] if origin in self._makers else []
        deadline = self._clock() + timedelta(seconds=_SECONDS)
        async with (
            self._way.opened(origin, private=bool(private)),
            HttpClient(
                [origin], deadline=deadline, clock=self._clock, private=private, egress=self._way.egress
            ) as client,
        ):
            await client.post(browser.endpoint, headers=headers, content=body, follow=False, limit=10_000)

    async def _signed(self, origin: str) -> str:
        """The `Authorization` of RFC 8292: a JWT of this house for one maker's origin."""
        key = await self._own()
        expires = int((self._clock() + _TOKEN_LIFE).timestamp())
        claims = {"aud": origin, "exp": expires, "sub": self._subject}
        token = ".".join(encoded(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
        r, s = decode_dss_signature(key.sign(token.encode(), ec.ECDSA(hashes.SHA256())))
        signature = encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        return f"vapid t={token}.{signature}, k={encoded(_point(key))}"

    async def _own(self) -> ec.EllipticCurvePrivateKey:
        """The house's key, made when it is needed first; it lies in the room's encrypted file."""
        if self._key is None:
            kept = await self._preferences.get(_KEY)
            if kept is None:
                made = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
                kept = encoded(made.to_bytes(32, "big"))
                await self._preferences.put(_KEY, kept)
            self._key = ec.derive_private_key(int.from_bytes(decoded(kept), "big"), ec.SECP256R1())
        return self._key


def host_of(endpoint: str) -> str:
    """The host that carries a message."""
    return urlsplit(endpoint).hostname or ""


def _public(browser: Browser) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), browser.point)
    except ValueError as error:
        raise InvalidRequest("The browser's keys are not what a browser gives.") from error


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _derived(material: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(material)
