"""What records held is removed, by age, number, account or conversation, and everything still verifies."""

import json
from datetime import datetime, timedelta

import pytest

from deploy.verify_export import Mismatch, verify
from openassistant import subjects
from openassistant.context import CallContext, new_id, utc_now
from openassistant.data import EraseRequest, Forgotten, Holding
from openassistant.grants import Erasure, Scope
from openassistant.left import LeftQuery, LeftReport
from openassistant.messages import AuditAction, Done, LedgerPage, LedgerQuery, Record, Traffic, TurnCalls, TurnQuery
from tests.services.audit.house import AuditHouse

SECRET = "planted-argument-wolverine"


async def forget(house: AuditHouse, scope: Scope, *, dry: bool = False, user: str | None = None) -> dict[str, int]:
    """By kind, how many things went of a user under the gateway's order."""
    user, expires = user or house.user, utc_now() + timedelta(minutes=2)
    order = house.gateway.sign(Erasure(id=new_id(), user=user, scope=scope, expires=expires))
    ctx = CallContext.within(20, user=user).signed(grant=house.session(user))
    request = EraseRequest(order=order, dry=dry)
    told = await house.bus.room("gateway").request(subjects.data("audit", "forget"), request, Forgotten, ctx)
    return {each.kind: each.count for each in told.parts}


async def contents(house: AuditHouse, user: str | None = None) -> list[bool]:
    """Of each record of a user, oldest first, whether it still holds something."""
    ctx = house.context(house.session(user), user=user or house.user)
    page: LedgerPage = await house.ask("query", LedgerQuery(limit=200), LedgerPage, ctx)
    return [each.content is not None for each in page.entries]


async def moments(house: AuditHouse) -> list[datetime]:
    page: LedgerPage = await house.ask("query", LedgerQuery(limit=200), LedgerPage)
    return [each.time for each in page.entries]


async def filled(house: AuditHouse, count: int = 4) -> None:
    for _ in range(count):
        await house.begin(house.call(arguments={"query": SECRET}))


async def test_contents_go_and_the_ledger_verifies_also_after_a_restart_and_goes_on(house: AuditHouse) -> None:
    await filled(house)
    before = await house.ask("head", Done(), type(await house.audit.on_head(CallContext.within(5), Done())))
    assert await forget(house, Scope(kinds=("arguments",)), dry=True) == {"arguments": 4}
    assert await contents(house) == [True] * 4
    assert await forget(house, Scope(kinds=("arguments",))) == {"arguments": 4}
    assert await contents(house) == [False] * 4
    assert await forget(house, Scope(kinds=("arguments",))) == {}
    found = await house.verify(before)
    assert (found.ok, found.detail, found.size) == (True, "", 4)
    await house.restart()
    await filled(house, 1)
    assert (await house.verify(before)).ok
    assert await contents(house) == [False] * 4 + [True]


async def test_only_what_is_older_than_a_moment_goes(house: AuditHouse) -> None:
    await filled(house)
    third = (await moments(house))[2]
    assert await forget(house, Scope(kinds=("arguments",), until=third)) == {"arguments": 2}
    assert await contents(house) == [False, False, True, True]


async def test_a_period_goes_and_what_was_before_and_after_it_stays(house: AuditHouse) -> None:
    await filled(house)
    times = await moments(house)
    assert await forget(house, Scope(since=times[1], until=times[3])) == {"arguments": 2}
    assert await contents(house) == [True, False, False, True]


async def test_all_but_the_newest_go(house: AuditHouse) -> None:
    await filled(house)
    assert await forget(house, Scope(kinds=("arguments",), beyond=3)) == {"arguments": 1}
    assert await contents(house) == [False, True, True, True]


async def test_one_conversation_goes(house: AuditHouse) -> None:
    await filled(house, 1)
    former, house.conversation, house.turn = house.conversation, new_id(), new_id()
    await filled(house, 2)
    assert await forget(house, Scope(kinds=("arguments",), conversation=former)) == {"arguments": 1}
    assert await contents(house) == [False, True, True]
    query = TurnQuery(user=house.user, conversation=former)
    calls = (await house.ask("turn", query, TurnCalls)).calls  # that the calls were made stays known
    assert [(each.tool, each.conversation) for each in calls] == [("messages_search", former)]


