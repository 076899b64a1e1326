"""Keys are replaced while the vault serves; killed at any step, a start finishes or goes back: nobody is locked out."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from sqlalchemy import text

from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.errors import Conflict, Forbidden, Internal, Unavailable
from openassistant.grants import SigningKey
from openassistant.messages import KeyReply, KeyRequest
from openassistant.rekeying import KeysReport, RotateRequest
from openassistant.seal import SealingKey
from openassistant.store import DataKey, WrongKey
from services.vault import rootkey
from services.vault.__main__ import Vault, open_file
from services.vault.datakeys import erase_user
from services.vault.rootkey import RootFile, RootKey, WrongPassphrase, is_protected
from services.vault.rotation import rotate_stopped
from tests.sdk.killing import When, killed
from tests.services.vault.house import CARD, PASSWORD, VaultHouse

PASSPHRASE = "obviously not a real passphrase"
ROOT_STEPS = [
    ("services.vault.rootkey", "RootFile.put_beside"),
    ("openassistant.store", "_collect"),
    ("shutil", "copyfile"),
    ("openassistant.store", "_changed"),
    ("openassistant.store", "_encrypt_anew"),
    ("openassistant.store", "_replace"),
    ("openassistant.store", "_keep_check"),
    ("services.vault.rootkey", "RootFile.switch"),
]
OTHER_STEPS = [
    ("services.vault.credentials", "Credentials._add_key"),
    ("services.vault.credentials", "Credentials._encrypt_anew"),
    ("services.vault.rotation", "Rotation._note"),
    ("services.vault.rotation", "renew_all"),
]


class RootHouse(VaultHouse):
    """A vault whose root key lies in a file, beside which a new one may lie; opened as the room opens it."""

    def __init__(self, folder: Path, *, passphrase: str | None = None) -> None:
        super().__init__(folder / "vault")
        self.place = folder / "root" / "root-key"
        passphrase_file = folder / "passphrase" if passphrase else None
        self.file = RootFile(self.place, passphrase_file=passphrase_file)
        if not self.place.exists():
            self.place.parent.mkdir(parents=True)
            self.place.write_text(self.root.dump(passphrase=passphrase))
        if passphrase_file and passphrase:
            passphrase_file.write_text(f"{passphrase}\n")

    async def start(self, *, root: RootKey | None = None) -> None:
        self.root, self.store = await open_file(self.folder / "vault.db", self.file)
        self._room = self.bus.room("vault")
        self.vault = Vault(self._room, self.store, self.root, trust=self.trust, clock=self.now, root_file=self.file)
        await self.vault.start()
        self.announce(CARD)
        self.vault.catalogue.apply("", None)

    async def rotate(self, *keys: str, order: str | None = None, caller: str = "gateway") -> KeysReport:
        request = RotateRequest.model_validate({"id": order or new_id(), "keys": keys})
        return await self.ask(subjects.vault_rotate(caller), request, KeysReport)

    async def held(self, room: str, *, user: str | None = None, adopted: str | None = None) -> DataKey:
        """What a room is given, with what follows it."""
        sealing, subject = SealingKey(), subjects.vault_key(room)
        ctx = CallContext.within(10).signed(grant=self.grant() if user else None)
        request = KeyRequest(user=user, public_key=sealing.public, adopted=adopted)
        reply = await self.ask(subject, request, KeyReply, ctx)
        following = None
        if reply.successor:
            following = DataKey(sealing.open(reply.successor.sealed, context=subject), id=reply.successor.key_id)
        return DataKey(sealing.open(reply.sealed, context=subject), id=reply.key_id, successor=following)

    async def password(self, account: Any) -> str:
        ctx = self.context(grant=self.account_grant(account))
        return (await self.release(account, ctx)).secrets["password"]

    async def wrapped(self) -> list[bytes]:
        """Everything in the file that is wrapped under the root key."""

        def read(connection: Any) -> list[bytes]:
            rows = [*connection.execute(text("SELECT wrapped, next_wrapped FROM data_keys"))]
            rows += [*connection.execute(text("SELECT wrapped, NULL FROM credential_keys"))]
            return [bytes(each) for row in rows for each in row if each is not None]

        return await self.store.read(read)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost stands in the file, so that what is made cheaply here is opened by the same code."""
    monkeypatch.setattr(rootkey, "_MEMORY_KIB", 64)
    monkeypatch.setattr(rootkey, "_PASSES", 1)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[RootHouse]:
    async with RootHouse(tmp_path) as house:
        yield house


