"""Every act on a drive happens once, whatever interrupts it: the SDK's own check, and answers that Google loses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import pytest

from openassistant.errors import DeadlineExceeded
from openassistant.messages import Call
from openassistant.once import once_faults
from tests.connectors.google_drive.conftest import CAROL, Desk

Made = tuple[Callable[[], Awaitable[Call]], Callable[[], Awaitable[int]]]


async def _held(read: Desk, fits: Callable[[dict[str, Any]], bool]) -> int:
    state = read.world.state("drive")
    return sum(fits(each) for each in state["files"].values())


async def _file(read: Desk, name: str) -> str:
    made = await read.house.call("files_upload", name=name, text=name)
    return str(made["file"]["id"])


def uploads(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("files_upload", name=f"once-{next(numbers)}.txt", text="once")

    return make, lambda: _held(read, lambda each: each["name"].startswith("once-"))


def folders(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("folders_create", name=f"once-{next(numbers)}")

    return make, lambda: _held(read, lambda each: each["name"].startswith("once-"))


def updates(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        file = await _file(read, f"file-{next(numbers)}.txt")
        revision = (await read.house.call("files_get", file=file))["revision"]
        return read.make("files_update", file=file, revision=revision, text="once")

    return make, lambda: _held(read, lambda each: each["content"] == "once")


def renames(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        number = next(numbers)
        return read.make("files_rename", file=await _file(read, f"file-{number}.txt"), name=f"once-{number}.txt")

    return make, lambda: _held(read, lambda each: each["name"].startswith("once-"))


def moves(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("files_move", file=await _file(read, f"file-{next(numbers)}.txt"), folder="1folderOld")

    return make, lambda: _held(read, lambda each: each["parents"] == ["1folderOld"])


def copies(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("files_copy", file="1lease", name=f"once-{next(numbers)}.txt")

    return make, lambda: _held(read, lambda each: each["name"].startswith("once-"))


def copies_of_documents(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("files_copy", file="1letter", name=f"once-{next(numbers)}")

    return make, lambda: _held(read, lambda each: each["name"].startswith("once-"))


def trashes(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("files_trash", files=[await _file(read, f"file-{next(numbers)}.txt")])

    return make, lambda: _held(read, lambda each: each["trashed"])


def restores(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        file = await _file(read, f"file-{next(numbers)}.txt")
        await read.other("PATCH", f"drive/v3/files/{file}", json={"trashed": True})
        return read.make("files_restore", files=[file])

    return make, lambda: _held(read, lambda each: each["name"].startswith("file-") and not each["trashed"])


def shares(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("files_share", file=await _file(read, f"file-{next(numbers)}.txt"), person=CAROL)

    async def done() -> int:
        posted = [each.path for each in read.asked("POST", "/permissions")]
        assert len(posted) == len(set(posted))
        return len(posted)

    return make, done


def links(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("links_create", file=await _file(read, f"file-{next(numbers)}.txt"))

    return make, lambda: _held(read, lambda each: each["link_sharing"] == "anyone_with_link")


def comments(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("comments_create", file="1lease", text=f"Once {next(numbers)}?")

    async def done() -> int:
        return len(read.front.comments("1lease"))

    return make, done


ACTS = [
    uploads, folders, updates, renames, moves, copies, copies_of_documents, trashes, restores, shares, links, comments,
]  # fmt: skip


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_an_act_is_done_once(read: Desk, act: Callable[[Desk], Made]) -> None:
    make, done = act(read)
    assert await once_faults(read.house, make, done) == []


LOST: dict[Callable[[Desk], Made], tuple[str, str]] = {
    uploads: ("POST", "/upload/drive/v3/files"), folders: ("POST", "/drive/v3/files?"), updates: ("PATCH", "/upload/"),
    renames: ("PATCH", "/files/"), moves: ("PATCH", "/files/"), copies: ("POST", "/copy"),
    copies_of_documents: ("POST", "/copy"), trashes: ("PATCH", "/files/"), restores: ("PATCH", "/files/"),
    shares: ("POST", "/permissions"), links: ("POST", "/permissions"), comments: ("POST", "/comments"),
}  # fmt: skip


@pytest.mark.parametrize("status", [502, 504])
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_an_answer_that_google_loses_after_it_acted_is_found(
    read: Desk, act: Callable[[Desk], Made], status: int
) -> None:
    make, done = act(read)
    call, before = await make(), await done()
    read.break_off(*LOST[act], status=status)
    first = await read.house.send(call)
    assert await read.house.send(call) == first
    assert await done() - before == 1


async def test_a_second_comment_of_the_same_words_is_told_from_the_first(read: Desk) -> None:
    await read.house.call("comments_create", file="1lease", text="And?")
    read.break_off("POST", "/comments")
    second = await read.house.call("comments_create", file="1lease", text="And?")
    assert second["comment"] == "AAAA1"
    assert read.front.comments("1lease") == ["And?", "And?"]


async def test_an_update_that_somebody_wrote_over_stays_unknown(read: Desk) -> None:
    revision = (await read.house.call("files_get", file="1lease"))["revision"]
    call = read.make("files_update", file="1lease", revision=revision, text="ours")
    read.break_off("PATCH", "/upload/")
    lost = read.front.change

    def write_over(passed: Any) -> Any:
        found = lost(passed)
        if found.status == 504:
            read.world.fail("drive", {"tool": "drive.files.get", "kind": "latency", "hang_s": 0})
            read.front._forward(
                "PATCH", "/upload/drive/v3/files/1lease?uploadType=media",
                {"authorization": f"Bearer {read.token}", "content-type": "text/plain"}, b"theirs",
            )  # fmt: skip
        return found

    read.front.change = write_over
    with pytest.raises(DeadlineExceeded):
        await read.house.send(call)
    assert (await read.file("1lease"))["content"] == "theirs"
