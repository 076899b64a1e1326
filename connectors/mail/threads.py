"""Conversations: by References and In-Reply-To, which the mirror follows, else by subject where that is safe.

Some programs answer without naming what they answer. Such a mail joins a conversation when its subject says "Re:" and
is the same, and when it goes back the way another came: from one of its recipients to its sender, within 60 days. A
stranger who uses the same words joins nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import Connection

from connectors.mail import search
from connectors.mail.search import Found
from openassistant.formats.addresses import Address

__all__ = ["base_subject", "conversation"]

_WITHIN = timedelta(days=60)
_MOST_NEIGHBOURS = 60
_PREFIX = re.compile(r"\s*(?:(?:re|aw|sv|antw|ref|rif|odp|vs|r)\s*(?:\[\d{1,3}\]|\(\d{1,3}\))?\s*:\s*)+", re.IGNORECASE)


def base_subject(subject: str) -> str:
    """The subject without "Re:" and its kin (RFC 5256, 2.1, in part), folded for comparing."""
    return " ".join(_PREFIX.sub("", subject, count=1).split()).casefold()


def conversation(connection: Connection, account: str, chosen: Found, *, limit: int) -> list[Found]:
    """The newest `limit` mails of the conversation that a mail belongs to, oldest first; at least the mail itself."""
    members = search.thread(connection, account, chosen.thread, limit=limit)
    if all(each.id != chosen.id for each in members):
        members = [*members, chosen]
    others = {each.thread for each in _neighbours(connection, account, members)} - {chosen.thread}
    for thread in others:
        members += search.thread(connection, account, thread, limit=limit)
    return sorted(members, key=lambda each: each.id)[-limit:]


def _neighbours(connection: Connection, account: str, members: Sequence[Found]) -> list[Found]:
    """Mails of other threads that answer one of these, or are answered by one, by subject alone."""
    subject = base_subject(members[0].subject)
    if not subject:
        return []
    first, last = min(each.date for each in members), max(each.date for each in members)
    known = {each.id for each in members}
    found = search.with_subject(
        connection, account, subject, since=first - _WITHIN, until=last + _WITHIN, limit=_MOST_NEIGHBOURS
    )
    others = [each for each in found if each.id not in known and base_subject(each.subject) == subject]
    return [each for each in others if any(_belong(each, member) for member in members)]


def _belong(one: Found, other: Found) -> bool:
    return _answers(one, other) or _answers(other, one)


def _answers(answer: Found, question: Found) -> bool:
    if answer.references or not _PREFIX.match(answer.subject):
        return False
    if not question.date <= answer.date <= question.date + _WITHIN:
        return False
    back = question.sender.address in _addresses((*answer.to, *answer.cc))
    return back and answer.sender.address in _addresses((*question.to, *question.cc))


def _addresses(people: Iterable[Address]) -> set[str]:
    return {each.address for each in people if each.address}
