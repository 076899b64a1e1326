"""An OpenID provider over a transport that is right in everything, but for what a test changes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import warnings
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

__all__ = ["ISSUER", "OTHER_RSA", "RSA", "Forger", "packed"]

ISSUER = "https://id.example"
RSA, OTHER_RSA = RSAKey.generate_key(2048), RSAKey.generate_key(2048)


def packed(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def hashed(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    """A token with an HMAC, made by hand: libraries refuse such keys."""
    said = f"{packed(header)}.{packed(claims)}"
    mac = hmac.new(key, said.encode(), hashlib.sha256).digest()
    return f"{said}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


class Forger:
    """A provider over a transport: right in everything, but for what a test changes."""

    def __init__(self) -> None:
        self.key: Any = RSA
        self.keys: list[Any] = [RSA]
        self.algorithm = "RS256"
        self.header: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.without: tuple[str, ...] = ()
        self.token: str | None = None
        self.userinfo: dict[str, Any] | None = None
        self.document: dict[str, Any] = {}
        self.nonces: dict[str, str] = {}
        self.used: set[str] = set()
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.challenges: dict[str, str] = {}
        self.down = False
        self.now = time.time

    def allow(self, url: str, *, subject: str = "ada") -> dict[str, str]:
        query = dict(parse_qsl(urlsplit(url).query))
        code = secrets.token_urlsafe(16)
        self.nonces[code], self.challenges[code] = query["nonce"], query["code_challenge"]
        self.claims.setdefault("sub", subject)
        return {"state": query["state"], "code": code}

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if self.down:
            raise httpx.ConnectError("away")
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(200, json=self._document())
        if request.url.path == "/jwks":
            return httpx.Response(
                200, json={"keys": [each.as_dict(private=isinstance(each, OctKey)) for each in self.keys]}
            )
        if request.url.path == "/userinfo":
            return httpx.Response(200, json=self.userinfo)
        return self._token(request)

    def _document(self) -> dict[str, Any]:
        return {
            "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/authorize", "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks", "response_types_supported": ["code"],
            **({"userinfo_endpoint": f"{ISSUER}/userinfo"} if self.userinfo is not None else {}), **self.document,
        }  # fmt: skip

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = dict(parse_qsl(request.content.decode()))
        self.forms.append(form)
        code = form["code"]
        if code in self.used or code not in self.nonces:
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.used.add(code)
        token = self.token or self.signed(self.nonces[code])
        return httpx.Response(200, json={"access_token": "fake", "token_type": "Bearer", "id_token": token})

    def signed(self, nonce: str) -> str:
        now = int(self.now())
        claims = {"iss": ISSUER, "aud": "house", "iat": now, "exp": now + 300, "nonce": nonce, **self.claims}
        header = {"alg": self.algorithm, "kid": getattr(self.key, "kid", None), **self.header}
        plain = {name: value for name, value in claims.items() if name not in self.without}
        named = {name: value for name, value in header.items() if value is not None}
        if self.algorithm == "HS256":
            return hashed(named, plain, self.key)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return jwt.encode(named, plain, self.key, algorithms=[self.algorithm])


def _told(key: Any) -> dict[str, Any]:
    told: dict[str, Any] = key.as_dict(private=isinstance(key, OctKey))
    return told


for each in (RSA, OTHER_RSA):
    each.ensure_kid()
