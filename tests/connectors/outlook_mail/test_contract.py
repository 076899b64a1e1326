"""The Outlook mail connector keeps the contract, and its card is the one that stands in the tree."""

from connectors.outlook_mail.tools import connector
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
        "attachments_list": Effect.READ,
        "attachments_read": Effect.READ,
        "auto_replies_get": Effect.READ,
        "auto_replies_set": Effect.SEND,
        "changes_list": Effect.READ,
        "drafts_create": Effect.WRITE,
        "drafts_delete": Effect.WRITE,
        "drafts_read": Effect.READ,
        "drafts_send": Effect.SEND,
        "drafts_update": Effect.WRITE,
        "folders_list": Effect.READ,
        "messages_archive": Effect.WRITE,
        "messages_flag": Effect.WRITE,
        "messages_forward": Effect.SEND,
        "messages_get": Effect.READ,
        "messages_junk": Effect.WRITE,
        "messages_move": Effect.WRITE,
        "messages_reply": Effect.SEND,
        "messages_reply_all": Effect.SEND,
        "messages_search": Effect.READ,
        "messages_waiting": Effect.READ,
        "messages_send": Effect.SEND,
        "messages_trash": Effect.WRITE,
        "threads_read": Effect.READ,
    }


def test_each_write_can_be_taken_back() -> None:
    tools = connector.card().tools
    assert {tool.name for tool in tools if tool.effect is Effect.WRITE and not tool.undo} == {"actions_undo"}


def test_what_touches_mail_says_that_it_returns_texts_of_others() -> None:
    inside = {tool.name for tool in connector.card().tools if not tool.returns_outside}
    assert inside == {"actions_undo", "drafts_create", "drafts_update", "messages_send"}


def test_each_tool_asks_for_no_more_than_it_needs() -> None:
    needs = {tool.name: tool.capability for tool in connector.card().tools if tool.name != "actions_undo"}
    effects = {tool.name: tool.effect for tool in connector.card().tools}
    settings = {"auto_replies_get", "auto_replies_set"}
    assert {name for name, capability in needs.items() if capability == "settings"} == settings
    for name in set(needs) - settings:
        assert needs[name] == {Effect.READ: "read", Effect.WRITE: "write", Effect.SEND: "send"}[effects[name]]
