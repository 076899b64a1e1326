"""The servers of a mail address, from the address alone.

Asked are, in this order: the domain's own web server for Thunderbird's configuration file (over HTTPS, so that it is
the domain that answers), then DNS (RFC 6186, RFC 8314), then the host that takes the domain's mail. DNS can be forged:
what it says is used without a question only where it stays inside the domain (RFC 6186, 6), else it is proposed in
words. Mozilla's directory of providers is not asked, because that would tell a third party where somebody has mail.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple
from urllib.parse import quote
from xml.etree.ElementTree import Element, ParseError

import dns.asyncresolver
import dns.exception
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from openassistant.context import Clock
from openassistant.egress import Egress
from openassistant.errors import InvalidRequest, OaError
from openassistant.http import HttpClient
from openassistant.origins import is_public, resolve

__all__ = ["Place", "Places", "Record", "Records", "find_servers", "look_up", "places_in", "web_reader"]

_LARGEST_FILE = 256 * 1024
_SECONDS = 12.0
_TYPES: dict[str, Literal["tls", "starttls"]] = {"SSL": "tls", "STARTTLS": "starttls"}
_log = logging.getLogger("openassistant.mail")

Read = Callable[[str], Awaitable[bytes]]
"""The content at a URL; raises `OaError`."""


class Record(NamedTuple):
    """A host out of DNS; `order` sorts (priority), `port` is 0 for MX."""

    order: int
    host: str
    port: int


Records = Callable[[str, Literal["SRV", "MX"]], Awaitable[list[Record]]]
"""The records of a name, empty when there are none."""
Addresses = Callable[[str, int], Awaitable[list[str]]]


class Place(NamedTuple):
    """Where one server is; a connection to it is always encrypted."""

    host: str
    port: int
    security: Literal["tls", "starttls"]


class Places(NamedTuple):
    """Both servers of an address and what to sign in as ("" for the address)."""

    imap: Place
    smtp: Place
    username: str = ""


async def find_servers(address: str, *, read: Read, records: Records, addresses: Addresses | None = resolve) -> Places:
    """The servers of an address; raises `InvalidRequest` with `details.fields` when a person has to say them.

    Without `addresses` this room cannot look names up: the egress proxy does, and lets it reach what lies under the
    domain. What is elsewhere, the owner has to enter, for no room makes its own list longer.
    """
    domain = address.rpartition("@")[2].lower()
    async for found in _by_file(address, domain, read):
        if addresses is None and not _lie_inside(found, domain):
            raise _elsewhere(domain, found)
        if await _are_public(found, addresses):
            return found
    named = await _by_srv(domain, records)
    if named is not None and await _are_public(named, addresses):
        if _lie_inside(named, domain):
            return named
        raise _unconfirmed(domain, named)
    raise await _by_mx(domain, records)


async def _by_file(address: str, domain: str, read: Read) -> AsyncIterator[Places]:
    places = (
        f"https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={quote(address)}",
        f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    )
    for url in places:
        try:
            content = await read(url)
        except OaError as error:
            _log.debug("no configuration file", extra={"code": error.code})
            continue
        if (found := places_in(content, address)) is not None:
            yield found


def places_in(content: bytes, address: str) -> Places | None:
    """The servers in a file of Thunderbird's format, of those that are encrypted the first; None where it has none."""
    try:
        root = fromstring(content)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    imap = next(_servers(root, "incomingServer", "imap", address), None)
    smtp = next(_servers(root, "outgoingServer", "smtp", address), None)
    return None if imap is None or smtp is None else Places(imap[0], smtp[0], imap[1])


def _servers(root: Element, tag: str, kind: str, address: str) -> Iterator[tuple[Place, str]]:
    for each in root.iter(tag):
        said = {name: (each.findtext(name) or "").strip() for name in ("hostname", "port", "socketType", "username")}
        security = _TYPES.get(said["socketType"])
        if each.get("type") == kind and security and said["hostname"] and said["port"].isdecimal():
            place = Place(_filled(said["hostname"], address).lower(), int(said["port"]), security)
            if 0 < place.port < 65536 and _is_host(place.host):
                yield place, _filled(said["username"], address).replace(address, "")


def _filled(text: str, address: str) -> str:
    local, _, domain = address.rpartition("@")
    for name, value in (("EMAILADDRESS", address), ("EMAILLOCALPART", local), ("EMAILDOMAIN", domain)):
        text = text.replace(f"%{name}%", value)
    return text[:200]


