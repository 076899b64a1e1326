"""The commands of `oa`, in groups, and what its exit codes mean."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from oa import (
    __version__,
    accounts,
    cards,
    chats,
    data,
    doctor,
    household,
    keeping,
    keys,
    left,
    loans,
    memory,
    notices,
    outcomes,
    people,
    rules,
    schedules,
    talk,
    terminal,
    undo,
    usage,
)  # fmt: skip
from oa.house import USAGE, HouseError
from oa.manual import Commands

__all__ = ["app", "main"]

_MORE = """\
EXAMPLES
  $ oa login
  $ oa ask what did Carol write about the lease
  $ oa approvals list

EXIT CODES
  0  done
  1  failed
  2  used wrongly
  3  sign in first: oa login
  4  waits for your yes: oa approvals list
  5  the house is away: oa run, or docker compose up

ENVIRONMENT
  OA_URL    the house's address, before the one that `oa login` kept
  OA_TOKEN  a personal token, before the one that `oa login` kept

LEARN MORE
  Use `oa <command> --help` for more about a command.
  The guide is docs/guides/cli.md."""
_TALK, _KEEP, _PEOPLE = "Talk", "House", "Personal"

app = Commands(
    help="Ask your assistant, decide what it may do, and look after the house, from a terminal.", epilog=_MORE
)

app.command(rich_help_panel=_TALK)(talk.ask)
app.command(rich_help_panel=_TALK)(talk.chat)
app.add_typer(chats.app, name="chats", rich_help_panel=_TALK)
app.add_typer(cards.app, name="approvals", rich_help_panel=_TALK)
app.command(rich_help_panel=_TALK)(undo.undo)
app.add_typer(outcomes.app, name="outcomes", rich_help_panel=_TALK)
app.add_typer(rules.app, name="rules", rich_help_panel=_TALK)
app.add_typer(schedules.app, name="schedules", rich_help_panel=_TALK)
app.add_typer(memory.app, name="memory", rich_help_panel=_TALK)
app.command(rich_help_panel=_KEEP)(keeping.run)
app.command(rich_help_panel=_KEEP)(keeping.status)
app.command(rich_help_panel=_KEEP)(doctor.doctor)
app.add_typer(notices.app, name="notices", rich_help_panel=_KEEP)
app.add_typer(accounts.app, name="accounts", rich_help_panel=_KEEP)
app.add_typer(accounts.connectors, name="connectors", rich_help_panel=_KEEP)
app.add_typer(loans.app, name="loans", rich_help_panel=_KEEP)
app.add_typer(keeping.model, name="model", rich_help_panel=_KEEP)
app.add_typer(usage.app, name="usage", rich_help_panel=_KEEP)
app.add_typer(keeping.audit, name="audit", rich_help_panel=_KEEP)
app.add_typer(keys.app, name="keys", rich_help_panel=_KEEP)
app.command(rich_help_panel=_KEEP)(left.left)
app.add_typer(data.app, name="data", rich_help_panel=_PEOPLE)
app.command(rich_help_panel=_PEOPLE)(people.setup)
app.command(rich_help_panel=_PEOPLE)(people.login)
app.command(rich_help_panel=_PEOPLE)(people.logout)
app.add_typer(people.app, name="token", rich_help_panel=_PEOPLE)
app.command(rich_help_panel=_PEOPLE)(household.join)
app.add_typer(household.app, name="people", rich_help_panel=_PEOPLE)


_UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""What a wrong use raises; typer brings Click along and exports its errors only in part."""


def _tell_version(wanted: bool) -> None:
    if wanted:
        terminal.show(f"oa {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    """Options of `oa` itself."""


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    try:
        return int(app(arguments, prog_name="oa", standalone_mode=False) or 0)
    except HouseError as error:
        terminal.complain(error)
        return error.code
    except _UsageError as error:
        terminal.say(f"{error}\nSee: oa --help")
        return USAGE
    except (typer.Abort, KeyboardInterrupt):
        terminal.say("Stopped.")
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
