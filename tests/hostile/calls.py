"""Calls of tools: without leave, with leave of somebody else, and with leave that was for something else."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any

from tests.hostile.double import Outcome, altered, digest_of, fresh_id, self_signed, unsigned
from tests.hostile.stance import LETTER, Row, Stance, Try, try_all

__all__ = ["approvals", "ask", "interrupt", "reads", "receipts", "renewals", "tainted", "tools", "use"]

_SAID = {"string": "1", "integer": 1, "number": 1, "boolean": False, "array": ["1"], "object": {}}


def tools(stance: Stance) -> Iterator[Try]:
    """Every tool of the connectors in use, of both people, without leave or with somebody else's, over, or changed."""
    for connector, card in stance.used.items():
        for tool in card["tools"]:
            given = _filled(tool["parameters"])
            mine = stance.call(connector, tool["name"], given)
            theirs = stance.call(
                connector, tool["name"], given, user=stance.other["user"], account=stance.other["accounts"][connector]
            )
            for what, call, tokens in (*_on_mine(stance, mine, tool["effect"]), *_on_theirs(stance, theirs)):
                name = f"{connector}.{tool['name']}: {what}"
                yield "tools", name, lambda call=call, tokens=tokens: stance.double.act(call, **tokens)  # type: ignore[misc]


def _on_mine(stance: Stance, call: Row, effect: str) -> Iterator[tuple[str, Row, Row]]:
    """A call in the name of whose turn it is."""
    faked = {"receipt": stance.fake_receipt(call), "approval": stance.fake_approval(call)}
    yield "no leave at all", call, {}
    yield "no receipt", call, {"grant": stance.grant}
    yield "a receipt of its own", call, {"grant": stance.grant, **faked}
    yield "a grant of its own", call, {"grant": stance.fake_grant(), **faked}
    yield "a grant that is over", call, {"grant": stance.brief["spent"]["mine"], **faked}
    yield "a session's grant", call, {"grant": stance.double.sessions.get(stance.me), **faked}
    yield "wider effects", call, {"grant": altered(stance.grant, effects=["read", "write", "send", "delete"]), **faked}
    yield "another card", {**call, "card_digest": "0" * 64}, {"grant": stance.grant, **faked}
    if effect == "read":
        yield (
            "another's account with a receipt of its own",
            _with_theirs(stance, call),
            {"grant": stance.grant, **faked},
        )


def _on_theirs(stance: Stance, call: Row) -> Iterator[tuple[str, Row, Row]]:
    """A call in the name of somebody else."""
    faked = {"receipt": stance.fake_receipt(call), "approval": stance.fake_approval(call)}
    yield "theirs without a grant", call, faked
    yield "theirs with my grant", call, {"grant": stance.grant, **faked}
    yield "theirs with my grant, changed", call, {"grant": altered(stance.grant, user=call["user"]), **faked}
    yield "theirs with my grant, unsigned", call, {"grant": unsigned(stance.grant, user=call["user"]), **faked}
    yield "theirs with a grant of its own", call, {"grant": stance.fake_grant(user=call["user"]), **faked}
    yield "theirs with a grant that is over", call, {"grant": stance.brief["spent"]["theirs"], **faked}
    yield "theirs with their session's grant", call, {"grant": stance.double.sessions.get(call["user"]), **faked}


def _with_theirs(stance: Stance, call: Row) -> Row:
    return {**call, "account": stance.other["accounts"][call["connector"]]}


def _filled(schema: Row) -> Row:
    """Arguments that a tool takes, as far as its schema tells."""
    return {name: _value(name, schema["properties"][name]) for name in schema.get("required", ())}


def _value(name: str, schema: Row) -> Any:
    if name in ("to", "guests"):
        return ["mallory@evil.example"]
    if name in ("start", "end"):
        return "2026-12-01T10:00" if name == "start" else "2026-12-02T10:00"
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type") or next((each.get("type") for each in schema.get("anyOf", ())), "string")
    return schema.get("minimum", _SAID[kind]) if kind == "integer" else _SAID[kind]


async def receipts(stance: Stance) -> None:
    """True receipts, for what they were not given; and another's account under a grant and a receipt that are true."""
    search = stance.call("mail", "messages_search", {"query": ""})
    receipt = await stance.double.receipt(search, stance.grant)
    anew = stance.call("mail", "messages_search", {"query": ""})
    changed = {**search, "arguments": {"query": "", "limit": 50}}
    moved = _with_theirs(stance, search)
    given = {"grant": stance.grant, "receipt": receipt}

    async def foreign(call: Row) -> Outcome:
        return await stance.double.act(
            call, grant=stance.grant, receipt=await stance.double.receipt(call, stance.grant)
        )

    def tries() -> Iterator[Try]:
        for what, call in (("of another call", anew), ("for other arguments", changed), ("for another account", moved)):
            yield "receipts", what, lambda call=call: stance.double.act(call, **given)  # type: ignore[misc]
        for connector, card in stance.used.items():
            for tool in card["tools"]:
                if tool["effect"] == "read":
                    call = _with_theirs(stance, stance.call(connector, tool["name"], _filled(tool["parameters"])))
                    what = f"{connector}.{tool['name']} on another's account, with a true receipt"
                    yield "foreign", what, lambda call=call: foreign(call)  # type: ignore[misc]

    await try_all(stance, tries())


