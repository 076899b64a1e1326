"""Ada lends one of her calendars, then her mailbox, to Bob: what he has of it, what he has not, and that it ends."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e import files
from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_disk import find, written
from tests.e2e.test_looks import looked
from tests.peers.house import ADDRESS, CALENDAR_PASSWORD, MAIL_PASSWORD, House
from tests.peers.script import Script, Step, ToolCall, When

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot, pytest.mark.mails(60)]

BOB, BOBS_PASSWORD = "bob", "not-a-real-password-of-bob"
PICNIC, SURGERY, PARTY = "planted-picnic-otter", "planted-surgery-otter", "planted-party-otter"
SOON = (datetime.now(UTC) + timedelta(days=3)).date()


@pytest.fixture
def house(house: House) -> House:
    """With a second calendar, an event in each, and a model that does as it is told."""
    house.calendar.make_calendar("Family")
    house.calendar.put("picnic", event("picnic", PICNIC), calendar="Family")
    house.calendar.put("surgery", event("surgery", SURGERY))
    party = {"title": PARTY, "start": f"{SOON}T18:00:00", "end": f"{SOON}T20:00:00"}
    house.model.script = Script([
        Step(calls=[ToolCall("events_create", party)], when=When(user_says="party", fresh=0)),
        Step(calls=[ToolCall("events_search", {"query": "otter"})], when=When(user_says="otter", fresh=0)),
        Step(calls=[ToolCall("messages_search", {"query": "lease"})], when=When(user_says="lease", fresh=0)),
        Step(say="Noted.", when=When(result_of="events_create|events_search|messages_search")),
    ])  # fmt: skip
    return house


@pytest.fixture
def bob(stack: Stack, ada: Person) -> Iterator[Person]:
    stack.add_person(BOB, BOBS_PASSWORD)
    with Person(stack.url, BOB, BOBS_PASSWORD) as person:
        yield person


def event(uid: str, title: str) -> str:
    lines = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", f"UID:{uid}@home.example",
        "DTSTAMP:20260101T000000Z", f"DTSTART:{SOON:%Y%m%d}T100000Z", f"DTEND:{SOON:%Y%m%d}T110000Z",
        f"SUMMARY:{title}", "END:VEVENT", "END:VCALENDAR", "",
    )  # fmt: skip
    return "\r\n".join(lines)


def lend(ada: Person, bob: Person, account: str, **more: Any) -> dict[str, Any]:
    """Bob's account that comes of a loan which he has accepted, read once."""
    loan = ada.post("/api/loans", {"account": account, "person": BOB, **more})
    assert bob.get("/api/accounts") == []
    [offered] = [each for each in bob.get("/api/loans") if each["state"] == "offered"]
    assert (offered["id"], offered["given"], offered["account"]) == (loan["id"], False, None)
    made = bob.post(f"/api/loans/{loan['id']}/accept", {"name": "Of Ada"})
    bob.synced(made["id"])
    return {**made, "loan": loan["id"]}


def titles(person: Person, words: str = "otter") -> list[str]:
    return [each["title"]["text"] for each in looked(person, "find", "caldav", text=words)["events"]]


def used(ada: Person) -> list[tuple[str | None, str | None, str]]:
    found = [each for each in ada.ledger() if each["action"] == "loan.used"]
    return [(each["tool"], each["effect"], each["content"]["name"]) for each in found]


def asked(person: Person, words: str) -> str:
    """All that a conversation holds after these words, decided with a yes wherever it asks."""
    conversation = person.converse()
    person.say(conversation, words)
    return json.dumps(person.settle(conversation))


def archive(bob: Person) -> dict[str, bytes]:
    move = bob.post("/api/data/export", {"password": BOBS_PASSWORD})["id"]

    def look() -> bool | None:
        return bob.get("/api/data/export")["state"] == "ready" or None

    until(look, seconds=120, what="the archive")
    answer = bob.http.get(f"/api/data/export/{move}/archive").raise_for_status()
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        return {name: found.read(name) for name in found.namelist()}


def connected(ada: Person, account: dict[str, Any], connector: str) -> str:
    ada.approve_connector(connector)
    return str(ada.connect(account)["id"])


def parts(ada: Person, account: str) -> dict[str, str]:
    found = ada.get(f"/api/accounts/{account}/parts")
    assert found["offered"]
    return {each["name"]: each["id"] for each in found["parts"]}


def ended(ada: Person, bob: Person) -> None:
    """Nothing is lent any more, and the copy has gone from Bob's calendar room."""
    assert ada.get("/api/loans") == bob.get("/api/loans") == bob.get("/api/accounts") == []

    def look() -> bool | None:
        return any(each["action"] == "account.erased" for each in bob.ledger()) or None

    until(look, seconds=60, what="the end of the copy")


