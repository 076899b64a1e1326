"""The tools that file and mark mails: each can be taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any

from sqlalchemy import Connection

from connectors.outlook_mail import mirror, search
from connectors.outlook_mail.account import api_of, iri, name_of, owner_of
from connectors.outlook_mail.acts import note_act, recall
from connectors.outlook_mail.card import connector
from connectors.outlook_mail.mirror import Folder
from connectors.outlook_mail.moves import move, place_of
from connectors.outlook_mail.search import Found
from connectors.outlook_mail.views import FlaggedMail, MailsFlagged
from openassistant.connector import Context, Field, Preview
from openassistant.errors import InvalidRequest, NotFound, OaError
from openassistant.formats.charsets import clean
from openassistant.mails.arguments import MessageIds
from openassistant.mails.previews import filing_preview, named
from openassistant.mails.views import MailsMoved, MovedMail, outside
from openassistant.messages import Call, ToolResult

__all__ = ["messages_archive", "messages_flag", "messages_junk", "messages_move", "messages_trash"]

_MARKS = "isRead,flag,categories"

_Folder = Annotated[
    str, Field(description="A folder's name as folders_list gives it, or inbox, archive, junk, trash", max_length=300)
]
_Read = Annotated[bool | None, Field(description="True marks as read, false as unread")]
_Star = Annotated[bool | None, Field(description="True flags for follow-up, false removes the flag")]
_Categories = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=255)]] | None,
    Field(
        description="The whole new list of Outlook's categories, such as Blue category; [] removes all", max_length=20
    ),
]


@connector.tool(effect="write", outside=True, capability="write")
async def messages_flag(
    ctx: Context, messages: MessageIds, *, read: _Read = None, starred: _Star = None, categories: _Categories = None
) -> MailsFlagged:
    """Mark mails as read or unread, set or remove their flag, or set their categories."""
    wanted = _wanted(read=read, starred=starred, categories=categories)
    mails = await _mails(ctx, messages)
    before = await _marks(ctx, mails)
    if not before:
        raise NotFound("Outlook does not know these mails any more.")
    await note_act(ctx, was={found.key: marks for found, marks in before})
    return await _marked(ctx, before, wanted, asked=len(mails))


@messages_flag.preview
async def preview_flag(
    ctx: Context, messages: list[str], *, read: bool | None, starred: bool | None, categories: list[str] | None
) -> Preview:
    """Which mails get which mark."""
    _wanted(read=read, starred=starred, categories=categories)
    rows = {} if read is None else {"Mark as": "read" if read else "unread"}
    rows |= {} if starred is None else {"Flag": "set" if starred else "removed"}
    rows |= {} if categories is None else {"Categories": ", ".join(map(clean, categories)) or "none"}
    return await _preview(ctx, await _mails(ctx, messages), "Mark", "Mark", rows)


@messages_flag.reconcile
async def find_flagged(ctx: Context, call: Call) -> ToolResult | None:
    """Looks at the marks; None when none is as it was wanted. One half done is carried on."""
    act = await recall(ctx, call.id)
    if act is None:
        return None
    given = messages_flag.parse(call.arguments)
    wanted = _wanted(**{name: given[name] for name in ("read", "starred", "categories")})
    mails = await _mails(ctx, given["messages"])
    now = await _marks(ctx, mails)
    was: dict[str, dict[str, Any]] = act.before["was"]
    if not any(_has(marks, wanted) and was.get(found.key) != marks for found, marks in now):
        return None
    before = [(found, was.get(found.key, marks)) for found, marks in now]
    return messages_flag.result(await _marked(ctx, before, wanted, asked=len(mails)))


@messages_flag.undo
async def unflag(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Gives each mail the marks back that it had."""
    act = await recall(ctx, call.id)
    if act is None:
        raise NotFound("It is not known any more how these mails were marked.")
    given = messages_flag.parse(call.arguments)
    names = set(_wanted(**{name: given[name] for name in ("read", "starred", "categories")}))
    was: dict[str, dict[str, Any]] = act.before["was"]
    mails = await _mails(ctx, list(was))
    await _each(ctx, mails, lambda found: _patch(ctx, found, {n: v for n, v in was[found.key].items() if n in names}))


async def find_moved(ctx: Context, call: Call) -> ToolResult | None:
    """The result of an interrupted move; None when all mails lie where they lay. One half done is carried on."""
    act, owner = await recall(ctx, call.id), owner_of(ctx)
    if act is None:
        return None
    origins = {key: (ref, name) for key, ref, name in act.before["mails"]}
    mails = await _mails(ctx, list(origins))
    folders = {each.ref: each for each in await ctx.store.read(lambda c: mirror.folders(c, owner))}
    places = {found.key: await place_of(ctx, found.ref) for found in mails}
    to = folders.get(act.before["to"])
    if to is None or not any(places[key] == to.ref for key in origins if key in places):
        return None
    found = [each._replace(folder=to if places[each.key] == to.ref else each.folder) for each in mails]
    names = {key: name for key, (_, name) in origins.items()}
    for each in found:
        if each.folder is to:
            await ctx.store.write(partial(mirror.relocate, message=each.id, to=to))
    return messages_move.result(await _carried(ctx, found, to, names))


