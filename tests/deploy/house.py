"""A bus server under the generated configuration, with a key for every room."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

import nkeys

from deploy.bus import JETSTREAM_KEY, configuration
from deploy.permissions import Room, table
from deploy.secretfiles import public_bus_key
from tests.peers.nats import NatsServer

__all__ = ["CONNECTORS", "ROOMS", "STORE_KEY", "open_bus", "seeds"]

CONNECTORS = ("caldav", "mail")
ROOMS: tuple[Room, ...] = table(CONNECTORS)
STORE_KEY = "k" + "0123456789abcdef" * 4


def seeds() -> dict[str, str]:
    """A fresh nkey seed for every room."""
    return {room.name: nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER).decode() for room in ROOMS}


def open_bus(keys: Mapping[str, str], *, key_file: Path | None = None) -> NatsServer:
    """The server, not yet started, that knows the rooms by the seeds `keys`."""
    text = configuration(
        ROOMS,
        {name: public_bus_key(seed) for name, seed in keys.items()},
        listen="127.0.0.1:4222",
        store_dir="store",
        pid_file="nats.pid",
        key_file=str(key_file) if key_file else None,
    )
    return NatsServer(text, env={} if key_file else {JETSTREAM_KEY: STORE_KEY})
