"""What comes in by an account's own address: the messages that a provider pushes, and what proves that it did.

    @connector.hook
    async def hook(ctx: Context, hook: Hook) -> HookAnswer:
        if not hmac_fits(secret, hook.body, hook.headers.get("x-hub-signature-256", ""), prefix="sha256="):
            return REFUSED

The gateway's door (`/hooks/{connector}/{token}`) knows whose account an address is of, limits sizes and rates,
and hands on the raw bytes with the headers that the card names. Whether they are the provider's the connector alone
can tell.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from openassistant.messages import Id, Wire

__all__ = ["LARGEST_HOOK", "REFUSED", "Hook", "HookAnswer", "hmac_fits", "is_fresh"]

LARGEST_HOOK = 4 * 1024 * 1024
"""Bytes of a body that the door takes at most; a card may ask for less."""

_MOST = 64
_Line = Annotated[str, Field(max_length=2_000)]


class Hook(Wire):
    """One request to an account's address: `body` as it came, byte for byte; header names in lower case."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    account: Id
    method: Literal["GET", "POST"]
    query: Annotated[dict[str, _Line], Field(default_factory=dict, max_length=_MOST)]
    headers: Annotated[dict[str, _Line], Field(default_factory=dict, max_length=_MOST)]
    body: Annotated[bytes, Field(max_length=LARGEST_HOOK)] = b""


class HookAnswer(Wire):
    """What the provider is told, as plain text; 403 says that the request is not the provider's."""

    status: Literal[200, 202, 204, 400, 403, 404, 503] = 200
    text: Annotated[str, Field(max_length=4_096)] = ""


REFUSED = HookAnswer(status=403)
"""The signature does not fit; nothing was read."""


def hmac_fits(secret: str, body: bytes, given: str, *, prefix: str = "", algorithm: str = "sha256") -> bool:
    """Whether `given` is `prefix` and the HMAC of these very bytes in hex, compared in constant time.

    An empty secret fits nothing.
    """
    made = prefix + hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()
    return hmac.compare_digest(made.encode(), given.strip().encode("utf-8", "replace")) and bool(secret)


def is_fresh(signed: datetime, now: datetime, *, within: timedelta, ahead: timedelta = timedelta(minutes=5)) -> bool:
    """Whether a signed time lies in the window in which a delivery counts; older ones may be repeats by anybody."""
    return now - within <= signed <= now + ahead
