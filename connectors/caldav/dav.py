"""WebDAV's XML (RFC 4918, 4791, 6578): what we ask, and what a multistatus answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = [
    "CALDAV",
    "DAV",
    "SERVER",
    "Answer",
    "Multistatus",
    "NotDavError",
    "Scheduled",
    "by_uid",
    "changes_since",
    "hrefs_in",
    "multiget",
    "parse_multistatus",
    "parse_scheduled",
    "propfind",
    "text_of",
]

DAV, CALDAV, SERVER = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{http://calendarserver.org/ns/}"
_SPACES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:s="http://calendarserver.org/ns/"'
_PREFIXES = {DAV: "d:", CALDAV: "c:", SERVER: "s:"}


class NotDavError(ValueError):
    """A body that is no multistatus."""


class Answer(NamedTuple):
    """One response of a multistatus: its href as given, its status, and the properties that were found."""

    href: str
    status: int
    props: Mapping[str, Element]


class Scheduled(NamedTuple):
    """What a server says about one calendar user (RFC 6638, 5.2): a request-status such as "2.0;Success", and data."""

    recipient: str
    status: str
    data: str


class Multistatus(NamedTuple):
    """Responses, the new sync token ("" for none), and whether the server left some out (RFC 6578, 3.6)."""

    answers: tuple[Answer, ...]
    token: str = ""
    truncated: bool = False


def propfind(*names: str) -> bytes:
    """A PROPFIND body for properties by full name."""
    return _body("d:propfind", _props(names))


def changes_since(token: str) -> bytes:
    """A sync-collection report (RFC 6578, 3.2); an empty token asks for everything."""
    given = f"<d:sync-token>{escape(token)}</d:sync-token><d:sync-level>1</d:sync-level>"
    return _body("d:sync-collection", given + _props((f"{DAV}getetag",)))


def multiget(paths: Iterable[str]) -> bytes:
    """A calendar-multiget report (RFC 4791, 7.9)."""
    hrefs = "".join(f"<d:href>{escape(path)}</d:href>" for path in paths)
    return _body("c:calendar-multiget", _props((f"{DAV}getetag", f"{CALDAV}calendar-data")) + hrefs)


def by_uid(uid: str, component: str = "VEVENT") -> bytes:
    """A calendar-query (RFC 4791, 7.8.6) for the event (or task, VTODO) with a UID."""
    match = f'<c:text-match collation="i;octet">{escape(uid)}</c:text-match>'
    event = f'<c:comp-filter name="{component}"><c:prop-filter name="UID">{match}</c:prop-filter></c:comp-filter>'
    wanted = f'<c:filter><c:comp-filter name="VCALENDAR">{event}</c:comp-filter></c:filter>'
    return _body("c:calendar-query", _props((f"{DAV}getetag", f"{CALDAV}calendar-data")) + wanted)


def parse_scheduled(content: bytes) -> list[Scheduled]:
    """The answers in a schedule-response, recipients in lower case; raises `NotDavError`."""
    return [
        Scheduled(
            next(iter(hrefs_in(each.find(f"{CALDAV}recipient"))), "").lower(),
            text_of(each.find(f"{CALDAV}request-status")),
            text_of(each.find(f"{CALDAV}calendar-data")),
        )
        for each in _root(content).iter(f"{CALDAV}response")
    ]


def parse_multistatus(content: bytes) -> Multistatus:
    """The answers in a 207 body; raises `NotDavError`."""
    root = _root(content)
    if root.tag != f"{DAV}multistatus":
        raise NotDavError("not a multistatus")
    answers = tuple(_answer(each) for each in root.iter(f"{DAV}response"))
    truncated = any(each.status == 507 for each in answers)
    kept = tuple(each for each in answers if each.href and each.status != 507)
    return Multistatus(kept, text_of(root.find(f"{DAV}sync-token")), truncated)


def text_of(element: Element | None) -> str:
    """The text of an element, trimmed; "" when there is none."""
    return ((element.text if element is not None else "") or "").strip()


def hrefs_in(element: Element | None) -> list[str]:
    """The hrefs inside a property."""
    found = element.iter(f"{DAV}href") if element is not None else ()
    return [text for each in found if (text := text_of(each))]


def _root(content: bytes) -> Element:
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise NotDavError("not XML as a server may send it") from error
    return root


def _answer(response: Element) -> Answer:
    props: dict[str, Element] = {}
    for part in response.iter(f"{DAV}propstat"):
        if _status(part.find(f"{DAV}status")) == 200:
            prop = part.find(f"{DAV}prop")
            props |= {each.tag: each for each in (prop if prop is not None else ())}
    status = response.find(f"{DAV}status")
    return Answer(text_of(response.find(f"{DAV}href")), 200 if status is None else _status(status), props)


def _status(element: Element | None) -> int:
    """The number in "HTTP/1.1 200 OK"."""
    parts = text_of(element).split()
    return int(parts[1]) if len(parts) > 1 and parts[1].isascii() and parts[1].isdigit() else 0


def _body(name: str, inner: str) -> bytes:
    return f'<?xml version="1.0" encoding="utf-8"?><{name} {_SPACES}>{inner}</{name}>'.encode()


def _props(names: Iterable[str]) -> str:
    return f"<d:prop>{''.join(_empty(name) for name in names)}</d:prop>"


def _empty(name: str) -> str:
    space, _, local = name.rpartition("}")
    return f"<{_PREFIXES[space + '}']}{local}/>"
