"""Approvals: the policy's answer to the agent, the question to a person, and his signed decision. No way around it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

from openassistant import subjects
from openassistant.budgets import NOTHING, Budget
from openassistant.bus import Bus
from openassistant.context import CallContext, Clock, new_id
from openassistant.errors import Conflict, DeadlineExceeded, Forbidden, NotFound, OaError, RateLimited, Unavailable
from openassistant.grants import Grant, Trust
from openassistant.guard import admit_grant
from openassistant.messages import (
    ApprovalNeed,
    ApprovalOutcome,
    AuditAction,
    Call,
    Decision,
    Done,
    Effect,
    Renewal,
    RenewalRequest,
    call_digest,
)
from services.gateway import policy, views
from services.gateway.budgets import Budgets
from services.gateway.grants import Grants
from services.gateway.holds import Holds
from services.gateway.leaves import Leaves
from services.gateway.ledger import Ledger
from services.gateway.policy import Proposal, Standing, Verdict
from services.gateway.problems import BudgetSpent
from services.gateway.proposals import Proposals
from services.gateway.questions import Content, Decided, Question, Questions, is_edited, require_seen
from services.gateway.rules import Rules
from services.gateway.sessions import SignedIn
from services.gateway.taint import Taint
from services.gateway.turns import Turns
from services.gateway.versions import apart
from services.gateway.wayout import WayOut

__all__ = ["Approvals"]

_SOON = 0.2
_DECIDE_SECONDS = 3.0
"""An agent that died with a decision in its hands is told again as soon as this; the same one again changes nothing."""
_ACTIONS = {
    "approved": AuditAction.APPROVAL_GRANTED,
    "denied": AuditAction.APPROVAL_DENIED,
    "expired": AuditAction.APPROVAL_EXPIRED,
}

_log = logging.getLogger("openassistant.gateway")


class Approvals:
    """Serves the agent's questions, and a person's answers."""

    def __init__(
        self,
        bus: Bus,
        questions: Questions,
        turns: Turns,
        *,
        proposals: Proposals,
        grants: Grants,
        leaves: Leaves,
        taint: Taint,
        rules: Rules,
        ledger: Ledger,
        budgets: Budgets,
        trust: Trust,
        clock: Clock,
        life: timedelta,
        holds: Holds,
        way: WayOut,
    ) -> None:
        self._bus, self._questions, self._turns = bus, questions, turns
        self._proposals, self._grants, self._leaves, self._ledger = proposals, grants, leaves, ledger
        self._taint, self._budgets, self._way = taint, budgets, way
        self._rules, self._trust, self._clock, self._life, self._holds = rules, trust, clock, life, holds
        self._carrying: set[str] = set()
        self._deciding: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def start(self) -> None:
        """Serves the agent."""
        await self._bus.serve(subjects.gateway("approve"), ApprovalNeed, self.on_approve)
        await self._bus.serve(subjects.gateway("renew"), RenewalRequest, self.on_renew)

    # --- the agent asks -------------------------------------------------------------------------------------------

    async def on_approve(self, ctx: CallContext, need: ApprovalNeed) -> ApprovalOutcome:
        """What becomes of a call: it runs, waits, or is refused. The same call again gets the same answer."""
        call, grant = need.call, admit_grant(ctx, trust=self._trust, user=need.call.user, now=self._clock())
        try:
            async with self._alone(call.id):  # who asks again while the first try goes on waits for that
                return await self._judged(ctx, call, grant)
        except Forbidden as error:
            self._ledger.try_note(
                AuditAction.POLICY_REFUSED, user=call.user, grant=str(ctx.grant), call=call,
                connector=call.connector[:64], tool=call.tool[:64], account=call.account,
                content={"call": call.id, "reason": error.message},
            )  # fmt: skip
            raise

    async def _judged(self, ctx: CallContext, call: Call, grant: Grant) -> ApprovalOutcome:
        if grant.kind != "turn" or not grant.turn or not grant.conversation:
            raise Forbidden("Only the grant of a turn lets a call be put to the policy.")
        if not await self._turns.lives(grant.turn, user=grant.user) or not await self._turns.may_go_on(grant.turn):
            raise Forbidden("This turn has ended.")
        await self._leaves.check(grant)
        effect, preview, lent = await self._proposals.look(call, grant, str(ctx.grant), ctx.zone)
        tainted = await self._taint.of(call.user, grant.conversation)
        proposal = Proposal(
            call, effect, preview, conversation=grant.conversation, tainted=tainted, unattended=bool(grant.schedule),
            why=await self._turns.asks(grant.turn), lent=lent,
        )  # fmt: skip
        verdict = policy.decide(proposal, await self._standing(grant))
        approval = await self._leave(proposal, verdict)
        if approval is not None:
            return await self._run(proposal, verdict, approval, str(ctx.grant))
        content = Content(call=call, effect=effect, preview=preview, reason=verdict.reason, zone=ctx.zone)
        return await self._ask(content, grant, str(ctx.grant))

    async def _standing(self, grant: Grant) -> list[Standing]:
        """The rules under which a turn may act: in a schedule's run those that were signed with it."""
        return [each for each in await self._rules.of(grant.user) if grant.rules is None or each.rule.id in grant.rules]

    async def on_renew(self, ctx: CallContext, request: RenewalRequest) -> Renewal:
        """A fresh grant of a turn that lives, with decisions made meanwhile; or takes note that it has ended.

        Raises `RateLimited` where nothing is left to spend and the turn was brought to its end.
        """
        ctx.remaining(now=self._clock())
        grant = self._trust.expired_grant(ctx.grant)
        if grant.kind != "turn" or not grant.turn or not grant.conversation or grant.turn != request.turn:
            raise Forbidden("The grant is not of that turn.")
        aside = await self._turns.aside(grant.turn, user=grant.user)
        if aside and not request.ended:
            return Renewal(grant=self._grants.session(grant.user), aside=aside)
        if not aside and not await self._turns.lives(grant.turn, user=grant.user):
            raise Forbidden("This turn has ended.")
        if request.ended or request.parked:
            await self._budgets.rest(grant.user, grant.turn, request.spent)
        if request.ended:
            await self._turns.end(grant.turn)
            await self._questions.void(turn=grant.turn)
        if request.ended or request.parked:
            return Renewal()
        if not await self._turns.may_go_on(grant.turn):
            raise Forbidden("This turn has gone on for too long. Ask again to begin another.")
        decided = [
            each for each in await self._questions.of_turn(grant.turn) if each.recorded and each.is_due(self._clock())
        ]
        contents = await self._questions.contents(grant.user, decided)
        decisions = tuple(self._decision(each, contents[each.id]) for each in decided if each.id in contents)
        try:
            budget = await self._budgets.renew(grant.user, request)
        except BudgetSpent as error:
            raise RateLimited(error.message, details=error.details) from error
        fresh = await self._leaves.fresh(grant.user, turn=grant.turn, conversation=grant.conversation, budget=budget)
        return Renewal(grant=fresh, decisions=decisions)

    async def _leave(self, proposal: Proposal, verdict: Verdict) -> str | None:
        """The signed leave of a call that runs, by the policy or under a rule; None for one that is asked about.

        What was put to a person already is his to decide, also where he made a rule since.
        """
        call = proposal.call
        if verdict.action != "run":
            return None
        if verdict.rule is None:
            return self._grants.by_policy(call)
        asked = await self._questions.knows(call.id)
        rule = None if asked else await self._rules.take(call.user, verdict.rule, call.id)
        return self._grants.by_rule(call, rule=rule, preview_digest=proposal.preview.digest()) if rule else None

    async def _run(self, proposal: Proposal, verdict: Verdict, approval: str, grant: str) -> ApprovalOutcome:
        call = proposal.call
        shown = proposal.preview.model_dump(mode="json")
        content = {"verdict": "run", "reason": verdict.reason, "preview": shown, "rule": verdict.rule}
        await self._ledger.note(
            AuditAction.POLICY_DECIDED, user=call.user, id=call.id, grant=grant, call=call, connector=call.connector,
            tool=call.tool, effect=proposal.effect, account=call.account, content=content,
        )  # fmt: skip
        return ApprovalOutcome(verdict="run", approval=approval)

    async def _ask(self, content: Content, grant: Grant, token: str) -> ApprovalOutcome:
        now, call = self._clock(), content.call
        question = await self._questions.open(Question(
            id=new_id(), call_id=call.id, call_digest=call_digest(call), user=grant.user, turn=str(grant.turn),
            conversation=str(grant.conversation), state="pending", created=now, expires=now + self._life,
        ))  # fmt: skip
        if question.call_digest != call_digest(call) or question.user != grant.user:
            await self._questions.void(question=question.id)
            raise Forbidden("This call was changed after it was put to the owner, so it is void.")
        if question.state != "pending":
            return await self._answered(question)
        await self._ask_in_writing(question, content, token)
        return ApprovalOutcome(
            verdict="ask", approval_id=question.id, preview=content.preview, expires=question.expires
        )

    async def _ask_in_writing(self, question: Question, content: Content, token: str) -> None:
        """The ledger first, then what makes the question visible; without a ledger it was never asked."""
        call, preview = content.call, content.preview.model_dump(mode="json")
        try:
            await self._ledger.note(
                AuditAction.APPROVAL_ASKED, user=call.user, id=question.id, grant=token, call=call,
                connector=call.connector, tool=call.tool, effect=content.effect, account=call.account,
                content={"call": call.id, "preview": preview, "reason": content.reason},
            )  # fmt: skip
        except OaError:
            await self._questions.void(question=question.id)
            raise
        await self._questions.fill(question, content)

    async def _answered(self, question: Question) -> ApprovalOutcome:
        """The answer to a call that is asked about again after it was decided."""
        contents = await self._questions.contents(question.user, [question])
        if question.held_until is not None and question.state == "approved" and not question.is_due(self._clock()):
            return ApprovalOutcome(verdict="ask", approval_id=question.id, expires=question.expires)
        if question.id not in contents or question.state not in _ACTIONS:
            return ApprovalOutcome(verdict="refuse", detail="The owner was asked about this, and it is no longer open.")
        await self._write_down(question, contents[question.id])
        decision = self._decision(question, contents[question.id])
        if decision.approval:
            return ApprovalOutcome(verdict="run", approval=decision.approval, call=decision.call)
        return ApprovalOutcome(verdict="refuse", detail=decision.note or "The owner said no.")

    # --- a person decides -----------------------------------------------------------------------------------------

    async def listing(self, me: SignedIn, state: str | None) -> list[views.Approval]:
        """One's own questions: those that wait oldest first, else the newest hundred."""
        questions = await self._questions.listing(me.user.id, state)
        contents = await self._questions.contents(me.user.id, questions)
        known = [each for each in questions if each.id in contents]
        elsewhere = await self._apart(me, known)
        return [await self._shown(each, contents[each.id], elsewhere.get(each.turn)) for each in known]

    async def view(self, me: SignedIn, approval: str) -> views.Approval:
        """One question; raises `NotFound`."""
        question, content = await self._questions.one(me.user.id, approval)
        elsewhere = await self._apart(me, [question])
        return await self._shown(question, content, elsewhere.get(question.turn))

    async def _apart(self, me: SignedIn, questions: list[Question]) -> dict[str, str]:
        """By turn, the message of another version in which a question waits, or is held."""
        open_ = [each.turn for each in questions if each.state in ("pending", "approved") and not each.delivered]
        return await apart(self._bus, self._grants, me.user.id, open_)

    async def _ended_by_restore(self, question: Question) -> str | None:
        return await self._turns.ended_by_restore(question.turn, user=question.user)

    async def _shown(self, question: Question, content: Content, version: str | None) -> views.Approval:
        why = await self._ended_by_restore(question) if question.state == "void" else None
        return _view(question, content).model_copy(update={"put_aside": why, "version": version})

    async def decide(
        self, me: SignedIn, approval: str, *, approve: bool, note: str = "", seen: str | None = None
    ) -> views.Approval:
        """Decides, once; a token needs the scope for it. `seen` is the digest of the preview that was looked at.

        What is held after a yes can be taken back by a no.

        Raises `NotFound`, and `Conflict` when it was decided otherwise, is no longer open, or is not what was seen.
        """
        me.require("approve")
        async with self._alone(approval):
            question, content = await self._questions.one(me.user.id, approval)
            if question.state == "void" and (why := await self._ended_by_restore(question)):
                raise Conflict(why)
            if question.state == "pending" and question.expires <= self._clock():
                await self._expire(question)
            elif question.state == "pending":
                if approve:
                    require_seen(question, content, seen)
                state: Decided = "approved" if approve else "denied"
                held = await self._held_until(content) if approve else None
                if await self._questions.settle(question, state, by=me, note=note.strip(), held_until=held):
                    await self._settled(me, approval)
            elif question.state == "approved" and not approve and await self._questions.take_back(question, by=me):
                await self._settled(me, approval)
        question, content = await self._questions.one(me.user.id, approval)
        if question.state != ("approved" if approve else "denied"):
            raise Conflict(_CLOSED.get(question.state, "This is no longer open."))
        return _view(question, content)

    async def form(self, me: SignedIn, approval: str) -> views.ApprovalForm:
        """The arguments of a call and their schema; raises `NotFound`, and `Conflict` where its card is gone."""
        _, content = await self._questions.one(me.user.id, approval)
        parameters = self._proposals.parameters(content.call)
        return views.ApprovalForm(parameters=parameters, arguments=content.call.arguments)

    async def edit(self, me: SignedIn, approval: str, arguments: dict[str, Any], *, seen: str) -> views.Approval:
        """Changes a call that waits, which stays to be decided; the connector says anew what it will do.

        Raises `NotFound`, `InvalidRequest` for arguments that the tool does not take, and `Conflict` when it is no
        longer open, or not what was seen.
        """
        me.require("approve")
        async with self._alone(approval):
            question, content = await self._questions.one(me.user.id, approval)
            if question.state != "pending" or question.expires <= self._clock():
                raise Conflict(_CLOSED.get(question.state, _CLOSED["expired"]))
            require_seen(question, content, seen)
            changed = {"arguments": arguments, "nonce": secrets.token_hex(16)}
            call, token = content.call.model_copy(update=changed), await self._turn_grant(question)
            grant = self._trust.grant(token, now=self._clock())
            effect, preview, _ = await self._proposals.look(call, grant, token, content.zone)
            await self._ledger.note(
                AuditAction.APPROVAL_EDITED, user=call.user, grant=token, call=call, connector=call.connector,
                tool=call.tool, effect=effect, account=call.account,
                content={"approval": question.id, "call": call.id, "preview": preview.model_dump(mode="json")},
            )  # fmt: skip
            edited = content.model_copy(update={"call": call, "effect": effect, "preview": preview})
            await self._questions.change(question, edited)
            return _view(question, edited)

    async def sweep(self) -> None:
        """Ends what nobody decided in time, and carries out what a former try could not."""
        for question in await self._questions.overdue():
            await self._expire(question)
        for question in await self._questions.unfinished():
            async with self._alone(question.id):
                await self._finish(question)

    async def _finish(self, found: Question) -> None:
        """Carries out a decision that was found unfinished, if it still is."""
        question = await self._questions.find(found.user, found.id)
        if question is None or question.delivered or question.state != found.state:
            return
        contents = await self._questions.contents(question.user, [question])
        if question.id in contents:
            await self._carry_out(question, contents[question.id])
        else:
            await self._questions.delivered(question)

    async def void(self, conversation: str) -> None:
        """Nothing of a conversation waits any longer."""
        await self._questions.void(conversation=conversation)

    async def _held_until(self, content: Content) -> datetime | None:
        """Until when what leaves the house is held back after a yes."""
        if content.effect is not Effect.SEND:
            return None
        hold = await self._holds.of(content.call.account)
        return self._clock() + hold if hold else None

    async def _settled(self, me: SignedIn, approval: str) -> None:
        """After a decision: written down and carried out, or written down and held."""
        question, content = await self._questions.one(me.user.id, approval)
        if question.held_until is None:
            await self._carry_out(question, content)
            return
        try:
            await self._write_down(question, content)
        except OaError as error:
            _log.warning("a decision waits", extra={"approval": question.id, "code": error.code})
        self._bus.spawn(self._release(question))

    async def _release(self, question: Question) -> None:
        """Carries out what is no longer held; what a restart forgets of it the next sweep does."""
        assert question.held_until is not None, "only what is held is released"
        await asyncio.sleep(max((question.held_until - self._clock()).total_seconds(), 0))
        await self.sweep()

    def _alone(self, name: str) -> asyncio.Lock:
        """One at a time judges the same call, and decides or changes the same question: a yes is to what was seen."""
        return self._deciding.setdefault(name, asyncio.Lock())

    async def _expire(self, question: Question) -> None:
        if await self._questions.settle(question, "expired", by=None, note=""):
            _log.info("approval expired", extra={"approval": question.id})

    async def _carry_out(self, question: Question, content: Content) -> None:
        """Written down, then signed and told to the agent; what fails is tried again by the next sweep."""
        if question.id in self._carrying:
            return
        self._carrying.add(question.id)
        try:
            await self._write_down(question, content)
            await self._deliver(question, content)
        except OaError as error:
            _log.warning("a decision waits", extra={"approval": question.id, "code": error.code})
        finally:
            self._carrying.discard(question.id)

    async def _write_down(self, question: Question, content: Content) -> None:
        if question.recorded:
            return
        call = content.call
        await self._ledger.note(
            _ACTIONS[question.state], user=question.user, id=question.id, grant=self._leaves.naming(question),
            connector=call.connector, tool=call.tool, effect=content.effect, account=call.account,
            content={"call": call.id, "preview_digest": content.preview.digest(), "session": question.session,
                     "token": question.token, "note": content.note},
        )  # fmt: skip
        await self._questions.recorded(question)

    async def _deliver(self, question: Question, content: Content) -> None:
        """Tells the agent. The decision may come before the agent has noted that its call waits: asked again soon."""
        if not await self._turns.lives(question.turn, user=question.user):
            await self._questions.delivered(question)
            return
        decision, budget = self._decision(question, content), await self._budgets.resume(question.user, question.turn)
        if decision.approved:
            await self._way.let(content.call.connector, content.preview.destinations)
        for pause in (_SOON, _SOON, _SOON, None):
            grant = await self._turn_grant(question, budget)
            ctx = self._grants.context(question.user, seconds=_DECIDE_SECONDS, grant=grant)
            ctx = ctx.model_copy(update={"turn": question.turn, "conversation": question.conversation})
            try:
                await self._bus.request(subjects.agent("decide"), decision, Done, ctx)
                break
            except NotFound:
                break
            except (Conflict, Unavailable, DeadlineExceeded):
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        await self._questions.delivered(question)

    def _decision(self, question: Question, content: Content) -> Decision:
        """The decision as the agent gets it, signed for exactly the stored call."""
        approved = question.state == "approved"
        token = None
        if approved:
            token = self._grants.by_person(
                content.call, approval=question.id, session=question.session or f"token:{question.token}",
                preview_digest=content.preview.digest(),
            )  # fmt: skip
        return Decision(
            approval_id=question.id, call_id=question.call_id, approved=approved, approval=token, note=content.note,
            expired=question.state == "expired",
            call=content.call if approved and is_edited(question, content) else None,
        )  # fmt: skip

    async def _turn_grant(self, question: Question, budget: Budget = NOTHING) -> str:
        return await self._leaves.fresh(
            question.user, turn=question.turn, conversation=question.conversation, budget=budget
        )


_CLOSED = {
    "approved": "This was approved already.",
    "denied": "This was denied already.",
    "expired": "The time to decide this is over. Ask again if you still want it.",
    "void": "This is no longer open: the conversation has moved on.",
}


def _view(question: Question, content: Content) -> views.Approval:
    call = content.call
    return views.Approval(
        id=question.id,
        state=question.state,
        created_at=question.created,
        expires_at=question.expires,
        decided_at=question.decided,
        conversation=question.conversation,
        turn=question.turn,
        call_id=call.id,
        connector=call.connector,
        tool=call.tool,
        effect=content.effect,
        account=call.account,
        arguments=call.arguments,
        preview=views.Preview.model_validate(content.preview.model_dump(exclude={"effect"})),
        reason=content.reason,
        can_become_rule=policy.offers(content.effect, call, content.preview),
        preview_digest=content.preview.digest(),
        edited=is_edited(question, content),
        held_until=question.held_until if question.state == "approved" and not question.delivered else None,
    )
