"""An account is lent by whose it is, to one person who takes it, for what was said; it ends with all it rests on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound, OaError, Unavailable
from openassistant.messages import (
    Account,
    AccountPart,
    AccountParts,
    AttachRequest,
    BorrowRequest,
    CheckReport,
    CheckStep,
    Effect,
    ErrorBody,
    LedgerEntry,
    Lent,
)
from services.gateway import loan_views as views
from services.gateway.backoff import Backoff
from services.gateway.house_words import HouseWords
from services.gateway.ledger import Ledger
from services.gateway.lending import Lending
from services.gateway.loans import LONGEST, Loans
from services.gateway.passwords import Passwords
from services.gateway.preferences import Preferences
from services.gateway.problems import SignInAgain
from services.gateway.restored import Restored, _put_aside
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.users import Users
from services.gateway.vault import Vault
from tests.services.gateway.test_accounts import Street, until

PASSWORD = "not-a-real-password"
FAMILY, WORK = AccountPart(id="https://cal/family/", name="Family"), AccountPart(id="https://cal/work/", name="Work")


class Home(Street):
    """Ada's house with Bob in it; `parts` is what the connector says that accounts consist of."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.parts = AccountParts(offered=True, parts=(FAMILY, WORK))
        self.grants_seen: list[str] = []
        self.pause: asyncio.Event | None = None
        self.loans: Loans
        self.bob: SignedIn

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        vault, post = self.bus.room("vault"), self.bus.room("post")
        await vault.serve(subjects.vault_account("borrow"), BorrowRequest, self._on_borrow)
        await post.serve(subjects.account("post", "parts"), AttachRequest, self._on_parts)
        for bus in (vault, post):
            self._others.push_async_callback(bus.drain, seconds=1)
        people = Users(self.store, Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)), self.clock)
        ada = await people.prepare(username="ada", password=PASSWORD, display_name="Ada", role="owner")
        await people.add(ada[0].model_copy(update={"id": self.me.user.id}), ada[1])
        user, hashed = await people.prepare(username="bob", password=PASSWORD, display_name="Bob", role="member")
        await people.add(user, hashed)
        self.bob = SignedIn(session=new_id(), user=user, expires=self.time + timedelta(days=1), began=self.time)
        return self

    async def start(self) -> None:
        await super().start()
        bus = self.bus.room("gateway")
        self._own.push_async_callback(bus.drain, seconds=1)
        ledger = Ledger(bus, self.grants, Preferences(self.store))
        people = Users(self.store, Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)), self.clock)
        self.lending = Lending(self.store)
        self.house_words = HouseWords(self.store, self.clock)
        self.loans = Loans(
            self.lending, self.accounts, Vault(bus, self.grants), users=people,
            sessions=Sessions(self.store, people, ledger, Backoff(self.clock), self.clock), grants=self.grants,
            ledger=ledger, words=self.house_words, clock=self.clock,
        )  # fmt: skip
        self.routing.lent_to = self.loans.lent_to

    async def lend(self, account: str, **draft: Any) -> views.Loan:
        plain = {"account": account, "person": "bob", **draft}
        return await self.loans.make(self.me, views.LoanDraft.model_validate(plain), address="192.0.2.1")

    async def take(self, loan: str, name: str = "Ada's post") -> str:
        return (await self.loans.accept(self.bob, loan, views.LoanAcceptance(name=name))).id

    async def lent(self, **draft: Any) -> tuple[str, str, str]:
        """Ada's account, the loan, and Bob's account that came of it."""
        account = (await self.connect("Home", host="mail.home.example")).id
        loan = (await self.lend(account, **draft)).id
        return account, loan, await self.take(loan)

    async def of(self, me: SignedIn) -> list[tuple[bool, str]]:
        return [(each.given, each.state) for each in await self.loans.listing(me)]

    async def _on_borrow(self, ctx: CallContext, request: BorrowRequest) -> Account:
        loan = self.trust.loan(request.loan, now=self.time)
        lent = Lent(
            loan=loan.id, lender=loan.lender, account=loan.account, access=loan.access, parts=loan.parts,
            until=loan.expires,
        )  # fmt: skip
        made = Account(
            id=new_id(), user=loan.user, connector=loan.connector, name=request.name, settings={}, state="pending",
            created=self.clock(), lent=lent,
        )  # fmt: skip
        self.kept[made.id] = made
        return made

    async def _on_parts(self, ctx: CallContext, request: AttachRequest) -> AccountParts:
        assert self.trust.grant(request.grant, now=self.time).account == request.account
        return self.parts

    async def _on_check(self, ctx: CallContext, request: AttachRequest) -> CheckReport:
        if self.pause:
            await self.pause.wait()
        return await super()._on_check(ctx, request)

    async def _on_attach(self, ctx: CallContext, request: AttachRequest) -> Any:
        self.grants_seen.append(request.grant)
        return await super()._on_attach(ctx, request)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    async with Home(tmp_path) as made:
        yield made


