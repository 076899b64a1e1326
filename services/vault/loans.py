"""Accounts that are lent: what a loan opens of the account behind it, checked anew with each release.

A borrower's account points to its lender's and holds no secret. It is used within the signed loan alone, and both
ledgers say so before anything is released.
"""

from __future__ import annotations

from datetime import datetime

from openassistant.catalogue import Catalogue
from openassistant.context import new_id
from openassistant.errors import Forbidden
from openassistant.grants import Loan, Trust
from openassistant.messages import Account, AuditAction, Effect, Lent, Record, TokenRequest
from openassistant.store import Store
from services.vault import accounts
from services.vault.tokens import MODEL_ACCOUNTS, declared

__all__ = ["admit_loan", "behind", "terms", "used"]

_FOR = {"read": "reading alone", "act": "reading and changing, not for deleting"}


def terms(loan: Loan) -> Lent:
    """What a loan says, as accounts show it."""
    return Lent(
        loan=loan.id, lender=loan.lender, account=loan.account, access=loan.access, parts=loan.parts, until=loan.expires
    )


def admit_loan(loan: Loan, source: Account) -> None:
    """Raises `Forbidden` for a loan that is not of this account, or of one that cannot be lent."""
    if (loan.account, loan.lender, loan.connector) != (source.id, source.user, source.connector):
        raise Forbidden("The loan is of another account.")
    if source.lent is not None:
        raise Forbidden("An account that is lent cannot be lent on.")
    if loan.user == loan.lender or source.connector == MODEL_ACCOUNTS or source.state == "pending":
        raise Forbidden("This account cannot be lent.")


async def behind(
    store: Store, request: TokenRequest, account: Account, *, trust: Trust, catalogue: Catalogue, now: datetime
) -> tuple[Account, Lent | None]:
    """The account whose secrets are meant, and the loan under which, where it is another's.

    Raises `Forbidden` for a loan that is over, forged, of others, or does not allow what is asked for; `NotFound` where
    its lender has removed the account.
    """
    if account.lent is None:
        return account, None
    loan = trust.loan(await accounts.loan_of(store, account.id), now=now)
    if (loan.id, loan.user) != (account.lent.loan, account.user):
        raise Forbidden("The loan is not of this account.")
    source, lent = await accounts.one(store, loan.account), terms(loan)
    admit_loan(loan, source)
    call = request.call
    asked = Effect.READ if request.profile or call is None else declared(catalogue, call, call.card_digest)
    if not lent.allows(request.effect.raised(asked)):
        raise Forbidden(f"This account is lent for {_FOR[lent.access]}.")
    return source, lent


async def used(store: Store, request: TokenRequest, account: Account, source: Account) -> Record:
    """What the lender's ledger is told: who is about to use his account, and for what; once for each call."""
    call = request.call
    return Record(
        id=call.id if call else new_id(), action=AuditAction.LOAN_USED, connector=source.connector,
        tool=call.tool if call else None, effect=request.effect, account=source.id, outcome=account.user,
        loan=await accounts.loan_of(store, account.id),
    )  # fmt: skip
