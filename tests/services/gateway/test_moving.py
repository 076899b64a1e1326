"""A person's archive is made whole or says what is missing, goes on where it broke off, and comes in once."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import struct
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pyrage
import pytest
from sqlalchemy import text

from openassistant.context import new_id
from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound, TooLarge, Unavailable
from services.gateway import agefile, archives, incoming
from services.gateway import moving_views as views
from services.gateway.memory_views import MemoryDraft
from services.gateway.schedule_views import ScheduleDraft
from services.gateway.views import TokenDraft
from tests.services.gateway.movers import PASSWORD, Movers, archive, manifest, zipped

OWN = ("memories", "preferences", "rules", "schedules", "tokens")
A, B = "a" * 32, "b" * 32
PHRASE = "not a real passphrase"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase is stretched with less work than for people; how much that is, other tests hold against age."""
    monkeypatch.setattr(agefile, "_WORK", 10)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Movers]:
    async with Movers(tmp_path) as made:
        yield made


def conversation(id_: str, words: str = "Hello") -> bytes:
    return json.dumps({"format": 1, "id": id_, "title": words, "messages": []}).encode()


def fill(house: Movers) -> None:
    house.files["agent"] = {f"conversations/{A}.json": conversation(A), f"conversations/{A}.md": b"# Hello\n"}
    house.files["vault"] = {"accounts.json": b"[]\n"}
    house.files["audit"] = {"ledger.jsonl": b'{"index": 0}\n' * 500}
    house.files["post"] = {"Inbox/ä 1:2.eml": bytes(range(256)) * 20, "empty": b""}


async def lives(house: Movers) -> None:
    """What this room keeps of a person."""
    await house.memories.add(house.bob, MemoryDraft(text="He likes tea"))
    draft = ScheduleDraft(
        name="Morning",
        prompt="What is new?",
        starts=(house.time + timedelta(days=2)).replace(tzinfo=None, microsecond=0),
    )
    await house.schedules.make(house.bob, draft, address="192.0.2.1")
    await house.tokens.create(
        house.bob, TokenDraft(name="laptop", scopes=("chat",), expires_in_days=30), address="192.0.2.1"
    )
    await house.routing.put(house.bob.user.id, "own", "redact")


# --- out ----------------------------------------------------------------------------------------------------------


async def test_all_that_the_rooms_give_is_in_the_archive_with_its_hash(house: Movers) -> None:
    fill(house)
    files = await house.export()
    expected = {f"{room}/{path}": body for room, some in house.files.items() for path, body in some.items()}
    assert {path: files[path] for path in expected} == expected
    assert list(files)[:2] == ["manifest.json", "README.txt"]
    listed = json.loads(files["manifest.json"])
    assert (listed["format"], listed["person"]) == (1, "bob")
    assert set(listed["files"]) == set(files) - {"manifest.json", "README.txt"}
    for path, about in listed["files"].items():
        assert about == {"size": len(files[path]), "sha256": hashlib.sha256(files[path]).hexdigest()}
    assert all(each["complete"] for each in listed["rooms"].values())
    assert {f"gateway/{name}.json" for name in OWN} <= set(files)
    assert "data.exported" in house.recorded()


async def test_the_same_data_gives_the_same_bytes_but_for_the_manifest(house: Movers) -> None:
    fill(house)
    await lives(house)
    first = await house.export()
    await house.begin()
    one = await house.fetched(await house.made())
    house.time += timedelta(minutes=1)
    await house.begin()
    other = await house.fetched(await house.made())
    with zipfile.ZipFile(io.BytesIO(one)) as left, zipfile.ZipFile(io.BytesIO(other)) as right:
        assert left.namelist() == right.namelist() == list(first)
        differing = [name for name in left.namelist() if left.read(name) != right.read(name)]
    assert differing == ["manifest.json"]


