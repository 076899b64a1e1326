"""The same connector at myworld, at the address that is shipped: TLS, its tokens, its idea of the People API.

It has lists, search, creating, changing, deleting and groups' names; no sync tokens, batches, marks, members or copies.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.google_contacts.tools import connector
from openassistant.egress import Proxy
from openassistant.errors import AccountRequired, Conflict, DeadlineExceeded, Forbidden, NotFound, UpstreamFailed
from tests.connectors.google_contacts.conftest import Account
from tests.peers.myworld import MyWorld, World

ADA, BOB = "ada@home.example", "bob@home.example"
SEED = {
    "user": {"email": ADA, "name": "Ada"},
    "emails": [{"from": "Dora <dora@away.example>", "to": ADA, "subject": "Hello", "body": "Hi"}],
    "contacts": [
        {"name": "Carol Meyer", "email": "carol@example.org", "phone": "+49 30 123456", "organization": "Lease Ltd"},
        {"name": "Bob Stone", "email": BOB},
    ],
    "mailboxes": [
        {"user": {"email": BOB, "name": "Bob"}, "contacts": [{"name": "Ada", "email": ADA}]},
    ],
}  # fmt: skip


class WorldDesk(Account):
    """Contacts at myworld."""

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(folder)
        self.world = world
        self.use(ADA)

    def use(self, person: str) -> None:
        """The account is that of a person, with the settings as they are shipped."""
        self.house.connect(person, {}, access_token=self.world.token(person))

    async def contacts(self) -> list[tuple[str, list[str]]]:
        """What is listed: names and addresses."""
        found = (await self.call("contacts_list"))["contacts"]
        return [(each["name"]["text"], [mail["text"] for mail in each["emails"]]) for each in found]

    async def held(self, person: str = ADA) -> list[str]:
        """The names that myworld holds."""
        state = await asyncio.to_thread(self.world.state, "gmail")
        return sorted(each["name"] for each in state["mailboxes"][person]["contacts"].values())


@pytest.fixture(scope="module")
def google() -> Iterator[MyWorld]:
    with MyWorld(gateway=True) as peer:
        yield peer


@pytest.fixture(scope="module")
def world(google: MyWorld) -> World:
    return google.world({"gmail": {"seed": SEED}}, [ADA, BOB])


@pytest.fixture
async def desk(
    google: MyWorld, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WorldDesk]:
    """Ada's contacts, read once, by way of the emulator's gateway."""
    monkeypatch.setattr("openassistant.http._system_tls", google.client_context)
    await asyncio.to_thread(world.reset)
    made = WorldDesk(world, tmp_path / "data")
    async with made.house:
        made.house.runner.proxy = Proxy.at(google.proxy, room=connector.id, password=SecretStr("obviously-fake"))
        await made.sync()
        yield made


async def test_contacts_are_read_and_found(desk: WorldDesk) -> None:
    assert await desk.contacts() == [("Bob Stone", [BOB]), ("Carol Meyer", ["carol@example.org"])]
    for query in ("mey", "carol@example.org", "30 123456", "lease"):
        assert await desk.names(query) == ["Carol Meyer"], query


async def test_a_collected_address_is_found(desk: WorldDesk) -> None:
    found = await desk.call("others_search", query="dora")
    assert [each["emails"][0]["text"] for each in found["contacts"]] == ["dora@away.example"]


async def test_groups_are_listed_with_how_many_are_in_them(desk: WorldDesk) -> None:
    found = {each["id"]: each["contacts"] for each in (await desk.call("groups_list"))["groups"]}
    assert (found["myContacts"], found["starred"]) == (2, 0)


async def test_a_contact_is_made_changed_and_deleted(desk: WorldDesk) -> None:
    made = await desk.call("contacts_create", name="Eve Long", emails=["eve@example.org"], organization="Bakery")
    await desk.call("contacts_update", contact=made["id"], name="Eve Longer", phones=["+49 30 777777"])
    details = (await desk.call("contacts_get", contact=made["id"]))["details"]
    assert details["Name"][0]["text"] == "Eve Longer"
    assert "+49 30 777777" in details["Phone"][0]["text"]
    assert await desk.held() == ["Bob Stone", "Carol Meyer", "Eve Longer"]
    await desk.call("contacts_delete", contact=made["id"])
    assert await desk.held() == ["Bob Stone", "Carol Meyer"]


async def test_a_change_is_taken_back(desk: WorldDesk) -> None:
    [found] = (await desk.call("contacts_search", query="carol"))["contacts"]
    await desk.call("contacts_update", contact=found["id"], name="Somebody Else")
    assert await desk.held() == ["Bob Stone", "Somebody Else"]
    await desk.call("actions_undo")
    assert await desk.held() == ["Bob Stone", "Carol Meyer"]


async def test_what_changed_meanwhile_is_not_overwritten(desk: WorldDesk) -> None:
    [found] = (await desk.call("contacts_search", query="carol"))["contacts"]
    other = WorldDesk(desk.world, desk.folder.parent / "other")
    async with other.house:
        other.house.runner.proxy = desk.house.runner.proxy
        await other.sync()
        await other.call("contacts_update", contact=found["id"], name="Carol New")
    with pytest.raises(Conflict):
        await desk.call("contacts_update", contact=found["id"], name="Carol Old")
    assert await desk.held() == ["Bob Stone", "Carol New"]
    assert ("Carol New", ["carol@example.org"]) in await desk.contacts()


@pytest.mark.parametrize("tool", ["contacts_update", "contacts_delete"])
async def test_what_was_done_before_the_answer_was_lost_is_found(desk: WorldDesk, tool: str) -> None:
    [found] = (await desk.call("contacts_search", query="carol"))["contacts"]
    operation = {"contacts_update": "people.people.updateContact", "contacts_delete": "people.people.deleteContact"}
    desk.world.fail("gmail", {"tool": operation[tool], "kind": "timeout_after_commit"})
    more: dict[str, Any] = {"name": "Carol New"} if tool == "contacts_update" else {}
    assert (await desk.call(tool, contact=found["id"], **more))["id"] == found["id"]
    assert "Carol Meyer" not in await desk.held()


async def test_a_contact_that_came_without_our_mark_is_not_made_twice_nor_said_to_be_ours(desk: WorldDesk) -> None:
    desk.world.fail("gmail", {"tool": "people.people.createContact", "kind": "timeout_after_commit"})
    with pytest.raises(DeadlineExceeded, match="without our mark"):
        await desk.call("contacts_create", name="Eve Long")
    assert await desk.held() == ["Bob Stone", "Carol Meyer", "Eve Long"]


@pytest.mark.parametrize("kind", ["rate_limit", "unavailable", "transport_error"])
async def test_a_pass_goes_on_after_a_fault(desk: WorldDesk, kind: str) -> None:
    desk.world.fail("gmail", {"tool": "people.people.connections.list", "kind": kind})
    await desk.sync()
    assert len(await desk.contacts()) == 2


async def test_an_answer_that_is_cut_off_harms_nothing_that_is_known(desk: WorldDesk) -> None:
    desk.world.fail("gmail", {"tool": "people.people.connections.list", "kind": "truncated"})
    with pytest.raises(UpstreamFailed):
        await desk.sync()
    assert len(await desk.contacts()) == 2


async def test_the_profile_of_the_owner_is_not_read(desk: WorldDesk) -> None:
    with pytest.raises(NotFound):
        await desk.call("contacts_get", contact="me")


async def test_two_accounts_have_contacts_of_their_own(desk: WorldDesk) -> None:
    desk.house.account = desk.house.account.model_copy(update={"account": "1" * 32})
    desk.use(BOB)
    await desk.sync()
    assert await desk.contacts() == [("Ada", [ADA])]


async def test_a_token_that_google_does_not_know_is_said_to_be_refused(desk: WorldDesk) -> None:
    desk.house.connect(ADA, {}, access_token="obviously-fake-token")
    desk.house.runner.keys.forget_account(desk.house.account.account)
    with pytest.raises(AccountRequired):
        await desk.sync()


async def test_no_other_host_is_asked(desk: WorldDesk) -> None:
    async with desk.context() as context:
        with pytest.raises(Forbidden, match="not one of the hosts"):
            await context.http.get("https://gmail.googleapis.com/gmail/v1/users/me/profile")
