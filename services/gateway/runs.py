"""Starts what is due: each time at most one turn, under a grant cut out of what was signed, in its own conversation."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from openassistant.context import Clock, new_id
from openassistant.errors import Conflict, DeadlineExceeded, Forbidden, NotFound, OaError, Unavailable
from services.gateway import occurrences
from services.gateway import schedule_views as views
from services.gateway.chat import Chat
from services.gateway.questions import Questions
from services.gateway.runbook import Due, Run, Runbook, RunState
from services.gateway.schedules import Kept, Schedules
from services.gateway.sessions import SignedIn

__all__ = ["LATE", "Runs"]

LATE = timedelta(minutes=15)
"""How late a run may begin before its time counts as missed."""
_LATE_AT_ONCE = 2
"""Late runs begin only while fewer runs than this work: a house that was off for a week does not start all at once."""
_AGAIN = timedelta(seconds=20)
_GIVEN_UP = timedelta(hours=1)
_NOT_YET = (Unavailable, DeadlineExceeded, Conflict)

_log = logging.getLogger("openassistant.gateway")


class Runs:
    """The clockwork. `tick` may run in several processes of the same house."""

    def __init__(self, schedules: Schedules, runbook: Runbook, chat: Chat, questions: Questions, clock: Clock) -> None:
        self._schedules, self._runbook, self._chat = schedules, runbook, chat
        self._questions, self._clock = questions, clock

    async def tick(self) -> None:
        """Starts what is due now, and what a former process claimed and did not start."""
        for run in await self._runbook.left(older=_AGAIN):
            if await self._runbook.take_over(run):
                await self._start(run)
        for due in await self._runbook.due():
            await self._meet(due)

    async def now(self, me: SignedIn, schedule: str) -> views.ScheduleRun:
        """Runs a schedule at once, beside its times; raises `NotFound`, `Conflict` while a run is under way."""
        try:
            kept = await self._schedules.kept(me.user.id, schedule)
        except Forbidden as error:
            raise NotFound("There is no such schedule.") from error
        if await self._hindrance(kept):
            raise Conflict("The run before is still under way, or waits for your answer.")
        moment = self._clock()
        run = Run(schedule=schedule, user=me.user.id, due=moment, turn=new_id(), state="claimed", claimed=moment)
        await self._runbook.add(run)
        await self._begin(run, kept)
        await self._runbook.became(run, "started")
        return views.ScheduleRun(due_at=run.due, state="started", turn=run.turn)

    async def end(self, me: SignedIn, schedule: str) -> None:
        """Ends a schedule, and stops what its run does at this moment; raises `NotFound`."""
        living = await self._runbook.living(schedule)
        conversation = await self._schedules.end(me, schedule)
        for run in living:
            await self._chat.abandon(run.user, run.turn)
        if conversation is not None:
            try:
                await self._chat.cancel(me, conversation)
            except OaError as error:
                _log.info("the run of an ended schedule was not stopped", extra={"code": error.code})

    async def _meet(self, due: Due) -> None:
        """One due time: run, made up for, or left out; of several that were missed, the newest stands for all."""
        try:
            kept = await self._schedules.kept(due.user, due.schedule)
        except Forbidden:
            await self._runbook.expect(due.schedule, due.user, None, paused=False)
            return
        now, until = self._clock(), kept.signed.expires
        if now - due.due > LATE and await self._runbook.under_way(due.user) >= _LATE_AT_ONCE:
            return  # it stays due: what was missed by many schedules is made up for one after the other
        at = occurrences.newest_until(kept.terms, due.due, now, until=until)
        next_ = occurrences.next_after(kept.terms, max(now, at), until=until)
        state = await self._state(kept, at, now)
        turn = new_id()
        if await self._runbook.claim(due, at=at, turn=turn, state=state, next_=next_) and state == "claimed":
            await self._start(Run(
                schedule=due.schedule, user=due.user, due=at, turn=turn, state=state, claimed=now,
            ))  # fmt: skip

    async def _state(self, kept: Kept, at: datetime, now: datetime) -> RunState:
        """What becomes of a run that is due: it is claimed, or left out and why."""
        restored = await self._runbook.restored()
        if (now - at > LATE and kept.terms.missed == "skip") or (restored and at <= restored):
            return "missed"
        return await self._hindrance(kept) or "claimed"

    async def _hindrance(self, kept: Kept) -> RunState | None:
        """What stands in the way: the run before, or something in the conversation that waits or is held.

        A new turn withdraws what waits there, and a run has no business to take a decision away from its owner.
        """
        living = await self._runbook.living(kept.signed.id)
        waits = [await self._questions.waits(turn=each.turn) for each in living]
        talk = kept.conversation
        if any(waits) or (talk and await self._questions.waits(conversation=talk)):
            return "waiting"
        return "busy" if living or (talk and await self._questions.held(kept.signed.user, talk)) else None

    async def _start(self, run: Run) -> None:
        """Starts a run that was claimed; what a room that is away prevents is tried again for a while."""
        try:
            await self._begin(run, await self._schedules.kept(run.user, run.schedule))
        except _NOT_YET as error:
            _log.info("a run is put off", extra={"code": error.code})
            if self._clock() - run.due > _GIVEN_UP + LATE:
                await self._fail(run)
        except OaError as error:
            _log.warning("a run failed to start", extra={"code": error.code})
            await self._fail(run)
        else:
            await self._runbook.became(run, "started")

    async def _fail(self, run: Run) -> None:
        await self._chat.abandon(run.user, run.turn)
        await self._runbook.became(run, "failed")

    async def _begin(self, run: Run, kept: Kept) -> None:
        """The turn of a run: under its id asked for again, it is the same one."""
        conversation = kept.conversation
        if conversation is None or not await self._chat.exists(run.user, conversation):
            conversation = await self._chat.open(run.user, title=kept.terms.name)
            await self._schedules.settle_in(run.user, run.schedule, conversation)
        await self._chat.run(run.user, conversation, turn=run.turn, kept=kept, due=run.due)
