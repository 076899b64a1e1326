"""Where a room may connect to: what its card and the settings of its accounts name. One function for all who ask.

A target is a host and a port. `*.example.org` is every host below example.org, at public addresses alone; so is
what a card names. What an account's owner typed may besides lie in the owner's own network (`private`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import Field

from openassistant.messages import Card, Wire
from openassistant.origins import origin_of

__all__ = [
    "MAIL_PORTS",
    "DnsRecord",
    "DnsRecords",
    "Lookup",
    "Target",
    "Targets",
    "domains_of",
    "find",
    "of_account",
    "of_card",
    "of_url",
]

MAIL_PORTS = (143, 465, 587, 993)
"""IMAP and submission (RFC 8314)."""

_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9](-*[a-z0-9])*\.)+[a-z][a-z0-9-]*[a-z0-9]")


class Target(Wire):
    """A host, lower-case and without a dot at its end, and a port; `*.` in front: every host below."""

    host: str
    port: int
    private: bool = False
    """Whether its address may lie in the owner's own network."""

    def covers(self, host: str, port: int) -> bool:
        """Whether a connection to that host and port is one to here."""
        named = host.endswith(self.host[1:]) and host != self.host if self.host.startswith("*.") else host == self.host
        return named and port == self.port


class Targets(Wire):
    """The whole list of a house: by room where it may connect to, and whose names it may look up in DNS."""

    rooms: dict[str, tuple[Target, ...]] = Field(default_factory=dict)
    lookups: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Lookup(Wire):
    """A question to DNS: the records (SRV or MX) of a name."""

    name: str
    kind: str


class DnsRecord(Wire):
    """A host out of DNS; `order` sorts (priority), `port` is 0 for MX."""

    order: int
    host: str
    port: int


class DnsRecords(Wire):
    """What DNS has for a name."""

    records: tuple[DnsRecord, ...] = ()


def find(known: Iterable[Target], host: str, port: int) -> Target | None:
    """The target that a connection would be to, one in the owner's network before others; None for none."""
    wanted = host.lower().removesuffix(".")
    found = [each for each in known if each.covers(wanted, port)]
    return next((each for each in found if each.private), found[0] if found else None)


def of_url(url: str, *, private: bool = True) -> tuple[Target, ...]:
    """The origin of a URL, of `name:port` or of a name (https); () for what is no such thing."""
    place = origin_of(url)
    return (Target(host=place.host.removesuffix("."), port=place.port, private=private),) if place else ()


def of_card(card: Card) -> tuple[Target, ...]:
    """The hosts that a card names, at public addresses alone."""
    return tuple(_unique(each for host in card.hosts for each in _of_card_host(host)))


def of_account(card: Card, settings: Mapping[str, Any]) -> tuple[Target, ...]:
    """What an account's settings lead to, by the card's `host_settings` and `domain_settings`.

    A setting `x_host` has its port in `x_port`. For a URL its own host and port, with https also what lies below that
    host, and with http the same host with https (RFC 6764, 5: servers send on to where the calendars are). Where a
    host was left open, the servers that the domain of an address has under its own name.
    """
    return tuple(_unique(_of_settings(card, settings)))


def domains_of(card: Card, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The domains of the addresses that an account's settings name, where its servers are to be found by them."""
    if all(settings.get(name) for name in card.host_settings):
        return ()
    typed = (str(settings.get(name) or "").rpartition("@")[2].strip().lower() for name in card.domain_settings)
    return tuple(dict.fromkeys(each for each in typed if _DOMAIN.fullmatch(each)))


def _of_settings(card: Card, settings: Mapping[str, Any]) -> Iterator[Target]:
    for name in card.host_settings:
        value = str(settings.get(name) or "").strip()
        if value and name.endswith("_host"):
            yield from _of_host(value, settings.get(f"{name.removesuffix('_host')}_port") or _default(card, name))
        elif value:
            yield from _of_typed_url(value)
    for domain in domains_of(card, settings):
        yield from (Target(host=host, port=443) for host in (domain, f"autoconfig.{domain}"))
        yield from (Target(host=host, port=port) for host in (domain, f"*.{domain}") for port in MAIL_PORTS)


def _of_host(host: str, port: Any) -> Iterator[Target]:
    place = origin_of(f"https://[{host}]" if ":" in host else host)
    if place and place.host == host.lower() and str(port).isdecimal():
        yield Target(host=place.host.removesuffix("."), port=int(port), private=True)


def _of_typed_url(url: str) -> Iterator[Target]:
    for place in of_url(url):
        yield place
        if url.lower().startswith("http://"):
            yield Target(host=place.host, port=443, private=True)
        elif _DOMAIN.fullmatch(place.host):
            yield Target(host=f"*.{place.host}", port=443)


def _of_card_host(host: str) -> Iterator[Target]:
    if host.startswith("*."):
        yield Target(host=host.lower(), port=443)
    else:
        yield from of_url(host, private=False)


def _default(card: Card, name: str) -> Any:
    """The port that the form proposes."""
    field = card.settings_schema.get("properties", {}).get(f"{name.removesuffix('_host')}_port", {})
    return field.get("default", 443)


def _unique(found: Iterable[Target]) -> Iterable[Target]:
    return dict.fromkeys(found)
