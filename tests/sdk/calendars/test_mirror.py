"""The tables of a mirror: each account's calendars apart, words found, what changed told once and for a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import pytest
from sqlalchemy import Connection, text

from openassistant.calendars.mirror import EventTables, match_of
from openassistant.errors import NotFound
from openassistant.formats.guests import Person
from openassistant.store import Store

T = TypeVar("T")
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
CAROL = Person("carol@example.org", "Carol")


class Found(NamedTuple):
    ref: str
    name: str
    usual: bool = False
    colours: tuple[str, ...] = ("red", "green")


class Kept(NamedTuple):
    id: int
    account: str
    account_name: str
    ref: str
    name: str
    usual: bool
    colours: tuple[str, ...]
    writable: bool = True


class Entry(NamedTuple):
    title: str
    place: str = ""
    notes: str = ""
    organizer: Person | None = None
    guests: tuple[Person, ...] = ()


def kept_in(row: Mapping[str, Any]) -> Kept:
    return Kept(**{**row, "usual": bool(row["usual"]), "colours": tuple(json.loads(row["colours"]))})


TABLES = EventTables("diary", kept_in, told="series = ''")


class Desk:
    """The mirror of a user."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def do(self, work: Callable[[Connection], T]) -> T:
        return await self.store.write(work)

    async def opened(self, ref: str = "home", *, account: str = "a", usual: bool = False) -> Kept:
        await self.do(lambda c: TABLES.open_calendar(c, account, account.upper(), Found(ref, ref.title(), usual)))
        return await self.do(lambda c: TABLES.calendar_of(c, account, ref))

    async def put(self, calendar: Kept, ref: str, entry: Entry | None, *, series: str = "", data: str = "{}") -> str:
        row = {"key": f"{calendar.account}-{ref}", "calendar": calendar.id, "ref": ref, "series": series, "first": 0,
               "last": 1, "data": data, "round": 0}  # fmt: skip
        return await self.do(lambda c: TABLES.put(c, row, entry, at=None))

    async def found(self, query: str) -> list[str]:
        ask = text("SELECT e.ref FROM diary_search s JOIN diary_events e ON e.id = s.rowid WHERE diary_search MATCH :m")
        return await self.do(lambda c: [row.ref for row in c.execute(ask, {"m": match_of(query)})])

    async def changes(self, since: datetime = NOON, *, account: str = "a") -> list[tuple[str, str]]:
        def ask(connection: Connection) -> list[tuple[str, str]]:
            told = TABLES.changes_since(connection, account, since, lambda key, calendar, raw: key, limit=50)
            return [(each.what, each.kept) for each in told]

        return await self.do(ask)


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


async def test_a_calendar_is_opened_once_and_takes_its_new_name(desk: Desk) -> None:
    first = await desk.opened()
    await desk.do(lambda c: TABLES.open_calendar(c, "a", "Ada", Found("home", "Family", colours=("blue",))))
    [again] = await desk.do(lambda c: TABLES.calendars(c, "a"))
    assert (again.id, again.name, again.account_name, again.colours) == (first.id, "Family", "Ada", ("blue",))


async def test_the_usual_calendar_of_each_account_comes_first(desk: Desk) -> None:
    for ref, account, usual in (("work", "a", True), ("club", "a", False), ("home", "b", False)):
        await desk.opened(ref, account=account, usual=usual)
    every = await desk.do(TABLES.all_calendars)
    assert [(each.account, each.ref) for each in every] == [("a", "work"), ("a", "club"), ("b", "home")]
    assert [each.ref for each in await desk.do(lambda c: TABLES.calendars(c, "b"))] == ["home"]


async def test_a_calendar_of_another_account_is_not_there(desk: Desk) -> None:
    await desk.opened("home", account="b")
    with pytest.raises(NotFound, match="not there any more"):
        await desk.do(lambda c: TABLES.calendar_of(c, "a", "home"))


async def test_an_event_is_new_then_the_same_then_changed(desk: Desk) -> None:
    calendar = await desk.opened()
    assert await desk.put(calendar, "1", Entry("Choir")) == "new"
    assert await desk.put(calendar, "1", Entry("Choir")) == "same"
    assert await desk.put(calendar, "1", Entry("Band"), data='{"v": 2}') == "changed"
    assert await desk.do(lambda c: TABLES.count(c, calendar.id)) == 1