# --- account secrets ----------------------------------------------------------------------------------------------


async def test_account_secrets_are_under_new_keys_and_are_what_they_were(house: RootHouse) -> None:
    account = await house.connect()
    before = await house.wrapped()
    report = await house.rotate("credentials")
    assert [(each.keys, each.count) for each in report.done] == [("credentials", 1)]
    assert not set(before) & set(await house.wrapped())
    assert await house.password(account) == PASSWORD
    await house.stop()
    await house.start()
    assert await house.password(account) == PASSWORD


# --- data keys ----------------------------------------------------------------------------------------------------


async def test_both_keys_are_handed_out_until_the_room_has_adopted_the_new_one(house: RootHouse) -> None:
    before = await house.held("mail", user=house.user)
    assert before.successor is None
    report = await house.rotate("data")
    assert [(each.room, each.user) for each in report.outstanding] == [("mail", house.user)]
    both = await house.held("mail", user=house.user)
    assert both == before
    assert both.successor is not None
    assert both.successor != before
    after = await house.held("mail", user=house.user, adopted=both.successor.id)
    assert (after, after.successor) == (both.successor, None)
    assert (await house.rotate()).outstanding == ()
    assert await house.held("mail", user=house.user, adopted=both.successor.id) == after


async def test_a_room_can_adopt_only_what_was_made_for_it(house: RootHouse) -> None:
    await house.held("agent")
    await house.held("mail")
    await house.rotate("data")
    agents = await house.held("agent")
    assert agents.successor is not None
    mails = await house.held("mail", adopted=agents.successor.id)
    assert mails.successor is not None
    assert len((await house.rotate()).outstanding) == 2


async def test_a_successor_of_a_users_key_goes_out_against_his_grant_alone(house: RootHouse) -> None:
    await house.held("mail", user=house.user)
    await house.rotate("data")
    sealing = SealingKey()
    for grant in (None, house.grant(user=new_id()), house.grant(by=SigningKey.generate())):
        request = KeyRequest(user=house.user, public_key=sealing.public, adopted=new_id())
        with pytest.raises(Forbidden):
            await house.ask(subjects.vault_key("mail"), request, KeyReply, CallContext.within(10).signed(grant=grant))


async def test_a_key_that_still_waits_is_not_replaced_once_more(house: RootHouse) -> None:
    await house.held("agent")
    await house.rotate("data")
    first = await house.held("agent")
    await house.rotate("data")
    assert (await house.held("agent")).successor == first.successor


async def test_what_the_ledger_hashed_keeps_its_key(house: RootHouse) -> None:
    before = await house.held("audit", user=house.user)
    await house.held("audit")
    report = await house.rotate("data")
    assert [(each.room, each.user) for each in report.outstanding] == [("audit", None)]
    assert (await house.held("audit", user=house.user)).successor is None
    assert await house.held("audit", user=house.user) == before


async def test_an_erased_users_keys_wait_for_nobody(house: RootHouse) -> None:
    await house.held("mail", user=house.user)
    await house.rotate("data")
    await erase_user(house.store, house.user, now=house.now())
    assert (await house.rotate()).outstanding == ()


# --- the root key -------------------------------------------------------------------------------------------------


async def test_under_a_new_root_key_everything_is_what_it_was_and_the_old_one_opens_nothing(house: RootHouse) -> None:
    account, key = await house.connect(), await house.key("agent")
    former, old_wrapped = RootKey.load(house.place), await house.wrapped()
    report = await house.rotate("root")
    assert [(each.keys, each.count) for each in report.done] == [("root", 1)]
    assert await house.password(account) == PASSWORD
    assert await house.key("agent") == key
    assert await house.key("mail")
    now = RootKey.load(house.place)
    assert now.replaces == (former.identity,)
    assert not set(old_wrapped) & set(await house.wrapped())
    for each in await house.wrapped():
        now.unwrap(each)
        with pytest.raises(Internal):
            former.unwrap(each)
    await house.stop()
    with pytest.raises(WrongKey, match="another key"):
        await VaultHouse.start(house, root=former)
    await house.start()
    assert await house.password(account) == PASSWORD
    assert sorted(each.name for each in house.place.parent.iterdir()) == ["root-key"]


