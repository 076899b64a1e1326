"""`python -m tests.bench [--write] [NAME …]`: every measurement, or those named, each figure beside its floor.

`--write` puts them into docs/benchmarks.md and draws docs/images/benchmarks.svg.
"""

import importlib
import sys
from pathlib import Path

from tests.bench.rows import Row, page, picture, table

ROOT = Path(__file__).parents[2]


def main(given: list[str]) -> int:
    """Runs them one after the other; 2 for a name that there is not, 1 where a target is missed without a word why."""
    known = sorted(each.stem.removeprefix("bench_") for each in Path(__file__).parent.glob("bench_*.py"))
    names = [each for each in given if not each.startswith("--")]
    if unknown := [each for each in given if each not in [*known, "--write"]]:
        sys.stderr.write(f"There is no measurement {', '.join(unknown)}; there is: {', '.join(known)}, and --write.\n")
        return 2
    if names and "--write" in given:
        sys.stderr.write("The page has all measurements, so --write goes with no name.\n")
        return 2
    measured: list[tuple[str, list[Row]]] = []
    for name in names or known:
        module = importlib.import_module(f"tests.bench.bench_{name}")
        measured.append((str(module.__doc__).partition("\n")[0], module.rows()))
        print(f"\n{measured[-1][0]}\n{table(measured[-1][1])}", flush=True)
    if "--write" in given:
        (ROOT / "docs" / "benchmarks.md").write_text(page(measured))
        (ROOT / "docs" / "images" / "benchmarks.svg").write_text(picture(measured))
    silent = [row.what for _, rows in measured for row in rows if row.missed and not row.why]
    if silent:
        sys.stderr.write(f"Misses its target, and nothing says why: {'; '.join(silent)}.\n")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
