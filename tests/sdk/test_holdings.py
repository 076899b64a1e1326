"""What a connector holds of a person: counted, given away page by page, taken back, and forgotten in parts."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from openassistant import exporting, holdings, subjects
from openassistant.connector import Context
from openassistant.context import CallContext, new_id
from openassistant.data import PAGE_BYTES, EraseRequest, ExportPage, Forgotten, Piece
from openassistant.errors import Conflict, Forbidden, InvalidRequest, Unavailable
from openassistant.exporting import file_name, folder_names
from openassistant.grants import Erasure, Scope
from openassistant.holdings import CALLS
from openassistant.kinds import undo
from openassistant.messages import AccountQuery, Done
from openassistant.runner import Runner
from openassistant.store import Store
from openassistant.testing import FakeHouse
from tests.e2e.files import plain
from tests.sdk.shelf.tools import PUT, SHELF, connector

NOW = datetime(2030, 11, 29, 12, tzinfo=UTC)
SECRET = "the-blue-teapot"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def note(ref: str, days: int, text: str = "words") -> dict[str, Any]:
    """A note of so many days ago."""
    return {"ref": ref, "written": int((NOW - timedelta(days=days)).timestamp()), "text": text}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[FakeHouse]:
    SHELF.clear()
    PUT.clear()
    async with FakeHouse(connector, folder=tmp_path, clock=clock) as house:
        house.connect("alice@example.org", {})
        yield house


async def synced(house: FakeHouse, *notes: dict[str, Any]) -> None:
    """The notes are at the provider, and a pass has brought what was not forgotten."""
    SHELF[:] = notes
    syncing, known = house.runner.syncing, len(PUT)
    assert syncing is not None
    await house.attach()
    async with asyncio.timeout(20):
        while len(PUT) == known or syncing._passes:
            await asyncio.sleep(0.01)


def text_piece(path: str, body: bytes, *, more: bool = False, offset: int = 0) -> Piece:
    return Piece.model_validate({"path": path, "body": base64.b64encode(body), "more": more, "offset": offset})


def placed(pages: Sequence[ExportPage]) -> list[list[Piece]]:
    """The pieces of each page, as an import has them: each says where in its file it begins."""
    ends, found = dict[str, int](), list[list[Piece]]()
    for page in pages:
        found.append([])
        for piece in page.pieces:
            found[-1].append(piece.model_copy(update={"offset": ends.get(piece.path, 0)}))
            ends[piece.path] = ends.get(piece.path, 0) + len(piece.body)
    return found


def counts(house_parts: Any) -> dict[str, int]:
    return {part.kind: part.count for part in house_parts}


async def test_what_is_held_is_counted_by_kind_with_its_oldest_and_newest(house: FakeHouse) -> None:
    await synced(house, note("a", 40), note("b", 3, "! urgent"), {**note("c", 0), "written": None})
    await house.call("notes_write", words="hello")
    held = await house.held()
    assert counts(held.parts) == {"notes": 3, "marks": 1, "calls": 1, "imported": 0}
    notes = held.parts[0]
    assert (notes.oldest, notes.newest) == (NOW - timedelta(days=40), NOW - timedelta(days=3))
    assert held.bytes > 0


async def test_a_person_of_whom_nothing_is_here_gets_no_file_by_being_asked_about(house: FakeHouse) -> None:
    assert (await house.held()).parts == ()
    assert await house.exported() == {}
    assert await house.forgotten() == {}
    assert not house.file()[0].exists()


async def test_each_thing_is_a_file_under_its_accounts_name_and_in_the_list_of_its_kind(house: FakeHouse) -> None:
    await synced(house, note("a", 40, "first"), note("b", 3, "! urgent"))
    await house.call("notes_write", words="hello")
    files = await house.exported()
    assert files["alice@example.org/notes/2030/10/a.txt"] == b"first"
    assert files["alice@example.org/notes/2030/11/b.txt"] == b"! urgent"
    assert [json.loads(line) for line in files["alice@example.org/notes/index.jsonl"].splitlines()] == [
        {"id": "a", "at": "2030-10-20T12:00:00+00:00", "file": "notes/2030/10/a.txt", "length": 5},
        {"id": "b", "at": "2030-11-26T12:00:00+00:00", "file": "notes/2030/11/b.txt", "length": 8},
    ]
    assert json.loads(files["alice@example.org/marks.jsonl"])["words"] == "! urgent"
    call = json.loads(files["alice@example.org/calls.jsonl"])
    assert (call["call"]["tool"], call["call"]["arguments"]) == ("notes_write", {"words": "hello"})
    assert call["result"]["content"] == "wrote hello"
    assert house.user not in str(files)
    assert len(files) == 5


async def test_pages_are_no_larger_than_said_and_hold_everything_once(house: FakeHouse) -> None:
    big, odd = "x" * (2 * PAGE_BYTES + 17), "y" * (PAGE_BYTES // 2)
    await synced(house, note("a", 9, big), *(note(f"n{i}", 5, f"{odd}{i}") for i in range(5)), note("z", 1, f"!{big}"))
    sizes, seen = [], dict[str, bytes]()
    open_path = ""
    async for page in house.pages():
        sizes.append(sum(len(piece.body) for piece in page.pieces))
        for piece in page.pieces:
            assert not open_path or piece.path == open_path
            assert open_path or piece.path not in seen
            seen[piece.path] = seen.get(piece.path, b"") + piece.body
            open_path = piece.path if piece.more else ""
    assert max(sizes) <= PAGE_BYTES
    assert open_path == ""
    assert seen["alice@example.org/notes/2030/11/a.txt"] == big.encode()
    assert seen["alice@example.org/notes/2030/11/z.txt"] == f"!{big}".encode()
    assert len(seen["alice@example.org/notes/index.jsonl"].splitlines()) == 7
    assert json.loads(seen["alice@example.org/marks.jsonl"])["words"] == f"!{big}"
    assert len(seen) == 9


async def test_what_comes_and_goes_meanwhile_neither_repeats_nor_hides_anything_else(house: FakeHouse) -> None:
    half = "x" * (PAGE_BYTES // 2 + 1)
    await synced(house, *(note(f"n{i}", 9 - i, half) for i in range(6)))
    paths: list[str] = []
    async for page in house.pages():
        paths += [piece.path for piece in page.pieces if piece.path.endswith(".txt")]
        if len(paths) == 2:
            await house.forgotten(kinds=["notes"], until=NOW - timedelta(days=8, hours=12))
            await synced(house, *(note(f"n{i}", 9 - i, half) for i in range(6)), note("new", 0, half))
    assert [path.rpartition("/")[2] for path in paths] == ["n0.txt", "n1.txt", "n2.txt", "n3.txt", "n4.txt", "n5.txt",
                                                          "new.txt"]  # fmt: skip


async def test_a_page_that_is_asked_for_again_is_the_same(house: FakeHouse) -> None:
    await synced(house, note("a", 9, "x" * (PAGE_BYTES + 5)), note("b", 8))
    first = [page async for page in house.pages()]
    again = [page async for page in house.pages(first[0].cursor or "")]
    assert first[1:] == again


async def test_a_file_that_changes_while_it_is_exported_is_whole_all_the_same(house: FakeHouse) -> None:
    old = "x" * (PAGE_BYTES + 5)
    await synced(house, note("a", 9, old))
    pages = house.pages()
    first = await anext(pages)
    await synced(house, note("a", 9, "y" * (PAGE_BYTES + 5)))
    rest = [piece async for page in pages for piece in page.pieces]
    assert first.pieces[0].body + rest[0].body == old.encode()


async def test_the_rest_of_a_file_is_refused_where_it_would_not_fit_its_beginning(house: FakeHouse) -> None:
    await synced(house, note("a", 9, "x" * (PAGE_BYTES + 5)), note("b", 5))
    pages = house.pages()
    await anext(pages)
    await house.forgotten(kinds=["notes"], until=NOW - timedelta(days=6))
    with pytest.raises(Conflict, match="changed while it was exported"):
        await anext(pages)


async def test_a_list_that_is_emptied_meanwhile_still_ends(house: FakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PAGE_BYTES", 300)
    await synced(house, *(note(f"n{i}", 5, f"!{i}") for i in range(20)))
    pieces: list[Piece] = []
    async for page in house.pages():
        pieces += page.pieces
        if pieces[-1].path.endswith("marks.jsonl") and pieces[-1].more:
            await house.forgotten(kinds=["marks"])
    of_list = [piece for piece in pieces if piece.path.endswith("marks.jsonl")]
    assert len(of_list) == 2
    assert [piece.more for piece in of_list] == [True, False]
    assert of_list[-1].body == b""


async def test_a_cursor_of_something_else_is_refused(house: FakeHouse) -> None:
    await synced(house, note("a", 9))
    for cursor in ("nonsense", '["elsewhere", "", 0, 1, 0, ""]'):
        with pytest.raises(InvalidRequest):
            [page async for page in house.pages(cursor)]


SCOPES = [
    ({}, {"notes": 4, "marks": 2, "calls": 1, "imported": 1}),
    ({"kinds": ["notes"]}, {"notes": 4, "marks": 2}),
    ({"kinds": ["marks"]}, {"marks": 2}),
    ({"kinds": ["calls"]}, {"calls": 1}),
    ({"kinds": ["imported"]}, {"imported": 1}),
    ({"kinds": ["notes"], "until": NOW - timedelta(days=10)}, {"notes": 2, "marks": 1}),
    ({"kinds": ["notes"], "since": NOW - timedelta(days=10)}, {"notes": 2, "marks": 1}),
    ({"since": NOW - timedelta(days=20), "until": NOW - timedelta(days=4)}, {"notes": 1}),
    ({"kinds": ["notes"], "beyond": 3}, {"notes": 1, "marks": 1}),
    ({"kinds": ["notes", "marks"], "beyond": 1}, {"notes": 3, "marks": 1}),
    ({"kinds": ["notes"], "beyond": 0}, {"notes": 4, "marks": 2}),
    ({"kinds": ["notes"], "beyond": 9}, {}),
    ({"kinds": ["notes"], "beyond": 1, "until": NOW - timedelta(days=10)}, {"notes": 2, "marks": 1}),
    ({"kinds": ["elsewhere"]}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("scope", "goes"), SCOPES)
async def test_a_scope_takes_what_fits_all_that_it_names_and_a_try_says_the_same(
    house: FakeHouse, scope: dict[str, Any], goes: dict[str, int]
) -> None:
    await synced(house, note("a", 40, "!a"), note("b", 30), note("c", 5), note("d", 1, "!d"))
    await house.call("notes_write", words="hello")
    await house.bring(text_piece("alice@example.org/notes/old.txt", b"old"))
    before = counts((await house.held()).parts)
    assert await house.forgotten(dry=True, **scope) == goes
    assert counts((await house.held()).parts) == before
    assert await house.forgotten(**scope) == goes
    assert counts((await house.held()).parts) == {kind: count - goes.get(kind, 0) for kind, count in before.items()}
    assert await house.forgotten(**scope) == {}


async def test_a_scope_of_one_account_leaves_the_others(house: FakeHouse) -> None:
    await synced(house, note("a", 4))
    first = house.account.account
    house.account = house.account.model_copy(update={"account": new_id(), "name": "work"})
    await synced(house, note("b", 4))
    assert await house.forgotten(account=first) == {"notes": 1}
    assert set(await house.exported()) == {"work/notes/2030/11/b.txt", "work/notes/index.jsonl"}


async def test_another_persons_things_stay(house: FakeHouse) -> None:
    await synced(house, note("a", 4))
    first, account = house.user, house.account
    house.user, house.account = new_id(), house.account.model_copy(update={"account": new_id()})
    await synced(house, note("b", 4))
    assert await house.forgotten() == {"notes": 1}
    house.user, house.account = first, account
    assert counts((await house.held()).parts)["notes"] == 1


async def test_what_was_forgotten_is_in_no_page_of_the_file_any_more(house: FakeHouse) -> None:
    await synced(house, note("a", 40, f"! {SECRET}"), note("b", 1, "green cup"))
    path, key = house.file()
    assert SECRET.encode() in plain(path, key)
    await house.forgotten(until=NOW - timedelta(days=10))
    assert SECRET.encode() not in plain(path, key)
    assert b"green cup" in plain(path, key)


@pytest.mark.parametrize("scope", [{}, {"kinds": ["notes"], "until": NOW - timedelta(days=3)},
                                   {"kinds": ["notes"], "beyond": 1}])  # fmt: skip
async def test_what_was_forgotten_does_not_come_back_with_the_next_sync_and_what_is_newer_does(
    house: FakeHouse, clock: Clock, scope: dict[str, Any]
) -> None:
    old = [note("a", 40), note("b", 30), note("c", 1)]
    await synced(house, *old)
    went = (await house.forgotten(**scope))["notes"]
    clock.now += timedelta(hours=1)
    newer = {"ref": "n", "written": int(clock.now.timestamp()), "text": "new"}
    await synced(house, *old, newer)
    assert counts((await house.held()).parts)["notes"] == 3 - went + 1
    path, key = house.file()
    assert await house.forgotten(dry=True, kinds=["notes"], until=NOW - timedelta(days=35)) == {}
    assert path.exists()
    assert key


async def test_spans_that_meet_are_one(house: FakeHouse) -> None:
    await synced(house, note("a", 40))
    for days in (30, 20, 10):
        await house.forgotten(kinds=["notes"], until=NOW - timedelta(days=days))
    await house.forgotten(kinds=["notes"], since=NOW - timedelta(days=5), until=NOW - timedelta(days=4))
    async with house.runner.stores.use(house.user) as store:
        spans = await store.read(lambda c: holdings.left_out(c, house.account.account, "notes"))
    assert len(spans.spans) == 2
    assert spans.hold(NOW - timedelta(days=400))
    assert spans.hold(NOW - timedelta(days=4, hours=3))
    assert not spans.hold(NOW - timedelta(days=7))
    assert not spans.hold(None)


async def test_a_call_that_was_forgotten_is_not_made_again(house: FakeHouse) -> None:
    call = house.make("notes_write", words=SECRET)
    await house.send(call)
    assert await house.forgotten(kinds=["calls"]) == {"calls": 1}
    again = await house.send(call)
    assert again.content == "It was done; what it was about was forgotten since."
    path, key = house.file()
    assert SECRET.encode() not in plain(path, key)


async def test_an_archive_that_is_brought_in_is_given_back_byte_for_byte(house: FakeHouse, tmp_path: Path) -> None:
    await synced(house, note("a", 40, "x" * (2 * PAGE_BYTES + 3)), note("b", 3, "! urgent"))
    await house.call("notes_write", words="hello")
    pages = [page async for page in house.pages()]
    archive = await house.exported()
    async with FakeHouse(connector, folder=tmp_path / "elsewhere", clock=house.clock) as other:
        for _ in range(2):
            taken = [await other.bring(*pieces) for pieces in placed(pages)]
        assert sum(each.taken for each in taken) == len(archive)
        assert counts((await other.held()).parts) == {"notes": 0, "marks": 0, "calls": 0, "imported": len(archive)}
        assert await other.exported() == archive
        modified = {p.path: p.modified async for page in other.pages() for p in page.pieces}
        assert modified["alice@example.org/notes/2030/11/b.txt"] == NOW - timedelta(days=3)
        assert await other.forgotten(kinds=["imported"]) == {"imported": len(archive)}
        assert await other.exported() == {}


async def test_an_answer_that_was_lost_makes_no_piece_come_twice(house: FakeHouse) -> None:
    first, second = text_piece("a/b.txt", b"one", more=True), text_piece("a/b.txt", b"two", offset=3)
    for piece in (first, first, second, second):
        assert not (await house.bring(piece)).refused
    assert await house.exported() == {"a/b.txt": b"onetwo"}
    await house.bring(text_piece("a/b.txt", b"anew"))
    assert await house.exported() == {"a/b.txt": b"anew"}


async def test_a_piece_without_what_comes_before_it_is_refused(house: FakeHouse) -> None:
    assert "missing" in (await house.bring(text_piece("a/b.txt", b"two", offset=3))).refused[0]
    assert await house.exported() == {}


async def test_the_mirrors_own_file_wins_and_of_lists_each_thing_is_in_there_once(house: FakeHouse) -> None:
    folder = "alice@example.org/notes"
    lines = [{"id": "b", "at": None, "file": "old"}, {"id": "gone", "at": None, "file": "notes/2020/01/gone.txt"}]
    listed = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    await house.bring(
        text_piece(f"{folder}/2030/11/b.txt", b"as it was"),
        text_piece(f"{folder}/2020/01/gone.txt", b"gone there"),
        text_piece(f"{folder}/index.jsonl", listed),
    )
    await synced(house, note("b", 3, "as it is"))
    files = await house.exported()
    assert files[f"{folder}/2030/11/b.txt"] == b"as it is"
    assert files[f"{folder}/2020/01/gone.txt"] == b"gone there"
    told = [json.loads(line) for line in files[f"{folder}/index.jsonl"].splitlines()]
    assert [(line["id"], line["file"]) for line in told] == [("b", "notes/2030/11/b.txt"),
                                                            ("gone", "notes/2020/01/gone.txt")]  # fmt: skip


@pytest.mark.parametrize("path", ["../x", "a/../x", "/etc/x", "a//b", "a/.", "a\\b", "a/b\nc", " "])
async def test_a_path_that_leads_elsewhere_is_refused(house: FakeHouse, path: str) -> None:
    answer = await house.bring(text_piece(path, b"x", more=True), text_piece(path, b"x"), text_piece("a/b", b"x"))
    assert (answer.taken, len(answer.refused)) == (1, 1)
    assert await house.exported() == {"a/b": b"x"}


@pytest.mark.parametrize("attached", [True, False])
async def test_after_a_restart_an_order_is_carried_out_with_the_grant_beside_it_or_that_of_an_account(
    house: FakeHouse, tmp_path: Path, *, attached: bool
) -> None:
    if attached:
        await synced(house, note("a", 4))
    await house.call("notes_write", words="hello")
    await house.stop()
    await house.start(tmp_path)
    order = Erasure(id=new_id(), user=house.user, scope=Scope(kinds=("calls",)), expires=NOW + timedelta(minutes=5))
    request = EraseRequest(order=house.gateway.sign(order))
    bare, subject = CallContext.within(60, now=NOW), subjects.data("shelf", "forget")
    if attached:
        found = await house.agent.request(subject, request, Forgotten, bare)
        assert counts(found.parts) == {"calls": 1}
    else:
        with pytest.raises(Forbidden):
            await house.agent.request(subject, request, Forgotten, bare)
        assert await house.forgotten(kinds=["calls"]) == {"calls": 1}


async def test_a_log_that_is_read_all_the_time_is_emptied_by_the_next_attempt(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await synced(house, note("a", 40, SECRET))
    tidy = Store.tidy

    async def busy(self: Store) -> bool:
        return False

    monkeypatch.setattr(Store, "tidy", busy)
    with pytest.raises(Unavailable, match="emptied soon"):
        await house.forgotten(kinds=["notes"])
    path, key = house.file()
    assert SECRET.encode() in plain(path, key)
    monkeypatch.setattr(Store, "tidy", tidy)
    assert await house.forgotten(kinds=["notes"]) == {}
    assert SECRET.encode() not in plain(path, key)


async def test_a_pass_that_breaks_off_leaves_nothing_that_was_forgotten(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await synced(house, note("a", 40))
    await house.forgotten(kinds=["notes"])
    sync = connector.syncer
    assert sync is not None

    async def broken(ctx: Context) -> None:
        await sync(ctx)
        raise Unavailable("gone")

    monkeypatch.setattr(connector, "syncer", broken)
    await synced(house, note("a", 40))
    assert counts((await house.held()).parts)["notes"] == 0


async def test_what_one_instance_forgets_no_other_one_has(house: FakeHouse, tmp_path: Path) -> None:
    await synced(house, note("a", 40, SECRET), note("b", 1))
    first = house.runner
    other = Runner(connector, bus=house.bus.room("shelf"), trust=house.trust, clock=house.clock, data_dir=tmp_path)
    await other.start()
    assert [counts((await house.held()).parts)["notes"] for _ in range(4)] == [2] * 4
    assert await house.forgotten(kinds=["notes"], until=NOW - timedelta(days=10)) == {"notes": 1}
    assert [counts((await house.held()).parts)["notes"] for _ in range(4)] == [1] * 4
    path, key = house.file()
    assert SECRET.encode() not in plain(path, key)
    for runner in (first, other):
        async with runner.stores.use(house.user) as store:
            assert await store.read(lambda c: len(holdings.left_out(c, house.account.account, "notes").spans)) == 1
    await other.bus.drain()
    await other.stores.close()


async def test_what_a_call_in_doubt_noted_stays_until_its_end_is_known(house: FakeHouse) -> None:
    call = house.make("notes_write", words="hello")
    await house.send(call)
    acts = undo("shelf_acts", at="noted")
    kinds = (acts, CALLS)

    def fill(c: Connection) -> None:
        c.exec_driver_sql("CREATE TABLE shelf_acts (call_id TEXT, account TEXT, before TEXT, noted TEXT)")
        for name in (f"{call.id}:2", new_id()):
            values = {"id": name, "before": json.dumps({"was": name}), "noted": NOW.isoformat()}
            c.execute(text("INSERT INTO shelf_acts VALUES (:id, NULL, :before, :noted)"), values)
        c.exec_driver_sql("UPDATE journal SET state = 'unknown'")

    def forget(c: Connection) -> dict[str, int]:
        return counts(holdings.forget(c, kinds, Scope(), accounts=(), now=NOW))

    async with house.runner.stores.use(house.user) as store:
        await store.write(fill)
        assert await store.write(forget) == {"undo": 1}
        await store.write(lambda c: c.exec_driver_sql("UPDATE journal SET state = 'done'").close())
        assert await store.write(forget) == {"undo": 1, "calls": 1}
        assert await store.write(forget) == {}


async def test_an_account_that_is_removed_leaves_no_horizon_behind(house: FakeHouse) -> None:
    await synced(house, note("a", 4))
    await house.forgotten()
    ctx = house._session()
    query = AccountQuery(account=house.account.account, user=house.user)
    await house.agent.request(subjects.account("shelf", "detach"), query, Done, ctx)
    async with house.runner.stores.use(house.user) as store:
        assert not await store.read(lambda c: holdings.has_forgotten(c, house.account.account))


def test_ids_that_differ_in_capitals_alone_have_files_of_their_own_on_every_disk() -> None:
    names = {file_name(each).casefold() for each in ("AAAb", "AAAB", "aaab", "x/y", "x y", "é" * 200)}
    assert len(names) == 6
    assert all("/" not in name and len(name) <= 100 for name in names)
    assert file_name("1764417600000042") == "1764417600000042"


def test_accounts_of_one_name_have_folders_of_their_own() -> None:
    folders = folder_names({"a" * 32: "Mail", "b" * 32: "mail", "c" * 32: "a/b:c", "d" * 32: ".."})
    assert sorted(folders.values()) == ["Mail aaaaaaaa", "a_b_c", "d" * 32, "mail bbbbbbbb"]
