"""What left the house: bytes by day and place, whose text went to a model, and the records that say so.

A record holds its figures in its content, under its user's key and in its hash. What is summed here is a copy of the
figures alone, in the ledger's encrypted file, written in the same commit: a sum opens no content. Each figure of a sum
can be held against the record that it came of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError
from sqlalchemy import Connection, text

from openassistant.context import CallContext, Clock
from openassistant.errors import InvalidRequest
from openassistant.grants import Trust
from openassistant.guard import admit_grant
from openassistant.left import (
    EgressCount,
    LeftEntries,
    LeftEntriesQuery,
    LeftEntry,
    LeftKind,
    LeftQuery,
    LeftReport,
    LeftRow,
    LeftSource,
)
from openassistant.messages import AuditAction, Record
from openassistant.store import Store
from services.audit.contents import Contents
from services.audit.records import COLUMNS

__all__ = ["COUNTED", "Left", "copied", "told"]

COUNTED: dict[AuditAction, LeftKind] = {
    AuditAction.TOOL_FINISHED: "call",
    AuditAction.TOOL_FAILED: "call",
    AuditAction.TOOL_UNKNOWN: "call",
    AuditAction.MODEL_ASKED: "model",
    AuditAction.TRAFFIC_COUNTED: "background",
}
"""What says how much was sent and received."""

_SLOT = 900
"""Seconds that are summed in the file; zones differ by quarters of an hour at least."""
_PLACE = "INSERT INTO left_places (position, user, at, conversation, host, port) VALUES (?, ?, ?, ?, ?, ?)"
_SUM = (
    "INSERT INTO left_sums VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET"
    " bytes_out = bytes_out + excluded.bytes_out, bytes_in = bytes_in + excluded.bytes_in, records = records + 1"
)
_TEXT = (
    "INSERT INTO left_sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes"
)
_BY_PLACE = (
    "SELECT slot, host, port, reach, kind, connector, account, model, bytes_out, bytes_in, records FROM left_sums"
    ' WHERE "user" = :user AND slot >= :since AND slot < :until'
)
_BY_SOURCE = (
    "SELECT host, port, reach, kind, connector, account, sum(bytes) AS bytes FROM left_sources"
    ' WHERE "user" = :user AND slot >= :since AND slot < :until'
    " GROUP BY host, port, reach, kind, connector, account ORDER BY sum(bytes) DESC"
)


def told(record: Record) -> Any:
    """The content of a record with what was sent and received; raises `InvalidRequest` where none can be."""
    if not record.traffic and not record.sources:
        return record.content
    if record.action not in COUNTED or not isinstance(record.content, dict | None):
        raise InvalidRequest("This record cannot say what was sent and received.")
    figures = record.model_dump(mode="json", include={"traffic", "sources"}, exclude_defaults=True)
    return {**(record.content or {}), **figures}


def copied(record: Record) -> Callable[[Connection, dict[str, Any]], None] | None:
    """What writes a record's figures where they are summed, beside its row; None where it has none."""
    if not record.traffic:
        return None
    model = record.content.get("model") if isinstance(record.content, dict) else None
    places = [(each.host, each.port, each.reach, each.bytes_out, each.bytes_in) for each in record.traffic]
    kind = COUNTED[record.action]

    def write(connection: Connection, row: dict[str, Any]) -> None:
        at = int(datetime.fromisoformat(row["time"]).timestamp())
        user, slot = row["user"], at // _SLOT
        whose = (row["connector"] or "", row["account"] or "", model if isinstance(model, str) else "")
        for host, port, reach, out, back in places:
            connection.exec_driver_sql(_PLACE, (row["position"], user, at, row["conversation"], host, port))
            connection.exec_driver_sql(_SUM, (user, slot, host, port, reach, kind, *whose, out, back))
        for each in record.sources:
            text_of = (each.kind, each.connector or "", each.account or "", each.bytes)
            connection.exec_driver_sql(_TEXT, (user, slot, *places[0][:3], *text_of))

    return write


