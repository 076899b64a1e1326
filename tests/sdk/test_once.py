"""The check of acting once finds what is wrong with a tool, and nothing where nothing is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest

from openassistant.connector import Connector, Context, Field
from openassistant.errors import DeadlineExceeded
from openassistant.messages import Call, ToolResult
from openassistant.once import once_faults
from openassistant.testing import FakeHouse

Reconciler = Callable[[list[str], Call], ToolResult | None]


def letter_box(folder: Path, reconciler: Reconciler | None, box: list[str], *, doubles: bool = False) -> Connector:
    """A connector with one box of letters and the given way to look a letter up."""
    (folder / "manifest.toml").write_text('id = "letters"\nname = "Letters"\nversion = "1"\n')
    connector = Connector(folder / "tools.py")

    @connector.tool(effect="send")
    async def letters_send(ctx: Context, text: Annotated[str, Field(description="What")]) -> str:
        """Send a letter."""
        assert ctx.call is not None
        box.append(ctx.call.id)
        if doubles:
            box.append(ctx.call.id)
        return text

    if reconciler is not None:

        @letters_send.reconcile
        async def look(ctx: Context, call: Call) -> ToolResult | None:
            return reconciler(box, call)

    return connector


def found(box: list[str], call: Call) -> ToolResult | None:
    return ToolResult(content="a letter") if call.id in box else None


def never_found(box: list[str], call: Call) -> ToolResult | None:
    return None


def always_found(box: list[str], call: Call) -> ToolResult | None:
    return ToolResult(content="a letter")


def nobody_knows(box: list[str], call: Call) -> ToolResult | None:
    raise DeadlineExceeded("Nobody knows.")


@pytest.fixture
def faults(tmp_path: Path) -> Callable[..., Any]:
    async def run(reconciler: Reconciler | None, **more: Any) -> list[str]:
        box: list[str] = []
        async with FakeHouse(letter_box(tmp_path, reconciler, box, **more), folder=tmp_path / "data") as house:

            async def make() -> Call:
                return house.make("letters_send", text="hello")

            async def done() -> int:
                return len(box)

            return await once_faults(house, make, done)

    return run


async def test_a_tool_that_looks_its_act_up_has_no_faults(faults: Callable[..., Any]) -> None:
    assert await faults(found) == []


async def test_a_tool_that_cannot_look_up_may_say_unknown(faults: Callable[..., Any]) -> None:
    assert await faults(None) == []


async def test_a_deed_said_to_be_undone_is_found_out(faults: Callable[..., Any]) -> None:
    assert [each.split(":")[0] for each in await faults(never_found)] == [
        "letters_send, answer lost",
        "letters_send, died after",
    ]


async def test_a_claim_without_a_deed_is_found_out(faults: Callable[..., Any]) -> None:
    said = await faults(always_found)
    assert len(said) == 2
    assert all("it was not done, and it was said to be done" in each for each in said)


async def test_a_look_up_that_never_knows_is_found_out(faults: Callable[..., Any]) -> None:
    said = await faults(nobody_knows)
    assert len(said) == 2
    assert all("it was done, and the answer was deadline_exceeded" in each for each in said)


async def test_a_deed_done_twice_is_found_out(faults: Callable[..., Any]) -> None:
    assert "letters_send, twice: done 2 times instead of 1." in await faults(found, doubles=True)
