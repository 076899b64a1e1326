"""How long what an account sends is held back after a yes: its owner's choice for that account, else the house's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text

from openassistant.messages import AuditAction
from openassistant.store import Store
from services.gateway.ledger import Ledger

__all__ = ["Holds"]


class Holds:
    """The choices in the room's store; `default` is for every account without one."""

    def __init__(self, store: Store, ledger: Ledger, *, default: timedelta) -> None:
        self._store, self._ledger, self.default = store, ledger, default

    async def of(self, account: str | None) -> timedelta:
        """How long an account's mails and the like are held; without an account as long as the house says."""
        chosen = await self.chosen(account) if account else None
        return self.default if chosen is None else chosen

    async def chosen(self, account: str) -> timedelta | None:
        """What was chosen for an account; None for nothing. The account is one that somebody was shown to own."""
        query = text("SELECT seconds FROM account_holds WHERE account = :account")

        def read(connection: Connection) -> float | None:
            found: float | None = connection.execute(query, {"account": account}).scalar()
            return found

        seconds = await self._store.read(read)
        return None if seconds is None else timedelta(seconds=seconds)

    async def choose(self, user: str, account: str, connector: str, seconds: float | None) -> None:
        """Another time from now on, written down first; None for the house's. What is held already keeps its time."""
        await self._ledger.note(
            AuditAction.ACCOUNT_HOLD_CHANGED, user=user, account=account, connector=connector,
            content={"seconds": seconds},
        )  # fmt: skip
        await self._write(account, {"account": account, "user": user, "seconds": seconds})

    async def forget(self, account: str) -> None:
        """The account is gone."""
        await self._write(account, {"account": account, "seconds": None})

    async def _write(self, account: str, row: dict[str, Any]) -> None:
        def write(connection: Connection) -> None:
            connection.execute(text("DELETE FROM account_holds WHERE account = :account"), {"account": account})
            if row["seconds"] is not None:
                connection.execute(
                    text("INSERT INTO account_holds (account, user, seconds) VALUES (:account, :user, :seconds)"), row
                )

        await self._store.write(write)
