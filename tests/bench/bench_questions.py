"""Questions: how often the owner of a house is asked, for each everyday task.

Not a time but a count: the tasks of tests/everyday run to their end, with real mail and calendar servers, in a house
whose owner made the ten rules of a first week, and in one whose owner made none.
"""

from __future__ import annotations

from collections import Counter

from tests.bench.rows import Row
from tests.everyday.run import Outcome, mean, move_in
from tests.everyday.tables import KINDS

_TARGET = 0.5


def _by_kind(outcomes: list[Outcome]) -> str:
    """The mean of each kind, with how many tasks it has."""
    kinds = {kind: [each for each in outcomes if each.task.kind == kind] for kind in KINDS}
    return ", ".join(f"{kind} {mean(some):.2f} ({len(some)})" for kind, some in kinds.items())


def _asked(*, rules: bool, apart: bool = True) -> list[Outcome]:
    with move_in() as household:
        if rules:
            household.first_week()
        outcomes = household.everyday(apart=apart)
    assert not any(each.faults for each in outcomes), [each for each in outcomes if each.faults]
    return outcomes


def rows() -> list[Row]:
    """Four; about three minutes."""
    ruled, bare, joined = _asked(rules=True), _asked(rules=False), _asked(rules=False, apart=False)
    acting = [each for each in ruled if each.task.kind != "look"]
    told = f"all {len(ruled)} tasks were done; of each kind {_by_kind(ruled)}"
    dear = Counter(tool for each in ruled for tool in each.asked).most_common(5)
    why = f"asked about most: {', '.join(f'{tool} {times} times' for tool, times in dear)}"
    return [
        Row("questions for a task, with ten rules", mean(ruled), "", limit=_TARGET, note=told, why=why),
        Row("the same, of tasks that change something", mean(acting), "", note=f"{len(acting)} tasks"),
        Row("questions for a task, without rules", mean(bare), "", note=f"of each kind {_by_kind(bare)}"),
        Row("the same, all in one conversation", mean(joined), "", note="once read, text from outside stays read"),
    ]
