"""What the house does at given times: looked at, paused, run and ended here; signed in the web interface."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from oa import terminal
from oa.house import House, the_one
from oa.manual import Commands
from oa.session import Json, house

__all__ = ["app"]

app = Commands(help="Look at what is done at given times, pause it, run it now, end it.")

_Id = Annotated[str, typer.Argument(metavar="ID", help="The id, or its end")]


@app.command("list")
def listing(json: Json = False) -> None:
    """List schedules, with when each runs next and what became of its last run."""
    with house() as asked:
        found = asked.get("/api/schedules")
    if json:
        terminal.show_json(found)
        return
    rows = [(each["id"][-8:], each["name"], each["when"], _next(each), _last(each)) for each in found]
    terminal.table(("ID", "NAME", "WHEN", "NEXT", "LAST"), rows, empty="Nothing is scheduled.")


@app.command("pause")
def pause(schedule: _Id) -> None:
    """Leave out the runs of a schedule until it is resumed.

    Example:
      oa schedules pause 7d1f03aa
    """
    with house() as asked:
        asked.post(f"/api/schedules/{_found(asked, schedule)}/pause")
    terminal.say("Paused.")


@app.command("resume")
def resume(schedule: _Id) -> None:
    """Go on with the next time that comes; what was left out is not made up for.

    Example:
      oa schedules resume 7d1f03aa
    """
    with house() as asked:
        shown = asked.post(f"/api/schedules/{_found(asked, schedule)}/resume")
    terminal.say(f"It goes on. Next: {_next(shown)}.")


@app.command("run")
def run(schedule: _Id) -> None:
    """Run a schedule now, with what was signed for it.

    Example:
      oa schedules run 7d1f03aa
    """
    with house() as asked:
        asked.post(f"/api/schedules/{_found(asked, schedule)}/run")
    terminal.say("It runs. The answer comes in its conversation.")


@app.command("remove")
def remove(schedule: _Id) -> None:
    """End a schedule at once, with what its run does and what waits from it.

    Example:
      oa schedules remove 7d1f03aa
    """
    with house() as asked:
        asked.delete(f"/api/schedules/{_found(asked, schedule)}")
    terminal.say("Removed.")


def _found(asked: House, schedule: str) -> str:
    return the_one(asked.get("/api/schedules"), schedule, what="schedule", listed="oa schedules list")


def _next(each: dict[str, Any]) -> str:
    if each["paused"]:
        return "paused"
    return each["next"][0][:16].replace("T", " ") + " UTC" if each["next"] else "not again"


def _last(each: dict[str, Any]) -> str:
    return f"{each['runs'][0]['due_at'][:10]} {each['runs'][0]['state']}" if each["runs"] else ""
