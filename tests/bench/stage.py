"""What measurements are made on: the house, a scripted model in a process of its own, a connector that does nothing."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.stack import Person, Stack, until
from tests.e2e.stranger import Stranger
from tests.peers.process import LOOPBACK, Child, free_port, workspace

__all__ = [
    "Model",
    "cpu_by_room",
    "cpu_seconds",
    "memory",
    "memory_by_room",
    "model",
    "place_probe",
    "settings_of",
    "since",
    "staged",
]

_MANIFEST = """\
id = "parcels"
name = "Probe"
version = "0.1.0"
description = "Does nothing, and says when."
auth.kind = "none"
"""

_TOOLS = '''\
"""Tools that cost nothing themselves."""

import time

from openassistant.connector import Connector, Context, Preview

connector = Connector(__file__)


@connector.tool(effect="read")
async def probe_read(ctx: Context) -> float:
    """Say what time it is."""
    return time.time()


@connector.tool(effect="send")
async def probe_send(ctx: Context) -> float:
    """Say what time it is, to somebody else."""
    return time.time()


@probe_send.preview
async def shown(ctx: Context) -> Preview:
    """Nothing much."""
    return Preview(verb="Say the time", confirm="Say it", content="The time.")


@probe_send.reconcile
async def look_up(ctx: Context, call: object) -> None:
    """It was never said."""
'''


class Model:
    """The scripted model in its own process, so that it and its client do not share an interpreter."""

    name = "scripted"

    def __init__(self, child: Child, port: int) -> None:
        self.url = f"http://{LOOPBACK}:{port}/v1"
        self._child, self._peer = child, f"http://{LOOPBACK}:{port}/_peer/"

    def play(self, *steps: dict[str, Any]) -> None:
        """Answers so from now on; what was asked before is forgotten."""
        httpx.put(f"{self._peer}script", json={"steps": list(steps)}, trust_env=False).raise_for_status()
        httpx.delete(f"{self._peer}requests", trust_env=False).raise_for_status()

    def count(self) -> int:
        """How often it was asked since the last `play`."""
        return len(httpx.get(f"{self._peer}requests", trust_env=False, timeout=60).json())

    def asked(self) -> dict[str, Any]:
        """The last request that it got."""
        requests: list[dict[str, Any]] = httpx.get(f"{self._peer}requests/last", trust_env=False, timeout=60).json()
        return requests[-1]


@contextlib.contextmanager
def model() -> Iterator[Model]:
    """A scripted model."""
    folder, port = workspace("model"), free_port()
    script = folder / "script.json"
    script.write_text(json.dumps({"steps": []}))
    command = ["python", "-m", "tests.peers.model", "--port", str(port), "--script", str(script)]
    child = Child(command, name="model", directory=folder, env=dict(os.environ))
    child.start(lambda: "url" in child.tail())
    try:
        yield Model(child, port)
    finally:
        child.stop()


def settings_of(scripted: Model) -> dict[str, str]:
    """What tells a house to use that model."""
    return {"OA_MODEL": f"openai/{scripted.name}", "OA_MODEL_BASE_URL": scripted.url}


@contextlib.contextmanager
def staged() -> Iterator[tuple[Stack, Person, Model]]:
    """A running house with its owner signed in, and its model."""
    with ExitStack() as opened:
        scripted = opened.enter_context(model())
        stack = opened.enter_context(Stack(env=settings_of(scripted)))
        ada = opened.enter_context(stack.sign_in())
        ada.lift_limits()
        yield stack, ada, scripted


@contextlib.contextmanager
def place_probe(stack: Stack, owner: Person) -> Iterator[None]:
    """A connector beside the house whose tools do nothing (`probe_read`, `probe_send`), approved by the owner."""
    with tempfile.TemporaryDirectory() as name:
        stranger = Stranger(Path(name))
        stranger.new()
        (stranger.folder / "manifest.toml").write_text(_MANIFEST)
        (stranger.folder / "tools.py").write_text(_TOOLS)
        stranger.join(stack)
        stranger.run()
        try:
            look = lambda: next((each for each in owner.get("/api/connectors") if each["id"] == "parcels"), None)  # noqa: E731
            card = until(look, seconds=30, what="the probe")
            approved = owner.http.post("/api/connectors/parcels/approve", json={"digest": card["digest"]})
            approved.raise_for_status()
            yield
        finally:
            stranger.stop()


def memory(pids: list[int]) -> float:
    """Megabytes of memory that these processes use together (proportional set size: shared pages count once)."""
    kilobytes = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            kilobytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def cpu_by_room(stack: Stack) -> dict[str, float]:
    """Seconds of processor time that each process of the house has used, by what it is called."""
    return _by_room(stack, cpu_seconds)


def since(before: dict[str, float], stack: Stack) -> dict[str, float]:
    """Seconds of processor time that each process has used since `cpu_by_room` said `before`."""
    return {room: seconds - before.get(room, 0.0) for room, seconds in cpu_by_room(stack).items()}


def memory_by_room(stack: Stack) -> dict[str, float]:
    """Megabytes of each process of the house, by what it is called."""
    return _by_room(stack, memory)


def _by_room(stack: Stack, measure: Callable[[list[int]], float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for pid in stack.processes():
        with contextlib.suppress(OSError):
            name = Path(f"/proc/{pid}/comm").read_text().strip().removeprefix("oa-")
            name = "supervisor" if pid == stack.pid else name
            found[name] = found.get(name, 0.0) + measure([pid])
    return found


def cpu_seconds(pids: list[int]) -> float:
    """Seconds of processor time that these processes have used."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