async def reads(stance: Stance) -> None:
    """What its turn allows: it reads in its user's name, which also shows that the rest fails for the right reason."""
    call = stance.call("mail", "messages_search", {"query": ""})
    given = {"grant": stance.grant, "receipt": await stance.double.receipt(call, stance.grant)}
    await try_all(stance, iter([("reads", "one's own mail", lambda: stance.double.act(call, **given))]), may=True)


async def approvals(stance: Stance) -> None:
    """Leave of the policy for one change, used for what it was not given; and lies told to the policy."""
    draft = stance.call("mail", "drafts_create", {**LETTER, "to": ["carol@example.org"]})
    leave = await _put(stance, draft)
    assert leave.verdict == "done", leave
    token = leave.body["approval"]
    letter = stance.call("mail", "messages_send", LETTER)
    event = stance.call("caldav", "events_delete", {"event": "1"})
    other = {**draft, "arguments": LETTER}
    theirs = {**draft, "user": stance.other["user"], "account": stance.other["accounts"]["mail"]}

    async def act(call: Row, approval: str | None) -> Outcome:
        receipt = await stance.double.receipt(call, stance.grant, effect="write")
        return await stance.double.act(call, grant=stance.grant, receipt=receipt, approval=approval)

    def tries() -> Iterator[Try]:
        for what, call in (
            ("to send", letter),
            ("to delete", event),
            ("for another text", other),
            ("of another", theirs),
        ):
            yield "approvals", f"leave for a draft, {what}", lambda call=call: act(call, token)  # type: ignore[misc]
        fresh = stance.call("mail", "messages_send", LETTER)
        bound = altered(token, call_id=fresh["id"], call_digest=digest_of(fresh), decided_by="person")
        yield "approvals", "leave for a draft, changed", lambda: act(fresh, bound)
        for what, approval in _for(stance, fresh):
            yield "approvals", what, lambda approval=approval: act(fresh, approval)  # type: ignore[misc]
        yield "policy", "the same id for another text", lambda: _put(stance, other)
        yield "policy", "a letter, as a read", lambda: _put(stance, letter, effect="read", tainted=False, preview={})
        yield "policy", "a deletion", lambda: _put(stance, stance.call("caldav", "tasks_delete", {"task": "1"}))
        yield "policy", "a letter from another's account", lambda: _put(stance, _with_theirs(stance, letter))
        yield "policy", "a draft in another's account", lambda: _put(stance, _with_theirs(stance, draft))
        yield "policy", "a draft of another", lambda: _put(stance, theirs)
        yield "policy", "another card", lambda: _put(stance, {**letter, "card_digest": "0" * 64})

    await try_all(stance, tries())


def _for(stance: Stance, call: Row) -> Iterator[tuple[str, str | None]]:
    yield "none, to send", None
    yield "one of its own, to send", stance.fake_approval(call)
    rule = self_signed("rule", {
        "id": fresh_id(), "user": stance.me, "connector": "mail", "tool": call["tool"], "effect": "send",
        "destinations": ["recipient:mallory@evil.example"], "session": fresh_id(), "expires": time.time() + 600,
    })  # fmt: skip
    yield "a rule of its own, to send", stance.fake_approval(call, decided_by="rule", rule=rule)
    yield "a grant, to send", stance.grant
    yield "one that is over, to send", stance.brief["spent"]["approval"]


async def _put(stance: Stance, call: Row, **lies: Any) -> Outcome:
    """The policy's answer to a call; `lies` are what the agent adds to it."""
    body = {"call": call, "reason": "The owner asked for exactly this.", **lies}
    return await stance.double.ask(
        "oa.rpc.gateway.approve", body, user=stance.me, grant=stance.grant, turn=stance.turn["turn"],
        conversation=stance.turn["conversation"], seconds=20,
    )  # fmt: skip


async def tainted(stance: Stance) -> None:
    """After text from outside was read, changes are asked about, whatever the agent says."""
    await reads(stance)

    def tries() -> Iterator[Try]:
        for connector, tool, given in (("mail", "drafts_create", LETTER), ("caldav", "tasks_create", {"title": "x"})):
            call = stance.call(connector, tool, given)
            yield "taint", f"{connector}.{tool}", lambda call=call: _put(stance, call, tainted=False)  # type: ignore[misc]

    await try_all(stance, tries())


