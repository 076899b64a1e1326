"""Contacts are changed once, nothing is overwritten unseen, and a change can be taken back."""

from __future__ import annotations

from itertools import count

import pytest

from openassistant.errors import Conflict, InvalidRequest
from openassistant.messages import Call
from openassistant.once import once_faults
from tests.connectors.google_contacts.conftest import Desk


async def test_a_contact_is_created_once(desk: Desk) -> None:
    await desk.sync()
    numbers = count()

    async def make() -> Call:
        each = next(numbers)
        return desk.house.make("contacts_create", name=f"New {each}", emails=[f"work: new{each}@example.org"])

    async def done() -> int:
        return len(desk.server.people)

    assert await once_faults(desk.house, make, done) == []


async def test_a_contact_is_changed_once(desk: Desk) -> None:
    ids = [desk.server.add(f"Old {each}") for each in range(5)]
    await desk.sync()
    rest = iter(ids)

    async def make() -> Call:
        return desk.house.make("contacts_update", contact=next(rest), organization="Lease Ltd")

    async def done() -> int:
        return sum("organizations" in each for each in desk.server.people.values())

    assert await once_faults(desk.house, make, done) == []


async def test_a_contact_is_deleted_once(desk: Desk) -> None:
    rest = iter([desk.server.add(f"Old {each}") for each in range(5)])
    await desk.sync()

    async def make() -> Call:
        return desk.house.make("contacts_delete", contact=next(rest))

    async def done() -> int:
        return 5 - len(desk.server.people)

    assert await once_faults(desk.house, make, done) == []


async def test_a_collected_address_is_copied_once(desk: Desk) -> None:
    rest = iter([desk.server.collect(f"Other {each}", f"o{each}@example.org") for each in range(5)])
    await desk.sync()

    async def make() -> Call:
        return desk.house.make("others_copy", other=next(rest))

    async def done() -> int:
        return len(desk.server.people)

    assert await once_faults(desk.house, make, done) == []


async def test_contacts_are_added_to_a_group_once(desk: Desk) -> None:
    rest = iter([desk.server.add(f"Old {each}") for each in range(5)])
    await desk.sync()

    async def make() -> Call:
        return desk.house.make("groups_add", group="starred", contacts=[next(rest)])

    async def done() -> int:
        return sum("starred" in str(each["memberships"]) for each in desk.server.people.values())

    assert await once_faults(desk.house, make, done) == []


async def test_a_contact_that_was_made_though_google_failed_is_found(desk: Desk) -> None:
    await desk.sync()
    desk.server.fault("POST", "createContact", 504, after=True)
    made = await desk.call("contacts_create", name="Carol")
    assert list(desk.server.people) == [made["id"]]
    await desk.call("actions_undo")
    assert desk.server.people == {}


async def test_what_changed_meanwhile_is_not_overwritten(desk: Desk) -> None:
    number = desk.server.add("Carol")
    await desk.sync()
    desk.server.change(number, biographies=[{"value": "by hand"}])
    with pytest.raises(Conflict):
        await desk.call("contacts_update", contact=number, notes="by us")
    assert desk.server.people[number]["biographies"] == [{"value": "by hand"}]
    await desk.call("contacts_update", contact=number, notes="by us")
    assert desk.server.people[number]["biographies"][0]["value"] == "by us"


async def test_a_change_keeps_what_it_does_not_name_and_is_taken_back(desk: Desk) -> None:
    number = desk.server.add("Carol", "carol@example.org")
    await desk.sync()
    await desk.call("contacts_update", contact=number, emails=["home: c@home.example"], birthday="--05-17")
    held = desk.server.people[number]
    assert [each["value"] for each in held["emailAddresses"]] == ["carol@example.org", "c@home.example"]
    assert held["birthdays"] == [{"date": {"month": 5, "day": 17}}]
    await desk.call("actions_undo")
    held = desk.server.people[number]
    assert [each["value"] for each in held["emailAddresses"]] == ["carol@example.org"]
    assert held["birthdays"] == []


async def test_a_change_is_not_taken_back_over_another_one(desk: Desk) -> None:
    number = desk.server.add("Carol")
    await desk.sync()
    await desk.call("contacts_update", contact=number, notes="ours")
    desk.server.change(number, biographies=[{"value": "theirs"}])
    with pytest.raises(Conflict):
        await desk.call("actions_undo")
    assert desk.server.people[number]["biographies"] == [{"value": "theirs"}]


async def test_merging_fills_what_is_missing_and_overwrites_nothing(desk: Desk) -> None:
    into = desk.server.add("Carol", "carol@example.org", birthdays=[{"date": {"month": 5, "day": 17}}])
    from_ = desk.server.add(
        "Carol M", "CAROL@example.org", "c@work.example",
        birthdays=[{"date": {"month": 1, "day": 1}}], biographies=[{"value": "Likes tea"}],
    )  # fmt: skip
    await desk.sync()
    saved = await desk.call("contacts_merge", contact=into, source=from_)
    held = desk.server.people[into]
    assert saved["kept"] == ["Name", "Birthday"]
    assert [each["value"] for each in held["emailAddresses"]] == ["carol@example.org", "c@work.example"]
    assert held["birthdays"] == [{"date": {"month": 5, "day": 17}}]
    assert held["biographies"] == [{"value": "Likes tea"}]


async def test_taking_out_of_a_group_is_the_way_back(desk: Desk) -> None:
    number = desk.server.add("Carol")
    await desk.sync()
    await desk.call("groups_add", group="starred", contacts=[number])
    await desk.call("actions_undo")
    assert "starred" not in str(desk.server.people[number]["memberships"])


async def test_a_preview_is_the_same_twice_and_asks_nobody(desk: Desk) -> None:
    number = desk.server.add("Carol", "carol@example.org")
    await desk.sync()
    desk.server.seen.clear()
    one = await desk.house.preview("contacts_update", contact=number, notes="new")
    assert one == await desk.house.preview("contacts_update", contact=number, notes="new")
    assert (await desk.house.preview("contacts_delete", contact=number)).fields[0].value == "Carol"
    assert desk.server.seen == []


async def test_an_address_that_is_none_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidRequest, match="emails"):
        await desk.call("contacts_create", name="X", emails=["not an address"])
