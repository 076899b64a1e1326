"""The addresses that are shipped, over TLS: an emulator answers in the place of Google's hosts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from connectors.google_calendar.busy import ask_schedules
from connectors.google_calendar.card import connector
from connectors.google_calendar.sync import calendars_of
from openassistant.context import CallContext, utc_now
from openassistant.egress import Egress, Proxy
from openassistant.errors import Forbidden
from openassistant.formats.moments import window, zone_named
from openassistant.http import HttpClient
from openassistant.providers.google import GoogleApi
from tests.connectors.google_calendar.conftest import ADA
from tests.peers.myworld import MyWorld, World


@pytest.fixture
async def api(google: MyWorld, world: World) -> AsyncIterator[GoogleApi]:
    """The API at the address of the manifest, through the emulator's gateway."""
    world.reset()
    address = str(connector.manifest.settings["api_url"]["default"])
    egress = Egress(proxy=Proxy.at(google.proxy, room="google_calendar", password=SecretStr("obviously-fake")))
    deadline = CallContext.within(60).deadline
    async with HttpClient(
        connector.manifest.hosts, deadline=deadline, clock=utc_now, tls=google.client_context(), egress=egress
    ) as http:
        http.authorize(SecretStr(f"Bearer {world.token(ADA)}"))
        yield GoogleApi(http, f"{address}/calendar/v3")


async def test_calendars_are_found_at_the_address_that_is_shipped(api: GoogleApi) -> None:
    assert {each.ref for each in await calendars_of(api)} == {ADA, "team-family", "team-club"}


async def test_busy_times_are_told_at_the_address_that_is_shipped(api: GoogleApi) -> None:
    span = window("2037-12-22", "2037-12-22", zone_named("Europe/Berlin"))
    [own] = await ask_schedules(api, ["primary"], span)
    assert len(own.busy) == 1


async def test_no_other_host_is_asked(api: GoogleApi) -> None:
    with pytest.raises(Forbidden, match="not one of the hosts"):
        await api.http.get("https://storage.googleapis.com/steal")
