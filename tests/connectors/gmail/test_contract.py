"""The Gmail connector keeps the contract, and its card is the one that stands in the tree."""

from connectors.gmail.tools import connector
from openassistant.contract import connector_faults
from openassistant.messages import Card, Effect

READ = {
    "attachments_list", "attachments_read", "changes_list", "drafts_list", "drafts_read", "labels_list",
    "messages_read", "messages_search", "messages_waiting", "threads_read", "vacation_read",
}  # fmt: skip
WRITE = {
    "actions_undo", "drafts_create", "drafts_delete", "drafts_update", "labels_create", "messages_archive",
    "messages_flag", "messages_label", "messages_restore", "messages_trash",
}  # fmt: skip
SEND = {"drafts_send", "messages_forward", "messages_reply", "messages_reply_all", "messages_send", "vacation_set"}


def test_the_contract_is_kept() -> None:
    assert connector_faults(connector) == []


def test_the_card_is_current() -> None:
    kept = Card.model_validate_json((connector.folder / "card.json").read_text())
    assert kept == connector.card()


def test_each_tool_says_what_it_does_to_the_world() -> None:
    effects = {tool.name: tool.effect for tool in connector.card().tools}
    assert effects == {
        **dict.fromkeys(READ, Effect.READ),
        **dict.fromkeys(WRITE, Effect.WRITE),
        **dict.fromkeys(SEND, Effect.SEND),
    }


def test_whatever_tells_of_mails_returns_texts_of_others() -> None:
    outside = {tool.name for tool in connector.card().tools if tool.returns_outside}
    assert outside >= READ | {"drafts_send", "labels_create", "messages_reply", "messages_reply_all"}


def test_what_changes_the_mailbox_can_be_taken_back_and_looked_up() -> None:
    cards = {tool.name: tool for tool in connector.card().tools}
    assert {name for name in WRITE if not cards[name].undo} == {"actions_undo"}
    assert {name for name in (WRITE | SEND) - {"actions_undo"} if connector.tools[name].reconciler is None} == set()


def test_each_tool_belongs_to_something_that_the_owner_allows() -> None:
    assert {name for name, tool in connector.tools.items() if not tool.capability} == {"actions_undo"}
