"""Signing in at an OpenID provider: who may, who is who, and what somebody shows once more.

The vault speaks to the provider and checks what it says; here it is decided who that is in this house. A person of a
provider is known by issuer and subject alone, never by an address or a name: those can be given to somebody else there.
He gets there by proof: he adds it while signed in, or he is let in as somebody new.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Connection, text

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, Clock, new_id
from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound
from openassistant.messages import AuditAction
from openassistant.openid import (
    OpenIdBegin,
    OpenIdBegun,
    OpenIdClient,
    OpenIdDraft,
    OpenIdFinish,
    OpenIdWho,
    Purpose,
)
from openassistant.store import Store
from services.gateway import openid_views as shapes
from services.gateway.backoff import Backoff
from services.gateway.house import HouseRules
from services.gateway.ledger import Ledger
from services.gateway.openid_rules import Rule, admits, answer_in, check_rule, names_of, plain
from services.gateway.problems import AgeUnsaid
from services.gateway.sessions import Opened, Sessions, SignedIn
from services.gateway.users import User, Users
from services.gateway.vault import Vault
from services.gateway.wayout import WayOut

__all__ = ["BACK", "MOST", "OpenId"]

BACK = "/login/back"
"""The web UI's page that a provider sends the browser back to."""
MOST = 10
"""Providers of a house."""
_SECONDS = 25.0
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_TOLD = ("email", "email_verified", "name", "preferred_username")
_WHY = "Who decides where people sign in decides who may come in, so it needs your password."
_WHY_LINK = "Another way to sign in needs your password once more."


