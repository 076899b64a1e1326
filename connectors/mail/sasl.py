"""Signing in with an access token instead of a password: OAUTHBEARER (RFC 7628) and Google's XOAUTH2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from connectors.mail.account import Server

__all__ = ["Mechanism", "answers", "mechanism", "oauth_response"]

Mechanism = Literal["OAUTHBEARER", "XOAUTH2"]
_MECHANISMS: tuple[Mechanism, ...] = ("OAUTHBEARER", "XOAUTH2")
_AFTER_REFUSAL: dict[Mechanism, bytes] = {"OAUTHBEARER": b"\x01", "XOAUTH2": b""}
"""What ends the exchange once the server has said why it refuses (RFC 7628, 3.2.3; XOAUTH2's error response)."""


def mechanism(offers: Callable[[str], bool]) -> Mechanism | None:
    """The way to sign in with a token that a server offers (as `AUTH=…`), the standard one first."""
    return next((name for name in _MECHANISMS if offers(f"AUTH={name}")), None)


def oauth_response(name: Mechanism, login: str, token: str, server: Server) -> bytes:
    """The client's first message, before base64; raises `ValueError` for a token that could end it early."""
    if not token or any(not "\x20" < letter < "\x7f" for letter in token):
        raise ValueError("an access token is visible ASCII (RFC 6750, 2.1)")
    if "\x01" in login:
        raise ValueError("a user name has no control characters")
    if name == "XOAUTH2":
        return f"user={login}\x01auth=Bearer {token}\x01\x01".encode()
    named = login.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={named},\x01host={server.host}\x01port={server.port}\x01auth=Bearer {token}\x01\x01".encode()


def answers(name: Mechanism, first: bytes) -> Callable[[bytes], bytes]:
    """What to answer to each challenge of the server: the message, then the end of a refused exchange."""
    waiting = [first]
    return lambda _: waiting.pop() if waiting else _AFTER_REFUSAL[name]
