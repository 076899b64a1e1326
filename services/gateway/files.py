"""A person's own file in this room, opened under his own key: what lies there goes with him."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from openassistant.keys import Keys
from openassistant.store import Store, UserStores
from services.gateway.grants import Grants

__all__ = ["OwnFiles"]


class OwnFiles:
    """Opens them; `grants` is how this room asks for their keys."""

    def __init__(self, users: UserStores, keys: Keys, grants: Grants) -> None:
        self._users, self._keys, self._grants = users, keys, grants

    @asynccontextmanager
    async def use(self, user: str) -> AsyncIterator[Store]:
        """The file of one user; raises `Unavailable` where the vault is away."""
        await self._keys.unlock(user, self._grants.session(user))
        async with self._users.use(user) as store:
            yield store
