"""A workspace is mirrored by the little that Notion offers for it."""

from __future__ import annotations

import time
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from connectors.notion import sync
from connectors.notion.tools import connector
from openassistant import runner
from openassistant.context import CallContext, new_id
from openassistant.errors import (
    AccountRequired,
    NotFound,
    OaError,
    UpstreamFailed,
)
from tests.connectors.notion.conftest import Desk


async def test_a_pass_reads_back_only_what_is_new(desk: Desk) -> None:
    desk.server.page_size = 10
    for each in range(50):
        desk.server.page(f"Old {each}")
    desk.server.pass_by(hours=1)
    desk.server.page("Recent")
    await desk.sync()
    assert desk.asked("/search") == 6
    new = desk.server.page("New", "fresh words")
    desk.server.seen.clear()
    await desk.sync()
    assert desk.asked("/search") == 1
    assert [target for _, target in desk.server.seen if "markdown" in target] == [f"/v1/pages/{new}/markdown"]
    assert await desk.titles("fresh") == ["New"]


async def test_the_end_of_a_pass_tells_what_the_copy_holds(desk: Desk) -> None:
    for each in ("One", "Two"):
        desk.server.page(each, "words")
    await desk.sync()
    desk.server.pass_by(hours=1)
    desk.server.page("Three", "words")
    told: list[tuple[int, int | None, str]] = []

    async def progress(done: int, whole: int | None, what: str) -> None:
        told.append((done, whole, what))

    ctx = CallContext.within(300, now=desk.house.clock(), user=desk.house.user).signed(grant=desk.house.account_grant())
    account = desk.house.account.account
    async with desk.house.runner.context(ctx, desk.house.user, account, progress=progress) as context:
        assert connector.syncer is not None
        await connector.syncer(context)
    assert told == [(1, 1, "texts"), (3, 3, "pages")]


async def test_a_change_within_the_same_minute_and_one_that_the_search_showed_late_are_not_missed(desk: Desk) -> None:
    home = desk.server.page("Before")
    await desk.sync()
    renamed = {"title": [{"text": {"content": "After"}}]}
    desk.server.pages[home]["properties"]["title"] = desk.server._value("title", renamed)
    await desk.sync()
    assert await desk.titles("after") == ["After"]
    late = desk.server.page("Late")
    desk.server.pass_by(minutes=5)
    held = desk.server.pages.pop(late)
    desk.server.page("Newest")
    await desk.sync()
    desk.server.pages[late] = held
    await desk.sync()
    desk.server.seen.clear()
    assert await desk.titles("late") == ["Late"]
    assert desk.server.seen == []


async def test_what_is_gone_or_in_the_trash_leaves_with_the_next_whole_pass(desk: Desk) -> None:
    gone, trashed, lost = desk.server.page("Gone"), desk.server.page("Trashed"), desk.server.page("Unlisted")
    await desk.sync()
    del desk.server.pages[gone]
    desk.server.pages[trashed]["in_trash"] = True
    desk.server.searched = lambda found: {
        **found, "results": [each for each in found["results"] if each["id"] != lost]
    }  # fmt: skip
    await desk.sync()
    assert len(await desk.titles("gone")) == 1
    desk.server.pass_by(hours=7)
    await desk.sync()
    assert [await desk.titles(each) for each in ("gone", "trashed", "unlisted")] == [[], [], ["Unlisted"]]


async def test_a_page_that_is_met_in_the_trash_leaves_at_once(desk: Desk) -> None:
    page = desk.server.page("Page", "words")
    await desk.sync()
    desk.server.pages[page]["in_trash"] = True
    await desk.call("pages_read", page=page)
    desk.server.seen.clear()
    assert await desk.titles("page") == []


async def test_a_first_pass_that_was_stopped_goes_on_where_it_was(desk: Desk) -> None:
    desk.server.page_size = 10
    for each in range(30):
        desk.server.page(f"Page {each:02d}")
    _lose(desk, 3)
    with pytest.raises(OaError):
        await desk.sync()
    assert (await desk.call("pages_search", query="page", limit=100))["note"].startswith("The workspace is still")
    desk.server.seen.clear()
    await desk.sync()
    assert desk.asked("/search") == 1
    assert len(await desk.titles("page")) == 20
    assert len((await desk.call("pages_search", query="page", limit=100))["pages"]) == 30


