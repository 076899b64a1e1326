"""Mail on its way out, once. Each step is written down before it is taken.

Gmail takes no id from us: it gives every mail another Message-ID. So a mail is made a draft first, and the draft is
sent: whatever becomes of the answer, a draft goes out once. After a silence it is looked up:

    ready, drafting   nothing was sent; a draft of which nobody knows the id may lie there, and is taken away
    drafted           the draft lies there: it is taken away, and can never be sent any more
    sending           the draft can still be taken away: then it was not sent. Else it was used up, by us or by somebody
                      who deleted it: what tells is a mail among the sent ones that was not there before, with the same
                      recipients, subject, text and files. Where there is none, nobody knows
    sent              done

A draft that the owner wrote is his: it is looked at, and not taken away.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, text

from connectors.gmail.card import owner_of
from connectors.gmail.digests import digest_of
from connectors.gmail.gmail import Gmail
from connectors.gmail.kept import forget_draft
from connectors.gmail.letters import is_id
from openassistant.connector import Context
from openassistant.errors import DeadlineExceeded, NotFound, OaError, TooLarge, UpstreamFailed
from openassistant.formats.message import parse_mail

__all__ = ["Sent", "earlier_version", "find_draft", "keep_version", "send_draft", "send_once", "was_sent"]

Stage = Literal["ready", "drafting", "drafted", "sending", "sent", "version"]

_LOOKED = 30
_KEPT = timedelta(days=90)
_COLUMNS = "stage, digest, draft, seen, sent, content"


class Sent(NamedTuple):
    """A mail that Gmail took: its id, and to whom it goes."""

    message: str
    recipients: list[str]


class _Waiting(NamedTuple):
    stage: str
    digest: str
    draft: str
    seen: str
    sent: str
    content: bytes


async def send_once(ctx: Context, gmail: Gmail, content: bytes, *, thread: str = "") -> Sent:
    """Sends a finished mail (with its blind copies in a header), in a conversation where one is named.

    Raises what `HttpClient` raises; an error that is not `unclear` says that nothing was sent.
    """
    waiting = _Waiting("ready", digest_of(content), "", "", "", content)
    seen = await gmail.newest("SENT", most=_LOOKED)
    waiting = await _note(ctx, waiting._replace(stage="drafting", seen=json.dumps(seen)))
    draft = await gmail.save(content, thread=thread)
    waiting = await _note(ctx, waiting._replace(stage="drafted", draft=draft))
    try:
        return await _send(ctx, gmail, waiting)
    except OaError as error:
        if not error.unclear:
            with contextlib.suppress(OaError):
                await gmail.drop(draft)
        raise


async def send_draft(ctx: Context, gmail: Gmail, draft: str, content: bytes) -> Sent:
    """Sends a draft of the owner's whose bytes are `content`."""
    seen = json.dumps(await gmail.newest("SENT", most=_LOOKED))
    sent = await _send(ctx, gmail, _Waiting("ready", digest_of(content), draft, seen, "", content))
    owner = owner_of(ctx)
    await ctx.store.write(lambda c: forget_draft(c, owner, draft))
    return sent


async def was_sent(ctx: Context, gmail: Gmail, call: str, *, ours: bool = True) -> Sent | None:
    """The mail that an interrupted call sent; None when it certainly sent none. `ours`: the draft was made for it.

    Raises `DeadlineExceeded` where the draft is gone, and no mail tells whether it was sent.
    """
    waiting = await _recall(ctx, call)
    if waiting is None or waiting.stage == "ready":
        return None
    if waiting.stage == "sent":
        return Sent(waiting.sent, _recipients(waiting.content))
    if waiting.stage == "drafting":
        with contextlib.suppress(OaError):
            await _sweep(gmail, waiting)
        return None
    if await _still_there(gmail, waiting, ours=ours):
        return None
    found = await _among_sent(gmail, waiting)
    if found is None:
        raise DeadlineExceeded("Gmail broke off. The draft is gone, and no sent mail is found that is like it.")
    await _note(ctx, waiting._replace(stage="sent", sent=found), call=call)
    return Sent(found, _recipients(waiting.content))


