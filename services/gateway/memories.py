"""What the assistant is to remember of a person: short notes, each with who said it and what had been read before.

They lie in this room, not in the agent's: the label decides what is asked about, so it is kept where that is decided.
What is put before a model is chosen by plain means: all that fits, what is pinned first. A tainted one comes only where
the owner pinned it, or where his message has its words; and then its turn is tainted.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, text

from openassistant.context import Clock, new_id
from openassistant.errors import Conflict, NotFound
from openassistant.messages import Remembered
from services.gateway import memory_views as views
from services.gateway.files import OwnFiles
from services.gateway.sessions import SignedIn

__all__ = ["ARCHIVE", "BUDGET", "MOST", "Memories", "Recall"]

MOST = 1000
"""Memories of one person."""
BUDGET = 6000
"""Characters of all that is put before a model in one turn."""

ARCHIVE = "an archive"
"""The source of what came with one and says no other."""

_MOST_TAINTED = 5
_WORD = re.compile(r"\w{4,}")
_MOST_WORDS = 24
_LIVES = "(expires IS NULL OR expires > :now)"
Recall = tuple[Remembered, ...]


class Memories:
    """Keeps, finds, changes and forgets them."""

    def __init__(self, own: OwnFiles, clock: Clock) -> None:
        self._own, self._clock = own, clock

    async def listing(self, me: SignedIn, words: str = "") -> list[views.Memory]:
        """One's own, pinned ones first, then the newest change; with `words` those that have one of them."""
        found = f"rowid IN ({_MATCHES})" if words.strip() else "1"
        rows = await self._read(me.user.id, found, {"match": _match(words, least=1)})
        return [_shown(each) for each in rows]

    async def add(self, me: SignedIn, draft: views.MemoryDraft) -> views.Memory:
        """The owner's own words; raises `Conflict` where there are too many."""
        made = new_id()
        await self._save(me.user.id, id_=made, words=draft.text, origin="owner", pinned=draft.pinned, days=draft.days)
        return await self.one(me, made)

    async def keep(
        self, user: str, *, call: str, words: str, sources: tuple[str, ...], conversation: str, turn: str
    ) -> None:
        """What the assistant is to remember, by a call; the same call again changes nothing, also once forgotten.

        Tainted where `sources` had been read. Raises `Conflict` where there are too many.
        """
        await self._save(
            user, id_=call, words=words, origin="assistant", sources=sources, conversation=conversation, turn=turn
        )

    async def change(self, me: SignedIn, memory: str, change: views.MemoryChange) -> views.Memory:
        """Another text is the owner's own, and clears what it was tainted with; raises `NotFound`."""
        former = await self.one(me, memory)
        now = self._clock()
        ends = former.expires_at
        if change.days is not None:
            ends = now + timedelta(days=change.days) if change.days else None
        row: dict[str, Any] = {
            "id": memory, "text": former.text, "origin": former.origin, "tainted": int(former.tainted),
            "sources": json.dumps(former.sources), "expires": _iso(ends), "now": now.isoformat(),
            "pinned": int(former.pinned if change.pinned is None else change.pinned),
        }  # fmt: skip
        if change.text is not None and change.text != former.text:
            row |= {"text": change.text, "origin": "owner", "tainted": 0, "sources": "[]"}
        await self._write(
            me.user.id,
            "UPDATE memories SET text = :text, origin = :origin, tainted = :tainted, sources = :sources, brought = 0,"
            " pinned = :pinned, expires = :expires, changed = :now WHERE id = :id",
            row,
        )
        return await self.one(me, memory)

    async def forget(self, me: SignedIn, memory: str) -> None:
        """Forgets one; raises `NotFound`."""
        if not await self._write(me.user.id, "DELETE FROM memories WHERE id = :id", {"id": memory}):
            raise NotFound("There is no such memory.")

    async def forget_all_of(self, me: SignedIn, conversation: str) -> int:
        """Forgets what came from a conversation; how many that were."""
        return await self._write(me.user.id, "DELETE FROM memories WHERE conversation = :id", {"id": conversation})

    async def one(self, me: SignedIn, memory: str) -> views.Memory:
        """One of them; raises `NotFound`."""
        rows = await self._read(me.user.id, "id = :id", {"id": memory})
        if not rows:
            raise NotFound("There is no such memory.")
        return _shown(rows[0])

    async def recall(self, user: str, words: str) -> Recall:
        """What is put before the model at a message of these words, within the budget."""
        row = {"match": _match(words, least=4)}
        hits = [each.id for each in await self._read(user, f"rowid IN ({_MATCHES})", row)] if row["match"] else []
        rows = await self._read(user, "1", {})
        pinned = [each for each in rows if each.pinned]
        own = [each for each in rows if not each.pinned and not _tainted(each)]
        fits = sorted(own, key=lambda each: each.id not in hits)
        others = [each for each in rows if not each.pinned and _tainted(each) and each.id in hits][:_MOST_TAINTED]
        left, kept = BUDGET, list[Any]()
        for each in (*pinned, *others, *fits):
            if len(each.text) <= left:
                left -= len(each.text)
                kept.append(each)
        return tuple(_remembered(each) for each in kept)

    async def _save(
        self,
        user: str,
        *,
        id_: str,
        words: str,
        origin: Literal["owner", "assistant"],
        sources: tuple[str, ...] = (),
        pinned: bool = False,
        days: int | None = None,
        conversation: str | None = None,
        turn: str | None = None,
    ) -> None:
        now = self._clock()
        row = {
            "id": id_, "text": words, "origin": origin, "tainted": int(bool(sources)), "sources": json.dumps(sources),
            "pinned": int(pinned), "conversation": conversation, "turn": turn, "now": now.isoformat(),
            "expires": _iso(now + timedelta(days=days)) if days else None,
        }  # fmt: skip

        def write(connection: Connection) -> bool:
            known = connection.execute(text("INSERT INTO house_calls (id) VALUES (:id) ON CONFLICT DO NOTHING"), row)
            if not known.rowcount:
                return True
            connection.execute(text("DELETE FROM memories WHERE expires <= :now"), row)
            if connection.execute(text("SELECT count(*) FROM memories")).scalar_one() >= MOST:
                connection.execute(text("DELETE FROM house_calls WHERE id = :id"), row)
                return False
            connection.execute(
                text(
                    "INSERT INTO memories"
                    " (id, text, origin, tainted, sources, pinned, conversation, turn, created, changed, expires)"
                    " VALUES (:id, :text, :origin, :tainted, :sources, :pinned, :conversation, :turn, :now, :now,"
                    " :expires)"
                ),
                row,
            )
            return True

        async with self._own.use(user) as store:
            if not await store.write(write):
                raise Conflict(f"{MOST} things are remembered already. Forget some first, under Memory.")

    async def _read(self, user: str, found: str, row: dict[str, Any]) -> list[Any]:
        query = text(
            f"SELECT * FROM memories WHERE {found} AND {_LIVES} ORDER BY pinned DESC, changed DESC, id DESC"  # noqa: S608
        )
        named = {**row, "now": self._clock().isoformat()}
        async with self._own.use(user) as store:
            return await store.read(lambda connection: list(connection.execute(query, named)))

    async def _write(self, user: str, statement: str, row: dict[str, Any]) -> int:
        async with self._own.use(user) as store:
            return await store.write(lambda connection: connection.execute(text(statement), row).rowcount)


