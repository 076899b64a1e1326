"""One pass over a mailbox: at first everything, newest first, then what changed since.

https://developers.google.com/workspace/gmail/api/guides/sync. The moment that changes go on from is taken before the
listing begins, so nothing is missed in between. What comes in is written page by page with where the next one begins,
so that a pass that was stopped goes on from there. Gmail forgets changes after a week or so; then everything is listed
anew, over what is known.

A mail costs 20 of the 6,000 units that Gmail grants a user each minute, so a pass takes no more than half of them for
mails that are new here, and leaves the rest to whoever asks meanwhile.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection

from connectors.gmail import mirror
from connectors.gmail.card import owner_of
from connectors.gmail.changes import Change, note_changes
from connectors.gmail.gmail import Gmail, gmail_of, ids_in
from connectors.gmail.letters import Letter, is_id, labels_of
from connectors.gmail.mirror import Account, Label
from openassistant.connector import Context
from openassistant.errors import InvalidRequest, NotFound, UpstreamFailed
from openassistant.formats.charsets import clean

__all__ = ["sync_account"]

_PAGE = 50
_A_PASS: Final = 150
"""Mails that one pass of the first listing reads: 3,000 units."""
_MOST_ANNOUNCED = 50
_MOST_LABELS = 10_000
_READING = {"read", "send", "organise"}
"""Capabilities that let mail be read."""


async def sync_account(ctx: Context) -> None:
    """Brings the mirror of `ctx.account` up to date; raises `OaError` when Gmail cannot be used."""
    granted = (await ctx.credentials()).capabilities
    if granted is not None and not _READING & set(granted):
        return
    owner, gmail = owner_of(ctx), await gmail_of(ctx)
    pass_ = _Pass(ctx, owner, gmail)
    await pass_.labels()
    state = await ctx.store.read(lambda c: mirror.account(c, owner))
    if state.history:
        try:
            state = await pass_.follow(state)
        except NotFound:  # Gmail has forgotten what happened since then
            state = state._replace(history="", page="", complete=False)
    if not state.complete:
        await pass_.list_on(state)


class _Pass:
    """One pass, and how far it is."""

    def __init__(self, ctx: Context, owner: str, gmail: Gmail) -> None:
        self._ctx, self._owner, self._gmail = ctx, owner, gmail

    async def labels(self) -> None:
        """Reads which labels there are."""
        listed = (await self._gmail.api.get("labels")).get("labels")
        some = [each for each in listed[:_MOST_LABELS] if isinstance(each, dict)] if isinstance(listed, list) else []
        found = [
            Label(
                str(each["id"]),
                clean(str(each.get("name") or ""))[:225],
                "user" if each.get("type") == "user" else "system",
            )
            for each in some
            if is_id(each.get("id"))
        ]
        await self._ctx.store.write(lambda c: mirror.set_labels(c, self._owner, found))

    async def list_on(self, state: Account) -> None:
        """Lists what is there, or goes on with that, as far as one pass goes."""
        if not state.history:
            state = await self._begun(state)
        left, seen = _A_PASS, set[str]()
        while left > 0 and not state.complete:
            try:
                page = await self._page(state.page)
            except (InvalidRequest, NotFound):
                if not state.page:
                    raise
                state = await self._begun(state)  # the place is not known to Gmail any more
                continue
            token = str(page.get("nextPageToken") or "")
            if token and token in seen:
                raise UpstreamFailed("Google's list of mails does not end.")
            seen.add(token)
            left -= await self._take(state, ids_in(page, "messages"))
            state = state._replace(page=token, complete=not token)
            await self._ctx.store.write(self._closing(state))
            done = await self._ctx.store.read(lambda c: mirror.count(c, self._owner))
            await self._ctx.progress(done, max(done, state.total), "mails")

    async def follow(self, state: Account) -> Account:
        """Takes over what changed; raises `NotFound` when Gmail has forgotten it."""
        new: list[str] = []
        async for page in self._gmail.history(state.history):
            happened = _Happened(page)
            new += await self._take_new(state, happened)
            until = page.get("historyId")
            if not page.get("nextPageToken") and isinstance(until, str) and until.isdigit():
                state = state._replace(history=until)
            await self._ctx.store.write(self._following(state, happened))
        if new:
            await self._ctx.announce("mail", new[:_MOST_ANNOUNCED])
        if state.complete:
            done = await self._ctx.store.read(lambda c: mirror.count(c, self._owner))
            await self._ctx.progress(done, done, "mails")
        return state

    async def _begun(self, state: Account) -> Account:
        profile = await self._gmail.api.get("profile")
        history, address = profile.get("historyId"), profile.get("emailAddress")
        if not isinstance(history, str) or not history.isdigit() or not isinstance(address, str) or "@" not in address:
            raise UpstreamFailed("Google did not say whose mailbox this is, or where its list of changes begins.")
        total = profile.get("messagesTotal")
        state = state._replace(
            address=address.lower()[:320],
            history=history,
            page="",
            round=state.round + 1,
            complete=False,
            total=total if isinstance(total, int) else 0,
        )
        await self._ctx.store.write(lambda c: mirror.set_account(c, self._owner, state))
        return state

    async def _page(self, token: str) -> dict[str, Any]:
        params = {"maxResults": str(_PAGE), "includeSpamTrash": "true", "fields": "messages(id),nextPageToken"}
        return await self._gmail.api.get("messages", **params, **({"pageToken": token} if token else {}))

    async def _take(self, state: Account, ids: list[str]) -> int:
        """Reads the mails of a page that this round did not read yet; how many that were."""
        known = await self._ctx.store.read(lambda c: mirror.known_ids(c, self._owner, ids, round=state.round))
        wanted = [each for each in ids if each not in known]
        letters = await self._gmail.letters(wanted)
        await self._ctx.store.write(lambda c: mirror.put(c, self._owner, letters, round=state.round))
        return len(wanted)

    def _closing(self, state: Account) -> Any:
        def write(connection: Connection) -> None:
            if state.complete:
                mirror.sweep(connection, self._owner, round=state.round)
            mirror.set_account(connection, self._owner, state)

        return write

    async def _take_new(self, state: Account, happened: _Happened) -> list[str]:
        """Reads the mails that came, some at a time, each time writing what is there; those of the inbox among them."""
        asked = [*happened.added, *happened.unclear]
        known = await self._ctx.store.read(lambda c: mirror.known_ids(c, self._owner, asked))
        wanted = [each for each in asked if each not in known or each in happened.unclear]
        new: list[str] = []
        for start in range(0, len(wanted), _PAGE):
            letters = await self._gmail.letters(wanted[start : start + _PAGE])
            came = [each for each in letters if each.id not in known]
            await self._ctx.store.write(self._keeping(state, letters, came))
            new += [each.id for each in came if "INBOX" in each.labels and "DRAFT" not in each.labels]
        return new

    def _keeping(self, state: Account, letters: list[Letter], came: list[Letter]) -> Any:
        now = int(self._ctx.now().timestamp())

        def write(connection: Connection) -> None:
            before = {each.id: each.labels for each in mirror.letters(connection, self._owner, [e.id for e in letters])}
            changes = [Change(each.id, "came", each.labels, now) for each in came]
            changes += [
                Change(each.id, "labelled", each.labels, now)
                for each in letters
                if each.id in before and before[each.id] != each.labels
            ]
            mirror.put(connection, self._owner, letters, round=state.round)
            note_changes(connection, self._owner, changes)

        return write

    def _following(self, state: Account, happened: _Happened) -> Any:
        now = int(self._ctx.now().timestamp())

        def write(connection: Connection) -> None:
            before = {each.id: each for each in mirror.letters(connection, self._owner, list(happened.labelled))}
            gone = mirror.known_ids(connection, self._owner, happened.deleted)
            changes = [Change(each, "deleted", (), now) for each in happened.deleted if each in gone]
            for id_, labels in happened.labelled.items():
                if id_ in before and set(before[id_].labels) != set(labels):
                    changes.append(Change(id_, "labelled", labels, now))
            mirror.set_labels_of(connection, self._owner, happened.labelled)
            mirror.drop(connection, self._owner, happened.deleted)
            note_changes(connection, self._owner, changes)
            mirror.set_account(connection, self._owner, state)

        return write


class _Happened:
    """What a page of history says, in its order: the last that it says of a mail counts.

    `unclear` are mails whose labels changed, but which they are now it does not say.
    """

    def __init__(self, page: dict[str, Any]) -> None:
        self.added, self.deleted = dict[str, None](), dict[str, None]()
        self.labelled, self.unclear = dict[str, tuple[str, ...]](), dict[str, None]()
        listed = page.get("history")
        for record in listed if isinstance(listed, list) else ():
            if isinstance(record, dict):
                self._take(record)

    def _take(self, record: dict[str, Any]) -> None:
        for message in _messages(record, "messagesAdded"):
            self.added[message["id"]] = None
            self.deleted.pop(message["id"], None)
        for message in (*_messages(record, "labelsAdded"), *_messages(record, "labelsRemoved")):
            id_ = message["id"]
            if id_ in self.deleted:
                continue
            if isinstance(message.get("labelIds"), list):
                self.labelled[id_] = labels_of(message)
            else:
                self.unclear[id_] = None
        for message in _messages(record, "messagesDeleted"):
            id_ = message["id"]
            for found in (self.added, self.labelled, self.unclear):
                found.pop(id_, None)
            self.deleted[id_] = None


def _messages(record: dict[str, Any], name: str) -> list[dict[str, Any]]:
    listed = record.get(name)
    found = [each.get("message") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return [each for each in found if isinstance(each, dict) and is_id(each.get("id"))]
