"""For how long things are kept: rules of each person, tried before they hold, carried out once a day.

What is never kept goes after an hour of quiet, and is looked for every ten minutes. A run is a set of orders like those
of erasing a part (forgetting.py): it survives restarts, and a room that is away is asked until the next run is due.
Then it is said which rooms could not be asked, and the next run asks them again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, text

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import Clock
from openassistant.data import Holding
from openassistant.errors import OaError
from openassistant.grants import Scope
from openassistant.messages import Account, AuditAction, Done
from openassistant.store import Store
from services.gateway import data_views as views
from services.gateway.accounts import MODEL_CONNECTOR
from services.gateway.connectors import Connectors
from services.gateway.forgetting import GATEWAY, Forgetting, Order, Went
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger
from services.gateway.ownparts import CONVERSATIONS, MEMORIES, QUESTIONS
from services.gateway.problems import invalid
from services.gateway.sessions import SignedIn
from services.gateway.vault import Vault

__all__ = ["QUIET", "Retention"]

QUIET = timedelta(hours=1)
"""After which what is never kept goes: nothing was said in a conversation, and what a call did is settled."""

_DAY, _OFTEN = timedelta(days=1), timedelta(minutes=10)
_USAGE_SECONDS = 5.0
_HERE: dict[str, tuple[str, tuple[views.Way, ...]]] = {
    CONVERSATIONS: ("agent", ("days", "newest", "never")),
    MEMORIES: (GATEWAY, ("days", "newest", "never")),
    QUESTIONS: (GATEWAY, ("days", "newest", "never")),
    "arguments": ("audit", ("days", "newest", "never")),
    "left": ("audit", ("days", "never")),
}
"""By kind, in which room of the house it lies, and what can be chosen. All else is of connectors."""
_WENT = TypeAdapter(tuple[Went, ...])


class Retention:
    """Rules, their preview, and the runs."""

    def __init__(
        self,
        bus: Bus,
        store: Store,
        forgetting: Forgetting,
        *,
        connectors: Connectors,
        vault: Vault,
        grants: Grants,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._bus, self._store, self._forgetting, self._connectors = bus, store, forgetting, connectors
        self._vault, self._grants, self._ledger, self._clock = vault, grants, ledger, clock
        self._quick: dict[str, datetime] = {}
        forgetting.ended = self._ended

    async def view(self, me: SignedIn) -> views.Keep:
        """One's rules, what can be chosen for what, and the newest run."""
        run = await self._run(me.user.id)
        rules = tuple(await self._rules(me.user.id))
        shown = views.KeepRun(at=None, next=None)
        if run is not None:
            shown = views.KeepRun(
                at=datetime.fromisoformat(run.last) if run.last else None,
                next=datetime.fromisoformat(run.due) if rules else None,
                went=tuple(views.PartWent(**each.model_dump()) for each in _WENT.validate_json(run.went)),
                unasked=tuple(json.loads(run.unasked)),
            )
        return views.Keep(rules=rules, offers=tuple(await self._offers(me.user.id)), run=shown)

    async def preview(self, me: SignedIn, draft: views.KeepDraft) -> views.KeepPreview:
        """What these rules would take now; raises `InvalidRequest` for a rule about something that is not there."""
        orders = await self._orders(me.user.id, await self._checked(me, draft))
        goes, away = list[views.PartGoes](), set[str]()
        for rule, mine in orders:
            for tried in await self._forgetting.preview(me.user.id, mine):
                if tried.parts is None:
                    away.add(tried.room)
                goes += (
                    views.PartGoes(room=tried.room, account=rule.account, **part.model_dump())
                    for part in tried.parts or ()
                )
        return views.KeepPreview(goes=tuple(goes), away=tuple(sorted(away)))

    async def choose(self, me: SignedIn, draft: views.KeepDraft) -> views.Keep:
        """These rules from now on, written down first; they are carried out at once and then each day."""
        rules, user = await self._checked(me, draft), me.user.id
        told = [each.model_dump(mode="json", exclude_none=True) for each in rules]
        await self._ledger.note(AuditAction.DATA_KEPT, user=user, content={"rules": told})
        rows = [{**each.model_dump(), "account": each.account or "", "user": user} for each in rules]
        due = {"user": user, "now": self._clock().isoformat()}

        def write(connection: Connection) -> None:
            connection.execute(text("DELETE FROM retention WHERE user = :user"), due)
            if rows:
                connection.execute(
                    text(
                        "INSERT INTO retention (user, kind, account, days, newest)"
                        " VALUES (:user, :kind, :account, :days, :newest)"
                    ),
                    rows,
                )
            connection.execute(
                text(
                    "INSERT INTO retention_runs (user, due) VALUES (:user, :now)"
                    " ON CONFLICT (user) DO UPDATE SET due = :now"
                ),
                due,
            )

        await self._store.write(write)
        return await self.view(me)

    async def tick(self) -> None:
        """Begins every run whose time has come."""
        now, query = self._clock(), text("SELECT DISTINCT user FROM retention")
        users = await self._store.read(lambda connection: list(connection.execute(query).scalars()))
        for user in users:
            run = await self._run(user)
            if run is not None and datetime.fromisoformat(run.due) <= now:
                await self._daily(user, datetime.fromisoformat(run.due))
            elif self._quick.get(user, now) <= now:
                await self._often(user)
            self._quick.setdefault(user, now + _OFTEN)

    async def _daily(self, user: str, due: datetime) -> None:
        unasked = await self._give_up(user)
        orders = [order for _, mine in await self._orders(user, await self._rules(user)) for order in mine]
        now = self._clock()
        missed = (now - due) // _DAY + 1
        row = {"user": user, "due": (due + missed * _DAY).isoformat(), "unasked": json.dumps(unasked)}
        await self._forgetting.begin(user, "expiry", orders, told={})
        query = text("UPDATE retention_runs SET due = :due, unasked = :unasked WHERE user = :user")
        await self._store.write(lambda connection: connection.execute(query, row).close())

    async def _often(self, user: str) -> None:
        """What is never kept goes also between the daily runs."""
        self._quick[user] = self._clock() + _OFTEN
        rules = [each for each in await self._rules(user) if each.days == 0]
        begun = [each.what for each in await self._forgetting.under_way(user)]
        if rules and not {"expiry", "never"} & set(begun):
            orders = [order for _, mine in await self._orders(user, rules) for order in mine]
            await self._forgetting.begin(user, "never", orders, told={})

    async def _give_up(self, user: str) -> list[str]:
        """Ends runs that are still open, for the next one asks again; the rooms that had not answered."""
        unasked = set[str]()
        for each in await self._forgetting.under_way(user):
            if each.what == "expiry":
                unasked |= set(each.rooms)
                await self._ledger.note(
                    AuditAction.DATA_EXPIRED, user=user, id=each.id, outcome="unfinished",
                    content={"went": {}, "unasked": list(each.rooms)},
                )  # fmt: skip
            if each.what in ("expiry", "never"):
                await self._forgetting.drop(each.id)
        return sorted(unasked)

    async def _ended(self, user: str, went: tuple[Went, ...]) -> None:
        row = {"user": user, "now": self._clock().isoformat(), "went": _WENT.dump_json(went).decode()}
        query = text("UPDATE retention_runs SET last = :now, went = :went WHERE user = :user")
        await self._store.write(lambda connection: connection.execute(query, row).close())

    async def _orders(self, user: str, rules: Iterable[views.KeepRule]) -> list[tuple[views.KeepRule, list[Order]]]:
        """For each rule what is to be asked of whom; none for an account that is gone."""
        accounts = {each.id: each for each in await self._accounts(user)}
        found = list[tuple[views.KeepRule, list[Order]]]()
        for rule in rules:
            scope = self._scope(rule)
            if rule.kind in _HERE:
                orders = [Order(room=_HERE[rule.kind][0], scope=scope)]
                if rule.kind == CONVERSATIONS:
                    orders.append(Order(room=GATEWAY, scope=Scope(kinds=(CONVERSATIONS,)), waits="agent"))
                found.append((rule, orders))
            elif rule.account in accounts:
                found.append((rule, [Order(room=accounts[rule.account].connector, scope=scope)]))
        return found

    def _scope(self, rule: views.KeepRule) -> Scope:
        until = None
        if rule.days is not None:
            until = self._clock() - (timedelta(days=rule.days) if rule.days else QUIET)
        return Scope(kinds=(rule.kind,), account=rule.account, until=until, beyond=rule.newest)

    async def _checked(self, me: SignedIn, draft: views.KeepDraft) -> Sequence[views.KeepRule]:
        """The rules of a draft; raises `InvalidRequest` where one is not offered or there are two about the same."""
        offers = {(each.kind, each.account): each.ways for each in await self._offers(me.user.id)}
        kept = {(each.kind, each.account) for each in await self._rules(me.user.id)}
        seen = set[tuple[str, str | None]]()
        for each in draft.rules:
            about = (each.kind, each.account)
            way: views.Way = "newest" if each.newest else "days" if each.days else "never"
            if about in seen or (about not in kept and way not in offers.get(about, ())):
                raise invalid("This cannot be chosen.", rules=f"There can be no such rule about {each.kind}.")
            if about in offers and way not in offers[about]:
                raise invalid("This cannot be chosen.", rules=f"{each.kind} cannot be kept that way.")
            seen.add(about)
        return draft.rules

    async def _offers(self, user: str) -> list[views.KeepOffer]:
        """What lies in the house, and what connectors that answer say they hold, for each account."""
        found = [views.KeepOffer(kind=kind, room=room, ways=ways) for kind, (room, ways) in _HERE.items()]
        accounts = await self._accounts(user)
        connectors = sorted({each.connector for each in accounts})
        kinds = dict(
            zip(connectors, await asyncio.gather(*(self._kinds(user, each) for each in connectors)), strict=True)
        )
        for account in accounts:
            cards = self._connectors.remembered(account.connector)
            service = cards[-1].name if cards else account.connector
            found += (
                views.KeepOffer(
                    kind=kind, room=account.connector, account=account.id, service=service, account_name=account.name,
                    ways=("days", "newest", "never"),
                )
                for kind in kinds[account.connector]
            )  # fmt: skip
        return found

    async def _kinds(self, user: str, connector: str) -> list[str]:
        ctx = self._grants.context(user, seconds=_USAGE_SECONDS)
        try:
            held = await self._bus.request(subjects.data(connector, "usage"), Done(), Holding, ctx)
        except OaError:
            return []
        return [each.kind for each in held.parts]

    async def _accounts(self, user: str) -> list[Account]:
        found = await self._vault.listing(user)
        return [each for each in found if each.state != "pending" and each.connector != MODEL_CONNECTOR]

    async def _rules(self, user: str) -> list[views.KeepRule]:
        query = text("SELECT kind, account, days, newest FROM retention WHERE user = :user ORDER BY kind, account")
        rows = await self._store.read(lambda connection: list(connection.execute(query, {"user": user})))
        return [
            views.KeepRule(kind=row.kind, account=row.account or None, days=row.days, newest=row.newest) for row in rows
        ]

    async def _run(self, user: str) -> Any:
        query = text("SELECT * FROM retention_runs WHERE user = :user")
        return await self._store.read(lambda connection: connection.execute(query, {"user": user}).one_or_none())
