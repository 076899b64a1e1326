"""One pass over a mailbox: what is new, newest first; what is gone; what changed its flags. The next pass goes on.

A mail that cannot be read is kept as a row that says so, and never stands in the way of the others.
"""

from __future__ import annotations

import asyncio
import contextlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, Self, TypeVar

from connectors.mail import mirror, outgoing
from connectors.mail.account import MailAccount, account_of
from connectors.mail.folders import Folder, sync_order
from connectors.mail.imap import FETCHED_BYTES, Fetched, ImapSession, Opened, Status, imap_session
from connectors.mail.message import Attachment, Mail, parse_mail
from connectors.mail.mirror import FolderState, Letter
from openassistant.connector import Context
from openassistant.errors import AccountRequired, Conflict, NotFound, OaError, Unavailable

__all__ = ["sync_mailbox"]

_COUNTED = "mails"
"""What a finished pass has counted."""
_BATCH = 200
_SECONDS = 60.0
_LEAST_SECONDS = 5.0
_LONGEST_COMMAND = 600.0
_MOST_BREAKS = 24
_LOOK_SECONDS = 900
"""After how long a folder is opened of which no numbers changed, where the server does not count changes of flags."""
_RECENT = 300
"""How many messages' flags are read again where the server does not tell which changed (no CONDSTORE)."""
_MOST_ANNOUNCED = 50


Answer = TypeVar("Answer")


class _Plan(NamedTuple):
    """A folder that has to be looked at: what the mirror knows and what the server says."""

    folder: Folder
    state: FolderState | None
    status: Status


class _Difference(NamedTuple):
    """UIDs that are gone and, newest first, new; `flags` by UID where the server told all that changed."""

    gone: set[int]
    fresh: list[int]
    flags: dict[int, int] | None


class _Mailbox:
    """The server side of a pass; opens a new connection when one breaks over a mail."""

    def __init__(self, account: MailAccount) -> None:
        self._account = account
        self._stack = contextlib.AsyncExitStack()
        self._folder: Folder | None = None
        self._breaks = 0
        self.session: ImapSession

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def look(self, known: dict[bytes, FolderState], now: int) -> tuple[list[Folder], list[_Plan], int]:
        """The folders, those among them that changed, and how many messages the server has."""
        numbers = dict(await self._ask(self.session.survey))
        folders, plans, total = sync_order(numbers), list[_Plan](), 0
        for folder in folders:
            if (status := numbers[folder]) is not None:
                total += status.messages
                state = known.get(folder.path)
                if not _is_same(state, folder, status, now):
                    plans.append(_Plan(folder, state, status))
        return folders, plans, total

    async def open(self, folder: Folder, state: FolderState | None) -> Opened:
        """Opens a folder, with what changed in it where the server can tell. Raises `NotFound`."""
        self._folder = folder
        known = (state.uidvalidity, state.modseq) if state is not None and state.complete else (0, 0)
        return await self._ask(partial(self.session.open_at, folder, uidvalidity=known[0], modseq=known[1]))

    async def uids(self, messages: int) -> list[int]:
        """All UIDs of the open folder, ascending."""
        return await self._ask(self.session.uids, messages)

    async def uids_from(self, first: int) -> list[int]:
        """The UIDs of the open folder from one on."""
        return await self._ask(self.session.uids_from, first)

    async def unseen(self) -> list[int]:
        """The UIDs of what is unread in the open folder."""
        return await self._ask(self.session.unseen)

    async def flags(self, uids: Sequence[int], since: int) -> dict[int, int]:
        """The flags that changed since a modification sequence, or of the newest where the server does not count."""
        if since:
            return await self._ask(self.session.changed_flags, since)
        return await self._ask(self.session.flags, uids[-_RECENT:]) if uids else {}

    async def letters(self, uids: Sequence[int]) -> list[Letter]:
        """The messages, parsed; what cannot be had is there as unreadable, what is gone meanwhile is not.

        Raises `OaError` when the server is gone.
        """
        fetched = await self._fetch(uids)
        letters = await asyncio.to_thread(lambda: [_letter(each) for each in fetched])
        cut = [letter.uid for letter in letters if letter.state == "cut"]
        attached = await self._structures(cut) if cut else {}
        missing = set(uids) - {letter.uid for letter in letters}
        there = await self._ask(self.session.present, sorted(missing)) if missing else set()
        known = [_with_attachments(letter, attached.get(letter.uid, ())) for letter in letters]
        return known + [_unreadable(uid) for uid in sorted(there)]

    async def _fetch(self, uids: Sequence[int]) -> list[Fetched]:
        """Halves what fails until the one message is found that the server or the protocol chokes on."""
        try:
            return await self._ask(self.session.fetch, uids)
        except (Unavailable, Conflict) as error:
            await self._reopen(error)
        if len(uids) == 1:
            return []
        middle = len(uids) // 2
        return await self._fetch(uids[:middle]) + await self._fetch(uids[middle:])

    async def _structures(self, uids: Sequence[int]) -> dict[int, list[tuple[str, str, int]]]:
        try:
            return await self._ask(self.session.structures, uids)
        except (Unavailable, Conflict) as error:
            await self._reopen(error)
            return {}

    async def _ask(self, work: Callable[..., Answer], *arguments: object) -> Answer:
        """What a command brings; a server that goes on talking without an end is cut off."""
        asked = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
        done, _ = await asyncio.wait([asked], timeout=_LONGEST_COMMAND)
        if not done:
            self.session.cut()
            await asyncio.wait([asked], timeout=_SECONDS)
            raise Unavailable(f"{self._account.imap.host} did not come to an end. Whoever runs that server can look.")
        return await asked

    async def _connect(self) -> None:
        """Each break halves the patience with silence, so that one mute mail does not cost a quarter of an hour."""
        seconds = max(_SECONDS / 2**self._breaks, min(_SECONDS, _LEAST_SECONDS))
        self.session = await self._stack.enter_async_context(imap_session(self._account, seconds=seconds))

    async def _reopen(self, error: OaError) -> None:
        self._breaks += 1
        if self._breaks > _MOST_BREAKS:
            raise Unavailable(
                f"{self._account.imap.host} broke off {_MOST_BREAKS} times. What was read is kept, and the next "
                "attempt goes on from there. If this stays so, whoever runs that server has to look.",
                details={"reason": "breaks_off"},
            ) from error
        await self._stack.aclose()
        await self._connect()
        if self._folder is not None:
            await self._ask(self.session.select, self._folder)


