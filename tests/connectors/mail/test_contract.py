"""The mail connector keeps the contract, and its card is the one that stands in the tree."""

from connectors.mail.tools import connector
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
        "drafts_read": Effect.READ,
        "folders_list": Effect.READ,
        "messages_search": Effect.READ,
        "messages_waiting": Effect.READ,
        "threads_read": Effect.READ,
        "drafts_create": Effect.WRITE,
        "drafts_delete": Effect.WRITE,
        "drafts_update": Effect.WRITE,
        "messages_archive": Effect.WRITE,
        "messages_flag": Effect.WRITE,
        "messages_junk": Effect.WRITE,
        "messages_move": Effect.WRITE,
        "messages_trash": Effect.WRITE,
        "drafts_send": Effect.SEND,
        "invitations_answer": Effect.SEND,
        "messages_forward": Effect.SEND,
        "messages_reply_all": Effect.SEND,
        "messages_unsubscribe": Effect.SEND,
        "messages_send": Effect.SEND,
        "messages_reply": Effect.SEND,
    }


def test_what_reads_mail_says_that_it_returns_texts_of_others() -> None:
    outside = {tool.name for tool in connector.card().tools if tool.returns_outside}
    reading = {"attachments_list", "attachments_read", "drafts_read", "folders_list", "threads_read"}
    reading |= {"messages_search", "messages_waiting"}
    # What came back names a folder that another shares, or the people and hosts that a mail named.
    filing = {"drafts_delete", "messages_archive", "messages_junk", "messages_move", "messages_trash"}
    sending = {"drafts_send", "invitations_answer", "messages_reply", "messages_reply_all", "messages_unsubscribe"}
    assert outside == reading | filing | sending


def test_what_changes_the_mailbox_can_be_taken_back() -> None:
    cards = {tool.name: tool for tool in connector.card().tools if tool.effect is Effect.WRITE}
    assert {name for name, tool in cards.items() if not tool.undo} == {"actions_undo"}
    assert not any(tool.effect is Effect.DELETE for tool in connector.card().tools)
