"""Calendar objects as nobody should write them: events and tasks out of odd lines, bent by a seeded generator."""

from __future__ import annotations

from random import Random

__all__ = ["calendar"]

_TIMES = [
    "20261023T100000",
    "20261023T100000Z",
    "20261023",
    "00010101T000000",
    "99991231T235959Z",
    "20269999",
    "x",
    "",
    "20261023T100000\\,20261024T100000",
]
_MANY = "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12;BYMINUTE=0,1,2,3,4,5,6,7,8,9,10;BYSECOND=0,1,2,3,4,5"
_RULES = [
    _MANY,
    "FREQ=DAILY",
    "FREQ=SECONDLY",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;COUNT=1000000",
    "FREQ=WEEKLY;UNTIL=20301231",
    "FREQ=DAILY;UNTIL=20301231T000000",
    "FREQ=MONTHLY;BYSETPOS=-1;BYDAY=MO,TU,WE,TH,FR",
    "FREQ=DAILY;INTERVAL=0",
    "FREQ=NEVER",
    "COUNT=3",
    "",
    "FREQ=YEARLY;BYWEEKNO=53;BYDAY=99MO",
    "FREQ=DAILY;COUNT=-1",
    "FREQ=DAILY;UNTIL=x",
    "20261023",
]
_ZONES = ["", ";TZID=Europe/Berlin", ";TZID=Nowhere/Land", ";TZID=Custom", ";VALUE=DATE", ";X", ";TZID="]
_LENGTHS = ["PT1H", "P1D", "-PT1H", "P1000000W", "PT", "x", "P1DT1H1M1S"]
_PEOPLE = ["mailto:carol@example.org", "carol", "mailto:", "urn:uuid:1", "mailto:a@b,c@d", "\x00"]
_WORDS = ["Sign the lease", "", "x" * 50_000, "\\n\\n\\,\\;", "\x00\x1b[31m", "ä\u202e", "BEGIN:VEVENT"]
_ODD_ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:Custom\r\nBEGIN:STANDARD\r\nDTSTART:{start}\r\nTZOFFSETFROM:{offset}\r\n"
    "TZOFFSETTO:{offset}\r\nRRULE:{rule}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
)


def calendar(random: Random) -> str:
    """One object's text."""
    parts = "".join(_part(random) for _ in range(random.choice((0, 1, 1, 2, 4))))
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{_zone(random)}{parts}END:VCALENDAR\r\n"
    return _bent(random, text)


def _zone(random: Random) -> str:
    if random.random() < 0.6:
        return ""
    offset = random.choice(["+0100", "-9999", "x", "+0000", "+2400"])
    return _ODD_ZONE.format(start=random.choice(_TIMES), offset=offset, rule=random.choice(_RULES))


def _part(random: Random) -> str:
    kind = random.choice(["VEVENT", "VEVENT", "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "X-OWN"])
    lines = "".join(f"{_line(random)}\r\n" for _ in range(random.randint(0, 9)))
    named = random.choice(["UID:one@example.org\r\n", "UID:one@example.org\r\n", "UID:\r\n", ""])
    alarm = random.choice(
        ["", "", f"BEGIN:VALARM\r\nTRIGGER{random.choice(_ZONES)}:{random.choice(_LENGTHS)}\r\nEND:VALARM\r\n"]
    )
    return f"BEGIN:{kind}\r\n{named}{lines}{alarm}END:{kind}\r\n"


def _line(random: Random) -> str:
    zone, when = random.choice(_ZONES), random.choice(_TIMES)
    return random.choice(
        [
            f"DTSTART{zone}:{when}",
            f"DTSTART{zone}:{when}",
            f"DTEND{zone}:{when}",
            f"DUE{zone}:{when}",
            f"DURATION:{random.choice(_LENGTHS)}",
            f"RRULE:{random.choice(_RULES)}",
            f"EXDATE{zone}:{when}",
            f"RDATE{zone}:{when}",
            f"RDATE;VALUE=PERIOD:{when}/{random.choice(_LENGTHS)}",
            f"RECURRENCE-ID{zone}:{when}",
            f"SUMMARY:{random.choice(_WORDS)}",
            f'DESCRIPTION;ALTREP="{random.choice(_WORDS)[:40]}":x',
            f"ATTENDEE;PARTSTAT={random.choice(['ACCEPTED', 'x', ''])}:{random.choice(_PEOPLE)}",
            f"ORGANIZER:{random.choice(_PEOPLE)}",
            f"STATUS:{random.choice(['CONFIRMED', 'CANCELLED', 'COMPLETED', 'x'])}",
            f"PRIORITY:{random.choice(['1', '-9', 'x', '99999999999999999999'])}",
            "no colon",
        ]
    )


def _bent(random: Random, text: str) -> str:
    fate = random.random()
    if fate < 0.1:
        return text[: random.randint(0, len(text))]
    if fate < 0.2:
        at = random.randint(0, len(text) - 1)
        return text[:at] + chr(random.randint(0, 0x10FF)) + text[at + 1 :]
    if fate < 0.3:
        return text.replace("\r\n", random.choice(("\n", "\r", "\r\n ", "\n\n")))
    return text
