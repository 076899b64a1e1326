"""The tools that file mails: labels, marks, archive and trash. Each can be taken back; none deletes for good."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Any, NamedTuple

from sqlalchemy import Connection

from connectors.gmail import mirror
from connectors.gmail.acts import before_act, note_act
from connectors.gmail.card import MessageIds, connector, owner_of
from connectors.gmail.gmail import Gmail, gmail_of
from connectors.gmail.letters import is_id, labels_of
from connectors.gmail.previews import address_of, preview_mails
from connectors.gmail.views import LabelCreated, LabelledMail, MailsLabelled, label_text
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Conflict, InvalidRequest, NotFound, OaError, UpstreamFailed
from openassistant.formats.compose import checked_subject
from openassistant.mails.arguments import Read, Star
from openassistant.messages import Call, PreviewField, ToolResult

__all__ = [
    "labels_create",
    "messages_archive",
    "messages_flag",
    "messages_label",
    "messages_restore",
    "messages_trash",
]

_NOT_BY_HAND = {"TRASH", "SPAM", "SENT", "DRAFT", "CHAT"}
_ALREADY = "There is a label of that name already."

_Names = Annotated[
    list[Annotated[str, Field(max_length=225)]] | None,
    Field(description="Labels by their names, as labels_list gives them", max_length=20),
]
_LabelName = Annotated[
    str, Field(description="The name; a slash puts it under another label: Flat/Lease", min_length=1, max_length=225)
]


class _Change(NamedTuple):
    """Labels, by id, that mails shall get and lose."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def of(self, borne: Collection[str]) -> _Change:
        """The part of it that changes something in a mail."""
        return _Change(
            tuple(each for each in self.add if each not in borne), tuple(each for each in self.remove if each in borne)
        )

    def back(self) -> _Change:
        """What takes it back."""
        return _Change(self.remove, self.add)


_ARCHIVED = _Change(remove=("INBOX",))
_TRASHED = _Change(add=("TRASH",))
_RESTORED = _Change(remove=("TRASH",))


async def find_filed(ctx: Context, call: Call) -> ToolResult | None:
    """The result of an interrupted filing; None when no mail was filed. One half done is carried on."""
    noted, gmail = await before_act(ctx, call.id), await gmail_of(ctx)
    if noted is None:
        return None
    wanted = {each: _Change(tuple(add), tuple(remove)) for each, (add, remove) in noted["mails"].items()}
    left, there = dict[str, _Change](), dict[str, _Change]()
    for each, change in wanted.items():
        try:
            missing = change.of(await gmail.labels(each))
        except NotFound:
            continue
        (left if any(missing) else there)[each] = change
    if not any(any(change) for change in there.values()) and any(any(change) for change in wanted.values()):
        return None
    done = {**there, **await _apply(ctx, gmail, left)}
    return messages_label.result(_filed(done, asked=noted["asked"]))


