"""Conversations as files: all of each as JSON, which can be taken in again, and as Markdown for people.

What is taken in was written by nobody who can be named here: each message of it keeps from where it was brought, and
no call of it goes on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, StringConstraints, ValidationError
from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import IntegrityError

from openassistant.data import PAGE_BYTES, ExportPage, Imported, Piece
from openassistant.errors import Conflict, NotFound
from openassistant.messages import Call, CallState, Effect, ErrorBody, Id, RouteNote, TurnRequest, Wire
from openassistant.shelf import FileKind, Labels
from openassistant.store import Store
from services.agent import given, versions

__all__ = ["ARCHIVE", "LARGEST", "Carried", "export", "export_one", "take"]

ARCHIVE = "an archive"
"""From where messages are that came with an archive of a house."""
LARGEST = 64 * 1024 * 1024
"""Bytes of one conversation that is taken in."""

_FORMAT = 2
"""The newest; one that has no versions is written in the first, in which each message follows the one before it."""
_PATH = re.compile(r"conversations/([0-9a-f]{32})\.(json|md)")
_GIVEN = re.compile(r"conversations/[0-9a-f]{32}/([0-9a-f]{32})(?:-[^/]*)?")
_UNSAFE = re.compile(r"[^\w.-]+")
_KINDS = ("json", "md")
_REQUEST = {"text", "retry", "zone", "command", "alone"}
"""What of a turn's request is its owner's; the rest names models and accounts of the house that it ran in."""
_LEFT = "This had not been done when the archive was made, and is not done from it."
_UNDONE = (CallState.PROPOSED, CallState.WAITING, CallState.RUNNING)
_WHO = {"user": "You", "assistant": "Assistant"}
_Name = Annotated[str, StringConstraints(max_length=200)]


class _Turn(Wire):
    id: Id
    state: _Name
    created: datetime
    request: dict[str, Any]


class _Message(Wire):
    id: Id
    turn: Id
    role: Literal["user", "assistant"]
    text: str
    created: datetime
    error: ErrorBody | None = None
    usage: dict[str, Any] | None = None
    routed: RouteNote | None = None
    outside: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    parent: Id | None = None
    left: bool | None = None


class _Call(Wire):
    id: Id
    turn: Id
    message: Id
    name: _Name
    given: str
    call: dict[str, Any] | None = None
    effect: Effect
    state: CallState
    outcome: dict[str, Any] | None = None
    approval_id: Id | None = None


class _Placeholder(Wire):
    kind: _Name
    number: int
    form: int
    folded: str
    value: str


class _Given(Wire):
    """A file that was given with a message; its bytes are a file of their own."""

    id: Id
    turn: Id
    message: Id
    number: Annotated[int, Field(ge=0, lt=1000)]
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    type: Annotated[str, StringConstraints(max_length=100)]
    created: datetime
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Carried(Wire):
    """A conversation as its file holds it.

    From the second format on a message says which one it follows, and whether it was `left` for another in its place.
    """

    format: Annotated[int, Field(ge=1, le=_FORMAT)] = 1
    id: Id
    title: Annotated[str, StringConstraints(max_length=1000)]
    created: datetime
    updated: datetime
    titled: datetime | None = None
    pinned: bool = False
    archived: bool = False
    labels: Labels = ()
    turns: tuple[_Turn, ...] = ()
    messages: tuple[_Message, ...] = ()
    calls: tuple[_Call, ...] = ()
    placeholders: tuple[_Placeholder, ...] = ()
    files: tuple[_Given, ...] = ()


class _Place(NamedTuple):
    """Where a page begins: in which conversation, in which of its files, at which byte of what digest."""

    conversation: str = ""
    kind: str = _KINDS[0]
    offset: int = 0
    digest: str = ""


class _Source(NamedTuple):
    """One file of a conversation: `kind` is of `_KINDS`, or the id of a file that was given."""

    kind: str
    path: str
    size: int
    digest: str
    read: Callable[[int, int], bytes]


async def export(store: Store, cursor: str) -> ExportPage:
    """The next pieces; raises `Conflict` where a conversation was changed between two pages of its file."""
    return await store.read(lambda connection: _page(connection, _place(cursor)))


async def export_one(store: Store, conversation: str, kind: FileKind, cursor: str) -> ExportPage:
    """The next piece of one conversation's file; raises `NotFound`, `Conflict` as `export` does."""
    digest, _, offset = cursor.partition(" ")

    def read(connection: Connection) -> ExportPage:
        query = text("SELECT * FROM conversations WHERE id = :id")
        row = connection.execute(query, {"id": conversation}).one_or_none()
        if row is None:
            raise NotFound("That conversation does not exist.")
        body = dict(_files(connection, row))[kind]
        return _part(row, _written(row, kind, body), digest, int(offset or 0))

    return await store.read(read)


