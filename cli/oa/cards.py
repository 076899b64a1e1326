"""Approvals on a terminal: exactly what, to whom, from which account, before a yes."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from oa import terminal
from oa.house import USAGE, HouseError
from oa.manual import Commands
from oa.session import Json, house

__all__ = ["app", "decide", "draw"]

app = Commands(help="Look at what waits for you, and decide.")

_Id = Annotated[str, typer.Argument(metavar="ID", help="The approval's id, or enough of its end to tell it apart")]


@app.command("list")
def listing(json: Json = False) -> None:
    """List what waits, oldest first."""
    with house() as asked:
        found = asked.get("/api/approvals", state="pending")
    if json:
        terminal.show_json(found)
        return
    rows = [
        (each["id"][-8:], each["preview"]["verb"], _to(each["preview"]), terminal.when(each["expires_at"]))
        for each in found
    ]
    terminal.table(("ID", "WHAT", "TO", "ENDS"), rows, empty="Nothing waits for you.")


@app.command("show")
def show(approval: _Id, json: Json = False) -> None:
    """Show one approval whole."""
    with house() as asked:
        found = _find(asked, approval)
    if json:
        terminal.show_json(found)
    else:
        draw(found)


@app.command("approve")
def approve(
    approval: _Id, yes: Annotated[bool, typer.Option("--yes", help="Do not ask; the whole id must be given")] = False
) -> None:
    """Approve exactly what the card shows.

    Example:
      oa approvals approve 7d1f03aa
    """
    with house() as asked:
        found = _find(asked, approval)
        draw(found)
        if yes and approval != found["id"]:
            raise HouseError("--yes needs the whole id, so that a script approves what it has looked at.", code=USAGE)
        if not yes and not terminal.confirm("", str(found["preview"]["confirm"]).split()[0].lower()):
            terminal.say("Left as it is.")
            return
        _send(asked, found, "approve", "")
    terminal.say("Approved.")


@app.command("edit")
def edit(
    approval: _Id,
    changes: Annotated[
        list[str],
        typer.Option("--set", metavar="NAME=VALUE", help="One argument; `-` as its value reads standard input"),
    ],
) -> None:
    """Change what waits. Nothing is done by it: the changed card waits for your yes.

    What is no text is given as JSON. The arguments and their present values are in `oa approvals show --json`.

    Examples:
      oa approvals edit 7d1f03aa --set text="I sign on Monday."
      oa approvals edit 7d1f03aa --set 'to=["carol@example.org"]' --set text=- < answer.txt
    """
    with house() as asked:
        found = _find(asked, approval)
        path = f"/api/approvals/{found['id']}"
        form = asked.get(f"{path}/form")
        arguments = form["arguments"] | dict(_change(each, form) for each in changes)
        draw(asked.put(f"{path}/arguments", {"arguments": arguments, "seen": found["preview_digest"]}))
    terminal.say(f"Changed, and not done yet: oa approvals approve {found['id'][-8:]}")


@app.command("deny")
def deny(approval: _Id, note: Annotated[str, typer.Option(help="What the assistant should know")] = "") -> None:
    """Say no; nothing is done."""
    with house() as asked:
        _send(asked, _find(asked, approval), "deny", note)
    terminal.say("Denied. Nothing was done.")


def draw(approval: dict[str, Any]) -> None:
    """The card of an approval, on standard error where answers go to a pipe."""
    shown = approval["preview"]
    lines = [(f"{shown['verb']}?", "bold")]
    if shown["account"]:
        lines.append((f"from {shown['account']}", "dim"))
    for each in shown["destinations"]:
        named = f"{each['name']} <{each['value']}>" if each.get("name") else each["value"]
        lines.append((f"To       {named}" + (f"   {each['note']}" if each.get("note") else ""), ""))
    lines += [(f"{each['label']:<8} {each['value']}", "") for each in shown["fields"]]
    if shown["content"]:
        lines += [("", ""), *((f"  {line}", "") for line in str(shown["content"]).splitlines()), ("", "")]
    if approval.get("reason"):
        lines.append((f"Because you asked: {approval['reason']}", "dim"))
    sources = "; ".join(f"{each['source']} ({', '.join(each['authors'])})" for each in shown["outside"])
    lines.append((f"Text from outside: {sources or 'none'}", "yellow" if sources else "dim"))
    lines += [(f"Mind: {each}", "yellow") for each in shown["warnings"]]
    for text, style in lines:
        terminal.say(text, style=style)


def decide(asked: Any, approval: str) -> None:
    """Asks a person about one approval, in place, and sends what was said."""
    found = asked.get(f"/api/approvals/{approval}")
    if found["state"] != "pending":
        return
    draw(found)
    word = str(found["preview"]["confirm"]).split()[0].lower()
    answer = typer.prompt(f"Type {word} to do it, anything else not to", default="", show_default=False)
    _send(asked, found, "approve" if answer == word else "deny", "" if answer in ("", word, "n", "no") else answer)


def _change(given: str, form: dict[str, Any]) -> tuple[str, Any]:
    """The name and the value of one change; raises `HouseError`."""
    name, is_there, text = given.partition("=")
    known = form["parameters"].get("properties", {})
    if not is_there or name not in known:
        raise HouseError(f"--set {given!r}: give one of {', '.join(known)}, as NAME=VALUE.", code=USAGE)
    text = sys.stdin.read() if text == "-" else text
    if "string" in _types(known[name]):
        return name, text
    try:
        return name, json.loads(text)
    except ValueError as error:
        raise HouseError(f'--set {name}: this is no text, so give it as JSON, such as ["…"].', code=USAGE) from error


def _types(schema: dict[str, Any]) -> set[str]:
    """The JSON types that a schema names, also as alternatives."""
    return {str(each["type"]) for each in (schema, *schema.get("anyOf", ())) if isinstance(each.get("type"), str)}


def _send(asked: Any, approval: dict[str, Any], decision: str, note: str) -> None:
    """Decides about exactly the card that was drawn; says until when a yes can be taken back."""
    draft = {"decision": decision, "note": note, "seen": approval["preview_digest"]}
    decided = asked.post(f"/api/approvals/{approval['id']}", draft)
    if decided.get("held_until"):
        terminal.say(f"It goes out in some seconds; until then: oa approvals deny {approval['id']}")


def _find(asked: Any, given: str) -> dict[str, Any]:
    """The one approval that an id or the end of one names; raises `HouseError`."""
    if len(given) == 32:
        found: dict[str, Any] = asked.get(f"/api/approvals/{given}")
        return found
    fitting = [
        each for each in asked.get("/api/approvals", state="pending") if len(given) > 3 and each["id"].endswith(given)
    ]
    if len(fitting) != 1:
        words = "Nothing that waits has" if not fitting else "More than one thing that waits has"
        raise HouseError(f"{words} an id that ends in {given!r}. See: oa approvals list", code=USAGE)
    return dict(fitting[0])


def _to(preview: dict[str, Any]) -> str:
    return ", ".join(each["value"] for each in preview["destinations"])
