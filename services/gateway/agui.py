"""The door for any AG-UI client: a `RunAgentInput` in, the events of its run out.

What a client claims about the past is not taken: of its messages only the newest one of the user counts, of its resume
entries only the decisions, and those need a session, or a token made for deciding, like any other.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

from ag_ui.core import ResumeEntry, RunAgentInput, UserMessage
from fastapi.responses import StreamingResponse
from sqlalchemy import Connection, text

from openassistant.errors import InvalidRequest, NotFound
from openassistant.store import Store
from services.gateway.approvals import Approvals
from services.gateway.chat import Chat
from services.gateway.sessions import SignedIn
from services.gateway.streams import Event, Events, Streams, snapshot

__all__ = ["Agui"]

_LONGEST_ID = 200


class Agui:
    """Threads of clients stand for conversations of ours."""

    def __init__(self, store: Store, chat: Chat, streams: Streams, approvals: Approvals) -> None:
        self._store, self._chat, self._streams, self._approvals = store, chat, streams, approvals

    async def run(self, me: SignedIn, given: RunAgentInput) -> StreamingResponse:
        """The events of a run that answers the newest message, or goes on after decisions."""
        if not 0 < len(given.thread_id) <= _LONGEST_ID or not 0 < len(given.run_id) <= _LONGEST_ID:
            raise InvalidRequest(f"threadId and runId have 1 to {_LONGEST_ID} characters.")
        if given.resume:
            me.require("approve")
            conversation = await self._conversation(me, given.thread_id)
            events = await self._resumed(me, conversation, given.resume)
        else:
            said = _newest(given)
            conversation = await self._conversation(me, given.thread_id)
            _, events = await self._streams.answer(
                me, conversation, lambda: self._chat.say(me, conversation, said, zone=_zone(given))
            )
        return self._streams.response(me, self._vouched(me, conversation, _renamed(events, conversation, given)))

    async def _vouched(self, me: SignedIn, conversation: str, events: Events) -> Events:
        """The events, with what a run waits for in this room's words: those of the agent may lie about it."""
        async with contextlib.aclosing(events) as source:
            async for event_id, data in source:
                shown = json.loads(data)
                if shown["type"] == "RUN_FINISHED" and _interrupts(shown):
                    found = [await self._interrupt(me, conversation, each) for each in _interrupts(shown)]
                    shown["outcome"]["interrupts"] = [each for each in found if each]
                    yield _event(event_id, shown)
                else:
                    yield event_id, data

    async def _interrupt(self, me: SignedIn, conversation: str, approval: str) -> dict[str, Any] | None:
        """A question as an AG-UI interrupt; None where there is no such question in this conversation."""
        try:
            view = await self._approvals.view(me, approval)
        except NotFound:
            return None
        if view.conversation != conversation:
            return None
        shown = {"approval": view.model_dump(mode="json")}
        words = {"reason": "approval", "message": view.preview.verb, "toolCallId": view.call_id}
        return {"id": view.id, **words, "metadata": shown}

    async def _resumed(self, me: SignedIn, conversation: str, entries: list[ResumeEntry]) -> Events:
        history = await self._chat.history(me, conversation)
        for entry in entries:
            view = await self._approvals.view(me, entry.interrupt_id)
            if view.conversation != conversation:
                raise InvalidRequest("That interrupt is of another thread.")

        async def decide() -> int:
            for entry in entries:
                approve, note = _decision(entry)
                await self._approvals.decide(me, entry.interrupt_id, approve=approve, note=note)
            return history.last_event_id

        events = await self._streams.heard(me, conversation, decide)
        return _until_settled(events, {entry.interrupt_id for entry in entries}, snapshot(history))

    async def _conversation(self, me: SignedIn, thread: str) -> str:
        """The conversation of a thread: one of ours by its id, one that was made for this thread, or a new one."""
        row = {"user": me.user.id, "thread": thread}
        query = text("SELECT conversation FROM threads WHERE user = :user AND thread = :thread")
        known = await self._store.read(lambda connection: connection.execute(query, row).scalar())
        ours = await self._chat.ids(me.user.id)
        for id_ in (known, thread):
            if id_ in ours:
                return str(id_)
        made = await self._chat.create(me)
        await self._store.write(lambda connection: _remember(connection, {**row, "conversation": made.id}))
        return made.id


def _remember(connection: Connection, row: dict[str, str]) -> None:
    connection.execute(
        text(
            "INSERT INTO threads (user, thread, conversation) VALUES (:user, :thread, :conversation)"
            " ON CONFLICT (user, thread) DO UPDATE SET conversation = :conversation"
        ),
        row,
    )


def _newest(given: RunAgentInput) -> str:
    """The text of the newest message, which must be the user's; raises `InvalidRequest`."""
    last = given.messages[-1] if given.messages else None
    if not isinstance(last, UserMessage):
        raise InvalidRequest("The last message of a run must be the user's.")
    if isinstance(last.content, str):
        return last.content
    parts = [each.text for each in last.content if each.type == "text"]
    if len(parts) != len(last.content):
        raise InvalidRequest("Only text can be read here so far.")
    return "\n".join(parts)


def _zone(given: RunAgentInput) -> str | None:
    props: Any = given.forwarded_props
    zone = props.get("zone") if isinstance(props, dict) else None
    return zone if isinstance(zone, str) else None


def _decision(entry: ResumeEntry) -> tuple[bool, str]:
    """(approve, note): a yes is `resolved` with the payload true or {"approved": true}; all else is a no."""
    payload: Any = entry.payload
    said = payload if isinstance(payload, dict) else {"approved": payload}
    note = said.get("note")
    return entry.status == "resolved" and said.get("approved") is True, note if isinstance(note, str) else ""


async def _until_settled(events: Events, decided: set[str], before: list[dict[str, Any]]) -> Events:
    """One run, though ours may take several: each decision of many may find the others still waiting.

    It begins with the conversation as it was, for its results are of calls that a former run has shown.
    """
    begun = False
    async with contextlib.aclosing(events) as source:
        async for event in source:
            data = json.loads(event[1])
            if data["type"] == "RUN_STARTED":
                if not begun:
                    yield event
                    yield _event(event[0], {"type": "MESSAGES_SNAPSHOT", "messages": before})
                begun = True
            elif data["type"] == "RUN_FINISHED" and decided & _interrupts(data).keys():
                continue
            elif begun:
                yield event
                if data["type"] in ("RUN_FINISHED", "RUN_ERROR"):
                    return


def _interrupts(data: dict[str, Any]) -> dict[str, None]:
    """The ids of what a run waits for, each once, in their order."""
    outcome = data.get("outcome") or {}
    return dict.fromkeys(str(each["id"]) for each in outcome.get("interrupts") or ())


async def _renamed(events: Events, conversation: str, given: RunAgentInput) -> Events:
    """The events under the ids that the client gave."""
    async with contextlib.aclosing(events) as source:
        async for event_id, data in source:
            shown = json.loads(data)
            if shown.get("threadId") == conversation:
                shown["threadId"] = given.thread_id
            if "runId" in shown:
                shown["runId"] = given.run_id
            shown.pop("parentRunId", None)
            yield _event(event_id, shown)


def _event(event_id: int, shown: dict[str, Any]) -> Event:
    return event_id, json.dumps(shown, separators=(",", ":"), ensure_ascii=False).encode()