async def test_words_are_found_by_their_beginnings_until_they_are_not_there_any_more(desk: Desk) -> None:
    calendar = await desk.opened()
    await desk.put(calendar, "1", Entry("Choir", place="Town hall", organizer=CAROL))
    await desk.put(calendar, "2", Entry("Chess", guests=(CAROL,), notes="Bring the red book"))
    assert await desk.found("car") == ["1", "2"]
    assert await desk.found("cho hall") == ["1"]
    assert await desk.found('red" OR "choir') == []
    await desk.put(calendar, "1", Entry("Band"), data='{"v": 2}')
    await desk.put(calendar, "2", None, data='{"v": 2}')
    assert await desk.found("car") == []
    assert await desk.found("band") == ["1"]


def test_a_query_without_words_asks_for_nothing_and_a_long_one_for_twenty() -> None:
    assert match_of("?! ...") == ""
    assert match_of('a "b" c*') == '"a"* AND "b"* AND "c"*'
    assert match_of("word " * 100).count("AND") == 19


async def test_with_a_series_its_dates_go_and_that_is_told_once(desk: Desk) -> None:
    calendar = await desk.opened()
    await desk.put(calendar, "choir", Entry("Choir"))
    await desk.put(calendar, "choir-1", Entry("Choir at noon"), series="choir")
    await desk.put(calendar, "chess", Entry("Chess"))
    gone = await desk.do(lambda c: TABLES.remove(c, calendar, ["choir"], seen=NOON))
    assert sorted(gone) == ["a-choir", "a-choir-1"]
    assert await desk.changes() == [("gone", "a-choir")]
    assert await desk.found("choir") == []
    assert await desk.do(lambda c: TABLES.count(c, calendar.id)) == 1


async def test_what_is_removed_unseen_is_no_change(desk: Desk) -> None:
    calendar = await desk.opened()
    await desk.put(calendar, "1", Entry("Choir"))
    assert await desk.do(lambda c: TABLES.remove(c, calendar, ["1", "2"], seen=None)) == ["a-1"]
    assert await desk.changes() == []


async def test_changes_are_told_newest_first_each_event_once_and_for_thirty_days(desk: Desk) -> None:
    calendar = await desk.opened()
    for hours, what, key in ((0, "new", "a-1"), (1, "new", "a-2"), (2, "changed", "a-1")):
        seen = NOON + timedelta(hours=hours)
        await desk.do(lambda c, w=what, k=key, s=seen: TABLES.note_change(c, calendar, w, k, "{}", seen=s))  # type: ignore[misc]
    assert await desk.changes() == [("changed", "a-1"), ("new", "a-2")]
    assert await desk.changes(NOON + timedelta(hours=2)) == [("changed", "a-1")]
    assert await desk.changes(account="b") == []
    await desk.do(lambda c: TABLES.drop_changes(c, calendar, now=NOON + timedelta(days=30, hours=2)))
    assert await desk.changes() == [("changed", "a-1")]


async def test_an_account_is_forgotten_and_the_other_stays(desk: Desk) -> None:
    for account in ("a", "b"):
        calendar = await desk.opened(account=account)
        await desk.put(calendar, "1", Entry("Choir"))
        await desk.do(lambda c, k=calendar: TABLES.note_change(c, k, "new", f"{k.account}-1", "{}", seen=NOON))  # type: ignore[misc]
    await desk.do(lambda c: TABLES.forget(c, "a"))
    assert [each.account for each in await desk.do(TABLES.all_calendars)] == ["b"]
    assert await desk.changes() == []
    assert await desk.changes(account="b") == [("new", "b-1")]
    assert await desk.found("choir") == ["1"]


async def test_a_calendar_that_is_gone_takes_its_events_along(desk: Desk) -> None:
    home, work = await desk.opened("home"), await desk.opened("work")
    await desk.put(home, "1", Entry("Choir"))
    await desk.put(work, "2", Entry("Choir"))
    await desk.do(lambda c: TABLES.drop_calendars(c, "a", keep={"work"}))
    assert [each.ref for each in await desk.do(TABLES.all_calendars)] == ["work"]
    assert await desk.found("choir") == ["2"]
