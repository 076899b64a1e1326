"""What Meta pushes: proven over the raw bytes, kept, and answered with 200 only then.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started. Meta repeats for up to seven days, may send
the same twice and in any order.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from connectors.whatsapp import mirror
from connectors.whatsapp.account import Number, number_of
from connectors.whatsapp.connector import owner_of
from connectors.whatsapp.inbound import Batch, read_hook
from openassistant.connector import Context
from openassistant.hooks import REFUSED, Hook, HookAnswer, hmac_fits, is_fresh

__all__ = ["take_hook"]

_SIGNATURE = "x-hub-signature-256"
_WITHIN = timedelta(days=8)
"""Older things are repeats by somebody else: Meta gives up after seven days."""
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,200}")
_MOST_ANNOUNCED = 100


async def take_hook(ctx: Context, hook: Hook) -> HookAnswer:
    """Answers Meta's challenge, or keeps what Meta signed."""
    number = await number_of(ctx)
    if hook.method == "GET":
        return _challenged(number, hook)
    if not hmac_fits(number.app_secret, hook.body, hook.headers.get(_SIGNATURE, ""), prefix="sha256="):
        return REFUSED
    owner, now = owner_of(ctx), ctx.now()
    batch = _fresh(read_hook(hook.body, number=number.id, waba=number.waba), now)
    new = await ctx.store.write(lambda connection: _keep(connection, owner, batch, int(now.timestamp())))
    if new:
        await ctx.announce("whatsapp", [str(each) for each in new[:_MOST_ANNOUNCED]])
    return HookAnswer()


def _challenged(number: Number, hook: Hook) -> HookAnswer:
    """Meta asks whether this address is meant: https://developers.facebook.com/docs/graph-api/webhooks/getting-started."""
    given = hook.query.get("hub.verify_token", "").encode()
    meant = hook.query.get("hub.mode") == "subscribe" and bool(number.verify_token)
    if not hmac.compare_digest(given, number.verify_token.encode()) or not meant:
        return REFUSED
    challenge = hook.query.get("hub.challenge", "")
    return HookAnswer(text=challenge) if _CHALLENGE.fullmatch(challenge) else HookAnswer(status=400)


def _fresh(batch: Batch, now: datetime) -> Batch:
    """What is recent enough; everybody could send the rest again who ever saw it."""

    def fresh(at: int) -> bool:
        return is_fresh(datetime.fromtimestamp(at, UTC), now, within=_WITHIN)

    return batch._replace(
        messages=tuple(each for each in batch.messages if fresh(each.at)),
        statuses=tuple(each for each in batch.statuses if fresh(each.at)),
    )


def _keep(connection: Connection, owner: str, batch: Batch, now: int) -> list[int]:
    """Writes all of it or nothing; gives the ids of new messages of others."""
    mirror.note_heard(connection, owner, now)
    kept = [(each, mirror.keep_message(connection, owner, each)) for each in batch.messages]
    for status in batch.statuses:
        mirror.keep_status(connection, owner, status)
    for change in batch.templates:
        mirror.change_template(connection, owner, change)
    return [made for told, made in kept if made is not None and not told.mine]
