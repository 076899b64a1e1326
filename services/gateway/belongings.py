"""What this room keeps of a person as files of an archive, and those files taken in.

Nothing that is taken in acts by itself. A memory keeps its label and counts as text of others until its owner changes
it. A schedule waits to be looked at and signed, as one that the assistant proposed. A rule, a token and the choice of
notices stay as they were written down, for the next archive: here they are made anew, by a person. Who lent
what to whom is only told: nothing of it is taken in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, StringConstraints, TypeAdapter, ValidationError
from sqlalchemy import Connection, text

from openassistant.builtin import LONGEST_MEMORY
from openassistant.context import Clock
from openassistant.data import ExportPage, Piece
from openassistant.errors import Forbidden, InvalidRequest
from openassistant.grants import Trust
from openassistant.messages import Id, Wire
from openassistant.routes import ROUTES, Route, strictest
from services.gateway import memories, occurrences
from services.gateway.files import OwnFiles
from services.gateway.lending import Lending
from services.gateway.occurrences import When
from services.gateway.routing import MOST_LABELS, Routing, is_source
from services.gateway.runbook import Runbook
from services.gateway.schedule_views import ScheduleDraft
from services.gateway.schedules import Kept, Schedules
from services.gateway.tokens import Tokens
from services.gateway.users import Users

__all__ = ["EARLIER", "Belongings"]

EARLIER = "audit/earlier/"
"""Where the ledgers of houses before this one lie in an archive."""

_FEW = Field(max_length=5000)
_LARGEST = 16 * 1024 * 1024
_LENT = "gateway/loans.json only tells: what is lent is signed by its house, so it is lent anew here."
_READ = 1024 * 1024
_OF_A_RULE = {"id", "connector", "tool", "account", "destinations", "conversation", "expires"}
Each = TypeVar("Each", bound=BaseModel)
_Line = Annotated[str, StringConstraints(max_length=400)]


class _Memory(Wire):
    id: Id
    text: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_MEMORY)]
    origin: Literal["owner", "assistant"]
    tainted: bool
    sources: Annotated[tuple[_Line, ...], Field(max_length=100)] = ()
    pinned: bool = False
    conversation: Id | None = None
    turn: Id | None = None
    created: datetime
    changed: datetime
    expires: datetime | None = None


class _Schedule(When):
    id: Id
    name: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    prompt: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    connectors: Annotated[tuple[_Line, ...], Field(max_length=50)] = ()
    acts: bool = False
    rules: Annotated[tuple[Id, ...], Field(max_length=50)] = ()
    missed: Literal["late", "skip"] = "late"
    tainted: bool = False
    paused: bool = False
    source: Id | None = None
    conversation: Id | None = None
    created: datetime
    expires: datetime


class _Rule(Wire):
    id: Id
    what: Annotated[str, StringConstraints(max_length=2000)]
    people: Annotated[tuple[_Line, ...], Field(max_length=500)] = ()
    place: _Line = ""
    connector: _Line
    tool: _Line
    effect: _Line
    account: Id | None = None
    destinations: Annotated[tuple[_Line, ...], Field(max_length=500)] = ()
    conversation: Id | None = None
    created: datetime
    expires: datetime


class _Token(Wire):
    id: Id
    name: _Line
    scopes: Annotated[tuple[_Line, ...], Field(max_length=20)]
    created: datetime
    expires: datetime


class _Loan(Wire):
    """Without the ids of the account and the calendars: they are the lender's."""

    id: Id
    given: bool
    person: _Line
    connector: _Line
    name: _Line
    access: Literal["read", "act"]
    calendars: Annotated[tuple[_Line, ...], Field(max_length=100)] = ()
    accepted: bool
    made: datetime
    expires: datetime


class _Preferences(Wire):
    routes: Annotated[dict[_Line, Route], Field(max_length=1000, default_factory=dict)]
    notices: dict[str, Any] | None = None


