"""One pass over a mailbox: what is new, newest first; what is gone; what changed its flags. The next pass goes on.

A mail that cannot be read is kept as a row that says so, and never stands in the way of the others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple, Self

from connectors.mail import mirror, outgoing
from connectors.mail.account import MailAccount, account_of
from connectors.mail.folders import Folder, sync_order
from connectors.mail.imap import FETCHED_BYTES, Fetched, ImapSession, Status, imap_session
from connectors.mail.message import Attachment, Mail, parse_mail
from connectors.mail.mirror import FolderState, Letter
from openassistant.connector import Context
from openassistant.errors import AccountRequired, Conflict, NotFound, OaError, Unavailable

__all__ = ["sync_mailbox"]

_COUNTED = "mails"
"""What a finished pass has counted."""
_BATCH = 200
_SECONDS = 60.0
_RECENT = 300
"""How many messages' flags are read again where the server does not tell which changed (no CONDSTORE)."""
_MOST_ANNOUNCED = 50


class _Plan(NamedTuple):
    """A folder that has to be looked at: what the mirror knows and what the server says."""

    folder: Folder
    state: FolderState | None
    status: Status


class _Mailbox:
    """The server side of a pass; opens a new connection when one breaks over a mail."""

    def __init__(self, account: MailAccount) -> None:
        self._account = account
        self._stack = contextlib.AsyncExitStack()
        self._folder: Folder | None = None
        self.session: ImapSession

    async def __aenter__(self) -> Self:
        self.session = await self._stack.enter_async_context(imap_session(self._account, seconds=_SECONDS))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def look(self, known: dict[bytes, FolderState]) -> tuple[list[Folder], list[_Plan], int]:
        """The folders, those among them that changed, and how many messages the server has."""
        return await asyncio.to_thread(self._look, known)

    async def uids(self, folder: Folder) -> list[int]:
        """Opens a folder; its UIDs, ascending."""
        self._folder = folder
        return await asyncio.to_thread(lambda: self.session.uids(self.session.select(folder)))

    async def flags(self, uids: Sequence[int], since: int) -> dict[int, int]:
        """The flags that changed since a modification sequence, or of the newest where the server does not count."""
        return await asyncio.to_thread(self._flags, uids, since)

    async def letters(self, uids: Sequence[int]) -> list[Letter]:
        """The messages, parsed; what cannot be had is there as unreadable. Raises `OaError` when the server is gone."""
        fetched = await self._fetch(uids)
        letters = await asyncio.to_thread(self._parsed, fetched)
        missing = sorted(set(uids) - {letter.uid for letter in letters})
        return letters + [_unreadable(uid) for uid in missing]

    def _look(self, known: dict[bytes, FolderState]) -> tuple[list[Folder], list[_Plan], int]:
        folders, plans, total = sync_order(self.session.folders()), list[_Plan](), 0
        for folder in folders:
            status = self.session.status(folder)
            if status is None:
                continue
            total += status.messages
            state = known.get(folder.path)
            if not _is_same(state, folder, status):
                plans.append(_Plan(folder, state, status))
        return folders, plans, total

    def _flags(self, uids: Sequence[int], since: int) -> dict[int, int]:
        changed = self.session.changed(since) if since else list(uids[-_RECENT:])
        return self.session.flags(changed) if changed else {}

    async def _fetch(self, uids: Sequence[int]) -> list[Fetched]:
        """Halves what fails until the one message is found that the server or the protocol chokes on."""
        try:
            return await asyncio.to_thread(self.session.fetch, uids)
        except (Unavailable, Conflict):
            await self._reopen()
        if len(uids) == 1:
            return []
        middle = len(uids) // 2
        return await self._fetch(uids[:middle]) + await self._fetch(uids[middle:])

    async def _reopen(self) -> None:
        await self._stack.aclose()
        self.session = await self._stack.enter_async_context(imap_session(self._account, seconds=_SECONDS))
        if self._folder is not None:
            await asyncio.to_thread(self.session.select, self._folder)

    def _parsed(self, fetched: Sequence[Fetched]) -> list[Letter]:
        letters = [_letter(each) for each in fetched]
        cut = [letter.uid for letter in letters if letter.state == "cut"]
        attached = self._attached(cut) if cut else {}
        return [_with_attachments(letter, attached.get(letter.uid, ())) for letter in letters]

    def _attached(self, uids: Sequence[int]) -> dict[int, list[tuple[str, str, int]]]:
        try:
            return self.session.structures(uids)
        except Conflict:
            return {}


