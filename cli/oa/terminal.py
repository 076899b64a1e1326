"""What goes to the terminal: answers on standard output, everything about them on standard error, nothing hostile."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oa.house import FAILED, USAGE, HouseError

__all__ = [
    "clean",
    "code",
    "complain",
    "confirm",
    "is_terminal",
    "secret",
    "show",
    "show_json",
    "table",
    "verdict",
    "when",
]

out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
err = Console(highlight=False, markup=False, emoji=False, soft_wrap=True, stderr=True)

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Unicode categories that draw nothing, move the cursor, or turn the direction of what stands beside them."""


def clean(text: object) -> str:
    """A text from outside without control characters, terminal escapes and marks of direction."""
    kept = (each for each in str(text) if each in "\n\t" or unicodedata.category(each) not in _HIDDEN)
    return "".join(kept)


def show(text: object, *, style: str = "") -> None:
    """A line on standard output."""
    out.print(Text(clean(text), style=style))


def say(text: object, *, style: str = "dim") -> None:
    """A line about what happens, on standard error."""
    err.print(Text(clean(text), style=style))


def complain(error: HouseError) -> None:
    """What went wrong, in words."""
    err.print(Text(clean(error.words), style="red"))


def verdict(ok: bool, what: str, detail: str) -> bool:
    """One line of a check, on standard output; returns whether it is sound."""
    out.print(Text(clean(f"{'✓' if ok else '✗'} {what:<9} {detail}"), style="" if ok else "red"))
    return ok


def show_json(value: Any) -> None:
    """A value for programs: JSON, one document, ASCII."""
    sys.stdout.write(json.dumps(value, indent=2, sort_keys=True) + "\n")


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Rows under their heads on a terminal; for a pipe tab-separated without heads. Nothing there: `empty`, aside."""
    if not rows:
        say(empty)
        return
    cells = [[" ".join(clean(cell).split()) for cell in row] for row in rows]
    if not out.is_terminal:
        sys.stdout.write("".join("\t".join(row) + "\n" for row in cells))
        return
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        shown.add_column(head, overflow="fold")
    for row in cells:
        shown.add_row(*(Text(cell) for cell in row))
    out.print(shown)


def when(moment: str | None) -> str:
    """A moment of the API in the words of a list: relative when it is near."""
    if not moment:
        return "never"
    seconds = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if abs(seconds) >= size:
            count = int(abs(seconds) // size)
            return f"{count} {name} ago" if seconds > 0 else f"in {count} {name}"
    return "just now" if seconds >= 0 else "in a moment"


def is_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


def confirm(question: str, word: str) -> bool:
    """Asks a person to type a word; anything else is a no. Raises `HouseError` where nobody can be asked."""
    if not is_terminal():
        raise HouseError("Nobody can be asked here. Use --yes with the id of what you approve.", code=USAGE)
    return bool(typer.prompt(f"{question} Type {word} to go on", default="", show_default=False) == word)


def secret(name: str, *, optional: bool = False) -> str:
    """A secret, typed without being shown, or the next line of standard input; raises `HouseError`."""
    if is_terminal():
        return str(typer.prompt(name, hide_input=True, default="" if optional else None, show_default=False))
    return _piped(name, optional=optional)


def code(name: str) -> str:
    """A code that is good for once, typed where it is seen, or the next line of standard input; raises as `secret`."""
    return str(typer.prompt(name, err=True)) if is_terminal() else _piped(name)


def _piped(name: str, *, optional: bool = False) -> str:
    line = sys.stdin.readline().rstrip("\n")
    if not line and not optional:
        raise HouseError(f"{name}: nothing came on standard input.", code=FAILED)
    return line
