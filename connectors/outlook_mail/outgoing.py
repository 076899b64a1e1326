"""Mails on their way out, each once: put among the drafts with a Message-ID of ours, then sent from there.

Graph's `send` answers before anything can be known of the mail, and nothing makes one of two sends. But a draft can be
sent only once, and its immutable id leads to it wherever it lies: whether it still is a draft says whether it was sent.
How far a call came is noted before each step. A call that fell silent at its last step and whose draft still lies there
has the draft deleted for good, so that a request which is late finds nothing to send.

https://learn.microsoft.com/graph/outlook-immutable-id, https://learn.microsoft.com/graph/api/message-send.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from connectors.outlook_mail import mirror, search
from connectors.outlook_mail.account import api_of, iri, owner_of
from connectors.outlook_mail.acts import note_act, recall
from connectors.outlook_mail.drafts import Mail, body_of, marked, people_of, reached, words_before
from connectors.outlook_mail.files import files_of
from connectors.outlook_mail.letters import SELECT, markup_of
from openassistant.connector import Context
from openassistant.errors import (
    AccountRequired,
    Conflict,
    DeadlineExceeded,
    Forbidden,
    InvalidRequest,
    NotFound,
    OaError,
    RateLimited,
    TooLarge,
    Unavailable,
    UpstreamFailed,
)
from openassistant.formats.compose import message_id_of
from openassistant.formats.markup import text_of
from openassistant.providers.graph import GraphApi

__all__ = ["Placed", "Sent", "differing", "discard", "place", "placed_of", "send", "was_sent"]

_REFUSED = (AccountRequired, Conflict, Forbidden, InvalidRequest, NotFound, RateLimited, TooLarge)
"""What says that a request was not carried out."""
_LOST = (UpstreamFailed, Unavailable, DeadlineExceeded)
_UNSURE = "Outlook does not know that mail any more, so it cannot be told whether it was sent."
_NOT_AS_SHOWN = "Outlook did not take the mail as it was shown, so nothing was sent."
_PEOPLE = ("toRecipients", "ccRecipients", "bccRecipients")


class Placed(NamedTuple):
    """A draft that lies at Graph: its immutable id there, its Message-ID, and whom it goes to."""

    ref: str
    message_id: str
    recipients: tuple[str, ...]


class Sent(NamedTuple):
    """A mail that went out."""

    key: str
    message_id: str
    recipients: tuple[str, ...]


async def place(ctx: Context, draft: Mail, *, words: str = "") -> Placed:
    """Puts the mail of the call in `ctx` among the drafts, exactly as it is; `words` go above one that is passed on.

    Raises where that fails, and leaves no draft behind.
    """
    assert ctx.call is not None, "a mail is made for a call"
    api, name = await api_of(ctx), await _message_id(ctx)
    people = reached(draft)
    await note_act(ctx, "placing", message_id=name, recipients=people, ours=True)
    raw = await _made(api, draft, name)
    placed = Placed(str(raw["id"]), str(raw.get("internetMessageId") or f"<{name}>").strip("<>"), people)
    await note_act(ctx, "placed", ref=placed.ref, message_id=placed.message_id)
    try:
        await _settle(api, placed.ref, raw, _wanted(draft, raw, name, words), words=words)
        if draft.forwards is not None and not draft.attached:
            await _detach(api, placed.ref)
        elif draft.attached:
            await _require_files(api, placed.ref, draft)
    except OaError:
        await discard(api, placed.ref)
        raise
    return placed


async def send(ctx: Context, placed: Placed, *, ours: bool = True) -> Sent:
    """Sends a draft; `ours` when it was made for this very call, and goes where the call fails."""
    api = await api_of(ctx)
    await note_act(
        ctx, "sending", ref=placed.ref, message_id=placed.message_id, recipients=placed.recipients, ours=ours
    )
    try:
        await api.send("POST", f"me/messages/{iri(placed.ref)}/send")
    except _REFUSED:
        await note_act(ctx, "refused")
        if ours:
            await discard(api, placed.ref)
        raise
    return await _sent(ctx, placed)


async def was_sent(ctx: Context, call: str) -> Sent | None:
    """The mail that an interrupted call sent; None when it certainly sent none, and then none goes out later.

    Raises `DeadlineExceeded` when that cannot be told.
    """
    act = await recall(ctx, call)
    if act is None or act.stage == "refused":
        return None
    api, before = await api_of(ctx), act.before
    if act.stage == "placing":
        found = await placed_of(api, before["message_id"])
        if found is not None:
            await discard(api, str(found["id"]))
        return None
    placed = Placed(before["ref"], before["message_id"], tuple(before["recipients"]))
    if act.stage == "sent":
        return await _sent(ctx, placed)
    if act.stage == "placed":
        await discard(api, placed.ref)
        return None
    try:
        raw = await api.get(f"me/messages/{iri(placed.ref)}", {"$select": "isDraft"})
    except NotFound as error:
        found = await _named(api, placed.message_id, draft=False)
        if found is None:
            raise DeadlineExceeded(_UNSURE) from error
        return await _sent(ctx, placed._replace(ref=str(found["id"])))
    if raw.get("isDraft") is False:
        return await _sent(ctx, placed)
    if before["ours"] and not await discard(api, placed.ref):
        raise DeadlineExceeded("Outlook still holds the mail as a draft, and it cannot be taken back.")
    return None


async def placed_of(api: GraphApi, message_id: str) -> dict[str, Any] | None:
    """The draft with a Message-ID; None when there is none."""
    return await _named(api, message_id, draft=True)


async def _named(api: GraphApi, message_id: str, *, draft: bool) -> dict[str, Any] | None:
    """A mail with a Message-ID that is a draft, or is none."""
    quoted = f"<{message_id}>".replace("'", "''")
    page = await api.get("me/messages", {"$filter": f"internetMessageId eq '{quoted}'", "$select": f"{SELECT},body"})
    listed = page.get("value")
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict) and each.get("isDraft") is draft and isinstance(each.get("id"), str):
            return each
    return None


async def discard(api: GraphApi, ref: str) -> bool:
    """Deletes a draft for good, or into the trash where the mailbox knows no other way; whether it is not there now."""
    path = f"me/messages/{iri(ref)}"
    try:
        try:
            await api.send("POST", f"{path}/permanentDelete")
        except (InvalidRequest, Forbidden):
            await api.send("DELETE", path)
    except NotFound:
        return True
    except OaError:
        return False
    return True


async def _message_id(ctx: Context) -> str:
    assert ctx.call is not None, "a mail is made for a call"
    owner = owner_of(ctx)
    own = sorted(await ctx.store.read(lambda c: search.own_addresses(c, owner)))
    return message_id_of(ctx.call.id, ctx.call.nonce, own[0] if own and own[0].isascii() else "nobody@outlook.com")


async def _made(api: GraphApi, draft: Mail, name: str) -> dict[str, Any]:
    """A draft of the call; where its answer was lost, it is looked for."""
    given = {**_head(draft, name), **({"body": body_of(draft.text)} if draft.forwards is None else {})}
    source = draft.answers or draft.forwards
    if source is None:
        path, body = "me/messages", given
    else:
        action = "createReply" if draft.answers else "createForward"
        path, body = f"me/messages/{iri(source.ref)}/{action}", {"message": given}
    try:
        raw = await api.call("POST", path, json=body)
    except _LOST:
        found = await placed_of(api, name)
        if found is None:
            raise
        raw = found
    if not isinstance(raw.get("id"), str) or not raw["id"]:
        raise UpstreamFailed("Microsoft answered with something else than was asked for.")
    return raw


def _head(draft: Mail, name: str) -> dict[str, Any]:
    return {
        "subject": draft.subject,
        "toRecipients": people_of(draft.to),
        "ccRecipients": people_of(draft.cc),
        "bccRecipients": people_of(draft.bcc),
        "internetMessageId": f"<{name}>",
    }


def _wanted(draft: Mail, raw: Mapping[str, Any], name: str, words: str) -> dict[str, Any]:
    """What the draft has to hold; a mail that is passed on keeps what Outlook wrote below the words."""
    if draft.forwards is None:
        return {**_head(draft, name), "body": body_of(draft.text)}
    return {**_head(draft, name), **({"body": words_before(words, raw.get("body"))} if words else {})}


async def _settle(api: GraphApi, ref: str, raw: Mapping[str, Any], wanted: Mapping[str, Any], *, words: str) -> None:
    """Writes what a draft does not hold as it was wanted, and sees that it does then; raises `Conflict`."""
    path = f"me/messages/{iri(ref)}"
    if not (names := differing(raw, wanted, words)):
        return
    try:
        raw = await api.call("PATCH", path, json={name: wanted[name] for name in names})
    except _LOST:
        raw = await api.get(path, {"$select": f"{SELECT},body"})
    if set(differing(raw, wanted, words)) - {"internetMessageId"}:
        raise Conflict(_NOT_AS_SHOWN)


def differing(raw: Mapping[str, Any], wanted: Mapping[str, Any], words: str = "") -> list[str]:
    """The names of what a mail does not hold as it is wanted."""
    return [name for name, value in wanted.items() if not _same(name, raw.get(name), value, words)]


def _same(name: str, found: Any, wanted: Any, words: str) -> bool:
    """Whether Graph holds what was wanted; of a formatted mail that is passed on, whether the words stand above it."""
    if name in _PEOPLE:
        return _addresses(found) == _addresses(wanted)
    if name != "body":
        return bool(str(found or "").strip() == wanted)
    content, formatted = markup_of(found)
    if formatted != (wanted["contentType"] == "html"):
        return False
    if not formatted:
        return content.split() == str(wanted["content"]).split()
    above = text_of(marked(words)).split()
    return text_of(content).split()[: len(above)] == above


def _addresses(people: Any) -> list[str]:
    found: list[str] = []
    for each in people if isinstance(people, Sequence) and not isinstance(people, str) else ():
        given = each.get("emailAddress") if isinstance(each, dict) else None
        found.append(str(given.get("address", "")).lower() if isinstance(given, dict) else "")
    return sorted(found)


async def _detach(api: GraphApi, ref: str) -> None:
    for each in await files_of(api, ref):
        await api.send("DELETE", f"me/messages/{iri(ref)}/attachments/{iri(each.ref)}")


async def _require_files(api: GraphApi, ref: str, draft: Mail) -> None:
    """Raises `Conflict` where other files would go along than those that were shown."""
    there = sorted(each.name for each in await files_of(api, ref))
    if there != sorted(each.name for each in draft.attached):
        raise Conflict("The files of that mail are not those that were shown, so nothing was sent. Look again.")


async def _sent(ctx: Context, placed: Placed) -> Sent:
    """Notes that a mail was sent, and in the mirror that it lies with the others, until a sync meets it there."""
    await note_act(ctx, "sent")
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: search.with_ref(c, owner, placed.ref))
    folders = await ctx.store.read(lambda c: mirror.folders(c, owner))
    to = next((each for each in folders if each.role == "sent"), None)
    if found is not None and to is not None:
        raw = {"id": placed.ref, "isDraft": False, "isRead": True, "parentFolderId": to.ref}
        unmet = to._replace(round=mirror.UNMET)
        await ctx.store.write(partial(mirror.put, folder=unmet, raw=[raw]))
    return Sent(mirror.key_of(owner, placed.ref), placed.message_id, placed.recipients)