async def file_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Puts back what was changed, and nothing else."""
    gmail, wanted = await gmail_of(ctx), dict[str, _Change]()
    for each in result["mails"]:
        change = _Change(tuple(each["added"]), tuple(each["removed"])).back()
        wanted[str(each["message"])] = change
    await _apply(ctx, gmail, wanted)


@connector.tool(effect="write", capability="organise")
async def messages_label(
    ctx: Context, messages: MessageIds, add: _Names = None, remove: _Names = None
) -> MailsLabelled:
    """Give mails labels, or take labels off them. Labels are made with labels_create."""
    return await _file(ctx, messages, await _named(ctx, add, remove))


@messages_label.preview
async def preview_label(ctx: Context, messages: list[str], add: list[str] | None, remove: list[str] | None) -> Preview:
    """Which mails get and lose which labels."""
    change, owner = await _named(ctx, add, remove), owner_of(ctx)
    names = {each.id: each.name for each in await ctx.store.read(lambda c: mirror.labels(c, owner))}
    told = (("Add", change.add), ("Remove", change.remove))
    rows = {label: ", ".join(names.get(each, each) for each in some) for label, some in told if some}
    return await preview_mails(ctx, messages, verb="Label", confirm="Label", rows=rows)


messages_label.reconcile(find_filed)
messages_label.undo(file_back)


@connector.tool(effect="write", capability="organise")
async def messages_flag(
    ctx: Context, messages: MessageIds, *, read: Read = None, starred: Star = None
) -> MailsLabelled:
    """Mark mails as read or unread, or set or remove their star."""
    return await _file(ctx, messages, _marks(read=read, starred=starred))


@messages_flag.preview
async def preview_flag(ctx: Context, messages: list[str], *, read: bool | None, starred: bool | None) -> Preview:
    """Which mails get which mark."""
    _marks(read=read, starred=starred)
    words = (
        {None: "", True: "read", False: "unread"}[read],
        {None: "", True: "with a star", False: "without a star"}[starred],
    )
    rows = {"As": ", ".join(word for word in words if word)}
    return await preview_mails(ctx, messages, verb="Mark", confirm="Mark", rows=rows)


messages_flag.reconcile(find_filed)
messages_flag.undo(file_back)


@connector.tool(effect="write", capability="organise")
async def messages_archive(ctx: Context, messages: MessageIds) -> MailsLabelled:
    """Put mails into the archive: out of the inbox, and found by every search."""
    return await _file(ctx, messages, _ARCHIVED)


@messages_archive.preview
async def preview_archive(ctx: Context, messages: list[str]) -> Preview:
    """Which mails leave the inbox."""
    return await preview_mails(ctx, messages, verb="Archive", confirm="Archive")


messages_archive.reconcile(find_filed)
messages_archive.undo(file_back)


@connector.tool(effect="write", capability="organise")
async def messages_trash(ctx: Context, messages: MessageIds) -> MailsLabelled:
    """Put mails into the trash. Gmail empties it after 30 days; until then messages_restore brings them back."""
    return await _file(ctx, messages, _TRASHED)


@messages_trash.preview
async def preview_trash(ctx: Context, messages: list[str]) -> Preview:
    """Which mails go."""
    return await preview_mails(ctx, messages, verb="Put into the trash:", confirm="Put into the trash")


messages_trash.reconcile(find_filed)
messages_trash.undo(file_back)


@connector.tool(effect="write", capability="organise")
async def messages_restore(ctx: Context, messages: MessageIds) -> MailsLabelled:
    """Take mails out of the trash."""
    return await _file(ctx, messages, _RESTORED)


@messages_restore.preview
async def preview_restore(ctx: Context, messages: list[str]) -> Preview:
    """Which mails come back."""
    return await preview_mails(ctx, messages, verb="Take out of the trash:", confirm="Restore")


messages_restore.reconcile(find_filed)
messages_restore.undo(file_back)


@connector.tool(effect="write", capability="organise")
async def labels_create(ctx: Context, name: _LabelName) -> LabelCreated:
    """Make a new label."""
    gmail, wanted = await gmail_of(ctx), _label_name(name)
    if await _label(gmail, wanted) is not None:
        raise Conflict(_ALREADY)
    await note_act(ctx, name=wanted)
    body = {"name": wanted, "labelListVisibility": "labelShow", "messageListVisibility": "show"}
    made = await gmail.api.call("POST", "labels", json=body)
    if not is_id(made.get("id")):
        raise UpstreamFailed("Google did not say which label it made.")
    return await _created(ctx, str(made["id"]), wanted)


@labels_create.preview
async def preview_create(ctx: Context, name: str) -> Preview:
    """The name that it gets."""
    owner, wanted = owner_of(ctx), _label_name(name)
    known = await ctx.store.read(lambda c: mirror.labels(c, owner))
    if any(each.name.casefold() == wanted.casefold() for each in known):
        raise Conflict(_ALREADY)
    return Preview(
        verb="Make a label",
        confirm="Make it",
        account=await address_of(ctx),
        fields=(PreviewField(label="Name", value=wanted),),
    )


@labels_create.reconcile
async def find_created(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the label: names are unique, and before the act there was none of that name."""
    noted = await before_act(ctx, call.id)
    found = await _label(await gmail_of(ctx), noted["name"]) if noted else None
    if noted is None or found is None:
        return None
    return labels_create.result(await _created(ctx, found, noted["name"]))


