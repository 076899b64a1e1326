"""A look: one call that only reads, for its owner to see. No conversation has it, no model reads it, nothing is kept.

It is a call like any other: under a grant that the gateway signed for it, written down by the witness before it runs,
and checked by the hand that runs it.
"""

from __future__ import annotations

import secrets

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.catalogue import Catalogue
from openassistant.context import CallContext, Clock, new_id
from openassistant.errors import Forbidden, NotFound, Unavailable
from openassistant.grants import Grant, Trust
from openassistant.guard import admit_grant
from openassistant.messages import Call, CommandCall, Effect, LookRequest, ToolResult
from services.agent.hands import started
from services.agent.offers import Offer, offers

__all__ = ["Looking"]


class Looking:
    """Serves `look`."""

    def __init__(self, bus: Bus, catalogue: Catalogue, *, trust: Trust, clock: Clock) -> None:
        self._bus, self._catalogue, self._trust, self._clock = bus, catalogue, trust, clock

    async def on_look(self, ctx: CallContext, request: LookRequest) -> ToolResult:
        """What the call gave back. It is tried once: whoever looks can look again.

        Raises `Forbidden` for what does not only read or is not granted, `NotFound`, `Unavailable` where the connector
        is away, and whatever it raises.
        """
        grant = admit_grant(ctx, trust=self._trust, user=str(ctx.user), now=self._clock())
        if grant.kind != "turn" or grant.origin != "look":
            raise Forbidden("A look needs a grant that was signed for it.")
        wanted = request.call
        if wanted.account and wanted.account not in {each.id for each in request.accounts}:
            raise NotFound("That account is not connected.")
        offer = self._offer(grant, request)
        if offer.tool.effect is not Effect.READ or offer.tool.rises:
            raise Forbidden("That does not only read. Ask for it in a conversation.")
        call = _call(wanted, offer, grant.user)
        receipt = await started(self._bus, ctx, call, Effect.READ)
        subject = subjects.tool(call.connector, call.user, call.tool)
        return await self._bus.request(subject, call, ToolResult, ctx.signed(receipt=receipt))

    def _offer(self, grant: Grant, request: LookRequest) -> Offer:
        wanted = (request.call.connector, request.call.tool)
        for offer in offers(self._catalogue, grant, request.accounts).values():
            if (offer.card.id, offer.tool.name) == wanted:
                return offer
        if not grant.allows(*wanted):
            raise Forbidden("The grant does not cover this tool.")
        raise Unavailable("The connector is not running at the moment.")


def _call(wanted: CommandCall, offer: Offer, user: str) -> Call:
    return Call(
        id=new_id(),
        nonce=secrets.token_hex(16),
        user=user,
        account=wanted.account,
        connector=wanted.connector,
        card_digest=offer.digest,
        tool=wanted.tool,
        arguments=wanted.arguments,
    )
