"""The witness: who may have what written down, and the receipt that says it was. No commit, no receipt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from openassistant import subjects
from openassistant.builtin import HOUSE_ID
from openassistant.context import CallContext, Clock
from openassistant.errors import Conflict, Forbidden, InvalidRequest
from openassistant.grants import Grant, Receipt, SigningKey, Trust
from openassistant.guard import admit_grant
from openassistant.messages import AuditAction, Call, Effect, Record, RecordReply, call_digest
from services.audit import left
from services.audit.contents import Contents
from services.audit.ledger import Ledger
from services.audit.records import COLUMNS

__all__ = ["SERVICES", "Witness", "recordable"]

SERVICES = ("gateway", "agent", "vault", "audit", "egress")
"""Rooms that are no connector."""

_OUTCOMES = (AuditAction.TOOL_FINISHED, AuditAction.TOOL_FAILED, AuditAction.TOOL_UNKNOWN)
_FINAL = (AuditAction.TOOL_FINISHED, AuditAction.TOOL_FAILED)
_VAULT = (
    AuditAction.TOKEN_RELEASED,
    AuditAction.TOKEN_REFRESHED,
    AuditAction.TOKEN_REVOKED,
    AuditAction.KEY_RELEASED,
    AuditAction.LOAN_USED,
)
_AGENT = (AuditAction.TOOL_STARTED, AuditAction.MODEL_ASKED)
_CONNECTOR = (*_OUTCOMES, AuditAction.TRAFFIC_COUNTED)
_EGRESS = (AuditAction.EGRESS_CHANGED, AuditAction.EGRESS_COUNTED)
_OTHERS = (*_AGENT, AuditAction.TRAFFIC_COUNTED, *_VAULT, *_EGRESS)
_GATEWAY = tuple(each for each in AuditAction if each not in _OTHERS)
_HANDS = {"gateway": HOUSE_ID}
"""Of whose calls a room that is no connector may say how they ended."""
_RECEIPT_LIFE = timedelta(minutes=2)
_STARTED = "WHERE id = :id AND action = 'tool.started'"
_ENDED = "SELECT 1 FROM records WHERE id = ? AND action IN (?, ?)"
_MOST_BEGUN = 4096

Admit = Callable[[Connection], None]


class Witness:
    """What stands between the rooms and the ledger."""

    def __init__(self, ledger: Ledger, contents: Contents, *, key: SigningKey, trust: Trust, clock: Clock) -> None:
        self._ledger, self._contents, self._key, self._trust, self._clock = ledger, contents, key, trust, clock
        self._begun: OrderedDict[str, dict[str, Any]] = OrderedDict()
        """The newest starts of calls as the ledger has them: most outcomes come soon, and need not read it."""

    async def record(self, ctx: CallContext, record: Record) -> RecordReply:
        """The receipt of a record, after its commit. The caller is the last token of the subject.

        Raises `Forbidden` for what that room may not record, `Conflict` for an id that stands for something else or
        for an outcome of a call that the ledger has not seen start; `Unavailable` when nothing could be stored.
        """
        room = subjects.last_token(ctx.subject)
        row, content, admit = await self._admitted(room, ctx, record)
        row["content"] = await self._contents.seal(row, content, grant=ctx.grant)
        stored = await self._ledger.append(row, admit=admit, beside=left.copied(record))
        if stored["action"] == AuditAction.TOOL_STARTED:
            self._note_begun(stored)
        return RecordReply(receipt=self._receipt(stored), index=stored["position"])

    async def _admitted(self, room: str, ctx: CallContext, record: Record) -> tuple[dict[str, Any], Any, Admit | None]:
        """(the row, its content, a last check inside the transaction)."""
        if record.action not in recordable(room):
            raise Forbidden(f"{room} may not record {record.action}.")
        if record.action is AuditAction.TOOL_STARTED:
            return *_started(record, self._turn_grant(ctx, record)), None
        content = left.told(record)
        if record.action is AuditAction.MODEL_ASKED:
            return self._asked(ctx, record), content, None
        if record.action is AuditAction.TRAFFIC_COUNTED:
            return self._traffic(room, ctx, record), content, None
        if record.action is AuditAction.LOAN_USED:
            return self._lent(ctx, record), None, None
        if room not in SERVICES or record.action in _OUTCOMES:
            return await self._outcome(room, record), content, _no_other_outcome(record)
        return self._note(room, ctx, record), content, None

    def _turn_grant(self, ctx: CallContext, record: Record) -> Grant:
        call = _call_of(record)
        grant = admit_grant(ctx, trust=self._trust, user=call.user, now=self._clock())
        if grant.kind != "turn" or grant.turn is None:
            raise Forbidden("A call begins under the grant of a turn alone.")
        if grant.conversation is None and not _looks(grant, record):
            raise Forbidden("Outside of a conversation a call may only look.")
        _agree(ctx, grant)
        if not grant.covers(call):
            raise Forbidden("The grant does not cover this connector as it is now, or not this tool.")
        return grant

    def _asked(self, ctx: CallContext, record: Record) -> dict[str, Any]:
        """The row of a question to a model, under the grant of the turn that asked or, if that is over, a later one."""
        grant = self._trust.grant(ctx.grant, now=self._clock())
        if grant.kind != "turn" or record.call is not None:
            raise Forbidden("A model is asked under the grant of a turn alone.")
        _agree(ctx, grant)
        named = {"id": record.id, "action": record.action, "outcome": record.outcome}
        return _row(named, room="agent", user=grant.user, turn=grant.turn, conversation=grant.conversation)

    def _traffic(self, room: str, ctx: CallContext, record: Record) -> dict[str, Any]:
        """The row of what a connector sent and received for a user beside calls."""
        grant = self._trust.grant(ctx.grant, now=self._clock())
        if room not in grant.connectors or record.call is not None:
            raise Forbidden("The grant does not cover this connector.")
        _agree(ctx, grant)
        named = {"id": record.id, "action": record.action, "account": record.account}
        return _row(named, room=room, user=grant.user, connector=room)

    def _lent(self, ctx: CallContext, record: Record) -> dict[str, Any]:
        """The row of a use of a lent account: it stands with who lends, and says nothing of the borrower's turn."""
        now = self._clock()
        grant, loan = self._trust.grant(ctx.grant, now=now), self._trust.loan(record.loan, now=now)
        _agree(ctx, grant)
        if record.call is not None or grant.user != loan.user:
            raise Forbidden("The loan is another user's.")
        if (record.connector, record.account) != (loan.connector, loan.account):
            raise Forbidden("The loan is of another account.")
        named = record.model_dump(include={"id", "action", "connector", "tool", "effect", "account"})
        return _row({**named, "outcome": loan.user}, room="vault", user=loan.lender)

    async def _outcome(self, room: str, record: Record) -> dict[str, Any]:
        """An outcome's row: who and what come from the start of the call, never from the one who reports."""
        if record.call is not None:
            raise InvalidRequest("An outcome names its call by the id alone.")
        begun = self._begun.get(record.id)
        if begun is None:
            begun = next(iter(await self._ledger.rows(_STARTED, {"id": record.id})), None)
        if begun is None or begun["connector"] != _HANDS.get(room, room):
            raise Conflict("The ledger holds no start of this call of yours.")
        copied = {name: begun[name] for name in COLUMNS if name not in ("position", "time", "content")}
        return {**copied, "action": record.action, "room": room, "outcome": record.outcome}

    def _note_begun(self, row: dict[str, Any]) -> None:
        self._begun[row["id"]] = {name: row[name] for name in COLUMNS if name != "content"}
        if len(self._begun) > _MOST_BEGUN:
            self._begun.popitem(last=False)

    def _note(self, room: str, ctx: CallContext, record: Record) -> dict[str, Any]:
        """The row of what gateway, vault or egress did, in the name of the grant's user or of nobody."""
        grant = self._trust.grant(ctx.grant, now=self._clock()) if ctx.grant else None
        if grant is not None:
            _agree(ctx, grant)
        elif (
            ctx.user
            or ctx.turn
            or ctx.conversation
            or not (room in ("gateway", "egress") or record.action is AuditAction.KEY_RELEASED)
        ):
            raise Forbidden("A record in a user's name needs a grant of that user.")
        user = grant.user if grant else None
        if record.call is not None and record.call.user != user:
            raise Forbidden("The call is another user's.")
        digest = call_digest(record.call) if record.call else None
        card = record.call.card_digest if record.call else None
        named = record.model_dump(include={"id", "action", "connector", "tool", "effect", "account", "outcome"})
        turn, conversation = (grant.turn, grant.conversation) if grant else (None, None)
        return _row(
            named, room=room, user=user, turn=turn, conversation=conversation, call_digest=digest, card_digest=card
        )

    def _receipt(self, row: dict[str, Any]) -> str:
        """Only the start of a call names a call's digest: no other record clears a call."""
        started = row["action"] == AuditAction.TOOL_STARTED
        return self._key.sign(
            Receipt(
                index=row["position"],
                leaf=row["leaf"].hex(),
                time=row["time"],
                call_digest=row["call_digest"] if started else "",
                call_id=row["id"],
                expires=self._expiry(),
            )
        )

    def _expiry(self) -> datetime:
        return self._clock() + _RECEIPT_LIFE


