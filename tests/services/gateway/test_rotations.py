"""The owner orders new keys; the order goes on, whatever is away, until every file is under its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.errors import Conflict, InvalidRequest, OaError, Unavailable
from openassistant.keys import Keys
from openassistant.messages import AuditAction
from openassistant.rekeying import KeysReport, Rekeying, RotateRequest
from openassistant.store import Migrations, Store, UserStores
from services.gateway.backoff import Backoff
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger
from services.gateway.passwords import Passwords
from services.gateway.preferences import Preferences
from services.gateway.rotations import Rotations
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.users import Users
from services.vault.rootkey import RootKey
from tests.services.gateway.house import migrations
from tests.services.vault.house import DIGEST
from tests.services.vault.test_rotation import RootHouse

PASSWORD = "not-a-real-password-of-ada"


class Room:
    """A room with a file of its own and one for each user, as agent and connectors are."""

    def __init__(self, home: Home, name: str, bus: Bus) -> None:
        self.folder, self.bus = home.folder.parent / name, bus
        self.keys = Keys(bus, home.now)
        self.users = UserStores(self.folder / "users", Migrations({}), self.keys.of, anew=self.keys.anew)
        self.store: Store
        self._home = home

    async def start(self) -> None:
        self.store = await Store.open(self.folder / "room.db", await self.keys.room(), Migrations({}))
        rekeying = Rekeying(self.keys, self.store, self.users)
        await rekeying.serve(self.bus, trust=self._home.trust, clock=self._home.now)

    async def stop(self) -> None:
        await self.bus.drain(seconds=2)
        await self.users.close()
        await self.store.close()

    async def note(self, user: str, words: str) -> None:
        def write(connection: Connection) -> None:
            connection.execute(text("CREATE TABLE IF NOT EXISTS notes (words TEXT)"))
            connection.execute(text("INSERT INTO notes VALUES (:w)"), {"w": words})

        await self.keys.unlock(user, self._home.grant(user=user, kind="session", origin="session", turn=None))
        async with self.users.use(user) as store:
            await store.write(write)

    async def notes(self, user: str) -> list[str]:
        await self.keys.unlock(user, self._home.grant(user=user, kind="session", origin="session", turn=None))
        async with self.users.use(user) as store:
            rows = await store.read(lambda c: c.execute(text("SELECT words FROM notes")).all())
        return [row.words for row in rows]


class Home(RootHouse):
    """A vault, a gateway, the rooms `agent` and `mail`, and Ada, who owns it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.me: SignedIn
        self.rooms: dict[str, Room] = {}
        self.rotations: Rotations
        self.gateway_room: Room

    async def __aenter__(self) -> Any:
        await super().__aenter__()
        for name in ("agent", "mail"):
            await self.open(name)
        await self.open_gateway()
        user, hashed = await self.people.prepare(username="ada", password=PASSWORD, display_name="", role="owner")
        await self.people.add(user, hashed)
        self.me = SignedIn(session="0" * 32, user=user, expires=self.now(), began=self.now())
        self.user = user.id
        return self

    async def __aexit__(self, *error: object) -> None:
        for room in (*self.rooms.values(), self.gateway_room):
            await room.stop()
        await super().__aexit__(*error)

    async def open(self, name: str) -> None:
        self.rooms[name] = Room(self, name, self.bus.room(name))
        await self.rooms[name].start()

    async def close(self, name: str) -> None:
        await self.rooms.pop(name).stop()

    async def open_gateway(self) -> None:
        room = self.gateway_room = Room(self, "gateway", self.bus.room("gateway"))
        lines = migrations("room")
        room.store = await Store.open(room.folder / "room.db", await room.keys.room(), lines)
        grants = Grants(self.gateway, lambda: {"mail": DIGEST}, self.now)
        preferences = Preferences(room.store)
        ledger = Ledger(room.bus, grants, preferences)
        self.people = Users(room.store, Passwords(), self.now)
        self.rotations = Rotations(
            room.bus, preferences, Sessions(room.store, self.people, ledger, Backoff(self.now), self.now),
            own=Rekeying(room.keys, room.store, room.users), grants=grants, ledger=ledger, clock=self.now,
        )  # fmt: skip

    async def begin(self, *keys: Any, password: str = PASSWORD) -> Any:
        return await self.rotations.begin(self.me, keys or ("root", "data", "credentials"), password, address="::1")

    def told(self) -> list[str | None]:
        return [each.outcome for each in self.records if each.action is AuditAction.KEY_ROTATED]


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    async with Home(tmp_path) as home:
        yield home


