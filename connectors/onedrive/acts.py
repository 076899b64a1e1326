"""The notes of acts at this service: see `openassistant.acts`."""

from typing import Any

from openassistant.acts import Acts, call_id
from openassistant.connector import Context
from openassistant.errors import Conflict
from openassistant.messages import Call

__all__ = ["before_act", "call_id", "note_act", "noted_by"]

_ACTS = Acts("onedrive_acts")
note_act, before_act = _ACTS.note, _ACTS.before


async def noted_by(ctx: Context, call: Call) -> dict[str, Any]:
    """What a call noted before it acted; raises `Conflict` where that is not known any more."""
    noted = await before_act(ctx, call.id)
    if noted is None:
        raise Conflict("How it was before is not known here any more.")
    return noted
