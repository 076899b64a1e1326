"""Mail is found and read, and whatever others wrote is said to be theirs."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from openassistant.errors import InvalidRequest, NotFound
from tests.connectors.gmail.conftest import ADA, CAROL, Desk
from tests.peers.front import Passed


async def test_the_newest_mails_come_first_and_spam_is_left_out(read: Desk) -> None:
    assert list(await read.found()) == ["The lease", "Dinner", "Old"]


async def test_words_in_the_text_are_found(read: Desk) -> None:
    assert list(await read.found("keys")) == ["The lease"]


async def test_a_mail_that_was_not_read_yet_is_found_at_gmail(read: Desk) -> None:
    await read.deliver("Brand new")
    found = await read.found("subject:new")
    assert found["Brand new"]["unread"] is True


@pytest.mark.parametrize(
    ("narrowed", "subjects"),
    [
        ({"sender": "carol"}, ["The lease"]),
        ({"recipient": CAROL}, ["Dinner", "Old"]),
        ({"folder": "spam"}, ["You won"]),
        ({"folder": "sent"}, ["Old"]),
        ({"has_attachment": True}, ["The lease"]),
        ({"unread": True}, ["The lease"]),
        ({"unread": False, "folder": "inbox"}, ["Dinner"]),
    ],
)
async def test_a_search_is_narrowed(read: Desk, narrowed: dict[str, Any], subjects: list[str]) -> None:
    assert list(await read.found(**narrowed)) == subjects
    read.break_off("GET", "/messages?", status=503, times=9)
    away = await read.house.call("messages_search", **narrowed)
    assert [each["subject"]["text"] for each in away["messages"]] == subjects
    assert "cannot be asked" in away["note"]


async def test_days_are_those_of_the_owner(read: Desk) -> None:
    read.house.zone = "Europe/Berlin"
    await read.house.call("messages_search", after=date(2026, 11, 18).isoformat(), before="2026-11-19")
    [asked] = read.asked("GET", "/messages?")
    query = parse_qs(urlsplit(asked.path).query)["q"]
    assert query == ["after:1794956400 before:1795042800"]


async def test_a_value_given_apart_cannot_say_anything_else_than_itself(read: Desk) -> None:
    await read.house.call("messages_search", sender='carol" OR in:trash (', limit=1)
    [asked] = read.asked("GET", "/messages?")
    assert parse_qs(urlsplit(asked.path).query)["q"] == ['from:"carol OR in:trash"']


async def test_a_mail_is_read_with_whom_it_is_from(read: Desk) -> None:
    thread = await read.house.call("threads_read", message=await read.id("The lease"))
    [mail] = thread["messages"]
    assert mail["text"]["text"].startswith("Will you sign on Friday?")
    assert mail["text"]["authors"] == [CAROL]
    assert mail["text"]["source"] == f"a mail from {CAROL}"
    assert "lease.txt" in mail["attachments"]["text"]


async def test_a_long_mail_is_read_piece_by_piece(read: Desk) -> None:
    mail = await read.deliver("Long", "word " * 20_000)
    first = await read.house.call("messages_read", message=mail)
    second = await read.house.call("messages_read", message=mail, start=40_000)
    assert (len(first["text"]["text"]), len(second["text"]["text"]), first["total"]) == (40_000, 40_000, 99_999)
    assert "longer" in first["note"]


async def test_a_conversation_is_read_as_one(read: Desk) -> None:
    await read.house.call("messages_reply", message=await read.id("The lease"), text="I will.")
    thread = await read.house.call("threads_read", message=await read.id("The lease"))
    assert [each["text"]["text"] for each in thread["messages"]][-1] == "I will."
    assert len(thread["messages"]) == 2


async def test_files_are_listed_and_their_text_is_read(read: Desk) -> None:
    mail = await read.deliver(
        "Files", attachments=[{"filename": "note.txt", "mimeType": "text/plain", "content": "The keys hang left."}]
    )
    await read.other("GET", f"messages/{mail}")
    content = base64.urlsafe_b64encode(_with_file("note.txt", b"The keys hang left.")).decode()
    read.front.change = lambda passed: _raw(passed, content)
    [file] = (await read.house.call("attachments_list", message=mail))["attachments"]
    assert (file["number"], file["name"]["text"], file["size"]) == (1, "note.txt", 19)
    text = await read.house.call("attachments_read", message=mail)
    assert text["text"]["text"] == "The keys hang left."
    with pytest.raises(NotFound, match="by its number"):
        await read.house.call("attachments_read", message=mail, attachment="other.txt")


async def test_labels_are_listed(read: Desk) -> None:
    labels = (await read.house.call("labels_list"))["labels"]
    assert [each["name"]["text"] for each in labels if each["type"] == "user"] == ["Flat"]


@pytest.mark.parametrize("message", ["../profile", "a/b", "a?b=c", "", "x" * 80, "ä"])
async def test_an_id_that_is_none_is_refused(read: Desk, message: str) -> None:
    with pytest.raises(InvalidRequest):
        await read.house.call("messages_read", message=message)
    assert read.front.seen == []


async def test_a_mail_that_is_gone_is_said_to_be(read: Desk) -> None:
    with pytest.raises(NotFound, match="no such mail"):
        await read.house.call("threads_read", message="feedfeedfeedfeed")


async def test_hostile_content_is_read_as_far_as_it_goes(read: Desk) -> None:
    mail = await read.id("The lease")
    headers = [
        {"name": "From", "value": "Eve <eve@evil.example>\r\nBcc: all@home.example"},
        {"name": "Subject", "value": "=?utf-8?q?Hi=00there?=\u2028x"},
        {"name": 7, "value": None},
        "nonsense",
    ]
    deep: dict[str, Any] = {"mimeType": "text/plain", "body": {"data": base64.urlsafe_b64encode(b"deep").decode()}}
    for _ in range(200):
        deep = {"mimeType": "multipart/mixed", "parts": [deep, "nonsense", {"mimeType": "text/plain", "body": []}]}
    read.front.change = lambda passed: _described(passed, {"headers": headers, **deep})
    found = await read.house.call("messages_read", message=mail)
    assert found["sender"]["text"].startswith("Eve")
    assert "\r" not in found["sender"]["text"] + found["subject"]["text"]


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-8", "x-no-such"])
async def test_letters_are_right_whatever_the_header_says(read: Desk, charset: str) -> None:
    part = {
        "mimeType": "text/plain",
        "headers": [{"name": "Content-Type", "value": f'text/plain; charset="{charset}"'}],
        "body": {"data": base64.urlsafe_b64encode("Grüße".encode()).decode()},
    }
    mail = await read.id("The lease")
    read.front.change = lambda passed: _described(passed, part)
    assert (await read.house.call("messages_read", message=mail))["text"]["text"] == "Grüße"


async def test_hidden_parts_of_a_formatted_mail_are_not_read(read: Desk) -> None:
    html = b"<p>Seen</p><p style='display:none'>Hidden</p><script>x</script>"
    part = {"mimeType": "text/html", "body": {"data": base64.urlsafe_b64encode(html).decode()}}
    mail = await read.id("The lease")
    read.front.change = lambda passed: _described(passed, part)
    assert (await read.house.call("messages_read", message=mail))["text"]["text"] == "Seen"


def _described(passed: Passed, payload: dict[str, Any]) -> Passed:
    found = json.loads(passed.answered)
    return replace(passed, answered=json.dumps({**found, "payload": {**payload}}).encode())


def _raw(passed: Passed, content: str) -> Passed:
    if "format=raw" not in passed.path:
        return passed
    return replace(passed, answered=f'{{"id": "x", "raw": "{content}"}}'.encode())


def _with_file(name: str, content: bytes) -> bytes:
    head = f"From: {CAROL}\r\nTo: {ADA}\r\nSubject: Files\r\nMIME-Version: 1.0\r\n"
    head += 'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee.\r\n--b\r\n'
    head += f'Content-Type: text/plain; name="{name}"\r\nContent-Disposition: attachment; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n--b--\r\n"
