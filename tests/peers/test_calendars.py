"""The CalDAV peers are what the connectors' tests take them for."""

from __future__ import annotations

import httpx

from tests.peers.caldav import CalendarServer
from tests.peers.front import Front
from tests.peers.test_peers import radicale_event
from tests.peers.xandikos import Xandikos


def test_a_calendar_server_refuses_a_wrong_password(calendar_server: CalendarServer) -> None:
    assert httpx.request("PROPFIND", calendar_server.calendar_url(), auth=("ada", "wrong")).status_code == 401


def test_a_calendar_server_keeps_an_event_from_being_made_twice(calendar_server: CalendarServer) -> None:
    calendar_server.put("one", radicale_event())
    url, auth = f"{calendar_server.calendar_url()}one.ics", ("ada", calendar_server.users["ada"])
    headers = {"If-None-Match": "*", "Content-Type": "text/calendar"}
    assert httpx.put(url, content=radicale_event(), auth=auth, headers=headers).status_code == 412
    assert [each.name for each in calendar_server.events()] == ["one.ics"]


def test_xandikos_schedules_by_itself(xandikos: Xandikos) -> None:
    answer = httpx.options(xandikos.calendar_url(), auth=("ada", xandikos.users["ada"]))
    assert "calendar-auto-schedule" in answer.headers["dav"]


def test_a_front_names_who_signed_in_and_nobody_else() -> None:
    front = Front("http://127.0.0.1:1", {"ada": "not-a-real-password"})
    assert front.user_of("Basic YWRhOm5vdC1hLXJlYWwtcGFzc3dvcmQ=") == "ada"
    assert front.user_of("Basic YWRhOndyb25n") is None
    assert front.user_of("Basic ????") is None
    assert front.user_of("") is None
