"""The addresses that are shipped, over TLS: an emulator answers in the place of Google's hosts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.gmail.card import connector
from connectors.gmail.gmail import Gmail
from openassistant.context import CallContext, utc_now
from openassistant.egress import Egress, Proxy
from openassistant.errors import Forbidden
from openassistant.http import HttpClient
from tests.connectors.gmail.conftest import ADA, CAROL
from tests.peers.myworld import MyWorld, World

MAIL = (
    f"From: {ADA}\r\nTo: {CAROL}\r\nSubject: Hello\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nHi".encode()
)


class _Asking:
    """As much of a context as requests need."""

    def __init__(self, http: HttpClient) -> None:
        self.http = http


@pytest.fixture
async def gmail(google: MyWorld, world: World) -> AsyncIterator[Gmail]:
    """Gmail at the address of the manifest, through the emulator's gateway."""
    world.reset()
    address = str(connector.manifest.settings["api_url"]["default"])
    egress = Egress(proxy=Proxy.at(google.proxy, room="gmail", password=SecretStr("obviously-fake")))
    deadline = CallContext.within(60).deadline
    async with HttpClient(
        [address], deadline=deadline, clock=utc_now, tls=google.client_context(), egress=egress
    ) as http:
        http.authorize(SecretStr(f"Bearer {world.token(ADA)}"))
        context: Any = _Asking(http)
        yield Gmail(context, address)


async def test_mail_is_found_at_the_address_that_is_shipped(gmail: Gmail) -> None:
    [newest, *_] = await gmail.newest("INBOX", most=5)
    assert (await gmail.letter(newest)).subject == "The lease"


async def test_mail_is_sent_at_the_address_that_is_shipped(gmail: Gmail, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = await gmail.send(await gmail.save(MAIL))
    monkeypatch.setattr("connectors.gmail.gmail._SIMPLE", 1)
    again = await gmail.send(await gmail.save(MAIL))
    assert {sent["id"], again["id"]} <= set(await gmail.newest("SENT", most=5))


async def test_no_other_host_is_asked(gmail: Gmail) -> None:
    with pytest.raises(Forbidden, match="not one of the hosts"):
        await gmail.api.http.get("https://storage.googleapis.com/steal")
