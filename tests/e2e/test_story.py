"""The story: one question, one approval, one mail sent, one event in the calendar, over the HTTP API."""

from datetime import UTC, datetime, timedelta

import icalendar
import pytest

from tests.e2e.events import answer_text, call_states
from tests.e2e.stack import Person, Stack
from tests.peers.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

QUESTION = "What did Carol write about the lease? Tell her I sign on Friday, and put it in my calendar."


def next_friday() -> str:
    today = datetime.now(UTC)
    return (today + timedelta(days=(4 - today.weekday() - 1) % 7 + 1)).date().isoformat()


def lease_events(house: House) -> list[icalendar.Event]:
    events = [icalendar.Calendar.from_ical(stored.text).events[0] for stored in house.calendar.events()]
    return [event for event in events if "lease" in str(event["SUMMARY"]).lower()]


def connect_everything(ada: Person, house: House) -> None:
    ada.connect(house.mail_account(), seconds=300)
    ada.connect(house.calendar_account())


def tell(ada: Person, house: House) -> None:
    """The story from the question to the end, with everything that must hold on its way."""
    conversation = ada.converse()
    events = ada.say(conversation, QUESTION)
    assert "running" in call_states(events)["messages_search"]
    assert not list(house.smtp.sent)
    assert lease_events(house) == []

    [mail] = [each for each in ada.pending(conversation) if each["connector"] == "mail"]
    assert [each["value"] for each in mail["preview"]["destinations"]] == ["carol@example.org"]
    assert "I sign on Friday." in mail["preview"]["content"]

    final = ada.settle(conversation)
    assert "Friday" in final["messages"][-1]["text"]
    assert {call["state"] for message in final["messages"] for call in message["calls"]} == {"done"}

    [sent] = house.smtp.sent
    assert sent.recipients == ("carol@example.org",)
    assert sent.subject == f"Re: {house.seeded.lease_subject}"
    assert "I sign on Friday." in sent.text
    [event] = lease_events(house)
    assert str(event.start)[:10] == next_friday()
    assert ada.verify()["ok"]


def test_the_story_sends_one_mail_and_makes_one_event(ada: Person, house: House) -> None:
    connect_everything(ada, house)
    tell(ada, house)


@pytest.mark.slow
@pytest.mark.mails(10_000)
def test_the_story_works_with_a_mailbox_of_ten_thousand_mails(ada: Person, house: House) -> None:
    connect_everything(ada, house)
    tell(ada, house)


def test_a_denied_mail_is_not_sent_and_the_answer_says_so(ada: Person, house: House) -> None:
    connect_everything(ada, house)
    conversation = ada.converse()
    ada.say(conversation, QUESTION)
    final = ada.settle(conversation, "deny")
    assert "did not send" in final["messages"][-1]["text"]
    assert house.smtp.sent == ()
    assert lease_events(house) == []
    assert ada.verify()["ok"]


def test_the_answer_survives_a_restart_while_the_approval_waits(stack: Stack, house: House) -> None:
    with stack.sign_in() as ada:
        connect_everything(ada, house)
        conversation = ada.converse()
        ada.say(conversation, QUESTION)
    stack.halt()
    stack.launch()
    with stack.sign_in() as ada:
        final = ada.settle(conversation)
        assert "Friday" in final["messages"][-1]["text"]
        assert len(house.smtp.sent) == 1
        assert ada.verify()["ok"]


def test_a_lost_connection_resumes_without_a_gap_or_a_repetition(ada: Person, house: House) -> None:
    connect_everything(ada, house)
    conversation = ada.converse()
    whole = ada.say(conversation, QUESTION)
    middle = whole[len(whole) // 2]
    rest = []
    for event in ada.follow(conversation, after=middle.id):
        rest.append(event)
        if event.id == whole[-1].id:
            break
    assert [event.id for event in rest] == [event.id for event in whole[len(whole) // 2 + 1 :]]
    assert answer_text(whole) == answer_text([*whole[: len(whole) // 2 + 1], *rest])


def test_the_model_never_sees_a_password(ada: Person, house: House) -> None:
    connect_everything(ada, house)
    conversation = ada.converse()
    ada.say(conversation, QUESTION)
    assert house.model.requests
    assert not house.model.holds(house.mail_account()["secrets"]["password"])
    assert not house.model.holds(house.calendar_account()["secrets"]["password"])
