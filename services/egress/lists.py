"""Who may reach what, in memory, and the decision about one connection."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from openassistant.origins import address_of, is_public, resolve
from openassistant.targets import Target, Targets, find

__all__ = ["Lists", "Verdict", "changes"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Awaitable[list[str]]]

_NAME = re.compile(r"[a-z0-9._:-]{1,253}")


class Verdict(NamedTuple):
    """`open` with the address to connect to; else `unlisted`, `inside` (an address of this network), `unknown`."""

    word: str
    address: str = ""


class Lists:
    """The list that the gateway told last; before it did, nothing is open."""

    def __init__(self, *, own: Iterable[Network], resolver: Resolve = resolve) -> None:
        """`own`: the networks of rooms and bus, and the proxy itself: never open, whatever the list says."""
        self._own, self._resolve = tuple(own), resolver
        self.known: Targets | None = None

    async def decide(self, room: str, host: str, port: int) -> Verdict:
        """Whether a room may connect there, and to which address: a name is looked up here and nowhere else.

        Every address of a name counts: one that lies inside closes it, unless the list says that inside is meant.
        """
        name = host.strip("[]").lower().removesuffix(".")
        place = find(self.known.rooms.get(room, ()), name, port) if self.known and _NAME.fullmatch(name) else None
        if place is None:
            return Verdict("unlisted")
        try:
            found = await self._resolve(name, port)
        except (OSError, UnicodeError):
            found = []
        if not found:
            return Verdict("unknown")
        if not all(self._may_be(place, each) for each in found):
            return Verdict("inside")
        return Verdict("open", f"[{found[0]}]:{port}" if ":" in found[0] else f"{found[0]}:{port}")

    def may_look_up(self, room: str, name: str) -> bool:
        """Whether a room may ask DNS for a name: a domain that an account of it names, or what lies below."""
        domains = self.known.lookups.get(room, ()) if self.known else ()
        return any(name == each or name.endswith(f".{each}") for each in domains)

    def _may_be(self, place: Target, address: str) -> bool:
        if is_public(address):
            return True
        found = address_of(address)
        never = found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified
        reserved = found.is_reserved or any(found in each for each in self._own if each.version == found.version)
        return place.private and not never and not reserved


def changes(former: Targets | None, new: Targets) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """By room, what a new list adds and removes, as `host:port`; rooms without a change are left out."""
    told: dict[str, dict[str, list[str]]] = {}
    before = former.rooms if former else {}
    for room in sorted({*before, *new.rooms}):
        old, now = ({_shown(each) for each in rooms.get(room, ())} for rooms in (before, new.rooms))
        if old != now:
            told[room] = {"added": sorted(now - old), "removed": sorted(old - now)}
    return told


def _shown(place: Target) -> str:
    return f"{place.host}:{place.port}{' (also in the own network)' if place.private else ''}"
