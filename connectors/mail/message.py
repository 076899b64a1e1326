"""A mail made readable (`openassistant.formats.message`), with what this connector keeps of invitations in it."""

from __future__ import annotations

from connectors.mail.itip import kept_text
from openassistant.formats import message
from openassistant.formats.message import Attachment, Mail

__all__ = ["Attachment", "Mail", "parse_mail"]


def parse_mail(raw: bytes) -> Mail:
    """The mail in `raw` (RFC 5322), which may be cut off at any byte; see there."""
    return message.parse_mail(raw, calendar=kept_text)
