"""The addresses that are shipped, over TLS: an emulator answers in the place of Google's hosts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.google_drive import drive as requests
from connectors.google_drive.card import connector
from connectors.google_drive.drive import Drive
from openassistant.context import CallContext, utc_now
from openassistant.egress import Egress, Proxy
from openassistant.errors import Forbidden
from openassistant.http import HttpClient
from tests.connectors.google_drive.conftest import ADA
from tests.peers.myworld import MyWorld, World


class _Asking:
    """As much of a context as requests need."""

    def __init__(self, http: HttpClient) -> None:
        self.http = http


@pytest.fixture
async def drive(google: MyWorld, world: World) -> AsyncIterator[Drive]:
    """Drive at the address of the manifest, through the emulator's gateway."""
    world.reset()
    address = str(connector.manifest.settings["api_url"]["default"])
    egress = Egress(proxy=Proxy.at(google.proxy, room="google_drive", password=SecretStr("obviously-fake")))
    deadline = CallContext.within(60).deadline
    async with HttpClient(
        [address], deadline=deadline, clock=utc_now, tls=google.client_context(), egress=egress
    ) as http:
        http.authorize(SecretStr(f"Bearer {world.token(ADA)}"))
        context: Any = _Asking(http)
        yield Drive(context, address)


async def test_files_are_found_at_the_address_that_is_shipped(drive: Drive) -> None:
    page = await drive.page("trashed = false", size=100, order="modifiedTime desc")
    assert len(page["files"]) == 7


async def test_files_are_saved_at_the_address_that_is_shipped(drive: Drive) -> None:
    made = await drive.create({"name": "a.txt", "mimeType": "text/plain"}, b"hello", kind="text/plain")
    assert await drive.content(f"files/{made.id}", limit=100, alt="media") == b"hello"


async def test_pieces_go_to_the_address_that_google_names(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "_IN_ONE", 10)
    made = await drive.create({"name": "a.bin"}, b"hello world, hello", kind="application/octet-stream")
    assert await drive.content(f"files/{made.id}", limit=100, alt="media") == b"hello world, hello"


async def test_no_other_host_is_asked(drive: Drive) -> None:
    with pytest.raises(Forbidden, match="not one of the hosts"):
        await drive.api.http.get("https://storage.googleapis.com/steal")
