"""What a person decides on before a mail goes out (`openassistant.formats.approvals`), by what this mirror knows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from connectors.mail import search
from connectors.mail.account import MailAccount
from connectors.mail.drafts import Draft, outgoing_of
from openassistant.connector import Context
from openassistant.formats.approvals import mail_preview
from openassistant.messages import Preview

__all__ = ["preview_of"]


async def preview_of(
    ctx: Context,
    account: MailAccount,
    draft: Draft,
    *,
    verb: str,
    confirm: str,
    kept: bool = False,
    doubts: Sequence[str] = (),
) -> Preview:
    """Every recipient, subject, text and file exactly as sent, what came from outside, and what is doubtful.

    Raises now what would fail after the approval, but for files, which are not at hand yet.
    """
    outgoing_of(ctx, account, draft, kept=kept)
    owner = str(ctx.account)

    def read(connection: Connection) -> Preview:
        return mail_preview(
            draft,
            verb=verb,
            confirm=confirm,
            account=account.address,
            written_to=partial(search.written_to, connection, owner),
            addresses=search.known_addresses(connection, owner),
            doubts=doubts,
        )

    return await ctx.store.read(read)
