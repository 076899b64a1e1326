"""Taking one's own data along: an archive of all that the house keeps, and such an archive brought in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from oa import session, terminal
from oa.held import app
from oa.house import AWAY, FAILED, House, HouseError
from oa.session import Json

__all__ = ["app"]

_PART = 1024 * 1024
_PAUSE = 1.0
_TRIES = 5
_EXPORT, _IMPORT = "/api/data/export", "/api/data/import"
_User = Annotated[str | None, typer.Option("--user", "-u", help="Your user name; asked for when left out")]
_KINDS = {
    "archive": "an archive of Open Assistant",
    "chatgpt": "conversations of ChatGPT",
    "claude": "conversations of Claude",
    "openwebui": "conversations of Open WebUI",
}


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="Where to")],
    passphrase: Annotated[
        bool, typer.Option("--passphrase", help="Encrypt it with age, under a passphrase that is asked for")
    ] = False,
    recipient: Annotated[
        str | None, typer.Option("--recipient", metavar="key", help="Encrypt it with age, for a public key: age1…")
    ] = None,
    user: _User = None,
    json: Json = False,
) -> None:
    """Write an archive of all that is kept of you: conversations, memories, copies of your services, the record.

    A download that broke off goes on when the same command is run again within a day.

    Examples:
      oa data export all.zip
      oa data export all.zip.age --passphrase
    """
    opened, password, _ = session.signed_in(user)
    with opened:
        found = _kept(opened, file)
        if found is None:
            secret = terminal.secret("Passphrase for the archive") if passphrase else None
            found = opened.post(_EXPORT, {"password": password, "passphrase": secret, "recipient": recipient})
        found = _followed(opened, _EXPORT, found, "working")
        if found["state"] != "ready":
            raise HouseError("The archive could not be made.", code=FAILED)
        _download(opened, found, file)
    missing = [each for each in found["rooms"] if each["state"] != "done"]
    if json:
        terminal.show_json({"file": str(file), "size": found["size"], "missing": missing})
    else:
        terminal.say(f"Written to {file}: {found['size']:,} bytes.")
        for each in missing:
            terminal.say(f"Not in it, {each['room']}: {each['detail']}", style="red")
    if missing:
        raise typer.Exit(FAILED)


@app.command("import")
def bring(
    file: Annotated[Path, typer.Argument(help="An archive, or an export of ChatGPT, Claude or Open WebUI")],
    passphrase: Annotated[bool, typer.Option("--passphrase", help="It opens with a passphrase; asked for")] = False,
    identity: Annotated[
        Path | None, typer.Option("--identity", metavar="file", help="It opens with the secret key of age in this file")
    ] = None,
    user: _User = None,
    json: Json = False,
) -> None:
    """Bring in an archive of this or another house, or conversations of another program.

    What is here already stays as it is; the same archive again changes nothing.

    Examples:
      oa data import all.zip
      oa data import conversations.json
    """
    keys: dict[str, str] = {}
    try:
        size = file.stat().st_size
        if identity:
            lines = identity.read_text().splitlines()
            keys["identity"] = next((each for each in lines if each.startswith("AGE-SECRET-KEY-")), "")
    except (OSError, ValueError) as error:
        raise HouseError(f"{file} cannot be read.", code=FAILED) from error
    opened, _, _ = session.signed_in(user)
    with opened:
        if passphrase:
            keys["passphrase"] = terminal.secret("Passphrase of the archive")
        found = opened.post(_IMPORT, {"size": size})
        _upload(opened, found["id"], file)
        found = _followed(opened, _IMPORT, opened.post(f"{_IMPORT}/{found['id']}/start", keys), "checking", "working")
    _tell_import(found, json=json)


def _tell_import(found: dict[str, Any], *, json: bool) -> None:
    missing = [each for each in found["rooms"] if each["state"] != "done"]
    if json:
        terminal.show_json(found)
    elif found["state"] == "done":
        files = sum(each["files"] for each in found["rooms"])
        terminal.say(f"Taken in: {_KINDS[found['kind']]}, {files} files.")
        for words in (*found["left_out"], *(f"{each['room']}: {each['detail']}" for each in missing)):
            terminal.say(f"Left out, {words}", style="red")
    if found["state"] != "done":
        raise HouseError(found["detail"] or "It was not taken in.", code=FAILED)
    if missing or found["left_out"]:
        raise typer.Exit(FAILED)


def _followed(opened: House, path: str, found: dict[str, Any], *under_way: str) -> dict[str, Any]:
    """How it stands once it is no longer under way; each room is told of as it comes to its end."""
    told = set[str]()
    while True:
        for each in found["rooms"]:
            if each["state"] != "waiting" and each["room"] not in told:
                told.add(each["room"])
                terminal.say(f"  {each['room']}: {each['files']} files, {each['bytes']:,} bytes")
        if found["state"] not in under_way:
            return found
        time.sleep(_PAUSE)
        now = opened.get(path)
        if now is None or now["id"] != found["id"]:
            raise HouseError("It was removed meanwhile.", code=FAILED)
        found = now


def _kept(opened: House, file: Path) -> dict[str, Any] | None:
    """The archive of which a part lies here already, where the house still has it."""
    found: dict[str, Any] | None = opened.get(_EXPORT)
    if found is None or found["state"] == "failed" or not _waiting(file, found).exists():
        return None
    terminal.say("The download goes on where it broke off.")
    return found


def _waiting(file: Path, found: dict[str, Any]) -> Path:
    return file.with_name(f".{file.name}.{found['id'][-8:]}.part")


def _download(opened: House, found: dict[str, Any], file: Path) -> None:
    waiting = _waiting(file, found)
    try:
        with waiting.open("ab") as target:
            for attempt in range(_TRIES):
                try:
                    for piece in opened.part(f"{_EXPORT}/{found['id']}/archive", start=target.tell()):
                        target.write(piece)
                except HouseError as error:
                    if error.code != AWAY or attempt == _TRIES - 1:
                        raise
                if target.tell() >= found["size"]:
                    break
            if target.tell() != found["size"]:
                raise HouseError("The download broke off. Run the same command again to go on.", code=AWAY)
        waiting.replace(file)
    except OSError as error:
        raise HouseError(f"{file} cannot be written: {error.strerror}.", code=FAILED) from error


def _upload(opened: House, move: str, file: Path) -> None:
    try:
        with file.open("rb") as source:
            at, size = 0, file.stat().st_size
            while at < size:
                at = _sent(opened, move, source, at)
    except OSError as error:
        raise HouseError(f"{file} cannot be read: {error.strerror}.", code=FAILED) from error


def _sent(opened: House, move: str, source: BinaryIO, at: int) -> int:
    """Sends the part from a byte on, again where no answer came; how many bytes are there then."""
    source.seek(at)
    body = source.read(_PART)
    for attempt in range(_TRIES):
        try:
            return int(opened.send(f"{_IMPORT}/{move}/content", body, offset=at)["received"])
        except HouseError as error:
            if error.code != AWAY or attempt == _TRIES - 1:
                raise
            time.sleep(_PAUSE)
    raise AssertionError("the last try returns or raises")
