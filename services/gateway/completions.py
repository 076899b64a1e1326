"""The door for any OpenAI-compatible client: its newest message in, the turn's words out.

Such a client sends the whole conversation each time, and could put anything into it. So nothing of it is taken but the
newest words of the user. What came before serves to find the conversation in which they are meant: the one in which
exactly this was said.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from fastapi.responses import JSONResponse, Response
from sqlalchemy import Connection, text

from openassistant.bus import Bus
from openassistant.context import Clock
from openassistant.errors import DeadlineExceeded, NotFound, OaError, Unavailable
from openassistant.store import Store
from services.gateway.answers import Answer, refusal
from services.gateway.approvals import Approvals
from services.gateway.chat import Chat
from services.gateway.prompts import Prompt, digest
from services.gateway.sessions import SignedIn
from services.gateway.streams import Event, Events, Streams

__all__ = ["Completions"]

_SECONDS = 600.0
"""As long as an answer in one piece is waited for; the official clients wait as long."""
_KEPT = 2_000
"""Answers of one person that are remembered."""
_SEEN = list[tuple[str, str]]
_CUT = Unavailable("The answer broke off; what there is of it stands in the house.")


class Completions:
    """Answers for OpenAI-compatible clients."""

    def __init__(
        self, bus: Bus, store: Store, chat: Chat, streams: Streams, approvals: Approvals, *, clock: Clock,
        seconds: float = _SECONDS,
    ) -> None:  # fmt: skip
        self._bus, self._store, self._chat, self._streams = bus, store, chat, streams
        self._approvals, self._clock, self._seconds = approvals, clock, seconds

    async def answer(self, me: SignedIn, prompt: Prompt, *, base: str) -> Response:
        """The answer, whole or as a stream; `base` is the address under which the client reaches this house.

        Raises `Unsupported`, `ModelUnknown`, `NotFound` for a conversation that is not one's own, and whatever keeps
        a message from being accepted.
        """
        prompt.check()
        said, seen = prompt.said(), prompt.seen()
        conversation = await self._conversation(me, prompt.conversation(), seen)
        accepted, events = await self._streams.answer(
            me, conversation, lambda: self._chat.say(me, conversation, said, zone=prompt.zone())
        )
        answer = Answer(accepted.turn, conversation, self._clock())
        words = self._words(me, answer, conversation, events, base=base, before=[*seen, ("user", said)])
        if prompt.stream:
            counted = prompt.stream_options is not None and prompt.stream_options.include_usage
            return self._streams.response(me, _chunks(answer, words, counted=counted), frame=_frame)
        return await self._whole(me, answer, words)

    async def _whole(self, me: SignedIn, answer: Answer, words: Events) -> Response:
        try:
            async with asyncio.timeout(self._seconds), contextlib.aclosing(self._streams.paced(me, words)) as paced:
                async for _ in paced:
                    pass
        except TimeoutError:
            answer.fail(DeadlineExceeded("The answer takes longer than can be waited for; it goes on in the house."))
        except OaError as error:
            answer.fail(error)
        if answer.over and answer.error is None:
            return JSONResponse(answer.whole())
        why = answer.error or _CUT
        # 401 is this door's own: what refuses the house is a service that failed.
        status = 502 if why.status == 401 else why.status
        # The message is stored and its turn has run: a client that sends it again unasked would ask twice.
        return JSONResponse(refusal(why), status, {"X-Should-Retry": "false"})

    async def _words(
        self, me: SignedIn, answer: Answer, conversation: str, run: Events, *, base: str, before: _SEEN
    ) -> Events:
        """The words of a run as they come; at the end, however it comes, what the client has seen is remembered."""
        try:
            async with contextlib.aclosing(run) as events:
                async for event_id, data in events:
                    if words := answer.hear(json.loads(data)):
                        yield event_id, words.encode()
            if answer.interrupts:
                waiting = [await self._approvals.view(me, each) for each in answer.interrupts]
                yield 0, answer.ask(waiting, base).encode()
        finally:
            said = [("assistant", answer.said)] if answer.said else []
            self._bus.spawn(self._remember(me, conversation, [*before, *said]))

    async def forget(self, me: SignedIn, conversation: str) -> None:
        """Nothing of a deleted conversation is remembered, not even digests."""
        row = {"user": me.user.id, "conversation": conversation}
        query = text("DELETE FROM completions WHERE user = :user AND conversation = :conversation")
        await self._store.write(lambda connection: connection.execute(query, row).rowcount)

    # --- which conversation ---------------------------------------------------------------------------------------

    async def _conversation(self, me: SignedIn, named: str | None, seen: _SEEN) -> str:
        """The one that is named, the one in which this was said, or a new one; raises `NotFound`."""
        ours = await self._chat.ids(me.user.id)
        if named is not None:
            if named not in ours:
                raise NotFound("There is no such conversation.", details={"param": "metadata.conversation"})
            return named
        for known in await self._known(me, seen):
            if known in ours:
                return known
        return (await self._chat.create(me)).id

    async def _known(self, me: SignedIn, seen: _SEEN) -> list[str]:
        """Conversations in which this was said: first those that stand there still, then those that went on.

        Two that began with the same words are told apart that way: whoever goes on first takes one, the next the
        other. Whoever asks again from an earlier place goes on in the same conversation.
        """
        if not seen:
            return []
        newest = "(SELECT max(o.position) FROM completions o WHERE o.conversation = c.conversation)"
        query = text(
            "SELECT c.conversation FROM completions c WHERE c.user = :user AND c.digest = :digest"  # noqa: S608
            f" ORDER BY c.position = {newest} DESC, c.position DESC"
        )
        row = {"user": me.user.id, "digest": digest(seen)}
        return await self._store.read(lambda connection: list(connection.execute(query, row).scalars()))

    async def _remember(self, me: SignedIn, conversation: str, seen: _SEEN) -> None:
        row = {"user": me.user.id, "digest": digest(seen), "conversation": conversation, "kept": _KEPT}
        await self._store.write(lambda connection: _insert(connection, row))


def _insert(connection: Connection, row: dict[str, Any]) -> None:
    connection.execute(
        text("INSERT INTO completions (user, digest, conversation) VALUES (:user, :digest, :conversation)"), row
    )
    connection.execute(
        text(
            "DELETE FROM completions WHERE user = :user AND position <="
            " (SELECT position FROM completions WHERE user = :user ORDER BY position DESC LIMIT 1 OFFSET :kept)"
        ),
        row,
    )


async def _chunks(answer: Answer, words: Events, *, counted: bool) -> Events:
    """The answer as chunks of that API, up to its own word for the end."""
    yield 0, _json(answer.begun())
    try:
        async with contextlib.aclosing(words) as pieces:
            async for _, piece in pieces:
                yield 0, _json(answer.piece(piece.decode()))
    except OaError as error:
        answer.fail(error)
    if answer.error is not None:
        yield 0, _json(refusal(answer.error))
    else:
        yield 0, _json(answer.ended())
        if counted:
            yield 0, _json(answer.counted())
    yield 0, b"[DONE]"


def _frame(event: Event) -> bytes:
    return b"data: %s\n\n" % event[1]


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
