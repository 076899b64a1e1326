"""Every question that rooms answer on the bus: whose it is about is proved by what was signed, or by who may ask it."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from deploy.permissions import table
from openassistant import subjects
from openassistant.context import CallContext, new_id, utc_now
from openassistant.given import FilePiece
from openassistant.grants import Erasure, SigningKey
from openassistant.messages import card_digest
from openassistant.seal import SealingKey
from openassistant.testing import FakeHouse, MemoryBus, matches
from services.agent import given
from tests.sdk.hand import tools as hand
from tests.services.agent.house import agent_house, says
from tests.services.audit.house import AuditHouse
from tests.services.gateway.house import POST, GatewayHouse
from tests.services.vault.house import VaultHouse

PLANTED = "planted-words-otter"

Proof = Literal["grant", "order", "speaker", "house"]
"""grant: a signed grant of that very user. order: the gateway's signed order about him. speaker: only one room may ask,
which signs the grants itself, or whose name is all that the answer depends on. house: it is about no person."""


@dataclass(frozen=True)
class Row:
    """A subject, as the room that is tried has it (ID is a connector, USER a person), and a request in good form."""

    proof: Proof
    speakers: tuple[str, ...]
    body: dict[str, Any] = field(default_factory=dict)


KEY = SealingKey().public
MODEL = {"kind": "openai", "model": "scripted"}
CALL = {"id": "{call}", "nonce": "0" * 32, "user": "{user}", "account": "{account}", "connector": "{connector}",
        "card_digest": "{card}", "tool": "{tool}", "arguments": {}}  # fmt: skip
RECORD = {"id": "{call}", "action": "tool.started", "call": CALL}
WHEN = {"since": "2026-01-01T00:00:00Z", "until": "2037-01-01T00:00:00Z"}
ATTACH = {"account": "{account}", "name": "", "grant": "{grant}"}
GATEWAY, AGENT = ("gateway",), ("agent",)
STORING = ("agent", "audit", "vault", "ID")

ROWS: dict[str, Row] = {
    "oa.rpc.agent.turn": Row("grant", GATEWAY, {"text": "Mine now", "accounts": [], "model": MODEL}),
    "oa.rpc.agent.decide": Row("grant", GATEWAY, {"approval_id": "{call}", "call_id": "{call}", "approved": False}),
    "oa.rpc.agent.settle": Row("grant", GATEWAY, {"call_id": "{call}", "state": "done", "outcome": {}}),
    "oa.rpc.agent.cancel": Row("grant", GATEWAY),
    "oa.rpc.agent.history": Row("grant", GATEWAY),
    "oa.rpc.agent.show": Row("grant", GATEWAY, {"message": "{call}"}),
    "oa.rpc.agent.apart": Row("grant", GATEWAY, {"turns": []}),
    "oa.rpc.agent.conversations": Row("grant", GATEWAY),
    "oa.rpc.agent.create": Row("grant", GATEWAY),
    "oa.rpc.agent.change": Row("grant", GATEWAY, {"title": "Mine now"}),
    "oa.rpc.agent.delete": Row("grant", GATEWAY),
    "oa.rpc.agent.labels": Row("grant", GATEWAY),
    "oa.rpc.agent.search": Row("grant", GATEWAY, {"words": PLANTED}),
    "oa.rpc.agent.file": Row("grant", GATEWAY, {"kind": "json"}),
    "oa.rpc.agent.give": Row("grant", GATEWAY, {"id": "{call}", "name": "a", "place": 0, "body": ""}),
    "oa.rpc.agent.given": Row("grant", GATEWAY, {"id": "{file}"}),
    "oa.rpc.agent.ungive": Row("grant", GATEWAY, {"id": "{file}"}),
    "oa.rpc.agent.look": Row(
        "grant", GATEWAY, {"call": {"connector": "mail", "tool": "messages_search", "arguments": {}}}
    ),
    "oa.rpc.agent.probe": Row("grant", GATEWAY, {"model": MODEL}),
    "oa.rpc.agent.data.usage": Row("grant", GATEWAY),
    "oa.rpc.agent.data.erase": Row("order", GATEWAY, {"order": "{order}"}),
    "oa.rpc.audit.query": Row("grant", GATEWAY),
    "oa.rpc.audit.turn": Row("grant", GATEWAY, {"user": "{user}"}),
    "oa.rpc.audit.proof": Row("grant", GATEWAY, {"index": 0}),
    "oa.rpc.audit.consistency": Row("grant", GATEWAY, {"first": 0}),
    "oa.rpc.audit.export": Row("grant", GATEWAY),
    "oa.rpc.audit.left": Row("grant", GATEWAY, WHEN),
    "oa.rpc.audit.left_entries": Row("grant", GATEWAY, WHEN),
    "oa.rpc.audit.verify": Row("house", GATEWAY),
    "oa.rpc.audit.head": Row("house", GATEWAY),
    "oa.rpc.audit.record.*": Row("grant", ("*",), RECORD),
    "oa.rpc.audit.data.usage": Row("grant", GATEWAY),
    "oa.rpc.audit.data.erase": Row("order", GATEWAY, {"order": "{order}"}),
    "oa.rpc.vault.public": Row("house", GATEWAY),
    "oa.rpc.vault.key.*": Row("grant", ("*",), {"user": "{user}", "public_key": KEY}),
    "oa.rpc.vault.token.*": Row("grant", ("*",), {"account": "{account}", "public_key": KEY, "profile": True}),
    "oa.rpc.vault.rotate.*": Row("house", GATEWAY),
    "oa.rpc.vault.account.connect": Row("speaker", GATEWAY),
    "oa.rpc.vault.account.borrow": Row("speaker", GATEWAY),
    "oa.rpc.vault.account.finish": Row("speaker", GATEWAY),
    "oa.rpc.vault.account.rename": Row("speaker", GATEWAY),
    "oa.rpc.vault.account.list": Row("speaker", GATEWAY),
    "oa.rpc.vault.account.revoke": Row("speaker", GATEWAY),
    "oa.rpc.vault.oauth.keep": Row("speaker", GATEWAY),
    "oa.rpc.vault.oauth.list": Row("speaker", GATEWAY),
    "oa.rpc.vault.oauth.remove": Row("speaker", GATEWAY),
    "oa.rpc.vault.oauth.authorize": Row("speaker", GATEWAY),
    "oa.rpc.vault.oauth.finish": Row("speaker", GATEWAY),
    "oa.rpc.vault.oauth.poll": Row("speaker", GATEWAY),
    "oa.rpc.vault.openid.keep": Row("speaker", GATEWAY),
    "oa.rpc.vault.openid.list": Row("speaker", GATEWAY),
    "oa.rpc.vault.openid.remove": Row("speaker", GATEWAY),
    "oa.rpc.vault.openid.begin": Row("speaker", GATEWAY),
    "oa.rpc.vault.openid.finish": Row("speaker", GATEWAY),
    "oa.rpc.vault.data.usage": Row("grant", GATEWAY),
    "oa.rpc.vault.data.erase": Row("order", GATEWAY, {"order": "{order}"}),
    "oa.rpc.gateway.approve": Row("grant", AGENT, {"call": CALL}),
    "oa.rpc.gateway.renew": Row("grant", AGENT, {"turn": "{turn}"}),
    "oa.rpc.gateway.targets": Row("house", ("egress",)),
    "oa.rpc.egress.set": Row("house", GATEWAY),
    "oa.rpc.egress.lookup.*": Row("house", ("*",)),
    "oa.tool.house.*.*": Row("grant", AGENT, CALL),
    "oa.tool.ID.*.*": Row("grant", AGENT, CALL),
    "oa.rpc.ID.preview": Row("grant", GATEWAY, CALL),
    "oa.rpc.ID.account.check": Row("grant", GATEWAY, ATTACH),
    "oa.rpc.ID.account.attach": Row("grant", GATEWAY, ATTACH),
    "oa.rpc.ID.account.parts": Row("grant", GATEWAY, ATTACH),
    "oa.rpc.ID.account.detach": Row("grant", GATEWAY, {"user": "{user}", "account": "{account}"}),
    "oa.rpc.ID.account.status": Row("grant", GATEWAY, {"user": "{user}"}),
    "oa.rpc.ID.hook": Row("grant", GATEWAY, {"account": "{account}", "method": "POST", "query": {}, "headers": {}}),
    "oa.rpc.ID.journal.open": Row("grant", GATEWAY),
    "oa.rpc.ID.journal.settle": Row("grant", GATEWAY, {"call": "{call}", "word": "none"}),
    "oa.rpc.ID.journal.undoable": Row("grant", GATEWAY),
    "oa.rpc.ID.data.usage": Row("grant", GATEWAY),
    "oa.rpc.ID.data.erase": Row("order", GATEWAY, {"order": "{order}"}),
    **{f"oa.rpc.{room}.data.export": Row("grant", GATEWAY) for room in STORING},
    **{f"oa.rpc.{room}.data.import": Row("grant", GATEWAY, {"pieces": []}) for room in STORING},
    **{f"oa.rpc.{room}.data.forget": Row("order", GATEWAY, {"order": "{order}"}) for room in STORING},
    **{f"oa.rpc.{room}.data.rekey": Row("grant", GATEWAY, {"user": "{user}"}) for room in STORING if room != "vault"},
}


@dataclass
class Room:
    """A room that serves, with something planted of its user."""

    name: str
    bus: MemoryBus
    key: SigningKey
    ids: dict[str, str]
    grant: Callable[..., str]

    def served(self) -> list[str]:
        """What it answers, by the rows' names; what the fakes around it serve is not its own."""
        mine = (
            f"oa.rpc.{self.name}.",
            f"oa.tool.{self.name}.",
            f"oa.tool.{'house' if self.name == 'gateway' else '-'}.",
        )
        found = {each.pattern for each in self.bus.transport.subscriptions if each.pattern.startswith(mine)}
        return sorted(each.replace(f".{self.name}.", ".ID.", 1) if self.name == "hand" else each for each in found)

    def subject(self, row: str) -> str:
        """The subject of a row here, asked as the room that may."""
        named = row.replace(".ID.", f".{self.name}.").replace(".*.*", f".{self.ids['user']}.{self.ids['tool']}")
        return named.replace(".*", f".{self.ids['connector'] if 'record' not in row else 'agent'}")

    async def ask(self, row: str, *, user: str, grant: str | None, **ids: str) -> tuple[str, str]:
        """(the error's code, the whole answer)."""
        known = {**self.ids, "grant": grant or "", **ids}
        body = json.dumps(ROWS[row].body)
        for name, value in known.items():
            body = body.replace(f"{{{name}}}", value)
        ctx = CallContext.within(10, user=user).signed(grant=grant)
        ctx = ctx.model_copy(update={"turn": known["turn"], "conversation": known["conversation"]})
        subject = self.subject(row).replace(self.ids["user"], known["user"])
        asker = self.bus.transport.of(subjects.last_token(subject) if row.endswith(".*") else "gateway")
        data, headers = await asker.request(subject, body.encode(), ctx.to_headers(), 10)
        answer = data.decode()
        return ("" if not any("Error" in name for name in headers) else json.loads(answer)["code"]), answer


