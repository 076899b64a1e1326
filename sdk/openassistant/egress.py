"""The one door to the outside: how a connection is opened, and whether it may be.

    sock = ctx.egress.connect("imap.example.org", 993, seconds=10)          # blocks; for a thread
    transport = ctx.egress.transport(verify=client_context())   # for an httpx.AsyncClient

*Direct* (the one-command run): the name is looked up, addresses in this network are refused where the list does not
say that they may be meant, and the connection goes to what was looked at. *Through the proxy* (`OA_EGRESS_URL`): a
tunnel by CONNECT (RFC 9110, 9.3.6) to the host by name; the proxy has the same list from the gateway, looks the name
up itself, and is the only one with a route. What is not on the list is `Forbidden` in both, before anything is sent.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx
from pydantic import SecretStr

from openassistant.errors import Forbidden, OaError, Unavailable
from openassistant.meter import MeteredTransport, metered
from openassistant.origins import is_public
from openassistant.targets import DnsRecord, Target, find
from openassistant.tls import client_context

__all__ = ["Egress", "Proxy", "Records"]

Records = Callable[[str, str], Awaitable[tuple[DnsRecord, ...]]]
"""The records of a name, of a kind (SRV, MX); empty when there are none."""

_LONGEST_ANSWER = 16 * 1024
"""Bytes of the proxy's answer to CONNECT; its page for people comes behind and is not read."""
_MOST_ADDRESSES = 3
_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Proxy:
    """Where the way out is, and as which room it is asked."""

    host: str
    port: int
    room: str
    password: SecretStr

    @classmethod
    def at(cls, url: str, *, room: str, password: SecretStr) -> Proxy:
        """The proxy at `http://host:port`; raises `ValueError`."""
        found = httpx.URL(url)
        if found.scheme != "http" or not found.host or not found.port:
            raise ValueError("not the address of a proxy, such as http://egress:3128")
        return cls(found.host, found.port, room, password)

    @property
    def url(self) -> str:
        """Its address with name and password, for libraries that read HTTPS_PROXY."""
        return f"http://{self.room}:{self.password.get_secret_value()}@{self.host}:{self.port}"

    def question(self, host: str, port: int) -> bytes:
        """The request for a tunnel."""
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        token = base64.b64encode(f"{self.room}:{self.password.get_secret_value()}".encode()).decode()
        lines = (f"CONNECT {place} HTTP/1.1", f"Host: {place}", f"Proxy-Authorization: Basic {token}")
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode()

    def away(self, error: Exception) -> OaError:
        """Why nothing leaves when the proxy itself cannot be reached."""
        failed = Unavailable(
            "The egress proxy, the only way out of this house, does not answer; nothing was sent. It is started again "
            "by itself; if this stays, look at the log of the container egress.",
            details={"reason": "no_way_out"},
        )
        failed.__cause__ = error
        return failed


class Egress:
    """Connections of one room to `targets`; None: to anywhere, for a room whose list another one keeps."""

    def __init__(
        self,
        targets: Iterable[Target] | None = None,
        *,
        proxy: Proxy | None = None,
        records: Records | None = None,
    ) -> None:
        """`records`: how DNS is asked where this room cannot ask it."""
        self._known = None if targets is None else list(targets)
        self.proxy, self.records = proxy, records

    def allow(self, targets: Iterable[Target]) -> None:
        """Adds to the list."""
        if self._known is not None:
            self._known.extend(each for each in targets if each not in self._known)

    def admit(self, host: str, port: int) -> Target:
        """The target that host and port are; raises `Forbidden`."""
        if self._known is None:
            return Target(host=host, port=port, private=True)
        found = find(self._known, host, port)
        if found is None:
            raise _unlisted(host)
        return found

    def connect(self, host: str, port: int, *, seconds: float) -> socket.socket:
        """An open connection; blocks. Raises `Forbidden`, `Unavailable` (no way out), `OSError` as a socket does."""
        place = self.admit(host, port)
        if self.proxy:
            return _tunnel(self.proxy, host, port, seconds)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            raise socket.gaierror(socket.EAI_NONAME, "not a name") from error
        addresses = _checked(place, [str(each[4][0]) for each in found], host)
        for address in addresses[:-1]:
            with contextlib.suppress(OSError):
                return socket.create_connection((address, port), seconds)
        return socket.create_connection((addresses[-1], port), seconds)

    def transport(
        self, *, verify: ssl.SSLContext | bool = True, limits: httpx.Limits | None = None
    ) -> httpx.AsyncHTTPTransport:
        """An httpx transport whose every connection is opened here, with https and plain http alike."""
        limits = limits or httpx.Limits(max_connections=100, max_keepalive_connections=20)
        context = client_context() if verify is True else verify or None
        made = MeteredTransport(verify=context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False)
        made._pool = httpcore.AsyncConnectionPool(  # noqa: SLF001 - httpx has no public way to say how to connect
            ssl_context=context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=metered(_Backend(self)),
        )
        return made


