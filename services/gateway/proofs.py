"""Proofs that somebody has just shown once more who he is: good for once, for minutes, in a password's place."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import Connection, text

from openassistant.context import Clock
from openassistant.store import Store

__all__ = ["Proofs"]

_LIFE = timedelta(minutes=5)
_PREFIX = "proof-"


class Proofs:
    """The table `openid_proofs`: of what was shown at a provider, or with a passkey."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def give(self, session: str) -> str:
        """A new proof for a session."""
        proof = f"{_PREFIX}{secrets.token_urlsafe(32)}"
        row = {"hash": _hash(proof), "session": session, "expires": (self._clock() + _LIFE).isoformat()}
        query = text("INSERT INTO openid_proofs (hash, session, expires) VALUES (:hash, :session, :expires)")
        await self._store.write(lambda connection: connection.execute(query, row).close())
        return proof

    async def take(self, session: str, given: str) -> bool:
        """Whether what stands in a password's place is a proof of this very session; it is used up by that."""
        if not given.startswith(_PREFIX):
            return False
        row = {"hash": _hash(given), "session": session, "now": self._clock().isoformat()}

        def write(connection: Connection) -> bool:
            connection.execute(text("DELETE FROM openid_proofs WHERE expires <= :now"), row)
            query = text("DELETE FROM openid_proofs WHERE hash = :hash AND session = :session")
            return connection.execute(query, row).rowcount > 0

        return await self._store.write(write)


def _hash(proof: str) -> str:
    """256 random bits need no slow hash."""
    return hashlib.sha256(proof.encode()).hexdigest()
