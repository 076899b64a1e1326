"""Accounts that are lent to another person of the house: offered, accepted, given back, revoked, ended with their base.

Who borrows has an account of his own then, which points to the lender's and to the signed loan; what his rooms copy of
it is under his key. Ending a loan takes that account away as disconnecting does: the vault first, the copies as soon as
their rooms are there. Until that is done the loan is kept, so that a crash, or a room that is away, only puts it off.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Literal

from openassistant.context import Clock, new_id
from openassistant.errors import Conflict, NotFound, OaError
from openassistant.grants import Loan
from openassistant.messages import Account, AuditAction
from services.gateway import loan_views as views
from services.gateway.accounts import MODEL_CONNECTOR, Accounts
from services.gateway.grants import Grants
from services.gateway.house_words import HouseWords
from services.gateway.ledger import Ledger
from services.gateway.lending import Lending, LoanRow, State
from services.gateway.problems import invalid
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.users import Person, Users
from services.gateway.vault import Vault
from services.gateway.views import Account as AccountView
from services.gateway.wayout import is_moved

__all__ = ["LONGEST", "MOST", "Loans"]

LONGEST = timedelta(days=365)
MOST = 100
"""Loans of one person."""

Why = Literal["revoked", "given_back", "expired", "account_removed", "person_gone", "shut_out", "restored"]
_LIVING: tuple[State, ...] = ("offered", "taken", "accepted")
_WHY = "Somebody else will see this account, so it needs your password once more."

_log = logging.getLogger("openassistant.gateway")


class Loans:
    """One person's loans at a time, and the end of everybody's."""

    def __init__(
        self,
        lending: Lending,
        accounts: Accounts,
        vault: Vault,
        *,
        users: Users,
        sessions: Sessions,
        grants: Grants,
        ledger: Ledger,
        words: HouseWords,
        clock: Clock,
    ) -> None:
        self._lending, self._accounts, self._vault, self._users = lending, accounts, vault, users
        self._sessions, self._grants, self._ledger, self._words, self._clock = sessions, grants, ledger, words, clock
        self._ending = asyncio.Lock()
        accounts.leaving, accounts.left = self.account_leaves, self.account_left

    async def listing(self, me: SignedIn) -> list[views.Loan]:
        """What one lends and what is lent to one, oldest first."""
        people = {each.id: each for each in await self._users.people()}
        return [_shown(each, me, people) for each in await self._lending.of(me.user.id)]

    async def parts(self, me: SignedIn, account: str) -> views.AccountParts:
        """What an account of one's own consists of; raises `NotFound`, `Unavailable`."""
        found = await self._accounts.parts(await self._lendable(me, account))
        parts = tuple(views.AccountPart(**each.model_dump()) for each in found.parts)
        return views.AccountParts(offered=found.offered, parts=parts)

    async def make(self, me: SignedIn, draft: views.LoanDraft, *, address: str) -> views.Loan:
        """Offers an account; nothing of it is seen or copied before it is accepted. Both ledgers have it first.

        Raises `NotFound`, `InvalidRequest` for what cannot be so, `Conflict` for an account that is lent itself, or to
        him already; `SignInAgain`.
        """
        account, person = await self._lendable(me, draft.account), await self._other(me, draft.person)
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        made, parts = self._clock(), await self._named(account, draft.parts)
        loan = Loan(
            id=new_id(), lender=me.user.id, user=person.id, account=account.id, connector=account.connector,
            access=draft.access, parts=tuple(parts), session=me.session, expires=self._until(draft.until),
        )  # fmt: skip
        row = LoanRow(
            loan.id, loan.lender, loan.user, account.id, account.connector, account.name, loan.access, parts,
            self._grants.loan(loan), "offered", None, made, loan.expires,
        )  # fmt: skip
        await self._lending.add(row, most=MOST)
        try:
            more = {"access": row.access, "calendars": list(parts.values()), "expires": row.expires.isoformat()}
            await self._note_both(AuditAction.LOAN_OFFERED, row, **more, session=me.session)
        except OaError:
            await self._lending.drop(row.id)
            raise
        await self._words.say(person.id, "lent", by=me.user.display_name)
        return _shown(row, me, {person.id: person})

    async def accept(self, me: SignedIn, loan: str, draft: views.LoanAcceptance) -> AccountView:
        """Takes an account that is offered; it is tried for real, and is the borrower's from then on. He names it.

        Raises `NotFound`, `Conflict` where it was taken or ended meanwhile, and what the try ends with.
        """
        [row] = await self._mine(me, loan, role="user")
        if row.expires <= self._clock() or row.lender in self._grants.barred:
            raise Conflict("This is not offered any more.")
        if not await self._lending.move(row.id, "taken", only=("offered",)):
            raise Conflict("This was accepted already, or is no longer offered.")
        kept = False
        try:
            await self._note_both(AuditAction.LOAN_ACCEPTED, row)
            made = await self._accounts.borrowed(me.user.id, row.token, connector=row.connector, name=draft.name)
            await self._lending.move(row.id, "taken", only=("taken",), borrowed=made.id)
            shown = await self._accounts.tried(made)
            kept = await self._lending.move(row.id, "accepted", only=("taken",))
            if not kept:
                await self._accounts.leave(me.user.id, made.id)
                raise Conflict("This is not offered any more.")
        finally:
            if not kept:
                await self._lending.put_back(row.id)
        await self._words.drop(me.user.id, "lent")
        return shown

    async def end(self, me: SignedIn, loan: str) -> None:
        """Revokes what one lends, or gives back or refuses what is lent to one; at once. Raises `NotFound`."""
        [row] = await self._mine(me, loan)
        await self._end(row, "revoked" if row.lender == me.user.id else "given_back")

    async def start(self) -> None:
        """What a former process was trying is offered again, or accepted where it had been tried."""
        for row in await self._lending.find(state="taken"):
            kept = {each.id for each in await self._vault.listing(row.user) if each.state != "pending"}
            if row.borrowed in kept:
                await self._lending.move(row.id, "accepted", only=("taken",))
            else:
                await self._lending.put_back(row.id)

    # --- what a loan rests on -------------------------------------------------------------------------------------

    async def lent_to(self, user: str) -> dict[str, tuple[str, str]]:
        """By a person's borrowed accounts, whose they are and which: what their rules hold back holds for him, too."""
        found = await self._lending.find(user=user)
        return {each.borrowed: (each.lender, each.account) for each in found if each.borrowed}

    async def account_leaves(self, account: Account) -> None:
        """Before an account is removed: what was lent of it ends, and of a lent one the loan."""
        for row in await self._lending.find(account=account.id):
            await self._end(row, "account_removed")
        for row in await self._lending.find(borrowed=account.id):
            if await self._lending.move(row.id, "ending", only=_LIVING, why="given_back"):
                await self._note_end(row, "given_back")

    async def account_left(self, account: str) -> None:
        """After it was removed."""
        for row in await self._lending.find(borrowed=account):
            await self._lending.drop(row.id)

    async def person_leaves(self, user: str) -> None:
        """Ends all that a person lends and borrows; raises `OaError` where that is not done yet."""
        for row in [*await self._lending.find(lender=user), *await self._lending.find(user=user)]:
            await self._end(row, "person_gone")

    async def sweep(self) -> None:
        """Ends what is over, or lent by who is shut out, and goes on with what a former try could not end."""
        now = self._clock()
        for row in await self._lending.find():
            over: Why | None = "expired" if row.expires <= now else None
            over = "shut_out" if row.lender in self._grants.barred else over
            if row.state == "ending" or over:
                try:
                    await self._end(row, over or "revoked")
                except OaError as error:
                    _log.info("a loan ends later", extra={"loan": row.id, "code": error.code})

    async def _end(self, row: LoanRow, why: Why) -> None:
        """Marked first, so that it is never used again and ends also after a crash; then taken apart."""
        if await self._lending.move(row.id, "ending", only=_LIVING, why=why):
            await self._note_end(row, why)
        if row.state == "offered":
            await self._words.drop(row.user, "lent")
        async with self._ending:
            for each in await self._lending.find(id=row.id):
                if each.borrowed:
                    await self._accounts.part(each.user, each.borrowed, connector=each.connector)
                await self._lending.drop(each.id)

    async def _note_end(self, row: LoanRow, why: Why) -> None:
        """The witness is told, and cannot prevent it."""
        for user in (row.lender, row.user):
            self._ledger.try_note(
                AuditAction.LOAN_ENDED, user=user, connector=row.connector, account=_own(row, user), outcome=why,
                content=await self._content(row, user),
            )  # fmt: skip

    # --- who and what is meant ------------------------------------------------------------------------------------

    async def _lendable(self, me: SignedIn, account: str) -> Account:
        found = await self._vault.one(me.user.id, account)
        if found.connector == MODEL_CONNECTOR or found.state == "pending":
            raise NotFound("There is no such account.")
        if found.lent is not None:
            raise Conflict("This account is lent to you, so it is not yours to lend.")
        if is_moved(found):
            raise Conflict("Sign in to this account again first.")
        return found

    async def _other(self, me: SignedIn, username: str) -> Person:
        found = await self._users.find(username)
        person = await self._users.person(found[0].id) if found else None
        if person is None or person.suspended is not None:
            raise invalid("There is nobody of that user name.", person="Nobody of that user name lives here.")
        if person.id == me.user.id:
            raise invalid("That is you.", person="That is you.")
        if person.leaves is not None:
            raise invalid("He is about to leave this house.", person="He is about to leave this house.")
        return person

    async def _named(self, account: Account, wanted: tuple[str, ...]) -> dict[str, str]:
        if not wanted:
            return {}
        found = await self._accounts.parts(account)
        known = {each.id: each.name for each in found.parts}
        if not found.offered or not set(wanted) <= set(known):
            words = "Choose among the calendars of this account."
            raise invalid("There are no such calendars in this account.", parts=words)
        return {each: known[each] for each in dict.fromkeys(wanted)}

    def _until(self, chosen: datetime | None) -> datetime:
        now = self._clock()
        if chosen is None:
            return now + LONGEST
        if chosen.tzinfo is None or not now < chosen <= now + LONGEST:
            words = "Choose a day within the next year."
            raise invalid("It can end within the next year.", until=words)
        return chosen

    async def _mine(self, me: SignedIn, loan: str, *, role: Literal["user"] | None = None) -> list[LoanRow]:
        found = [each for each in await self._lending.of(me.user.id) if each.id == loan]
        if not found or (role == "user" and found[0].user != me.user.id):
            raise NotFound("There is no such loan.")
        return found

    async def _note_both(self, action: AuditAction, row: LoanRow, **more: object) -> None:
        """In both ledgers before it holds."""
        for user in (row.lender, row.user):
            await self._ledger.note(
                action, user=user, connector=row.connector, account=_own(row, user),
                content={**await self._content(row, user), **more},
            )  # fmt: skip

    async def _content(self, row: LoanRow, user: str) -> dict[str, object]:
        """What the ledger of one of both is told: with whom, and no id that is the other's."""
        other = row.user if user == row.lender else row.lender
        person = await self._users.person(other)
        return {
            "loan": row.id, "given": user == row.lender, "person": other,
            "name": person.display_name if person else "", "of": row.name,
        }  # fmt: skip


def _own(row: LoanRow, user: str) -> str | None:
    return row.account if user == row.lender else row.borrowed


def _shown(row: LoanRow, me: SignedIn, people: dict[str, Person]) -> views.Loan:
    given = row.lender == me.user.id
    other = people.get(row.user if given else row.lender)
    return views.Loan(
        id=row.id, given=given, person=other.display_name if other else "", username=other.username if other else "",
        account=row.account if given else (row.borrowed if row.state == "accepted" else None),
        connector=row.connector, name=row.name, access=row.access, calendars=tuple(row.parts.values()),
        state="accepted" if row.state == "accepted" else "offered", made_at=row.made, expires_at=row.expires,
    )  # fmt: skip
