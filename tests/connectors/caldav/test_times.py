"""When somebody is busy and when all are free: over accounts, by shared calendars, and as a server that schedules says.

No server at hand answers for another of its users, so where one must, Xandikos answers for a second address of Ada's.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.caldav.freebusy import busy_in
from connectors.caldav.tools import connector
from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.errors import InvalidRequest
from openassistant.formats.moments import Window, window, zone_named
from openassistant.messages import AccountQuery, Done, Effect
from tests.connectors.caldav.conftest import PASSWORD, Desk
from tests.peers.front import Front, Passed
from tests.peers.xandikos import Xandikos

DENTIST = "UID:dentist\nDTSTART:20261222T080000Z\nDTEND:20261222T084500Z\nSUMMARY:Dentist"
DAY = {"start": "2026-12-22", "end": "2026-12-22"}
HOURS = {**DAY, "minutes": 60, "opens": "09:00", "closes": "12:00"}
SPAN = window("2026-12-22", "2026-12-22", zone_named("Europe/Berlin"))


def times(found: dict[str, Any], kind: str = "slots") -> list[tuple[str, str]]:
    return [(each["start"][11:16], each["end"][11:16]) for each in found[kind]]


async def two_accounts(desk: Desk) -> None:
    """The calendar Personal in one account, Work in another, each of them the whole of its account."""
    await desk.run(desk.server.make_calendar, "Work")
    desk.set(url=desk.server.calendar_url())
    await desk.sync()
    other = desk.house.account.model_copy(
        update={"account": new_id(), "name": "Work", "settings": {**desk.settings, "url": _work(desk)}}
    )
    with desk.as_account(other):
        await desk.sync()
        report = {"title": "Report", "start": "2026-12-22T10:00", "end": "2026-12-22T11:00", "calendar": "work"}
        await desk.house.call("events_create", **report)


def _work(desk: Desk) -> str:
    return desk.server.calendar_url(calendar="Work")


async def test_a_free_time_is_free_in_all_accounts(desk: Desk) -> None:
    await desk.put("dentist", DENTIST)
    await two_accounts(desk)
    found = await desk.house.call("slots_find", **HOURS)
    assert times(found) == [("11:00", "12:00")]
    assert found["accounts"] == ["Calendar", "Work"]


async def test_busy_times_of_all_accounts_come_as_one_and_without_titles(desk: Desk) -> None:
    await desk.put("dentist", DENTIST.replace("T084500Z", "T093000Z"))
    await two_accounts(desk)
    result = await desk.house.send(desk.house.make("busy_list", **DAY))
    assert times(result.content, "busy") == [("09:00", "11:00")]
    assert "Dentist" not in str(result.content)
    assert result.outside == ()


async def test_an_account_that_was_removed_keeps_nobody_busy(desk: Desk) -> None:
    await desk.put("dentist", DENTIST)
    await two_accounts(desk)
    ctx = CallContext.within(10, now=desk.now(), user=desk.house.user).signed(grant=desk.house.grant())
    query = AccountQuery(account=desk.house.account.account)
    await desk.house.agent.request(subjects.account("caldav", "detach"), query, Done, ctx)
    found = await desk.house.call("busy_list", **DAY)
    assert (times(found, "busy"), found["accounts"]) == ([("10:00", "11:00")], ["Work"])


async def test_what_is_not_settled_is_busy_perhaps_and_what_was_declined_is_free(desk: Desk) -> None:
    desk.set(address="ada@home.example")
    await desk.put("perhaps", DENTIST.replace("dentist", "perhaps") + "\nSTATUS:TENTATIVE")
    asked = "ORGANIZER:mailto:carol@example.org\nATTENDEE{}:mailto:ada@home.example"
    for hour, name, answer in (
        (10, "open", ""),
        (12, "declined", ";PARTSTAT=DECLINED"),
        (14, "yes", ";PARTSTAT=ACCEPTED"),
    ):
        body = f"UID:{name}\nDTSTART:20261222T{hour}0000Z\nDTEND:20261222T{hour + 1}0000Z\nSUMMARY:{name}"
        await desk.put(name, f"{body}\n{asked.format(answer)}")
    await desk.put("nothing", "UID:nothing\nDTSTART:20261222T200000Z\nSUMMARY:No length")
    await desk.sync()
    found = await desk.house.call("busy_list", **DAY)
    assert [(each["start"][11:16], each["tentative"]) for each in found["busy"]] == [
        ("09:00", True),
        ("11:00", True),
        ("15:00", False),
    ]


async def test_a_day_and_a_series_keep_one_busy(desk: Desk) -> None:
    await desk.put("away", "UID:away\nDTSTART;VALUE=DATE:20261222\nDTEND;VALUE=DATE:20261223\nSUMMARY:Away")
    await desk.put(
        "daily", "UID:daily\nDTSTART:20260101T080000Z\nDTEND:20260101T083000Z\nRRULE:FREQ=DAILY\nSUMMARY:Daily"
    )
    await desk.sync()
    found = await desk.house.call("busy_list", start="2026-12-22", end="2026-12-23")
    assert [each["start"] for each in found["busy"]] == ["2026-12-22T00:00:00+01:00", "2026-12-23T09:00:00+01:00"]


async def test_a_calendar_that_counts_as_free_keeps_nobody_busy(desk: Desk, front: Front) -> None:
    await desk.put("dentist", DENTIST)
    front.change = lambda passed: _with_properties(passed, _TRANSPARENT)
    await desk.sync()
    assert (await desk.house.call("busy_list", **DAY))["busy"] == []


async def test_a_calendar_of_another_says_when_that_one_is_busy_and_not_the_user(desk: Desk, front: Front) -> None:
    desk.set(address="ada@home.example")
    await desk.put("dentist", DENTIST)
    front.change = _owned_by_bob
    await desk.sync()
    assert (await desk.house.call("busy_list", **DAY))["busy"] == []
    found = await desk.house.call("slots_find", **HOURS, guests=["Bob <bob@home.example>"])
    assert times(found) == [("09:45", "12:00")]
    assert found["guests"] == [
        {"guest": "bob@home.example", "known": True, "note": "By a calendar of theirs that the user sees."}
    ]


_OWNER = b"<X:owner xmlns:X='DAV:'><X:href>/bob/</X:href></X:owner>"
_TRANSPARENT = (
    b"<X:schedule-calendar-transp xmlns:X='urn:ietf:params:xml:ns:caldav'><X:transparent/></X:schedule-calendar-transp>"
)
_OWN = (
    b"<X:calendar-user-address-set xmlns:X='urn:ietf:params:xml:ns:caldav' xmlns:Y='DAV:'>"
    b"<Y:href>mailto:%s@home.example</Y:href></X:calendar-user-address-set>"
)
_PEOPLE = (
    b'<d:multistatus xmlns:d="DAV:"><d:response><d:href>/bob/</d:href><d:propstat><d:prop>%s</d:prop>'
    b"<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"
)


def _owned_by_bob(passed: Passed) -> Passed:
    """The server's answers as if its calendars were shared by Bob."""
    if passed.method == "PROPFIND" and passed.path == "/bob/":
        return replace(passed, status=207, answered=_PEOPLE % (_OWN % b"bob"))
    if passed.method == "PROPFIND" and b"calendar-home-set" in passed.answered:
        return _with_properties(passed, _OWN % b"ada")
    return _with_properties(passed, _OWNER)


