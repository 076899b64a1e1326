"""Two instances of a connector share their files, and both go on while these get other keys."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Any

import pytest

from openassistant import subjects
from openassistant.context import CallContext
from openassistant.messages import Done, KeyReply, KeyRequest, SealedKey
from openassistant.rekeying import RekeyRequest
from openassistant.seal import seal
from openassistant.store import Migrations, Store, WrongKey
from openassistant.testing import FakeHouse
from tests.sdk.hand.tools import connector
from tests.sdk.test_syncing import another_instance


class Replacing(FakeHouse):
    """A vault that replaces keys: by name the successor, until somebody has adopted it."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.successors: dict[str, bytes] = {}

    def replace(self) -> dict[str, bytes]:
        """Makes a successor for each key that was handed out; the keys of before."""
        before = dict(self._keys)
        self.successors = {name: secrets.token_bytes(32) for name in before}
        return before

    async def _on_key(self, ctx: CallContext, request: KeyRequest) -> KeyReply:
        name = f"{subjects.last_token(ctx.subject)}/{request.user}"
        if request.adopted and request.adopted == f"next of {name}" and name in self.successors:
            self._keys[name] = self.successors.pop(name)
        reply = await super()._on_key(ctx, request)
        if name not in self.successors:
            return reply
        following = seal(self.successors[name], request.public_key, context=ctx.subject)
        return reply.model_copy(update={"successor": SealedKey(sealed=following, key_id=f"next of {name}")})

    async def rekey(self, user: str | None) -> None:
        """What the gateway asks whichever instance hears it."""
        ctx = CallContext.within(60, user=user).signed(grant=self.grant() if user else None)
        await self.bus.room("gateway").request(subjects.data(connector.id, "rekey"), RekeyRequest(user=user), Done, ctx)


async def opens(path: Path, key: bytes) -> bool:
    try:
        await (await Store.open(path, key, Migrations({}))).close()
    except WrongKey:
        return False
    return True


async def test_calls_go_on_in_both_while_the_files_get_other_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openassistant.syncing._TICK_SECONDS", 0.05)
    async with Replacing(connector, folder=tmp_path) as house, another_instance(house, tmp_path):
        for _ in range(6):
            await house.call("notes_read")
        over = asyncio.Event()
        answered = 0

        async def busy() -> None:
            nonlocal answered
            while not over.is_set():
                await house.call("notes_read")
                answered += 1

        workers = [asyncio.create_task(busy()) for _ in range(4)]
        for _ in range(2):
            before = house.replace()
            for user in (None, house.user):
                await house.rekey(user)
            assert house.successors == {}
        over.set()
        await asyncio.gather(*workers)
        assert answered > 0
        for _ in range(6):
            await house.call("notes_read")
        changed = {name: house._keys[name] != key for name, key in before.items()}
        assert changed == {f"hand/{user}": True for user in (None, house.user)}
    files = {f"hand/{house.user}": tmp_path / "users" / f"{house.user}.db", "hand/None": tmp_path / "room.db"}
    for name, file in files.items():
        assert not await opens(file, before[name])
        assert await opens(file, house._keys[name])
