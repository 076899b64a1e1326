"""How a command reaches the house: by the kept token, or signed in with the password where no token opens the door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from oa import settings, terminal
from oa.house import SIGN_IN, House, HouseError

__all__ = ["Json", "connect", "house", "signed_in"]

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs")]

_TRIES = 3
"""Codes that a person may type."""

connect: Callable[[settings.Login], House] = House


def house() -> House:
    """The house, with the token that `oa login` kept or `OA_TOKEN` gives."""
    login = settings.load()
    opened = connect(login)
    if login.token is None:
        _refuse_without_owner(opened)
    return opened


def signed_in(username: str | None = None) -> tuple[House, str, Any]:
    """The house, signed in by user name and password, with the password and the session; asks for what is missing.

    Whose sign-in asks for a code is asked for that, too; on standard input it is the line after the password.
    """
    opened = connect(settings.load()._replace(token=None))
    _refuse_without_owner(opened)
    name = username or str(typer.prompt("User name", err=True))
    password = terminal.secret("Password")
    return opened, password, _entered(opened, name, password)


def _entered(opened: House, name: str, password: str, code: str | None = None, *, tries: int | None = None) -> Any:
    """The session; a person may mistype a code, a program gives it once."""
    left = tries if tries is not None else _TRIES if terminal.is_terminal() else 1
    try:
        return opened.sign_in(name, password, code)
    except HouseError as error:
        if error.problem.get("code") != "code_required" or not left:
            raise
    if code is not None:
        terminal.say("This code is wrong, is over, or was used.")
    given = terminal.code("Code of your app, or a recovery code")
    return _entered(opened, name, password, given, tries=left - 1)


def _refuse_without_owner(opened: House) -> None:
    """Before the first start is finished, signing in is not what helps."""
    if opened.get("/api/setup")["state"] == "open":
        raise HouseError(
            "Nobody has set this house up yet. Its first start printed a link: oa setup LINK", code=SIGN_IN
        )
