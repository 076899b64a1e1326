"""How things stood before an act, noted before it begins: an interrupted act is measured by it, an undo restores it.

A connector makes the table in a migration of its own, so that it is erased with the rest of its slice:

    call_id TEXT PRIMARY KEY, account TEXT, before TEXT, noted TEXT
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text

from openassistant.connector import Context
from openassistant.errors import Conflict
from openassistant.messages import Call, Effect

__all__ = ["Acts", "call_id", "effect_where_seen", "not_said"]

_KEPT = timedelta(days=90)


class Acts:
    """The notes in one table of a user's file; its name stands in code, never in what comes from outside."""

    def __init__(self, table: str) -> None:
        assert table.isidentifier(), "the name of a table"
        self._drop = text(f"DELETE FROM {table} WHERE noted < :old")  # noqa: S608 - ours
        self._keep = text(
            f"INSERT OR IGNORE INTO {table} (call_id, account, before, noted)"  # noqa: S608 - ours
            " VALUES (:call, :account, :before, :noted)"
        )
        self._find = text(f"SELECT before FROM {table} WHERE call_id = :call AND account = :account")  # noqa: S608 - ours

    async def note(self, ctx: Context, **before: Any) -> dict[str, Any]:
        """Notes how things stand before the call in `ctx` acts, and gives what it noted first: that stays."""
        call, now = call_id(ctx), ctx.now()
        row = {"call": call, "account": ctx.account, "before": json.dumps(before), "noted": now.isoformat()}
        old = {"old": (now - _KEPT).isoformat()}

        def write(connection: Connection) -> dict[str, Any]:
            connection.execute(self._drop, old)
            connection.execute(self._keep, row)
            return self._found(connection, ctx, call) or before

        return await ctx.store.write(write)

    async def before(self, ctx: Context, call: str) -> dict[str, Any] | None:
        """What a call noted before it acted; None when it never came so far, and so did nothing."""
        return await ctx.store.read(lambda connection: self._found(connection, ctx, call))

    async def noted_by(self, ctx: Context, call: Call) -> dict[str, Any]:
        """What a call noted before it acted; raises `Conflict` where that is not known any more."""
        noted = await self.before(ctx, call.id)
        if noted is None:
            raise Conflict("How it was before is not known here any more.")
        return noted

    def _found(self, connection: Connection, ctx: Context, call: str) -> dict[str, Any] | None:
        found = connection.execute(self._find, {"call": call, "account": ctx.account}).scalar_one_or_none()
        return json.loads(found) if found else None


def call_id(ctx: Context) -> str:
    """The id of the call that acts."""
    assert ctx.call is not None, "an act belongs to a call"
    return ctx.call.id


def effect_where_seen(arguments: dict[str, Any]) -> Effect:
    """What others see reaches them; the connector sees to it that `seen_by_others` is true to the facts: `not_said`."""
    return Effect.SEND if arguments.get("seen_by_others") else Effect.WRITE


def not_said(what: str) -> Conflict:
    """Why an act that others will see, without a word of that in its arguments, is not done; `what`: file or folder."""
    return Conflict(
        f"Others share that {what}, so they may see this. Call it again with seen_by_others=true: then the owner is"
        " asked first.",
        details={"reason": "seen_by_others"},
    )