@labels_create.undo
async def take_label_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Deletes the label, unless mails bear it by now."""
    gmail, label, owner = await gmail_of(ctx), str(result["id"]), owner_of(ctx)
    if (await gmail.api.get(f"labels/{label}")).get("messagesTotal"):
        raise Conflict("Mails bear that label by now, so it stays.")
    await gmail.api.call("DELETE", f"labels/{label}")

    def write(connection: Connection) -> None:
        kept = [each for each in mirror.labels(connection, owner) if each.id != label]
        mirror.set_labels(connection, owner, kept)

    await ctx.store.write(write)


async def _file(ctx: Context, messages: Sequence[str], change: _Change) -> MailsLabelled:
    """Changes the labels of mails; those that are gone are left out, and said to be."""
    gmail = await gmail_of(ctx)
    wanted = dict[str, _Change]()
    for each in dict.fromkeys(messages):
        try:
            wanted[each] = change.of(await gmail.labels(each))
        except NotFound:
            continue
    if not wanted:
        raise NotFound("None of these mails is there (any more). Search for them again.")
    noted = {each: [list(some.add), list(some.remove)] for each, some in wanted.items()}
    await note_act(ctx, mails=noted, asked=len(set(messages)))
    done = await _apply(ctx, gmail, wanted)
    return _filed(done, asked=len(set(messages)))


async def _apply(ctx: Context, gmail: Gmail, wanted: dict[str, _Change]) -> dict[str, _Change]:
    """Files each mail, and gives those that were; raises the first reason when none could be."""
    done, refused = dict[str, _Change](), list[OaError]()
    for each, change in wanted.items():
        try:
            if any(change):
                await _changed(ctx, gmail, each, change)
        except (NotFound, InvalidRequest) as error:
            refused.append(error)
            continue
        except OaError as error:
            if done and not error.unclear:
                raise UpstreamFailed("Google broke off half way.") from error
            raise
        done[each] = change
    if refused and not done:
        raise refused[0]
    return done


async def _changed(ctx: Context, gmail: Gmail, message: str, change: _Change) -> None:
    owner = owner_of(ctx)
    if change == _TRASHED:
        answer = await gmail.api.call("POST", f"messages/{message}/trash")
    elif change == _RESTORED:
        answer = await gmail.api.call("POST", f"messages/{message}/untrash")
    else:
        body = {"addLabelIds": list(change.add), "removeLabelIds": list(change.remove)}
        answer = await gmail.api.call("POST", f"messages/{message}/modify", json=body)
    borne = labels_of(answer)
    await ctx.store.write(lambda c: mirror.set_labels_of(c, owner, {message: borne}))


def _filed(done: dict[str, _Change], *, asked: int) -> MailsLabelled:
    views = [
        LabelledMail(message=each, added=list(change.add), removed=list(change.remove)) for each, change in done.items()
    ]
    note = "" if len(done) == asked else f"{asked - len(done)} of these mails could not be filed: they are gone."
    return MailsLabelled(mails=views, note=note)


async def _named(ctx: Context, add: list[str] | None, remove: list[str] | None) -> _Change:
    """Labels by their names; raises `InvalidRequest` for those that other tools are for."""
    owner = owner_of(ctx)

    def read(connection: Connection) -> _Change:
        given = [[mirror.label_named(connection, owner, each).id for each in some or ()] for some in (add, remove)]
        return _Change(*(tuple(dict.fromkeys(some)) for some in given))

    change = await ctx.store.read(read)
    if not any(change):
        raise InvalidRequest("Say which labels to add or to remove.")
    if set(change.add) & set(change.remove):
        raise InvalidRequest("A label is either added or removed.")
    if _NOT_BY_HAND & {*change.add, *change.remove}:
        raise InvalidRequest(
            "Those of sent mail, drafts, spam and the trash are Gmail's own; for the trash there are tools."
        )
    return change


def _marks(*, read: bool | None, starred: bool | None) -> _Change:
    if read is None and starred is None:
        raise InvalidRequest("Say what to mark: read or starred, each true or false.")
    add = [*(["UNREAD"] if read is False else []), *(["STARRED"] if starred else [])]
    remove = [*(["UNREAD"] if read else []), *(["STARRED"] if starred is False else [])]
    return _Change(tuple(add), tuple(remove))


def _label_name(name: str) -> str:
    wanted = checked_subject(name)
    if not wanted or any(not part.strip() for part in wanted.split("/")):
        raise InvalidRequest("A label has a name, and so has each part of it between slashes.")
    return wanted


async def _label(gmail: Gmail, name: str) -> str | None:
    """The id of the label of that name, as Gmail has it now."""
    listed = (await gmail.api.get("labels")).get("labels")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and str(each.get("name", "")).casefold() == name.casefold() and is_id(each.get("id")):
            return str(each["id"])
    return None


async def _created(ctx: Context, id: str, name: str) -> LabelCreated:  # noqa: A002 - it is called so
    owner = owner_of(ctx)

    def write(connection: Connection) -> None:
        kept = [each for each in mirror.labels(connection, owner) if each.id != id]
        mirror.set_labels(connection, owner, [*kept, mirror.Label(id, name, "user")])

    await ctx.store.write(write)
    return LabelCreated(id=id, name=label_text(name))