class Belongings:
    """Reads and writes them in the person's own file."""

    def __init__(
        self,
        own: OwnFiles,
        schedules: Schedules,
        runbook: Runbook,
        routing: Routing,
        tokens: Tokens,
        *,
        lending: Lending,
        users: Users,
        trust: Trust,
        clock: Clock,
    ) -> None:
        self._own, self._schedules, self._runbook = own, schedules, runbook
        self._routing, self._tokens, self._trust, self._clock = routing, tokens, trust, clock
        self._lending, self._users = lending, users

    # --- out ------------------------------------------------------------------------------------------------------

    async def export(self, user: str, cursor: str) -> ExportPage:
        """This room's files, then the ledgers of houses before; paths are those of the whole archive."""
        if not cursor:
            return ExportPage(pieces=await self._files(user), cursor="-1 ")
        place, _, path = cursor.partition(" ")
        async with self._own.use(user) as store:
            row = await store.read(lambda connection: _earlier(connection, path, int(place)))
        if row is None:
            return ExportPage()
        return ExportPage(pieces=(_piece(row.path, row.body, more=not row.last),), cursor=f"{row.place} {row.path}")

    async def _files(self, user: str) -> tuple[Piece, ...]:
        now = self._clock().isoformat()
        async with self._own.use(user) as store:
            kept, brought = await store.read(lambda connection: _rows(connection, now))
        living = [_schedule(each, paused=(await self._runbook.state(each.signed.id, most=0)).paused)
                  for each in await self._schedules.living(user)]  # fmt: skip
        rules = [rule for row in kept["rules"] if (rule := self._rule(row, user))]
        tokens = [
            _Token(id=each.id, name=each.name, scopes=each.scopes, created=each.created_at, expires=each.expires_at)
            for each in await self._tokens.of(user)
        ]
        notices = next((json.loads(row.value) for row in kept["notice_choices"] if row.name == "choices"), None)
        chosen = _Preferences(routes=await self._routing.of(user), notices=notices or _notices(brought))
        found: dict[str, object] = {
            "loans": [_plain(each) for each in await self._loans(user)],
            "memories": [_plain(_memory(row)) for row in kept["memories"]],
            "preferences": _plain(chosen),
            "rules": _merged(rules, _brought(brought, "rule", _Rule, now)),
            "schedules": _merged(living, _brought(brought, "schedule", _Schedule, now)),
            "tokens": _merged(tokens, _brought(brought, "token", _Token, now)),
        }
        return tuple(
            piece for name, value in found.items() for piece in _pieces(f"gateway/{name}.json", _as_json(value))
        )

    async def _loans(self, user: str) -> list[_Loan]:
        names = await self._users.names()
        return [
            _Loan(
                id=each.id, given=each.lender == user, connector=each.connector, name=each.name, access=each.access,
                person=names.get(each.user if each.lender == user else each.lender, ""), made=each.made,
                calendars=tuple(each.parts.values()), accepted=each.state == "accepted", expires=each.expires,
            )
            for each in await self._lending.of(user)
        ]  # fmt: skip

    def _rule(self, row: Any, user: str) -> _Rule | None:
        try:
            rule = self._trust.rule(row.token, now=self._clock())
        except Forbidden:
            return None
        if rule.user != user:
            return None
        return _Rule(
            **rule.model_dump(include=_OF_A_RULE),
            effect=rule.effect.value, what=row.what, people=tuple(json.loads(row.people)), place=row.place,
            created=row.created,
        )  # fmt: skip

    # --- in -------------------------------------------------------------------------------------------------------

    async def keep(self, user: str, path: str, piece: Piece) -> str:
        """Keeps a part of a ledger of a house before, or takes a file of this room once all of it is there.

        `path` is that of the whole archive; "" or a sentence why it is not taken.
        """
        row = {"path": path, "place": piece.offset, "body": piece.body, "last": int(not piece.more)}

        def write(connection: Connection) -> None:
            connection.execute(text("DELETE FROM brought_files WHERE path = :path AND place >= :place"), row)
            connection.execute(
                text("INSERT INTO brought_files (path, place, body, last) VALUES (:path, :place, :body, :last)"), row
            )

        async with self._own.use(user) as store:
            await store.write(write)
            if piece.more or path.startswith(EARLIER):
                return ""
            body = await store.write(lambda connection: _collected(connection, path))
        return await self._take(user, path, body)

    async def _take(self, user: str, path: str, body: bytes) -> str:
        name = path.removeprefix("gateway/").removesuffix(".json")
        if name == "loans":
            return "" if body.strip() == b"[]" else _LENT
        kinds: dict[str, tuple[Any, Callable[[Connection, Any], str]]] = {
            "memories": (Annotated[list[_Memory], _FEW], _put_memories),
            "schedules": (Annotated[list[_Schedule], _FEW], self._put_schedules),
            "rules": (Annotated[list[_Rule], _FEW], lambda connection, found: _put(connection, "rule", found)),
            "tokens": (Annotated[list[_Token], _FEW], lambda connection, found: _put(connection, "token", found)),
            "preferences": (_Preferences, self._put_preferences),
        }
        if name not in kinds or len(body) > _LARGEST:
            return f"{path[:120]} is not a file that this house knows."
        kind, put = kinds[name]
        try:
            found = TypeAdapter(kind).validate_json(body)
            async with self._own.use(user) as store:
                return await store.write(lambda connection: put(connection, found))
        except (ValidationError, ValueError, RecursionError, InvalidRequest):
            return f"{path[:120]} is not in the form of an archive."

    def _put_schedules(self, connection: Connection, found: Iterable[_Schedule]) -> str:
        """Each as a proposal beside what was written down; one that is over, or lives here, is left."""
        now = self._clock()
        for each in found:
            occurrences.checked(When(**each.model_dump(include={"starts", "zone", "rule"})))
            row = {"id": each.id, "draft": _draft(each), "at": each.source or each.conversation or "",
                   "created": now.isoformat()}  # fmt: skip
            here = connection.execute(text("SELECT 1 FROM schedules WHERE id = :id"), row).first()
            if each.expires <= now or here or not _put_one(connection, "schedule", each):
                continue
            connection.execute(
                text(
                    "INSERT INTO schedule_proposals (id, draft, conversation, tainted, created)"
                    " VALUES (:id, :draft, :at, 1, :created) ON CONFLICT (id) DO NOTHING"
                ),
                row,
            )
        return ""

    def _put_preferences(self, connection: Connection, found: _Preferences) -> str:
        """Rules for models where they are stricter than what holds; how one is told is not chosen by a file."""
        now = self._clock().isoformat()
        known = [source for source in sorted(found.routes) if is_source(source)][:MOST_LABELS]
        for source in known:
            row, route = {"source": source, "now": now}, found.routes[source]
            held = connection.execute(text("SELECT route FROM routes WHERE source = :source"), row).scalar()
            stricter = strictest((route, held if held in ROUTES else ROUTES[0]))
            connection.execute(
                text(
                    "INSERT INTO routes (source, route, changed) VALUES (:source, :route, :now)"
                    " ON CONFLICT (source) DO UPDATE SET route = :route, changed = :now"
                ),
                {**row, "route": stricter},
            )
        if found.notices is not None:
            row = {"body": json.dumps(found.notices)}
            connection.execute(
                text("INSERT OR IGNORE INTO brought (kind, id, body) VALUES ('notices', '', :body)"), row
            )
        return ""


