"""Taking back on a terminal: what is held before it goes out, and what has a way back."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from oa import terminal
from oa.house import FAILED, USAGE, WAITS, HouseError
from oa.outcomes import people
from oa.session import Json, house

__all__ = ["undo"]

_SECONDS, _PAUSE = 30.0, 0.3


def undo(
    action: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="The action's id, enough of its end, or `last`; left out: list them"),
    ] = None,
    json: Json = False,
) -> None:
    """Take something back: what has not gone out yet, or what was changed and has a way back. Without an id, list it.

    Examples:
      oa undo
      oa undo last
      oa undo 7d1f03aa
    """
    with house() as asked:
        found = asked.get("/api/undoable")
        if action is None:
            _list(found, json=json)
            return
        chosen = _chosen(found, action)
        undoing = asked.post(f"/api/undoable/{chosen['call_id']}", {})
        if not undoing["taken_back"]:
            _follow(asked, undoing)
    terminal.say(f"Taken back: {_what(chosen)}")


def _list(found: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        terminal.show_json(found)
        return
    rows = [
        (each["call_id"][-8:], _what(each), people(each), "goes out" if each["kind"] == "held" else "until",
         terminal.when(each["until"]))
        for each in found
    ]  # fmt: skip
    terminal.table(("ID", "WHAT", "TO", "", "WHEN"), rows, empty="There is nothing to take back.")


def _chosen(found: list[dict[str, Any]], given: str) -> dict[str, Any]:
    """The one that is meant; raises `HouseError`."""
    if given == "last":
        if not found:
            raise HouseError("There is nothing to take back.", code=FAILED)
        return max(found, key=lambda each: str(each["at"]))
    fitting = [each for each in found if len(given) > 3 and each["call_id"].endswith(given)]
    if len(fitting) != 1:
        words = "Nothing that can be taken back has" if not fitting else "More than one thing has"
        raise HouseError(f"{words} an id that ends in {given!r}. See: oa undo", code=USAGE)
    return fitting[0]


def _follow(asked: Any, undoing: dict[str, Any]) -> None:
    """Waits until the call that takes it back has ended, or waits for a yes; raises `HouseError` where it failed."""
    path, ends = f"/api/conversations/{undoing['conversation']}", time.monotonic() + _SECONDS
    while (state := asked.get(path)["state"]) == "running" and time.monotonic() < ends:
        time.sleep(_PAUSE)
    if state == "waiting":
        raise HouseError("It waits for your yes: oa approvals list", code=WAITS)
    receipts = [each for each in asked.get(f"{path}/receipts") if each["turn"] == undoing["turn"]]
    if not receipts or receipts[-1]["state"] != "done":
        raise HouseError("It was not taken back. The conversation says why.", code=FAILED)


def _what(call: dict[str, Any]) -> str:
    return f"{call['verb']}: {call['subject']}".rstrip(": ")
