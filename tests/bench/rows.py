"""What a measurement says: a figure beside its floor and its target, as a table, a page and a picture."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Row", "middle", "page", "percentile", "picture", "shares", "table"]

_HEADS = ("what", "floor", "ours", "ratio", "target", "met")
_RATES = ("/s",)
_FONT = 'font-size="13" font-family="system-ui, sans-serif"'
_LIGHT = "text{fill:#222}.h{font-weight:600}.q{fill:#666}.b{fill:#2f7d5b}.m{fill:#b4471f}.o{fill:#fff}.l{stroke:#888}"
_DARK = "text{fill:#ddd}.q{fill:#999}.b{fill:#58b08a}.m{fill:#e08658}.o{fill:#111}.l{stroke:#888}"
_WIDTH, _LINE, _LEFT, _FULL, _MOST = 940, 24, 400, 240, 1.5
"""Of the picture: its width, that of a line, where bars begin, how long one is that uses its target up, and how many
times that the longest."""


_BUSY = os.getloadavg()[0] / (os.cpu_count() or 1)
"""How much of the machine others use, as it is when a run begins."""


@dataclass(frozen=True)
class Row:
    """One figure. `unit`: ms, s, MB, %, nothing, or a rate (/s: more is better); `floor` is in the same unit.

    `limit` is the target; None where it has none. `note` says what the figure is of. `why` says what stands in the
    way, and is shown where the target is missed.
    """

    what: str
    ours: float
    unit: str
    floor: float | None = None
    floor_is: str = ""
    limit: float | None = None
    note: str = ""
    why: str = ""

    @property
    def missed(self) -> bool:
        """Whether there is a target, and it is not met."""
        return self.used is not None and self.used > 1

    @property
    def words(self) -> str:
        """What there is to say of it below the table."""
        return "; ".join(each for each in (self.note, self.why if self.missed else "") if each)

    @property
    def used(self) -> float | None:
        """How much of what the target allows is used; up to 1 it is met."""
        if self.limit is None:
            return None
        if self.unit not in _RATES:
            return self.ours / self.limit
        return self.limit / self.ours if self.ours else float("inf")

    def cells(self) -> tuple[str, ...]:
        """The row as the table has it."""
        floor = f"{_figure(self.floor, self.unit)} ({self.floor_is})" if self.floor is not None else ""
        ratio = f"{self.ours / self.floor:.2f}" if self.floor else ""
        sign = "≥" if self.unit in _RATES else "≤"
        target = f"{sign} {_goal(self.limit, self.unit)}" if self.limit is not None else ""
        met = "" if self.used is None else "NO" if self.missed else "yes"
        return self.what, floor, _figure(self.ours, self.unit), ratio, target, met


def middle(values: Iterable[float]) -> float:
    """The median."""
    return statistics.median(values)


def percentile(values: Iterable[float], percent: float) -> float:
    """The value that `percent` of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(len(ordered) * percent) // 100) - 1)]


def shares(parts: Mapping[str, float], *, most: int = 5) -> str:
    """The largest parts of a whole in words: `agent 41 %, gateway 30 %`."""
    whole = sum(parts.values()) or 1.0
    largest = sorted(parts.items(), key=lambda part: -part[1])[:most]
    return ", ".join(f"{name} {100 * part / whole:.0f} %" for name, part in largest if part / whole >= 0.005)


def table(rows: Sequence[Row]) -> str:
    """Rows for a terminal; below it what there is to say of them."""
    cells = [_HEADS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    notes = [f"  {row.what}: {row.words}" for row in rows if row.words]
    return "\n".join([*lines, *notes])


def page(measured: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """All rows as a page of the documentation."""
    parts = [
        "# Benchmarks\n",
        "Written by `make bench BENCH_FLAGS=--write`. Each figure stands beside a floor that was measured in the same",
        "run on the same machine: read the ratios, the absolute figures move with the machine. A rate (/s) is better",
        "when it is larger, everything else when it is smaller. Where a target is missed, what stands in the way is",
        "said below the table.\n",
        "![How much of its target each figure uses](images/benchmarks.svg)\n",
        f"Measured on {platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python",
        f"{platform.python_version()}; before it began, others used {min(_BUSY, 1.0):.0%} of the machine.\n",
    ]
    for title, rows in measured:
        parts += [f"## {title}\n", "| " + " | ".join(_HEADS) + " |", "|" + " --- |" * len(_HEADS)]
        parts += ["| " + " | ".join(row.cells()) + " |" for row in rows]
        parts += ["", *(f"- {row.what}: {row.words}" for row in rows if row.words)]
        parts += [""] if any(row.words for row in rows) else []
    return "\n".join(parts).rstrip() + "\n"


def picture(measured: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """How much of its target each figure uses, as an SVG that is read in light and dark."""
    parts, top = list[str](), 34
    for title, rows in measured:
        if shown := [row for row in rows if row.used is not None]:
            parts.append(f'<text x="0" y="{top + 15}" class="h">{escape(_beginning(title))}</text>')
            for place, row in enumerate(shown, 1):
                parts += _bar(row, top + _LINE * place)
            top += _LINE * (len(shown) + 1) + 8
    full = _LEFT + _FULL
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" role="img" {_FONT}>',
            "<title>How much of its target each figure uses; less is better</title>",
            f"<style>{_LIGHT}@media (prefers-color-scheme:dark){{{_DARK}}}</style>",
            f'<text x="{full}" y="14" class="q" text-anchor="middle">target</text>',
            f'<line x1="{full}" y1="22" x2="{full}" y2="{top - 4}" class="l" stroke-dasharray="4 4"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _bar(row: Row, top: int) -> list[str]:
    used = row.used or 0.0
    wide, kind = max(2.0, _FULL * min(used, _MOST)), "m" if row.missed else "b"
    sign, unit = ("≥" if row.unit in _RATES else "≤"), row.unit
    told = f"{_figure(row.ours, unit)}, {sign} {_goal(row.limit or 0.0, unit)}"
    what, end = escape(row.what.replace("`", "")), _LEFT + wide
    parts = [
        f'<text x="{_LEFT - 10}" y="{top + 14}" text-anchor="end">{what}</text>',
        f'<rect x="{_LEFT}" y="{top + 2}" width="{wide:.1f}" height="16" rx="3" class="{kind}"/>',
        f'<text x="{_LEFT + _FULL * _MOST + 10:.0f}" y="{top + 14}" class="q">{escape(told)}</text>',
    ]
    if used > _MOST:
        parts.append(f'<text x="{end - 6:.0f}" y="{top + 14}" class="o" text-anchor="end">{used:.1f}×</text>')
    return parts


def _beginning(title: str) -> str:
    """What a title says before it goes into details."""
    return title.partition(":")[0].rstrip(".")


def _figure(value: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}{_apart(unit)}"


def _goal(value: float, unit: str) -> str:
    """A target: a whole number is told as one."""
    return _figure(value, unit) if value % 1 else f"{value:,.0f}{_apart(unit)}"


def _apart(unit: str) -> str:
    """A unit as it follows a number."""
    return unit if unit in ("/s", "%", "") else f" {unit}"
