"""A conversation while something happens in it: its lock, its event ids, and the AG-UI events on the bus."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from ag_ui.core import (
    AssistantMessage,
    BaseEvent,
    CustomEvent,
    FunctionCall,
    Interrupt,
    MessagesSnapshotEvent,
    RunErrorEvent,
    RunFinishedCancelledOutcome,
    RunFinishedEvent,
    RunFinishedInterruptOutcome,
    RunFinishedSuccessOutcome,
    RunStartedEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
    TokenUsage,
    ToolCall,
    ToolCallArgsEvent,
    ToolCallEndEvent,
    ToolCallResultEvent,
    ToolCallStartEvent,
    ToolMessage,
    UserMessage,
)
from ag_ui.core import Message as AguiMessage

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.errors import OaError
from openassistant.messages import CallState, Message, RouteNote
from services.agent.conversations import ENDED, StoredCall
from services.agent.model import Usage, total

__all__ = ["Live", "snapshot"]

_PAUSE = 0.04
"""Pieces after the first are sent at most this often, in seconds, and none waits longer: 25 a second read as a flow."""


class Live:
    """One conversation's live side. Whoever changes what is stored and says so holds `lock` around both.

    A turn that works holds `turn`: one at a time, also where others wait in other versions of the conversation. What
    goes on in a version that is not shown is said `aside`: that it runs and what its calls do, and none of its words.
    """

    def __init__(self, bus: Bus, user: str, conversation: str, *, last_event_id: int) -> None:
        self.lock, self.turn, self.user, self.aside = asyncio.Lock(), asyncio.Lock(), user, False
        self.last_event_id = last_event_id
        self.partial: Message | None = None
        self._bus = bus
        self._subject = subjects.chat(user, conversation)
        self._conversation = conversation
        self._unsent = ""
        self._sent_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def run_started(self, run: str, *, turn: str) -> None:
        """A run of a turn begins; a later one names the turn's first run, whose id is the turn's."""
        parent = None if run == turn else turn
        await self._emit(RunStartedEvent(thread_id=self._conversation, run_id=run, parent_run_id=parent))

    async def user_said(self, message: Message) -> None:
        """The owner's message, for other views of the same conversation."""
        await self.custom("oa.message", message.model_dump(mode="json"))

    async def version_changed(self) -> None:
        """Another version of the conversation is shown, or what is shown goes on elsewhere: it is to be read anew."""
        await self.custom("oa.version", {})

    async def text_started(self, message: Message) -> None:
        """An assistant's message begins."""
        self.partial, self._unsent, self._sent_at = message, "", 0.0
        await self._say(TextMessageStartEvent(message_id=message.id, role="assistant"))

    async def text(self, delta: str) -> None:
        """A piece of text; sent at once, or together with what comes until it is time."""
        assert self.partial is not None, "text_started comes first"
        self._unsent += delta
        wait = self._sent_at + _PAUSE - time.monotonic()
        if wait <= 0:
            await self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait, lambda: self._bus.spawn(self.flush()))

    async def flush(self) -> None:
        """Sends what was held back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._unsent:
            return
        async with self.lock:
            if self.partial is None or not self._unsent:
                return
            piece, self._unsent = self._unsent, ""
            self._sent_at = time.monotonic()
            self.partial = self.partial.model_copy(update={"text": self.partial.text + piece})
            if not self.aside:
                await self._send(_content(self.partial.id, piece))

    async def text_ended(self) -> None:
        """The assistant's message is complete (or will get no more)."""
        if self.partial is not None:
            message_id, self.partial = self.partial.id, None
            await self._say(TextMessageEndEvent(message_id=message_id))

    async def call_proposed(self, call: StoredCall) -> None:
        """A call the model made, with its arguments."""
        await self._say(
            ToolCallStartEvent(tool_call_id=call.id, tool_call_name=call.name, parent_message_id=call.message)
        )
        if call.given:
            await self._say(ToolCallArgsEvent(tool_call_id=call.id, delta=call.given))
        await self._say(ToolCallEndEvent(tool_call_id=call.id))
        await self.call_changed(call)

    async def call_changed(self, call: StoredCall) -> None:
        """A call's new state and, when it has ended, its result."""
        shown = call.view()
        value = {
            "callId": call.id,
            "state": call.state.value,
            "connector": shown.connector,
            "tool": shown.tool,
            "effect": shown.effect.value,
            "title": shown.title,
            "account": shown.account,
            "approvalId": call.approval_id,
        }
        await self.custom("oa.call", value)
        if call.state in ENDED:
            content = json.dumps(call.outcome or {}, ensure_ascii=False)
            await self._emit(
                ToolCallResultEvent(message_id=f"result-{call.id}", tool_call_id=call.id, content=content, role="tool")
            )

    async def routed(self, message: str, note: RouteNote) -> None:
        """What the model that writes a message saw."""
        value = {"messageId": message, **note.model_dump(mode="json", exclude={"seen"})}
        await self._say(CustomEvent(name="oa.routed", value=value))

    async def notice(self, text: str, *, level: str = "info") -> None:
        """Something the owner should know about the run."""
        await self._say(CustomEvent(name="oa.notice", value={"level": level, "text": text}))

    async def finished(self, run: str, usage: list[Usage]) -> None:
        """The run ended well, and with it the turn."""
        await self._finish(run, RunFinishedSuccessOutcome(type="success"), usage)

    async def interrupted(self, run: str, interrupts: list[Interrupt], usage: list[Usage]) -> None:
        """The run ended because approvals are needed; the turn is parked."""
        await self._finish(run, RunFinishedInterruptOutcome(type="interrupt", interrupts=interrupts), usage)

    async def cancelled(self, run: str) -> None:
        """The run was stopped by the owner."""
        await self._finish(run, RunFinishedCancelledOutcome(type="cancelled"), [])

    async def failed(self, error: OaError) -> None:
        """The run ended with an error; what came before stays."""
        await self._emit(RunErrorEvent(message=error.message, code=error.code))

    async def snapshot(self, messages: list[AguiMessage]) -> None:
        """The whole conversation, where deltas cannot be trusted to fit (after a crash)."""
        await self._emit(MessagesSnapshotEvent(messages=messages))

    async def custom(self, name: str, value: Any) -> None:
        """An event of our own."""
        await self._emit(CustomEvent(name=name, value=value))

    async def _finish(self, run: str, outcome: Any, usage: list[Usage]) -> None:
        if usage:
            await self._say(CustomEvent(name="oa.usage", value=total(usage).model_dump(mode="json")))
        counted = [
            TokenUsage(model=each.model, input_tokens=each.input_tokens, output_tokens=each.output_tokens)
            for each in usage
        ]
        await self._emit(
            RunFinishedEvent(thread_id=self._conversation, run_id=run, outcome=outcome, usage=counted or None)
        )

    async def _say(self, event: BaseEvent) -> None:
        """Something that belongs into what is shown."""
        if not self.aside:
            await self._emit(event)

    async def _emit(self, event: BaseEvent) -> None:
        await self._send(event.model_dump_json(by_alias=True, exclude_none=True).encode())

    async def _send(self, data: bytes) -> None:
        self.last_event_id = max(self.last_event_id + 1, time.time_ns() // 1000)
        await self._bus.emit(self._subject, self.last_event_id, data)
        await asyncio.sleep(0)  # lets it out before the next thing: a fast model leaves no other pause


def _content(message: str, piece: str) -> bytes:
    """A `TextMessageContentEvent` as it is on the wire: of all events there are most of these."""
    shown = {"type": "TEXT_MESSAGE_CONTENT", "messageId": message, "delta": piece}
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()


def snapshot(messages: list[Message], calls: dict[str, list[StoredCall]]) -> list[AguiMessage]:
    """A conversation as AG-UI messages."""
    shown: list[AguiMessage] = []
    for message in messages:
        if message.role == "user":
            shown.append(UserMessage(id=message.id, role="user", content=message.text))
            continue
        mine = calls.get(message.id, [])
        made = [
            ToolCall(id=call.id, type="function", function=FunctionCall(name=call.name, arguments=call.given))
            for call in mine
        ]
        shown.append(
            AssistantMessage(id=message.id, role="assistant", content=message.text or None, tool_calls=made or None)
        )
        shown += [
            ToolMessage(
                id=f"result-{call.id}", role="tool", tool_call_id=call.id, content=json.dumps(call.outcome or {})
            )
            for call in mine
            if call.state in ENDED or call.state is CallState.WAITING
        ]
    return shown
