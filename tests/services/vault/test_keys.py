"""Without the root key nothing opens; a data key goes to its room alone, a user's against a grant of that user."""

from __future__ import annotations

import asyncio
import base64
import secrets
from datetime import timedelta
from pathlib import Path

import pytest

from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.data import EraseRequest, Forgotten
from openassistant.errors import Forbidden, Internal, InvalidRequest, Unavailable
from openassistant.grants import Erasure, Scope, SigningKey
from openassistant.messages import AuditAction, KeyReply, KeyRequest
from openassistant.seal import SealingKey
from services.vault.datakeys import erase_user
from services.vault.rootkey import RootKey
from tests.services.vault.house import DIGEST, VaultHouse

# --- the root key -------------------------------------------------------------------------------------------------


def test_a_root_key_is_read_from_its_file(tmp_path: Path) -> None:
    raw = secrets.token_bytes(32)
    (tmp_path / "root").write_text(base64.b64encode(raw).decode() + "\n")
    assert RootKey.load(tmp_path / "root").derive("file") == RootKey(raw).derive("file")


def test_a_missing_root_key_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Internal, match="cannot be read") as caught:
        RootKey.load(tmp_path / "root")
    assert "put the key file back" in caught.value.message


@pytest.mark.parametrize(
    "content", [b"", b"short", b"not base64 at all!!", base64.b64encode(bytes(31)), b"\xff\xfe\x00"]
)
def test_a_root_key_of_another_form_is_refused_without_quoting_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "root").write_bytes(content)
    with pytest.raises(Internal) as caught:
        RootKey.load(tmp_path / "root")
    assert not content or content.decode("latin-1") not in caught.value.message


def test_each_purpose_has_a_key_of_its_own() -> None:
    root = RootKey(bytes(32))
    assert len({root.derive(purpose) for purpose in ("file", "kek", "another")}) == 3


def test_a_wrapped_key_opens_under_its_own_root_key_alone() -> None:
    key = secrets.token_bytes(32)
    root = RootKey(secrets.token_bytes(32))
    wrapped = root.wrap(key)
    assert key not in wrapped
    assert root.unwrap(wrapped) == key
    with pytest.raises(Internal):
        RootKey(secrets.token_bytes(32)).unwrap(wrapped)
    with pytest.raises(Internal):
        root.unwrap(wrapped[:-1] + bytes([wrapped[-1] ^ 1]))
    with pytest.raises(Internal):
        root.unwrap(b"")


async def test_a_vault_does_not_start_under_another_root_key(house: VaultHouse) -> None:
    await house.stop()
    with pytest.raises(Internal, match="another key"):
        await house.start(root=RootKey(secrets.token_bytes(32)))
    await house.start()


# --- data keys ----------------------------------------------------------------------------------------------------


async def test_a_room_gets_the_same_key_again_also_after_a_restart(house: VaultHouse) -> None:
    first = await house.key("agent")
    await house.stop()
    await house.start()
    assert await house.key("agent") == first
    assert len(first) == 32


async def test_every_room_and_user_has_a_key_of_its_own(house: VaultHouse) -> None:
    other = new_id()
    keys = [
        await house.key("agent"),
        await house.key("audit"),
        await house.key("agent", user=house.user, grant=house.grant()),
        await house.key("audit", user=house.user, grant=house.grant()),
        await house.key("mail", user=house.user, grant=house.grant()),
        await house.key("agent", user=other, grant=house.grant(user=other)),
    ]
    assert len(set(keys)) == len(keys)


async def test_a_key_is_sealed_to_the_asker_and_to_the_room_that_it_is_for(house: VaultHouse) -> None:
    sealing = SealingKey()
    reply = await house.ask(subjects.vault_key("mail"), KeyRequest(public_key=sealing.public), KeyReply)
    for thief, context in ((SealingKey(), "mail"), (sealing, "agent")):
        with pytest.raises(Forbidden):
            thief.open(reply.sealed, context=subjects.vault_key(context))


async def test_a_users_key_needs_a_grant_of_that_user(house: VaultHouse) -> None:
    other = new_id()
    bad = {
        "none": None,
        "no token": "not a token",
        "another user's": house.grant(user=other),
        "forged": house.grant(by=SigningKey.generate()),
        "signed by the witness": house.grant(by=house.audit),
        "expired": house.grant(expires=house.now() - timedelta(seconds=1)),
    }
    for room in ("agent", "audit", "gateway", "mail"):
        for grant in bad.values():
            with pytest.raises(Forbidden):
                await house.key(room, user=house.user, grant=grant)


