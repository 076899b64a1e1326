"""Erasing a person goes on until every room has said that nothing is left, whatever breaks off in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection, text

from openassistant import subjects
from openassistant.context import CallContext, new_id, utc_now
from openassistant.data import EraseRequest, Forgotten, Holding, Part
from openassistant.errors import Conflict, InvalidRequest, NotFound, OaError, Unavailable
from openassistant.keys import Keys
from openassistant.messages import AccountList, AccountQuery, Done
from openassistant.oauth import ClientList, ClientQuery, OAuthClient, Revoked
from openassistant.openid import OpenIdClient, OpenIdList, OpenIdQuery
from services.gateway.backoff import Backoff
from services.gateway.erasing import Erasing
from services.gateway.forgetting import Forgetting
from services.gateway.ledger import Ledger
from services.gateway.ownparts import OwnParts
from services.gateway.passwords import Passwords
from services.gateway.preferences import Preferences
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.setup import Setup
from services.gateway.users import Users
from services.gateway.vault import Vault
from services.gateway.wayout import WayOut
from tests.services.gateway.house import GatewayHouse

PASSWORD = "not-a-real-password-of-bob"
ROOMS = ("vault", "agent", "audit", "post")


class Home(GatewayHouse):
    """Ada's house, where Bob lives too; every room remembers what it was told to erase, or is away."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.orders: list[tuple[str, str]] = []
        self.away: dict[str, OaError] = {}
        self.revoked: list[str] = []
        self.shredded: list[tuple[str, str]] = []
        self.clients: list[str] = []
        self.openids: list[str] = []
        self.erasing: Erasing
        self.users: Users
        self.keys: Keys
        self.bob: SignedIn

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        for name in ROOMS:
            await self._serve(name)
        vault = self.bus.room("vault")
        await vault.serve(subjects.vault_account("revoke"), AccountQuery, self._on_revoke)
        await vault.serve(subjects.vault_oauth("list"), ClientQuery, self._on_clients)
        await vault.serve(subjects.vault_oauth("remove"), ClientQuery, self._on_forget_client)
        await vault.serve(subjects.vault_openid("list"), OpenIdQuery, self._on_openids)
        await vault.serve(subjects.vault_openid("remove"), OpenIdQuery, self._on_forget_openid)
        self._others.push_async_callback(vault.drain, seconds=1)
        ada = await self.users.prepare(username="ada", password=PASSWORD, display_name="", role="owner")
        await self.users.add(ada[0].model_copy(update={"id": self.me.user.id}), ada[1])
        user, hashed = await self.users.prepare(username="bob", password=PASSWORD, display_name="", role="member")
        await self.users.add(user, hashed)
        self.bob = SignedIn(session=new_id(), user=user, expires=self.time + timedelta(days=1), began=self.time)
        return self

    def clock(self) -> datetime:
        """Never behind the real one, by which calls between rooms end: to try a password takes its time."""
        return max(self.time, utc_now())

    async def start(self) -> None:
        await super().start()
        bus = self.bus.room("gateway")
        self._own.push_async_callback(bus.drain, seconds=1)
        self.keys = Keys(bus, self.clock)
        vault, ledger = Vault(bus, self.grants), Ledger(bus, self.grants, Preferences(self.store))
        quick = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        self.users = Users(self.store, quick, self.clock)
        forgetting = Forgetting(
            bus, self.store, OwnParts(bus, self.store, self.own, _no_conversations, self.clock), grants=self.grants,
            ledger=ledger, disconnect=_nothing, detach=_nothing, clock=self.clock,
        )  # fmt: skip
        self.erasing = Erasing(
            bus, self.store, self.own._users, users=self.users,
            sessions=Sessions(self.store, self.users, ledger, Backoff(self.clock), self.clock),
            connectors=self.connectors, vault=vault, grants=self.grants, ledger=ledger,
            way=WayOut(bus, vault, self.connectors.running, room="gateway", proxy=None), lock=self.keys.lock,
            forgetting=forgetting, clock=self.clock,
        )  # fmt: skip

    async def erase(self, me: SignedIn, password: str = PASSWORD) -> None:
        await self.erasing.begin(me, password, address="192.0.2.1")

    async def left(self) -> set[str]:
        """The rooms that have not said yet that it is gone."""
        return await self.store.read(lambda c: {row.room for row in c.execute(text("SELECT room FROM erasure_rooms"))})

    async def until_left(self, *rooms: str) -> None:
        async with asyncio.timeout(5):
            while await self.left() != set(rooms):
                await asyncio.sleep(0.01)

    async def until_ended(self) -> None:
        """Waits for the last word about every person, and for what comes after it."""
        query = text("SELECT 1 FROM erasures")
        async with asyncio.timeout(10):
            while await self.store.read(lambda c: c.execute(query).first()):
                await asyncio.sleep(0.01)

    async def tables(self) -> set[str]:
        """The tables of the room's own file that hold anything."""

        def read(connection: Connection) -> set[str]:
            tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
            return {each for each in tables if connection.execute(text(f"SELECT 1 FROM {each} LIMIT 1")).first()}

        return await self.store.read(read)

    async def rows(self, user: str) -> dict[str, int]:
        """By table of the room's own file, the rows that name a user."""

        def read(connection: Connection) -> dict[str, int]:
            found = {}
            tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
            for (table,) in list(tables):
                columns = {row.name for row in connection.execute(text(f"PRAGMA table_info({table})"))}
                names = columns & {"user", "lender"} or ({"id"} if table == "users" else set())
                if names:
                    whose = " OR ".join(f"{name} = :u" for name in sorted(names))
                    counted = connection.execute(text(f"SELECT count(*) FROM {table} WHERE {whose}"), {"u": user})
                    found[table] = int(counted.scalar_one())
            return {table: count for table, count in found.items() if count}

        return await self.store.read(read)

    async def _serve(self, name: str) -> None:
        bus = self.bus.room(name)
        self._others.push_async_callback(bus.drain, seconds=1)

        async def on_erase(ctx: CallContext, request: EraseRequest) -> Done:
            if name in self.away:
                raise self.away[name]
            self.orders.append((name, self.trust.erasure(request.order, now=self.time).user))
            return Done()

        async def on_usage(ctx: CallContext, _: Done) -> Holding:
            if name in self.away:
                raise self.away[name]
            assert self.trust.grant(ctx.grant, now=self.time).user == ctx.user
            return Holding(parts=(Part(kind="things", count=2, oldest=self.time),), bytes=len(name))

        async def on_forget(ctx: CallContext, request: EraseRequest) -> Forgotten:
            order = self.trust.erasure(request.order, now=self.time)
            assert order.scope is not None
            self.shredded += [(order.user, kind) for kind in order.scope.kinds]
            return Forgotten()

        await bus.serve(subjects.data(name, "forget"), EraseRequest, on_forget)
        await bus.serve(subjects.data(name, "erase"), EraseRequest, on_erase)
        await bus.serve(subjects.data(name, "usage"), Done, on_usage)

    async def _on_list(self, ctx: CallContext, query: AccountQuery) -> AccountList:
        if "accounts" in self.away:
            raise self.away["accounts"]
        mine = query.user == self.account.user and self.account.id not in self.revoked
        return AccountList(accounts=(self.account,) if mine else ())

    async def _on_revoke(self, ctx: CallContext, query: AccountQuery) -> Revoked:
        self.revoked.append(str(query.account))
        return Revoked(account=self.account, outcome="revoked")

    async def _on_clients(self, ctx: CallContext, query: ClientQuery) -> ClientList:
        made = OAuthClient(
            provider="post", client_id="c", authorize_url="https://a.example", token_url="https://t.example"
        )
        return ClientList(clients=() if self.clients else (made,))

    async def _on_forget_client(self, ctx: CallContext, query: ClientQuery) -> Done:
        self.clients.append(str(query.provider))
        return Done()

    async def _on_openids(self, ctx: CallContext, query: OpenIdQuery) -> OpenIdList:
        made = OpenIdClient(id="c" * 32, issuer="https://id.example", client_id="c", scopes=("openid",))
        return OpenIdList(clients=() if self.openids else (made,))

    async def _on_forget_openid(self, ctx: CallContext, query: OpenIdQuery) -> Done:
        self.openids.append(str(query.id))
        return Done()


