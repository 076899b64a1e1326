"""One pass over an account: which calendars there are, what changed in them, and that alone is read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from connectors.caldav import dav, mirror
from connectors.caldav.account import CaldavAccount, account_of, own_addresses, owner_of
from connectors.caldav.client import DavSession, Stored, dav_session
from connectors.caldav.discovery import Calendar, Home, find_calendars, find_home
from connectors.caldav.mirror import KeptCalendar, Profile
from connectors.caldav.outlines import Outline, outline
from openassistant.connector import Context
from openassistant.errors import Conflict, Forbidden, NotFound, OaError, TooLarge, Unavailable

__all__ = ["sync_account"]

_COUNTED = "events"
"""What a finished pass has counted."""
_SECONDS = 1800.0
_BATCH = 50
_MOST_PAGES = 1000
_MOST_ANNOUNCED = 50
_ETAG = f"{dav.DAV}getetag"
_NO_SUCH_REPORT = (Forbidden, Conflict, NotFound, Unavailable)
"""How servers refuse a sync token that they forgot (RFC 6578, 3.2), or the whole report."""


class _Changes(NamedTuple):
    """ETags of what is new or changed, by URL; what is gone; the token to go on from ("" without one)."""

    changed: dict[str, str]
    gone: set[str]
    token: str


async def sync_account(ctx: Context) -> None:
    """Brings the mirror of `ctx.account` up to date; raises `OaError` when the server cannot be used."""
    owner, account = owner_of(ctx), await account_of(ctx)
    async with dav_session(account, seconds=_SECONDS) as session:
        home = await find_home(session)
        calendars = await find_calendars(session, home)
        invites = await _sends_invitations(session, home.urls[0])
        keep = {each.url for each in calendars}
        profile = _profile(account, home, invites=invites, name=(await ctx.credentials()).name)
        await ctx.store.write(lambda c: mirror.put_profile(c, owner, profile))
        await ctx.store.write(lambda c: mirror.drop_calendars(c, owner, keep=keep))
        pass_ = _Pass(ctx, owner, account, session)
        for calendar in calendars:
            await pass_.run(calendar)
        await pass_.report(_COUNTED)


class _Pass:
    """Brings the mirror of one account up to date, calendar by calendar, and says how far it is."""

    def __init__(self, ctx: Context, owner: str, account: CaldavAccount, session: DavSession) -> None:
        self._ctx, self._owner, self._account, self._session = ctx, owner, account, session
        self._done = self._total = 0

    async def report(self, what: str) -> None:
        """Tells how many of the events that are known by now are in the mirror."""
        await self._ctx.progress(self._done, max(self._total, self._done), what)

    async def run(self, calendar: Calendar) -> None:
        """One calendar; one whose version did not change is left alone."""
        row = await self._ctx.store.write(lambda c: mirror.open_calendar(c, self._owner, calendar))
        kept = await self._ctx.store.read(lambda c: next(k for k in mirror.calendars(c, self._owner) if k.id == row))
        known = await self._ctx.store.read(lambda c: mirror.known(c, row))
        same = kept.complete and calendar.version and calendar.version == kept.version
        found = _Changes({}, set(), kept.token) if same else await self._changes(kept, known)
        self._done += len(known.keys() - found.gone - found.changed.keys())
        self._total = self._done + len(found.changed)
        await self.report(calendar.name)
        await self._ctx.store.write(lambda c: mirror.remove(c, row, found.gone))
        keys: list[str] = []
        for batch in _batches(list(found.changed)):
            keys += await self._add(kept, batch)
            await self.report(calendar.name)
        await self._ctx.store.write(
            lambda c: mirror.close_calendar(c, row, version=calendar.version, token=found.token)
        )
        if kept.complete and keys:
            await self._ctx.announce("event", keys[:_MOST_ANNOUNCED])

    async def _changes(self, kept: KeptCalendar, known: dict[str, str]) -> _Changes:
        """By sync token where the server has them, else everything and what of it is missing."""
        if kept.token and kept.complete:
            with contextlib.suppress(*_NO_SUCH_REPORT):
                changed, gone, token = await self._since(kept.url, kept.token)
                return _Changes({u: e for u, e in changed.items() if known.get(u) != e}, gone, token)
        try:
            listed, _, token = await self._since(kept.url, "")
        except _NO_SUCH_REPORT:
            listed, token = await self._listed(kept.url), ""
        changed = {url: etag for url, etag in listed.items() if known.get(url) != etag or not etag}
        return _Changes(changed, known.keys() - listed.keys(), token)

    async def _since(self, url: str, token: str) -> tuple[dict[str, str], set[str], str]:
        changed: dict[str, str] = {}
        gone: set[str] = set()
        for _ in range(_MOST_PAGES):
            found = await self._session.report(url, dav.changes_since(token), depth=0)
            for each in found.answers:
                name = self._account.resolve(url, each.href)
                if each.status in (404, 410):
                    gone.add(name)
                    changed.pop(name, None)
                elif not name.endswith("/"):
                    gone.discard(name)
                    changed[name] = dav.text_of(each.props.get(_ETAG))
            if not found.truncated or found.token in ("", token):
                break
            token = found.token
        return changed, gone, found.token

    async def _listed(self, url: str) -> dict[str, str]:
        base, found = await self._session.propfind(url, _ETAG, depth=1)
        tags = {self._account.resolve(base, each.href): each.props.get(_ETAG) for each in found.answers}
        return {name: dav.text_of(tag) for name, tag in tags.items() if not name.endswith("/")}

    async def _add(self, kept: KeptCalendar, urls: Sequence[str]) -> list[str]:
        stored = await self._fetch(kept.url, urls)
        outlines = await asyncio.to_thread(self._outlines, stored)
        pairs = list(zip(stored, outlines, strict=True))
        write = partial(mirror.put_objects, account=self._owner, calendar=kept.id, objects=pairs)
        self._done += len(urls)
        return await self._ctx.store.write(write)

    def _outlines(self, stored: Sequence[Stored]) -> list[Outline]:
        now = self._ctx.now()
        return [outline(each.text, now=now) for each in stored]

    async def _fetch(self, url: str, urls: Sequence[str]) -> list[Stored]:
        """Halves what fails until the one object is found that the server or its XML chokes on."""
        try:
            return await self._session.multiget(url, urls)
        except (Unavailable, TooLarge) as error:
            if error.details.get("reason") not in (None, "not_caldav"):
                raise
        if len(urls) == 1:
            found = await self._session.get(urls[0])
            return [found] if found else []
        middle = len(urls) // 2
        return await self._fetch(url, urls[:middle]) + await self._fetch(url, urls[middle:])


def _profile(account: CaldavAccount, home: Home, *, invites: bool, name: str) -> Profile:
    """What is known of the account; the addresses of one that is lent are not the user's."""
    if account.lent:
        return Profile(invites=invites, name=name)
    return Profile(home.addresses, invites, home.outbox, name, own_addresses(account, home.addresses))


async def _sends_invitations(session: DavSession, url: str) -> bool:
    """Whether the server itself mails guests (RFC 6638, 2)."""
    try:
        return "calendar-auto-schedule" in await session.options(url)
    except OaError:
        return False


def _batches(urls: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(urls), _BATCH):
        yield urls[start : start + _BATCH]
