"""The first start: a one-time link, or an owner from the settings."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from pathlib import Path

from openassistant.errors import Conflict, Forbidden, Internal
from openassistant.messages import AuditAction
from services.gateway.house import MINIMUM_AGE
from services.gateway.ledger import Ledger
from services.gateway.problems import invalid
from services.gateway.users import User, Users

__all__ = ["Setup"]

_log = logging.getLogger("openassistant.gateway")


class Setup:
    """Open until the owner exists; the token lives in memory and, for whoever started the house, in one file."""

    def __init__(
        self, users: Users, ledger: Ledger, *, folder: Path, address: str, minimum_age: int = MINIMUM_AGE
    ) -> None:
        self._age = minimum_age
        self._users, self._ledger, self._address = users, ledger, address
        self._file = folder / "setup-url"
        self._token: str | None = None
        self._lock = asyncio.Lock()

    async def begin(self, *, username: str | None, password_file: Path | None) -> None:
        """Creates the owner from the settings, or writes the link; does nothing in a house that has an owner."""
        self._file.unlink(missing_ok=True)
        if await self._users.any():
            return
        if username:
            await self._create(username, _read(password_file), "")
            return
        self._token = secrets.token_urlsafe(32)
        self._file.touch(mode=0o600)
        self._file.write_text(f"{self._address}/setup#{self._token}\n")
        _log.info("setup_url: the set-up link is in the file %s", self._file.name)

    async def is_open(self) -> bool:
        """Whether the house waits for its owner."""
        return not await self._users.any()

    async def finish(self, token: str, *, username: str, password: str, display_name: str, of_age: bool) -> User:
        """The owner, created once; raises `Forbidden` for a wrong token, `Conflict` when it was used.

        `InvalidRequest` names the field, also where he does not say that he is of age.
        """
        async with self._lock:
            if await self._users.any():
                raise Conflict("This house is set up already. Sign in instead.", details={"action": "sign_in"})
            if self._token is None or not hmac.compare_digest(token.encode(), self._token.encode()):
                raise Forbidden(
                    "This set-up link is not valid. Each start makes a new one: use the one that was printed last."
                )
            if not of_age:
                words = f"You have to be {self._age} or older."
                raise invalid(words, of_age=words)
            user = await self._create(username, password, display_name, of_age=True)
            self._token = None
            self._file.unlink(missing_ok=True)
            return user

    async def _create(self, username: str, password: str, display_name: str, *, of_age: bool = False) -> User:
        user, hashed = await self._users.prepare(
            username=username, password=password, display_name=display_name, role="owner"
        )
        await self._ledger.note(AuditAction.USER_CREATED, user=user.id, id=user.id, content={"role": user.role})
        await self._users.add(user, hashed, first=True, of_age=of_age)
        return user


def _read(path: Path | None) -> str:
    if path is None:
        raise Internal("OA_SETUP_USER needs OA_SETUP_PASSWORD_FILE beside it.")
    try:
        return path.read_text().strip("\r\n")
    except OSError as error:
        raise Internal(f"OA_SETUP_PASSWORD_FILE: {path.name} cannot be read.") from error