async def test_a_backup_of_before_needs_the_root_key_of_before(house: RootHouse, tmp_path: Path) -> None:
    key = await house.key("agent")
    await house.store.tidy()
    backup, former = tmp_path / "backup" / "vault.db", RootKey.load(house.place)
    backup.parent.mkdir()
    shutil.copy(house.folder / "vault.db", backup)
    old_key_file = tmp_path / "old-root-key"
    old_key_file.write_text(former.dump())
    await house.rotate("root")
    with pytest.raises(WrongKey):
        await open_file(backup, house.file)
    root, store = await open_file(backup, RootFile(old_key_file))
    restored = VaultHouse(tmp_path / "unused")
    restored.store = store
    wrapped = await store.read(lambda c: bytes(c.execute(text("SELECT wrapped FROM data_keys")).scalar_one()))
    assert root.unwrap(wrapped) == key
    await store.close()


async def test_calls_that_come_while_keys_are_replaced_are_answered(house: RootHouse) -> None:
    account, key = await house.connect(), await house.key("agent")

    async def busy() -> None:
        for _ in range(15):
            assert await house.key("agent") == key
            assert await house.password(account) == PASSWORD
            await house.key("mail", user=house.user, grant=house.grant())

    workers = [asyncio.create_task(busy()) for _ in range(4)]
    for _ in range(2):
        await house.rotate("root", "credentials")
    await asyncio.gather(*workers)


async def test_the_same_order_twice_is_done_once(house: RootHouse) -> None:
    await house.key("agent")
    order = new_id()
    await house.rotate("root", "data", "credentials", order=order)
    now = RootKey.load(house.place).identity
    again = await house.rotate("root", "data", "credentials", order=order)
    assert RootKey.load(house.place).identity == now
    assert {each.keys for each in again.done} == {"root", "data", "credentials"}


