"""The vacation reply: Gmail answers by itself whoever writes.

https://developers.google.com/workspace/gmail/api/guides/vacation_settings
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from connectors.gmail.acts import before_act, note_act
from connectors.gmail.card import connector
from connectors.gmail.gmail import Gmail, gmail_of
from connectors.gmail.previews import address_of
from connectors.gmail.views import VacationReply
from openassistant.connector import Context, Field, OutsideText, Preview
from openassistant.errors import DeadlineExceeded, InvalidRequest
from openassistant.formats.charsets import clean
from openassistant.formats.compose import checked_subject
from openassistant.formats.markup import text_of
from openassistant.messages import Call, Destination, PreviewField, ToolResult

__all__ = ["vacation_read", "vacation_set"]

_LONGEST = 20_000
_STRANGERS = "Strangers and mailing lists get it too: whoever writes learns that you are away."

_On = Annotated[bool, Field(description="Whether Gmail answers by itself")]
_Subject = Annotated[str, Field(description="What stands before the subject of the answer", max_length=300)]
_Text = Annotated[str, Field(description="The whole answer, plain; needed to switch it on", max_length=_LONGEST)]
_Start = Annotated[
    datetime | None, Field(description="From when on, like 2026-12-20T00:00:00+01:00; nothing for at once")
]
_End = Annotated[datetime | None, Field(description="Until when, with its offset; nothing for no end")]
_Contacts = Annotated[bool, Field(description="Answer only people in the user's contacts")]
_Domain = Annotated[bool, Field(description="Answer only people of the user's organisation")]


@connector.tool(effect="read", capability="settings")
async def vacation_read(ctx: Context) -> VacationReply:
    """Tell whether Gmail answers by itself while the user is away, and with what."""
    return _view(await _now(await gmail_of(ctx)))


@connector.tool(effect="send", capability="settings")
async def vacation_set(
    ctx: Context,
    *,
    on: _On,
    subject: _Subject = "",
    text: _Text = "",
    start: _Start = None,
    end: _End = None,
    contacts_only: _Contacts = False,
    domain_only: _Domain = False,
) -> VacationReply:
    """Have Gmail answer by itself whoever writes while the user is away, or stop it."""
    gmail = await gmail_of(ctx)
    wanted = _wanted(
        on=on, subject=subject, text=text, start=start, end=end, contacts_only=contacts_only, domain_only=domain_only
    )
    await note_act(ctx, before=_plain(await _now(gmail)))
    if not on:  # what it says stays for the next time
        wanted = {**_plain(await _now(gmail)), "enableAutoReply": False}
    answer = await gmail.api.call("PUT", "settings/vacation", json=wanted)
    return _view(answer or wanted)


@vacation_set.preview
async def preview_set(
    ctx: Context,
    *,
    on: bool,
    subject: str,
    text: str,
    start: datetime | None,
    end: datetime | None,
    contacts_only: bool,
    domain_only: bool,
) -> Preview:
    """Who gets which answer, and how long."""
    wanted = _wanted(
        on=on, subject=subject, text=text, start=start, end=end, contacts_only=contacts_only, domain_only=domain_only
    )
    address = await address_of(ctx)
    if not on:
        return Preview(verb="Stop the vacation reply", confirm="Stop it", account=address)
    limits = [
        *(["people in the contacts"] if contacts_only else []),
        *(["people of the organisation"] if domain_only else []),
    ]
    who = f"only {' and '.join(limits)} who write to {address}" if limits else f"everybody who writes to {address}"
    rows = {
        "Subject begins with": str(wanted["responseSubject"]),
        "From": f"{start:%A, %d %B %Y %H:%M %Z}" if start else "at once",
        "Until": f"{end:%A, %d %B %Y %H:%M %Z}" if end else "somebody stops it",
    }
    return Preview(
        verb="Answer mail by itself",
        confirm="Switch it on",
        account=address,
        destinations=(Destination(kind="recipient", value=who),),
        fields=tuple(PreviewField(label=label, value=value) for label, value in rows.items() if value),
        content=str(wanted["responseBodyPlainText"]),
        warnings=("Each of them learns that you are away." if limits else _STRANGERS,),
    )


@vacation_set.reconcile
async def find_set(ctx: Context, call: Call) -> ToolResult | None:
    """Looks at the settings as they are now."""
    noted = await before_act(ctx, call.id)
    if noted is None:
        return None
    given = vacation_set.parse(call.arguments)
    wanted = _plain(_wanted(**given)) if given["on"] else {**noted["before"], "enableAutoReply": False}
    found = await _now(await gmail_of(ctx))
    if _plain(found) == _plain(wanted):
        return vacation_set.result(_view(found))
    if _plain(found) == noted["before"]:
        return None
    raise DeadlineExceeded("The vacation reply is neither what it was nor what it should be: somebody else changed it.")


def _wanted(
    *,
    on: bool,
    subject: str,
    text: str,
    start: datetime | None,
    end: datetime | None,
    contacts_only: bool,
    domain_only: bool,
) -> dict[str, Any]:
    """The settings as the API takes them; raises `InvalidRequest` in words."""
    kept = clean(text).strip()
    if on and not kept:
        raise InvalidRequest("Say what the answer shall be.")
    if any(each is not None and each.tzinfo is None for each in (start, end)):
        raise InvalidRequest("Give times with their offset, like 2026-12-20T00:00:00+01:00.")
    if start and end and end <= start:
        raise InvalidRequest("It has to end after it begins.")
    times = {"startTime": start, "endTime": end}
    return {
        "enableAutoReply": on,
        "responseSubject": checked_subject(subject),
        "responseBodyPlainText": kept,
        "restrictToContacts": contacts_only,
        "restrictToDomain": domain_only,
        **{name: str(int(each.timestamp() * 1000)) for name, each in times.items() if each},
    }


async def _now(gmail: Gmail) -> dict[str, Any]:
    return await gmail.api.get("settings/vacation")


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """What of the settings counts, so that two of them can be compared."""
    names = ("enableAutoReply", "restrictToContacts", "restrictToDomain")
    found: dict[str, Any] = {name: settings.get(name) is True for name in names}
    for name in ("responseSubject", "responseBodyPlainText", "responseBodyHtml", "startTime", "endTime"):
        if value := str(settings.get(name) or "").replace("\r\n", "\n").strip():
            found[name] = value
    return found


def _view(settings: dict[str, Any]) -> VacationReply:
    formatted = str(settings.get("responseBodyHtml") or "")
    text = text_of(formatted) if formatted else clean(str(settings.get("responseBodyPlainText") or ""))
    return VacationReply(
        on=settings.get("enableAutoReply") is True,
        subject=_said(clean(str(settings.get("responseSubject") or ""))[:500]),
        text=_said(text[:_LONGEST]),
        start=_moment(settings.get("startTime")),
        end=_moment(settings.get("endTime")),
        contacts_only=settings.get("restrictToContacts") is True,
        domain_only=settings.get("restrictToDomain") is True,
    )


def _said(text: str) -> OutsideText:
    return OutsideText(text=text, source="the vacation reply in Gmail's settings")


def _moment(value: object) -> datetime | None:
    text = str(value or "")
    return (
        datetime.fromtimestamp(int(text) / 1000, UTC) if text.isascii() and text.isdigit() and len(text) < 15 else None
    )