def _rows(connection: Connection, now: str) -> tuple[dict[str, list[Any]], list[Any]]:
    queries = {
        "memories": "SELECT * FROM memories WHERE expires IS NULL OR expires > :now ORDER BY id",
        "rules": "SELECT * FROM rules WHERE expires > :now ORDER BY id",
        "notice_choices": "SELECT * FROM notice_choices",
    }
    found = {name: list(connection.execute(text(query), {"now": now})) for name, query in queries.items()}
    return found, list(connection.execute(text("SELECT * FROM brought ORDER BY kind, id")))


def _earlier(connection: Connection, path: str, place: int) -> Any:
    """The part of an earlier ledger behind this one, in the order of paths and places; None behind the last."""
    query = text(
        "SELECT path, place, body, last FROM brought_files WHERE (path, place) > (:path, :place)"
        " AND substr(path, 1, :long) = :earlier"
        " AND path IN (SELECT path FROM brought_files WHERE last = 1) ORDER BY path, place LIMIT 1"
    )
    row = {"path": path, "place": place, "earlier": EARLIER, "long": len(EARLIER)}
    return connection.execute(query, row).one_or_none()


def _collected(connection: Connection, path: str) -> bytes:
    row = {"path": path}
    found = connection.execute(text("SELECT body FROM brought_files WHERE path = :path ORDER BY place"), row)
    body = b"".join(each.body for each in found)
    connection.execute(text("DELETE FROM brought_files WHERE path = :path"), row)
    return body


