"""Who in this house may connect to where, and the egress room that is told so.

The list comes of what this room alone decides: approved cards of the connectors that run, the accounts that people
connected (those that are just being tried included), the providers that this house is registered with, the chosen
models, and, for as long as it takes, the address of a model server that the owner tries out. No room but this one can
make it longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext
from openassistant.egress import Egress, Proxy
from openassistant.errors import OaError
from openassistant.messages import Account, Card, Destination, Done, ModelRef
from openassistant.targets import Target, Targets, domains_of, of_account, of_card, of_url
from services.gateway.providers import hosts_of
from services.gateway.vault import Vault

__all__ = ["WayOut", "is_moved", "of_model"]

_SECONDS, _LONGEST = 5.0, 600.0
Each = TypeVar("Each")

_log = logging.getLogger("openassistant.gateway")


class _Opening(NamedTuple):
    """What a room may reach for a time; `until` on the event loop's clock."""

    room: str
    target: Target
    until: float


class WayOut:
    """The list, told to the egress room where there is one; `proxy` is None where each room opens its own."""

    def __init__(
        self, bus: Bus, vault: Vault, cards: Callable[[], Iterable[Card]], *, room: str, proxy: Proxy | None
    ) -> None:
        self._bus, self._vault, self._cards, self._room, self._proxy = bus, vault, cards, room, proxy
        self.models: Callable[[], Awaitable[Iterable[ModelRef]]] = _no_models
        self._opened: list[_Opening] = []
        self._telling = asyncio.Lock()
        self.egress = Egress(proxy=proxy)
        """How this room itself connects."""

    async def start(self) -> None:
        """Answers the egress room, and tells it what holds now."""
        if self._proxy:
            await self._bus.serve(subjects.gateway("targets"), Done, self.on_targets)
            await self.tell()

    async def on_targets(self, ctx: CallContext, _: Done) -> Targets:
        """The list, for an egress room that has just begun and knows nothing."""
        return await self.current()

    async def tell(self) -> None:
        """Has what holds now hold at the proxy; one that is away asks for itself when it is back."""
        if not self._proxy:
            return
        async with self._telling:
            try:
                await self._bus.request(
                    subjects.egress("set"), await self.current(), Done, CallContext.within(_SECONDS)
                )
            except OaError as error:
                _log.warning("the egress proxy was not told", extra={"code": error.code})

    @contextlib.asynccontextmanager
    async def opened(self, url: str, *, private: bool = True, room: str | None = None) -> AsyncIterator[None]:
        """Lets a room (this one) reach an origin for the length of a block; `private`: in the owner's network, too."""
        if not self._proxy:
            yield
            return
        openings = [_Opening(room or self._room, each, self._now() + _LONGEST) for each in of_url(url, private=private)]
        self._opened.extend(openings)
        await self.tell()
        try:
            yield
        finally:
            self._opened = [each for each in self._opened if each not in openings]
            self._bus.spawn(self.tell())

    async def let(self, connector: str, approved: Iterable[Destination]) -> None:
        """Lets a connector reach, for some minutes, the hosts that a person saw and approved in a preview."""
        hosts = [target for each in approved if each.kind == "url" for target in of_url(each.value, private=False)]
        if hosts and self._proxy:
            self._opened.extend(_Opening(connector, each, self._now() + _LONGEST) for each in hosts)
            await self.tell()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def current(self) -> Targets:
        """The list as it is now; raises `Unavailable` without the vault."""
        accounts = await self._vault.everybodys()
        rooms: defaultdict[str, list[Target]] = defaultdict(list)
        lookups: defaultdict[str, list[str]] = defaultdict(list)
        for card in self._cards():
            rooms[card.id].extend(of_card(card))
            for account in accounts:
                if account.connector == card.id and not is_moved(account):
                    rooms[card.id].extend(of_account(card, account.settings))
                    lookups[card.id].extend(domains_of(card, account.settings))
        for client in await self._vault.clients():
            for url in filter(None, (client.token_url, client.device_url, client.revoke_url)):
                rooms["vault"].extend(of_url(url))
        for openid in await self._vault.openids():
            for url in filter(None, (openid.issuer, openid.token_url, openid.keys_url, openid.userinfo_url)):
                rooms["vault"].extend(of_url(url))
        for model in await self.models():
            rooms["agent"].extend(of_model(model))
        self._opened = [each for each in self._opened if each.until > self._now()]
        for room, target, _ in self._opened:
            rooms[room].append(target)
        return Targets(rooms=_frozen(rooms), lookups=_frozen(lookups))


def is_moved(account: Account) -> bool:
    """Whether an account came with an archive and its owner has not signed in since: nothing is reached for it."""
    return account.authorized is None and bool(account.problem and account.problem.details.get("moved"))


def of_model(model: ModelRef) -> tuple[Target, ...]:
    """Where a model is asked: at its address, or at the hosts of its provider."""
    if model.base_url:
        return of_url(model.base_url)
    return tuple(Target(host=host, port=443) for host in hosts_of(model.model))


def _frozen(lists: Mapping[str, list[Each]]) -> dict[str, tuple[Each, ...]]:
    return {name: tuple(dict.fromkeys(found)) for name, found in sorted(lists.items()) if found}


async def _no_models() -> Iterable[ModelRef]:
    return ()
