"""Servers that lack what Dovecot has: the same mailbox, read, filed and followed by what is left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from openassistant.context import utc_now
from tests.peers.dovecot import Dovecot
from tests.peers.mailbox import ADA, CAROL, Letter, add_letter

pytestmark = pytest.mark.needs_dovecot

FLAVOURS: dict[str, dict[str, Any]] = {
    "bare": {"capability": "IMAP4rev1", "marks": False},
    "condstore": {"capability": "IMAP4rev1 CONDSTORE ENABLE UIDPLUS", "marks": False},
    "list-status": {"capability": "IMAP4rev1 LIST-EXTENDED LIST-STATUS ESEARCH MOVE"},
    "prefix": {"prefix": "INBOX.", "marks": False},
}


@pytest.fixture(params=FLAVOURS)
def imap_server(request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    with Dovecot(**FLAVOURS[request.param]) as server:
        yield server


def deliver(post: Any, name: str) -> None:
    letter = Letter(CAROL, ADA, name.title(), f"There are {name}.", utc_now(), f"<{name}@example.org>")
    add_letter(post.maildir, letter, owner=post.imap.owner)


async def test_folders_have_the_names_and_roles_that_people_know(read: Any) -> None:
    folders = {each["name"]["text"]: each["role"] for each in (await read.house.call("folders_list"))["folders"]}
    assert folders == {
        "INBOX": "inbox",
        "Sent": "sent",
        "Drafts": "drafts",
        "Trash": "trash",
        "Junk": "junk",
        "Archive": "archive",
    }


async def test_what_comes_goes_and_is_read_elsewhere_is_followed(read: Any) -> None:
    deliver(read, "quinces")
    deliver(read, "medlars")
    progress = await read.sync()
    assert (progress.done, progress.total) == (42, 42)
    [gone] = read.copies("<medlars@example.org>", "")
    [opened] = read.copies("<quinces@example.org>", "")
    gone.unlink()
    opened.rename(opened.with_name(opened.name.partition(":2,")[0] + ":2,S"))
    await read.sync()
    assert await read.search("medlars") == []
    assert [each["unread"] for each in await read.search("quinces")] == [False]


async def test_a_mail_that_is_moved_lies_in_one_folder(read: Any) -> None:
    message = await read.lease()
    await read.house.call("messages_move", messages=[message], folder="archive")
    progress = await read.sync()
    assert progress.done == progress.total == 40
    assert len(read.copies(read.seeded.lease_message_id, "")) == 0
    assert len(read.copies(read.seeded.lease_message_id, ".Archive")) == 1
    assert {each["id"]: each["folder"] for each in await read.search("lease")}[message] == "Archive"


@pytest.mark.parametrize("folders", [200])
async def test_hundreds_of_folders_are_looked_at_without_opening_those_that_did_not_change(
    read: Any, folders: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(folders):
        for part in ("", "cur", "new", "tmp"):
            folder = read.maildir / f".Year {number}" / part
            folder.mkdir()
            os.chown(folder, *read.imap.owner)
    await read.sync()
    deliver(read, "quinces")
    from connectors.mail.imap import ImapSession

    opened: list[str] = []
    plain = ImapSession.open_at

    def noted(self: ImapSession, folder: Any, **known: int) -> Any:
        opened.append(folder.name)
        return plain(self, folder, **known)

    monkeypatch.setattr(ImapSession, "open_at", noted)
    await read.sync()
    assert opened == ["INBOX"]
    assert len((await read.house.call("folders_list"))["folders"]) == 6 + folders
