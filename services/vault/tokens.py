"""Who may have an account's secrets: the connector it belongs to, against signatures, and written down first."""

from __future__ import annotations

from datetime import datetime, timedelta

from openassistant.catalogue import Catalogue
from openassistant.context import CallContext
from openassistant.errors import Forbidden
from openassistant.grants import Grant, Trust
from openassistant.guard import admit_call, admit_grant, require_approval
from openassistant.messages import Account, Call, Effect, TokenRequest

__all__ = ["MODEL_ACCOUNTS", "admit_release", "declared"]

MODEL_ACCOUNTS = "agent"
"""The `connector` of a model provider's key: the household's, for every turn of its users."""

_BACKGROUND = timedelta(hours=1)
_TURN = timedelta(minutes=10)


def admit_release(
    ctx: CallContext,
    request: TokenRequest,
    account: Account,
    *,
    caller: str,
    trust: Trust,
    catalogue: Catalogue,
    now: datetime,
) -> datetime:
    """Until when the caller may keep the secrets of `account`; raises `Forbidden`, `DeadlineExceeded`.

    A connector shows the account's own grant (background work), or the grant of a turn with the receipt of the call
    and the approval that the call's effect asks for. Without secrets (`profile`) any grant of the user will do.
    """
    if account.connector != caller:
        raise Forbidden("That account belongs to another connector.")
    if caller == MODEL_ACCOUNTS:
        return _admit_model(ctx, trust, now)
    grant = admit_grant(ctx, trust=trust, user=account.user, now=now)
    if caller not in grant.connectors:
        raise Forbidden("The grant does not cover this connector.")
    if grant.kind == "account":
        if grant.account != account.id:
            raise Forbidden("The grant is for another account.")
        return now + _BACKGROUND
    if not request.profile:
        _admit_acting(ctx, request, account, grant, caller=caller, trust=trust, catalogue=catalogue, now=now)
    return min(now + _TURN, grant.expires)


def _admit_model(ctx: CallContext, trust: Trust, now: datetime) -> datetime:
    ctx.remaining(now=now)
    grant = trust.grant(ctx.grant, now=now)
    if grant.kind != "turn":
        raise Forbidden("A model's key is released for a turn alone.")
    if not grant.budget.model_calls:
        raise Forbidden("A model's key is released for a turn that may ask a model.")
    return now + _TURN


def _admit_acting(
    ctx: CallContext,
    request: TokenRequest,
    account: Account,
    grant: Grant,
    *,
    caller: str,
    trust: Trust,
    catalogue: Catalogue,
    now: datetime,
) -> None:
    call = request.call
    if call is None or call.account != account.id:
        raise Forbidden("Inside a turn, secrets are released for one call on this account.")
    digest = grant.connectors[caller]
    admit_call(ctx, call, trust=trust, connector=caller, digest=digest, now=now)
    effect = request.effect.raised(declared(catalogue, call, digest))
    require_approval(ctx, call, grant=grant, effect=effect, trust=trust, now=now)


def declared(catalogue: Catalogue, call: Call, digest: str) -> Effect:
    """The effect on the card that was approved; what no card declares counts as `delete`."""
    card = catalogue.card(call.connector, digest)
    tool = card.tool(call.tool) if card else None
    return tool.effect if tool else Effect.DELETE
