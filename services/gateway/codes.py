"""One-time codes of an app (TOTP, RFC 6238) and recovery codes: made, checked, and each good for once.

A code is right for its own thirty seconds and those before and after, since clocks differ. The newest one that was used
is remembered, and nothing as old as that counts again. Of recovery codes the digests alone are kept: 80 random bits are
not guessed, so they need no slow hash.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import pyotp
import segno
from sqlalchemy import Connection, text

from openassistant.context import Clock
from openassistant.errors import Conflict
from openassistant.store import Store
from services.gateway.house_words import HouseWords, put

__all__ = ["RECOVERY", "Code", "Codes", "Secret", "drawn", "forget_codes"]

RECOVERY = 10
"""How many recovery codes somebody is given at once."""
_PENDING = timedelta(minutes=30)
_STEP = 30
_DIGITS = re.compile(r"[0-9]{6}", re.ASCII)
_RECOVERY = re.compile(r"[a-z2-7]{16}", re.ASCII)
_ISSUER = "Open Assistant"

Code = Literal["code", "recovery"]


class Secret(NamedTuple):
    """What an app is given: the secret in base32, and the same as an `otpauth:` address."""

    secret: str
    uri: str


class Codes:
    """The tables `code_secrets` and `recovery_codes`; whoever calls has asked who it is."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock, self._words = store, clock, HouseWords(store, clock)

    async def since(self, user: str) -> datetime | None:
        """Since when somebody is asked for a code; None: he is not."""
        row = await self._row(user)
        return datetime.fromisoformat(row.confirmed) if row is not None and row.confirmed else None

    async def left(self, user: str) -> int:
        """How many recovery codes somebody has."""
        query = text("SELECT count(*) FROM recovery_codes WHERE user = :user")
        return int(await self._store.read(lambda c: c.execute(query, {"user": user}).scalar_one()))

    async def begin(self, user: str, *, name: str) -> Secret:
        """A new secret in place of one that was never confirmed; it counts once a code of it was given."""
        secret = pyotp.random_base32()
        row = {"user": user, "secret": secret, "now": self._clock().isoformat()}
        query = text(
            "INSERT INTO code_secrets (user, secret, created, step) VALUES (:user, :secret, :now, 0)"
            " ON CONFLICT (user) DO UPDATE SET secret = :secret, created = :now, step = 0 WHERE confirmed IS NULL"
        )
        await self._store.write(lambda connection: connection.execute(query, row).close())
        return Secret(secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=_ISSUER))

    async def fits_new(self, user: str, code: str) -> bool:
        """Whether a code is of the secret that waits to be confirmed."""
        row = await self._row(user)
        if row is None or row.confirmed or self._clock() - datetime.fromisoformat(row.created) > _PENDING:
            return False
        return _step_of(row.secret, code, self._clock()) is not None

    async def confirm(self, user: str, code: str, *, session: str) -> tuple[str, ...]:
        """From now on somebody is asked for codes, and every other sign-in of his ends; his recovery codes.

        Raises `Conflict` where it was another secret meanwhile, or one that is confirmed.
        """
        fresh, now = _fresh(), self._clock()
        row = {"user": user, "now": now.isoformat(), "session": session}
        waiting = text("SELECT secret FROM code_secrets WHERE user = :user AND confirmed IS NULL")
        query = text("UPDATE code_secrets SET confirmed = :now, step = :step WHERE user = :user")

        def write(connection: Connection) -> None:
            secret = connection.execute(waiting, row).scalar()
            step = _step_of(secret, code, now) if secret else None
            if step is None:
                raise Conflict("It was begun anew meanwhile. Look at it again.")
            connection.execute(query, {**row, "step": step})
            _keep(connection, user, fresh)
            connection.execute(text("DELETE FROM sessions WHERE user = :user AND id != :session"), row)
            put(connection, self._words.row(user, "codes_on", by=""))

        await self._store.write(write)
        return fresh

    async def take(self, user: str, given: str) -> Code | None:
        """What a code is, which is used up by that; None where it is wrong, or was used."""
        row = await self._row(user)
        if row is None or not row.confirmed:
            return None
        plain = re.sub(r"[\s-]", "", given).lower()
        step = _step_of(row.secret, plain, self._clock())
        if step is not None:
            return "code" if await self._use_step(user, step) else None
        return "recovery" if _RECOVERY.fullmatch(plain) and await self._use_recovery(user, plain) else None

    async def renew(self, user: str) -> tuple[str, ...]:
        """New recovery codes in place of the old ones."""
        fresh = _fresh()
        await self._store.write(lambda connection: _keep(connection, user, fresh))
        return fresh

    async def off(self, user: str) -> None:
        """Nobody is asked any more."""
        word = self._words.row(user, "codes_off", by="")

        def write(connection: Connection) -> None:
            forget_codes(connection, user)
            put(connection, word)

        await self._store.write(write)

    async def _use_step(self, user: str, step: int) -> bool:
        row = {"user": user, "step": step}
        query = text("UPDATE code_secrets SET step = :step WHERE user = :user AND step < :step")
        return await self._store.write(lambda connection: connection.execute(query, row).rowcount > 0)

    async def _use_recovery(self, user: str, plain: str) -> bool:
        row = {"user": user, "hash": _hash(user, plain)}
        word = self._words.row(user, "recovery_used", by="")

        def write(connection: Connection) -> bool:
            query = text("DELETE FROM recovery_codes WHERE hash = :hash AND user = :user")
            used = connection.execute(query, row).rowcount > 0
            if used:
                put(connection, word)
            return used

        return await self._store.write(write)

    async def _row(self, user: str) -> Any:
        query = text("SELECT * FROM code_secrets WHERE user = :user")
        return await self._store.read(lambda connection: connection.execute(query, {"user": user}).one_or_none())