async def find_draft(gmail: Gmail, digest: str, seen: Sequence[str]) -> str | None:
    """A draft with that digest which was not there before; None when there is none."""
    for draft, _ in await gmail.drafts(most=_LOOKED):
        if draft in seen:
            continue
        with contextlib.suppress(NotFound):
            if digest_of((await gmail.draft(draft))[0]) == digest:
                return draft
    return None


async def keep_version(ctx: Context, draft: str, content: bytes, *, thread: str) -> None:
    """Keeps what a draft was before the call in `ctx` changes it."""
    await _note(ctx, _Waiting("version", digest_of(content), draft, json.dumps(thread), "", content))


async def earlier_version(ctx: Context, call: str) -> tuple[bytes, str] | None:
    """What a draft was before a call changed it, and the conversation that it belonged to."""
    waiting = await _recall(ctx, call)
    if waiting is None or waiting.stage != "version":
        return None
    return waiting.content, str(json.loads(waiting.seen))


async def _send(ctx: Context, gmail: Gmail, waiting: _Waiting) -> Sent:
    waiting = await _note(ctx, waiting._replace(stage="sending"))
    try:
        answer = await gmail.send(waiting.draft)
    except OaError as error:
        if not error.unclear:
            await _note(ctx, waiting._replace(stage="drafted"))
        raise
    message = answer.get("id")
    if not is_id(message):
        raise UpstreamFailed("Google did not say what became of the mail.")
    await _note(ctx, waiting._replace(stage="sent", sent=str(message)))
    return Sent(str(message), _recipients(waiting.content))


async def _still_there(gmail: Gmail, waiting: _Waiting, *, ours: bool) -> bool:
    """Whether the draft lies there, and so was not sent; one of ours is taken away, so that it never will be."""
    if ours:
        return await gmail.drop(waiting.draft)
    try:
        await gmail.draft(waiting.draft)
    except NotFound:
        return False
    return True


async def _among_sent(gmail: Gmail, waiting: _Waiting) -> str | None:
    before = set(json.loads(waiting.seen))
    for message in await gmail.newest("SENT", most=_LOOKED):
        if message in before:
            continue
        with contextlib.suppress(NotFound, TooLarge):
            if digest_of(await gmail.raw(message)) == waiting.digest:
                return message
    return None


async def _sweep(gmail: Gmail, waiting: _Waiting) -> None:
    """Takes away the draft that may have been made although nobody was told of it."""
    draft = await find_draft(gmail, waiting.digest, ())
    if draft is not None:
        await gmail.drop(draft)


def _recipients(content: bytes) -> list[str]:
    mail = parse_mail(content)
    return list(dict.fromkeys(each.address for each in (*mail.to, *mail.cc, *mail.bcc)))


async def _note(ctx: Context, waiting: _Waiting, *, call: str = "") -> _Waiting:
    call_id = call or (ctx.call.id if ctx.call else "")
    assert call_id, "a mail belongs to a call"
    now = ctx.now()
    row: dict[str, Any] = {"call_id": call_id, "account": ctx.account, "changed": now.isoformat(), **waiting._asdict()}
    old = {"account": ctx.account, "old": (now - _KEPT).isoformat()}

    def write(connection: Connection) -> None:
        connection.execute(text("DELETE FROM gmail_outgoing WHERE account = :account AND changed < :old"), old)
        statement = (
            f"INSERT OR REPLACE INTO gmail_outgoing (call_id, account, changed, {_COLUMNS})"  # noqa: S608 - constants
            " VALUES (:call_id, :account, :changed, :stage, :digest, :draft, :seen, :sent, :content)"
        )
        connection.execute(text(statement), row)

    await ctx.store.write(write)
    return waiting


async def _recall(ctx: Context, call: str) -> _Waiting | None:
    query = text(f"SELECT {_COLUMNS} FROM gmail_outgoing WHERE call_id = :id AND account = :account")  # noqa: S608 - constants

    def read(connection: Connection) -> _Waiting | None:
        row = connection.execute(query, {"id": call, "account": ctx.account}).one_or_none()
        return _Waiting(*row) if row else None

    return await ctx.store.read(read)
