"""An account's settings, checked."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from openassistant.connector import Context, Credentials
from openassistant.errors import InvalidRequest

__all__ = ["Number", "number_of"]

_USUAL = "https://graph.facebook.com"
_VERSION = "v26.0"
_ID = re.compile(r"[0-9]{5,30}")
_API = re.compile(r"v[1-9][0-9]{0,2}\.[0-9]")
_WORDS = {
    "phone_number_id": "Give the phone number ID: digits, as under API Setup in Meta's app dashboard",
    "waba_id": "Give the WhatsApp Business Account ID: digits, as under API Setup in Meta's app dashboard",
    "api_url": f"Give an address such as {_USUAL}",
    "api_version": f"Give a version such as {_VERSION}",
}


class Number(NamedTuple):
    """One number at Meta. `base` is where its API answers; the secrets are empty in a preview."""

    name: str
    id: str
    waba: str
    base: str
    token: str
    app_secret: str
    verify_token: str


async def number_of(ctx: Context) -> Number:
    """The account of a call; raises `InvalidRequest` with `details.fields`."""
    return _number(await ctx.credentials())


def _number(given: Credentials) -> Number:
    settings = {name: str(given.settings.get(name) or "").strip() for name in _WORDS}
    settings["api_url"] = (settings["api_url"] or _USUAL).rstrip("/")
    settings["api_version"] = settings["api_version"] or _VERSION
    wrong = [name for name, value in settings.items() if not _fits(name, value)]
    if wrong:
        fields = {name: _WORDS[name] for name in wrong}
        raise InvalidRequest(f"Correct these settings: {', '.join(wrong)}.", details={"fields": fields})
    secrets = {name: given.secrets.get(name, "").strip() for name in ("access_token", "app_secret", "verify_token")}
    return Number(
        given.name,
        settings["phone_number_id"],
        settings["waba_id"],
        f"{settings['api_url']}/{settings['api_version']}",
        secrets["access_token"],
        secrets["app_secret"],
        secrets["verify_token"],
    )


def _fits(name: str, value: str) -> bool:
    if name == "api_url":
        return _is_address(value)
    return bool((_API if name == "api_version" else _ID).fullmatch(value))


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        named = bool(parts.hostname)
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    return parts.scheme in ("http", "https") and named and plain
