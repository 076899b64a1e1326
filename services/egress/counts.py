"""What went through the proxy, by room, host and port: from squid's log, hour by hour, for the ledger."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

__all__ = ["Counts", "read"]


@dataclass
class _Sum:
    connections: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    began: float = float("inf")
    ended: float = 0.0


@dataclass(frozen=True)
class _Tunnel:
    """One line of the log; times in seconds, what left in `bytes_out`, without the heads of the proxy's own."""

    ended: float
    lasted: float
    room: str
    host: str
    port: int
    bytes_out: int
    bytes_in: int


def read(line: str) -> _Tunnel | None:
    """A line of the log (`squid.LOG_FORMAT`) as a tunnel that stood; None for what was refused or is no such line."""
    words = line.split()
    if len(words) != 11 or words[3] != "CONNECT" or words[5] != "200":
        return None
    try:
        ended, lasted = float(words[0]), int(words[1]) / 1000
        host, _, port = words[4].rpartition(":")
        out, out_head, back, back_head = (int(each) for each in words[6:10])
        return _Tunnel(ended, lasted, words[2], host.strip("[]").lower(), int(port), out - out_head, back - back_head)
    except ValueError:
        return None


class Counts:
    """Sums since they were taken last. A tunnel counts when it ends."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[str, str, int], _Sum] = defaultdict(_Sum)

    def add(self, line: str) -> None:
        """Counts a line of the log."""
        if (tunnel := read(line)) is None:
            return
        found = self._sums[tunnel.room, tunnel.host, tunnel.port]
        found.connections += 1
        found.bytes_out += max(tunnel.bytes_out, 0)
        found.bytes_in += max(tunnel.bytes_in, 0)
        found.began = min(found.began, tunnel.ended - tunnel.lasted)
        found.ended = max(found.ended, tunnel.ended)

    def taken(self) -> list[dict[str, Any]]:
        """The sums as records' contents, and begins anew."""
        sums, self._sums = self._sums, defaultdict(_Sum)
        return [
            {
                "room": room, "host": host, "port": port, "connections": found.connections,
                "bytes_out": found.bytes_out, "bytes_in": found.bytes_in,
                "from": _moment(found.began), "until": _moment(found.ended),
            }
            for (room, host, port), found in sorted(sums.items())
        ]  # fmt: skip

    def put_back(self, content: dict[str, Any]) -> None:
        """Counts again what could not be recorded."""
        found = self._sums[content["room"], content["host"], content["port"]]
        for name in ("connections", "bytes_out", "bytes_in"):
            setattr(found, name, getattr(found, name) + content[name])
        found.began = min(found.began, datetime.fromisoformat(content["from"]).timestamp())
        found.ended = max(found.ended, datetime.fromisoformat(content["until"]).timestamp())


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