async def gone(home: Home, borrowed: str) -> None:
    """Bob's account is gone, its copy too, and nobody has a loan."""
    await until(lambda: borrowed in home.detached)
    assert borrowed not in home.kept
    assert await home.of(home.me) == await home.of(home.bob) == []
    assert await home.lending.find() == []


async def test_nothing_is_borrowed_before_it_is_accepted(home: Home) -> None:
    account = (await home.connect("Home")).id
    loan = await home.lend(account)
    assert list(home.kept) == [account]
    assert [each.kind for each in await home.house_words.of(home.bob.user.id)] == ["lent"]
    assert (await home.of(home.me), await home.of(home.bob)) == ([(True, "offered")], [(False, "offered")])
    [offered] = await home.loans.listing(home.bob)
    assert (offered.person, offered.account, offered.name) == ("Ada", None, "Home")
    borrowed = await home.take(loan.id)
    assert home.kept[borrowed].user == home.bob.user.id
    assert (home.kept[borrowed].settings, home.kept[borrowed].state) == ({}, "connected")
    [accepted] = await home.loans.listing(home.bob)
    assert (accepted.account, accepted.state) == (borrowed, "accepted")
    assert await home.house_words.of(home.bob.user.id) == []
    await until(lambda: borrowed in home.attached)
    assert [home.trust.grant(each, now=home.time).lent for each in home.grants_seen] == [False, True]


async def test_both_ledgers_say_what_is_lent_taken_and_ended(home: Home) -> None:
    _, loan, _ = await home.lent()
    await home.loans.end(home.me, loan)
    for me in (home.me, home.bob):
        await until(lambda user=me.user.id: len(told_to(home, user)) == 3)  # type: ignore[misc]
        mine = told_to(home, me.user.id)
        assert [each.action for each in mine] == ["loan.offered", "loan.accepted", "loan.ended"]
        assert {each.content["loan"] for each in mine} == {loan}
        assert mine[-1].outcome == "revoked"


def told_to(home: Home, user: str) -> list[LedgerEntry]:
    return [each for each in home.entries if each.user == user and each.action.startswith("loan.")]


async def test_bob_is_told_nothing_of_the_lenders_account_but_its_name(home: Home) -> None:
    account, _, borrowed = await home.lent()
    [loan] = await home.loans.listing(home.bob)
    mine = await home.accounts.view(home.bob, borrowed)
    assert account not in loan.model_dump_json() + mine.model_dump_json()
    assert "mail.home.example" not in loan.model_dump_json() + mine.model_dump_json()
    for each in (each for each in home.entries if each.user == home.bob.user.id):
        assert account not in each.model_dump_json()
    with pytest.raises(NotFound):
        await home.accounts.view(home.bob, account)
    with pytest.raises(NotFound):
        await home.accounts.view(home.me, borrowed)


@pytest.mark.parametrize("who", ["me", "bob"])
async def test_either_ends_it_at_once(home: Home, who: str) -> None:
    account, loan, borrowed = await home.lent()
    await home.loans.end(getattr(home, who), loan)
    await gone(home, borrowed)
    assert account in home.kept
    again = await home.lend(account)
    assert again.state == "offered"


async def test_what_is_offered_is_refused_or_taken_back(home: Home) -> None:
    account = (await home.connect("Home")).id
    for who in (home.bob, home.me):
        loan = await home.lend(account)
        await home.loans.end(who, loan.id)
        assert await home.of(home.bob) == []
        assert await home.house_words.of(home.bob.user.id) == []
        with pytest.raises(NotFound):
            await home.take(loan.id)


