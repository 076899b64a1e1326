"""The table of loans: who lends which account to whom, and how far each is. What it allows is in what was signed."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Row, text

from openassistant.errors import Conflict
from openassistant.store import Store

__all__ = ["Lending", "LoanRow", "State"]

State = Literal["offered", "taken", "accepted", "ending"]
"""taken: being tried by who borrows; ending: nothing may come of it any more, and what came of it goes."""


class LoanRow(NamedTuple):
    """A loan as it is kept; `parts` are the names of the calendars by their ids."""

    id: str
    lender: str
    user: str
    account: str
    connector: str
    name: str
    access: Literal["read", "act"]
    parts: dict[str, str]
    token: str
    state: State
    borrowed: str | None
    made: datetime
    expires: datetime
    why: str = ""


class Lending:
    """Reads and writes it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, loan: LoanRow, *, most: int) -> None:
        """Keeps a new one; raises `Conflict` where that account is lent to him already, or there are too many."""
        row = {
            **loan._asdict(), "parts": json.dumps(loan.parts), "made": loan.made.isoformat(),
            "expires": loan.expires.isoformat(),
        }  # fmt: skip

        def write(connection: Connection) -> None:
            if connection.execute(text("SELECT 1 FROM loans WHERE account = :account AND user = :user"), row).first():
                raise Conflict("You lend him this account already. End that first.")
            count = text("SELECT count(*) FROM loans WHERE lender = :lender")
            if connection.execute(count, row).scalar_one() >= most:
                raise Conflict(f"You lend {most} accounts. End one that is no longer needed.")
            names = ", ".join(row)
            values = ", ".join(f":{each}" for each in row)
            connection.execute(text(f"INSERT INTO loans ({names}) VALUES ({values})"), row)  # noqa: S608 - our own fields

        await self._store.write(write)

    async def find(self, **given: str) -> list[LoanRow]:
        """Those that fit all that is given, oldest first."""
        where = " AND ".join(f"{name} = :{name}" for name in given) or "1"
        query = text(f"SELECT * FROM loans WHERE {where} ORDER BY id")  # noqa: S608 - names from our own calls
        return await self._store.read(lambda c: [_loan(row) for row in c.execute(query, given)])

    async def of(self, user: str) -> list[LoanRow]:
        """What a person lends and borrows, without what ends, oldest first."""
        query = text("SELECT * FROM loans WHERE (lender = :user OR user = :user) AND state <> 'ending' ORDER BY id")
        return await self._store.read(lambda c: [_loan(row) for row in c.execute(query, {"user": user})])

    async def move(
        self, loan: str, state: State, *, only: tuple[State, ...], borrowed: str | None = None, why: str = ""
    ) -> bool:
        """Sets the state of a loan that is in one of these; whether it was."""
        row = {"id": loan, "state": state, "borrowed": borrowed, "why": why, "only": json.dumps(only)}
        query = text(
            "UPDATE loans SET state = :state, borrowed = coalesce(:borrowed, borrowed), why = :why"
            " WHERE id = :id AND state IN (SELECT value FROM json_each(:only))"
        )
        return await self._store.write(lambda connection: connection.execute(query, row).rowcount > 0)

    async def put_back(self, loan: str) -> None:
        """What was tried and did not work can be accepted again."""
        query = text("UPDATE loans SET state = 'offered', borrowed = NULL WHERE id = :id AND state = 'taken'")
        await self._store.write(lambda connection: connection.execute(query, {"id": loan}).close())

    async def drop(self, loan: str) -> None:
        """It is over, with all that came of it."""
        query = text("DELETE FROM loans WHERE id = :id")
        await self._store.write(lambda connection: connection.execute(query, {"id": loan}).close())


def _loan(found: Row[Any]) -> LoanRow:
    row: dict[str, Any] = found._asdict()
    times = {name: datetime.fromisoformat(row[name]) for name in ("made", "expires")}
    return LoanRow(**{**row, **times, "parts": json.loads(row["parts"])})
