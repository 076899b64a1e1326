"""A number at Meta's double, and the connector that answers for it, as the house would use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.whatsapp.tools import connector
from openassistant.hooks import HookAnswer
from openassistant.testing import FakeHouse
from tests.connectors.passes import Passes
from tests.peers.whatsapp import Contact, Push, WhatsAppPeer

VERIFY = "not-a-real-verify-token"


class Desk(Passes):
    """The number, Carol who writes to it, and the connector."""

    def __init__(self, meta: WhatsAppPeer, folder: Path) -> None:
        self.meta, self.later = meta, timedelta()
        meta.now = lambda: self.now().timestamp()
        self.house = FakeHouse(connector, clock=self.now, folder=folder)
        self.settings: dict[str, Any] = {
            "phone_number_id": meta.phone_number_id, "waba_id": meta.waba_id, "api_url": meta.url,
            "api_version": meta.version,
        }  # fmt: skip
        self.connect()
        self.carol = meta.person("16505551234", "US.13491208655302741918", "Carol Meyer")

    def connect(self, **changes: str) -> None:
        """The account, with other secrets where named."""
        secrets = {"access_token": self.meta.token, "app_secret": self.meta.app_secret, "verify_token": VERIFY}
        self.house.connect("Ada's number", self.settings, **{**secrets, **changes})

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later

    async def hear(self, push: Push) -> HookAnswer:
        """Meta's push comes by the account's address."""
        return await self.house.knock(push.body, headers=push.headers)

    async def written(self, text: str = "May I move in on Friday?", **more: Any) -> dict[str, Any]:
        """Carol writes; gives the message as chats_read shows it."""
        assert (await self.hear(self.meta.says(self.carol, text, **more))).status == 200
        return (await self.read())[-1]

    async def chat(self) -> str:
        """The newest chat's id."""
        return str((await self.house.call("chats_list"))["chats"][0]["id"])

    async def read(self, **more: Any) -> list[dict[str, Any]]:
        """The messages of the newest chat, the oldest first."""
        return list((await self.house.call("chats_read", chat=await self.chat(), **more))["messages"])

    def posted(self) -> list[dict[str, Any]]:
        """What Meta was asked to send."""
        return [each.body for each in self.meta.asked if each.path.endswith("/messages")]


@pytest.fixture(scope="session")
def peer() -> Iterator[WhatsAppPeer]:
    with WhatsAppPeer() as peer:
        yield peer


@pytest.fixture
def meta(peer: WhatsAppPeer) -> WhatsAppPeer:
    peer.clear()
    return peer


@pytest.fixture
async def desk(meta: WhatsAppPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """The number, connected, with nothing heard yet."""
    monkeypatch.setattr("openassistant.syncing._TICK_SECONDS", 0.02)
    monkeypatch.setattr("connectors.whatsapp.sending._PATIENCE", 0.3)
    monkeypatch.setattr("connectors.whatsapp.sending._PAUSE", 0.02)
    made = Desk(meta, tmp_path / "data")
    async with made.house:
        yield made


@pytest.fixture
def stranger(meta: WhatsAppPeer) -> Callable[[], Contact]:
    """Somebody with a user name, whose number WhatsApp tells nobody."""
    return lambda: meta.person("", "DE.8237465", "Mallory", username="mallory", hidden=True)
