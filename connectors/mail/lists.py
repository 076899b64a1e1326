"""Leaving mailing lists: by one click (RFC 8058) where a mail offers it, else by a mail to the list (RFC 2369).

Nothing is ever fetched: a GET would only show a page, and tell the sender that somebody looked. The address comes out
of a mail, so it is a destination that a person approves; only that origin is opened, and only at a public address.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl, unquote

from connectors.mail import search
from connectors.mail.account import MailAccount, account_of
from connectors.mail.acts import before_act, note_act
from connectors.mail.connector import connector, owner_of
from connectors.mail.drafts import Draft, new_draft, outgoing_of
from connectors.mail.previews import preview_of
from connectors.mail.search import Found
from connectors.mail.sending import find_sent, sent_mail
from connectors.mail.views import Unsubscribed
from openassistant.connector import Context, Preview
from openassistant.errors import Conflict, DeadlineExceeded, InvalidRequest, OaError, UpstreamFailed
from openassistant.formats.addresses import parse_typed
from openassistant.http import HttpClient
from openassistant.mails.arguments import MessageId
from openassistant.mails.views import source_of
from openassistant.messages import Call, Destination, PreviewField, ToolResult
from openassistant.origins import parse_url

__all__ = ["Way", "click", "messages_unsubscribe", "way_out"]

_ADDRESS = re.compile(r"<\s*([^<>]{1,2000}?)\s*>")
_UNPROVEN = "Who the list is, the mail says itself; nothing here proves it."


class Way(NamedTuple):
    """How to leave a list: a URL for one click, or an address with the subject and text that it asks for."""

    kind: Literal["click", "mail"]
    target: str
    subject: str = ""
    text: str = ""


def way_out(header: str, *, one_click: bool) -> Way:
    """The first way that List-Unsubscribe offers and that may be taken; raises `InvalidRequest` when there is none.

    A web address counts only with TLS and the header that allows one click; else it leads to a page for people.
    """
    offered = _ADDRESS.findall("".join(header.split()))
    for each in offered if one_click else ():
        if each.lower().startswith("https://") and _is_plain(each):
            return Way("click", each)
    for each in offered:
        if each.lower().startswith("mailto:") and (way := _by_mail(each)):
            return way
    if any(each.lower().startswith(("https://", "http://")) for each in offered):
        raise InvalidRequest(
            "That list can only be left on its web page. The link stands in the mail; open it yourself."
        )
    raise InvalidRequest("That mail offers no way to unsubscribe. For unwanted mail there is messages_junk.")


async def click(http: HttpClient, url: str) -> None:
    """The one click: a POST with nothing but its fixed words (RFC 8058, 3.2), and no redirect followed.

    Raises `Conflict` when the server wants a page visited instead, and what `HttpClient.request` raises.
    """
    http.allow_public(url)
    try:
        await http.request("POST", url, form={"List-Unsubscribe": "One-Click"}, follow=False, limit=1_000_000)
    except UpstreamFailed as error:
        if error.details.get("status", 0) // 100 == 3:
            words = "That server asks to visit a web page instead of taking the one click, so it did not count."
            raise Conflict(words) from error
        raise


@connector.tool(effect="send", outside=True)
async def messages_unsubscribe(ctx: Context, message: MessageId) -> Unsubscribed:
    """Leave the mailing list that a mail came from, in the way that the mail offers."""
    _, way = await _way(ctx, message)
    if way.kind == "mail":
        account = await account_of(ctx)
        sent = await sent_mail(ctx, account, outgoing_of(ctx, account, _draft(way)))
        return Unsubscribed(message=message, way="mail", target=way.target, note=sent.note)
    await note_act(ctx, url=way.target)
    await click(ctx.http, way.target)
    return Unsubscribed(message=message, way="click", target=_host(way.target))


@messages_unsubscribe.preview
async def preview_unsubscribe(ctx: Context, message: str) -> Preview:
    """Where the request goes, and which list that claims to be."""
    found, way = await _way(ctx, message)
    account = await account_of(ctx)
    shown = await _preview(ctx, account, way)
    rows = {"List": found.list_id or "(not named)", "Mail": found.subject, "Sender": found.sender.shown}
    source = source_of(found)
    return shown.model_copy(
        update={
            "verb": "Leave a mailing list",
            "confirm": "Unsubscribe",
            "fields": (*(PreviewField(label=label, value=value) for label, value in rows.items()), *shown.fields),
            "outside": (source.model_copy(update={"source": f"{source.source} (where the request goes)"}),),
            "warnings": (*shown.warnings, *_doubts(found, way)),
        }
    )


@messages_unsubscribe.reconcile
async def find_unsubscribed(ctx: Context, call: Call) -> ToolResult | None:
    """A mail is looked up; of a click nobody can tell whether it arrived."""
    found, way = await _way(ctx, messages_unsubscribe.parse(call.arguments)["message"])
    if way.kind == "mail":
        sent = await find_sent(ctx, call)
        left = Unsubscribed(message=str(found.id), way="mail", target=way.target)
        return messages_unsubscribe.result(left) if sent else None
    if await before_act(ctx, call.id) is None:
        return None
    raise DeadlineExceeded(f"{_host(way.target)} gave no clear answer.")


async def _way(ctx: Context, message: str) -> tuple[Found, Way]:
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda connection: search.message(connection, owner, message))
    return found, way_out(found.unsubscribe, one_click=found.one_click)


async def _preview(ctx: Context, account: MailAccount, way: Way) -> Preview:
    if way.kind == "mail":
        return await preview_of(ctx, account, _draft(way), verb="", confirm="")
    host = Destination(kind="url", value=_host(way.target), note="The whole address stands below.")
    address = PreviewField(label="Address", value=way.target)
    return Preview(
        verb="", confirm="", account=account.address, destinations=(host,), fields=(address,), content=_WORDS
    )


_WORDS = "List-Unsubscribe=One-Click"


def _doubts(found: Found, way: Way) -> list[str]:
    doubts = [_UNPROVEN]
    domain = (_host(way.target) if way.kind == "click" else way.target.rpartition("@")[2]).partition(":")[0]
    sender = found.sender.address.rpartition("@")[2]
    if sender and not _related(domain, sender):
        doubts.append(f"It goes to {domain}, while the mail came from {sender}. List services often do that.")
    if found.folder.role == "junk":
        doubts.append("That mail lies among spam: its sender would learn that somebody reads this mailbox.")
    return doubts


def _related(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _host(url: str) -> str:
    parsed = parse_url(url)
    return parsed.host if parsed.port in (None, 443) else f"{parsed.host}:{parsed.port}"


def _is_plain(url: str) -> bool:
    try:
        parse_url(url)
    except InvalidRequest:
        return False
    return url.isascii() and url.isprintable()


def _by_mail(url: str) -> Way | None:
    """The address, subject and text of a mailto URL (RFC 6068); other headers that it wants are left out."""
    address, _, query = url[len("mailto:") :].partition("?")
    try:
        target = parse_typed(unquote(address)).address
    except OaError:
        return None
    wanted = {name.lower(): value for name, value in parse_qsl(query.replace("+", "%2B"), max_num_fields=20)}
    subject, text = wanted.get("subject", "unsubscribe"), wanted.get("body", "unsubscribe")
    return Way("mail", target, " ".join(subject.split())[:200] or "unsubscribe", text[:2_000] or "unsubscribe")


def _draft(way: Way) -> Draft:
    return new_draft(to=[way.target], subject=way.subject, text=way.text)
