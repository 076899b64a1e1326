"""Outlook mail is found and read: out of the mirror, with Microsoft's own search and texts on demand."""

from __future__ import annotations

import pytest

from openassistant.errors import InvalidRequest, NotFound
from tests.connectors.outlook_mail.conftest import CAROL, DAVE, Desk


async def test_the_newest_mails_come_first_without_spam(read: Desk) -> None:
    assert await read.subjects() == ["Lease", "Minutes", "Rent", "Sails", "Old news"]


async def test_words_in_texts_that_were_never_read_are_found_by_microsoft(read: Desk) -> None:
    read.box.add(subject="Long one", text="word " * 200 + "zanzibar", when=read.ago(minutes=5))
    await read.sync()
    assert await read.subjects("zanzibar") == ["Long one"]
    [asked] = [each for each in read.graph.asked if "$search" in each.query]
    assert asked.query["$search"] == '"zanzibar"'


async def test_a_search_goes_on_without_microsoft(read: Desk) -> None:
    read.graph.fault("unavailable", "GET /me/messages", times=9)
    found = await read.house.call("messages_search", query="lease")
    assert [each["subject"]["text"] for each in found["messages"]] == ["Lease"]
    assert "could not be asked" in found["note"]


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("from:dave", ["Minutes"]),
        ("to:erin", ["Minutes"]),
        ("subject:rent", ["Rent"]),
        ("in:junk", ["Win a lease"]),
        ("in:boat", ["Sails"]),
        ("has:attachment", ["Minutes"]),
        ("is:read", ["Rent", "Old news"]),
        ("before:2037-10-01", ["Old news"]),
        ("after:2037-10-19 from:carol", ["Lease"]),
        ("rent OR sails", ["Rent", "Sails"]),
        ("lease sails", ["Lease", "Sails"]),
    ],
)
async def test_a_search_is_narrowed_as_in_mail(read: Desk, query: str, subjects: list[str]) -> None:
    assert await read.subjects(query) == subjects


@pytest.mark.parametrize("query", ['"', "from:", "((", 'a" OR "b', "*", "NEAR(a b)", "x" * 900, "'; DROP"])
async def test_no_words_break_a_search(read: Desk, query: str) -> None:
    assert isinstance(await read.subjects(query), list)


async def test_what_was_typed_cannot_leave_the_quotation_marks_of_microsofts_search(read: Desk) -> None:
    await read.subjects('from:"a" OR (body\\":x) "and \\ more"')
    asked = [each.query["$search"] for each in read.graph.asked if "$search" in each.query]
    assert all(each.count('"') - each.count('\\"') == 2 for each in asked)
    assert all(
        {"$search", "$select", "$top"} == set(each.query) for each in read.graph.asked if "$search" in each.query
    )


async def test_folders_are_listed_with_their_place_and_role(read: Desk) -> None:
    found = (await read.house.call("folders_list"))["folders"]
    assert [(each["name"]["text"], each["role"]) for each in found[:4]] == [
        ("Inbox", "inbox"), ("Sent Items", "sent"), ("Drafts", "drafts"), ("Archive", "archive"),
    ]  # fmt: skip
    assert {each["name"]["text"]: each["mails"] for each in found}["Projects/Boat"] == 1
    assert next(each for each in found if each["role"] == "inbox")["unread"] == 2


async def test_a_mail_is_read_in_full_and_its_words_are_found_then(read: Desk) -> None:
    found = await read.house.call("messages_get", message=await read.mail("Lease"))
    assert found["text"] == {
        "text": "Please sign the lease.\nBring the key to the harbour.", "source": f"a mail from {CAROL}",
        "authors": [CAROL],
    }  # fmt: skip
    before = len(read.graph.asked)
    await read.house.call("messages_get", message=await read.mail("Lease"))
    assert [each for each in read.graph.asked[before:] if "$search" not in each.query] == []


async def test_formatting_and_scripts_are_not_in_a_text(read: Desk) -> None:
    found = await read.house.call("messages_get", message=await read.mail("Minutes"))
    assert found["text"]["text"] == "Shall we meet?"
    assert found["text"]["authors"] == [DAVE]


