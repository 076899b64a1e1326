"""Ada's Outlook mail on the Graph double, used through the connector as the house would use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.outlook_mail.tools import connector
from openassistant.testing import FakeHouse
from tests.connectors.passes import Passes
from tests.peers.graph import Graph
from tests.peers.graph_mail import Mailbox, Message

ADA, CAROL, DAVE = "ada@home.example", "carol@example.org", "dave@example.com"
BEGIN = datetime(2037, 10, 20, 8, tzinfo=UTC)
"""When each test begins; deadlines may not be over, so it lies ahead."""


class Desk(Passes):
    """Ada's mail: the server, and the connector that uses it."""

    def __init__(self, graph: Graph, folder: Path) -> None:
        self.graph = graph
        self.later = BEGIN - datetime.now(UTC)
        self.house = FakeHouse(connector, clock=self.now, folder=folder)
        self.house.zone = "Europe/Berlin"
        self.connect(ADA)

    @property
    def box(self) -> Mailbox:
        """Ada's mailbox on the server."""
        return self.graph.user(ADA).part(Mailbox)

    @property
    def carol(self) -> Mailbox:
        """Carol's."""
        return self.graph.user(CAROL).part(Mailbox)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later

    def ago(self, **since: float) -> datetime:
        return BEGIN - timedelta(**since)

    def connect(self, address: str, token: str = "", **settings: Any) -> None:
        """Which account of the server the house's account is."""
        token = token or self.graph.user(address).token
        self.house.connect("Outlook", {"api_url": self.graph.url, **settings}, access_token=token)

    def reconnect(self, address: str = ADA, **changes: Any) -> None:
        """As `connect`, after something was asked already."""
        self.connect(address, **changes)
        self.house.runner.keys.forget_account(self.house.account.account)

    async def search(self, query: str = "", **more: Any) -> list[dict[str, Any]]:
        found = await self.house.call("messages_search", query=query, **more)
        return list(found["messages"])

    async def subjects(self, query: str = "", **more: Any) -> list[str]:
        return [each["subject"]["text"] for each in await self.search(query, **more)]

    async def mail(self, subject: str, folder: str | None = None) -> str:
        """The id of the newest mail with that subject."""
        found = await self.search(f'subject:"{subject}"', **({"folder": folder} if folder else {}))
        return str(next(each["id"] for each in found if each["subject"]["text"] == subject))

    def lying(self, folder: str) -> list[Message]:
        """What lies in a folder of the server, newest first."""
        return self.box.within(folder)


@pytest.fixture(scope="session")
def running_graph() -> Iterator[Graph]:
    with Graph((ADA, CAROL, "ada.work@home.example")) as graph:
        yield graph


@pytest.fixture
async def desk(running_graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """The mailbox, connected and not read yet."""
    monkeypatch.setattr("openassistant.syncing._TICK_SECONDS", 0.02)
    running_graph.reset()
    made = Desk(running_graph, tmp_path / "data")
    running_graph.now = made.now
    async with made.house:
        yield made


@pytest.fixture
async def read(desk: Desk) -> Desk:
    """The mailbox, with a little in it, read once."""
    box = desk.box
    box.add(subject="Lease", text="Please sign the lease.\r\nBring the key to the harbour.", when=desk.ago(hours=2))
    box.add(
        subject="Minutes", html="<p>Shall we <b>meet</b>?</p><script>alert('x')</script>", sender=DAVE, name="Dave",
        to=(ADA, CAROL), cc=("erin@example.net",), when=desk.ago(hours=5),
        files=[("plan.txt", "text/plain", b"The plan is simple."), ("run.exe", "application/octet-stream", b"MZ")],
    )  # fmt: skip
    box.add(subject="Old news", text="Nothing to see.", when=desk.ago(days=40), isRead=True)
    box.add(
        "sentitems", subject="Rent", text="It is paid.", sender=ADA, name="Ada", to=(CAROL,), when=desk.ago(days=3),
        isRead=True,
    )  # fmt: skip
    box.add("junkemail", subject="Win a lease", sender="spam@example.net", when=desk.ago(hours=1))
    projects = box.add_folder("Projects")
    box.add(box.add_folder("Boat", under=projects.id).id, subject="Sails", text="Sew them.", when=desk.ago(days=9))
    await desk.sync()
    return desk
