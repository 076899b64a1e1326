"""Ports: which are free, and who listens."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable

__all__ = ["await_listener", "free", "is_free", "try_to_bind"]

_LOOPBACK = "127.0.0.1"


def is_free(listen: str) -> bool:
    """Whether nobody listens on host:port."""
    host, port = listen.rsplit(":", 1)
    try:
        try_to_bind(host, int(port))
    except OSError:
        return False
    return True


def free() -> str:
    """A loopback host:port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return f"{_LOOPBACK}:{probe.getsockname()[1]}"


def try_to_bind(host: str, port: int) -> None:
    """Takes an address and lets it go again; raises `OSError`."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def await_listener(listen: str, *, seconds: float, while_true: Callable[[], bool]) -> None:
    """Returns once host:port takes connections, after `seconds`, or when `while_true` no longer holds."""
    host, port = listen.rsplit(":", 1)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and while_true():
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.01)
