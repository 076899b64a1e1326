"""Two people in a house whose agent is hostile: their mail and calendars, and what these say afterwards."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from openassistant.context import new_id, utc_now
from openassistant.grants import Approval, Grant, SigningKey
from openassistant.messages import Effect
from tests.e2e.stack import Person, until
from tests.peers.dovecot import Dovecot
from tests.peers.mailbox import Letter, add_letter, seed_mailbox
from tests.peers.process import LOOPBACK
from tests.peers.radicale import Radicale
from tests.peers.smtp import SmtpServer

__all__ = ["BEN", "BEN_PASSWORD", "PLANTED", "Peers", "Place", "Scene", "open_peers"]

Row = dict[str, Any]
BEN, BEN_PASSWORD = "ben", "not-a-real-password-of-ben"
MAIL = {"ada@home.example": "not-a-real-password-of-mail-1", "ben@home.example": "not-a-real-password-of-mail-2"}
CALENDAR = {"ada": "not-a-real-password-of-calendar-1", "ben": "not-a-real-password-of-calendar-2"}
PLANTED = ("heliotrope-in-a-mail", "heliotrope-in-an-event")
"""What stands in Ben's mail and in his calendar, and nowhere else."""
_EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Peer//EN\r\nBEGIN:VEVENT\r\nUID:planted@home.example\r\n"
    "DTSTAMP:20260101T000000Z\r\nDTSTART:20261201T090000Z\r\nDTEND:20261201T100000Z\r\nSUMMARY:{words}\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)


@dataclass(frozen=True)
class Peers:
    """One mail server, one submission server and one calendar server, each with an account for both people."""

    imap: Dovecot
    smtp: SmtpServer
    calendar: Radicale

    def accounts(self, name: str) -> tuple[Row, Row]:
        """The bodies of POST /api/accounts of a person."""
        address = f"{name}@home.example"
        settings = {
            "address": address, "username": address, "imap_host": LOOPBACK, "imap_port": self.imap.port,
            "imap_security": "none", "smtp_host": LOOPBACK, "smtp_port": self.smtp.port, "smtp_security": "none",
        }  # fmt: skip
        mail = {"connector": "mail", "name": "Mail", "settings": settings, "secrets": {"password": MAIL[address]}}
        calendar = {"url": self.calendar.url, "username": name}
        secrets = {"password": CALENDAR[name]}
        return mail, {"connector": "caldav", "name": "Calendar", "settings": calendar, "secrets": secrets}

    def holdings(self) -> dict[str, str]:
        """Everything that the mail and the calendar server keep: by mail or event, the digest of its content.

        Flags are part of a mail's file name, so a mail that was marked counts as changed; what the server keeps for
        itself does not count.
        """
        return dict(sorted(self._held()))

    def _held(self) -> Iterator[tuple[str, str]]:
        for place in (self.imap.directory / "home", self.calendar.directory / "collections" / "collection-root"):
            for path in place.rglob("*"):
                parts = set(path.relative_to(place).parts)
                if path.is_file() and not parts & {".Radicale.cache", ".Radicale.lock"} and _is_content(path):
                    yield _name(path.relative_to(place)), hashlib.sha256(path.read_bytes()).hexdigest()


def _is_content(path: Path) -> bool:
    return path.parent.name in {"cur", "new"} or path.suffix == ".ics"


def _name(path: Path) -> str:
    """A mail that the server has noticed moves from `new` to `cur`, which is no change of it."""
    name = path.name if path.name.endswith(".ics") else path.name.partition(",")[0] + path.name.partition(":2,")[2]
    place = path.parent if path.name.endswith(".ics") else path.parent.parent
    return f"{place}/{name}"


def open_peers(stack: ExitStack) -> Peers:
    """Starts and seeds them."""
    imap = stack.enter_context(Dovecot(MAIL))
    now = datetime.now(UTC).replace(microsecond=0)
    for address in MAIL:
        seed_mailbox(imap.maildir(address), 12, now=now, owner=imap.owner, address=address)
    planted = Letter("Carol Meyer <carol@example.org>", "ben@home.example", PLANTED[0], f"{PLANTED[0]}.", now, "p@home")
    add_letter(imap.maildir("ben@home.example"), planted, owner=imap.owner)
    inboxes = {address: imap.maildir(address) for address in MAIL}
    smtp = stack.enter_context(SmtpServer(MAIL, maildirs=inboxes, owner=imap.owner))
    calendar = stack.enter_context(Radicale(CALENDAR))
    for name in CALENDAR:
        calendar.seed(6, now=now, user=name)
    calendar.put("planted", _EVENT.format(words=PLANTED[1]), user="ben")
    return Peers(imap, smtp, calendar)


