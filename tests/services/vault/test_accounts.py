"""Secrets come in sealed, lie encrypted twice, and are gone when the account is."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest
from sqlalchemy import text

from openassistant import subjects
from openassistant.context import new_id
from openassistant.errors import Forbidden, Internal, InvalidRequest, NotFound, OaError
from openassistant.messages import Account, AccountList, ConnectRequest, Done, ErrorBody, PublicKey
from openassistant.oauth import Revoked
from openassistant.seal import SealingKey, seal
from services.vault.credentials import Credentials
from services.vault.rootkey import RootKey
from tests.services.vault.house import PASSWORD, VaultHouse

# --- connect, finish, list, revoke --------------------------------------------------------------------------------


async def test_an_account_is_pending_then_connected_then_in_need_of_attention(house: VaultHouse) -> None:
    account = await house.connect()
    assert (account.state, account.user, account.connector) == ("pending", house.user, "mail")
    finished = await house.account("finish", Account, account=account.id)
    assert finished == account.model_copy(update={"state": "connected"})
    problem = ErrorBody(code="account_required", message="The password was refused.")
    wanting = await house.account("finish", Account, account=account.id, problem=problem)
    assert (wanting.state, wanting.problem) == ("attention", problem)
    again = await house.account("finish", Account, account=account.id)
    assert (again.state, again.problem) == ("connected", None)


async def test_accounts_are_listed_by_user_connector_and_id_without_secrets(house: VaultHouse) -> None:
    mine, other = await house.connect(), new_id()
    theirs = await house.connect(user=other)
    calendar = await house.connect("caldav")

    async def listed(**query: str) -> set[str]:
        found = await house.account("list", AccountList, **query)
        assert PASSWORD not in found.model_dump_json()
        return {each.id for each in found.accounts}

    assert await listed() == {mine.id, theirs.id, calendar.id}
    assert await listed(user=house.user) == {mine.id, calendar.id}
    assert await listed(user=house.user, connector="mail") == {mine.id}
    assert await listed(user=house.user, account=theirs.id) == set()
    assert await listed(connector="' OR '1'='1") == set()


async def test_a_revoked_account_is_gone_with_its_secrets(house: VaultHouse) -> None:
    account = await house.connect()
    assert (await house.account("revoke", Revoked, account=account.id)).account == account
    for verb, reply in (("revoke", Revoked), ("finish", Account)):
        with pytest.raises(NotFound):
            await house.account(verb, reply, account=account.id)
    with pytest.raises(NotFound):
        await house.release(account, house.context(grant=house.account_grant(account)))
    rows = await house.store.read(lambda c: c.execute(text("SELECT count(*) FROM accounts")).scalar_one())
    assert rows == 0


async def test_a_query_without_an_account_changes_none(house: VaultHouse) -> None:
    await house.connect()
    for verb in ("revoke", "finish"):
        with pytest.raises(InvalidRequest):
            await house.account(verb, Account, user=house.user)
    assert len((await house.account("list", AccountList)).accounts) == 1


async def test_accounts_outlive_a_restart(house: VaultHouse) -> None:
    account = await house.connect()
    await house.stop()
    await house.start()
    payload = await house.release(account, house.context(grant=house.account_grant(account)))
    assert payload.secrets == {"password": PASSWORD}
    assert payload.settings == {"host": "imap.home.example"}


@pytest.mark.parametrize("plain", [b"", b"[]", b'"text"', b"\xff", b"{", b"7"])
async def test_secrets_that_are_no_object_are_refused(house: VaultHouse, plain: bytes) -> None:
    with pytest.raises(InvalidRequest):
        await connect_sealed(house, plain)
    assert not (await house.account("list", AccountList)).accounts


async def test_secrets_sealed_for_another_receiver_or_purpose_are_refused(house: VaultHouse) -> None:
    plain = json.dumps({"password": PASSWORD}).encode()
    with pytest.raises(Forbidden):
        await connect_sealed(house, plain, public=SealingKey().public)
    with pytest.raises(Forbidden):
        await connect_sealed(house, plain, context=subjects.vault_token("mail"))


async def connect_sealed(house: VaultHouse, plain: bytes, *, public: str = "", context: str = "") -> Account:
    subject = subjects.vault_account("connect")
    public = public or (await house.ask(subjects.vault("public"), Done(), PublicKey)).public_key
    sealed = seal(plain, public, context=context or subject)
    request = ConnectRequest(user=house.user, connector="mail", name="", settings={}, sealed=sealed)
    return await house.ask(subject, request, Account)


# --- at rest ------------------------------------------------------------------------------------------------------


def holding(folder: Path, *words: bytes) -> list[str]:
    """The files of a folder that hold one of these words."""
    return [each.name for each in folder.rglob("*") if each.is_file() and any(w in each.read_bytes() for w in words)]


async def test_no_file_of_the_vault_holds_a_password_setting_or_key(house: VaultHouse) -> None:
    await house.connect()
    key = await house.key("mail")
    words = (PASSWORD.encode(), b"imap.home.example", b"Ada", key, house.user.encode(), b"SQLite format")
    assert len(list(house.folder.iterdir())) >= 3
    assert holding(house.folder, *words) == []
    await house.stop()
    assert holding(house.folder, *words) == []
    await house.start()


async def test_inside_the_open_file_the_password_is_encrypted_once_more(house: VaultHouse) -> None:
    await house.connect()
    row = await house.store.read(lambda c: tuple(c.execute(text("SELECT * FROM accounts")).one()))
    assert PASSWORD not in str(row)
    token = await house.store.read(lambda c: bytes(c.execute(text("SELECT secrets FROM accounts")).scalar_one()))
    assert token.startswith(b"gAAAA")


async def test_no_log_and_no_error_holds_the_password(house: VaultHouse, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    account = await house.connect()
    await house.release(account, house.context(grant=house.account_grant(account)))
    with pytest.raises(OaError) as caught:
        await house.release(account, house.context(grant=house.grant()), caller="caldav")
    assert PASSWORD not in caplog.text + repr(caught.value.__dict__)


# --- rotation of the credential keys ------------------------------------------------------------------------------


async def stored_keys(house: VaultHouse) -> int:
    return int(await house.store.read(lambda c: c.execute(text("SELECT count(*) FROM credential_keys")).scalar_one()))


async def secret_of(house: VaultHouse, account: Account) -> str:
    return (await house.release(account, house.context(grant=house.account_grant(account)))).secrets["password"]


async def test_rotation_encrypts_everything_anew_and_drops_the_old_key(house: VaultHouse) -> None:
    accounts = [await house.connect(password=f"not-real-{number}") for number in range(3)]
    tokens = text("SELECT secrets FROM accounts ORDER BY id")
    before = await house.store.read(lambda c: [bytes(row.secrets) for row in c.execute(tokens)])
    old = house.vault._credentials._keys
    assert await house.vault._credentials.rotate(house.now()) == 3
    after = await house.store.read(lambda c: [bytes(row.secrets) for row in c.execute(tokens)])
    assert not set(before) & set(after)
    for token in after:
        with pytest.raises(Exception):  # noqa: B017, PT011 - InvalidToken carries no words
            old.decrypt(token)
    assert await stored_keys(house) == 1
    assert [await secret_of(house, each) for each in accounts] == ["not-real-0", "not-real-1", "not-real-2"]


async def test_rotation_goes_on_while_accounts_are_connected_and_released(house: VaultHouse) -> None:
    old = await house.connect()

    async def connects(number: int) -> Account:
        return await house.connect(password=f"not-real-{number}")

    made, _, seen, _ = await asyncio.gather(
        asyncio.gather(*(connects(number) for number in range(20))),
        house.vault._credentials.rotate(house.now()),
        asyncio.gather(*(secret_of(house, old) for _ in range(20))),
        house.vault._credentials.rotate(house.now()),
    )
    assert set(seen) == {PASSWORD}
    assert [await secret_of(house, each) for each in made] == [f"not-real-{number}" for number in range(20)]
    await house.stop()
    await house.start()
    assert [await secret_of(house, each) for each in made] == [f"not-real-{number}" for number in range(20)]
    assert await stored_keys(house) == 1


async def test_a_credential_that_no_key_opens_says_what_to_do(house: VaultHouse) -> None:
    account = await house.connect()
    await house.store.write(lambda c: c.execute(text("UPDATE accounts SET secrets = x'6741414141'")).close())
    with pytest.raises(Internal, match="reconnect"):
        await secret_of(house, account)


async def test_credential_keys_wrapped_under_another_root_key_do_not_open(house: VaultHouse) -> None:
    with pytest.raises(Internal, match="another root key"):
        await Credentials(house.store, RootKey(bytes(32))).open(house.now())
