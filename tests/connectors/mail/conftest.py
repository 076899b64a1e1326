"""A mailbox on a real Dovecot and a real SMTP server, used through the connector as the house would use it."""

from __future__ import annotations

import email
import email.message
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.mail.tools import connector
from openassistant.context import utc_now
from openassistant.messages import Call
from openassistant.testing import FakeHouse
from tests.connectors.passes import Passes
from tests.peers.dovecot import Dovecot
from tests.peers.mailbox import Seeded, seed_mailbox
from tests.peers.pymap import Pymap
from tests.peers.smtp import SmtpServer

ADDRESS = "ada@home.example"
Imap = Dovecot | Pymap


class Post(Passes):
    """Ada's mailbox: both servers, and the connector that uses them."""

    tries = 2

    def __init__(self, imap: Imap, smtp: SmtpServer, seeded: Seeded, folder: Path) -> None:
        self.imap, self.smtp, self.seeded = imap, smtp, seeded
        self.maildir = imap.maildir(ADDRESS)
        self.later = timedelta()
        self.house = FakeHouse(connector, clock=self.now, folder=folder)
        self.house.connect("Mail", _settings(imap, smtp), password="not-a-real-password")

    def now(self) -> datetime:
        return utc_now() + self.later

    async def search(self, query: str, **more: Any) -> list[dict[str, Any]]:
        found = await self.house.call("messages_search", query=query, **more)
        return list(found["messages"])

    async def lease(self) -> str:
        """The id of Carol's newest mail about the lease."""
        return str((await self.search("lease"))[0]["id"])

    def reply(self, message: str, text: str = "Hello Carol,\n\nI sign on Friday.\n\nAda") -> Call:
        return self.house.make("messages_reply", message=message, text=text)

    def files(self, folder: str = "") -> list[Path]:
        """The mails in a Maildir++ folder ("" is INBOX)."""
        return [path for part in ("new", "cur") for path in (self.maildir / folder / part).iterdir()]

    def copies(self, message_id: str, folder: str) -> list[Path]:
        """The mails in a folder with that Message-ID."""
        return [path for path in self.files(folder) if _headers(path)["message-id"] == message_id]


def _headers(path: Path) -> email.message.Message:
    return email.message_from_bytes(path.read_bytes())


def _settings(imap: Imap, smtp: SmtpServer) -> dict[str, Any]:
    return {
        "address": ADDRESS,
        "imap_host": imap.host,
        "imap_port": imap.port,
        "imap_security": "none",
        "smtp_host": smtp.host,
        "smtp_port": smtp.port,
        "smtp_security": "none",
    }


@pytest.fixture
def settings() -> Callable[[Imap, SmtpServer], dict[str, Any]]:
    return _settings


@pytest.fixture
def servers(imap_server: Imap, request: pytest.FixtureRequest) -> Seeded:
    mark = request.node.get_closest_marker("mails")
    count = mark.args[0] if mark else 40
    if isinstance(imap_server, Pymap):
        count = min(count, 1_000)  # it reads each file anew for every command: ten thousand take minutes
    return seed_mailbox(imap_server.maildir(ADDRESS), count, now=utc_now(), owner=imap_server.owner)


@pytest.fixture
async def post(
    imap_server: Imap,
    smtp_server: SmtpServer,
    servers: Seeded,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Post]:
    """The mailbox, connected and not read yet."""
    monkeypatch.setattr("openassistant.syncing._TICK_SECONDS", 0.02)
    if request.node.get_closest_marker("watched") is None:
        monkeypatch.setattr(connector, "watcher", None)  # a pass comes when a test asks for it
    made = Post(imap_server, smtp_server, servers, tmp_path / "data")
    async with made.house:
        yield made


@pytest.fixture
async def read(post: Post) -> Post:
    """The mailbox, read once."""
    await post.sync()
    return post