async def settled(home: Home) -> Any:
    async with asyncio.timeout(30):
        while (found := await home.rotations.state()).replacing:
            await home.rotations.go_on()
    return found


async def test_every_file_gets_its_new_key_and_everything_is_there(home: Home) -> None:
    for room in home.rooms.values():
        await room.note(home.user, "kept")
    await home.gateway_room.note(home.user, "kept")
    before = RootKey.load(home.place).identity
    asked = await home.begin()
    assert set(asked.replacing) == {"root", "data", "credentials"}
    found = await settled(home)
    assert set(found.replaced) == {"root", "data", "credentials"}
    assert (found.left, found.waiting) == (0, ())
    assert RootKey.load(home.place).identity != before
    for room in (*home.rooms.values(), home.gateway_room):
        assert await room.notes(home.user) == ["kept"]
    assert home.told() == ["begun", "done"]
    for name in ("agent", "mail"):
        await home.close(name)
        await home.open(name)
        assert await home.rooms[name].notes(home.user) == ["kept"]


async def test_a_room_that_is_away_is_waited_for_and_takes_its_key_when_it_is_back(home: Home) -> None:
    await home.rooms["mail"].note(home.user, "kept")
    await home.close("mail")
    await home.begin("data")
    await home.rotations.go_on()
    found = await home.rotations.state()
    assert [(each.room, each.files) for each in found.waiting] == [("mail", 2)]
    assert found.total > found.left == 2
    assert home.told() == ["begun"]
    await home.open("mail")
    assert await home.rooms["mail"].notes(home.user) == ["kept"]
    await settled(home)
    assert await home.rooms["mail"].notes(home.user) == ["kept"]
    assert home.told() == ["begun", "done"]


async def test_a_gateway_that_starts_again_goes_on_with_the_order(home: Home) -> None:
    await home.close("agent")
    await home.begin("data")
    await home.rotations.go_on()
    await home.gateway_room.stop()
    await home.open_gateway()
    await home.open("agent")
    assert (await settled(home)).replaced == ("data",)


async def test_a_vault_that_is_away_puts_it_off_and_a_witness_prevents_it(home: Home) -> None:
    home.refusal = Unavailable("The disk is full.")
    with pytest.raises(Unavailable):
        await home.begin()
    assert (await home.rotations.state()).replacing == ()
    home.refusal = None
    await home.stop()
    with pytest.raises(OaError):
        await home.begin()
    await home.start()
    await home.begin()
    assert set((await settled(home)).replaced) == {"root", "data", "credentials"}


async def test_only_with_the_password_and_one_order_at_a_time(home: Home) -> None:
    with pytest.raises(InvalidRequest, match="password"):
        await home.begin(password="another")
    await home.close("mail")
    await home.begin("data")
    with pytest.raises(Conflict, match="being replaced already"):
        await home.begin("root")
    assert home.told() == ["begun"]


async def test_a_root_key_that_may_not_be_written_is_said_before_anything_is_done(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(Conflict, match="may not write"):
        await home.begin()
    assert home.told() == []
    await home.begin("data", "credentials")
    assert set((await settled(home)).replaced) == {"data", "credentials"}


@pytest.mark.parametrize("room", ["agent", "mail", "audit"])
async def test_no_other_room_can_have_the_gateways_answer(home: Home, room: str) -> None:
    """What another room smuggles onto the gateway's subject is not served: the answer would go to its own inbox."""
    request = RotateRequest(id="1" * 32, keys=("root",))
    before = RootKey.load(home.place).identity
    ctx = home.context().capped(2)
    with pytest.raises(OaError):
        await home.bus.room(room).request(subjects.vault_rotate("gateway"), request, KeysReport, ctx)
    assert RootKey.load(home.place).identity == before
