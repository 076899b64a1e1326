"""What the agent stores of a user: conversations, turns, messages, calls. Plain functions over the user's own file."""

from __future__ import annotations

import contextlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from openassistant.errors import NotFound
from openassistant.messages import (
    Call,
    CallState,
    CallView,
    CommandNote,
    Conversation,
    Effect,
    ErrorBody,
    GivenFile,
    Message,
    RouteNote,
    TurnRequest,
    Wire,
)
from openassistant.store import Store
from services.agent import given, versions

__all__ = [
    "ENDED",
    "StoredCall",
    "Turn",
    "add_message",
    "calls_of_turn",
    "create",
    "delete",
    "find",
    "first_words",
    "has_turn",
    "headline",
    "listing",
    "messages",
    "of_row",
    "open_turns",
    "progress",
    "recent",
    "remember_event",
    "save_call",
    "save_calls",
    "show",
    "start_turn",
    "turn",
    "turn_of",
    "turn_state",
    "waiting_turns",
]

_ID = re.compile(r"[0-9a-f]{16,}|\d{6,}")

_SHOWN = "messages.conversation = :id AND messages.shown"
_NAMED = "messages.id IN (SELECT value FROM json_each(:ids))"
_MESSAGES = """
SELECT messages.id, role, turn, messages.created, text, error, usage, routed, outside,
    CASE WHEN instr(request, '"command":{{') THEN json_extract(request, '$.command') END AS command
FROM messages LEFT JOIN turns ON turns.id = messages.turn
WHERE {which} ORDER BY messages.seq
"""

_CALLS = """
SELECT calls.* FROM messages JOIN calls ON calls.message = messages.id
WHERE {which} ORDER BY calls.seq
"""

_SIZED = f"""
{versions.UP} SELECT messages.id, messages.error, octet_length(messages.text) + 33
    + coalesce((SELECT sum(octet_length(given) + min(coalesce(octet_length(outcome), 0), 72000) / 3)
                FROM calls WHERE calls.message = messages.id), 0) AS size
FROM up JOIN messages ON messages.id = up.id ORDER BY messages.seq DESC
"""  # noqa: S608 - of the code alone

ENDED = (CallState.DONE, CallState.FAILED, CallState.DENIED, CallState.UNKNOWN)


class Turn(Wire):
    """One turn: what was asked for, and how far it is."""

    id: str
    conversation: str
    state: str
    request: TurnRequest


class StoredCall(Wire):
    """A call the model proposed: `name` and `given` as it wrote them, `call` once it was understood."""

    id: str
    turn: str
    message: str
    name: str
    given: str
    call: Call | None = None
    effect: Effect = Effect.DELETE
    state: CallState = CallState.PROPOSED
    outcome: dict[str, Any] | None = None
    approval_id: str | None = None
    approval: str | None = None

    def view(self) -> CallView:
        """The call as the chat shows it."""
        arguments = self.call.arguments if self.call else {}
        return CallView(
            id=self.id,
            connector=self.call.connector if self.call else "",
            tool=self.call.tool if self.call else self.name,
            effect=self.effect,
            title=_title(self.name, arguments),
            state=self.state,
            account=self.call.account if self.call else None,
            arguments=arguments,
            result=self.outcome,
            approval_id=self.approval_id,
        )


async def create(store: Store, conversation: Conversation) -> None:
    """Stores a new conversation."""
    row = {
        **conversation.model_dump(include={"id", "title"}),
        "created": conversation.created.isoformat(),
        "updated": conversation.updated.isoformat(),
        "titled": conversation.created.isoformat() if conversation.title else None,
    }
    await _do(
        store,
        "INSERT INTO conversations (id, title, titled, created, updated, event_id)"
        " VALUES (:id, :title, :titled, :created, :updated, 0)",
        row,
    )


async def listing(store: Store) -> tuple[Conversation, ...]:
    """All conversations, newest change first."""

    def read(connection: Connection) -> tuple[Conversation, ...]:
        rows = connection.execute(text("SELECT * FROM conversations ORDER BY updated DESC, id DESC"))
        return tuple(of_row(row) for row in rows)

    return await store.read(read)


async def find(store: Store, conversation: str) -> tuple[Conversation, int]:
    """One conversation and its last stored event id; raises `NotFound`."""

    def read(connection: Connection) -> tuple[Conversation, int] | None:
        row = connection.execute(text("SELECT * FROM conversations WHERE id = :id"), {"id": conversation}).one_or_none()
        return (of_row(row), int(row.event_id)) if row else None

    found = await store.read(read)
    if found is None:
        raise NotFound("That conversation does not exist.")
    return found