async def test_a_conversation_is_read_oldest_first_with_repeated_text_folded(read: Desk) -> None:
    first = read.lying("inbox")[0]
    quoted = "Yes.\r\n\r\nFrom: Carol\r\nSent: today\r\nTo: Ada\r\nSubject: Lease\r\n\r\nPlease sign the lease."
    read.box.add(
        "archive", subject="RE: Lease", text=quoted, when=read.ago(hours=1),
        conversation=first.values["conversationId"],
    )  # fmt: skip
    found = await read.house.call("threads_read", message=await read.mail("Lease"))
    assert [each["text"]["text"] for each in found["messages"]][1] == "Yes."
    assert found["messages"][1]["folded"] > 0
    assert (await read.house.call("threads_read", message=await read.mail("Lease"), quotes=True))["messages"][1][
        "quoted"
    ]


async def test_a_conversation_that_was_read_is_there_without_microsoft(read: Desk) -> None:
    message = await read.mail("Lease")
    await read.house.call("threads_read", message=message)
    read.graph.fault("unavailable", ".*", times=99)
    found = await read.house.call("threads_read", message=message)
    assert found["messages"][0]["text"]["text"].startswith("Please sign")


async def test_changes_are_told_since_a_time(read: Desk) -> None:
    gone = read.lying("inbox")[0]
    read.box.remove(gone)
    read.box.add(subject="Tea", when=read.ago(minutes=1))
    await read.sync()
    found = await read.house.call("changes_list", since="2037-10-20")
    assert {(each["what"], each["subject"]["text"]) for each in found["changes"]} == {("new", "Tea"), ("gone", "Lease")}
    assert (await read.house.call("changes_list", since="2037-11-20"))["changes"] == []
    with pytest.raises(InvalidRequest, match="give a time"):
        await read.house.call("changes_list", since="yesterday")


async def test_files_are_listed_and_their_text_is_read(read: Desk) -> None:
    message = await read.mail("Minutes")
    found = (await read.house.call("attachments_list", message=message))["attachments"]
    assert [(each["number"], each["name"]["text"], each["type"], each["size"]) for each in found] == [
        (1, "plan.txt", "text/plain", 19), (2, "run.exe", "application/octet-stream", 2),
    ]  # fmt: skip
    text = await read.house.call("attachments_read", message=message, attachment="plan.txt", start=4)
    assert (text["text"]["text"], text["total"], text["text"]["authors"]) == ("plan is simple.", 19, [DAVE])
    with pytest.raises(NotFound, match="by its number"):
        await read.house.call("attachments_read", message=message)
    with pytest.raises(NotFound, match="Nothing is attached"):
        await read.house.call("attachments_read", message=await read.mail("Lease"))


async def test_an_attached_mail_is_read_and_a_link_is_said_to_be_one(read: Desk) -> None:
    mail = b"From: Erin <erin@example.net>\r\nSubject: Keys\r\n\r\nUnder the mat.\r\n"
    read.box.add(subject="Further", when=read.ago(minutes=1), files=[("Keys", "", mail), ("Plan", "", b"x")])
    item, link = read.lying("inbox")[0].attachments
    item["@odata.type"], link["@odata.type"] = "#microsoft.graph.itemAttachment", "#microsoft.graph.referenceAttachment"
    await read.sync()
    message = await read.mail("Further")
    kinds = [each["kind"] for each in (await read.house.call("attachments_list", message=message))["attachments"]]
    assert kinds == ["mail", "link"]
    text = await read.house.call("attachments_read", message=message, attachment="1")
    assert text["text"]["text"] == "From: Erin <erin@example.net>\nSubject: Keys\n\nUnder the mat."
    with pytest.raises(InvalidRequest, match="a link to one"):
        await read.house.call("attachments_read", message=message, attachment="2")


async def test_microsofts_search_is_not_waited_for_long(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.outlook_mail.reading._PATIENCE", 0.05)
    read.graph.fault("slow", "GET /me/messages", seconds=2)
    found = await read.house.call("messages_search", query="lease")
    read.graph.released.set()
    assert [each["subject"]["text"] for each in found["messages"]] == ["Lease"]
    assert "could not be asked" in found["note"]


@pytest.mark.parametrize("name", ["../messages", "x/$value", "a?b=c", "", "%2e%2e", "1"])
async def test_ids_that_are_none_ask_for_nothing(read: Desk, name: str) -> None:
    before = len(read.graph.asked)
    for tool in ("messages_get", "threads_read", "attachments_list"):
        with pytest.raises(NotFound):
            await read.house.call(tool, message=name)
    assert len(read.graph.asked) == before
