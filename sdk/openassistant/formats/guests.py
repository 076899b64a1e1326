"""Guests and organisers of events: as they are kept, and as they are typed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from openassistant.errors import InvalidRequest

__all__ = ["Person", "parse_guest", "parse_guests"]

_TYPED = re.compile(r"(?:(?P<name>[^<>\"\x00-\x1f]*?)\s*<(?P<in>[^<>]+)>|(?P<bare>[^<>]+))")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*\.)*[A-Za-z0-9-]{1,63}")


class Person(NamedTuple):
    """A guest or organiser; `status` is accepted, declined, tentative or open.

    `kind` is required, optional, or resource for a room and the like.
    """

    address: str
    name: str = ""
    status: str = "open"
    kind: str = "required"

    @property
    def shown(self) -> str:
        """Name and address."""
        return f"{self.name} <{self.address}>" if self.name else self.address


def parse_guest(typed: str) -> Person:
    """The person in "carol@example.org" or "Carol Meyer <carol@example.org>"; raises `InvalidRequest`."""
    found = _TYPED.fullmatch(typed.strip())
    address = ((found["in"] or found["bare"]) if found else "").strip().lower()
    if found is None or len(address) > 254 or not _ADDRESS.fullmatch(address):
        raise InvalidRequest(f"guests: {typed[:100]!r} is no mail address such as carol@example.org.")
    return Person(address, " ".join((found["name"] or "").split())[:100])


def parse_guests(typed: Iterable[str] | None) -> tuple[Person, ...]:
    """The people that are typed, each address once; raises `InvalidRequest`."""
    return tuple({each.address: each for each in map(parse_guest, typed or ())}.values())
