"""One pass over an account: the groups, then what changed among contacts and collected addresses since the last pass.

Google gives a token for that, good for seven days after everything was read; an expired one means reading all anew,
which goes on where it was stopped.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from connectors.google_contacts import mirror
from connectors.google_contacts.account import owner_of
from connectors.google_contacts.client import Kind, Page, PeopleApi
from connectors.google_contacts.mirror import Group, Listing
from connectors.google_contacts.people import clean, group_id
from openassistant.capabilities import allowed
from openassistant.connector import Context
from openassistant.errors import InvalidRequest, NotFound, UpstreamFailed

__all__ = ["sync_account"]

_MOST_PAGES = 1000
_PAGE_LIVES = timedelta(minutes=30)
"""How long a page that a pass was stopped at is gone on with."""
_MOST_ANNOUNCED = 50
_WORDS = {"contact": "contacts", "other": "collected addresses"}


async def sync_account(ctx: Context) -> None:
    """Brings the mirror of `ctx.account` up to date; raises `OaError` when Google cannot be used."""
    owner, api = owner_of(ctx), await PeopleApi.of(ctx)
    kinds: tuple[Kind, Kind] = ("contact", "other")
    for kind in kinds:
        if not await allowed(ctx, "read" if kind == "contact" else "other"):
            await ctx.store.write(partial(mirror.drop_kind, account=owner, kind=kind))
            continue
        if kind == "contact":
            found = [group for each in await api.groups() if (group := _group(each))]
            await ctx.store.write(partial(mirror.put_groups, account=owner, found=found))
        await _Pass(ctx, owner, api, kind).run()


class _Pass:
    """Brings one list up to date."""

    def __init__(self, ctx: Context, owner: str, api: PeopleApi, kind: Kind) -> None:
        self._ctx, self._owner, self._api, self._kind = ctx, owner, api, kind
        self._touched: list[str] = []

    async def run(self) -> None:
        """By token where there is one that Google still takes, else everything."""
        kept = await self._ctx.store.read(lambda c: mirror.listing(c, self._owner, self._kind))
        if not (kept.token and kept.complete and await self._since(kept)):
            await self._whole(kept)
        total = await self._ctx.store.read(lambda c: mirror.count(c, self._owner, self._kind))
        await self._ctx.progress(total, total, _WORDS[self._kind])
        if kept.complete and self._touched and self._kind == "contact":
            await self._ctx.announce("contact", self._touched[:_MOST_ANNOUNCED])

    async def _since(self, kept: Listing) -> bool:
        """What changed since the last pass; False when Google does not know its token any more."""
        page = Page([], "", "", None)
        for _ in range(_MOST_PAGES):
            try:
                page = await self._api.page(self._kind, page=page.next, token=kept.token)
            except (InvalidRequest, NotFound):  # EXPIRED_SYNC_TOKEN, which comes as 400 or as 410
                return False
            await self._take(page, kept, log=True)
            if not page.next:
                break
        else:
            raise UpstreamFailed("Google's list does not end.")
        await self._keep(kept._replace(token=page.token or kept.token, page="", page_at=""))
        return True

    async def _whole(self, kept: Listing) -> None:
        """Everything, page by page; what a whole pass did not meet is gone."""
        now = self._ctx.now()
        at = kept.page if kept.page and _is_fresh(kept.page_at, now) else ""
        turn = kept.round if at else kept.round + 1
        kept = kept._replace(round=turn, token="")
        seen, resumed = {at}, bool(at)
        done = await self._ctx.store.read(lambda c: mirror.count(c, self._owner, self._kind)) if at else 0
        for _ in range(_MOST_PAGES):
            try:
                page = await self._api.page(self._kind, page=at)
            except (InvalidRequest, NotFound):
                if not resumed:
                    raise
                at, resumed, done, kept = "", False, 0, kept._replace(round=kept.round + 1)
                continue
            await self._take(page, kept, log=kept.complete)
            done += len(page.people)
            await self._ctx.progress(done, max(page.total or done, done), _WORDS[self._kind])
            if not page.next:
                break
            if page.next in seen:
                raise UpstreamFailed("Google's list does not end.")
            at = page.next
            seen.add(at)
            kept = kept._replace(page=at, page_at=self._ctx.now().isoformat())
            await self._keep(kept)
        else:
            raise UpstreamFailed("Google's list does not end.")
        when, log, last = self._ctx.now().isoformat(), kept.complete, kept.round

        def end(connection: Connection) -> None:
            mirror.sweep(connection, self._owner, self._kind, turn=last, now=when, log=log)
            ended = kept._replace(token=page.token, page="", page_at="", complete=True)
            mirror.keep_listing(connection, self._owner, self._kind, ended)

        await self._ctx.store.write(end)

    async def _take(self, page: Page, kept: Listing, *, log: bool) -> None:
        when, owner, kind = self._ctx.now().isoformat(), self._owner, self._kind
        living = [each for each in page.people if not each.deleted]
        there = {each.id for each in living}
        gone = [each.id for each in page.people if each.deleted]
        gone += [former for each in page.people for former in each.previous if former not in there]

        def write(connection: Connection) -> list[str]:
            mirror.remove(connection, owner, kind, gone, now=when, log=log)
            return mirror.put(connection, owner, living, now=when, turn=kept.round, log=log)

        self._touched += await self._ctx.store.write(write)

    async def _keep(self, listing: Listing) -> None:
        await self._ctx.store.write(lambda c: mirror.keep_listing(c, self._owner, self._kind, listing))


def _is_fresh(at: str, now: datetime) -> bool:
    try:
        return now - datetime.fromisoformat(at) < _PAGE_LIVES
    except ValueError:
        return False


def _group(raw: dict[str, object]) -> Group | None:
    name = raw.get("formattedName") or raw.get("name")
    metadata = raw.get("metadata")
    if not (found := group_id(raw.get("resourceName"))) or not isinstance(name, str):
        return None
    if isinstance(metadata, dict) and metadata.get("deleted") is True:
        return None
    return Group(found, clean(name, 200), raw.get("groupType") == "USER_CONTACT_GROUP")
