"""Where requests go: Microsoft's own hosts alone, and with the sign-in to the API alone."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from connectors.onedrive.card import connector
from openassistant.context import CallContext, utc_now
from openassistant.errors import Forbidden, Unavailable
from openassistant.http import HttpClient
from openassistant.targets import find, of_account, of_card

API = str(connector.manifest.settings["api_url"]["default"])
STORAGE = [
    "https://contoso-my.sharepoint.com/_api/v2.0/drives/b/items/1/uploadSession?guid=1",
    "https://sn3302.up.1drv.com/up/fe6987415ace7X4e1eF866337",
    "https://api.onedrive.com/rup/1/eyJ",
    "https://my.microsoftpersonalcontent.com/personal/1/_layouts/15/download.aspx",
]


async def nowhere(host: str, port: int) -> list[str]:
    return []


def client(*, private: tuple[str, ...] = (API,)) -> HttpClient:
    deadline = CallContext.within(20).deadline
    made = HttpClient(
        connector.manifest.hosts, deadline=deadline, clock=utc_now, private=private, resolver=nowhere
    )  # fmt: skip
    made.authorize(SecretStr("Bearer obviously-fake-token"))
    return made


@pytest.mark.parametrize("url", STORAGE)
async def test_the_hosts_of_uploads_and_contents_are_never_asked_with_the_sign_in(url: str) -> None:
    async with client() as http:
        with pytest.raises(Forbidden, match="may reach"):
            await http.put(url, content=b"x")
        with pytest.raises(Unavailable, match="no server named"):
            await http.get(url, signed=False)


@pytest.mark.parametrize("url", [API, *STORAGE])
def test_the_way_out_of_the_house_covers_them(url: str) -> None:
    card = connector.card()
    targets = (*of_card(card), *of_account(card, {"api_url": API}))
    host = url.split("/")[2]
    assert find(targets, host, 443) is not None
    assert find(targets, host, 8443) is None


@pytest.mark.parametrize(
    "host",
    ["sharepoint.com", "evilsharepoint.com", "1drv.com.evil.example", "login.microsoftonline.com", "evil.example"],
)
def test_and_no_others(host: str) -> None:
    card = connector.card()
    assert find((*of_card(card), *of_account(card, {"api_url": API})), host, 443) is None
