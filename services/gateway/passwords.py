"""Passwords: argon2id (RFC 9106, second recommended setting), at most two at once, never on the event loop."""

from __future__ import annotations

import asyncio
import base64
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from openassistant.errors import RateLimited
from services.gateway.problems import invalid

__all__ = ["SHORTEST", "Passwords", "check_strength"]

SHORTEST = 12
"""Characters; a length and no rule about kinds of characters (NIST SP 800-63B)."""

_AT_ONCE = 2
_MOST_WAITING = 32
"""Each takes a quarter of a second and 64 MiB: more than this in line are strangers, and are sent away."""


class Passwords:
    """Hashes and checks; a hash says its own parameters, so that they can grow."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._nobody = _of_nobody(self._hasher)

    async def hash(self, password: str) -> str:
        """The hash to store."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def fits(self, stored: str | None, password: str) -> bool:
        """Whether the password is the one behind a hash; without a hash it takes as long, and is not."""
        if self._waiting >= _MOST_WAITING:
            raise RateLimited("Too many sign-ins at once; try again in a moment.", retry_after=5)
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(self._verify, stored or self._nobody, password) and stored is not None
        finally:
            self._waiting -= 1

    def is_old(self, stored: str) -> bool:
        """Whether a hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, _normal(password))
        except (VerificationError, InvalidHashError):
            return False


def check_strength(password: str, *, username: str) -> None:
    """Raises `InvalidRequest` that names the field when a new password is too short or the user's name."""
    if len(password) < SHORTEST:
        words = f"At least {SHORTEST} characters; several words in a row are strong and easy to keep in mind."
        raise invalid("Please choose a longer password.", password=words)
    if password.casefold() == username.casefold() or len(set(password)) < 4:
        raise invalid("Please choose another password.", password="That one is the first to be guessed.")


def _of_nobody(hasher: PasswordHasher) -> str:
    """What takes as long to check as the hash of a password, and is that of none: its bytes are drawn."""
    drawn = [secrets.token_bytes(size) for size in (hasher.salt_len, hasher.hash_len)]
    salt, tag = (base64.b64encode(each).decode().rstrip("=") for each in drawn)
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2{hasher.type.name.lower()}$v={ARGON2_VERSION}${costs}${salt}${tag}"


def _normal(password: str) -> str:
    """One form for what looks the same on every keyboard (NFKC)."""
    return unicodedata.normalize("NFKC", password)