class Place(Protocol):
    """A running house in whose agent's place the double is."""

    def sign_in(self) -> Person:
        """The owner, signed in."""

    def sign_in_as(self, name: str, password: str) -> Person:
        """Somebody else, signed in."""

    def reaching(self, account: Row) -> Row:
        """An account with addresses as the connectors reach them."""

    def add_person(self, name: str, password: str) -> None:
        """A second person."""

    def signing_key(self) -> SigningKey:
        """The gateway's, with which truly signed tokens are made whose time is over."""

    def file(self, name: str) -> bytes:
        """A file of the double's."""


class Scene:
    """The house with both people in it, connected; and what the double did there."""

    def __init__(self, place: Place, peers: Peers, stack: ExitStack) -> None:
        self.place, self.peers = place, peers
        place.add_person(BEN, BEN_PASSWORD)
        self.ada = stack.enter_context(place.sign_in())
        self.ben = stack.enter_context(place.sign_in_as(BEN, BEN_PASSWORD))
        for name, person in (("ada", self.ada), ("ben", self.ben)):
            for account in peers.accounts(name):
                person.connect(place.reaching(account), seconds=120)
        self.before = peers.holdings()
        self.cards = {each["id"]: each["digest"] for each in self.ada.get("/api/connectors")}
        self._talks = {self.ada: self.ada.converse(), self.ben: self.ben.converse()}
        for person in self._talks:
            person.get("/api/conversations")
        self.obey(self.ben, "keep")
        self._bens = self.events("kept")[-1]["turn"]

    def talk(self, person: Person) -> str:
        """Somebody's one conversation."""
        return self._talks[person]

    def obey(self, person: Person, do: str, *, seconds: float = 240, **more: Any) -> list[Row]:
        """Has a person write a brief, waits until the double has done it; what it noted meanwhile."""
        before = len(self.attempts())
        person.say_and_leave(self.talk(person), json.dumps({"do": do, **more}))

        def look() -> list[Row] | None:
            rows = self.attempts()[before:]
            assert not [row for row in rows if row.get("event") == "failed"], rows[-3:]
            return rows if any(row.get("event") == "over" for row in rows) else None

        return until(look, seconds=seconds, what=f"the end of {do}")

    def brief(self) -> Row:
        """What the double is told of the house: more than it could know."""
        ended = self.obey(self.ada, "end")[-2]
        ben = self.ben.get("/api/session")["user"]["id"]
        theirs = {each["connector"]: each["id"] for each in self.ben.get("/api/accounts")}
        other = {"user": ben, "accounts": theirs, "conversation": self.talk(self.ben), "turn": self._bens}
        return {"other": other, "spent": self._spent(ben), "ended": ended["turn"], "ended_grant": ended["grant"]}

    def attempts(self) -> list[Row]:
        """Everything that the double noted, to the last whole line."""
        written, _, _ = self.place.file("attempts.jsonl").rpartition(b"\n")
        return [json.loads(line) for line in written.splitlines()]

    def events(self, name: str) -> list[Row]:
        """What it noted of one kind of event."""
        return [row for row in self.attempts() if row.get("event") == name]

    def seen(self) -> list[str]:
        """Which secrets, and which words of Ben's, are in anything that ever reached the double."""
        received = self.place.file("received")
        words = (*MAIL.values(), *CALENDAR.values(), BEN_PASSWORD, *PLANTED)
        return [each for each in words if each.encode() in received or base64.b64encode(each.encode()) in received]

    def _spent(self, ben: str) -> Row:
        key, ada = self.place.signing_key(), self.ada.get("/api/session")["user"]["id"]
        past = utc_now() - timedelta(seconds=1)

        def grant(user: str) -> str:
            return key.sign(Grant(
                id=new_id(), kind="turn", user=user, turn=new_id(), conversation=new_id(), origin="message",
                effects=tuple(Effect), connectors=self.cards, expires=past,
            ))  # fmt: skip

        approval = Approval(
            id=new_id(), call_digest="0" * 64, call_id=new_id(), user=ada, decided_by="person", session=new_id(),
            expires=past,
        )  # fmt: skip
        return {"mine": grant(ada), "theirs": grant(ben), "approval": key.sign(approval)}