def recordable(room: str) -> tuple[AuditAction, ...]:
    """What a room may have written down; every room that is no service is a connector."""
    services = {"agent": _AGENT, "gateway": _GATEWAY, "vault": _VAULT, "audit": (), "egress": _EGRESS}
    return services.get(room, _CONNECTOR)


def _looks(grant: Grant, record: Record) -> bool:
    """Whether a call is a read of a tool that a look was signed for."""
    return grant.origin == "look" and grant.tools is not None and record.effect is Effect.READ


def _call_of(record: Record) -> Call:
    """The call of a start; raises `InvalidRequest` when the record says something else than its call."""
    call = record.call
    if call is None:
        raise InvalidRequest("The start of a call comes with the call.")
    told = {"connector": call.connector, "tool": call.tool, "account": call.account}
    if record.id != call.id or any(getattr(record, name) not in (None, value) for name, value in told.items()):
        raise InvalidRequest("The record and its call do not agree.")
    return call


def _started(record: Record, grant: Grant) -> tuple[dict[str, Any], Any]:
    """The row of a start and its content: arguments and nonce, from which the owner can work out the call digest."""
    call = _call_of(record)
    row = _row(
        {"id": call.id, "action": record.action, "effect": record.effect},
        room="agent",
        user=call.user,
        turn=grant.turn,
        conversation=grant.conversation,
        connector=call.connector,
        card_digest=call.card_digest,
        tool=call.tool,
        account=call.account,
        call_digest=call_digest(call),
    )
    return row, {"arguments": call.arguments, "nonce": call.nonce}


def _agree(ctx: CallContext, grant: Grant) -> None:
    """What the context says beside the grant must be what the grant says; raises `Forbidden`."""
    for name in ("user", "turn", "conversation"):
        said, signed = getattr(ctx, name), getattr(grant, name)
        if said is not None and signed is not None and said != signed:
            raise Forbidden(f"The {name} of the call is not that of its grant.")


def _row(named: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Every column that a record brings along, plain text throughout."""
    given = {**named, **more}
    row = {name: given.get(name) for name in COLUMNS if name not in ("position", "time", "content")}
    return {name: None if value is None else str(value) for name, value in row.items()}


def _no_other_outcome(record: Record) -> Admit:
    """A call ends once: after `finished` or `failed` nothing else; `unknown` may still become either."""

    def admit(connection: Connection) -> None:
        ended = connection.exec_driver_sql(_ENDED, (record.id, *(action.value for action in _FINAL))).first()
        if ended is not None:
            raise Conflict("The ledger holds another outcome of this call.")

    return admit
