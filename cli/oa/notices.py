"""How one is told that something waits: what is chosen, and the way out of it. A browser is added in that browser."""

from __future__ import annotations

from typing import Annotated

import typer

from oa import terminal
from oa.house import USAGE, HouseError
from oa.manual import Commands
from oa.session import Json, house

__all__ = ["app"]

app = Commands(help="How you are told that something waits for you.")


@app.command("list")
def listing(json: Json = False) -> None:
    """List the browsers that are told, and the mail to yourself."""
    with house() as asked:
        found = asked.get("/api/notices")
    if json:
        terminal.show_json(found)
        return
    rows = [
        (each["id"][-8:], each["name"], each["host"], terminal.when(each["used_at"]) if each["used_at"] else "never")
        for each in found["browsers"]
    ]
    if found["mail"]:
        rows.append(("mail", found["mail"]["address"], "your own account", ""))
    terminal.table(("ID", "WHERE", "OVER", "TOLD"), rows, empty="You are told nowhere. See the page Notices.")


@app.command("stop")
def stop(
    where: Annotated[str, typer.Argument(metavar="WHERE", help="A browser's id or the end of it, or `mail`")],
) -> None:
    """Tell you no more there.

    Examples:
      oa notices stop 7d1f03aa
      oa notices stop mail
    """
    with house() as asked:
        if where == "mail":
            asked.delete("/api/notices/mail")
        else:
            found = asked.get("/api/notices")["browsers"]
            fitting = [each["id"] for each in found if len(where) > 3 and each["id"].endswith(where)]
            if len(fitting) != 1:
                raise HouseError(f"No one browser has an id that ends in {where!r}. See: oa notices list", code=USAGE)
            asked.delete(f"/api/notices/browsers/{fitting[0]}")
    terminal.say("You are told no more there.")
