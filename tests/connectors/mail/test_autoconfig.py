"""Servers found from the address alone, never by trusting what others can forge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from connectors.mail.account import account_of
from connectors.mail.autoconfig import Place, Places, Record, find_servers, places_in, web_reader
from connectors.mail.tools import connector
from openassistant.context import CallContext
from openassistant.errors import InvalidRequest, NotFound, OaError
from openassistant.testing import FakeHouse

ADA = "ada@home.example"
FILE = """<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1"><emailProvider id="home.example"><domain>home.example</domain>
<incomingServer type="pop3"><hostname>pop.home.example</hostname><port>995</port><socketType>SSL</socketType>
</incomingServer>
<incomingServer type="imap"><hostname>clear.home.example</hostname><port>143</port><socketType>plain</socketType>
</incomingServer>
<incomingServer type="imap"><hostname>IMAP.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
<username>%EMAILLOCALPART%</username></incomingServer>
<outgoingServer type="smtp"><hostname>smtp.provider.example</hostname><port>587</port>
<socketType>STARTTLS</socketType><username>%EMAILADDRESS%</username></outgoingServer>
</emailProvider></clientConfig>"""
IMAP = Place("imap.home.example", 993, "tls")
SRV = {
    "_imaps._tcp.home.example": [Record(10, "second.home.example", 993), Record(1, "imap.home.example", 993)],
    "_submissions._tcp.home.example": [Record(1, "smtp.home.example", 465)],
}
Kind = Literal["SRV", "MX"]


class Net:
    """What the web and DNS say."""

    def __init__(
        self,
        files: Mapping[str, str] | None = None,
        srv: Mapping[str, list[Record]] | None = None,
        mx: list[Record] | None = None,
        address: str = "1.1.1.1",
    ) -> None:
        self.files, self.srv, self.mx, self.address = dict(files or {}), dict(srv or {}), mx or [], address
        self.asked: list[str] = []

    async def read(self, url: str) -> bytes:
        self.asked.append(url.partition("?")[0])
        if self.asked[-1] not in self.files:
            raise NotFound("There is no such file.")
        return self.files[self.asked[-1]].encode()

    async def records(self, name: str, kind: Kind) -> list[Record]:
        return self.srv.get(name, []) if kind == "SRV" else self.mx

    async def addresses(self, host: str, port: int) -> list[str]:
        return [self.address]

    async def find(self) -> Places:
        return await find_servers(ADA, read=self.read, records=self.records, addresses=self.addresses)


OWN = "https://autoconfig.home.example/mail/config-v1.1.xml"
KNOWN = "https://home.example/.well-known/autoconfig/mail/config-v1.1.xml"


@pytest.mark.parametrize("url", [OWN, KNOWN])
async def test_a_configuration_file_names_encrypted_servers(url: str) -> None:
    found = await Net({url: FILE}).find()
    assert found == Places(IMAP, Place("smtp.provider.example", 587, "starttls"), "ada")


async def test_only_the_domain_itself_is_asked() -> None:
    net = Net(srv=SRV)
    await net.find()
    assert net.asked == [OWN, KNOWN]


async def test_dns_names_the_servers_where_there_is_no_file() -> None:
    assert await Net(srv=SRV).find() == Places(IMAP, Place("smtp.home.example", 465, "tls"))


async def test_what_dns_names_outside_the_domain_is_proposed_and_not_used() -> None:
    forged = {**SRV, "_imaps._tcp.home.example": [Record(1, "imap.mallory.example", 993)]}
    with pytest.raises(InvalidRequest, match="others can forge") as caught:
        await Net(srv=forged).find()
    assert "imap.mallory.example" in caught.value.details["fields"]["imap_host"]


async def test_a_service_that_dns_says_is_not_there_is_not_used() -> None:
    none = {**SRV, "_imaps._tcp.home.example": [Record(0, ".", 0)]}
    with pytest.raises(InvalidRequest, match="Look them up"):
        await Net(srv=none).find()


async def test_the_host_that_takes_the_mail_makes_a_proposal() -> None:
    with pytest.raises(InvalidRequest, match=r"imap\.provider\.example") as caught:
        await Net(mx=[Record(10, "mx1.provider.example", 0)]).find()
    assert set(caught.value.details["fields"]) == {"imap_host", "smtp_host"}


@pytest.mark.parametrize("address", ["127.0.0.1", "192.168.1.5", "169.254.169.254", "::1"])
async def test_a_file_never_leads_into_the_owner_s_network(address: str) -> None:
    with pytest.raises(InvalidRequest):
        await Net({OWN: FILE}, address=address).find()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<html>welcome</html>",
        FILE.replace("SSL", "plain"),
        FILE.replace("993", "99999"),
        FILE.replace("IMAP.%EMAILDOMAIN%", "imap home"),
        FILE.replace("?>", '?><!DOCTYPE x [<!ENTITY a "b">]>', 1),
    ],
    ids=["empty", "a page", "no encryption", "no port", "no host", "entities"],
)
def test_a_file_that_is_none_names_nothing(content: str) -> None:
    assert places_in(content.encode(), ADA) is None


async def test_the_web_is_read_at_public_addresses_alone() -> None:
    read = web_reader("localhost", clock=lambda: datetime.now(UTC))
    with pytest.raises(OaError, match="inside this network"):
        await read("https://localhost/.well-known/autoconfig/mail/config-v1.1.xml")


async def settled(house: FakeHouse, monkeypatch: pytest.MonkeyPatch, **typed: object) -> tuple[str, int, str, str]:
    async def found(address: str, **_: object) -> Places:
        return Places(IMAP, Place("smtp.home.example", 465, "tls"), "ada")

    monkeypatch.setattr("connectors.mail.account.find_servers", found)
    house.connect("Mail", {"address": ADA, **typed}, password="not-a-real-password")
    ctx = CallContext.within(60, user=house.user).signed(grant=house.account_grant())
    async with house.runner.context(ctx, house.user, house.account.account) as context:
        account = await account_of(context)
    return account.imap_host, account.imap_port, account.smtp_host, account.login


async def test_address_and_password_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeHouse(connector, folder=tmp_path) as house:
        known = ("imap.home.example", 993, "smtp.home.example", "ada")
        assert await settled(house, monkeypatch, imap_host="", imap_port=143) == known


async def test_what_a_person_typed_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeHouse(connector, folder=tmp_path) as house:
        typed = {"imap_host": "mine.home.example", "imap_port": 1993, "username": "martin"}
        known = ("mine.home.example", 1993, "smtp.home.example", "martin")
        assert await settled(house, monkeypatch, **typed) == known


async def test_through_the_proxy_servers_under_the_own_domain_are_used() -> None:
    """There this room looks no name up: the proxy does, for every connection."""
    net = Net({OWN: FILE.replace("smtp.provider.example", "smtp.home.example")})
    found = await find_servers(ADA, read=net.read, records=net.records, addresses=None)
    assert found == Places(IMAP, Place("smtp.home.example", 587, "starttls"), "ada")


async def test_through_the_proxy_servers_elsewhere_have_to_be_entered() -> None:
    net = Net({OWN: FILE})
    with pytest.raises(InvalidRequest, match=r"its mail at smtp\.provider\.example") as failure:
        await find_servers(ADA, read=net.read, records=net.records, addresses=None)
    assert set(failure.value.details["fields"]) == {"imap_host", "smtp_host"}
