"""How much goes out and comes in, and to whom: counted on the connection itself, for whatever is under way.

    with measuring(meter := Meter()):
        await ctx.http.get("https://api.example.com/v1/things")
    meter.take()        # (Traffic(host="api.example.com", port=443, bytes_out=214, bytes_in=5120, …),)

Counted is what the protocol said, before TLS: headers and bodies of HTTP with their framing, lines and literals of IMAP
and SMTP. On the wire TLS adds a handshake of some kilobytes to each connection and 22 to 29 bytes to each record (RFC
8446, 5.2), TCP and IP their headers. What was handed to a connection that broke counts as sent.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any, NamedTuple

import httpcore
import httpx

from openassistant.messages import Reach, Traffic
from openassistant.origins import is_public

__all__ = [
    "Meter",
    "MeteredClient",
    "MeteredTransport",
    "Place",
    "count",
    "measuring",
    "metered",
    "place_of",
    "reach_of",
]

_MOST = 32
"""Places that are told apart; the rest is one, without a name."""
_REST = "other hosts"
_USUAL = {"http": 80, "https": 443}


class Place(NamedTuple):
    """Where a connection goes: the name that was asked for, its port, and how far that is."""

    host: str
    port: int
    reach: Reach


class Meter:
    """Sums for each place; may be counted on from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[Place, tuple[int, int]] = {}

    def add(self, place: Place, sent: int, received: int) -> None:
        """Counts bytes."""
        with self._lock:
            out, back = self._sums.get(place, (0, 0))
            self._sums[place] = (out + sent, back + received)

    def absorb(self, traffic: Iterable[Traffic]) -> None:
        """Counts what another meter gave."""
        for each in traffic:
            self.add(Place(each.host, each.port, each.reach), each.bytes_out, each.bytes_in)

    def take(self) -> tuple[Traffic, ...]:
        """What was counted since the last time, the most first."""
        with self._lock:
            sums, self._sums = self._sums, {}
        found = sorted(sums.items(), key=lambda each: sum(each[1]), reverse=True)
        told = [_traffic(place, *sizes) for place, sizes in found[:_MOST]]
        if rest := found[_MOST:]:
            out, back = sum(each[1][0] for each in rest), sum(each[1][1] for each in rest)
            told.append(_traffic(Place(_REST, 0, "public"), out, back))
        return tuple(told)


_current: ContextVar[Meter | None] = ContextVar("meter", default=None)
_asked: ContextVar[tuple[str, str, int] | None] = ContextVar("asked", default=None)
"""Of the HTTP request under way: the host its URL names, the name and the port that were meant."""


@contextlib.contextmanager
def measuring(meter: Meter) -> Iterator[Meter]:
    """What this task, and the threads that it waits for, send and receive is counted on `meter`."""
    token = _current.set(meter)
    try:
        yield meter
    finally:
        _current.reset(token)


def count(place: Place, *, sent: int = 0, received: int = 0) -> None:
    """Counts bytes for whatever is under way; where nobody measures, nothing."""
    if meter := _current.get():
        meter.add(place, sent, received)


def place_of(host: str, port: int, connection: socket.socket) -> Place:
    """The place that a connected socket leads to, under the name that was asked for."""
    try:
        peer: Any = connection.getpeername()
    except OSError:
        peer = None
    return Place(host, port, reach_of(_end(peer, host, port)))


def reach_of(host: str) -> Reach:
    """How far an address lies: in this machine, in the owner's network, or outside. A name counts as outside."""
    if host.lower() == "localhost":
        return "machine"
    try:
        ip = ipaddress.ip_address(host.partition("%")[0].strip("[]"))
    except ValueError:
        return "public"
    if ip.is_loopback or ip.is_unspecified:
        return "machine"
    return "public" if is_public(str(ip)) else "network"


def metered(backend: httpcore.AsyncNetworkBackend) -> httpcore.AsyncNetworkBackend:
    """A backend of httpcore whose connections are counted."""
    return _Backend(backend)


class MeteredTransport(httpx.AsyncHTTPTransport):
    """The transport of httpx, counted. Through a proxy the place is still the one that the request names."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._pool._network_backend = metered(httpcore.AnyIOBackend())  # noqa: SLF001 - httpx hands no backend on to httpcore

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See `httpx.AsyncBaseTransport`."""
        named = httpx.URL(f"{request.url.scheme}://{request.headers.get('Host') or request.url.netloc.decode()}")
        port = request.url.port or _USUAL.get(request.url.scheme, 0)
        token = _asked.set((request.url.host, named.host or request.url.host, port))
        try:
            return await super().handle_async_request(request)
        finally:
            _asked.reset(token)


class MeteredClient(httpx.AsyncClient):
    """The client of httpx, counted, also through the proxies that the environment names."""

    def _init_transport(self, *, transport: httpx.AsyncBaseTransport | None = None, **options: Any) -> Any:  # type: ignore[override]
        return transport or MeteredTransport(**options)

    def _init_proxy_transport(self, proxy: httpx.Proxy, **options: Any) -> Any:  # type: ignore[override]
        return MeteredTransport(proxy=proxy, **options)


class _Backend(httpcore.AsyncNetworkBackend):
    """See `metered`."""

    def __init__(self, plain: httpcore.AsyncNetworkBackend) -> None:
        self._plain = plain

    async def connect_tcp(self, host: str, port: int, *given: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        """See `httpcore.AsyncNetworkBackend`."""
        stream = await self._plain.connect_tcp(host, port, *given, **options)
        return _Stream(stream, host, port)

    async def sleep(self, seconds: float) -> None:
        """See `httpcore.AsyncNetworkBackend`."""
        await self._plain.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    """One connection. It serves one request at a time (HTTP/1.1), and what is read belongs to what was last written."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, host: str, port: int, place: Place | None = None) -> None:
        self._stream, self._host, self._port = stream, host, port
        self._place = place or Place(host, port, reach_of(self._address()))

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """See `httpcore.AsyncNetworkStream`."""
        data = await self._stream.read(max_bytes, timeout)
        count(self._place, received=len(data))
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """See `httpcore.AsyncNetworkStream`."""
        self._place = self._meant()
        count(self._place, sent=len(buffer))
        await self._stream.write(buffer, timeout)

    async def start_tls(self, *given: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        """See `httpcore.AsyncNetworkStream`."""
        inner = await self._stream.start_tls(*given, **options)
        return _Stream(inner, self._host, self._port, self._meant())

    async def aclose(self) -> None:
        """See `httpcore.AsyncNetworkStream`."""
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        """See `httpcore.AsyncNetworkStream`."""
        return self._stream.get_extra_info(info)

    def _meant(self) -> Place:
        asked = _asked.get()
        if asked is None:
            return self._place
        target, name, port = asked
        direct = (target.strip("[]"), port) == (self._host.strip("[]"), self._port)
        return Place(name, port, reach_of(self._address()) if direct else reach_of(name))

    def _address(self) -> str:
        return _end(self._stream.get_extra_info("server_addr"), self._host, self._port)


def _end(peer: Any, host: str, port: int) -> str:
    """The address of a peer; the name where it is another than was asked for, a proxy that passes on."""
    return str(peer[0]) if isinstance(peer, tuple) and peer[1:2] == (port,) else host


def _traffic(place: Place, sent: int, received: int) -> Traffic:
    host, port, reach = place
    return Traffic(host=host, port=port, reach=reach, bytes_out=sent, bytes_in=received)