def _with_properties(passed: Passed, more: bytes) -> Passed:
    """The answer to a PROPFIND with a property in each list of those that were found, before the server's own."""
    if passed.method != "PROPFIND":
        return passed
    without = re.sub(rb"<(\w+:)?(owner|schedule-calendar-transp)\b[^>]*?(/>|>.*?</(\w+:)?\2>)", b"", passed.answered)
    return replace(passed, answered=re.sub(rb"(</(?:\w+:)?prop>)", more + rb"\1", without))


async def test_of_a_guest_about_whom_nobody_knows_it_is_said_so(desk: Desk) -> None:
    desk.set(address="ada@home.example")
    await desk.sync()
    found = await desk.house.call("slots_find", **HOURS, guests=["carol@example.org", "ada@home.example"])
    assert [(each["guest"], each["known"]) for each in found["guests"]] == [("carol@example.org", False)]
    assert times(found) == [("09:00", "12:00")]


async def test_a_guest_who_is_no_address_is_refused(read: Desk) -> None:
    with pytest.raises(InvalidRequest, match="no mail address"):
        await read.house.call("slots_find", **HOURS, guests=["carol"])


def test_asking_servers_of_others_reaches_others() -> None:
    tool = connector.tools["slots_find"]
    assert tool.effect_for({"guests": ["bob@home.example"]}) is Effect.READ
    assert tool.effect_for({"guests": ["bob@home.example"], "ask_others": True}) is Effect.SEND


@pytest.fixture
async def scheduled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """Ada's calendar on a server that schedules; there she is also Eve, for whom it answers like for a guest."""
    monkeypatch.setattr("openassistant.syncing._TICK_SECONDS", 0.02)
    with Xandikos({"ada": PASSWORD}, addresses={"ada": ("ada@home.example", "eve@home.example")}) as server:
        server.make_boxes()
        desk = Desk(server, tmp_path / "data")
        async with desk.house:
            yield desk