async def test_a_root_key_that_was_given_is_not_touched_and_it_says_so(
    house: RootHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    before = house.place.read_bytes()
    with pytest.raises(Conflict, match="may not write"):
        await house.rotate("root")
    assert (await house.rotate()).fixed
    assert house.place.read_bytes() == before


async def test_a_disk_that_is_full_leaves_the_root_key_as_it_is(
    house: RootHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, before = await house.key("agent"), house.place.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", full)
        with pytest.raises(Unavailable):
            await house.rotate("root")
    assert await house.key("agent") == key
    assert house.place.read_bytes() == before
    assert sorted(each.name for each in house.place.parent.iterdir()) == ["root-key"]
    await house.rotate("root")
    assert await house.key("agent") == key


async def test_a_stopped_house_is_put_under_a_root_key_in_another_file(house: RootHouse, tmp_path: Path) -> None:
    key, former = await house.key("agent"), RootKey.load(house.place)
    new = RootKey.following(former)
    await house.stop()
    for _ in range(2):
        await rotate_stopped(house.folder / "vault.db", former, new)
    house.place.write_text(new.dump())
    await house.start()
    assert await house.key("agent") == key


# --- killed -------------------------------------------------------------------------------------------------------


async def _rotate_and_die(folder: Path, keys: tuple[str, ...], order: str, arm: Callable[[], None]) -> None:
    async with RootHouse(folder) as house:
        arm()
        await house.rotate(*keys, order=order)


def rotate_and_die(folder: Path, keys: tuple[str, ...], order: str, arm: Callable[[], None]) -> None:
    asyncio.run(_rotate_and_die(folder, keys, order, arm))


@pytest.mark.parametrize(
    ("step", "when"), [*product(ROOT_STEPS, get_args(When)), *product(OTHER_STEPS, get_args(When))]
)
def test_killed_at_any_step_a_start_opens_everything_and_the_order_is_finished(
    tmp_path: Path, step: tuple[str, str], when: When
) -> None:
    order, keys = new_id(), ("root", "data", "credentials") if step in OTHER_STEPS else ("root",)

    async def before() -> tuple[Any, bytes, list[bytes]]:
        async with RootHouse(tmp_path) as house:
            return await house.connect(), await house.key("agent"), await house.wrapped()

    async def after(account: Any, key: bytes, wrapped: list[bytes]) -> None:
        async with RootHouse(tmp_path) as house:
            house.user = account.user
            assert await house.key("agent") == key
            assert await house.password(account) == PASSWORD
            report = await house.rotate(*keys, order=order)
            assert {each.keys for each in report.done} == set(keys)
            assert await house.password(account) == PASSWORD
            assert await house.key("agent") == key
            assert not set(wrapped) & set(await house.wrapped())
            assert await house.store.read(lambda c: c.execute(text("SELECT count(*) FROM rotations")).scalar()) == len(
                keys
            )

    account, key, wrapped = asyncio.run(before())
    former = RootKey.load(tmp_path / "root" / "root-key")
    killed(partial(rotate_and_die, tmp_path, keys, order), at=step, when=when)
    asyncio.run(after(account, key, wrapped))
    now = RootKey.load(tmp_path / "root" / "root-key")
    assert former.identity in now.replaces
    assert sorted(each.name for each in (tmp_path / "root").iterdir()) == ["root-key"]
    assert not (tmp_path / "vault" / "vault.db.new").exists()


def contents(folder: Path) -> dict[Path, bytes]:
    return {each: each.read_bytes() for each in folder.rglob("*") if each.is_file() and each.name != "passphrase"}


# --- a passphrase -------------------------------------------------------------------------------------------------


def test_a_protected_file_holds_the_key_in_no_form_and_opens_with_its_passphrase_alone(tmp_path: Path) -> None:
    raw = bytes(range(32))
    file = tmp_path / "root-key"
    file.write_text(RootKey(raw, replaces=("0" * 32,)).dump(passphrase=PASSPHRASE))
    assert is_protected(file)
    assert raw not in file.read_bytes()
    assert RootKey(raw).dump().strip() not in file.read_text()
    found = RootKey.load(file, passphrase=PASSPHRASE)
    assert (found.derive("file"), found.replaces) == (RootKey(raw).derive("file"), ("0" * 32,))
    for wrong in (None, "", PASSPHRASE + " ", PASSPHRASE.upper()):
        with pytest.raises(WrongPassphrase):
            RootKey.load(file, passphrase=wrong)


def test_a_passphrase_typed_on_another_keyboard_is_the_same(tmp_path: Path) -> None:
    file = tmp_path / "root-key"
    file.write_text(RootKey(bytes(32)).dump(passphrase="gr\u00fc\u00dfe aus k\u00f6ln"))
    assert RootKey.load(file, passphrase="gru\u0308\u00dfe aus ko\u0308ln").identity == RootKey(bytes(32)).identity


@pytest.mark.parametrize("field", [{"memory_kib": 2**31}, {"passes": 10**9}, {"kind": "another"}, {"wrapped": "AAAA"}])
def test_a_file_that_asks_for_too_much_or_is_damaged_is_refused_in_words(tmp_path: Path, field: dict[str, Any]) -> None:
    file = tmp_path / "root-key"
    file.write_text(json.dumps({**json.loads(RootKey(bytes(32)).dump(passphrase=PASSPHRASE)), **field}))
    with pytest.raises(Internal, match="root-key"):
        RootKey.load(file, passphrase=PASSPHRASE)


async def test_a_protected_root_key_is_replaced_under_the_same_passphrase(tmp_path: Path) -> None:
    async with RootHouse(tmp_path, passphrase=PASSPHRASE) as house:
        key, former = await house.key("agent"), house.place.read_bytes()
        assert (await house.rotate("root")).protected
        assert await house.key("agent") == key
    assert is_protected(house.place)
    assert house.place.read_bytes() != former
    async with RootHouse(tmp_path, passphrase=PASSPHRASE) as again:
        assert await again.key("agent") == key


async def test_a_wrong_passphrase_is_named_before_anything_is_touched(tmp_path: Path) -> None:
    async with RootHouse(tmp_path, passphrase=PASSPHRASE) as house:
        key = await house.key("agent")
    before = contents(tmp_path)
    with pytest.raises(WrongPassphrase, match="not the passphrase"):
        await RootHouse(tmp_path, passphrase="another passphrase").start()
    assert contents(tmp_path) == before
    async with RootHouse(tmp_path, passphrase=PASSPHRASE) as again:
        assert await again.key("agent") == key


def test_what_was_left_of_a_key_that_was_being_written_goes_with_the_next(tmp_path: Path) -> None:
    file, left = tmp_path / "root-key", tmp_path / ".root-key.new.0123abcd"
    file.write_text(RootKey(bytes(32)).dump())
    for end in (RootFile.switch, RootFile.discard):
        left.write_text("half of a key")
        root = RootFile(file)
        root.put_beside(RootKey(bytes(range(32))))
        left.write_text("half of a key")
        end(root)
        assert [each.name for each in tmp_path.iterdir()] == ["root-key"]
    assert RootFile(file).load().derive("id") == RootKey(bytes(range(32))).derive("id")
