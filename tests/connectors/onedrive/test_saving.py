"""New files, new folders and other contents: as asked, in the right place, and back again."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from connectors.onedrive import drive
from connectors.onedrive.digests import is_same, quick_xor
from openassistant.errors import AccountRequired, Conflict, Forbidden, InvalidRequest, NotFound
from tests.connectors.onedrive.conftest import FILES, Desk
from tests.peers.front import Passed
from tests.peers.onedrive import OWN

TEXT = "Sign on Friday — ten o'clock."
LARGE = bytes(range(256)) * 14_000
PLAIN = {"Content-Type": "text/plain"}


@pytest.mark.slow
async def test_a_text_is_saved_into_the_assistants_own_folder(read: Desk) -> None:
    made = await read.house.call("files_upload", name="Plan.txt", text=TEXT)
    held = (await read.held())[made["file"]["id"]]
    assert (held["name"], held["parentReference"]["id"]) == ("Plan.txt", OWN)
    assert await read.content(held["id"]) == TEXT.encode()
    assert await read.names("plan") == ["Plan.txt"]


@pytest.mark.slow
async def test_a_text_is_saved_where_it_was_asked_for(read: Desk) -> None:
    for folder, place in (("flat", "flat"), ("root", "root")):
        made = await read.house.call("files_upload", name="Plan.txt", text=TEXT, folder=folder)
        assert (await read.held())[made["file"]["id"]]["parentReference"]["id"] == place


@pytest.mark.slow
async def test_bytes_are_saved_as_they_are(read: Desk) -> None:
    content = bytes(range(256)) * 40
    made = await read.house.call("files_upload", name="scan.pdf", data=base64.b64encode(content).decode())
    assert await read.content(made["file"]["id"]) == content
    assert made["file"]["kind"] == "PDF"


@pytest.mark.slow
async def test_a_large_file_goes_in_pieces_without_the_token(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "_IN_ONE", 1_000_000)
    monkeypatch.setattr(drive, "_PIECE", 4 * 320 * 1024)
    made = await read.house.call("files_upload", name="big.bin", data=base64.b64encode(LARGE).decode())
    assert await read.content(made["file"]["id"]) == LARGE
    pieces = read.asked("PUT", "/session/")
    assert [each.status for each in pieces] == [202, 202, 201]
    assert all("authorization" not in {name.lower() for name in each.headers} for each in pieces)


@pytest.mark.slow
@pytest.mark.parametrize("status", [500, 503, 504])
async def test_a_piece_whose_answer_was_lost_is_not_sent_twice(
    read: Desk, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(drive, "_IN_ONE", 1_000_000)
    monkeypatch.setattr(drive, "_PIECE", 4 * 320 * 1024)
    read.break_off("PUT", "/session/", status=status)
    made = await read.house.call("files_upload", name="big.bin", data=base64.b64encode(LARGE).decode())
    assert await read.content(made["file"]["id"]) == LARGE
    assert sum(len(each.asked) for each in read.asked("PUT", "/session/")) == len(LARGE)
    assert [each.status for each in read.asked("GET", "/session/")] == [200]


@pytest.mark.slow
async def test_an_upload_that_microsoft_does_not_take_on_ends(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "_IN_ONE", 1_000)

    def stuck(passed: Passed) -> Passed:
        body = b'{"nextExpectedRanges": ["0-"]}'
        return replace(passed, status=202, answered=body) if "/session/" in passed.path else passed

    read.front.change = stuck
    call = read.make("files_upload", name="big.txt", text="x" * 2000)
    first = await read.house.send(call)
    assert len(read.asked("PUT", "/session/")) <= 3
    assert first.content["file"]["size"] == 2000


@pytest.mark.slow
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2:9/steal",
        "https://evil.example/up",
        "https://sharepoint.com.evil.example/up",
        "http://eu.up.1drv.com/up",
        "https://eu.up.1drv.com:8443/up",
        "file:///etc/passwd",
        "",
    ],
)
async def test_an_upload_goes_to_no_other_host(read: Desk, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(drive, "_IN_ONE", 10)

    def lure(passed: Passed) -> Passed:
        body = f'{{"uploadUrl": "{url}"}}'.encode()
        return replace(passed, answered=body) if "createUploadSession" in passed.path else passed

    read.front.change = lure
    with pytest.raises(Exception, match=r"must not go|before anything was done") as error:
        await read.house.call("files_upload", name="big.txt", text="x" * 100)
    assert "evil" not in str(error.value)
    assert await read.named("big.txt") == []


@pytest.mark.slow
async def test_nothing_is_replaced_by_its_name(read: Desk) -> None:
    for tool, more in (("files_upload", {"text": "mine"}), ("folders_create", {})):
        with pytest.raises(Conflict, match="already"):
            await read.house.call(tool, name="lease 2026.TXT" if tool == "folders_create" else "Lease 2026.txt",
                                  folder="flat", **more)  # fmt: skip
    assert await read.content("lease") == FILES["lease"][2]


@pytest.mark.slow
async def test_a_folder_is_made_and_taken_back_while_it_is_empty(read: Desk) -> None:
    made = await read.house.call("folders_create", name="Receipts", folder="flat")
    assert made["file"]["kind"] == "folder"
    call = read.make("actions_undo")
    await read.other("POST", f"items/{made['file']['id']}/children", json={"name": "a.txt"})
    with pytest.raises(Conflict, match="left as it is"):
        await read.house.send(call)
    second = await read.house.call("folders_create", name="Empty", folder="flat")
    await read.house.call("actions_undo")
    assert await read.gone(second["file"]["id"])


@pytest.mark.slow
async def test_a_saved_file_is_taken_back_unless_it_was_changed(read: Desk) -> None:
    made = await read.house.call("files_upload", name="a.txt", text="one")
    await read.house.call("actions_undo")
    assert await read.gone(made["file"]["id"])
    made = await read.house.call("files_upload", name="b.txt", text="one")
    await read.other("PUT", f"items/{made['file']['id']}/content", content=b"two", headers=PLAIN)
    with pytest.raises(Conflict, match="changed since"):
        await read.house.call("actions_undo")


@pytest.mark.slow
async def test_a_content_is_replaced_and_put_back(read: Desk) -> None:
    revision = await read.revision("lease")
    written = await read.house.call("files_update", file="lease", revision=revision, text=TEXT)
    assert await read.content("lease") == TEXT.encode()
    assert written["revision"] != revision
    await read.house.call("actions_undo")
    assert await read.content("lease") == FILES["lease"][2]


@pytest.mark.slow
async def test_a_large_content_is_replaced_in_pieces(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "_IN_ONE", 1_000)
    revision = await read.revision("lease")
    await read.house.call("files_update", file="lease", revision=revision, text="x" * 4000)
    assert await read.content("lease") == b"x" * 4000
    [begun] = read.asked("POST", "/createUploadSession")
    assert revision.encode() not in begun.asked


@pytest.mark.slow
async def test_a_content_that_changed_since_it_was_read_is_not_replaced(read: Desk) -> None:
    revision = await read.revision("lease")
    await read.other("PUT", "items/lease/content", content=b"somebody else", headers=PLAIN)
    with pytest.raises(Conflict, match="Read it again"):
        await read.house.call("files_update", file="lease", revision=revision, text=TEXT)
    assert await read.content("lease") == b"somebody else"


@pytest.mark.slow
async def test_a_content_that_changes_in_between_is_not_replaced(read: Desk) -> None:
    revision = await read.revision("lease")

    def race(passed: Passed) -> Passed:
        if "/versions" in passed.path:
            read.mock.ask("PUT", "/v1.0/me/drive/items/lease/content", content=b"somebody else", headers=PLAIN)
        return passed

    read.front.change = race
    with pytest.raises(Conflict):
        await read.house.call("files_update", file="lease", revision=revision, text=TEXT)
    assert await read.content("lease") == b"somebody else"


@pytest.mark.slow
async def test_a_content_that_changed_since_is_not_put_back(read: Desk) -> None:
    await read.house.call("files_update", file="lease", revision=await read.revision("lease"), text=TEXT)
    await read.other("PUT", "items/lease/content", content=b"somebody else", headers=PLAIN)
    with pytest.raises(Conflict, match="changed since"):
        await read.house.call("actions_undo")


@pytest.mark.slow
async def test_a_file_without_versions_is_written_and_not_put_back(read: Desk) -> None:
    read.refuse("GET", "/versions", 400, "notSupported")
    await read.house.call("files_update", file="lease", revision=await read.revision("lease"), text=TEXT)
    assert await read.content("lease") == TEXT.encode()
    with pytest.raises(Conflict, match="not known here"):
        await read.house.call("actions_undo")


@pytest.mark.slow
async def test_an_earlier_content_that_onedrive_dropped_is_said_to_be_gone(read: Desk) -> None:
    await read.house.call("files_update", file="lease", revision=await read.revision("lease"), text=TEXT)
    read.front._versions.clear()
    with pytest.raises(Conflict, match="does not keep"):
        await read.house.call("actions_undo")


@pytest.mark.slow
async def test_what_others_see_is_only_done_when_it_was_said(read: Desk) -> None:
    with pytest.raises(Conflict, match="seen_by_others=true"):
        await read.house.call("files_upload", name="a.txt", text="one", folder="club")
    assert await read.named("a.txt") == []
    call = read.make("files_upload", name="a.txt", text="one", folder="club", seen_by_others=True)
    await read.house.send(call)
    with pytest.raises(Conflict, match="reached other people"):
        await read.house.call("actions_undo", action=call.id)


@pytest.mark.slow
async def test_what_lies_in_a_shared_folder_is_seen_by_others_too(read: Desk) -> None:
    revision = await read.revision("minutes")
    with pytest.raises(Conflict, match="seen_by_others"):
        await read.house.call("files_update", file="minutes", revision=revision, text=TEXT)
    assert await read.content("minutes") == FILES["minutes"][2]


@pytest.mark.slow
async def test_saving_alone_reaches_the_assistants_own_folder_and_no_further(read: Desk) -> None:
    read.allow("read", "save")
    made = await read.house.call("files_upload", name="a.txt", text="one")
    below = await read.house.call("folders_create", name="b")
    await read.house.call("files_upload", name="c.txt", text="two", folder=below["file"]["id"])
    revision = await read.revision(made["file"]["id"])
    await read.house.call("files_update", file=made["file"]["id"], revision=revision, text="new")
    for folder in ("flat", "root"):
        with pytest.raises(AccountRequired, match="Change and file all files"):
            await read.house.call("files_upload", name="a.txt", text="one", folder=folder)
    with pytest.raises(AccountRequired, match="Change and file all files"):
        await read.house.call("files_update", file="lease", revision=await read.revision("lease"), text="new")
    assert await read.content("lease") == FILES["lease"][2]


@pytest.mark.slow
async def test_sharing_does_not_allow_saving_elsewhere(read: Desk) -> None:
    read.allow("share", "save")
    with pytest.raises(AccountRequired, match="own folder"):
        await read.house.call("files_upload", name="a.txt", text="one", folder="flat")


@pytest.mark.slow
async def test_nothing_is_saved_into_what_is_no_folder(read: Desk) -> None:
    with pytest.raises(InvalidRequest, match="not a folder"):
        await read.house.call("files_upload", name="a.txt", text="one", folder="lease")
    with pytest.raises(NotFound):
        await read.house.call("files_upload", name="a.txt", text="one", folder="nothing")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["../x", "..", "a/b", "a\\b", "a\nb", "a\u202eb", " ", "n" * 4000, "a:b", 'a"b', "a*"])
async def test_a_name_is_no_path(read: Desk, name: str) -> None:
    for tool, more in (("files_upload", {"text": "x"}), ("folders_create", {}), ("files_rename", {"file": "lease"})):
        with pytest.raises(InvalidRequest):
            await read.house.call(tool, name=name, **more)
    assert not read.asked("POST") + read.asked("PATCH") + read.asked("PUT")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["50% of it.txt", "a%2Fb.txt", "#1 & 2.txt", "Größe.txt", "it's.txt"])
async def test_a_name_is_kept_as_it_is(read: Desk, name: str) -> None:
    made = await read.house.call("files_upload", name=name, text="x")
    assert (await read.held())[made["file"]["id"]]["name"] == name


@pytest.mark.slow
async def test_a_full_drive_is_said_to_be(read: Desk) -> None:
    read.refuse("PUT", "/content", 507, "quotaLimitReached")
    with pytest.raises(Forbidden, match="full"):
        await read.house.call("files_upload", name="a.txt", text="one")


@pytest.mark.slow
async def test_a_file_that_somebody_has_open_is_said_to_be(read: Desk) -> None:
    revision = await read.revision("lease")
    read.refuse("PUT", "/content", 423, "resourceLocked")
    with pytest.raises(Conflict, match="open or locked"):
        await read.house.call("files_update", file="lease", revision=revision, text="x")


@pytest.mark.slow
async def test_a_version_with_a_strange_name_is_not_asked_for(read: Desk) -> None:
    def lure(passed: Passed) -> Passed:
        body = b'{"value": [{"id": "../../root"}]}'
        return replace(passed, answered=body) if passed.path.split("?")[0].endswith("/versions") else passed

    read.front.change = lure
    await read.house.call("files_update", file="lease", revision=await read.revision("lease"), text="x")
    with pytest.raises(Conflict, match="not known here"):
        await read.house.call("actions_undo")


@pytest.mark.slow
async def test_the_preview_shows_all_that_is_saved_and_stays_the_same(read: Desk) -> None:
    given = {"name": "Plan.txt", "text": TEXT, "folder": "flat"}
    shown = await read.house.preview("files_upload", **given)
    assert shown == await read.house.preview("files_upload", **given)
    fields = {each.label: each.value for each in shown.fields}
    assert fields["Folder"] == "OneDrive / Flat"
    assert shown.content == TEXT
    assert shown.account == "ada@home.example"
    own = await read.house.preview("folders_create", name="x")
    assert "own folder" in {each.label: each.value for each in own.fields}["Folder"]
    update = await read.house.preview("files_update", file="lease", revision="abc", text=TEXT)
    assert "Lease 2026.txt" in update.fields[0].value
    assert not read.front.seen


@pytest.mark.parametrize(
    ("content", "digest"),
    [
        ("", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("Sg==", "SgAAAAAAAAAAAAAAAQAAAAAAAAA="),
        ("tbQ=", "taAFAAAAAAAAAAAAAgAAAAAAAAA="),
        ("0pZP", "0rDEEwAAAAAAAAAAAwAAAAAAAAA="),
        ("jRRDVA==", "jaDAEKgAAAAAAAAABAAAAAAAAAA="),
        ("eAV52qE=", "eChAHrQRCgAAAAAABQAAAAAAAAA="),
        ("luBZlaT6", "lgBHFipBCn0AAAAABgAAAAAAAAA="),
    ],
)
def test_the_digest_of_onedrive_is_made_as_others_make_it(content: str, digest: str) -> None:
    assert quick_xor(base64.b64decode(content)) == digest


def test_the_digest_of_long_contents_is_that_of_the_definition() -> None:
    content = bytes(each * 7 % 256 for each in range(1000))
    bits = 0
    for number, byte in enumerate(content):
        for bit in range(8):
            bits ^= (byte >> bit & 1) << ((number * 11 + bit) % 160)
    bits ^= len(content) << 96
    assert base64.b64decode(quick_xor(content)) == bits.to_bytes(20, "little")


def test_digests_are_compared_by_their_kind() -> None:
    assert is_same("sha1:A9993E364706816ABA3E25717850C26C9CD0D89D", b"abc") is True
    assert is_same(f"quickXor:{quick_xor(b'abc')}", b"abd") is False
    assert is_same("", b"abc") is None
