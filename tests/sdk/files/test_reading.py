"""What changed is told from a moment on, with what is not known of it; what is too large is left where it is."""

from __future__ import annotations

from typing import Any

import pytest

from openassistant.errors import TooLarge
from openassistant.files.mirror import Change
from openassistant.files.reading import check_size
from tests.sdk.files.box.tools import mirror
from tests.sdk.files.conftest import CAROL, Box

MORE = "There is more; ask with a later moment."
SINCE = "What happened is known here since 1970-01-01 00:16 UTC."


@pytest.fixture
async def told(full: Box) -> Box:
    found = [Change(str(time), f"{time}.txt", CAROL, "made", time) for time in (1_000, 2_000, 3_000)]
    await full.do(lambda connection: mirror.note_changes(connection, full.owner, found))
    return full


@pytest.mark.parametrize(
    ("asked", "names", "note"),
    [
        ({"since": "1970-01-01T00:16:40"}, ["3000.txt", "2000.txt", "1000.txt"], ""),
        ({"since": "1970-01-01T01:16:41+01:00"}, ["3000.txt", "2000.txt"], ""),
        ({"since": "1970-01-01T00:16:40Z", "limit": 2}, ["3000.txt", "2000.txt"], MORE),
        ({}, ["3000.txt", "2000.txt", "1000.txt"], SINCE),
        ({"since": "1960-01-01T00:00:00", "limit": 1}, ["3000.txt"], f"{MORE} {SINCE}"),
    ],
)
async def test_what_changed_is_told_from_a_moment_on(
    told: Box, asked: dict[str, Any], names: list[str], note: str
) -> None:
    assert await told.house.call("changes_list", **asked) == [names, note]


async def test_an_account_that_was_not_read_yet_is_said_not_to_be(box: Box) -> None:
    assert await box.house.call("changes_list") == [[], "This account was not read yet; try again in a minute."]


async def test_the_name_in_a_change_is_that_of_whoever_made_it(told: Box) -> None:
    [newest] = await told.do(lambda connection: mirror.changes(connection, told.owner, since=0, limit=1))
    shown = mirror.outside_name(newest._replace(name="n" * 1_000))
    assert (shown.source, shown.authors, len(shown.text)) == ("Box, file 3000", (CAROL,), 300)


async def test_only_the_newest_changes_are_kept(told: Box) -> None:
    many = [Change(str(time), "x", "", "changed", time) for time in range(10_000, 15_000)]
    await told.do(lambda connection: mirror.note_changes(connection, told.owner, many))
    found = await told.do(lambda connection: mirror.changes(connection, told.owner, since=0, limit=9_000))
    assert [found[0].time, found[-1].time, len(found)] == [14_999, 10_000, 5_000]


def test_what_is_too_large_is_left_where_it_is() -> None:
    check_size(None, 1_048_576, service="Box")
    check_size(1_048_576, 1_048_576, service="Box")
    with pytest.raises(TooLarge, match=r"2\.0 MB; at most 1 MB .* Open it in Box"):
        check_size(2_097_152, 1_048_576, service="Box")
