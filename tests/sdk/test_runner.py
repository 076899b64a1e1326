"""A hand runs nothing without its signatures, does nothing twice, and says what it does not know."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from openassistant import journal, subjects
from openassistant.connector import OutsideText
from openassistant.context import CallContext
from openassistant.errors import (
    Conflict,
    DeadlineExceeded,
    Forbidden,
    Internal,
    InvalidRequest,
    OaError,
    Unavailable,
    Unstored,
)
from openassistant.grants import SigningKey
from openassistant.messages import AccountQuery, AccountStatus, AuditAction, Call, Done, Effect, call_digest
from openassistant.store import Migrations, Store
from openassistant.testing import FakeHouse
from tests.sdk.hand import tools
from tests.sdk.hand.tools import connector


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[FakeHouse]:
    tools.DONE.clear()
    tools.SYNCED.clear()
    fake = FakeHouse(connector, folder=tmp_path)
    fake.connect("Ada's place", {"place": "home"}, password="not-a-real-password")
    async with fake:
        yield fake


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_read_runs_and_its_outside_sources_are_labelled(house: FakeHouse) -> None:
    result = await house.send(house.make("notes_read", limit=2))
    assert result.content["text"] == "2 notes"
    assert result.outside[0].authors == ("mallory@example.net",)


async def test_an_approved_send_runs_once_and_answers_the_same_when_asked_again(house: FakeHouse) -> None:
    call = house.make("letters_send", to="carol@example.org")
    answers = [await house.send(call) for _ in range(3)]
    assert {str(answer.content) for answer in answers} == {"sent to carol@example.org"}
    assert [call.id] == tools.DONE


async def test_the_same_call_sent_many_times_at_once_acts_once(house: FakeHouse) -> None:
    call = house.make("letters_send", to="carol@example.org")
    await asyncio.gather(*(house.send(call) for _ in range(20)))
    assert [call.id] == tools.DONE


async def test_a_call_id_used_for_other_arguments_is_a_conflict(house: FakeHouse) -> None:
    call = house.make("letters_send", to="carol@example.org")
    await house.send(call)
    other = call.model_copy(update={"arguments": {"to": "mallory@example.net"}})
    with pytest.raises(Conflict):
        await house.send(other)


FORGERIES: dict[str, Callable[[FakeHouse, Any], dict[str, str | None]]] = {
    "no grant": lambda house, call: {"grant": None},
    "no receipt": lambda house, call: {"receipt": None},
    "no approval": lambda house, call: {"approval": None},
    "a receipt for other arguments": lambda house, call: {"receipt": house.receipt(call, call_digest="0" * 64)},
    "an approval for other arguments": lambda house, call: {"approval": house.approval(call, call_digest="0" * 64)},
    "an expired approval": lambda house, call: {
        "approval": house.approval(call, expires=house.clock() - timedelta(seconds=1))
    },
    "an approval by the policy": lambda house, call: {"approval": house.approval(call, decided_by="policy")},
    "an approval of another user": lambda house, call: {"approval": house.approval(call, user="1" * 32)},
    "a grant of another user": lambda house, call: {"grant": house.grant(user="1" * 32)},
    "a grant for another card": lambda house, call: {"grant": house.grant(connectors={"hand": "another"})},
    "a receipt as approval": lambda house, call: {"approval": house.receipt(call)},
    "the account's grant": lambda house, call: {"grant": house.account_grant()},
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_call_with_a_forgery_is_refused_over_the_bus(house: FakeHouse, forgery: str) -> None:
    call = house.make("letters_send", to="carol@example.org")
    with pytest.raises(Forbidden):
        await house.send(call, house.context(call, **FORGERIES[forgery](house, call)))
    assert tools.DONE == []


async def test_an_approval_signed_by_another_key_is_refused_over_the_bus(house: FakeHouse) -> None:
    call = house.make("letters_send", to="carol@example.org")
    house.gateway, real = SigningKey.generate(), house.gateway
    forged = house.approval(call)
    house.gateway = real
    with pytest.raises(Forbidden):
        await house.send(call, house.context(call, approval=forged))
    assert tools.DONE == []


async def ruled(house: FakeHouse, call: Call, *, rule: str | None = None, **changes: Any) -> CallContext:
    """The context of a call that the gateway let run under a rule about Carol, or under another one."""
    shown = (await house.preview(call.tool, **call.arguments)).digest()
    under = house.rule(call, "recipient:carol@example.org") if rule is None else rule
    approval = house.approval(call, **{"decided_by": "rule", "rule": under, "preview_digest": shown, **changes})
    return house.context(call, approval=approval)


async def test_a_send_under_a_rule_that_names_its_destination_runs(house: FakeHouse) -> None:
    call = house.make("letters_send", to="Carol@example.org")
    await house.send(call, await ruled(house, call))
    assert [call.id] == tools.DONE


RULES: dict[str, Callable[[FakeHouse, Any], str]] = {
    "for another destination": lambda house, call: house.rule(call, "recipient:ben@example.org"),
    "for another kind of destination": lambda house, call: house.rule(call, "attendee:carol@example.org"),
    "without a destination": lambda house, call: house.rule(call),
    "for changes alone": lambda house, call: house.rule(call, CAROL, effect=Effect.WRITE),
    "for another tool": lambda house, call: house.rule(call, CAROL, tool="events_create"),
    "for another connector": lambda house, call: house.rule(call, CAROL, connector="mail"),
    "for another account": lambda house, call: house.rule(call, CAROL, account="2" * 32),
    "of another user": lambda house, call: house.rule(call, CAROL, user="2" * 32),
    "of another conversation": lambda house, call: house.rule(call, CAROL, conversation="2" * 32),
    "that is over": lambda house, call: house.rule(call, CAROL, expires=house.clock()),
    "that is none": lambda house, call: house.grant(),
    "that the witness signed": lambda house, call: house.audit.sign(
        house.trust.rule(house.rule(call, CAROL), now=house.clock())
    ),
}
CAROL = "recipient:carol@example.org"


@pytest.mark.parametrize("which", RULES)
async def test_a_send_under_a_rule_is_refused(house: FakeHouse, which: str) -> None:
    call = house.make("letters_send", to="carol@example.org")
    with pytest.raises(Forbidden):
        await house.send(call, await ruled(house, call, rule=RULES[which](house, call)))
    assert tools.DONE == []


async def test_an_approval_by_a_rule_that_it_does_not_carry_is_refused(house: FakeHouse) -> None:
    call = house.make("letters_send", to="carol@example.org")
    approval = house.approval(call, decided_by="rule", preview_digest="0" * 64)
    with pytest.raises(Forbidden):
        await house.send(call, house.context(call, approval=approval))
    with pytest.raises(Forbidden):
        await house.send(call, await ruled(house, call, preview_digest=None))
    assert tools.DONE == []


async def test_under_a_rule_too_what_was_looked_at_must_still_be_what_would_happen(house: FakeHouse) -> None:
    call = house.make("letters_send", to="carol@example.org")
    with pytest.raises(Conflict, match="changed"):
        await house.send(call, await ruled(house, call, preview_digest="0" * 64))
    assert tools.DONE == []


async def test_an_approval_cannot_be_replayed_for_a_second_call(house: FakeHouse) -> None:
    first, second = (house.make("letters_send", to="carol@example.org") for _ in range(2))
    approval = house.approval(first)
    await house.send(first, house.context(first, approval=approval))
    with pytest.raises(Forbidden):
        await house.send(second, house.context(second, approval=approval))
    assert [first.id] == tools.DONE


async def test_arguments_may_raise_the_effect(house: FakeHouse) -> None:
    call = house.make("events_create", guests=["carol@example.org"])
    policy = {"approval": house.approval(call, decided_by="policy")}
    with pytest.raises(Forbidden):
        await house.send(call, house.context(call, **policy))
    assert await house.call("events_create", guests=[]) == 0


async def test_what_changed_since_the_preview_is_not_done(house: FakeHouse) -> None:
    call = house.make("letters_send", to="carol@example.org")
    shown = await house.preview("letters_send", to="carol@example.org")
    assert shown.effect is Effect.SEND
    house.connect("Ada's place", {"place": "elsewhere"}, password="not-a-real-password")
    house.runner.keys.forget_account(house.account.account)
    with pytest.raises(Conflict, match="changed"):
        await house.send(call, house.context(call, approval=house.approval(call, preview_digest=shown.digest())))
    assert tools.DONE == []


async def test_a_preview_sees_no_secret(house: FakeHouse) -> None:
    shown = await house.preview("letters_send", to="carol@example.org")
    assert shown.account == "home"
    kept = await house.runner.keys.account(
        house.account.account, CallContext.within(5).signed(grant=house.grant()), user=house.user, profile=True
    )
    assert kept.secrets == {}


async def test_a_refusal_before_acting_is_a_certain_failure(house: FakeHouse) -> None:
    with pytest.raises(InvalidRequest, match="no such address"):
        await house.call("letters_send", to="x", how="refused")
    await until(lambda: any(record.action is AuditAction.TOOL_FAILED for record in house.records))


async def test_wrong_arguments_are_explained_without_their_values(house: FakeHouse) -> None:
    with pytest.raises(InvalidRequest, match="limit: Input should be less than or equal to 10") as caught:
        await house.call("notes_read", limit=77777)
    assert "77777" not in caught.value.message


async def test_a_silent_provider_is_asked_what_became_of_it_and_found_means_done(house: FakeHouse) -> None:
    assert await house.call("letters_send", to="carol@example.org", how="silent, found") == "found"


async def test_certainly_absent_after_silence_is_a_failure_that_may_be_tried_again(house: FakeHouse) -> None:
    with pytest.raises(Unavailable, match="before anything was done"):
        await house.call("letters_send", to="carol@example.org", how="silent, absent")


async def test_an_unknown_outcome_stays_unknown_however_often_it_is_asked(house: FakeHouse) -> None:
    call = house.make("letters_send", to="carol@example.org", how="silent")
    for _ in range(3):
        with pytest.raises(DeadlineExceeded, match="may have happened"):
            await house.send(call)
    assert [call.id] == tools.DONE
    await until(lambda: [r.action for r in house.records].count(AuditAction.TOOL_UNKNOWN) == 1)


async def test_the_outcomes_of_many_calls_at_once_are_reported_once_each(house: FakeHouse) -> None:
    calls = [house.make("notes_read", limit=1) for _ in range(250)]
    await asyncio.gather(*(house.send(call) for call in calls))
    await until(lambda: len(house.records) >= len(calls), seconds=20)
    await house.runner.reporting.send(house.user, house.grant())
    assert sorted(each.id for each in house.records) == sorted(call.id for call in calls)


async def test_a_report_that_is_not_taken_holds_up_no_other_and_is_sent_again(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [house.make("notes_read", limit=1) for _ in range(3)]
    taken, refused = house.runner.bus.request, [calls[0].id]

    async def request(subject: str, body: Any, *more: Any) -> Any:
        if getattr(body, "id", None) in refused:
            raise Unavailable("The ledger is away.")
        return await taken(subject, body, *more)

    monkeypatch.setattr(house.runner.bus, "request", request)
    for call in calls:
        await house.send(call)
    await until(lambda: len(house.records) == 2)
    refused.clear()
    await until(lambda: len(house.records) == 3)  # no other call has to be made for it
    assert [each.id for each in house.records] == [calls[1].id, calls[2].id, calls[0].id]


async def test_reports_are_sent_once_the_file_of_them_can_be_read_again(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, broken = journal.unsent, [True]

    async def unsent(store: Any) -> Any:
        if broken:
            raise Unstored("The disk did not answer.")
        return await read(store)

    monkeypatch.setattr(journal, "unsent", unsent)
    await house.send(house.make("notes_read", limit=1))
    await asyncio.sleep(0.1)
    assert not house.records
    broken.clear()
    await until(lambda: len(house.records) == 1)


async def test_what_another_instance_sent_too_takes_no_later_report_along(house: FakeHouse) -> None:
    async def report(store: Store) -> None:
        call, now = house.make("notes_read", limit=1), house.clock()
        await journal.report(store, call, grant="", now=now, result=Unavailable("Away."))

    await house.runner.keys.unlock(house.user, house.grant())
    async with house.runner.stores.use(house.user) as store:
        await report(store)
        ours = [row for row, _, _ in await journal.unsent(store)]
        await journal.unsent_done(store, ours)  # the other was faster
        await report(store)
        await journal.unsent_done(store, ours)
        assert len(await journal.unsent(store)) == 1


async def test_an_outbox_of_before_keeps_what_waits_in_it(tmp_path: Path) -> None:
    before, now, key = tmp_path / "before", Path(journal.__file__).parent / "migrations" / "user", bytes(range(32))
    shutil.copytree(now, before, ignore=shutil.ignore_patterns("0005*", "__pycache__"))
    put = "INSERT INTO outbox (record, grant_token, created) VALUES ('{}', :grant, '2026-11-30')"
    store = await Store.open(tmp_path / "a.db", key, Migrations({"sdk": before}))
    two = [{"grant": "first"}, {"grant": "second"}]
    await store.write(lambda connection: connection.execute(text(put), two).close())
    await store.close()
    store = await Store.open(tmp_path / "a.db", key, Migrations({"sdk": now}))
    await journal.unsent_done(store, [2])
    await store.write(lambda connection: connection.execute(text(put), {"grant": "third"}).close())
    rows = "SELECT id, grant_token FROM outbox ORDER BY id"
    kept = await store.read(lambda connection: [tuple(row) for row in connection.execute(text(rows))])
    await store.close()
    assert kept == [(1, "first"), (3, "third")]


async def test_two_reports_of_one_call_arrive_in_their_order(house: FakeHouse) -> None:
    call = house.make("notes_read", limit=1)
    await house.send(call)
    await until(lambda: len(house.records) == 1)
    async with house.runner.stores.use(house.user) as store:
        for outcome in (Unavailable("Away."), DeadlineExceeded("Silent.")):
            await journal.report(store, call, grant=house.grant(), now=house.clock(), result=outcome)
    await house.runner.reporting.send(house.user, house.grant())
    assert [each.outcome for each in house.records[1:]] == ["unavailable", "deadline_exceeded"]


async def test_a_tool_that_raises_anything_leaks_nothing(house: FakeHouse) -> None:
    with pytest.raises(OaError) as caught:
        await house.call("letters_send", to="x", how="broken")
    assert "secret detail" not in caught.value.message
    assert not isinstance(caught.value, Internal)


async def test_an_intent_of_a_dead_instance_is_looked_into_and_never_done_again(
    house: FakeHouse, tmp_path: Path
) -> None:
    from openassistant import journal

    call = house.make("letters_send", to="carol@example.org", how="silent, found")
    await house.runner.keys.unlock(house.user, house.grant())
    async with house.runner.stores.use(house.user) as store:
        await journal.begin(store, call, holder="f" * 32, now=house.clock())
    result = await house.send(call)
    assert result.content == "found"
    assert tools.DONE == []


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of calls whose outcome the disk refuses, each as often as it stands there."""
    refused: list[str] = []
    written = journal.finish

    async def finish(store: Any, call: Any, **more: Any) -> Any:
        if call.id in refused:
            refused.remove(call.id)
            raise Unstored("The disk refused to read or write.")
        return await written(store, call, **more)

    monkeypatch.setattr(journal, "finish", finish)
    return refused


