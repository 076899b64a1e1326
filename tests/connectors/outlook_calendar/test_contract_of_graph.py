"""What the connector sends, held against the schemas that others made of Microsoft's own description of Graph."""

from __future__ import annotations

import asyncio
import json
import subprocess
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from O365 import Account
from O365.calendar import Event
from O365.utils.token import MemoryTokenBackend

from tests.connectors.outlook_calendar.conftest import ADA, CAROL, Desk
from tests.peers.nodes import MODULES, node
from tests.peers.process import MissingPeerError

pytestmark = pytest.mark.slow

_SCRIPT = MODULES.parents[1] / "scripts" / "graph_bodies.mjs"
_PACKAGE = MODULES / "@softeria" / "ms-365-mcp-server"

_LEFT_OUT = {"body.transactionId is not known", "body.onlineMeetingProvider is not known"}
"""What the package cuts off the description of an event; O365, by others too, sends both under these names."""


def held(requests: list[dict[str, Any]]) -> list[list[str | None]]:
    """For each request the endpoint that it fits, and what is wrong with it."""
    if not _PACKAGE.is_dir():
        raise MissingPeerError("@softeria/ms-365-mcp-server is not installed: make peers")
    ran = subprocess.run(
        node(_SCRIPT, str(_PACKAGE)),
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: list[list[str | None]] = json.loads(ran.stdout)
    return found


async def used(read: Desk) -> list[dict[str, Any]]:
    """What was sent with a body after each tool was used."""
    read.graph.user(ADA).scopes.add("Calendars.Read.Shared")
    call = read.house.call
    friday = {"title": "Sign", "start": "2037-10-23T10:00", "place": "Town hall", "notes": "Key", "alarm": 5}
    await call("events_create", **friday, guests=[f"Carol <{CAROL}>"], online=True)
    for each in ("daily", "weekly", "monthly", "yearly"):
        await call("events_create", title=each, start="2037-10-26", repeats=each, until="2038-02-01")
    series = await call("events_create", title="Bins", start="2037-10-26T07:00", repeats="weekly", count=3)
    dentist = (await read.titled("Dentist"))["id"]
    await call("events_update", event=dentist, title="Tea", start="2037-10-21T12:00", place="", notes="", alarm=0)
    await call("events_update", event=dentist, guests=[CAROL], online=True)
    await call("events_update", event=series["id"], extent="all", until="2037-11-02")
    lease = (await read.titled("Lease"))["id"]
    await call("invitations_answer", event=lease, answer="accept", comment="Yes.")
    await call("invitations_propose", event=lease, start="2037-10-22T16:00", comment="Later?")
    await call("events_forward", event=lease, to=[CAROL], comment="Yours?")
    await call("invitations_answer", event=lease, answer="decline", tell=False)
    await call("events_cancel", event=dentist, comment="Ill.")
    times = {"start": "2037-10-22", "end": "2037-10-23"}
    await call("schedules_list", people=[CAROL], **times)
    await call("meeting_times_find", guests=[CAROL], minutes=90, **times)
    sent = [each for each in read.graph.asked if each.method in ("POST", "PATCH")]
    return [{"method": each.method, "path": each.path, "body": each.json} for each in sent]


async def test_every_body_is_one_that_microsofts_description_knows(read: Desk) -> None:
    requests = await used(read)
    found = await asyncio.to_thread(held, requests)
    assert [each for each in found if set(each[1:]) - _LEFT_OUT] == []
    known = {each[0] for each in found}
    assert None not in known
    assert {
        "create-specific-calendar-event", "update-calendar-event", "accept-calendar-event", "decline-calendar-event",
        "tentatively-accept-calendar-event", "find-meeting-times", "get-schedule",
    } <= known  # fmt: skip


def test_what_the_package_leaves_out_is_what_another_client_sends() -> None:
    event = Event(parent=Account(("obviously-fake", "obviously-fake"), token_backend=MemoryTokenBackend()).schedule())
    event.subject, event.transaction_id, event.is_online_meeting = "Tea", "a-call", True
    event.start = datetime(2037, 10, 23, 10, tzinfo=ZoneInfo("UTC"))
    sent = event.to_api_data()
    assert sent["transactionId"] == "a-call"
    assert sent["onlineMeetingProvider"] == "teamsForBusiness"


async def test_what_the_description_does_not_know_is_found() -> None:
    odd = [{"method": "PATCH", "path": "/me/events/1", "body": {"title": "Tea", "isAllDay": "yes"}}]
    [found] = await asyncio.to_thread(held, odd)
    assert found[0] == "update-calendar-event"
    assert len(found) == 3
