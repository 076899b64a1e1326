"""What others wrote into contacts, and arguments that would lead elsewhere, do no harm."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.google_contacts.people import person_of
from openassistant.errors import (
    InvalidRequest,
    NotFound,
    OaError,
)
from tests.connectors.google_contacts.conftest import TOKEN, Desk


async def test_odd_people_are_left_out_or_bounded_and_the_others_read(desk: Desk) -> None:
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    fine = {"resourceName": "people/c7", "names": [{"displayName": "Fine\u202e\x00 One", "givenName": 7}]}
    huge = {
        "resourceName": "people/c8",
        "names": [{"displayName": "Huge"}],
        "biographies": [{"value": "x" * 3_000_000}],
        "emailAddresses": [{"value": f"{each}@example.org"} for each in range(5_000)],
        "phoneNumbers": [{"value": "9" * 2_000_000}, {"value": deep}, deep, None],
        "memberships": deep,
        "clientData": "x",
        "metadata": {"sources": deep, "previousResourceNames": [5, "people/../x", deep], "deleted": "yes"},
        "birthdays": [{"date": {"year": 10**30, "month": -1, "day": True}}],
    }
    odd = [
        {}, None, 7, "x", deep, {"resourceName": 5}, {"resourceName": "people/../../x"}, {"resourceName": "people/"},
        {"resourceName": "otherContacts/c1"}, {"resourceName": "people/c" + "1" * 200}, fine, huge,
    ]  # fmt: skip
    desk.server.fault("GET", "connections", body={"connections": odd, "nextSyncToken": "0", "totalItems": "many"})
    await desk.sync()
    found = (await desk.call("contacts_list"))["contacts"]
    assert [(each["id"], each["name"]["text"]) for each in found] == [("c7", "Fine One"), ("c8", "Huge")]
    details = await desk.call("contacts_get", contact="c8")
    assert len(str(details)) < 100_000
    assert details["note"]
    with pytest.raises(InvalidRequest, match="at Google itself"):
        await desk.call("contacts_update", contact="c8", emails=["new@example.org"])


async def test_lone_surrogates_and_direction_marks_are_taken_out(desk: Desk) -> None:
    odd = b'{"connections": [{"resourceName": "people/c1", "names": [{"displayName": "A\\ud800\\u202eB\\u0007"}]}]}'
    desk.server.fault("GET", "connections", body=odd)
    await desk.sync()
    assert (await desk.call("contacts_list"))["contacts"][0]["name"]["text"] == "AB"


def test_what_a_profile_says_is_not_read() -> None:
    profile, contact = ({"metadata": {"source": {"type": kind}}} for kind in ("PROFILE", "CONTACT"))
    names = [{**profile, "displayName": "Your bank"}, {**contact, "displayName": "Carol"}]
    person = person_of({"resourceName": "people/c1", "names": names, "biographies": [{**profile, "value": "Pay me"}]})
    assert person is not None
    assert (person.name, list(person.fields)) == ("Carol", ["names"])
    other = person_of({"resourceName": "otherContacts/o1", "names": names}, "other")
    assert other is not None
    assert other.name == "Carol"


@pytest.mark.parametrize(
    "query",
    ['"', "*", "a* OR b", "NEAR(a b)", "name:carol", "'; DROP TABLE x; --", "%", "\x00", "🦊" * 100, "a " * 200],
)
async def test_a_query_is_words_and_nothing_else(desk: Desk, query: str) -> None:
    desk.server.add("Carol")
    await desk.sync()
    assert (await desk.call("contacts_search", query=query))["contacts"] == []


@pytest.mark.parametrize("after", ["x", "\n", "carol\n-1", "carol\n" + "9" * 30, "carol\n1; --"])
async def test_a_place_that_is_none_is_refused(desk: Desk, after: str) -> None:
    with pytest.raises(InvalidRequest, match="after"):
        await desk.call("contacts_list", after=after)


async def test_the_owners_profile_is_no_contact(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.call("contacts_get", contact="me")
    assert desk.server.seen == []


@pytest.mark.parametrize(
    "address", ["ftp://people.example", "https://", "https://ada:x@people.example", "https://people.example?x=1", "x"]
)
async def test_an_address_of_the_api_that_is_none_is_refused_before_anything_is_sent(desk: Desk, address: str) -> None:
    desk.house.connect("Ada", {"api_url": address}, access_token=TOKEN)
    with pytest.raises(InvalidRequest, match="api_url"):
        await desk.sync()
    assert desk.server.seen == []


async def test_a_redirect_to_another_host_takes_no_token_along(desk: Desk) -> None:
    other = desk.server.url.replace("127.0.0.1", "localhost")
    desk.server.fault("GET", "contactGroups", 302, location=f"{other}/v1/stolen")
    with pytest.raises(OaError):
        await desk.sync()
    assert not any("stolen" in target for _, target in desk.server.seen)


async def test_nothing_of_a_contact_and_no_token_is_in_what_goes_wrong(desk: Desk) -> None:
    contact = desk.server.add("Planted name", "planted@example.org")
    await desk.sync()
    said = {"error": {"code": 400, "message": "Planted name", "status": "PLANTED", "details": []}}
    desk.server.fault("PATCH", "updateContact", 400, body=said)
    with pytest.raises(InvalidRequest) as error:
        await desk.call("contacts_update", contact=contact, notes="x")
    assert "lanted" not in error.value.message
    assert TOKEN not in f"{error.value} {error.value.details}"
