"""What a hand writes down around an effect: intent before, outcome after, and the report to the witness.

The journal row is the guard against doing anything twice; the outbox reports each outcome until it is acknowledged.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, text

from openassistant.errors import Conflict, NotFound, OaError, Unavailable, error_of
from openassistant.messages import (
    AuditAction,
    Call,
    ErrorBody,
    Preview,
    Record,
    ToolResult,
    Traffic,
    Wire,
    call_digest,
    digest_of,
)
from openassistant.store import Store

__all__ = [
    "Entry",
    "Outcome",
    "begin",
    "claim_undo",
    "empty",
    "empty_calls",
    "find",
    "finish",
    "forget_calls",
    "newest_done",
    "open_calls",
    "open_intents",
    "recent_done",
    "release_undo",
    "report",
    "settle",
    "take_over",
    "unsent",
    "unsent_done",
]

_LARGEST_RESULT = 64 * 1024
_COLUMNS = "digest, call, state, holder, started, outcome, shown, undone_by"
_EMPTY = (
    "UPDATE journal SET emptied = 1, shown = NULL, call = json_set(call, '$.arguments', json('{}')),"
    " outcome = CASE state WHEN 'done' THEN :done ELSE :failed END"
    " WHERE state IN ('done', 'failed') AND NOT emptied"
)


class Outcome(StrEnum):
    """The states of a journal row."""

    INTENT = "intent"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


_ACTIONS = {
    Outcome.DONE: AuditAction.TOOL_FINISHED,
    Outcome.FAILED: AuditAction.TOOL_FAILED,
    Outcome.UNKNOWN: AuditAction.TOOL_UNKNOWN,
}


class Entry(Wire):
    """One journal row: `holder` is the instance that began it; `result` or `error` once it has ended.

    `shown` is what it said it would do, where a person or an undo wants to know; `undone_by` what took it back.
    """

    call: Call
    state: Outcome
    holder: str
    started: datetime
    shown: Preview | None = None
    undone_by: str | None = None
    result: ToolResult | None = None
    error: ErrorBody | None = None
    settled: bool = False
    """Whether its outcome is a person's word."""

    def answer(self) -> ToolResult:
        """The result, or the stored error raised again."""
        if self.result is not None:
            return self.result
        error = self.error or ErrorBody(code="internal", message="The call has no outcome yet.")
        raise error_of(error.code, error.message, details=error.details, retry_after=error.retry_after)


async def begin(store: Store, call: Call, *, holder: str, now: datetime, shown: Preview | None = None) -> Entry | None:
    """Writes the intent and returns None; when the call id is known already, returns what stands there.

    Raises `Conflict` when the id was used for another call.
    """

    def write(connection: Connection) -> Entry | None:
        row = _row(connection, call.id)
        if row is None:
            _insert(connection, call, holder, now, shown)
            return None
        if row.digest != call_digest(call):
            raise Conflict("This call id was used for another call.")
        return _entry(row)

    return await store.write(write)


async def finish(
    store: Store,
    call: Call,
    *,
    state: Outcome,
    outcome: ToolResult | OaError,
    grant: str,
    now: datetime,
    traffic: tuple[Traffic, ...] = (),
) -> Entry:
    """Writes the outcome and the report about it in one transaction; an outcome once written stays.

    `traffic` is what the call sent and received; it stands in the report alone.
    """
    if isinstance(outcome, OaError):
        body = ErrorBody(code=outcome.code, message=outcome.message, details=outcome.details)
        entry = Entry(call=call, state=state, holder="", started=now, error=body)
    else:
        entry = Entry(call=call, state=state, holder="", started=now, result=outcome)
    kept = entry.model_dump_json(include={"result", "error"})

    def write(connection: Connection) -> None:
        changed = connection.execute(
            text(
                "UPDATE journal SET state = :state, outcome = :outcome, finished = :now"
                " WHERE call_id = :id AND state IN ('intent', 'unknown')"
            ),
            {"state": state, "outcome": kept, "now": now.isoformat(), "id": call.id},
        )
        if changed.rowcount:
            _report(connection, entry, grant, now, traffic)

    await store.write(write)
    return entry


async def report(
    store: Store,
    call: Call,
    *,
    grant: str,
    now: datetime,
    result: ToolResult | OaError,
    traffic: tuple[Traffic, ...] = (),
) -> Entry:
    """Puts the outcome of a read into the outbox; reads have no journal row."""
    if isinstance(result, OaError):
        error = ErrorBody(
            code=result.code, message=result.message, details=result.details, retry_after=result.retry_after
        )
        entry = Entry(call=call, state=Outcome.FAILED, holder="", started=now, error=error)
    else:
        entry = Entry(call=call, state=Outcome.DONE, holder="", started=now, result=result)
    await store.write(lambda connection: _report(connection, entry, grant, now, traffic))
    return entry


