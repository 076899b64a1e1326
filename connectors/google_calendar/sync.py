"""One pass over an account: its calendars, and of each what changed since the pass before.

Google gives a token for that at the end of a reading of everything, without bounds of time (what it forgot answers 410,
and everything is read anew). Before a calendar's first reading the coming weeks are read by themselves, so that they
are there at once. A reading of everything that was stopped goes on at the page where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connectors.google_calendar import mirror
from connectors.google_calendar.account import api_of, name_of, owner_of, segment
from connectors.google_calendar.events import clean
from connectors.google_calendar.mirror import Found, KeptCalendar
from openassistant.capabilities import allowed
from openassistant.connector import Context
from openassistant.errors import Forbidden, InvalidRequest, NotFound
from openassistant.providers.google import GoogleApi

__all__ = ["calendars_of", "sync_account"]

_PAGE = "250"
_SOON = timedelta(days=35)
_PAGE_LIVES = 3_600
"""Seconds for which a page that a pass was stopped at is gone on with: Google does not say how long it is known."""
_MOST_CALENDARS, _MOST_ANNOUNCED, _MOST_PAGES = 100, 50, 20
_ROLES = ("owner", "writer", "reader", "freeBusyReader")


async def sync_account(ctx: Context) -> None:
    """Brings the mirror of `ctx.account` up to date; raises `OaError` when Google cannot be used."""
    owner = owner_of(ctx)
    if not await allowed(ctx, "read"):
        await ctx.store.write(lambda c: mirror.drop_calendars(c, owner, keep=()))
        return
    api, name = await api_of(ctx), await name_of(ctx)
    found = await calendars_of(api)
    await ctx.store.write(lambda c: mirror.drop_calendars(c, owner, keep={each.ref for each in found}))
    for each in found:
        await ctx.store.write(partial(mirror.open_calendar, account=owner, name=name, found=each))
    kept = [each for each in await ctx.store.read(lambda c: mirror.calendars(c, owner)) if each.readable]
    pass_ = _Pass(ctx, api)
    for calendar in kept:
        if not calendar.complete and not calendar.page:
            await pass_.read_soon(calendar)
    for calendar in kept:
        await pass_.run(calendar)
    held = await ctx.store.read(lambda c: sum(mirror.count(c, each.id) for each in kept))
    await ctx.progress(held, held, "events")


async def calendars_of(api: GoogleApi) -> list[Found]:
    """The calendars of the account, the usual one first, at most a hundred."""
    found: list[Found] = []
    async for page in api.pages("users/me/calendarList", maxResults="100"):
        found += [_found(each) for each in _items(page) if isinstance(each.get("id"), str)]
        if len(found) >= _MOST_CALENDARS:
            break
    return sorted(found, key=lambda each: not each.usual)[:_MOST_CALENDARS]


class _Pass:
    """Brings the mirror of one account up to date, calendar by calendar, and says how far it is."""

    def __init__(self, ctx: Context, api: GoogleApi) -> None:
        self._ctx, self._api, self._done = ctx, api, 0

    async def report(self, what: str) -> None:
        """Tells how many events were read."""
        await self._ctx.progress(self._done, None, what)

    async def read_soon(self, calendar: KeptCalendar) -> None:
        """The coming weeks of a calendar that was never read."""
        now, count = self._ctx.now(), 0
        span = {"timeMin": _typed(now - timedelta(days=1)), "timeMax": _typed(now + _SOON)}
        try:
            async for page in self._api.pages(_events(calendar), maxResults=_PAGE, **span):
                await self._take(calendar, page, seen=None)
                count += 1
                if count >= _MOST_PAGES:
                    break
        except (NotFound, Forbidden) as error:
            _raise_for_usual(calendar, error)
        await self.report(calendar.name)

    async def run(self, calendar: KeptCalendar) -> None:
        """One calendar; what Google has forgotten is begun anew, once. One that is gone meanwhile is left alone."""
        try:
            if calendar.token:
                try:
                    await self._follow(calendar, whole=False)
                except NotFound as error:
                    if error.details.get("status") != 410:
                        raise
                else:
                    return
            await self._whole(calendar)
        except (NotFound, Forbidden) as error:
            _raise_for_usual(calendar, error)

    async def _whole(self, calendar: KeptCalendar) -> None:
        age = self._ctx.now().timestamp() - calendar.page_at
        if calendar.page and not calendar.token and age < _PAGE_LIVES:
            try:
                await self._follow(calendar, whole=True)
            except (InvalidRequest, NotFound):  # Google does not know that page any more
                pass
            else:
                return
        await self._ctx.store.write(lambda c: mirror.begin_round(c, calendar.id))
        await self._follow(calendar._replace(token="", page=""), whole=True)

    async def _follow(self, calendar: KeptCalendar, *, whole: bool) -> None:
        """What changed, or everything from a page on. The parameters are the same for both, as Google wants it."""
        seen = self._ctx.now() if calendar.complete else None
        keys: list[str] = []
        token, at, resumed = "", calendar.page if whole else "", True
        by = {} if whole else {"syncToken": calendar.token}

        def ask(mark: str) -> Any:
            nonlocal resumed
            page, resumed = mark or (at if resumed else ""), False
            return self._api.get(_events(calendar), maxResults=_PAGE, **by, **({"pageToken": page} if page else {}))

        async for page in self._api.follow(ask, by="nextPageToken"):
            keys += await self._take(calendar, page, seen=seen)
            token, following = str(page.get("nextSyncToken") or ""), str(page.get("nextPageToken") or "")
            if whole and following:
                now = self._ctx.now()
                await self._ctx.store.write(partial(mirror.step, calendar=calendar.id, page=following, at=now))
            await self.report(calendar.name)
        now = self._ctx.now()
        keys += await self._ctx.store.write(
            lambda c: mirror.close_round(c, calendar, token, whole=whole, now=now, seen=seen)
        )
        if seen is not None and keys:
            await self._ctx.announce("event", list(dict.fromkeys(keys))[:_MOST_ANNOUNCED])

    async def _take(self, calendar: KeptCalendar, page: Mapping[str, Any], *, seen: datetime | None) -> list[str]:
        """Writes a page into the mirror; gives the keys of what is not as before."""
        items = _items(page)
        self._done += len(items)
        return await self._ctx.store.write(
            partial(mirror.put_events, calendar=calendar, raw=items, now=self._ctx.now(), seen=seen)
        )


def _found(raw: Mapping[str, Any]) -> Found:
    name = raw.get("summaryOverride") or raw.get("summary")
    role, zone = raw.get("accessRole"), raw.get("timeZone")
    return Found(
        ref=str(raw["id"])[:1_000],
        name=" ".join(clean(str(name or "Calendar"), 300).split()),
        zone=zone[:60] if isinstance(zone, str) else "",
        role=str(role) if role in _ROLES else "freeBusyReader",
        usual=raw.get("primary") is True,
    )


def _items(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = page.get("items")
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _events(calendar: KeptCalendar) -> str:
    return f"calendars/{segment(calendar.ref)}/events"


def _raise_for_usual(calendar: KeptCalendar, error: NotFound | Forbidden) -> None:
    """A calendar that somebody shared may be taken away at any time; the account's own must be there."""
    if calendar.usual or error.details.get("reason"):
        raise error


def _typed(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
