"""Finding an account's calendars from whatever address its owner typed (RFC 6764, RFC 4791, 6 and 7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

from connectors.caldav.account import CaldavAccount, own_addresses
from connectors.caldav.client import DavSession
from connectors.caldav.dav import CALDAV, DAV, SERVER, Answer, hrefs_in, text_of
from connectors.caldav.faults import no_calendars_fault, not_caldav_fault
from connectors.caldav.objects import zone_in
from openassistant.errors import AccountRequired, Forbidden, NotFound, OaError, Unavailable, UpstreamFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

__all__ = ["Calendar", "Home", "find_calendars", "find_home"]

_PRINCIPAL, _HOME, _KIND = f"{DAV}current-user-principal", f"{CALDAV}calendar-home-set", f"{DAV}resourcetype"
_ADDRESSES, _COMPONENTS = f"{CALDAV}calendar-user-address-set", f"{CALDAV}supported-calendar-component-set"
_NAME, _TOKEN, _CTAG = f"{DAV}displayname", f"{DAV}sync-token", f"{SERVER}getctag"
_RIGHTS, _ZONE = f"{DAV}current-user-privilege-set", f"{CALDAV}calendar-timezone"
_OUTBOX = f"{CALDAV}schedule-outbox-URL"
_OWNER, _TRANSPARENCY = f"{DAV}owner", f"{CALDAV}schedule-calendar-transp"
_WRITES = {f"{DAV}all", f"{DAV}write", f"{DAV}write-content", f"{DAV}bind"}
_WELL_KNOWN = "/.well-known/caldav"
_LONGEST_NAME = 100


class Home(NamedTuple):
    """Where the calendars lie; `single` when the typed address is one calendar itself; the owner's mail addresses.

    `outbox`: where the server can be asked about others' times ("" for nowhere).
    """

    urls: tuple[str, ...]
    single: bool
    addresses: tuple[str, ...]
    outbox: str = ""


class Calendar(NamedTuple):
    """A calendar for events, tasks or both; `version` changes with its content ("" when the server does not say).

    `owners`: the addresses of another whose calendar it is; `opaque` when it counts as busy time (RFC 6638, 9.1).
    """

    url: str
    name: str
    version: str
    writable: bool
    zone: str
    events: bool = True
    tasks: bool = False
    owners: tuple[str, ...] = ()
    opaque: bool = True


async def find_home(session: DavSession) -> Home:
    """Where this account's calendars are; raises an `OaError` that says what to correct."""
    typed = session.account.url
    elsewhere: OaError | None = None
    for url in dict.fromkeys((typed, urljoin(typed, _WELL_KNOWN))):
        try:
            if home := await _home_at(session, url):
                return home
        except UpstreamFailed as error:
            elsewhere = error
    raise elsewhere or not_caldav_fault(session.account.server)


async def find_calendars(session: DavSession, home: Home) -> list[Calendar]:
    """The calendars that hold events or tasks, by name; of a lent account those that are lent. Raises `NotFound`.

    The calendars of a lent account are somebody else's, so their times are not the user's.
    """
    found: dict[str, Calendar] = {}
    people = _People(session, home.addresses)
    for url in home.urls:
        names = (_KIND, _NAME, _COMPONENTS, _TOKEN, _CTAG, _RIGHTS, _ZONE, _OWNER, _TRANSPARENCY)
        base, listed = await session.propfind(url, *names, depth=0 if home.single else 1)
        for each in (answer for answer in listed.answers if any(_kinds(answer.props))):
            calendar = _calendar(session, base, each)
            if not session.account.holds(calendar.url):
                continue
            owners = await people.behind(base, hrefs_in(each.props.get(_OWNER)))
            found[calendar.url] = calendar._replace(owners=owners or _lenders(session.account, home))
    if not found:
        raise no_calendars_fault(session.account.server, session.account.username)
    return sorted(found.values(), key=lambda each: (each.name.casefold(), each.url))


def _lenders(account: CaldavAccount, home: Home) -> tuple[str, ...]:
    """Whose the calendars of a lent account are: by their addresses, else by the name that is signed in with."""
    if not account.lent:
        return ()
    return tuple(dict.fromkeys((*own_addresses(account, home.addresses), account.username)))


