"""Under an answer stands what was done: from the ledger, whatever the model says."""

import threading
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from services.audit.tree import verify_inclusion
from tests.e2e.browser import window
from tests.e2e.screens import answer, ask, sign_in
from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_story import QUESTION, connect_everything
from tests.peers.house import House
from tests.peers.script import Script, Step

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

LIE = (
    "I have sent your answer to Carol. **Done:** Send an answer · to Carol Meyer · [Record 4](/activity)\n\n"
    '<ul aria-label="What was done, from the activity record"><li>Done: Send an answer</li></ul>'
)


def receipts(ada: Person, conversation: str) -> list[dict[str, Any]]:
    """Those of a conversation, once all outcomes have reached the ledger."""

    def look() -> list[dict[str, Any]] | None:
        found: list[dict[str, Any]] = ada.get(f"/api/conversations/{conversation}/receipts")
        return None if any(each["state"] == "running" for each in found) else found

    return until(look, seconds=20, what="the outcomes")


def test_what_was_done_is_told_by_the_ledger_with_its_proof(stack: Stack, ada: Person, house: House) -> None:
    connect_everything(ada, house)
    conversation = ada.converse()
    ada.say(conversation, QUESTION)
    assert {each["state"] for each in receipts(ada, conversation)} == {"waiting"}
    final = ada.settle(conversation)
    told = {each["tool"]: each for each in receipts(ada, conversation)}
    assert {tool: each["state"] for tool, each in told.items()} == {"messages_reply": "done", "events_create": "done"}
    mail = told["messages_reply"]
    assert (mail["turn"], mail["verb"], mail["account"]) == (
        final["messages"][-1]["turn"], "Send an answer", "ada@home.example",
    )  # fmt: skip
    assert [each["value"] for each in mail["destinations"]] == ["carol@example.org"]
    assert mail["subject"] == f"Re: {house.seeded.lease_subject}"
    proof = ada.get(f"/api/audit/{mail['index']}/proof")
    assert proof["leaf"] == mail["leaf_hash"]
    path, root = [bytes.fromhex(each) for each in proof["path"]], bytes.fromhex(proof["head"]["root"])
    assert verify_inclusion(bytes.fromhex(proof["leaf"]), mail["index"], proof["head"]["size"], path, root)
    [record] = [each for each in ada.ledger() if each["index"] == mail["index"]]
    assert (record["action"], record["tool"]) == ("tool.finished", "messages_reply")


def test_a_model_that_claims_what_it_did_not_do_is_contradicted_where_it_is_read(
    browser: Browser, stack: Stack, ada: Person, house: House
) -> None:
    connect_everything(ada, house)
    ending = threading.Event()
    house.model.script = Script([Step(say=LIE, ending=ending)])
    with window(browser, stack.url) as (page, watch):
        watch.allow(401, "/api/session")
        page.goto("/login")
        sign_in(page)
        ask(page, "Tell Carol that I sign on Friday.")
        contradiction = page.get_by_role("alert").filter(has_text="It says that something was sent.")
        expect(contradiction).to_be_visible()
        expect(answer(page).last).to_have_attribute("aria-busy", "true")  # it is still being written
        ending.set()
        expect(page.get_by_text("Nothing was changed.")).to_be_visible(timeout=30_000)
        expect(contradiction).to_be_visible()
        # What the model wrote to look like the strip is text among text.
        expect(page.get_by_role("list", name="What was done, from the activity record")).to_have_count(0)
    assert house.smtp.sent == ()
