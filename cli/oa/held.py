"""One's own data: how much there is of it, for how long it is kept, and that all or a part of it goes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from oa import terminal
from oa.house import USAGE, House, HouseError, the_one
from oa.manual import Commands
from oa.session import Json, house, signed_in

__all__ = ["app"]

app = Commands(help="See what is kept of you, choose for how long, have it erased, take it along, and bring it in.")
erase = Commands(help="Erase a conversation, an account with what came of it, a time, yourself, or the whole house.")
app.add_typer(erase, name="erase")

_User = Annotated[str | None, typer.Option("-u", "--user", help="Your user name; asked for when left out")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask once more")]
_Memories = Annotated[bool, typer.Option("--memories", help="Also what is remembered from it")]
_DAY, _MINUTE = "%Y-%m-%d", "%Y-%m-%dT%H:%M"


@app.command("usage")
def usage(json: Json = False) -> None:
    """Show what each room keeps of you, and how much disk it takes.

    Example:
      oa data usage
    """
    with house() as asked:
        found = asked.get("/api/data")
    if json:
        terminal.show_json(found)
        return
    rows = [
        (each["room"], part["kind"], part["count"], terminal.when(part["oldest"]) if part["oldest"] else "")
        for each in found
        for part in each["parts"] or [{"kind": "", "count": "", "oldest": None}]
    ]
    terminal.table(("ROOM", "WHAT", "HOW MANY", "OLDEST"), rows, empty="Nothing is kept of you.")
    for each in found:
        if not each["answered"]:
            terminal.say(f"{each['room']} does not answer just now.")
    terminal.say(f"On the disk: {sum(each['bytes'] for each in found) / 1e6:.1f} MB")


@app.command("keep")
def keep(
    kind: Annotated[str | None, typer.Argument(help="Of what, such as conversations; see the list")] = None,
    account: Annotated[str | None, typer.Option("--account", help="Of which account, by the end of its id")] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, help="Keep it for so many days")] = None,
    newest: Annotated[int | None, typer.Option("--newest", min=1, help="Keep at most so many, the newest")] = None,
    never: Annotated[bool, typer.Option("--never", help="Keep nothing of it beyond an hour of quiet")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Keep all of it, as at the beginning")] = False,
    user: _User = None,
    yes: _Yes = False,
    json: Json = False,
) -> None:
    """Show for how long things are kept, or choose it; what would go at once is shown first.

    Examples:
      oa data keep
      oa data keep conversations --days 90
      oa data keep mails --account 7d1f03aa --newest 5000
      oa data keep arguments --all
    """
    if kind is None:
        with house() as asked:
            _show_rules(asked.get("/api/data/keep"), json=json)
        return
    if [days is not None, newest is not None, never, everything].count(True) != 1:
        raise HouseError("Say one of --days, --newest, --never and --all.", code=USAGE)
    opened, _, _ = signed_in(user)
    with opened as asked:
        found = asked.get("/api/data/keep")
        offer = _offer(found["offers"], kind, account)
        about = {"kind": kind, "account": offer["account"]}
        rules = [each for each in found["rules"] if (each["kind"], each["account"]) != (kind, offer["account"])]
        if not everything:
            rules.append({**about, "days": 0 if never else days, "newest": newest})
        seen = asked.post("/api/data/keep/preview", {"rules": rules})
        _show_goes(seen, "Nothing would go now.")
        if not yes and not terminal.confirm("This would go now, and what comes to be as old each day.", "keep"):
            terminal.say("Nothing was changed.")
            return
        asked.put("/api/data/keep", {"rules": rules})
    terminal.say("Chosen. It is carried out now, and once a day.")


@app.command("erasing")
def erasing(json: Json = False) -> None:
    """List what is being erased, and which rooms are still to answer."""
    with house() as asked:
        found = asked.get("/api/data/erasing")
    if json:
        terminal.show_json(found)
        return
    rows = [(each["what"], terminal.when(each["begun_at"]), ", ".join(each["rooms"])) for each in found]
    terminal.table(("WHAT", "BEGUN", "STILL TO ANSWER"), rows, empty="Nothing is being erased.")


@app.command("gone")
def gone(
    room: Annotated[str, typer.Argument(help="The connector's id")], user: _User = None, yes: _Yes = False
) -> None:
    """Say, as the owner, that a connector's data will not come back, so that no erasing waits for it.

    Example:
      oa data gone whatsapp
    """
    opened, password, _ = signed_in(user)
    with opened as asked:
        if not yes and not terminal.confirm(f"The keys of everybody's data in {room} are destroyed.", "gone"):
            terminal.say("Nothing was changed.")
            return
        asked.post(f"/api/data/rooms/{room}/gone", {"password": password})
    terminal.say(f"Nobody waits for {room} any more.")


@erase.command("conversation")
def erase_conversation(
    conversation: Annotated[str, typer.Argument(metavar="ID", help="The id, or its end")],
    memories: _Memories = False,
    user: _User = None,
    yes: _Yes = False,
) -> None:
    """Erase a conversation with all that its steps left behind.

    Example:
      oa data erase conversation 90b1d2e4 --memories
    """
    opened, password, _ = signed_in(user)
    with opened as asked:
        found = the_one(asked.get("/api/conversations"), conversation, what="conversation", listed="oa chat --help")
        _erase(asked, {"what": "conversation", "conversation": found, "memories": memories}, password, yes=yes)


@erase.command("account")
def erase_account(
    account: Annotated[str, typer.Argument(metavar="ID", help="The id, or its end")],
    conversations: Annotated[
        bool, typer.Option("--conversations", help="Also every conversation in which it was used")
    ] = False,
    memories: _Memories = False,
    user: _User = None,
    yes: _Yes = False,
) -> None:
    """Disconnect an account and erase its copy and what the activity record says of its steps.

    Example:
      oa data erase account 7d1f03aa --conversations --memories
    """
    opened, password, _ = signed_in(user)
    with opened as asked:
        found = the_one(asked.get("/api/accounts"), account, what="account", listed="oa accounts list")
        part = {"what": "source", "account": found, "conversations": conversations, "memories": memories}
        _erase(asked, part, password, yes=yes)


@erase.command("period")
def erase_period(
    since: Annotated[datetime, typer.Argument(formats=[_DAY, _MINUTE], help="From when on, in this machine's time")],
    until: Annotated[datetime, typer.Argument(formats=[_DAY, _MINUTE], help="Until before when")],
    user: _User = None,
    yes: _Yes = False,
) -> None:
    """Erase everything from one moment to another, in every room.

    Example:
      oa data erase period 2026-03-01 2026-04-01
    """
    opened, password, _ = signed_in(user)
    with opened as asked:
        part = {"what": "period", "since": since.astimezone().isoformat(), "until": until.astimezone().isoformat()}
        _erase(asked, part, password, yes=yes)


@erase.command("me")
def erase_me(user: _User = None, yes: _Yes = False) -> None:
    """Erase everything of you, and yourself from this house."""
    opened, password, _ = signed_in(user)
    with opened as asked:
        if not yes and not terminal.confirm("Everything of you goes, and nothing brings it back.", "everything"):
            terminal.say("Nothing was erased.")
            return
        asked.post("/api/data/erase", {"password": password})
    terminal.say("It goes. Nobody signs in as you any more.")


@erase.command("house")
def erase_house(
    confirm: Annotated[str | None, typer.Option("--confirm", help="The words “erase this house”")] = None,
    user: _User = None,
) -> None:
    """Erase, as the owner, everybody and everything; the next start of the house is its first one."""
    opened, password, _ = signed_in(user)
    with opened as asked:
        words = confirm or str(typer.prompt("Everybody and everything goes. Type: erase this house", default=""))
        asked.post("/api/data/house/erase", {"password": password, "confirm": words})
    terminal.say("It goes. Once it is gone, stop and start the house.")


def _erase(asked: House, part: dict[str, Any], password: str, *, yes: bool) -> None:
    seen = asked.post("/api/data/erasing/preview", {"part": part})
    _show_goes(seen, "Nothing is found of it.")
    if seen["conversations"] and not part.get("conversations"):
        terminal.say(
            f"It was used in {seen['conversations']} conversations, which stay. --conversations takes them too."
        )
    if not yes and not terminal.confirm("This goes, and nothing brings it back.", "erase"):
        terminal.say("Nothing was erased.")
        return
    asked.post("/api/data/erasing", {"part": part, "password": password})
    terminal.say("It goes. What is still to be done: oa data erasing")


def _show_goes(seen: dict[str, Any], empty: str) -> None:
    rows = [
        (each["room"], each["kind"], each["count"], terminal.when(each["oldest"]), terminal.when(each["newest"]))
        for each in seen["goes"]
    ]
    terminal.table(("ROOM", "WHAT", "HOW MANY", "OLDEST", "NEWEST"), rows, empty=empty)
    for room in seen["away"]:
        terminal.say(f"{room} does not answer just now, so it may be more.")


def _show_rules(found: dict[str, Any], *, json: bool) -> None:
    if json:
        terminal.show_json(found)
        return
    rules = {(each["kind"], each["account"]): each for each in found["rules"]}
    rows = [
        (
            each["kind"], each["account_name"] or "", (each["account"] or "")[-8:],
            _in_words(rules.get((each["kind"], each["account"]))),
        )
        for each in found["offers"]
    ]  # fmt: skip
    terminal.table(("WHAT", "ACCOUNT", "ID", "KEPT"), rows, empty="Nothing can be chosen.")
    run = found["run"]
    if run["at"]:
        went = sum(each["count"] for each in run["went"])
        terminal.say(f"Last carried out {terminal.when(run['at'])}: {went} things went.")
    if run["unasked"]:
        terminal.say(f"Could not be asked the day before: {', '.join(run['unasked'])}.")


def _in_words(rule: dict[str, Any] | None) -> str:
    if rule is None:
        return "all"
    if rule["newest"]:
        return f"at most {rule['newest']}"
    return f"{rule['days']} days" if rule["days"] else "never"


def _offer(offers: list[dict[str, Any]], kind: str, account: str | None) -> dict[str, Any]:
    found = [
        each
        for each in offers
        if each["kind"] == kind and (account is None or (each["account"] or "").endswith(account))
    ]
    if len(found) != 1:
        raise HouseError(f"There is no one thing that {kind!r} stands for. See: oa data keep", code=USAGE)
    return found[0]