async def test_a_wrong_password_makes_none(house: Movers) -> None:
    with pytest.raises(InvalidRequest, match="password is wrong"):
        await house.begin(password="another-wrong-password")
    assert await house.moving.exporting.status(house.bob) is None
    assert "data.exported" not in house.recorded()


async def test_what_cannot_be_written_down_does_not_begin(house: Movers) -> None:
    house.ledger_error = Unavailable("The witness is away.")
    with pytest.raises(Unavailable):
        await house.begin()
    assert await house.moving.exporting.status(house.bob) is None


@pytest.mark.parametrize("after", [0, 1, 3, 7, 12])
async def test_a_restart_in_the_middle_loses_and_doubles_nothing(house: Movers, after: int) -> None:
    fill(house)
    house.stop_after = after
    await house.begin()
    async with asyncio.timeout(60):
        await house.stopped.wait()
    await house.stop()
    house.stop_after = None
    await house.start()
    files = {name: body async for name, body in _all(house)}
    expected = {f"{room}/{path}": body for room, some in house.files.items() for path, body in some.items()}
    assert {path: files[path] for path in expected} == expected


async def _all(house: Movers) -> AsyncIterator[tuple[str, bytes]]:
    whole = await house.fetched(await house.made())
    with zipfile.ZipFile(io.BytesIO(whole)) as opened:
        for name in opened.namelist():
            yield name, opened.read(name)


async def test_a_room_that_does_not_answer_is_named_in_the_archive_and_on_the_page(house: Movers) -> None:
    fill(house)
    house.away = {"post": Unavailable("Away."), "vault": Forbidden("Not for you.")}
    await house.begin()
    assert {each.room: each.state for each in (await house.made("working")).rooms}["post"] == "waiting"
    export = await patiently(house)
    rooms = {each.room: each for each in export.rooms}
    assert (rooms["post"].state, rooms["vault"].state, rooms["agent"].state) == ("away", "failed", "done")
    assert (rooms["post"].detail, rooms["vault"].detail) == (
        "It did not answer, so nothing more of it is in the archive.", "Not for you.",
    )  # fmt: skip
    files = {name: body async for name, body in _all(house)}
    listed = json.loads(files["manifest.json"])["rooms"]
    assert (listed["post"]["complete"], listed["agent"]["complete"]) == (False, True)
    assert "post: It did not answer" in files["README.txt"].decode()


async def patiently(house: Movers) -> views.Export:
    """The archive, of rooms for which was waited as long as they are waited for."""
    async with asyncio.timeout(60):
        while (found := await house.moving.exporting.status(house.bob)) is None or found.state != "ready":
            await house.moving.go_on()
            await asyncio.sleep(0.02)
            house.later(timedelta(seconds=30))
    return found


async def test_a_room_that_is_back_in_time_is_asked_again(house: Movers) -> None:
    fill(house)
    house.away = {"post": Unavailable("Away.")}
    await house.begin()
    await asyncio.sleep(0.05)
    house.away = {}
    export = await house.made()
    assert {each.state for each in export.rooms} == {"done"}


@pytest.mark.parametrize("path", ["../up", "/root", "a/../../b", "C:\\x", "a\\b", "a//b", "nul\0"])
async def test_a_room_cannot_put_a_file_outside_of_its_folder(house: Movers, path: str) -> None:
    house.files["post"] = {path: b"x"}
    await house.begin()
    export = await house.made()
    found = next(each for each in export.rooms if each.room == "post")
    assert (found.state, found.files) == ("failed", 0)
    names = [name async for name, _ in _all(house)]
    assert [name for name in names if not name.startswith(("gateway/", "manifest", "README"))] == []


