"""When a schedule is due: a local date and time, and perhaps a recurrence rule (RFC 5545, 3.3.10), in a time zone.

The rule is counted on the wall clock and each occurrence is then put into its zone. A time that a day skips when the
clocks go forward is read with the offset before the change, one that a day has twice is the first (3.3.5). The only
importer of dateutil.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from openassistant.messages import Wire
from services.gateway.problems import invalid

__all__ = ["SHORTEST", "When", "checked", "in_words", "newest_until", "next_after", "upcoming"]

SHORTEST = timedelta(minutes=15)
"""Between two runs: what runs more often is a loop, and costs as one."""
_LOOKED_AT = 60
_SKEW = timedelta(hours=3)
"""More than any zone moves its clocks at once."""

_PARTS = {
    "HOURLY": {"INTERVAL", "BYDAY", "COUNT"},
    "DAILY": {"INTERVAL", "BYHOUR", "BYMINUTE", "COUNT"},
    "WEEKLY": {"INTERVAL", "BYDAY", "BYHOUR", "BYMINUTE", "WKST", "COUNT"},
    "MONTHLY": {"INTERVAL", "BYDAY", "BYMONTHDAY", "BYSETPOS", "BYHOUR", "BYMINUTE", "COUNT"},
}
"""Parts of a rule that always lead to a next occurrence soon: no rule may keep the house counting."""
_VALUES = {
    "FREQ": r"[A-Z]+",
    "INTERVAL": r"[1-9]\d?",
    "COUNT": r"[1-9]\d{0,3}",
    "BYDAY": r"[+-]?[1-5]?(MO|TU|WE|TH|FR|SA|SU)",
    "BYMONTHDAY": r"-?([1-9]|[12]\d|3[01])",
    "BYSETPOS": r"-?[1-4]",
    "BYHOUR": r"[01]?\d|2[0-3]",
    "BYMINUTE": r"[0-5]?\d",
    "WKST": r"MO|SU",
}
_DAYS = {"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday",
         "SU": "Sunday"}  # fmt: skip
_WORKDAYS = {"MO", "TU", "WE", "TH", "FR"}


class When(Wire):
    """`starts` is local time without a zone; `rule` a recurrence rule such as "FREQ=DAILY", or None for once."""

    starts: datetime
    zone: str
    rule: str | None = None


def checked(when: When) -> When:
    """The same in one form; raises `InvalidRequest` that names the field."""
    if when.starts.tzinfo is not None:
        raise invalid("The time has a zone of its own.", starts="Give the local time, and the zone beside it.")
    starts = when.starts.replace(microsecond=0, fold=0)
    rule = when.rule.strip().removeprefix("RRULE:").upper() if when.rule else None
    made = When(starts=starts, zone=when.zone, rule=rule or None)
    if made.rule:
        _check_parts(made.rule)
    try:
        found = list(islice(_from(made.model_copy(update={"zone": "UTC"}), None), _LOOKED_AT))
    except ValueError as error:
        raise invalid("The repetition is not one.", rule="This never happens, or is not a recurrence rule.") from error
    if any(later - sooner < SHORTEST for sooner, later in pairwise(found)):
        raise invalid("This repeats too often.", rule="Between two runs there must be 15 minutes.")
    return made


def next_after(when: When, moment: datetime, *, until: datetime) -> datetime | None:
    """The first occurrence after a moment, in UTC; None where there is none before `until`."""
    return next(iter(upcoming(when, moment, until=until, most=1)), None)


def upcoming(when: When, moment: datetime, *, until: datetime, most: int) -> list[datetime]:
    """At most so many occurrences after a moment and before `until`, in UTC."""
    later = (each for each in _from(when, moment) if each > moment)
    found = list[datetime]()
    for each in later:
        if each >= until or len(found) == most:
            break
        if not found or each > found[-1]:
            found.append(each)
    return found


def newest_until(when: When, due: datetime, moment: datetime, *, until: datetime) -> datetime:
    """The last occurrence from `due` on that is not after a moment: what is left of several that were missed."""
    newest = due
    for each in _from(when, due):
        if each > moment or each >= until:
            break
        newest = max(newest, each)
    return newest


def in_words(when: When) -> str:
    """Such as "Every Monday at 07:00": the common rules in words, the others as they stand."""
    at = when.starts.strftime("%H:%M")
    if when.rule is None:
        return f"Once, on {when.starts.strftime('%d %B %Y').lstrip('0')} at {at}"
    parts = _parts(when.rule)
    known = set(parts) <= {"FREQ", "INTERVAL", "BYDAY"} and parts.get("INTERVAL", "1") == "1"
    days = [each for each in parts.get("BYDAY", "").split(",") if each]
    if known and parts["FREQ"] == "DAILY":
        return f"Every day at {at}"
    if known and parts["FREQ"] == "WEEKLY" and set(days) == _WORKDAYS:
        return f"Every weekday at {at}"
    if known and parts["FREQ"] == "WEEKLY" and all(each in _DAYS for each in days):
        named = [_DAYS[each] for each in days] or [when.starts.strftime("%A")]
        return f"Every {', '.join(named)} at {at}"
    if set(parts) == {"FREQ"} and parts["FREQ"] == "MONTHLY":
        return f"On day {when.starts.day} of every month at {at}"
    if set(parts) == {"FREQ"} and parts["FREQ"] == "HOURLY":
        return f"Every hour, at {when.starts.minute} minutes past"
    return f"{when.rule}, from {at}"


def _from(when: When, moment: datetime | None) -> Iterator[datetime]:
    """Occurrences in UTC, beginning a little before a moment, or at the start."""
    zone = ZoneInfo(when.zone)
    if when.rule is None:
        yield when.starts.replace(tzinfo=zone).astimezone(UTC)
        return
    rule = rrulestr(when.rule, dtstart=when.starts)
    after = (moment.astimezone(zone).replace(tzinfo=None) - _SKEW) if moment else when.starts - _SKEW
    for local in rule.xafter(after, inc=True):
        yield local.replace(tzinfo=zone).astimezone(UTC)


def _parts(rule: str) -> dict[str, str]:
    return dict(each.partition("=")[::2] for each in rule.split(";"))


def _check_parts(rule: str) -> None:
    """Raises `InvalidRequest` for a rule that is too long, or has parts that are not understood here."""
    parts = _parts(rule)
    known = _PARTS.get(parts.get("FREQ", ""))
    if known is None:
        raise invalid("The repetition is not one.", rule="It repeats hourly, daily, weekly or monthly.")
    other = sorted(set(parts) - known - {"FREQ"})
    if other:
        raise invalid("The repetition is not understood.", rule=f"With {parts['FREQ']}, leave out {other[0][:20]}.")
    fits = all(re.fullmatch(_VALUES[name], each) for name, value in parts.items() for each in value.split(","))
    both = {"BYDAY", "BYMONTHDAY"} <= set(parts) or ("BYSETPOS" in parts and "BYDAY" not in parts)
    if not fits or both or len(rule) > 200 or len(parts) != rule.count(";") + 1:
        raise invalid("The repetition is not understood.", rule="Say it with days of the week, or of the month.")
