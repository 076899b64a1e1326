"""What is read from the ledger: an owner's entries, a conversation's calls for the policy, the export."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any

from openassistant import data
from openassistant.context import CallContext, Clock
from openassistant.errors import Forbidden, NotFound
from openassistant.grants import Trust
from openassistant.guard import admit_grant
from openassistant.messages import (
    Consistency,
    ConsistencyRequest,
    Effect,
    ExportPage,
    ExportRequest,
    LedgerCall,
    LedgerEntry,
    LedgerPage,
    LedgerQuery,
    Proof,
    ProofRequest,
    TreeHead,
    TurnCalls,
    TurnQuery,
)
from services.audit import searching
from services.audit.contents import Contents
from services.audit.ledger import Ledger
from services.audit.records import entry, exported

__all__ = ["Pages"]

_PAGE_BYTES = 2 * 1024 * 1024
"""Of content: a page stays far below the 8 MB that the bus carries."""
_LINES_AT_ONCE = 500
_FILE = "ledger.jsonl"
_OF_A_CALL = ("id", "time", "turn", "conversation", "connector", "card_digest", "tool", "effect", "call_digest")
_ENDS = ("tool.finished", "tool.failed", "tool.unknown")


class Pages:
    """The reading handlers. The user is always that of the grant in the context."""

    def __init__(self, ledger: Ledger, contents: Contents, *, trust: Trust, clock: Clock) -> None:
        self._ledger, self._contents, self._trust, self._clock = ledger, contents, trust, clock

    async def query(self, ctx: CallContext, query: LedgerQuery) -> LedgerPage:
        """A page of the user's entries with the newest head; raises `Forbidden` without a grant of the user.

        Oldest first, those after `after`; with `newest` the other way round, those before `after` (-1: from the end).
        """
        user = self._owner(ctx)
        head = await self._head()
        if words := searching.words_of(query.search):
            return await self._found(query, user, words, await self._contents.key_of(user, ctx.grant), head)
        rest, values = _where(query, user)
        rows = await self._ledger.rows(rest, {**values, "limit": query.limit + 1})
        page = _fitting(rows[: query.limit])
        entries = [entry(row, await self._contents.open(row, grant=ctx.grant)) for row in page]
        more = len(rows) > len(page)
        return LedgerPage(entries=tuple(entries), next=entries[-1].index if more else None, head=head)

    async def _found(
        self, query: LedgerQuery, user: str, words: Sequence[str], key: bytes, head: TreeHead | None
    ) -> LedgerPage:
        """Entries that hold all words. A page may be short, or empty, and still have a next one."""
        entries: list[LedgerEntry] = []
        at, looked_at, size = query.after, 0, 0
        while True:
            rest, values = _where(query.model_copy(update={"after": at}), user)
            rows = await self._ledger.rows(rest, {**values, "limit": searching.AT_ONCE})
            for row, content in await asyncio.to_thread(searching.fitting, rows, key, words):
                size += len(row["content"] or b"")
                if len(entries) == query.limit or (entries and size > _PAGE_BYTES):
                    return LedgerPage(entries=tuple(entries), next=entries[-1].index, head=head)
                entries.append(entry(row, content))
            looked_at += len(rows)
            if len(rows) < searching.AT_ONCE:
                return LedgerPage(entries=tuple(entries), next=None, head=head)
            at = rows[-1]["position"]
            if looked_at >= searching.MOST:
                return LedgerPage(entries=tuple(entries), next=at, head=head)

    async def turn(self, ctx: CallContext, query: TurnQuery) -> TurnCalls:
        """Every call that was started in a conversation, a turn or an account, oldest first, with its last outcome.

        The policy derives the taint from it: what the ledger has seen start counts, whatever came of it.
        """
        if self._owner(ctx) != query.user:
            raise Forbidden("The grant is another user's.")
        given = query.model_dump(include={"conversation", "turn", "account"}, exclude_none=True)
        rest = f"WHERE {_all_of({'user': query.user, **given})} ORDER BY position"
        columns = (
            "position, time, id, action, turn, conversation, connector, card_digest, tool, effect, call_digest, leaf"
        )
        rows = await self._ledger.rows(rest, {"user": query.user, **given}, columns=columns)
        ends = {row["id"]: row for row in rows if row["action"] in _ENDS}
        calls = [_call(row, ends.get(row["id"])) for row in rows if row["action"] == "tool.started"]
        return TurnCalls(calls=tuple(calls))

    async def proof(self, ctx: CallContext, request: ProofRequest) -> Proof:
        """The proof that one of the user's records is in the tree; raises `NotFound` for any other."""
        user = self._owner(ctx)
        rows = await self._ledger.rows(
            'WHERE position = :index AND "user" = :user', {"index": request.index, "user": user}
        )
        if not rows:
            raise NotFound("There is no record of yours with that number.")
        return await self._ledger.proof(request.index)

    async def consistency(self, ctx: CallContext, request: ConsistencyRequest) -> Consistency:
        """The proof that the ledger has only grown since a head of `first` records, which the asker kept."""
        self._owner(ctx)
        return await self._ledger.consistency(request.first)

    async def export(self, ctx: CallContext, request: ExportRequest) -> ExportPage:
        """Lines of NDJSON: each record of the user and of the house whole, any other as its leaf hash alone.

        The last line is the signed head over exactly the lines before it. `deploy/verify_export.py` checks it all.
        """
        user = self._owner(ctx)
        head = await self._ledger.head()
        rest = "WHERE position > :after AND position < :size ORDER BY position LIMIT :limit"
        values = {"after": request.after, "size": head.size, "limit": request.limit}
        rows = _fitting(await self._ledger.rows(rest, values))
        lines = [json.dumps(await self._line(row, user, ctx.grant)) for row in rows]
        last = rows[-1]["position"] if rows else head.size - 1
        if last < head.size - 1:
            return ExportPage(lines=tuple(lines), next=last)
        return ExportPage(lines=(*lines, json.dumps({"head": head.model_dump(mode="json")})))

    async def as_file(self, ctx: CallContext, user: str, cursor: str) -> data.ExportPage:
        """The same lines as a file of an archive, some of them at a time."""
        page = await self.export(ctx, ExportRequest(after=int(cursor or -1), limit=_LINES_AT_ONCE))
        lines, size = list[str](), 0
        for line in page.lines:
            size += len(line) + 1
            if lines and size > data.PAGE_BYTES:
                break
            lines.append(line)
        left = len(lines) < len(page.lines)
        after = json.loads(lines[-1])["index"] if left else page.next
        body = "".join(f"{line}\n" for line in lines).encode()
        piece = data.Piece.model_construct(path=_FILE, modified=None, body=body, more=after is not None, offset=0)
        return data.ExportPage(pieces=(piece,), cursor=None if after is None else str(after))

    async def _line(self, row: dict[str, Any], user: str, grant: str | None) -> dict[str, Any]:
        bare = {"index": row["position"], "leaf": row["leaf"].hex()}
        if row["user"] not in (None, user):
            return bare
        if row["emptied"] is not None:
            return {**bare, "record": exported(row), "emptied": base64.b64encode(row["emptied"]).decode()}
        content = await self._contents.open(row, grant=grant)
        return {**bare, "record": exported(row), **({} if content is None else {"content": content})}

    def _owner(self, ctx: CallContext) -> str:
        return admit_grant(ctx, trust=self._trust, user=str(ctx.user), now=self._clock()).user

    async def _head(self) -> TreeHead | None:
        """The head beside a page; a broken ledger is still shown, without one."""
        return None if self._ledger.broken else await self._ledger.head()


