"""Drafts as they were last read or written, so that a preview can show exactly what an approval will cover."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from connectors.outlook_mail import search
from connectors.outlook_mail.account import owner_of
from connectors.outlook_mail.drafts import Mail
from connectors.outlook_mail.files import MailFile, files_of
from connectors.outlook_mail.letters import Letter, markup_of, parse, plain_of
from connectors.outlook_mail.search import Found
from connectors.outlook_mail.texts import take, whole
from openassistant.connector import Context
from openassistant.errors import UpstreamFailed
from openassistant.formats.addresses import Address
from openassistant.formats.drafts import Draft
from openassistant.providers.graph import GraphApi

__all__ = ["Kept", "keep", "kept_draft", "kept_in", "look_at"]


class Kept(NamedTuple):
    """A draft in plain values; `sha256` covers everything of it that is sent.

    `formatted` says that it has more than text. `waiting` is whether it still is a draft. `sender` is the address
    that it names as its sender, "" for none.
    """

    sha256: str
    waiting: bool
    sender: str
    message_id: str
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    subject: str
    text: str
    attached: tuple[MailFile, ...]
    formatted: bool

    def draft(self) -> Mail:
        """The same as a mail to be made."""
        files = tuple(each.attached for each in self.attached)
        return Draft(self.to, self.cc, self.bcc, self.subject, self.text, attached=files)


async def look_at(api: GraphApi, ref: str) -> tuple[Kept, dict[str, Any]]:
    """A draft as it is at Graph now, and Graph's own answer; raises `NotFound`."""
    raw = await whole(api, ref)
    letter = Letter.of({**parse(raw)})
    if letter is None:
        raise UpstreamFailed("Microsoft answered with something else than was asked for.")
    files = await files_of(api, ref)
    content, formatted = markup_of(raw.get("body"))
    people = [letter.to, letter.cc, letter.bcc, letter.reply_to]
    covered = [
        letter.sender,
        people,
        letter.subject,
        formatted,
        content,
        [each[1:] for each in files],
        letter.important,
    ]
    kept = Kept(
        sha256=hashlib.sha256(json.dumps(covered).encode()).hexdigest(),
        waiting=letter.draft,
        sender=letter.sender.address,
        message_id=letter.message_id.strip("<>"),
        to=letter.to,
        cc=letter.cc,
        bcc=letter.bcc,
        reply_to=letter.reply_to,
        subject=letter.subject[:500],
        text=plain_of(raw.get("body"))[0],
        attached=files,
        formatted=formatted,
    )
    return kept, raw


async def keep(ctx: Context, api: GraphApi, ref: str) -> tuple[str, Kept, dict[str, Any]]:
    """Reads a draft and remembers it; gives its key ("" while its folder was never read), and as `look_at`."""
    kept, raw = await look_at(api, ref)
    await take(ctx, [raw])
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: search.with_ref(c, owner, ref))
    if found is not None:
        await ctx.store.write(partial(_write, message=found.id, kept=kept))
    return (found.key if found else ""), kept, raw


def kept_draft(connection: Connection, found: Found) -> Kept | None:
    """What was remembered of a draft; None when it was never read in full."""
    query = text("SELECT content FROM outlook_mail_drafts WHERE message = :message")
    content = connection.execute(query, {"message": found.id}).scalar_one_or_none()
    return None if content is None else kept_in(content)


def kept_in(content: str) -> Kept:
    """The draft in a row."""
    given: dict[str, Any] = json.loads(content)
    people = {name: tuple(Address(*each) for each in given[name]) for name in ("to", "cc", "bcc", "reply_to")}
    return Kept(**{**given, **people, "attached": tuple(MailFile(*each) for each in given["attached"])})


def _write(connection: Connection, message: int, kept: Kept) -> None:
    row = {"message": message, "content": json.dumps(kept._asdict())}
    statement = "INSERT OR REPLACE INTO outlook_mail_drafts (message, content) VALUES (:message, :content)"
    connection.execute(text(statement), row)
