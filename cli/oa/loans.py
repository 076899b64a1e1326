"""Accounts that are shared in this house: listed and ended here, offered and accepted in the web interface."""

from __future__ import annotations

from typing import Annotated

import typer

from oa import terminal
from oa.house import the_one
from oa.manual import Commands
from oa.session import Json, house

__all__ = ["app"]

app = Commands(help="See which accounts are shared with whom, and end it.")

_FOR = {"read": "read", "act": "read and change"}


@app.command("list")
def listing(json: Json = False) -> None:
    """List the accounts that you share, and those that others share with you."""
    with house() as asked:
        found = asked.get("/api/loans")
    if json:
        terminal.show_json(found)
        return
    rows = [
        (
            each["id"][-8:],
            f"{'to' if each['given'] else 'from'} {each['person']}",
            each["name"],
            ", ".join(each["calendars"]) or "all of it",
            _FOR[each["access"]],
            each["expires_at"][:10] if each["state"] == "accepted" else "not accepted",
        )
        for each in found
    ]
    terminal.table(("ID", "WHO", "ACCOUNT", "WHAT", "FOR", "UNTIL"), rows, empty="No account is shared.")


@app.command("end")
def end(loan: Annotated[str, typer.Argument(metavar="ID", help="The id, or its end")]) -> None:
    """Stop sharing an account, or give back or refuse one that is shared with you; its copy is deleted.

    Example:
      oa loans end 7d1f03aa
    """
    with house() as asked:
        asked.delete(f"/api/loans/{the_one(asked.get('/api/loans'), loan, what='loan', listed='oa loans list')}")
    terminal.say("Ended. Its copy is deleted.")
