"""Google's own description of the API: each capability allows what its tools ask, and nothing else is asked.

That each request is one of Google's methods, with parameters and fields that it has, the double checks in every test.
"""

from __future__ import annotations

from typing import Any

import pytest

from connectors.google_contacts.people import FIELDS
from connectors.google_contacts.tools import connector
from tests.connectors.google_contacts.conftest import Desk
from tests.peers.discovery import Discovery

API = Discovery("people.v1")
CALLS: dict[str, dict[str, Any]] = {
    "changes_list": {},
    "contacts_create": {"name": "Dora"},
    "contacts_delete": {"contact": "c1"},
    "contacts_get": {"contact": "c1"},
    "contacts_list": {},
    "contacts_merge": {"contact": "c1", "source": "c2"},
    "contacts_search": {"query": "newcomer"},
    "contacts_update": {"contact": "c1", "notes": "tea"},
    "groups_add": {"group": "starred", "contacts": ["c1"]},
    "groups_list": {},
    "others_copy": {"other": "o3"},
    "others_search": {"query": "newcomer"},
}


async def filled(desk: Desk) -> None:
    desk.server.add("Carol", "carol@example.org")
    desk.server.add("Carol M", "c@work.example")
    desk.server.collect("Dora", "dora@example.org")
    await desk.sync()
    desk.server.add("Newcomer")
    desk.server.collect("Newcomer", "new@example.org")
    desk.server.seen.clear()


def scopes_of(capability: str) -> set[str]:
    assert connector.manifest.auth.oauth2 is not None
    return set(connector.manifest.auth.oauth2.capabilities[capability].scopes)


def hold(desk: Desk, scopes: set[str]) -> None:
    """Each request is allowed by one of the scopes."""
    for verb, target in desk.server.seen:
        method = API.method(verb, target)
        assert method is not None
        assert scopes & set(method["scopes"]), f"not allowed: {method['id']}"


@pytest.mark.parametrize("tool", sorted(set(connector.tools) - {"actions_undo"}))
async def test_a_capability_allows_what_its_tools_ask(desk: Desk, tool: str) -> None:
    await filled(desk)
    await desk.call(tool, **CALLS[tool])
    hold(desk, scopes_of(connector.tools[tool].capability))


@pytest.mark.parametrize("tool", ["contacts_create", "contacts_update", "contacts_merge", "groups_add", "others_copy"])
async def test_it_allows_to_take_that_back_as_well(desk: Desk, tool: str) -> None:
    await filled(desk)
    await desk.call(tool, **CALLS[tool])
    desk.server.seen.clear()
    await desk.call("actions_undo")
    assert desk.server.seen
    hold(desk, scopes_of("write"))


@pytest.mark.parametrize("tool", ["contacts_create", "contacts_delete", "contacts_update", "groups_add", "others_copy"])
async def test_it_allows_to_look_an_interrupted_change_up(desk: Desk, tool: str) -> None:
    await filled(desk)
    for verb in ("POST", "PATCH", "DELETE"):
        desk.server.fault(verb, "", 504, after=True, times=3)
    await desk.call(tool, **CALLS[tool])
    hold(desk, scopes_of("write"))


async def test_a_pass_asks_what_reading_and_looking_through_addresses_allow(desk: Desk) -> None:
    await desk.sync()
    hold(desk, scopes_of("read") | scopes_of("other"))
    desk.allow("read")
    desk.server.seen.clear()
    await desk.sync()
    assert desk.server.seen
    hold(desk, scopes_of("read"))


def test_each_capability_asks_for_scopes_that_google_has() -> None:
    assert connector.manifest.auth.oauth2 is not None
    known = set(API.document["auth"]["oauth2"]["scopes"])
    assert {scope for each in connector.manifest.auth.oauth2.capabilities.values() for scope in each.scopes} <= known


def test_each_part_that_is_kept_is_one_of_googles() -> None:
    person = API.document["schemas"]["Person"]["properties"]
    for field, parts in FIELDS.items():
        kept = API.document["schemas"][person[field]["items"]["$ref"]]["properties"]
        assert set(parts) <= set(kept), field