async def test_nobody_else_takes_or_ends_it(home: Home) -> None:
    account = (await home.connect("Home")).id
    loan = await home.lend(account)
    eve = SignedIn(
        session=new_id(), user=home.bob.user.model_copy(update={"id": new_id(), "username": "eve"}),
        expires=home.time + timedelta(days=1), began=home.time,
    )  # fmt: skip
    for me in (eve, home.me):
        with pytest.raises(NotFound):
            await home.loans.accept(me, loan.id, views.LoanAcceptance())
    with pytest.raises(NotFound):
        await home.loans.end(eve, loan.id)
    with pytest.raises(NotFound):
        await home.loans.parts(home.bob, account)
    assert await home.loans.listing(eve) == []


async def test_it_needs_a_fresh_sign_in_somebody_who_lives_here_and_an_account_of_ones_own(home: Home) -> None:
    account = (await home.connect("Home")).id
    for person in ("nobody", "ada"):
        with pytest.raises(InvalidRequest) as caught:
            await home.lend(account, person=person)
        assert "person" in caught.value.details["fields"]
    with pytest.raises(NotFound):
        await home.lend(new_id())
    with pytest.raises(NotFound):
        await home.loans.make(
            home.bob, views.LoanDraft(account=account, person="ada"), address="192.0.2.1"
        )  # fmt: skip
    for until_ in (home.clock(), home.clock() + LONGEST + timedelta(days=1), home.clock().replace(tzinfo=None)):
        with pytest.raises(InvalidRequest):
            await home.lend(account, until=until_)
    home.later(timedelta(hours=1))
    with pytest.raises(SignInAgain):
        await home.lend(account)
    assert (await home.lend(account, password=PASSWORD)).state == "offered"
    with pytest.raises(Conflict, match="already"):
        await home.lend(account, password=PASSWORD)


async def test_what_is_lent_is_not_lent_on(home: Home) -> None:
    _, _, borrowed = await home.lent()
    with pytest.raises(Conflict, match="not yours to lend"):
        await home.loans.make(home.bob, views.LoanDraft(account=borrowed, person="ada"), address="192.0.2.1")
    with pytest.raises(Conflict):
        await home.loans.parts(home.bob, borrowed)


async def test_only_calendars_that_there_are_and_where_the_connector_keeps_to_them(home: Home) -> None:
    account = (await home.connect("Home")).id
    with pytest.raises(InvalidRequest):
        await home.lend(account, parts=("https://cal/other/",))
    home.parts = AccountParts(offered=False)
    with pytest.raises(InvalidRequest):
        await home.lend(account, parts=(FAMILY.id,))
    home.parts = AccountParts(offered=True, parts=(FAMILY, WORK))
    loan = await home.lend(account, parts=(FAMILY.id,))
    assert loan.calendars == ("Family",)
    lent = home.kept[await home.take(loan.id)].lent
    assert lent is not None
    assert lent.parts == (FAMILY.id,)


async def test_an_account_that_fails_its_try_stays_offered(home: Home) -> None:
    account = (await home.connect("Home")).id
    loan = await home.lend(account)
    home.report = CheckReport(
        ok=False, steps=(CheckStep(name="Sign in", ok=False),),
        problem=ErrorBody(code="upstream_failed", message="Refused."),
    )  # fmt: skip
    with pytest.raises(OaError, match="Refused"):
        await home.take(loan.id)
    await until(lambda: list(home.kept) == [account])
    assert await home.of(home.bob) == [(False, "offered")]
    home.report = CheckReport(ok=True)
    await home.take(loan.id)


@pytest.mark.parametrize("who", ["me", "bob"])
async def test_what_is_ended_while_it_is_tried_is_not_taken(home: Home, who: str) -> None:
    account = (await home.connect("Home")).id
    loan = await home.lend(account)
    home.pause = asyncio.Event()
    taking = asyncio.ensure_future(home.take(loan.id))
    await until(lambda: len(home.kept) == 2)
    [borrowed] = set(home.kept) - {account}
    await home.loans.end(getattr(home, who), loan.id)
    home.pause.set()
    with pytest.raises(OaError):
        await taking
    await until(lambda: list(home.kept) == [account])
    assert await home.of(home.me) == await home.of(home.bob) == []
    assert await home.lending.find() == []
    await until(lambda: borrowed not in home.attached or borrowed in home.detached)


async def over(home: Home) -> None:
    home.later(LONGEST)


async def shut_out(home: Home) -> None:
    home.grants.barred = frozenset({home.me.user.id})


async def restored(home: Home) -> None:
    found = Restored(id=new_id(), taken=home.clock(), restored=home.clock(), at=home.clock())
    await home.store.write(lambda connection: _put_aside(connection, found))


