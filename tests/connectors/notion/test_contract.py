"""The Notion connector keeps the contract, and its card is the one in the tree."""

from connectors.notion.tools import connector
from openassistant.contract import connector_faults
from openassistant.messages import Card, Effect


def test_the_contract_is_kept() -> None:
    assert connector_faults(connector) == []


def test_the_card_is_current() -> None:
    assert Card.model_validate_json((connector.folder / "card.json").read_text()) == connector.card()


def test_each_tool_says_what_it_does_to_the_world() -> None:
    effects = {tool.name: tool.effect for tool in connector.card().tools}
    reads = {
        "comments_list", "databases_get", "databases_list", "pages_read", "pages_search", "rows_query", "users_list",
    }  # fmt: skip
    assert {name for name, effect in effects.items() if effect is Effect.READ} == reads
    assert {name for name, effect in effects.items() if effect is Effect.SEND} == {"comments_create"}
    assert not any(effect is Effect.DELETE for effect in effects.values())


def test_all_that_is_read_of_a_workspace_counts_as_outside() -> None:
    tools = connector.card().tools
    assert all(tool.returns_outside for tool in tools if tool.effect is Effect.READ)


def test_each_change_can_be_taken_back_but_for_what_reached_others() -> None:
    changes = {tool.name: tool.undo for tool in connector.card().tools if tool.effect is not Effect.READ}
    assert {name for name, undo in changes.items() if not undo} == {"actions_undo", "comments_create"}


def test_each_tool_needs_something_that_the_owner_may_leave_out() -> None:
    needed = {tool.name: tool.capability for tool in connector.card().tools}
    assert {name for name, capability in needed.items() if not capability} == {"actions_undo"}
    assert needed["comments_create"] == "comment"