async def take(store: Store, user: str, pieces: tuple[Piece, ...]) -> Imported:
    """Takes files in; a conversation that is here already stays as it is. What is for people is made anew."""
    taken, refused = 0, list[str]()
    for piece in pieces:
        found = _PATH.fullmatch(piece.path)
        if found is None and (file := _GIVEN.fullmatch(piece.path)):
            words = await given.bring(store, file[1], piece)
            taken, refused = taken + (words == "" and not piece.more), [*refused, *filter(None, [words])]
        elif found is None:
            refused.append(f"{piece.path[:120]} is not a conversation.")
        elif found[2] == "json" and (whole := await _whole(store, piece)) is not None:
            words = await _taken(store, user, found[1], whole)
            taken, refused = taken + (words == ""), [*refused, *filter(None, [words])]
    return Imported(taken=taken, refused=tuple(refused))


# --- out ----------------------------------------------------------------------------------------------------------


def _place(cursor: str) -> _Place:
    if not cursor:
        return _Place()
    conversation, kind, offset, digest = cursor.split(" ")
    return _Place(conversation, kind, int(offset), digest)


def _page(connection: Connection, start: _Place) -> ExportPage:
    pieces, size = list[Piece](), 0
    query = text("SELECT * FROM conversations WHERE id >= :id ORDER BY id")
    for row in connection.execute(query, {"id": start.conversation}):
        for source in _sources(connection, row, start):
            here = start if (row.id, source.kind) == (start.conversation, start.kind) else _Place(row.id, source.kind)
            if here.offset and here.digest != source.digest:
                raise Conflict("A conversation was changed while it was exported.")
            for offset in range(here.offset, source.size, PAGE_BYTES):
                part = source.read(offset, PAGE_BYTES)
                if pieces and size + len(part) > PAGE_BYTES:
                    cursor = f"{row.id} {source.kind} {offset} {source.digest}"
                    return ExportPage(pieces=tuple(pieces), cursor=cursor)
                size += len(part)
                pieces.append(_piece(row, source, part, more=offset + len(part) < source.size))
    return ExportPage(pieces=tuple(pieces))


def _sources(connection: Connection, row: Row[Any], start: _Place) -> Iterator[_Source]:
    """The files of a conversation from the one on where a page begins; raises `Conflict` where that has gone."""
    first = start.kind if row.id == start.conversation else _KINDS[0]
    if first in _KINDS:
        for kind, body in list(_files(connection, row))[_KINDS.index(first) :]:
            yield _written(row, kind, body)
    files = _given(connection, row.id)
    if first not in _KINDS and first not in {each.id for each in files}:
        raise Conflict("A conversation was changed while it was exported.")
    for file in files:
        if first in _KINDS or file.id >= first:
            path = f"conversations/{row.id}/{file.id}-{_UNSAFE.sub('_', file.name)[-80:]}"
            read = partial(given.bytes_of, connection, file.id)
            yield _Source(file.id, path, file.size, file.sha256[:16], read)


def _given(connection: Connection, conversation: str) -> list[Row[Any]]:
    """The files of a conversation that have come whole."""
    query = text("SELECT * FROM given_files WHERE conversation = :id AND sha256 IS NOT NULL ORDER BY id")
    return list(connection.execute(query, {"id": conversation}))


def _written(row: Row[Any], kind: str, body: bytes) -> _Source:
    digest = hashlib.sha256(body).hexdigest()[:16]
    return _Source(kind, f"conversations/{row.id}.{kind}", len(body), digest, lambda at, count: body[at : at + count])


def _part(row: Row[Any], source: _Source, digest: str, offset: int) -> ExportPage:
    if digest and digest != source.digest:
        raise Conflict("The conversation was changed while it was exported; try again.")
    end = offset + PAGE_BYTES
    piece = _piece(row, source, source.read(offset, PAGE_BYTES), more=end < source.size)
    return ExportPage(pieces=(piece,), cursor=f"{source.digest} {end}" if piece.more else None)


def _piece(row: Row[Any], source: _Source, part: bytes, *, more: bool) -> Piece:
    modified = datetime.fromisoformat(row.updated)
    return Piece.model_construct(path=source.path, modified=modified, body=part, more=more, offset=0)


