"""A second person in a house that runs, put there by whoever holds the gateway's keys.

Runs where the gateway runs, with its settings in the environment; the name and the password are the arguments.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from openassistant.bus import Bus, read_seed
from openassistant.context import utc_now
from openassistant.keys import Keys
from openassistant.store import Migrations, Store
from services.gateway import __main__ as gateway
from services.gateway.passwords import Passwords
from services.gateway.users import Users

__all__ = ["add"]


async def add(name: str, password: str) -> None:
    """Stores a member of the household."""
    seed = read_seed(Path(os.environ["OA_NKEY_FILE"]))
    bus = await Bus.connect(os.environ["OA_NATS_URL"], room="gateway", seed=seed, instance="newcomer")
    key = await Keys(bus, utc_now).room()
    lines = Migrations({"own": Path(gateway.__file__).parent / "migrations" / "room"})
    store = await Store.open(Path(os.environ["OA_DATA_DIR"]) / "room.db", key, lines)
    users = Users(store, Passwords(), utc_now)
    await users.add(*await users.prepare(username=name, password=password, display_name="", role="member"))
    await store.close()
    await bus.drain(seconds=1)


if __name__ == "__main__":
    asyncio.run(add(*sys.argv[1:3]))
