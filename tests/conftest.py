"""What holds for every test: nothing leaves this machine."""

import errno
import ipaddress
import os
import socket
import sys
from typing import Any

pytest_plugins = ["tests.peers.fixtures", "tests.e2e.fixtures"]

_NAMES = {"", "localhost", "localhost.", "ip6-localhost", socket.gethostname()}


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _is_local(host: str) -> bool:
    address = _address(host)
    return host in _NAMES if address is None else address.is_loopback


def _text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")


def _close_sockets(event: str, arguments: tuple[Any, ...]) -> None:
    """Answers as a machine without a network would: no such name, network unreachable."""
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not _is_local(_text(arguments[1][0])):
        raise OSError(errno.ENETUNREACH, f"{os.strerror(errno.ENETUNREACH)} (tests reach loopback alone)")
    if event == "socket.getaddrinfo":
        host = _text(arguments[0])
        if not _is_local(host) and _address(host) is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known (tests reach loopback alone)")


sys.addaudithook(_close_sockets)
