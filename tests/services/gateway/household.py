"""A house in which several people live, over its HTTP API: everybody with a browser of his own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx
from fastapi import FastAPI

from openassistant import subjects
from openassistant.context import CallContext
from openassistant.messages import AttachRequest, Done
from services.gateway.accounts import Accounts
from services.gateway.app import create_app
from services.gateway.backoff import Backoff
from services.gateway.bar import Bar
from services.gateway.factors import Factors
from services.gateway.gateway import Gateway
from services.gateway.holds import Holds
from services.gateway.hooks import Door as HookDoor
from services.gateway.house import HouseRules
from services.gateway.house_words import HouseWords
from services.gateway.installation import Installation
from services.gateway.joining import Joining
from services.gateway.ledger import Ledger
from services.gateway.links import Links
from services.gateway.models import Models
from services.gateway.openid import OpenId
from services.gateway.passkeys import Passkeys
from services.gateway.people import People
from services.gateway.preferences import Preferences
from services.gateway.probes import Probes
from services.gateway.settings import GatewaySettings
from services.gateway.vault import Vault
from services.gateway.wayout import WayOut
from tests.services.gateway.door import PASSWORD, Door
from tests.services.gateway.house import GatewayHouse

__all__ = ["BOBS_PASSWORD", "OLD_ENOUGH", "Browser", "Household"]

BOBS_PASSWORD = "not-a-real-password-of-bob"
OLD_ENOUGH = {"of_age": True}


class Browser:
    """Somebody's browser: keeps its cookie, and sends what pages of the house send."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.http = client

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """The answer to one request."""
        sent = {} if body is None else {"json": body}
        return await self.http.request(method, path, **sent, **more)

    async def done(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer that is none of a refusal."""
        answer = await self.ask(method, path, body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


class Household(Door):
    """Ada's house. `rules` are those of its house file; `erased` are those whose removal began."""

    def __init__(self, house: GatewayHouse, rules: HouseRules | None = None) -> None:
        super().__init__(house)
        self.rules = rules or HouseRules()
        self.erased: list[str] = []
        self.cancelled: list[str | None] = []
        self.attached: list[AttachRequest] = []
        bus, store, grants, clock = house.bus.room("gateway"), house.store, house.grants, house.clock
        ledger, vault = Ledger(bus, grants, Preferences(store)), Vault(bus, grants)
        self.ledger = ledger
        way = WayOut(bus, vault, house.connectors.running, room="gateway", proxy=None)
        self.hooks = HookDoor(bus, store, house.connectors, grants, ledger, clock, refusal=0)
        self.accounts = Accounts(
            bus, store, vault, house.connectors, grants, ledger, holds=Holds(store, ledger, default=timedelta()),
            routing=house.routing, way=way, door=self.hooks,
        )  # fmt: skip
        self.bar = Bar(bus, store, grants, house.turns, house.questions, budgets=house.budgets, accounts=self.accounts)
        self.links, self.words = Links(store, Backoff(clock), clock), HouseWords(store, clock)
        self.people = People(
            store, self.users, self.sessions, ledger, links=self.links, words=self.words, bar=self.bar,
            owners_changed=house.budgets.owners_changed, erase=self._erase, clock=clock,
        )  # fmt: skip
        self.joining = Joining(
            store, self.users, self.sessions, ledger, links=self.links, words=self.words, people=self.people,
            rules=self.rules, clock=clock,
        )  # fmt: skip
        self.passkeys = Passkeys(store, self.users, self.sessions, ledger, clock=clock)
        self.models = Models(
            bus, Preferences(store), vault, ledger, self.users, probes=Probes(bus, grants), way=way, clock=clock,
            rules=self.rules,
        )  # fmt: skip
        self.openid = OpenId(
            bus, store, vault, users=self.users, sessions=self.sessions, ledger=ledger, way=way, rules=self.rules,
            clock=clock,
        )  # fmt: skip
        self.app = self._app()

    async def open(self) -> Browser:
        """Ada's browser, in a house that has just been set up."""
        await self.house.agent.serve(subjects.agent("cancel"), Done, self._on_cancel)
        post = self.house.bus.room("post")
        await post.serve(subjects.account("post", "attach"), AttachRequest, self._on_attach)
        self.house._others.push_async_callback(post.drain, seconds=1)
        await self.owner()
        ada = self.browser()
        await ada.done("POST", "/api/session", {"username": "ada", "password": PASSWORD})
        return ada

    def browser(self) -> Browser:
        """Another browser, in which nobody is signed in."""
        return Browser(httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://127.0.0.1:8080"))

    async def invited(self, ada: Browser, **draft: Any) -> str:
        """The token of a new invitation."""
        made = await ada.done("POST", "/api/people/invitations", draft)
        return str(made["path"].partition("#")[2])

    async def joined(self, ada: Browser, name: str = "bob") -> Browser:
        """A browser in which somebody has joined by an invitation."""
        browser = self.browser()
        await browser.done("POST", "/api/join", self.form(await self.invited(ada), name))
        return browser

    @staticmethod
    def form(token: str, name: str = "bob", **changes: Any) -> dict[str, Any]:
        """What the page of an invitation sends."""
        filled = {"token": token, "username": name, "password": BOBS_PASSWORD, "display_name": name.title()}
        return {**filled, **OLD_ENOUGH, **changes}

    async def id_of(self, name: str) -> str:
        """Somebody's id."""
        found = await self.users.find(name)
        assert found is not None
        return found[0].id

    def told(self, action: str) -> list[Any]:
        """What the ledger holds of an action: whose record it is, and what."""
        return [(each.user, each.content) for each in self.house.entries if each.action.value == action]

    @asynccontextmanager
    async def under(self, user: str) -> AsyncIterator[None]:
        """The account of the house is somebody's, who lives here."""
        before = self.house.account
        self.house.account = before.model_copy(update={"user": user})
        yield
        self.house.account = before

    def installation(self, *, question_hours: float = 24.0, copied: bool = False) -> Installation:
        """What this house does, by its parts and by these settings."""
        return Installation(
            self.house.connectors, self.models, self.openid, rules=self.rules, question_hours=question_hours,
            copied=copied, clock=self.house.clock,
        )  # fmt: skip

    def _app(self) -> FastAPI:
        folder = self.house.folder
        room = GatewaySettings(nkey_file=folder, data_dir=folder, signing_key_file=folder, web_dir=folder)
        parts = SimpleNamespace(
            sessions=self.sessions, tokens=self.tokens, setup=self.setup, people=self.people, joining=self.joining,
            house=self.rules, installation=self.installation(), approvals=self.house.approvals,
            schedules=self.house.schedules, memories=self.house.memories, passkeys=self.passkeys,
            factors=Factors(self.sessions, self.passkeys, self.ledger),
        )  # fmt: skip
        return create_app(cast(Gateway, parts), room)

    async def _erase(self, user: str) -> None:
        self.erased.append(user)

    async def _on_cancel(self, ctx: CallContext, _: Done) -> Done:
        self.cancelled.append(ctx.conversation)
        return Done()

    async def _on_attach(self, ctx: CallContext, request: AttachRequest) -> Done:
        self.attached.append(request)
        return Done()