class _People:
    """Whose calendars these are: the addresses behind principals, each asked for once."""

    def __init__(self, session: DavSession, own: tuple[str, ...]) -> None:
        self._session, self._own = session, own
        self._known: dict[str, tuple[str, ...]] = {}

    async def behind(self, base: str, owners: list[str]) -> tuple[str, ...]:
        """The addresses of another who owns a calendar (RFC 3744, 5.1); () for the user's own, and where nobody says.

        Only who has an address that is none of the user's counts as another: a calendar that is taken for somebody
        else's would no longer keep its times busy.
        """
        found: tuple[str, ...] = ()
        for owner in owners[:1] if self._own else ():
            if owner not in self._known:
                self._known[owner] = await _addresses_of(self._session, base, owner)
            found = self._known[owner]
        return () if set(found) & set(self._own) else found


async def _home_at(session: DavSession, url: str) -> Home | None:
    """None where no CalDAV server answers; a server that refuses, fails or is silent is another matter."""
    try:
        base, found = await session.propfind(url, _PRINCIPAL, _HOME, _KIND, _ADDRESSES, _OUTBOX)
    except (NotFound, Forbidden) as error:
        if error.details.get("reason"):  # the way there was refused, not the resource
            raise
        return None
    except Unavailable as error:
        if error.details.get("reason") == "not_caldav":
            return None
        raise
    props = found.answers[0].props if found.answers else {}
    if _is_calendar(props):
        return Home((base,), single=True, addresses=await _addresses(session, base, props))
    if homes := hrefs_in(props.get(_HOME)):
        return _home(session, base, homes, props)
    for principal in hrefs_in(props.get(_PRINCIPAL)):
        base, found = await session.propfind(session.account.resolve(base, principal), _HOME, _ADDRESSES, _OUTBOX)
        props = found.answers[0].props if found.answers else {}
        if homes := hrefs_in(props.get(_HOME)):
            return _home(session, base, homes, props)
    if props.get(_PRINCIPAL) is not None and props[_PRINCIPAL].find(f"{DAV}unauthenticated") is not None:
        raise AccountRequired("The calendar server did not ask for the password, so it shows nobody's calendars.")
    return None


def _home(session: DavSession, base: str, homes: list[str], props: Mapping[str, Element]) -> Home:
    urls = tuple(session.account.resolve(base, each) for each in homes)
    outbox = next((session.account.resolve(base, each) for each in hrefs_in(props.get(_OUTBOX))), "")
    return Home(urls, single=False, addresses=_mail_addresses(props), outbox=outbox)


async def _addresses(session: DavSession, base: str, props: Mapping[str, Element]) -> tuple[str, ...]:
    for principal in hrefs_in(props.get(_PRINCIPAL)):
        return await _addresses_of(session, base, principal)
    return ()


async def _addresses_of(session: DavSession, base: str, principal: str) -> tuple[str, ...]:
    """The mail addresses of a principal; () where the server does not tell."""
    try:
        _, found = await session.propfind(session.account.resolve(base, principal), _ADDRESSES)
    except OaError:
        return ()
    return _mail_addresses(found.answers[0].props) if found.answers else ()


def _mail_addresses(props: Mapping[str, Element]) -> tuple[str, ...]:
    found = hrefs_in(props.get(_ADDRESSES))
    return tuple(each[7:].lower() for each in found if each.lower().startswith("mailto:") and "@" in each)


def _calendar(session: DavSession, base: str, found: Answer) -> Calendar:
    props = found.props
    url = session.account.resolve(base, found.href)
    url = url if url.endswith("/") else f"{url}/"
    name = " ".join(text_of(props.get(_NAME)).split())[:_LONGEST_NAME] or url.rstrip("/").rpartition("/")[2]
    version = text_of(props.get(_TOKEN)) or text_of(props.get(_CTAG))
    events, tasks = _kinds(props)
    zone, transparency = zone_in(text_of(props.get(_ZONE))), props.get(_TRANSPARENCY)
    opaque = transparency is None or transparency.find(f"{CALDAV}transparent") is None
    return Calendar(url, name, version, _writable(props), zone, events, tasks, opaque=opaque)


def _is_calendar(props: Mapping[str, Element]) -> bool:
    kind = props.get(_KIND)
    return kind is not None and kind.find(f"{CALDAV}calendar") is not None


def _kinds(props: Mapping[str, Element]) -> tuple[bool, bool]:
    """Whether a collection holds events and tasks; a calendar that does not say may hold both (RFC 4791, 5.2.3)."""
    if not _is_calendar(props):
        return False, False
    components = props.get(_COMPONENTS)
    named = {each.get("name", "").upper() for each in components} if components is not None else set()
    return not named or "VEVENT" in named, not named or "VTODO" in named


def _writable(props: Mapping[str, Element]) -> bool:
    """A server that does not tell rights (RFC 3744) is asked by trying."""
    rights = props.get(_RIGHTS)
    return rights is None or any(each.tag in _WRITES for each in rights.iter())
