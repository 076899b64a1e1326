"""What the tests of rows share: words that are planted, and where they are looked for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from openassistant.context import new_id
from openassistant.store import Store
from services.gateway.data_views import KeepRule
from services.gateway.sessions import SignedIn
from tests.services.gateway.forgetful import Forgetful
from tests.services.gateway.house import GatewayHouse

__all__ = ["DAY", "PLANTED", "as_another", "count", "goes_when_chosen", "holding", "rows"]

PLANTED = "planted-words-9f3b"
DAY = timedelta(days=1)


def holding(folder: Path, *words: str) -> list[str]:
    """Names of the files in which one of these stands."""
    files = [each for each in folder.rglob("*") if each.is_file()]
    return [each.name for each in files if any(word.encode() in each.read_bytes() for word in words)]


async def rows(store: Store, *tables: str) -> str:
    """All that stands in some tables."""
    found = await store.read(lambda c: [list(c.execute(text(f"SELECT * FROM {each}"))) for each in tables])
    return str(found)


async def count(house: GatewayHouse, table: str) -> int:
    query = text(f"SELECT count(*) FROM {table}")
    return int(await house.store.read(lambda connection: connection.execute(query).scalar_one()))


async def as_another(house: GatewayHouse) -> SignedIn:
    """The owner of the house, where the one whose data it is is somebody else."""
    return house.me.model_copy(update={"user": house.me.user.model_copy(update={"id": new_id()})})


async def goes_when_chosen(house: Forgetful, room: str, kind: str) -> None:
    """However old it is it stays while nobody chose; then it goes after the days that were chosen, and not before."""
    about: dict[str, Any] = {"account": house.account.id} if room == "post" else {}
    house.place(room, kind, **about)
    await house.pass_on(400 * DAY)
    assert house.held(kind) == 1
    house.place(room, kind, **about)
    await house.keep(KeepRule(kind=kind, days=30, **about))
    await house.pass_on(29 * DAY)
    assert house.held(kind) == 1
    await house.pass_on(2 * DAY)
    assert house.held(kind) == 0
