"""Schedules: what a person signed to be done at given times, listed, changed, paused and ended.

Kept as it was signed, in its owner's file; when it is due stands in the room's file, by id alone. A run gets a grant
that is cut out of what was signed (`terms`), so one that was changed in the file, is over or was ended gets none.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, text

from openassistant.context import Clock, new_id
from openassistant.errors import Conflict, Forbidden, NotFound
from openassistant.grants import Schedule, Trust
from openassistant.messages import AuditAction, Effect, Id, Wire, digest_of
from services.gateway import occurrences
from services.gateway import schedule_views as views
from services.gateway.connectors import Connectors
from services.gateway.files import OwnFiles
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger
from services.gateway.occurrences import When
from services.gateway.problems import invalid
from services.gateway.rules import Rules
from services.gateway.runbook import Runbook
from services.gateway.sessions import Sessions, SignedIn

__all__ = ["MOST", "Kept", "Schedules", "Terms"]

MOST = 50
"""Living schedules of one person."""

_MOST_PROPOSALS = 20
_SHOWN_TIMES, _SHOWN_RUNS = 3, 5
_WHY = "A schedule acts while you are away, so it needs your password once more."


class Terms(When):
    """What is signed by its digest. `source` is the conversation in which it was proposed, if it was."""

    name: str
    prompt: str
    connectors: tuple[str, ...]
    acts: bool
    missed: Literal["late", "skip"]
    tainted: bool
    source: Id | None = None

    def digest(self) -> str:
        """SHA-256 over all of it."""
        return digest_of(self.model_dump(mode="json"))


class Kept(Wire):
    """A schedule whose signature holds."""

    terms: Terms
    signed: Schedule
    conversation: Id | None
    created: datetime


class Schedules:
    """Makes, lists and ends schedules, and gives what was signed to whoever starts their runs."""

    def __init__(
        self,
        own: OwnFiles,
        runbook: Runbook,
        sessions: Sessions,
        *,
        rules: Rules,
        connectors: Connectors,
        grants: Grants,
        ledger: Ledger,
        trust: Trust,
        clock: Clock,
    ) -> None:
        self._own, self._runbook, self._sessions, self._rules = own, runbook, sessions, rules
        self._connectors, self._grants, self._ledger = connectors, grants, ledger
        self._trust, self._clock = trust, clock

    def times(self, draft: views.WhenDraft) -> views.ScheduleTimes:
        """When a draft would run; raises `InvalidRequest`."""
        when = occurrences.checked(_when(draft))
        until = self._clock() + timedelta(days=365)
        found = occurrences.upcoming(when, self._clock(), until=until, most=_SHOWN_TIMES)
        return views.ScheduleTimes(when=occurrences.in_words(when), next=tuple(found))

    async def make(self, me: SignedIn, draft: views.ScheduleDraft, *, address: str) -> views.Schedule:
        """A new schedule, signed and written down first.

        Raises `InvalidRequest`, `SignInAgain` where the password is needed, `Conflict` where there are too many.
        """
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        if len(await self._living(me.user.id)) >= MOST:
            raise Conflict(f"You have {MOST} schedules. Remove one that is no longer used.")
        return await self._sign(me, draft, id=new_id(), former=None)

    async def change(self, me: SignedIn, schedule: str, draft: views.ScheduleDraft, *, address: str) -> views.Schedule:
        """Signs a schedule anew, as it is drafted; raises as `make`, and `NotFound`."""
        former = await self._one(me.user.id, schedule)
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        return await self._sign(me, draft, id=schedule, former=former)

    async def living(self, user: str) -> list[Kept]:
        """A user's schedules whose signatures hold, newest first."""
        return await self._living(user)

    async def listing(self, me: SignedIn) -> list[views.Schedule]:
        """One's own living schedules, newest first."""
        return [await self._shown(each) for each in await self._living(me.user.id)]

    async def pause(self, me: SignedIn, schedule: str, *, paused: bool) -> views.Schedule:
        """Leaves out its runs, or goes on with the next one that is due; raises `NotFound`."""
        kept = await self._one(me.user.id, schedule)
        await self._runbook.expect(schedule, me.user.id, self._next(kept), paused=paused)
        return await self._shown(kept)

    async def end(self, me: SignedIn, schedule: str) -> str | None:
        """Ends a schedule and what its runs still do, at once; its conversation, if it has one. Raises `NotFound`.

        The witness is told, and cannot prevent it.
        """

        def write(connection: Connection) -> Any:
            query = "DELETE FROM schedules WHERE id = :id RETURNING conversation"
            return connection.execute(text(query), {"id": schedule}).one_or_none()

        async with self._own.use(me.user.id) as store:
            row = await store.write(write)
        if row is None:
            raise NotFound("There is no such schedule.")
        await self._runbook.forget(schedule)
        self._ledger.try_note(AuditAction.SCHEDULE_ENDED, user=me.user.id, content={"schedule": schedule})
        conversation: str | None = row.conversation
        return conversation

    async def kept(self, user: str, schedule: str) -> Kept:
        """A living schedule; raises `Forbidden` for one that is over, was ended, or is not what was signed."""
        try:
            return await self._one(user, schedule)
        except NotFound as error:
            raise Forbidden("The schedule of this run was ended.") from error

    async def settle_in(self, user: str, schedule: str, conversation: str) -> None:
        """The conversation in which its runs are."""
        row = {"id": schedule, "conversation": conversation}
        query = text("UPDATE schedules SET conversation = :conversation WHERE id = :id")
        async with self._own.use(user) as store:
            await store.write(lambda connection: connection.execute(query, row))

    async def _sign(
        self,
        me: SignedIn,
        draft: views.ScheduleDraft,
        *,
        id: str,  # noqa: A002 - its own word
        former: Kept | None,
    ) -> views.Schedule:
        now = self._clock()
        expires = now + timedelta(days=draft.days)
        terms = await self._terms(me, draft, former)
        if occurrences.next_after(terms, now, until=expires) is None:
            raise invalid("This would never run.", starts="Choose a time that is still to come.")
        signed = Schedule(
            id=id, user=me.user.id, terms=terms.digest(), tools=self._tools(draft), rules=draft.rules,
            session=me.session, expires=expires,
        )  # fmt: skip
        content = {**terms.model_dump(mode="json"), **signed.model_dump(mode="json"), "schedule": id}
        await self._ledger.note(AuditAction.SCHEDULE_SIGNED, user=me.user.id, content=content)
        created = former.created if former else now
        kept = Kept(terms=terms, signed=signed, created=created, conversation=former.conversation if former else None)
        row = {
            "id": id, "token": self._grants.schedule(signed), "terms": terms.model_dump_json(),
            "created": created.isoformat(), "expires": expires.isoformat(), "proposal": draft.proposal,
        }  # fmt: skip
        async with self._own.use(me.user.id) as store:
            await store.write(lambda connection: _keep(connection, row))
        await self._runbook.expect(id, me.user.id, self._next(kept), paused=False)
        return await self._shown(kept)

    async def _terms(self, me: SignedIn, draft: views.ScheduleDraft, former: Kept | None) -> Terms:
        """What is to be signed. Words that a tainted turn proposed stay tainted until their owner writes others."""
        when = occurrences.checked(_when(draft))
        living = {each.rule.id for each in await self._rules.of(me.user.id)} if draft.rules else set[str]()
        if not set(draft.rules) <= living:
            raise invalid("One of the rules is over.", rules="Choose among the rules that you have.")
        proposed = await self.proposal(me, draft.proposal) if draft.proposal else None
        tainted = bool(proposed and proposed.tainted and draft.prompt == proposed.prompt)
        source = proposed.conversation if proposed else None
        if former is not None:
            tainted = tainted or (former.terms.tainted and draft.prompt == former.terms.prompt)
            source = source or former.terms.source
        return Terms(
            **when.model_dump(), name=draft.name, prompt=draft.prompt, connectors=draft.connectors, acts=draft.acts,
            missed=draft.missed, tainted=tainted, source=source,
        )  # fmt: skip

    def _tools(self, draft: views.ScheduleDraft) -> tuple[str, ...]:
        """The tools of the chosen services as they are now; raises `InvalidRequest` for one that does not run."""
        running = {card.id: card for card in self._connectors.running()}
        away = [each for each in draft.connectors if each not in running]
        if away:
            raise invalid("A service is away.", connectors=f"{away[0][:40]} is not running at the moment.")
        return tuple(
            f"{name}.{tool.name}"
            for name in dict.fromkeys(draft.connectors)
            for tool in running[name].tools
            if draft.acts or tool.effect is Effect.READ
        )

    def _next(self, kept: Kept) -> datetime | None:
        return occurrences.next_after(kept.terms, self._clock(), until=kept.signed.expires)

    async def _one(self, user: str, schedule: str) -> Kept:
        found = [each for each in await self._living(user) if each.signed.id == schedule]
        if not found:
            raise NotFound("There is no such schedule.")
        return found[0]

    async def _living(self, user: str) -> list[Kept]:
        """A user's schedules, newest first; one whose signature is broken is none."""
        query = text("SELECT * FROM schedules WHERE expires > :now ORDER BY id DESC")
        row = {"now": self._clock().isoformat()}
        async with self._own.use(user) as store:
            rows = await store.read(lambda connection: list(connection.execute(query, row)))
        return [kept for each in rows if (kept := self._whole(each)) and kept.signed.user == user]

    def _whole(self, row: Any) -> Kept | None:
        """The schedule of a row, if it is what was signed."""
        try:
            signed = self._trust.schedule(row.token, now=self._clock())
        except Forbidden:
            return None
        terms = Terms.model_validate_json(row.terms)
        if signed.id != row.id or signed.terms != terms.digest():
            return None
        created = datetime.fromisoformat(row.created)
        return Kept(terms=terms, signed=signed, conversation=row.conversation, created=created)

    async def _shown(self, kept: Kept) -> views.Schedule:
        terms, signed = kept.terms, kept.signed
        state = await self._runbook.state(signed.id, most=_SHOWN_RUNS)
        coming = occurrences.upcoming(terms, self._clock(), until=signed.expires, most=_SHOWN_TIMES)
        runs = tuple(views.ScheduleRun(due_at=each.due, state=each.state, turn=each.turn) for each in state.runs)
        return views.Schedule(
            **terms.model_dump(), id=signed.id, when=occurrences.in_words(terms), tools=signed.tools,
            rules=signed.rules, conversation=kept.conversation, created_at=kept.created, expires_at=signed.expires,
            paused=state.paused, next=() if state.paused else tuple(coming), runs=runs,
        )  # fmt: skip

    # --- what the assistant proposes ------------------------------------------------------------------------------

    async def proposals(self, me: SignedIn) -> list[views.ScheduleProposal]:
        """What waits to be looked at, newest first."""
        query = text("SELECT * FROM schedule_proposals ORDER BY id DESC")
        async with self._own.use(me.user.id) as store:
            return [_proposal(each) for each in await store.read(lambda connection: list(connection.execute(query)))]

    async def proposal(self, me: SignedIn, proposal: str) -> views.ScheduleProposal:
        """One of them; raises `NotFound`."""
        found = [each for each in await self.proposals(me) if each.id == proposal]
        if not found:
            raise NotFound("This proposal was dismissed.")
        return found[0]

    async def propose(
        self, user: str, draft: views.ScheduleDraft, *, conversation: str, tainted: bool, id_: str
    ) -> None:
        """Keeps what the assistant proposes; the same `id_` again is the same one. Raises `InvalidRequest`.

        The oldest go: a model that proposes without end fills no disk.
        """
        occurrences.checked(_when(draft))
        row = {
            "id": id_, "draft": draft.model_dump_json(), "conversation": conversation, "tainted": int(tainted),
            "created": self._clock().isoformat(), "most": _MOST_PROPOSALS,
        }  # fmt: skip

        def write(connection: Connection) -> None:
            connection.execute(
                text(
                    "INSERT INTO schedule_proposals (id, draft, conversation, tainted, created)"
                    " VALUES (:id, :draft, :conversation, :tainted, :created) ON CONFLICT (id) DO NOTHING"
                ),
                row,
            )
            newest = "SELECT id FROM schedule_proposals ORDER BY id DESC LIMIT :most"
            connection.execute(text(f"DELETE FROM schedule_proposals WHERE id NOT IN ({newest})"), row)  # noqa: S608

        async with self._own.use(user) as store:
            await store.write(write)

    async def dismiss(self, me: SignedIn, proposal: str) -> None:
        """Takes a proposal away; raises `NotFound`."""

        def write(connection: Connection) -> int:
            row = {"id": proposal}
            connection.execute(text("DELETE FROM brought WHERE kind = 'schedule' AND id = :id"), row)
            return connection.execute(text("DELETE FROM schedule_proposals WHERE id = :id"), row).rowcount

        async with self._own.use(me.user.id) as store:
            done = await store.write(write)
        if not done:
            raise NotFound("This proposal was dismissed.")


