"""One answer of the model: streamed to the owner while it comes, then stored whole with the calls it proposes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from openassistant.context import new_id
from openassistant.errors import InvalidRequest, OaError, TooLarge
from openassistant.messages import Effect, ErrorBody, Message, RouteNote
from openassistant.store import Store
from services.agent import conversations
from services.agent.conversations import StoredCall, Turn
from services.agent.hands import ended
from services.agent.live import Live
from services.agent.model import CallPart, Model, Usage, joined
from services.agent.offers import Offer, understood
from services.agent.questions import Question

__all__ = ["Listening"]

_TWICE = (
    "This is the same call as another one beside it, so it is made once. If it is really meant twice, call again when"
    " that one is done."
)


class Listening:
    """Listens for one turn; `note` says what the model that answers may read."""

    def __init__(
        self, store: Store, live: Live, turn: Turn, *, user: str, offered: dict[str, Offer], note: RouteNote
    ) -> None:
        self._store, self._live, self._turn, self._user, self._offered = store, live, turn, user, offered
        self._note = note
        self._parts: dict[int, CallPart] = {}
        self._usage: list[Usage] = []
        self._said = ""

    async def answer(
        self,
        model: Model,
        messages: list[dict[str, Any]],
        tools: list[dict[str, Any]],
        *,
        now: datetime,
        question: Question | None = None,
    ) -> list[Usage]:
        """Streams and stores one answer; raises the provider's `OaError` after storing what came before it.

        What becomes known of its size goes into `question`. Only `TooLarge` before the first word stores nothing: the
        caller asks again with less.
        """
        message = Message(id=new_id(), role="assistant", turn=self._turn.id, created=now, routed=self._note)
        await self._live.text_started(message)
        await self._live.routed(message.id, self._note)
        if question is not None:
            question.usage = self._usage
        try:
            failure = await self._stream(model, message, messages, tools)
        finally:
            if question is not None:
                question.said = len(self._said.encode("utf-8", "surrogatepass"))
        if isinstance(failure, TooLarge) and not self._said:
            await self._live.text_ended()
            raise failure
        await self._keep(message, failure)
        if failure:
            raise failure
        return self._usage[-1:]

    async def keep_stopped(self) -> None:
        """Stores what was said before the owner stopped it."""
        if self._live.partial is not None and self._said:
            await self._live.flush()
            said = self._live.partial.model_copy(update={"text": self._said})
            await conversations.add_message(self._store, self._turn.conversation, said)
            self._said = ""

    async def _stream(
        self, model: Model, message: Message, messages: list[dict[str, Any]], tools: list[dict[str, Any]]
    ) -> OaError | None:
        try:
            async for delta in model.stream(messages, tools):
                if delta.text:
                    self._said += delta.text
                    await self._live.text(delta.text)
                for part in delta.calls:
                    self._parts[part.index] = joined(self._parts.get(part.index), part)
                if delta.usage:
                    self._usage.append(delta.usage)
            await self._live.flush()
        except OaError as error:
            await self._live.flush()
            return error
        return None

    async def _keep(self, message: Message, failure: OaError | None) -> None:
        parts = [] if failure else [part for _, part in sorted(self._parts.items())]
        calls = _each_once([self._understand(message, part) for part in parts])
        body = ErrorBody(code=failure.code, message=failure.message) if failure else None
        counted = self._usage[-1].model_dump(mode="json") if self._usage else None
        whole = message.model_copy(update={"text": self._said, "error": body, "usage": counted})
        async with self._live.lock:
            await conversations.add_message(self._store, self._turn.conversation, whole, calls)
            await self._live.text_ended()
            for call in calls:
                await self._live.call_proposed(call)

    def _understand(self, message: Message, part: CallPart) -> StoredCall:
        given = part.arguments if _is_object(part.arguments) else "{}"
        call = StoredCall(id=new_id(), turn=self._turn.id, message=message.id, name=part.name or "unnamed", given=given)
        try:
            meant, effect = understood(
                self._offered, call_id=call.id, user=self._user, name=part.name, given=part.arguments
            )
        except InvalidRequest as error:
            return ended(call.model_copy(update={"effect": Effect.READ}), error)
        return call.model_copy(update={"call": meant, "effect": effect})


def _each_once(calls: list[StoredCall]) -> list[StoredCall]:
    """Of calls of one answer that would act alike, the first alone acts: small models say the same thing twice.

    One who means it twice calls again in an answer of its own.
    """
    seen, kept = set[str](), list[StoredCall]()
    for call in calls:
        alike = _alike(call) if call.effect is not Effect.READ else ""
        kept.append(ended(call, InvalidRequest(_TWICE)) if alike in seen else call)
        seen |= {alike} - {""}
    return kept


def _alike(call: StoredCall) -> str:
    """What two calls have in common that do the same thing; "" for one that was not understood."""
    if call.call is None:
        return ""
    made = call.call
    return json.dumps([made.connector, made.tool, made.account, made.arguments], sort_keys=True)


def _is_object(given: str) -> bool:
    try:
        return isinstance(json.loads(given), dict)
    except ValueError:
        return False
