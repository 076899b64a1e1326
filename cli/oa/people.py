"""Signing in and out, the first start, and personal tokens."""

from __future__ import annotations

import socket
from typing import Annotated, Any

import typer

from oa import session, settings, terminal
from oa.house import the_one
from oa.household import read_link, require_age
from oa.manual import Commands
from oa.session import Json

__all__ = ["app", "login", "logout", "setup"]

app = Commands(help="Make, list and revoke personal tokens. Asks for your password.")

SCOPES = ("chat", "approve", "accounts", "audit")
_User = Annotated[str | None, typer.Option("--user", "-u", help="Your user name; asked for when left out")]


def login(
    url: Annotated[str | None, typer.Argument(help="The house's address, such as http://127.0.0.1:8080")] = None,
    user: _User = None,
    days: Annotated[int, typer.Option(min=1, max=365, metavar="days", help="For how long")] = 90,
) -> None:
    """Sign in, and keep a token on this machine.

    The password is asked for, or read from standard input; it is not kept. The token is, in your configuration
    folder, readable by you alone.

    Examples:
      oa login
      oa login https://house.example -u ada < password-file
    """
    if url:
        settings.keep(settings.Login(url.rstrip("/")))
    opened, password, _ = session.signed_in(user)
    with opened:
        made = _make(opened, f"oa on {socket.gethostname()}"[:60], SCOPES, days, password)
    path = settings.keep(settings.Login(opened.url, made["token"]))
    terminal.say(f"Signed in at {opened.url} until {made['expires_at'][:10]}. The token is in {path}.")


def logout() -> None:
    """Forget the token on this machine. `oa token revoke` ends it in the house as well."""
    settings.forget()
    terminal.say("Forgotten here. In the house it lives until it is revoked: oa token list")


def setup(
    link: Annotated[str, typer.Argument(help="The one-time link that the first start printed")],
    user: _User = None,
    name: Annotated[str, typer.Option(help="How you are called")] = "",
) -> None:
    """Create the owner of a new house, by its one-time link, and sign in.

    Example:
      oa setup 'http://127.0.0.1:8080/setup#…'
    """
    address, token = read_link(link)
    with session.connect(settings.Login(address)) as opened:
        require_age(opened)
        username = user or str(typer.prompt("User name"))
        password = terminal.secret("New password")
        body = {"token": token, "username": username, "password": password, "display_name": name or username}
        opened.post("/api/setup", {**body, "of_age": True})
        made = _make(opened, f"oa on {socket.gethostname()}"[:60], SCOPES, 90, password)
    settings.keep(settings.Login(address, made["token"]))
    terminal.say(f"The house is yours, {name or username}. Next: oa model set, then oa accounts add")


@app.command("list")
def listing(user: _User = None, json: Json = False) -> None:
    """List your tokens."""
    with session.signed_in(user)[0] as opened:
        found = opened.get("/api/tokens")
    if json:
        terminal.show_json(found)
        return
    rows = [
        (
            each["id"][-8:],
            each["name"],
            " ".join(each["scopes"]),
            terminal.when(each["last_used_at"]),
            each["expires_at"][:10],
        )
        for each in found
    ]
    terminal.table(("ID", "NAME", "FOR", "LAST USED", "ENDS"), rows, empty="You have no tokens.")


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is for")],
    scope: Annotated[list[str], typer.Option("--scope", "-s", help=f"One of: {', '.join(SCOPES)}; may be repeated")],
    days: Annotated[int, typer.Option(min=1, max=365, metavar="days", help="For how long")] = 90,
    user: _User = None,
    json: Json = False,
) -> None:
    """Make a token and print it, once.

    Example:
      oa token create "kitchen tablet" --scope chat --days 30
    """
    opened, password, _ = session.signed_in(user)
    with opened:
        made = _make(opened, name, tuple(scope), days, password)
    if json:
        terminal.show_json(made)
    else:
        terminal.show(made["token"])
        terminal.say("It is shown this once. Whoever has it can do in your name what it is for.")


@app.command("revoke")
def revoke(token: Annotated[str, typer.Argument(metavar="ID", help="The id, or its end")], user: _User = None) -> None:
    """End a token at once."""
    with session.signed_in(user)[0] as opened:
        ended = the_one(opened.get("/api/tokens"), token, what="token", listed="oa token list")
        opened.delete(f"/api/tokens/{ended}")
    terminal.say("Revoked.")


def _make(opened: Any, name: str, scopes: tuple[str, ...], days: int, password: str) -> dict[str, Any]:
    body = {"name": name, "scopes": list(scopes), "expires_in_days": days, "password": password}
    made: dict[str, Any] = opened.post("/api/tokens", body)
    return made