async def delete(store: Store, conversation: str) -> None:
    """Deletes a conversation with all its turns, messages and calls; raises `NotFound`."""
    await find(store, conversation)
    await _do(store, "DELETE FROM conversations WHERE id = :id", {"id": conversation})


async def remember_event(store: Store, conversation: str, event_id: int) -> None:
    """Keeps the last event id, so that ids go on rising after a restart."""
    await _do(
        store,
        "UPDATE conversations SET event_id = max(event_id, :event) WHERE id = :id",
        {"id": conversation, "event": event_id},
    )


async def start_turn(
    store: Store, turn: Turn, message: Message | None, *, follows: str | None, now: datetime
) -> Message | None:
    """Stores a turn and the owner's message with its files in one transaction: from here on it is accepted.

    It `follows` a message; where another version of the conversation begins with it, that is the one that is shown. One
    that is said anew keeps the files of the one in whose place it stands. A conversation that its owner speaks in comes
    out of the archive. Raises `NotFound` for a file that is not there.
    """
    request = turn.request
    branches = request.retry or request.anew is not None

    def write(connection: Connection) -> Message | None:
        said = message
        with _retitling(connection, turn.conversation) if branches else contextlib.nullcontext():
            connection.execute(
                text(
                    "INSERT INTO turns (id, conversation, state, request, follows, created)"
                    " VALUES (:id, :conversation, :state, :request, :follows, :now)"
                ),
                {
                    **turn.model_dump(include={"id", "conversation", "state"}),
                    "request": request.model_dump_json(),
                    "follows": follows,
                    "now": now.isoformat(),
                },
            )
            versions.begin(connection, turn.conversation, follows, branches=branches)
            if said is not None:
                _insert_message(connection, turn.conversation, said)
                said = said.model_copy(update={"files": _files(connection, turn, said.id)})
        first = request.text.strip() or (said.files[0].name if said and said.files else "")
        connection.execute(
            text(
                "UPDATE conversations SET updated = :now, archived = archived AND :alone,"
                " title = CASE WHEN title = '' THEN :title ELSE title END WHERE id = :id"
            ),
            {
                "now": now.isoformat(),
                "title": headline(first),
                "id": turn.conversation,
                "alone": request.alone,
            },
        )
        return said

    return await store.write(write)


async def show(store: Store, conversation: str, message: str) -> None:
    """Shows the version of a conversation that holds a message; raises `NotFound`."""

    def write(connection: Connection) -> None:
        with _retitling(connection, conversation):
            versions.show(connection, conversation, message)

    await store.write(write)


@contextlib.contextmanager
def _retitling(connection: Connection, conversation: str) -> Iterator[None]:
    """A title that is made of the first words stays so where others are the first ones now."""
    before = first_words(connection, conversation)
    yield
    after = first_words(connection, conversation)
    if before and after and before != after:
        connection.execute(
            text("UPDATE conversations SET title = :after WHERE id = :id AND titled IS NULL AND title = :before"),
            {"id": conversation, "before": headline(before), "after": headline(after)},
        )


def first_words(connection: Connection, conversation: str) -> str:
    """What its owner said first, in the version that is shown; "" for nothing yet."""
    query = "SELECT text FROM messages WHERE conversation = :id AND shown AND role = 'user' ORDER BY seq LIMIT 1"
    return connection.execute(text(query), {"id": conversation}).scalar() or ""


async def turn(store: Store, turn_id: str) -> Turn:
    """One turn; raises `NotFound`."""

    def read(connection: Connection) -> Turn | None:
        row = connection.execute(text("SELECT * FROM turns WHERE id = :id"), {"id": turn_id}).one_or_none()
        return _turn(row) if row else None

    found = await store.read(read)
    if found is None:
        raise NotFound("That turn does not exist.")
    return found


async def turn_of(store: Store, message: str) -> Turn | None:
    """The turn that a message belongs to, where it is kept."""
    query = text("SELECT turns.* FROM messages JOIN turns ON turns.id = messages.turn WHERE messages.id = :id")

    def read(connection: Connection) -> Turn | None:
        row = connection.execute(query, {"id": message}).one_or_none()
        return _turn(row) if row else None

    return await store.read(read)


async def has_turn(store: Store, turn_id: str) -> bool:
    """Whether a turn is stored."""
    query = text("SELECT 1 FROM turns WHERE id = :id")
    return await store.read(lambda connection: connection.execute(query, {"id": turn_id}).first() is not None)