async def sync_mailbox(ctx: Context) -> None:
    """One pass over the mailbox of `ctx.account`; raises `OaError` when the server cannot be used."""
    if ctx.account is None:
        raise AccountRequired("Connect a mail account first.")
    owner, account = ctx.account, await account_of(ctx)
    known = await ctx.store.read(lambda connection: mirror.folder_states(connection, owner))
    async with _Mailbox(account) as mailbox:
        folders, plans, total = await mailbox.look(known)
        keep = {folder.path for folder in folders}
        if set(known) - keep:
            await ctx.store.write(lambda connection: mirror.drop_folders(connection, owner, keep=keep))
        done = await ctx.store.read(lambda connection: mirror.counted(connection, owner))
        pass_ = _Pass(ctx, owner, mailbox, done=done, total=total)
        await pass_.report(plans[0].folder.name if plans else _COUNTED)
        for plan in plans:
            await pass_.run(plan)
        if plans:
            await pass_.report(_COUNTED)
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
        folder, status = plan.folder, plan.status
        try:
            uids = await self._mailbox.uids(folder)
        except NotFound:
            return
        row, known = await self._opened(folder, status)
        await self._drop(row, known - set(uids))
        fresh = [uid for uid in reversed(uids) if uid not in known]
        ids: list[int] = []
        for batch in _batches(fresh):
            ids += await self._add(folder, row, await self._mailbox.letters(batch))
            await self.report(folder.name)
        if plan.state is not None and plan.state.complete:
            await self._refresh(row, [uid for uid in uids if uid in known], plan)
            await self._announce(folder, ids)
        await self._close(row, status)

    async def _opened(self, folder: Folder, status: Status) -> tuple[int, set[int]]:
        row = await self._ctx.store.write(
            lambda connection: mirror.open_folder(connection, self._owner, folder, status.uidvalidity)
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

    async def _refresh(self, row: int, uids: list[int], plan: _Plan) -> None:
        assert plan.state is not None, "only a folder that was read before has flags to refresh"
        flags = await self._mailbox.flags(uids, plan.state.modseq if plan.status.modseq else 0)
        await self._ctx.store.write(lambda connection: mirror.set_flags(connection, row, flags))

    async def _announce(self, folder: Folder, ids: list[int]) -> None:
        if ids and folder.role == "inbox":
            await self._ctx.announce("mail", [str(each) for each in ids[:_MOST_ANNOUNCED]])

    async def _close(self, row: int, status: Status) -> None:
        numbers = {"uidnext": status.uidnext, "messages": status.messages, "modseq": status.modseq}
        await self._ctx.store.write(lambda connection: mirror.close_folder(connection, row, **numbers))


def _is_same(state: FolderState | None, folder: Folder, status: Status) -> bool:
    """Whether nothing happened in a folder since it was read; without CONDSTORE nobody knows about its flags."""
    if state is None or not state.complete or not status.modseq:
        return False
    numbers = (state.uidvalidity, state.uidnext, state.messages, state.modseq)
    return state.folder == folder and numbers == tuple(status)


def _letter(fetched: Fetched) -> Letter:
    mail = parse_mail(fetched.content)
    cut = fetched.size > len(fetched.content) >= FETCHED_BYTES
    state: mirror.State = "damaged" if mail.damaged else "cut" if cut else "whole"
    return Letter(fetched.uid, fetched.flags, fetched.received, fetched.size, mail, state)


def _with_attachments(letter: Letter, attached: Sequence[tuple[str, str, int]]) -> Letter:
    if not attached:
        return letter
    return letter._replace(mail=letter.mail._replace(attachments=tuple(Attachment(*each) for each in attached)))


def _unreadable(uid: int) -> Letter:
    return Letter(uid, 0, mirror.time_of(0), 0, Mail(damaged=True), "unreadable")


def _batches(uids: Sequence[int]) -> Iterator[list[int]]:
    """Parts of a list; the first one small, so that there is something to find at once."""
    first = min(50, len(uids))
    if first:
        yield list(uids[:first])
    for start in range(first, len(uids), _BATCH):
        yield list(uids[start : start + _BATCH])
