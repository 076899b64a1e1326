"""A browser maker's push service with its browsers: takes what RFC 8030 and 8292 ask for, and refuses the rest.

The decryption is this file's own, from the text of RFC 8188 and 8291, so that it shares no mistake with the sender.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.peers.process import LOOPBACK, Lifespan, free_port

__all__ = ["Push", "PushBrowser", "PushService", "opened"]

_UNCOMPRESSED = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


@dataclass(frozen=True)
class Push:
    """One message that the service took for a browser."""

    body: bytes
    headers: dict[str, str]


@dataclass
class PushBrowser:
    """A browser that has subscribed: its endpoint, and the keys that it alone has."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey
    auth: bytes
    taken: list[Push] = field(default_factory=list)

    @property
    def draft(self) -> dict[str, str]:
        """What its page hands to the house."""
        point = self.key.public_key().public_bytes(*_UNCOMPRESSED)
        return {"endpoint": self.endpoint, "point": _text(point), "secret": _text(self.auth), "name": "A test browser"}

    @property
    def secret(self) -> str:
        """Its private key, for another implementation to decrypt with."""
        return _text(self.key.private_numbers().private_value.to_bytes(32, "big"))

    def read(self, push: Push) -> bytes:
        """What a message says."""
        return opened(push.body, self.key, self.auth)


class PushService(Lifespan):
    """Listens on loopback. `status` answers all that is right in another way; `refused` says why others were not."""

    def __init__(self) -> None:
        self.port = free_port()
        self.browsers: dict[str, PushBrowser] = {}
        self.refused: list[str] = []
        self.status: int | None = None
        self.now: Callable[[], float] = time.time
        self.known_key: str | None = None
        """The only sender's key that its browsers take messages from (`applicationServerKey`), once it is known."""
        self._server: http.server.ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def origin(self) -> str:
        """Its origin."""
        return f"http://{LOOPBACK}:{self.port}"

    def subscribe(self) -> PushBrowser:
        """Another browser."""
        name = secrets.token_hex(8)
        key = ec.generate_private_key(ec.SECP256R1())
        self.browsers[name] = PushBrowser(f"{self.origin}/push/{name}", key, secrets.token_bytes(16))
        return self.browsers[name]

    def unsubscribe(self, browser: PushBrowser) -> None:
        """The browser has ended it: messages to it are answered with 410."""
        del self.browsers[browser.endpoint.rsplit("/", 1)[-1]]

    def start(self) -> None:
        """Listen."""
        self._server = http.server.ThreadingHTTPServer((LOOPBACK, self.port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        """Close."""
        if self._server and self._thread:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def fault(self, headers: dict[str, str]) -> str | None:
        """What is wrong with a request, by RFC 8030, 5 and RFC 8292, 2."""
        if headers.get("content-encoding") != "aes128gcm" or not headers.get("ttl", "").isdigit():
            return "encoding or TTL"
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        given = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        if scheme != "vapid" or {"t", "k"} - set(given):
            return "no vapid"
        if self.known_key is not None and given["k"] != self.known_key:
            return "another sender"
        return self._token_fault(given["t"], given["k"])

    def _token_fault(self, token: str, key: str) -> str | None:
        head, claims, signature = token.split(".")
        if json.loads(_bytes(head)).get("alg") != "ES256" or len(_bytes(signature)) != 64:
            return "not ES256"
        r, s = (int.from_bytes(part, "big") for part in (_bytes(signature)[:32], _bytes(signature)[32:]))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(key))
        try:
            public.verify(encode_dss_signature(r, s), f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return "signature"
        said = json.loads(_bytes(claims))
        if said.get("aud") != self.origin or not self.now() < said.get("exp", 0) <= self.now() + 86_400:
            return "audience or time"
        return None if str(said.get("sub", "")).startswith(("mailto:", "https:")) else "no contact"


def opened(body: bytes, key: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """The content of a message in one record (RFC 8188, 2.1; RFC 8291, 3.4)."""
    salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
    sender, record = body[21 : 21 + length], body[21 + length :]
    assert len(record) <= size
    shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
    mine = key.public_key().public_bytes(*_UNCOMPRESSED)
    ikm = _hkdf(auth, shared, b"WebPush: info\x00" + mine + sender, 32)
    plain = AESGCM(_hkdf(salt, ikm, b"Content-Encoding: aes128gcm\x00", 16)).decrypt(
        _hkdf(salt, ikm, b"Content-Encoding: nonce\x00", 12), record, None
    )
    content, mark, padding = plain.rpartition(b"\x02")
    assert mark
    assert not padding.strip(b"\x00")
    return content


def _hkdf(salt: bytes, material: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, for at most one block."""
    key = hmac.new(salt, material, hashlib.sha256).digest()
    return hmac.new(key, info + b"\x01", hashlib.sha256).digest()[:length]


def _handler(service: PushService) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(self._status(body, headers))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _status(self, body: bytes, headers: dict[str, str]) -> int:
            browser = service.browsers.get(self.path.rsplit("/", 1)[-1])
            if browser is None:
                return 410
            if fault := service.fault(headers):
                service.refused.append(fault)
                return 403
            if service.status is not None:
                return service.status
            browser.taken.append(Push(body, headers))
            return 201

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