async def _no_conversations(user: str) -> set[str]:
    return set()


async def _nothing(one: str, other: str) -> None:
    return


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    async with Home(tmp_path) as made:
        yield made


async def lives_in(home: Home, me: SignedIn) -> None:
    """Rows of a person in each table of the room's own file that has any, and a file of his own."""
    home.become(me)
    user, turn = me.user.id, await home.turn()
    await home.memories.add(me, _words("He likes tea"))

    def write(connection: Connection) -> None:
        call, account = new_id(), home.account.id
        for statement in (
            "INSERT INTO detachments VALUES (:account, 'post', :user)",
            "INSERT INTO threads VALUES (:user, 'a thread', :conversation)",
            "INSERT INTO account_holds VALUES (:account, :user, 5)",
            "INSERT INTO due VALUES (:call, :user, NULL, 0)",
            "INSERT INTO runs VALUES (:call, :now, :user, :turn, 'claimed', :now)",
            "INSERT INTO hooks VALUES (:account, 'post', :user, 'token', :call, NULL)",
            "INSERT INTO spending VALUES (:turn, :now, :now, :user, 'm', 'EUR', 1, 0, 1, 1, 1, 1, 0, 0, 1)",
            (
                "INSERT INTO approvals (id, call_id, call_digest, user, turn, conversation, state, created, expires)"
                " VALUES (:call, :call, 'x', :user, :turn, :conversation, 'pending', :now, :now)"
            ),
            "INSERT INTO told VALUES (:call, 'push', :now)",
            "INSERT INTO retention VALUES (:user, 'memories', '', 30, NULL)",
            "INSERT INTO retention_runs (user, due) VALUES (:user, :now)",
            "INSERT INTO forgettings VALUES (:call, :user, 'period', :now, '{}')",
            "INSERT INTO forgetting_orders VALUES (:call, 0, 'post', '{}', '', NULL, 0)",
            "INSERT INTO sessions VALUES (:session, :call, :user, :now, :now, :now, '192.0.2.1', 'a browser', :now)",
            "INSERT INTO known_addresses VALUES (:user, '192.0.2.1', :now)",
            "INSERT INTO completions (user, digest, conversation) VALUES (:user, 'x', :conversation)",
            "INSERT INTO moves VALUES (:call, :user, 'export', :now)",
            "INSERT INTO openid_links VALUES (:call, 'https://id.example', 'bob', :user, 'bob', :now, NULL)",
            "INSERT INTO openid_people VALUES (:user)",
            "INSERT INTO invitations VALUES (:call, 'join', 'x', :user, NULL, '', :now, :now, :now, NULL)",
            "INSERT INTO code_secrets VALUES (:user, 'obviously-fake', :now, :now, 0)",
            "INSERT INTO recovery_codes VALUES ('x', :user)",
            "INSERT INTO passkeys VALUES (:call, :user, 'x', x'00', 'localhost', 0, '[]', 'key', 0, :now, NULL)",
            "INSERT INTO passkey_challenges VALUES (:call, x'00', 'confirm', :session, :now)",
            "INSERT INTO house_words VALUES (:call, :user, 'leaving', 'Ada', NULL, :now, NULL)",
            (
                "INSERT INTO loans VALUES (:call, :turn, :user, :account, 'post', 'Home', 'read', '{}', 'token',"
                " 'accepted', :conversation, :now, :now, '')"
            ),
            (
                "INSERT INTO loans VALUES (:turn, :user, :turn, :account, 'post', 'Home', 'read', '{}', 'token',"
                " 'offered', NULL, :now, :now, '')"
            ),
            "INSERT INTO tokens VALUES (:call, :call, :user, 'a token', '', 'abcd', :now, :now, NULL)",
        ):
            connection.execute(
                text(statement),
                {"user": user, "call": call, "account": account, "turn": turn, "conversation": home.conversation,
                 "now": home.time.isoformat(), "session": me.session},
            )  # fmt: skip

    await home.store.write(write)