def renewals(stance: Stance) -> Iterator[Try]:
    """Turns that are not its own to go on with."""
    theirs = {"turn": stance.other["turn"]}
    tokens: dict[str, str | None] = {
        "my grant": stance.grant,
        "my grant, changed": altered(stance.grant, user=stance.other["user"], turn=stance.other["turn"]),
        "a grant of its own": stance.fake_grant(user=stance.other["user"], turn=stance.other["turn"]),
        "their session's grant": stance.double.sessions.get(stance.other["user"]),
        "no grant": None,
    }
    for what, grant in tokens.items():
        yield (
            "renewals",
            f"another's turn with {what}",
            lambda grant=grant: stance.double.ask(  # type: ignore[misc]
                "oa.rpc.gateway.renew", theirs, user=stance.other["user"], grant=grant
            ),
        )
    for what, turn in (("a turn that has ended", stance.brief["ended"]), ("a turn of its own making", fresh_id())):
        grant = altered(stance.grant, turn=turn)
        yield (
            "renewals",
            what,
            lambda turn=turn, grant=grant: stance.double.ask(  # type: ignore[misc]
                "oa.rpc.gateway.renew", {"turn": turn}, user=stance.me, grant=grant
            ),
        )
    yield (
        "renewals",
        "a turn that has ended, by its true grant",
        lambda: stance.double.ask(
            "oa.rpc.gateway.renew", {"turn": stance.brief["ended"]}, user=stance.me, grant=stance.brief["ended_grant"]
        ),
    )


async def ask(stance: Stance) -> None:
    """Puts a letter to its owner, honestly; what is done with the yes is `use`."""
    letter = stance.call("mail", "messages_send", {**LETTER, "to": ["carol@example.org"], "subject": "Asked"})
    put = await _put(stance, letter)
    stance.double.note(event="asked", approval=(put.body or {}).get("approval_id"), call=letter, verdict=put.verdict)


async def interrupt(stance: Stance) -> None:
    """Ends its run with a question that it words itself, beside one that nobody put."""
    letter = stance.call("mail", "messages_send", LETTER)
    put = await _put(stance, letter)
    card = {"id": put.body["approval_id"], "call_id": letter["id"], "preview": {"verb": "Water the flowers"}}
    lie = {"reason": "approval", "message": "Water the flowers", "metadata": {"approval": card}}
    waiting = [{"id": card["id"], **lie}, {"id": fresh_id(), **lie}]
    run = {"threadId": stance.turn["conversation"], "runId": stance.turn["turn"]}
    ended = {"type": "RUN_FINISHED", **run, "outcome": {"type": "interrupt", "interrupts": waiting}}
    for event in ({"type": "RUN_STARTED", **run}, ended):
        marked = {"Oa-Event-Id": str(time.time_ns() // 1000)}
        subject = f"oa.event.chat.{stance.me}.{stance.turn['conversation']}"
        await stance.double.client.publish(subject, json.dumps(event).encode(), headers=marked)
    await stance.double.client.flush(timeout=5)


async def use(stance: Stance) -> None:
    """A true yes to one letter: used for others first, then for that one, then again and again."""
    decided = next(each for each in stance.double.decisions if each["approval_id"] == stance.brief["approval"])
    call, token = stance.brief["call"], decided["approval"]

    async def act(changed: Row) -> Outcome:
        receipt = await stance.double.receipt(changed, stance.grant, effect="send")
        return await stance.double.act(changed, grant=stance.grant, receipt=receipt, approval=token)

    async def swap(changes: Mapping[str, Row]) -> None:
        tries = (
            ("a true yes", what, lambda changed=changed: act({**call, **changed})) for what, changed in changes.items()
        )
        await try_all(stance, iter(list(tries)))

    given, mallory = call["arguments"], {"to": ["mallory@evil.example"]}
    # The witness keeps one start for an id: what goes before the true call has another one, or that could not begin.
    await swap({
        "for another text": {"id": fresh_id(), "arguments": given | {"text": "Swapped."}},
        "for another recipient": {"id": fresh_id(), "arguments": given | mallory},
        "under another id": {"id": fresh_id()},
    })  # fmt: skip
    again = [("a true yes", f"for what it is for, time {number}", lambda: act(call)) for number in range(5)]
    await try_all(stance, iter(again), may=True)
    await swap({
        "for another text, under its id": {"arguments": given | {"text": "Swapped."}},
        "for another recipient, under its id": {"arguments": given | mallory},
        "with another nonce": {"nonce": secrets.token_hex(16)},
        "from another's account": {"account": stance.other["accounts"]["mail"]},
        "by another tool": {"tool": "drafts_create"},
    })  # fmt: skip
