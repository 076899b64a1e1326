"""Identity tokens of OpenID providers: signed by one of the provider's public keys, or nothing (RFC 7515, RFC 7519)."""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Iterable
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from openassistant.errors import UpstreamFailed

__all__ = ["ALGORITHMS", "PublicKeys"]

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""What an identity token may be signed with: never `none`, and never with a secret that we know, too."""
_KINDS = ("RSA", "EC", "OKP")
_MOST = 50


class PublicKeys:
    """A provider's keys for signatures; shared secrets and private keys among them are left out."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    @classmethod
    def read(cls, told: dict[str, Any]) -> PublicKeys:
        """The keys of a JWK set (RFC 7517), without those that cannot be read; raises `UpstreamFailed`."""
        found = told.get("keys")
        if not isinstance(found, list):
            raise UpstreamFailed("The provider's keys are not of the agreed form.")
        keys = []
        for each in filter(_signs, found[:_MOST]):
            try:
                keys += KeySet.import_key_set({"keys": [each]}).keys
            except (JoseError, ValueError, TypeError, KeyError):
                continue
        return cls(KeySet(keys))

    def claims(self, token: str, algorithms: Iterable[str]) -> dict[str, Any] | None:
        """What a token says that one of the keys signed; None for any other."""
        allowed, kid = [each for each in algorithms if each in ALGORITHMS], _kid(token)
        for key in self._keys.keys:
            if kid is not None and key.kid != kid:
                continue
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # EdDSA has another name since RFC 9864
                    claims = jwt.decode(token, key, algorithms=allowed).claims
            except (JoseError, ValueError, TypeError, KeyError):
                continue
            return dict(claims)
        return None


def _signs(key: object) -> bool:
    if not isinstance(key, dict) or key.get("kty") not in _KINDS or "d" in key:
        return False
    return key.get("use", "sig") == "sig" and "verify" in key.get("key_ops", ["verify"])


def _kid(token: str) -> str | None:
    """The key that a token names, not believed yet."""
    part = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return None
    kid = header.get("kid") if isinstance(header, dict) else None
    return kid if isinstance(kid, str) else None