async def turn_state(store: Store, turn_id: str, state: str) -> None:
    """Moves a turn to another state; with its end goes the copy of the memories that it began with."""
    await _do(
        store,
        "UPDATE turns SET state = :state, request = CASE WHEN :state IN ('running', 'waiting') THEN request"
        " ELSE json_set(request, '$.memories', json('[]')) END WHERE id = :id",
        {"state": state, "id": turn_id},
    )


async def waiting_turns(store: Store, conversation: str) -> list[Turn]:
    """Turns that are parked in the version of a conversation that is shown."""
    waiting = [turn for turn in await open_turns(store, conversation) if turn.state == "waiting"]
    elsewhere = await versions.apart(store, [turn.id for turn in waiting])
    return [turn for turn in waiting if turn.id not in elsewhere]


async def open_turns(store: Store, conversation: str) -> list[Turn]:
    """Turns of a conversation that have not ended."""

    def read(connection: Connection) -> list[Turn]:
        query = "SELECT * FROM turns WHERE conversation = :id AND state IN ('running', 'waiting')"
        return [_turn(row) for row in connection.execute(text(query), {"id": conversation})]

    return await store.read(read)


async def add_message(store: Store, conversation: str, message: Message, calls: Iterable[StoredCall] = ()) -> None:
    """Stores a message and the calls it proposes in one transaction."""

    def write(connection: Connection) -> None:
        _insert_message(connection, conversation, message)
        for call in calls:
            connection.execute(
                text(
                    "INSERT INTO calls (id, conversation, turn, message, name, given, call, effect, state, outcome)"
                    " VALUES (:id, :conversation, :turn, :message, :name, :given, :call, :effect, :state, :outcome)"
                ),
                {**_call_row(call), "conversation": conversation},
            )

    await store.write(write)


async def save_call(store: Store, call: StoredCall) -> None:
    """Writes a call's present state."""
    await save_calls(store, [call])


async def save_calls(store: Store, calls: Sequence[StoredCall]) -> None:
    """Writes the present state of calls in one transaction."""

    def write(connection: Connection) -> None:
        for call in calls:
            connection.execute(
                text(
                    "UPDATE calls SET call = :call, effect = :effect, state = :state, outcome = :outcome,"
                    " approval_id = :approval_id, approval = :approval WHERE id = :id"
                ),
                _call_row(call),
            )

    await store.write(write)


async def calls_of_turn(store: Store, turn_id: str) -> list[StoredCall]:
    """A turn's calls in the order the model made them."""

    def read(connection: Connection) -> list[StoredCall]:
        rows = connection.execute(text("SELECT * FROM calls WHERE turn = :turn ORDER BY seq"), {"turn": turn_id})
        return [_call(row) for row in rows]

    return await store.read(read)


async def progress(store: Store, turn_id: str) -> tuple[list[StoredCall], list[str]]:
    """A turn's calls, and the ids of the answers in it that are no errors, both oldest first."""

    def read(connection: Connection) -> tuple[list[StoredCall], list[str]]:
        names = {"turn": turn_id}
        calls = connection.execute(text("SELECT * FROM calls WHERE turn = :turn ORDER BY seq"), names)
        query = "SELECT id FROM messages WHERE turn = :turn AND role = 'assistant' AND error IS NULL ORDER BY seq"
        return [_call(row) for row in calls], [str(row.id) for row in connection.execute(text(query), names)]

    return await store.read(read)


async def messages(store: Store, conversation: str) -> tuple[list[Message], dict[str, list[StoredCall]]]:
    """A conversation's messages in the version that is shown, oldest first, and the calls by message id."""

    def read(connection: Connection) -> tuple[list[Message], dict[str, list[StoredCall]]]:
        found, calls = _read(connection, conversation, _SHOWN, {"id": conversation})
        forks = versions.of(connection, conversation)
        return [_with_versions(each, forks.get(each.id, ())) for each in found], calls

    return await store.read(read)


async def recent(
    store: Store, conversation: str, *, size: int, turn: str | None = None
) -> tuple[list[Message], dict[str, list[StoredCall]], int]:
    """What a turn may read: the newest on its way that can make up `size` bytes of a prompt, and how many are older.

    Without a turn the way is the one that is shown. A message is counted with the least that it takes in a prompt: in
    JSON, its results cut as they are and without escapes.
    """

    def read(connection: Connection) -> tuple[list[Message], dict[str, list[StoredCall]], int]:
        tip = versions.tip(connection, conversation, turn)
        kept, older, upto = list[str](), 0, 0
        for row in connection.execute(text(_SIZED), {"tip": tip}):
            if upto < size:
                kept.append(row.id)
            else:
                older += row.error is None
            upto += row.size
        return *_read(connection, conversation, _NAMED, {"ids": json.dumps(kept)}), older

    return await store.read(read)