def _words(words: str) -> Any:
    from services.gateway.memory_views import MemoryDraft

    return MemoryDraft(text=words)


async def test_a_person_is_gone_from_every_room_and_the_other_is_not(home: Home) -> None:
    ada = home.me
    await lives_in(home, home.bob)
    before = await home.rows(ada.user.id)
    assert len(await home.rows(home.bob.user.id)) > 10
    files = home.folder / "users"
    assert [each.stem for each in sorted(files.glob("*.db"))] == [home.bob.user.id]
    await home.erase(home.bob)
    await home.until_left()
    assert sorted(home.orders) == sorted((room, home.bob.user.id) for room in ROOMS)
    assert home.orders[0][0] == "vault"
    assert home.revoked == [home.account.id]
    await home.until_ended()
    assert home.recorded()[-1] == "user.erased"
    assert home.recorded().count("user.erasing") == 1
    assert await home.rows(home.bob.user.id) == {}
    assert list(files.glob(f"{home.bob.user.id}*")) == []
    assert await home.rows(ada.user.id) == before
    assert [each.id for each in await home.users.everybody()] == [ada.user.id]


async def test_nobody_signs_in_as_one_who_is_being_erased(home: Home) -> None:
    home.away = {room: Unavailable("Away.") for room in (*ROOMS, "accounts")}
    await home.erase(home.bob)
    assert await home.users.find("bob") is None
    assert await home.left() == {*ROOMS, "gateway"}


