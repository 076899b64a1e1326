"""What left the house, as the witness tells it: to its owner alone, in sums that fit the records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from openassistant import subjects
from openassistant.context import CallContext, new_id, utc_now
from openassistant.data import EraseRequest
from openassistant.errors import Forbidden, InvalidRequest
from openassistant.grants import Erasure
from openassistant.left import LeftEntries, LeftEntriesQuery, LeftQuery, LeftReport
from openassistant.messages import AuditAction, Done, Record, TextSource, Traffic
from tests.services.audit.house import CARD, AuditHouse

_MAIL = Traffic(host="imap.example.org", port=993, bytes_out=2_100, bytes_in=48_000)
_MODEL = Traffic(host="api.example.com", port=443, bytes_out=9_000, bytes_in=700)
_NEAR = Traffic(host="127.0.0.1", port=11434, reach="machine", bytes_out=10, bytes_in=20)


def _around(**changes: Any) -> dict[str, Any]:
    return {"since": utc_now() - timedelta(days=2), "until": utc_now() + timedelta(days=1), **changes}


async def _report(house: AuditHouse, user: str | None = None, **changes: Any) -> LeftReport:
    ctx = house.context(house.session(user), user=user or house.user)
    return await house.ask("left", LeftQuery(**_around(**changes)), LeftReport, ctx)


async def _entries(house: AuditHouse, **changes: Any) -> LeftEntries:
    return await house.ask("left_entries", LeftEntriesQuery(**_around(**changes)), LeftEntries)


def _asked(**changes: Any) -> Record:
    sources = (TextSource(kind="owner", bytes=40), TextSource(kind="connector", connector="mail", bytes=900))
    content = {"model": "large-1", "input_tokens": 300, "output_tokens": 20}
    plain = {"id": new_id(), "action": AuditAction.MODEL_ASKED, "content": content, "traffic": (_MODEL,)}
    return Record.model_validate({**plain, "sources": sources, "outcome": "done", **changes})


def _background(house: AuditHouse, *traffic: Traffic) -> Record:
    return Record(id=new_id(), action=AuditAction.TRAFFIC_COUNTED, traffic=traffic or (_MAIL,))


async def test_the_bytes_of_a_call_are_told_by_day_and_place(house: AuditHouse) -> None:
    call = house.call(account=house.turn)
    await house.begin(call)
    await house.end(call, traffic=(_MAIL, _NEAR))
    rows = (await _report(house)).rows
    assert [(each.host, each.bytes_out, each.bytes_in, each.records) for each in rows] == [
        ("imap.example.org", 2_100, 48_000, 1),
        ("127.0.0.1", 10, 20, 1),
    ]
    assert {(each.day, each.kind, each.connector, each.account) for each in rows} == {
        (utc_now().date(), "call", "mail", house.turn)
    }


async def test_equal_places_are_one_sum(house: AuditHouse) -> None:
    for action in (AuditAction.TOOL_FINISHED, AuditAction.TOOL_FAILED):
        call = house.call()
        await house.begin(call)
        await house.end(call, action, traffic=(_MAIL,))
    (row,) = (await _report(house)).rows
    assert (row.bytes_out, row.bytes_in, row.records) == (4_200, 96_000, 2)


async def test_a_question_to_a_model_says_whose_text_went(house: AuditHouse) -> None:
    await house.send("agent", _asked())
    report = await _report(house)
    assert [(each.kind, each.model, each.bytes_out) for each in report.rows] == [("model", "large-1", 9_000)]
    assert [(each.host, each.kind, each.connector, each.bytes) for each in report.sources] == [
        ("api.example.com", "connector", "mail", 900),
        ("api.example.com", "owner", None, 40),
    ]
    (entry,) = (await _entries(house)).entries
    assert (entry.model, entry.input_tokens, entry.output_tokens) == ("large-1", 300, 20)
    assert (entry.turn, entry.conversation) == (house.turn, house.conversation)


async def test_the_entries_behind_a_sum_hold_no_content(house: AuditHouse) -> None:
    call = house.call()
    await house.begin(call)
    await house.end(call, traffic=(_MAIL,))
    found = await _entries(house, host=_MAIL.host, port=_MAIL.port)
    assert [(each.id, each.traffic) for each in found.entries] == [(call.id, (_MAIL,))]
    assert "two bicycles" not in found.model_dump_json()


async def test_entries_come_in_pages_newest_first(house: AuditHouse) -> None:
    for _ in range(5):
        await house.send("agent", _asked())
    first = await _entries(house, limit=3)
    rest = await _entries(house, limit=3, before=first.next)
    indexes = [each.index for each in (*first.entries, *rest.entries)]
    assert indexes == sorted(indexes, reverse=True)
    assert (len(indexes), rest.next) == (5, None)


async def test_entries_of_another_place_or_conversation_are_left_out(house: AuditHouse) -> None:
    await house.send("agent", _asked())
    assert (await _entries(house, host="api.example.com", port=80)).entries == ()
    assert (await _entries(house, conversation=new_id())).entries == ()
    assert len((await _entries(house, conversation=house.conversation)).entries) == 1


async def test_a_day_is_that_of_the_zone_that_is_asked_for(house: AuditHouse) -> None:
    await house.send("agent", _asked())
    for name in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"):
        (row,) = (await _report(house, zone=name)).rows
        assert row.day == datetime.now(ZoneInfo(name)).date()
    with pytest.raises(InvalidRequest, match="time zone"):
        await _report(house, zone="Europe/../etc")


async def test_nobody_reads_what_left_for_another(house: AuditHouse) -> None:
    await house.send("agent", _asked())
    assert (await _report(house, new_id())).rows == ()
    with pytest.raises(Forbidden):
        await house.ask(
            "left", LeftQuery(**_around()), LeftReport, house.context(house.session(new_id()), user=house.user)
        )


async def test_background_work_is_its_accounts_and_of_no_turn(house: AuditHouse) -> None:
    account = new_id()
    grant = house.grant(kind="account", origin="connect", turn=None, conversation=None, account=account)
    record = _background(house).model_copy(update={"account": account})
    await house.send("mail", record, house.context(grant))
    (row,) = (await _report(house)).rows
    assert (row.kind, row.connector, row.account) == ("background", "mail", account)
    (entry,) = (await _entries(house)).entries
    assert (entry.turn, entry.conversation) == (None, None)


async def test_a_connector_counts_in_its_own_name_alone(house: AuditHouse) -> None:
    with pytest.raises(Forbidden, match="does not cover"):
        await house.send("caldav", _background(house))
    other = house.grant(connectors={"caldav": CARD})
    with pytest.raises(Forbidden, match="does not cover"):
        await house.send("mail", _background(house), house.context(other))
    with pytest.raises(Forbidden, match="caldav may not"):
        await house.send("caldav", _asked())


async def test_the_agent_counts_under_the_grant_of_a_turn_alone(house: AuditHouse) -> None:
    for grant in (house.session(), house.grant(expires=utc_now() - timedelta(seconds=1)), None):
        with pytest.raises(Forbidden):
            await house.send("agent", _asked(), house.context().model_copy(update={"grant": grant}))
    assert (await _report(house)).rows == ()


async def test_a_report_that_comes_twice_counts_once(house: AuditHouse) -> None:
    record = _asked()
    first, again = await house.send("agent", record), await house.send("agent", record)
    assert first.index == again.index
    (row,) = (await _report(house)).rows
    assert row.records == 1


async def test_what_says_no_outcome_can_say_no_bytes(house: AuditHouse) -> None:
    record = Record(id=new_id(), action=AuditAction.SESSION_STARTED, traffic=(_MAIL,))
    with pytest.raises(InvalidRequest, match="cannot say"):
        await house.send("gateway", record, house.context(house.session()))


async def test_the_figures_are_in_the_hash_and_changed_sums_do_not_change_them(house: AuditHouse) -> None:
    await house.send("agent", _asked())
    await house.tamper("UPDATE left_sums SET bytes_out = 1")
    (entry,) = (await _entries(house)).entries
    assert entry.traffic == (_MODEL,)
    assert (await house.verify()).ok
    await house.tamper("UPDATE records SET content = x'00' WHERE action = 'model.asked'")
    assert not (await house.verify()).ok


async def test_figures_whose_key_is_gone_are_left_out_of_the_entries(house: AuditHouse) -> None:
    await house.send("agent", _asked())
    await house.tamper("UPDATE records SET content = x'00'")
    (entry,) = (await _entries(house)).entries
    assert (entry.traffic, entry.model) == ((), None)


async def test_days_before_and_after_stay_out(house: AuditHouse) -> None:
    await house.send("agent", _asked())
    past: dict[str, Any] = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2020, 2, 1, tzinfo=UTC)}
    assert (await _report(house, **past)).rows == ()
    assert (await _entries(house, **past)).entries == ()


async def test_of_an_erased_user_it_is_not_told_where_his_bytes_went_and_the_ledger_verifies(
    house: AuditHouse,
) -> None:
    other = new_id()
    await house.send("mail", _background(house))
    await house.send("agent", _asked())
    await house.send("mail", _background(house), house.context(house.grant(user=other), user=other))
    order = house.gateway.sign(Erasure(id=new_id(), user=house.user, expires=utc_now() + timedelta(minutes=1)))
    for _ in range(2):
        ctx = CallContext.within(10, user=house.user)
        await house._vault.request(subjects.data("audit", "erase"), EraseRequest(order=order), Done, ctx)
    report = await _report(house)
    assert (report.rows, report.sources) == ((), ())
    assert [each.host for each in (await _report(house, other)).rows] == ["imap.example.org"]
    counts = await house.store.read(
        lambda c: [
            c.exec_driver_sql(f"SELECT count(*) FROM {each}").scalar_one() for each in ("left_places", "records")
        ]
    )
    assert counts == [1, 3]
    assert (await house.audit.ledger.verify(())).ok
