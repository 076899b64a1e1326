"""What Meta pushes, read: messages, statuses and templates; whatever is not as agreed is left out.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages. The bytes are
signed by Meta, but what a person wrote in them is theirs: lengths are bounded, control characters go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from connectors.whatsapp.client import MEDIA_ID
from openassistant.formats.charsets import clean

__all__ = ["Batch", "Inbound", "Media", "Person", "Status", "TemplateChange", "read_hook"]

_LONGEST = 65_536
_NAME = 200
_ID = 300
_MEDIA = ("image", "video", "audio", "document", "sticker")
_CHANGED = {"user_changed_number", "customer_changed_number", "user_changed_user_id"}


class Person(NamedTuple):
    """Whom a chat is with. The business-scoped user ID names somebody for good; a phone number may be missing."""

    bsuid: str = ""
    phone: str = ""
    name: str = ""
    username: str = ""


class Media(NamedTuple):
    """A file of a message, which lies at Meta; `sha256` as Meta writes it."""

    id: str
    mime: str
    name: str = ""
    sha256: str = ""
    voice: bool = False


class Inbound(NamedTuple):
    """A message, or what somebody did to one: `edits` and `deletes` name it, `reacts` with the emoji in `text`.

    `mine` was written on the owner's own phone. `moved` says that the person has another number or id now.
    """

    wamid: str
    at: int
    person: Person
    kind: str
    text: str = ""
    media: Media | None = None
    reply_to: str = ""
    group: str = ""
    forwarded: bool = False
    edits: str = ""
    deletes: str = ""
    reacts: str = ""
    moved: Person | None = None
    mine: bool = False


class Status(NamedTuple):
    """What became of a message of ours; `tracker` is what was sent along with it."""

    wamid: str
    status: str
    at: int
    tracker: str = ""
    code: int = 0
    person: Person = Person()


class TemplateChange(NamedTuple):
    """A template has another status."""

    id: str
    status: str


class Batch(NamedTuple):
    """What one request tells of one number."""

    messages: tuple[Inbound, ...] = ()
    statuses: tuple[Status, ...] = ()
    templates: tuple[TemplateChange, ...] = ()


def read_hook(body: bytes, *, number: str, waba: str) -> Batch:
    """What a signed body tells of a number; nothing where it is of another one, or no JSON at all."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return Batch()
    messages: list[Inbound] = []
    statuses: list[Status] = []
    templates: list[TemplateChange] = []
    if _text(told, "object") != "whatsapp_business_account":
        return Batch()
    for entry in _dicts(told, "entry"):
        for change in _dicts(entry, "changes"):
            value, field = _dict(change, "value"), _text(change, "field")
            if field == "message_template_status_update" and _text(entry, "id") == waba:
                templates.append(TemplateChange(_id(value, "message_template_id"), _text(value, "event").upper()))
            elif (
                field in ("messages", "smb_message_echoes")
                and _id(_dict(value, "metadata"), "phone_number_id") == number
            ):
                people = _people(value)
                messages += _messages(value, people)
                statuses += _statuses(value, people)
    return Batch(tuple(messages), tuple(statuses), tuple(each for each in templates if each.id and each.status))


def _messages(value: dict[str, Any], people: list[Person]) -> Iterator[Inbound]:
    for each in _dicts(value, "messages"):
        if found := _message(each, people):
            yield found
    for each in _dicts(value, "message_echoes"):
        if found := _message(each, people, mine=True):
            yield found


def _message(each: dict[str, Any], people: list[Person], *, mine: bool = False) -> Inbound | None:
    wamid, at = _id(each, "id"), _seconds(each)
    person = _person(each, people, "to" if mine else "from")
    if not wamid or at is None or not (person.bsuid or person.phone):
        return None
    kind, context = _text(each, "type") or "unknown", _dict(each, "context")
    made = Inbound(
        wamid, at, person, kind[:40], mine=mine, group=_id(each, "group_id"), reply_to=_id(context, "id"),
        forwarded=context.get("forwarded") is True or context.get("frequently_forwarded") is True,
    )  # fmt: skip
    if kind == "reaction":
        reaction = _dict(each, "reaction")
        return made._replace(reacts=_id(reaction, "message_id"), text=_text(reaction, "emoji")[:40])
    if kind == "edit":
        edit = _dict(each, "edit")
        inner = _dict(edit, "message")
        return made._replace(edits=_id(edit, "original_message_id"), text=_words(inner, _text(inner, "type")))
    if kind == "revoke":
        return made._replace(deletes=_id(_dict(each, "revoke"), "original_message_id"))
    if kind == "system":
        return made._replace(text=_words(each, kind), moved=_moved(_dict(each, "system")))
    return made._replace(text=_words(each, kind), media=_media(each, kind))


def _moved(system: dict[str, Any]) -> Person | None:
    """What somebody is to be known by from now on."""
    if _text(system, "type") not in _CHANGED:
        return None
    phone = _digits(_text(system, "wa_id") or _text(system, "new_wa_id"))
    return Person(bsuid=_id(system, "user_id"), phone=phone)


