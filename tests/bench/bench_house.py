"""A house at rest, and how soon it is there again.

The floor of memory is one interpreter that has imported what the rooms import, and the bus server; that of a start is
such an import alone. Memory is the proportional set size: what processes share counts once.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

from deploy.provision import add_connector, first_party
from openassistant.scaffold import write_connector
from tests.bench.profile import profiled
from tests.bench.rows import Row, middle, shares
from tests.bench.stage import Model, cpu_by_room, memory, memory_by_room, model, settings_of, since
from tests.e2e.stack import Person, Stack, until
from tests.peers.process import PeerError

_REST, _SETTLE = 20.0, 5.0
_MEMORY, _MEMORY_EACH = 220.0, 20.0
"""Megabytes that a house with three connectors may use, and each connector more."""
_STARTS = 3
_IMPORTED = "fastapi, uvicorn, nats, pydantic, httpx, sqlalchemy, sqlcipher3, joserfc, ag_ui.core"
_WAITING = "import sys; sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.read()"


class _Made(Stack):
    """A house that `make run` starts; up as soon as its page is."""

    command = ("make", "--no-print-directory", "-C", str(Path(__file__).parents[2]), "run")

    def ready(self) -> bool:
        """Whether the page answers."""
        try:
            return httpx.get(self.url, timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False


def _imports(names: str) -> tuple[float, float]:
    """Seconds until an interpreter has imported these, and the megabytes it then has."""
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", f"import {names}; {_WAITING}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None, "it was asked for"
        child.stdout.read(1)
        return time.perf_counter() - started, memory([child.pid])


def _at_rest(stack: Stack, scripted: Model, many: int) -> list[Row]:
    """Memory, processor and questions to the model of a house that nobody asks anything, with `many` connectors."""
    time.sleep(_SETTLE)
    pids, before = stack.processes(), cpu_by_room(stack)
    time.sleep(_REST)
    used = since(before, stack)
    parts, memory_used = memory_by_room(stack), memory(pids)
    with profiled(stack.pid) as profile:
        time.sleep(_REST)
    floor = _imports(_IMPORTED)[1] + parts["nats-server"]
    return [
        Row(
            f"at rest, four rooms, bus, {many} connectors: memory", memory_used, "MB", floor, "imports and bus",
            _MEMORY + _MEMORY_EACH * (many - 3), note=shares(parts, most=8),
            why="a room shares what was imported before it was forked until it uses it, for to use an object of Python"
            " is to write its count of references",
        ),
        Row(
            f"at rest, {many} connectors: processor", 100 * sum(used.values()) / _REST, "%", limit=1.0,
            note=f"of one core, over {_REST:.0f} s; the model was asked {scripted.count()} times",
            why=f"{shares(used)}; {profile.words}",
        ),
    ]  # fmt: skip


def _rest(scripted: Model) -> list[Row]:
    rows, tree = list[Row](), len(first_party())
    with tempfile.TemporaryDirectory() as name, Stack(env=settings_of(scripted)) as stack:
        scripted.play()
        folders = list[Path]()
        for many in sorted({max(3, tree), max(12, tree)}):
            stack.halt()
            while tree + len(folders) < many:
                folders.append(write_connector(f"idle{len(folders)}", Path(name)))
                add_connector(stack.data_dir / "keys", folders[-1].name)
            stack.command = (sys.executable, "-m", "tests.bench.crowd", *map(str, folders))
            stack.launch()
            rows += _at_rest(stack, scripted, many)
    return rows


def _starts(scripted: Model) -> list[Row]:
    page, chat = list[float](), list[float]()
    with _Made(env=settings_of(scripted)) as stack:
        owner = until(lambda: _signed_in(stack), seconds=30, what="the sign-in")
        scripted.play({"prose": 5, "times": None})
        for _ in range(_STARTS):
            stack.halt()
            started = time.perf_counter()
            stack.launch()
            page.append(time.perf_counter() - started)
            until(lambda: _answered(owner) or None, seconds=30, what="an answer", every=0.01)
            chat.append(time.perf_counter() - started)
        owner.http.close()
        stack.halt()
        profile = _profiled_start(stack)
    floor = middle(_imports(_IMPORTED)[0] for _ in range(_STARTS))
    why = f"imports alone take {floor:.1f} s of it; then come make, keys, the bus and seven encrypted files; {profile}"
    return [
        Row("`make run`, second start, to a page", middle(page), "s", floor, "its imports", 2, why=why),
        Row("`make run`, second start, to a chat", middle(chat), "s", floor, "its imports", 3.5, why=why),
    ]


def _profiled_start(stack: Stack) -> str:
    """Where the processor time of one more start goes, in words: of what `make` starts, seen from a moment later on."""
    stack.command = Stack.command
    starting = threading.Thread(target=stack.launch)
    starting.start()
    with profiled(until(lambda: _pid(stack), seconds=10, what="a process", every=0.01)) as profile:
        starting.join()
    return profile.words


def _pid(stack: Stack) -> int | None:
    try:
        return stack.pid
    except PeerError:
        return None


def _signed_in(stack: Stack) -> Person | None:
    try:
        return stack.sign_in()
    except httpx.HTTPError:
        return None


def _answered(owner: Person) -> bool:
    """Whether a message is answered now."""
    try:
        return any(each.type == "TEXT_MESSAGE_CONTENT" for each in owner.stream(owner.converse(), "Hello?"))
    except httpx.HTTPError:
        return False


def rows() -> list[Row]:
    """All of them; a minute and a half."""
    with model() as scripted:
        return [*_rest(scripted), *_starts(scripted)]
