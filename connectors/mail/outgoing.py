"""A mail on its way out: written down before DATA, sent once, its copy put into Sent once, looked up after a crash.

Stages of a row in mail_outgoing: `ready` (nothing sent), `data` (DATA began, only the answer says more), `taken` (the
server took it, the copy in Sent is not there yet), `kept` (the copy is there), `settled` (and it is the only one).

Some servers file the copy by themselves. Gmail says so (X-GM-EXT-1); others are found out by their second copy, which
goes to the trash. From then on their copy is waited for, and only after an hour without it is one put there.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Connection, text

from connectors.mail.account import MailAccount
from connectors.mail.files import sweep
from connectors.mail.imap import Folder, ImapSession, imap_session
from connectors.mail.message import parse_mail
from connectors.mail.smtp import smtp_session
from openassistant.connector import Context
from openassistant.errors import DeadlineExceeded, OaError
from openassistant.formats.compose import Outgoing

__all__ = ["Sent", "file_copy", "lies_in", "send_once", "settle_copies", "was_sent"]

Stage = Literal["ready", "data", "taken", "kept", "settled"]

_COPY_SECONDS = 15.0
_LEFT_ALONE = timedelta(minutes=3)
"""How old a row must be before a sync touches it: longer than a call may take."""

_PATIENCE = timedelta(hours=1)
"""How long a server that files its own copies may take."""

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
    changed: str


_COLUMNS = "call_id, message_id, stage, content, changed"


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
    done = waiting.stage in ("kept", "settled")
    copied = done or await _copy(ctx, account, waiting.message_id, waiting.content)
    mail = parse_mail(waiting.content)
    return Sent(waiting.message_id, tuple(each.address for each in (*mail.to, *mail.cc)), copied)


async def lies_in(ctx: Context, account: MailAccount, role: str, message_id: str) -> str:
    """The name of the folder of a role when it holds a mail with that Message-ID, else ""."""
    async with imap_session(account, seconds=ctx.seconds) as session:
        return await asyncio.to_thread(_where, session, role, message_id)


async def settle_copies(ctx: Context, account: MailAccount) -> None:
    """Files the copies that could not be filed when their mails were sent, and sees that each is the only one.

    What is old and done is dropped.
    """
    now = ctx.now()
    before = (now - _LEFT_ALONE).isoformat()
    statement = text(
        f"SELECT {_COLUMNS} FROM mail_outgoing"  # noqa: S608 - a constant
        " WHERE account = :account AND stage IN ('taken', 'kept') AND changed < :before"
    )

    def waiting(connection: Connection) -> list[_Waiting]:
        rows = connection.execute(statement, {"account": ctx.account, "before": before})
        return [_Waiting(*row) for row in rows]

    for each in await ctx.store.read(waiting):
        if each.stage == "kept":
            await _settle(ctx, account, each)
        else:
            patient = datetime.fromisoformat(each.changed) > now - _PATIENCE
            await _copy(ctx, account, each.message_id, each.content, patient=patient)
    old = {"account": ctx.account, "before": (now - _KEPT).isoformat()}
    await ctx.store.write(lambda connection: connection.execute(_DROP_OLD, old))
    await ctx.store.write(lambda connection: sweep(connection, str(ctx.account)))


async def _settle(ctx: Context, account: MailAccount, sent: _Waiting) -> None:
    """Puts second copies into the trash, and remembers that this server files its own."""
    try:
        async with imap_session(account, seconds=min(_COPY_SECONDS, ctx.seconds)) as session:
            doubled = await asyncio.to_thread(_drop_doubles, session, sent.message_id, sent.content)
    except OaError as error:
        _log.warning("copies of a sent mail are not counted yet", extra={"code": error.code})
        return

    def write(connection: Connection) -> None:
        row = {"id": sent.call_id, "account": ctx.account}
        connection.execute(text("UPDATE mail_outgoing SET stage = 'settled' WHERE call_id = :id"), row)
        if doubled:
            connection.execute(text("INSERT OR IGNORE INTO mail_habits (account) VALUES (:account)"), row)

    await ctx.store.write(write)


async def _files_itself(ctx: Context) -> bool:
    """Whether the account's server was seen to file copies of sent mail."""
    query = text("SELECT 1 FROM mail_habits WHERE account = :account")
    row = {"account": ctx.account}
    return bool(await ctx.store.read(lambda connection: connection.execute(query, row).scalar_one_or_none()))


async def _recall(ctx: Context, call_id: str) -> _Waiting | None:
    """What was written down about the mail of a call."""

    def read(connection: Connection) -> _Waiting | None:
        row = connection.execute(
            text(f"SELECT {_COLUMNS} FROM mail_outgoing WHERE call_id = :id"),  # noqa: S608 - a constant
            {"id": call_id},
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


async def _copy(ctx: Context, account: MailAccount, message_id: str, content: bytes, *, patient: bool = True) -> bool:
    """Files the copy in Sent; that the mail was sent stays true when this fails, so it only waits then.

    `patient` leaves it to a server that files its own.
    """
    own = await _files_itself(ctx)
    try:
        async with imap_session(account, seconds=min(_COPY_SECONDS, ctx.seconds)) as session:
            filed = await asyncio.to_thread(
                file_copy, session, message_id, content, ctx.now(), own=own, patient=patient
            )
    except OaError as error:
        _log.warning("copy of a sent mail waits", extra={"code": error.code})
        return False
    if not filed:
        return False
    statement = "UPDATE mail_outgoing SET stage = 'kept' WHERE message_id = :id AND account = :account"
    row = {"id": message_id, "account": ctx.account}
    await ctx.store.write(lambda connection: connection.execute(text(statement), row))
    return True


def file_copy(
    session: ImapSession, message_id: str, content: bytes, now: datetime, *, own: bool, patient: bool
) -> bool:
    """Puts the copy of a sent mail into Sent unless it lies there; False when the server's own is waited for.

    `own` says that the server was seen to file its own.
    """
    if patient and (own or session.offers("X-GM-EXT-1")):
        return bool(_where(session, "sent", message_id))
    _append(session, "sent", message_id, content, ("\\Seen",), now)
    return True


def _drop_doubles(session: ImapSession, message_id: str, content: bytes) -> bool:
    """Moves all copies of a sent mail but one into the trash, ours before the server's; whether there were several."""
    sent, trash = _folder(session, "sent"), _folder(session, "trash")
    copies = session.find(sent, message_id) if sent else []
    if len(copies) < 2 or trash is None:
        return False
    ours = [uid for uid in copies if session.whole(uid, largest=2 * len(content) + 100_000) == content]
    kept = next((uid for uid in copies if uid not in ours), copies[0])
    session.move([uid for uid in copies if uid != kept], trash)
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
