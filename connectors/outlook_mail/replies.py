"""The tools for what Outlook answers by itself while its owner is away.

https://learn.microsoft.com/graph/api/resources/automaticrepliessetting
"""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple

from connectors.outlook_mail.account import api_of, local_zone, name_of
from connectors.outlook_mail.acts import note_act, recall
from connectors.outlook_mail.card import Zone, connector
from connectors.outlook_mail.previews import fields_of
from connectors.outlook_mail.views import AutoReplies
from openassistant.connector import Context, Field, OutsideText, Preview
from openassistant.errors import DeadlineExceeded, InvalidRequest
from openassistant.formats.charsets import clean
from openassistant.formats.markup import text_of
from openassistant.formats.moments import Window, shown, window
from openassistant.messages import Call, Destination, ToolResult

__all__ = ["auto_replies_get", "auto_replies_set"]

Audience = Literal["none", "contacts", "everybody"]
_AUDIENCES: dict[str, str] = {"none": "none", "contacts": "contactsOnly", "everybody": "all"}
_WORDS: dict[str, str] = {
    "none": "nobody outside the organisation", "contacts": "the user's contacts", "everybody": "everybody who writes",
}  # fmt: skip
_STATUS: dict[str, str] = {"disabled": "off", "alwaysEnabled": "on", "scheduled": "scheduled"}
_SETTING = "automaticRepliesSetting"
_PATH = f"me/mailboxSettings/{_SETTING}"
_UNSURE = "The setting is another one by now, so it cannot be told whether this was done."

_Text = Annotated[
    str, Field(description="The answer, plain text; needed unless they are switched off", max_length=20_000)
]
_Others = Annotated[
    str | None,
    Field(description="Another text for people outside the organisation; without it the same", max_length=20_000),
]
_Audience = Annotated[
    Audience, Field(description="Who outside the user's organisation gets it; at Outlook.com that is everybody")
]
_Begin = Annotated[
    str | None, Field(description="From when on, ISO 8601 like 2026-12-24T18:00; with end", max_length=40)
]
_End = Annotated[str | None, Field(description="Until when, ISO 8601; a day is included; with start", max_length=40)]


class _Wanted(NamedTuple):
    on: bool
    text: str
    others: str
    audience: Audience
    span: Window | None

    @property
    def setting(self) -> dict[str, Any]:
        """As Graph takes it."""
        if not self.on:
            return {"status": "disabled"}
        found: dict[str, Any] = {
            "status": "scheduled" if self.span else "alwaysEnabled",
            "externalAudience": _AUDIENCES[self.audience],
            "internalReplyMessage": _markup(self.text),
            "externalReplyMessage": _markup(self.others),
        }
        if self.span:
            start, end = map(_typed, self.span)
            found |= {"scheduledStartDateTime": start, "scheduledEndDateTime": end}
        return found


@connector.tool(effect="read", capability="settings")
async def auto_replies_get(ctx: Context) -> AutoReplies:
    """Tell what Outlook answers by itself at the moment, to whom and until when."""
    return _view(await (await api_of(ctx)).get(_PATH))


@connector.tool(effect="send", outside=True, capability="settings")
async def auto_replies_set(
    ctx: Context,
    *,
    on: Annotated[bool, Field(description="True switches automatic replies on, false off")],
    text: _Text = "",
    text_for_others: _Others = None,
    audience: _Audience = "everybody",
    start: _Begin = None,
    end: _End = None,
    zone: Zone = None,
) -> AutoReplies:
    """Have Outlook answer everybody who writes while the user is away, or switch that off."""
    given: dict[str, Any] = {
        "text": text,
        "text_for_others": text_for_others,
        "audience": audience,
        "start": start,
        "end": end,
        "zone": zone,
    }
    wanted = _wanted(ctx, on=on, **given)
    api = await api_of(ctx)
    await note_act(ctx, setting=wanted.setting, was=_plain(await api.get(_PATH)))
    await api.call("PATCH", "me/mailboxSettings", json={_SETTING: wanted.setting})
    return _view(await api.get(_PATH))


