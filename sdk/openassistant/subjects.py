"""Every subject, stream and bucket of the bus; the only strings that begin "oa.".

Grammar: ``oa.<family>.<room>.<verb>[.<id>]``. The families ``rpc``, ``tool`` and ``event`` never share a prefix,
because a request on a subject that a stream captures is answered by the stream and not by the responder.
"""

from __future__ import annotations

import re

from openassistant.errors import InvalidRequest

__all__ = [
    "CHAT_STREAM",
    "CONNECTORS_BUCKET",
    "INBOX_STREAM",
    "account",
    "agent",
    "audit",
    "audit_record",
    "chat",
    "data",
    "egress",
    "egress_lookup",
    "gateway",
    "hook",
    "inbox",
    "instance_key",
    "journal",
    "last_token",
    "preview",
    "replies",
    "token_at",
    "tool",
    "tools_of",
    "vault",
    "vault_account",
    "vault_key",
    "vault_oauth",
    "vault_openid",
    "vault_rotate",
    "vault_token",
]

CHAT_STREAM = "OA_CHAT"
"""Stream, in memory, one hour: the events of conversations, for a browser that comes back."""
INBOX_STREAM = "OA_INBOX"
"""Stream, on disk, seven days: that something new came, by id."""
CONNECTORS_BUCKET = "OA_CONNECTORS"
"""Key-value bucket, in memory, 60 seconds: which connectors run, each instance with its card."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}|\*|>")


def _token(value: str) -> str:
    """A value that can stand between two dots; anything else would name another subject."""
    if not _TOKEN.fullmatch(value):
        raise InvalidRequest(f"{value[:80]!r} cannot be part of a subject.")
    return value


def agent(verb: str) -> str:
    """turn, decide, settle, cancel, history, show, apart, conversations, create, change, delete, labels, search, file.

    Also probe and look. Of files that come with a message: give, given, ungive. All of them are the gateway's to ask.
    """
    return f"oa.rpc.agent.{_token(verb)}"


def gateway(verb: str) -> str:
    """approve, renew: agent → gateway; targets: egress → gateway."""
    return f"oa.rpc.gateway.{_token(verb)}"


def tool(connector: str, user: str, name: str) -> str:
    """One call of one tool for one user: agent → connector."""
    return f"oa.tool.{_token(connector)}.{_token(user)}.{_token(name)}"


def tools_of(connector: str) -> str:
    """What a connector serves, in the queue group that bears its name."""
    return f"oa.tool.{_token(connector)}.*.*"


def preview(connector: str) -> str:
    """What a call would do, in the connector's own words: gateway → connector."""
    return f"oa.rpc.{_token(connector)}.preview"


def account(connector: str, verb: str) -> str:
    """check, attach, detach, status, parts: gateway → connector."""
    return f"oa.rpc.{_token(connector)}.account.{_token(verb)}"


def hook(connector: str) -> str:
    """What came by the address of an account: gateway → connector."""
    return f"oa.rpc.{_token(connector)}.hook"


def journal(connector: str, verb: str) -> str:
    """open, settle, undoable: what a connector's journal holds of a user: gateway → connector."""
    return f"oa.rpc.{_token(connector)}.journal.{_token(verb)}"


def data(room: str, verb: str) -> str:
    """usage, erase, forget, export, import, rekey: gateway → every room that stores something."""
    return f"oa.rpc.{_token(room)}.data.{_token(verb)}"


def vault(verb: str) -> str:
    """public: the vault's sealing key, for every room."""
    return f"oa.rpc.vault.{_token(verb)}"


def vault_account(verb: str) -> str:
    """connect, borrow, finish, rename, list, revoke: gateway → vault."""
    return f"oa.rpc.vault.account.{_token(verb)}"


def vault_oauth(verb: str) -> str:
    """keep, list, remove (registrations); authorize, finish, poll (authorizations): gateway → vault."""
    return f"oa.rpc.vault.oauth.{_token(verb)}"


def vault_openid(verb: str) -> str:
    """keep, list, remove (registrations with OpenID providers); begin, finish (sign-ins of people): gateway → vault."""
    return f"oa.rpc.vault.openid.{_token(verb)}"


def vault_key(room: str) -> str:
    """A room's data keys; the caller's identity is the last token, kept true by the bus's permissions."""
    return f"oa.rpc.vault.key.{_token(room)}"


def vault_rotate(caller: str) -> str:
    """New keys, and how far that is: gateway → vault; the caller's identity is the last token."""
    return f"oa.rpc.vault.rotate.{_token(caller)}"


def vault_token(connector: str) -> str:
    """An account's settings and secrets; the caller's identity is the last token."""
    return f"oa.rpc.vault.token.{_token(connector)}"


def audit(verb: str) -> str:
    """query, turn, verify, proof, consistency, export, head, left, left_entries: gateway → audit."""
    return f"oa.rpc.audit.{_token(verb)}"


def audit_record(room: str) -> str:
    """One record for the ledger; the caller's identity is the last token."""
    return f"oa.rpc.audit.record.{_token(room)}"


def egress(verb: str) -> str:
    """set: gateway → egress, the whole list of who may reach what."""
    return f"oa.rpc.egress.{_token(verb)}"


def egress_lookup(room: str) -> str:
    """A question to DNS about a domain that an account names; the caller's identity is the last token."""
    return f"oa.rpc.egress.lookup.{_token(room)}"


def chat(user: str, conversation: str) -> str:
    """The AG-UI events of one conversation, captured by the stream OA_CHAT."""
    return f"oa.event.chat.{_token(user)}.{_token(conversation)}"


def inbox(connector: str) -> str:
    """Something new, by id, captured by the stream OA_INBOX."""
    return f"oa.event.inbox.{_token(connector)}"


def replies(room: str) -> str:
    """Where answers to a room arrive: the prefix of its inboxes, which no other room may subscribe to."""
    return f"_INBOX_{_token(room)}"


def instance_key(connector: str, instance: str) -> str:
    """The registry's key of one running instance in the bucket OA_CONNECTORS."""
    return f"{_token(connector)}.{_token(instance)}"


def token_at(subject: str, position: int) -> str:
    """The token at a position, counted from 0: ``token_at("oa.tool.mail.u.t", 3) == "u"``."""
    return subject.split(".")[position]


def last_token(subject: str) -> str:
    """The last token of a subject: the caller's identity where the grammar says so."""
    return subject.rsplit(".", 1)[-1]
