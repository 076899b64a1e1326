"""The people of the house: who lives here, inviting, roles, shutting out, removing. For owners, with the password."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from oa import session, settings, terminal
from oa.house import FAILED, USAGE, House, HouseError, the_one
from oa.manual import Commands
from oa.session import Json, signed_in

__all__ = ["app", "join", "read_link", "require_age"]

app = Commands(help="See who lives in the house, invite people, and look after them. Asks for your password.")

_Me = Annotated[str | None, typer.Option("--user", "-u", help="Your user name; asked for when left out")]
_Who = Annotated[str, typer.Argument(metavar="USER", help="Somebody's user name")]


@app.command("list")
def listing(user: _Me = None, json: Json = False) -> None:
    """List who lives here, and the invitations that are open."""
    with signed_in(user)[0] as asked:
        people, open_ = asked.get("/api/people"), asked.get("/api/people/invitations")
    if json:
        terminal.show_json({"people": people, "invitations": open_})
        return
    rows = [(each["username"], each["display_name"], each["role"], _state(each)) for each in people]
    terminal.table(("USER", "NAME", "ROLE", ""), rows, empty="Nobody lives here.")
    if open_:
        invited = [(each["id"][-8:], each["label"], each["expires_at"][:10]) for each in open_]
        terminal.table(("INVITATION", "FOR", "ENDS"), invited, empty="")


@app.command("invite")
def invite(
    label: Annotated[str | None, typer.Argument(help="Whom it is for, in your words")] = None,
    days: Annotated[int, typer.Option(min=1, max=30, metavar="days", help="For how long")] = 7,
    user: _Me = None,
    json: Json = False,
) -> None:
    """Make a link that lets one person in, and print it, once.

    Example:
      oa people invite Carol --days 3
    """
    asked, password, _ = signed_in(user)
    with asked:
        made = asked.post("/api/people/invitations", {"label": label or "", "days": days, "password": password})
        _tell_link(asked, made, json=json)
    terminal.say("It lets one person in. Hand it over in a way that you trust.")


@app.command("revoke")
def revoke(
    invitation: Annotated[str, typer.Argument(metavar="ID", help="The invitation's id, or its end")], user: _Me = None
) -> None:
    """End an invitation at once."""
    with signed_in(user)[0] as asked:
        found = asked.get("/api/people/invitations")
        ended = the_one(found, invitation, what="invitation", listed="oa people list")
        asked.delete(f"/api/people/invitations/{ended}")
    terminal.say("Revoked.")


@app.command("role")
def role(
    who: _Who,
    new: Annotated[str, typer.Argument(metavar="ROLE", help="owner or member")],
    user: _Me = None,
) -> None:
    """Make somebody an owner or a member."""
    if new not in ("owner", "member"):
        raise HouseError(f"There is no role {new!r}. There are: owner, member.", code=USAGE)
    asked, password, _ = signed_in(user)
    with asked:
        asked.put(f"/api/people/{_id(asked, who)}/role", {"role": new, "password": password})
    terminal.say(f"{who} is {'an owner' if new == 'owner' else 'a member'} now.")


@app.command("hand-over")
def hand_over(who: _Who, user: _Me = None) -> None:
    """Make somebody the owner in your own place; you are a member from then on."""
    _do(who, "hand-over", user, f"{who} runs this house now, and you are a member.")


@app.command("suspend")
def suspend(who: _Who, user: _Me = None) -> None:
    """Shut a member out: signed out everywhere, nothing runs, the data is kept."""
    _do(who, "suspend", user, f"{who} is shut out.")


@app.command("resume")
def resume(who: _Who, user: _Me = None) -> None:
    """Let somebody in again."""
    _do(who, "resume", user, f"{who} is in again.")


@app.command("remove")
def remove(who: _Who, user: _Me = None) -> None:
    """Remove a member after two weeks' notice; then everything of theirs is erased."""
    _do(who, "removal", user, f"{who} is told, and has two weeks. To keep them: oa people keep {who}")


@app.command("keep")
def keep(who: _Who, user: _Me = None) -> None:
    """Keep somebody who was to be removed."""
    _do(who, "keep", user, f"{who} stays.")


@app.command("reset")
def reset(
    who: _Who,
    factors: Annotated[
        bool, typer.Option("--lost-everything", help="It takes their second factor and passkeys away, too")
    ] = False,
    user: _Me = None,
    json: Json = False,
) -> None:
    """Make a link by which a member sets a new password, and print it, once.

    They are told that you made it. It works a day later, or once they agree in a browser of theirs. Of whom a code is
    asked at the sign-in is asked for it there, too, unless the link takes that away.
    """
    asked, password, _ = signed_in(user)
    with asked:
        body = {"password": password, "factors": factors}
        made = asked.post(f"/api/people/{_id(asked, who)}/reset", body)
        _tell_link(asked, made, json=json)
    terminal.say(f"It works from {made['opens_at'][:16].replace('T', ' ')} UTC on, or once {who} agrees.")


def join(
    link: Annotated[str, typer.Argument(help="The link that you were given")],
    user: Annotated[str | None, typer.Option("--user", "-u", help="The user name that you choose")] = None,
    name: Annotated[str, typer.Option(help="How you are called")] = "",
) -> None:
    """Join a house by an invitation.

    Example:
      oa join 'http://127.0.0.1:8080/join#…'
    """
    address, token = read_link(link)
    with session.connect(settings.Login(address)) as opened:
        invited = opened.post("/api/join/look", {"token": token})
        if invited["kind"] != "join":
            raise HouseError("This link sets a password. Open it in a browser.", code=USAGE)
        where = f"{address}/privacy says what is kept of you, {address}/terms what holds here."
        terminal.say(f"{invited['by']} invites you. {where}")
        require_age(opened)
        username = user or str(typer.prompt("User name"))
        body = {"token": token, "username": username, "password": terminal.secret("New password")}
        opened.post("/api/join", {**body, "display_name": name or username, "of_age": True})
    terminal.say(f"You live here now, {name or username}. Next: oa login {address} -u {username}")


def read_link(link: str) -> tuple[str, str]:
    """The address of a house and the token behind the # of a link to it; raises `HouseError`."""
    parts = urlsplit(link)
    if not parts.fragment or not parts.netloc:
        raise HouseError("That is not the whole link; it has a # in it. Put it in quotes.", code=USAGE)
    return f"{parts.scheme}://{parts.netloc}", parts.fragment


def require_age(opened: House) -> None:
    """Asks whether whoever joins is as old as the house wants; raises `HouseError` where he is not."""
    years = opened.get("/api/house")["minimum_age"]
    if not typer.confirm(f"Are you {years} or older?", err=True):
        raise HouseError(f"You have to be {years} or older.", code=FAILED)


def _do(who: str, what: str, user: str | None, said: str) -> None:
    asked, password, _ = signed_in(user)
    with asked:
        asked.post(f"/api/people/{_id(asked, who)}/{what}", {"password": password})
    terminal.say(said)


def _id(asked: House, username: str) -> str:
    for each in asked.get("/api/people"):
        if each["username"].casefold() == username.casefold():
            return str(each["id"])
    raise HouseError(f"Nobody here has the user name {username!r}. See: oa people list", code=USAGE)


def _tell_link(asked: House, made: Any, *, json: bool) -> None:
    if json:
        terminal.show_json({**made, "link": asked.url + made["path"]})
    else:
        terminal.show(asked.url + made["path"])


def _state(person: dict[str, Any]) -> str:
    if person["suspended_at"]:
        return "shut out"
    return f"leaves {person['leaves_at'][:10]}" if person["leaves_at"] else ""
