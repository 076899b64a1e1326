"""The mirror follows the mailbox: newest first, deltas of each folder, moves, deletions, and what goes wrong."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import Connection, TextClause, text

from connectors.outlook_mail import mirror
from openassistant.errors import OaError
from tests.connectors.outlook_mail.conftest import ADA, CAROL, Desk
from tests.peers.graph_mail import Mailbox

_DELTA = "GET /me/mailFolders/.*/messages/delta"


def deltas(desk: Desk, since: int = 0) -> list[dict[str, str]]:
    """The queries of the deltas that were asked for."""
    return [each.query for each in desk.graph.asked[since:] if each.path.endswith("messages/delta")]


async def test_a_second_pass_reads_only_what_changed(read: Desk) -> None:
    read.box.add(subject="Tea", when=read.ago(minutes=1))
    before = len(read.graph.asked)
    await read.sync()
    assert all("$deltatoken" in query for query in deltas(read, before))
    assert await read.subjects("tea") == ["Tea"]


async def test_the_end_of_a_pass_tells_what_the_copy_holds(read: Desk) -> None:
    told = await read.progress()
    assert (told.done, told.total, told.what) == (6, 6, "mails")
    read.box.add(subject="Tea", when=read.ago(minutes=1))
    told = await read.sync()
    assert (told.done, told.total) == (7, 7)


async def test_every_request_asks_for_ids_that_stay(read: Desk) -> None:
    assert all(each.immutable for each in read.graph.asked)


@pytest.mark.parametrize("short", [True, False])
async def test_a_change_is_followed_when_only_the_change_is_told(read: Desk, *, short: bool) -> None:
    read.box.short_changes = short
    lease = next(each for each in read.lying("inbox") if each.values["subject"] == "Lease")
    read.box.change(lease, {"isRead": True, "categories": ["Blue category"]})
    await read.sync()
    [found] = await read.search("subject:lease", folder="inbox")
    assert (found["unread"], found["categories"]["text"], found["excerpt"]["text"][:11]) == (
        False, "Blue category", "Please sign",
    )  # fmt: skip


async def test_a_change_of_a_mail_that_is_not_known_brings_all_of_it(read: Desk) -> None:
    tea = read.box.add(subject="Tea", when=read.ago(minutes=1))
    read.box.change(tea, {"isRead": True})
    inbox = read.box.folder("inbox")
    inbox.feed._entries = [each for each in inbox.feed._entries if each[1] != tea.id or each[2] is not None]
    await read.sync()
    assert await read.subjects("subject:tea") == ["Tea"]


async def test_deletions_and_moves_are_followed(read: Desk) -> None:
    lease = next(each for each in read.lying("inbox") if each.values["subject"] == "Lease")
    before = await read.mail("Lease")
    read.box.remove(next(each for each in read.lying("inbox") if each.values["subject"] == "Minutes"))
    read.box.move(lease, read.box.folder("archive"))
    await read.sync()
    assert await read.subjects() == ["Lease", "Rent", "Sails", "Old news"]
    assert await read.mail("Lease", "archive") == before


async def test_what_is_sent_elsewhere_is_known_as_written_to(read: Desk) -> None:
    draft = read.box.create(
        {"subject": "Tea", "toRecipients": [{"emailAddress": {"address": "erin@example.net"}}]},
        read.box.folder("drafts"),
    )
    await read.sync()
    read.box.send(draft)
    await read.sync()
    shown = await read.house.preview("messages_send", to=["erin@example.net"], subject="x", text="y")
    assert "You wrote to this address once" in str(shown.destinations[0].note)


async def test_a_sent_mail_that_outlook_gave_another_id_stands_once_in_the_mirror(read: Desk) -> None:
    await read.house.call("messages_send", to=[CAROL], subject="Tea", text="At four?")
    [mail] = read.box.sent
    read.box.remove(mail)
    read.box.add("sentitems", subject="Tea", sender=ADA, to=(CAROL,), when=read.now(), isRead=True)
    await read.sync()
    read.later += timedelta(hours=2)
    await read.sync()
    await read.sync()
    assert await read.subjects("subject:tea", folder="sent") == ["Tea"]


async def test_the_newest_of_each_folder_are_there_before_all_is_read(desk: Desk) -> None:
    for number in range(230):
        desk.box.add(subject=f"Tea {number}", when=desk.ago(hours=number + 1))
    desk.box.add("archive", subject="Filed", when=desk.ago(days=99))
    desk.graph.fault("error", "GET /me/mailFolders/.*/messages/delta", status=500, code="ErrorInternalServerError",
                     on_call=10, times=99)  # fmt: skip
    assert (await desk.sync()).state == "failed"
    found = await desk.house.call("messages_search", limit=100)
    assert found["messages"][0]["subject"]["text"] == "Tea 0"
    assert "still being read" in found["note"]
    assert await desk.subjects("subject:filed") == ["Filed"]


async def test_a_pass_that_was_stopped_goes_on_where_it_was(desk: Desk) -> None:
    for number in range(120):
        desk.box.add(subject=f"Tea {number}", when=desk.ago(hours=number + 1))
    desk.graph.fault("error", _DELTA, on_call=2, status=500, code="ErrorInternalServerError", times=1)
    assert (await desk.sync()).state == "failed"
    await desk.sync()
    inbox = f"/me/mailFolders/{quote(desk.box.folder('inbox').id, safe='')}/messages/delta"
    first = [each for each in desk.graph.asked if each.path == inbox and "$orderby" in each.query]
    assert len(first) == 1
    counted = (await desk.house.call("folders_list"))["folders"]
    assert counted[0]["mails"] == 120


@pytest.mark.parametrize("how", ["gone", "expired"])
async def test_a_delta_that_graph_forgot_begins_anew(read: Desk, how: str) -> None:
    read.box.remove(next(each for each in read.lying("inbox") if each.values["subject"] == "Lease"))
    if how == "gone":
        read.graph.fault("gone", _DELTA)
    else:
        read.graph.expire()
    read.box.add(subject="Tea", when=read.ago(minutes=1))
    await read.sync()
    assert await read.subjects() == ["Tea", "Minutes", "Rent", "Sails", "Old news"]


async def test_a_folder_that_is_gone_takes_its_mails_along(read: Desk) -> None:
    boat = next(each for each in read.box.folders.values() if each.name == "Boat")
    read.box.remove_folder(boat)
    await read.sync()
    assert await read.subjects("sails") == []
    assert "Projects/Boat" not in [each["name"]["text"] for each in (await read.house.call("folders_list"))["folders"]]


async def test_a_renamed_folder_keeps_its_mails(read: Desk) -> None:
    next(each for each in read.box.folders.values() if each.name == "Projects").name = "Work"
    await read.sync()
    assert [each["folder"] for each in await read.search("sails")] == ["Work/Boat"]


async def test_a_next_page_on_another_host_is_not_asked_for(desk: Desk) -> None:
    for number in range(70):
        desk.box.add(subject=f"Tea {number}", when=desk.ago(hours=number + 1))
    desk.graph.fault("foreign_link", _DELTA, times=9)
    assert (await desk.sync()).state == "failed"
    kept = await _folders(desk)
    assert not any("attacker.example" in each.link for each in kept)


async def _folders(desk: Desk) -> list[mirror.Folder]:
    call, account = desk.house.make("folders_list"), desk.house.account.account
    async with desk.house.runner.context(desk.house.context(call), call.user, call.account) as context:
        return await context.store.read(lambda connection: mirror.folders(connection, account))


async def test_half_an_answer_is_asked_for_again(read: Desk) -> None:
    read.box.add(subject="Tea", when=read.ago(minutes=1))
    read.graph.fault("truncated", _DELTA)
    await read.sync()
    await read.sync()
    assert await read.subjects("tea") == ["Tea"]


@pytest.mark.parametrize("retry_after", [0, None])
async def test_a_pause_is_kept_and_the_pass_goes_on(read: Desk, retry_after: float | None) -> None:
    read.box.add(subject="Tea", when=read.ago(minutes=1))
    options: dict[str, Any] = {} if retry_after is None else {"retry_after": retry_after}
    read.graph.fault("throttled", _DELTA, **options)
    await read.sync()
    assert await read.subjects("tea") == ["Tea"]
    assert read.graph.most_at_once <= 4


async def test_a_refused_token_in_the_middle_of_a_pass_says_to_connect_again(read: Desk) -> None:
    read.graph.fault("unauthorized", _DELTA, times=9)
    progress = await read.sync()
    assert progress.state == "failed"
    assert "obviously-fake-token" not in progress.model_dump_json()


async def test_odd_mails_are_left_out_and_the_others_read(desk: Desk) -> None:
    deep: Any = []
    for _ in range(50):
        deep = [deep]
    good = {
        "id": "AAkGood=", "subject": "Good\x00\r\nBcc: x", "receivedDateTime": "2037-10-20T07:00:00Z",
        "from": {"emailAddress": {"address": "  Carol@Example.org\n", "name": "C\u202egnp.exe" * 99}},
        "toRecipients": deep, "ccRecipients": [{"emailAddress": {"address": 5}}, None, 7] * 900,
        "bodyPreview": "y\u0000" * 9_999, "flag": "x", "categories": [5, "", "Fine", deep], "isRead": "no",
        "conversationId": {"a": 1}, "importance": 5, "hasAttachments": None,
    }  # fmt: skip
    odd = [
        {}, {"id": "..", "receivedDateTime": "2037-10-20T07:00:00Z"}, {"id": 5}, {"id": "a"},
        {"id": "b", "receivedDateTime": "yesterday"}, None, 7, "x", {"id": ""},
        {"id": "c", "receivedDateTime": "0001-01-01T00:00:00Z"}, {"id": "d" * 2_000, "receivedDateTime": "x"}, good,
    ]  # fmt: skip
    inbox = f"/me/mailFolders/{quote(desk.box.folder('inbox').id, safe='')}/messages/delta"
    body = {"value": odd, "@odata.deltaLink": f"{desk.graph.url}{inbox}?$select=id"}
    desk.graph.fault("answer", f"GET {re.escape(inbox)}", body=body)
    desk.graph.fault("answer", f"GET {re.escape(inbox)}", on_call=2, times=9, body={**body, "value": []})
    await desk.sync()
    [found] = await desk.search("subject:good")
    assert (found["subject"]["text"], found["sender"]["authors"]) == ("Good Bcc: x", [CAROL])
    assert (len(found["excerpt"]["text"]) <= 600, found["categories"]["text"], found["attachments"]) == (
        True, "Fine", False,
    )  # fmt: skip


async def test_halves_of_characters_and_control_characters_break_nothing(read: Desk) -> None:
    bad = "x\ud800\x00\u202e\udfff"
    person = {"emailAddress": {"address": f"carol{bad}@example.org", "name": bad}}
    lease = next(each for each in read.lying("inbox") if each.values["subject"] == "Lease")
    lease.attachments = [{"id": "A1", "name": f"../{bad}.txt", "contentType": bad, "size": -1, "isInline": False},
                         {"id": bad, "name": "x", "isInline": False}]  # fmt: skip
    read.box.change(
        lease,
        {
            "subject": f"Lease {bad}", "from": person, "toRecipients": [person], "categories": [bad],
            "internetMessageId": bad, "conversationId": bad,
            "body": {"contentType": "html", "content": f"<p>{bad}</p>"},
        },
    )  # fmt: skip
    read.box.folder("archive").name = f"{bad}/y"
    read.box.change(lease, {"_": 1})
    await read.sync()
    message = (await read.search("subject:lease", folder="inbox"))[0]["id"]
    assert (await read.house.call("threads_read", message=message))["messages"][0]["text"]["text"].startswith("x")
    files = (await read.house.call("attachments_list", message=message))["attachments"]
    assert [(each["type"], each["size"], "/" in each["name"]["text"]) for each in files] == [
        ("application/octet-stream", 0, False),
    ]  # fmt: skip
    assert "x" in [each["name"]["text"][0] for each in (await read.house.call("folders_list"))["folders"]]


async def test_a_body_of_a_size_that_is_not_read_is_an_error_in_words(read: Desk) -> None:
    read.box.add(subject="Huge", text="y" * 17_000_000, when=read.ago(minutes=1))
    await read.sync()
    message = await read.mail("Huge")
    with pytest.raises(OaError) as refused:
        await read.house.call("messages_get", message=message)
    assert "yyyy" not in refused.value.message


async def test_another_account_has_a_mirror_of_its_own(read: Desk) -> None:
    first, lease = read.house.account, await read.mail("Lease")
    read.house.account = first.model_copy(update={"account": "1" * 32})
    read.connect("ada.work@home.example")
    read.graph.user("ada.work@home.example").part(Mailbox).add(subject="Stand-up", when=read.ago(minutes=1))
    await read.sync()
    assert await read.subjects() == ["Stand-up"]
    with pytest.raises(OaError, match="no mail with that id"):
        await read.house.call("messages_get", message=lease)


def _counted(connection: Connection, *, query: TextClause) -> int:
    return int(connection.execute(query).scalar_one())


async def test_a_removed_account_leaves_nothing(read: Desk) -> None:
    message = await read.mail("Minutes")
    await read.house.call("threads_read", message=message)
    await read.house.call("attachments_list", message=message)
    made = await read.house.call("drafts_create", to=[CAROL], subject="Tea", text="At four?")
    await read.house.call("drafts_read", draft=made["draft"])
    read.box.add(subject="Coffee", when=read.ago(minutes=1))
    await read.sync()
    connector = read.house.connector
    assert connector.forgetter is not None
    call = read.house.make("folders_list")
    tables = ("folders", "messages", "texts", "files", "drafts", "written", "changes", "acts", "search")
    async with read.house.runner.context(read.house.context(call), call.user, call.account) as context:
        queries = [text(f"SELECT count(*) FROM outlook_mail_{table}") for table in tables]
        assert all([await context.store.read(partial(_counted, query=query)) for query in queries])
        await connector.forgetter(context)
        assert not any([await context.store.read(partial(_counted, query=query)) for query in queries])


async def test_changes_are_kept_for_thirty_days(read: Desk) -> None:
    read.box.add(subject="Tea", when=read.ago(minutes=1))
    await read.sync()
    read.later += timedelta(days=31)
    read.box.add(subject="Coffee", when=read.now())
    await read.sync()
    await read.sync()
    found = await read.house.call("changes_list", since="2037-10-01")
    assert [each["subject"]["text"] for each in found["changes"]] == ["Coffee"]


async def test_no_token_and_no_words_are_in_what_goes_wrong(desk: Desk) -> None:
    desk.box.add(subject="Planted words", when=desk.ago(hours=1))
    desk.graph.fault("error", "GET /me/mailFolders", status=400, code="ErrorPlanted", times=9)
    await desk.sync()
    said = (await desk.progress()).model_dump_json()
    assert '"failed"' in said
    assert not any(each in said for each in ("obviously-fake-token", "Planted words", ADA, CAROL))
