"""`python -m tests.chaos [--faults N] [--seed N]`: a house under faults, turn after turn; what must hold is counted.

Every turn asks one question that ends in a mail and in an event, with one to three faults at moments drawn from the
seed. Afterwards the mail server and the calendar are held against what the house says that it did. The seed fixes
which faults strike and when after the question or the decision; how far the house is by then, the machine decides.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from contextlib import ExitStack
from random import Random

from tests.chaos.faults import drawn, set_clock
from tests.chaos.turns import Lived, live, patiently
from tests.e2e.stack import Person, Stack
from tests.e2e.test_story import connect_everything
from tests.peers.house import House, open_house
from tests.peers.process import PeerError
from tests.peers.smtp import Faults

_VERIFY_EVERY = 25
_SLOWEST = 8


def main() -> int:
    """0 where all held; 1 with a line for each thing that did not."""
    options = _options()
    logging.basicConfig(level=logging.ERROR)
    with ExitStack() as opened:
        house = open_house(opened, mails=300)
        stack = Stack(model=house.model)
        stack.command = (sys.executable, "-m", "tests.chaos.quick")
        stack.extend({"CHAOS_CLOCK": str(stack.folder / "clock")})
        set_clock(stack.folder, 0)
        opened.enter_context(stack)
        ada = opened.enter_context(stack.sign_in())
        ada.lift_limits()
        connect_everything(ada, house)
        return _report(*_lived(stack, house, ada, options.faults, options.seed))


def _lived(stack: Stack, house: House, ada: Person, faults: int, seed: int) -> tuple[list[Lived], list[str], float]:
    dice, turns, wrong, began = Random(seed), list[Lived](), list[str](), time.monotonic()
    struck = 0
    while struck < faults:
        chosen = [drawn(dice) for _ in range(min(dice.choice((1, 1, 2, 3)), faults - struck))]
        struck += len(chosen)
        try:
            turns.append(live(stack, house, ada, chosen, dice))
        except PeerError as error:
            turns.append(Lived(chosen, wrong=[str(error)]))
        house.smtp.faults = Faults()
        set_clock(stack.folder, 0)
        for each in turns[-1].wrong:
            print(f"turn {len(turns)} ({', '.join(chosen)}): {each}", flush=True)
        if len(turns) % _VERIFY_EVERY == 0 or struck >= faults:
            wrong += _unverified(ada)
            print(f"{struck} faults in {len(turns)} turns, {time.monotonic() - began:.0f} s", flush=True)
    return turns, wrong, time.monotonic() - began


def _unverified(ada: Person) -> list[str]:
    report = patiently(ada.verify)
    return [] if report["ok"] else [f"the ledger does not verify: {report}"]


def _report(turns: list[Lived], wrong: list[str], seconds: float) -> int:
    wrong = [*wrong, *(each for turn in turns for each in turn.wrong)]
    faults = Counter(each for turn in turns for each in turn.faults)
    states = Counter(f"{tool} {state}" for turn in turns for tool, state in turn.states.items())
    slowest = sorted(turns, key=lambda turn: turn.seconds)
    print(f"\n{sum(faults.values())} faults in {len(turns)} turns, {seconds:.0f} s")
    for title, counted in (("faults", faults), ("outcomes", states)):
        print(f"{title}: " + ", ".join(f"{name} {count}" for name, count in counted.most_common()))
    print(f"turns acknowledged: {sum(turn.acknowledged for turn in turns)} of {len(turns)}")
    half = slowest[len(slowest) // 2].seconds
    print(f"known after the last fault: half within {half:.1f} s, all within {slowest[-1].seconds:.1f} s; the slowest:")
    for turn in slowest[: -1 - _SLOWEST : -1]:
        print(f"  {turn.seconds:.1f} s: {', '.join(turn.faults)}")
    print(f"what must not be: {len(wrong)}")
    for each in wrong:
        print(f"  {each}")
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--faults", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
