"""Conversations: listed, found by what was said, named, put away, taken along."""

from __future__ import annotations

from json import loads
from pathlib import Path
from typing import Annotated, Any

import typer

from oa import terminal
from oa.house import House, HouseError, the_one
from oa.manual import Commands
from oa.session import Json, house

__all__ = ["app"]

app = Commands(help="List conversations, find them by what was said, name them, put them away, take them along.")

_PAGE = 100

_Id = Annotated[str, typer.Argument(metavar="ID", help="The id, or its end")]


@app.command("list")
def listing(
    archived: Annotated[bool, typer.Option("--archived", help="Those in the archive")] = False,
    label: Annotated[str | None, typer.Option("--label", help="Only those that bear it")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=_PAGE, help="As many at most, the newest")] = 30,
    json: Json = False,
) -> None:
    """List conversations, the newest first.

    Example:
      oa chats list --label home
    """
    only = {"label": label} if label else {}
    with house() as asked:
        found = asked.get("/api/conversations", archived=archived, limit=limit, **only)
    if json:
        terminal.show_json(found)
        return
    rows = [(each["id"][-8:], each["title"] or "-", terminal.when(each["updated_at"]), _marks(each)) for each in found]
    terminal.table(("ID", "TITLE", "CHANGED", ""), rows, empty="There is no such conversation.")


@app.command("search")
def search(
    words: Annotated[list[str], typer.Argument(help="Words that one message has, all of them")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=_PAGE, help="As many at most, the newest")] = 20,
    json: Json = False,
) -> None:
    """Find what was said, also in the archive.

    Example:
      oa chats search lease friday
    """
    with house() as asked:
        found = asked.get("/api/conversations/search", words=" ".join(words), limit=limit)
    if json:
        terminal.show_json(found)
        return
    titled = [
        (each["id"][-8:], each["title"] or "-", terminal.when(each["updated_at"]), "")
        for each in found["conversations"]
    ]
    said = [
        (each["conversation"][-8:], each["title"] or "-", terminal.when(each["created_at"]), _said(each))
        for each in found["hits"]
    ]
    terminal.table(("ID", "TITLE", "WHEN", "WORDS"), [*titled, *said], empty="Nothing was found.")


@app.command("rename")
def rename(
    conversation: _Id,
    title: Annotated[str, typer.Argument(help='Its new title; "" for that of its first words')],
) -> None:
    """Give a conversation a title of yours.

    Example:
      oa chats rename 90b1d2e4 "The lease"
    """
    with house() as asked:
        changed = _change(asked, conversation, {"title": title})
    terminal.say(f"It is called {changed['title'] or 'as its first words'} now.")


@app.command("archive")
def archive(
    conversation: _Id, back: Annotated[bool, typer.Option("--back", help="Take it out of the archive again")] = False
) -> None:
    """Put a conversation away: it leaves the list, stays whole, and is still found.

    Example:
      oa chats archive 90b1d2e4
    """
    with house() as asked:
        _change(asked, conversation, {"archived": not back})
    terminal.say("Out of the archive." if back else "Archived.")


@app.command("export")
def export(
    conversation: _Id,
    file: Annotated[Path | None, typer.Argument(help="Where to; standard output without it")] = None,
    json: Annotated[bool, typer.Option("--json", help="All of it, for programs and other houses")] = False,
) -> None:
    """Write a conversation as Markdown, or with --json with all that belongs to it.

    Example:
      oa chats export 90b1d2e4 lease.md
    """
    with house() as asked:
        found = _found(asked, conversation)
        pieces = asked.lines(f"/api/conversations/{found}/export?format={'json' if json else 'md'}")
        body = b"".join(pieces)
    if file is not None:
        _write(file, body)
        terminal.say(f"Written to {file}.")
    elif json:
        terminal.show_json(loads(body))
    else:
        terminal.show(body.decode().removesuffix("\n"))


def _write(file: Path, body: bytes) -> None:
    try:
        file.write_bytes(body)
    except OSError as error:
        raise HouseError(f"{file} cannot be written: {error.strerror}.") from error


def _found(asked: House, conversation: str) -> str:
    return the_one(asked.get("/api/conversations"), conversation, what="conversation", listed="oa chats list")


def _change(asked: House, conversation: str, wanted: dict[str, Any]) -> Any:
    return asked.patch(f"/api/conversations/{_found(asked, conversation)}", wanted)


def _marks(each: dict[str, Any]) -> str:
    return ", ".join([*(["pinned"] if each["pinned"] else []), *each["labels"]])


def _said(hit: dict[str, Any]) -> str:
    return "".join(each["text"] for each in hit["shreds"])