async def sync_mailbox(ctx: Context) -> None:
    """One pass over the mailbox of `ctx.account`; raises `OaError` when the server cannot be used."""
    if ctx.account is None:
        raise AccountRequired("Connect a mail account first.")
    owner, account = ctx.account, await account_of(ctx)
    known = await ctx.store.read(lambda connection: mirror.folder_states(connection, owner))
    async with _Mailbox(account) as mailbox:
        folders, plans, total = await mailbox.look(known, int(ctx.now().timestamp()))
        keep = {folder.path for folder in folders}
        if set(known) - keep:
            await ctx.store.write(lambda connection: mirror.drop_folders(connection, owner, keep=keep))
        if plans:
            done = await ctx.store.read(lambda connection: mirror.counted(connection, owner))
            pass_ = _Pass(ctx, owner, mailbox, done=done, total=total)
            await pass_.report(plans[0].folder.name)
            for plan in plans:
                await pass_.run(plan)
            await pass_.report(_COUNTED)
        else:
            await ctx.progress(total, total, _COUNTED)
    await outgoing.settle_copies(ctx, account)


class _Pass:
    """Brings the mirror of one account up to date, folder by folder, and says how far it is."""

    def __init__(self, ctx: Context, owner: str, mailbox: _Mailbox, *, done: int, total: int) -> None:
        self._ctx, self._owner, self._mailbox = ctx, owner, mailbox
        self._done, self._total = done, total

    async def report(self, what: str) -> None:
        """Tells how many of the mailbox's messages are in the mirror."""
        await self._ctx.progress(self._done, max(self._total, self._done), what)

    async def run(self, plan: _Plan) -> None:
        """One folder; one that vanishes meanwhile is left for the next pass."""
        try:
            opened = await self._mailbox.open(plan.folder, plan.state)
        except NotFound:
            return
        row, known = await self._opened(plan.folder, opened.uidvalidity)
        state = plan.state if plan.state is not None and plan.state.uidvalidity == opened.uidvalidity else None
        found = await self._difference(opened, state if state is not None and state.complete else None, known)
        await self._drop(row, found.gone)
        ids: list[int] = []
        for batch in _batches(found.fresh):
            ids += await self._add(plan.folder, row, await self._mailbox.letters(batch))
            await self.report(plan.folder.name)
        if plan.state is not None and plan.state.complete:
            await self._refresh(row, sorted(known - found.gone), plan, found.flags)
            await self._announce(plan.folder, ids)
        await self._close(row, plan.status)

    async def _difference(self, opened: Opened, state: FolderState | None, known: set[int]) -> _Difference:
        """What is gone and what is new: as the server tells it, by what came at the end, else by the whole list.

        Mails that were moved here by us have a number below zero until their UID is seen; they are dropped and read
        again under the id they had.
        """
        moved = {uid for uid in known if uid < 0}
        if opened.vanished is not None and state is not None:
            gone = _within(known, opened.vanished) | moved
            fresh = sorted(opened.flags.keys() - known, reverse=True)
            if len(known - gone) + len(fresh) == opened.messages:
                return _Difference(gone, fresh, opened.flags)
        elif state is not None and state.uidnext:
            fresh = [uid for uid in reversed(await self._mailbox.uids_from(state.uidnext)) if uid not in known]
            if len(known - moved) + len(fresh) == opened.messages:
                return _Difference(moved, fresh, None)
        uids = await self._mailbox.uids(opened.messages)
        return _Difference(known - set(uids), [uid for uid in reversed(uids) if uid not in known], None)

    async def _opened(self, folder: Folder, uidvalidity: int) -> tuple[int, set[int]]:
        row = await self._ctx.store.write(
            lambda connection: mirror.open_folder(connection, self._owner, folder, uidvalidity)
        )
        known = await self._ctx.store.read(lambda connection: mirror.known_uids(connection, row))
        self._done = await self._ctx.store.read(lambda connection: mirror.counted(connection, self._owner))
        return row, known

    async def _drop(self, row: int, gone: set[int]) -> None:
        for batch in _batches(sorted(gone)):
            await self._ctx.store.write(partial(mirror.remove, folder=row, uids=batch))
            self._done -= len(batch)

    async def _add(self, folder: Folder, row: int, letters: list[Letter]) -> list[int]:
        """Writes a batch; when one of its mails cannot be written, each alone, and that one as unreadable."""
        try:
            ids = await self._write(folder, row, letters)
        except OaError:
            raise
        except Exception:  # noqa: BLE001 - whatever a strange mail makes the database raise
            ids = [id_ for letter in letters for id_ in await self._add_alone(folder, row, letter)]
        self._done += len(ids)
        return ids

    async def _add_alone(self, folder: Folder, row: int, letter: Letter) -> list[int]:
        try:
            return await self._write(folder, row, [letter])
        except OaError:
            raise
        except Exception:  # noqa: BLE001 - as above
            return await self._write(folder, row, [_unreadable(letter.uid)])

    async def _write(self, folder: Folder, row: int, letters: list[Letter]) -> list[int]:
        sent = folder.role == "sent"
        return await self._ctx.store.write(
            lambda connection: mirror.add(connection, self._owner, row, letters, sent=sent)
        )

    async def _refresh(self, row: int, uids: list[int], plan: _Plan, told: dict[int, int] | None) -> None:
        """Brings flags up to date; where the server counts no changes, what is unread is held against its number."""
        assert plan.state is not None, "only a folder that was read before has flags to refresh"
        counted = plan.state.modseq if plan.status.modseq else 0
        flags = told if told is not None else await self._mailbox.flags(uids, counted)
        await self._ctx.store.write(lambda connection: mirror.set_flags(connection, row, flags))
        if counted:
            return
        unseen = await self._ctx.store.read(lambda connection: mirror.count_unseen(connection, row))
        if unseen != plan.status.unseen:
            unread = await self._mailbox.unseen()
            await self._ctx.store.write(lambda connection: mirror.set_unseen(connection, row, unread))

    async def _announce(self, folder: Folder, ids: list[int]) -> None:
        if ids and folder.role == "inbox":
            await self._ctx.announce("mail", [str(each) for each in ids[:_MOST_ANNOUNCED]])

    async def _close(self, row: int, status: Status) -> None:
        numbers = {name: getattr(status, name) for name in ("uidnext", "messages", "modseq", "unseen")}
        numbers["looked"] = int(self._ctx.now().timestamp())
        await self._ctx.store.write(lambda connection: mirror.close_folder(connection, row, **numbers))