class OpenId:
    """Providers (the owner's), sign-ins (everybody's), and links (one's own)."""

    def __init__(
        self, bus: Bus, store: Store, vault: Vault, *, users: Users, sessions: Sessions, ledger: Ledger, way: WayOut,
        rules: HouseRules, clock: Clock,
    ) -> None:  # fmt: skip
        self._bus, self._store, self._vault, self._users, self._house = bus, store, vault, users, rules
        self._sessions, self._ledger, self._way, self._clock = sessions, ledger, way, clock
        self._backoff = Backoff(clock)

    # --- providers ------------------------------------------------------------------------------------------------

    async def ways(self) -> list[shapes.SignInWay]:
        """What the sign-in page offers."""
        return [shapes.SignInWay(id=each.id, label=each.label) for each in await self._rules()]

    async def providers(self, me: SignedIn) -> list[shapes.SignInProvider]:
        """Everything of them but their secrets."""
        known = {each.id: each for each in await self._vault.openids()}
        people = await self._people()
        return [
            _shown(each, known[each.id], people.get(each.issuer, 0)) for each in await self._rules() if each.id in known
        ]

    async def keep(
        self, me: SignedIn, provider: str | None, draft: shapes.SignInProviderDraft, *, address: str
    ) -> shapes.SignInProvider:
        """A new registration or a changed one, once the provider has answered; raises what names the field."""
        known = None if provider is None else await self._rule(provider)
        rule = Rule(provider or new_id(), draft.label, draft.issuer, draft.claim, draft.allowed, draft.joins)
        check_rule(rule)
        others = [each for each in await self._rules() if each.id != rule.id]
        if any(each.issuer == rule.issuer for each in others) or len(others) >= MOST:
            raise Conflict("That provider is there already." if len(others) < MOST else f"{MOST} providers are enough.")
        if known is not None and known.issuer != rule.issuer and (await self._people()).get(known.issuer):
            raise Conflict("People sign in there under its issuer. Add another provider, then take this one away.")
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        content = {
            "provider": rule.id, "client_id": draft.client_id, "issuer": rule.issuer, "joins": rule.joins,
            "claim": rule.claim, "allowed": list(rule.allowed),
        }  # fmt: skip
        await self._ledger.note(AuditAction.CLIENT_CHANGED, user=me.user.id, content=content)
        client = OpenIdClient(id=rule.id, issuer=rule.issuer, client_id=draft.client_id, scopes=draft.scopes)
        async with self._way.opened(rule.issuer, room="vault"):
            subject, ctx = subjects.vault_openid("keep"), CallContext.within(_SECONDS)
            given = draft.client_secret
            sealed = await self._vault.sealed(ctx, subject, client_secret=given) if given else None
            kept = await self._bus.request(subject, OpenIdDraft(client=client, sealed=sealed), OpenIdClient, ctx)
        row = {**rule._asdict(), "allowed": json.dumps(rule.allowed), "now": self._clock().isoformat()}
        await self._store.write(lambda connection: _keep(connection, row))
        await self._way.tell()
        return _shown(rule, kept, (await self._people()).get(rule.issuer, 0))

    async def forget(self, me: SignedIn, provider: str) -> None:
        """Forgets one; raises `Conflict` where somebody could not sign in any more."""
        rule = await self._rule(provider)
        alone = text(
            "SELECT count(DISTINCT user) FROM openid_links WHERE issuer = :issuer AND user IN"
            " (SELECT user FROM openid_people) AND user NOT IN"
            " (SELECT user FROM openid_links l JOIN openid_providers p ON p.issuer = l.issuer"
            " WHERE l.issuer <> :issuer)"
        )
        count = await self._store.read(lambda c: c.execute(alone, {"issuer": rule.issuer}).scalar_one())
        if count:
            raise Conflict(f"{count} of the people here could not sign in any more. They need a password first.")
        await self._ledger.note(AuditAction.CLIENT_CHANGED, user=me.user.id, content={"provider": provider})
        await self._vault.forget_openid(provider)
        row = {"id": provider, "issuer": rule.issuer}

        def write(connection: Connection) -> None:
            connection.execute(text("DELETE FROM openid_providers WHERE id = :id"), row)
            connection.execute(text("DELETE FROM openid_links WHERE issuer = :issuer"), row)

        await self._store.write(write)
        await self._way.tell()

    # --- sign-in --------------------------------------------------------------------------------------------------

    async def enter(self, provider: str, *, base: str, address: str) -> shapes.SignInGoing:
        """Begins one; raises `NotFound`, `RateLimited` for whoever begins many and ends none."""
        self._backoff.admit("openid", address, known=True)
        await self._rule(provider)
        return await self._begin(provider, "enter", binding=secrets.token_urlsafe(32), base=base)

    async def entered(
        self, draft: shapes.SignInEnteredDraft, *, address: str, agent: str, former: tuple[str, ...]
    ) -> Opened:
        """A session of whoever it was; raises `Forbidden` for somebody who is not let in or not known.

        Somebody new is made a member as one who was invited is: raises `AgeUnsaid` without his word on his age, and
        `Conflict` where the house is full.
        """
        who, rule = await self._finished(draft.address, "enter", binding=draft.key)
        user = await self._linked(who)
        if user is None:
            if rule.joins != "members":
                raise Forbidden(
                    f"Nobody in this house is known by that sign-in. If you live here, sign in with your password first"
                    f" and add {rule.label} under Sign-in."
                )
            user = await self._join(who, rule, of_age=draft.of_age)
        self._backoff.succeeded("openid", address)
        began = who.authenticated or _NEVER
        opened = await self._sessions.enter(
            user, address=address, agent=agent, former=former, began=min(began, self._clock())
        )
        row = {"issuer": who.issuer, "subject": who.subject, "now": self._clock().isoformat()}
        used = text("UPDATE openid_links SET used = :now WHERE issuer = :issuer AND subject = :subject")
        await self._store.write(lambda connection: connection.execute(used, row))
        return opened

    # --- one's own ------------------------------------------------------------------------------------------------

    async def mine(self, me: SignedIn) -> shapes.SignInWays:
        """How one signs in."""
        labels = {each.issuer: each for each in await self._rules()}
        links = tuple(
            shapes.SignInLink(
                id=row.id, provider=labels[row.issuer].id if row.issuer in labels else None,
                label=labels[row.issuer].label if row.issuer in labels else row.issuer, shown=row.shown,
                created_at=datetime.fromisoformat(row.created),
                used_at=datetime.fromisoformat(row.used) if row.used else None,
            )
            for row in await self._links(me.user.id)
        )  # fmt: skip
        return shapes.SignInWays(has_password=await self.has_password(me.user.id), links=links)

    async def has_password(self, user: str) -> bool:
        """Whether somebody has a password of his own; who came by a provider has none."""
        query = text("SELECT 1 FROM openid_people WHERE user = :user")
        return await self._store.read(lambda c: c.execute(query, {"user": user}).first() is None)

    async def link(self, me: SignedIn, draft: shapes.SignInLinkDraft, *, base: str, address: str) -> shapes.SignInGoing:
        """Begins to add a provider; raises `NotFound`, `SignInAgain`."""
        await self._rule(draft.provider)
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY_LINK)
        return await self._begin(draft.provider, "link", binding=me.session, base=base)

    async def again(self, me: SignedIn, provider: str | None, *, base: str) -> shapes.SignInGoing:
        """Begins to show once more that it is oneself; raises `NotFound` without a sign-in at a provider."""
        mine = {row.issuer for row in await self._links(me.user.id)}
        able = [each for each in await self._rules() if each.issuer in mine and provider in (None, each.id)]
        if not able:
            raise NotFound("You do not sign in there.")
        return await self._begin(able[0].id, "again", binding=me.session, base=base)

    async def returned(self, me: SignedIn, address: str) -> shapes.SignInReturned:
        """Ends what `link` or `again` began, in the same session."""
        purpose = answer_in(address)["state"].partition(".")[0]
        if purpose not in ("link", "again"):
            raise InvalidRequest("This sign-in was begun for something else. Begin again.")
        who, rule = await self._finished(address, cast("Purpose", purpose), binding=me.session)
        user = await self._linked(who)
        if purpose == "link":
            await self._add(me, who, rule, user)
            return shapes.SignInReturned(linked=True)
        if user is None or user.id != me.user.id:
            self._ledger.try_note(AuditAction.SESSION_REFUSED, user=me.user.id, content={"provider": rule.id})
            raise Forbidden("You signed in there as somebody else, so this does not count.")
        return shapes.SignInReturned(linked=False, proof=await self._sessions.proofs.give(me.session))

    async def unlink(self, me: SignedIn, link: str) -> None:
        """Takes a way to sign in away; raises `NotFound`, `Conflict` for the only one."""
        links = await self._links(me.user.id)
        if all(row.id != link for row in links):
            raise NotFound("You do not sign in there.")
        living = {each.issuer for each in await self._rules()}
        rest = [row for row in links if row.id != link and row.issuer in living]
        if not rest and not await self.has_password(me.user.id):
            raise Conflict("This is your only way to sign in. Add another one first.")
        row = {"id": link, "user": me.user.id}
        query = text("DELETE FROM openid_links WHERE id = :id AND user = :user")
        await self._store.write(lambda connection: connection.execute(query, row))
        self._ledger.try_note(AuditAction.SIGN_IN_UNLINKED, user=me.user.id, content={"link": link})

    # --- inside ---------------------------------------------------------------------------------------------------

    async def _add(self, me: SignedIn, who: OpenIdWho, rule: Rule, known: User | None) -> None:
        if known is not None:
            mine = "You sign in there already." if known.id == me.user.id else "Somebody else here signs in as that."
            raise Conflict(mine)
        link = new_id()
        content = {"link": link, "provider": rule.id, "label": rule.label}
        await self._ledger.note(AuditAction.SIGN_IN_LINKED, user=me.user.id, id=link, content=content)
        row = _link_row(link, who, me.user.id, self._clock())
        await self._store.write(lambda connection: _insert_link(connection, row))

    async def _join(self, who: OpenIdWho, rule: Rule, *, of_age: bool) -> User:
        """A new member, whose way to sign in is this one."""
        await self._users.refuse_full(self._house.people)
        if not of_age:
            raise AgeUnsaid(f"{rule.label} knows you, and you are new here. Say that you are old enough to join.")
        names, told = names_of(who), who.claims.get("name")
        shown = plain(told)[:100] if isinstance(told, str) else ""
        for name in names:
            if await self._users.find(name) is None:
                break
        else:
            raise Conflict("There is no user name left for you here. Ask the owner of this house.")
        user, hashed = await self._users.prepare(
            username=name, password=secrets.token_urlsafe(48), display_name=shown, role="member"
        )
        link = new_id()
        content = {"role": user.role, "provider": rule.id}
        await self._ledger.note(AuditAction.USER_CREATED, user=user.id, id=user.id, content=content)
        await self._users.add(user, hashed, of_age=True, most=self._house.people)
        row = _link_row(link, who, user.id, self._clock())

        def write(connection: Connection) -> None:
            connection.execute(text("INSERT INTO openid_people (user) VALUES (:user)"), row)
            _insert_link(connection, row)

        try:
            await self._store.write(write)
        except Conflict:
            gone = text("DELETE FROM users WHERE id = :user")
            await self._store.write(lambda connection: connection.execute(gone, row))
            raise
        return user

    async def _begin(self, provider: str, purpose: Purpose, *, binding: str, base: str) -> shapes.SignInGoing:
        request = OpenIdBegin(client=provider, purpose=purpose, binding=binding, redirect_uri=f"{base}{BACK}")
        ctx = CallContext.within(_SECONDS)
        begun = await self._bus.request(subjects.vault_openid("begin"), request, OpenIdBegun, ctx)
        return shapes.SignInGoing(url=begun.url, expires_at=begun.expires, key=binding if purpose == "enter" else "")

    async def _finished(self, address: str, purpose: Purpose, *, binding: str) -> tuple[OpenIdWho, Rule]:
        """Who it was and by which provider, if that one's rule lets him in."""
        back, rules = answer_in(address), {each.id: each for each in await self._rules()}
        ctx, subject = CallContext.within(_SECONDS), subjects.vault_openid("finish")
        sealed = await self._vault.sealed(ctx, subject, code=back["code"]) if "code" in back else None
        wanted = {each.id: (*_TOLD, *([each.claim] if each.claim else [])) for each in rules.values()}
        request = OpenIdFinish(
            purpose=purpose, binding=binding, state=back["state"], sealed=sealed, issuer=back.get("iss"),
            error=back.get("error", ""), claims=wanted,
        )  # fmt: skip
        who = await self._bus.request(subject, request, OpenIdWho, ctx)
        rule = rules.get(who.client)
        if rule is None or rule.issuer != who.issuer:
            raise NotFound("This way of signing in is not there any more.")
        if not admits(rule, who.claims):
            raise Forbidden(f"{rule.label} knows you, but the owner of this house does not let you in by it.")
        return who, rule

    async def _linked(self, who: OpenIdWho) -> User | None:
        query = text(
            "SELECT u.id, u.username, u.display_name, u.role FROM openid_links l JOIN users u ON u.id = l.user"
            " WHERE l.issuer = :issuer AND l.subject = :subject"
        )
        row = {"issuer": who.issuer, "subject": who.subject}
        found = await self._store.read(lambda connection: connection.execute(query, row).one_or_none())
        return None if found is None else User.model_validate(dict(found._mapping))  # noqa: SLF001 - a row's columns

    async def _links(self, user: str) -> Sequence[Any]:
        query = text("SELECT * FROM openid_links WHERE user = :user ORDER BY id")
        return await self._store.read(lambda connection: connection.execute(query, {"user": user}).all())

    async def _people(self) -> dict[str, int]:
        query = text("SELECT issuer, count(DISTINCT user) AS people FROM openid_links GROUP BY issuer")
        return await self._store.read(lambda c: {row.issuer: row.people for row in c.execute(query)})

    async def _rules(self) -> list[Rule]:
        query = text("SELECT id, label, issuer, claim, allowed, joins FROM openid_providers ORDER BY id")
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [
            Rule(row.id, row.label, row.issuer, row.claim, tuple(json.loads(row.allowed)), row.joins) for row in rows
        ]

    async def _rule(self, provider: str) -> Rule:
        for each in await self._rules():
            if each.id == provider:
                return each
        raise NotFound("There is no such way to sign in.")


