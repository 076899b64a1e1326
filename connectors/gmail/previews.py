"""What a person decides on before a mail goes out (`openassistant.formats.approvals`), by what this mirror knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from connectors.gmail import mirror
from connectors.gmail.card import owner_of
from connectors.gmail.letters import Letter
from openassistant.connector import Context
from openassistant.errors import Unavailable
from openassistant.formats.approvals import mail_preview
from openassistant.formats.compose import File, Outgoing, message_id_of
from openassistant.formats.drafts import Draft, composed
from openassistant.mails.previews import filing_preview, named
from openassistant.messages import Preview

__all__ = ["address_of", "outgoing_of", "preview_mails", "preview_of"]


async def address_of(ctx: Context) -> str:
    """The address of the mailbox, as Google named it in the first sync; raises `Unavailable`."""
    owner = owner_of(ctx)
    found = (await ctx.store.read(lambda c: mirror.account(c, owner))).address
    if not found:
        raise Unavailable("This mailbox was just connected and is not read yet. Try again in a minute.")
    return found


def outgoing_of(
    ctx: Context, address: str, draft: Draft[Letter], files: Sequence[File] = (), *, kept: bool = False
) -> Outgoing:
    """The finished mail of the call in `ctx`, with its blind copies, which Gmail takes off; raises as `compose`.

    One that is to be sent needs a recipient; one that is `kept` as a draft does not.
    """
    assert ctx.call is not None, "a mail is made for a call"
    message_id = message_id_of(ctx.call.id, ctx.call.nonce, address)
    made = composed(draft, address=address, message_id=message_id, date=ctx.now(), files=files, kept=kept)
    return (
        made
        if kept
        else composed(draft, address=address, message_id=message_id, date=ctx.now(), files=files, kept=True)
    )


async def preview_of(
    ctx: Context,
    draft: Draft[Letter],
    *,
    verb: str,
    confirm: str,
    kept: bool = False,
    doubts: Sequence[str] = (),
) -> Preview:
    """Every recipient, subject, text and file exactly as sent, what came from outside, and what is doubtful.

    Raises now what would fail after the approval, but for files, which are not at hand yet.
    """
    owner, address = owner_of(ctx), await address_of(ctx)
    outgoing_of(ctx, address, draft, kept=kept)

    def read(connection: Connection) -> Preview:
        return mail_preview(
            draft,
            verb=verb,
            confirm=confirm,
            account=address,
            written_to=partial(mirror.written_to, connection, owner),
            addresses=mirror.known_addresses(connection, owner),
            doubts=doubts,
        )

    return await ctx.store.read(read)


async def preview_mails(
    ctx: Context, messages: Sequence[str], *, verb: str, confirm: str, rows: Mapping[str, str] | None = None
) -> Preview:
    """What is done to which mails: each with its subject and sender, in the order asked for."""
    owner, address = owner_of(ctx), await address_of(ctx)

    def read(connection: Connection) -> list[Letter]:
        return [mirror.letter(connection, owner, each) for each in dict.fromkeys(messages)]

    letters = await ctx.store.read(read)
    shown = {**named(letters), **(rows or {})}
    return filing_preview(letters, shown, verb=verb, confirm=confirm, account=address)