def _forget_eve(passed: Passed) -> Passed:
    """The answers of a server on which Eve is another."""
    return replace(passed, answered=re.sub(rb"<(\w+:)href>mailto:eve@home.example</\1href>", b"", passed.answered))


async def _as_strangers(desk: Desk) -> Front:
    """Ada, who knows nothing of being Eve, with the dentist in Eve's calendar alone."""
    assert isinstance(desk.server, Xandikos)
    await desk.put("dentist", DENTIST + "\nTRANSP:OPAQUE")
    front = desk.server.front
    front.change = lambda passed: _forget_eve(passed) if passed.method == "PROPFIND" else passed
    await desk.sync()
    return front


@pytest.mark.slow
async def test_a_server_that_schedules_is_asked_about_guests_of_its_own_domain(scheduled: Desk) -> None:
    front = await _as_strangers(scheduled)
    found = await scheduled.house.call(
        "slots_find", **HOURS, guests=["eve@home.example", "zoe@home.example", "carol@example.org"]
    )
    assert [(each["guest"], each["known"]) for each in found["guests"]] == [
        ("eve@home.example", True),
        ("zoe@home.example", False),
        ("carol@example.org", False),
    ]
    assert "ask_others" in found["guests"][2]["note"]
    [question] = [each.asked.decode() for each in front.seen if each.method == "POST"]
    assert "carol" not in question
    assert "SUMMARY" not in question
    assert times(found) == [("09:45", "12:00")]


@pytest.mark.slow
async def test_a_guest_elsewhere_is_asked_about_after_a_yes_that_names_her(scheduled: Desk) -> None:
    front = await _as_strangers(scheduled)
    given = {**HOURS, "guests": ["Carol Meyer <carol@example.org>"], "ask_others": True}
    shown = await scheduled.house.preview("slots_find", **given)
    assert (shown.effect, [each.value for each in shown.destinations]) == (Effect.SEND, ["carol@example.org"])
    assert not [each for each in front.seen if each.method == "POST"]
    found = await scheduled.house.call("slots_find", **given)
    assert found["guests"] == [
        {"guest": "carol@example.org", "known": False, "note": "The calendar server does not know."}
    ]
    assert len([each for each in front.seen if each.method == "POST"]) == 1


@pytest.mark.slow
async def test_a_server_that_fails_over_the_question_leaves_the_guest_unknown(scheduled: Desk) -> None:
    front = await _as_strangers(scheduled)
    front.change = lambda passed: replace(passed, status=500) if passed.method == "POST" else _forget_eve(passed)
    found = await scheduled.house.call("slots_find", **HOURS, guests=["eve@home.example"])
    assert found["guests"][0] == {
        "guest": "eve@home.example",
        "known": False,
        "note": "The calendar server could not be asked at the moment.",
    }


def _response(data: str, *, status: str = "2.0;Success", who: str = "mailto:Bob@home.example") -> bytes:
    return (
        f'<C:schedule-response xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><C:response><C:recipient>'
        f"<D:href>{who}</D:href></C:recipient><C:request-status>{status}</C:request-status>"
        f"<C:calendar-data>{data}</C:calendar-data></C:response></C:schedule-response>"
    ).encode()


def _periods(*lines: str) -> str:
    body = "".join(f"{line}\r\n" for line in lines)
    return f"BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\n{body}END:VFREEBUSY\r\nEND:VCALENDAR\r\n"


BOB = ["bob@home.example"]


def test_periods_are_read_in_every_form_and_cut_to_the_span() -> None:
    found = busy_in(
        _response(
            _periods(
                "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261222T080000Z/PT1H,20261222T090000Z/20261222T093000Z",
                "FREEBUSY;FBTYPE=FREE:20261222T100000Z/PT1H",
                "FREEBUSY:20261222T210000Z/20261230T000000Z",
            )
        ),
        BOB,
        SPAN,
    )
    assert [(f"{each.start:%H:%M}", f"{each.end:%H:%M}") for each in found["bob@home.example"]] == [
        ("08:00", "09:30"),
        ("21:00", "00:00"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        _response("", status="3.7;Invalid calendar user"),
        _response("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"),
        _response("nothing of the kind"),
        _response(_periods("FREEBUSY:yesterday")),
        _response(_periods(), who="mailto:mallory@home.example"),
        _response(_periods("FREEBUSY:" + ",".join(["20261222T080000Z/PT1H"] * 20_001))),
    ],
)
def test_an_odd_answer_leaves_the_guest_unknown(answer: bytes) -> None:
    assert busy_in(answer, BOB, Window(*SPAN)) == {}