def _put_memories(connection: Connection, found: list[_Memory]) -> str:
    held = connection.execute(text("SELECT count(*) FROM memories")).scalar_one()
    for each in found:
        row = {
            **each.model_dump(include={"id", "text", "origin", "conversation", "turn"}),
            "tainted": int(each.tainted), "pinned": int(each.pinned), "sources": json.dumps(each.sources),
            "created": each.created.isoformat(), "changed": each.changed.isoformat(),
            "expires": each.expires.isoformat() if each.expires else None,
        }  # fmt: skip
        if connection.execute(text("SELECT 1 FROM memories WHERE id = :id"), row).first():
            continue
        if held >= memories.MOST:
            return f"Only {memories.MOST} memories have a place; the others were left out."
        held += 1
        connection.execute(text("INSERT INTO house_calls (id) VALUES (:id) ON CONFLICT DO NOTHING"), row)
        connection.execute(
            text(
                "INSERT INTO memories (id, text, origin, tainted, sources, pinned, conversation, turn, created,"
                " changed, expires, brought) VALUES (:id, :text, :origin, :tainted, :sources, :pinned, :conversation,"
                " :turn, :created, :changed, :expires, 1)"
            ),
            row,
        )
    return ""


def _put(connection: Connection, kind: str, found: Iterable[Any]) -> str:
    for each in found:
        _put_one(connection, kind, each)
    return ""


def _put_one(connection: Connection, kind: str, each: Any) -> bool:
    row = {"kind": kind, "id": each.id, "body": each.model_dump_json()}
    query = text("INSERT INTO brought (kind, id, body) VALUES (:kind, :id, :body) ON CONFLICT DO NOTHING")
    return bool(connection.execute(query, row).rowcount)


def _brought(rows: list[Any], kind: str, form: type[Each], now: str) -> list[Each]:
    """What came with archives and is not over."""
    found = [form.model_validate_json(row.body) for row in rows if row.kind == kind]
    return [each for each in found if each.expires > datetime.fromisoformat(now)]  # type: ignore[attr-defined]


def _notices(rows: list[Any]) -> dict[str, Any] | None:
    return next((json.loads(row.body) for row in rows if row.kind == "notices"), None)


def _merged(own: Iterable[Any], brought: Iterable[Any]) -> list[dict[str, Any]]:
    found = {each.id: _plain(each) for each in (*brought, *own)}
    return [found[id_] for id_ in sorted(found)]


def _memory(row: Any) -> _Memory:
    """As it was written down, with the label that it had then."""
    given = {name: getattr(row, name) for name in _Memory.model_fields if name != "sources"}
    return _Memory.model_validate({**given, "sources": json.loads(row.sources)})


def _schedule(kept: Kept, *, paused: bool) -> _Schedule:
    terms, signed = kept.terms, kept.signed
    return _Schedule(
        **terms.model_dump(), id=signed.id, rules=signed.rules, paused=paused, conversation=kept.conversation,
        created=kept.created, expires=signed.expires,
    )  # fmt: skip


def _draft(each: _Schedule) -> str:
    fields = {"name", "prompt", "starts", "zone", "rule", "connectors", "acts", "missed"}
    return ScheduleDraft(**each.model_dump(include=fields)).model_dump_json()


def _plain(value: BaseModel) -> dict[str, Any]:
    return value.model_dump(mode="json", exclude_none=True)


def _as_json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _pieces(path: str, body: bytes) -> list[Piece]:
    places = range(0, max(len(body), 1), _READ)
    return [_piece(path, body[at : at + _READ], more=at + _READ < len(body)) for at in places]


def _piece(path: str, body: bytes, *, more: bool) -> Piece:
    return Piece.model_construct(path=path, modified=None, body=bytes(body), more=more, offset=0)
