"""Events of a conversation as server-sent events (WHATWG HTML, 9.2): resumable, and over when the session is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Message, Send

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.errors import NotFound, OaError
from openassistant.messages import TurnAccepted
from services.gateway import views
from services.gateway.chat import Chat
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.tokens import Tokens

__all__ = ["Event", "Events", "Streams", "snapshot"]

Event = tuple[int, bytes]
Events = AsyncGenerator[Event, None]
Say = Callable[[], Awaitable[TurnAccepted]]
_log = logging.getLogger("openassistant.gateway")
_KEEP_ALIVE = 15.0
"""Seconds; proxies cut what is silent for longer than a minute or so."""
_BEGINNINGS = {"TEXT_MESSAGE": "messageId", "TOOL_CALL": "toolCallId"}
_CONTENT = b'{"type":"TEXT_MESSAGE_CONTENT",'
"""How most events begin; of these nothing else needs to be known."""
_PATIENCE = 60.0
"""Seconds for a reader to take one more part, where it has some 64 KiB before it already."""


def _frame(event: Event) -> bytes:
    return b"id: %d\ndata: %s\n\n" % event


class _Patient(StreamingResponse):
    """A stream that waits for its reader, but not for ever.

    What a reader has not taken yet stays with the event source, which is bounded; one that takes next to nothing is
    let go, and comes back with the last id that it saw.
    """

    def __init__(self, frames: AsyncGenerator[bytes, None], seconds: float) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(frames, media_type="text/event-stream", headers=headers)
        self._frames, self._seconds = frames, seconds

    async def stream_response(self, send: Send) -> None:
        """Sends what comes, each part within a minute."""
        try:
            async with _each_within(self._seconds, send) as within:
                await super().stream_response(within)
        except TimeoutError as error:
            _log.info("a reader was too slow")
            await self._frames.aclose()
            raise ClientDisconnect from error


@contextlib.asynccontextmanager
async def _each_within(seconds: float, send: Send) -> AsyncIterator[Send]:
    """`send`, of which no call may take longer; raises `TimeoutError`. One timer watches them all: parts are many."""
    loop, timers, since = asyncio.get_running_loop(), list[asyncio.TimerHandle](), 0.0

    async def noted(message: Message) -> None:
        nonlocal since
        since = loop.time()
        await send(message)
        since = 0.0

    def look() -> None:
        due = (since or loop.time()) + seconds
        if due <= loop.time():
            patience.reschedule(due)
        else:
            timers[:] = [loop.call_at(due, look)]

    timers.append(loop.call_later(seconds, look))
    try:
        async with asyncio.timeout(None) as patience:
            yield noted
    finally:
        timers[0].cancel()


class Streams:
    """Streams for the browser and for other clients of AG-UI."""

    def __init__(
        self, bus: Bus, chat: Chat, sessions: Sessions, tokens: Tokens, *, keep_alive: float = _KEEP_ALIVE,
        patience: float = _PATIENCE,
    ) -> None:  # fmt: skip
        self._bus, self._chat, self._keep_alive, self._patience = bus, chat, keep_alive, patience
        self._sessions, self._tokens = sessions, tokens

    async def run(self, me: SignedIn, conversation: str, say: Say) -> StreamingResponse:
        """The events of the run that `say` begins, to its end; raises what it raises."""
        _, events = await self.answer(me, conversation, say)
        return self.response(me, events)

    async def answer(self, me: SignedIn, conversation: str, say: Say) -> tuple[TurnAccepted, Events]:
        """What `say` begins, and the events of its run alone, to its end; raises what `say` raises.

        A run that a crash has cut off goes on under another id; what follows it in the conversation is its end, for
        only one runs at a time.
        """
        begun: list[TurnAccepted] = []

        async def begin() -> int:
            begun.append(await say())
            return begun[0].last_event_id

        events = await self.heard(me, conversation, begin)
        return begun[0], _run_of(events, begun[0].run)

    async def heard(self, me: SignedIn, conversation: str, begin: Callable[[], Awaitable[int]]) -> Events:
        """What comes after the event that `begin` answers, once it has ended well; raises what it raises."""
        events = self._bus.live_events(self._subject(me, conversation), begin)
        await anext(events)
        return events

    async def follow(self, me: SignedIn, conversation: str, *, after: int | None) -> StreamingResponse:
        """A conversation's events after one of them, or from now on; raises `NotFound`.

        Where events in between are no longer kept, it begins with the whole conversation as it is now.
        """
        history = await self._chat.history(me, conversation)
        start = history.last_event_id if after is None else after
        return self.response(me, self._resumed(me, history, start))

    async def since(self, me: SignedIn, conversation: str, after: int) -> Events:
        """What is kept after an id, then what comes. For an id whose successors cannot have been lost."""
        async with contextlib.aclosing(self._bus.events(self._subject(me, conversation), after=0)) as events:
            async for event in events:
                if event[0] > after:
                    yield event

    def response(self, me: SignedIn, events: Events, *, frame: Callable[[Event], bytes] = _frame) -> StreamingResponse:
        """The HTTP answer; `frame` is the form of one event on the wire."""
        return _Patient(self._frames(me, events, frame), self._patience)

    async def _resumed(self, me: SignedIn, history: views.History, after: int) -> Events:
        try:
            async with contextlib.aclosing(self._bus.events(self._subject(me, history.id), after=after)) as events:
                async for event in events:
                    yield event
        except NotFound:
            _log.info("events are no longer kept", extra={"conversation": history.id})
        if history.last_event_id != after:
            history = await self._chat.history(me, history.id)
            shown = {"type": "MESSAGES_SNAPSHOT", "messages": snapshot(history)}
            yield history.last_event_id, json.dumps(shown).encode()
        async with contextlib.aclosing(self.since(me, history.id, history.last_event_id)) as events:
            async for event in events:
                yield event

    async def paced(self, me: SignedIn, events: Events) -> AsyncGenerator[Event | None, None]:
        """Events, and None after each silence; over when the session or the token is, however much there is to say."""
        waiting = asyncio.ensure_future(anext(events, None))
        checked = time.monotonic()
        try:
            while True:
                done, _ = await asyncio.wait({waiting}, timeout=self._keep_alive)
                if time.monotonic() - checked >= self._keep_alive:
                    if not await self._lives(me):
                        return
                    checked = time.monotonic()
                if not done:
                    yield None
                    continue
                event = waiting.result()
                if event is None:
                    return
                waiting = asyncio.ensure_future(anext(events, None))
                yield event
        finally:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError, OaError):
                await waiting
            await events.aclose()

    async def _frames(
        self, me: SignedIn, events: Events, frame: Callable[[Event], bytes]
    ) -> AsyncGenerator[bytes, None]:
        yield b": open\n\n"
        async with contextlib.aclosing(self.paced(me, events)) as paced:
            try:
                async for event in paced:
                    yield b": still here\n\n" if event is None else frame(event)
            except OaError:
                return  # the stream ends; the client comes back with the last id that it saw

    async def _lives(self, me: SignedIn) -> bool:
        return await (self._tokens if me.is_token else self._sessions).lives(me.session)

    def _subject(self, me: SignedIn, conversation: str) -> str:
        return subjects.chat(me.user.id, conversation)


async def _run_of(events: Events, run: str) -> Events:
    """From the start of a run to its end; what belongs to a former run is left out.

    Where it begins anew after a crash, what was half said ends there; a snapshot follows that says how it stands. A
    crash before its first event leaves only the run that goes on in its place, which names it.
    """
    begun, half = False, _Half()
    async with contextlib.aclosing(events) as source:
        async for event in source:
            if begun and event[1].startswith(_CONTENT):
                yield event
                continue
            data = json.loads(event[1])
            if data["type"] == "RUN_STARTED":
                for end in half.ends():
                    yield event[0], json.dumps(end).encode()
                if not begun and run in (data.get("runId"), data.get("parentRunId")):
                    begun = True
                    yield event
            elif begun:
                half.hear(data)
                yield event
                if data["type"] in ("RUN_FINISHED", "RUN_ERROR"):
                    return


class _Half:
    """What has begun in a run and not ended: messages and calls."""

    def __init__(self) -> None:
        self._open: dict[str, dict[str, Any]] = {}

    def hear(self, data: dict[str, Any]) -> None:
        """Takes note of an event."""
        for kind, name in _BEGINNINGS.items():
            if data["type"] == f"{kind}_START":
                self._open[data[name]] = {"type": f"{kind}_END", name: data[name]}
            elif data["type"] == f"{kind}_END":
                self._open.pop(data[name], None)

    def ends(self) -> list[dict[str, Any]]:
        """The events that end it all."""
        ends = list(self._open.values())
        self._open.clear()
        return ends


def snapshot(history: views.History) -> list[dict[str, Any]]:
    """A conversation as AG-UI messages."""
    shown: list[dict[str, Any]] = []
    for message in history.messages:
        if message.role == "user":
            shown.append({"id": message.id, "role": "user", "content": message.text})
            continue
        made = [_tool_call(call) for call in message.calls]
        said = {"id": message.id, "role": "assistant", "content": message.text}
        shown.append({**said, "toolCalls": made} if made else said)
        shown += [
            {"id": f"result-{call.id}", "role": "tool", "toolCallId": call.id, "content": json.dumps(call.result)}
            for call in message.calls
            if call.result is not None
        ]
    return shown


def _tool_call(call: views.CallView) -> dict[str, Any]:
    function = {"name": call.tool, "arguments": json.dumps(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}