async def test_any_part_of_a_download_is_what_it_is_of_the_whole(house: Movers) -> None:
    fill(house)
    await house.begin()
    export = await house.made()
    whole = await house.fetched(export)
    assert export.size == len(whole)
    for start, end in ((0, 1), (1, 50), (37, 2000), (len(whole) // 2, len(whole)), (len(whole) - 1, len(whole))):
        assert await house.fetched(export, start, end) == whole[start:end]


async def test_an_archive_is_encrypted_for_a_passphrase_or_a_key(house: Movers) -> None:
    fill(house)
    identity = pyrage.x25519.Identity.generate()
    await house.begin(recipient=str(identity.to_public()))
    export = await house.made()
    whole = await house.fetched(export)
    assert (export.encrypted, export.size) == (True, len(whole))
    assert await house.fetched(export, 100, len(whole) - 7) == whole[100:-7]
    assert zipfile.ZipFile(io.BytesIO(pyrage.decrypt(whole, [identity]))).testzip() is None
    await house.begin(passphrase=PHRASE)
    whole = await house.fetched(await house.made())
    assert zipfile.ZipFile(io.BytesIO(pyrage.passphrase.decrypt(whole, PHRASE))).testzip() is None
    for recipient, passphrase in (("age1none", None), (str(identity.to_public()), PHRASE)):
        with pytest.raises(InvalidRequest):
            await house.begin(recipient=recipient, passphrase=passphrase)


async def test_an_archive_goes_after_a_day_and_an_hour_after_it_was_fetched(house: Movers) -> None:
    await house.begin()
    first = await house.made()
    house.later(timedelta(hours=23))
    await house.moving.go_on()
    assert await house.moving.exporting.status(house.bob) is not None
    house.later(timedelta(hours=1, minutes=1))
    await house.moving.go_on()
    assert await house.moving.exporting.status(house.bob) is None
    await house.begin()
    await house.fetched(second := await house.made())
    assert second.id != first.id
    assert (await house.made()).fetched
    house.later(timedelta(hours=1, minutes=1))
    await house.moving.go_on()
    with pytest.raises(NotFound):
        await house.moving.exporting.size(house.bob, second.id)
    async with house.own.use(house.bob.user.id) as store:
        for table in ("moves", "move_rooms", "move_files", "move_parts", "move_chunks"):
            query = text(f"SELECT count(*) FROM {table}")
            assert await store.read(lambda c, q=query: c.execute(q).scalar_one()) == 0  # type: ignore[misc]


async def test_nobody_fetches_the_archive_of_another(house: Movers) -> None:
    await house.begin()
    export = await house.made()
    other = house.bob.model_copy(update={"user": house.bob.user.model_copy(update={"id": new_id()})})
    for attempt in (
        house.moving.exporting.size(other, export.id), house.moving.exporting.drop(other, export.id),
        house.moving.importing.drop(house.bob, export.id),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await attempt
    assert await house.moving.exporting.status(other) is None


async def test_large_numbers_are_written_as_zip64(house: Movers, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(house)
    plain = await house.export()
    monkeypatch.setattr(archives, "_FULL", 2_000)
    monkeypatch.setattr(archives, "_FULL_COUNT", 3)
    made = await _marked(house)
    monkeypatch.undo()
    with zipfile.ZipFile(io.BytesIO(made)) as opened:
        found = {name: opened.read(name) for name in opened.namelist()}
    assert {name: body for name, body in found.items() if name != "manifest.json"} == {
        name: body for name, body in plain.items() if name != "manifest.json"
    }


async def _marked(house: Movers) -> bytes:
    """An archive with small limits, with the marks that a reader looks for (all ones) in the place of these."""
    await house.begin()
    whole = await house.fetched(await house.made())
    return whole.replace(struct.pack("<L", 2_000), struct.pack("<L", 0xFFFFFFFF)).replace(
        struct.pack("<2H", 3, 3), struct.pack("<2H", 0xFFFF, 0xFFFF)
    )


# --- in -----------------------------------------------------------------------------------------------------------


async def test_each_room_is_given_what_is_its_own_and_gives_it_again(house: Movers) -> None:
    fill(house)
    await lives(house)
    left = await house.export()
    await house.begin()
    whole = await house.fetched(await house.made())
    carol, hashed = await house.users.prepare(username="carol", password=PASSWORD, display_name="", role="member")
    await house.users.add(carol, hashed)
    house.bob = house.bob.model_copy(update={"user": carol, "session": new_id()})
    house.become(house.bob)
    for _ in range(2):
        done = await house.bring(whole)
        assert (done.state, done.kind, done.left_out) == ("done", "archive", [])
    assert house.reached["agent"][f"conversations/{A}.json"] == house.files["agent"][f"conversations/{A}.json"]
    assert house.reached["post"] == house.files["post"]
    assert house.reached["vault"] == house.files["vault"]
    assert house.reached["audit"] == {}
    again = await house.export()
    name = hashlib.sha256(left["audit/ledger.jsonl"]).hexdigest()[:16]
    assert again.pop(f"audit/earlier/{name}/ledger.jsonl") == left["audit/ledger.jsonl"]
    assert {path: body for path, body in again.items() if path != "manifest.json"} == {
        path: body for path, body in left.items() if path != "manifest.json"
    }
    assert house.recorded().count("data.imported") == 2


async def test_nothing_that_comes_in_acts_or_counts_as_the_owners_word(house: Movers) -> None:
    await lives(house)
    await house.begin()
    whole = await house.fetched(await house.made())
    user = house.bob.user.id
    for each in await house.memories.listing(house.bob):
        await house.memories.forget(house.bob, each.id)
    for schedule in await house.schedules.listing(house.bob):
        await house.schedules.end(house.bob, schedule.id)
    await house.bring(whole)
    (memory,) = await house.memories.listing(house.bob)
    assert (memory.text, memory.tainted, memory.sources) == ("He likes tea", True, ("an archive",))
    assert [each.tainted for each in await house.memories.recall(user, "likes")] == [True]
    assert await house.schedules.listing(house.bob) == []
    (proposal,) = await house.schedules.proposals(house.bob)
    assert (proposal.name, proposal.tainted, proposal.conversation) == ("Morning", True, None)
    signed = await house.schedules.make(
        house.bob, ScheduleDraft(name="Morning", prompt=proposal.prompt, starts=proposal.starts, proposal=proposal.id),
        address="192.0.2.1",
    )  # fmt: skip
    assert signed.tainted
    files = await house.export()
    assert [each["id"] for each in json.loads(files["gateway/schedules.json"])] == [signed.id]
    assert [each["tainted"] for each in json.loads(files["gateway/memories.json"])] == [False]
    assert len(await house.tokens.listing(house.bob)) == 1


async def test_a_conversation_that_comes_in_is_tainted_before_the_agent_has_it(house: Movers) -> None:
    assert (await house.bring(archive({f"agent/conversations/{A}.json": conversation(A)}))).state == "done"
    assert await house.taint.of(house.bob.user.id, A)
    assert not await house.taint.of(house.bob.user.id, B)


async def test_the_id_of_anothers_conversation_is_left_to_him(house: Movers) -> None:
    await house.turns.begin(new_id(), new_id(), A)
    for _ in range(2):
        await house.bring(archive({f"agent/conversations/{A}.json": conversation(A, "Mine")}))
    ((path, body),) = house.reached["agent"].items()
    assert A not in path
    assert (json.loads(body)["title"], f"conversations/{json.loads(body)['id']}.json") == ("Mine", path)
    assert await house.taint.of(house.bob.user.id, json.loads(body)["id"])


async def test_an_encrypted_archive_comes_in_with_its_key_alone(house: Movers) -> None:
    files = {f"agent/conversations/{A}.json": conversation(A, "x" * 200_000)}
    identity = pyrage.x25519.Identity.generate()
    sealed = pyrage.encrypt(archive(files), [identity.to_public()])
    sent = await house.send(sealed)
    for keys in ({}, {"passphrase": "another phrase"}, {"identity": str(pyrage.x25519.Identity.generate())}):
        with pytest.raises(InvalidRequest):
            await house.moving.importing.start(house.bob, sent.id, views.ImportKeys(**keys))
    done = await house.bring(sealed, identity=str(identity))
    assert (done.state, done.left_out) == ("done", [])
    assert house.reached["agent"] == {f"conversations/{A}.json": files[f"agent/conversations/{A}.json"]}
    await house.bring(pyrage.passphrase.encrypt(archive(files), PHRASE), passphrase=PHRASE)
    with pytest.raises(InvalidRequest, match="does not open"):
        await house.bring(sealed, passphrase=PHRASE)
    changed = sealed[:-40] + bytes([sealed[-40] ^ 1]) + sealed[-39:]
    assert "was changed" in (await house.bring(changed, identity=str(identity))).detail


@pytest.mark.parametrize("after", [0, 1, 2, 3, 5])
async def test_an_import_goes_on_after_a_restart_where_it_was(house: Movers, after: int) -> None:
    files = {f"post/{number}.eml": bytes([65 + number]) * 700_000 for number in range(5)}
    files |= {"post/large": b"x" * 3_000_000, "vault/accounts.json": b"[]"}
    sent = await house.send(archive(files))
    house.stop_after = after
    await house.moving.importing.start(house.bob, sent.id, views.ImportKeys())
    async with asyncio.timeout(60):
        await house.stopped.wait()
    await house.stop()
    house.stop_after = None
    await house.start()
    done = await house.brought()
    assert (done.state, done.left_out) == ("done", [])
    assert {f"post/{path}": body for path, body in house.reached["post"].items()} == {
        path: body for path, body in files.items() if path.startswith("post/")
    }
    assert len(house.requests) <= 12


async def test_an_upload_goes_on_where_it_broke_off_and_has_no_gap(house: Movers) -> None:
    body = archive({f"agent/conversations/{A}.json": conversation(A)})
    sent = await house.moving.importing.begin(house.bob, views.ImportDraft(size=len(body)))
    put = house.moving.importing.put
    with pytest.raises(Conflict, match="Bytes from 0 on"):
        await put(house.bob, sent.id, 10, body[10:20])
    for at, end in ((0, 10), (0, 10), (5, 30), (30, len(body))):
        sent = await put(house.bob, sent.id, at, body[at:end])
        assert sent.received == max(end, 10)
    with pytest.raises(Conflict, match="at its end"):
        await put(house.bob, sent.id, len(body), b"more")
    half = await house.moving.importing.begin(house.bob, views.ImportDraft(size=len(body)))
    await put(house.bob, half.id, 0, body[:10])
    with pytest.raises(Conflict, match="Only 10 of"):
        await house.moving.importing.start(house.bob, half.id, views.ImportKeys())
    with pytest.raises(TooLarge):
        await house.moving.importing.begin(house.bob, views.ImportDraft(size=incoming.LARGEST + 1))


def _bomb() -> bytes:
    return zipped({"manifest.json": b"{}", "bomb": bytes(200 * 1024 * 1024)})


def _overlapping() -> bytes:
    """Two entries of the directory that share the same bytes."""
    body = zipped({"manifest.json": manifest({"a": b"x" * 100, "b": b"x" * 100}), "a": b"x" * 100, "b": b"x" * 100})
    first = body.index(b"PK\x03\x04", body.index(b"PK\x03\x04", 1))
    directory = body.index(b"PK\x01\x02")
    at = body.rindex(b"PK\x01\x02")
    assert directory < at
    return body[: at + 42] + struct.pack("<L", first) + body[at + 46 :]


FILES = {f"agent/conversations/{A}.json": conversation(A)}
REFUSED = [
    (b"hello", "neither an archive"),
    (b"PK\x05\x06" + bytes(10), "damaged"),
    (archive(FILES)[:-30], "damaged"),
    (zipped({"readme": b""}), "neither an archive"),
    (archive(FILES, format=2), "newer version"),
    (zipped({"manifest.json": b"[]"}), "manifest cannot be read"),
    (zipped({"manifest.json": manifest(FILES)}), "does not hold the files"),
    (zipped({"manifest.json": manifest({}), **FILES}), "does not hold the files"),
    (zipped({"manifest.json": manifest(FILES), **dict.fromkeys(FILES, conversation(A, "Howdy"))}), "was changed"),
    (archive({"../../etc/passwd": b"x"}), "path in the archive"),
    (archive({"/etc/passwd": b"x"}), "path in the archive"),
    (archive({"post/a\\..\\b": b"x"}), "path in the archive"),
    (_bomb(), "far larger"),
    (_overlapping(), "lie over each other"),
    (b"[1, 2", "neither an archive"),
    (b'[{"mapping": {}', "list of conversations in this file cannot be read"),
    (b'[{"no": "conversation"}]', "neither an archive"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "words"), REFUSED, ids=[words for _, words in REFUSED])
async def test_what_is_no_sound_archive_is_refused_in_words_and_nothing_of_it_is_taken(
    house: Movers, body: bytes, words: str
) -> None:
    done = await house.bring(body)
    assert (done.state, done.rooms) == ("refused", [])
    assert words in done.detail
    assert not any(house.reached.values())
    async with house.own.use(house.bob.user.id) as store:
        assert await store.read(lambda c: c.execute(text("SELECT count(*) FROM move_chunks")).scalar_one()) == 0


async def test_what_no_room_here_can_take_is_named(house: Movers) -> None:
    files = {
        "nowhere/a": b"x",
        "audit/other": b"y",
        "gateway/secrets.json": b"{}",
        "gateway/rules.json": b"{}",
        **FILES,
    }
    done = await house.bring(archive({**files, **FILES}))
    rooms = {each.room: (each.state, each.detail) for each in done.rooms}
    assert rooms["nowhere"] == (
        "failed",
        "This service is not allowed in this house, so what is for it was not taken in.",
    )
    assert rooms["agent"] == ("done", "")
    assert sorted(done.left_out) == [
        "audit: audit/other is not a file that this house knows.",
        "gateway: gateway/rules.json is not in the form of an archive.",
        "gateway: gateway/secrets.json is not a file that this house knows.",
    ]


async def test_an_earlier_record_is_kept_under_its_own_hash_and_never_replaced(house: Movers) -> None:
    record = b'{"index": 0}\n'
    name = f"audit/earlier/{hashlib.sha256(record).hexdigest()[:16]}/ledger.jsonl"
    assert (await house.bring(archive({name: record}))).left_out == []
    done = await house.bring(archive({name: b"forged"}))
    assert done.left_out == [f"audit: {name} is not a file that this house knows."]
    assert (await house.export())[name] == record


async def test_what_models_may_see_becomes_stricter_by_an_archive_and_never_laxer(house: Movers) -> None:
    user, account = house.bob.user.id, house.account.id
    await house.routing.put(user, "own", "local_only")
    routes = {"own": "cloud_ok", account: "redact", "x" * 300: "redact", "from:@example.org": "local_only"}
    await house.bring(archive({"gateway/preferences.json": json.dumps({"routes": routes}).encode()}))
    assert await house.routing.of(user) == {"own": "local_only", account: "redact", "from:@example.org": "local_only"}


async def test_a_room_that_stays_away_is_named_and_the_others_have_theirs(house: Movers) -> None:
    house.away = {"post": Unavailable("Away.")}
    sent = await house.send(archive({"post/a": b"x", **FILES}))
    await house.moving.importing.start(house.bob, sent.id, views.ImportKeys())
    async with asyncio.timeout(60):
        while (done := await house.moving.importing.status(house.bob)) is None or done.state != "done":
            await house.moving.go_on()
            await asyncio.sleep(0.02)
            house.later(timedelta(minutes=2))
    assert {each.room: each.state for each in done.rooms} == {"agent": "done", "post": "away"}