def _is_host(name: str) -> bool:
    return len(name) < 254 and all(part and part.replace("-", "").isalnum() for part in name.split("."))


async def _by_srv(domain: str, records: Records) -> Places | None:
    imap = await _first_srv(domain, (("_imaps._tcp", "tls"), ("_imap._tcp", "starttls")), records)
    smtp = await _first_srv(domain, (("_submissions._tcp", "tls"), ("_submission._tcp", "starttls")), records)
    return None if imap is None or smtp is None else Places(imap, smtp)


async def _first_srv(
    domain: str, services: Sequence[tuple[str, Literal["tls", "starttls"]]], records: Records
) -> Place | None:
    """The first service that DNS names; the host "." says that there is none (RFC 6186, 3.4)."""
    for service, security in services:
        found = [each for each in sorted(await records(f"{service}.{domain}", "SRV")) if _is_host(each.host)]
        if found and found[0].port:
            return Place(found[0].host.lower(), found[0].port, security)
    return None


async def _by_mx(domain: str, records: Records) -> InvalidRequest:
    """Words that propose what the host which takes the mail suggests; nothing is sent there unasked."""
    exchangers = [each.host.lower() for each in sorted(await records(domain, "MX")) if _is_host(each.host)]
    if not exchangers:
        words = f"No servers were found for {domain}. Look them up at the provider, and enter both."
        return _asking(words, words)
    parent = domain if _inside(exchangers[0], domain) else exchangers[0].partition(".")[2]
    words = (
        f"{domain} does not say which servers it has. Its mail goes to {exchangers[0]}: enter what is right, perhaps"
    )
    return _asking(f"{words} imap.{parent}.", f"{words} smtp.{parent}.")


def _unconfirmed(domain: str, named: Places) -> InvalidRequest:
    words = "{} has its mail at {}, says DNS, which others can forge. If that is your provider, enter it here."
    return _asking(words.format(domain, named.imap.host), words.format(domain, named.smtp.host))


def _elsewhere(domain: str, found: Places) -> InvalidRequest:
    words = "{} has its mail at {}. If that is your provider, enter it here: the house reaches only what you name."
    return _asking(words.format(domain, found.imap.host), words.format(domain, found.smtp.host))


def _asking(imap: str, smtp: str) -> InvalidRequest:
    message = imap if imap == smtp else f"{imap} {smtp}"
    return InvalidRequest(message, details={"fields": {"imap_host": imap, "smtp_host": smtp}})


def _inside(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


def _lie_inside(found: Places, domain: str) -> bool:
    return all(_inside(place.host, domain) for place in (found.imap, found.smtp))


async def _are_public(found: Places, addresses: Addresses | None) -> bool:
    """Whether both servers lie in the public internet: a stranger's file must not lead into the owner's network."""
    if addresses is None:
        return True  # the proxy looks, for every connection
    for place in (found.imap, found.smtp):
        try:
            known = await addresses(place.host, place.port)
        except OSError:
            return False
        if not known or not all(is_public(each) for each in known):
            return False
    return True


def web_reader(
    domain: str, *, clock: Clock, client: type[HttpClient] = HttpClient, egress: Egress | None = None
) -> Read:
    """Reads over HTTPS from the domain and its `autoconfig` host alone, at public addresses alone."""

    async def read(url: str) -> bytes:
        hosts = (domain, f"autoconfig.{domain}")
        deadline = clock() + timedelta(seconds=_SECONDS)
        async with client(hosts, deadline=deadline, clock=clock, egress=egress) as http:
            return (await http.get(url, limit=_LARGEST_FILE)).content

    return read


async def look_up(name: str, kind: Literal["SRV", "MX"]) -> list[Record]:
    """The records of a name, by this machine's resolver; empty when there are none or nobody answers."""
    try:
        async with asyncio.timeout(_SECONDS):
            answer = await dns.asyncresolver.resolve(name, kind, lifetime=_SECONDS / 2)
    except (dns.exception.DNSException, OSError, TimeoutError):
        return []
    if kind == "MX":
        return [Record(each.preference, each.exchange.to_text(omit_final_dot=True), 0) for each in answer]
    return [Record(each.priority, each.target.to_text(omit_final_dot=True), each.port) for each in answer]
