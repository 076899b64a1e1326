"""Other rooms, and the bus itself: keys and secrets, records, streams, the registry, and more than can be taken."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from tests.hostile.double import altered, fresh_id
from tests.hostile.stance import LETTER, Stance, Try

__all__ = ["bus", "deputies", "flood", "ledger", "lies", "vault"]


def vault(stance: Stance) -> Iterator[Try]:
    """Keys and secrets."""
    key = {"public_key": "A" * 43 + "="}
    other, double = stance.other, stance.double
    for room in ("gateway", "vault", "audit", *stance.cards):
        yield "vault", f"the key of {room}", lambda room=room: double.ask(f"oa.rpc.vault.key.{room}", key, seconds=1)  # type: ignore[misc]
        yield (
            "vault",
            f"a token of {room}",
            lambda room=room: double.ask(  # type: ignore[misc]
                f"oa.rpc.vault.token.{room}", {**key, "account": stance.account("mail")}, grant=stance.grant, seconds=1
            ),
        )
    for what, grant in (
        ("my grant", stance.grant),
        ("no grant", None),
        ("a grant of its own", stance.fake_grant(user=other["user"])),
    ):
        yield (
            "vault",
            f"another's data key with {what}",
            lambda grant=grant: double.ask(  # type: ignore[misc]
                "oa.rpc.vault.key.agent", {**key, "user": other["user"]}, user=other["user"], grant=grant
            ),
        )
    accounts = {
        "mine": stance.account("mail"),
        "theirs": other["accounts"]["mail"],
        "calendar": stance.account("caldav"),
    }
    for what, account in accounts.items():
        for profile in (False, True):
            yield (
                "vault",
                f"the secrets of an account ({what}, profile {profile})",
                lambda account=account, profile=profile: (  # type: ignore[misc]
                    double.ask(
                        "oa.rpc.vault.token.agent",
                        {**key, "account": account, "profile": profile},
                        user=stance.me,
                        grant=stance.grant,
                    )
                ),
            )
    for verb in ("connect", "finish", "list", "revoke"):
        body = {"account": other["accounts"]["mail"], "user": other["user"]}
        yield (
            "vault",
            f"accounts: {verb}",
            lambda verb=verb, body=body: double.ask(  # type: ignore[misc]
                f"oa.rpc.vault.account.{verb}", body, seconds=1
            ),
        )
    yield "vault", "its public key", lambda: double.ask("oa.rpc.vault.public", seconds=1)


def ledger(stance: Stance) -> Iterator[Try]:
    """Records of what never was, and of others; reading and erasing."""
    double, call = stance.double, stance.call("mail", "messages_send", LETTER)
    theirs = {**call, "user": stance.other["user"], "account": stance.other["accounts"]["mail"]}
    told = {"connector": "mail", "tool": "messages_send", "effect": "send", "outcome": "done"}
    for action in ("approval.granted", "policy.decided", "rule.made", "tool.finished", "tool.failed", "token.released",
                   "session.started", "turn.started", "account.removed"):  # fmt: skip
        record = {"id": call["id"], "action": action, "content": {"call": call["id"]}, **told}
        for room in ("agent", "gateway", "vault", "mail"):
            yield (
                "ledger",
                f"{action} as {room}",
                lambda room=room, record=record: double.ask(  # type: ignore[misc]
                    f"oa.rpc.audit.record.{room}", record, user=stance.me, grant=stance.grant, seconds=2
                ),
            )
    for what, body, grant in (
        ("a call of another", theirs, stance.grant),
        ("a call of another, by a changed grant", theirs, altered(stance.grant, user=stance.other["user"])),
        ("a call under a session", call, stance.double.sessions.get(stance.me)),
        ("a call under a grant that is over", call, stance.brief["spent"]["mine"]),
        ("a call of another under their session", theirs, stance.double.sessions.get(stance.other["user"])),
    ):
        yield "ledger", what, lambda body=body, grant=grant: double.ask(  # type: ignore[misc]
            "oa.rpc.audit.record.agent", {"id": body["id"], "action": "tool.started", "call": body},
            user=body["user"], grant=grant,
        )  # fmt: skip
    for verb in ("query", "turn", "verify", "proof", "consistency", "export", "head", "data.erase", "data.export"):
        yield (
            "ledger",
            f"ask for {verb}",
            lambda verb=verb: double.ask(  # type: ignore[misc]
                f"oa.rpc.audit.{verb}", {"user": stance.other["user"]}, grant=stance.grant, seconds=1
            ),
        )
    for room in ("mail", "caldav", "vault", "gateway"):
        yield "ledger", f"erase in {room}", lambda room=room: double.ask(f"oa.rpc.{room}.data.erase", seconds=1)  # type: ignore[misc]


def bus(stance: Stance) -> Iterator[Try]:
    """The bus itself: listening, the streams, the registry, and other rooms' subjects."""
    double, other = stance.double, stance.other
    for subject in (
        ">",
        "oa.>",
        "oa.tool.>",
        "oa.rpc.>",
        "oa.rpc.vault.>",
        "oa.rpc.gateway.*",
        "oa.rpc.audit.record.*",
        "oa.event.>",
        f"oa.event.chat.{other['user']}.*",
        f"oa.event.chat.{stance.me}.{stance.turn['conversation']}",
        "oa.event.inbox.*",
        "_INBOX.>",
        "_INBOX_gateway.>",
        "_INBOX_mail.>",
        "_INBOX_vault.>",
        "_INBOX_audit.>",
        "$SYS.>",
        "$JS.>",
        "$JS.API.>",
        "$KV.>",
        "$KV.OA_CONNECTORS.>",
    ):
        yield "bus", f"listen to {subject}", lambda subject=subject: double.hears(subject)  # type: ignore[misc]
    card = stance.cards["mail"]
    beat = {"instance": "evil", "card": {**card, "hosts": ["evil.example"]}, "digest": card["digest"],
            "started": "2099-01-01T00:00:00+00:00"}  # fmt: skip
    for subject in (
        "$KV.OA_CONNECTORS.mail.evil", "$KV.OA_CONNECTORS.evil.1", "$KV.OA_CONNECTORS.agent.1", "oa.event.inbox.mail",
        "oa.rpc.mail.preview", "oa.rpc.mail.account.detach", "oa.rpc.mail.account.attach", "oa.rpc.agent.decide",
        "oa.rpc.agent.turn", "$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.CONNZ", "$SRV.PING",
    ):  # fmt: skip
        yield "bus", f"say {subject}", lambda subject=subject: double.says(subject, json.dumps(beat).encode())  # type: ignore[misc]
    for api in (
        "INFO",
        "STREAM.LIST",
        "STREAM.NAMES",
        "STREAM.INFO.OA_CHAT",
        "STREAM.DELETE.OA_CHAT",
        "STREAM.PURGE.OA_CHAT",
        "STREAM.PURGE.KV_OA_CONNECTORS",
        "STREAM.DELETE.KV_OA_CONNECTORS",
        "STREAM.CREATE.OA_EVIL",
        "STREAM.UPDATE.OA_CHAT",
        "STREAM.MSG.GET.OA_CHAT",
        "STREAM.MSG.GET.OA_INBOX",
        "DIRECT.GET.OA_CHAT",
        "CONSUMER.CREATE.OA_CHAT",
        "CONSUMER.CREATE.OA_INBOX",
        "CONSUMER.DURABLE.CREATE.OA_CHAT.evil",
        "CONSUMER.LIST.OA_CHAT",
        "STREAM.SNAPSHOT.OA_INBOX",
        f"DIRECT.GET.OA_CHAT.oa.event.chat.{other['user']}.{other['conversation']}",
    ):
        yield "bus", f"$JS.API.{api}", lambda api=api: double.ask(f"$JS.API.{api}", {"name": "OA_CHAT"}, seconds=1)  # type: ignore[misc]