class _Backend(httpcore.AsyncNetworkBackend):
    """How httpcore connects: see `Egress`."""

    def __init__(self, egress: Egress) -> None:
        self._egress, self._plain = egress, httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        place = self._egress.admit(host, port)
        if self._egress.proxy:
            return await self._through(self._egress.proxy, host, port, timeout)
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        addresses = _checked(place, [str(each[4][0]) for each in found], host)
        for address in addresses[:-1]:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
        return await self._plain.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _through(self, proxy: Proxy, host: str, port: int, seconds: float | None) -> httpcore.AsyncNetworkStream:
        try:
            stream = await self._plain.connect_tcp(proxy.host, proxy.port, seconds)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise proxy.away(error) from error
        try:
            await stream.write(proxy.question(host, port), seconds)
            answer = b""
            while not _is_whole(answer):
                piece = await stream.read(1 if answer else 12, seconds)
                answer += piece or _END
            _admitted(proxy, answer, host)
        except (httpcore.ReadTimeout, httpcore.WriteTimeout, TimeoutError) as error:
            await stream.aclose()
            raise httpcore.ConnectTimeout(str(error)) from error
        except (httpcore.ReadError, httpcore.WriteError) as error:
            await stream.aclose()
            raise proxy.away(error) from error
        except OSError as error:
            await stream.aclose()
            raise httpcore.ConnectError(str(error)) from error
        except BaseException:
            await stream.aclose()
            raise
        return stream


def _checked(place: Target, found: Iterable[str], host: str) -> list[str]:
    """The addresses to try; raises `Forbidden` where one lies in this network and that is not meant."""
    addresses = list(dict.fromkeys(found))
    if not place.private and not all(is_public(each) for each in addresses):
        raise Forbidden(
            f"{host} lies inside this network, where this request must not go.", details={"reason": "inside"}
        )
    return addresses[:_MOST_ADDRESSES]


def _tunnel(proxy: Proxy, host: str, port: int, seconds: float) -> socket.socket:
    try:
        sock = socket.create_connection((proxy.host, proxy.port), seconds)
    except OSError as error:
        raise proxy.away(error) from error
    try:
        _admitted(proxy, _answer_of(sock, proxy, proxy.question(host, port)), host)
    except BaseException:
        sock.close()
        raise
    return sock


def _answer_of(sock: socket.socket, proxy: Proxy, question: bytes) -> bytes:
    """The head of the proxy's answer; raises `Unavailable` where the connection to it breaks."""
    answer = b""
    try:
        sock.sendall(question)
        while not _is_whole(answer):
            answer += sock.recv(1 if answer else 12) or _END
    except ConnectionError as error:
        raise proxy.away(error) from error
    return answer


def _is_whole(answer: bytes) -> bool:
    """Whether the head of an answer has come; byte by byte, for what follows is the other side's."""
    return answer.endswith(_END) or len(answer) > _LONGEST_ANSWER


def _admitted(proxy: Proxy, answer: bytes, host: str) -> None:
    """Returns for a tunnel that stands; raises `Forbidden`, `Unavailable`, or the `OSError` that the proxy met."""
    line, _, rest = answer.partition(b"\r\n")
    words = line.split()
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    if 200 <= status < 300:
        return
    if status == 403:
        raise _unlisted(host)
    if status == 407:
        raise Unavailable(
            "The egress proxy does not know this room, so nothing was sent. Start the house again: it makes the keys "
            "that are missing.",
            details={"reason": "no_way_out"},
        )
    if not status:
        raise proxy.away(EOFError())
    raise _failure(status, _squid_error(rest))


def _failure(status: int, said: int) -> OSError:
    """What the proxy met on its way, as a socket here would have said it."""
    if status == 404:
        return socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    if status == 504 or said == errno.ETIMEDOUT:
        return TimeoutError("timed out")
    return OSError(said or errno.EHOSTUNREACH, os.strerror(said or errno.EHOSTUNREACH))


def _squid_error(headers: bytes) -> int:
    """The number in `X-Squid-Error: ERR_CONNECT_FAIL 111`; 0 where there is none."""
    for line in _lines(headers):
        name, _, value = line.partition(":")
        if name.lower() == "x-squid-error":
            number = value.split()[-1:] or ["0"]
            return int(number[0]) if number[0].isdigit() else 0
    return 0


def _lines(headers: bytes) -> Iterator[str]:
    yield from headers.decode("latin-1").split("\r\n")


def _unlisted(host: str) -> Forbidden:
    return Forbidden(f"{host} is not one of the hosts that this connector may reach.", details={"reason": "not_listed"})