def ids_of(**known: str) -> dict[str, str]:
    return {
        "user": new_id(), "conversation": new_id(), "turn": new_id(), "call": new_id(), "account": new_id(),
        "connector": "mail", "card": "c" * 64, "tool": "messages_search", **known,
    }  # fmt: skip


@contextlib.asynccontextmanager
async def agent(folder: Path) -> AsyncIterator[Room]:
    async with agent_house(folder, says(PLANTED)) as house:
        turn = await house.say(PLANTED)
        await house.settled()
        ids = ids_of(user=house.fake.user, conversation=house.conversation, turn=turn, file=new_id())
        async with house.agent.stores.use(house.fake.user) as store:
            piece = FilePiece(id=ids["file"], name="a.txt", place=0, body=base64.b64encode(PLANTED.encode()).decode())
            await given.put(store, piece, now=utc_now())
            await given.whole(store, piece.id)
        yield Room("agent", house.fake.bus, house.fake.gateway, ids, house.fake.grant)


@contextlib.asynccontextmanager
async def audit(folder: Path) -> AsyncIterator[Room]:
    async with AuditHouse(folder) as house:
        await house.begin(house.call(arguments={"query": PLANTED}))
        ids = ids_of(user=house.user, conversation=house.conversation, turn=house.turn)
        yield Room("audit", house.bus, house.gateway, ids, house.grant)


