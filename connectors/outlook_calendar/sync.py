"""One pass over an account: its calendars, and of each what changed since the pass before.

Each calendar has a delta over a span (https://learn.microsoft.com/graph/delta-query-events), which Graph fixes when it
begins: it begins anew before that span is used up, and where Graph has forgotten it. Before a calendar's first delta
the coming weeks are read by themselves, so that they are there at once. After each page stands in the mirror where to
go on, so that a pass that was stopped goes on there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connectors.outlook_calendar import mirror
from connectors.outlook_calendar.account import api_of, iri, name_of, owner_of
from connectors.outlook_calendar.mirror import Found, KeptCalendar
from openassistant.connector import Context
from openassistant.errors import InvalidRequest, NotFound
from openassistant.formats.moments import Window
from openassistant.providers.graph import GraphApi

__all__ = ["calendars_of", "span_for", "sync_account", "take_series"]

_BEHIND, _AHEAD = timedelta(days=92), timedelta(days=400)
_LEAST_AHEAD = timedelta(days=370)
"""What has to be left of a span's future: `events_list` looks a year ahead."""
_SOON = timedelta(days=35)
_MOST_CALENDARS, _MOST_ANNOUNCED, _MOST_PAGES = 100, 50, 20
_CALENDAR = "id,name,canEdit,isDefaultCalendar,owner,defaultOnlineMeetingProvider,allowedOnlineMeetingProviders"


async def sync_account(ctx: Context) -> None:
    """Brings the mirror of `ctx.account` up to date; raises `OaError` when Graph cannot be used."""
    owner, api, name = owner_of(ctx), await api_of(ctx), await name_of(ctx)
    found = await calendars_of(api)
    await ctx.store.write(lambda c: mirror.drop_calendars(c, owner, keep={each.ref for each in found}))
    for each in found:
        await ctx.store.write(partial(mirror.open_calendar, account=owner, name=name, found=each))
    kept = await ctx.store.read(lambda c: mirror.calendars(c, owner))
    pass_ = _Pass(ctx, api)
    for calendar in kept:
        if not calendar.complete and not calendar.link:
            await pass_.read_soon(calendar)
    for calendar in kept:
        await pass_.run(calendar)
    held = await ctx.store.read(lambda c: sum(mirror.count(c, each.id) for each in kept))
    await ctx.progress(held, held, "events")


