"""What the assistant remembers: seen, added to, and forgotten."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from oa import terminal
from oa.house import the_one
from oa.manual import Commands
from oa.session import Json, house

__all__ = ["app"]

app = Commands(help="See what the assistant remembers, add to it, and let it be forgotten.")

_Id = Annotated[str, typer.Argument(metavar="ID", help="The id, or its end")]


@app.command("list")
def listing(
    search: Annotated[str, typer.Option("--search", help="Only what has one of these words")] = "", json: Json = False
) -> None:
    """List what is remembered, and whose words it is.

    Example:
      oa memory list --search sister
    """
    with house() as asked:
        found = asked.get("/api/memories", words=search)
    if json:
        terminal.show_json(found)
        return
    rows = [(each["id"][-8:], each["text"], _whose(each), "pinned" if each["pinned"] else "") for each in found]
    terminal.table(("ID", "WHAT", "WHOSE WORDS", ""), rows, empty="Nothing is remembered.")


@app.command("add")
def add(
    text: Annotated[str, typer.Argument(help="One short sentence that makes sense by itself")],
    days: Annotated[int | None, typer.Option("--days", help="Forget it after so many days")] = None,
) -> None:
    """Have something remembered, in your own words.

    Example:
      oa memory add "My sister is called Mia."
    """
    with house() as asked:
        asked.post("/api/memories", {"text": text, "days": days})
    terminal.say("Remembered.")


@app.command("forget")
def forget(memory: _Id) -> None:
    """Let something be forgotten.

    Example:
      oa memory forget 7d1f03aa
    """
    with house() as asked:
        found = the_one(asked.get("/api/memories"), memory, what="memory", listed="oa memory list")
        asked.delete(f"/api/memories/{found}")
    terminal.say("Forgotten.")


def _whose(each: dict[str, Any]) -> str:
    if each["tainted"]:
        return f"noted after reading {', '.join(each['sources'])}"
    return "yours" if each["origin"] == "owner" else "noted by the assistant"
