"""Tells people that something waits for them, in browsers and by mail: once, and not while they look."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from openassistant.context import Clock
from openassistant.errors import Forbidden, OaError
from openassistant.grants import Trust
from openassistant.messages import AuditAction
from openassistant.store import Store
from services.gateway import notices, views
from services.gateway.browsers import Browsers
from services.gateway.chat import zone_of
from services.gateway.files import OwnFiles
from services.gateway.ledger import Ledger
from services.gateway.notices import Choices, Known, Notice
from services.gateway.ownmail import MailChoice, OwnMail, read_choice
from services.gateway.questions import Question, Questions
from services.gateway.sessions import SignedIn
from services.gateway.users import User, Users

__all__ = ["Teller"]

_HERE = timedelta(seconds=45)
"""How long somebody counts as looking after his page last said so; it says so every 20 seconds."""
_KEPT = timedelta(hours=24)

_log = logging.getLogger("openassistant.gateway")


class Teller:
    """Choices of everybody, and the round that tells."""

    def __init__(
        self,
        store: Store,
        own: OwnFiles,
        users: Users,
        questions: Questions,
        browsers: Browsers,
        mail: OwnMail,
        *,
        ledger: Ledger,
        trust: Trust,
        clock: Clock,
    ) -> None:
        self._store, self._own, self._users, self._questions = store, own, users, questions
        self._browsers, self._mail, self._ledger, self._trust, self._clock = browsers, mail, ledger, trust, clock
        self._here: dict[str, datetime] = {}
        self._last: dict[str, datetime] = {}
        self._choosing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    # --- choices --------------------------------------------------------------------------------------------------

    async def settings(self, me: SignedIn) -> views.Notices:
        """How one is told, in which browsers, and by which mail."""
        choices, mail = await self._choices(me.user.id)
        return views.Notices(
            key=await self._browsers.key(), browsers=await self._browsers.listing(me), content=choices.content,
            quiet_from=choices.quiet_from, quiet_to=choices.quiet_to, zone=choices.zone,
            mail=views.OwnMail(account=mail.account, address=mail.address, conversation=mail.conversation)
            if mail
            else None,
        )  # fmt: skip

    async def choose(self, me: SignedIn, draft: views.NoticesDraft) -> views.Notices:
        """Other choices from now on, written down first; raises `InvalidRequest` for an unknown time zone."""
        choices = Choices(
            content=draft.content, quiet_from=draft.quiet_from, quiet_to=draft.quiet_to, zone=zone_of(draft.zone).key
        )
        await self._ledger.note(AuditAction.NOTICE_CHOSEN, user=me.user.id, content=choices.model_dump(mode="json"))
        await self._keep(me.user.id, "choices", choices.model_dump_json())
        return await self.settings(me)

    async def choose_mail(self, me: SignedIn, draft: views.OwnMailDraft, *, base: str, address: str) -> views.Notices:
        """Mails to oneself from now on, in the place of those that were chosen before; see `OwnMail.choose`."""
        async with self._choosing[me.user.id]:
            _, before = await self._choices(me.user.id)
            choice = await self._mail.choose(me, draft, base=base, address=address)
            await self._keep(me.user.id, "mail", choice.model_dump_json())
            if before:
                await self._mail.give_up(me, before)
        return await self.settings(me)

    async def drop_mail(self, me: SignedIn) -> None:
        """No more mails to oneself."""
        async with self._choosing[me.user.id]:
            _, before = await self._choices(me.user.id)
            await self._keep(me.user.id, "mail", None)
            if before:
                await self._mail.give_up(me, before)

    def here(self, me: SignedIn) -> None:
        """Somebody has a page of this house before his eyes: he needs no notice now."""
        self._here[me.user.id] = self._clock() + _HERE

    def opened(self, me: SignedIn, token: str) -> str | None:
        """The question that a link leads to, None for all; raises `Forbidden` for any that is not one's own."""
        link = self._trust.link(token, now=self._clock())
        if link.user != me.user.id:
            raise Forbidden("This link is for somebody else.")
        return link.approval

    # --- telling --------------------------------------------------------------------------------------------------

    async def sweep(self) -> None:
        """Tells whoever is to be told now; what nobody took is tried again a minute later."""
        found = await self._questions.untold(self._clock() - _KEPT)
        told = await self._told([each.id for each in found])
        by_user = defaultdict[str, list[Known]](list)
        for each in found:
            by_user[each.user].append(Known(each, frozenset(told[each.id])))
        for user, known in by_user.items():
            if any(_is_news(each) for each in known):
                await self._tell(user, known)

    async def tidy(self) -> None:
        """Of questions that are long over nothing need be known."""
        query = text(
            "DELETE FROM told WHERE at < :old AND question NOT IN (SELECT id FROM approvals WHERE state = 'pending')"
        )
        row = {"old": (self._clock() - 2 * _KEPT).isoformat()}
        await self._store.write(lambda connection: connection.execute(query, row).close())

    async def tell_of_house(self, owner: User, notice: Notice) -> bool:
        """Tells the owner of something about the house itself, outside of his quiet hours; whether he was told."""
        choices, mail = await self._choices(owner.id)
        if notices.is_quiet(choices, self._clock()):
            return False
        return await self._by_all_means(owner.id, mail, notice, "", path="/data")

    async def _tell(self, user: str, known: list[Known]) -> None:
        choices, mail = await self._choices(user)
        if mail:
            known = [each for each in known if each.question.conversation != mail.conversation]
        now = self._clock()
        seen = self._here.get(user, now) > now
        notice = notices.due(known, choices=choices, now=now, last=self._last.get(user), seen=seen)
        if notice is None:
            return
        self._last[user] = now
        content = await self._about(user, known, notice) if choices.content else ""
        if await self._by_all_means(user, mail, notice, content):
            await self._note_told(notice)

    async def _by_all_means(
        self, user: str, mail: MailChoice | None, notice: Notice, content: str, *, path: str | None = None
    ) -> bool:
        """Whether he was told in some way, or has chosen none."""
        path = path or (f"/approvals/{notice.about}" if notice.about else "/approvals")
        has_browsers = await self._browsers.has_any(user)
        told = has_browsers and await self._browsers.tell(user, notice, content=content, path=path)
        if mail is not None and (person := await self._person(user)) is not None:
            try:
                told = await self._mail.tell(person, mail, notice, content=content) or told
            except OaError as error:
                _log.warning("a mail to its owner waits", extra={"user": user, "code": error.code})
        return told or not (has_browsers or mail)

    async def _person(self, user: str) -> User | None:
        return next((each for each in await self._users.everybody() if each.id == user), None)

    async def _about(self, user: str, known: list[Known], notice: Notice) -> str:
        named = {each.question for each in notice.reasons}
        asked = [each.question for each in known if each.question.id in named]
        contents = await self._questions.contents(user, asked)
        return notices.lines(contents[each.id].preview for each in asked if each.id in contents)

    async def _choices(self, user: str) -> tuple[Choices, MailChoice | None]:
        query = text("SELECT name, value FROM notice_choices")
        async with self._own.use(user) as store:
            kept = await store.read(lambda connection: {row.name: row.value for row in connection.execute(query)})
        choices = Choices.model_validate_json(kept["choices"]) if "choices" in kept else Choices()
        return choices, read_choice(kept.get("mail"))

    async def _keep(self, user: str, name: str, value: str | None) -> None:
        row = {"name": name, "value": value}

        def write(connection: Connection) -> None:
            connection.execute(text("DELETE FROM notice_choices WHERE name = :name"), row)
            if value is not None:
                connection.execute(text("INSERT INTO notice_choices (name, value) VALUES (:name, :value)"), row)

        async with self._own.use(user) as store:
            await store.write(write)

    async def _told(self, ids: list[str]) -> dict[str, set[Any]]:
        found: dict[str, set[Any]] = defaultdict(set)
        query = text("SELECT question, kind FROM told")
        if ids:
            for row in await self._store.read(lambda connection: list(connection.execute(query))):
                found[row.question].add(row.kind)
        return found

    async def _note_told(self, notice: Notice) -> None:
        rows = [{**each._asdict(), "now": self._clock().isoformat()} for each in notice.reasons]
        query = text("INSERT OR IGNORE INTO told (question, kind, at) VALUES (:question, :kind, :now)")
        await self._store.write(lambda connection: connection.execute(query, rows))


def _is_news(known: Known) -> bool:
    """Whether there may be something to tell: cheap, so that a house at rest opens no file."""
    question: Question = known.question
    wanted = {"ended"} if question.state == "expired" else {"asked", "ending"}
    return not wanted <= known.told
