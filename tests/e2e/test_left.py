"""After a question, two acts and their answers it is known what went where, how much, and whose text the model got."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import window
from tests.e2e.screens import sign_in
from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_story import QUESTION, connect_everything
from tests.peers.house import House
from tests.peers.script import Fault, Script, Step

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

LOCAL = "127.0.0.1"


def days(ada: Person) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    asked = {"from": str(today - timedelta(days=1)), "until": str(today + timedelta(days=1))}
    found: dict[str, Any] = ada.get("/api/left", **asked)
    return found


def ports(found: dict[str, Any], kind: str) -> dict[int, tuple[int, int]]:
    """Bytes out and in by port: all the peers are on one host."""
    sums: dict[int, tuple[int, int]] = {}
    for row in found["days"]:
        if row["kind"] == kind:
            out, back = sums.get(row["port"], (0, 0))
            sums[row["port"]] = (out + row["bytes_out"], back + row["bytes_in"])
    return sums


def left(ada: Person, conversation: str, kind: str, count: int) -> list[dict[str, Any]]:
    """What left in a conversation, once all reports have come."""

    def look() -> list[dict[str, Any]] | None:
        found = [each for each in ada.get(f"/api/conversations/{conversation}/left") if each["kind"] == kind]
        return found if len(found) >= count else None

    return until(look, seconds=30, what=f"{count} reports of kind {kind}")


def test_what_left_names_the_model_and_the_servers_and_whose_text_it_was(ada: Person, house: House) -> None:
    connect_everything(ada, house)
    conversation = ada.converse()
    ada.say(conversation, QUESTION)
    final = ada.settle(conversation)
    calls = {call["id"]: call for message in final["messages"] for call in message["calls"]}
    by_call = {each["call_id"]: each for each in left(ada, conversation, "call", 1)}
    answers = [message for message in final["messages"] if message["role"] == "assistant"]
    questions = left(ada, conversation, "model", len(answers))

    sent = next(call for call in calls.values() if call["tool"] == "messages_reply")
    smtp = next(each for each in by_call[sent["id"]]["traffic"] if each["port"] == house.smtp.port)
    assert smtp["bytes_out"] > len(house.smtp.sent[0].content)
    made = next(call for call in calls.values() if call["tool"] == "events_create")
    assert [each["reach"] for each in by_call[made["id"]]["traffic"]] == ["machine"]

    found = days(ada)
    model = ports(found, "model")
    assert set(model) == {house.model.port}
    assert model[house.model.port] == (
        sum(each["traffic"][0]["bytes_out"] for each in questions),
        sum(each["traffic"][0]["bytes_in"] for each in questions),
    )
    assert {(each["turn"], each["conversation"]) for each in questions} == {
        (final["messages"][-1]["turn"], conversation)
    }
    background = ports(found, "background")
    assert background[house.imap.port][1] > 10_000  # the mailbox was read
    names = {found["accounts"][each["account"]] for each in found["sources"] if each["kind"] == "connector"}
    assert "Mail" in names
    assert {"owner", "rules"} <= {each["kind"] for each in found["sources"]}
    owner = next(each for each in found["sources"] if each["kind"] == "owner")
    assert owner["bytes"] == len(QUESTION.encode()) * len(questions)

    today = next(row["day"] for row in found["days"] if row["kind"] == "model")
    page = ada.get("/api/left/entries", day=today, host=LOCAL, port=house.model.port)
    assert {each["index"] for each in page["entries"]} == {each["index"] for each in questions}
    assert QUESTION not in str(page)
    assert ada.verify()["ok"]


def test_a_question_that_broke_off_counts(ada: Person, house: House) -> None:
    house.model.script = Script([Step(prose=400, fault=Fault("cut", after=20))])
    conversation = ada.converse()
    ada.say(conversation, "Good morning")
    [entry] = left(ada, conversation, "model", 1)
    assert entry["outcome"] == "upstream_failed"
    assert entry["traffic"][0]["bytes_out"] > len("Good morning")
    assert entry["traffic"][0]["bytes_in"] > 0


def test_a_person_sees_where_a_step_went_and_what_left(
    browser: Browser, stack: Stack, ada: Person, house: House
) -> None:
    connect_everything(ada, house)
    conversation = ada.converse()
    ada.say(conversation, QUESTION)
    final = ada.settle(conversation)
    sent = next(call for message in final["messages"] for call in message["calls"] if call["tool"] == "messages_reply")
    left(ada, conversation, "model", 2)
    with window(browser, stack.url) as (page, watch):
        watch.allow(401, "/api/session")
        page.goto("/login")
        sign_in(page)
        expect(page.get_by_text("Good to see you")).to_be_visible()
        page.goto(f"/c/{conversation}")
        page.locator(f"#call-{sent['id']} > summary").click()
        expect(page.get_by_text("Went to").first).to_be_visible()
        expect(page.get_by_text(f"{LOCAL}:{house.smtp.port}").first).to_be_visible()
        page.goto("/activity/left")
        row = page.locator("summary", has_text=f"{LOCAL}:{house.model.port}")
        expect(row.first).to_be_visible()
        row.first.click()
        expect(page.get_by_text("What you wrote").first).to_be_visible()
        expect(page.get_by_role("table", name="Sent on each day")).to_be_attached()
