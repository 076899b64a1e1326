"""An agent with the rooms around it in memory: a gateway that asks or allows, a hand, a model that follows a script."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, new_id
from openassistant.errors import OaError
from openassistant.keys import Keys
from openassistant.messages import (
    AccountRef,
    ApprovalNeed,
    ApprovalOutcome,
    Call,
    Command,
    CommandCall,
    Conversation,
    ConversationQuery,
    Decision,
    Done,
    Effect,
    History,
    ModelRef,
    Preview,
    Renewal,
    RenewalRequest,
    TurnAccepted,
    TurnRequest,
)
from openassistant.routes import Route
from openassistant.store import Migrations, Store
from openassistant.testing import FakeHouse
from services.agent.__main__ import Agent
from services.agent.asking import ModelFactory
from services.agent.model import CallPart, Delta
from tests.sdk.hand.tools import connector

Answer = Callable[[list[dict[str, Any]]], AsyncIterator[Delta]]


def says(text: str, *, error: OaError | None = None, then_hangs: bool = False) -> Answer:
    async def answer(messages: list[dict[str, Any]]) -> AsyncIterator[Delta]:
        for word in text.split(" "):
            yield Delta(text=f"{word} ")
        if then_hangs:
            await asyncio.sleep(3600)
        if error is not None:
            raise error
        yield Delta(finished="stop")

    return answer


def calls(*wanted: tuple[str, Any]) -> Answer:
    async def answer(messages: list[dict[str, Any]]) -> AsyncIterator[Delta]:
        for index, (name, arguments) in enumerate(wanted):
            given = arguments if isinstance(arguments, str) else json.dumps(arguments)
            yield Delta(calls=(CallPart(index=index, id=f"c{index}", name=name),))
            for start in range(0, len(given), 7):
                yield Delta(calls=(CallPart(index=index, arguments=given[start : start + 7]),))
        yield Delta(finished="tool_calls")

    return answer


class Script:
    """A model that gives prepared answers, and remembers what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[list[dict[str, Any]]] = []
        self.offered: list[list[str]] = []
        self.forms: list[dict[str, Any] | None] = []
        self.lengths: list[int | None] = []

    def __call__(self, ref: ModelRef, key: object) -> Script:
        return self

    async def stream(
        self,
        messages: list[dict[str, Any]],
        tools: list[dict[str, Any]],
        *,
        form: dict[str, Any] | None = None,
        most: int | None = None,
    ) -> AsyncGenerator[Delta, None]:
        self.asked.append(messages)
        self.lengths.append(most)
        self.forms.append(form)
        self.offered.append([tool["function"]["name"] for tool in tools])
        async for delta in self.answers.pop(0)(messages):
            yield delta


