"""What was put to a person: states in the room's file, content in the user's own, which goes when he goes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, text

from openassistant.context import Clock
from openassistant.errors import Conflict, NotFound
from openassistant.messages import Call, Effect, Id, Preview, Wire, call_digest
from openassistant.store import Store
from services.gateway.files import OwnFiles
from services.gateway.sessions import SignedIn

__all__ = ["Content", "Decided", "Question", "Questions", "is_edited", "require_seen"]

State = Literal["pending", "approved", "denied", "expired", "void"]
Decided = Literal["approved", "denied", "expired"]
_NEWEST = 100
_UNDELIVERED = (
    "state IN ('approved', 'denied', 'expired') AND delivered = 0 AND (held_until IS NULL OR held_until <= :now)"
)


class Question(Wire):
    """The state of one question. `delivered`: the agent knows how it ended.

    What was approved is not carried out before `held_until`, and can be taken back until then.
    """

    id: Id
    call_id: Id
    call_digest: str
    user: Id
    turn: Id
    conversation: Id
    state: State
    created: datetime
    expires: datetime
    decided: datetime | None = None
    session: Id | None = None
    token: Id | None = None
    recorded: bool = False
    delivered: bool = False
    held_until: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether a decision is not held any longer."""
        return self.held_until is None or self.held_until <= now


class Content(Wire):
    """What was asked, in which time zone, and what the person said to it.

    `call` is as the person changed it; the digest in the question stays that of the call that the agent put.
    """

    call: Call
    effect: Effect
    preview: Preview
    reason: str
    note: str = ""
    zone: str | None = None


