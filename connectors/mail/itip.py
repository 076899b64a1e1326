"""Invitations in mails (iTIP, RFC 5546, carried as RFC 6047 says): what one says, and the answer to it.

Line by line and with bounds, without a calendar library: anybody may send these, and an answer repeats the lines of
the invitation as they came, so that whoever invited recognises them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from openassistant.formats.addresses import Address
from openassistant.formats.charsets import clean

__all__ = [
    "Answer",
    "Invitation",
    "Part",
    "answer_to",
    "ics_of",
    "kept_text",
    "read_invitation",
    "rule_of",
    "subject_of",
    "when",
]

Answer = Literal["accept", "tentative", "decline"]
Method = Literal["request", "cancel", "reply", "add", "refresh", "counter", "declinecounter", "publish", "unclear"]

_METHODS: dict[str, Method] = {
    "REQUEST": "request", "CANCEL": "cancel", "REPLY": "reply", "ADD": "add", "REFRESH": "refresh",
    "COUNTER": "counter", "DECLINECOUNTER": "declinecounter", "PUBLISH": "publish",
}  # fmt: skip
_KEPT = {
    "UID", "DTSTAMP", "SEQUENCE", "SUMMARY", "DESCRIPTION", "LOCATION", "DTSTART", "DTEND", "DURATION", "RRULE",
    "RDATE", "EXDATE", "RECURRENCE-ID", "ORGANIZER", "STATUS", "TRANSP", "COMMENT",
}  # fmt: skip
_PARTSTAT: dict[Answer, str] = {"accept": "ACCEPTED", "tentative": "TENTATIVE", "decline": "DECLINED"}
_STATUS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}
_SUBJECTS: dict[Answer, str] = {"accept": "Accepted", "tentative": "Tentative", "decline": "Declined"}
_GUESTS = "X-GUESTS"
"""How many guests an invitation had before most of a crowd was left out; ours, and never given away."""

_MOST_LINES, _LONGEST_LINE, _LONGEST_NOTES = 200_000, 1_000, 4_000
_LONGEST_KEPT = 100_000
_MOST_PARTS, _MOST_GUESTS = 20, 20
_EVENT = ("VCALENDAR", "VEVENT")
_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r"([A-Za-z0-9-]{1,40})((?:;(?:[^\":;]|\"[^\"]*\")*)*):(.*)", re.DOTALL)
_PARAM = re.compile(r";([A-Za-z0-9-]{1,40})=((?:\"[^\"]*\"|[^\";:])*)")
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")
_DURATION = re.compile(r"\+?P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?")
_RULE = re.compile(r"[A-Z0-9=;,:+-]{5,300}", re.IGNORECASE)


class _Line(NamedTuple):
    """A content line (RFC 5545, 3.1): its name, its parameters by name, its value, and the line as it came."""

    name: str
    params: dict[str, str]
    value: str
    raw: str


class Part(NamedTuple):
    """An event of an invitation, or one date of it; times are ISO 8601, of whole days the last is included.

    `zone` is the name of a time zone that is not known here, in which `start` and `end` are meant.
    """

    lines: tuple[_Line, ...]
    start: str
    end: str
    zone: str
    recurrence: str
    guests: tuple[tuple[Address, str], ...]

    def text(self, name: str, longest: int) -> str:
        """A text property, cleaned and cut; "" when it has none."""
        return _plain(_value(self.lines, name))[:longest].strip()


class Invitation(NamedTuple):
    """What a calendar part of a mail says; `senders` are the organiser and who sends in that name."""

    method: Method
    uid: str
    sequence: int
    stamp: str
    organizer: Address
    senders: tuple[str, ...]
    parts: tuple[Part, ...]
    more: int
    zones: tuple[str, ...]

    @property
    def first(self) -> Part:
        """The event, or the first of its dates that this is about."""
        return self.parts[0]

    @property
    def recurrences(self) -> set[str]:
        """Which dates of a series this is about; "" is the whole."""
        return {each.recurrence for each in self.parts}


def kept_text(text: str, *, declared: str, readers: Collection[str]) -> str:
    """What is kept of a calendar part; "" where it holds no event.

    `declared` is the method that its header names: one that differs from that inside makes both unclear (RFC 6047,
    2.4). Of a crowd of guests a few are kept, among them `readers`, the addresses to which the mail went.
    """
    kept, crowd, parts, length = list[str](), 0, 0, 0
    for place, line in _placed(text):
        parts += (place, line.name) == (_EVENT, "BEGIN")
        if parts > _MOST_PARTS or length > _LONGEST_KEPT:
            break
        found = _kept_line(place, line, declared)
        if place == _EVENT and line.name == "ATTENDEE":
            crowd += 1
            found = line.raw if crowd <= _MOST_GUESTS or _address(line).address in readers else ""
        if place == _EVENT and line.name == "END":
            kept.append(f"{_GUESTS}:{crowd}")
            crowd = 0
        if found:
            kept.append(found)
            length += len(found)
    return "\n".join(kept) if "END:VEVENT" in kept else ""


def read_invitation(kept: str) -> Invitation | None:
    """The invitation in a text of `kept_text`; None when nothing in it can be understood."""
    lines = list(_lines(kept))
    parts = sorted(filter(None, map(_part, _components(lines, "VEVENT"))), key=lambda each: bool(each.recurrence))
    if not parts:
        return None
    first = parts[0].lines
    organizer = next((each for each in first if each.name == "ORGANIZER"), None)
    who = _address(organizer) if organizer else Address("")
    sent_by = _bare(organizer.params.get("SENT-BY", "")) if organizer else ""
    method = _METHODS.get(next((each.value.upper() for each in lines if each.name == "METHOD"), ""), "unclear")
    return Invitation(
        method=method,
        uid=_value(first, "UID")[:500],
        sequence=_number(_value(first, "SEQUENCE")),
        stamp=_value(first, "DTSTAMP")[:20],
        organizer=who,
        senders=tuple(each for each in (who.address, sent_by) if each),
        parts=tuple(parts),
        more=max(_number(_value(first, _GUESTS)) - len(parts[0].guests), 0),
        zones=tuple("\n".join(each.raw for each in zone) for zone in _components(lines, "VTIMEZONE") if _is_odd(zone)),
    )


def ics_of(invitation: Invitation) -> str:
    """The invitation as a calendar takes it: what was kept of it, with the definitions of zones unknown here."""
    kept = [*_head(invitation, invitation.method.upper())]
    for part in invitation.parts:
        kept += [
            "BEGIN:VEVENT",
            *(each.raw for each in part.lines if each.name not in (_GUESTS, "COMMENT")),
            "END:VEVENT",
        ]
    return "\n".join([*kept, "END:VCALENDAR"])


def answer_to(
    invitation: Invitation, answer: Answer, *, attendee: str, sent_by: str, comment: str, now: datetime
) -> str:
    """The REPLY (RFC 5546, 3.2.3): each date that was asked for, with the answer of one guest and nobody else's."""
    lines = [*_head(invitation, "REPLY")]
    proxy = f';SENT-BY="mailto:{sent_by}"' if sent_by != attendee else ""
    for part in invitation.parts:
        lines += ["BEGIN:VEVENT", f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"]
        names = ("UID", "SEQUENCE", "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION", "SUMMARY")
        lines += [each.raw for name in names for each in part.lines if each.name == name]
        lines.append(f"ORGANIZER:mailto:{invitation.organizer.address}")
        lines.append(f"ATTENDEE;PARTSTAT={_PARTSTAT[answer]}{proxy}:mailto:{attendee}")
        lines += [f"COMMENT:{_escaped(comment)}"] if comment else []
        lines.append("END:VEVENT")
    return "".join(f"{_folded(each)}\r\n" for each in [*lines, "END:VCALENDAR"])


def subject_of(invitation: Invitation, answer: Answer) -> str:
    """The subject of an answer: "Accepted: Talk about the lease"."""
    title = " ".join(invitation.first.text("SUMMARY", 300).split()) or "(no title)"
    return f"{_SUBJECTS[answer]}: {title}"


def when(part: Part) -> str:
    """The time of an event in words: "Friday 23 October 2026, 10:00 to 11:00 (+02:00)"."""
    start, end = datetime.fromisoformat(part.start), datetime.fromisoformat(part.end)
    if len(part.start) == 10:
        return _day(start) if part.start == part.end else f"{_day(start)} to {_day(end)}"
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{_day(end)}, {end:%H:%M}"
    zone = part.zone or (f"{start.isoformat()[-6:]}" if start.tzinfo else "in whichever time zone you are")
    return f"{_day(start)}, {start:%H:%M} to {until} ({zone})"


def rule_of(part: Part) -> str:
    """The RRULE of an event where it is written like one, else ""."""
    found = _value(part.lines, "RRULE").strip()
    return found if _RULE.fullmatch(found) else ""


def _day(value: date) -> str:
    return f"{value:%A} {value.day} {value:%B %Y}"


def _head(invitation: Invitation, method: str) -> Iterator[str]:
    yield from ("BEGIN:VCALENDAR", "PRODID:-//Open Assistant//Mail//EN", "VERSION:2.0", f"METHOD:{method}")
    for zone in invitation.zones:
        yield from ("BEGIN:VTIMEZONE", *zone.split("\n"), "END:VTIMEZONE")


def _placed(text: str) -> Iterator[tuple[tuple[str, ...], _Line]]:
    """The lines of a calendar, each with the components that it stands in; BEGIN and END stand inside."""
    place: list[str] = []
    for line in _lines(text):
        if line.name == "BEGIN":
            place.append(line.value.strip().upper()[:20])
        if place[:1] == ["VCALENDAR"]:
            yield tuple(place), line
        if line.name == "END" and place:
            place.pop()


def _kept_line(place: tuple[str, ...], line: _Line, declared: str) -> str:
    """A line as it is kept, "" where it is not; guests are another matter."""
    if line.name in ("BEGIN", "END"):
        return f"{line.name}:{place[-1]}" if place == _EVENT or place[1:2] == ("VTIMEZONE",) else ""
    if place == ("VCALENDAR",):
        method = line.value.strip().upper() if line.name == "METHOD" else ""
        return f"METHOD:{method}" if method in _METHODS and declared.upper() in ("", method) else ""
    if place[1:2] == ("VTIMEZONE",):
        return line.raw if len(line.raw) <= _LONGEST_LINE else ""
    if place != _EVENT or line.name not in _KEPT:
        return ""
    return line.raw[: _LONGEST_NOTES if line.name == "DESCRIPTION" else _LONGEST_LINE].rstrip("\\")


def _lines(text: str) -> Iterator[_Line]:
    """The content lines, unfolded; what is none is left out."""
    for count, raw in enumerate(clean(_FOLD.sub("", text)).split("\n")):
        if count > _MOST_LINES:
            return
        if found := _LINE.fullmatch(raw):
            params = {name.upper(): value.strip('"') for name, value in _PARAM.findall(found.group(2)[:_LONGEST_LINE])}
            yield _Line(found.group(1).upper(), params, found.group(3), raw)


def _components(lines: Sequence[_Line], kind: str) -> Iterator[list[_Line]]:
    """What stands in each component of a kind, its own parts included."""
    begun: list[_Line] | None = None
    for line in lines:
        if line.name in ("BEGIN", "END") and line.value == kind:
            if line.name == "END" and begun is not None:
                yield begun
            begun = [] if line.name == "BEGIN" else None
        elif begun is not None:
            begun.append(line)


def _part(lines: list[_Line]) -> Part | None:
    starts = next((each for each in lines if each.name == "DTSTART"), None)
    begins = _moment(starts) if starts else None
    if starts is None or begins is None or not _value(lines, "UID").strip():
        return None
    named = next((_moment(each) for each in lines if each.name == "RECURRENCE-ID"), None)
    ends = _end(lines, begins)
    guests = tuple(
        (_address(each), _STATUS.get(each.params.get("PARTSTAT", "").upper(), "open"))
        for each in lines
        if each.name == "ATTENDEE"
    )
    zone = starts.params.get("TZID", "")[:100] if isinstance(begins, datetime) and begins.tzinfo is None else ""
    return Part(tuple(lines), begins.isoformat(), ends.isoformat(), zone, named.isoformat() if named else "", guests)


def _end(lines: Sequence[_Line], begins: date) -> date:
    """When it ends; without a word about that, at once, or at the end of that day (RFC 5545, 3.6.1)."""
    found = next((_moment(each) for each in lines if each.name == "DTEND"), None)
    length = _DURATION.fullmatch(_value(lines, "DURATION").strip())
    try:
        if found is None and length and length.group(0) not in ("P", "PT"):
            weeks, days, hours, minutes, seconds = (int(each or 0) for each in length.groups())
            found = begins + timedelta(days=7 * weeks + days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        found = None
    if isinstance(begins, datetime):
        same = isinstance(found, datetime) and (found.tzinfo is None) == (begins.tzinfo is None)
        return max(found, begins) if same and isinstance(found, datetime) else begins
    last = found - timedelta(days=1) if found is not None and not isinstance(found, datetime) else begins
    return max(last, begins)


def _moment(line: _Line) -> date | None:
    """A day, or a time: aware where its zone is known here."""
    found = _MOMENT.fullmatch(line.value.strip())
    if found is None:
        return None
    numbers = [int(each) for each in found.groups()[:6] if each]
    try:
        if len(numbers) == 3:
            return date(*numbers)
        return datetime(*numbers[:5], min(numbers[5], 59), tzinfo=UTC if found.group(7) else _zone(line))  # type: ignore[arg-type, misc]  # six numbers
    except ValueError:
        return None


def _zone(line: _Line) -> ZoneInfo | None:
    try:
        return ZoneInfo(line.params["TZID"])
    except (KeyError, ValueError, OSError, ZoneInfoNotFoundError):
        return None


def _is_odd(zone: list[_Line]) -> bool:
    """Whether a time zone is none of those that everybody knows by name."""
    return _zone(_Line("", {"TZID": _value(zone, "TZID").strip()}, "", "")) is None


def _address(line: _Line) -> Address:
    return Address(_bare(line.value), " ".join(_plain(line.params.get("CN", ""))[:100].split()))


def _bare(value: str) -> str:
    plain = value.strip().strip('"')
    plain = plain[7:] if plain[:7].lower() == "mailto:" else plain
    return "".join(plain.split()).lower()[:320]


def _value(lines: Iterable[_Line], name: str) -> str:
    return next((each.value for each in lines if each.name == name), "")


def _number(value: str) -> int:
    plain = value.strip()[:9]
    return int(plain) if plain.isascii() and plain.isdigit() else 0


def _plain(value: str) -> str:
    """A TEXT value as it is meant (RFC 5545, 3.3.11)."""
    return re.sub(r"\\([\\,;:nN\"])", lambda found: "\n" if found.group(1) in "nN" else found.group(1), value)


def _escaped(value: str) -> str:
    return re.sub(r"([\\,;])", r"\\\1", clean(value)).replace("\n", "\\n")


def _folded(line: str) -> str:
    """Lines of at most 75 bytes, no letter cut (RFC 5545, 3.1)."""
    pieces, piece = list[str](), ""
    for letter in line:
        if len((piece + letter).encode()) > 74:
            pieces.append(piece)
            piece = ""
        piece += letter
    return "\r\n ".join([*pieces, piece])
