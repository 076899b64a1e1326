"""`python -m tests.bench [NAME …]`: every measurement, or those named (`ledger`, `chat`), each beside its floor."""

import importlib
import sys
from pathlib import Path


def main(names: list[str]) -> int:
    """Runs them one after the other; 2 for a name that there is not."""
    known = sorted(each.stem.removeprefix("bench_") for each in Path(__file__).parent.glob("bench_*.py"))
    if unknown := [each for each in names if each not in known]:
        sys.stderr.write(f"There is no measurement {', '.join(unknown)}; there is: {', '.join(known)}.\n")
        return 2
    for name in names or known:
        print(f"\n{name}")
        importlib.import_module(f"tests.bench.bench_{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
