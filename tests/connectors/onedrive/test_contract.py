"""The OneDrive connector keeps the contract, and its card is the one that stands in the tree."""

from connectors.onedrive.tools import connector
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
        "changes_list": Effect.READ,
        "files_download": Effect.READ,
        "files_get": Effect.READ,
        "files_read": Effect.READ,
        "files_search": Effect.READ,
        "folders_list": Effect.READ,
        "files_copy": Effect.WRITE,
        "files_move": Effect.WRITE,
        "files_rename": Effect.WRITE,
        "files_restore": Effect.WRITE,
        "files_trash": Effect.WRITE,
        "files_update": Effect.WRITE,
        "files_upload": Effect.WRITE,
        "folders_create": Effect.WRITE,
        "files_share": Effect.SEND,
        "links_create": Effect.SEND,
    }


def test_what_others_see_is_a_message_to_them() -> None:
    rising = {
        name for name, tool in connector.tools.items() if tool.effect_for({"seen_by_others": True}) is Effect.SEND
    }
    writing = {tool.name for tool in connector.card().tools if tool.effect is Effect.WRITE} - {"actions_undo"}
    assert rising == writing | {"files_share", "links_create"}


def test_whatever_tells_of_files_returns_texts_of_others() -> None:
    outside = {tool.name for tool in connector.card().tools if tool.returns_outside}
    assert outside == set(connector.tools) - {"actions_undo"}


def test_what_changes_the_drive_can_be_taken_back_and_looked_up() -> None:
    cards = {tool.name: tool for tool in connector.card().tools if tool.effect is Effect.WRITE}
    assert {name for name, tool in cards.items() if not tool.undo} == {"actions_undo"}
    effects = {name for name, tool in connector.tools.items() if tool.effect is not Effect.READ} - {"actions_undo"}
    assert {name for name in effects if connector.tools[name].reconciler is None} == set()
