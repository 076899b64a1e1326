"""The house's keys: how they are, and new ones. For its owner, with the password; no token will do."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from oa import terminal
from oa.house import AWAY, FAILED, USAGE, HouseError
from oa.manual import Commands
from oa.session import Json, signed_in

__all__ = ["app"]

_KINDS = {
    "root": "the root key",
    "data": "the keys of the rooms' files",
    "credentials": "the keys of account secrets",
}
_SECONDS, _PAUSE = 900.0, 0.5

app = Commands(
    help="See how the house's keys are, and replace them.", no_args_is_help=False, invoke_without_command=True
)


@app.callback()
def show(ctx: typer.Context, json: Json = False) -> None:
    """See how the house's keys are, and replace them. Alone it shows them. Asks for your password."""
    if ctx.invoked_subcommand is not None:
        return
    opened, _, _ = signed_in()
    with opened as asked:
        found = asked.get("/api/keys")
    if json:
        terminal.show_json(found)
    else:
        _tell(found)


@app.command()
def rotate(
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="root|data|credentials", help="Not all three; may be repeated")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Stay until every file has its new key")] = True,
) -> None:
    """Replace keys while the house runs. Asks for your password.

    What comes meanwhile waits a moment. A backup of before opens with the root key of before: keep that one as long as
    you keep the backup.

    Examples:
      oa keys rotate
      oa keys rotate --only credentials
    """
    kinds = only or list(_KINDS)
    if wrong := [each for each in kinds if each not in _KINDS]:
        raise HouseError(f"{wrong[0]} is no kind of key. Use root, data or credentials.", code=USAGE)
    opened, password, _ = signed_in()
    with opened as asked:
        found = asked.post("/api/keys/rotate", {"keys": kinds, "password": password})
        if wait:
            found = _awaited(asked, found)
    _tell(found)
    if found["replacing"] and wait:
        raise typer.Exit(AWAY if found["waiting"] else FAILED)


def _awaited(asked: Any, found: dict[str, Any]) -> dict[str, Any]:
    """The keys once all are replaced, or after a quarter of an hour; says how far it is as that changes."""
    ends, said = time.monotonic() + _SECONDS, -1
    while found["replacing"] and time.monotonic() < ends:
        if found["total"] and found["left"] != said:
            said = found["left"]
            terminal.say(f"{found['total'] - said} of {found['total']} files are under their new key.")
        time.sleep(_PAUSE)
        found = asked.get("/api/keys")
    return found


def _tell(found: dict[str, Any]) -> None:
    if found["replacing"]:
        terminal.show(f"Being replaced: {_named(found['replacing'])}.")
        for each in found["waiting"]:
            files = "1 file" if each["files"] == 1 else f"{each['files']} files"
            terminal.show(f"  {each['room']}: {files} to go")
        terminal.show(
            "It goes on by itself, also after a restart; a service that is off takes its new keys when it is back."
        )
    elif found["replaced_at"]:
        terminal.show(f"Replaced {terminal.when(found['replaced_at'])}: {_named(found['replaced'])}.")
    else:
        terminal.show("No key was replaced yet.")
    protected = "is protected by a passphrase" if found["protected"] else "lies in its file as it is"
    terminal.show(f"The root key {protected}.")
    if found["fixed"]:
        terminal.show(found["fixed"])


def _named(kinds: list[str]) -> str:
    return ", ".join(_KINDS[each] for each in kinds)
