"""The networks that this container is on, and its own addresses, from the kernel's tables (proc(5))."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["inner", "own"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_V4, _V6 = Path("/proc/net/route"), Path("/proc/net/ipv6_route")
_OWN_V4, _OWN_V6 = Path("/proc/net/fib_trie"), Path("/proc/net/if_inet6")
_OWN = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")


def inner(v4: str | None = None, v6: str | None = None) -> tuple[Network, ...]:
    """Every network on a link that is not the way out: those of the rooms and the bus. `v4`, `v6`: the tables' text."""
    found = [*_of_v4(_V4.read_text() if v4 is None else v4), *_of_v6(_text(_V6) if v6 is None else v6)]
    outward = {link for link, network in found if network.prefixlen == 0}
    return tuple(dict.fromkeys(net for link, net in found if link not in outward and net.prefixlen))


def own(v4: str | None = None, v6: str | None = None) -> tuple[Network, ...]:
    """Every address of this container itself, also the one on the way out; the arguments as in `inner`."""
    of_v4 = _OWN.findall(_text(_OWN_V4) if v4 is None else v4)
    of_v6 = (int(line.split()[0], 16) for line in (_text(_OWN_V6) if v6 is None else v6).splitlines())
    found: list[Network] = [*map(ipaddress.IPv4Network, of_v4), *map(ipaddress.IPv6Network, of_v6)]
    return tuple(dict.fromkeys(found))


def _of_v4(table: str) -> Iterator[tuple[str, Network]]:
    """(link, network): numbers are hexadecimal in the byte order of the machine, which is little-endian here."""
    for line in table.splitlines()[1:]:
        link, target, _, _, _, _, _, mask, *_ = line.split()
        address, bits = (int.from_bytes(bytes.fromhex(each), "little") for each in (target, mask))
        yield link, ipaddress.IPv4Network((address, bits.bit_count()))


def _of_v6(table: str) -> Iterator[tuple[str, Network]]:
    for line in table.splitlines():
        target, length, *_, link = line.split()
        network = ipaddress.IPv6Network((int(target, 16), int(length, 16)), strict=False)
        if link != "lo" and not network.is_multicast:
            yield link, network


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:  # a kernel without IPv6
        return ""
