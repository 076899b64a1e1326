"""Which turns go on in a version of their conversation that is not shown: to be seen, not to decide by."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.errors import OaError
from openassistant.messages import Apart, TurnIds
from services.gateway.grants import Grants

__all__ = ["apart"]

_SECONDS = 3.0

_log = logging.getLogger("openassistant.gateway")


async def apart(bus: Bus, grants: Grants, user: str, turns: Iterable[str]) -> dict[str, str]:
    """Of a user's turns those, each with its newest message; none where the agent does not answer."""
    asked = tuple(dict.fromkeys(turns))
    if not asked:
        return {}
    ctx = grants.context(user, seconds=_SECONDS)
    try:
        found = await bus.ask(subjects.agent("apart"), TurnIds(turns=asked), Apart, ctx)
    except OaError as error:
        _log.info("the agent did not say which version is shown", extra={"code": error.code})
        return {}
    return found.messages
