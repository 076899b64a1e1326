"""Connectors and accounts."""

from __future__ import annotations

from fastapi import APIRouter

from openassistant.messages import Id
from services.gateway import views
from services.gateway.routes.doors import House, Me, Owner

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["services"])


@router.get("/connectors")
async def connectors(house: House, me: Me) -> list[views.Connector]:
    """Every connector that runs now, with the JSON Schemas of its settings and secrets."""
    return house.connectors.listing()


@router.post("/connectors/{connector}/approve")
async def approve_connector(connector: str, draft: views.ConnectorApproval, house: House, me: Owner) -> views.Connector:
    """Approves exactly this card; a connector that changes its tools goes dark until it is approved again."""
    return await house.connectors.approve(me, connector, draft.digest, house.ledger)


@router.get("/accounts")
async def accounts(house: House, me: Me) -> list[views.Account]:
    """One's own accounts, oldest first."""
    return await house.accounts.listing(me)


@router.post("/accounts", status_code=201)
async def connect_account(draft: views.AccountDraft, house: House, me: Me) -> views.Account:
    """Tries a new account for real and keeps it when that worked; otherwise says which step failed."""
    return await house.accounts.connect(me, draft)


@router.get("/accounts/{account}")
async def account(account: Id, house: House, me: Me) -> views.Account:
    """One account with its state and progress."""
    return await house.accounts.view(me, account)


@router.post("/accounts/{account}/check")
async def check_account(account: Id, house: House, me: Me) -> views.CheckReport:
    """Tries a connected account again."""
    return await house.accounts.check(me, account)


@router.put("/accounts/{account}/hold")
async def hold_account(account: Id, draft: views.HoldDraft, house: House, me: Me) -> views.Account:
    """Holds back what this account sends for another time after a yes, so that it can be taken back."""
    return await house.accounts.hold(me, account, draft.seconds)


@router.post("/accounts/{account}/hook")
async def new_hook(account: Id, house: House, me: Me) -> views.Account:
    """Gives the account another address for its provider; the former one leads nowhere from then on."""
    return await house.accounts.new_hook(me, account)


@router.delete("/accounts/{account}")
async def remove_account(account: Id, house: House, me: Me) -> views.RemovedAccount:
    """Ends the account's consent at its provider, destroys its secrets and has its local copy deleted."""
    return await house.accounts.remove(me, account)
