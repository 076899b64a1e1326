"""Sending once. Meta knows no key by which a repeat would be noticed, so no request is repeated that may have acted.

What goes out is written down before it is asked for, and carries the call's id as `biz_opaque_callback_data`. Meta
sends that back with each status of the message (https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks): so
when an answer is lost, the statuses tell whether WhatsApp took it, and nothing else does.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from sqlalchemy import Connection

from connectors.whatsapp import chats, mirror
from connectors.whatsapp.chats import Chat, Message
from connectors.whatsapp.client import CloudApi
from connectors.whatsapp.connector import owner_of
from connectors.whatsapp.inbound import Person
from connectors.whatsapp.mirror import Letter
from connectors.whatsapp.views import MessageSent
from openassistant.connector import Context
from openassistant.errors import DeadlineExceeded, OaError, UpstreamFailed
from openassistant.messages import Call

__all__ = ["addressed", "find_sent", "send_once", "sent"]

_PATIENCE = 8.0
"""Seconds that a status is waited for; it mostly comes within two."""
_PAUSE = 0.25
_NO_STATUS = (
    "Meta did not answer, and no status of the message has come. It may have been sent; look at the chat in a moment."
)


def addressed(found: Chat) -> dict[str, str]:
    """Whom Meta is to send to: the number where it is known, else the business-scoped user ID."""
    return {"to": found.phone} if found.phone else {"recipient": found.bsuid}


async def send_once(
    ctx: Context, to: dict[str, str], body: dict[str, Any], letter: Letter, *, api: CloudApi | None = None
) -> MessageSent:
    """Sends a message; raises `UpstreamFailed` or `DeadlineExceeded` alone where it may have been sent."""
    assert ctx.call is not None, "a message is sent for a call"
    owner, call_id = owner_of(ctx), ctx.call.id
    api = api or await CloudApi.of(ctx)
    now = int(ctx.now().timestamp())
    await ctx.store.write(lambda c: mirror.note_stage(c, owner, call_id, "posted", now=now, letter=letter))
    asked = {"recipient_type": "individual", **to, **body, "biz_opaque_callback_data": call_id}
    try:
        answer = await api.message(asked)
    except OaError as error:
        if not error.unclear:
            await ctx.store.write(lambda c: mirror.note_stage(c, owner, call_id, "refused", now=now))
        raise
    wamid, person = _wamid(answer), _person(answer)
    if not wamid:
        raise UpstreamFailed("Meta took the message and named none.")
    await ctx.store.write(lambda c: mirror.take(c, owner, call_id, wamid, now=now, person=person))
    made = await sent(ctx, call_id)
    assert made is not None, "it was just taken"
    return made


async def find_sent(ctx: Context, call: Call) -> MessageSent | None:
    """What an interrupted call sent; None when it certainly sent nothing, or nothing that arrived.

    Raises `DeadlineExceeded` where it was asked for and no status came: Meta has no list of what was sent.
    """
    owner, until = owner_of(ctx), time.monotonic() + min(_PATIENCE, max(0.0, ctx.seconds - 2))
    while True:
        row = await ctx.store.read(lambda c: mirror.open_letter(c, owner, call.id))
        if row is None or row.stage == "refused" or row.status == "failed":
            return None
        if row.stage == "taken":
            return await sent(ctx, call.id)
        if time.monotonic() >= until:
            raise DeadlineExceeded(_NO_STATUS)
        await asyncio.sleep(_PAUSE)


async def sent(ctx: Context, call_id: str) -> MessageSent | None:
    """The result of a call that WhatsApp took."""
    owner = owner_of(ctx)

    def read(connection: Connection) -> tuple[str, Message | None, str] | None:
        row = mirror.open_letter(connection, owner, call_id)
        if row is None or row.stage != "taken":
            return None
        letter = Letter.unpacked(row.letter)
        message = chats.message_of(connection, owner, row.wamid)
        number = message.chat if message else letter.chat
        address = chats.chat(connection, owner, str(number)).address if number else f"+{letter.phone}"
        return address, message, row.status

    found = await ctx.store.read(read)
    if found is None:
        return None
    address, message, status = found
    return MessageSent(id=str(message.id) if message else None, to=address, status=status or "accepted")


def _wamid(answer: dict[str, Any]) -> str:
    messages = answer.get("messages")
    first = messages[0] if isinstance(messages, list) and messages and isinstance(messages[0], dict) else {}
    wamid = first.get("id")
    return wamid if isinstance(wamid, str) and wamid.isascii() and wamid.isprintable() and len(wamid) <= 300 else ""


def _person(answer: dict[str, Any]) -> Person:
    """Whom WhatsApp took it for."""
    contacts = answer.get("contacts")
    first = contacts[0] if isinstance(contacts, list) and contacts and isinstance(contacts[0], dict) else {}
    phone, bsuid = first.get("wa_id"), first.get("user_id")
    return Person(
        bsuid=bsuid if isinstance(bsuid, str) and bsuid.isascii() and bsuid.isprintable() and len(bsuid) <= 200 else "",
        phone=phone if isinstance(phone, str) and phone.isascii() and phone.isdigit() and len(phone) <= 20 else "",
    )
