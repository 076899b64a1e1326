"""A mail on its way out: written down before DATA, sent once, its copy put into Sent once, looked up after a crash.

Stages of a row in mail_outgoing: `ready` (nothing sent), `data` (DATA began, only the answer says more), `taken` (the
server took it, the copy in Sent is not there yet), `kept` (all done).
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Connection, text

from connectors.mail.account import MailAccount
from connectors.mail.compose import Outgoing
from connectors.mail.imap import Folder, ImapSession, imap_session
from connectors.mail.message import parse_mail
from connectors.mail.smtp import smtp_session
from openassistant.connector import Context
from openassistant.errors import DeadlineExceeded, OaError

__all__ = ["Sent", "append_once", "lies_in", "send_once", "settle_copies", "was_sent"]

Stage = Literal["ready", "data", "taken", "kept"]

_COPY_SECONDS = 15.0
_LEFT_ALONE = timedelta(minutes=3)
"""How old a row must be before a sync touches it: longer than a call may take."""

_KEPT = timedelta(days=30)
_DROP_OLD = text("DELETE FROM mail_outgoing WHERE account = :account AND stage != 'taken' AND changed < :before")

_log = logging.getLogger("openassistant.mail")


class Sent(NamedTuple):
    """A mail that went out, and whether its copy lies in Sent."""

    message_id: str
    recipients: tuple[str, ...]
    copied: bool


class _Waiting(NamedTuple):
    call_id: str
    message_id: str
    stage: str
    content: bytes


async def send_once(ctx: Context, account: MailAccount, mail: Outgoing) -> bool:
    """Sends a mail and puts its copy into Sent; False when the copy waits for the next sync.

    Raises what `SmtpSession` raises: `UpstreamFailed` alone means that it may have been sent.
    """
    await _note(ctx, mail, "ready")
    async with smtp_session(account, seconds=ctx.seconds) as session:
        await asyncio.to_thread(session.envelope, mail)
        await _note(ctx, mail, "data")
        try:
            await asyncio.to_thread(session.data, mail)
        except OaError as error:
            if error.retryable or error.who == "caller":
                await _note(ctx, mail, "ready")
            raise
        await _note(ctx, mail, "taken")
    return await _copy(ctx, account, mail.message_id, mail.content)


async def was_sent(ctx: Context, account: MailAccount, call_id: str) -> Sent | None:
    """The mail that an interrupted call sent; None when it certainly sent none.

    Raises `DeadlineExceeded` when DATA had begun and no folder of sent mail holds it: a server that files no copies
    by itself leaves no trace, so its absence proves nothing.
    """
    waiting = await _recall(ctx, call_id)
    if waiting is None or waiting.stage == "ready":
        return None
    if waiting.stage == "data" and not await lies_in(ctx, account, "sent", waiting.message_id):
        raise DeadlineExceeded("The mail server broke off, and no folder of sent mail holds a copy.")
    copied = waiting.stage == "kept" or await _copy(ctx, account, waiting.message_id, waiting.content)
    mail = parse_mail(waiting.content)
    return Sent(waiting.message_id, tuple(each.address for each in (*mail.to, *mail.cc)), copied)


async def append_once(ctx: Context, account: MailAccount, role: str, mail: Outgoing, flags: tuple[str, ...]) -> str:
    """Puts a mail into the folder of a role unless it lies there; the folder's name, or "" when there is none."""
    async with imap_session(account, seconds=ctx.seconds) as session:
        now = ctx.now()
        return await asyncio.to_thread(_append, session, role, mail.message_id, mail.content, flags, now)


async def lies_in(ctx: Context, account: MailAccount, role: str, message_id: str) -> str:
    """The name of the folder of a role when it holds a mail with that Message-ID, else ""."""
    async with imap_session(account, seconds=ctx.seconds) as session:
        return await asyncio.to_thread(_where, session, role, message_id)


async def settle_copies(ctx: Context, account: MailAccount) -> None:
    """Files the copies that could not be filed when their mails were sent, and drops what is old and done."""
    now = ctx.now()
    before = (now - _LEFT_ALONE).isoformat()
    statement = text(
        "SELECT call_id, message_id, stage, content FROM mail_outgoing"
        " WHERE account = :account AND stage = 'taken' AND changed < :before"
    )

    def waiting(connection: Connection) -> list[_Waiting]:
        rows = connection.execute(statement, {"account": ctx.account, "before": before})
        return [_Waiting(*row) for row in rows]

    for each in await ctx.store.read(waiting):
        await _copy(ctx, account, each.message_id, each.content)


async def _recall(ctx: Context, call_id: str) -> _Waiting | None:
    """What was written down about the mail of a call."""

    def read(connection: Connection) -> _Waiting | None:
        row = connection.execute(
            text("SELECT call_id, message_id, stage, content FROM mail_outgoing WHERE call_id = :id"), {"id": call_id}
        ).one_or_none()
        return _Waiting(*row) if row else None

    return await ctx.store.read(read)


async def _note(ctx: Context, mail: Outgoing, stage: Stage) -> None:
    assert ctx.call is not None, "a mail is sent for a call"
    row = {
        "call_id": ctx.call.id,
        "account": ctx.account,
        "message_id": mail.message_id,
        "stage": stage,
        "content": mail.content,
        "changed": ctx.now().isoformat(),
    }
    statement = (
        "INSERT INTO mail_outgoing (call_id, account, message_id, stage, content, changed)"
        " VALUES (:call_id, :account, :message_id, :stage, :content, :changed)"
        " ON CONFLICT (call_id) DO UPDATE SET stage = :stage, content = :content, changed = :changed"
    )
    await ctx.store.write(lambda connection: connection.execute(text(statement), row))


async def _copy(ctx: Context, account: MailAccount, message_id: str, content: bytes) -> bool:
    """Files the copy in Sent; that the mail was sent stays true when this fails, so it only waits then."""
    try:
        async with imap_session(account, seconds=min(_COPY_SECONDS, ctx.seconds)) as session:
            await asyncio.to_thread(_append, session, "sent", message_id, content, ("\\Seen",), ctx.now())
    except OaError as error:
        _log.warning("copy of a sent mail waits", extra={"code": error.code})
        return False
    statement = "UPDATE mail_outgoing SET stage = 'kept' WHERE message_id = :id AND account = :account"
    row = {"id": message_id, "account": ctx.account}
    await ctx.store.write(lambda connection: connection.execute(text(statement), row))
    return True


def _append(
    session: ImapSession, role: str, message_id: str, content: bytes, flags: tuple[str, ...], now: datetime
) -> str:
    folder = _folder(session, role)
    if folder is None:
        return ""
    if not session.find(folder, message_id):
        session.append(folder, content, flags=flags, date=now)
    return folder.name


def _where(session: ImapSession, role: str, message_id: str) -> str:
    folder = _folder(session, role)
    return folder.name if folder is not None and session.find(folder, message_id) else ""


def _folder(session: ImapSession, role: str) -> Folder | None:
    return next((folder for folder in session.folders() if folder.role == role), None)
