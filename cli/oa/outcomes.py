"""What nobody can tell the outcome of, on a terminal: look again, say what happened, or ask for it anew."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from oa import terminal
from oa.house import USAGE, HouseError
from oa.manual import Commands
from oa.session import Json, house

__all__ = ["app", "people"]

app = Commands(help="See to what may have been done, when nobody can tell.")

_Id = Annotated[str, typer.Argument(metavar="ID", help="The action's id, or enough of its end to tell it apart")]


@app.command("list")
def listing(json: Json = False) -> None:
    """List what may have been done, oldest first."""
    with house() as asked:
        found = asked.get("/api/outcomes")
    if json:
        terminal.show_json(found)
        return
    rows = [
        (
            each["call_id"][-8:],
            f"{each['verb']}: {each['subject']}".rstrip(": "),
            people(each),
            terminal.when(each["at"]),
        )
        for each in found["calls"]
    ]
    terminal.table(("ID", "WHAT", "TO", "BEGAN"), rows, empty="There is nothing of which nobody can tell.")
    if found["away"]:
        terminal.say(f"Could not be asked: {', '.join(found['away'])}")


@app.command("look")
def look(action: _Id) -> None:
    """Ask the service once more. Nothing is done by it."""
    _say(action, "look")


@app.command("done")
def done(action: _Id) -> None:
    """Say that it was done: you have looked there yourself."""
    _say(action, "done")


@app.command("not-done")
def not_done(action: _Id) -> None:
    """Say that it was not done: you have looked there yourself. It is not repeated by that."""
    _say(action, "not_done")


@app.command("again")
def again(action: _Id) -> None:
    """Try again what was not done, as a new question that waits for your yes.

    Example:
      oa outcomes again 0198c1e27d1f70a3b2c4d5e6f7a8b9c0
    """
    with house() as asked:
        asked.post(f"/api/outcomes/{_whole(asked, action)}/again", {})
    terminal.say("It waits for your yes: oa approvals list")


def people(call: dict[str, Any]) -> str:
    """Whom a call reaches."""
    return ", ".join(each["value"] for each in call["destinations"])


def _say(action: str, says: str) -> None:
    with house() as asked:
        settled = asked.post(f"/api/outcomes/{_whole(asked, action)}", {"says": says})
    terminal.say(settled["detail"])
    if settled["state"] == "failed":
        terminal.say(f"To try again, with a new question: oa outcomes again {settled['call_id']}")


def _whole(asked: Any, given: str) -> str:
    """The id that this, or the end of one in the list, names; raises `HouseError`."""
    if len(given) == 32:
        return given
    found = [each["call_id"] for each in asked.get("/api/outcomes")["calls"]]
    fitting = [each for each in found if len(given) > 3 and each.endswith(given)]
    if len(fitting) != 1:
        words = "Nothing that is in doubt has" if not fitting else "More than one thing that is in doubt has"
        raise HouseError(f"{words} an id that ends in {given!r}. See: oa outcomes list", code=USAGE)
    return str(fitting[0])
