"""Calendars that are lent: where one of an account is, the others are not there, whatever is asked and by what id."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.caldav import mirror
from connectors.caldav.account import CaldavAccount
from connectors.caldav.client import dav_session
from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.errors import Forbidden, NotFound, OaError
from openassistant.messages import AccountParts, AttachRequest
from tests.connectors.caldav.conftest import PASSWORD, Desk

DAY = {"start": "2026-12-22", "end": "2026-12-22"}
DENTIST = "UID:dentist\nDTSTART:20261222T080000Z\nDTEND:20261222T084500Z\nSUMMARY:Dentist"


async def parts_of(desk: Desk) -> dict[str, str]:
    house = desk.house
    request = AttachRequest(account=house.account.account, name="", grant=house.account_grant())
    ctx = CallContext.within(30, now=desk.now(), user=house.user).signed(grant=request.grant)
    found = await house.agent.request(subjects.account("caldav", "parts"), request, AccountParts, ctx)
    assert found.offered
    return {each.name: each.id for each in found.parts}


async def two_calendars(desk: Desk) -> tuple[dict[str, str], str]:
    """Personal with the dentist, Family with the picnic; by name, and the id of the dentist's event."""
    await desk.put("dentist", DENTIST)
    await desk.run(desk.server.make_calendar, "Family")
    await desk.sync()
    picnic = {"title": "Picnic", "start": "2026-12-22T10:00", "end": "2026-12-22T11:00", "calendar": "family"}
    await desk.house.call("events_create", **picnic)
    found = await desk.between("2026-12-22", "2026-12-22")
    [dentist] = [each["id"] for each in found if each["title"]["text"] == "Dentist"]
    return await parts_of(desk), dentist


def borrow(desk: Desk, access: Any, *parts: str) -> None:
    """The house's calls are for Bob's account from now on, which points to Ada's; his mirror is his own."""
    desk.house.user = new_id()
    desk.house.account = desk.house.account.model_copy(update={"account": new_id(), "name": "Lent"})
    desk.house.lend(access, *parts)


async def titles(desk: Desk) -> list[str]:
    return [each["title"]["text"] for each in await desk.between("2026-12-22", "2026-12-22")]


async def lent(desk: Desk, access: Any) -> tuple[dict[str, str], str]:
    parts, dentist = await two_calendars(desk)
    family = next(url for name, url in parts.items() if name.casefold() == "family")
    borrow(desk, access, family)
    await desk.sync()
    return parts, dentist


async def test_of_the_lent_calendar_everything_is_there_and_of_the_other_nothing(desk: Desk) -> None:
    _, dentist = await lent(desk, "read")
    assert await titles(desk) == ["Picnic"]
    names = [each["name"]["text"] for each in (await desk.house.call("calendars_list"))["calendars"]]
    assert [each.casefold() for each in names] == ["family"]
    assert (await desk.house.call("events_search", query="dentist"))["events"] == []
    with pytest.raises((NotFound, OaError)):
        await desk.house.call("events_get", event=dentist)
    async with desk.house.runner.stores.use(desk.house.user) as store:
        found = await store.read(lambda c: mirror.calendars(c, desk.house.account.account))
    assert len(found) == 1


async def test_a_session_of_a_lent_account_asks_for_nothing_outside(desk: Desk) -> None:
    parts, _ = await two_calendars(desk)
    family = next(url for name, url in parts.items() if name.casefold() == "family")
    other = next(url for url in parts.values() if url != family)
    account = CaldavAccount(**desk.settings, password=PASSWORD, lent=True, only=frozenset({family}))
    async with dav_session(account, seconds=20) as session:
        for url in (f"{other}dentist.ics", f"{family}../{other.rstrip('/').rpartition('/')[2]}/dentist.ics", other):
            with pytest.raises(Forbidden):
                await session.get(url)
            with pytest.raises(Forbidden):
                await session.put(url, "BEGIN:VCALENDAR", etag=None)
            with pytest.raises(Forbidden):
                await session.delete(url, etag="x")
            with pytest.raises(Forbidden):
                await session.multiget(family, [url])
            with pytest.raises(Forbidden):
                await session.ask_outbox(url, "x")
        with pytest.raises(Forbidden):
            await session.by_uid(other, "dentist")


async def test_it_is_written_into_the_lent_calendar_alone_and_only_where_that_is_lent(desk: Desk) -> None:
    parts, _ = await lent(desk, "act")
    more = {"title": "Sledging", "start": "2026-12-22T14:00", "end": "2026-12-22T15:00"}
    await desk.house.call("events_create", **more)
    assert await titles(desk) == ["Picnic", "Sledging"]
    other = next(name for name in parts if name.casefold() != "family")
    with pytest.raises(OaError, match="no such calendar"):
        await desk.house.call("events_create", **more, calendar=other)
    desk.house.lend("read", *desk.house.account.lent.parts if desk.house.account.lent else ())
    with pytest.raises(Forbidden):
        await desk.house.call("events_create", **more)
    assert len([each for each in await desk.texts() if "Sledging" in each]) <= 1


async def test_the_times_of_a_lent_calendar_are_its_lenders(desk: Desk) -> None:
    await lent(desk, "read")
    busy = await desk.house.call("busy_list", **DAY)
    assert (busy["busy"], busy["accounts"]) == ([], [])
    found = await desk.house.call(
        "slots_find", **DAY, minutes=60, opens="09:00", closes="12:00", guests=["ada@home.example"]
    )
    assert [each["guest"] for each in found["guests"]] == ["ada@home.example"]


async def test_an_archive_of_the_borrower_holds_nothing_of_it(desk: Desk) -> None:
    await lent(desk, "read")
    assert await titles(desk) == ["Picnic"]
    files = await desk.house.exported()
    assert not [path for path, body in files.items() if b"Picnic" in body or path.endswith(".ics")]
