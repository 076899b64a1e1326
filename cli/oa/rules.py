"""What was allowed beforehand: listed and ended here, made in the web interface from the decision that it is about."""

from __future__ import annotations

from typing import Annotated

import typer

from oa import terminal
from oa.house import the_one
from oa.manual import Commands
from oa.session import Json, house

__all__ = ["app"]

app = Commands(help="Look at what you allowed beforehand, and end it.")


@app.command("list")
def listing(json: Json = False) -> None:
    """List what happens without a question."""
    with house() as asked:
        found = asked.get("/api/rules")
    if json:
        terminal.show_json(found)
        return
    rows = [
        (each["id"][-8:], each["what"], ", ".join(each["people"]), str(each["uses"]), each["expires_at"][:10])
        for each in found
    ]
    terminal.table(("ID", "WHAT", "TO", "USED", "ENDS"), rows, empty="Nothing is allowed beforehand.")


@app.command("revoke")
def revoke(rule: Annotated[str, typer.Argument(metavar="ID", help="The id, or its end")]) -> None:
    """End a rule at once; it is asked about again.

    Example:
      oa rules revoke 7d1f03aa
    """
    with house() as asked:
        asked.delete(f"/api/rules/{the_one(asked.get('/api/rules'), rule, what='rule', listed='oa rules list')}")
    terminal.say("Revoked. It is asked about again.")
