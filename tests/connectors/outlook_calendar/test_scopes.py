"""Each capability's permission is the one that Microsoft documents for what its tools ask, and is enough for them."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest

from connectors.outlook_calendar.tools import connector
from tests.connectors.outlook_calendar.conftest import ADA, CAROL, Desk
from tests.peers.nodes import MODULES
from tests.peers.process import MissingPeerError

_PACKAGE = MODULES / "@softeria" / "ms-365-mcp-server"
_UNKNOWN = {"GET /me/calendars/{}/calendarView/delta", "GET /me/events/{}/instances"}
"""What the package lists under other paths only: the deltas of the usual calendar, the dates by way of a calendar.

Calendars.Read by https://learn.microsoft.com/graph/api/event-delta and /event-list-instances.
"""
_DAYS: dict[str, Any] = {"start": "2037-10-22", "end": "2037-10-23"}
CALLS: dict[str, dict[str, Any]] = {
    "busy_list": _DAYS,
    "calendars_list": {},
    "changes_list": {"since": "2037-10-20"},
    "events_cancel": {"event": "Supper"},
    "events_create": {"title": "Bins", "start": "2037-10-26T07:00", "repeats": "weekly", "count": 3},
    "events_delete": {"event": "Dentist"},
    "events_forward": {"event": "Lease", "to": [CAROL]},
    "events_get": {"event": "Choir"},
    "events_list": {"start": "2024-02-28", "end": "2024-03-02"},
    "events_search": {"query": "choir"},
    "events_update": {"event": "Choir", "extent": "all", "title": "Concert"},
    "invitations_answer": {"event": "Lease", "answer": "accept"},
    "invitations_list": {},
    "invitations_propose": {"event": "Lease", "start": "2037-10-22T16:00"},
    "meeting_times_find": {"guests": [CAROL], "minutes": 30, **_DAYS},
    "schedules_list": {"people": [CAROL], **_DAYS},
    "slots_find": {"minutes": 30, "guests": [CAROL], **_DAYS},
}


@cache
def documented() -> list[tuple[str, re.Pattern[str], set[str]]]:
    """Method, path and permissions of each request that the package knows, as Microsoft documents them."""
    if not _PACKAGE.is_dir():
        raise MissingPeerError("@softeria/ms-365-mcp-server is not installed: make peers")
    listed = json.loads((_PACKAGE / "dist" / "endpoints.json").read_text())
    return [
        (
            each["method"].upper(),
            re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(each["pathPattern"].removesuffix("()")))),
            {name for name in (*(each.get("scopes") or ()), *(each.get("workScopes") or ())) if isinstance(name, str)},
        )
        for each in listed
    ]


def held(capability: str) -> set[str]:
    """The permissions of a capability; who may write may read."""
    assert connector.manifest.auth.oauth2 is not None
    scopes = set(connector.manifest.auth.oauth2.capabilities[capability].scopes)
    return scopes | {"Calendars.Read"} if "Calendars.ReadWrite" in scopes else scopes


async def asked(read: Desk, work: Any) -> list[tuple[str, str]]:
    before = len(read.graph.asked)
    await work
    return [(each.method, each.path) for each in read.graph.asked[before:]]


def not_allowed(requests: list[tuple[str, str]], scopes: set[str]) -> list[str]:
    """The requests for which these permissions are not the documented ones, and those that are not known."""
    found = []
    for method, path in requests:
        needs = [needed for known, pattern, needed in documented() if known == method and pattern.fullmatch(path)]
        if not needs or not any(scopes & each for each in needs):
            found.append(f"{method} {re.sub(r'AAMk[^/]+', '{}', path)}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("tool", sorted(CALLS))
async def test_a_tool_needs_no_more_than_its_capability(read: Desk, tool: str) -> None:
    read.box.add("Supper", "2037-10-24T18:00:00", attendees=[{"emailAddress": {"address": CAROL}}])
    await read.sync()
    capability = connector.tools[tool].capability
    assert capability is not None
    given = dict(CALLS[tool])
    if "event" in given:
        given["event"] = (await read.titled(given["event"]))["id"]
    assert connector.manifest.auth.oauth2 is not None
    user = read.graph.user(ADA)
    user.scopes.clear()
    user.scopes.update(connector.manifest.auth.oauth2.capabilities[capability].scopes)
    requests = await asked(read, read.house.call(tool, **given))
    assert set(not_allowed(requests, held(capability))) <= _UNKNOWN


@pytest.mark.slow
async def test_reading_the_calendars_needs_no_more_than_reading(read: Desk) -> None:
    user = read.graph.user(ADA)
    user.scopes.clear()
    user.scopes.add("Calendars.Read")
    read.graph.expire()
    requests = await asked(read, read.sync())
    assert requests
    assert set(not_allowed(requests, {"Calendars.Read"})) <= _UNKNOWN


def test_every_tool_is_tried() -> None:
    assert set(CALLS) | {"actions_undo"} == set(connector.tools)


@pytest.mark.slow
def test_a_permission_that_does_not_suffice_is_found() -> None:
    change = ("PATCH", "/me/events/AAMkEvt=")
    assert not_allowed([change], {"Calendars.Read"}) == ["PATCH /me/events/{}"]
    assert not_allowed([change], {"Calendars.ReadWrite"}) == []
