"""A person as a card (RFC 6350, vCard 4.0)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from openassistant.formats.lines import escaped, line, written

__all__ = ["Card", "Entry", "vcf"]


class Entry(NamedTuple):
    """A property: its name, its value, which may have several parts, and its parameters."""

    name: str
    value: str | Sequence[str]
    parameters: Mapping[str, str] = {}
    raw: bool = False
    """The value is a date, a URI or the like, in which nothing is escaped."""


class Card(NamedTuple):
    """A person: `name` as it is shown, an id that stays, and everything else."""

    uid: str
    name: str
    entries: Sequence[Entry] = ()


def vcf(card: Card) -> bytes:
    """The card; the same for the same person."""
    lines = ["BEGIN:VCARD", "VERSION:4.0", line("UID", escaped(card.uid), {"VALUE": "text"})]
    lines.append(line("FN", escaped(" ".join(card.name.split())) or "(no name)"))
    for each in card.entries:
        value = each.value if isinstance(each.value, str) else None
        if each.raw:
            shown = "".join(c for c in value or "" if c.isprintable())
        else:
            shown = escaped(value) if value is not None else ";".join(escaped(part) for part in each.value)
        if shown.strip(";"):
            lines.append(line(each.name, shown, each.parameters))
    return written([*lines, "END:VCARD"])
