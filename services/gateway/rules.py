"""Standing rules: what a person allows beforehand, made from a question that he saw, listed, expiring, revocable.

A rule is kept as it was signed, under its owner's key. Connector and vault check that signature again.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from openassistant.context import Clock, new_id
from openassistant.errors import Conflict, Forbidden, NotFound
from openassistant.grants import Rule, Trust
from openassistant.messages import AuditAction, Call, Effect, Preview, call_digest
from openassistant.rules import places
from services.gateway import policy, views
from services.gateway.connectors import Connectors
from services.gateway.files import OwnFiles
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger
from services.gateway.policy import Standing
from services.gateway.questions import Content, Question, Questions
from services.gateway.sessions import Sessions, SignedIn

__all__ = ["MOST", "Rules"]

MOST = 200
"""Living rules of one person."""

_LASTS = {
    "hour": timedelta(hours=1),
    "conversation": timedelta(days=30),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
_DAY = timedelta(hours=24)


class Rules:
    """Makes, lists and revokes rules, and gives them to the policy."""

    def __init__(
        self,
        own: OwnFiles,
        questions: Questions,
        sessions: Sessions,
        *,
        connectors: Connectors,
        grants: Grants,
        ledger: Ledger,
        trust: Trust,
        clock: Clock,
    ) -> None:
        self._own, self._questions, self._sessions, self._connectors = own, questions, sessions, connectors
        self._grants, self._ledger, self._trust, self._clock = grants, ledger, trust, clock

    async def make(self, me: SignedIn, draft: views.RuleDraft, *, address: str) -> views.Rule:
        """A rule out of a question, written down first.

        Raises `NotFound`, `Conflict` where that question can become none or there are too many, `SignInAgain` where
        the password is needed, `InvalidRequest` for a wrong one.
        """
        question, content = await self._questions.one(me.user.id, draft.approval)
        if question.state not in ("pending", "approved"):
            raise Conflict("This is no longer open, so it cannot become a rule.")
        if not policy.offers(content.effect, content.call, content.preview):
            raise Conflict("This is asked for each time, so it cannot become a rule.")
        await self._sessions.confirm_fresh(
            me, draft.password, address=address, why="A rule acts without asking, so it needs your password once more."
        )
        if len(await self.of(me.user.id)) >= MOST:
            raise Conflict(f"You have {MOST} rules. Revoke one that is no longer used.")
        rule, row = self._rule(me, question, content, draft.lasts)
        await self._ledger.note(
            AuditAction.RULE_MADE, user=me.user.id, id=rule.id, connector=rule.connector, tool=rule.tool,
            effect=rule.effect, account=rule.account,
            content={"destinations": rule.destinations, "conversation": rule.conversation, "question": question.id,
                     "expires": rule.expires.isoformat(), "session": rule.session},
        )  # fmt: skip
        async with self._own.use(me.user.id) as store:
            await store.write(lambda connection: _insert(connection, row))
        return _shown(rule, row, uses=0, last=None)

    async def confirm_own(self, me: SignedIn, *, password: str | None, address: str) -> None:
        """Before a rule for mails to oneself; raises `SignInAgain`, `InvalidRequest`, `Conflict` for too many."""
        why = "Mails to yourself go out without asking, so it needs your password once more."
        await self._sessions.confirm_fresh(me, password, address=address, why=why)
        if len(await self.of(me.user.id)) >= MOST:
            raise Conflict(f"You have {MOST} rules. Revoke one that is no longer used.")

    async def allow_own(self, me: SignedIn, call: Call, shown: Preview, *, conversation: str) -> str:
        """A rule for mails to oneself, which was confirmed, in one conversation and without a question; its id."""
        now = self._clock()
        question = Question(
            id=new_id(), call_id=call.id, call_digest=call_digest(call), user=me.user.id, turn=new_id(),
            conversation=conversation, state="approved", created=now, expires=now,
        )  # fmt: skip
        content = Content(call=call, effect=Effect.SEND, preview=shown, reason="")
        rule, row = self._rule(me, question, content, "year", conversation=conversation)
        await self._ledger.note(
            AuditAction.RULE_MADE, user=me.user.id, id=rule.id, connector=rule.connector, tool=rule.tool,
            effect=rule.effect, account=rule.account,
            content={"destinations": rule.destinations, "conversation": conversation, "question": None,
                     "expires": rule.expires.isoformat(), "session": rule.session},
        )  # fmt: skip
        async with self._own.use(me.user.id) as store:
            await store.write(lambda connection: _insert(connection, row))
        return rule.id

    async def listing(self, me: SignedIn) -> list[views.Rule]:
        """One's own living rules, newest first."""

        def read(connection: Connection) -> list[Any]:
            query = text(
                "SELECT r.*, count(u.call) AS uses, max(u.used) AS last FROM rules r LEFT JOIN rule_uses u"
                " ON u.rule = r.id WHERE r.expires > :now GROUP BY r.id ORDER BY r.id DESC"
            )
            return list(connection.execute(query, {"now": self._clock().isoformat()}))

        async with self._own.use(me.user.id) as store:
            rows = await store.read(read)
        living = ((self._living(row.token), row) for row in rows)
        return [_shown(rule, row._mapping, uses=row.uses, last=row.last) for rule, row in living if rule]  # noqa: SLF001

    async def revoke(self, me: SignedIn, rule: str) -> None:
        """Ends a rule at once; raises `NotFound`. The witness is told, and cannot prevent it."""

        def write(connection: Connection) -> Any:
            row = {"id": rule}
            connection.execute(text("DELETE FROM rule_uses WHERE rule = :id"), row)
            return connection.execute(text("DELETE FROM rules WHERE id = :id RETURNING token"), row).scalar()

        async with self._own.use(me.user.id) as store:
            if await store.write(write) is None:
                raise NotFound("There is no such rule.")
        self._ledger.try_note(AuditAction.RULE_REVOKED, user=me.user.id, content={"rule": rule})

    async def of(self, user: str) -> list[Standing]:
        """The living rules of a user with their use, for the policy; one whose signature is broken is none."""
        row = {"now": self._clock().isoformat(), "day": (self._clock() - _DAY).isoformat()}
        query = text(
            "SELECT r.token, (SELECT count(*) FROM rule_uses u WHERE u.rule = r.id AND u.used > :day) AS used"
            " FROM rules r WHERE r.expires > :now ORDER BY r.id"
        )
        async with self._own.use(user) as store:
            found = await store.read(lambda connection: list(connection.execute(query, row)))
        living = ((self._living(each.token), each.used) for each in found)
        return [Standing(rule, used) for rule, used in living if rule and rule.user == user]

    async def take(self, user: str, rule: str, call: str) -> str | None:
        """Notes that a call runs under a rule; the signed rule, or None when it was revoked or used up meanwhile."""
        now = self._clock()
        day = (now - _DAY).isoformat()
        row = {"rule": rule, "call": call, "now": now.isoformat(), "day": day, "most": policy.A_DAY}

        def write(connection: Connection) -> str | None:
            connection.execute(
                text(
                    "INSERT INTO rule_uses (call, rule, used) SELECT :call, id, :now FROM rules WHERE id = :rule"
                    " AND (SELECT count(*) FROM rule_uses WHERE rule = :rule AND used > :day) < :most"
                    " ON CONFLICT (call) DO NOTHING"
                ),
                row,
            )
            query = "SELECT token FROM rules JOIN rule_uses ON rule = id WHERE id = :rule AND call = :call"
            token: str | None = connection.execute(text(query), row).scalar()
            return token

        async with self._own.use(user) as store:
            return await store.write(write)

    def _rule(
        self, me: SignedIn, question: Question, content: Content, lasts: str, *, conversation: str | None = None
    ) -> tuple[Rule, dict[str, Any]]:
        call, shown, now = content.call, content.preview, self._clock()
        rule = Rule(
            id=new_id(), user=me.user.id, connector=call.connector, tool=call.tool, account=call.account,
            effect=Effect.SEND if content.effect is Effect.SEND else Effect.WRITE,
            destinations=tuple(sorted(places(shown.destinations))), session=me.session, expires=now + _LASTS[lasts],
            conversation=question.conversation if lasts == "conversation" else conversation,
        )  # fmt: skip
        people = [f"{each.name} <{each.value}>" if each.name else each.value for each in shown.destinations]
        row = {
            "id": rule.id, "token": self._grants.rule(rule), "what": self._what(content.call),
            "people": json.dumps(people), "place": shown.account, "created": now.isoformat(),
            "expires": rule.expires.isoformat(),
        }  # fmt: skip
        return rule, row

    def _what(self, call: Call) -> str:
        """What a tool does, by its card: the preview's words are of one call, and a rule is about many."""
        card = self._connectors.known_card(call.connector, call.card_digest)
        tool = card.tool(call.tool) if card else None
        if card is None or tool is None:
            raise Conflict("The service of this question has changed, so it cannot become a rule.")
        return tool.description.partition("\n")[0].strip() or f"{card.name}: {tool.name.replace('_', ' ')}."

    def _living(self, token: str) -> Rule | None:
        try:
            return self._trust.rule(token, now=self._clock())
        except Forbidden:
            return None


def _insert(connection: Connection, row: dict[str, Any]) -> None:
    """Adds a rule; those that are over go, with their uses."""
    over = "FROM rules WHERE expires <= :created"
    connection.execute(text(f"DELETE FROM rule_uses WHERE rule IN (SELECT id {over})"), row)  # noqa: S608 - from above
    connection.execute(text(f"DELETE {over}"), row)
    connection.execute(
        text(
            "INSERT INTO rules (id, token, what, people, place, created, expires)"
            " VALUES (:id, :token, :what, :people, :place, :created, :expires)"
        ),
        row,
    )


def _shown(rule: Rule, row: Any, *, uses: int, last: str | None) -> views.Rule:
    return views.Rule(
        id=rule.id, what=row["what"], people=tuple(json.loads(row["people"])), place=row["place"],
        connector=rule.connector, tool=rule.tool, effect=rule.effect, conversation=rule.conversation,
        created_at=datetime.fromisoformat(row["created"]), expires_at=rule.expires, uses=uses,
        last_used_at=datetime.fromisoformat(last) if last else None,
    )  # fmt: skip