class Questions:
    """Stored questions. One without content is not asked yet: it is neither shown nor decided."""

    def __init__(self, room: Store, own: OwnFiles, clock: Clock) -> None:
        self._room, self._own, self._clock = room, own, clock

    async def open(self, question: Question) -> Question:
        """The question of a call, this one if there was none yet."""
        row = question.model_dump(exclude={"decided", "session", "token", "recorded", "delivered", "held_until"})
        row |= {"created": question.created.isoformat(), "expires": question.expires.isoformat()}

        def write(connection: Connection) -> Any:
            connection.execute(
                text(
                    "INSERT INTO approvals"
                    " (id, call_id, call_digest, user, turn, conversation, state, created, expires)"
                    " VALUES (:id, :call_id, :call_digest, :user, :turn, :conversation, :state, :created, :expires)"
                    " ON CONFLICT (call_id) DO NOTHING"
                ),
                row,
            )
            return connection.execute(text("SELECT * FROM approvals WHERE call_id = :call_id"), row).one()

        return _question(await self._room.write(write))

    async def fill(self, question: Question, content: Content) -> None:
        """Stores what is asked: from here on it can be decided."""
        row = {
            "id": question.id,
            "call": content.call.model_dump_json(),
            "effect": content.effect.value,
            "preview": content.preview.model_dump_json(),
            "reason": content.reason,
            "zone": content.zone,
        }
        async with self._own.use(question.user) as store:
            await _do(
                store,
                "INSERT INTO questions (id, call, effect, preview, reason, zone)"
                " VALUES (:id, :call, :effect, :preview, :reason, :zone) ON CONFLICT (id) DO NOTHING",
                row,
            )

    async def change(self, question: Question, content: Content) -> None:
        """Puts another call in the place of the one that is asked about."""
        row = {
            "id": question.id,
            "call": content.call.model_dump_json(),
            "effect": content.effect.value,
            "preview": content.preview.model_dump_json(),
        }
        async with self._own.use(question.user) as store:
            await _do(
                store, "UPDATE questions SET call = :call, effect = :effect, preview = :preview WHERE id = :id", row
            )

    async def knows(self, call: str) -> bool:
        """Whether a call was put to a person."""
        return bool(await self._select("call_id = :call", {"call": call}))

    async def find(self, user: str, question: str) -> Question | None:
        """A question of this user."""
        found = await self._select("user = :user AND id = :id", {"user": user, "id": question})
        return found[0] if found else None

    async def one(self, user: str, question: str) -> tuple[Question, Content]:
        """A question of this user with what was asked; raises `NotFound`, also where it is not asked yet."""
        found = await self.find(user, question)
        contents = await self.contents(user, [found]) if found else {}
        if found is None or found.id not in contents:
            raise NotFound("There is no such approval.")
        return found, contents[found.id]

    async def listing(self, user: str, state: str | None) -> list[Question]:
        """Those that wait, oldest first; of any other state, or of all, the newest hundred."""
        if state == "pending":
            return await self._select("user = :user AND state = 'pending' ORDER BY created, id", {"user": user})
        chosen = "user = :user AND (:state IS NULL OR state = :state) ORDER BY created DESC, id DESC LIMIT :newest"
        return await self._select(chosen, {"user": user, "state": state, "newest": _NEWEST})

    async def contents(self, user: str, questions: list[Question]) -> dict[str, Content]:
        """By id, what was asked; those without content are left out."""
        if not questions:
            return {}

        def read(connection: Connection) -> dict[str, Content]:
            query = text("SELECT * FROM questions WHERE id = :id")
            rows = (connection.execute(query, {"id": each.id}).one_or_none() for each in questions)
            return {row.id: _content(row) for row in rows if row}

        async with self._own.use(user) as store:
            return await store.read(read)

    async def settle(
        self, question: Question, state: Decided, *, by: SignedIn | None, note: str, held_until: datetime | None = None
    ) -> bool:
        """Ends a question that waits, decided by somebody or by time; False when it does not wait any more."""
        row = {"id": question.id, "state": state, "now": self._clock().isoformat(), **_credential(by)}
        row["held"] = held_until.isoformat() if held_until else None
        query = text(
            "UPDATE approvals SET state = :state, session = :session, token = :token, decided = :now,"
            " held_until = :held WHERE id = :id AND state = 'pending'"
        )
        if not await self._room.write(lambda connection: connection.execute(query, row).rowcount == 1):
            return False
        if note:
            async with self._own.use(question.user) as store:
                await _do(store, "UPDATE questions SET note = :note WHERE id = :id", {"id": question.id, "note": note})
        return True

    async def take_back(self, question: Question, *, by: SignedIn) -> bool:
        """Makes a no out of a yes that is still held; False when it is carried out already."""
        row = {"id": question.id, "now": self._clock().isoformat(), **_credential(by)}
        query = text(
            "UPDATE approvals SET state = 'denied', session = :session, token = :token, decided = :now, recorded = 0,"
            " held_until = NULL WHERE id = :id AND state = 'approved' AND delivered = 0 AND held_until > :now"
        )
        return await self._room.write(lambda connection: connection.execute(query, row).rowcount == 1)

    async def held(self, user: str, conversation: str) -> bool:
        """Whether something of a user's conversation was approved and is still held."""
        row = {"user": user, "conversation": conversation, "now": self._clock().isoformat()}
        mine = "user = :user AND conversation = :conversation"
        return bool(await self._select(f"{mine} AND state = 'approved' AND delivered = 0 AND held_until > :now", row))

    async def waits(self, *, turn: str | None = None, conversation: str | None = None) -> bool:
        """Whether something of a turn or a conversation waits for its owner."""
        found = "(turn = :turn OR conversation = :conversation) AND state = 'pending'"
        return bool(await self._select(found, {"turn": turn, "conversation": conversation}))

    async def void(
        self, *, question: str | None = None, turn: str | None = None, conversation: str | None = None
    ) -> None:
        """What waits there waits no more: its call has changed, or its turn is over."""
        row = {"id": question, "turn": turn, "conversation": conversation, "now": self._clock().isoformat()}
        await _do(
            self._room,
            "UPDATE approvals SET state = 'void', decided = :now, delivered = 1"
            " WHERE state = 'pending' AND (id = :id OR turn = :turn OR conversation = :conversation)",
            row,
        )
        await _do(
            self._room,
            "UPDATE approvals SET delivered = 1 WHERE recorded = 1 AND (turn = :turn OR conversation = :conversation)",
            row,
        )

    async def recorded(self, question: Question) -> None:
        """The ledger has the decision."""
        await _do(self._room, "UPDATE approvals SET recorded = 1 WHERE id = :id", {"id": question.id})

    async def delivered(self, question: Question) -> None:
        """The agent has the decision."""
        await _do(self._room, "UPDATE approvals SET delivered = 1 WHERE id = :id", {"id": question.id})

    async def unfinished(self) -> list[Question]:
        """Decided, but not yet both written down and delivered; what is held is not due yet."""
        return await self._select(f"{_UNDELIVERED} ORDER BY id", {"now": self._clock().isoformat()})

    async def overdue(self) -> list[Question]:
        """Those that wait although their time is over."""
        return await self._select("state = 'pending' AND expires <= :now", {"now": self._clock().isoformat()})

    async def untold(self, since: datetime) -> list[Question]:
        """Of everybody, those that wait, and those whose time ended since then."""
        row = {"since": since.isoformat()}
        return await self._select("state = 'pending' OR (state = 'expired' AND expires > :since) ORDER BY created", row)

    async def of_turn(self, turn: str) -> list[Question]:
        """Decided ones of a turn that its agent may not know of."""
        return await self._select(f"turn = :turn AND {_UNDELIVERED}", {"turn": turn, "now": self._clock().isoformat()})

    async def forget(self, user: str, conversation: str) -> None:
        """Removes everything that was asked in a conversation."""
        rows = await self._select("user = :user AND conversation = :id", {"user": user, "id": conversation})
        async with self._own.use(user) as store:
            for row in rows:
                await _do(store, "DELETE FROM questions WHERE id = :id", {"id": row.id})
        for row in rows:
            await _do(self._room, "DELETE FROM approvals WHERE id = :id", {"id": row.id})

    async def _select(self, where: str, values: dict[str, Any]) -> list[Question]:
        query = text(f"SELECT * FROM approvals WHERE {where}")  # noqa: S608 - conditions from this file

        def read(connection: Connection) -> list[Question]:
            return [_question(row) for row in connection.execute(query, values)]

        return await self._room.read(read)


def is_edited(question: Question, content: Content) -> bool:
    """Whether a person changed the call that the agent put."""
    return call_digest(content.call) != question.call_digest


def require_seen(question: Question, content: Content, seen: str | None) -> None:
    """Raises `Conflict` where something else waits than was looked at; a call that was changed must have been."""
    if seen is None and not is_edited(question, content):
        return
    if seen != content.preview.digest():
        raise Conflict("This was changed in the meantime. Look at it again, then decide.")


def _credential(by: SignedIn | None) -> dict[str, str | None]:
    """With what somebody decided: a session or a token."""
    if by is None:
        return {"session": None, "token": None}
    return {"session": None, "token": by.session} if by.is_token else {"session": by.session, "token": None}


def _question(row: Any) -> Question:
    return Question.model_validate(dict(row._mapping))  # noqa: SLF001 - the public name of a row's columns


def _content(row: Any) -> Content:
    return Content(
        call=Call.model_validate_json(row.call),
        effect=Effect(row.effect),
        preview=Preview.model_validate_json(row.preview),
        reason=row.reason,
        note=row.note,
        zone=row.zone,
    )


async def _do(store: Store, statement: str, row: dict[str, Any]) -> None:
    def write(connection: Connection) -> None:
        connection.execute(text(statement), row)

    await store.write(write)
