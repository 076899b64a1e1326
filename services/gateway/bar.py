"""Who is shut out of the house for a time: nothing is signed in his name, and what runs for him stops. His data stays.

Who that is stands in the room's store. It is read again every two seconds, so that every process of the house knows.
"""

from __future__ import annotations

import logging

from sqlalchemy import text

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.errors import OaError
from openassistant.messages import Done
from openassistant.store import Store
from services.gateway.accounts import Accounts
from services.gateway.budgets import Budgets
from services.gateway.grants import Grants
from services.gateway.questions import Questions
from services.gateway.turns import Turns

__all__ = ["Bar"]

_log = logging.getLogger("openassistant.gateway")


class Bar:
    """Keeps the signer informed, and ends what lives."""

    def __init__(
        self,
        bus: Bus,
        store: Store,
        grants: Grants,
        turns: Turns,
        questions: Questions,
        *,
        budgets: Budgets,
        accounts: Accounts,
    ) -> None:
        self._bus, self._store, self._grants, self._turns = bus, store, grants, turns
        self._questions, self._budgets, self._accounts = questions, budgets, accounts

    async def refresh(self) -> None:
        """Reads who is shut out, and ends what still lives of theirs."""
        query = text("SELECT id FROM users WHERE suspended IS NOT NULL")
        self._grants.barred = frozenset(
            await self._store.read(lambda connection: [row.id for row in connection.execute(query)])
        )
        for user in self._grants.barred:
            await self.stop(user)

    async def stop(self, user: str) -> None:
        """Ends the turns of a person who is shut out: what waits is void, what is held is not sent."""
        for turn, conversation in await self._turns.living(user):
            await self._questions.void(turn=turn)
            await self._turns.end(turn)
            await self._budgets.unused(user, turn)
            ctx = self._grants.context(user, seconds=30, conversation=conversation)
            try:
                await self._bus.request(subjects.agent("cancel"), Done(), Done, ctx)
            except OaError as error:
                # Its grant is not renewed, so it reads no longer than that lives, and acts no more from now on.
                _log.info("a turn of somebody who is shut out was not stopped", extra={"code": error.code})

    async def attach(self, user: str) -> None:
        """Has connectors end the background work on a person's accounts, or begin it again."""
        await self._accounts.attach_of(user)
