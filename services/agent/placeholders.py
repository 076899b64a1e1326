"""What stands for what in a conversation: ⟨person-3⟩ for a name and so on, kept in the user's own encrypted file.

A placeholder means something in its own conversation alone, and only in exactly its form. What is no placeholder of
this conversation stays as it was written, so that a model gets nothing by making one up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Self

from sqlalchemy import Connection, text

from openassistant.messages import Wire
from openassistant.store import Store
from services.agent.finding import (
    Kind,
    Span,
    forms,
    found,
    name_pattern,
    named,
    parts_of,
    people_in,
    place_pattern,
    words_of,
)
from services.agent.folding import folded

__all__ = ["LONGEST", "Book", "walked"]

_TOKEN = re.compile(r"⟨[a-z]+-[1-9]\d{0,6}[a-z]{0,4}⟩")
LONGEST = 32
"""Characters of a placeholder, at most."""
_MOST = 20_000
"""Placeholders of one conversation: what is found beyond them is taken out for good."""
_PEOPLE = frozenset({"sender", "recipients", "copies", "blind_copies", "people", "organizer", "attendees", "guests"})
_PLACES = frozenset({"place", "location"})
_PLAIN = re.compile(r"(?=\d*[a-f])[0-9a-f]{16,}|\d{4}-\d\d-\d\d(?:T[\d:.+Z-]*)?", re.ASCII)
"""Texts that a program reads: ids and times."""
_SHORTEST_PLACE = 4


class _Row(Wire):
    kind: Kind
    number: int
    form: int
    folded: str
    value: str

    @property
    def token(self) -> str:
        return f"⟨{self.kind}-{self.number}{_letters(self.form)}⟩"


class Book:
    """The placeholders of one conversation, and the names that are looked for; `region` is for phone numbers."""

    def __init__(self, rows: list[_Row], *, region: str | None = None) -> None:
        self._region = region
        self._rows: dict[tuple[str, str], _Row] = {}
        self._values: dict[str, str] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._aliases: dict[str, int] = {}
        self._forms: dict[tuple[str, int], int] = {}
        self._highest: dict[str, int] = {}
        self._fresh: list[_Row] = []
        self._pattern: re.Pattern[str] | None = None
        self._places: re.Pattern[str] | None = None
        self._stale = True
        for row in rows:
            self._add(row)

    @classmethod
    async def load(cls, store: Store, conversation: str, *, region: str | None = None) -> Self:
        """What is kept of a conversation."""

        def read(connection: Connection) -> list[_Row]:
            query = text(
                "SELECT kind, number, form, folded, value FROM placeholders WHERE conversation = :id"
                " ORDER BY kind, number, form"
            )
            return [_Row.model_validate(dict(row._mapping)) for row in connection.execute(query, {"id": conversation})]  # noqa: SLF001 - SQLAlchemy's public name

        return cls(await store.read(read), region=region)

    async def save(self, store: Store, conversation: str) -> None:
        """Keeps what is new: before a model sees a placeholder, so that it can be restored after a crash."""
        fresh, self._fresh = self._fresh, []
        if not fresh:
            return

        def write(connection: Connection) -> None:
            connection.execute(
                text(
                    "INSERT OR IGNORE INTO placeholders (conversation, kind, number, form, folded, value)"
                    " VALUES (:conversation, :kind, :number, :form, :folded, :value)"
                ),
                [{**row.model_dump(), "conversation": conversation} for row in fresh],
            )

        await store.write(write)

    # --- in ---------------------------------------------------------------------------------------------------------

    def learn(self, value: Any, key: str = "") -> None:
        """Takes up the names in a tool's result: in fields for people and places, and before addresses."""
        if isinstance(value, dict):
            for name, each in value.items():
                self.learn(each, key if name == "text" else name)
            if "email" in value or "address" in value:
                self._meet(value.get("name"))
        elif isinstance(value, list):
            for each in value:
                self.learn(each, key)
        elif isinstance(value, str):
            for name in [*(people_in(value) if key in _PEOPLE else ()), *named(value)]:
                self._meet(name)
            if key in _PLACES and len(value) >= _SHORTEST_PLACE:
                self._place(value)

    def hide(self, value: str, *, learn: bool) -> str:
        """A text with placeholders; without `learn` only what is known already is replaced."""
        plain = value.replace("⟨", "‹").replace("⟩", "›")  # nobody writes a placeholder into what a model reads
        out, at = list[str](), 0
        names = self._names()
        for span in found(plain, names, self._places, region=self._region):
            token = self._token(span, plain[span.start : span.end], learn=learn)
            if token:
                out += [plain[at : span.start], token]
                at = span.end
        return "".join([*out, plain[at:]])

    def hide_all(self, value: Any, *, learn: bool) -> Any:
        """A JSON value with placeholders in its texts, save in those that a program reads."""
        return walked(value, lambda each: each if _PLAIN.fullmatch(each) else self.hide(each, learn=learn))

    # --- out --------------------------------------------------------------------------------------------------------

    def restore(self, value: str) -> str:
        """A text with what its placeholders stand for."""
        return _TOKEN.sub(lambda match: self._values.get(match[0], match[0]), value)

    def restore_all(self, value: Any) -> Any:
        """A JSON value with its texts restored."""
        return walked(value, self.restore)

    def __len__(self) -> int:
        return len(self._rows)

    # ----------------------------------------------------------------------------------------------------------------

    def _meet(self, name: Any) -> None:
        """A person whom a field names."""
        if isinstance(name, str) and parts_of(name) and ("person", folded(name)) not in self._numbers:
            self._new("person", name.strip(), folded(name.strip()))

    def _place(self, value: str) -> None:
        shown = " ".join(value.split())
        if ("address", folded(shown)) not in self._numbers:
            self._new("address", shown, folded(shown))

    def _names(self) -> re.Pattern[str] | None:
        if self._stale:
            people, places = (
                [row.value for row in self._rows.values() if row.kind == kind and row.form == 0]
                for kind in ("person", "address")
            )
            self._pattern, self._stale = name_pattern(people), False
            self._places = place_pattern(places)
            self._aliases = {}
            for row in sorted(self._rows.values(), key=lambda each: each.number):
                if row.kind == "person" and row.form == 0:
                    parts = parts_of(row.value)
                    for part in [row.value, " ".join(words_of(row.value)), *parts]:
                        for form in forms(part):
                            self._aliases.setdefault(_bare(form), row.number)
        return self._pattern

    def _token(self, span: Span, surface: str, *, learn: bool) -> str | None:
        """The placeholder for a part of a text; None where it stays."""
        known = self._rows.get((span.kind, surface))
        if known:
            return known.token
        number = self._number(span)
        if number is None and not learn:
            return None
        if len(self._rows) >= _MOST:
            return f"⟨{span.kind}⟩"
        return self._new(span.kind, surface, span.key, number).token

    def _number(self, span: Span) -> int | None:
        if span.kind != "person":
            return self._numbers.get((span.kind, span.key))
        bare = _bare(span.key)
        if bare in self._aliases:
            return self._aliases[bare]
        return next((number for alias, number in self._aliases.items() if bare.startswith(alias[:4])), 1)

    def _new(self, kind: Kind, value: str, key: str, number: int | None = None) -> _Row:
        of = number or self._highest.get(kind, 0) + 1
        form = self._forms.get((kind, of), -1) + 1
        row = _Row(kind=kind, number=of, form=form, folded=key, value=value)
        self._add(row)
        self._fresh.append(row)
        return row

    def _add(self, row: _Row) -> None:
        self._rows[row.kind, row.value] = row
        self._stale |= row.form == 0 and row.kind in ("person", "address")
        self._values[row.token] = row.value
        self._numbers.setdefault((row.kind, row.folded), row.number)
        self._forms[row.kind, row.number] = max(row.form, self._forms.get((row.kind, row.number), -1))
        self._highest[row.kind] = max(row.number, self._highest.get(row.kind, 0))


def walked(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with each of its texts changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: walked(each, change) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [walked(each, change) for each in value]
    return value


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name)


def _letters(form: int) -> str:
    """0 is nothing, then a to z, aa and so on."""
    out = ""
    while form > 0:
        form, rest = divmod(form - 1, 26)
        out = chr(ord("a") + rest) + out
    return out
