"""What a connector holds of a user, by kind: declared in a few lines, counted, and forgotten in parts.

    connector.holds(
        Kind("mails", rows=MAILS, drop=mirror.drop, file=letter_of, suffix=".eml"),
        Kind("drafts", rows=DRAFTS, drop=mirror.drop_drafts, line=draft_of),
    )

`rows` is a query for all things of a kind, with at least these columns:

    key      what `drop` takes, and in whose order things are exported; a number or a text, one for each thing
    account  whose account it is of, NULL for none
    at       seconds since 1970 by which it is old or new, NULL for what has no time
    ref      its id at the provider, or one of ours that stays; it names the thing's file, one for each account and kind

What was forgotten stays so: the span of time is kept for each account and kind, a connector asks for it where it writes
(`left_out`), and whatever a pass of the sync brought back all the same is removed at its end (`sweep`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Row, text

from openassistant import journal
from openassistant.data import Part
from openassistant.grants import Scope

__all__ = [
    "CALLS",
    "IMPORTED",
    "Kind",
    "Spans",
    "end_account",
    "forget",
    "has_forgotten",
    "left_out",
    "parts",
    "scour",
    "sweep",
    "tried",
]

Key: TypeAlias = int | str
Thing: TypeAlias = Row[Any]

_LATEST = 253_402_300_799
"""The last second that a date can say, that of the year 9999."""


@dataclass(frozen=True)
class Kind:
    """Things of one kind; `name` is a word of `data.Part`.

    file: the thing as a file of an open format, with `suffix`; None for one that has nothing to show. line: what is
    said of it in the kind's list beside id, time and file. One with neither is inside the files of another kind.
    `returns`: a sync may bring it again.
    """

    name: str
    rows: str
    drop: Callable[[Connection, Sequence[Any]], None]
    file: Callable[[Connection, Thing], bytes | None] | None = None
    suffix: str = ""
    line: Callable[[Connection, Thing], Mapping[str, Any]] | None = None
    returns: bool = True

    @property
    def told(self) -> bool:
        """Whether it has files or a list of its own."""
        return self.file is not None or self.line is not None


def _call(connection: Connection, row: Thing) -> Mapping[str, Any]:
    """A call as the journal has it, without its owner's id, which says nothing elsewhere."""
    outcome = json.loads(row.outcome) if row.outcome else {}
    shown = json.loads(row.shown) if row.shown else None
    call = {name: each for name, each in json.loads(row.call).items() if name != "user"}
    return {"call": call, "state": row.state, "shown": shown, **outcome}


def _drop_imported(connection: Connection, paths: Sequence[str]) -> None:
    these = {"paths": json.dumps(list(paths))}
    connection.execute(text("DELETE FROM holdings_imported WHERE path IN (SELECT value FROM json_each(:paths))"), these)


CALLS = Kind(
    "calls",
    rows="SELECT call_id AS key, call ->> 'account' AS account, unixepoch(started) AS at, call_id AS ref, call, state,"
    " outcome, shown FROM journal WHERE NOT emptied",
    drop=journal.empty_calls,
    line=_call,
    returns=False,
)
"""What was done by calls; their rows stay as guards against doing it again, emptied of what they said."""

IMPORTED = Kind(
    "imported",
    rows="SELECT path AS key, NULL AS account, unixepoch(modified) AS at, path AS ref FROM holdings_imported"
    " WHERE start = 0",
    drop=_drop_imported,
    returns=False,
)
"""Files of an archive that somebody brought in."""


class Spans(NamedTuple):
    """Spans of time of which nothing is to be kept, in seconds since 1970; each begins at once where that is None."""

    spans: tuple[tuple[int | None, int], ...] = ()

    def hold(self, at: int | datetime | None) -> bool:
        """Whether a moment lies in one of them; a thing without a time never does."""
        if at is None:
            return False
        moment = at.timestamp() if isinstance(at, datetime) else at
        return any((since is None or since <= moment) and moment < until for since, until in self.spans)


class _Tried(Exception):
    """No error: it takes back what was tried."""

    def __init__(self, went: tuple[Part, ...]) -> None:
        self.went = went


def parts(connection: Connection, kinds: Iterable[Kind]) -> tuple[Part, ...]:
    """How many things there are of each kind, and from when they are."""
    return tuple(
        _part(kind.name, *connection.execute(text(f"SELECT count(*), min(at), max(at) FROM ({kind.rows})")).one())  # noqa: S608 - declared in code
        for kind in kinds
    )


def left_out(connection: Connection, account: str, kind: str) -> Spans:
    """Of which times things of that kind are not to be written into an account's mirror."""
    query = text("SELECT since, until FROM holdings_forgotten WHERE account = :account AND kind = :kind")
    return Spans(tuple((row.since, row.until) for row in connection.execute(query, {"account": account, "kind": kind})))


def has_forgotten(connection: Connection, account: str) -> bool:
    """Whether anything of an account was forgotten that its sync might bring again."""
    query = text("SELECT EXISTS (SELECT 1 FROM holdings_forgotten WHERE account = :account)")
    return bool(connection.execute(query, {"account": account}).scalar_one())


async def tried(write: Callable[[Callable[[Connection], Any]], Any], work: Callable[[Connection], Any]) -> Any:
    """What a work on a store comes to, without that anything of it stays."""

    def attempt(connection: Connection) -> None:
        raise _Tried(work(connection))

    try:
        await write(attempt)
    except _Tried as ended:
        return ended.went


