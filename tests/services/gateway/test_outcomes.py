"""What nobody can tell the outcome of: its owner's word goes into the ledger first, and trying again asks again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openassistant.errors import Conflict, NotFound, Unavailable
from openassistant.messages import AuditAction, Call, Command, Effect, LedgerEntry, TurnAccepted
from openassistant.outcomes import Settled
from services.gateway.ledger import Ledger
from services.gateway.outcomes import Outcomes
from services.gateway.preferences import Preferences
from services.gateway.problems import ScopeMissing
from tests.services.gateway.house import GatewayHouse


class Chats:
    """Takes turns down."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, Command, str | None]] = []

    async def command(self, me: Any, conversation: str, command: Command, **more: Any) -> TurnAccepted:
        self.turns.append((conversation, command, more.get("asks")))
        return TurnAccepted(turn="a" * 32, run="a" * 32)


def outcomes_of(house: GatewayHouse, chats: Chats | None = None) -> Outcomes:
    bus = house.bus.room("gateway")
    ledger = Ledger(bus, house.grants, Preferences(house.store))
    return Outcomes(bus, house.connectors, ledger, house.grants, chats or Chats())  # type: ignore[arg-type]  # takes turns down


async def in_doubt(house: GatewayHouse) -> tuple[Call, str]:
    """A call that was begun, and whose outcome the connector does not know."""
    call, turn = house.call("letters_send", to="carol@example.org"), await house.turn()
    await house.put(call, turn)
    house.entries.append(LedgerEntry(
        index=900, time=house.time, action=AuditAction.TOOL_STARTED, room="agent", id=call.id, user=house.me.user.id,
        turn=turn, conversation=house.conversation, connector="post", tool=call.tool, effect=Effect.SEND,
        account=call.account, content={"arguments": call.arguments, "nonce": call.nonce}, leaf="",
    ))  # fmt: skip
    house.seen(call.id, turn, call.tool, Effect.SEND, "unknown")
    house.journal.append(call)
    return call, turn


async def state(house: GatewayHouse) -> str:
    (receipt,) = await house.receipts.of(house.me, house.conversation)
    return receipt.state


async def test_the_list_says_what_it_was_about_and_in_which_conversation(house: GatewayHouse) -> None:
    call, _ = await in_doubt(house)
    found = await outcomes_of(house).listing(house.me)
    assert [(each.call_id, each.verb, each.conversation) for each in found.calls] == [
        (call.id, "Send a letter", house.conversation)
    ]
    assert [each.value for each in found.calls[0].destinations] == ["carol@example.org"]


async def test_a_word_is_in_the_ledger_and_then_signed_and_then_in_the_conversation(house: GatewayHouse) -> None:
    call, turn = await in_doubt(house)
    outcome = await outcomes_of(house).settle(house.me, call.id, "not_done")
    assert (outcome.state, outcome.by_person) == ("failed", True)
    record = house.records[-1]
    assert (record.action, record.id, record.outcome) == (AuditAction.OUTCOME_SETTLED, call.id, "not_done")
    ctx, settlement = house.words[-1]
    word = house.trust.word(settlement.word, now=house.time)
    assert (word.call_id, word.user, word.says, word.session) == (
        call.id, house.me.user.id, "not_done", house.me.session,
    )  # fmt: skip
    grant = house.trust.grant(ctx.grant, now=house.time)
    assert (grant.kind, grant.account) == ("account", house.account.id)
    told_in, told = house.told[-1]
    assert (told.call_id, told.state, told_in.turn, told_in.conversation) == (
        call.id, "failed", turn, house.conversation,
    )  # fmt: skip
    assert await state(house) == "dismissed"


async def test_what_the_service_says_later_goes_before_a_persons_word(house: GatewayHouse) -> None:
    call, turn = await in_doubt(house)
    await outcomes_of(house).settle(house.me, call.id, "not_done")
    house.seen(call.id, turn, call.tool, Effect.SEND, "finished")
    assert await state(house) == "done"


