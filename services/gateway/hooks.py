"""The one door for what providers send by themselves: an address for each account, open to all, that tells nothing.

Whoever knows an address may send to it, so an address is a secret of 256 bits, looked up by its digest. What comes is
limited in size and rate and handed to the account's connector, which alone can tell whether its provider signed it.
Nobody learns here which connectors, accounts or users there are: whatever leads nowhere gets the same answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, text

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import Clock
from openassistant.errors import NotFound, OaError, RateLimited, TooLarge, Unavailable
from openassistant.hooks import Hook, HookAnswer
from openassistant.messages import AuditAction, Card, HookCard
from openassistant.store import Store
from services.gateway.backoff import network_of
from services.gateway.connectors import Connectors
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger

__all__ = ["Door", "Knock"]

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_SECONDS = 10.0
"""Providers wait for about as long, then come again."""
_REFUSAL = 0.25
"""Seconds that every refusal takes at least, so that its reason cannot be read off the clock."""
_TOLD_AGAIN = timedelta(days=1)
_NOWHERE = "Nothing is here."
_BUSY = "Too much at once; come again."
_AT_ONCE = 64
_AT_ONCE_EACH = 16
_OPENED = (200.0, 50.0)
"""How many requests an address takes at once, and how many more each second."""
_STRANGERS = (20.0, 0.5)
"""The same for requests from one network that lead nowhere."""
_MOST_KEPT = 10_000


@dataclass(frozen=True)
class Knock:
    """One request at the door; header names in lower case, `address` the network address that it came from.

    `read` gives its body of so many bytes at most, or raises `TooLarge`: it is read only where it leads somewhere.
    """

    method: Literal["GET", "POST"]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    read: Callable[[int], Awaitable[bytes]]
    address: str


class _Buckets:
    """How much each key may still do: so much at once, and so much more each second (token buckets)."""

    def __init__(self, most: float, each_second: float, clock: Clock) -> None:
        self._most, self._rate, self._clock = most, each_second, clock
        self._left: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def wait(self, key: str) -> float:
        """Seconds until there is something for a key; 0 while there is."""
        left = self._now(key)
        return 0.0 if left >= 1 else (1 - left) / self._rate

    def take(self, key: str) -> None:
        """Takes one."""
        self._left[key] = (max(0.0, self._now(key) - 1), self._clock())
        self._left.move_to_end(key)
        while len(self._left) > _MOST_KEPT:
            self._left.popitem(last=False)

    def _now(self, key: str) -> float:
        left, since = self._left.get(key, (self._most, self._clock()))
        return min(self._most, left + max(0.0, (self._clock() - since).total_seconds()) * self._rate)


class Door:
    """The addresses of accounts in the room's store, and what comes by them."""

    def __init__(
        self, bus: Bus, store: Store, connectors: Connectors, grants: Grants, ledger: Ledger, clock: Clock,
        *, refusal: float = _REFUSAL,
    ) -> None:  # fmt: skip
        self._bus, self._store, self._connectors, self._grants = bus, store, connectors, grants
        self._ledger, self._clock, self._refusal = ledger, clock, refusal
        self._opened, self._strangers = _Buckets(*_OPENED, clock), _Buckets(*_STRANGERS, clock)
        self._inside: dict[str, int] = {}

    async def path_of(self, user: str, account: str, connector: str) -> str | None:
        """The path of an account's address, made when there is none; None where its connector takes nothing."""
        if not any(card.hook for card in self._connectors.remembered(connector)):
            return None
        query = text("SELECT token FROM hooks WHERE account = :account")

        def read(connection: Connection) -> str | None:
            found: str | None = connection.execute(query, {"account": account}).scalar()
            return found

        token = await self._store.read(read) or await self._make(user, account, connector)
        return f"/hooks/{connector}/{token}"

    async def change(self, user: str, account: str, connector: str) -> str | None:
        """Another address for an account, whose former one leads nowhere from now on."""
        await self.forget(account)
        return await self.path_of(user, account, connector)

    async def forget(self, account: str) -> None:
        """The account is gone, and its address with it."""
        row = {"account": account}
        await self._store.write(lambda c: c.execute(text("DELETE FROM hooks WHERE account = :account"), row))

    async def open(self, connector: str, token: str, knock: Knock) -> HookAnswer:
        """What the account's connector answers; raises `NotFound`, `RateLimited`, `TooLarge`, `Unavailable`."""
        began = asyncio.get_running_loop().time()
        try:
            answer = await self._led(connector, token, knock)
        except OaError:
            await self._delay(began)
            raise
        if answer.status == 403:
            await self._delay(began)
        return answer

    async def _led(self, connector: str, token: str, knock: Knock) -> HookAnswer:
        place = network_of(knock.address)
        row = await self._row(token)
        if row is None or row.connector != connector:
            # Whoever guesses is slowed down; who comes to a right address from the same network is not.
            if wait := self._strangers.wait(place):
                raise RateLimited(_BUSY, retry_after=wait)
            self._strangers.take(place)
            raise NotFound(_NOWHERE)
        if wait := self._opened.wait(row.account):
            raise RateLimited(_BUSY, retry_after=wait)
        self._opened.take(row.account)
        async with self._counted(row.account):
            answer = await self._handed(row, knock)
        if answer.status == 403:
            await self._note_refusal(row, place)
        return answer

    async def _handed(self, row: Row[Any], knock: Knock) -> HookAnswer:
        """What the connector says; whatever keeps it from answering is a reason to come again, and no more is told."""
        try:
            card, digest = self._connectors.usable(row.connector)
            wanted = _wanted(card)
            hook = Hook(
                account=row.account, method=knock.method, query=dict(knock.query),
                headers={name: knock.headers[name] for name in wanted.headers if name in knock.headers},
                body=await _body(knock, wanted.largest),
            )  # fmt: skip
            grant = self._grants.account(row.user, account=row.account, connector=row.connector, digest=digest)
            ctx = self._grants.context(row.user, seconds=_SECONDS, grant=grant)
            return await self._bus.request(subjects.hook(row.connector), hook, HookAnswer, ctx)
        except TooLarge:
            raise
        except OaError as error:
            raise Unavailable(_BUSY, retry_after=error.retry_after or 30) from error

    async def _note_refusal(self, row: Row[Any], address: str) -> None:
        """Writes down that somebody knows an address and cannot sign: once a day, however often he tries."""
        now = self._clock()
        statement = (
            "UPDATE hooks SET refused = :now WHERE account = :account AND (refused IS NULL OR refused < :before)"
        )
        values = {"now": now.isoformat(), "account": row.account, "before": (now - _TOLD_AGAIN).isoformat()}
        first = await self._store.write(lambda connection: connection.execute(text(statement), values).rowcount == 1)
        if first:
            self._ledger.try_note(
                AuditAction.HOOK_REFUSED, user=row.user, connector=row.connector, account=row.account,
                content={"address": address},
            )  # fmt: skip

    async def _row(self, token: str) -> Row[Any] | None:
        """Whose address it is. It is found by its digest, so that how long that takes says nothing about it."""
        known = token if _TOKEN.fullmatch(token) else ""
        query = text("SELECT account, connector, user FROM hooks WHERE digest = :digest")
        return await self._store.read(lambda c: c.execute(query, {"digest": _digest(known)}).one_or_none())

    async def _make(self, user: str, account: str, connector: str) -> str:
        token = secrets.token_urlsafe(32)
        row = {"account": account, "connector": connector, "user": user, "token": token, "digest": _digest(token)}

        def write(connection: Connection) -> str:
            connection.execute(
                text(
                    "INSERT OR IGNORE INTO hooks (account, connector, user, token, digest)"
                    " VALUES (:account, :connector, :user, :token, :digest)"
                ),
                row,
            )
            return str(connection.execute(text("SELECT token FROM hooks WHERE account = :account"), row).scalar_one())

        return await self._store.write(write)

    @contextlib.asynccontextmanager
    async def _counted(self, account: str) -> AsyncIterator[None]:
        """One more on its way; no account may fill the house."""
        if sum(self._inside.values()) >= _AT_ONCE or self._inside.get(account, 0) >= _AT_ONCE_EACH:
            raise Unavailable(_BUSY, retry_after=1)
        self._inside[account] = self._inside.get(account, 0) + 1
        try:
            yield
        finally:
            self._inside[account] -= 1
            if not self._inside[account]:
                del self._inside[account]

    async def _delay(self, began: float) -> None:
        left = self._refusal - (asyncio.get_running_loop().time() - began)
        if left > 0:
            await asyncio.sleep(left)


def _wanted(card: Card) -> HookCard:
    """What the connector takes; raises `Unavailable` where, as it runs now, it takes nothing."""
    if card.hook is None:
        raise Unavailable(_BUSY, retry_after=60)
    return card.hook


async def _body(knock: Knock, largest: int) -> bytes:
    """The body, from somebody who sends it in time."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await knock.read(largest)
    except TimeoutError as error:
        raise Unavailable(_BUSY, retry_after=1) from error


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
