"""What a person decides on: a mail as it will go out, and rows about mails."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from connectors.outlook_mail import search
from connectors.outlook_mail.account import name_of, owner_of
from connectors.outlook_mail.drafts import Mail, reached
from openassistant.connector import Context
from openassistant.errors import InvalidRequest
from openassistant.formats.approvals import mail_preview
from openassistant.mails.views import people_shown
from openassistant.messages import Preview, PreviewField

__all__ = ["fields_of", "preview_of"]


async def preview_of(
    ctx: Context, draft: Mail, *, verb: str, confirm: str, kept: bool = False, doubts: Sequence[str] = ()
) -> Preview:
    """Every recipient, subject, text and file exactly as sent, what came from outside, and what is doubtful.

    A draft that is `kept` goes to nobody yet, so its recipients are rows.
    """
    if not reached(draft) and not kept:
        raise InvalidRequest("A mail needs at least one recipient.")
    owner, account = owner_of(ctx), await name_of(ctx)

    def read(connection: Connection) -> Preview:
        return mail_preview(
            draft,
            verb=verb,
            confirm=confirm,
            account=account,
            written_to=partial(search.written_to, connection, owner),
            addresses=search.known_addresses(connection, owner),
            doubts=doubts,
        )

    shown = await ctx.store.read(read)
    if not kept:
        return shown
    to = PreviewField(label="To", value=people_shown(draft.to))
    rows = shown.fields if any(each.label == "To" for each in shown.fields) or not draft.to else (to, *shown.fields)
    return shown.model_copy(update={"destinations": (), "fields": rows})


def fields_of(rows: dict[str, str]) -> tuple[PreviewField, ...]:
    """The rows that say something."""
    return tuple(PreviewField(label=label, value=value) for label, value in rows.items() if value)
