"""What is parsed in the sandbox gets no further than its answer, whatever it tries."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from openassistant import sandbox
from openassistant.errors import InvalidRequest, TooLarge

CELL = "tests.sdk.cell"
TRACES = (Path("/tmp/oa-sandbox-test"), Path("/tmp/oa-sandbox-folder"))


async def test_a_function_gets_bytes_and_options_and_nothing_of_our_surroundings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET", "not-a-real-secret")
    data, options, environment, folder = await sandbox.run(f"{CELL}:echo", b"hello", options={"type": "text/plain"})
    assert (data, options, folder) == ("hello", {"type": "text/plain"}, "/")
    assert "SECRET" not in environment
    assert len(environment) <= 1  # Python itself sets LC_CTYPE


async def test_no_file_no_network_and_no_program_can_be_reached() -> None:
    tried = await sandbox.run(f"{CELL}:attempt", b"")
    assert {name for name, outcome in tried.items() if outcome == "worked"} == set()
    assert [path for path in TRACES if path.exists()] == []


@pytest.mark.parametrize(
    ("function", "words"),
    [("eat", "more memory"), ("spin", "more time"), ("sleep", "more time"), ("shout", "more text")],
)
async def test_what_takes_more_than_it_may_is_ended(function: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_START_SECONDS", 4.0)
    began = time.monotonic()
    with pytest.raises(TooLarge, match=words):
        await sandbox.run(f"{CELL}:{function}", b"", seconds=1)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("function", ["dive", "crash", "lie", "fail", "missing"])
async def test_what_fails_says_nothing_of_the_content(function: str) -> None:
    with pytest.raises(InvalidRequest, match="damaged") as caught:
        await sandbox.run(f"{CELL}:{function}", b"a secret in the file")
    assert "secret" not in str(caught.value.message)


async def test_a_caller_that_gives_up_leaves_no_process_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    processes: list[asyncio.subprocess.Process] = []
    start = sandbox._started

    async def watched(order: str) -> asyncio.subprocess.Process:
        processes.append(await start(order))
        return processes[0]

    monkeypatch.setattr(sandbox, "_started", watched)
    task = asyncio.create_task(sandbox.run(f"{CELL}:sleep", b""))
    async with asyncio.timeout(10):
        while not processes:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert processes[0].returncode is not None