async def test_a_connector_gets_a_users_key_under_a_grant_that_names_it_alone(house: VaultHouse) -> None:
    with pytest.raises(Forbidden, match="does not cover"):
        await house.key("caldav", user=house.user, grant=house.grant())
    named = house.grant(connectors={"caldav": DIGEST})
    assert await house.key("caldav", user=house.user, grant=named)
    with pytest.raises(Forbidden, match="does not cover"):
        await house.key("mail", user=house.user, grant=house.grant(connectors={}))


async def test_a_key_without_a_usable_public_key_is_not_given(house: VaultHouse) -> None:
    for public in ("", "AA", base64.urlsafe_b64encode(bytes(32)).decode()):
        with pytest.raises(InvalidRequest):
            await house.ask(subjects.vault_key("agent"), KeyRequest(public_key=public), KeyReply)


async def test_an_erased_user_has_no_keys_and_gets_none_again(house: VaultHouse) -> None:
    other = new_id()
    await house.key("mail", user=house.user, grant=house.grant())
    kept = await house.key("mail", user=other, grant=house.grant(user=other))
    room = await house.key("mail")
    assert await erase_user(house.store, house.user, now=house.now()) == 1
    with pytest.raises(Forbidden, match="erased"):
        await house.key("mail", user=house.user, grant=house.grant())
    assert await erase_user(house.store, house.user, now=house.now()) == 0
    assert await house.key("mail", user=other, grant=house.grant(user=other)) == kept
    assert await house.key("mail") == room


async def forget(house: VaultHouse, scope: Scope, *, dry: bool = False) -> dict[str, int]:
    order = Erasure(id=new_id(), user=house.user, scope=scope, expires=house.now() + timedelta(minutes=2))
    request = EraseRequest(order=house.gateway.sign(order), dry=dry)
    ctx = CallContext.within(10, now=house.now(), user=house.user)
    told = await house.bus.room("gateway").request(subjects.data("vault", "forget"), request, Forgotten, ctx)
    return {each.kind: each.count for each in told.parts}


async def test_the_key_of_a_connector_that_will_not_come_back_is_destroyed_and_no_other(house: VaultHouse) -> None:
    lost = await house.key("mail", user=house.user, grant=house.grant())
    kept = await house.key("agent", user=house.user, grant=house.grant())
    assert await forget(house, Scope(kinds=("mail",)), dry=True) == {"keys": 1}
    assert await house.key("mail", user=house.user, grant=house.grant()) == lost
    assert await forget(house, Scope(kinds=("mail",))) == {"keys": 1}
    assert await forget(house, Scope(kinds=("mail",))) == {}
    assert await house.key("mail", user=house.user, grant=house.grant()) != lost
    assert await house.key("agent", user=house.user, grant=house.grant()) == kept


@pytest.mark.parametrize(
    "scope", [Scope(), Scope(kinds=("agent", "gateway", "audit", "vault")), Scope(account="a" * 32)]
)
async def test_no_other_order_to_forget_a_part_destroys_a_key(house: VaultHouse, scope: Scope) -> None:
    kept = await house.key("agent", user=house.user, grant=house.grant())
    assert await forget(house, scope) == {}
    assert await house.key("agent", user=house.user, grant=house.grant()) == kept


async def test_a_user_that_is_no_id_cannot_stand_for_the_rooms_own_key(house: VaultHouse) -> None:
    with pytest.raises(ValueError, match="pattern"):
        KeyRequest(user="", public_key=SealingKey().public)


async def test_a_call_after_its_deadline_gets_no_key(house: VaultHouse) -> None:
    grant = house.grant()
    house.later = timedelta(minutes=11)
    ctx = CallContext.within(10).signed(grant=grant)
    request = KeyRequest(user=house.user, public_key=SealingKey().public)
    with pytest.raises(Exception, match=r"over|expired"):
        await house.ask(subjects.vault_key("agent"), request, KeyReply, ctx)


async def recorded(house: VaultHouse, count: int) -> None:
    """Waits until the witness has been told of so many things."""
    async with asyncio.timeout(10):
        while len(house.records) < count:
            await asyncio.sleep(0.01)


async def test_every_key_that_leaves_is_written_down_but_the_witnesss_own(house: VaultHouse) -> None:
    await house.key("audit")
    await house.key("agent")
    await house.key("mail", user=house.user, grant=house.grant())
    await house.key("audit", user=house.user, grant=house.grant())
    await recorded(house, 3)
    assert {(each.action, each.connector) for each in house.records} == {
        (AuditAction.KEY_RELEASED, room) for room in ("agent", "mail", "audit")
    }


async def test_a_witness_that_comes_later_is_told_of_keys_all_the_same(house: VaultHouse) -> None:
    house.refusal = Unavailable("The disk is full.")
    await house.key("agent")
    assert house.records == []
    house.refusal = None
    await recorded(house, 1)
