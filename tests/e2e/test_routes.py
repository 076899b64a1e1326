"""What models may see, in a whole house: the cloud model is a server that keeps every byte that it got."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Person, Stack
from tests.peers.house import House
from tests.peers.model import ModelServer
from tests.peers.script import Script, Step, ToolCall, When

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot, pytest.mark.mails(30)]

LEASE = ("Linden", "1,180", "landlord", "Carol", "Meyer", "carol@example.org", "notice period", "example.org", "linden")
"""What stands in the mails about the lease, and in no question."""

SEARCH = Step(calls=[ToolCall("messages_search", {"query": "lease"})], when=When(user_says="look", fresh=0))
READ = Step(
    calls=[ToolCall("messages_read", {"message": "{{earlier.messages_search..id}}"})],
    when=When(user_says="read", fresh=0),
)
SECRETIVE = Step(say="The landlord of Linden Street asks for 1,180, writes Carol Meyer.", when=When(fresh=1))


def leaks(model: ModelServer, *texts: str) -> list[str]:
    """Which of these texts are in anything that a model was sent, in any spelling of JSON, whatever their case.

    Save in the descriptions of tools, which are the connectors' and name people of their own.
    """
    sent = []
    for seen in model.requests:
        body = {**seen.ask.body, "tools": [_accounts_of(tool) for tool in seen.ask.body.get("tools") or ()]}
        sent += [json.dumps(body, ensure_ascii=False), json.dumps(body)]
    whole = "\n".join(sent).lower()
    return [each for each in texts if each.lower() in whole]


def _accounts_of(tool: Any) -> Any:
    """What of a tool's description is made of what the owner has."""
    return tool["function"]["parameters"].get("properties", {}).get("account")


@pytest.fixture
def local() -> Iterator[ModelServer]:
    """A second model server, which is said to be local."""
    with ModelServer(name="small") as server:
        yield server


def choose_cloud(ada: Person, house: House) -> None:
    """The scripted model as one that passes on to a cloud."""
    model = {"model": house.model.name, "base_url": house.model.url, "local": False}
    chosen = ada.http.put("/api/model", json=model)
    assert chosen.json()["current"]["local"] is False, chosen.text


def choose_local(ada: Person, local: ModelServer) -> None:
    """The second one for what the first must not see."""
    chosen = ada.http.put("/api/model/private", json={"model": "small", "base_url": local.url})
    assert chosen.json()["private"]["local"] is True, chosen.text


def talk(ada: Person, conversation: str, *texts: str) -> None:
    for text in texts:
        ada.say(conversation, text)


def test_a_local_only_mailbox_never_reaches_the_cloud_over_a_long_conversation(
    stack: Stack, ada: Person, house: House, local: ModelServer
) -> None:
    choose_cloud(ada, house)
    mailbox = ada.connect({**house.mail_account(), "name": "ada@home.example", "route": "local_only"}, seconds=300)
    assert mailbox["route"] == "local_only"
    house.model.script = Script([SEARCH], Step(say="I cannot see it. You see it in the step."))
    local.script = Script([SEARCH, READ, SECRETIVE], Step(say="Carol Meyer, 1,180, Linden Street, as I said."))

    withheld = ada.converse()
    talk(ada, withheld, "Please look.", "Then read it.", "So what is in it?")
    ada.http.post(f"/api/conversations/{withheld}/retry").raise_for_status()
    ada.settle(withheld)
    ada.http.post(
        f"/api/conversations/{withheld}/commands", json={"command": "find", "fields": {"text": "lease"}}
    ).raise_for_status()
    ada.settle(withheld)
    talk(ada, withheld, "And in what was found?")
    assert leaks(house.model, *LEASE, "ada@home.example") == []
    assert leaks(house.model, "for local models only", "results withheld")
    shown = ada.get(f"/api/conversations/{withheld}")
    assert "Linden Street 12" in json.dumps(shown["messages"])  # the owner sees what was found
    assert shown["messages"][2]["routed"]["withheld"] == [mailbox["id"]]

    choose_local(ada, local)
    local.forget()
    answered = ada.converse()
    talk(ada, answered, "Please look.", "Then read it.", "So what is in it?")
    first = len(house.model.requests)
    stack.halt()
    stack.launch()
    with stack.sign_in() as again:
        talk(again, answered, "And once more?")
        final = again.get(f"/api/conversations/{answered}")
        assert "1,180" in final["messages"][-1]["text"]
        assert final["messages"][-1]["routed"]["because"] == [mailbox["id"]]
        again.http.delete("/api/model/private").raise_for_status()
        talk(again, answered, "Now without a local model?")
        house.model.wait_for(first + 1)
        assert leaks(house.model, *LEASE, "ada@home.example") == []
        assert leaks(local, "Linden")
        assert again.get("/api/conversations")[0]["title"] == "Please look."
        assert again.verify()["ok"]


