"""Parsing what strangers made in a process of its own: no files, no network, little memory, little time, little output.

    found = await sandbox.run("openassistant.documents.readers:read", content, options={"type": kind}, seconds=20)

The function takes the bytes and the options and returns a JSON value. Its module is imported before the walls go up
(`sandboxed.py`); a module that imports more while it works has a function `warm_up()` that does so beforehand. The
process has an empty environment, and nothing of what this one has open.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from openassistant.errors import InvalidRequest, TooLarge, Unavailable

__all__ = ["run"]

_SCRIPT = Path(__file__).with_name("sandboxed.py")
_START_SECONDS = 10.0
"""On top of the time to work: a busy machine starts Python slowly."""
_MEGABYTE = 1024 * 1024

_log = logging.getLogger("openassistant.sandbox")


async def run(
    function: str,
    data: bytes,
    *,
    options: dict[str, Any] | None = None,
    seconds: float = 20.0,
    memory: int = 512 * _MEGABYTE,
    output: int = 2 * _MEGABYTE,
) -> Any:
    """What `function` ("package.module:name") makes of `data` within `seconds` of work and `memory` and `output` bytes.

    Raises `TooLarge` where it would take more than that, `InvalidRequest` where it fails over the data, `Unavailable`
    when no process can be started.
    """
    order = {
        "paths": _paths(),
        "function": function,
        "options": options or {},
        "seconds": max(int(seconds), 1),
        "memory": memory + len(data),
        "output": output,
    }
    process = await _started(json.dumps(order))
    try:
        async with asyncio.timeout(seconds + _START_SECONDS):
            answer, code = await _answered(process, data, output)
    except TimeoutError as error:
        raise TooLarge(_MORE.format("time")) from error
    finally:
        await _ended(process)
    return _value(answer, code)


_MORE = "That file takes more {} to read than it may."
_LIMITS = {"memory": _MORE.format("memory"), "output": "That file holds more text than can be given back."}
_FAILED = "That file is damaged, or made so that it cannot be read."


def _paths() -> list[str]:
    """Where this process finds its modules, for one that starts elsewhere."""
    return [str(Path(path).absolute()) for path in sys.path]


async def _started(order: str) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(_SCRIPT),
            order,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable("No process for reading files can be started at the moment.", retry_after=10) from error


async def _answered(process: asyncio.subprocess.Process, data: bytes, output: int) -> tuple[bytes, int]:
    """At most one byte more than may come back, and the exit code; the process may end before it has read all."""
    assert process.stdin is not None, "it was asked for"
    assert process.stdout is not None, "it was asked for"
    feeding = asyncio.ensure_future(_fed(process.stdin, data))
    try:
        answer = bytearray()
        while part := await process.stdout.read(65_536):
            answer += part
            if len(answer) > output:
                return bytes(answer), 0
        return bytes(answer), await process.wait()
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def _fed(stdin: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        stdin.write(data)
        await stdin.drain()
        stdin.close()


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Kills it with all that it may have started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _value(answer: bytes, code: int) -> Any:
    if code == -signal.SIGXCPU:
        raise TooLarge(_MORE.format("time"))
    try:
        given = json.loads(answer)
        failed = given.get("failed")
    except (ValueError, AttributeError, RecursionError) as error:
        _log.warning("sandboxed work broke down", extra={"code": code})
        raise InvalidRequest(_FAILED) from error
    if failed in _LIMITS:
        raise TooLarge(_LIMITS[failed])
    if failed or "value" not in given:
        _log.info("sandboxed work failed", extra={"reason": failed})
        raise InvalidRequest(_FAILED)
    return given["value"]
