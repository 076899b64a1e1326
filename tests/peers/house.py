"""The peers of one person, started together and seeded for the story."""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.peers.dovecot import Dovecot
from tests.peers.mailbox import Seeded, seed_mailbox
from tests.peers.model import ModelServer
from tests.peers.process import LOOPBACK
from tests.peers.radicale import Radicale
from tests.peers.script import load_script
from tests.peers.smtp import SmtpServer

__all__ = ["ADDRESS", "CALENDAR_PASSWORD", "CALENDAR_USER", "MAIL_PASSWORD", "House", "open_house"]

ADDRESS, MAIL_PASSWORD = "ada@home.example", "not-a-real-password"
CALENDAR_USER, CALENDAR_PASSWORD = "ada", "not-a-real-calendar-password"
_FIXED = (4143, 4025, 4232, 4434)


@dataclass(frozen=True)
class House:
    """The peers of one person: mailbox, submission, calendar and model, with what the account forms ask for."""

    imap: Dovecot
    smtp: SmtpServer
    calendar: Radicale
    model: ModelServer
    seeded: Seeded

    def mail_account(self) -> dict[str, Any]:
        """The body of POST /api/accounts for the mailbox."""
        settings = {
            "address": ADDRESS,
            "username": ADDRESS,
            "imap_host": LOOPBACK,
            "imap_port": self.imap.port,
            "imap_security": "none",
            "smtp_host": LOOPBACK,
            "smtp_port": self.smtp.port,
            "smtp_security": "none",
        }
        return {"connector": "mail", "name": "Mail", "settings": settings, "secrets": {"password": MAIL_PASSWORD}}

    def calendar_account(self) -> dict[str, Any]:
        """The body of POST /api/accounts for the calendar."""
        settings = {"url": self.calendar.url, "username": CALENDAR_USER}
        secrets = {"password": CALENDAR_PASSWORD}
        return {"connector": "caldav", "name": "Calendar", "settings": settings, "secrets": secrets}


def open_house(
    stack: ExitStack, *, mails: int, events: int = 20, script: str = "story", fixed_ports: bool = False
) -> House:
    """Start all peers under `stack`, with `mails` mails and `events` events round today."""
    imap, smtp, caldav, model = _FIXED if fixed_ports else (None, 0, None, 0)
    mailbox = stack.enter_context(Dovecot({ADDRESS: MAIL_PASSWORD}, port=imap))
    now = datetime.now(UTC).replace(microsecond=0)
    seeded = seed_mailbox(mailbox.maildir(ADDRESS), mails, now=now, owner=mailbox.owner)
    inbox = {ADDRESS: mailbox.maildir(ADDRESS)}
    submission = SmtpServer({ADDRESS: MAIL_PASSWORD}, maildirs=inbox, owner=mailbox.owner, port=smtp)
    stack.enter_context(submission)
    calendar = stack.enter_context(Radicale({CALENDAR_USER: CALENDAR_PASSWORD}, port=caldav))
    calendar.seed(events, now=now)
    extra = {"mails": lambda: _mails(submission), "events": lambda: [each.text for each in calendar.events()]}
    scripted = stack.enter_context(ModelServer(load_script(script), port=model, extra=extra))
    return House(mailbox, submission, calendar, scripted, seeded)


def _mails(server: SmtpServer) -> list[dict[str, Any]]:
    return [
        {"message_id": sent.message_id, "to": list(sent.recipients), "subject": sent.subject, "text": sent.text}
        for sent in server.sent
    ]
