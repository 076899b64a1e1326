"""Networks of their own (namespaces of the kernel), each with a wire to the world and with what goes out recorded.

Whatever a process in a place sends but to itself goes out on its one wire: there is a route for every address of both
families, and the only neighbour is the world. What has no answer there is recorded all the same.
"""

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.network.packets import Packet, read_packets
from tests.peers.process import Child, Lifespan, MissingPeerError, PeerError, find_binary, wait_until

__all__ = ["Namespace", "Place", "Record", "command", "missing"]

_NEW_NETWORK = 0x40000000
"""CLONE_NEWNET (namespaces(7))."""
_MARKS = 9
"""The port (discard, RFC 863) of the packets by which a record shows that it is awake."""
_WIRE = "wire"


def missing() -> str:
    """What this machine lacks to have such networks; empty when it lacks nothing."""
    try:
        for name, package in (("ip", "iproute2"), ("tcpdump", "tcpdump"), ("unshare", "util-linux")):
            find_binary(name, package=f"the Debian package {package}")
        Namespace().close()
    except MissingPeerError as error:
        return str(error)
    except OSError as error:
        return f"networks of its own need root ({error.strerror}): sudo make network-test"
    return ""


def command(*words: str) -> str:
    """What a command prints, run in the network of this thread; `PeerError` with its words when it fails."""
    program = find_binary(words[0], package="iproute2")
    ended = subprocess.run([program, *words[1:]], capture_output=True, text=True, check=False, timeout=20)
    if ended.returncode:
        raise PeerError(f"{' '.join(words)}: {ended.stderr.strip()}")
    return ended.stdout


class Namespace:
    """A network of its own, with nothing but loopback, for as long as it is open; raises `OSError` without the right.

    Threads and processes that are started while a thread is in it are in it for good.
    """

    def __init__(self) -> None:
        before = _here()
        try:
            _system("unshare", _NEW_NETWORK)
            self.number = _here()
            command("ip", "link", "set", "lo", "up")
        finally:
            _system("setns", before, _NEW_NETWORK)
            os.close(before)

    @property
    def path(self) -> str:
        """How `ip` is told of it."""
        return f"/proc/{os.getpid()}/fd/{self.number}"

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is in it."""
        before = _here()
        _system("setns", self.number, _NEW_NETWORK)
        try:
            yield
        finally:
            _system("setns", before, _NEW_NETWORK)
            os.close(before)

    def close(self) -> None:
        """Let go of it: it ends with the last process inside."""
        os.close(self.number)


class Record(Lifespan):
    """All that leaves by the wire of the network that it is started in, as tcpdump writes it down."""

    def __init__(self, folder: Path, name: str, *, neighbours: tuple[str, str]) -> None:
        self.file = folder / f"{name}.pcap"
        self._neighbours = neighbours
        self._program = find_binary("tcpdump", package="the Debian package tcpdump")
        words = ("-i", _WIRE, "-Q", "out", "-U", "--immediate-mode", "-s", "256", "-nn", "-Z", "root", "-w")
        self._child = Child([self._program, *words, str(self.file)], name=f"{name}-tcpdump", directory=folder)

    def start(self) -> None:
        """Begin."""
        self._child.start(lambda: "listening on" in self._child.tail(), seconds=20)

    def stop(self) -> None:
        """End; `PeerError` when the kernel had to leave packets out."""
        if self._child.alive:
            self._child.signal(signal.SIGINT)
            self._child.wait(seconds=20)
            if "\n0 packets dropped by kernel" not in self._child.tail():
                raise PeerError(f"the record has gaps:\n{self._child.tail()}")

    def packets(self) -> list[Packet]:
        """What left so far, the oldest first, but for answers to what others began and the record's own marks."""
        if not self._child.alive:
            raise PeerError(f"tcpdump has ended:\n{self._child.tail()}")
        self._mark()
        return [each for each in self._read() if each.port != _MARKS]

    def _mark(self) -> None:
        """Sends a packet and waits for it: all that left before is in the file then, and nothing slept."""
        size = 100 + secrets.randbelow(100)
        before = self._marks(size)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            sending.sendto(bytes(size), (self._neighbours[0], _MARKS))
        if not wait_until(lambda: self._marks(size) > before, seconds=20, every=0.1):
            raise PeerError("a packet was sent and is not in the record")

    def _marks(self, size: int) -> int:
        return sum(each.port == _MARKS and each.words == f"UDP, length {size}" for each in self._read())

    def _read(self) -> list[Packet]:
        words = ("-Z", "root", "-r", str(self.file), "-nn", "-tt")
        ended = subprocess.run([self._program, *words], capture_output=True, text=True, check=False, timeout=60)
        if ended.returncode and "truncated dump file" not in ended.stderr:  # the last packet is being written
            raise PeerError(f"the record cannot be read: {ended.stderr}")
        return list(read_packets(ended.stdout.splitlines(), neighbours=self._neighbours))


class Place(Lifespan):
    """A machine's network: one wire to `world`, over which it sends whatever is not for itself.

    `number` tells places of one world apart. To be used inside `entered`.
    """

    def __init__(self, world: Namespace, folder: Path, *, number: int, name: str) -> None:
        self._world, self._namespace, self._number = world, Namespace(), number
        self.address, there = f"10.99.{number}.2", f"10.99.{number}.1"
        self._six, six_there = f"fd99:{number}::2", f"fd99:{number}::1"
        self.record = Record(folder, name, neighbours=(there, six_there))
        self._ends = (there, six_there)

    def start(self) -> None:
        """Lay the wire and begin to record."""
        end = f"to-{self._number}"
        with self._world.entered():
            command("ip", "link", "add", end, "type", "veth", "peer", "name", _WIRE, "netns", self._namespace.path)
            _quiet(end)
            command("ip", "link", "set", "dev", end, "addrgenmode", "none")  # it has the addresses that it is given
            self._lay(end, *self._ends)
        with self.entered():
            _quiet(_WIRE)
            self._lay(_WIRE, self.address, self._six)
            for family, end in zip(("-4", "-6"), self._ends, strict=True):
                command("ip", family, "route", "add", "default", "via", end)
                command("ip", family, "route", "add", "multicast", _GROUPS[family], "dev", _WIRE)
            self.record.start()

    def stop(self) -> None:
        """End the record, and the network with its last process."""
        self.record.stop()
        self._namespace.close()

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """This thread, and what it starts, is on that machine."""
        with self._namespace.entered():
            yield

    def _lay(self, end: str, address: str, six: str) -> None:
        command("ip", "address", "add", f"{address}/30", "dev", end)
        command("ip", "-6", "address", "add", f"{six}/126", "dev", end, "nodad")
        command("ip", "link", "set", end, "up")


_GROUPS = {"-4": "224.0.0.0/4", "-6": "ff00::/8"}


def _quiet(end: str) -> None:
    """No questions of the kernel's own for routers, so that what is recorded is what a process wants."""
    for name, value in (("accept_ra", 0), ("router_solicitations", 0), ("dad_transmits", 0)):
        Path(f"/proc/sys/net/ipv6/conf/{end}/{name}").write_text(f"{value}\n")


def _here() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _system(call: str, *arguments: int) -> None:
    """unshare(2) or setns(2) for this thread."""
    if getattr(ctypes.CDLL(None, use_errno=True), call)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