async def test_an_outcome_is_written_as_soon_as_the_disk_takes_it(house: FakeHouse, full_disk: list[str]) -> None:
    call = house.make("letters_send", to="carol@example.org")
    full_disk += [call.id] * 2
    first = await house.send(call)
    assert full_disk == []
    assert (await house.send(call)).content == first.content
    assert len(tools.DONE) == 1
    await until(lambda: [r.action for r in house.records].count(AuditAction.TOOL_FINISHED) == 1)


async def test_an_act_that_the_disk_broke_off_is_looked_up_and_not_said_to_have_failed(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = house.runner.connector.tools["letters_send"]
    call = house.make("letters_send", to="carol@example.org", how="silent, found")

    async def sends_and_cannot_note_it(*_: Any, **__: Any) -> Any:
        raise Unstored("The disk is full, so nothing was stored.")

    monkeypatch.setattr(tool, "function", sends_and_cannot_note_it)
    assert (await house.send(call)).content == "found"


async def test_an_outcome_that_was_never_written_is_looked_up_when_the_call_is_asked_for_again(
    house: FakeHouse, full_disk: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openassistant.runner._WRITE_SECONDS", 0.0)
    call = house.make("letters_send", to="carol@example.org", how="silent, found")
    full_disk += [call.id] * 2
    for _ in range(2):
        with pytest.raises(Unavailable, match="disk"):
            await house.send(call)
    assert (await house.send(call)).content == "found"
    assert (await house.send(call)).content == "found"


async def test_every_outcome_reaches_the_witness(house: FakeHouse) -> None:
    await house.call("notes_read")
    await house.call("letters_send", to="carol@example.org")
    await until(lambda: [r.action for r in house.records].count(AuditAction.TOOL_FINISHED) == 2)


async def test_a_check_says_which_step_failed(house: FakeHouse) -> None:
    assert (await house.check()).ok
    house.connect("Ada's place", {"place": "home"}, password="wrong")
    report = await house.check()
    assert [step.name for step in report.steps] == ["Reach the place"]
    assert report.problem is not None
    assert report.problem.code == "account_required"


async def test_an_attached_account_is_synced_and_tells_its_progress(house: FakeHouse) -> None:
    await house.attach()
    await until(lambda: tools.SYNCED)
    ctx = CallContext.within(5, user=house.user).signed(grant=house.grant())

    async def status() -> AccountStatus:
        query = AccountQuery(user=house.user)
        return await house.agent.request(subjects.account("hand", "status"), query, AccountStatus, ctx)

    async with asyncio.timeout(5):
        while (progress := (await status()).accounts[house.account.account]).state != "idle" or not progress.finished:
            await asyncio.sleep(0.02)
    assert (progress.done, progress.total) == (2, 2)
    detached = AccountQuery(account=house.account.account, user=house.user)
    await house.agent.request(subjects.account("hand", "detach"), detached, Done, ctx)
    assert (await status()).accounts == {}
    assert tools.SYNCED == []


async def test_attaching_under_a_turns_grant_is_refused(house: FakeHouse) -> None:
    from openassistant.messages import AttachRequest

    request = AttachRequest(account=house.account.account, name="x", grant=house.grant())
    ctx = CallContext.within(5, user=house.user).signed(grant=house.grant())
    with pytest.raises(Forbidden):
        await house.agent.request(subjects.account("hand", "attach"), request, Done, ctx)


def test_the_digest_of_a_preview_leaves_warnings_and_notes_out() -> None:
    from openassistant.messages import Destination, Preview

    plain = Preview(verb="Send", confirm="Send", destinations=(Destination(kind="recipient", value="a@b"),))
    noted = plain.model_copy(
        update={
            "warnings": ("New address",),
            "destinations": (Destination(kind="recipient", value="a@b", note="you wrote to her 12 times"),),
        }
    )
    other = plain.model_copy(update={"content": "x"})
    assert plain.digest() == noted.digest() != other.digest()
    assert call_digest is not None


async def test_a_read_asked_for_again_while_it_runs_runs_once(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = [], asyncio.Event()

    async def slowly(ctx: Any, limit: int) -> OutsideText:
        reading.append(limit)
        await go_on.wait()
        return OutsideText(text="a note", source="a stranger")

    monkeypatch.setattr(connector.tools["notes_read"], "function", slowly)
    call = house.make("notes_read", limit=2)
    impatient = house.context(call).capped(0.2)
    with pytest.raises(DeadlineExceeded):
        await house.send(call, impatient)
    again = asyncio.create_task(house.send(call))
    go_on.set()
    assert (await again).content["text"] == "a note"
    assert reading == [2]


async def test_a_read_that_the_provider_never_answers_is_settled(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(ctx: Any, limit: int) -> OutsideText:
        raise DeadlineExceeded("The provider did not answer.")

    monkeypatch.setattr(connector.tools["notes_read"], "function", silent)
    with pytest.raises(DeadlineExceeded) as caught:
        await house.send(house.make("notes_read"))
    assert caught.value.details == {"settled": True}
