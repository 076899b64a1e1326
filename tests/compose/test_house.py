"""The story in containers; and that a house in containers comes back, and knows when it is not well."""

import pytest

from tests.compose.project import ComposeProject
from tests.e2e.stack import Person
from tests.e2e.test_story import QUESTION, lease_events, next_friday
from tests.peers.house import MAIL_PASSWORD, House
from tests.peers.process import wait_until

pytestmark = [pytest.mark.compose, pytest.mark.needs_dovecot]


def connect_everything(ada: Person, project: ComposeProject, house: House) -> None:
    ada.connect(project.reaching(house.mail_account()), seconds=120)
    ada.connect(project.reaching(house.calendar_account()))


def letters(house: House) -> list[tuple[tuple[str, ...], str, bool]]:
    """Of each mail that was sent: to whom, about what, and whether it says what was asked for."""
    return [(each.recipients, each.subject, "I sign on Friday." in each.text) for each in house.smtp.sent]


def test_the_story_sends_one_mail_and_makes_one_event_with_three_mail_connectors(
    project: ComposeProject, ada: Person, peers: House
) -> None:
    connect_everything(ada, project, peers)
    conversation = ada.converse()
    ada.say(conversation, QUESTION)
    assert letters(peers) == []

    final = ada.settle(conversation)
    assert {call["state"] for message in final["messages"] for call in message["calls"]} == {"done"}

    assert letters(peers) == [(("carol@example.org",), f"Re: {peers.seeded.lease_subject}", True)]
    assert [str(event.start)[:10] for event in lease_events(peers)] == [next_friday()]
    assert ada.verify()["ok"]


def test_the_house_comes_back_from_its_volumes(project: ComposeProject, peers: House) -> None:
    with project.sign_in() as ada:
        before = [entry["leaf_hash"] for entry in ada.ledger()]
        accounts = [account["id"] for account in ada.get("/api/accounts")]
    project.up("--force-recreate")
    with project.sign_in() as ada:
        assert [entry["leaf_hash"] for entry in ada.ledger()][: len(before)] == before
        assert [account["id"] for account in ada.get("/api/accounts")] == accounts
        assert ada.verify()["ok"]
        assert len(letters(peers)) <= 1


def test_a_room_without_its_bus_is_unhealthy_and_recovers(project: ComposeProject) -> None:
    assert project.health("mail") == "healthy"
    [bus] = project.containers("bus")
    bus.pause()
    try:
        assert wait_until(lambda: project.health("mail") == "unhealthy", seconds=90, every=1)
    finally:
        bus.unpause()
    assert wait_until(lambda: project.health("mail") == "healthy", seconds=60, every=1)


def test_no_container_writes_a_secret_into_its_log(project: ComposeProject, peers: House) -> None:
    logs = project.logs()
    assert "bus-1" in logs
    secrets = {MAIL_PASSWORD, peers.calendar_account()["secrets"]["password"], "not-a-real-owner-password", "/setup#"}
    assert {secret for secret in secrets if secret in logs} == set()