async def move_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Moves mails where each came from, as far as they lie where the call put them."""
    act, owner = await recall(ctx, call.id), owner_of(ctx)
    if act is None:
        raise NotFound("It is not known any more where these mails came from.")
    folders = {each.ref: each for each in await ctx.store.read(lambda c: mirror.folders(c, owner))}
    origins = {key: folders.get(ref) for key, ref, _ in act.before["mails"]}
    mails = [each for each in await _mails(ctx, list(origins)) if each.folder.ref == act.before["to"]]

    async def back(found: Found) -> None:
        if (home := origins[found.key]) is None:
            raise NotFound("The folder that a mail came from is not there any more.")
        await move(ctx, found, home)

    away = [each for each in mails if (home := origins[each.key]) is None or home.ref != each.folder.ref]
    await _each(ctx, away, back)


@connector.tool(effect="write", outside=True, capability="write")
async def messages_move(ctx: Context, messages: MessageIds, folder: _Folder) -> MailsMoved:
    """Move mails to another folder."""
    return await _move(ctx, messages, folder)


@messages_move.preview
async def preview_move(ctx: Context, messages: list[str], folder: str) -> Preview:
    """Which mails go from where to where."""
    return await _preview_move(ctx, messages, folder, "Move", "Move")


messages_move.reconcile(find_moved)
messages_move.undo(move_back)


@connector.tool(effect="write", outside=True, capability="write")
async def messages_archive(ctx: Context, messages: MessageIds) -> MailsMoved:
    """Put mails into the archive: out of the inbox, and found by every search."""
    return await _move(ctx, messages, "archive")


@messages_archive.preview
async def preview_archive(ctx: Context, messages: list[str]) -> Preview:
    """Which mails go from where to where."""
    return await _preview_move(ctx, messages, "archive", "Archive", "Archive")


messages_archive.reconcile(find_moved)
messages_archive.undo(move_back)


@connector.tool(effect="write", outside=True, capability="write")
async def messages_junk(ctx: Context, messages: MessageIds) -> MailsMoved:
    """Put mails into the folder for spam."""
    return await _move(ctx, messages, "junk")


@messages_junk.preview
async def preview_junk(ctx: Context, messages: list[str]) -> Preview:
    """Which mails go from where to where."""
    return await _preview_move(ctx, messages, "junk", "Mark as spam:", "Mark as spam")


messages_junk.reconcile(find_moved)
messages_junk.undo(move_back)


@connector.tool(effect="write", outside=True, capability="write")
async def messages_trash(ctx: Context, messages: MessageIds) -> MailsMoved:
    """Put mails into the trash (Deleted Items). They are not deleted for good; Outlook may empty it after some time."""
    return await _move(ctx, messages, "trash")


@messages_trash.preview
async def preview_trash(ctx: Context, messages: list[str]) -> Preview:
    """Which mails go from where to where."""
    return await _preview_move(ctx, messages, "trash", "Put into the trash:", "Put into the trash")


messages_trash.reconcile(find_moved)
messages_trash.undo(move_back)


async def _move(ctx: Context, messages: list[str], folder: str) -> MailsMoved:
    mails, to = await _moves_of(ctx, messages, folder)
    await note_act(ctx, to=to.ref, mails=[[each.key, each.folder.ref, each.folder.name] for each in mails])
    return await _carried(ctx, mails, to, {each.key: each.folder.name for each in mails})


async def _carried(ctx: Context, mails: Sequence[Found], to: Folder, names: Mapping[str, str]) -> MailsMoved:
    """Moves what does not lie there; raises the first refusal where nothing moved."""
    away = [each for each in mails if each.folder.ref != to.ref]
    moved = {each.key for each in mails if each not in away}
    moved |= {each.key for each in await _each(ctx, away, lambda found: move(ctx, found, to))}
    views = [MovedMail(message=each.key, came_from=names[each.key]) for each in mails if each.key in moved]
    return MailsMoved(folder=to.name, mails=views, note=_note(len(views), len(mails)))


async def _preview_move(ctx: Context, messages: list[str], folder: str, verb: str, confirm: str) -> Preview:
    mails, to = await _moves_of(ctx, messages, folder)
    names = ", ".join(dict.fromkeys(each.folder.name for each in mails))
    return await _preview(ctx, mails, verb, confirm, {"Out of": names, "Into": to.name})


async def _preview(ctx: Context, mails: list[Found], verb: str, confirm: str, rows: dict[str, str]) -> Preview:
    """Each mail with its subject and sender, in the order asked for; rows that say nothing are left out."""
    unnamed = {"Mail": "(no subject)"} if len(mails) == 1 and not mails[0].subject else {}
    shown = {label: value for label, value in {**named(mails), **unnamed, **rows}.items() if value}
    return filing_preview(mails, shown, verb=verb, confirm=confirm, account=await name_of(ctx))


async def _moves_of(ctx: Context, messages: list[str], folder: str) -> tuple[list[Found], Folder]:
    owner = owner_of(ctx)
    to = await ctx.store.read(lambda c: search.folder_named(c, owner, folder))
    return await _mails(ctx, messages), to


async def _mails(ctx: Context, messages: list[str]) -> list[Found]:
    """The mails with these ids, each once; raises `NotFound` for one that is unknown."""
    owner = owner_of(ctx)

    def read(connection: Connection) -> list[Found]:
        return [search.message(connection, owner, each) for each in dict.fromkeys(messages)]

    return await ctx.store.read(read)


async def _each(ctx: Context, mails: Sequence[Found], act: Callable[[Found], Awaitable[None]]) -> list[Found]:
    """The mails for which it was done, side by side as far as Graph takes it; raises where it was for none."""
    outcomes = await asyncio.gather(*(act(each) for each in mails), return_exceptions=True)
    failures = [each for each in outcomes if isinstance(each, BaseException)]
    for failure in failures:
        if not isinstance(failure, OaError):
            raise failure
    serious = [each for each in failures if not isinstance(each, NotFound)]
    if serious or (failures and len(failures) == len(mails)):
        raise (serious or failures)[0]
    return [found for found, outcome in zip(mails, outcomes, strict=True) if outcome is None]


def _wanted(*, read: bool | None, starred: bool | None, categories: list[str] | None) -> dict[str, Any]:
    """The marks as Graph takes them; raises `InvalidRequest`."""
    wanted: dict[str, Any] = {} if read is None else {"isRead": read}
    if starred is not None:
        wanted["flag"] = {"flagStatus": "flagged" if starred else "notFlagged"}
    if categories is not None:
        wanted["categories"] = list(dict.fromkeys(" ".join(clean(each).split()) for each in categories))
        if not all(wanted["categories"]):
            raise InvalidRequest("A category needs a name.")
    if not wanted:
        raise InvalidRequest("Say what to mark: read, starred or categories.")
    return wanted


def _has(marks: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(marks.get(name) == value for name, value in wanted.items())


async def _marks(ctx: Context, mails: Sequence[Found]) -> list[tuple[Found, dict[str, Any]]]:
    """The mails that are there, with the marks that Graph has, as it takes them."""
    api, found = await api_of(ctx), list[tuple[Found, dict[str, Any]]]()

    async def ask(each: Found) -> None:
        raw = await api.get(f"me/messages/{iri(each.ref)}", {"$select": _MARKS})
        flag, categories = raw.get("flag"), raw.get("categories")
        status = flag.get("flagStatus") if isinstance(flag, dict) else None
        marks = {
            "isRead": raw.get("isRead") is True,
            "flag": {"flagStatus": status if isinstance(status, str) else "notFlagged"},
            "categories": [name for name in categories if isinstance(name, str)]
            if isinstance(categories, list)
            else [],
        }
        found.append((each, marks))

    await _each(ctx, mails, ask)
    order = {each.key: place for place, each in enumerate(mails)}
    return sorted(found, key=lambda pair: order[pair[0].key])


async def _marked(
    ctx: Context, before: Sequence[tuple[Found, dict[str, Any]]], wanted: dict[str, Any], *, asked: int
) -> MailsFlagged:
    done = {each.key for each in await _each(ctx, [found for found, _ in before], lambda f: _patch(ctx, f, wanted))}
    views = [_flagged(found, marks, wanted) for found, marks in before if found.key in done]
    return MailsFlagged(mails=views, note=_note(len(views), asked))


async def _patch(ctx: Context, found: Found, wanted: Mapping[str, Any]) -> None:
    """Writes marks at Graph, and into the mirror."""
    api = await api_of(ctx)
    await api.call("PATCH", f"me/messages/{iri(found.ref)}", json=dict(wanted))
    await ctx.store.write(partial(mirror.put, folder=found.folder, raw=[{"id": found.ref, **wanted}]))


def _flagged(found: Found, was: Mapping[str, Any], wanted: Mapping[str, Any]) -> FlaggedMail:
    had = outside(found.letter, ", ".join(was["categories"])) if "categories" in wanted else None
    return FlaggedMail(
        message=found.key,
        was_read=was["isRead"] if "isRead" in wanted else None,
        was_starred=was["flag"]["flagStatus"] == "flagged" if "flag" in wanted else None,
        had_categories=had,
    )


def _note(done: int, asked: int) -> str:
    return (
        ""
        if done == asked
        else f"{asked - done} of these mails stayed as they are: Outlook does not know them any more."
    )