def _is_same(state: FolderState | None, folder: Folder, status: Status, now: int) -> bool:
    """Whether nothing happened in a folder since it was read.

    Without CONDSTORE nobody knows about flags other than from the number of unread mails; so such a folder is opened
    now and then all the same, the inbox each time.
    """
    if state is None or not state.complete or state.folder != folder:
        return False
    numbers = (state.uidvalidity, state.uidnext, state.messages, state.modseq, state.unseen)
    if numbers != tuple(status):
        return False
    return bool(status.modseq) or (folder.role != "inbox" and 0 <= now - state.looked < _LOOK_SECONDS)


def _within(known: set[int], ranges: Sequence[range]) -> set[int]:
    """Those of `known` that lie in one of the ranges, however large these claim to be."""
    ordered = sorted(known)
    found: set[int] = set()
    for each in ranges:
        found.update(ordered[bisect_left(ordered, each.start) : bisect_right(ordered, each.stop - 1)])
    return found


def _letter(fetched: Fetched) -> Letter:
    mail = parse_mail(fetched.content)
    cut = fetched.size > len(fetched.content) >= FETCHED_BYTES
    state: mirror.State = "damaged" if mail.damaged else "cut" if cut else "whole"
    return Letter(fetched.uid, fetched.flags, fetched.received, fetched.size, mail, state)


def _with_attachments(letter: Letter, told: Sequence[tuple[str, str, int]]) -> Letter:
    """The attachments as the server lists them, under the names that their own headers give, as far as those came."""
    if not told:
        return letter
    read = (*letter.mail.attachments, *(None for _ in told))
    named = tuple(
        Attachment(own.name if own is not None and own.type == kind else name, kind, size)
        for own, (name, kind, size) in zip(read, told, strict=False)
    )
    return letter._replace(mail=letter.mail._replace(attachments=named))


def _unreadable(uid: int) -> Letter:
    return Letter(uid, 0, mirror.time_of(0), 0, Mail(damaged=True), "unreadable")


def _batches(uids: Sequence[int]) -> Iterator[list[int]]:
    """Parts of a list; the first one small, so that there is something to find at once."""
    first = min(50, len(uids))
    if first:
        yield list(uids[:first])
    for start in range(first, len(uids), _BATCH):
        yield list(uids[start : start + _BATCH])