def forget(
    connection: Connection, kinds: Iterable[Kind], scope: Scope, *, accounts: Collection[str], now: datetime
) -> tuple[Part, ...]:
    """Removes what fits a scope, with what hangs on it; gives what went of each kind.

    `accounts` are those that a sync works on. The times that were forgotten are kept for them, up to now, so that
    nothing of it comes back. What comes later does, and what lies ahead may.
    """
    known = tuple(kinds)
    connection.execute(text("DROP TABLE IF EXISTS temp.holdings_held"))
    connection.execute(text("CREATE TEMP TABLE holdings_held (kind, key, account, at)"))
    for kind in known:
        query = f"INSERT INTO holdings_held SELECT '{kind.name}', key, account, at FROM ({kind.rows})"  # noqa: S608 - declared in code
        connection.execute(text(query))
    connection.execute(text("CREATE INDEX temp.holdings_held_of ON holdings_held (kind, at)"))
    for kind in known:
        if not scope.kinds or kind.name in scope.kinds:
            _forget_kind(connection, kind, scope, accounts, now)
    went = tuple(found for kind in known if (found := _gone(connection, kind)).count)
    connection.execute(text("DELETE FROM holdings_cut"))
    connection.execute(text("DROP TABLE temp.holdings_held"))
    if went:
        scour(connection)
    return went


def sweep(connection: Connection, kinds: Iterable[Kind], account: str) -> int:
    """Removes what came back into an account's mirror although it was forgotten; how many things that were."""
    count = 0
    for kind in kinds:
        for since, until in left_out(connection, account, kind.name).spans:
            query = f"SELECT key FROM ({kind.rows}) WHERE account = :account AND at >= :since AND at < :until"  # noqa: S608 - declared in code
            values = {"account": account, "since": -(1 << 62) if since is None else since, "until": until}
            if keys := list(connection.scalars(text(query), values)):
                kind.drop(connection, keys)
                count += len(keys)
    if count:
        scour(connection)
    return count


def scour(connection: Connection) -> None:
    """Takes the words of deleted rows out of the full-text indexes, which merely mark them as deleted (FTS5)."""
    query = text("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%fts5%'")
    for name in connection.scalars(query).all():
        connection.execute(text(f'INSERT INTO "{name}" ("{name}") VALUES (\'optimize\')'))  # noqa: S608 - a name of a table


def end_account(connection: Connection, account: str) -> None:
    """An account was removed with its mirror: nothing of it can come back, or be found in an index."""
    connection.execute(text("DELETE FROM holdings_forgotten WHERE account = :account"), {"account": account})
    scour(connection)


def _forget_kind(connection: Connection, kind: Kind, scope: Scope, accounts: Collection[str], now: datetime) -> None:
    values: dict[str, Any] = {"kind": kind.name, "account": scope.account}
    mine = "kind = :kind" + (" AND account = :account" if scope.account is not None else "")
    conditions, until = [mine], scope.until
    if scope.beyond is not None:
        query = f"SELECT at FROM holdings_held WHERE {mine} ORDER BY at DESC NULLS LAST LIMIT 1 OFFSET :last"  # noqa: S608 - as above
        kept = connection.scalars(text(query), {**values, "last": max(scope.beyond - 1, 0)}).one_or_none()
        if scope.beyond and kept is None:
            return
        if (oldest_kept := _moment(kept)) and scope.beyond:
            until = min(scope.until or oldest_kept, oldest_kept)
    for name, sign, moment in (("since", ">=", scope.since), ("until", "<", until)):
        if moment is not None:
            conditions.append(f"at {sign} :{name}")
            values[name] = moment.timestamp()
    query = f"SELECT key, account, at FROM holdings_held WHERE {' AND '.join(conditions)}"  # noqa: S608 - as above
    rows = connection.execute(text(query), values).all()
    if rows:
        kind.drop(connection, [row.key for row in rows])
    if not kind.returns:
        return
    last = int(min(until or now, now).timestamp())
    first = int(scope.since.timestamp()) if scope.since is not None else None
    if first is not None and first >= last:
        return
    of = {scope.account} if scope.account is not None else {*accounts, *(row.account for row in rows if row.account)}
    for account in sorted(of):
        _note(connection, account, kind.name, first, last)


def _note(connection: Connection, account: str, kind: str, since: int | None, until: int) -> None:
    """Keeps a span that was forgotten, as one with those that it meets."""
    row: dict[str, Any] = {"account": account, "kind": kind}
    for start, end in left_out(connection, account, kind).spans:
        if (start is None or start <= until) and (since is None or since <= end):
            since = None if since is None or start is None else min(since, start)
            until = max(until, end)
            query = "DELETE FROM holdings_forgotten WHERE account = :account AND kind = :kind AND until = :until"
            connection.execute(text(query), {**row, "until": end})
    insert = "INSERT INTO holdings_forgotten (account, kind, since, until) VALUES (:account, :kind, :since, :until)"
    connection.execute(text(insert), {**row, "since": since, "until": until})


def _gone(connection: Connection, kind: Kind) -> Part:
    """What was held before and is not any more."""
    query = (
        f"SELECT count(*), min(at), max(at) FROM holdings_held WHERE kind = :kind"  # noqa: S608 - as above
        f" AND key NOT IN (SELECT key FROM ({kind.rows}))"
    )
    return _part(kind.name, *connection.execute(text(query), {"kind": kind.name}).one())


def _part(kind: str, count: int, oldest: int | None, newest: int | None) -> Part:
    return Part(kind=kind, count=count, oldest=_moment(oldest), newest=_moment(newest))


def _moment(at: float | None) -> datetime | None:
    if at is None:
        return None
    return datetime.fromtimestamp(min(max(int(at), -62_135_596_800), _LATEST), UTC)