def _words(each: dict[str, Any], kind: str) -> str:
    """What is to be read in a message of any kind."""
    inside = _dict(each, kind)
    if kind in _MEDIA:
        return _text(inside, "caption")
    if kind == "text":
        return _text(inside, "body")
    if kind == "system":
        return _text(inside, "body")[:1000]
    if kind == "button":
        return _text(inside, "text")
    if kind == "interactive":
        chosen = _dict(inside, _text(inside, "type"))
        return _joined(_text(chosen, "title") or _text(chosen, "body"), _text(chosen, "description"))
    if kind == "location":
        place = f"{inside.get('latitude')}, {inside.get('longitude')}"[:60]
        return _joined(_text(inside, "name"), _text(inside, "address"), place)
    if kind == "contacts":
        return "\n".join(_contact(card) for card in _dicts(each, "contacts")[:50])[:_LONGEST]
    if kind == "order":
        return _joined(_text(inside, "text"), f"An order of {len(_dicts(inside, 'product_items'))} products")
    return ""


def _contact(card: dict[str, Any]) -> str:
    """A contact that was passed on: name, numbers, addresses."""
    numbers = [_text(each, "phone")[:40] for each in _dicts(card, "phones")[:10]]
    addresses = [_text(each, "email")[:200] for each in _dicts(card, "emails")[:10]]
    name = _text(_dict(card, "name"), "formatted_name")[:_NAME]
    return ", ".join(each for each in (name, *numbers, *addresses) if each)


def _media(each: dict[str, Any], kind: str) -> Media | None:
    inside = _dict(each, kind) if kind in _MEDIA else {}
    media = _id(inside, "id")
    if not MEDIA_ID.fullmatch(media):
        return None
    name = " ".join(_text(inside, "filename").split())[:_NAME]
    voice = inside.get("voice") is True
    return Media(media, _text(inside, "mime_type")[:100].lower(), name, _text(inside, "sha256")[:100], voice)


def _statuses(value: dict[str, Any], people: list[Person]) -> Iterator[Status]:
    for each in _dicts(value, "statuses"):
        wamid, at, status = _id(each, "id"), _seconds(each), _text(each, "status").lower()[:20]
        if not wamid or at is None or not status:
            continue
        person = Person(_id(each, "recipient_user_id"), _digits(_text(each, "recipient_id")))
        known = next((one for one in people if _same(one, person)), person)
        yield Status(wamid, status, at, _text(each, "biz_opaque_callback_data")[:512], _code(each, value), known)


def _code(each: dict[str, Any], value: dict[str, Any]) -> int:
    for error in (*_dicts(each, "errors"), *_dicts(value, "errors")):
        code = error.get("code")
        if isinstance(code, int) and 0 <= code < 10_000_000:
            return code
    return 0


def _people(value: dict[str, Any]) -> list[Person]:
    return [
        Person(
            _id(each, "user_id"),
            _digits(_text(each, "wa_id")),
            _line(_dict(each, "profile"), "name"),
            _line(_dict(each, "profile"), "username"),
        )
        for each in _dicts(value, "contacts")
    ]


def _person(each: dict[str, Any], people: list[Person], field: str) -> Person:
    """Who wrote it (or to whom), with what the list of contacts knows of them."""
    given = Person(_id(each, f"{field}_user_id"), _digits(_text(each, field)))
    for one in people:
        if _same(one, given):
            return one._replace(bsuid=one.bsuid or given.bsuid, phone=one.phone or given.phone)
    alone = len(people) == 1 and not given.bsuid and not given.phone
    return people[0] if alone else given


def _same(one: Person, other: Person) -> bool:
    if one.bsuid and other.bsuid:
        return one.bsuid == other.bsuid
    return bool(one.phone) and one.phone == other.phone


def _seconds(each: dict[str, Any]) -> int | None:
    """A time of Meta's: seconds since 1970, as a string; some years around ours."""
    given = str(each.get("timestamp", ""))
    return int(given) if given.isascii() and given.isdigit() and len(given) in (9, 10) else None


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)[:_LONGEST]


def _digits(given: str) -> str:
    plain = given.lstrip("+")
    return plain if plain.isascii() and plain.isdigit() and 5 <= len(plain) <= 20 else ""


def _id(given: Any, name: str) -> str:
    """An id: printable, of one line, not too long; Meta writes some of them as numbers."""
    value = given.get(name) if isinstance(given, dict) else None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**30 else ""
    fits = isinstance(value, str) and value.isascii() and value.isprintable() and len(value) <= _ID
    return value if fits else ""  # type: ignore[return-value]  # it is a str where it fits


def _line(given: dict[str, Any], name: str) -> str:
    return " ".join(_text(given, name).split())[:_NAME]


def _text(given: Any, name: str) -> str:
    value = given.get(name) if isinstance(given, dict) else None
    return clean(value[:_LONGEST]) if isinstance(value, str) else ""


def _dict(given: Any, name: str) -> dict[str, Any]:
    value = given.get(name) if isinstance(given, dict) and name else None
    return value if isinstance(value, dict) else {}


def _dicts(given: Any, name: str) -> list[dict[str, Any]]:
    value = given.get(name) if isinstance(given, dict) else None
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
