"""What a person or a model typed into a search, for the full-text index of a mirror (FTS5)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any, Literal, NamedTuple

__all__ = ["Query", "parse_query", "phrase"]

_TERM = re.compile(r"(?:(from|to|subject|in|is|has|before|after):)?(\"[^\"]*\"?|\S+)", re.IGNORECASE)
_WORD = re.compile(r"\w", re.UNICODE)
_STATES: dict[str, dict[str, Any]] = {
    "is:unread": {"unread": True},
    "is:read": {"unread": False},
    "is:flagged": {"flagged": True},
    "is:starred": {"flagged": True},
    "has:attachment": {"attached": True},
}
_WITH_INVITATIONS: dict[str, dict[str, Any]] = {**_STATES, "has:invitation": {"invites": True}}
_COLUMNS = {"from": "sender", "to": "recipients", "subject": "subject"}
_MOST_TERMS = 24
_LONGEST_TERM = 200


class Query(NamedTuple):
    """A search: `match` is an FTS5 expression ("" finds all); `loose` the same with any of its words.

    `folder` is the name that was asked for; `terms` are column ("" for all) and words of each term. Times are seconds
    since 1970, `until` is excluded.
    """

    match: str = ""
    loose: str = ""
    words: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()
    either: bool = False
    folder: str = ""
    unread: bool | None = None
    flagged: bool | None = None
    attached: bool | None = None
    invites: bool | None = None
    since: int = 0
    until: int = 1 << 40

    def by(self, column: Literal["from", "to", "subject"], value: str) -> Query:
        """The same search, in the mails alone that have a value in a column."""
        term = phrase(column, value)
        if not term:
            return self
        match, loose = (f"({each}) AND {term}" if each else each for each in (self.match, self.loose))
        return self._replace(match=match or term, loose=loose, terms=(*self.terms, (column, value[:_LONGEST_TERM])))

    def between(self, after: date | None, before: date | None) -> Query:
        """The same search, in the mails alone that are from one day on, and from before another (UTC)."""
        since = max(self.since, _moment(after)) if after else self.since
        return self._replace(since=since, until=min(self.until, _moment(before)) if before else self.until)

    def narrowed(
        self, *, folder: str | None, unread: bool | None, flagged: bool | None, attached: bool | None
    ) -> Query:
        """The same search, with what is given instead of what was typed."""
        return self._replace(
            folder=folder or self.folder,
            unread=self.unread if unread is None else unread,
            flagged=self.flagged if flagged is None else flagged,
            attached=self.attached if attached is None else attached,
        )


def parse_query(wanted: str, *, invitations: bool = False) -> Query:
    """What was typed, as a search that FTS5 accepts, whatever it was; never raises.

    Words must all be there, by their beginnings; "quoted words" in this order; `from:`, `to:`, `subject:`, `in:`
    (a folder), `is:unread`, `is:read`, `is:flagged`, `has:attachment`, `after:2026-01-31`, `before:2026-01-31` narrow
    it, and `has:invitation` where the mirror knows `invitations`; OR between words loosens it.
    """
    states = _WITH_INVITATIONS if invitations else _STATES
    query, matches, words, terms, either = Query(), list[str](), list[str](), list[tuple[str, str]](), False
    for found in list(_TERM.finditer(wanted))[:_MOST_TERMS]:
        prefix, value = (found.group(1) or "").lower(), found.group(2).strip('"')[:_LONGEST_TERM]
        if found.group(2) in ("OR", "AND"):
            either = either or found.group(2) == "OR"
        elif prefix in ("in", "is", "has", "before", "after") and (narrowed := _narrowed(query, prefix, value, states)):
            query = narrowed
        elif term := phrase(prefix, value):
            matches.append(term)
            terms.append((prefix if prefix in _COLUMNS else "", value))
            words += [] if prefix else [value]
    loose = " OR ".join(matches) if len(matches) > 1 and not either else ""
    match = (" OR " if either else " AND ").join(matches)
    return query._replace(match=match, loose=loose, words=tuple(words), terms=tuple(terms), either=either)


def phrase(column: str, value: str) -> str:
    """One FTS5 phrase, its last word by its beginning; "" when there is nothing to look for in it.

    It is looked for in `from`, `to` or `subject`, and everywhere by any other name.
    """
    value = value[:_LONGEST_TERM]
    if not _WORD.search(value.replace("_", "")):
        return ""
    plain = "".join(c for c in value if c.isprintable() and not "\ud800" <= c <= "\udfff").replace('"', " ")
    return f'{_COLUMNS[column]} : "{plain}" *' if column in _COLUMNS else f'"{plain}" *'


def _narrowed(query: Query, prefix: str, value: str, states: dict[str, dict[str, Any]]) -> Query | None:
    if prefix == "in":
        return query._replace(folder=value.casefold())
    if prefix in ("is", "has"):
        marks = states.get(f"{prefix}:{value.lower()}")
        return query._replace(**marks) if marks else None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return None
    return query.between(day, None) if prefix == "after" else query.between(None, day)


def _moment(day: date) -> int:
    return max(int(datetime.combine(day, datetime.min.time(), UTC).timestamp()), 0)
