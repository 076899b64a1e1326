"""The parts of a mail's text: what its author wrote, the signature, and the tail that only repeats an earlier mail.

Heuristics, for nothing marks these parts but habit: attribution lines in a handful of languages, Outlook's block of
headers, `>` (RFC 3676, 4.5) and `-- ` (RFC 3676, 4.3). Only a tail counts as quoted: answers between quoted lines stay
where they are. What was forwarded is new to its reader and is never taken for a quote.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Parts", "split"]

_LONGEST_SIGNATURE = 15
_LONGEST_ATTRIBUTION = 300
_ATTRIBUTION = re.compile(
    r"(?:on\b.{4,250}\bwrote|am\b.{4,250}\bschrieb\b.{0,120}|le\b.{4,250}\ba écrit|el\b.{4,250}\bescribió"
    r"|il\b.{4,250}\bha scritto|op\b.{4,250}\bschreef\b.{0,120}|em\b.{4,250}\bescreveu|den\b.{4,250}\bskrev\b.{0,120}"
    r"|.{3,200}<[^<>@\s]{1,80}@[^<>@\s]{1,120}> (?:wrote|writes|schrieb))\s?:",
    re.IGNORECASE | re.DOTALL,
)
_BANNER = re.compile(
    r"[-_*\s]{2,}(?:original message|original appointment|ursprüngliche nachricht|message d'origine|mensaje original"
    r"|messaggio originale|oorspronkelijk bericht)[-_*\s]{2,}",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"[-_*\s]{2,}(?:forwarded message|weitergeleitete nachricht|message transféré|mensaje reenviado)[-_*\s]{2,}"
    r"|begin forwarded message:",
    re.IGNORECASE,
)
_FROM = re.compile(r"\*?(?:from|von|de|da|van)\s?:\*?\s?\S", re.IGNORECASE)
_HEADER = re.compile(
    r"\*?(?:sent|date|gesendet|datum|envoyé|enviado|fecha|inviato|verzonden|to|an|à|para|a|aan|cc|subject|betreff|objet"
    r"|asunto|oggetto|onderwerp)\s?:",
    re.IGNORECASE,
)
_RULE = re.compile(r"[_-]{10,}")
_DEVICE = re.compile(
    r"(?:sent from my |sent from outlook|get outlook for |von meinem .{1,30} gesendet|gesendet von |envoyé de mon "
    r"|enviado desde mi ).{0,80}",
    re.IGNORECASE,
)


class Parts(NamedTuple):
    """A text in parts: `own` words, `signature` below them, and the `quoted` tail; "" where there is none."""

    own: str
    signature: str = ""
    quoted: str = ""


def split(text: str) -> Parts:
    """The parts of a text with line feeds; `own` is never empty unless the text is."""
    lines = text.split("\n")
    start = _tail(lines)
    own, signature = _signed(lines[:start])
    if not own:
        return Parts(text.strip("\n"))
    return Parts(own, signature, "\n".join(lines[start:]).strip("\n"))


def _tail(lines: list[str]) -> int:
    """Where the quoted tail begins; the number of lines when there is none."""
    marked = _marked_tail(lines)
    last_mark = max((place for place, line in enumerate(lines) if _is_quoted(line)), default=-1)
    for place, line in enumerate(lines[:marked]):
        if _FORWARDED.fullmatch(line.strip()):
            return len(lines)
        if _heads(lines, place):
            return place
        if place > last_mark and _attribution(lines, place):
            return place
    return _with_attribution(lines, marked)


def _heads(lines: list[str], place: int) -> bool:
    """Whether a line begins a tail that is not marked by `>`, with a banner or with headers."""
    line = lines[place].strip()
    if _BANNER.fullmatch(line):
        return True
    if not _FROM.match(line) and not _RULE.fullmatch(line):
        return False
    following = [each.strip() for each in lines[place + 1 : place + 6]]
    needed = 2 if _FROM.match(line) else 3
    return sum(bool(_HEADER.match(each) or _FROM.match(each)) for each in following) >= needed


def _marked_tail(lines: list[str]) -> int:
    """Where the last lines that all begin with `>` (or are empty) begin."""
    start = len(lines)
    while start and (_is_quoted(lines[start - 1]) or not lines[start - 1].strip()):
        start -= 1
    return start if any(map(_is_quoted, lines[start:])) else len(lines)


def _with_attribution(lines: list[str], start: int) -> int:
    """A tail marked by `>` with the line or two above it that say who wrote it."""
    if start == len(lines):
        return start
    for above in (1, 2, 3):
        if start >= above and _attribution(lines, start - above) == above:
            return start - above
    return start


def _attribution(lines: list[str], place: int) -> int:
    """How many lines from `place` are one attribution, 0 when they are none; mail programs wrap it."""
    for count in (1, 2, 3):
        taken = [each.strip() for each in lines[place : place + count]]
        if not all(taken):
            return 0
        if _ATTRIBUTION.fullmatch(" ".join(taken)[:_LONGEST_ATTRIBUTION]):
            return count
    return 0


def _is_quoted(line: str) -> bool:
    return line.lstrip().startswith(">")


def _signed(lines: list[str]) -> tuple[str, str]:
    """The text and the signature below it."""
    for place in range(len(lines) - 1, max(len(lines) - _LONGEST_SIGNATURE - 2, -1), -1):
        if lines[place] in ("-- ", "--", "-- -") or _DEVICE.fullmatch(lines[place].strip()):
            signature = lines[place:] if _DEVICE.fullmatch(lines[place].strip()) else lines[place + 1 :]
            return "\n".join(lines[:place]).strip("\n").rstrip(), "\n".join(signature).strip("\n")
    return "\n".join(lines).strip("\n").rstrip(), ""
