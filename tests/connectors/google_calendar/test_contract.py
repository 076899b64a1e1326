"""The connector of Google Calendar keeps the contract, and its card is the one in the tree."""

from connectors.google_calendar.tools import connector
from openassistant.contract import connector_faults
from openassistant.messages import Card, Effect


def test_the_contract_is_kept() -> None:
    assert connector_faults(connector) == []


def test_the_card_is_current() -> None:
    assert Card.model_validate_json((connector.folder / "card.json").read_text()) == connector.card()


def test_each_tool_says_what_it_does_to_the_world() -> None:
    effects = {tool.name: tool.effect for tool in connector.card().tools}
    assert {name for name, effect in effects.items() if effect is Effect.READ} == {
        "busy_list", "calendars_list", "changes_list", "events_get", "events_list", "events_search",
        "invitations_list", "schedules_list", "slots_find",
    }  # fmt: skip
    assert {name for name, effect in effects.items() if effect is Effect.SEND} == {
        "events_cancel",
        "invitations_answer",
    }
    assert {name for name, effect in effects.items() if effect is Effect.DELETE} == {"events_delete"}


def test_what_reaches_guests_is_a_send() -> None:
    tools = connector.tools
    assert tools["events_create"].effect_for({"title": "Tea"}) is Effect.WRITE
    assert tools["events_create"].effect_for({"guests": ["carol@example.org"]}) is Effect.SEND
    assert tools["events_update"].effect_for({"guests": []}) is Effect.SEND
    assert tools["events_update"].effect_for({"tell_guests": True}) is Effect.SEND
    assert tools["events_move"].effect_for({"tell_guests": True}) is Effect.SEND
    assert tools["events_move"].effect_for({}) is Effect.WRITE


def test_what_holds_words_of_others_counts_as_outside() -> None:
    outside = {tool.name for tool in connector.card().tools if tool.returns_outside}
    assert outside == {
        "calendars_list", "changes_list", "events_get", "events_list", "events_search", "invitations_list",
    }  # fmt: skip
