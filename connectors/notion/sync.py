"""One pass over a workspace: what changed since the last one, and now and then everything; then texts, newest first.

Notion has no list of changes. Its search gives what is shared by the time of the last edit, to the minute, and lags; it
never tells what is gone. So a pass reads back some minutes beyond what is known, and a whole one looks for each thing
that it did not meet, before that is taken as gone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from connectors.notion import mirror
from connectors.notion.account import owner_of
from connectors.notion.api import NotionApi, Page
from connectors.notion.mirror import State
from connectors.notion.sections import prose
from connectors.notion.things import Thing, id_of, person_of, thing_of
from openassistant.capabilities import allowed
from openassistant.connector import Context
from openassistant.errors import Forbidden, InvalidRequest, NotFound, UpstreamFailed

__all__ = ["meet", "sync_account"]

_BACK = timedelta(minutes=10)
_WHOLE_EVERY = timedelta(hours=6)
_CURSOR_LIVES = timedelta(minutes=30)
"""How long a whole pass that was stopped is gone on with."""
_MOST_PAGES = 1000
_MOST_LOOKED_FOR = 100
_MOST_TEXTS = 120
"""Texts of one pass: well under a minute at Notion's pace."""
_MOST_ANNOUNCED = 50


async def sync_account(ctx: Context) -> None:
    """Brings the mirror of `ctx.account` up to date; raises `OaError` when Notion cannot be used."""
    owner = owner_of(ctx)
    if not await allowed(ctx, "read"):
        await ctx.store.write(partial(mirror.forget, account=owner))
        return
    await _Pass(ctx, owner, await NotionApi.of(ctx)).run()


async def meet(ctx: Context, found: list[Thing]) -> None:
    """Puts what a tool came by into the mirror; what lies in the trash leaves it."""
    owner = owner_of(ctx)

    def write(connection: Connection) -> None:
        mirror.remove(connection, owner, [each.id for each in found if each.trashed])
        turn = mirror.state_of(connection, owner).round
        mirror.put(connection, owner, [each for each in found if not each.trashed], turn=turn)

    await ctx.store.write(write)