async def test_without_the_witness_no_word_is_taken(house: GatewayHouse) -> None:
    call, _ = await in_doubt(house)
    house.ledger_error = Unavailable("The witness is away.")
    with pytest.raises(Unavailable):
        await outcomes_of(house).settle(house.me, call.id, "done")
    assert (house.words, house.told, len(house.journal)) == ([], [], 1)


async def test_two_words_at_once_leave_one(house: GatewayHouse) -> None:
    call, _ = await in_doubt(house)
    made = outcomes_of(house)
    said = await asyncio.gather(
        *(made.settle(house.me, call.id, says) for says in ("done", "not_done")), return_exceptions=True
    )
    kept = [each for each in house.records if each.action is AuditAction.OUTCOME_SETTLED]
    assert len(kept) == 1
    assert sorted(isinstance(each, Conflict) for each in said) == [False, True]
    assert {each.state for _, each in house.told} == {"done" if kept[0].outcome == "done" else "failed"}


async def test_what_is_known_by_now_takes_no_word(house: GatewayHouse) -> None:
    call, _ = await in_doubt(house)
    house.journal.clear()
    house.outcome = Settled(state="done")
    with pytest.raises(Conflict, match="It was done"):
        await outcomes_of(house).settle(house.me, call.id, "not_done")
    assert "outcome.settled" not in house.recorded()
    assert [each.state for _, each in house.told] == ["done"]


async def test_looking_again_is_no_word(house: GatewayHouse) -> None:
    call, _ = await in_doubt(house)
    outcome = await outcomes_of(house).settle(house.me, call.id, "look")
    assert (outcome.state, outcome.by_person) == ("unknown", False)
    assert "outcome.settled" not in house.recorded()
    assert house.told == []


async def test_anothers_call_is_not_there(house: GatewayHouse) -> None:
    call, _ = await in_doubt(house)
    stranger = house.me.model_copy(update={"user": house.me.user.model_copy(update={"id": "b" * 32})})
    for says in ("done", "look"):
        with pytest.raises(NotFound):
            await outcomes_of(house).settle(stranger, call.id, says)
    assert (await outcomes_of(house).listing(stranger)).calls == ()
    assert house.words == []


async def test_a_token_without_its_scope_settles_nothing(house: GatewayHouse) -> None:
    call, _ = await in_doubt(house)
    token = house.me.model_copy(update={"scopes": frozenset({"chat"})})
    for refused in (outcomes_of(house).settle(token, call.id, "done"), outcomes_of(house).again(token, call.id)):
        with pytest.raises(ScopeMissing):
            await refused


async def test_trying_again_puts_the_same_arguments_as_a_new_question(house: GatewayHouse) -> None:
    call, _ = await in_doubt(house)
    chats = Chats()
    made = outcomes_of(house, chats)
    with pytest.raises(Conflict, match="Nobody can tell"):
        await made.again(house.me, call.id)
    await made.settle(house.me, call.id, "not_done")
    await made.again(house.me, call.id)
    [(conversation, command, asks)] = chats.turns
    assert (conversation, asks) == (house.conversation, "doubt")
    assert [(each.tool, each.account, each.arguments) for each in command.calls] == [
        (call.tool, call.account, call.arguments)
    ]


async def test_what_was_done_is_not_tried_again(house: GatewayHouse) -> None:
    call, _ = await in_doubt(house)
    chats = Chats()
    made = outcomes_of(house, chats)
    await made.settle(house.me, call.id, "done")
    with pytest.raises(Conflict, match="was done"):
        await made.again(house.me, call.id)
    assert chats.turns == []


async def test_in_a_turn_that_tries_again_a_change_of_ones_own_data_is_asked_about_too(house: GatewayHouse) -> None:
    turn = "c" * 32
    await house.turns.begin(turn, house.me.user.id, house.conversation, asks="doubt")
    assert (await house.put(house.call("drafts_create"), turn)).verdict == "ask"
    assert (await house.put(house.call("drafts_create"), await house.turn())).verdict == "run"
