"""Who tries, under which turn, against whom; and the tokens that he makes himself."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, NamedTuple

from tests.hostile.double import Double, Outcome, digest_of, fresh_id, self_signed

__all__ = ["LETTER", "Row", "Stance", "Try", "try_all"]

Row = dict[str, Any]
LETTER = {"to": ["mallory@evil.example"], "subject": "Taken", "text": "Everything."}
_AT_ONCE = 12


class Stance(NamedTuple):
    """Who tries, under which turn, against whom."""

    double: Double
    turn: Row
    brief: Row
    cards: Mapping[str, Row]

    @property
    def me(self) -> str:
        """The user whose turn it is."""
        return str(self.turn["user"])

    @property
    def grant(self) -> str:
        """The grant of the turn."""
        return str(self.turn["grant"])

    @property
    def other(self) -> Row:
        """Somebody else."""
        found: Row = self.brief["other"]
        return found

    @property
    def used(self) -> Mapping[str, Row]:
        """The cards of the connectors at which both people have an account."""
        return {name: card for name, card in self.cards.items() if name in self.other["accounts"]}

    def account(self, connector: str) -> str | None:
        """The account that the turn names for a connector."""
        return next((each["id"] for each in self.turn["accounts"] if each["connector"] == connector), None)

    def call(self, connector: str, tool: str, arguments: Row, **changes: Any) -> Row:
        """A call in the turn's user's name, or with something changed."""
        return {
            "id": fresh_id(), "nonce": secrets.token_hex(16), "user": self.me, "account": self.account(connector),
            "connector": connector, "card_digest": self.cards[connector]["digest"], "tool": tool,
            "arguments": arguments, **changes,
        }  # fmt: skip

    def fake_grant(self, **changes: Any) -> str:
        """A grant that lacks nothing but the gateway's signature."""
        claims = {"id": fresh_id(), "kind": "turn", "user": self.me, "turn": self.turn["turn"],
                  "conversation": self.turn["conversation"], "origin": "message",
                  "effects": ["read", "write", "send", "delete"], "expires": time.time() + 600,
                  "connectors": {name: card["digest"] for name, card in self.cards.items()}}  # fmt: skip
        return self_signed("grant", {**claims, **changes})

    def fake_receipt(self, call: Row) -> str:
        """A receipt that lacks nothing but the witness's signature."""
        return self_signed("receipt", {
            "index": 1, "leaf": "00" * 32, "time": "2026-01-01T00:00:00+00:00", "call_digest": digest_of(call),
            "call_id": call["id"], "expires": time.time() + 600,
        })  # fmt: skip

    def fake_approval(self, call: Row, **changes: Any) -> str:
        """A person's approval that lacks nothing but the gateway's signature."""
        return self_signed("approval", {
            "id": fresh_id(), "call_digest": digest_of(call), "call_id": call["id"], "user": call["user"],
            "decided_by": "person", "session": fresh_id(), "preview_digest": "0" * 64, "expires": time.time() + 600,
            **changes,
        })  # fmt: skip


Try = tuple[str, str, Callable[[], Awaitable[Outcome]]]


async def try_all(stance: Stance, tries: Iterator[Try], *, may: bool = False) -> None:
    """Tries everything, a few at once; `may`: these are meant to be done."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(family: str, what: str, do: Callable[[], Awaitable[Outcome]]) -> None:
        async with slots:
            outcome = await do()
        stance.double.note(family=family, what=what, verdict=outcome.verdict, code=outcome.code, may=may)

    await asyncio.gather(*(one(*each) for each in tries))