def test_a_rule_can_be_loosened_by_its_owner_alone(ada: Person, house: House) -> None:
    mailbox = ada.connect({**house.mail_account(), "route": "local_only"}, seconds=300)
    token = ada.http.post(
        "/api/tokens", json={"name": "x", "scopes": ["accounts", "chat"], "password": "not-a-real-owner-password"}
    ).json()["token"]
    path = f"/api/routes/{mailbox['id']}"
    headers = {"Authorization": f"Bearer {token}"}
    refused = httpx.put(f"{ada.http.base_url}{path}", json={"route": "cloud_ok"}, headers=headers, trust_env=False)
    assert (refused.status_code, refused.json()["code"]) == (403, "sign_in_again")
    assert ada.get("/api/routes") == [{"source": mailbox["id"], "route": "local_only"}]
    ada.http.put(path, json={"route": "cloud_ok"}).raise_for_status()
    assert ada.get("/api/routes") == []


SENDER = "{{earlier.messages_search..sender.text}}"
WRITE = Step(
    calls=[
        ToolCall(
            "messages_send",
            {"to": [SENDER], "subject": "The lease", "text": f"Hello {SENDER},\n\nI sign on Friday.\n\nAda"},
        )
    ],
    when=When(user_says="write", fresh=0),
)
SPELL = Step(
    say="⟨person-1⟩ ⟨person-2⟩ ⟨person-99⟩ ⟨email-1⟩ ⟨Email-1⟩ ⟨iban-1⟩ C-a-r-o-l? I do not know.",
    when=When(user_says="spell", fresh=0),
)


def test_a_redacted_mailbox_goes_to_the_cloud_without_names_and_the_mail_to_the_right_person(
    stack: Stack, ada: Person, house: House
) -> None:
    choose_cloud(ada, house)
    mailbox = ada.connect({**house.mail_account(), "route": "redact"}, seconds=300)
    ada.http.put("/api/routes/own", json={"route": "redact"}).raise_for_status()
    house.model.script = Script(
        [SEARCH, READ, WRITE, SPELL, Step(say=f"It is written by {SENDER}.", when=When(result_of="messages_read"))],
        Step(say="Done."),
    )
    conversation = ada.converse()
    talk(ada, conversation, "Please look.", "Then read it.")
    shown = ada.get(f"/api/conversations/{conversation}")
    assert shown["messages"][-1]["text"] == "It is written by Carol Meyer <carol@example.org>."
    assert shown["messages"][-1]["routed"]["redacted"] == ["own", mailbox["id"]]

    ada.say(conversation, "Now write to carol@example.org, please, or to Carol.")
    [card] = ada.pending(conversation)
    [destination] = card["preview"]["destinations"]
    assert (destination["value"], destination["name"]) == ("carol@example.org", "Carol Meyer")
    assert "Hello Carol Meyer <carol@example.org>," in card["preview"]["content"]
    ada.settle(conversation)
    [sent] = house.smtp.sent
    assert sent.recipients == ("carol@example.org",)
    assert "Carol Meyer" in sent.text
    assert "⟨" not in sent.text + sent.subject

    stack.halt()
    stack.launch()
    with stack.sign_in() as again:
        talk(again, conversation, "Print all placeholders, and spell the names.", "Thank you, Carol!")
        told = again.get(f"/api/conversations/{conversation}")["messages"][-3]["text"]
        assert "Carol Meyer" in told
        assert "⟨person-99⟩" in told
        assert "⟨Email-1⟩" in told
        started = [
            each for each in again.ledger() if each["tool"] == "messages_send" and each["action"] == "tool.started"
        ]
        assert started[0]["content"]["arguments"]["to"] == ["Carol Meyer <carol@example.org>"]
        assert again.verify()["ok"]
    assert leaks(house.model, "Carol", "Meyer", "carol@example.org", "Linden Street 12", "ada@home.example") == []
    assert leaks(house.model, "1,180", "notice period", "⟨person-", "⟨email-", "⟨address-")
