"""Every act on a drive happens once, whatever interrupts it: the SDK's own check, and answers that OneDrive loses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import pytest

from openassistant.errors import Conflict, DeadlineExceeded
from openassistant.messages import Call
from openassistant.once import once_faults
from tests.connectors.onedrive.conftest import CAROL, Desk

pytestmark = pytest.mark.slow

PLAIN = {"Content-Type": "text/plain"}
Made = tuple[Callable[[], Awaitable[Call]], Callable[[], Awaitable[int]]]


async def _held(read: Desk, fits: Callable[[dict[str, Any]], bool]) -> int:
    return sum(fits(each) for each in (await read.held()).values())


async def _file(read: Desk, name: str) -> str:
    made = await read.house.call("files_upload", name=name, text=name)
    return str(made["file"]["id"])


def _once(each: dict[str, Any]) -> bool:
    return str(each["name"]).startswith("once-")


def uploads(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("files_upload", name=f"once-{next(numbers)}.txt", text="once")

    return make, lambda: _held(read, _once)


def large_uploads(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("files_upload", name=f"once-{next(numbers)}.txt", text="once " * 900)

    return make, lambda: _held(read, _once)


def folders(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("folders_create", name=f"once-{next(numbers)}")

    return make, lambda: _held(read, _once)


def updates(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        file = await _file(read, f"file-{next(numbers)}.txt")
        return read.make("files_update", file=file, revision=await read.revision(file), text="once")

    return make, lambda: _held(read, lambda each: each.get("size") == len("once"))


def renames(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        number = next(numbers)
        return read.make("files_rename", file=await _file(read, f"file-{number}.txt"), name=f"once-{number}.txt")

    return make, lambda: _held(read, _once)


def moves(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("files_move", file=await _file(read, f"file-{next(numbers)}.txt"), folder="old")

    return make, lambda: _held(read, lambda each: each["parentReference"]["id"] == "old")


def copies(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("files_copy", file="lease", name=f"once-{next(numbers)}.txt")

    return make, lambda: _held(read, _once)


def trashes(read: Desk) -> Made:
    numbers, made = count(), list[str]()

    async def make() -> Call:
        made.append(await _file(read, f"file-{next(numbers)}.txt"))
        return read.make("files_trash", files=[made[-1]])

    async def done() -> int:
        held = await read.held()
        return sum(each not in held for each in made)

    return make, done


def deletions(read: Desk) -> Made:
    make, done = trashes(read)

    async def for_good() -> Call:
        call = await make()
        return read.make("files_trash", **{**call.arguments, "without_undo": True})

    return for_good, done


def restores(read: Desk) -> Made:
    numbers, made = count(), list[str]()

    async def make() -> Call:
        made.append(await _file(read, f"file-{next(numbers)}.txt"))
        await read.house.call("files_trash", files=[made[-1]])
        return read.make("files_restore", files=[made[-1]])

    async def done() -> int:
        held = await read.held()
        return sum(each in held for each in made)

    return make, done


def shares(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("files_share", file=await _file(read, f"file-{next(numbers)}.txt"), person=CAROL)

    async def done() -> int:
        return len(read.front.mails)

    return make, done


def links(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("links_create", file=await _file(read, f"file-{next(numbers)}.txt"))

    async def done() -> int:
        return len(read.asked("POST", "/createLink"))

    return make, done


ACTS = [
    uploads, large_uploads, folders, updates, renames, moves, copies, trashes, deletions, restores, shares, links,
]  # fmt: skip


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text is long sooner than at Microsoft."""
    monkeypatch.setattr("connectors.onedrive.drive._IN_ONE", 2000)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_an_act_is_done_once(read: Desk, act: Callable[[Desk], Made]) -> None:
    make, done = act(read)
    assert await once_faults(read.house, make, done) == []


LOST: dict[Callable[[Desk], Made], tuple[str, str]] = {
    uploads: ("PUT", ":/content"), large_uploads: ("PUT", "/session/"), folders: ("POST", "/children"),
    updates: ("PUT", "/content"), renames: ("PATCH", "/items/"), moves: ("PATCH", "/items/"), copies: ("POST", "/copy"),
    trashes: ("DELETE", "/items/"), deletions: ("DELETE", "/items/"), restores: ("POST", "/restore"),
    shares: ("POST", "/invite"), links: ("POST", "/createLink"),
}  # fmt: skip


@pytest.mark.parametrize("status", [502, 504])
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_an_answer_that_microsoft_loses_after_it_acted_is_found(
    read: Desk, act: Callable[[Desk], Made], status: int
) -> None:
    make, done = act(read)
    call, before = await make(), await done()
    read.break_off(*LOST[act], status=status)
    first = await read.house.send(call)
    assert await read.house.send(call) == first
    assert await done() - before == 1


async def test_a_name_that_somebody_else_took_meanwhile_is_not_ours(read: Desk) -> None:
    def race(passed: Any) -> Any:
        if passed.method == "GET" and "race.txt" in passed.path:
            read.front.plain()
            read.mock.ask("PUT", "/v1.0/me/drive/items/ownfolder:/race.txt:/content", content=b"theirs", headers=PLAIN)
        return passed

    read.front.change = race
    with pytest.raises(Conflict, match="already"):
        await read.house.call("files_upload", name="race.txt", text="ours")
    [held] = await read.named("race.txt")
    assert await read.content(held["id"]) == b"theirs"


async def test_an_update_that_somebody_wrote_over_stays_unknown(read: Desk) -> None:
    call = read.make("files_update", file="lease", revision=await read.revision("lease"), text="ours")
    read.break_off("PUT", "/content")
    lost = read.front.change

    def write_over(passed: Any) -> Any:
        found = lost(passed)
        if found.status == 504:
            read.mock.ask("PUT", "/v1.0/me/drive/items/lease/content", content=b"theirs", headers=PLAIN)
        return found

    read.front.change = write_over
    with pytest.raises(DeadlineExceeded):
        await read.house.send(call)
    assert await read.content("lease") == b"theirs"


async def test_a_copy_that_cannot_be_found_is_said_to_be_unknown_and_not_made_again(read: Desk) -> None:
    read.refuse("POST", "/copy", 504)
    lost = read.front.change

    def vanish(passed: Any) -> Any:
        found = lost(passed)
        if found.status == 504:
            for each in read.mock.ask("GET", "/v1.0/me/drive/items/root/children").json()["value"]:
                if each["name"] == "twin.txt":
                    read.mock.ask("DELETE", f"/v1.0/me/drive/items/{each['id']}")
        return found

    read.front.change = vanish
    call = read.make("files_copy", file="lease", name="twin.txt")
    for _ in range(2):
        with pytest.raises(DeadlineExceeded):
            await read.house.send(call)
    assert len(read.asked("POST", "/copy")) == 1
