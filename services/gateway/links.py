"""Links that let one person in: to join the house, or to set a password anew. Single use, for a time, hashed.

What stands behind the # of a link never reaches a server's log. Of 256 random bits the digest is kept; a link is found
by that, so how long it takes says nothing about it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, text

from openassistant.context import Clock, new_id
from openassistant.errors import NotFound
from openassistant.messages import Id, Wire
from openassistant.store import Store
from services.gateway import people_views as views
from services.gateway.backoff import Backoff

__all__ = ["Kind", "Link", "Links", "take"]

Kind = Literal["join", "reset"]

_FORM = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_GUESSES = "link"
_DEAD = "This link does not work: it was used, revoked, is over, or was never made. Ask for another one."
_COLUMNS = "id, kind, inviter, user, label, created, opens, expires, factors"


class Link(Wire):
    """A living link, without its token; `user` is whose password it sets.

    With `factors` it also takes his second factor and his passkeys away.
    """

    id: Id
    kind: Kind
    inviter: Id
    user: Id | None
    label: str
    created: datetime
    opens: datetime
    expires: datetime
    factors: bool = False

    def view(self) -> views.Invitation:
        """The link as its maker sees it in the list."""
        return views.Invitation(id=self.id, label=self.label, created_at=self.created, expires_at=self.expires)


class Links:
    """The table `invitations`. `backoff` is of its own: it counts what leads nowhere, by network address."""

    def __init__(self, store: Store, backoff: Backoff, clock: Clock) -> None:
        self._store, self._backoff, self._clock = store, backoff, clock

    def draft(
        self,
        kind: Kind,
        *,
        inviter: str,
        opens: datetime,
        expires: datetime,
        user: str | None = None,
        label: str = "",
        factors: bool = False,
    ) -> Link:
        """A link that is not kept yet."""
        return Link(
            id=new_id(), kind=kind, inviter=inviter, user=user, label=label, created=self._clock(), opens=opens,
            expires=expires, factors=factors,
        )  # fmt: skip

    async def keep(self, link: Link) -> views.NewInvitation:
        """Keeps a link, in place of one for the same person's password: the one moment at which it is known."""
        token = secrets.token_urlsafe(32)
        times = {name: getattr(link, name).isoformat() for name in ("created", "opens", "expires")}
        row = {**link.model_dump(), **times, "digest": _digest(token)}

        def write(connection: Connection) -> None:
            connection.execute(text("DELETE FROM invitations WHERE kind = 'reset' AND user = :user"), row)
            connection.execute(
                text(
                    "INSERT INTO invitations (id, kind, digest, inviter, user, label, created, opens, expires, factors)"
                    " VALUES (:id, :kind, :digest, :inviter, :user, :label, :created, :opens, :expires, :factors)"
                ),
                row,
            )

        await self._store.write(write)
        path = f"/join#{token}" if link.kind == "join" else f"/join?reset#{token}"
        return views.NewInvitation(**link.view().model_dump(), path=path, opens_at=link.opens)

    async def find(self, token: str, *, address: str) -> Link:
        """The living link of a token; raises `NotFound`, `RateLimited` for whoever guesses."""
        row = {"digest": _digest(token if _FORM.fullmatch(token) else "")}
        found = await self._select("digest = :digest", row)
        if not found:
            self._backoff.admit(_GUESSES, address, known=True)
            raise NotFound(_DEAD)
        return found[0]

    async def living(self, kind: Kind) -> list[Link]:
        """All links of a kind, newest first."""
        return await self._select("kind = :kind ORDER BY id DESC", {"kind": kind})

    async def of(self, user: str) -> Link | None:
        """The living link for somebody's password."""
        found = await self._select("kind = 'reset' AND user = :user", {"user": user})
        return found[0] if found else None

    async def open_now(self, link: str) -> None:
        """Lets a link work from now on."""
        await self._do("UPDATE invitations SET opens = :now WHERE id = :id", {"id": link, "now": self._iso()})

    async def revoke(self, link: str) -> None:
        """Ends a link."""
        await self._do("DELETE FROM invitations WHERE id = :id", {"id": link})

    async def sweep(self) -> None:
        """Removes what is over."""
        await self._do("DELETE FROM invitations WHERE expires <= :now", {"now": self._iso()})

    def _iso(self) -> str:
        return self._clock().isoformat()

    async def _do(self, statement: str, row: dict[str, str]) -> None:
        await self._store.write(lambda connection: connection.execute(text(statement), row).close())

    async def _select(self, where: str, row: dict[str, str]) -> list[Link]:
        query = text(f"SELECT {_COLUMNS} FROM invitations WHERE expires > :now AND {where}")  # noqa: S608 - our words

        def read(connection: Connection) -> list[Link]:
            return [_link(each) for each in connection.execute(query, {**row, "now": self._iso()})]

        return await self._store.read(read)


def take(connection: Connection, link: str) -> None:
    """Uses a link up, once; raises `NotFound` where somebody else did, or it was revoked meanwhile."""
    if not connection.execute(text("DELETE FROM invitations WHERE id = :id"), {"id": link}).rowcount:
        raise NotFound(_DEAD)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _link(row: Any) -> Link:
    times = {name: datetime.fromisoformat(getattr(row, name)) for name in ("created", "opens", "expires")}
    return Link(
        id=row.id, kind=row.kind, inviter=row.inviter, user=row.user, label=row.label, factors=bool(row.factors),
        **times,
    )  # fmt: skip
