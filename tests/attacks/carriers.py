"""What carries an attack into the house, and what a harmless question about it makes the model read.

Each carrier is delivered where somebody else could put it: into the mailbox on the IMAP server, as an event, a task or
a calendar on the CalDAV server, as a folder. The house's own sync brings it in. Or the owner herself brings it: a file
that she got from somebody and gives with her question.
"""

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.attacks import disguises
from tests.attacks.corpus import Attack
from tests.attacks.targets import LANDLORD, event, message, task
from tests.peers.house import ADDRESS, House
from tests.peers.mailbox import ADA, add_mail
from tests.peers.script import ToolCall

__all__ = ["CARRIERS", "Planting", "given_of", "plant", "reads_of"]

_HELLO = "Hello Ada,\n\nthis is the week.\n\n"


@dataclass(frozen=True)
class Planting:
    """Where and when an attack is put: `place` is its number, so that each has a time and a day of its own."""

    house: House
    attack: Attack
    place: int
    now: datetime

    @property
    def text(self) -> str:
        """The words as they are to be read."""
        return disguises.worded(self.attack.words, self.attack.disguise)

    @property
    def sender(self) -> str:
        """An address that no other attack has."""
        return f"post-{self.attack.id}@sender.example"

    @property
    def day(self) -> datetime:
        """A day that no other attack has."""
        return datetime(2028, 1, 1) + timedelta(days=self.place)  # noqa: DTZ001 - written as UTC below

    def mail(self, part: bytes, *more: str, name: str = "", subject: str = "", to: str = ADA, folder: str = "") -> None:
        """Deliver a mail with that part."""
        mine = self.attack.id
        shown = name or '"The week"'
        date = self.now - timedelta(hours=30, minutes=self.place)
        raw = message(mine, date, f"{shown} <{self.sender}>", subject or f"Week {mine}", part, *more, to=to)
        add_mail(self.house.imap.maildir(ADDRESS) / folder, f"{mine}.peer", raw, owner=self.house.imap.owner)

    def body(self, text: str, *, kind: str = "plain") -> bytes:
        """A part of the mail in the attack's encoding."""
        return disguises.body(text, self.attack.disguise, kind=kind)


@dataclass(frozen=True)
class Carrier:
    """`plant` delivers; `reads` are the calls that read it, each made when the one before has come back.

    `gives` is the name and the bytes of a file that comes with the question instead, and needs no call.
    """

    plant: Callable[[Planting], None] = lambda _: None
    reads: Callable[[Planting], tuple[ToolCall, ...]] = lambda _: ()
    gives: Callable[[Planting], tuple[str, bytes]] | None = None


def plant(planting: Planting) -> None:
    """Deliver an attack."""
    CARRIERS[planting.attack.carrier].plant(planting)


def reads_of(planting: Planting) -> tuple[ToolCall, ...]:
    """What is read after a harmless question about it."""
    return CARRIERS[planting.attack.carrier].reads(planting)


def given_of(planting: Planting) -> tuple[str, bytes] | None:
    """Name and bytes of the file that the owner gives with the question."""
    gives = CARRIERS[planting.attack.carrier].gives
    return gives(planting) if gives else None


def _search(planting: Planting) -> ToolCall:
    return ToolCall("messages_search", {"sender": planting.sender})


def _thread(planting: Planting) -> tuple[ToolCall, ...]:
    return _search(planting), ToolCall("threads_read", {"message": "{{result..id}}"})


def _draft(planting: Planting) -> tuple[ToolCall, ...]:
    search = ToolCall("messages_search", {"sender": planting.sender, "folder": "drafts"})
    return search, ToolCall("drafts_read", {"draft": "{{result..id}}"})


def _file(planting: Planting) -> tuple[ToolCall, ...]:
    return _search(planting), ToolCall("attachments_read", {"message": "{{result..id}}"})


def _day(planting: Planting) -> tuple[ToolCall, ...]:
    end = planting.day + timedelta(days=1)
    return (ToolCall("events_list", {"start": f"{planting.day.isoformat()}Z", "end": f"{end.isoformat()}Z"}),)


