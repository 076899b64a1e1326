"""What a model outside the house may see: one rule for each source, kept under its owner's key, signed into grants.

A rule outlives its account: what was read from that still stands in conversations.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy import Connection, text

from openassistant.context import Clock
from openassistant.errors import Conflict, NotFound, OaError
from openassistant.messages import AuditAction
from openassistant.routes import FILES, OWN, ROUTES, Route, strictest
from services.gateway import views
from services.gateway.files import OwnFiles
from services.gateway.ledger import Ledger
from services.gateway.problems import invalid
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.vault import Vault

__all__ = ["MOST_LABELS", "Routing", "is_source"]

MOST_LABELS = 200
"""Labels with a rule of one person; they travel in each grant."""

_LABEL = re.compile(r"from:[^\s@,;<>\"]{0,64}@[^\s@,;<>\"]{1,190}")
_ACCOUNT = re.compile(r"[0-9a-f]{32}")
_WHY = "This lets a model outside the house see more, so it needs your password once more."


class Routing:
    """One user's rules at a time."""

    def __init__(self, own: OwnFiles, vault: Vault, sessions: Sessions, *, ledger: Ledger, clock: Clock) -> None:
        self._own, self._vault, self._sessions, self._ledger, self._clock = own, vault, sessions, ledger, clock
        self.lent_to: Callable[[str], Awaitable[Mapping[str, tuple[str, str]]]] = _nothing
        """By a user's accounts that are lent to him, whose they are and which: what holds for those holds for him."""

    async def of(self, user: str) -> dict[str, Route]:
        """The rules of a user by source, without those that hold nothing back.

        Of an account that is lent to him the stricter of his rule and its lender's holds.
        """
        found = await self._chosen(user)
        for account, (lender, source) in (await self.lent_to(user)).items():
            try:
                theirs = (await self._chosen(lender)).get(source, ROUTES[0])
            except OaError:
                theirs = ROUTES[-1]
            found[account] = strictest((found.get(account, ROUTES[0]), theirs))
        return {source: route for source, route in found.items() if route != ROUTES[0]}

    async def _chosen(self, user: str) -> dict[str, Route]:
        def read(connection: Connection) -> dict[str, Route]:
            rows = connection.execute(text("SELECT source, route FROM routes ORDER BY source"))
            # A rule that this version does not know is kept at its strictest.
            return {row.source: row.route if row.route in ROUTES else ROUTES[-1] for row in rows}

        async with self._own.use(user) as store:
            return await store.read(read)

    async def listing(self, me: SignedIn) -> list[views.Route]:
        """One's own rules that hold something back."""
        return [views.Route(source=source, route=route) for source, route in (await self.of(me.user.id)).items()]

    async def choose(self, me: SignedIn, source: str, draft: views.RouteDraft, *, address: str) -> views.Route:
        """Sets a rule, written down first; a laxer one than before needs a fresh sign-in.

        Raises `NotFound` for a source that there is not, `InvalidRequest`, `SignInAgain`, `Conflict` for too many.
        """
        source = await self._known(me, source)
        rules = await self.of(me.user.id)
        before = rules.get(source, ROUTES[0])
        if ROUTES.index(draft.route) < ROUTES.index(before):
            await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        if source.startswith("from:") and source not in rules and _labels(rules) >= MOST_LABELS:
            raise Conflict(f"You have rules for {MOST_LABELS} senders. Take one back that is no longer needed.")
        await self.put(me.user.id, source, draft.route, before=before)
        return views.Route(source=source, route=draft.route)

    async def put(self, user: str, source: str, route: Route, *, before: Route = ROUTES[0]) -> None:
        """Sets a rule of a source that is known to exist; the witness first."""
        await self._ledger.note(
            AuditAction.ROUTE_CHANGED, user=user, account=source if _ACCOUNT.fullmatch(source) else None,
            content={"source": source, "route": route, "before": before},
        )  # fmt: skip
        row = {"source": source, "route": route, "now": self._clock().isoformat()}

        def write(connection: Connection) -> None:
            connection.execute(
                text(
                    "INSERT INTO routes (source, route, changed) VALUES (:source, :route, :now)"
                    " ON CONFLICT (source) DO UPDATE SET route = :route, changed = :now"
                ),
                row,
            )

        async with self._own.use(user) as store:
            await store.write(write)

    async def _known(self, me: SignedIn, source: str) -> str:
        """The one form of a source's key; raises `NotFound`, `InvalidRequest`."""
        if source in (OWN, FILES):
            return source
        if source.startswith("from:"):
            label = source.strip().lower()
            if not _LABEL.fullmatch(label):
                words = "from: and an address or a domain, as in from:carol@example.org or from:@example.org."
                raise invalid("That is not a sender.", source=words)
            return label
        if _ACCOUNT.fullmatch(source):
            return (await self._vault.one(me.user.id, source)).id
        raise NotFound("There is no such source.")


async def _nothing(_: str) -> Mapping[str, tuple[str, str]]:
    return {}


def is_source(source: str) -> bool:
    """Whether this has the form of a source that there may be a rule for."""
    return source in (OWN, FILES) or bool(_LABEL.fullmatch(source) or _ACCOUNT.fullmatch(source))


def _labels(rules: dict[str, Route]) -> int:
    return sum(source.startswith("from:") for source in rules)
