"""Drafts as they were last read or written, so that a preview can show exactly what an approval will cover."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import NamedTuple

from sqlalchemy import Connection, text

from connectors.mail import mirror
from connectors.mail.account import MailAccount
from connectors.mail.drafts import Draft
from connectors.mail.files import LARGEST_MAIL, Attached
from connectors.mail.folders import Folder
from connectors.mail.imap import Flag, ImapSession, imap_session
from connectors.mail.message import parse_mail
from connectors.mail.mirror import Letter
from openassistant.connector import Context
from openassistant.formats.addresses import Address
from openassistant.formats.compose import Outgoing
from openassistant.mails.drafts import restored, said_in

__all__ = ["Kept", "kept_draft", "kept_of", "save_draft", "write_kept"]


class Kept(NamedTuple):
    """A draft in plain values; `sha256` is that of all its bytes, `formatted` says that it holds more than its text."""

    sha256: str
    sender: str
    message_id: str
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    subject: str
    text: str
    references: tuple[str, ...]
    attached: tuple[Attached, ...]
    formatted: bool

    def draft(self) -> Draft:
        """The same as a mail to be made."""
        last = self.references[-1] if self.references else ""
        plain = Draft(self.to, self.cc, self.bcc, self.subject, self.text, last, self.references)
        return plain._replace(attached=self.attached)


def kept_of(raw: bytes) -> Kept:
    """What a draft's bytes say."""
    mail = parse_mail(raw)
    return Kept(sha256=hashlib.sha256(raw).hexdigest(), message_id=mail.message_id, **said_in(raw, mail))


def write_kept(connection: Connection, account: str, message: int, kept: Kept) -> None:
    """Remembers a draft."""
    row = {"account": account, "message": message, "sha256": kept.sha256, "content": json.dumps(kept._asdict())}
    statement = "INSERT OR REPLACE INTO mail_drafts (account, message, sha256, content)"
    connection.execute(text(f"{statement} VALUES (:account, :message, :sha256, :content)"), row)


def kept_draft(connection: Connection, account: str, message: int) -> Kept | None:
    """What was remembered of a draft; None when it was never read in full."""
    query = text("SELECT content FROM mail_drafts WHERE account = :account AND message = :message")
    content = connection.execute(query, {"account": account, "message": message}).scalar_one_or_none()
    return Kept(**restored(json.loads(content))) if content else None


async def save_draft(ctx: Context, account: MailAccount, mail: Outgoing) -> tuple[Folder, int] | None:
    """Puts a draft into its folder unless it lies there, and into the mirror; None when there is no such folder.

    Its number is 0 when the mirror does not have the folder yet: then the next sync brings it.
    """
    async with imap_session(account, seconds=ctx.seconds) as session:
        placed = await asyncio.to_thread(_placed, session, mail, ctx)
    if placed is None:
        return None
    folder, uidvalidity, uid, content = placed
    letter = Letter(uid, Flag.DRAFT | Flag.SEEN, ctx.now(), len(content), parse_mail(content))

    def write(connection: Connection) -> int:
        owner = str(ctx.account)
        state = mirror.folder_states(connection, owner).get(folder.path)
        if state is None or state.uidvalidity != uidvalidity:
            return 0
        mirror.add(connection, owner, state.id, [letter], sent=False)
        query = text("SELECT id FROM mail_messages WHERE folder = :folder AND uid = :uid")
        number = int(connection.execute(query, {"folder": state.id, "uid": uid}).scalar_one())
        write_kept(connection, owner, number, kept_of(content))
        return number

    return folder, await ctx.store.write(write)


def _placed(session: ImapSession, mail: Outgoing, ctx: Context) -> tuple[Folder, int, int, bytes] | None:
    """Folder, UIDVALIDITY, UID and bytes of a draft that lies there, put there when it did not.

    Its bytes are those that the server gives back: some do not keep what they were given to the letter.
    """
    folder = next((folder for folder in session.folders() if folder.role == "drafts"), None)
    if folder is None:
        return None
    if not (found := session.find(folder, mail.message_id)):
        session.append(folder, mail.content, flags=("\\Draft", "\\Seen"), date=ctx.now())
        found = session.find(folder, mail.message_id)
    content = session.whole(found[-1], largest=LARGEST_MAIL) if found else None
    status = session.status(folder)
    if status is None or content is None:
        return folder, 0, 0, mail.content
    return folder, status.uidvalidity, found[-1], content