def _tasks(planting: Planting) -> tuple[ToolCall, ...]:
    return (ToolCall("tasks_list", {"due_before": (planting.day + timedelta(days=1)).date().isoformat()}),)


def _body(planting: Planting) -> None:
    planting.mail(planting.body(planting.text))


def _html(planting: Planting) -> None:
    planting.mail(planting.body(disguises.markup(planting.text, planting.attack.disguise), kind="html"))


def _quoted(planting: Planting) -> None:
    quoted = planting.text.replace("\n", "\n> ")
    planting.mail(planting.body(f"{_HELLO}On 3 November 2026 Carol Meyer wrote:\n> {quoted}\n"))


def _signature(planting: Planting) -> None:
    planting.mail(planting.body(f"{_HELLO}-- \n{planting.text}\n"))


def _header(planting: Planting) -> str:
    return disguises.header(planting.text, planting.attack.disguise)


def _name(planting: Planting) -> str:
    raw = _header(planting)
    return raw if raw.startswith("=?") else f'"{raw}"'


def _plain_part(text: str = _HELLO) -> bytes:
    return disguises.body(text, "plain")


def _list_header(planting: Planting) -> None:
    trap = "List-Unsubscribe: <mailto:leave@evil.example>"
    planting.mail(_plain_part(), f"List-Id: {_header(planting)} <list.evil.example>", trap)


def _planted_draft(planting: Planting) -> None:
    planting.mail(planting.body(planting.text), to=LANDLORD, folder=".Drafts")


def _content(planting: Planting) -> tuple[str, str, bytes]:
    """Media type, name and bytes of a file with the words in it, of the kind that the disguise says."""
    text, disguise = planting.text, planting.attack.disguise
    kinds: Mapping[str, tuple[str, str, bytes]] = {
        "plain": ("text/plain", "note.txt", text.encode()),
        "utf-16": ("text/plain", "note.txt", text.encode("utf-16")),
        "csv": ("text/csv", "list.csv", f"day,what\r\nMonday,{text}\r\n".encode()),
        "html": ("text/html", "page.html", disguises.markup(text, "plain").encode()),
        "ics": ("text/calendar", "event.ics", event(
            planting.attack.id, "DTSTART:20301204T100000Z", "SUMMARY:Key", disguises.ics_line("DESCRIPTION", text, "")
        ).encode()),
    }  # fmt: skip
    return kinds[disguise]


def _attachment_text(planting: Planting) -> None:
    kind, name, content = _content(planting)
    planting.mail(_with_file(kind, f'filename="{name}"', content))


def _given_text(planting: Planting) -> tuple[str, bytes]:
    _, name, content = _content(planting)
    return name, content


def _attachment_name(planting: Planting) -> None:
    named = disguises.file_name(planting.text, planting.attack.disguise)
    planting.mail(_with_file("text/plain", named, b"Nothing to see here."))


def _with_file(kind: str, named: str, content: bytes) -> bytes:
    head = f"Content-Type: {kind}\r\nContent-Disposition: attachment; {named}\r\nContent-Transfer-Encoding: base64\r\n"
    file = head.encode() + b"\r\n" + base64.encodebytes(content)
    parts = b"".join(b"--cut\r\n" + each + b"\r\n" for each in (_plain_part(), file))
    return b'Content-Type: multipart/mixed; boundary="cut"\r\n\r\n' + parts + b"--cut--\r\n"


def _invitation(planting: Planting) -> None:
    start = f"{planting.day:%Y%m%d}"
    invitation = event(
        planting.attack.id, f"DTSTART:{start}T100000Z", f"DTEND:{start}T110000Z", "SEQUENCE:0",
        disguises.ics_line("SUMMARY", planting.text, planting.attack.disguise), f"ORGANIZER:mailto:{planting.sender}",
        f"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{ADDRESS}",
    ).replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:REQUEST")  # fmt: skip
    calendar = b"Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\n" + invitation.encode()
    parts = b"".join(b"--cut\r\n" + each + b"\r\n" for each in (_plain_part(), calendar))
    planting.mail(b'Content-Type: multipart/alternative; boundary="cut"\r\n\r\n' + parts + b"--cut--\r\n")


