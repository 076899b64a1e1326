"""What a call would send (`openassistant.formats.drafts`), about the mails of this mirror."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from connectors.mail.account import MailAccount
from connectors.mail.search import Found
from openassistant.connector import Context
from openassistant.formats import drafts
from openassistant.formats.compose import File, Outgoing, message_id_of
from openassistant.formats.drafts import forward_draft, new_draft, threaded

__all__ = ["Draft", "forward_draft", "new_draft", "outgoing_of", "reply_all_draft", "reply_draft", "threaded"]

Draft: TypeAlias = drafts.Draft[Found]

_OWN = ("sent", "drafts")


def reply_draft(account: MailAccount, found: Found, text: str) -> Draft:
    """An answer to a mail; see there."""
    return drafts.reply_draft(found, text, address=account.address, own=found.folder.role in _OWN)


def reply_all_draft(account: MailAccount, found: Found, text: str, *, own: set[str]) -> Draft:
    """An answer to everybody in a mail but the owner, whose addresses are `own`; see there."""
    sent = found.folder.role in _OWN
    return drafts.reply_all_draft(found, text, addresses=own, address=account.address, own=sent)


def outgoing_of(
    ctx: Context, account: MailAccount, draft: Draft, *, files: Sequence[File] = (), kept: bool = False
) -> Outgoing:
    """The finished mail of the call in `ctx`, or, when `kept`, the draft of it; raises as `compose`."""
    assert ctx.call is not None, "a mail is made for a call"
    message_id = message_id_of(ctx.call.id, ctx.call.nonce, account.address)
    return drafts.composed(
        draft, address=account.address, message_id=message_id, date=ctx.now(), files=files, kept=kept
    )