async def test_a_place_in_the_list_that_notion_does_not_know_any_more_means_from_the_beginning(desk: Desk) -> None:
    desk.server.page_size = 1
    for each in range(3):
        desk.server.page(f"Page {each}")
    desk.server.fault("POST", "search", 404)
    with pytest.raises(NotFound):
        await desk.sync()
    _lose(desk, 2, 3)
    with pytest.raises(NotFound):
        await desk.sync()
    await desk.sync()
    assert len(await desk.titles("page")) == 3


async def test_a_list_that_goes_in_circles_ends(desk: Desk) -> None:
    desk.server.searched = lambda found: {**found, "results": [], "next_cursor": "cursor-0", "has_more": True}
    with pytest.raises(UpstreamFailed, match="does not end"):
        await desk.sync()


async def test_new_pages_are_announced_once_the_mirror_is_whole(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, list[str]]] = []

    async def announce(_: Any, kind: str, ids: list[str]) -> None:
        heard.append((kind, ids))

    monkeypatch.setattr(runner._CallContext, "announce", announce)
    desk.server.page("Old")
    await desk.sync()
    assert heard == []
    new = desk.server.page("New")
    await desk.sync()
    assert heard == [("page", [new])]


async def test_an_owner_who_leaves_out_reading_has_no_mirror(desk: Desk) -> None:
    desk.server.page("Page")
    await desk.sync()
    desk.house.account = desk.house.account.model_copy(update={"capabilities": ("comment",)})
    desk.house.runner.keys.forget_account(desk.house.account.account)
    desk.server.seen.clear()
    await desk.sync()
    assert desk.server.seen == []
    with pytest.raises(AccountRequired, match="connected without"):
        await desk.call("pages_search", query="page")


async def test_forgetting_an_account_leaves_nothing_and_not_the_other_account_s(desk: Desk) -> None:
    desk.server.page("Mine", "secret words")
    await desk.sync()
    first = desk.house.account
    other = desk.server.person("Other", bot=True)
    desk.server.bots["another-fake-token"] = other
    desk.house.account = first.model_copy(
        update={"account": new_id(), "secrets": {"access_token": "another-fake-token"}}
    )
    assert await desk.titles("mine") == ["Mine"]  # asked of Notion: the mirror is each account's own
    await desk.sync()
    await _forget(desk)
    assert await _rows(desk, first.account) > 0
    desk.house.account = first
    desk.server.seen.clear()
    assert await desk.titles("secret") == ["Mine"]
    assert desk.server.seen == []
    await _forget(desk)
    assert await _rows(desk, first.account) == 0


@pytest.mark.slow
@pytest.mark.slow
async def test_ten_thousand_pages_are_found_in_a_moment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in range(10_000):
        desk.server.page(f"Page {each} of the archive")
    monkeypatch.setattr(sync, "_MOST_TEXTS", 20)
    await desk.sync()
    began = time.process_time()
    assert (await desk.titles("archive 9876"))[0] == "Page 9876 of the archive"
    assert len(await desk.titles("archive")) == 20
    assert time.process_time() - began < 2
    assert desk.asked("/search") == 100


def _lose(desk: Desk, *numbers: int) -> None:
    """Has Notion answer the searches with these numbers with 404."""
    calls = count(1)

    def searched(found: dict[str, Any]) -> dict[str, Any]:
        if next(calls) in numbers:
            raise KeyError
        return found

    desk.server.searched = searched


async def _forget(desk: Desk) -> None:
    grant, house = desk.house.account_grant(), desk.house
    ctx = CallContext.within(60, now=house.clock(), user=house.user).signed(grant=grant)
    async with house.runner.context(ctx, house.user, house.account.account) as context:
        assert connector.forgetter is not None
        await connector.forgetter(context)


async def _rows(desk: Desk, account: str) -> int:
    """Rows of any table that name an account."""
    tables = ("notion_state", "notion_things", "notion_texts", "notion_people", "notion_changes")
    query = text(" UNION ALL ".join(f"SELECT account FROM {each} WHERE account = :a" for each in tables))
    async with desk.house.runner.stores.use(desk.house.user) as store:
        return len(await store.read(lambda c: c.execute(query, {"a": account}).all()))
