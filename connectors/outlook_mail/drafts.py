"""A mail to be, as Graph takes it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from connectors.outlook_mail.search import Found
from openassistant.errors import InvalidRequest
from openassistant.formats.addresses import Address
from openassistant.formats.drafts import Draft

__all__ = ["Mail", "body_of", "marked", "people_of", "reached", "words_before"]

Mail = Draft[Found]
_MOST_RECIPIENTS = 100


def reached(draft: Mail) -> tuple[str, ...]:
    """The addresses of all whom a mail reaches, each once; raises `InvalidRequest` for too many."""
    people = tuple(dict.fromkeys(each.address for each in (*draft.to, *draft.cc, *draft.bcc)))
    if len(people) > _MOST_RECIPIENTS:
        raise InvalidRequest(f"A mail goes to at most {_MOST_RECIPIENTS} recipients.")
    return people


def people_of(people: Sequence[Address]) -> list[dict[str, Any]]:
    """People as Graph takes them."""
    return [
        {"emailAddress": {"address": each.address, **({"name": each.name} if each.name else {})}} for each in people
    ]


def body_of(text: str) -> dict[str, str]:
    """A plain text as Graph takes it."""
    return {"contentType": "text", "content": text.replace("\n", "\r\n")}


def words_before(words: str, body: Any) -> dict[str, str]:
    """The body of a mail that is passed on, with words before it."""
    given = body if isinstance(body, dict) else {}
    content = str(given.get("content") or "")
    if str(given.get("contentType")).lower() != "html":
        plain = content.replace("\r\n", "\n").strip("\n")
        return body_of(f"{words}\n\n{plain}")
    start = content.lower().find("<body")
    end = content.find(">", start) + 1 if start >= 0 else 0
    return {"contentType": "html", "content": f"{content[:end]}{marked(words)}<br>{content[end:]}"}


def marked(words: str) -> str:
    """A plain text as HTML."""
    return "".join(f"<div>{html.escape(line) or '<br>'}</div>" for line in words.split("\n"))
