"""A hand keeps to what is lent: it acts no further, asks the vault before each act, exports nothing of another's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from openassistant import subjects
from openassistant.context import CallContext
from openassistant.errors import Forbidden
from openassistant.messages import AccountParts, AttachRequest, Call, Effect
from openassistant.testing import FakeHouse
from tests.sdk.hand import tools
from tests.sdk.hand.tools import connector


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[FakeHouse]:
    tools.DONE.clear()
    fake = FakeHouse(connector, folder=tmp_path)
    fake.connect("Ada's place", {"place": "home"}, password="not-a-real-password")
    async with fake:
        yield fake


async def test_what_is_lent_for_reading_is_read_and_nothing_else(house: FakeHouse) -> None:
    house.lend("read")
    assert (await house.call("notes_read"))["text"] == "3 notes"
    for tool, arguments in (("letters_send", {"to": "carol@example.org"}), ("events_create", {})):
        with pytest.raises(Forbidden, match="lends it without that"):
            await house.call(tool, **arguments)
        with pytest.raises(Forbidden, match="lends it without that"):
            await house.preview(tool, **arguments)
    with pytest.raises(Forbidden, match="lends it without that"):
        await house.call("hours_ask", aloud=True)
    assert tools.DONE == []


async def test_what_is_lent_for_acting_acts(house: FakeHouse) -> None:
    house.lend("act")
    assert await house.call("letters_send", to="carol@example.org") == "sent to carol@example.org"
    assert len(tools.DONE) == 1


async def test_the_vault_is_asked_anew_before_each_act_on_what_is_lent(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.lend("act")
    asked: list[tuple[str, bool]] = []
    fetch = house.runner.keys._token

    async def counted(account: str, ctx: CallContext, call: Call | None, effect: Effect, **more: Any) -> Any:
        asked.append((effect.value, more["profile"]))
        return await fetch(account, ctx, call, effect, **more)

    monkeypatch.setattr(house.runner.keys, "_token", counted)
    for _ in range(2):
        await house.call("letters_send", to="carol@example.org")
    await house.call("notes_read")
    assert asked == [("send", True), ("send", False), ("send", False)]


async def test_parts_are_kept_to_or_nothing_is_used(house: FakeHouse) -> None:
    request = AttachRequest(account=house.account.account, name="", grant=house.account_grant())
    ctx = CallContext.within(10, user=house.user).signed(grant=request.grant)
    subject = subjects.account(connector.id, "parts")
    assert not (await house.agent.request(subject, request, AccountParts, ctx)).offered
    house.lend("act", "one")
    with pytest.raises(Forbidden, match="cannot keep to them"):
        await house.preview("letters_send", to="carol@example.org")


async def test_an_archive_holds_nothing_of_what_is_lent(house: FakeHouse) -> None:
    await house.attach()
    await house.call("letters_send", to="carol@example.org")
    assert any(path.startswith("Ada's place/") for path in await house.exported())
    house.lend("act")
    await house.attach()
    assert await house.exported() == {}
