"""Guests as they are typed."""

from __future__ import annotations

import re

from connectors.caldav.objects import Person
from openassistant.errors import InvalidRequest

__all__ = ["parse_guest"]

_TYPED = re.compile(r"(?:(?P<name>[^<>\"\x00-\x1f]*?)\s*<(?P<in>[^<>]+)>|(?P<bare>[^<>]+))")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*\.)*[A-Za-z0-9-]{1,63}")


def parse_guest(typed: str) -> Person:
    """The person in "carol@example.org" or "Carol Meyer <carol@example.org>"; raises `InvalidRequest`."""
    found = _TYPED.fullmatch(typed.strip())
    address = ((found["in"] or found["bare"]) if found else "").strip().lower()
    if found is None or len(address) > 254 or not _ADDRESS.fullmatch(address):
        raise InvalidRequest(f"guests: {typed[:100]!r} is no mail address such as carol@example.org.")
    return Person(address, " ".join((found["name"] or "").split())[:100])
