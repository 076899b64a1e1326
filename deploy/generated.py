"""Generated text that is committed: written with --write, compared with --check, else shown."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["ROOT", "main"]

ROOT = Path(__file__).resolve().parent.parent


def main(target: Path, make: Callable[[], str], *, command: str, arguments: list[str] | None = None) -> int:
    """The command line of a generator of the file `target`: 0, or 1 when --check finds it stale."""
    parser = argparse.ArgumentParser(prog=f"python -m {command}")
    parser.add_argument("--write", action="store_true", help="write the file")
    parser.add_argument("--check", action="store_true", help="fail when the file is stale")
    options = parser.parse_args(arguments)
    text = make()
    if options.write:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    elif options.check:
        if not target.exists() or target.read_text() != text:
            sys.stderr.write(f"{target.relative_to(ROOT)} is stale; run: python -m {command} --write\n")
            return 1
    else:
        sys.stdout.write(text)
    return 0
