"""The contacts connector keeps the contract, and its card is the one in the tree."""

from connectors.google_contacts.tools import connector
from openassistant.contract import connector_faults
from openassistant.messages import Card, Effect


def test_the_contract_is_kept() -> None:
    assert connector_faults(connector) == []


def test_the_card_is_current() -> None:
    assert Card.model_validate_json((connector.folder / "card.json").read_text()) == connector.card()


def test_each_tool_says_what_it_does_to_the_world() -> None:
    effects = {tool.name: tool.effect for tool in connector.card().tools}
    reads = {"changes_list", "contacts_get", "contacts_list", "contacts_search", "groups_list", "others_search"}
    assert {name for name, effect in effects.items() if effect is Effect.READ} == reads
    assert {name for name, effect in effects.items() if effect is Effect.DELETE} == {"contacts_delete"}
    assert not any(effect is Effect.SEND for effect in effects.values())


def test_what_holds_words_of_contacts_counts_as_outside() -> None:
    outside = {tool.name for tool in connector.card().tools if tool.returns_outside}
    assert outside == {name for name, tool in connector.tools.items() if tool.effect is Effect.READ}
