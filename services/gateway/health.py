"""Is the house whole: every room is asked something small, and any answer of its own is a sign of life."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext
from openassistant.errors import DeadlineExceeded, OaError, Unavailable
from openassistant.messages import (
    AccountQuery,
    AccountStatus,
    ConversationList,
    ConversationQuery,
    Done,
    PublicKey,
    TreeHead,
)
from services.gateway import views

__all__ = ["Health"]

_SECONDS = 2.0
_KEPT_SECONDS = 1.0

_Question = tuple[str, BaseModel, type[BaseModel]]


class Health:
    """What is expected to run: the three other services, and the connectors of the release."""

    def __init__(
        self, bus: Bus, *, release: frozenset[str], seconds: float = _SECONDS, kept: float = _KEPT_SECONDS
    ) -> None:
        self._bus, self._seconds, self._kept = bus, seconds, kept
        # Nobody signs these questions: agent and connectors answer them with a refusal, and that is an answer.
        self._questions: dict[str, _Question] = {
            "vault": (subjects.vault("public"), Done(), PublicKey),
            "audit": (subjects.audit("head"), Done(), TreeHead),
            "agent": (subjects.agent("conversations"), ConversationQuery(), ConversationList),
            **{each: (subjects.account(each, "status"), AccountQuery(), AccountStatus) for each in sorted(release)},
        }
        self._lock = asyncio.Lock()
        self._last: tuple[float, views.Readiness] | None = None

    async def readiness(self) -> views.Readiness:
        """Which rooms do not answer within two seconds; asked at most once a second, however many want to know."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._last is None or self._last[0] + self._kept <= now:
                readiness = await self._ask_all()
                self._last = (asyncio.get_running_loop().time(), readiness)
            return self._last[1]

    async def _ask_all(self) -> views.Readiness:
        answers = await asyncio.gather(*(self._answers(each) for each in self._questions.values()))
        missing = sorted(name for name, alive in zip(self._questions, answers, strict=True) if not alive)
        return views.Readiness(ready=not missing, missing=tuple(missing))

    async def _answers(self, question: _Question) -> bool:
        subject, body, reply = question
        try:
            await self._bus.request(subject, body, reply, CallContext.within(self._seconds))
        except (Unavailable, DeadlineExceeded):
            return False
        except OaError:
            return True
        return True
