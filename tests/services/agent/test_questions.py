"""What goes to a model is in the ledger: how much, whose, in which turn, however the answer ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from openassistant.context import CallContext, new_id
from openassistant.errors import Unavailable
from openassistant.messages import AuditAction, Call, CallState, Done, ModelRef, Record
from services.agent.conversations import StoredCall
from services.agent.model import Connections, OpenModel
from services.agent.questions import Questions
from services.agent.sources import sources_of
from tests.peers.model import ModelServer
from tests.peers.process import LOOPBACK, free_port
from tests.peers.script import Fault, Script, Step, ToolCall
from tests.peers.wire import Wire
from tests.services.agent.house import AgentHouse


@contextlib.asynccontextmanager
async def _talking(folder: Path, *steps: Step) -> AsyncIterator[tuple[AgentHouse, Wire]]:
    """An agent whose model is a server behind a wire that counts."""
    connections = Connections()
    with ModelServer(Script(steps)) as server:
        async with Wire(server.port) as wire:
            house = AgentHouse(folder, lambda ref, key: OpenModel(ref, key, connections))
            house.ref = ModelRef(kind="openai", model="scripted", base_url=f"http://{LOOPBACK}:{wire.port}/v1")
            try:
                async with house:
                    yield house, wire
            finally:
                await connections.close()


async def _asked(house: AgentHouse, count: int = 1) -> list[Record]:
    async with asyncio.timeout(10):
        while len(found := [each for each in house.fake.records if each.action is AuditAction.MODEL_ASKED]) < count:
            await asyncio.sleep(0.01)
    return found


async def test_a_question_says_what_went_over_the_wire_and_under_which_turn(tmp_path: Path) -> None:
    async with _talking(tmp_path, Step(say="Good morning, Ada.", usage={"prompt_tokens": 321})) as (house, wire):
        turn = await house.say("Good morning")
        await house.settled()
        (record,) = await _asked(house)
        (said,) = record.traffic
        assert (said.host, said.port, said.reach) == (LOOPBACK, wire.port, "machine")
        assert (said.bytes_out, said.bytes_in) == (wire.out, wire.back)
    assert record.outcome == "done"
    assert (
        record.content.items()
        >= {
            "model": "scripted",
            "turn": turn,
            "conversation": house.conversation,
            "input_tokens": 321,
        }.items()
    )
    assert {each.kind for each in record.sources} == {"owner", "rules"}


async def test_a_question_says_whose_text_was_in_it(tmp_path: Path) -> None:
    steps = (Step(calls=[ToolCall("notes_read", {"limit": 3})]), Step(say="Three notes."))
    async with _talking(tmp_path, *steps) as (house, wire):
        await house.say("Read my notes")
        await house.settled()
        first, second = await _asked(house, 2)
        assert sum(each.traffic[0].bytes_out for each in (first, second)) == wire.out
        account = house.fake.account.account
    assert not any(each.kind == "connector" for each in first.sources)
    (source,) = (each for each in second.sources if each.kind == "connector")
    assert (source.connector, source.account) == ("hand", account)
    assert source.bytes >= len("3 notes")
    assert sum(each.bytes for each in second.sources) < second.traffic[0].bytes_out


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Fault("status", status=500), "upstream_failed"), (Fault("cut", after=2), "upstream_failed")],
    ids=["refused", "cut off"],
)
async def test_a_question_that_fails_counts(tmp_path: Path, fault: Fault, code: str) -> None:
    async with _talking(tmp_path, Step(say="Good morning, Ada, and more.", fault=fault)) as (house, wire):
        await house.say("Good morning")
        await house.settled()
        (record,) = await _asked(house)
        assert (record.traffic[0].bytes_out, record.outcome) == (wire.out, code)
        assert 0 < record.traffic[0].bytes_in <= wire.back


async def test_a_question_that_the_owner_stops_counts(tmp_path: Path) -> None:
    async with _talking(tmp_path, Step(prose=4_000, delay=0.01)) as (house, wire):
        await house.say("Tell me a long story")
        async with asyncio.timeout(10):
            while not any(event["type"] == "TEXT_MESSAGE_CONTENT" for event in house.events()):
                await asyncio.sleep(0.01)
        await house.request("cancel", Done(), Done)
        (record,) = await _asked(house)
        assert (record.traffic[0].bytes_out, record.outcome) == (wire.out, "cancelled")
        assert 0 < record.traffic[0].bytes_in <= wire.back


async def test_a_model_that_cannot_be_reached_was_sent_nothing(tmp_path: Path) -> None:
    async with _talking(tmp_path, Step(say="Good morning, Ada.")) as (house, _):
        reachable = house.ref
        house.ref = ModelRef(kind="openai", model="scripted", base_url=f"http://{LOOPBACK}:{free_port()}/v1")
        await house.say("Good morning")
        await house.settled()
        house.ref = reachable
        await house.say("And now?")
        await house.settled()
        records = await _asked(house)
        assert [each.outcome for each in records] == ["done"]


async def test_a_witness_that_is_away_hears_of_it_with_the_next_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.agent.questions._PAUSES", (0.0,))
    away, real = True, Questions._taken

    async def taken(self: Questions, ctx: CallContext, entry: Record) -> str | None:
        return None if away else await real(self, ctx, entry)

    monkeypatch.setattr(Questions, "_taken", taken)
    async with _talking(tmp_path, Step(say="One."), Step(say="Two.")) as (house, wire):
        await house.say("First")
        await house.settled()
        away = False
        await house.say("Second")
        await house.settled()
        records = await _asked(house, 2)
        assert sum(each.traffic[0].bytes_out for each in records) == wire.out
        assert len({each.id for each in records}) == 2


async def test_after_a_crash_it_is_known_what_was_about_to_be_sent(tmp_path: Path) -> None:
    async with _talking(tmp_path, Step(prose=4_000, delay=0.01), Step(say="Again."), Step(say="More.")) as (house, _):
        turn = await house.say("Tell me a long story")
        async with asyncio.timeout(10):
            while not any(event["type"] == "TEXT_MESSAGE_CONTENT" for event in house.events()):
                await asyncio.sleep(0.01)
        async with house.agent.stores.use(house.fake.user) as store:
            kept = await store.read(lambda connection: connection.scalar(text("SELECT record FROM model_questions")))
        await house.stop()
        async with house.agent.stores.use(house.fake.user) as store:  # a kill leaves what was stored before
            row = {"id": Record.model_validate_json(str(kept)).id, "record": kept}
            query = text("INSERT OR REPLACE INTO model_questions VALUES (:id, :record)")
            await store.write(lambda connection: connection.execute(query, row).close())
        await house.agent.stores.close()
        house.fake.records.clear()
        await house.start()
        await house.settled()
        records = await _asked(house, 2)
        lost = next(each for each in records if each.outcome == "unknown")
        assert lost.content["turn"] == turn
        assert lost.traffic[0].bytes_out == sum(each.bytes for each in lost.sources) > 0


async def test_nothing_is_asked_before_it_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: Any) -> None:
        raise Unavailable("The disk is full.")

    async with _talking(tmp_path, Step(say="Good morning, Ada.")) as (house, wire):
        monkeypatch.setattr("services.agent.questions._keep", full)
        await house.say("Good morning")
        history = await house.settled()
        assert history.messages[-1].error is not None
        assert (wire.connections, wire.out) == (0, 0)


def _stored(name: str, connector: str | None, account: str | None = None) -> StoredCall:
    call = None
    if connector:
        call = Call(
            id=new_id(), nonce="0" * 32, user=new_id(), account=account, connector=connector, card_digest="c" * 64,
            tool=name, arguments={},
        )  # fmt: skip
    return StoredCall(id=new_id(), turn=new_id(), message="m", name=name, given="{}", call=call, state=CallState.DONE)


def test_sources_are_told_apart_by_account_and_in_bytes() -> None:
    home, work = new_id(), new_id()
    calls = [_stored("search", "mail", home), _stored("search", "mail", work), _stored("unheard_of", None)]
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "rules"},
        {"role": "user", "content": "größer"},
        {"role": "assistant", "content": "said", "tool_calls": [{"id": calls[0].id}]},
        {"role": "tool", "tool_call_id": calls[0].id, "content": "a" * 100},
        {"role": "tool", "tool_call_id": calls[1].id, "content": "b" * 10},
        {"role": "tool", "tool_call_id": calls[2].id, "content": "there is no such tool"},
        {"role": "assistant", "content": None},
    ]
    found = {(each.kind, each.account): each.bytes for each in sources_of(messages, {"m": calls}, [])}
    assert found["connector", home] == 100
    assert found["connector", work] == 10
    assert found["owner", None] == len("größer".encode())
    assert found["rules", None] == len("rules") + len("there is no such tool")
    assert found["assistant", None] > len("said")


def test_a_prompt_of_nothing_has_no_sources() -> None:
    assert sources_of([], {}, []) == ()
    assert sources_of([{"role": "user", "content": ""}], {}, []) == ()
