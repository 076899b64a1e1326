"""`python -m tests.fuzz --target mail --cases 10000 --seed 1 --jobs 2`: cases from a seed, each within its time.

A finding is printed with the command that shows it again, and kept in tests/fuzz/corpus; the exit code then is 1.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from random import Random
from types import FrameType

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
CASE_SECONDS = 10.0
_MEMORY = 4 * 1024**3
_CHUNK = 500


class StuckError(Exception):
    """A case took longer than it may."""


def main() -> int:
    """Runs what the command line asks for."""
    options = _options()
    print(f"seed {options.seed}, {options.cases:,} cases for each of: {', '.join(options.target)}", flush=True)
    failed = 0
    for target in options.target:
        began = time.monotonic()
        failed += _run(target, options.cases, options.seed, options.jobs)
        seconds = time.monotonic() - began
        print(
            f"{target}: {options.cases:,} cases in {seconds:.0f} s, {options.cases / seconds:,.0f} a second", flush=True
        )
    print(f"{failed} findings" if failed else "0 crashes, 0 stuck")
    return 1 if failed else 0


def findings(target: str, seed: int, first: int, count: int) -> list[str]:
    """What went wrong in `count` cases from `first` on, in words; each is kept in the corpus."""
    made = []
    for number in range(first, first + count):
        raw = TARGETS[target].make(Random(f"{target}/{seed}/{number}"))
        if problem := trouble(target, raw):
            path = _keep(target, raw)
            made.append(f"{target} seed {seed} case {number} ({path.name}): {problem}")
    return made


def trouble(target: str, raw: bytes) -> str:
    """What a case ends with that it should not, in words; empty where all is well."""
    try:
        with _within(CASE_SECONDS):
            TARGETS[target].run(raw)
    except Exception:  # noqa: BLE001 - whatever it is, it is what this looks for
        return traceback.format_exc(limit=-3)
    return ""


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    def stuck(number: int, frame: FrameType | None) -> None:
        raise StuckError(f"longer than {seconds} s")

    former = signal.signal(signal.SIGALRM, stuck)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def _run(target: str, cases: int, seed: int, jobs: int) -> int:
    failed = 0
    starts = range(0, cases, _CHUNK)
    with ProcessPoolExecutor(jobs, initializer=_limit) as pool:
        counts = [min(_CHUNK, cases - start) for start in starts]
        repeated = len(counts)
        for found in pool.map(findings, [target] * repeated, [seed] * repeated, starts, counts):
            failed += len(found)
            for each in found:
                print(each, file=sys.stderr, flush=True)
    return failed


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def _keep(target: str, raw: bytes) -> Path:
    path = CORPUS / target / f"{sha256(raw).hexdigest()[:16]}.case"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", nargs="+", choices=sorted(TARGETS), default=sorted(TARGETS))
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
