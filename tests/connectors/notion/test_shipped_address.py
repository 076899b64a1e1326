"""The address that is shipped, over TLS: the double answers in the place of Notion's host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.notion import api
from connectors.notion.api import NotionApi
from connectors.notion.tools import connector
from openassistant.context import CallContext, utc_now
from openassistant.egress import Egress, Proxy
from openassistant.errors import Forbidden, OaError
from openassistant.http import HttpClient
from tests.peers.certificates import Authority
from tests.peers.notion import TOKEN, NotionServer
from tests.peers.tunnel import Tunnel

HOST = "api.notion.com"


class Behind:
    """A double with the certificate of a name, behind a tunnel to Notion's host, and the client that uses both."""

    def __init__(self, server: NotionServer, tunnel: Tunnel, authority: Authority) -> None:
        self.server, self.tunnel = server, tunnel
        proxy = Proxy.at(tunnel.url, room="notion", password=SecretStr("obviously-fake"))
        self.http = HttpClient(
            connector.manifest.hosts, deadline=CallContext.within(60).deadline, clock=utc_now,
            tls=authority.client_context(), egress=Egress(proxy=proxy),
        )  # fmt: skip
        self.http.authorize(SecretStr(f"Bearer {TOKEN}"))
        address = str(connector.manifest.settings["api_url"]["default"])
        self.api = NotionApi(self.http, f"{address}/v1", "ada")


@pytest.fixture
async def behind(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Behind]:
    monkeypatch.setattr(api, "_EVERY", 0.0)
    authority = Authority(tmp_path)
    name = getattr(request, "param", HOST)
    with (
        NotionServer(tls=authority.named(name).context()) as server,
        Tunnel({f"{HOST}:443": server.port}) as tunnel,
    ):
        made = Behind(server, tunnel, authority)
        async with made.http:
            yield made


async def test_pages_are_found_and_read_at_the_address_that_is_shipped(behind: Behind) -> None:
    page = behind.server.page("Home", "words")
    assert [each["id"] for each in (await behind.api.search()).results] == [page]
    assert (await behind.api.markdown(page)).text == "words"
    assert set(behind.tunnel.asked) == {f"{HOST}:443"}


async def test_no_other_host_is_asked(behind: Behind) -> None:
    with pytest.raises(Forbidden, match="not one of the hosts"):
        await behind.api.http.get("https://www.notion.so/steal")
    assert behind.tunnel.asked == []


@pytest.mark.parametrize("behind", ["elsewhere.example"], indirect=True)
async def test_who_cannot_show_notion_s_certificate_gets_no_token(behind: Behind) -> None:
    with pytest.raises(OaError):
        await behind.api.me()
    assert behind.server.tokens == set()
