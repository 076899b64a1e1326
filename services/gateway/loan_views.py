"""The shapes of the HTTP API about accounts that people of a house lend to each other."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from openassistant.messages import Id
from services.gateway.views import Password, View

__all__ = ["AccountPart", "AccountParts", "Loan", "LoanAcceptance", "LoanDraft"]

_PartId = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class AccountPart(View):
    """A calendar of an account; its `name` is what its service says."""

    id: _PartId
    name: str


class AccountParts(View):
    """What an account consists of; where that is not `offered`, it is lent as a whole or not at all."""

    offered: bool
    parts: tuple[AccountPart, ...]


class Loan(View):
    """An account that is lent: given by whoever asks, or to him.

    `person` and `username` are the other one's. `account` is one's own: the one that is lent, or the one that came of
    it (null before it was accepted). `calendars` are names of the only ones that are lent; empty for the whole account.
    """

    id: Id
    given: bool
    person: str
    username: str
    account: Id | None
    connector: str
    name: str
    access: Literal["read", "act"]
    calendars: tuple[str, ...]
    state: Literal["offered", "accepted"]
    made_at: datetime
    expires_at: datetime


class LoanDraft(View):
    """Lends an account to somebody of the house, by his user name.

    `access`: to read, or to act as well. `parts` are the ids of the only calendars; none is the whole account. It ends
    at `until`, a year from now at most, and then if nothing is said. `password` is needed when the sign-in is older
    than 15 minutes.
    """

    account: Id
    person: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    access: Literal["read", "act"] = "read"
    parts: Annotated[tuple[_PartId, ...], Field(max_length=100)] = ()
    until: datetime | None = None
    password: Password | None = None


class LoanAcceptance(View):
    """Takes what is lent; `name` is what the account is called here, chosen by who takes it."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
