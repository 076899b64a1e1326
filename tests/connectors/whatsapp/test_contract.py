"""The connector keeps the contract, and its card is the one that stands in the tree."""

from connectors.whatsapp.tools import connector
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
        "chats_list": Effect.READ,
        "chats_read": Effect.READ,
        "contacts_block": Effect.WRITE,
        "contacts_unblock": Effect.WRITE,
        "drafts_create": Effect.WRITE,
        "drafts_delete": Effect.WRITE,
        "drafts_list": Effect.READ,
        "drafts_send": Effect.SEND,
        "media_read": Effect.READ,
        "media_send": Effect.SEND,
        "messages_mark_read": Effect.WRITE,
        "messages_react": Effect.SEND,
        "messages_search": Effect.READ,
        "messages_send": Effect.SEND,
        "templates_list": Effect.READ,
        "templates_send": Effect.SEND,
        "windows_read": Effect.READ,
    }


def test_what_reads_chats_says_that_it_returns_texts_of_others() -> None:
    outside = {tool.name for tool in connector.card().tools if tool.returns_outside}
    assert outside == {"chats_list", "chats_read", "drafts_list", "media_read", "messages_search"}


def test_what_changes_something_can_be_taken_back_but_for_what_was_seen() -> None:
    cards = {tool.name: tool for tool in connector.card().tools if tool.effect is Effect.WRITE}
    assert {name for name, tool in cards.items() if not tool.undo} == {"actions_undo", "messages_mark_read"}


def test_the_description_says_what_meta_may_do() -> None:
    assert "may close accounts" in connector.manifest.description


def test_the_door_takes_what_meta_sends_at_most() -> None:
    assert connector.manifest.hook is not None
    assert connector.manifest.hook.largest >= 3 * 1024 * 1024