async def open_intents(store: Store) -> list[Entry]:
    """Calls that were begun and have no outcome."""

    def read(connection: Connection) -> list[Entry]:
        rows = connection.execute(text(f"SELECT {_COLUMNS} FROM journal WHERE state = 'intent'"))  # noqa: S608 - a constant
        return [_entry(row) for row in rows]

    return await store.read(read)


async def open_calls(store: Store) -> list[Entry]:
    """Calls without a certain outcome, oldest first: begun and not ended, or ended in the dark."""

    def read(connection: Connection) -> list[Entry]:
        query = f"SELECT {_COLUMNS} FROM journal WHERE state IN ('intent', 'unknown') ORDER BY started"  # noqa: S608 - a constant
        return [_entry(row) for row in connection.execute(text(query))]

    return await store.read(read)


async def settle(store: Store, call_id: str, *, done: bool, now: datetime) -> bool:
    """Writes a person's word as the outcome of a call that has no certain one; False when it has one by now.

    The ledger has that word already: nothing is reported.
    """
    result = ToolResult(content="The owner says that this was done.") if done else None
    error = None if done else Unavailable("The owner says that this was not done.")
    body = ErrorBody(code=error.code, message=error.message) if error else None
    outcome = {"result": result, "error": body, "settled": True}
    row = {
        "id": call_id,
        "state": Outcome.DONE if done else Outcome.FAILED,
        "outcome": json.dumps({name: each.model_dump(mode="json") if isinstance(each, Wire) else each
                               for name, each in outcome.items()}),
        "now": now.isoformat(),
    }  # fmt: skip
    query = text(
        "UPDATE journal SET state = :state, outcome = :outcome, finished = :now"
        " WHERE call_id = :id AND state IN ('intent', 'unknown')"
    )
    return await store.write(lambda connection: connection.execute(query, row).rowcount == 1)


async def find(store: Store, call_id: str) -> Entry | None:
    """What stands in the journal for a call."""
    row = await store.read(lambda connection: _row(connection, call_id))
    return _entry(row) if row else None


async def newest_done(store: Store, tools: Sequence[str], *, account: str | None) -> Entry | None:
    """The newest done call of one of these tools in an account that no other call has taken back."""
    query = text(
        f"SELECT {_COLUMNS} FROM journal WHERE state = 'done' AND undone_by IS NULL AND NOT emptied"  # noqa: S608 - a constant
        " AND call ->> 'tool' IN :tools AND call ->> 'account' IS :account ORDER BY started DESC, call_id DESC LIMIT 1"
    ).bindparams(bindparam("tools", expanding=True))
    values = {"tools": list(tools), "account": account}
    row = await store.read(lambda connection: connection.execute(query, values).one_or_none())
    return _entry(row) if row else None


async def recent_done(store: Store, tools: Sequence[str], *, since: datetime, limit: int = 50) -> list[Entry]:
    """Done calls of these tools since a time that no other call has taken back, newest first, at most `limit`."""
    query = text(
        f"SELECT {_COLUMNS} FROM journal WHERE state = 'done' AND undone_by IS NULL AND NOT emptied"  # noqa: S608 - a constant
        " AND started >= :since AND call ->> 'tool' IN :tools ORDER BY started DESC, call_id DESC LIMIT :limit"
    ).bindparams(bindparam("tools", expanding=True))
    values = {"tools": list(tools), "since": since.isoformat(), "limit": limit}
    rows = await store.read(lambda connection: list(connection.execute(query, values)))
    return [_entry(row) for row in rows]


async def claim_undo(store: Store, call_id: str, *, by: str) -> bool:
    """Says that a call is taken back by another; False when a third was faster."""

    def write(connection: Connection) -> bool:
        changed = connection.execute(
            text("UPDATE journal SET undone_by = :by WHERE call_id = :id AND coalesce(undone_by, :by) = :by"),
            {"id": call_id, "by": by},
        )
        return changed.rowcount == 1

    return await store.write(write)


async def release_undo(store: Store, call_id: str) -> None:
    """Says that a call was certainly not taken back after all."""
    query = text("UPDATE journal SET undone_by = NULL WHERE call_id = :id")
    await store.write(lambda connection: connection.execute(query, {"id": call_id}).close())


async def empty(store: Store, account: str) -> None:
    """Forgets what the ended calls of a removed account said and brought, not that they were made and how they ended.

    So a call that is asked for again is not made again. One whose outcome nobody knows stays whole until that is told.
    """
    values = {"account": account, **_emptied(", before the account was removed")}
    query = text(f"{_EMPTY} AND call ->> 'account' = :account")
    await store.write(lambda connection: connection.execute(query, values).close())


def empty_calls(connection: Connection, ids: Sequence[str]) -> None:
    """The same for these calls, inside a transaction of `Store.write`."""
    values = {"ids": json.dumps(list(ids)), **_emptied("; what it was about was forgotten since")}
    connection.execute(text(f"{_EMPTY} AND call_id IN (SELECT value FROM json_each(:ids))"), values)  # noqa: S608 - a constant