_MATCHES = "SELECT rowid FROM memory_words WHERE memory_words MATCH :match"


def _match(words: str, *, least: int) -> str:
    """An FTS5 expression for any of the words of a text, each by its beginning; "" where there are none."""
    found = re.findall(r"\w+", words) if least == 1 else _WORD.findall(words)
    return " OR ".join(f'"{each}"*' for each in dict.fromkeys(each.casefold() for each in found[:_MOST_WORDS]))


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _tainted(row: Any) -> bool:
    """Whether others may have written it: it says so, or it came with an archive, whose word alone proves nothing."""
    return bool(row.tainted or row.brought)


def _sources(row: Any) -> tuple[str, ...]:
    found = tuple(json.loads(row.sources))
    return found or ((ARCHIVE,) if row.brought else ())


def _shown(row: Any) -> views.Memory:
    return views.Memory(
        id=row.id, text=row.text, origin=row.origin, tainted=_tainted(row), sources=_sources(row),
        pinned=bool(row.pinned), conversation=row.conversation, created_at=datetime.fromisoformat(row.created),
        changed_at=datetime.fromisoformat(row.changed),
        expires_at=datetime.fromisoformat(row.expires) if row.expires else None,
    )  # fmt: skip


def _remembered(row: Any) -> Remembered:
    return Remembered(
        id=row.id, text=row.text, origin=row.origin, tainted=_tainted(row), sources=_sources(row),
        changed=datetime.fromisoformat(row.changed),
    )  # fmt: skip
