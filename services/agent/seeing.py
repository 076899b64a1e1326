"""Models that take pictures and models that do not: who refuses one is told from then on that there is one.

No list says reliably which model sees, and servers of the owner's own are on none; so each is asked once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from openassistant.errors import InvalidRequest, UpstreamFailed
from openassistant.messages import ModelRef
from services.agent import showing
from services.agent.metering import Source
from services.agent.model import Delta

__all__ = ["Seeing"]


class Seeing:
    """A model that may not take pictures; `blind` holds those that have refused one, by address and name."""

    def __init__(self, model: Source, ref: ModelRef, blind: set[tuple[str, str]]) -> None:
        self._model, self._name, self._blind = model, (str(ref.base_url), ref.model), blind

    async def stream(
        self,
        messages: list[dict[str, Any]],
        tools: list[dict[str, Any]],
        *,
        form: dict[str, Any] | None = None,
        most: int | None = None,
    ) -> AsyncGenerator[Delta, None]:
        """See `Source`. What a model refuses is asked once more without pictures, before anything was said."""
        begun = not any(map(showing.has_parts, messages))
        if not begun and self._name in self._blind:
            messages, begun = showing.blinded(messages), True
        try:
            async with aclosing(self._model.stream(messages, tools, form=form, most=most)) as deltas:
                async for delta in deltas:
                    begun = True
                    yield delta
        except (InvalidRequest, UpstreamFailed):
            if begun:
                raise
        else:
            return
        async with aclosing(self._model.stream(showing.blinded(messages), tools, form=form, most=most)) as deltas:
            async for delta in deltas:
                self._blind.add(self._name)
                yield delta