def _where(query: LedgerQuery, user: str) -> tuple[str, dict[str, Any]]:
    given = {"user": user, **query.model_dump(include={"connector", "conversation", "id"}, exclude_none=True)}
    narrowed = " AND action IN (SELECT value FROM json_each(:actions))" if query.actions else ""
    beyond = "position < :after" if query.newest and query.after >= 0 else "position > :after"
    order = "DESC" if query.newest else "ASC"
    after = -1 if query.newest and query.after < 0 else query.after
    rest = f"WHERE {_all_of(given)}{narrowed} AND {beyond} ORDER BY position {order} LIMIT :limit"
    return rest, {**given, "actions": json.dumps(query.actions), "after": after}


def _all_of(given: dict[str, Any]) -> str:
    """A condition on columns; what is not asked for stays out of it, so that an index serves the rest."""
    return " AND ".join(f'"{name}" = :{name}' for name in given)


def _fitting(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many of the first rows as a page carries, one at least."""
    total = 0
    for count, row in enumerate(rows):
        total += len(row["content"] or b"")
        if count and total > _PAGE_BYTES:
            return rows[:count]
    return rows


def _call(row: dict[str, Any], end: dict[str, Any] | None) -> LedgerCall:
    named = {name: row[name] for name in _OF_A_CALL}
    ended = {"outcome": end["action"].removeprefix("tool."), "ended": end["position"]} if end else {}
    named["effect"] = named["effect"] or Effect.DELETE  # what nobody declared is the worst that it can be
    leaf = bytes((end or row)["leaf"]).hex()
    return LedgerCall.model_validate({**named, "index": row["position"], "leaf": leaf, **ended})
