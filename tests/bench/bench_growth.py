"""What things cost when there is ten and a hundred times as much of everything.

Each figure is the cost at the largest size and its floor the same at the smallest, so the ratio is how much it grew.
The target is what it costs at the smallest size and half of that again, for what a busy machine adds to one and not to
the other. Of connectors, cards alone are there: what more of them cost a turn is the catalogue and the list of tools.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from connectors.mail.account import account_of
from connectors.mail.imap import imap_session
from deploy.provision import add_connector, reload_bus
from openassistant import subjects
from openassistant.__main__ import load
from openassistant.budgets import Budget
from openassistant.bus import Bus, Incoming, read_seed
from openassistant.context import CallContext, new_id, utc_now
from openassistant.grants import Grant, SigningKey
from openassistant.messages import (
    AuditAction,
    Conversation,
    ConversationQuery,
    Effect,
    Heartbeat,
    ModelRef,
    Record,
    TurnAccepted,
    TurnRequest,
)
from openassistant.scaffold import write_connector
from tests.bench.bench_chat import added
from tests.bench.bench_mail import ADDRESS, PASSWORD, bare_look, context_of, fill, mail_house, sync_seconds
from tests.bench.profile import profiled
from tests.bench.rows import Row, middle
from tests.bench.stage import Model, staged
from tests.e2e.stack import Person, Stack, until
from tests.peers.dovecot import Dovecot
from tests.peers.mailbox import seed_mailbox
from tests.services.audit.house import AuditHouse

_ROUNDS = 30
_RECORDS, _CONVERSATIONS, _USERS, _CARDS = (1_000, 10_000, 100_000), (10, 100, 1_000), (1, 10, 100), (1, 10, 100)
_MAILS = (1_000, 10_000, 100_000)
_ALLOWED = 1.5

Told = list[tuple[int, float]]


def _row(what: str, told: Told, why: str) -> Row:
    (least, floor), (_, most) = told[0], told[-1]
    notes = ", ".join(f"{size:,}: {cost:.2f} ms" for size, cost in told)
    return Row(what, most, "ms", floor, f"at {least:,}", max(floor, 0.5) * _ALLOWED, note=notes, why=why)


async def _ledger() -> Row:
    """Milliseconds for a record alone, in ledgers of these sizes."""
    told: Told = []
    with tempfile.TemporaryDirectory() as name:
        async with AuditHouse(Path(name)) as house:
            size = 0
            for wanted in _RECORDS:
                while size < wanted:
                    ctx = house.context(subject=subjects.audit_record("agent"))
                    await asyncio.gather(*(house.audit.witness.record(ctx, each) for each in _starts(house, 500)))
                    size += 500
                taken = []
                for each in _starts(house, 5 * _ROUNDS):
                    started = time.perf_counter()
                    await house.audit.witness.record(ctx, each)
                    taken.append(1000 * (time.perf_counter() - started))
                told.append((wanted, middle(taken)))
    return _row("a record, alone, in a ledger of 100,000", told, "the index of ids is deeper")


def _starts(house: AuditHouse, count: int) -> list[Record]:
    calls = [house.call() for _ in range(count)]
    return [Record(id=call.id, action=AuditAction.TOOL_STARTED, call=call, effect=Effect.READ) for call in calls]


def _conversations(owner: Person, model: Model) -> Row:
    told: Told = []
    for wanted in _CONVERSATIONS:
        for _ in range(wanted - len(owner.get("/api/conversations")) - _ROUNDS):
            owner.converse()
        told.append((wanted, added(owner, model, _ROUNDS)))
    return _row("first word, added, with 1,000 conversations", told, "the index of conversations is deeper")


def _users(stack: Stack, model: Model) -> Row:
    """The gateway knows one user so far; so this process opens turns in its place, with its key, for many."""
    told: Told = []

    async def measure() -> None:
        keys = stack.data_dir / "keys" / "gateway"
        bus = await Bus.connect(stack.bus_url, room="gateway", seed=read_seed(keys / "nkey"), instance="bench")
        key, users = SigningKey.load(keys / "signing.jwk"), [new_id() for _ in range(_USERS[-1])]
        known = 0
        for wanted in _USERS:
            for user in users[known:wanted]:
                await _first_word(bus, key, user, model)
            known = wanted
            told.append((wanted, middle([await _first_word(bus, key, users[0], model) for _ in range(_ROUNDS)])))
        await bus.drain()

    model.play({"prose": 5, "times": None})
    asyncio.run(measure())
    return _row("first word, from the agent, with 100 users", told, "the files of users are opened and closed")


async def _first_word(bus: Bus, key: SigningKey, user: str, model: Model) -> float:
    """Milliseconds from a turn that is asked for to its first word."""
    conversation, turn, heard = new_id(), new_id(), asyncio.Event()
    grant = Grant(
        id=new_id(), kind="turn", user=user, turn=turn, conversation=conversation, origin="message",
        expires=utc_now() + timedelta(minutes=5), budget=Budget(model_calls=24, tool_calls=60, seconds=3_600),
    )  # fmt: skip
    ctx = CallContext.within(20, user=user).signed(grant=key.sign(grant))
    ctx = ctx.model_copy(update={"turn": turn, "conversation": conversation})
    await bus.request(subjects.agent("create"), ConversationQuery(), Conversation, ctx)
    over = asyncio.Event()

    async def hear(event: Incoming) -> None:
        if b"TEXT_MESSAGE_CONTENT" in event.data:
            heard.set()
        elif b"RUN_FINISHED" in event.data or b"RUN_ERROR" in event.data:
            over.set()

    listening = await bus.subscribe(subjects.chat(user, conversation), hear)
    request = TurnRequest(
        text="Hello?", accounts=(), model=ModelRef(kind="openai", model=model.name, base_url=model.url)
    )
    started = time.perf_counter()
    await bus.request(subjects.agent("turn"), request, TurnAccepted, ctx)
    await asyncio.wait_for(heard.wait(), 10)
    taken = 1000 * (time.perf_counter() - started)
    await asyncio.wait_for(over.wait(), 10)
    await listening.drain()
    return taken


def _connectors(stack: Stack, owner: Person, model: Model) -> Row:
    told: Told = []
    with tempfile.TemporaryDirectory() as name:
        names: list[str] = []
        for wanted in _CARDS:
            fresh = [f"card{number}" for number in range(len(names), wanted)]
            names += fresh
            asyncio.run(_announce(stack, Path(name), fresh))
            for each in fresh:
                _approve(owner, each)
            told.append((wanted, added(owner, model, _ROUNDS)))
        with profiled(stack.pid) as profile:
            added(owner, model, _ROUNDS)
    why = f"each tool is put into the question anew; {profile.words}"
    return _row("first word, added, with 100 connectors more", told, why)


async def _announce(stack: Stack, folder: Path, names: Sequence[str]) -> None:
    keys = stack.data_dir / "keys"
    for each in names:
        write_connector(each, folder)
        add_connector(keys, each)
    reload_bus(keys)
    for each in names:
        connector, instance = load(str(folder / each)), new_id()
        bus = await Bus.connect(stack.bus_url, room=each, seed=read_seed(keys / each / "nkey"))
        beat = Heartbeat(instance=instance, card=connector.card(), digest=connector.digest(), started=utc_now())
        await bus.put(
            subjects.CONNECTORS_BUCKET, subjects.instance_key(each, instance), beat.model_dump_json().encode()
        )
        await bus.drain()


def _approve(owner: Person, name: str) -> None:
    look = lambda: next((each for each in owner.get("/api/connectors") if each["id"] == name), None)  # noqa: E731
    card = until(look, seconds=20, what=name)
    owner.http.post(f"/api/connectors/{name}/approve", json={"digest": card["digest"]}).raise_for_status()


async def _mails() -> Row:
    told: Told = []
    why = ""
    for size in _MAILS:
        with tempfile.TemporaryDirectory() as name, Dovecot({ADDRESS: PASSWORD}) as server:
            await asyncio.to_thread(seed_mailbox, server.maildir(ADDRESS), size, owner=server.owner)
            async with mail_house(server.port, Path(name)) as house:
                async with context_of(house) as context:
                    account = await account_of(context)
                    async with imap_session(account, seconds=60) as session:
                        numbers = {each: told for each, told in await asyncio.to_thread(session.survey) if told}
                    await fill(context.store, str(context.account), numbers)
                await sync_seconds(house)
                over = []
                for _ in range(_ROUNDS):
                    look = await asyncio.to_thread(bare_look, server)
                    over.append(1000 * await sync_seconds(house) - look)
                told.append((size, middle(over)))
                if size == _MAILS[-1]:
                    with profiled(os.getpid()) as profile:
                        for _ in range(_ROUNDS):
                            await sync_seconds(house)
                    why = profile.words
    return _row("nothing new in 100,000 mails, over the server's part", told, why)


def rows() -> list[Row]:
    """All of them; three minutes."""
    found = [asyncio.run(_ledger()), asyncio.run(_mails())]
    with staged() as (stack, owner, model):
        found.append(_conversations(owner, model))
        found.append(_users(stack, model))
        found.append(_connectors(stack, owner, model))
    return found
