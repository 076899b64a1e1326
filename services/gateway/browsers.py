"""The browsers in which somebody is told that something waits: listed, revocable, gone with their sign-in."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from openassistant.context import Clock, new_id
from openassistant.errors import Conflict, NotFound, OaError
from openassistant.messages import AuditAction
from services.gateway import views
from services.gateway.files import OwnFiles
from services.gateway.ledger import Ledger
from services.gateway.notices import Notice
from services.gateway.sessions import SignedIn
from services.gateway.webpush import Browser, Pusher, decoded, encrypted, host_of

__all__ = ["MOST", "Browsers", "message"]

MOST = 20
"""Browsers of one person."""
_STEP = 256
_SHORTEST = timedelta(minutes=1)
_LONGEST = timedelta(hours=24)

_log = logging.getLogger("openassistant.gateway")


class Browsers:
    """One user's browsers at a time."""

    def __init__(self, own: OwnFiles, pusher: Pusher, ledger: Ledger, clock: Clock) -> None:
        self._own, self._pusher, self._ledger, self._clock = own, pusher, ledger, clock

    async def key(self) -> str:
        """What a browser needs in order to take messages of this house and of nobody else."""
        return await self._pusher.public_key()

    async def listing(self, me: SignedIn) -> tuple[views.NoticeBrowser, ...]:
        """One's own, newest first."""
        return tuple(_view(row, me) for row in await self._rows(me.user.id))

    async def add(self, me: SignedIn, draft: views.NoticeBrowserDraft) -> views.NoticeBrowser:
        """Tells this browser from now on; the same one again takes the place of what was known of it.

        Raises `InvalidRequest` for what is no browser of a maker that this house knows, `Conflict` for too many.
        """
        browser = Browser(draft.endpoint, decoded(draft.point), decoded(draft.secret))
        self._pusher.require(browser)
        known = await self._rows(me.user.id)
        if len(known) >= MOST and not any(row.endpoint == draft.endpoint for row in known):
            raise Conflict(f"{MOST} browsers are told already. Remove one that is no longer used.")
        row = {
            "id": new_id(), "endpoint": draft.endpoint, "point": draft.point, "secret": draft.secret,
            "name": draft.name or "A browser", "session": me.session, "created": self._clock().isoformat(),
        }  # fmt: skip
        await self._ledger.note(
            AuditAction.NOTICE_BROWSER_ADDED, user=me.user.id, id=row["id"],
            content={"name": row["name"], "host": host_of(draft.endpoint)},
        )  # fmt: skip

        def write(connection: Connection) -> None:
            connection.execute(text("DELETE FROM browsers WHERE endpoint = :endpoint"), row)
            connection.execute(
                text(
                    "INSERT INTO browsers (id, endpoint, point, secret, name, session, created)"
                    " VALUES (:id, :endpoint, :point, :secret, :name, :session, :created)"
                ),
                row,
            )

        async with self._own.use(me.user.id) as store:
            await store.write(write)
        return next(each for each in await self.listing(me) if each.id == row["id"])

    async def remove(self, me: SignedIn, browser: str) -> None:
        """Tells it no more; raises `NotFound`. The witness is told, and cannot prevent it."""
        if not await self._forget(me.user.id, "id = :value", browser, why="revoked"):
            raise NotFound("There is no such browser.")

    async def sign_out(self, user: str, session: str) -> None:
        """A sign-in has ended: the browser that it was in is told no more."""
        await self._forget(user, "session = :value", session, why="signed out")

    async def has_any(self, user: str) -> bool:
        """Whether somebody is told in a browser at all."""
        return bool(await self._rows(user))

    async def tell(self, user: str, notice: Notice, *, content: str, path: str) -> bool:
        """Tells all of a user's browsers; whether one of them took it. Whose subscription has ended is forgotten."""
        plain = message(notice, content=content, path=path)
        life = min(max((notice.ends or self._clock()) - self._clock(), _SHORTEST), _LONGEST)
        told = False
        for row in await self._rows(user):
            told = await self._tell(user, row, plain, notice, life) or told
        return told

    async def _tell(self, user: str, row: Any, plain: bytes, notice: Notice, life: timedelta) -> bool:
        browser = Browser(row.endpoint, decoded(row.point), decoded(row.secret))
        body = encrypted(plain, browser)
        try:
            await self._ledger.note(
                AuditAction.NOTICE_SENT, user=user,
                content={"host": host_of(row.endpoint), "bytes": len(body), "browser": row.id,
                         "questions": sorted({each.question for each in notice.reasons})},
            )  # fmt: skip
            await self._pusher.send(browser, body, life=life)
        except NotFound:
            await self._forget(user, "id = :value", row.id, why="ended by the browser")
            return False
        except OaError as error:
            _log.warning("a notice was not taken", extra={"browser": row.id, "code": error.code})
            return False
        used = {"id": row.id, "now": self._clock().isoformat()}
        async with self._own.use(user) as store:
            await store.write(
                lambda connection: connection.execute(text("UPDATE browsers SET used = :now WHERE id = :id"), used)
            )
        return True

    async def _rows(self, user: str) -> list[Any]:
        query = text("SELECT * FROM browsers ORDER BY id DESC")
        async with self._own.use(user) as store:
            return await store.read(lambda connection: list(connection.execute(query)))

    async def _forget(self, user: str, where: str, value: str, *, why: str) -> bool:
        query = text(f"DELETE FROM browsers WHERE {where} RETURNING id")  # noqa: S608 - conditions from this file
        async with self._own.use(user) as store:
            gone = await store.write(lambda connection: list(connection.execute(query, {"value": value}).scalars()))
        for each in gone:
            self._ledger.try_note(AuditAction.NOTICE_BROWSER_REMOVED, user=user, content={"browser": each, "why": why})
        return bool(gone)


def message(notice: Notice, *, content: str, path: str) -> bytes:
    """What a browser gets to show: JSON, filled up with blanks so that its length says nothing of what is in it."""
    shown = {"title": notice.title, "body": content or notice.body, "path": path}
    plain = json.dumps(shown).encode()
    return plain + b" " * (-len(plain) % _STEP)


def _view(row: Any, me: SignedIn) -> views.NoticeBrowser:
    return views.NoticeBrowser(
        id=row.id, name=row.name, host=host_of(row.endpoint), created_at=datetime.fromisoformat(row.created),
        used_at=datetime.fromisoformat(row.used) if row.used else None, endpoint=row.endpoint,
        current=row.session == me.session,
    )  # fmt: skip