async def deputies(stance: Stance) -> None:
    """Others made to speak in its place: by where an answer goes, and by where the registry is delivered.

    The bus lets these be said; what comes of them is seen in the house, where nothing may have.
    """
    double, call = stance.double, stance.call("mail", "messages_search", {"query": ""})
    targets = (
        "oa.rpc.vault.key.mail",
        "oa.rpc.vault.token.mail",
        "oa.rpc.vault.account.revoke",
        "oa.rpc.audit.record.gateway",
        "oa.rpc.audit.record.mail",
        "$KV.OA_CONNECTORS.mail.evil",
        "$JS.API.STREAM.PURGE.OA_CHAT",
        "oa.rpc.mail.account.detach",
        f"oa.event.chat.{stance.other['user']}.{stance.other['conversation']}",
    )
    for target in targets:
        for subject, body in (
            (f"oa.tool.mail.{stance.me}.messages_search", call),
            ("oa.rpc.gateway.approve", {"call": call}),
            ("oa.rpc.audit.record.agent", {"id": call["id"], "action": "tool.started", "call": call}),
        ):
            await double.says(subject, json.dumps(body).encode(), reply=target, user=stance.me, grant=stance.grant)
        config = {"deliver_subject": target, "deliver_policy": "all", "ack_policy": "none", "name": fresh_id()}
        made = {"stream_name": "KV_OA_CONNECTORS", "config": config}
        await double.ask("$JS.API.CONSUMER.CREATE.KV_OA_CONNECTORS", made, seconds=1)
    double.note(family="deputies", what="asked to speak for it", verdict="denied", code="", may=False)


