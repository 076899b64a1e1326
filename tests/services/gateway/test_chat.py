"""Messages and turns from the gateway's side, with an agent that says what the test wants."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.errors import Conflict, DeadlineExceeded, InvalidRequest, NotFound, OaError, TooLarge, Unavailable
from openassistant.messages import (
    AccountRef,
    Apart,
    Command,
    CommandCall,
    Conversation,
    Done,
    Effect,
    ErrorBody,
    History,
    Message,
    ModelRef,
    TurnAccepted,
    TurnIds,
    TurnRequest,
    VersionChoice,
)
from services.gateway.chat import LONGEST, Chat
from services.gateway.ledger import Ledger
from services.gateway.preferences import Preferences
from tests.services.gateway.house import GatewayHouse

MODEL = ModelRef(kind="openai", model="scripted", base_url="http://127.0.0.1:1/v1")
PRIVATE = ModelRef(kind="openai", model="small", base_url="http://127.0.0.1:11434/v1", local=True)


class Fakes:
    """Accounts and models, as far as a turn asks for them."""

    def __init__(self, house: GatewayHouse) -> None:
        self.ref_of_account = AccountRef(id=house.account.id, connector="post", name="Home")

    async def refs(self, user: str) -> tuple[AccountRef, ...]:
        return (self.ref_of_account,)

    async def ref(self, user: str) -> ModelRef | None:
        return MODEL

    async def private(self, user: str) -> ModelRef | None:
        return PRIVATE


class Scene:
    """`errors`: what the agent answers to the next turns, one after the other."""

    def __init__(self, house: GatewayHouse) -> None:
        self.house = house
        self.errors: list[OaError] = []
        self.turns: list[tuple[CallContext, TurnRequest]] = []
        self.deleted: list[str] = []
        self.shown: list[tuple[str, str]] = []
        self.elsewhere: dict[str, str] = {}
        self.messages: tuple[Message, ...] = ()
        fakes: Any = Fakes(house)
        bus = house.bus.room("gateway")
        ledger = Ledger(bus, house.grants, Preferences(house.store))
        self.chat = Chat(
            bus, house.turns, house.questions, accounts=fakes, models=fakes, memories=house.memories,
            routing=house.routing, grants=house.grants, ledger=ledger, budgets=house.budgets,
            given=house.given,
        )  # fmt: skip

    async def serve(self) -> None:
        serve = self.house.agent.serve
        await serve(subjects.agent("turn"), TurnRequest, self._on_turn)
        await serve(subjects.agent("history"), Done, self._on_history)
        await serve(subjects.agent("delete"), Done, self._on_delete)
        await serve(subjects.agent("show"), VersionChoice, self._on_show)
        await serve(subjects.agent("apart"), TurnIds, self._on_apart)

    async def _on_turn(self, ctx: CallContext, request: TurnRequest) -> TurnAccepted:
        self.turns.append((ctx, request))
        if self.errors:
            raise self.errors.pop(0)
        return TurnAccepted(turn=str(ctx.turn), run=str(ctx.turn))

    async def _on_history(self, ctx: CallContext, _: Done) -> History:
        if ctx.conversation != self.house.conversation:
            raise NotFound("There is no such conversation.")
        now = self.house.time
        shown = Conversation(id=ctx.conversation, title="", created=now, updated=now)
        return History(conversation=shown, messages=self.messages)

    async def _on_show(self, ctx: CallContext, choice: VersionChoice) -> Done:
        if self.errors:
            raise self.errors.pop(0)
        self.shown.append((str(ctx.conversation), choice.message))
        return Done()

    async def _on_apart(self, ctx: CallContext, asked: TurnIds) -> Apart:
        return Apart(messages={turn: self.elsewhere[turn] for turn in asked.turns if turn in self.elsewhere})

    async def _on_delete(self, ctx: CallContext, _: Done) -> Done:
        self.deleted.append(str(ctx.conversation))
        return Done()


def said(house: GatewayHouse, *texts: str) -> tuple[Message, ...]:
    """Messages of the owner and answers, by turns."""
    return tuple(
        Message(
            id=new_id(), role="assistant" if place % 2 else "user", turn=new_id(), created=house.time, text=text
        )
        for place, text in enumerate(texts)
    )  # fmt: skip


@pytest.fixture
async def scene(house: GatewayHouse) -> Scene:
    scene = Scene(house)
    await scene.serve()
    return scene


async def test_a_message_opens_a_turn_under_a_grant_of_its_own(scene: Scene, house: GatewayHouse) -> None:
    accepted = await scene.chat.say(house.me, house.conversation, "Hello?", zone="Europe/Berlin")
    [(ctx, request)] = scene.turns
    grant = house.trust.grant(ctx.grant, now=house.time)
    assert (grant.kind, grant.turn, grant.conversation) == ("turn", accepted.turn, house.conversation)
    assert grant.effects == (Effect.READ,)
    assert (request.text, request.zone) == ("Hello?", "Europe/Berlin")
    assert (request.model, request.private) == (MODEL, PRIVATE)
    assert [each.id for each in request.accounts] == [house.account.id]
    assert house.recorded() == ["turn.started"]
    assert await house.turns.lives(accepted.turn, user=house.me.user.id)


async def test_a_command_opens_a_turn_that_names_its_calls_and_no_message_for_a_model(
    scene: Scene, house: GatewayHouse
) -> None:
    command = Command(
        name="find", fields={"text": "lease"}, calls=(CommandCall(connector="post", tool="letters_read"),)
    )
    await scene.chat.command(house.me, house.conversation, command, text="/find lease", zone=ZoneInfo("Europe/Berlin"))
    [(ctx, request)] = scene.turns
    grant = house.trust.grant(ctx.grant, now=house.time)
    assert (request.text, request.zone, request.command) == ("/find lease", "Europe/Berlin", command)
    assert grant.effects == (Effect.READ,)
    assert house.recorded() == ["turn.started"]


async def test_a_message_of_a_megabyte_is_refused_and_nothing_is_begun(scene: Scene, house: GatewayHouse) -> None:
    with pytest.raises(TooLarge, match=f"{LONGEST:,}"):
        await scene.chat.say(house.me, house.conversation, "x" * 1_000_000)
    assert (scene.turns, house.recorded()) == ([], [])


@pytest.mark.parametrize(("text", "zone"), [("  \n", None), ("Hello?", "Mars/Olympus"), ("Hello?", "../../etc/passwd")])
async def test_a_message_that_is_not_one_is_refused(
    scene: Scene, house: GatewayHouse, text: str, zone: str | None
) -> None:
    with pytest.raises(InvalidRequest):
        await scene.chat.say(house.me, house.conversation, text, zone=zone)
    assert scene.turns == []


async def test_without_a_ledger_no_turn_begins(scene: Scene, house: GatewayHouse) -> None:
    house.ledger_error = Unavailable("The ledger is away.")
    with pytest.raises(Unavailable):
        await scene.chat.say(house.me, house.conversation, "Hello?")
    assert scene.turns == []


async def test_a_turn_that_the_agent_refuses_does_not_live(scene: Scene, house: GatewayHouse) -> None:
    scene.errors = [Conflict("The previous message is still being answered.")]
    with pytest.raises(Conflict):
        await scene.chat.say(house.me, house.conversation, "Hello?")
    [(ctx, _)] = scene.turns
    assert not await house.turns.lives(str(ctx.turn), user=house.me.user.id)


async def test_a_turn_whose_answer_was_lost_is_asked_for_again_as_the_same_one(
    scene: Scene, house: GatewayHouse
) -> None:
    scene.errors = [DeadlineExceeded("No answer."), Unavailable("That room is not running.")]
    accepted = await scene.chat.say(house.me, house.conversation, "Hello?")
    assert [ctx.turn for ctx, _ in scene.turns] == [accepted.turn] * 3


async def test_an_agent_that_is_away_is_told_of_at_once(scene: Scene, house: GatewayHouse) -> None:
    scene.errors = [Unavailable("That room is not running.")]
    with pytest.raises(Unavailable):
        await scene.chat.say(house.me, house.conversation, "Hello?")
    assert len(scene.turns) == 1


async def test_a_retry_runs_the_last_message_of_the_user_again(scene: Scene, house: GatewayHouse) -> None:
    with pytest.raises(Conflict, match="nothing to try again"):
        await scene.chat.retry(house.me, house.conversation)
    scene.messages = tuple(
        Message(id=new_id(), role=role, turn=new_id(), created=house.time, text=text)
        for role, text in (("user", "First?"), ("assistant", "Yes."), ("user", "Second?"), ("assistant", "Hm."))
    )
    await scene.chat.retry(house.me, house.conversation)
    [(_, request)] = scene.turns
    assert (request.text, request.retry, request.anew) == ("Second?", True, scene.messages[2].id)


async def test_an_earlier_answer_is_written_again_by_its_id_and_one_that_is_not_shown_is_not(
    scene: Scene, house: GatewayHouse
) -> None:
    scene.messages = said(house, "First?", "Yes.", "Second?", "Hm.")
    await scene.chat.retry(house.me, house.conversation, scene.messages[1].id)
    [(_, request)] = scene.turns
    assert (request.text, request.retry, request.anew) == ("First?", True, scene.messages[0].id)
    with pytest.raises(NotFound):
        await scene.chat.retry(house.me, house.conversation, new_id())


async def test_a_message_is_said_anew_in_the_place_of_another(scene: Scene, house: GatewayHouse) -> None:
    scene.messages = said(house, "First?", "Yes.")
    await scene.chat.edit(house.me, house.conversation, scene.messages[0].id, "Other?", zone="Europe/Berlin")
    [(_, request)] = scene.turns
    assert (request.text, request.retry, request.anew) == ("Other?", False, scene.messages[0].id)
    assert request.zone == "Europe/Berlin"
    with pytest.raises(InvalidRequest):
        await scene.chat.edit(house.me, house.conversation, scene.messages[0].id, " ")
    with pytest.raises(TooLarge):
        await scene.chat.edit(house.me, house.conversation, scene.messages[0].id, "a" * (LONGEST + 1))


async def test_another_version_is_shown_or_it_is_said_why_not(scene: Scene, house: GatewayHouse) -> None:
    message = new_id()
    await scene.chat.show(house.me, house.conversation, message)
    assert scene.shown == [(house.conversation, message)]
    scene.errors = [Conflict("An answer is being written.")]
    with pytest.raises(Conflict, match="being written"):
        await scene.chat.show(house.me, house.conversation, message)


async def test_the_versions_of_a_message_are_named(scene: Scene, house: GatewayHouse) -> None:
    [message] = said(house, "First?")
    versions = (new_id(), message.id)
    scene.messages = (message.model_copy(update={"versions": versions}),)
    assert (await scene.chat.history(house.me, house.conversation)).messages[0].versions == versions


async def test_what_was_done_stays_done_so_another_version_asks_and_stays_tainted(
    scene: Scene, house: GatewayHouse
) -> None:
    scene.messages = said(house, "First?", "Yes.")
    first = await scene.chat.say(house.me, house.conversation, "First?")
    assert (await house.put(house.call("drafts_create"), first.turn)).verdict == "run"
    untouched = await scene.chat.retry(house.me, house.conversation)
    assert (await house.put(house.call("drafts_create"), untouched.turn)).verdict == "run"
    house.seen(new_id(), first.turn, "drafts_create", Effect.WRITE)
    again = await scene.chat.retry(house.me, house.conversation)
    waits = await house.put(house.call("drafts_create"), again.turn)
    assert waits.verdict == "ask"
    view = await house.approvals.view(house.me, str(waits.approval_id))
    assert "stays done" in view.reason
    house.read_outside(first.turn)
    changed = await scene.chat.edit(house.me, house.conversation, scene.messages[0].id, "Other?")
    assert (await house.put(house.call("drafts_create"), changed.turn)).verdict == "ask"
    on = await scene.chat.say(house.me, house.conversation, "And now?")
    assert (await house.put(house.call("drafts_create"), on.turn)).verdict == "ask"


async def test_a_question_of_a_version_that_is_not_shown_says_so(scene: Scene, house: GatewayHouse) -> None:
    turn, message = await house.turn(), new_id()
    outcome = await house.put(house.call("letters_send", to="carol@example.org"), turn)
    assert (await house.approvals.view(house.me, str(outcome.approval_id))).version is None
    scene.elsewhere = {turn: message}
    [waiting] = await house.approvals.listing(house.me, "pending")
    assert waiting.version == message


async def test_a_conversation_with_a_failed_answer_is_shown_with_why_and_can_be_tried_again(
    scene: Scene, house: GatewayHouse
) -> None:
    failed = ErrorBody(code="unavailable", message="The model cannot be reached.")
    asked = Message(id=new_id(), role="user", turn=new_id(), created=house.time, text="Hello?")
    scene.messages = (asked, Message(id=new_id(), role="assistant", turn=new_id(), created=house.time, error=failed))
    shown = (await scene.chat.history(house.me, house.conversation)).messages[-1].error
    assert shown is not None
    assert (shown.code, shown.detail) == ("unavailable", "The model cannot be reached.")
    await scene.chat.retry(house.me, house.conversation)
    assert [request.text for _, request in scene.turns] == ["Hello?"]


async def test_a_deleted_conversation_takes_its_questions_along(scene: Scene, house: GatewayHouse) -> None:
    turn = await house.turn()
    outcome = await house.put(house.call("letters_send", to="carol@example.org"), turn)
    events = subjects.chat(house.me.user.id, house.conversation)
    await house.agent.emit(events, 1, b"{}")
    await scene.chat.delete(house.me, house.conversation)
    assert scene.deleted == [house.conversation]
    assert house.bus.transport.events.get(events, []) == []
    assert await house.approvals.listing(house.me, None) == []
    with pytest.raises(NotFound):
        await house.approvals.view(house.me, str(outcome.approval_id))
    assert not await house.turns.lives(turn, user=house.me.user.id)
    assert house.recorded()[-1] == "conversation.deleted"


async def test_a_conversation_that_is_not_there_is_not_deleted(scene: Scene, house: GatewayHouse) -> None:
    with pytest.raises(NotFound):
        await scene.chat.delete(house.me, new_id())
    assert (scene.deleted, house.recorded()) == ([], [])
