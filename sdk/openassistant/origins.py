"""Where a request may go: URLs, their origins, and the addresses behind a name."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from typing import NamedTuple

import httpx

from openassistant.errors import InvalidRequest

__all__ = ["Origin", "address_of", "is_near", "is_public", "origin", "origin_of", "parse_url", "resolve"]

_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_LOOKUP_SECONDS = 2.0
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Origin(NamedTuple):
    """Scheme, lower-case ASCII host and port (RFC 6454)."""

    scheme: str
    host: str
    port: int


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, in the order of RFC 6724; raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address that packets for `text` end at: the IPv4 one inside an IPv6 one, where there is one."""
    ip = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return inner
    return ip


def is_public(address: str) -> bool:
    """Whether an address lies in the public internet, an IPv4 one inside an IPv6 one included."""
    ip = address_of(address)
    return ip.is_global and not ip.is_multicast


async def is_near(url: str) -> bool:
    """Whether a URL leads to this machine or its own network: every address behind its host is a private one.

    A name that is not known, or not within two seconds, is not near.
    """
    host = httpx.URL(url).raw_host.decode()
    try:
        return not is_public(host)
    except ValueError:
        pass
    try:
        async with asyncio.timeout(_LOOKUP_SECONDS):
            found = await resolve(host, 0)
    except (OSError, TimeoutError, UnicodeError):
        return False
    return bool(found) and not any(is_public(each.partition("%")[0]) for each in found)


def parse_url(text: str) -> httpx.URL:
    """A plain http or https URL, without user and password; raises `InvalidRequest`."""
    try:
        url = httpx.URL(text)
        port = url.port
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidRequest("The address is not a valid URL.") from error
    named = _HOST.fullmatch(url.raw_host.decode())
    if url.scheme not in ("http", "https") or not named or url.userinfo or port == 0:
        raise InvalidRequest("The address is not a plain http or https URL.")
    return url


def origin(url: httpx.URL) -> Origin:
    """The origin of a URL from `parse_url`."""
    return Origin(url.scheme, url.raw_host.decode().lower(), url.port or {"http": 80, "https": 443}[url.scheme])


def origin_of(text: str) -> Origin | None:
    """The origin that `name`, `name:port` (https) or a URL means; None for what is no host."""
    try:
        return origin(parse_url(text if "://" in text else f"https://{text}"))
    except InvalidRequest:
        return None