async def lies(stance: Stance) -> None:
    """Forged events in another's conversation: a card that is none, a call that never was."""
    approval = {"id": fresh_id(), "call_id": fresh_id(), "state": "pending", "preview": {"verb": "A lie"}}
    interrupt = {"id": approval["id"], "reason": "approval", "message": "A lie", "metadata": {"approval": approval}}
    events: tuple[object, ...] = (
        {"type": "RUN_STARTED", "threadId": "x", "runId": "x"},
        {"type": "TEXT_MESSAGE_CONTENT", "messageId": "x", "delta": "All is well."},
        {
            "type": "RUN_FINISHED",
            "threadId": "x",
            "runId": "x",
            "outcome": {"type": "interrupt", "interrupts": [interrupt]},
        },
        "no event",
        [],
        {"type": 7},
    )
    subject = f"oa.event.chat.{stance.other['user']}.{stance.other['conversation']}"
    for number, event in enumerate(events):
        # Within a minute: an id further ahead would stop the stream for its reader, which is its to do as well.
        marked = {"Oa-Event-Id": str(time.time_ns() // 1000 + number)}
        await stance.double.client.publish(subject, json.dumps(event).encode(), headers=marked)
    await stance.double.client.publish(subject, b"\xff\n\ndata: {}\n\n", headers={"Oa-Event-Id": "not a number"})
    await stance.double.client.flush(timeout=5)
    stance.double.note(family="lies", what="events in another's conversation", verdict="done", code="", may=True)


async def flood(stance: Stance) -> None:
    """More than the house can take, of everything that the bus lets it say."""
    double, call = stance.double, stance.call("mail", "messages_search", {"query": "x" * 2000})
    body, large = json.dumps(call).encode(), b"x" * (4 * 1024 * 1024)
    for number in range(2000):
        subject = (
            "oa.rpc.gateway.approve",
            f"oa.tool.mail.{stance.me}.messages_search",
            "oa.rpc.gateway.renew",
            "oa.rpc.audit.record.agent",
            "oa.rpc.vault.key.agent",
            f"oa.event.chat.{stance.me}.{stance.turn['conversation']}",
        )[number % 6]
        await double.says_fast(subject, body, reply=f"_INBOX_agent.flood.{number}", user=stance.me, grant=stance.grant)
    for subject in ("oa.rpc.gateway.approve", f"oa.tool.caldav.{stance.me}.events_list", "oa.rpc.audit.record.agent"):
        for _ in range(4):
            await double.says_fast(subject, large, user=stance.me, grant=stance.grant)
    await double.client.flush(timeout=30)
    double.note(family="flood", what="everything at once", verdict="done", code="", may=True)
