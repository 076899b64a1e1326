"""Which connectors run, and which of their cards somebody has approved. What is not approved is dark."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from openassistant.builtin import HOUSE, HOUSE_DIGEST, HOUSE_ID
from openassistant.bus import Bus
from openassistant.catalogue import Catalogue, Listed
from openassistant.context import Clock
from openassistant.errors import Conflict, Forbidden, Internal, NotFound
from openassistant.messages import AuditAction, Card, OAuth2, ToolCard
from openassistant.store import Store
from services.gateway import views
from services.gateway.house import HouseRules
from services.gateway.ledger import Ledger
from services.gateway.sessions import SignedIn

__all__ = ["Connectors", "read_approved"]


class Connectors:
    """The registry and the approvals. Cards that were approved once stay known by their digest: the policy asks."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        clock: Clock,
        *,
        release: frozenset[tuple[str, str]],
        rules: HouseRules | None = None,
    ) -> None:
        self._rules = rules or HouseRules()
        self._store, self._catalogue, self._clock, self._release = store, catalogue, clock, release
        self._cards: dict[tuple[str, str], Card] = {(HOUSE_ID, HOUSE_DIGEST): HOUSE}
        self.changed: Callable[[], None] = lambda: None

    async def start(self, bus: Bus) -> None:
        """Reads what was approved; from then on the catalogue's changes are taken in."""

        def read(connection: Connection) -> list[Any]:
            return list(connection.execute(text("SELECT connector, digest, card FROM cards")))

        for row in await self._store.read(read):
            self._cards[row.connector, row.digest] = Card.model_validate_json(row.card)

        def changed() -> None:
            for listed in self._catalogue.listed().values():
                key = (listed.card.id, listed.digest)
                if key in self._release and key not in self._cards:
                    self._cards[key] = listed.card
                    bus.spawn(self._keep(listed, None))
            self.changed()

        self._catalogue.changed = changed
        changed()

    def grantable(self) -> dict[str, str]:
        """Ids and digests of the connectors that run now with an approved card."""
        found = self._listed_all().values()
        return {each.card.id: each.digest for each in found if self.is_approved(each.card.id, each.digest)}

    def forbidden(self) -> dict[str, str]:
        """Ids and digests of those that run with a known card, and that who runs the house does not let be used."""
        found = self._listed_all().values()
        known = {each.card.id: each.digest for each in found if (each.card.id, each.digest) in self._cards}
        return {name: digest for name, digest in known.items() if not self._lets(name)}

    def is_approved(self, connector: str, digest: str) -> bool:
        """Whether somebody has approved this very card, and who runs the house lets it be used."""
        return (connector, digest) in self._cards and self._lets(connector)

    def known_card(self, connector: str, digest: str) -> Card | None:
        """The approved card of a digest, also one that no longer runs; None where nobody approved it."""
        return self._cards.get((connector, digest))

    def known_tool(self, connector: str, digest: str, name: str) -> ToolCard | None:
        """A tool of such a card; None where there is no such card, or no such tool on it."""
        card = self.known_card(connector, digest)
        return card.tool(name) if card else None

    def _lets(self, connector: str) -> bool:
        return connector == HOUSE_ID or self._rules.lets_connector(connector)

    def running(self) -> list[Card]:
        """The approved cards of the connectors that run now, by id."""
        listed = self._catalogue.listed()
        return [listed[each].card for each in sorted(self.grantable())]

    def remembered(self, connector: str) -> list[Card]:
        """Every card of a connector that was approved at some time."""
        return [card for (name, _), card in self._cards.items() if name == connector]

    def usable(self, connector: str) -> tuple[Card, str]:
        """The card and digest of an approved connector that runs; raises `NotFound`, `Forbidden`."""
        self._rules.require_connector(connector)
        listed = self._listed(connector)
        if not self.is_approved(connector, listed.digest):
            raise Forbidden(
                f"{listed.card.name} has not been approved in this form. Look at what it may do, then approve it.",
                details={"action": "approve_connector"},
            )
        return listed.card, listed.digest

    def listing(self) -> list[views.Connector]:
        """Every connector that runs now and may be used here, by name."""
        found = (self._view(each) for name, each in self._listed_all().items() if self._lets(name))
        return sorted(found, key=lambda each: each.name)

    def oauth(self) -> list[OAuth2]:
        """How the accounts of those connectors that run with an approved card are authorized, where they are."""
        running = self._catalogue.listed().values()
        return [
            each.card.auth.oauth2
            for each in running
            if each.card.auth.oauth2 and self.is_approved(each.card.id, each.digest)
        ]

    async def approve(self, me: SignedIn, connector: str, digest: str, ledger: Ledger) -> views.Connector:
        """Approves a card that runs now; raises `Conflict` when it is not the one that was looked at, `Forbidden`."""
        self._rules.require_connector(connector)
        listed = self._listed(connector)
        if listed.digest != digest:
            raise Conflict(f"{listed.card.name} has changed meanwhile. Look at it again.")
        if not self.is_approved(connector, digest):
            await ledger.note(
                AuditAction.CONNECTOR_APPROVED, user=me.user.id, connector=connector, content={"card_digest": digest}
            )
            await self._keep(listed, me.user.id)
            self._cards[connector, digest] = listed.card
            self.changed()
        return self._view(listed)

    def _listed_all(self) -> dict[str, Listed]:
        """The connectors that run now; none of them is the house's own."""
        return {name: each for name, each in self._catalogue.listed().items() if name != HOUSE_ID}

    def _listed(self, connector: str) -> Listed:
        found = self._listed_all().get(connector)
        if found is None:
            raise NotFound("That connector is not running.")
        return found

    def _view(self, listed: Listed) -> views.Connector:
        card = listed.card
        tools = tuple(
            views.ConnectorTool(**tool.model_dump(include={"name", "description", "effect", "undo"}))
            for tool in card.tools
        )
        return views.Connector(
            **card.model_dump(include={"id", "name", "version", "description", "settings_schema", "secrets_schema"}),
            digest=listed.digest,
            approved=self.is_approved(card.id, listed.digest),
            instances=listed.instances,
            tools=tools,
            sign_in=_sign_in(card.auth.oauth2) if card.auth.oauth2 else None,
        )

    async def _keep(self, listed: Listed, user: str | None) -> None:
        row = {
            "digest": listed.digest,
            "connector": listed.card.id,
            "card": listed.card.model_dump_json(),
            "user": user,
            "now": self._clock().isoformat(),
        }
        await self._store.write(
            lambda connection: connection.execute(
                text(
                    "INSERT INTO cards (digest, connector, card, approved_by, created)"
                    " VALUES (:digest, :connector, :card, :user, :now) ON CONFLICT DO NOTHING"
                ),
                row,
            )
        )


def _sign_in(oauth: OAuth2) -> views.ConnectorSignIn:
    return views.ConnectorSignIn(
        **oauth.model_dump(include={"provider", "name", "manage_url", "console_url", "trial_days"}),
        codes=bool(oauth.device_url),
        capabilities=tuple(
            views.ConnectorCapability(id=name, **each.model_dump()) for name, each in oauth.capabilities.items()
        ),
    )


def read_approved(path: Path | None) -> frozenset[tuple[str, str]]:
    """(connector, digest) pairs from the release's file; raises `Internal` that names it when it is not one."""
    if path is None:
        return frozenset()
    try:
        found = json.loads(path.read_text())
        pairs = (
            (name, each) for name, given in found.items() for each in ([given] if isinstance(given, str) else given)
        )
        return frozenset((str(name), str(digest)) for name, digest in pairs)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise Internal(f"OA_APPROVED_CARDS_FILE: {path.name} is not a JSON object of connector to digest.") from error