def forget_codes(connection: Connection, user: str) -> None:
    """Removes the secret and the recovery codes of somebody, within a larger transaction."""
    for table in ("code_secrets", "recovery_codes"):
        connection.execute(text(f"DELETE FROM {table} WHERE user = :user"), {"user": user})  # noqa: S608 - names from above


def drawn(uri: str) -> tuple[int, str]:
    """A QR code (ISO/IEC 18004) as the width of its square in modules and one SVG path, a rectangle for each run."""
    matrix = segno.make(uri, error="m", micro=False).matrix
    runs = (
        f"M{match.start()} {y}h{len(match[0])}v1h-{len(match[0])}z"
        for y, row in enumerate(matrix)
        for match in re.finditer("1+", "".join("1" if module else "0" for module in row))
    )
    return len(matrix), "".join(runs)


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """The step whose code this is: of this time, or of the one before or after (RFC 6238, 5.2)."""
    if not _DIGITS.fullmatch(code):
        return None
    totp, present = pyotp.TOTP(secret), int(now.timestamp()) // _STEP
    steps = [each for each in (present - 1, present, present + 1) if hmac.compare_digest(totp.generate_otp(each), code)]
    return max(steps, default=None)


def _fresh() -> tuple[str, ...]:
    """Recovery codes, sixteen letters in fours."""
    plain = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY)]
    return tuple("-".join(each[at : at + 4] for at in range(0, 16, 4)) for each in plain)


def _keep(connection: Connection, user: str, codes: tuple[str, ...]) -> None:
    connection.execute(text("DELETE FROM recovery_codes WHERE user = :user"), {"user": user})
    query = text("INSERT INTO recovery_codes (hash, user) VALUES (:hash, :user)")
    for each in codes:
        connection.execute(query, {"hash": _hash(user, each.replace("-", "")), "user": user})


def _hash(user: str, plain: str) -> str:
    return hashlib.sha256(f"{user}:{plain}".encode()).hexdigest()