class _Pass:
    """Brings one account's mirror up to date."""

    def __init__(self, ctx: Context, owner: str, api: NotionApi) -> None:
        self._ctx, self._owner, self._api = ctx, owner, api
        self._touched: list[str] = []

    async def run(self) -> None:
        """What changed, or everything where that is due; then texts."""
        kept = await self._ctx.store.read(partial(mirror.state_of, account=self._owner))
        was_complete = kept.complete
        if kept.complete and not kept.cursor and _is_within(kept.whole_at, self._ctx.now(), _WHOLE_EVERY):
            await self._since(kept)
        else:
            await self._whole(kept)
            await self._people()
            await self._drop_old_notes()
        if was_complete and self._touched:
            await self._ctx.announce("page", self._touched[:_MOST_ANNOUNCED])
        await self._texts()
        held = await self._ctx.store.read(lambda c: mirror.total(c, self._owner))
        await self._ctx.progress(held, held, "pages")

    async def _since(self, kept: State) -> None:
        """The newest things, as far back as what is known."""
        until, newest, after, seen = _before(kept.newest, _BACK), kept.newest, "", set[str]()
        for _ in range(_MOST_PAGES):
            page = await self._api.search(after=after)
            found = _things(page)
            newest = max([newest, *(each.edited for each in found)])
            await self._take(found, kept.round)
            if not page.next or any(each.edited < until for each in found):
                break
            after = _fresh(page.next, seen)
        else:
            raise UpstreamFailed("Notion's list does not end.")
        await self._keep(kept._replace(newest=newest))

    async def _whole(self, kept: State) -> None:
        """Everything, page by page; goes on where the pass before was stopped, if that is not long ago."""
        kept, resumed = self._begun(kept)
        done, seen = 0, {kept.cursor}
        for _ in range(_MOST_PAGES):
            try:
                page = await self._api.search(after=kept.cursor)
            except (InvalidRequest, NotFound):
                if not resumed:
                    raise
                kept, resumed, seen = kept._replace(cursor="", begun_newest="", round=kept.round + 1), False, {""}
                continue
            found = _things(page)
            first = kept.begun_newest or max((each.edited for each in found), default="")
            await self._take(found, kept.round)
            done += len(found)
            await self._ctx.progress(done, None, "pages")
            if not page.next:
                break
            now = self._ctx.now().isoformat()
            kept = kept._replace(cursor=_fresh(page.next, seen), cursor_at=now, begun_newest=first)
            await self._keep(kept)
        else:
            raise UpstreamFailed("Notion's list does not end.")
        await self._look_for_missed(kept.round)
        ended = self._ctx.now().isoformat()
        newest = max(kept.newest, first)
        await self._keep(State(newest=newest, whole_at=ended, round=kept.round, complete=True))

    def _begun(self, kept: State) -> tuple[State, bool]:
        if kept.cursor and _is_within(kept.cursor_at, self._ctx.now(), _CURSOR_LIVES):
            return kept, True
        return kept._replace(cursor="", begun_newest="", round=kept.round + 1), False

    async def _look_for_missed(self, turn: int) -> None:
        """Asks for each thing that the search left out; what is gone or in the trash goes."""
        names = await self._ctx.store.read(
            lambda c: mirror.missed(c, self._owner, turn=turn, limit=_MOST_LOOKED_FOR)
        )  # fmt: skip
        for name in names:
            known = await self._ctx.store.read(partial(mirror.with_id, account=self._owner, name=name))
            asked = self._api.source if known and known.kind == "database" else self._api.page
            try:
                thing = thing_of(await asked(name))
            except (NotFound, Forbidden, InvalidRequest):
                thing = None
            if thing is None:
                await self._ctx.store.write(partial(mirror.remove, account=self._owner, names=[name]))
            else:
                await self._take([thing], turn)

    async def _people(self) -> None:
        """Names of people, where the connection may know them."""
        found = {}
        try:
            async for each in self._api.users():
                if (person := id_of(each)) and (name := person_of(each)):
                    found[person] = name
        except Forbidden:
            return
        await self._ctx.store.write(partial(mirror.keep_people, account=self._owner, found=found))

    async def _texts(self) -> None:
        """The beginnings of texts that changed, so that their words are found."""
        waiting = await self._ctx.store.read(lambda c: mirror.unindexed(c, self._owner, limit=_MOST_TEXTS))
        for number, each in enumerate(waiting, 1):
            try:
                words = prose((await self._api.markdown(each.id)).text)
            except (NotFound, Forbidden, InvalidRequest):
                words = ""
            await self._ctx.store.write(
                partial(mirror.put_excerpt, account=self._owner, name=each.id, words=words, edited=each.edited)
            )
            await self._ctx.progress(number, len(waiting), "texts")

    async def _take(self, found: list[Thing], turn: int) -> None:
        def write(connection: Connection) -> list[str]:
            mirror.remove(connection, self._owner, [each.id for each in found if each.trashed])
            return mirror.put(connection, self._owner, [each for each in found if not each.trashed], turn=turn)

        self._touched += await self._ctx.store.write(write)

    async def _keep(self, state: State) -> None:
        await self._ctx.store.write(partial(mirror.keep_state, account=self._owner, state=state))

    async def _drop_old_notes(self) -> None:
        now = self._ctx.now()
        await self._ctx.store.write(partial(mirror.old_changes, account=self._owner, now=now, days=30))


def _things(page: Page) -> list[Thing]:
    return [thing for each in page.results if (thing := thing_of(each))]


def _fresh(cursor: str, seen: set[str]) -> str:
    if cursor in seen:
        raise UpstreamFailed("Notion's list does not end.")
    seen.add(cursor)
    return cursor


def _before(moment: str, span: timedelta) -> str:
    """A moment some time earlier, in Notion's spelling, which sorts; "" where there is none."""
    try:
        return (datetime.fromisoformat(moment) - span).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    except ValueError:
        return ""


def _is_within(moment: str, now: datetime, span: timedelta) -> bool:
    try:
        return now - datetime.fromisoformat(moment) < span
    except ValueError:
        return False