async def test_a_wrong_password_erases_nothing(home: Home) -> None:
    with pytest.raises(InvalidRequest):
        await home.erase(home.bob, "another-wrong-password")
    assert (home.orders, await home.left(), home.recorded().count("user.erasing")) == ([], set(), 0)
    assert await home.users.find("bob") is not None


async def test_the_owner_goes_last(home: Home) -> None:
    with pytest.raises(Conflict, match="Others live in this house"):
        await home.erase(home.me)
    await home.erase(home.bob)
    await home.until_left()
    await home.erase(home.me)
    await home.until_left()
    assert not await home.users.any()


async def test_somebody_whose_notice_is_over_goes_without_a_password_and_those_who_wait_for_it_are_told(
    home: Home,
) -> None:
    told: list[str] = []

    async def leaving(user: str) -> None:
        told.append(user)

    home.erasing.leaving = leaving
    with pytest.raises(Conflict, match="Others live in this house"):
        await home.erasing.remove(home.me.user.id)
    await home.erasing.remove(home.bob.user.id)
    await home.until_left()
    assert told == [home.bob.user.id]
    assert await home.users.find("bob") is None


async def test_what_somebody_lends_and_borrows_ends_before_his_keys_go_and_again_until_it_has(home: Home) -> None:
    told: list[tuple[str, int]] = []

    async def unlending(user: str) -> None:
        told.append((user, len(home.orders)))
        if len(told) == 1:
            raise Unavailable("A room is away.")

    home.erasing.unlending = unlending
    await home.erase(home.bob)
    async with asyncio.timeout(5):
        while not told:
            await asyncio.sleep(0.01)
    assert (await home.left(), home.orders) == ({*ROOMS, "gateway"}, [])
    await home.erasing.go_on()
    await home.until_left()
    assert told == [(home.bob.user.id, 0)] * 2


