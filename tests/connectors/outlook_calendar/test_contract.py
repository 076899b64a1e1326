"""The Outlook calendar connector keeps the contract, and its card is the one that stands in the tree."""

from connectors.outlook_calendar.tools import connector
from openassistant.contract import connector_faults
from openassistant.messages import Card, Effect


def test_the_contract_is_kept() -> None:
    assert connector_faults(connector) == []


def test_the_card_is_current() -> None:
    kept = Card.model_validate_json((connector.folder / "card.json").read_text())
    assert kept == connector.card()


def test_each_tool_says_what_it_does_to_the_world() -> None:
    effects = {tool.name: tool.effect for tool in connector.card().tools}
    assert effects == {
        "actions_undo": Effect.WRITE,
        "busy_list": Effect.READ,
        "calendars_list": Effect.READ,
        "changes_list": Effect.READ,
        "events_cancel": Effect.SEND,
        "events_create": Effect.WRITE,
        "events_delete": Effect.DELETE,
        "events_forward": Effect.SEND,
        "events_get": Effect.READ,
        "events_list": Effect.READ,
        "events_search": Effect.READ,
        "events_update": Effect.WRITE,
        "invitations_answer": Effect.SEND,
        "invitations_list": Effect.READ,
        "invitations_propose": Effect.SEND,
        "meeting_times_find": Effect.READ,
        "schedules_list": Effect.READ,
        "slots_find": Effect.READ,
    }


def test_guests_make_a_change_a_send() -> None:
    create, update = connector.tools["events_create"], connector.tools["events_update"]
    assert create.effect_for({"guests": ["carol@example.org"]}) is Effect.SEND
    assert create.effect_for({"guests": []}) is Effect.WRITE
    assert update.effect_for({"guests": []}) is Effect.SEND
    assert update.effect_for({"tell_guests": True}) is Effect.SEND
    assert update.effect_for({"title": "Tea"}) is Effect.WRITE


def test_what_reaches_nobody_can_be_taken_back_or_is_said_to_delete() -> None:
    cards = {tool.name: tool for tool in connector.card().tools if tool.effect is Effect.WRITE}
    assert {name for name, tool in cards.items() if not tool.undo} == {"actions_undo"}


def test_what_reads_events_says_that_it_returns_texts_of_others() -> None:
    outside = {tool.name for tool in connector.card().tools if tool.returns_outside}
    assert outside == {
        "calendars_list", "changes_list", "events_get", "events_list", "events_search", "invitations_list",
    }  # fmt: skip


def test_each_tool_asks_for_no_more_than_it_needs() -> None:
    needs = {tool.name: tool.capability for tool in connector.card().tools if tool.name != "actions_undo"}
    assert {name for name, capability in needs.items() if capability == "write"} == {
        "events_cancel", "events_create", "events_delete", "events_forward", "events_update", "invitations_answer",
        "invitations_propose",
    }  # fmt: skip
    assert {name for name, capability in needs.items() if capability == "availability"} == {"meeting_times_find"}
    assert set(needs.values()) == {"read", "write", "availability"}
