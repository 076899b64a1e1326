"""A lent account opens what is behind it within its loan alone; both ledgers are told first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from openassistant import subjects
from openassistant.context import new_id
from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound, Unavailable
from openassistant.grants import Loan, SigningKey
from openassistant.messages import Account, AccountList, AccountQuery, AuditAction, BorrowRequest, Effect
from openassistant.oauth import Revoked
from services.vault import accounts, moving
from tests.services.vault.house import PASSWORD, VaultHouse

THIEF = SigningKey.generate()
READ, WRITE, SEND, BURN = "messages_search", "messages_flag", "messages_send", "messages_burn"


class Lending:
    """The house's user is Bob, the borrower; Ada is somebody else with an account."""

    def __init__(self, house: VaultHouse, source: Account) -> None:
        self.house, self.source, self.ada = house, source, source.user

    def loan(self, *, by: SigningKey | None = None, **changes: Any) -> str:
        plain: dict[str, Any] = {"id": new_id(), "lender": self.ada, "user": self.house.user, "connector": "mail"}
        plain |= {"account": self.source.id, "access": "read", "session": new_id()}
        plain |= {"expires": self.house.now() + timedelta(days=30)}
        return (by or self.house.gateway).sign(Loan.model_validate({**plain, **changes}))

    async def borrow(self, loan: str | None = None, **changes: Any) -> Account:
        request = BorrowRequest(loan=loan or self.loan(**changes), name="Mail of Ada")
        return await self.house.ask(subjects.vault_account("borrow"), request, Account)

    async def use(self, account: Account, tool: str = READ, effect: Effect = Effect.READ) -> dict[str, str]:
        call = self.house.call(account, tool)
        found = await self.house.release(account, self.house.acting(call), call=call, effect=effect)
        return found.secrets

    async def all(self) -> list[str]:
        found = await accounts.find(self.house.store, AccountQuery())
        return [each.id for each in found]


@pytest.fixture
async def lending(house: VaultHouse) -> Lending:
    return await lending_of(house)


async def lending_of(house: VaultHouse) -> Lending:
    source = await house.connect(user=new_id())
    return Lending(house, await house.account("finish", Account, account=source.id))


async def test_a_lent_account_opens_the_one_behind_it_and_both_ledgers_say_so(lending: Lending) -> None:
    house, account = lending.house, await lending.borrow()
    assert (account.user, account.settings, account.state) == (house.user, {}, "pending")
    call = house.call(account)
    payload = await house.release(account, house.acting(call, approval=None), call=call)
    assert (payload.secrets, payload.settings) == ({"password": PASSWORD}, {"host": "imap.home.example"})
    assert payload.lent is not None
    assert payload.lent.access == "read"
    mine, hers = house.records
    assert (mine.action, mine.account) == (AuditAction.TOKEN_RELEASED, account.id)
    assert (hers.action, hers.account, hers.id, hers.outcome) == (
        AuditAction.LOAN_USED, lending.source.id, call.id, house.user
    )  # fmt: skip
    assert house.trust.loan(hers.loan, now=house.now()).lender == lending.ada


async def test_no_secret_lies_with_the_borrower(lending: Lending) -> None:
    account = await lending.borrow()
    kept = lending.house.vault._credentials.decrypt(await accounts.secrets_of(lending.house.store, account.id))
    assert kept == {}
    await lending.house.account("finish", Account, account=account.id)
    assert b"imap.home.example" not in (await moving.export(lending.house.store, lending.house.user)).body
    assert account.id.encode() not in (await moving.export(lending.house.store, lending.house.user)).body


@pytest.mark.parametrize(
    "forged",
    [
        {"by": THIEF},
        {"lender": new_id()},
        {"account": new_id()},
        {"connector": "caldav"},
        {"expires": 0},
    ],
)
async def test_nothing_is_borrowed_under_another_loan(lending: Lending, forged: dict[str, Any]) -> None:
    with pytest.raises((Forbidden, NotFound)):
        await lending.borrow(**forged)
    assert await lending.all() == [lending.source.id]


async def test_a_grant_or_a_rule_is_no_loan(lending: Lending) -> None:
    for token in (lending.house.grant(), "eyJ.not.a-token", lending.loan()[:-4] + "AAAA"):
        with pytest.raises(Forbidden):
            await lending.borrow(token)


async def test_nobody_lends_to_himself_and_nothing_is_lent_on_or_twice(lending: Lending) -> None:
    house = lending.house
    with pytest.raises(Forbidden):
        await lending.borrow(user=lending.ada)
    account = await lending.borrow()
    with pytest.raises(Conflict):
        await lending.borrow()
    await house.account("finish", Account, account=account.id)
    onward = lending.loan(lender=house.user, user=new_id(), account=account.id)
    with pytest.raises(Forbidden, match="lent on"):
        await lending.borrow(onward)


async def test_the_models_key_is_not_lent(lending: Lending) -> None:
    model = await lending.house.connect("agent", user=lending.ada, api_key="not-a-real-key")
    await lending.house.account("finish", Account, account=model.id)
    with pytest.raises(Forbidden):
        await lending.borrow(account=model.id, connector="agent")