async def test_what_cannot_be_written_down_does_not_begin(home: Home) -> None:
    home.ledger_error = Unavailable("The witness is away.")
    with pytest.raises(Unavailable):
        await home.erase(home.bob)
    assert await home.users.find("bob") is not None
    assert home.orders == []


@pytest.mark.parametrize("away", [*ROOMS, "accounts"])
async def test_a_room_that_is_away_is_asked_again_after_a_restart_and_the_others_only_once(
    home: Home, away: str
) -> None:
    home.away = {away: Unavailable("Away.")}
    await home.erase(home.bob)
    if away == "accounts":  # before the vault has ended his consents it keeps what that needs
        await asyncio.sleep(0.05)
        assert home.orders == []
    else:
        await home.until_left(away)
        assert "user.erased" not in home.recorded()
    await home.stop()
    await home.start()
    await home.erasing.go_on()
    home.away = {}
    await home.erasing.go_on()
    await home.erasing.go_on()
    assert sorted(home.orders) == sorted((room, home.bob.user.id) for room in ROOMS)
    assert home.recorded().count("user.erased") == 1
    assert await home.rows(home.bob.user.id) == {}


async def test_everybody_sees_how_much_is_held_and_who_does_not_say(home: Home) -> None:
    home.away = {"agent": Unavailable("Away.")}
    found = {each.room: each for each in await home.erasing.holdings(home.bob)}
    assert set(found) == {"gateway", *ROOMS}
    assert (found["agent"].answered, found["agent"].parts) == (False, [])
    assert (found["vault"].bytes, [(each.kind, each.count) for each in found["vault"].parts]) == (5, [("things", 2)])


async def test_what_this_room_holds_is_told_by_kind(home: Home) -> None:
    await lives_in(home, home.bob)
    found = {each.room: each for each in await home.erasing.holdings(home.bob)}
    assert {each.kind: each.count for each in found["gateway"].parts} == {"memories": 1, "questions": 1}


async def begin_house(home: Home, confirm: str = "erase this house", password: str = PASSWORD) -> None:
    await home.erasing.begin_house(home.me, password, confirm, address="192.0.2.1")


async def settings(home: Home) -> set[str]:
    return await home.store.read(lambda c: set(c.execute(text("SELECT name FROM settings")).scalars()))


async def test_with_the_house_go_everybody_and_what_its_owner_had_chosen(home: Home) -> None:
    preferences = Preferences(home.store)
    for name in ("model", "ledger_heads"):
        await preferences.put(name, "[]")
    digest = "d" * 64
    await home.store.write(
        lambda c: c.execute(
            text("INSERT INTO cards VALUES (:digest, 'mine', '{}', 'ada', :now)"),
            {"digest": digest, "now": home.time.isoformat()},
        ).close()
    )
    provider = (
        "INSERT INTO openid_providers VALUES ('club', 'Club', 'https://id.example', 'email', '[]', 'anybody', :now)"
    )
    await home.store.write(lambda c: c.execute(text(provider), {"now": home.time.isoformat()}).close())
    ada = home.me
    await lives_in(home, home.bob)
    home.become(ada)
    home.away = {"mine": Unavailable("Away.")}
    await home._serve("mine")
    await begin_house(home)
    assert not await home.users.any()
    await home.until_left("mine")  # of both, and until it has answered nothing of the house's own goes
    assert "model" in await settings(home)
    home.away = {}
    await home.erasing.go_on()
    await home.until_left()
    assert await settings(home) == {"ledger_heads"}
    assert (home.clients, home.openids) == (["post"], ["c" * 32])
    assert await home.tables() <= {"settings", "cards", "own_version"}
    assert {user for room, user in home.orders if room == "vault"} == {home.me.user.id, home.bob.user.id}
    cards = await home.store.read(lambda c: set(c.execute(text("SELECT connector FROM cards")).scalars()))
    assert "mine" not in cards
    assert home.recorded()[-1] == "data.erased"
    assert home.records[-1].outcome == "house"
    await home.erasing.go_on()
    assert home.recorded().count("data.erased") == 1


