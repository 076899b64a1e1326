"""What a card and an account's settings lead to."""

from __future__ import annotations

from typing import Any

import pytest

from openassistant.messages import Card
from openassistant.targets import MAIL_PORTS, Target, domains_of, find, of_account, of_card, of_url

MAIL = Card(
    id="mail",
    name="Mail",
    version="1",
    host_settings=("imap_host", "smtp_host"),
    domain_settings=("address",),
    settings_schema={"properties": {"imap_port": {"default": 993}, "smtp_port": {"default": 465}}},
)
CALDAV = Card(id="caldav", name="Calendar", version="1", hosts=("*.icloud.com",), host_settings=("url",))


def shown(found: tuple[Target, ...]) -> set[str]:
    return {f"{each.host}:{each.port}{'!' if each.private else ''}" for each in found}


def test_a_typed_host_comes_with_its_port_and_may_lie_inside() -> None:
    typed = {
        "address": "ada@home.example",
        "imap_host": "IMAP.home.example.",
        "smtp_host": "10.0.0.9",
        "smtp_port": 587,
    }
    assert shown(of_account(MAIL, typed)) == {"imap.home.example:993!", "10.0.0.9:587!"}
    assert domains_of(MAIL, typed) == ()


def test_an_address_alone_leads_to_servers_under_its_own_domain_in_public() -> None:
    found = shown(of_account(MAIL, {"address": "ada@home.example", "imap_host": ""}))
    mail = {f"{host}:{port}" for host in ("home.example", "*.home.example") for port in MAIL_PORTS}
    assert found == mail | {"home.example:443", "autoconfig.home.example:443"}
    assert domains_of(MAIL, {"address": "ada@Home.Example"}) == ("home.example",)


@pytest.mark.parametrize(
    "address", ["ada@com", "ada@10.0.0.1", "ada@[::1]", "ada@*.example", "ada", "ada@a b.c", "", None, 7]
)
def test_an_address_that_names_no_domain_leads_nowhere(address: Any) -> None:
    assert of_account(MAIL, {"address": address}) == ()


@pytest.mark.parametrize("host", ["*", "*.com", "a/b", "a b", "[::1", "a@b", "a:99"])
def test_a_host_that_is_none_leads_nowhere(host: str) -> None:
    typed = {"address": "ada@x", "imap_host": host, "smtp_host": host}
    assert all("*" not in each and "/" not in each for each in shown(of_account(MAIL, typed)))


def test_a_url_leads_to_its_origin_and_with_https_to_what_lies_below() -> None:
    found = shown(of_account(CALDAV, {"url": "https://cloud.home.example:8443/dav"}))
    assert found == {"cloud.home.example:8443!", "*.cloud.home.example:443"}
    assert shown(of_account(CALDAV, {"url": "http://nas:5232/"})) == {"nas:5232!", "nas:443!"}
    assert shown(of_account(CALDAV, {"url": "cloud.home.example"})) == {
        "cloud.home.example:443!", "*.cloud.home.example:443",
    }  # fmt: skip


def test_a_card_leads_to_public_hosts_alone() -> None:
    card = CALDAV.model_copy(update={"hosts": ("*.icloud.com", "api.example.org", "http://plain.example.org")})
    assert shown(of_card(card)) == {"*.icloud.com:443", "api.example.org:443", "plain.example.org:80"}


def test_the_target_in_the_own_network_is_found_first() -> None:
    known = (Target(host="*.home.example", port=443), Target(host="a.home.example", port=443, private=True))
    assert find(known, "A.home.example.", 443) == known[1]
    assert find(known, "b.home.example", 443) == known[0]
    assert find(known, "home.example", 443) is None


def test_an_address_in_brackets_is_an_address() -> None:
    assert of_url("http://[::1]:8080/v1") == (Target(host="::1", port=8080, private=True),)
