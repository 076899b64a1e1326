"""The decision about one connection: what is on the list, at an address where it may lie."""

from __future__ import annotations

import ipaddress

import pytest

from openassistant.targets import Target, Targets
from services.egress.lists import Lists, Verdict, changes
from services.egress.networks import inner, own

TYPED = Target(host="cloud.home.example", port=443, private=True)
PUBLIC = Target(host="*.example.org", port=443)
OWN = (ipaddress.ip_network("172.20.0.0/16"), ipaddress.ip_network("fd00:1::/64"))


async def decided(host: str, *addresses: str, port: int = 443, room: str = "caldav") -> Verdict:
    async def resolve(name: str, wanted: int) -> list[str]:
        return list(addresses)

    lists = Lists(own=OWN, resolver=resolve)
    lists.known = Targets(rooms={"caldav": (TYPED, PUBLIC)}, lookups={"mail": ("home.example",)})
    return await lists.decide(room, host, port)


@pytest.mark.parametrize(
    "host",
    ["cloud.home.example", "CLOUD.Home.Example", "cloud.home.example.", "a.example.org", "a.b.example.org"],
)
async def test_what_is_listed_is_open_at_the_address_that_was_found(host: str) -> None:
    assert await decided(host, "93.184.216.34") == Verdict("open", "93.184.216.34:443")
    assert await decided(host, "2606:4700::1") == Verdict("open", "[2606:4700::1]:443")


@pytest.mark.parametrize(
    "host",
    [
        "example.org", "cloud.home.example.attacker.test", "xcloud.home.example", "notexample.org", "", ".", "*",
        "*.example.org/", "a.example.org@attacker.test", "a.example.org%00.attacker.test", "a example.org",
        "bücher.example.org",
    ],
)  # fmt: skip
async def test_what_only_looks_like_it_is_not_listed(host: str) -> None:
    assert (await decided(host, "93.184.216.34")).word == "unlisted"


async def test_a_port_and_a_room_are_part_of_the_list() -> None:
    assert (await decided("cloud.home.example", "93.184.216.34", port=8443)).word == "unlisted"
    assert (await decided("cloud.home.example", "93.184.216.34", room="mail")).word == "unlisted"


INSIDE = ["10.1.2.3", "192.168.1.1", "172.16.0.1", "fd12::1", "100.64.0.1"]
NEVER = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "224.0.0.1", "::1", "::", "fe80::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "172.20.0.5", "::ffff:172.20.0.5", "fd00:1::7", "240.0.0.1",
    "64:ff9b::7f00:1", "2002:7f00:1::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
async def test_an_address_inside_is_open_only_where_a_person_typed_the_host(address: str) -> None:
    assert (await decided("cloud.home.example", address)).word == "open"
    assert (await decided("a.example.org", address)).word == "inside"


@pytest.mark.parametrize("address", NEVER)
async def test_some_addresses_are_never_open(address: str) -> None:
    assert (await decided("cloud.home.example", address)).word == "inside"
    assert (await decided("a.example.org", address)).word == "inside"


async def test_one_bad_address_among_good_ones_closes_a_name() -> None:
    assert (await decided("a.example.org", "93.184.216.34", "10.0.0.1")).word == "inside"
    assert (await decided("cloud.home.example", "10.0.0.1", "127.0.0.1")).word == "inside"


async def test_without_a_list_nothing_is_open() -> None:
    assert (await Lists(own=()).decide("caldav", "cloud.home.example", 443)).word == "unlisted"


async def test_a_name_without_addresses_is_unknown() -> None:
    assert (await decided("cloud.home.example")).word == "unknown"


def test_only_an_accounts_own_domain_is_looked_up() -> None:
    lists = Lists(own=())
    assert not lists.may_look_up("mail", "home.example")
    lists.known = Targets(lookups={"mail": ("home.example",)})
    assert lists.may_look_up("mail", "_imaps._tcp.home.example")
    for room, name in (
        ("mail", "secret.attacker.test"), ("mail", "xhome.example"), ("caldav", "home.example"), ("mail", "example"),
    ):  # fmt: skip
        assert not lists.may_look_up(room, name)


def test_changes_say_by_room_what_came_and_went() -> None:
    before = Targets(rooms={"mail": (TYPED,), "caldav": (PUBLIC,)})
    after = Targets(rooms={"mail": (PUBLIC,), "caldav": (PUBLIC,)})
    assert changes(before, after) == {
        "mail": {
            "added": ["*.example.org:443"], "removed": ["cloud.home.example:443 (also in the own network)"],
        }
    }  # fmt: skip
    assert changes(after, after) == {}


V4 = """Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth2	00000000	010016AC	0003	0	0	0	00000000	0	0	0
eth0	000014AC	00000000	0001	0	0	0	0000FFFF	0	0	0
eth2	000016AC	00000000	0001	0	0	0	0000FFFF	0	0	0
"""
V6 = (
    "fd000001000000000000000000000000 40 "
    + "0" * 32
    + " 00 "
    + "0" * 32
    + " 00000100 00000001 00000000 00000001 eth0\n"
)


TRIE = """Main:
  +-- 172.22.0.0/16 2 0 2
     |-- 172.22.0.0
        /16 link UNICAST
Local:
  +-- 172.22.0.0/16 2 0 2
     +-- 172.22.0.0/30 2 0 2
        |-- 172.22.0.2
           /32 host LOCAL
     |-- 172.22.255.255
        /32 link BROADCAST
"""


def test_the_proxys_own_address_on_the_way_out_is_known() -> None:
    links = "fd000022000000000000000000000002 08 40 00 80     eth2\n"
    assert own(TRIE, links) == (ipaddress.ip_network("172.22.0.2/32"), ipaddress.ip_network("fd00:22::2/128"))
    assert ipaddress.ip_network("127.0.0.1/32") in own()


def test_the_inner_networks_are_those_without_the_way_out() -> None:
    assert inner(V4, V6) == OWN
