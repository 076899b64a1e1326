"""What the vault released is asked for once, kept for as long as it may be, and forgotten when told."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, new_id, utc_now
from openassistant.errors import Forbidden, NotFound, Unavailable
from openassistant.keys import Keys
from openassistant.messages import AccountPayload, KeyReply, KeyRequest, TokenReply, TokenRequest
from openassistant.seal import seal
from openassistant.testing import MemoryBus

GOOD = "a good grant"
USER, ACCOUNT = new_id(), new_id()


class FakeVault:
    """A vault that knows one account and one grant, and counts."""

    def __init__(self, bus: Bus) -> None:
        self.bus, self.keys, self.tokens = bus, 0, 0
        self.later = timedelta()
        self.refuses = False
        self.key = secrets.token_bytes(32)

    async def start(self) -> None:
        await self.bus.serve(subjects.vault_key("*"), KeyRequest, self.on_key)
        await self.bus.serve(subjects.vault_token("*"), TokenRequest, self.on_token)

    async def on_key(self, ctx: CallContext, request: KeyRequest) -> KeyReply:
        self.keys += 1
        if request.user and ctx.grant != GOOD:
            raise Forbidden("No grant.")
        return KeyReply(sealed=seal(self.key, request.public_key, context=ctx.subject), key_id="1")

    async def on_token(self, ctx: CallContext, request: TokenRequest) -> TokenReply:
        self.tokens += 1
        if request.account != ACCOUNT:
            raise NotFound("That account is not connected any more.")
        if self.refuses:
            raise Forbidden("The grant is another user's.")
        given = {} if request.profile else {"password": "not-a-real-password"}
        payload = AccountPayload(account=ACCOUNT, name="Ada", settings={"host": "home"}, secrets=given)
        sealed = seal(payload.model_dump_json().encode(), request.public_key, context=ctx.subject)
        return TokenReply(sealed=sealed, expires=utc_now() + timedelta(minutes=10))


@pytest.fixture
async def vault() -> AsyncIterator[FakeVault]:
    fake = FakeVault(MemoryBus().room("vault"))
    yield fake
    await fake.bus.drain(seconds=1)


@pytest.fixture
async def keys(vault: FakeVault) -> Keys:
    return Keys(Bus(vault.bus._transport, room="mail"), lambda: utc_now() + vault.later)


async def test_a_room_waits_for_a_vault_that_starts_later_and_gives_up_in_time(vault: FakeVault, keys: Keys) -> None:
    with pytest.raises(Unavailable):
        await keys.room(wait=0)
    waiting = asyncio.create_task(keys.room(wait=10))
    await asyncio.sleep(0)
    await vault.start()
    assert await asyncio.wait_for(waiting, 5) == vault.key


async def test_a_users_key_is_there_after_a_grant_was_shown_and_not_before(vault: FakeVault, keys: Keys) -> None:
    await vault.start()
    for grant in (None, "another grant"):
        with pytest.raises(Forbidden):
            await keys.unlock(USER, grant)
    with pytest.raises(Forbidden):
        await keys.of(USER)
    await keys.unlock(USER, GOOD)
    assert await keys.of(USER) == vault.key
    keys.lock(USER)
    with pytest.raises(Forbidden):
        await keys.of(USER)


async def test_many_who_need_the_same_key_ask_once(vault: FakeVault, keys: Keys) -> None:
    await vault.start()
    await asyncio.gather(*(keys.unlock(USER, GOOD) for _ in range(20)))
    assert vault.keys == 1
    await asyncio.gather(*(keys.account(ACCOUNT, CallContext.within(10), user=USER) for _ in range(20)))
    assert vault.tokens == 1


async def test_secrets_are_kept_until_they_expire_and_no_longer(vault: FakeVault, keys: Keys) -> None:
    await vault.start()
    for later in (0, 9, 11):
        vault.later = timedelta(minutes=later)
        assert (await keys.account(ACCOUNT, CallContext.within(10), user=USER)).secrets
    assert vault.tokens == 2


async def test_a_profile_never_holds_secrets_and_never_stands_for_them(vault: FakeVault, keys: Keys) -> None:
    await vault.start()
    ctx = CallContext.within(10)
    assert (await keys.account(ACCOUNT, ctx, user=USER, profile=True)).secrets == {}
    assert (await keys.account(ACCOUNT, ctx, user=USER)).secrets == {"password": "not-a-real-password"}
    assert (await keys.account(ACCOUNT, ctx, user=USER, profile=True)).secrets == {}
    assert vault.tokens == 2


async def test_a_forgotten_account_is_asked_for_again(vault: FakeVault, keys: Keys) -> None:
    await vault.start()
    await keys.account(ACCOUNT, CallContext.within(10), user=USER)
    keys.forget_account(ACCOUNT)
    await keys.account(ACCOUNT, CallContext.within(10), user=USER)
    assert vault.tokens == 2


async def test_what_was_released_for_one_user_is_not_handed_out_for_another(vault: FakeVault, keys: Keys) -> None:
    await vault.start()
    assert (await keys.account(ACCOUNT, CallContext.within(10), user=USER)).secrets
    vault.refuses = True
    with pytest.raises(Forbidden):
        await keys.account(ACCOUNT, CallContext.within(10), user=new_id())
    assert (await keys.account(ACCOUNT, CallContext.within(10), user=USER)).secrets


async def test_what_the_vault_refuses_is_not_kept(vault: FakeVault, keys: Keys) -> None:
    await vault.start()
    for _ in range(2):
        with pytest.raises(NotFound):
            await keys.account(new_id(), CallContext.within(10), user=USER)
    assert vault.tokens == 2