@auto_replies_set.preview
async def preview_set(
    ctx: Context,
    *,
    on: bool,
    text: str,
    text_for_others: str | None,
    audience: Audience,
    start: str | None,
    end: str | None,
    zone: str | None,
) -> Preview:
    """What is answered, to whom and when."""
    given: dict[str, Any] = {
        "text": text,
        "text_for_others": text_for_others,
        "audience": audience,
        "start": start,
        "end": end,
        "zone": zone,
    }
    wanted = _wanted(ctx, on=on, **given)
    if not on:
        return Preview(verb="Switch automatic replies off", confirm="Switch off", account=await name_of(ctx))
    rows = {
        "To people outside": _WORDS[audience],
        "From": shown(wanted.span.start) if wanted.span else "now",
        "Until": shown(wanted.span.end) if wanted.span else "they are switched off",
        "Text for people outside": wanted.others if wanted.others != wanted.text and audience != "none" else "",
    }
    return Preview(
        verb="Answer everybody who writes, automatically",
        confirm="Switch on",
        account=await name_of(ctx),
        destinations=(Destination(kind="account", value=_WORDS[audience], name="Whoever writes"),),
        fields=fields_of(rows),
        content=wanted.text,
        warnings=("Whoever writes learns that you are away.",) if audience == "everybody" else (),
    )


@auto_replies_set.reconcile
async def look_up(ctx: Context, call: Call) -> ToolResult | None:
    """Looks at the setting."""
    act = await recall(ctx, call.id)
    if act is None:
        return None
    found = await (await api_of(ctx)).get(_PATH)
    now, setting = _plain(found), act.before["setting"]
    if all(_same(now.get(name), value) for name, value in setting.items()):
        return auto_replies_set.result(_view(found))
    if now == act.before["was"]:
        return None
    raise DeadlineExceeded(_UNSURE)


def _wanted(
    ctx: Context,
    *,
    on: bool,
    text: str,
    text_for_others: str | None,
    audience: Audience,
    start: str | None,
    end: str | None,
    zone: str | None,
) -> _Wanted:
    """What is asked for, checked; raises `InvalidRequest`."""
    words = clean(text).strip("\n")
    if on and not words.strip():
        raise InvalidRequest("Say what is to be answered.")
    if (start is None) != (end is None):
        raise InvalidRequest("Give both start and end, or neither.")
    span = window(start, end, local_zone(ctx, zone)) if start is not None and end is not None else None
    others = clean(text_for_others).strip("\n") if text_for_others is not None else words
    return _Wanted(on, words, others, audience, span)


def _view(raw: Any) -> AutoReplies:
    given = _plain(raw)
    scheduled = given.get("status") == "scheduled"
    audiences = {value: name for name, value in _AUDIENCES.items()}
    return AutoReplies(
        status=_STATUS.get(str(given.get("status")), "off"),
        audience=audiences.get(str(given.get("externalAudience")), "none"),
        text=_outside(given.get("internalReplyMessage")),
        text_for_others=_outside(given.get("externalReplyMessage")),
        start=_moment(given.get("scheduledStartDateTime")) if scheduled else "",
        end=_moment(given.get("scheduledEndDateTime")) if scheduled else "",
    )


def _same(found: Any, wanted: Any) -> bool:
    """Whether the mailbox holds what was wanted: Outlook writes texts and times in its own way."""
    if isinstance(wanted, dict):
        return _moment(found) == _moment(wanted)
    if not isinstance(found, str) or not isinstance(wanted, str):
        return bool(found == wanted)
    return found == wanted or text_of(found).split() == text_of(wanted).split()


def _plain(raw: Any) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if not name.startswith("@")} if isinstance(raw, dict) else {}


def _outside(value: Any) -> OutsideText:
    text = text_of(value) if isinstance(value, str) else ""
    return OutsideText(text=text[:20_000], source="the settings of this mailbox")


def _moment(value: Any) -> str:
    """A time of Graph's; its zone is a name of Windows' or of IANA."""
    if not isinstance(value, dict):
        return ""
    return f"{str(value.get('dateTime', ''))[:19]} {str(value.get('timeZone', ''))[:60]}".strip()


def _typed(when: datetime) -> dict[str, str]:
    return {"dateTime": f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}


def _markup(text: str) -> str:
    return "<br>".join(html.escape(line, quote=False) for line in text.split("\n"))