def test_one_of_two_calendars_is_lent_for_reading_and_the_other_is_not_there(
    stack: Stack, ada: Person, bob: Person, house: House
) -> None:
    account = connected(ada, house.calendar_account(), "caldav")
    assert sorted(titles(ada)) == [PICNIC, SURGERY]
    surgery = next(each for each in looked(ada, "find", "caldav", text=SURGERY)["events"])["id"]
    made = lend(ada, bob, account, access="read", parts=[parts(ada, account)["Family"]])
    assert (made["settings"], made["lent"]) == ({}, "read")
    assert titles(bob) == [PICNIC]
    picnic = looked(bob, "find", "caldav", text=PICNIC)["events"][0]["id"]
    look = {"connector": "caldav", "account": made["id"], "key": picnic}
    assert PICNIC in json.dumps(bob.post("/api/looks/find/open", look))
    for key, whose in ((surgery, made["id"]), (surgery, account), (picnic, account)):
        answer = bob.http.post("/api/looks/find/open", json={**look, "account": whose, "key": key})
        assert answer.status_code in (403, 404, 422), answer.text
        assert SURGERY not in answer.text
    read = asked(bob, "Where is the otter?")
    assert PICNIC in read
    assert SURGERY not in read
    refused = asked(bob, "Put the party down")
    assert "lent for reading alone" in refused
    assert bob.get("/api/approvals") == []
    assert not [
        each for name in ("Family", None) for each in house.calendar.events(calendar=name) if PARTY in each.text
    ]
    assert {name for _, _, name in used(ada)} == {BOB}
    assert {effect for _, effect, _ in used(ada)} == {"read"}
    held = archive(bob)
    assert not [path for path, body in held.items() if path.startswith("caldav/") and PICNIC.encode() in body]
    assert json.loads(held["vault/accounts.json"]) == []
    [row] = json.loads(held["gateway/loans.json"])
    assert (row["given"], row["person"], row["access"], row["calendars"]) == (False, "ada", "read", ["Family"])
    for secret in (CALENDAR_PASSWORD, house.calendar.url):
        assert not [path for path, body in held.items() if secret.encode() in body]
        assert secret not in json.dumps(bob.ledger())
    user = bob.get("/api/session")["user"]["id"]
    ada.http.delete(f"/api/loans/{made['loan']}").raise_for_status()
    ended(ada, bob)
    assert sorted(titles(ada)) == [PICNIC, SURGERY]
    assert ada.verify()["ok"]
    stack.halt()
    pages = files.pages(stack.data_dir)
    mine = {name: body for name, body in pages.items() if user in name}
    assert any(name.startswith("caldav/") for name in mine)
    for name, body in mine.items():
        assert SURGERY.encode() not in body, name
        assert CALENDAR_PASSWORD.encode() not in body, name
        assert name.startswith("agent/") or PICNIC.encode() not in body, name
    assert find(written(stack), {"picnic": PICNIC, "surgery": SURGERY, "password": CALENDAR_PASSWORD}) == []


def test_a_calendar_that_is_lent_for_acting_is_changed_with_the_borrowers_yes_and_its_owner_sees_it(
    stack: Stack, ada: Person, bob: Person, house: House
) -> None:
    account = connected(ada, house.calendar_account(), "caldav")
    made = lend(ada, bob, account, access="act", parts=[parts(ada, account)["Family"]])
    conversation = bob.converse()
    bob.say(conversation, "Put the party down")
    [waiting] = bob.pending(conversation)
    assert (waiting["tool"], waiting["effect"]) == ("events_create", "write")
    assert "another person" in waiting["reason"]
    assert ada.pending() == []
    bob.settle(conversation)
    assert [PARTY in each.text for each in house.calendar.events(calendar="Family")].count(True) == 1
    assert not [each for each in house.calendar.events() if PARTY in each.text]
    assert ("events_create", "write", BOB) in used(ada)
    assert len([each for each in used(ada) if each[1] == "write"]) == 1
    assert not [each for each in ada.ledger() if each["action"].startswith("tool.") and each["tool"] == "events_create"]
    ada.http.delete(f"/api/accounts/{account}").raise_for_status()
    ended(ada, bob)
    assert made["id"] not in json.dumps(bob.get("/api/accounts"))


def test_a_mailbox_is_read_and_its_password_is_nowhere_with_the_borrower(
    stack: Stack, ada: Person, bob: Person, house: House
) -> None:
    account = connected(ada, house.mail_account(), "mail")
    answer = ada.http.get(f"/api/accounts/{account}/parts")
    assert (answer.status_code, answer.json()["offered"]) == (200, False)
    made = lend(ada, bob, account, access="read")
    assert house.seeded.lease_subject in asked(bob, "What of the lease?")
    subjects = {each["subject"]["text"] for each in looked(bob, "find", "mail", text="lease")["messages"]}
    assert house.seeded.lease_subject in subjects
    held = archive(bob)
    assert not [path for path in held if path.startswith("mail/")]
    for text in (json.dumps(bob.ledger()), *(body.decode(errors="replace") for body in held.values())):
        assert MAIL_PASSWORD not in text.replace(BOBS_PASSWORD, "")
    assert ADDRESS not in json.dumps([bob.get("/api/accounts"), bob.get("/api/loans")])
    bob.http.delete(f"/api/accounts/{made['id']}").raise_for_status()
    ended(ada, bob)
    user = bob.get("/api/session")["user"]["id"]
    stack.halt()
    for name, body in files.pages(stack.data_dir).items():
        if user in name:
            assert MAIL_PASSWORD.encode() not in body.replace(BOBS_PASSWORD.encode(), b""), name
            assert name.startswith("agent/") or house.seeded.lease_subject.encode() not in body, name