def span_for(now: datetime) -> Window:
    """The span that a delta begun now covers: whole days."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(midnight - _BEHIND, midnight + _AHEAD)


async def calendars_of(api: GraphApi) -> list[Found]:
    """The calendars of the account, at most a hundred."""
    found: list[Found] = []
    async for page in api.pages("me/calendars", {"$select": _CALENDAR}):
        found += [_found(each) for each in page.get("value") or [] if isinstance(each, dict) and each.get("id")]
        if len(found) >= _MOST_CALENDARS:
            break
    return found[:_MOST_CALENDARS]


async def take_series(ctx: Context, api: GraphApi, calendar: KeptCalendar, *, seen: datetime | None = None) -> None:
    """Reads the series of which the mirror has only dates."""
    for ref in await ctx.store.read(lambda c: mirror.missing_series(c, calendar.id)):
        try:
            raw = await api.get(f"me/events/{iri(ref)}")
        except (NotFound, InvalidRequest):
            await ctx.store.write(partial(mirror.remove, calendar=calendar, refs=[ref], seen=None))
            continue
        await ctx.store.write(partial(mirror.put_events, calendar=calendar, raw=[raw], seen=seen))


class _Pass:
    """Brings the mirror of one account up to date, calendar by calendar, and says how far it is."""

    def __init__(self, ctx: Context, api: GraphApi) -> None:
        self._ctx, self._api, self._done = ctx, api, 0

    async def report(self, what: str) -> None:
        """Tells how many events were read."""
        await self._ctx.progress(self._done, None, what)

    async def read_soon(self, calendar: KeptCalendar) -> None:
        """The coming weeks of a calendar that was never read."""
        now = self._ctx.now()
        span = {"startDateTime": _typed(now - timedelta(days=1)), "endDateTime": _typed(now + _SOON)}
        count = 0
        async for page in self._api.pages(f"me/calendars/{iri(calendar.ref)}/calendarView", span):
            await self._take(calendar, page, seen=None)
            count += 1
            if count >= _MOST_PAGES:
                break
        await take_series(self._ctx, self._api, calendar)
        await self.report(calendar.name)

    async def run(self, calendar: KeptCalendar) -> None:
        """One calendar; a delta that Graph has forgotten is begun anew, once."""
        now = self._ctx.now()
        if not calendar.link or datetime.fromtimestamp(calendar.last, now.tzinfo) - now < _LEAST_AHEAD:
            calendar = await self._begin(calendar)
        try:
            await self._follow(calendar)
        except NotFound as error:
            if not calendar.link:
                raise
            if error.details.get("reason") != "resync" and error.details.get("status") != 404:
                raise
            await self._follow(await self._begin(calendar))

    async def _begin(self, calendar: KeptCalendar) -> KeptCalendar:
        span = span_for(self._ctx.now())
        await self._ctx.store.write(lambda c: mirror.begin_round(c, calendar.id, span))
        every = await self._ctx.store.read(lambda c: mirror.calendars(c, calendar.account))
        return next(each for each in every if each.id == calendar.id)

    async def _follow(self, calendar: KeptCalendar) -> None:
        seen = self._ctx.now() if calendar.complete and not calendar.filling else None
        keys: list[str] = []
        path, params = calendar.link, None
        if not path:
            path = f"me/calendars/{iri(calendar.ref)}/calendarView/delta"
            ends = (datetime.fromtimestamp(each, self._ctx.now().tzinfo) for each in (calendar.first, calendar.last))
            params = dict(zip(("startDateTime", "endDateTime"), map(_typed, ends), strict=True))
        async for page in self._api.pages(path, params):
            keys += await self._take(calendar, page, seen=seen)
            link = str(page.get("@odata.nextLink") or page.get("@odata.deltaLink") or "")
            link = self._api.url(link) if link else ""
            await self._ctx.store.write(partial(mirror.step, calendar=calendar.id, link=link))
            await self.report(calendar.name)
        await take_series(self._ctx, self._api, calendar, seen=seen)
        await self._ctx.store.write(lambda c: mirror.close_round(c, calendar, seen=self._ctx.now()))
        if seen is not None and keys:
            await self._ctx.announce("event", list(dict.fromkeys(keys))[:_MOST_ANNOUNCED])

    async def _take(self, calendar: KeptCalendar, page: Mapping[str, Any], *, seen: datetime | None) -> list[str]:
        """Writes a page into the mirror; gives the keys of what is new or changed."""
        listed = page.get("value")
        items = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        gone = [str(each["id"]) for each in items if "@removed" in each and each.get("id")]
        there = [each for each in items if "@removed" not in each]
        self._done += len(items)
        await self._ctx.store.write(partial(mirror.remove, calendar=calendar, refs=gone, seen=seen))
        return await self._ctx.store.write(partial(mirror.put_events, calendar=calendar, raw=there, seen=seen))


def _found(raw: Mapping[str, Any]) -> Found:
    owner = raw.get("owner")
    address = owner.get("address") if isinstance(owner, dict) else None
    usual, allowed = raw.get("defaultOnlineMeetingProvider"), raw.get("allowedOnlineMeetingProviders")
    online = [each for each in [usual, *(allowed if isinstance(allowed, list) else [])] if isinstance(each, str)]
    return Found(
        ref=str(raw["id"])[:1_000],
        name=" ".join(str(raw.get("name") or "Calendar").split())[:200],
        writable=raw.get("canEdit") is not False,
        usual=raw.get("isDefaultCalendar") is True,
        owner=str(address or "").lower()[:254],
        online=tuple(dict.fromkeys(each[:60] for each in online if each != "unknown")),
    )


def _typed(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