async def test_a_house_that_is_erased_goes_on_with_that_after_a_restart(home: Home) -> None:
    home.away = {"agent": Unavailable("Away.")}
    await begin_house(home)
    await home.until_left("agent")
    await home.stop()
    home.later(timedelta(minutes=1))
    await home.start()
    home.away = {}
    await home.erasing.go_on()
    assert await home.left() == set()
    assert "house_erasing" not in await settings(home)


async def test_nobody_moves_in_before_a_house_is_empty_and_no_member_without_an_owner(
    home: Home, tmp_path: Path
) -> None:
    setup = Setup(home.users, home.erasing._ledger, folder=tmp_path, address="http://house.example")
    opened: list[bool] = []

    async def open_house() -> None:
        opened.append(True)

    home.erasing.emptied = open_house
    home.away = {"agent": Unavailable("Away.")}
    assert not await home.erasing.is_emptying()
    await begin_house(home)
    await home.until_left("agent")
    assert await home.erasing.is_emptying()
    assert await setup.is_open()
    assert opened == []
    with pytest.raises(Conflict, match="no owner"):
        await home.users.add(home.bob.user.model_copy(update={"id": new_id()}), "not a hash")
    home.away = {}
    await home.erasing.go_on()
    await home.until_left()
    assert opened == [True]
    assert not await home.erasing.is_emptying()


@pytest.mark.parametrize(("confirm", "password"), [("yes", PASSWORD), ("erase this house", "another-wrong-password")])
async def test_a_house_is_not_erased_by_half_a_word(home: Home, confirm: str, password: str) -> None:
    with pytest.raises(InvalidRequest):
        await begin_house(home, confirm, password)
    assert len(await home.users.everybody()) == 2
    assert await settings(home) == set()


async def close_room(home: Home, room: str, password: str = PASSWORD) -> None:
    await home.erasing.close_room(home.me, room, password, address="192.0.2.1")


async def test_a_connector_that_will_not_come_back_is_waited_for_no_more_and_its_keys_go(home: Home) -> None:
    home.away = {"post": Unavailable("Away.")}
    await home.erase(home.bob)
    await home.until_left("post")
    [seen] = await home.erasing.under_way(home.me)
    assert (seen.what, seen.rooms, seen.mine) == ("person", ("post",), False)
    home.time += timedelta(minutes=5)  # without a word of it
    await close_room(home, "post")
    await home.until_left()
    assert home.shredded == [(home.me.user.id, "post")]
    assert [each.content for each in home.records if each.action.value == "room.gone"] == [
        {"connector": "post", "erasings": 1}
    ]
    await home.until_ended()
    assert "user.erased" in home.recorded()
    assert await home.erasing.under_way(home.me) == []


@pytest.mark.parametrize(
    ("room", "password", "error"),
    [
        ("vault", PASSWORD, NotFound), ("gateway", PASSWORD, NotFound), ("nowhere", PASSWORD, NotFound),
        ("post", PASSWORD, Conflict),
    ],
)  # fmt: skip
async def test_no_room_of_the_house_and_none_that_runs_is_given_up(
    home: Home, room: str, password: str, error: type[OaError]
) -> None:
    with pytest.raises(error):
        await close_room(home, room, password)
    assert "room.gone" not in home.recorded()


async def test_a_member_sees_only_his_own_erasings(home: Home) -> None:
    home.away = {"post": Unavailable("Away.")}
    await home.erase(home.bob)
    ben = home.bob.user.model_copy(update={"id": new_id(), "username": "ben"})
    assert await home.erasing.under_way(SignedIn(session=new_id(), user=ben, expires=home.time, began=home.time)) == []
