"""Trying an account for real: both servers are reached and signed in to, and each failure says what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from connectors.mail.account import MailAccount, Server, account_of
from connectors.mail.imap import imap_session
from connectors.mail.smtp import smtp_session
from openassistant.connector import CheckStep, Context
from openassistant.errors import AccountRequired, OaError, error_of

__all__ = ["check_account"]

_SECONDS = 20.0


async def check_account(ctx: Context) -> AsyncIterator[CheckStep]:
    """Four steps: reach IMAP, sign in, reach SMTP, sign in. Raises after them what went wrong, by form field.

    Both servers are tried, so that somebody who mistyped two fields hears of both at once.
    """
    account = await account_of(ctx, anew=True)
    failures = await asyncio.gather(_try_imap(account), _try_smtp(account))
    for server, failure in zip((account.imap, account.smtp), failures, strict=True):
        for step in _steps(server, account.login, failure):
            yield step
    problems = [failure for failure in failures if failure is not None]
    if problems:
        raise _joined(problems)


async def _try_imap(account: MailAccount) -> OaError | None:
    try:
        async with imap_session(account, seconds=_SECONDS) as session:
            await asyncio.to_thread(session.folders)
    except OaError as error:
        return error
    return None


async def _try_smtp(account: MailAccount) -> OaError | None:
    try:
        async with smtp_session(account, seconds=_SECONDS):
            return None
    except OaError as error:
        return error


def _steps(server: Server, login: str, failure: OaError | None) -> list[CheckStep]:
    direction = "incoming" if server.protocol == "IMAP" else "outgoing"
    reach, sign_in = f"Reach the {direction} mail server", f"Sign in to the {direction} mail server"
    place = f"{server.host}, port {server.port}"
    if failure is None:
        return [CheckStep(name=reach, ok=True, detail=place), CheckStep(name=sign_in, ok=True, detail=login)]
    if _reached(failure):
        return [
            CheckStep(name=reach, ok=True, detail=place),
            CheckStep(name=sign_in, ok=False, detail=failure.message),
        ]
    return [CheckStep(name=reach, ok=False, detail=failure.message)]


def _reached(failure: OaError) -> bool:
    """Whether the conversation had begun when it failed; faults of the connection carry another reason."""
    return isinstance(failure, AccountRequired) or failure.details.get("reason") in (None, "no_login")


def _joined(problems: list[OaError]) -> OaError:
    first = problems[0]
    fields = {
        name: words for problem in reversed(problems) for name, words in problem.details.get("fields", {}).items()
    }
    message = " ".join(dict.fromkeys(problem.message for problem in problems))
    return error_of(first.code, message, details={**first.details, "fields": fields}, retry_after=first.retry_after)
