"""New files, new folders and other contents: as asked, in the right place, and back again."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from connectors.google_drive import contents, drive
from openassistant.errors import (
    AccountRequired,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
)
from tests.connectors.google_drive.conftest import CAROL, Desk
from tests.peers.front import Passed

TEXT = "Sign on Friday — ten o'clock."


async def test_a_text_is_saved_where_it_was_asked_for(read: Desk) -> None:
    made = await read.house.call("files_upload", name="Plan.txt", text=TEXT, folder="1folderFlat")
    held = await read.file(made["file"]["id"])
    assert (held["name"], held["content"], held["parents"]) == ("Plan.txt", TEXT, ["1folderFlat"])
    assert await read.names("plan") == ["Plan.txt"]


async def test_what_is_sent_is_all_that_was_given(read: Desk) -> None:
    await read.house.call("files_upload", name="Plan.txt", text=f"{TEXT}\n\n")
    [asked] = read.asked("POST", "/upload/")
    assert f"\r\n\r\n{TEXT}\n\n\r\n--part-".encode() in asked.asked


async def test_bytes_are_saved_as_they_are(read: Desk) -> None:
    content = bytes(range(256)) * 40 + b"\r\n--part-0-of-open-assistant--"
    packed = base64.b64encode(content).decode()
    made = await read.house.call("files_upload", name="scan.pdf", data=packed)
    held = await read.file(made["file"]["id"])
    assert (held["mimeType"], base64.b64decode(held["data"])) == ("application/pdf", content)


async def test_a_large_file_goes_in_pieces(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "_IN_ONE", 100)
    monkeypatch.setattr(drive, "_PIECE", 4096)
    content = bytes(range(256)) * 40
    made = await read.house.call("files_upload", name="big.bin", data=base64.b64encode(content).decode())
    assert base64.b64decode((await read.file(made["file"]["id"]))["data"]) == content
    assert [each.status for each in read.asked("PUT", "upload_id=")] == [308, 308, 200]


async def test_a_piece_whose_answer_was_lost_is_not_sent_twice(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "_IN_ONE", 100)
    monkeypatch.setattr(drive, "_PIECE", 4096)
    content = bytes(range(256)) * 40
    read.break_off("PUT", "upload_id=", status=503)
    made = await read.house.call("files_upload", name="big.bin", data=base64.b64encode(content).decode())
    assert base64.b64decode((await read.file(made["file"]["id"]))["data"]) == content
    assert [len(each.asked) for each in read.asked("PUT")] == [4096, 0, 4096, 2048]


async def test_an_upload_is_not_sent_to_another_host(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "_IN_ONE", 10)

    def lure(passed: Passed) -> Passed:
        if "uploadType=resumable" in passed.path and passed.method == "POST":
            return replace(passed, headers={"Location": "http://127.0.0.2:9/steal?upload_id=1"})
        return passed

    read.front.change = lure
    with pytest.raises(Exception, match=r"another host|before anything was done") as error:
        await read.house.call("files_upload", name="big.bin", text="x" * 100)
    assert "127.0.0.2" not in str(error.value)
    assert not read.asked("PUT")


async def test_a_folder_is_made_and_taken_back_while_it_is_empty(read: Desk) -> None:
    made = await read.house.call("folders_create", name="Receipts", folder="1folderFlat")
    assert (await read.file(made["file"]["id"]))["mimeType"].endswith("folder")
    await read.house.call("actions_undo")
    assert (await read.file(made["file"]["id"]))["trashed"] is True


async def test_a_folder_in_which_something_lies_is_not_taken_back(read: Desk) -> None:
    made = await read.house.call("folders_create", name="Receipts")
    call = read.make("actions_undo")
    await read.other("POST", "drive/v3/files", json={"name": "a.txt", "parents": [made["file"]["id"]]})
    read.world.advance(minutes=5)
    with pytest.raises(Conflict, match="left as it is"):
        await read.house.send(call)
    assert (await read.file(made["file"]["id"]))["trashed"] is False


async def test_a_saved_file_is_taken_back_unless_it_was_changed(read: Desk) -> None:
    made = await read.house.call("files_upload", name="a.txt", text="one")
    await read.house.call("actions_undo")
    assert (await read.file(made["file"]["id"]))["trashed"] is True
    made = await read.house.call("files_upload", name="b.txt", text="one")
    await read.other("PATCH", f"upload/drive/v3/files/{made['file']['id']}?uploadType=media", content=b"two")
    with pytest.raises(Conflict, match="changed since"):
        await read.house.call("actions_undo")


async def test_a_content_is_replaced_and_put_back(read: Desk) -> None:
    revision = (await read.house.call("files_get", file="1lease"))["revision"]
    written = await read.house.call("files_update", file="1lease", revision=revision, text=TEXT)
    assert (await read.file("1lease"))["content"] == TEXT
    assert written["was_revision"] == revision != written["revision"]
    await read.house.call("actions_undo")
    assert (await read.file("1lease"))["content"] == "The lease ends on 31 March."


async def test_a_content_that_changed_since_it_was_read_is_not_replaced(read: Desk) -> None:
    revision = (await read.house.call("files_get", file="1lease"))["revision"]
    await read.other("PATCH", "upload/drive/v3/files/1lease?uploadType=media", content=b"somebody else")
    with pytest.raises(Conflict, match="Read it again"):
        await read.house.call("files_update", file="1lease", revision=revision, text=TEXT)
    assert (await read.file("1lease"))["content"] == "somebody else"


async def test_a_content_that_changed_since_is_not_put_back(read: Desk) -> None:
    revision = (await read.house.call("files_get", file="1lease"))["revision"]
    await read.house.call("files_update", file="1lease", revision=revision, text=TEXT)
    await read.other("PATCH", "upload/drive/v3/files/1lease?uploadType=media", content=b"somebody else")
    with pytest.raises(Conflict, match="changed since"):
        await read.house.call("actions_undo")
    assert (await read.file("1lease"))["content"] == "somebody else"


async def test_an_earlier_content_that_google_dropped_is_said_to_be_gone(read: Desk) -> None:
    revision = (await read.house.call("files_get", file="1lease"))["revision"]
    await read.house.call("files_update", file="1lease", revision=revision, text=TEXT)
    read.front._revisions.clear()
    with pytest.raises(Conflict, match="does not keep"):
        await read.house.call("actions_undo")


@pytest.mark.parametrize(
    ("file", "words"), [("1letter", "Google document"), ("1folderFlat", "folder"), ("1old", "trash")]
)
async def test_what_has_no_content_of_its_own_is_not_written(read: Desk, file: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await read.house.call("files_update", file=file, revision="1", text=TEXT)


async def test_what_others_see_is_only_done_when_it_was_said(read: Desk) -> None:
    await read.house.call("files_share", file="1folderFlat", person=CAROL)
    with pytest.raises(Conflict, match="seen_by_others=true"):
        await read.house.call("files_upload", name="a.txt", text="one", folder="1folderFlat")
    assert await read.named("a.txt") == []
    call = read.make("files_upload", name="a.txt", text="one", folder="1folderFlat", seen_by_others=True)
    assert (await read.house.send(call)).content["file"]["name"]["text"] == "a.txt"
    with pytest.raises(Conflict, match="reached other people"):
        await read.house.call("actions_undo", action=call.id)


async def test_nothing_is_saved_into_a_file_or_a_folder_in_the_trash(read: Desk) -> None:
    with pytest.raises(InvalidRequest, match="not a folder"):
        await read.house.call("files_upload", name="a.txt", text="one", folder="1lease")
    await read.other("PATCH", "drive/v3/files/1folderFlat", json={"trashed": True})
    with pytest.raises(NotFound, match="trash"):
        await read.house.call("files_upload", name="a.txt", text="one", folder="1folderFlat")
    await read.other("DELETE", "drive/v3/files/1folderFlat")
    with pytest.raises(NotFound):
        await read.house.call("files_upload", name="a.txt", text="one", folder="1folderFlat")


@pytest.mark.parametrize("name", ["../x", "..", "a/b", "a\\b", "a\nb", "a\u202eb", " ", "n" * 4000])
async def test_a_name_is_no_path(read: Desk, name: str) -> None:
    for tool, more in (("files_upload", {"text": "x"}), ("folders_create", {}), ("files_rename", {"file": "1lease"})):
        with pytest.raises(InvalidRequest):
            await read.house.call(tool, name=name, **more)
    assert not read.asked("POST")
    assert not read.asked("PATCH")


@pytest.mark.parametrize("kind", ["application/vnd.google-apps.script", "text/plain\r\nX: y", "nonsense", "a/b; c=d"])
def test_a_type_is_a_media_type(kind: str) -> None:
    with pytest.raises(InvalidRequest, match="media type"):
        contents.content_of("a", None, type=kind)


async def test_a_full_drive_is_said_to_be(read: Desk) -> None:
    def full(passed: Passed) -> Passed:
        body = b'{"error": {"code": 403, "errors": [{"reason": "storageQuotaExceeded"}]}}'
        return replace(passed, status=403, answered=body) if passed.method == "POST" else passed

    read.front.change = full
    with pytest.raises(Forbidden, match="full"):
        await read.house.call("files_upload", name="a.txt", text="one")


async def test_saving_needs_what_saving_needs(read: Desk) -> None:
    read.allow("browse", "read")
    with pytest.raises(AccountRequired, match="Save new files"):
        await read.house.call("files_upload", name="a.txt", text="one")


async def test_the_preview_shows_all_that_is_saved_and_stays_the_same(read: Desk) -> None:
    given = {"name": "Plan.txt", "text": TEXT, "folder": "1folderFlat"}
    shown = await read.house.preview("files_upload", **given)
    assert shown == await read.house.preview("files_upload", **given)
    fields = {each.label: each.value for each in shown.fields}
    assert fields["Folder"] == "My Drive / Flat"
    assert fields["Size"] == f"{len(TEXT.encode())} bytes"
    assert shown.content == TEXT
    assert not read.front.seen
