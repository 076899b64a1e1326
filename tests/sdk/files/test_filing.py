"""Several files in one call: what is refused does not stop the others, what breaks off is looked up."""

from __future__ import annotations

import pytest

from openassistant.errors import Forbidden, InvalidRequest, NotFound, OaError, Unavailable, UpstreamFailed
from openassistant.files.filing import each_done, missing, not_inside
from tests.sdk.files.box.tools import Item

TREE = {
    "top": Item("top", "All files", "folder"),
    "flat": Item("flat", "Flat", "folder", "top"),
    "old": Item("old", "Old", "folder", "flat"),
    "one": Item("one", "One", "folder", "two"),
    "two": Item("two", "Two", "folder", "one"),
}


async def act(on: object) -> str:
    if isinstance(on, OaError):
        raise on
    return str(on).upper()


async def test_what_is_refused_does_not_stop_the_others() -> None:
    done = await each_done([Forbidden("no"), "a", NotFound("gone"), "b"], act, provider="Box")
    assert done == ["A", "B"]
    assert await each_done([], act, provider="Box") == []


async def test_where_all_were_refused_the_first_reason_is_told() -> None:
    with pytest.raises(Forbidden, match="no"):
        await each_done([Forbidden("no"), NotFound("gone")], act, provider="Box")


async def test_what_breaks_off_half_way_is_looked_up() -> None:
    with pytest.raises(UpstreamFailed, match="Box broke off half way") as caught:
        await each_done(["a", Unavailable("away"), "b"], act, provider="Box")
    assert caught.value.unclear


async def test_what_broke_off_before_anything_was_done_is_told_as_it_is() -> None:
    with pytest.raises(Unavailable):
        await each_done([Forbidden("no"), Unavailable("away")], act, provider="Box")


def test_what_could_not_be_done_is_counted() -> None:
    assert missing(3, 3) == ""
    assert missing(1, 3).startswith("2 of 3 could not be")


async def ask(file: str) -> Item:
    if file not in TREE:
        raise NotFound("There is none.")
    return TREE[file]


@pytest.mark.parametrize("place", ["flat", "old"])
async def test_a_folder_is_not_put_into_itself(place: str) -> None:
    with pytest.raises(InvalidRequest, match="into itself"):
        await not_inside(TREE["flat"], TREE[place], ask)


async def test_a_folder_goes_wherever_it_does_not_come_to_lie_in_itself() -> None:
    await not_inside(TREE["old"], TREE["flat"], ask)
    await not_inside(TREE["flat"], Item("x", "x", "folder", "of somebody else"), ask)
    await not_inside(Item("lease", "Lease"), TREE["flat"], ask)


async def test_folders_that_lie_in_each_other_end_the_look_upwards() -> None:
    await not_inside(TREE["flat"], TREE["one"], ask)


async def test_a_place_too_deep_to_look_above_is_refused() -> None:
    async def deeper(file: str) -> Item:
        return Item(file, "x", "folder", f"{file}x")

    with pytest.raises(InvalidRequest, match="too deep"):
        await not_inside(TREE["flat"], Item("x", "x", "folder", "xx"), deeper)
