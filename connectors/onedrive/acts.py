"""How things stood before an act, noted before it begins: an interrupted act is measured by it, an undo restores it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text

from openassistant.connector import Context
from openassistant.errors import Conflict
from openassistant.messages import Call

__all__ = ["before_act", "call_id", "note_act", "noted_by"]

_KEPT = timedelta(days=90)


async def note_act(ctx: Context, **before: Any) -> dict[str, Any]:
    """Notes how things stand before the call in `ctx` acts, and gives what it noted first: that stays."""
    now = ctx.now()
    row = {"call": call_id(ctx), "account": ctx.account, "before": json.dumps(before), "noted": now.isoformat()}
    old = (now - _KEPT).isoformat()

    def write(connection: Connection) -> None:
        connection.execute(text("DELETE FROM onedrive_acts WHERE noted < :old"), {"old": old})
        statement = "INSERT OR IGNORE INTO onedrive_acts (call_id, account, before, noted)"
        connection.execute(text(f"{statement} VALUES (:call, :account, :before, :noted)"), row)

    await ctx.store.write(write)
    return await before_act(ctx, call_id(ctx)) or before


async def before_act(ctx: Context, call_id: str) -> dict[str, Any] | None:
    """What a call noted before it acted; None when it never came so far, and so did nothing."""

    def read(connection: Connection) -> dict[str, Any] | None:
        query = text("SELECT before FROM onedrive_acts WHERE call_id = :id AND account = :account")
        found = connection.execute(query, {"id": call_id, "account": ctx.account}).scalar_one_or_none()
        return json.loads(found) if found else None

    return await ctx.store.read(read)


async def noted_by(ctx: Context, call: Call) -> dict[str, Any]:
    """What a call noted before it acted; raises `Conflict` where that is not known any more."""
    noted = await before_act(ctx, call.id)
    if noted is None:
        raise Conflict("How it was before is not known here any more.")
    return noted


def call_id(ctx: Context) -> str:
    """The id of the call that acts."""
    assert ctx.call is not None, "an act belongs to a call"
    return ctx.call.id
