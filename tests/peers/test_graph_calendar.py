"""The calendars of the Graph double serve a client that others wrote: O365, unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from O365 import Account, MSGraphProtocol
from O365.utils.token import MemoryTokenBackend

from tests.peers.graph import Graph
from tests.peers.graph_calendar import Calendars, routes

ADA, CAROL = "ada@home.example", "carol@example.org"
BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = datetime(2026, 10, 23, 10, tzinfo=BERLIN)


class _Protocol(MSGraphProtocol):  # type: ignore[misc]  # O365 has no types
    """Microsoft Graph at another address."""

    def __init__(self, url: str) -> None:
        self._protocol_url = url
        super().__init__(timezone="Europe/Berlin")
        self.service_url = f"{url}/"


@pytest.fixture(scope="module")
def graph() -> Iterator[Graph]:
    with Graph(routes=routes) as made:
        yield made


def schedule_of(graph: Graph, address: str) -> Any:
    """The calendars of an account, as O365 has them."""
    protocol = _Protocol(graph.url)
    account = Account(
        ("obviously-fake-client", "obviously-fake-secret"), protocol=protocol, token_backend=MemoryTokenBackend()
    )
    session = account.con.get_session()
    session.headers["Authorization"] = f"Bearer {graph.user(address).token}"
    account.con.session, account.con.requests_delay = session, 0
    return account.schedule()


@pytest.fixture
def ada(graph: Graph) -> Any:
    graph.reset()
    return schedule_of(graph, ADA)


def made_by(calendar: Any, *, guest: str = "") -> Any:
    event = calendar.new_event()
    event.subject, event.start, event.end = "Sign the lease", FRIDAY, FRIDAY + timedelta(minutes=30)
    event.location, event.remind_before_minutes = "Town hall", 20
    if guest:
        event.attendees.add(guest)
    assert event.save()
    return event


def test_calendars_are_listed(graph: Graph, ada: Any) -> None:
    graph.user(ADA).part(Calendars).add_calendar("Club")
    assert [each.name for each in ada.list_calendars()] == ["Calendar", "Club"]


def test_an_event_is_created_read_changed_and_deleted(graph: Graph, ada: Any) -> None:
    calendar = ada.get_default_calendar()
    made_by(calendar)
    [found] = calendar.get_events(include_recurring=False)
    assert (found.subject, found.start, found.location["displayName"]) == ("Sign the lease", FRIDAY, "Town hall")
    found.subject = "Sign it"
    assert found.save()
    assert [each.subject for each in calendar.get_events(include_recurring=False)] == ["Sign it"]
    assert found.delete()
    assert graph.user(ADA).part(Calendars).events == {}


def test_a_guest_is_invited_and_accepts(graph: Graph, ada: Any) -> None:
    made_by(ada.get_default_calendar(), guest=CAROL)
    [theirs] = schedule_of(graph, CAROL).get_default_calendar().get_events(include_recurring=False)
    assert theirs.response_status.status.value == "not_responded"
    assert theirs.accept_event("See you.")
    [mine] = graph.user(ADA).part(Calendars).events.values()
    assert mine.values["attendees"][0]["status"]["response"] == "accepted"
    assert [(each.kind, each.words) for each in graph.user(CAROL).part(Calendars).mails] == [("accepted", "See you.")]


def test_a_guest_proposes_another_time(graph: Graph, ada: Any) -> None:
    made_by(ada.get_default_calendar(), guest=CAROL)
    [theirs] = schedule_of(graph, CAROL).get_default_calendar().get_events(include_recurring=False)
    assert theirs.accept_event("Later?", tentatively=True)
    assert graph.user(CAROL).part(Calendars).mails[0].kind == "tentativelyAccepted"


def test_an_event_is_called_off(graph: Graph, ada: Any) -> None:
    made_by(ada.get_default_calendar(), guest=CAROL)
    [mine] = ada.get_default_calendar().get_events(include_recurring=False)
    assert mine.cancel_event("Ill.")
    [theirs] = graph.user(CAROL).part(Calendars).events.values()
    assert theirs.values["isCancelled"] is True


def test_a_series_is_expanded_in_a_view(graph: Graph, ada: Any) -> None:
    calendar = ada.get_default_calendar()
    event = calendar.new_event()
    event.subject, event.start, event.end = "Choir", FRIDAY, FRIDAY + timedelta(hours=1)
    event.recurrence.set_weekly(1, days_of_week=["friday"], first_day_of_week="monday", start=FRIDAY.date(),
                                end=FRIDAY.date() + timedelta(days=14))  # fmt: skip
    assert event.save()
    found = list(
        calendar.get_events(start_recurring=FRIDAY - timedelta(days=1), end_recurring=FRIDAY + timedelta(days=30))
    )
    assert [(each.start - FRIDAY).days for each in found] == [0, 7, 14]
    assert {each.event_type.value for each in found} == {"occurrence"}


def test_when_others_are_free_is_told(graph: Graph, ada: Any) -> None:
    graph.user(CAROL).part(Calendars).add("Lease", "2026-10-23T10:00:00", zone="Europe/Berlin")
    found = ada.get_availability([CAROL], FRIDAY - timedelta(hours=1), FRIDAY + timedelta(hours=4))
    assert found
    assert graph.calls("POST /me/calendar/getSchedule")