class AgentHouse:
    """The fakes, the agent, and what a gateway does with it."""

    def __init__(self, folder: Path, model: Script | ModelFactory) -> None:
        self.folder = folder
        self.model = model if isinstance(model, Script) else Script()
        self._factory: ModelFactory = model
        self.fake = FakeHouse(connector, folder=folder / "hand")
        self.asked: list[Call] = []
        self.zones: list[str | None] = []
        self.ended: list[str] = []
        self.decisions: list[Decision] = []
        self.renewals = 0
        self.refused_renewals: list[OaError] = []
        self.unjudged: list[OaError | None] = []
        """What becomes of the next calls that are put to the policy, in place of an answer; None: the gateway dies."""
        self.grant_seconds = 600
        self.aside: str | None = None
        self.reports: list[RenewalRequest] = []
        self.conversation = new_id()
        self.ref = ModelRef(kind="openai", model="scripted")
        self.private: ModelRef | None = None
        self.routes: dict[str, Route] = {}
        self.gateway: Bus
        self.agent: Agent
        self._bus: Bus
        self._room: Store
        self._follow: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self.fake.connect("Ada's place", {"place": "home"}, password="not-a-real-password")
        await self.fake.__aenter__()
        self.gateway = self.fake.bus.room("gateway")
        await self.gateway.serve(subjects.gateway("approve"), ApprovalNeed, self.on_approve)
        await self.gateway.serve(subjects.gateway("renew"), RenewalRequest, self.on_renew)
        await self.start()
        await self.request("create", ConversationQuery(), Conversation)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()
        await self.gateway.drain(seconds=1)
        await self.fake.__aexit__()

    async def start(self) -> None:
        self._bus = self.fake.bus.room("agent")
        keys = Keys(self._bus, self.fake.clock)
        path = Path(__file__).parents[3] / "services" / "agent" / "migrations" / "room"
        self._room = await Store.open(self.folder / "room.db", await keys.room(), Migrations({"own": path}))
        self.agent = Agent(
            self._bus,
            self._room,
            self.folder,
            trust=self.fake.trust,
            clock=self.fake.clock,
            keys=keys,
            model=self._factory,
        )
        self._follow = asyncio.create_task(self.agent.catalogue.follow(self._bus))
        await self.agent.start()
        async with asyncio.timeout(5):
            while self.agent.catalogue.card("hand") is None:
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Ends the agent as a kill would: nothing is told to anybody."""
        self._follow.cancel()
        await self._bus.drain(seconds=0.01)
        await asyncio.sleep(0.02)
        await self.agent.stores.close()
        await self._room.close()

    async def on_approve(self, ctx: CallContext, need: ApprovalNeed) -> ApprovalOutcome:
        if self.unjudged:
            if error := self.unjudged.pop(0):
                raise error
            await asyncio.sleep(3600)
        self.asked.append(need.call)
        self.zones.append(ctx.zone)
        if need.call.tool == "events_create":
            return ApprovalOutcome(verdict="run", approval=self.fake.approval(need.call, decided_by="policy"))
        if need.call.tool == "hours_ask":
            effect = Effect.SEND if need.call.arguments.get("aloud") else Effect.READ
            shown = Preview(verb="Ask", confirm="Ask", effect=effect)
            if effect is Effect.READ:
                return ApprovalOutcome(verdict="run", approval=self.fake.approval(need.call, decided_by="policy"))
            return ApprovalOutcome(verdict="ask", approval_id=new_id(), preview=shown)
        return ApprovalOutcome(verdict="ask", approval_id=new_id())

    async def on_renew(self, ctx: CallContext, request: RenewalRequest) -> Renewal:
        self.reports.append(request)
        if self.refused_renewals and not request.parked:
            raise self.refused_renewals.pop(0)
        if request.parked:
            return Renewal()
        if request.ended:
            self.ended.append(request.turn)
            return Renewal()
        self.renewals += 1
        if self.aside:
            return Renewal(grant=self.grant(request.turn), aside=self.aside)
        return Renewal(grant=self.grant(request.turn), decisions=tuple(self.decisions))

    def grant(self, turn: str) -> str:
        expires = self.fake.clock() + timedelta(seconds=self.grant_seconds)
        return self.fake.grant(turn=turn, conversation=self.conversation, routes=self.routes, expires=expires)

    def context(self, turn: str | None = None) -> CallContext:
        ctx = CallContext.within(20, user=self.fake.user).signed(grant=self.grant(turn or new_id()))
        return ctx.model_copy(update={"turn": turn, "conversation": self.conversation})

    async def request(self, verb: str, body: Any, reply: type[Any], turn: str | None = None) -> Any:
        return await self.gateway.request(subjects.agent(verb), body, reply, self.context(turn))

    async def say(
        self, text: str, *, retry: bool = False, anew: str | None = None, turn: str | None = None, zone: str = "UTC"
    ) -> str:
        """Sends the owner's message and returns the turn's id once it is accepted."""
        turn = turn or new_id()
        account = AccountRef(id=self.fake.account.account, connector="hand", name=self.fake.account.name)
        request = TurnRequest(
            text=text, accounts=(account,), model=self.ref, private=self.private, retry=retry, anew=anew, zone=zone
        )
        await self.request("turn", request, TurnAccepted, turn)
        return turn

    async def run(self, *wanted: CommandCall, text: str = "/find lease", turn: str | None = None) -> str:
        """Runs a command of these calls, with no model set, and returns the turn's id once it is accepted."""
        turn = turn or new_id()
        account = AccountRef(id=self.fake.account.account, connector="hand", name="Ada's place")
        command = Command(name="find", fields={"text": "lease"}, calls=wanted)
        await self.request("turn", TurnRequest(text=text, accounts=(account,), command=command), TurnAccepted, turn)
        return turn

    async def decide(
        self,
        turn: str,
        call: Call,
        *,
        approved: bool = True,
        note: str = "",
        changed: Call | None = None,
        approval: str = "",
    ) -> None:
        history: History = await self.history()
        waits = (each.approval_id for message in history.messages for each in message.calls if each.id == call.id)
        decision = Decision(
            approval_id=approval or str(next(waits)),
            call_id=call.id,
            approved=approved,
            approval=self.fake.approval(changed or call) if approved else None,
            note=note,
            call=changed,
        )
        await self.request("decide", decision, Done, turn)

    async def history(self) -> History:
        history: History = await self.request("history", Done(), History)
        return history

    async def settled(self, state: str = "idle", seconds: float = 10.0) -> History:
        """The history once the conversation is in a state."""
        async with asyncio.timeout(seconds):
            while (history := await self.history()).conversation.state != state:
                await asyncio.sleep(0.02)
        return history

    def events(self) -> list[dict[str, Any]]:
        """Every event of the conversation so far."""
        subject = subjects.chat(self.fake.user, self.conversation)
        return [json.loads(message.data) for message in self.fake.bus.transport.events[subject]]

    def event_ids(self) -> list[int]:
        subject = subjects.chat(self.fake.user, self.conversation)
        return [int(message.headers["Oa-Event-Id"]) for message in self.fake.bus.transport.events[subject]]


@contextlib.asynccontextmanager
async def agent_house(folder: Path, *answers: Answer) -> AsyncIterator[AgentHouse]:
    async with AgentHouse(folder, Script(*answers)) as house:
        yield house
