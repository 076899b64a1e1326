"""What goes wrong at Google and on the way, and accounts beside each other."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Connection, text

from connectors.google_contacts import mirror
from openassistant.connector import Context
from openassistant.errors import (
    AccountRequired,
    Conflict,
    DeadlineExceeded,
    Forbidden,
    NotFound,
    RateLimited,
    Unavailable,
    UpstreamFailed,
)
from openassistant.messages import Call
from openassistant.once import once_faults
from tests.connectors.google_contacts.conftest import TOKEN, Desk

_TABLES = ("lists", "people", "members", "groups", "log", "changes")


async def test_a_token_that_ended_is_renewed_in_the_middle_of_a_pass(desk: Desk) -> None:
    await desk.sync()
    desk.server.add("Newcomer")
    desk.server.refused.add(TOKEN)
    desk.house.connect("Ada", {"api_url": desk.server.url}, access_token="another-fake-token")
    await desk.sync()
    assert desk.server.tokens == {TOKEN, "another-fake-token"}
    assert [each["name"]["text"] for each in (await desk.call("contacts_list"))["contacts"]] == ["Newcomer"]


async def test_a_change_that_a_token_was_too_old_for_is_made_once(desk: Desk) -> None:
    await desk.sync()
    desk.server.refused.add(TOKEN)
    desk.house.connect("Ada", {"api_url": desk.server.url}, access_token="another-fake-token")
    await desk.call("contacts_create", name="Carol")
    assert len(desk.server.people) == 1


async def test_a_consent_that_ended_is_said_to_have(desk: Desk) -> None:
    desk.server.refused.add(TOKEN)
    with pytest.raises(AccountRequired):
        await desk.sync()


@pytest.mark.parametrize("headers", [{"retry_after": "0"}, {}])
async def test_a_pause_is_kept_and_the_pass_goes_on(desk: Desk, headers: dict[str, Any]) -> None:
    desk.server.add("Carol")
    desk.server.fault("GET", "connections", 429, **headers)
    await desk.sync()
    assert len((await desk.call("contacts_list"))["contacts"]) == 1


async def test_a_pause_longer_than_the_call_is_passed_on(desk: Desk) -> None:
    desk.server.fault("GET", "connections", 403, "rateLimitExceeded", retry_after="3600")
    with pytest.raises(RateLimited) as said:
        await desk.sync()
    assert said.value.retry_after == 3600


async def test_a_change_waits_for_the_pause_and_is_made_once(desk: Desk) -> None:
    await desk.sync()
    desk.server.fault("POST", "createContact", 429, retry_after="0")
    await desk.call("contacts_create", name="Carol")
    assert len(desk.server.people) == 1


async def test_half_an_answer_is_asked_for_again(desk: Desk) -> None:
    desk.server.add("Carol")
    desk.server.fault("GET", "connections", cut=True)
    await desk.sync()
    assert len((await desk.call("contacts_list"))["contacts"]) == 1


async def test_half_an_answer_to_a_change_is_looked_up(desk: Desk) -> None:
    await desk.sync()
    desk.server.fault("POST", "createContact", cut=True)
    made = await desk.call("contacts_create", name="Carol")
    assert list(desk.server.people) == [made["id"]]


@pytest.mark.parametrize("body", [b'{"connections": [', b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
async def test_an_answer_that_is_none_harms_nothing_that_is_known(desk: Desk, body: bytes) -> None:
    desk.server.add("Carol")
    await desk.sync()
    desk.server.fault("GET", "connections", body=body)
    with pytest.raises(UpstreamFailed):
        await desk.sync()
    assert len((await desk.call("contacts_list"))["contacts"]) == 1


async def test_a_list_that_does_not_end_is_left(desk: Desk) -> None:
    desk.server.fault("GET", "connections", body={"connections": [], "nextPageToken": "1"}, times=10_000)
    with pytest.raises(UpstreamFailed, match="does not end"):
        await desk.sync()


async def test_a_list_of_changes_that_does_not_end_is_left(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.google_contacts.sync._MOST_PAGES", 5)
    await desk.sync()
    desk.server.fault("GET", "connections", body={"connections": [], "nextPageToken": "1"}, times=10_000)
    with pytest.raises(UpstreamFailed, match="does not end"):
        await desk.sync()


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_a_token_that_google_forgot_means_reading_everything_anew(desk: Desk, status: int) -> None:
    gone = desk.server.add("Gone")
    await desk.sync()
    desk.server.drop(gone)
    desk.server.add("Stays")
    desk.server.fault("GET", "connections", status)
    await desk.sync()
    assert [each["name"]["text"] for each in (await desk.call("contacts_list"))["contacts"]] == ["Stays"]


async def test_a_pass_over_collected_addresses_follows_deletions(desk: Desk) -> None:
    other = desk.server.collect("Dora", "dora@example.org")
    await desk.sync()
    assert len((await desk.call("others_search", query="dora"))["contacts"]) == 1
    desk.server.uncollect(other)
    await desk.sync()
    assert (await desk.call("others_search", query="dora"))["contacts"] == []


@pytest.mark.parametrize(
    ("verb", "tool", "arguments"),
    [
        ("PATCH", "contacts_update", {"contact": "c1", "notes": "tea"}),
        ("PATCH", "contacts_merge", {"contact": "c1", "source": "c2"}),
        ("DELETE", "contacts_delete", {"contact": "c1"}),
        ("POST", "groups_add", {"group": "starred", "contacts": ["c1", "c2"]}),
        ("POST", "others_copy", {"other": "o3"}),
    ],
)
async def test_a_change_that_was_made_though_google_failed_is_found(
    desk: Desk, verb: str, tool: str, arguments: dict[str, Any]
) -> None:
    desk.server.add("Carol", "carol@example.org")
    desk.server.add("Carol M", "c@work.example")
    desk.server.collect("Dora", "dora@example.org")
    await desk.sync()
    desk.server.fault(verb, "", 504, after=True, times=3)
    assert (await desk.call(tool, **arguments))["id"]
    assert desk.server.log.count(("deleted", "c1")) == (tool == "contacts_delete")
    assert len(desk.server.people) == {"contacts_delete": 1, "others_copy": 3}.get(tool, 2)


@pytest.mark.parametrize(
    ("verb", "tool", "arguments"),
    [
        ("PATCH", "contacts_update", {"contact": "c1", "notes": "tea"}),
        ("POST", "groups_add", {"group": "starred", "contacts": ["c1"]}),
    ],
)
async def test_a_change_that_google_did_not_make_is_said_not_to_be(
    desk: Desk, verb: str, tool: str, arguments: dict[str, Any]
) -> None:
    desk.server.add("Carol")
    await desk.sync()
    desk.server.fault(verb, "", 504)
    with pytest.raises(Unavailable, match="before anything was done"):
        await desk.call(tool, **arguments)


async def test_a_group_is_filled_once(desk: Desk) -> None:
    rest = iter([desk.server.add(f"Old {each}") for each in range(5)])
    await desk.sync()

    async def make() -> Call:
        return desk.house.make("groups_add", group="starred", contacts=[next(rest)])

    async def done() -> int:
        return sum("starred" in str(each["memberships"]) for each in desk.server.people.values())

    assert await once_faults(desk.house, make, done) == []


async def test_a_contact_is_filled_once(desk: Desk) -> None:
    numbers = count()
    pairs = [(desk.server.add(f"A {e}"), desk.server.add(f"A {e}", f"a{e}@example.org")) for e in range(5)]
    await desk.sync()

    async def make() -> Call:
        into, source = pairs[next(numbers)]
        return desk.house.make("contacts_merge", contact=into, source=source)

    async def done() -> int:
        return sum(bool(desk.server.people[into].get("emailAddresses")) for into, _ in pairs)

    assert await once_faults(desk.house, make, done) == []


@pytest.mark.parametrize("tool", ["contacts_create", "others_copy"])
async def test_a_list_that_may_be_late_leaves_a_doubt_until_it_cannot_be(desk: Desk, tool: str) -> None:
    arguments = {"contacts_create": {"name": "Carol"}, "others_copy": {"other": "o1"}}[tool]
    desk.server.collect("Dora", "dora@example.org")
    await desk.sync()
    desk.server.fault("POST", "", 504)
    call = desk.house.make(tool, **arguments)
    with pytest.raises(DeadlineExceeded, match="Look again in ten minutes"):
        await desk.house.send(call)
    reconciler = desk.house.connector.tools[tool].reconciler
    assert reconciler is not None
    async with desk.context() as context:
        with pytest.raises(DeadlineExceeded):
            await reconciler(context, call)
    desk.later = timedelta(minutes=11)
    async with desk.context() as context:
        assert await reconciler(context, call) is None


async def test_a_new_contact_without_our_mark_leaves_a_doubt(desk: Desk) -> None:
    await desk.sync()
    desk.server.fault("POST", "createContact", 504)
    call = desk.house.make("contacts_create", name="Carol")
    desk.server.add("Carol")
    with pytest.raises(DeadlineExceeded, match="without our mark"):
        await desk.house.send(call)


async def test_whom_google_alone_knows_can_be_changed_at_once(desk: Desk) -> None:
    await desk.sync()
    contact = desk.server.add("Newcomer", "new@example.org")
    found = await desk.call("contacts_search", query="newcomer")
    assert [each["id"] for each in found["contacts"]] == [contact]
    assert (await desk.house.preview("contacts_update", contact=contact, notes="tea")).fields[0].value == "Newcomer"
    assert [each["what"] for each in (await desk.call("changes_list"))["changes"]] == ["added"]


async def test_whom_only_googles_memory_of_searches_holds_is_not_found(desk: Desk) -> None:
    await desk.sync()
    contact = desk.server.add("Gone")
    ghost = {"results": [{"person": dict(desk.server.people[contact])}]}
    desk.server.drop(contact)
    desk.server.fault("GET", "searchContacts", body=ghost, skip=1)
    assert await desk.names("gone") == []


async def test_a_search_without_google_gives_what_is_here(desk: Desk) -> None:
    await desk.sync()
    desk.server.fault("GET", "searchContacts", 503, times=9)
    found = await desk.call("contacts_search", query="nobody")
    assert found == {"contacts": [], "next": "", "note": "Google could not be asked; this is what was read before."}


async def test_a_collected_address_that_is_gone_is_gone_here_too(desk: Desk) -> None:
    other = desk.server.collect("Dora", "dora@example.org")
    await desk.sync()
    desk.server.uncollect(other)
    with pytest.raises(NotFound):
        await desk.call("others_copy", other=other)
    assert (await desk.call("others_search", query="dora"))["contacts"] == []


async def test_another_account_has_a_mirror_and_a_token_of_its_own(desk: Desk) -> None:
    desk.server.add("Carol")
    await desk.sync()
    first = desk.house.account
    desk.house.account = first.model_copy(update={"account": "1" * 32})
    desk.house.connect("Work", {"api_url": desk.server.url}, access_token="another-fake-token")
    assert (await desk.call("contacts_list"))["contacts"] == []
    with pytest.raises(NotFound):
        await desk.house.preview("contacts_delete", contact="c1")
    desk.server.clear()
    desk.server.add("Dora")
    await desk.sync()
    assert desk.server.tokens == {"another-fake-token"}
    assert await desk.names("dora") == ["Dora"]
    await forget(desk)
    desk.house.account = first
    assert [each["name"]["text"] for each in (await desk.call("contacts_list"))["contacts"]] == ["Carol"]


async def forget(desk: Desk) -> None:
    forgetter = desk.house.connector.forgetter
    assert forgetter is not None
    async with desk.context() as context:
        await forgetter(context)


async def rows(context: Context) -> dict[str, int]:
    def counted(connection: Connection, table: str) -> int:
        return int(connection.execute(text(f"SELECT count(*) FROM gcontacts_{table}")).scalar_one())

    return {table: await context.store.read(partial(counted, table=table)) for table in (*_TABLES, "search")}


async def test_a_removed_account_leaves_nothing(desk: Desk) -> None:
    contact = desk.server.add("Carol", "carol@example.org")
    desk.server.collect("Dora", "dora@example.org")
    await desk.sync()
    await desk.call("contacts_update", contact=contact, notes="tea")
    desk.server.change(contact, nicknames=[{"value": "Caro"}])
    await desk.sync()
    async with desk.context() as context:
        assert all((await rows(context)).values())
    await forget(desk)
    async with desk.context() as context:
        assert not any((await rows(context)).values())


async def test_a_permission_that_was_taken_away_takes_its_copy_along(desk: Desk) -> None:
    desk.server.add("Carol")
    desk.server.collect("Dora", "dora@example.org")
    await desk.sync()
    desk.allow("read", "write")
    await desk.sync()
    async with desk.context() as context:
        owner = desk.house.account.account
        assert await context.store.read(lambda c: mirror.count(c, owner, "other")) == 0
        assert await context.store.read(lambda c: mirror.count(c, owner, "contact")) == 1
    with pytest.raises(Forbidden, match="addresses that Google collected"):
        await desk.house.preview("others_copy", other="o2")


async def test_changes_need_to_read_what_they_change(desk: Desk) -> None:
    desk.server.add("Carol")
    desk.allow("write")
    await desk.sync()
    with pytest.raises(Forbidden, match="without reading contacts"):
        await desk.house.preview("contacts_delete", contact="c1")


async def test_changes_of_an_account_go_one_after_the_other(desk: Desk) -> None:
    await desk.sync()
    desk.server.slow = 0.05
    await asyncio.gather(*(desk.call("contacts_create", name=f"New {each}") for each in range(4)))
    assert (len(desk.server.people), desk.server.most_changing) == (4, 1)


async def test_a_contact_that_was_changed_meanwhile_is_not_deleted(desk: Desk) -> None:
    contact = desk.server.add("Carol")
    await desk.sync()
    desk.server.change(contact, names=[{"unstructuredName": "Carol Meyer"}])
    with pytest.raises(Conflict):
        await desk.call("contacts_delete", contact=contact)
    assert contact in desk.server.people
