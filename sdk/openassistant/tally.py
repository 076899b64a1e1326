"""What accounts send and receive beside calls: summed in their owner's file, and now and then reported.

Syncing, watching for news, previews and checks are no calls, and most of them bring nothing new. So their bytes are
added up for each account and place, and go to the witness as one record: the first ones of an account at once, later
ones when three hours are over or a megabyte has come together.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from openassistant.context import new_id
from openassistant.messages import AuditAction, Record, Traffic
from openassistant.store import Store

__all__ = ["end", "keep"]

_EVERY = timedelta(hours=3)
_SOONEST = timedelta(minutes=5)
_MUCH = 1024 * 1024
"""Bytes that are worth a record of their own."""
_AT_ONCE = 3
"""How many reports of an account do not wait: its check, its first sync."""

_ADD = text(
    "INSERT INTO traffic_sums (account, host, port, reach, bytes_out, bytes_in)"
    " VALUES (:account, :host, :port, :reach, :bytes_out, :bytes_in) ON CONFLICT (account, host, port, reach)"
    " DO UPDATE SET bytes_out = bytes_out + :bytes_out, bytes_in = bytes_in + :bytes_in"
)
_BEGIN = text("INSERT INTO traffic_periods VALUES (:account, :now, 0) ON CONFLICT (account) DO NOTHING")
_PERIOD = text("SELECT since, reports FROM traffic_periods WHERE account = :account")
_SUMS = text(
    "SELECT host, port, reach, bytes_out, bytes_in FROM traffic_sums WHERE account = :account"
    " ORDER BY bytes_out + bytes_in DESC LIMIT 64"
)
_FORGET = text("DELETE FROM traffic_sums WHERE account = :account")
_END = text("DELETE FROM traffic_periods WHERE account = :account")
_AGAIN = text("UPDATE traffic_periods SET since = :now, reports = reports + 1 WHERE account = :account")
_REPORT = text("INSERT INTO outbox (record, grant_token, created) VALUES (:record, :grant, :now)")


async def keep(
    store: Store,
    connector: str,
    account: str | None,
    traffic: Iterable[Traffic],
    *,
    grant: str,
    now: datetime,
    ended: bool = True,
) -> bool:
    """Adds to the sums of an account; whether a report of them was put into the outbox with that.

    Work that has not `ended` is reported when it has.
    """
    added = [{"account": account or "", **each.model_dump(mode="json")} for each in traffic]

    def write(connection: Connection) -> bool:
        name = {"account": account or ""}
        connection.execute(_BEGIN, {**name, "now": now.isoformat()})
        if added:
            connection.execute(_ADD, added)
        since, reports = connection.execute(_PERIOD, name).one()
        sums = tuple(Traffic.model_validate(dict(row)) for row in connection.execute(_SUMS, name).mappings())
        began = datetime.fromisoformat(since)
        if not ended or not sums or not _is_due(sums, now - began, reports):
            return False
        _report(connection, _record(connector, account, sums, began, now), grant)
        connection.execute(_AGAIN, {**name, "now": now.isoformat()})
        return True

    return await store.write(write)


async def end(store: Store, connector: str, account: str, *, grant: str, now: datetime) -> bool:
    """Ends the sums of a removed account; whether a last report of them was put into the outbox with that."""
    name = {"account": account}

    def write(connection: Connection) -> bool:
        period = connection.execute(_PERIOD, name).one_or_none()
        sums = tuple(Traffic.model_validate(dict(row)) for row in connection.execute(_SUMS, name).mappings())
        if period and sums:
            _report(connection, _record(connector, account, sums, datetime.fromisoformat(period.since), now), grant)
        connection.execute(_END, name)
        return bool(sums)

    return await store.write(write)


def _report(connection: Connection, record: Record, grant: str) -> None:
    """Puts a report into the outbox, in the place of the sums that it was made of."""
    now = record.content["until"]
    connection.execute(_REPORT, {"record": record.model_dump_json(), "grant": grant, "now": now})
    connection.execute(_FORGET, {"account": record.account or ""})


def _is_due(sums: Iterable[Traffic], passed: timedelta, reports: int) -> bool:
    much = sum(each.bytes_out + each.bytes_in for each in sums) >= _MUCH
    return reports < _AT_ONCE or passed >= _EVERY or (much and passed >= _SOONEST)


def _record(connector: str, account: str | None, sums: tuple[Traffic, ...], began: datetime, now: datetime) -> Record:
    return Record(
        id=new_id(),
        action=AuditAction.TRAFFIC_COUNTED,
        connector=connector,
        account=account,
        content={"from": began.isoformat(), "until": now.isoformat()},
        traffic=sums,
    )