class Left:
    """The reading handlers. The user is always that of the grant in the context."""

    def __init__(self, store: Store, contents: Contents, *, trust: Trust, clock: Clock) -> None:
        self._store, self._contents, self._trust, self._clock = store, contents, trust, clock

    async def report(self, ctx: CallContext, query: LeftQuery) -> LeftReport:
        """Bytes by day (in the zone that is asked for) and place; raises `Forbidden`, `InvalidRequest`."""
        zone = _zone(query.zone)
        within = {name: moment // _SLOT for name, moment in _within(query.since, query.until).items()}
        values = {"user": self._owner(ctx), **within}

        def read(connection: Connection) -> tuple[list[tuple[Any, ...]], list[Any]]:
            places = [tuple(row) for row in connection.execute(text(_BY_PLACE), values)]
            return places, list(connection.execute(text(_BY_SOURCE), values).mappings())

        places, sources = await self._store.read(read)
        told_sources = tuple(LeftSource.model_validate(_absent(each)) for each in sources)
        counted = await self._counted(query) if query.house else ()
        return LeftReport(rows=tuple(_by_day(places, zone)), sources=told_sources, counted=counted)

    async def forget(self, user: str) -> None:
        """Removes where a user's bytes went, whole."""

        def write(connection: Connection) -> None:
            for table in ("left_places", "left_sums", "left_sources"):
                connection.execute(text(f'DELETE FROM {table} WHERE "user" = :user'), {"user": user})  # noqa: S608 - a name from the line above

        await self._store.write(write)
        await self._store.tidy()

    async def _counted(self, query: LeftQuery) -> tuple[EgressCount, ...]:
        """What the egress proxy counted, of all rooms: records of the house, which are nobody's."""
        values = {"action": AuditAction.EGRESS_COUNTED.value, "since": _text(query.since), "until": _text(query.until)}
        found = text(
            'SELECT id, action, "user", content FROM records'
            ' WHERE action = :action AND "user" IS NULL AND time >= :since AND time < :until'
        )

        def read(connection: Connection) -> list[dict[str, Any]]:
            return [dict(row) for row in connection.execute(found, values).mappings()]

        sums: dict[tuple[str, str, int], EgressCount] = {}
        for row in await self._store.read(read):
            one = _egress(await self._contents.open(row, grant=None))
            if one is None:
                continue
            key = (one.room, one.host, one.port)
            sums[key] = _added(sums[key], one) if key in sums else one
        return tuple(sorted(sums.values(), key=lambda each: each.bytes_out + each.bytes_in, reverse=True))

    async def entries(self, ctx: CallContext, query: LeftEntriesQuery) -> LeftEntries:
        """The records behind the sums, newest first; of a conversation, all of them."""
        given = query.model_dump(include={"host", "port", "conversation"}, exclude_none=True)
        where = "".join(f" AND {name} = :{name}" for name in given)
        values = {"user": self._owner(ctx), **given, **_within(query.since, query.until), "limit": query.limit + 1}
        before = " AND position < :before" if query.before is not None else ""
        columns = ", ".join(f'"{name}"' for name in (*COLUMNS, "leaf"))
        wanted = text(
            f"SELECT {columns} FROM records WHERE position IN (SELECT DISTINCT position FROM left_places"  # noqa: S608 - names from the code
            f' WHERE "user" = :user AND at >= :since AND at < :until{where}{before}'
            " ORDER BY position DESC LIMIT :limit) ORDER BY position DESC"
        )

        def read(connection: Connection) -> list[dict[str, Any]]:
            return [dict(row) for row in connection.execute(wanted, {**values, "before": query.before}).mappings()]

        rows = await self._store.read(read)
        page = rows[: query.limit]
        entries = [_entry(row, await self._contents.open(row, grant=ctx.grant)) for row in page]
        more = len(rows) > len(page)
        return LeftEntries(entries=tuple(entries), next=entries[-1].index if more else None)

    def _owner(self, ctx: CallContext) -> str:
        return admit_grant(ctx, trust=self._trust, user=str(ctx.user), now=self._clock()).user


def _absent(row: Any) -> dict[str, Any]:
    """A sum with None for what is absent."""
    return {name: value if value != "" else None for name, value in row.items()}


def _by_day(places: Iterable[tuple[Any, ...]], zone: ZoneInfo) -> Iterable[LeftRow]:
    """The sums of a file's slots as sums of days, the oldest first."""
    days: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    dates: dict[int, date] = {}
    for slot, *named, out, back, records in places:
        if slot not in dates:
            dates[slot] = datetime.fromtimestamp(slot * _SLOT, UTC).astimezone(zone).date()
        sums = days[(dates[slot], *named)]
        sums[0], sums[1], sums[2] = sums[0] + out, sums[1] + back, sums[2] + records
    for key in sorted(days, key=lambda each: (each[0], -days[each][0])):
        day, host, port, reach, kind, connector, account, model = key
        out, back, records = days[key]
        yield LeftRow(
            day=day, host=host, port=port, reach=reach, kind=kind, connector=connector or None,
            account=account or None, model=model or None, bytes_out=out, bytes_in=back, records=records,
        )  # fmt: skip


def _entry(row: dict[str, Any], content: Any) -> LeftEntry:
    """What a record says of bytes; one whose key is gone says none."""
    shown = {name: row[name] for name in COLUMNS if name not in ("position", "content", "card_digest", "user", "room")}
    figures = content if isinstance(content, dict) else {}
    names = ("traffic", "sources", "model", "input_tokens", "output_tokens", "turn", "conversation")
    given = {name: figures[name] for name in names if name in figures}
    plain = {**shown, "index": row["position"], "leaf": bytes(row["leaf"]).hex()}
    try:
        return LeftEntry.model_validate({**plain, **given})
    except ValidationError:
        return LeftEntry.model_validate(plain)


def _egress(content: Any) -> EgressCount | None:
    try:
        return EgressCount.model_validate(content)
    except ValidationError:
        return None


def _added(one: EgressCount, other: EgressCount) -> EgressCount:
    names = ("connections", "bytes_out", "bytes_in")
    return one.model_copy(update={name: getattr(one, name) + getattr(other, name) for name in names})


def _text(moment: datetime) -> str:
    """A moment as the ledger writes it."""
    return moment.astimezone(UTC).isoformat()


def _within(since: datetime, until: datetime) -> dict[str, int]:
    return {"since": int(since.timestamp()), "until": int(until.timestamp())}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidRequest(f"There is no time zone {name[:40]!r}.") from error
