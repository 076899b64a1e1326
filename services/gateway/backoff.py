"""How long a sign-in must wait after failures: per account and address, so that strangers lock nobody out.

Three counts: of one account from one address, of one address over all accounts, of one account over all addresses.
An address from which the account was signed in before is exempt from the last two: a stranger who guesses from a
thousand places makes other strangers wait, not the owner at home.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from openassistant.context import Clock
from openassistant.errors import RateLimited

__all__ = ["Backoff", "network_of"]

_FREE = {"pair": 5, "address": 20, "account": 50}
_LONGEST = 900.0
_FORGET_AFTER = timedelta(hours=2)
_MOST_KEPT = 20_000


@dataclass
class _Tries:
    count: int
    last: datetime
    until: datetime


class Backoff:
    """Counts in memory; a restart forgets them, which gives a guesser a handful of further tries."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: OrderedDict[tuple[str, ...], _Tries] = OrderedDict()

    def admit(self, account: str, address: str, *, known: bool) -> None:
        """Counts a try before its password is looked at; raises `RateLimited` while one must wait."""
        now, keys = self._clock(), _keys(account, address, known=known)
        wait = max(((self._of(key, now).until - now).total_seconds() for key in keys), default=0.0)
        if wait > 0:
            raise RateLimited("Too many failed sign-ins. Wait a moment, then try again.", retry_after=wait)
        for key in keys:
            tries = self._of(key, now)
            tries.count, tries.last = tries.count + 1, now
            over = tries.count - _FREE[key[0]]
            if over >= 0:
                tries.until = now + timedelta(seconds=min(2.0 ** min(over, 20), _LONGEST))

    def succeeded(self, account: str, address: str) -> None:
        """A right password clears what its address has failed before, and counts no more for the account."""
        self._tries.pop(("pair", account, network_of(address)), None)
        for key in (("address", network_of(address)), ("account", account)):
            if found := self._tries.get(key):
                found.count = max(0, found.count - 1)
                found.until = found.last

    def spared(self, account: str, address: str) -> None:
        """The try that was counted last was none: it had what was asked for, and goes on with what is asked next."""
        for key in _keys(account, address, known=False):
            if found := self._tries.get(key):
                found.count = max(0, found.count - 1)
                found.until = found.last

    def _of(self, key: tuple[str, ...], now: datetime) -> _Tries:
        found = self._tries.get(key)
        if found is None or now - found.last > _FORGET_AFTER:
            found = self._tries[key] = _Tries(0, now, now)
        self._tries.move_to_end(key)
        while len(self._tries) > _MOST_KEPT:
            self._tries.popitem(last=False)
        return found


def network_of(address: str) -> str:
    """An IPv6 address's /64, which one person holds as a whole; anything else as it is."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and not found.ipv4_mapped:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)


def _keys(account: str, address: str, *, known: bool) -> list[tuple[str, ...]]:
    place = network_of(address)
    pair: tuple[str, ...] = ("pair", account, place)
    return [pair] if known else [pair, ("address", place), ("account", account)]