def _read(
    connection: Connection, conversation: str, which: str, names: dict[str, Any]
) -> tuple[list[Message], dict[str, list[StoredCall]]]:
    calls: dict[str, list[StoredCall]] = defaultdict(list)
    for row in connection.execute(text(_CALLS.format(which=which)), names):
        calls[row.message].append(_call(row))
    files = given.of_conversation(connection, conversation)
    rows = connection.execute(text(_MESSAGES.format(which=which)), names)
    return [_message(row, calls, files) for row in rows], calls


def _files(connection: Connection, turn: Turn, message: str) -> tuple[GivenFile, ...]:
    """What comes with a new message."""
    place = {"conversation": turn.conversation, "turn": turn.id, "message": message}
    if turn.request.anew is not None:
        return given.copy(connection, turn.request.anew, **place)
    return given.attach(connection, turn.request.files, **place)


def _with_versions(message: Message, versions: tuple[str, ...]) -> Message:
    return message.model_copy(update={"versions": versions}) if versions else message


async def _do(store: Store, statement: str, row: dict[str, Any]) -> None:
    def write(connection: Connection) -> None:
        connection.execute(text(statement), row)

    await store.write(write)


def _insert_message(connection: Connection, conversation: str, message: Message) -> None:
    connection.execute(
        text(
            "INSERT INTO messages (id, conversation, turn, role, text, error, usage, routed, created, parent, shown)"
            " VALUES (:id, :conversation, :turn, :role, :text, :error, :usage, :routed, :created, :parent, :shown)"
        ),
        {
            **versions.join(connection, conversation, message.turn),
            **message.model_dump(include={"id", "turn", "role", "text"}),
            "conversation": conversation,
            "error": message.error.model_dump_json() if message.error else None,
            "usage": json.dumps(message.usage) if message.usage else None,
            "routed": message.routed.model_dump_json() if message.routed else None,
            "created": message.created.isoformat(),
        },
    )


def _call_row(call: StoredCall) -> dict[str, Any]:
    return {
        **call.model_dump(include={"id", "turn", "message", "name", "given", "approval_id", "approval"}),
        "call": call.call.model_dump_json() if call.call else None,
        "effect": call.effect.value,
        "state": call.state.value,
        "outcome": json.dumps(call.outcome) if call.outcome is not None else None,
    }


def of_row(row: Any) -> Conversation:
    """A conversation out of its row."""
    return Conversation(
        id=row.id,
        title=row.title,
        created=datetime.fromisoformat(row.created),
        updated=datetime.fromisoformat(row.updated),
        pinned=row.pinned,
        archived=row.archived,
        labels=tuple(json.loads(row.labels)),
    )


def _turn(row: Any) -> Turn:
    request = TurnRequest.model_validate_json(row.request)
    return Turn(id=row.id, conversation=row.conversation, state=row.state, request=request)


def _message(row: Any, calls: dict[str, list[StoredCall]], files: dict[str, list[GivenFile]]) -> Message:
    id_, role, turn_id, created, said, error, usage, routed, outside, command = row
    return Message(
        id=id_,
        role=role,
        turn=turn_id,
        created=datetime.fromisoformat(created),
        text=said,
        calls=tuple(call.view() for call in calls.get(id_, ())),
        error=ErrorBody.model_validate_json(error) if error else None,
        usage=json.loads(usage) if usage else None,
        routed=RouteNote.model_validate_json(routed) if routed else None,
        command=CommandNote.model_validate_json(command) if command else None,
        outside=outside,
        files=tuple(files.get(id_, ())),
    )


def _call(row: Any) -> StoredCall:
    return StoredCall(
        id=row.id,
        turn=row.turn,
        message=row.message,
        name=row.name,
        given=row.given,
        call=Call.model_validate_json(row.call) if row.call else None,
        effect=Effect(row.effect),
        state=CallState(row.state),
        outcome=json.loads(row.outcome) if row.outcome else None,
        approval_id=row.approval_id,
        approval=row.approval,
    )


def headline(words: str) -> str:
    """The title that a conversation gets from its first words."""
    line = " ".join(words.split())
    return line if len(line) <= 60 else line[:59].rsplit(" ", 1)[0] + "…"


def _title(name: str, arguments: dict[str, Any]) -> str:
    """One line for the folded step: the tool's words and the first short argument that is not an id."""
    texts = (value for value in arguments.values() if isinstance(value, str) and len(value) <= 80)
    said = next((value for value in texts if not _ID.fullmatch(value)), "")
    words = name.replace("__", " ").replace("_", " ")
    return f"{words}: {said}" if said else words