@pytest.mark.parametrize(
    ("access", "tool", "effect", "works"),
    [
        ("read", READ, Effect.READ, True),
        ("read", WRITE, Effect.WRITE, False),
        ("read", WRITE, Effect.READ, False),
        ("read", READ, Effect.WRITE, False),
        ("read", SEND, Effect.SEND, False),
        ("read", BURN, Effect.DELETE, False),
        ("act", READ, Effect.READ, True),
        ("act", WRITE, Effect.WRITE, True),
        ("act", SEND, Effect.SEND, True),
        ("act", SEND, Effect.DELETE, False),
        ("act", BURN, Effect.DELETE, False),
        ("act", BURN, Effect.READ, False),
    ],
)
async def test_a_loan_opens_for_what_it_says(
    lending: Lending, access: str, tool: str, effect: Effect, *, works: bool
) -> None:
    account = await lending.borrow(access=access)
    if works:
        assert await lending.use(account, tool, effect) == {"password": PASSWORD}
        return
    with pytest.raises(Forbidden):
        await lending.use(account, tool, effect)
    assert lending.house.records == []


async def test_an_act_still_needs_the_borrowers_own_approval(lending: Lending) -> None:
    house, account = lending.house, await lending.borrow(access="act")
    call = house.call(account, SEND)
    with pytest.raises(Forbidden):
        await house.release(account, house.acting(call, approval=None), call=call, effect=Effect.SEND)
    assert house.records == []


async def test_a_loan_that_is_over_opens_nothing_and_no_release_outlives_it(lending: Lending) -> None:
    house, account = lending.house, await lending.borrow(expires=lending.house.now() + timedelta(minutes=3))
    call = house.call(account)
    await house.release(account, house.acting(call), call=call)
    house.later = timedelta(minutes=4)
    call = house.call(account)
    with pytest.raises(Forbidden, match="expired"):
        await house.release(account, house.acting(call), call=call)
    with pytest.raises(Forbidden, match="expired"):
        await house.release(account, house.context(grant=house.account_grant(account)))


async def test_somebody_else_gets_nothing_of_it(lending: Lending) -> None:
    house, account = lending.house, await lending.borrow()
    for user in (lending.ada, new_id()):
        call = house.call(account, user=user)
        with pytest.raises(Forbidden):
            await house.release(account, house.acting(call, grant=house.grant(user=user)), call=call)
        with pytest.raises(Forbidden):
            await house.release(account, house.context(grant=house.grant(user=user)), profile=True)
    call = house.call(lending.source)
    with pytest.raises(Forbidden):
        await house.release(lending.source, house.acting(call), call=call)
    assert house.records == []


async def test_without_the_lenders_ledger_nothing_is_released(lending: Lending) -> None:
    house, account = lending.house, await lending.borrow()
    house.refusal = Unavailable("The witness is away.")
    with pytest.raises(Unavailable):
        await lending.use(account)


async def test_a_row_whose_loan_was_exchanged_opens_nothing(lending: Lending) -> None:
    """Somebody who could write into the file but not sign."""
    account = await lending.borrow()
    other = lending.loan(access="act")
    await lending.house.store.write(lambda c: c.execute(text("UPDATE accounts SET loan = :loan"), {"loan": other}))
    with pytest.raises(Forbidden):
        await lending.use(account, SEND, Effect.SEND)


async def test_it_goes_when_it_is_given_back_and_its_source_stays(lending: Lending) -> None:
    account = await lending.borrow()
    found = await lending.house.account("revoke", Revoked, account=account.id)
    assert found.outcome == "none"
    assert await lending.all() == [lending.source.id]
    with pytest.raises(NotFound):
        await lending.use(account)


async def test_it_goes_with_its_source_and_with_its_lender(lending: Lending) -> None:
    await lending.borrow()
    await lending.house.account("revoke", Revoked, account=lending.source.id)
    assert await lending.all() == []
    again = await lending_of(lending.house)
    await again.borrow()
    await lending.house.vault.erase(again.ada)
    assert await lending.all() == []


async def test_it_goes_with_its_borrower_alone(lending: Lending) -> None:
    await lending.borrow()
    await lending.house.vault.erase(lending.house.user)
    assert await lending.all() == [lending.source.id]


async def test_the_list_says_what_is_lent_and_to_whom_it_points(lending: Lending) -> None:
    await lending.borrow(access="act", parts=("https://cal.home.example/ada/family/",))
    found = await lending.house.account("list", AccountList, user=lending.house.user)
    [account] = found.accounts
    assert account.lent is not None
    assert (account.lent.account, account.lent.lender) == (lending.source.id, lending.ada)
    assert account.lent.parts == ("https://cal.home.example/ada/family/",)


async def test_an_unknown_form_of_request_is_refused(lending: Lending) -> None:
    with pytest.raises(InvalidRequest):
        await lending.house.ask(subjects.vault_account("borrow"), AccountQuery(), Account)
