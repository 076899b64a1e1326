"""Accounts leave without secrets, and come in so that nothing is released for them before their owner signs in."""

from __future__ import annotations

import json

import pytest

from openassistant import subjects
from openassistant.context import new_id
from openassistant.data import ExportPage, ExportRequest, Imported, ImportRequest, Piece
from openassistant.errors import AccountRequired
from openassistant.messages import Account, AccountList, ErrorBody
from openassistant.oauth import Revoked
from services.vault.moving import is_moved
from tests.services.vault.house import PASSWORD, VaultHouse


async def exported(house: VaultHouse, user: str) -> bytes:
    ctx = house.context(grant=house.grant(user=user)).model_copy(update={"user": user})
    page = await house.ask(subjects.data("vault", "export"), ExportRequest(), ExportPage, ctx)
    (piece,) = page.pieces
    assert (piece.path, page.cursor) == ("accounts.json", None)
    return piece.body


async def given(house: VaultHouse, user: str, body: bytes) -> Imported:
    ctx = house.context(grant=house.grant(user=user)).model_copy(update={"user": user})
    piece = Piece.model_construct(path="accounts.json", modified=None, body=body, more=False, offset=0)
    return await house.ask(subjects.data("vault", "import"), ImportRequest(pieces=(piece,)), Imported, ctx)


async def listed(house: VaultHouse, user: str) -> tuple[Account, ...]:
    return (await house.account("list", AccountList, user=user)).accounts


async def test_accounts_leave_without_secrets_and_come_in_as_they_left(house: VaultHouse) -> None:
    mine = await house.connect()
    await house.account("finish", Account, account=mine.id)
    await house.connect()  # still being tried
    await house.connect(user=new_id())
    left = await exported(house, house.user)
    assert PASSWORD not in left.decode()
    assert house.user not in left.decode()
    assert [each["id"] for each in json.loads(left)] == [mine.id]
    await house.vault.erase(house.user)
    other = new_id()
    for _ in range(2):
        assert await given(house, other, left) == Imported(taken=1)
    (came,) = await listed(house, other)
    assert (came.id, came.state, came.settings) == (mine.id, "attention", mine.settings)
    assert came.problem is not None
    assert "Sign in again" in came.problem.message
    assert await exported(house, other) == left


async def test_nothing_is_released_for_an_account_that_came_in(house: VaultHouse) -> None:
    mine = await house.connect()
    await house.account("finish", Account, account=mine.id)
    left = await exported(house, house.user)
    await house.account("revoke", Revoked, account=mine.id)
    await given(house, house.user, left)
    (came,) = await listed(house, house.user)
    call = house.call(came)
    with pytest.raises(AccountRequired, match="Sign in again"):
        await house.release(came, house.acting(call), call=call)


async def test_an_account_that_came_in_stays_one_whatever_a_try_of_it_ends_with(house: VaultHouse) -> None:
    body = json.dumps([{"id": new_id(), "connector": "mail", "name": "m", "created": "2026-01-02T03:04:05Z"}]).encode()
    await given(house, house.user, body)
    (came,) = await listed(house, house.user)
    problem = ErrorBody(code="upstream_failed", message="The server did not answer.")
    tried = await house.account("finish", Account, account=came.id, problem=problem)
    assert tried.problem is not None
    assert (tried.problem.message, is_moved(tried)) == (problem.message, True)
    call = house.call(tried)
    with pytest.raises(AccountRequired):
        await house.release(tried, house.acting(call), call=call)


async def test_nobody_is_given_accounts_without_end(house: VaultHouse) -> None:
    rows = [{"id": new_id(), "connector": "mail", "name": "m", "created": "2026-01-02T03:04:05Z"} for _ in range(201)]
    found = await given(house, house.user, json.dumps(rows).encode())
    assert found.refused == ("Only 200 accounts have a place; the others were left out.",)
    assert len(await listed(house, house.user)) == 200


async def test_anothers_account_keeps_its_id_and_a_name_is_not_there_twice(house: VaultHouse) -> None:
    theirs = await house.connect(user=new_id())
    mine = await house.connect()
    body = json.dumps([
        {"id": each, "connector": "mail", "name": "Ada's mail", "created": "2026-01-02T03:04:05Z"}
        for each in (theirs.id, mine.id)
    ]).encode()  # fmt: skip
    assert (await given(house, house.user, body)).taken == 1
    found = await listed(house, house.user)
    assert {each.name for each in found} == {"Ada's mail", "Ada's mail (2)"}
    assert theirs.id not in {each.id for each in found}
    assert (await listed(house, theirs.user)) == (theirs,)


@pytest.mark.parametrize("body", [b"", b"{}", b'[{"id": "x"}]', b'[{"id": "' + b"a" * 32 + b'", "connector": "../x"}]'])
async def test_what_is_no_list_of_accounts_is_refused_in_words(house: VaultHouse, body: bytes) -> None:
    found = await given(house, house.user, body)
    assert (found.taken, found.refused) == (0, ("accounts.json is not a list of accounts.",))


async def test_the_key_of_a_model_does_not_come_in(house: VaultHouse) -> None:
    row = {"id": new_id(), "connector": "agent", "name": "m", "created": "2026-01-02T03:04:05Z"}
    await given(house, house.user, json.dumps([row]).encode())
    assert await listed(house, house.user) == ()
