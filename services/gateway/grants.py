"""What this room signs: grants of turns, sessions, accounts; rules; approvals of single calls. Nobody else can."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from openassistant.budgets import NOTHING, Budget
from openassistant.context import CallContext, Clock, new_id
from openassistant.errors import Forbidden
from openassistant.grants import Approval, Erasure, Grant, Link, Loan, Rule, Schedule, Scope, SigningKey, Word
from openassistant.messages import Call, Effect, call_digest
from openassistant.routes import Route

__all__ = ["ACCOUNT_LIFE", "Grants"]

_TURN = timedelta(minutes=10)
_SESSION = timedelta(minutes=5)
_LOOK = timedelta(minutes=1)
ACCOUNT_LIFE = timedelta(days=30)
"""Background work is granted anew twice a day; what is forgotten ends by itself."""
_APPROVAL = timedelta(hours=1)
_BY_RULE = timedelta(minutes=10)
"""Short: a rule that is revoked acts no longer than this."""
_ENDING = timedelta(seconds=5)
"""Connectors look at a grant when they take it, and again before each pass."""
_WORD = timedelta(minutes=2)


class Grants:
    """The signing key, and which connectors may be granted (id to card digest) at this moment."""

    def __init__(self, key: SigningKey, approved: Callable[[], dict[str, str]], clock: Clock) -> None:
        self._key, self._approved, self._clock = key, approved, clock
        self.barred: frozenset[str] = frozenset()
        """Who is shut out: nothing that acts or reads for him is signed."""

    def session(self, user: str) -> str:
        """For reading one's own data."""
        return self._sign(Grant(
            id=new_id(), kind="session", user=user, origin="session", connectors=self._approved(),
            expires=self._clock() + _SESSION,
        ))  # fmt: skip

    def turn(
        self,
        user: str,
        *,
        turn: str,
        conversation: str,
        routes: dict[str, Route],
        connectors: dict[str, str] | None = None,
        budget: Budget = NOTHING,
    ) -> str:
        """For one turn: reads need no approval; minutes long, renewed while the turn lives.

        `routes` are what a model may see of the user's sources, as he has chosen. Without a `budget` no model may be
        asked under it. Raises `Forbidden` for who is shut out, unless it covers nothing.
        """
        if connectors != {}:
            self._require_in(user)
        return self._sign(Grant(
            id=new_id(), kind="turn", user=user, turn=turn, conversation=conversation, origin="message",
            effects=(Effect.READ,), connectors=self._approved() if connectors is None else connectors,
            routes=routes, expires=self._clock() + _TURN, budget=budget,
        ))  # fmt: skip

    def look(self, user: str, *, connector: str, digest: str, tool: str) -> str:
        """For one read of one tool, in no conversation; minutes long. No model may be asked under it.

        Raises `Forbidden` for who is shut out.
        """
        self._require_in(user)
        return self._sign(Grant(
            id=new_id(), kind="turn", user=user, turn=new_id(), origin="look", effects=(Effect.READ,),
            connectors={connector: digest}, tools=(f"{connector}.{tool}",), expires=self._clock() + _LOOK,
        ))  # fmt: skip

    def scheduled(
        self, signed: Schedule, *, turn: str, conversation: str, routes: dict[str, Route], budget: Budget = NOTHING
    ) -> str:
        """For one run of a schedule, cut out of what its owner signed, and over when that is. Raises `Forbidden`."""
        self._require_in(signed.user)
        named = {each.partition(".")[0] for each in signed.tools}
        connectors = {connector: digest for connector, digest in self._approved().items() if connector in named}
        return self._sign(Grant(
            id=new_id(), kind="turn", user=signed.user, turn=turn, conversation=conversation, origin="schedule",
            effects=(Effect.READ,), connectors=connectors, routes=routes, schedule=signed.id, tools=signed.tools,
            rules=signed.rules, expires=min(self._clock() + _TURN, signed.expires), budget=budget,
        ))  # fmt: skip

    def account(self, user: str, *, account: str, connector: str, digest: str, lent: bool = False) -> str:
        """For one connector's background work on one account; raises `Forbidden` for who is shut out."""
        self._require_in(user)
        return self._sign(Grant(
            id=new_id(), kind="account", user=user, origin="connect", account=account, lent=lent,
            connectors={connector: digest}, expires=self._clock() + ACCOUNT_LIFE,
        ))  # fmt: skip

    def ending(self, user: str, *, account: str, connector: str, digest: str, lent: bool = False) -> str:
        """In place of the one before for an account whose background work ends: it is over in a moment."""
        return self._sign(Grant(
            id=new_id(), kind="account", user=user, origin="connect", account=account, lent=lent,
            connectors={connector: digest}, expires=self._clock() + _ENDING,
        ))  # fmt: skip

    def by_policy(self, call: Call) -> str:
        """Leave for one call that needs no person; raises `Forbidden`, as every leave, for who is shut out."""
        self._require_in(call.user)
        return self._key.sign(Approval(
            id=new_id(), call_digest=call_digest(call), call_id=call.id, user=call.user, decided_by="policy",
            expires=self._clock() + _APPROVAL,
        ))  # fmt: skip

    def rule(self, rule: Rule) -> str:
        """What a person allows beforehand."""
        return self._key.sign(rule)

    def loan(self, loan: Loan) -> str:
        """What a person lets another do with an account of his; raises `Forbidden` for who is shut out."""
        self._require_in(loan.lender)
        return self._key.sign(loan)

    def schedule(self, schedule: Schedule) -> str:
        """What a person wants to be done at given times."""
        return self._key.sign(schedule)

    def by_rule(self, call: Call, *, rule: str, preview_digest: str) -> str:
        """Leave for one call under a signed rule, for what its preview of that digest says."""
        self._require_in(call.user)
        return self._key.sign(Approval(
            id=new_id(), call_digest=call_digest(call), call_id=call.id, user=call.user, decided_by="rule",
            rule=rule, preview_digest=preview_digest, expires=self._clock() + _BY_RULE,
        ))  # fmt: skip

    def by_person(self, call: Call, *, approval: str, session: str, preview_digest: str) -> str:
        """Leave for one call, by a person who saw the preview of that digest."""
        self._require_in(call.user)
        return self._key.sign(Approval(
            id=approval, call_digest=call_digest(call), call_id=call.id, user=call.user, decided_by="person",
            session=session, preview_digest=preview_digest, expires=self._clock() + _APPROVAL,
        ))  # fmt: skip

    def word(self, user: str, *, call: str, says: Literal["done", "not_done", "look"], session: str) -> str:
        """What a person says about a call that nobody can tell the outcome of."""
        return self._key.sign(
            Word(id=new_id(), user=user, call_id=call, says=says, session=session, expires=self._clock() + _WORD)
        )

    def erasure(self, user: str, scope: Scope | None = None) -> str:
        """The order to a room that everything of a user goes, or what fits a scope."""
        return self._key.sign(Erasure(id=new_id(), user=user, scope=scope, expires=self._clock() + _WORD))

    def link(self, user: str, *, approval: str | None, expires: datetime) -> str:
        """A user's way to one question of his, or to all."""
        return self._key.sign(Link(id=new_id(), user=user, approval=approval, expires=expires))

    def context(
        self, user: str, *, seconds: float, grant: str | None = None, conversation: str | None = None
    ) -> CallContext:
        """A call's context in the name of a user, under a session grant unless another one is given."""
        ctx = CallContext.within(seconds, now=self._clock(), user=user).signed(grant=grant or self.session(user))
        return ctx.model_copy(update={"conversation": conversation})

    def _require_in(self, user: str) -> None:
        if user in self.barred:
            raise Forbidden("Who runs this house has shut this account out.")

    def _sign(self, grant: Grant) -> str:
        return self._key.sign(grant)
