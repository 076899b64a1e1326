"""`python -m tests.bench.soak [--hours N] [--times N]`: how a house at rest grows, with the rest of many hours hurried.

A mailbox and a calendar are connected, so that syncs, heartbeats, sweeps and heads go on as in a house that nobody
asks anything. Memory is the proportional set size of all its processes, once a minute.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from contextlib import ExitStack
from itertools import count

from tests.bench.rows import middle
from tests.bench.stage import cpu_by_room, memory, memory_by_room
from tests.e2e.stack import Stack
from tests.e2e.test_story import connect_everything
from tests.peers.house import open_house

_SETTLE, _MINUTE, _ALLOWED = 60.0, 60.0, 0.05


def main() -> int:
    """1 where it has grown by more than a twentieth, between the first tenth of the time and the last."""
    options = _options()
    logging.basicConfig(level=logging.ERROR)
    with ExitStack() as opened:
        house = open_house(opened, mails=1_000)
        stack = Stack(model=house.model)
        stack.command = (sys.executable, "-m", "tests.bench.hurried")
        stack.extend({"SOAK_TIMES": str(options.times)})
        opened.enter_context(stack)
        with stack.sign_in() as ada:
            connect_everything(ada, house)
        time.sleep(_SETTLE)
        before, told = memory_by_room(stack), _watched(stack, options.hours, options.times)
        after = memory_by_room(stack)
        asked = len(house.model.requests)
    part = max(1, len(told) // 10)
    first, last = middle(told[:part]), middle(told[-part:])
    print(
        f"{options.hours:g} hours at rest, {options.times:g} times as fast: {first:.1f} MB, then {last:.1f} MB", end=""
    )
    print(f" ({100 * (last / first - 1):+.1f} %); the model was asked {asked} times")
    print(", ".join(f"{room} {before.get(room, 0.0):.1f} to {size:.1f}" for room, size in sorted(after.items())))
    return 1 if last > first * (1 + _ALLOWED) else 0


def _watched(stack: Stack, hours: float, times: float) -> list[float]:
    """Megabytes, minute by minute; says now and then how it is going."""
    told, ends = list[float](), time.monotonic() + hours * 3600 / times
    for minute in count():
        told.append(memory(stack.processes()))
        if minute % 5 == 0:
            used = sum(cpu_by_room(stack).values())
            print(f"{minute * times / 60:6.1f} h  {told[-1]:7.1f} MB  {used:7.1f} s of processor", flush=True)
        if time.monotonic() >= ends:
            return told
        time.sleep(min(_MINUTE, max(ends - time.monotonic(), 0.1)))
    raise AssertionError("counting ends with the time")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=72.0)
    parser.add_argument("--times", type=float, default=60.0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
