"""What a proposed call will do, and what was read before it: the facts that the policy decides on."""

from __future__ import annotations

from typing import Any, NamedTuple

from openassistant import subjects
from openassistant.builtin import HOUSE_ID
from openassistant.bus import Bus
from openassistant.errors import Conflict, Forbidden, NotFound
from openassistant.grants import Grant
from openassistant.messages import Call, Effect, Lent, Preview, TurnCalls, TurnQuery
from services.gateway.connectors import Connectors
from services.gateway.grants import Grants
from services.gateway.housework import previewed
from services.gateway.vault import Vault

__all__ = ["Looked", "Proposals"]

_PREVIEW_SECONDS = 20.0


class Looked(NamedTuple):
    """What a call will do; `lent`: on an account of another person, who lends it."""

    effect: Effect
    preview: Preview
    lent: bool = False


class Proposals:
    """Asks the connector, the card, the vault and the witness; the agent is not asked."""

    def __init__(self, bus: Bus, connectors: Connectors, vault: Vault, grants: Grants) -> None:
        self._bus, self._connectors, self._vault, self._grants = bus, connectors, vault, grants

    async def look(self, call: Call, grant: Grant, token: str, zone: str | None) -> Looked:
        """The highest effect that card and connector give a call, and what it will do in the connector's words.

        Raises `Forbidden` for another card than the approved one, a foreign account, or what is not lent; `NotFound`
        for an unknown tool, and what the connector raises for arguments that it does not take.
        """
        declared = self._declared(call, grant)
        if call.connector == HOUSE_ID:
            tainted = bool(grant.conversation and await self.sources(call.user, grant.conversation))
            return Looked(declared, previewed(call, zone, tainted=tainted))
        lent = await self._lent(call)
        _require_lent(lent, declared)
        context = self._grants.context(call.user, seconds=_PREVIEW_SECONDS, grant=token)
        context = context.model_copy(update={"zone": zone})
        preview = await self._bus.ask(subjects.preview(call.connector), call, Preview, context)
        effect = declared.raised(preview.effect)
        _require_lent(lent, effect)
        return Looked(effect, preview, lent is not None)

    def parameters(self, call: Call) -> dict[str, Any]:
        """The JSON Schema of a call's arguments, by its card; raises `Conflict` where that is not known any more."""
        tool = self._connectors.known_tool(call.connector, call.card_digest, call.tool)
        if tool is None:
            raise Conflict("The service of this question has changed since, so it can only be decided as it is.")
        return tool.parameters

    def _declared(self, call: Call, grant: Grant) -> Effect:
        """The effect on the card that was approved; raises `Forbidden` for any other card."""
        card = self._connectors.known_card(call.connector, call.card_digest)
        if not self._connectors.is_approved(call.connector, call.card_digest):
            card = None
        if card is None or grant.connectors.get(call.connector) != call.card_digest:
            raise Forbidden("This connector is not approved in the form in which it runs now.")
        if not grant.covers(call):
            raise Forbidden("The schedule of this run does not use that tool.")
        tool = card.tool(call.tool)
        if tool is None:
            raise NotFound(f"{card.name} has no tool {call.tool[:60]!r}.")
        return tool.effect

    async def _lent(self, call: Call) -> Lent | None:
        """What is lent of a call's account, where it is another's; raises `Forbidden` for a foreign one."""
        if call.account is None:
            return None
        account = await self._vault.one(call.user, call.account)
        if account.connector != call.connector or account.state == "pending":
            raise Forbidden("That account is not one of this connector.")
        return account.lent

    async def sources(self, user: str, conversation: str) -> tuple[str, ...]:
        """Services whose texts of others were read in a conversation, as the ledger saw it: the agent is not asked."""
        ctx = self._grants.context(user, seconds=5)
        query = TurnQuery(user=user, conversation=conversation)
        found = await self._bus.ask(subjects.audit("turn"), query, TurnCalls, ctx)
        brought = (each for each in found.calls if self._brings_outside(each.connector, each.card_digest, each.tool))
        return tuple(dict.fromkeys(self._name_of(each.connector, each.card_digest) for each in brought))

    def _name_of(self, connector: str, digest: str) -> str:
        card = self._connectors.known_card(connector, digest)
        return card.name if card else connector

    def _brings_outside(self, connector: str, digest: str, name: str) -> bool:
        tool = self._connectors.known_tool(connector, digest, name)
        return tool is None or tool.returns_outside


def _require_lent(lent: Lent | None, effect: Effect) -> None:
    if lent is None or lent.allows(effect):
        return
    if lent.access == "read":
        raise Forbidden("This account is lent for reading alone. Whose it is can lend it for acting, too.")
    raise Forbidden("This account is lent, and what is deleted in it only its owner deletes.")
