"""Accounts that people of this house lend to each other."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from openassistant.messages import Id
from services.gateway import loan_views, views
from services.gateway.routes.doors import House, Me, address_of

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["services"])


@router.get("/loans")
async def loans(house: House, me: Me) -> list[loan_views.Loan]:
    """What one lends to others, and what others lend to one, oldest first."""
    return await house.loans.listing(me)


@router.post("/loans", status_code=201)
async def lend_account(request: Request, draft: loan_views.LoanDraft, house: House, me: Me) -> loan_views.Loan:
    """Offers an account of one's own to another person of the house; needs a fresh sign-in or the password."""
    return await house.loans.make(me, draft, address=address_of(request))


@router.post("/loans/{loan}/accept")
async def accept_loan(loan: Id, draft: loan_views.LoanAcceptance, house: House, me: Me) -> views.Account:
    """Takes what is offered to one, tried for real; it is an account of one's own then, within the loan."""
    return await house.loans.accept(me, loan, draft)


@router.delete("/loans/{loan}", status_code=204)
async def end_loan(loan: Id, house: House, me: Me) -> Response:
    """Revokes what one lends, or refuses or gives back what is lent to one; with its account goes its local copy."""
    await house.loans.end(me, loan)
    return Response(status_code=204)


@router.get("/accounts/{account}/parts")
async def account_parts(account: Id, house: House, me: Me) -> loan_views.AccountParts:
    """The calendars of an account, where it can be lent in parts."""
    return await house.loans.parts(me, account)
