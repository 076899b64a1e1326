"""Who may say and hear what on the bus. The table is code; nats.conf and docs/reference/permissions.md come of it.

A room is one nkey user. What is not in its row is refused by the server, and a room's name in a subject is therefore
its proof of identity: only the connector `mail` can publish `oa.rpc.vault.token.mail`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from deploy import generated
from openassistant import subjects
from openassistant.builtin import HOUSE_ID

__all__ = ["EGRESS", "SERVICES", "Room", "main", "page", "table"]

TARGET = generated.ROOT / "docs" / "reference" / "permissions.md"

SERVICES = ("gateway", "agent", "vault", "audit")
EGRESS = "egress"
"""The way out of a house in containers; in the one-command run the rooms open their own connections."""
_REGISTRY = f"KV_{subjects.CONNECTORS_BUCKET}"
_STREAMS = (subjects.CHAT_STREAM, subjects.INBOX_STREAM, _REGISTRY)
_AUDIT_READS = ("query", "turn", "verify", "proof", "consistency", "export", "head", "left", "left_entries")
_ACCOUNT_VERBS = ("connect", "borrow", "finish", "rename", "list", "revoke")
_OAUTH_VERBS = ("keep", "list", "remove", "authorize", "finish", "poll")
_OPENID_VERBS = ("keep", "list", "remove", "begin", "finish")


class Room(BaseModel):
    """One user of the bus: the subjects it may publish and subscribe.

    `responds`: it may also answer, once, on the reply subject of a request that reached it.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    responds: bool = True


def table(connectors: Sequence[str]) -> tuple[Room, ...]:
    """The whole table, for the four services and these connectors."""
    return (
        _gateway(connectors),
        _agent(),
        _vault(),
        _audit(),
        _egress(),
        *(_connector(name) for name in sorted(connectors)),
    )


def _gateway(connectors: Sequence[str]) -> Room:
    """The person's side: asks every room, makes the streams, reads the events."""
    return Room(
        name="gateway",
        publish=(
            subjects.agent("*"),
            subjects.vault("public"),
            subjects.vault_key("gateway"),
            subjects.vault_rotate("gateway"),
            *map(subjects.vault_account, _ACCOUNT_VERBS),
            *map(subjects.vault_oauth, _OAUTH_VERBS),
            *map(subjects.vault_openid, _OPENID_VERBS),
            *map(subjects.audit, _AUDIT_READS),
            subjects.audit_record("gateway"),
            *(subjects.data(room, "*") for room in ("agent", "vault", "audit", *connectors)),
            subjects.egress("set"),
            *map(subjects.preview, connectors),
            *map(subjects.hook, connectors),
            *(subjects.account(name, "*") for name in connectors),
            *(subjects.journal(name, "*") for name in connectors),
            *(f"$JS.API.STREAM.CREATE.{stream}" for stream in _STREAMS),
            f"$JS.API.STREAM.PURGE.{subjects.CHAT_STREAM}",
            f"$JS.API.DIRECT.GET.{subjects.CHAT_STREAM}.{subjects.chat('*', '*')}",
            *_reads(subjects.CHAT_STREAM),
            *_reads(_REGISTRY),
            "$SRV.>",
        ),
        subscribe=(
            *_own("gateway"),
            subjects.gateway("*"),
            subjects.tools_of(HOUSE_ID),
            subjects.chat("*", "*"),
            subjects.inbox("*"),
        ),
    )


def _agent() -> Room:
    """The mind: calls tools, asks for approval, tells the chat. It signs nothing and reads no ledger."""
    return Room(
        name="agent",
        publish=(
            subjects.tool("*", "*", "*"),
            subjects.chat("*", "*"),
            subjects.gateway("approve"),
            subjects.gateway("renew"),
            subjects.audit_record("agent"),
            subjects.vault_key("agent"),
            subjects.vault_token("agent"),
            *_reads(_REGISTRY),
        ),
        subscribe=(*_own("agent"), subjects.agent("*"), subjects.data("agent", "*")),
    )


