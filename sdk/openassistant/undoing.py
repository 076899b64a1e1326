"""`actions_undo`: the one tool by which a done action of a connector is taken back, itself recorded and done once.

A connector has it as soon as one of its tools has an undo. What reached other people cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from openassistant import journal
from openassistant.connector import Context, Tool
from openassistant.errors import Conflict, NotFound, OaError
from openassistant.journal import Entry, Outcome
from openassistant.messages import UNDO_TOOL, Effect, Preview, PreviewField

__all__ = ["Undone", "undo_of"]

_Action = Annotated[
    str | None, Field(description="The id of the action to take back; leave it out for the newest one", max_length=40)
]


class Undone(BaseModel):
    """What was taken back: the call's id and its tool."""

    model_config = ConfigDict(frozen=True)

    action: str
    tool: str


def undo_of(tools: Mapping[str, Tool[Any]]) -> Tool[Undone]:
    """The undo of a connector with these tools."""

    async def actions_undo(ctx: Context, action: _Action = None) -> Undone:
        """Take back something that was done here: move it back, put the old state back."""
        entry, tool = await _undoable(ctx, tools, action)
        assert ctx.call is not None, "an effect has a call"
        assert tool.undoer is not None, "it was chosen by that"
        if not await journal.claim_undo(ctx.store, entry.call.id, by=ctx.call.id):
            raise Conflict("That was taken back already.")
        try:
            await tool.undoer(ctx, entry.call, entry.answer().content)
        except OaError as error:
            if not error.unclear:
                await journal.release_undo(ctx.store, entry.call.id)
            raise
        return Undone(action=entry.call.id, tool=entry.call.tool)

    async def preview(ctx: Context, action: str | None) -> Preview:
        entry, tool = await _undoable(ctx, tools, action)
        shown = entry.shown or Preview(verb=tool.name.replace("_", " "), confirm="")
        done = PreviewField(label="Done", value=entry.started.strftime("%Y-%m-%d %H:%M UTC"))
        update = {"verb": f"Take back: {shown.verb}", "confirm": "Take back", "fields": (*shown.fields, done)}
        return shown.model_copy(update={**update, "warnings": ()})

    assert actions_undo.__name__ == UNDO_TOOL, "cards and doors name it so"
    tool = Tool(actions_undo, effect=Effect.WRITE, effect_of=None, outside=False)
    tool.preview(preview)
    return tool


async def _undoable(ctx: Context, tools: Mapping[str, Tool[Any]], action: str | None) -> tuple[Entry, Tool[Any]]:
    """A done call of this account with its tool; raises `NotFound`, `Conflict` in words for a person."""
    names = [name for name, tool in tools.items() if tool.undoer is not None]
    if action is None:
        entry = await journal.newest_done(ctx.store, names, account=ctx.account)
    else:
        entry = await journal.find(ctx.store, action)
    if entry is None or entry.call.account != ctx.account:
        raise NotFound("There is no such action here that could be taken back.")
    tool = tools.get(entry.call.tool)
    if tool is None or tool.undoer is None:
        raise Conflict("That cannot be taken back.")
    if tool.effect_for(entry.call.arguments) is Effect.SEND:
        raise Conflict("That reached other people, so it cannot be taken back.")
    if entry.state is not Outcome.DONE:
        raise Conflict("That was not done, so there is nothing to take back.")
    if entry.settled:
        raise Conflict("What exactly was done is not known here, so it cannot be taken back by itself.")
    if entry.undone_by and (ctx.call is None or entry.undone_by != ctx.call.id):
        raise Conflict("That was taken back already.")
    return entry, tool
