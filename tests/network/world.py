"""The world that a house may see: servers under names of their own, a name server, and a wire to each place.

with World() as world:
    world.open("mail.home.example", peer.port)      # a peer that listens on the world's loopback
    place = world.join("house")
    with place.entered(): ...
"""

import asyncio
import contextlib
import ipaddress
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.compose.doorway import Doorway
from tests.network.wires import Namespace, Place, command
from tests.peers.process import Lifespan, LoopThread, workspace

__all__ = ["HOSTS", "NAME_SERVER", "World"]

HOSTS: Mapping[str, str] = {
    "mail.home.example": "10.20.0.5",
    "calendar.home.example": "fd20::6",
    "model.example.net": "192.88.99.10",
    "push.example.net": "192.88.99.20",
}
"""Two servers in the network at home, one of them with IPv6 alone, and two in the public internet: 192.88.99.0/24
counts as public and is nobody's any more (RFC 7526)."""
NAME_SERVER = "192.88.99.53"
"""Whom every machine here asks for names."""
_SETTINGS = Path("/proc/sys/net")
_LOOKS_UP = """
mount --bind "$0/resolv.conf" /etc/resolv.conf && mount --bind "$0/nsswitch.conf" /etc/nsswitch.conf && exec "$@"
"""


class World(Lifespan):
    """Knows `HOSTS` by name and no other; behind every other address there is nobody, who refuses."""

    def __init__(self) -> None:
        self.folder = workspace("world")
        self._namespace = Namespace()
        self._open, self._joined = ExitStack(), 0
        self.command = ("unshare", "--mount", "sh", "-c", _LOOKS_UP, str(self.folder))
        """What stands before a command that is to look names up here."""

    def start(self) -> None:
        """Make the network and its name server."""
        (self.folder / "resolv.conf").write_text(f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:2\n")
        (self.folder / "nsswitch.conf").write_text("hosts: files dns\n")
        with self.entered():
            for each in {*HOSTS.values(), NAME_SERVER}:
                whole = "-6" if ":" in each else "-4"
                command("ip", whole, "address", "add", each, "dev", "lo", *(["nodad"] if whole == "-6" else []))
            for family in ("-4", "-6"):
                command("ip", family, "route", "add", "local", "default", "dev", "lo", "table", "main")
            for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                (_SETTINGS / name).write_text("1\n")
            self._open.enter_context(_NameServer())

    def stop(self) -> None:
        """Take the places and the servers down."""
        try:
            self._open.close()
        finally:
            self._namespace.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """This thread, and what it starts, is out there, where the peers are."""
        with self._namespace.entered():
            yield

    def open(self, name: str, *ports: int) -> None:
        """Let a host answer at these ports with what listens on the same ones of the world's loopback."""
        with self.entered():
            self._open.enter_context(Doorway(HOSTS[name], ports))

    def join(self, name: str) -> Place:
        """Another machine, with a wire to here; it is recorded from now on."""
        self._joined += 1
        return self._open.enter_context(Place(self._namespace, self.folder, number=self._joined, name=name))


class _NameServer(Lifespan):
    """Answers for `HOSTS`, and that there is no other name."""

    def __init__(self) -> None:
        self._thread = LoopThread("names")
        self._server: asyncio.DatagramTransport | None = None

    def start(self) -> None:
        self._thread.start()
        self._server = self._thread.run(self._listen())

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self._thread.stop()

    async def _listen(self) -> asyncio.DatagramTransport:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(_Names, local_addr=(NAME_SERVER, 53))
        return transport


class _Names(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        with contextlib.suppress(dns.exception.DNSException):
            self._transport.sendto(_answer(dns.message.from_wire(data)).to_wire(), address)


def _answer(question: dns.message.Message) -> dns.message.Message:
    answer = dns.message.make_response(question, recursion_available=True)
    [asked] = question.question
    found = HOSTS.get(asked.name.to_text(omit_final_dot=True).lower())
    if found is None:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    elif asked.rdtype == (dns.rdatatype.A if ipaddress.ip_address(found).version == 4 else dns.rdatatype.AAAA):
        answer.answer.append(dns.rrset.from_text(asked.name, 60, asked.rdclass, asked.rdtype, found))
    return answer