def _vault() -> Room:
    """The keys: answers, and writes down what it released."""
    return Room(
        name="vault",
        publish=(subjects.audit_record("vault"), *_reads(_REGISTRY)),
        subscribe=(
            *_own("vault"),
            subjects.vault("public"),
            subjects.vault_key("*"),
            subjects.vault_token("*"),
            subjects.vault_rotate("*"),
            subjects.vault_account("*"),
            subjects.vault_oauth("*"),
            subjects.vault_openid("*"),
            subjects.data("vault", "*"),
        ),
    )


def _audit() -> Room:
    """The witness: answers, and needs its own data keys."""
    return Room(
        name="audit",
        publish=(subjects.vault_key("audit"),),
        subscribe=(
            *_own("audit"),
            *map(subjects.audit, _AUDIT_READS),
            subjects.audit_record("*"),
            subjects.data("audit", "*"),
        ),
    )


def _egress() -> Room:
    """The way out: is told who may reach what, looks up domains, and writes down what went through."""
    return Room(
        name=EGRESS,
        publish=(subjects.gateway("targets"), subjects.audit_record(EGRESS)),
        subscribe=(*_own(EGRESS), subjects.egress("set"), subjects.egress_lookup("*")),
    )


def _connector(name: str) -> Room:
    """A hand: its own calls, its own token, its own entry in the registry; nothing of any other room."""
    return Room(
        name=name,
        publish=(
            subjects.vault_key(name),
            subjects.vault_token(name),
            subjects.audit_record(name),
            subjects.inbox(name),
            subjects.egress_lookup(name),
            f"$KV.{subjects.CONNECTORS_BUCKET}.{subjects.instance_key(name, '*')}",
        ),
        subscribe=(
            *_own(name),
            subjects.tools_of(name),
            subjects.preview(name),
            subjects.hook(name),
            subjects.account(name, "*"),
            subjects.journal(name, "*"),
            subjects.data(name, "*"),
        ),
    )


def _own(room: str) -> tuple[str, ...]:
    """A room's inboxes, and what discovery (NATS ADR-32) asks it."""
    return (f"_INBOX_{room}.>", "$SRV.*", f"$SRV.*.{room}", f"$SRV.*.{room}.*")


def _reads(stream: str) -> tuple[str, ...]:
    """What an ordered consumer of a stream needs: to be made, and to answer flow control."""
    return (f"$JS.API.CONSUMER.CREATE.{stream}", f"$JS.FC.{stream}.>")


_HEAD = """# Bus permissions

Generated by `python -m deploy.permissions --write` from `deploy/permissions.py`; the bus configuration comes from the
same table, and `tests/deploy/test_permissions.py` tries every cell of it on a real server.

Each room is one user with a key of its own. What is not listed is refused. Every room may answer, once, on the reply
subject of a request that reached it. `ID` stands for a connector's id: each has a row like this for itself alone.
"""


def page() -> str:
    """The table as a page, with one connector `ID` that stands for all."""
    return _HEAD + "".join(_section(room) for room in table(("ID",)))


def _section(room: Room) -> str:
    return f"\n## {room.name}\n\n| may publish | may subscribe |\n| --- | --- |\n" + "".join(
        f"| {said} | {heard} |\n" for said, heard in _side_by_side(room.publish, room.subscribe)
    )


def _side_by_side(left: Sequence[str], right: Sequence[str]) -> Iterable[tuple[str, str]]:
    for position in range(max(len(left), len(right))):
        yield _cell(left, position), _cell(right, position)


def _cell(column: Sequence[str], position: int) -> str:
    return f"`{column[position]}`" if position < len(column) else ""


def main(arguments: list[str] | None = None) -> int:
    """The command line; see `deploy.generated`."""
    return generated.main(TARGET, page, command="deploy.permissions", arguments=arguments)


if __name__ == "__main__":
    sys.exit(main())
