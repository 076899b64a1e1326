"""Somebody who is away hears of a question: in his browser over its maker's service, and by a mail to himself."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.npm import Clients
from tests.e2e.stack import OWNER_PASSWORD, Person, Stack, until
from tests.e2e.test_story import QUESTION, connect_everything
from tests.peers.house import ADDRESS, House
from tests.peers.push import PushService

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]


@pytest.fixture
def service() -> Iterator[PushService]:
    with PushService() as running:
        yield running


@pytest.fixture
def told(house: House, service: PushService) -> Iterator[Stack]:
    with Stack(model=house.model, env={"OA_PUSH_HOSTS": service.origin}) as stack:
        yield stack


def to_oneself(house: House) -> list[Any]:
    return [each for each in house.smtp.sent if each.recipients == (ADDRESS,)]


def choose_mail(ada: Person, account: str) -> dict[str, Any]:
    answer = ada.http.put("/api/notices/mail", json={"account": account, "password": OWNER_PASSWORD})
    chosen: dict[str, Any] = answer.raise_for_status().json()
    return chosen


def test_what_waits_reaches_its_owner_and_nobody_else(told: Stack, house: House, service: PushService) -> None:
    with told.sign_in() as ada:
        connect_everything(ada, house)
        service.known_key = ada.get("/api/notices")["key"]
        browser = service.subscribe()
        ada.http.post("/api/notices/browsers", json=browser.draft).raise_for_status()
        [mail] = [each["id"] for each in ada.get("/api/accounts") if each["connector"] == "mail"]
        chosen = choose_mail(ada, mail)
        assert chosen["mail"]["address"] == ADDRESS
        conversation = ada.converse()
        ada.say(conversation, QUESTION)
        [push] = until(lambda: browser.taken or None, seconds=30, what="the push")
        body = base64.urlsafe_b64encode(push.body).decode()
        secret = base64.urlsafe_b64encode(browser.auth).decode()
        read = Clients().run("pushed.mjs", body, browser.secret, secret)
        assert read == json.loads(browser.read(push))
        assert (read["title"], read["path"]) == ("2 things wait for your yes", "/approvals")
        assert service.refused == []

        [note] = until(lambda: to_oneself(house) or None, seconds=30, what="the mail")
        assert note.subject == "2 things wait for your yes"
        assert "carol" not in note.text.lower()
        [link] = re.findall(rf"{re.escape(told.url)}/notice#(\S+)", note.text)
        [rule] = ada.get("/api/rules")
        assert (rule["people"], rule["conversation"]) == ([ADDRESS], chosen["mail"]["conversation"])
        assert ada.pending(chosen["mail"]["conversation"]) == []
        assert ada.http.post("/api/notices/open", json={"token": link}).json() == {"approval": None}
        attack(told, ada, link)
        sent = [each for each in ada.ledger() if each["action"] == "notice.sent"]
        assert [each["content"]["host"] for each in sent] == ["127.0.0.1"]
        assert ada.verify()["ok"]


def attack(told: Stack, ada: Person, link: str) -> None:
    """With nothing but the link of the mail, nothing is seen and nothing is decided."""
    [approval, *_] = ada.pending()
    path = f"/api/approvals/{approval['id']}"
    decision = {"decision": "approve", "seen": approval["preview_digest"]}
    with httpx.Client(base_url=told.url, headers={"Origin": told.url}, trust_env=False) as stranger:
        assert stranger.post("/api/notices/open", json={"token": link}).status_code == 401
        for headers in ({"Authorization": f"Bearer {link}"}, {"Cookie": f"oa={link}"}):
            assert stranger.get(path, headers=headers).status_code == 401
            assert stranger.post(path, headers=headers, json=decision).status_code == 401
            assert stranger.get("/api/notices", headers=headers).status_code == 401
        page = stranger.get("/notice")
        assert (page.status_code, approval["preview"]["verb"] in page.text) == (200, False)
    assert ada.get(path)["state"] == "pending"


def test_mails_to_oneself_need_the_password_and_end_when_their_rule_is_revoked(told: Stack, house: House) -> None:
    with told.sign_in() as ada:
        connect_everything(ada, house)
        accounts = {each["connector"]: each["id"] for each in ada.get("/api/accounts")}
        wrong = ada.http.put("/api/notices/mail", json={"account": accounts["mail"], "password": "not-it-at-all"})
        assert wrong.status_code == 422
        calendar = ada.http.put("/api/notices/mail", json={"account": accounts["caldav"], "password": OWNER_PASSWORD})
        assert calendar.status_code == 409
        assert ada.get("/api/rules") == []
        choose_mail(ada, accounts["mail"])
        [rule] = ada.get("/api/rules")
        ada.http.delete(f"/api/rules/{rule['id']}").raise_for_status()
        ada.say(ada.converse(), QUESTION)
        waiting = len(ada.pending())
        ada.http.put("/api/notices", json={"content": True, "zone": "UTC"}).raise_for_status()
        until(lambda: len(ada.ledger()) and (len(ada.pending()) == waiting or None), seconds=10, what="a while")
        assert to_oneself(house) == []
