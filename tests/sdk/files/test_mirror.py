"""The mirror of a drive finds files by their words, knows where they lie, and forgets what is gone."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from tests.sdk.files.box.tools import Account, Item, mirror
from tests.sdk.files.conftest import CAROL, FILES, Box


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("lease", ["lease", "void"]),
        ("final 26", []),
        ("fin 2026", ["lease"]),
        ("LEASE OLD", ["void"]),
        ("berlin", ["void"]),
        ("lease_2026-final.txt", ["lease"]),
        ("??", []),
        ('" OR name:*', []),
        ("", ["lease", "void", "old", "flat"]),
    ],
)
async def test_a_file_is_found_by_the_beginnings_of_all_words_newest_first(
    full: Box, query: str, ids: list[str]
) -> None:
    assert await full.found(query) == ids


async def test_folders_flags_and_what_is_trashed_are_told_apart(full: Box) -> None:
    assert await full.found(folders=True) == ["old", "flat"]
    assert await full.found("old", folders=False) == ["void"]
    assert await full.found("lease", trashed=True) == ["gone"]
    assert await full.found("lease", shared=True) == ["lease"]
    assert await full.found("lease", shared=False) == ["void"]
    assert await full.found("lease", shared=None) == ["lease", "void"]


async def test_what_is_found_is_what_was_put_there(full: Box) -> None:
    found = await full.do(lambda connection: mirror.file(connection, full.owner, "lease"))
    assert found == FILES[2]
    assert found is not None
    assert found.shared is True
    assert await full.do(lambda connection: mirror.file(connection, "another account", "lease")) is None


async def test_a_file_that_is_written_again_is_found_by_its_new_words_alone(full: Box) -> None:
    lease = FILES[2]
    signed = lease._replace(name="Signed.txt")
    pairs = await full.do(lambda connection: mirror.put(connection, full.owner, [signed], round=1))
    assert pairs == [(signed, lease)]
    assert await full.found("lease") == ["void"]
    assert await full.found("signed") == ["lease"]
    assert await full.do(lambda connection: mirror.count(connection, full.owner)) == len(FILES)


async def test_what_came_of_an_act_belongs_to_the_round_that_is_going_on(full: Box) -> None:
    await full.do(lambda connection: mirror.keep(connection, full.owner, Item("new", "New.txt")))
    await full.do(lambda connection: mirror.sweep(connection, full.owner, round=1))
    assert await full.found("new") == ["new"]


@pytest.mark.parametrize(("trashed", "left"), [(True, {"flat"}), (False, {"flat", "gone"})])
async def test_what_a_finished_round_did_not_see_is_gone(full: Box, trashed: bool, left: set[str]) -> None:
    await full.do(lambda connection: mirror.put(connection, full.owner, FILES[:1], round=2))
    await full.do(lambda connection: mirror.sweep(connection, full.owner, round=2, trashed=trashed))
    assert {*await full.found(), *await full.found(trashed=True)} == left


async def test_paths_lead_from_the_top_to_the_folder(full: Box) -> None:
    assert await path(full, FILES[3]) == "All files / Flat / Old contracts"
    assert await path(full, FILES[0]) == "All files"
    assert await path(full, Item("x", "x", parent="unknown")) == "…"
    assert await path(full, Item("x", "x")) == ""


async def test_folders_that_lie_in_each_other_have_a_short_path_and_a_number(full: Box) -> None:
    await full.hold(FILES[0]._replace(parent="old"))
    assert await path(full, FILES[2]) == "Old contracts / Flat"
    assert await full.do(lambda connection: mirror.inside(connection, full.owner, "flat")) == 4


async def path(box: Box, item: Item) -> str:
    return await box.do(lambda connection: mirror.path(connection, box.owner, item))


async def test_what_lies_in_a_folder_is_counted_with_the_folders_within(full: Box) -> None:
    assert await full.do(lambda connection: mirror.inside(connection, full.owner, "flat")) == 4
    assert await full.do(lambda connection: mirror.inside(connection, full.owner, "old")) == 1
    assert await full.do(lambda connection: mirror.inside(connection, full.owner, "lease")) == 0


async def test_people_are_those_who_made_or_edited_something(full: Box) -> None:
    await full.hold(Item("x", "x", maker=CAROL, editor="bob@example.org"))
    assert await full.do(lambda connection: mirror.people(connection, full.owner)) == ["bob@example.org", CAROL]


async def test_words_are_those_of_whoever_could_have_written_them(full: Box) -> None:
    shown = mirror.outside("Lease", FILES[2]._replace(editor=CAROL))
    assert (shown.text, shown.source, shown.authors) == ("Lease", "Box, file lease", (CAROL,))
    assert mirror.outside("Lease", FILES[0]).authors == ()


async def test_how_far_a_sync_is_is_kept(box: Box) -> None:
    assert await box.do(lambda connection: mirror.account(connection, box.owner)) == Account()
    state = Account(address="ada@example.org", round=3, complete=True)
    await box.do(lambda connection: mirror.set_account(connection, box.owner, state))
    kept = await box.do(lambda connection: mirror.account(connection, box.owner))
    assert kept == state
    assert kept.complete is True


async def test_forgetting_leaves_nothing_of_that_account_and_all_of_another(full: Box) -> None:
    await full.do(lambda connection: mirror.put(connection, "another account", FILES, round=1))
    await full.do(lambda connection: mirror.forget(connection, full.owner))

    def left(connection: Connection) -> list[int]:
        tables = ("files", "search", "changes", "accounts", "acts")
        return [connection.execute(text(f"SELECT count(*) FROM box_{each}")).scalar_one() for each in tables]

    assert await full.do(left) == [len(FILES), len(FILES), 0, 0, 0]
    assert await full.do(lambda connection: mirror.count(connection, full.owner)) == 0
