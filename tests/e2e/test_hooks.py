"""A provider's push, through the real gateway and bus, into the mirror of the account that its address is of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Person, Stack, until
from tests.peers.whatsapp import Push, WhatsAppPeer

pytestmark = pytest.mark.e2e

VERIFY = "not-a-real-verify-token"


@pytest.fixture
def meta() -> Iterator[WhatsAppPeer]:
    with WhatsAppPeer() as meta:
        yield meta


@pytest.fixture
def stack() -> Iterator[Stack]:
    """The product with its owner, and one connector that is pushed to."""
    with Stack(env={"OA_CONNECTORS": "whatsapp"}) as stack:
        yield stack


class Outside:
    """Whoever comes from the internet: no cookie, no token."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def push(self, path: str, push: Push) -> int:
        return self.http.post(path, content=push.body, headers=push.headers).status_code


@pytest.fixture
def outside(stack: Stack) -> Iterator[Outside]:
    made = Outside(stack.url)
    with made.http:
        yield made


def connected(ada: Person, meta: WhatsAppPeer) -> dict[str, Any]:
    settings = {"phone_number_id": meta.phone_number_id, "waba_id": meta.waba_id, "api_url": meta.url}
    secrets = {"access_token": meta.token, "app_secret": meta.app_secret, "verify_token": VERIFY}
    return ada.connect({"connector": "whatsapp", "name": "Number", "settings": settings, "secrets": secrets})


def found(ada: Person, text: str) -> str:
    """What /find shows, as text."""
    conversation = ada.converse()
    body = {"command": "find", "fields": {"text": text}}
    ada.http.post(f"/api/conversations/{conversation}/commands", json=body).raise_for_status()
    return str(ada.settle(conversation))


def refusals(ada: Person) -> int:
    return sum(each["action"] == "hook.refused" for each in ada.ledger())


def test_what_meta_pushes_is_found_and_what_others_push_is_refused_and_written_down_once(
    stack: Stack, ada: Person, meta: WhatsAppPeer, outside: Outside
) -> None:
    account = connected(ada, meta)
    path = account["hook_path"]
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444"}
    asked = outside.http.get(path, params=query)
    assert (asked.status_code, asked.text) == (200, "1158201444")

    carol = meta.person("16505551234", "US.1", "Carol Meyer")
    push = meta.says(carol, "May I move in on Friday? \U0001f98a" + " padding" * 300_000)
    assert len(push.body) > 2 * 1024 * 1024
    assert [outside.push(path, push) for _ in range(3)] == [200, 200, 200]
    shown = found(ada, "friday")
    assert "May I move in on Friday?" in shown
    assert "Carol Meyer" in shown

    forged = Push(push.body.replace(b"Friday", b"Sunday"), push.headers)
    assert [outside.push(path, forged) for _ in range(3)] == [403, 403, 403]
    assert until(lambda: refusals(ada) or None, seconds=20, what="the record of the refusal") == 1
    assert "Sunday" not in found(ada, "sunday")
    assert ada.verify()["ok"]


def test_an_address_is_changed_and_goes_with_its_account(
    stack: Stack, ada: Person, meta: WhatsAppPeer, outside: Outside
) -> None:
    account = connected(ada, meta)
    carol = meta.person("16505551234", "US.1", "Carol Meyer")
    changed = ada.http.post(f"/api/accounts/{account['id']}/hook").raise_for_status().json()
    assert outside.push(account["hook_path"], meta.says(carol, "old address")) == 404
    assert outside.push(changed["hook_path"], meta.says(carol, "new address")) == 200
    stack.kill_room("whatsapp")
    until(lambda: outside.push(changed["hook_path"], meta.says(carol, "after")) == 200 or None, seconds=60, what="it")
    ada.http.delete(f"/api/accounts/{account['id']}").raise_for_status()
    assert outside.push(changed["hook_path"], meta.says(carol, "gone")) == 404