@pytest.mark.parametrize("what", [over, shut_out, restored])
async def test_it_ends_by_itself(home: Home, what: Callable[[Home], Any]) -> None:
    _, _, borrowed = await home.lent()
    await home.loans.sweep()
    assert borrowed in home.kept
    await what(home)
    await home.loans.sweep()
    await gone(home, borrowed)


async def test_it_ends_with_the_account_behind_it(home: Home) -> None:
    account, _, borrowed = await home.lent()
    await home.accounts.remove(home.me, account)
    await gone(home, borrowed)
    assert home.kept == {}


async def test_it_ends_when_its_borrower_disconnects(home: Home) -> None:
    account, _, borrowed = await home.lent()
    await home.accounts.remove(home.bob, borrowed)
    await gone(home, borrowed)
    assert list(home.kept) == [account]


@pytest.mark.parametrize("who", ["me", "bob"])
async def test_it_ends_with_either_person(home: Home, who: str) -> None:
    _, _, borrowed = await home.lent()
    await home.loans.person_leaves(getattr(home, who).user.id)
    await gone(home, borrowed)


async def test_a_room_that_is_away_forgets_when_it_is_back_also_where_the_vault_has_nothing_left(home: Home) -> None:
    _, loan, borrowed = await home.lent()
    home.away = Unavailable("Away.")
    home.kept.pop(borrowed)
    await home.loans.end(home.me, loan)
    assert await home.of(home.bob) == []
    query = text("SELECT account FROM detachments")
    assert await home.store.read(lambda c: c.execute(query).scalars().all()) == [borrowed]
    home.away = None
    await home.accounts.detach_pending()
    assert home.detached == [borrowed]


async def test_what_could_not_be_ended_is_ended_later(home: Home) -> None:
    _, loan, borrowed = await home.lent()
    home.ledger_error = Unavailable("The witness is away.")
    with pytest.raises(Unavailable):
        await home.loans.end(home.me, loan)
    assert await home.of(home.bob) == []
    await home.loans.sweep()
    assert borrowed in home.kept
    home.ledger_error = None
    await home.loans.sweep()
    await gone(home, borrowed)


async def test_what_was_being_tried_when_the_house_fell_is_offered_again_or_kept(home: Home) -> None:
    account, loan, borrowed = await home.lent()
    await home.store.write(lambda c: c.execute(text("UPDATE loans SET state = 'taken'")))
    await home.loans.start()
    assert await home.of(home.bob) == [(False, "accepted")]
    home.kept.pop(borrowed)
    await home.store.write(lambda c: c.execute(text("UPDATE loans SET state = 'taken'")))
    await home.loans.start()
    assert await home.of(home.bob) == [(False, "offered")]
    assert (account in home.kept, bool(loan)) == (True, True)


async def test_what_its_lender_holds_back_from_models_is_held_back_for_its_borrower(home: Home) -> None:
    account, _, borrowed = await home.lent()
    assert await home.routing.of(home.bob.user.id) == {}
    await home.routing.put(home.me.user.id, account, "local_only")
    assert await home.routing.of(home.bob.user.id) == {borrowed: "local_only"}
    await home.routing.put(home.bob.user.id, borrowed, "cloud_ok")
    assert await home.routing.of(home.bob.user.id) == {borrowed: "local_only"}
    await home.routing.put(home.me.user.id, account, "cloud_ok")
    assert await home.routing.of(home.bob.user.id) == {}


@pytest.mark.parametrize(
    ("access", "tool", "raised", "verdict"),
    [
        ("read", "drafts_create", None, None),
        ("read", "letters_send", None, None),
        ("act", "drafts_create", None, "ask"),
        ("act", "letters_send", None, "ask"),
        ("act", "letters_burn", None, None),
        ("act", "drafts_create", Effect.DELETE, None),
    ],
)
async def test_what_a_turn_may_do_with_it(
    home: Home, access: str, tool: str, raised: Effect | None, verdict: str | None
) -> None:
    _, _, borrowed = await home.lent(access=access)
    home.become(home.bob)
    turn, home.raised_effect = await home.turn(), raised
    call = home.call(tool, text="hello").model_copy(update={"account": borrowed})
    if verdict is None:
        with pytest.raises(Forbidden, match="lent"):
            await home.put(call, turn)
        return
    assert (await home.put(call, turn)).verdict == verdict