@contextlib.asynccontextmanager
async def vault(folder: Path) -> AsyncIterator[Room]:
    async with VaultHouse(folder) as house:
        account = await house.connect(password=PLANTED)
        yield Room("vault", house.bus, house.gateway, ids_of(user=house.user, account=account.id), house.grant)


@contextlib.asynccontextmanager
async def gateway(folder: Path) -> AsyncIterator[Room]:
    async with GatewayHouse(folder) as house:
        house.time = utc_now()
        turn = await house.turn()
        await house.put(house.call("letters_send", text=PLANTED), turn)
        ids = ids_of(
            user=house.me.user.id, conversation=house.conversation, turn=turn, account=house.account.id,
            connector="post", card=card_digest(POST), tool="letters_send",
        )  # fmt: skip

        def grant(**changes: Any) -> str:
            return house.grant(changes.pop("turn", turn), **changes)

        yield Room("gateway", house.bus, house.key, ids, grant)


@contextlib.asynccontextmanager
async def connector(folder: Path) -> AsyncIterator[Room]:
    async with FakeHouse(hand.connector, folder=folder) as house:
        house.connect(PLANTED, {"place": "home"}, password="obviously-fake")
        await house.attach()
        ids = ids_of(
            user=house.user, account=house.account.account, connector="hand", card=house.runner.digest,
            tool="notes_read",
        )  # fmt: skip
        yield Room("hand", house.bus, house.gateway, ids, house.grant)


