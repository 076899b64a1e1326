"""Looking after the house: what runs, what is wrong, which model thinks, what the ledger proves."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from oa import keptheads, terminal
from oa.doctor import missing_rooms
from oa.house import AWAY, FAILED, USAGE, HouseError
from oa.manual import Commands
from oa.session import Json, house

__all__ = ["audit", "model", "run", "status"]

audit = Commands(help="The ledger of all that was done, and its proof.")
model = Commands(help="Which model thinks.")

_PRIVATE = "/api/model/private"
_TEST_SECONDS, _TEST_PAUSE = 210.0, 0.5
_MODES = {
    "unknown": "not tested yet",
    "native": "it calls them well",
    "schema": "it calls them when its answers are held to a form",
    "salvage": "it writes its calls as text",
    "none": "it calls none, so it can only talk",
}
_CALLING = ("native", "schema", "salvage")


def run() -> None:
    """Start the assistant out of this checkout; Ctrl-C ends it. In containers it is docker compose up."""
    folder = Path(__file__).resolve().parents[2]
    make = shutil.which("make")
    if make is None or not (folder / "Makefile").exists():
        raise HouseError("oa run starts a checkout, with make. In containers: docker compose up", code=FAILED)
    os.execv(make, [make, "--no-print-directory", "-C", str(folder), "run"])


def status(json: Json = False) -> None:
    """Say whether the house is up, who you are, and what waits."""
    with house() as asked:
        missing = missing_rooms(asked)
        user = asked.get("/api/session")["user"]
        chosen = asked.get("/api/model")["current"]
        accounts = asked.get("/api/accounts")
        waiting = asked.get("/api/approvals", state="pending")
        doubts = asked.get("/api/outcomes")["calls"]
        found = {
            "url": asked.url,
            "ready": not missing,
            "missing": missing,
            "user": user["username"],
            "model": chosen["model"] if chosen else None,
            "accounts": len(accounts),
            "attention": [each["name"] for each in accounts if each["state"] == "attention"],
            "waiting": len(waiting),
            "doubts": len(doubts),
        }
    if json:
        terminal.show_json(found)
    else:
        terminal.show(f"House      {asked.url}  {'ready' if not missing else 'waits for ' + ', '.join(missing)}")
        terminal.show(f"You        {user['display_name']} ({user['username']})")
        terminal.show(f"Model      {found['model'] or 'none; oa model set'}")
        needs = f", {len(found['attention'])} need you: oa doctor" if found["attention"] else ""
        terminal.show(f"Accounts   {found['accounts']}{needs}")
        terminal.show(f"Waiting    {found['waiting']}{': oa approvals list' if waiting else ''}")
        if doubts:
            terminal.show(f"In doubt   {len(doubts)}: oa outcomes list")
    if missing:
        raise typer.Exit(AWAY)


@model.command("show")
def show(json: Json = False) -> None:
    """Show the model in use, and the servers found on this machine."""
    with house() as asked:
        found = asked.get("/api/model")
    if json:
        terminal.show_json(found)
        return
    chosen, private = found["current"], found.get("private")
    terminal.show(f"{chosen['model']}  {chosen['base_url'] or ''}" if chosen else "No model is set.")
    if chosen:
        terminal.show("It is a local model." if chosen.get("local") else "It is not a local model.")
        terminal.show(_about_tools(chosen["tools"]))
    if private:
        terminal.show(f"For what it must not see: {private['model']}  {private['base_url'] or ''}")
        terminal.show(_about_tools(private["tools"]))
    for server in found["found"]:
        terminal.say(f"Found: {server['name']} at {server['base_url']}: {', '.join(server['models']) or 'no model'}")


@model.command("set")
def choose(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="Its name, as the server or provider calls it")],
    base_url: Annotated[
        str | None, typer.Option("--url", help="A server that speaks OpenAI's API; left out: a provider of LiteLLM's")
    ] = None,
    key: Annotated[bool, typer.Option("--key", help="Ask for an API key, or read it from standard input")] = False,
    private: Annotated[
        bool, typer.Option("--private", help="As the local model for what the other must not see")
    ] = False,
    relayed: Annotated[
        bool, typer.Option("--relayed", help="It passes on to a cloud, although its address is here")
    ] = False,
) -> None:
    """Choose the model.

    Examples:
      oa model set llama3.1:8b --url http://127.0.0.1:11434/v1
      oa model set qwen3:8b --url http://127.0.0.1:11434/v1 --private
      oa model set anthropic/claude-sonnet-4-5 --key < key-file
    """
    kind = "openai" if base_url else "litellm"
    draft = {"kind": kind, "model": name, "base_url": base_url, "api_key": terminal.secret("API key") if key else None}
    with house() as asked:
        answer = asked.post("/api/model/check", draft)
        terminal.verdict(answer["ok"], name, answer["detail"])
        if not answer["ok"]:
            raise HouseError("Nothing was changed.", code=FAILED)
        asked.put(_PRIVATE if private else "/api/model", {**draft, "window": None, "local": False if relayed else None})
    terminal.say("It is asked a few short questions now, to learn how it calls tools: oa model show")


@model.command("test")
def test() -> None:
    """Ask the model a few short questions, to learn how it calls tools."""
    with house() as asked:
        found = asked.post("/api/model/test", {})
        ends = time.monotonic() + _TEST_SECONDS
        while found["current"] and found["current"]["tools"]["testing"] and time.monotonic() < ends:
            time.sleep(_TEST_PAUSE)
            found = asked.get("/api/model")
    if not found["current"]:
        raise HouseError("The model was removed meanwhile.", code=FAILED)
    tools = found["current"]["tools"]
    if not terminal.verdict(tools["mode"] in _CALLING and not tools["testing"], "Model", _about_tools(tools)):
        raise typer.Exit(FAILED)


def _about_tools(tools: dict[str, Any]) -> str:
    """One line: how a model calls tools, and what a test saw."""
    if tools["testing"]:
        return "Its tools: being tested."
    return f"Its tools: {_MODES[tools['mode']]}. {tools['detail']}".rstrip()


@model.command("clear")
def clear(
    private: Annotated[bool, typer.Option("--private", help="The local one for what the other must not see")] = False,
) -> None:
    """Use no model; its key is erased."""
    with house() as asked:
        asked.delete(_PRIVATE if private else "/api/model")
    terminal.say("No model is set. Commands and the record work without one.")


@audit.command("list")
def entries(
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=200, metavar="number", help="How many")] = 20,
    search: Annotated[str, typer.Option("--search", metavar="words", help="Only what holds all these words")] = "",
    json: Json = False,
) -> None:
    """List what was done last."""
    with house() as asked:
        found = asked.get("/api/audit", newest=True, limit=count, **({"search": search} if search else {}))
        while search and found["next"] is not None and len(found["entries"]) < count:
            more = asked.get(
                "/api/audit", newest=True, limit=count - len(found["entries"]), search=search, after=found["next"]
            )
            found = {**found, "entries": found["entries"] + more["entries"], "next": more["next"]}
    if json:
        terminal.show_json(found)
        return
    rows = [
        (each["index"], each["time"], each["action"], each["tool"] or each["connector"] or "", each["outcome"] or "")
        for each in found["entries"]
    ]
    empty = "Nothing holds these words." if search else "Nothing has happened yet."
    terminal.table(("NO", "WHEN", "WHAT", "WITH", "OUTCOME"), rows, empty=empty)


@audit.command("verify")
def verify(
    heads: Annotated[
        Path | None, typer.Option("--heads", metavar="file", help="Signed heads that were kept elsewhere")
    ] = None,
    json: Json = False,
) -> None:
    """Check that nothing in the ledger was changed, removed or put in. Exit code 1 when something was."""
    kept = keptheads.read(heads) if heads else ()
    with house() as asked:
        found = asked.post("/api/audit/verify", {"heads": kept}) if kept else asked.get("/api/audit/verify")
    if json:
        terminal.show_json(found)
    elif found["ok"]:
        terminal.show(f"Unchanged: {found['size']} records, root {found['root']}")
    _require_unchanged(found)


@audit.command("witness")
def witness(
    file: Annotated[Path, typer.Argument(help="Where heads are kept; best not on the house's machine")],
) -> None:
    """Keep the newest signed head in a file, after a check against all that are there. Run it now and then.

    Example:
      oa audit witness heads
    """
    kept = keptheads.read(file) if file.exists() else ()
    with house() as asked:
        found = asked.post("/api/audit/verify", {"heads": kept})
        _require_unchanged(found)
        head = asked.get("/api/audit", newest=True, limit=1)["head"]
    if head is None:
        raise HouseError("The ledger has no signed head at the moment. Look at oa audit verify.", code=FAILED)
    words = keptheads.append(file, head["signature"], kept)
    terminal.say(f"{words}: {head['size']} records, checked against {len(kept)} earlier heads.")


def _require_unchanged(found: dict[str, Any]) -> None:
    if not found["ok"]:
        problem = found["problem"] or {}
        raise HouseError(f"Changed afterwards: record {problem.get('index')}: {problem.get('detail')}", code=FAILED)


@audit.command("export")
def export(
    file: Annotated[Path | None, typer.Argument(help="Where to; standard output when left out")] = None,
) -> None:
    """Write the whole ledger with its proof, as JSON lines."""
    if file is None and sys.stdout.isatty():
        raise HouseError("Name a file, or send the output into one.", code=USAGE)
    with house() as asked:
        if file is None:
            for piece in asked.lines("/api/audit/export"):
                sys.stdout.buffer.write(piece)
            return
        waiting = file.with_name(f".{file.name}.part")
        try:
            with waiting.open("wb") as target:
                for piece in asked.lines("/api/audit/export"):
                    target.write(piece)
            waiting.replace(file)
        except OSError as error:
            raise HouseError(f"{file} cannot be written: {error.strerror}.", code=FAILED) from error
        finally:
            waiting.unlink(missing_ok=True)
    terminal.say(f"Written to {file}.")
