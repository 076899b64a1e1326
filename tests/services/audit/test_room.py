"""The witness as a process of its own, on a real bus, with a real vault."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.bus import JETSTREAM_KEY
from deploy.provision import Server, provision
from openassistant import subjects
from openassistant.bus import Bus, read_seed
from openassistant.context import CallContext, new_id, utc_now
from openassistant.errors import OaError, Unavailable
from openassistant.grants import Grant, SigningKey, Trust
from openassistant.messages import AuditAction, Call, Done, Record, RecordReply, TreeHead, Verification, VerifyRequest
from openassistant.witness import record
from services.audit import checkpoint
from services.audit.__main__ import alone
from tests.peers.nats import NatsServer
from tests.services.audit.house import CARD, AuditHouse

_ROOT = Path(__file__).parents[3]


class Rooms:
    """A provisioned house with its bus server; `start` and `stop` are for vault and witness."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.keys, self.user = folder, folder / "keys", new_id()
        server = Server(store_dir=str(folder / "js"), pid_file=str(folder / "nats.pid"))
        provision(self.keys, root_key_file=folder / "root.key", server=server)
        text = (self.keys / "bus" / "nats.conf").read_text()
        self.server = NatsServer(text, env={JETSTREAM_KEY: "k" + "0123456789abcdef" * 4})
        self.trust = Trust.load(self.keys / "gateway" / "trust.json")
        self._signing = SigningKey.load(self.keys / "gateway" / "signing.jwk")
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, room: str) -> None:
        own = self.keys / room
        special = {
            "audit": ("OA_SIGNING_KEY_FILE", own / "signing.jwk"),
            "vault": ("OA_ROOT_KEY_FILE", self.folder / "root.key"),
        }
        name, path = special[room]
        env = {
            "OA_NATS_URL": self.server.url,
            "OA_NKEY_FILE": str(own / "nkey"),
            "OA_DATA_DIR": str(self.folder / room),
        }
        env |= {name: str(path), "PYTHONPATH": os.pathsep.join([str(_ROOT), str(_ROOT / "sdk")])}
        with (self.folder / f"{room}.log").open("ab") as log:
            self._running[room] = subprocess.Popen([sys.executable, "-m", f"services.{room}"], env=env, stderr=log)

    def stop(self, room: str) -> int:
        """Its exit status after SIGTERM."""
        process = self._running.pop(room)
        process.send_signal(signal.SIGTERM)
        return process.wait(20)

    def stop_all(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait(10)

    async def bus(self, room: str) -> Bus:
        return await Bus.connect(self.server.url, room=room, seed=read_seed(self.keys / room / "nkey"))

    def context(self) -> CallContext:
        grant = Grant(
            id=new_id(), kind="turn", user=self.user, turn=new_id(), conversation=new_id(), origin="message",
            connectors={"mail": CARD}, expires=utc_now() + timedelta(minutes=5),
        )  # fmt: skip
        return CallContext.within(60, user=self.user).signed(grant=self._signing.sign(grant))

    def begin(self) -> Record:
        call = Call(
            id=new_id(), nonce=secrets.token_hex(16), user=self.user, connector="mail", card_digest=CARD,
            tool="messages_search", arguments={"query": "planted-word"},
        )  # fmt: skip
        return Record(id=call.id, action=AuditAction.TOOL_STARTED, call=call)


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    rooms = Rooms(tmp_path)
    with rooms.server:
        rooms.start("vault")
        rooms.start("audit")
        yield rooms
        rooms.stop_all()


@pytest.fixture
async def agent(rooms: Rooms) -> AsyncIterator[Bus]:
    bus = await rooms.bus("agent")
    yield bus
    await bus.drain(seconds=1)


@pytest.fixture
async def gateway(rooms: Rooms) -> AsyncIterator[Bus]:
    bus = await rooms.bus("gateway")
    yield bus
    await bus.drain(seconds=1)


async def _ready(gateway: Bus, *, seconds: float = 30.0) -> TreeHead:
    ends = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            return await gateway.request(subjects.audit("head"), Done(), TreeHead, CallContext.within(5))
        except OaError:
            assert asyncio.get_running_loop().time() < ends, "the witness did not come up"
        await asyncio.sleep(0.05)


async def test_what_was_receipted_stands_when_the_witness_is_told_to_stop(
    rooms: Rooms, agent: Bus, gateway: Bus
) -> None:
    await _ready(gateway)
    ctx, replies, stopped = rooms.context(), list[RecordReply](), asyncio.Event()

    async def keep_recording() -> None:
        while True:
            try:
                replies.append(await record(agent, ctx, rooms.begin()))
            except Unavailable:
                return
            if len(replies) > 100:
                stopped.set()

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(keep_recording())
        await stopped.wait()
        assert await asyncio.to_thread(rooms.stop, "audit") == 0
    kept = checkpoint.read((rooms.folder / "audit" / "head").read_text(), rooms.trust.raw_public("audit"))
    assert kept.size > max(each.index for each in replies)
    mine = {each.index for each in replies}
    assert len(mine) == len(replies)
    assert len(set(range(max(mine))) - mine) <= 1, "beside them only that the witness was given the user's key"
    rooms.start("audit")
    await _ready(gateway)
    found = await gateway.request(
        subjects.audit("verify"), VerifyRequest(heads=(kept.checkpoint,)), Verification, CallContext.within(30)
    )
    assert (found.ok, found.size) == (True, kept.size)
    assert rooms.stop("audit") == 0
    assert b"planted-word" not in b"".join(
        path.read_bytes() for path in (rooms.folder / "audit").iterdir() if path.is_file()
    )


async def test_a_second_witness_does_not_write_into_the_same_ledger(tmp_path: Path) -> None:
    first = await alone(tmp_path)
    with pytest.raises(Unavailable):
        await alone(tmp_path, seconds=0.0)
    first.release()
    (await alone(tmp_path)).release()


async def test_heads_are_signed_without_being_asked_for(house: AuditHouse) -> None:
    await house.fill(2)
    task = asyncio.create_task(house.audit.keep_heads())
    async with asyncio.timeout(10):
        while not (house.folder / "head").exists():
            await asyncio.sleep(0.01)
    task.cancel()
    kept = checkpoint.read((house.folder / "head").read_text(), house.trust.raw_public("audit"))
    assert kept.size == 2


async def test_a_head_stands_when_nothing_was_added(house: AuditHouse) -> None:
    await house.fill(1)
    first = await house.ask("head", Done(), TreeHead)
    assert await house.ask("head", Done(), TreeHead) == first


async def test_a_broken_ledger_does_not_end_the_head_loop(house: AuditHouse) -> None:
    await house.fill(2)
    await house.tamper("DELETE FROM records WHERE position = 1")
    await house.audit.keep_head()
    assert house.audit.ledger.broken is not None
