"""The tools for message templates: the only thing that reaches somebody who did not write in the last 24 hours."""

from __future__ import annotations

from typing import Annotated, Any

from sqlalchemy import Connection

from connectors.whatsapp import chats, templating
from connectors.whatsapp.account import number_of
from connectors.whatsapp.chats import Chat, Template
from connectors.whatsapp.connector import connector, owner_of
from connectors.whatsapp.mirror import Letter
from connectors.whatsapp.previews import preview_to
from connectors.whatsapp.sending import addressed, find_sent, send_once
from connectors.whatsapp.views import MessageSent, TemplateList, TemplateView
from openassistant.connector import Context, Field, Preview
from openassistant.errors import InvalidRequest
from openassistant.messages import Call, PreviewField, ToolResult

__all__ = ["templates_list", "templates_send"]

_Name = Annotated[str, Field(description="The template's name", pattern=r"^[a-z0-9_]{1,512}$")]
_Language = Annotated[
    str | None,
    Field(description="Its language, such as en_US; needed where there are several", pattern=r"^[A-Za-z_]{2,15}$"),
]
_Chat = Annotated[str | None, Field(description="The id of a chat, as chats_list gives it", pattern=r"^[0-9]{1,15}$")]
_Phone = Annotated[
    str | None,
    Field(description="Or a number with its country code, such as +4915112345678", pattern=r"^\+[1-9][0-9]{6,14}$"),
]
_Values = Annotated[
    dict[str, str] | None,
    Field(description='What goes into its places, by the keys that templates_list gives: {"body.1": "Friday"}'),
]


@connector.tool(effect="read")
async def templates_list(
    ctx: Context, name: Annotated[str, Field(description="Only those whose name holds this", max_length=100)] = ""
) -> TemplateList:
    """List the number's WhatsApp message templates, how they read, and which values they want."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda connection: chats.templates(connection, owner, name))
    note = "" if found else "None is known. Make one in WhatsApp Manager; what is new there shows within ten minutes."
    return TemplateList(templates=[_view(each) for each in found], note=note)


@connector.tool(effect="send")
async def templates_send(
    ctx: Context,
    template: _Name,
    language: _Language = None,
    chat: _Chat = None,
    to: _Phone = None,
    values: _Values = None,
) -> MessageSent:
    """Send an approved WhatsApp template, to a chat or to a number. Meta may charge for it."""
    found, kept = await _chosen(ctx, template, language, chat, to)
    filled = templating.fill(kept, values or {})
    body: dict[str, Any] = {"name": kept.name, "language": {"code": kept.language}}
    if filled.components:
        body["components"] = filled.components
    letter = Letter(found.id, "template", text=filled.text, phone=found.phone)
    return await send_once(ctx, addressed(found), {"type": "template", "template": body}, letter)


@templates_send.preview
async def preview_template(
    ctx: Context,
    template: str,
    language: str | None,
    chat: str | None,
    to: str | None,
    values: dict[str, str] | None,
) -> Preview:
    """The template with its values, to whom it goes, and of which kind it is."""
    found, kept = await _chosen(ctx, template, language, chat, to)
    filled = templating.fill(kept, values or {})
    rows = {"Template": f"{kept.name} ({kept.language})", "Kind": kept.category.lower()}
    warnings = ["Meta charges for templates by kind and country."]
    if not found.id or found.last_in is None:
        warnings.append("They have never written to this number. WhatsApp wants their consent before you write first.")
    return preview_to(
        found,
        (await number_of(ctx)).name,
        verb="Send a WhatsApp template",
        confirm="Send",
        content=filled.text,
        fields=[PreviewField(label=label, value=value) for label, value in rows.items()],
        warnings=warnings,
    )


@templates_send.reconcile
async def find_template(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether a status of it came."""
    found = await find_sent(ctx, call)
    return templates_send.result(found) if found else None


async def _chosen(
    ctx: Context, name: str, language: str | None, chat: str | None, to: str | None
) -> tuple[Chat, Template]:
    owner = owner_of(ctx)
    if (chat is None) == (to is None):
        raise InvalidRequest("Say to whom: a chat, or a number.")

    def read(connection: Connection) -> tuple[Chat, Template]:
        kept = chats.template(connection, owner, name, language)
        if chat is not None:
            return chats.chat(connection, owner, chat), kept
        phone = (to or "").removeprefix("+")
        known = chats.chat_with(connection, owner, phone)
        return known or Chat(0, "", phone, "", "", "", None, None, blocked=False), kept

    found, kept = await ctx.store.read(read)
    if found.group_id:
        raise InvalidRequest("Groups can be read here, and not written to.")
    if found.blocked:
        raise InvalidRequest("You blocked this person; contacts_unblock ends that.")
    return found, kept


def _view(template: Template) -> TemplateView:
    return TemplateView(
        name=template.name,
        language=template.language,
        category=template.category.lower(),
        status=template.status.lower(),
        text=templating.reads(template),
        values=templating.places(template),
        note=templating.refusal(template),
    )
