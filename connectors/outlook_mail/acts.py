"""What a call is about to do, noted before it begins: an interrupted act is measured by it, an undo restores it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from connectors.outlook_mail.account import owner_of
from openassistant.connector import Context

__all__ = ["Act", "drop_old", "note_act", "recall"]

_KEPT = timedelta(days=90)


class Act(NamedTuple):
    """How far a call came, in a word of its kind, and how things stood before."""

    stage: str
    before: dict[str, Any]


async def note_act(ctx: Context, stage: str = "begun", **before: Any) -> None:
    """Notes how far the call in `ctx` came; what is given is added to what it noted before."""
    assert ctx.call is not None, "an act belongs to a call"
    row = {
        "call": ctx.call.id, "account": owner_of(ctx), "stage": stage, "before": json.dumps(before),
        "noted": ctx.now().isoformat(),
    }  # fmt: skip
    statement = (
        'INSERT INTO outlook_mail_acts (call_id, account, stage, "before", noted)'
        " VALUES (:call, :account, :stage, :before, :noted) ON CONFLICT (call_id) DO UPDATE"
        ' SET stage = :stage, "before" = json_patch("before", :before)'
    )
    await ctx.store.write(lambda connection: connection.execute(text(statement), row))


async def recall(ctx: Context, call_id: str) -> Act | None:
    """What a call noted; None when it never came so far, and so did nothing."""

    def read(connection: Connection) -> Act | None:
        query = text('SELECT stage, "before" FROM outlook_mail_acts WHERE call_id = :id AND account = :account')
        row = connection.execute(query, {"id": call_id, "account": ctx.account}).one_or_none()
        return Act(row.stage, json.loads(row.before)) if row else None

    return await ctx.store.read(read)


def drop_old(connection: Connection, now: datetime) -> None:
    """Deletes notes that nobody will ask for any more."""
    old = {"old": (now - _KEPT).isoformat()}
    connection.execute(text("DELETE FROM outlook_mail_acts WHERE noted < :old"), old)