def _when(draft: views.WhenDraft) -> When:
    try:
        zone = ZoneInfo(draft.zone)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise invalid("The time zone is not known.", zone="Use a name such as Europe/Berlin.") from error
    return When(starts=draft.starts, zone=zone.key, rule=draft.rule)


def _keep(connection: Connection, row: dict[str, Any]) -> None:
    """Stores a schedule as it was signed; those that are over go, and so does the proposal that it comes from."""
    connection.execute(text("DELETE FROM schedules WHERE expires <= :created"), row)
    connection.execute(text("DELETE FROM schedule_proposals WHERE id = :proposal"), row)
    connection.execute(text("DELETE FROM brought WHERE kind = 'schedule' AND id = :proposal"), row)
    connection.execute(
        text(
            "INSERT INTO schedules (id, token, terms, created, expires)"
            " VALUES (:id, :token, :terms, :created, :expires)"
            " ON CONFLICT (id) DO UPDATE SET token = :token, terms = :terms, expires = :expires"
        ),
        row,
    )


def _proposal(row: Any) -> views.ScheduleProposal:
    draft = views.ScheduleDraft.model_validate_json(row.draft)
    return views.ScheduleProposal(
        **draft.model_dump(include={"name", "prompt", "starts", "zone", "rule", "connectors"}), id=row.id,
        when=occurrences.in_words(_when(draft)), tainted=bool(row.tainted), conversation=row.conversation or None,
        created_at=datetime.fromisoformat(row.created),
    )  # fmt: skip