async def forget_calls(store: Store, calls: Sequence[str], *, dry: bool) -> list[datetime]:
    """As `empty_calls`, also in what is not reported yet; when those began that went, or would go."""
    ids = {"ids": json.dumps(list(calls))}
    among = "IN (SELECT value FROM json_each(:ids))"
    ended = text(
        f"SELECT started FROM journal WHERE call_id {among} AND state IN ('done', 'failed') AND NOT emptied"  # noqa: S608 - a constant
    )
    unsent = text(
        f"UPDATE outbox SET record = json_set(record, '$.content', json('null')) WHERE record ->> 'id' {among}"  # noqa: S608 - a constant
    )

    def work(connection: Connection) -> list[datetime]:
        times = [datetime.fromisoformat(each) for each in connection.execute(ended, ids).scalars()]
        if not dry:
            empty_calls(connection, calls)
            connection.execute(unsent, ids)
        return times

    return await (store.read(work) if dry else store.write(work))


async def take_over(store: Store, call_id: str, *, dead: str, holder: str) -> bool:
    """Makes this instance the holder of a dead one's intent; False when another was faster."""

    def write(connection: Connection) -> bool:
        changed = connection.execute(
            text("UPDATE journal SET holder = :holder WHERE call_id = :id AND holder = :dead AND state = 'intent'"),
            {"holder": holder, "id": call_id, "dead": dead},
        )
        return changed.rowcount == 1

    return await store.write(write)


async def unsent(store: Store, *, limit: int = 200) -> list[tuple[int, Record, str]]:
    """Reports that the witness has not acknowledged, oldest first: (row id, record, grant token)."""

    def read(connection: Connection) -> list[tuple[int, Record, str]]:
        rows = connection.execute(
            text("SELECT id, record, grant_token FROM outbox ORDER BY id LIMIT :limit"), {"limit": limit}
        )
        return [(row.id, Record.model_validate_json(row.record), row.grant_token) for row in rows]

    return await store.read(read)


async def unsent_done(store: Store, rows: list[int]) -> None:
    """Forgets reports that were acknowledged."""

    def write(connection: Connection) -> None:
        connection.execute(text("DELETE FROM outbox WHERE id = :id"), [{"id": row} for row in rows])

    if rows:
        await store.write(write)


def _emptied(words: str) -> dict[str, str]:
    """The outcomes that emptied rows say, by state."""
    result = ToolResult(content=f"It was done{words}.")
    error = ErrorBody(code=NotFound.code, message=f"It had failed{words.removeprefix(',')}.")
    return {
        "done": json.dumps({"result": result.model_dump(mode="json")}),
        "failed": json.dumps({"error": error.model_dump(mode="json")}),
    }


def _row(connection: Connection, call_id: str) -> Row[Any] | None:
    query = text(f"SELECT {_COLUMNS} FROM journal WHERE call_id = :id")  # noqa: S608 - a constant
    return connection.execute(query, {"id": call_id}).one_or_none()


def _insert(connection: Connection, call: Call, holder: str, now: datetime, shown: Preview | None) -> None:
    connection.execute(
        text(
            "INSERT INTO journal (call_id, digest, call, state, holder, started, shown)"
            " VALUES (:id, :digest, :call, 'intent', :holder, :now, :shown)"
        ),
        {
            "id": call.id,
            "digest": call_digest(call),
            "call": call.model_dump_json(),
            "holder": holder,
            "now": now.isoformat(),
            "shown": shown.model_dump_json() if shown else None,
        },
    )


def _report(connection: Connection, entry: Entry, grant: str, now: datetime, traffic: tuple[Traffic, ...]) -> None:
    call = entry.call
    record = Record(
        id=call.id,
        action=_ACTIONS[entry.state],
        connector=call.connector,
        tool=call.tool,
        account=call.account,
        outcome=entry.error.code if entry.error else entry.state.value,
        content=_content(entry),
        traffic=traffic,
    )
    connection.execute(
        text("INSERT INTO outbox (record, grant_token, created) VALUES (:record, :grant, :now)"),
        {"record": record.model_dump_json(), "grant": grant, "now": now.isoformat()},
    )


def _content(entry: Entry) -> Any:
    """What the ledger keeps of an outcome: the result itself, or its digest where it is large."""
    if entry.error is not None:
        return {"error": entry.error.model_dump(mode="json")}
    result = entry.result.model_dump(mode="json") if entry.result else None
    size = len(json.dumps(result))
    return {"result": result} if size <= _LARGEST_RESULT else {"result_digest": digest_of(result), "bytes": size}


def _entry(row: Any) -> Entry:
    outcome = json.loads(row.outcome) if row.outcome else {}
    call = Call.model_validate_json(row.call)
    shown = Preview.model_validate_json(row.shown) if row.shown else None
    kept = {"state": row.state, "holder": row.holder, "started": row.started, "undone_by": row.undone_by}
    return Entry.model_validate({"call": call, "shown": shown, **kept, **outcome})