def _files(connection: Connection, row: Row[Any]) -> Iterator[tuple[str, bytes]]:
    carried = _carried(connection, row)
    yield "json", (json.dumps(_plain(carried), ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
    yield "md", _markdown(carried).encode()


def _plain(carried: Carried) -> dict[str, Any]:
    return carried.model_dump(mode="json", exclude_none=True)


def _carried(connection: Connection, row: Row[Any]) -> Carried:

    def rows(table: str, order: str) -> list[Row[Any]]:
        query = text(f"SELECT * FROM {table} WHERE conversation = :id ORDER BY {order}")  # noqa: S608 - from below
        return list(connection.execute(query, {"id": row.id}))

    said = rows("messages", "seq")
    branches = [each.parent for each in said] != [None, *(each.id for each in said)][: len(said)]
    return Carried(
        format=2 if branches else 1, id=row.id, title=row.title, created=row.created, updated=row.updated,
        titled=row.titled, pinned=row.pinned, archived=row.archived, labels=tuple(json.loads(row.labels)),
        turns=tuple(_turn(each) for each in rows("turns", "created, id")),
        messages=tuple(_message(each, branches=branches) for each in said),
        calls=tuple(_call(each) for each in rows("calls", "seq")),
        placeholders=tuple(
            _Placeholder.model_validate(each._mapping) for each in rows("placeholders", "kind, number, form")  # noqa: SLF001
        ),
        files=tuple(_Given.model_validate(each._mapping) for each in _given(connection, row.id)),  # noqa: SLF001
    )  # fmt: skip


def _turn(row: Row[Any]) -> _Turn:
    request = {name: value for name, value in json.loads(row.request).items() if name in _REQUEST and value is not None}
    return _Turn(id=row.id, state=row.state, created=row.created, request=request)


def _message(row: Row[Any], *, branches: bool) -> _Message:
    return _Message(
        id=row.id, turn=row.turn, role=row.role, text=row.text, created=row.created,
        error=json.loads(row.error) if row.error else None, usage=json.loads(row.usage) if row.usage else None,
        routed=json.loads(row.routed) if row.routed else None, outside=None if row.outside == ARCHIVE else row.outside,
        parent=row.parent if branches else None, left=True if branches and not row.chosen else None,
    )  # fmt: skip


def _call(row: Row[Any]) -> _Call:
    """A call without whose it is, and without the signed yes to it."""
    call = {name: value for name, value in json.loads(row.call).items() if name != "user"} if row.call else None
    return _Call(
        id=row.id, turn=row.turn, message=row.message, name=row.name, given=row.given, call=call, effect=row.effect,
        state=row.state, outcome=json.loads(row.outcome) if row.outcome else None, approval_id=row.approval_id,
    )  # fmt: skip


def _markdown(carried: Carried) -> str:
    """What was said in the version that is shown, and which calls were made and how they ended."""
    lines = [f"# {' '.join(carried.title.split()) or 'Conversation'}", ""]
    for message in _shown(carried):
        lines += [f"## {_WHO[message.role]}, {message.created:%Y-%m-%d %H:%M} UTC", ""]
        if message.text:
            lines += [message.text, ""]
        given_with = [each for each in carried.files if each.message == message.id]
        lines += [f"- File: {each.name}" for each in sorted(given_with, key=lambda each: each.number)]
        made = [each for each in carried.calls if each.message == message.id]
        lines += [f"- `{each.name}`: {each.state.value}" for each in made]
        lines += [f"> {message.error.message}"] if message.error else []
        if made or message.error or given_with:
            lines.append("")
    return "\n".join(lines)


def _shown(carried: Carried) -> Iterator[_Message]:
    """The messages that were chosen, from the beginning on; none stands before what it follows."""
    last: str | None = None
    for message in carried.messages:
        if carried.format == 1 or (message.parent == last and not message.left):
            last = message.id
            yield message


# --- in -----------------------------------------------------------------------------------------------------------


async def _whole(store: Store, piece: Piece) -> bytes | None:
    """A file of which this was the last piece; None while others are to come, b"" for one that cannot be put together.

    A piece that comes again takes the place of what it was, and one at the beginning begins the file anew.
    """
    if not piece.more and piece.offset == 0:
        return piece.body
    row = {"path": piece.path, "place": piece.offset, "body": piece.body}

    def write(connection: Connection) -> bytes | None:
        behind = "DELETE FROM arriving WHERE path = :path AND place >= :place"
        connection.execute(text(behind), row)
        had = connection.execute(
            text("SELECT coalesce(sum(octet_length(body)), 0) FROM arriving WHERE path = :path"), row
        ).scalar_one()
        if had != piece.offset or had + len(piece.body) > LARGEST:
            connection.execute(text("DELETE FROM arriving WHERE path = :path"), row)
            return None if piece.more else b""
        connection.execute(text("INSERT INTO arriving (path, place, body) VALUES (:path, :place, :body)"), row)
        if piece.more:
            return None
        found = connection.execute(text("SELECT body FROM arriving WHERE path = :path ORDER BY place"), row)
        whole = b"".join(each.body for each in found)
        connection.execute(text("DELETE FROM arriving WHERE path = :path"), row)
        return whole

    return await store.write(write)


async def _taken(store: Store, user: str, conversation: str, body: bytes) -> str:
    """Stores a conversation; "" where it is there afterwards, or why it is not."""
    try:
        carried = Carried.model_validate_json(body)
        rows = _rows(carried, user)
    except (ValidationError, ValueError, RecursionError):
        return f"Conversation {conversation} is not in the form of an archive."
    if carried.id != conversation:
        return f"Conversation {conversation} says that it is another one."
    try:
        await store.write(lambda connection: _insert(connection, carried, rows))
    except IntegrityError:
        return f"Conversation {conversation} has parts of another one that is here."
    return ""


class _Rows(NamedTuple):
    turns: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    placeholders: list[dict[str, Any]]
    given_files: list[dict[str, Any]]


def _rows(carried: Carried, user: str) -> _Rows:
    """What is stored of it, each part checked; raises `ValidationError`, `ValueError`."""
    at = {"conversation": carried.id}
    known = {each.id for each in carried.messages}
    if not {each.message for each in carried.calls} | {each.message for each in carried.files} <= known:
        raise ValueError("a call or a file of no message")
    places = _places(carried)
    return _Rows(
        turns=[
            {**at, **each.model_dump(include={"id"}), "created": each.created.isoformat(),
             "state": "done", "request": _request(each.request).model_dump_json()}
            for each in carried.turns
        ],
        messages=[
            {**at, **each.model_dump(include={"id", "turn", "role", "text"}), "created": each.created.isoformat(),
             **places[each.id], "error": each.error.model_dump_json() if each.error else None,
             "usage": json.dumps(each.usage) if each.usage else None,
             "routed": each.routed.model_dump_json() if each.routed else None, "outside": each.outside or ARCHIVE}
            for each in carried.messages
        ],
        calls=[{**at, **_call_row(each, user)} for each in carried.calls],
        placeholders=[{**at, **each.model_dump()} for each in carried.placeholders],
        given_files=[
            {**at, **each.model_dump(exclude={"sha256", "created"}), "created": each.created.isoformat(),
             "expected": each.sha256, "kind": "", "what": "", "size": 0, "text": "", "note": ""}
            for each in carried.files
        ],
    )  # fmt: skip


def _places(carried: Carried) -> dict[str, dict[str, Any]]:
    """By message, which one it follows and whether it is the chosen one there; raises `ValueError`."""
    parents: dict[str, str | None] = {}
    for message, former in zip(carried.messages, [None, *carried.messages], strict=False):
        parent = message.parent if carried.format > 1 else former and former.id
        if parent is not None and parent not in parents:
            raise ValueError("a message that follows none that stands before it")
        parents[message.id] = parent
    chosen = {parents[each.id]: each.id for each in carried.messages if not each.left}
    return {id_: {"parent": parent, "chosen": chosen.get(parent) == id_} for id_, parent in parents.items()}


def _request(given: dict[str, Any]) -> TurnRequest:
    return TurnRequest.model_validate({name: value for name, value in given.items() if name in _REQUEST})


def _call_row(call: _Call, user: str) -> dict[str, Any]:
    """A call of whoever takes it in. One that was under way has ended: nothing goes on from an archive."""
    meant = Call.model_validate({**call.call, "user": user}) if call.call else None
    state, outcome = call.state, call.outcome
    if state in _UNDONE:
        state, outcome = CallState.FAILED, {"error": {"code": "conflict", "message": _LEFT}}
    return {
        **call.model_dump(include={"id", "turn", "message", "name", "given", "approval_id"}),
        "call": meant.model_dump_json() if meant else None, "effect": call.effect.value, "state": state.value,
        "outcome": json.dumps(outcome) if outcome is not None else None,
    }  # fmt: skip


def _insert(connection: Connection, carried: Carried, rows: _Rows) -> None:
    head = {
        "id": carried.id, "title": carried.title, "created": carried.created.isoformat(),
        "updated": carried.updated.isoformat(), "titled": carried.titled.isoformat() if carried.titled else None,
        "pinned": carried.pinned, "archived": carried.archived,
        "labels": json.dumps(carried.labels, ensure_ascii=False),
    }  # fmt: skip
    made = connection.execute(
        text(
            "INSERT INTO conversations (id, title, titled, created, updated, pinned, archived, labels, event_id)"
            " VALUES (:id, :title, :titled, :created, :updated, :pinned, :archived, :labels, 0)"
            " ON CONFLICT (id) DO NOTHING"
        ),
        head,
    )
    if not made.rowcount:
        return
    for table, found in rows._asdict().items():
        for row in found:
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)  # noqa: S608 - names from the code
    versions.settle(connection, carried.id)
