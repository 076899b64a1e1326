"""The connector that every tool of mail is declared on."""

from __future__ import annotations

from openassistant.connector import Connector, Context
from openassistant.errors import AccountRequired

__all__ = ["connector", "owner_of"]

connector = Connector(__file__)


def owner_of(ctx: Context) -> str:
    """The id of the account that a call is for; raises `AccountRequired`."""
    if ctx.account is None:
        raise AccountRequired("Connect a mail account first.")
    return ctx.account