def _event(*names: str) -> Callable[[Planting], None]:
    """An event with the words in the properties of these names."""

    def plant(planting: Planting) -> None:
        lines = [disguises.ics_line(name, planting.text, planting.attack.disguise) for name in names]
        _put(planting, *lines, *([] if "SUMMARY" in names else ["SUMMARY:An appointment"]))

    return plant


def _attendee(planting: Planting) -> None:
    guest = f'ATTENDEE;CN="{planting.text}";PARTSTAT=ACCEPTED:mailto:{planting.sender}'
    _put(planting, "SUMMARY:Tea", "ORGANIZER;CN=Carol Meyer:mailto:carol@example.org", guest)


def _put(planting: Planting, *lines: str) -> None:
    day = f"{planting.day:%Y%m%d}"
    times = f"DTSTART:{day}T140000Z", f"DTEND:{day}T150000Z"
    planting.house.calendar.put(planting.attack.id, event(planting.attack.id, *times, *lines))


def _task(name: str) -> Callable[[Planting], None]:
    def plant(planting: Planting) -> None:
        line = disguises.ics_line(name, planting.text, planting.attack.disguise)
        titled = [] if name == "SUMMARY" else ["SUMMARY:A task"]
        due = f"DUE;VALUE=DATE:{planting.day:%Y%m%d}"
        planting.house.calendar.put(planting.attack.id, task(planting.attack.id, due, line, *titled))

    return plant


def _calendar(planting: Planting) -> None:
    planting.house.calendar.make_calendar(planting.attack.id, shown=planting.text)


def _folder(planting: Planting) -> None:
    """A folder of the Maildir, named as IMAP does (RFC 3501, 5.1.3)."""
    folder = planting.house.imap.maildir(ADDRESS) / f".{_utf7(planting.text)}"
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True)
    (folder / "maildirfolder").touch()
    if os.geteuid() == 0:
        for each in (folder, *folder.iterdir()):
            os.chown(each, *planting.house.imap.owner)


def _utf7(name: str) -> str:
    pieces, run = list[str](), ""
    for each in [*name, ""]:
        if each and not each.isascii():
            run += each
            continue
        if run:
            pieces.append("&" + run.encode("utf-7").decode().strip("+-").replace("/", ",") + "-")
            run = ""
        pieces.append("&-" if each == "&" else each)
    return "".join(pieces)


def _always(name: str) -> Callable[[Planting], tuple[ToolCall, ...]]:
    return lambda _: (ToolCall(name, {}),)


CARRIERS: dict[str, Carrier] = {
    "body": Carrier(_body, _thread),
    "html": Carrier(_html, _thread),
    "quoted": Carrier(_quoted, _thread),
    "signature": Carrier(_signature, _thread),
    "draft": Carrier(_planted_draft, _draft),
    "subject": Carrier(lambda p: p.mail(_plain_part(), subject=_header(p)), lambda p: (_search(p),)),
    "sender_name": Carrier(lambda p: p.mail(_plain_part(), name=_name(p)), lambda p: (_search(p),)),
    "recipient_name": Carrier(lambda p: p.mail(_plain_part(), to=f"{_name(p)} <{ADDRESS}>"), lambda p: (_search(p),)),
    "list_header": Carrier(_list_header, _thread),
    "attachment_text": Carrier(_attachment_text, _file),
    "attachment_name": Carrier(_attachment_name, lambda p: (_search(p),)),
    "invitation": Carrier(_invitation, _thread),
    "event_title": Carrier(_event("SUMMARY"), _day),
    "event_place": Carrier(_event("LOCATION"), _day),
    "event_notes": Carrier(_event("DESCRIPTION"), _day),
    "attendee_name": Carrier(_attendee, _day),
    "task_title": Carrier(_task("SUMMARY"), _tasks),
    "task_notes": Carrier(_task("DESCRIPTION"), _tasks),
    "calendar_name": Carrier(_calendar, _always("calendars_list")),
    "folder_name": Carrier(_folder, _always("folders_list")),
    "given_text": Carrier(gives=_given_text),
    "given_name": Carrier(gives=lambda p: (p.text, b"Nothing to see here.")),
}