def _shown(rule: Rule, client: OpenIdClient, people: int) -> shapes.SignInProvider:
    return shapes.SignInProvider(
        id=rule.id, label=rule.label, issuer=rule.issuer, client_id=client.client_id, has_secret=client.has_secret,
        scopes=client.scopes, claim=rule.claim, allowed=rule.allowed,
        joins="members" if rule.joins == "members" else "nobody", people=people,
    )  # fmt: skip


def _keep(connection: Connection, row: dict[str, Any]) -> None:
    connection.execute(
        text(
            "INSERT INTO openid_providers (id, label, issuer, claim, allowed, joins, created)"
            " VALUES (:id, :label, :issuer, :claim, :allowed, :joins, :now) ON CONFLICT (id) DO UPDATE"
            " SET label = :label, issuer = :issuer, claim = :claim, allowed = :allowed, joins = :joins"
        ),
        row,
    )


def _link_row(link: str, who: OpenIdWho, user: str, now: datetime) -> dict[str, Any]:
    told = who.claims.get("email") or who.claims.get("preferred_username") or who.claims.get("name") or ""
    shown = plain(str(told))[:320]
    return {"id": link, "issuer": who.issuer, "subject": who.subject, "user": user, "shown": shown,
            "now": now.isoformat()}  # fmt: skip


def _insert_link(connection: Connection, row: dict[str, Any]) -> None:
    """Stores one; raises `Conflict` where somebody was quicker."""
    taken = text("SELECT 1 FROM openid_links WHERE issuer = :issuer AND subject = :subject")
    if connection.execute(taken, row).first():
        raise Conflict("Somebody here signs in as that already.")
    connection.execute(
        text(
            "INSERT INTO openid_links (id, issuer, subject, user, shown, created)"
            " VALUES (:id, :issuer, :subject, :user, :shown, :now)"
        ),
        row,
    )
