"""Drafts are written, changed, sent and taken away as they were shown, and can be brought back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openassistant.errors import Conflict, InvalidRequest, NotFound
from tests.connectors.gmail.conftest import ADA, CAROL, Desk

NEW: dict[str, Any] = {"to": [CAROL], "subject": "Friday", "text": "I sign on Friday."}
FORMATTED = (
    f"From: {ADA}\r\nTo: {CAROL}\r\nSubject: Friday\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;"
    ' boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nI sign.\r\n--b\r\nContent-Type: text/plain;'
    ' name="a.txt"\r\nContent-Disposition: attachment; filename="a.txt"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    "aGVsbG8=\r\n--b--\r\n"
).encode()


async def test_a_draft_is_saved_and_goes_to_nobody(read: Desk) -> None:
    shown = await read.house.preview("drafts_create", **NEW)
    assert shown.destinations == ()
    made = await read.house.call("drafts_create", **NEW)
    assert await read.drafts() == [made["draft"]]
    assert await read.arrived("Friday") == []


async def test_a_draft_may_have_no_recipient_yet(read: Desk) -> None:
    made = await read.house.call("drafts_create", **{**NEW, "to": []})
    with pytest.raises(InvalidRequest, match="at least one recipient"):
        await read.house.preview("drafts_send", draft=made["draft"])


async def test_a_draft_answers_a_mail_in_its_conversation(read: Desk) -> None:
    made = await read.house.call("drafts_create", **NEW, answers=await read.id("The lease"))
    sent = await read.house.call("drafts_send", draft=made["draft"])
    assert sent["recipients"] == [CAROL]
    [saved] = read.asked("POST", "/drafts")[:1]
    assert json.loads(saved.asked)["message"]["threadId"] == (await read.found())["The lease"]["id"]
    assert len(await read.arrived("Friday")) == 1


async def test_a_draft_that_was_saved_is_taken_away_again(read: Desk) -> None:
    await read.house.call("drafts_create", **NEW)
    await read.house.call("actions_undo")
    assert await read.drafts() == []


async def test_a_draft_that_somebody_wrote_on_is_not_taken_away(read: Desk) -> None:
    made = await read.house.call("drafts_create", **NEW)
    await read.house.call("drafts_update", draft=made["draft"], text="Later.")
    await read.house.call("actions_undo")
    assert (await read.house.call("drafts_read", draft=made["draft"]))["text"]["text"] == "I sign on Friday."


async def test_drafts_of_other_programs_are_listed_and_read(read: Desk) -> None:
    draft = await read.draft(FORMATTED)
    [found] = (await read.house.call("drafts_list"))["drafts"]
    assert (found["draft"], found["subject"]["text"]) == (draft, "Friday")
    whole = await read.house.call("drafts_read", draft=draft)
    assert (whole["recipients"]["text"], whole["text"]["text"]) == (CAROL, "I sign.")
    assert "a.txt" in whole["attachments"]["text"]


async def test_a_draft_that_was_never_read_is_not_sent(read: Desk) -> None:
    draft = await read.draft(FORMATTED)
    with pytest.raises(InvalidRequest, match="drafts_read"):
        await read.house.preview("drafts_send", draft=draft)


async def test_a_draft_is_sent_as_it_was_shown(read: Desk) -> None:
    draft = await read.draft(FORMATTED)
    await read.house.call("drafts_read", draft=draft)
    shown = await read.house.preview("drafts_send", draft=draft)
    assert [each.value for each in shown.destinations] == [CAROL]
    assert {"Attachment", "SHA-256 of what it says"} <= {each.label for each in shown.fields}
    await read.house.call("drafts_send", draft=draft)
    [mail] = await read.arrived("Friday")
    assert [each["filename"] for each in mail["attachments"]] == ["a.txt"]
    assert await read.drafts() == []


async def test_a_draft_that_was_changed_meanwhile_is_not_sent(read: Desk) -> None:
    made = await read.house.call("drafts_create", **NEW)
    raw = "RnJvbTogYWRhQGhvbWUuZXhhbXBsZQ0KVG86IGV2ZUBldmlsLmV4YW1wbGUNClN1YmplY3Q6IEZyaWRheQ0KDQpPdGhlcg=="
    await read.other("PUT", f"drafts/{made['draft']}", json={"message": {"raw": raw}})
    with pytest.raises(Conflict, match="changed meanwhile"):
        await read.house.call("drafts_send", draft=made["draft"])
    assert read.asked("POST", "/drafts/send") == []


async def test_a_draft_is_changed_keeps_its_files_and_gets_back_what_it_was(read: Desk) -> None:
    draft = await read.draft(FORMATTED)
    await read.house.call("drafts_read", draft=draft)
    shown = await read.house.preview("drafts_update", draft=draft, text="I sign on Monday.")
    assert shown.content == "I sign on Monday."
    changed = await read.house.call("drafts_update", draft=draft, text="I sign on Monday.")
    assert changed["draft"] == draft
    whole = await read.house.call("drafts_read", draft=draft)
    assert (whole["text"]["text"], "a.txt" in whole["attachments"]["text"]) == ("I sign on Monday.", True)
    await read.house.call("actions_undo")
    assert (await read.house.call("drafts_read", draft=draft))["text"]["text"] == "I sign."


async def test_a_draft_is_taken_away_and_brought_back(read: Desk) -> None:
    draft = await read.draft(FORMATTED)
    await read.house.call("drafts_read", draft=draft)
    assert (await read.house.preview("drafts_delete", draft=draft)).content == "I sign."
    await read.house.call("drafts_delete", draft=draft)
    assert await read.drafts() == []
    await read.house.call("actions_undo")
    [back] = await read.drafts()
    assert "a.txt" in (await read.house.call("drafts_read", draft=back))["attachments"]["text"]


async def test_a_draft_that_is_gone_is_said_to_be(read: Desk) -> None:
    with pytest.raises(NotFound, match="no such mail, draft"):
        await read.house.call("drafts_read", draft="r123")


async def test_a_change_whose_answer_was_lost_is_found(read: Desk) -> None:
    made = await read.house.call("drafts_create", **NEW)
    read.break_off("PUT", "/drafts/")
    changed = await read.house.call("drafts_update", draft=made["draft"], text="Later.")
    assert changed["draft"] == made["draft"]
    assert len(read.asked("PUT", "/drafts/")) >= 1
    assert (await read.house.call("drafts_read", draft=made["draft"]))["text"]["text"] == "Later."
