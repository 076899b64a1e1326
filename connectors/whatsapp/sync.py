"""What can be asked for: the templates, who is blocked, and the number itself. Messages are pushed, and only pushed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from connectors.whatsapp import chats, mirror
from connectors.whatsapp.client import CloudApi
from connectors.whatsapp.connector import owner_of
from connectors.whatsapp.inbound import Person
from openassistant.connector import Context
from openassistant.formats.charsets import clean

__all__ = ["sync_number"]

_MOST = 2_000
_LARGEST = 32_000
"""Characters of a template's components as JSON; Meta's own limits lie far below."""


async def sync_number(ctx: Context) -> None:
    """Reads the three lists, each kept as soon as it is there, and forgets what ended long ago."""
    api, owner = await CloudApi.of(ctx), owner_of(ctx)
    await ctx.progress(0, 3, "Number")
    shown = await api.phone_number()
    fields = {"phone": "display_phone_number", "name": "verified_name", "quality": "quality_rating"}
    known = {name: _text(shown, field) for name, field in fields.items()}
    await ctx.store.write(lambda connection: mirror.keep_number(connection, owner, **known))
    await ctx.progress(1, 3, "Templates")
    templates = [row async for each in _all(api.templates()) if (row := _template(each))]
    await ctx.store.write(lambda connection: mirror.keep_templates(connection, owner, templates))
    await ctx.progress(2, 3, "Blocked people")
    blocked = [_blocked(each) async for each in _all(api.blocked())]
    await ctx.store.write(lambda connection: mirror.set_blocked_all(connection, owner, blocked))
    await ctx.store.write(lambda connection: mirror.drop_old(connection, owner, int(ctx.now().timestamp())))
    held = await ctx.store.read(lambda connection: chats.count(connection, owner))
    await ctx.progress(held, held, "messages")


async def _all(pages: AsyncIterator[list[dict[str, Any]]]) -> AsyncIterator[dict[str, Any]]:
    count = 0
    async for page in pages:
        for each in page:
            if (count := count + 1) > _MOST:
                return
            yield each


def _template(each: dict[str, Any]) -> dict[str, str] | None:
    """A template as the mirror has it; None for what is not like one."""
    row = {name: _text(each, name) for name in ("id", "name", "language", "category", "status")}
    components = each.get("components")
    kept = [part for part in components if isinstance(part, dict)] if isinstance(components, list) else []
    try:
        packed = json.dumps(kept)
    except RecursionError:
        return None
    if not row["id"] or not row["name"] or len(packed) > _LARGEST:
        return None
    return {**row, "category": row["category"].upper(), "status": row["status"].upper(), "components": packed}


def _blocked(each: dict[str, Any]) -> Person:
    return Person(bsuid=_text(each, "user_id"), phone=_text(each, "wa_id").lstrip("+"))


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    return " ".join(clean(value[:512]).split()) if isinstance(value, str) else ""
