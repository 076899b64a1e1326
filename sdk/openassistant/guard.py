"""What a hand checks before it acts, and the vault before it lets a secret go: deadline, grant, receipt, approval.

The order is fixed (security.md); the last check, that the call id is unused, is the journal's.
"""

from __future__ import annotations

from datetime import datetime

from openassistant.context import CallContext
from openassistant.errors import Forbidden
from openassistant.grants import Approval, Grant, Trust
from openassistant.messages import Call, Effect, call_digest
from openassistant.rules import covers

__all__ = ["admit_call", "admit_grant", "require_approval"]


def admit_grant(ctx: CallContext, *, trust: Trust, user: str, now: datetime) -> Grant:
    """The grant of a context for this user; raises `DeadlineExceeded`, `Forbidden`."""
    ctx.remaining(now=now)
    grant = trust.grant(ctx.grant, now=now)
    if grant.user != user:
        raise Forbidden("The grant is another user's.")
    return grant


def admit_call(ctx: CallContext, call: Call, *, trust: Trust, connector: str, digest: str, now: datetime) -> Grant:
    """The grant of a turn that covers this call, whose receipt is checked too; raises `Forbidden`.

    `digest` is that of the connector's own card.
    """
    grant = admit_grant(ctx, trust=trust, user=call.user, now=now)
    if grant.kind != "turn":
        raise Forbidden("Only the grant of a turn covers a tool call.")
    if call.connector != connector or call.card_digest != digest or grant.connectors.get(connector) != digest:
        raise Forbidden("The grant does not cover this connector as it is now.")
    if not grant.covers(call):
        raise Forbidden("The grant does not cover this tool.")
    receipt = trust.receipt(ctx.receipt, now=now)
    if receipt.call_id != call.id or receipt.call_digest != call_digest(call):
        raise Forbidden("The receipt is for another call.")
    return grant


def require_approval(
    ctx: CallContext, call: Call, *, grant: Grant, effect: Effect, trust: Trust, now: datetime
) -> Approval | None:
    """The approval that an effect asks for: none for a granted read, a person's for send and delete.

    For a write or a send a rule that he made before will do, too.

    Raises `Forbidden` when it is missing, or for another call, or not by a person where one must decide. Whether the
    call stays inside the rule's destinations shows in its preview, which the hand makes.
    """
    if effect is Effect.READ and effect in grant.effects:
        return None
    approval = trust.approval(ctx.approval, now=now)
    if approval.user != call.user or approval.call_id != call.id or approval.call_digest != call_digest(call):
        raise Forbidden("The approval is for another call.")
    if approval.decided_by == "rule":
        rule = trust.rule(approval.rule, now=now)
        if not covers(rule, call, effect=effect, conversation=grant.conversation) or not approval.preview_digest:
            raise Forbidden("The rule does not cover this call.")
        if grant.rules is not None and rule.id not in grant.rules:
            raise Forbidden("The schedule does not act under this rule.")
    elif effect in (Effect.SEND, Effect.DELETE) and approval.decided_by != "person":
        raise Forbidden("Only a person can approve this.")
    return approval
