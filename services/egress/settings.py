"""The egress room's settings."""

from __future__ import annotations

from pathlib import Path

from openassistant.settings import RoomSettings

__all__ = ["EgressSettings"]


class EgressSettings(RoomSettings):
    """Where the proxy listens, whom it knows, and where it puts what it makes at each start."""

    egress_listen: str = "3128"
    """Where the proxy listens: a port, or host:port."""
    egress_rooms_file: Path
    """The digests of the rooms' passwords: a JSON object of room to SHA-256."""
    egress_folder: Path = Path("/tmp/egress")  # noqa: S108 - the container's own, empty at each start
    """Takes squid's configuration, its log's pipe and the socket on which it asks this room."""
