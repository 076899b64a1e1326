"""The calendar connector keeps the contract, and its card is the one that stands in the tree."""

from connectors.caldav.tools import connector
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
        "calendars_list": Effect.READ,
        "events_get": Effect.READ,
        "events_list": Effect.READ,
        "events_search": Effect.READ,
        "busy_list": Effect.READ,
        "slots_find": Effect.READ,
        "invitations_list": Effect.READ,
        "invitations_answer": Effect.SEND,
        "invitations_file": Effect.WRITE,
        "events_create": Effect.WRITE,
        "events_update": Effect.WRITE,
        "events_delete": Effect.DELETE,
        "tasks_list": Effect.READ,
        "tasks_create": Effect.WRITE,
        "tasks_update": Effect.WRITE,
        "tasks_complete": Effect.WRITE,
        "tasks_delete": Effect.DELETE,
    }


def test_guests_make_a_change_a_send() -> None:
    create, update = connector.tools["events_create"], connector.tools["events_update"]
    assert create.effect_for({"guests": ["carol@example.org"]}) is Effect.SEND
    assert create.effect_for({"guests": []}) is Effect.WRITE
    assert update.effect_for({"guests": []}) is Effect.SEND
    assert update.effect_for({"tell_guests": True}) is Effect.SEND


def test_what_reads_events_says_that_it_returns_texts_of_others() -> None:
    outside = {tool.name for tool in connector.card().tools if tool.returns_outside}
    assert outside == {
        "calendars_list", "events_get", "events_list", "events_search", "invitations_list", "tasks_list",
    }  # fmt: skip