Opened = Callable[[Path], contextlib.AbstractAsyncContextManager[Room]]
ROOMS: dict[str, Opened] = {
    "agent": agent, "audit": audit, "vault": vault, "gateway": gateway, "hand": connector,
}  # fmt: skip


def test_every_question_that_a_room_may_ask_has_a_row_and_every_row_its_speakers() -> None:
    rooms = table(("ID",))
    asked = {(each, room.name) for room in rooms for each in room.publish if each.startswith(("oa.rpc.", "oa.tool."))}
    unlisted = [each for each, _ in asked if not any(matches(each, row) or matches(row, each) for row in ROWS)]
    assert unlisted == []
    for name, row in ROWS.items():
        said = {room for each, room in asked if matches(each, name) or matches(name, each)}
        if row.speakers == ("*",):
            assert {subjects.last_token(each) for each, _ in asked if matches(name, each)} == said
        else:
            assert said == set(row.speakers), name


@pytest.mark.parametrize("name", ROOMS)
async def test_every_question_that_a_room_answers_has_a_row(tmp_path: Path, name: str) -> None:
    async with ROOMS[name](tmp_path) as room:
        optional = {"oa.rpc.ID.hook", "oa.rpc.gateway.targets"}
        optional |= {each for each in ROWS if each.endswith((".data.export", ".data.import", ".data.forget"))}
        mine = "ID" if name == "hand" else name
        rows = {each for each in ROWS if each.split(".")[2] == mine or (mine == "gateway" and "house" in each)}
        assert rows - optional <= set(room.served()) <= rows


@pytest.mark.parametrize("name", ROOMS)
async def test_nobody_is_answered_about_a_person_without_a_grant_of_that_person(tmp_path: Path, name: str) -> None:
    async with ROOMS[name](tmp_path) as room:
        victim, stranger, forger = room.ids["user"], new_id(), SigningKey.generate()
        for row in [each for each in room.served() if ROWS[each].proof == "grant"]:
            for grant in (None, "", "not-a-token", room.grant(user=stranger)):
                code, answer = await room.ask(row, user=victim, grant=grant)
                assert code == "forbidden", f"{row}: {code} {answer}"
                assert PLANTED not in answer
            code, answer = await room.ask(row, user=stranger, grant=room.grant(user=stranger))
            assert code == "" or code in ("forbidden", "not_found", "conflict"), f"{row}: {answer}"
            assert PLANTED not in answer
        order = Erasure(id=new_id(), user=victim, expires=utc_now() + timedelta(minutes=5))
        for row in [each for each in room.served() if ROWS[each].proof == "order"]:
            for signed in ("", room.grant(), room.grant(user=stranger), forger.sign(order)):
                code, answer = await room.ask(row, user=victim, grant=room.grant(), order=signed)
                assert code == "forbidden", f"{row}: {code} {answer}"