async def test_one_account_goes_and_its_calls_are_still_found_by_it(house: AuditHouse) -> None:
    account, other = new_id(), new_id()
    await house.begin(house.call(account=account))
    await house.begin(house.call(account=other))
    assert await forget(house, Scope(kinds=("arguments",), account=account)) == {"arguments": 1}
    assert await contents(house) == [False, True]
    calls = (await house.ask("turn", TurnQuery(user=house.user, account=account), TurnCalls)).calls
    assert [each.conversation for each in calls] == [house.conversation]


async def test_nothing_of_somebody_else_goes(house: AuditHouse) -> None:
    stranger = new_id()
    await house.begin(house.call(user=stranger), house.context(house.grant(user=stranger), user=stranger))
    await filled(house, 1)
    assert await forget(house, Scope()) == {"arguments": 1}
    assert await contents(house, stranger) == [True]


async def test_certificates_are_not_emptied(house: AuditHouse) -> None:
    note = Record(id=new_id(), action=AuditAction.DATA_ERASED, content={"what": "period"})
    await house.send("gateway", note, house.context(house.session()))
    assert await forget(house, Scope()) == {}
    assert await contents(house) == [True]


async def test_where_bytes_went_goes_by_its_time(house: AuditHouse) -> None:
    call = house.call()
    await house.begin(call)
    traffic = (Traffic(host="mail.example.org", port=993, reach="public", bytes_out=10, bytes_in=20),)
    await house.end(call, traffic=traffic)
    now = utc_now()
    query = LeftQuery(since=now - timedelta(days=1), until=now + timedelta(days=1))
    assert len((await house.ask("left", query, LeftReport)).rows) == 1
    kinds = ("left",)
    assert await forget(house, Scope(kinds=kinds, until=now - timedelta(hours=1))) == {}
    assert await forget(house, Scope(kinds=kinds, until=now + timedelta(hours=1)), dry=True) == {"left": 1}
    assert await forget(house, Scope(kinds=kinds, until=now + timedelta(hours=1))) == {"left": 1}
    assert (await house.ask("left", query, LeftReport)).rows == ()


async def test_what_is_held_is_told(house: AuditHouse) -> None:
    await filled(house, 3)
    await forget(house, Scope(kinds=("arguments",), beyond=1))
    ctx = house.context(house.session())
    held = await house.bus.room("gateway").request(subjects.data("audit", "usage"), Done(), Holding, ctx)
    assert {each.kind: each.count for each in held.parts} == {"records": 3, "arguments": 1}


async def test_an_export_says_what_was_emptied_and_checks_out(house: AuditHouse) -> None:
    await filled(house)
    await forget(house, Scope(kinds=("arguments",), beyond=1))
    lines = await house.export()
    assert not any(SECRET in line for line in lines[:3])
    public = house.trust.raw_public("audit")
    report = verify(lines, public)
    assert (report.size, report.whole, report.emptied, report.calls) == (4, 1, 3, 1)
    forged = json.loads(lines[0])
    forged["record"]["tool"] = "messages_delete"
    with pytest.raises(Mismatch, match="record 0 was emptied by somebody else, or changed"):
        verify([json.dumps(forged), *lines[1:]], public)
    whole = json.loads(lines[3])
    whole["emptied"] = forged["emptied"]
    with pytest.raises(Mismatch, match="record 3"):
        verify([*lines[:3], json.dumps(whole), *lines[4:]], public)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET tool = 'messages_delete' WHERE position = 1",
        "UPDATE records SET content = x'00' WHERE position = 1",
        "UPDATE records SET emptied = NULL WHERE position = 1",
        "UPDATE records SET content = NULL, emptied = (SELECT max(emptied) FROM records) WHERE position = 0",
        "UPDATE records SET emptied = 'nonsense' WHERE position = 1",
    ],
)
async def test_an_emptied_record_that_was_changed_or_one_emptied_by_another_hand_is_found(
    house: AuditHouse, statement: str
) -> None:
    await filled(house, 2)
    second = (await moments(house))[1]
    await forget(house, Scope(kinds=("arguments",), since=second))
    assert (await house.verify()).ok
    await house.tamper(statement)
    found = await house.verify()
    assert (found.ok, found.index) == (False, 0 if "position = 0" in statement else 1)
