"""An account is tried for real before it counts, keeps nothing when that fails, and is taken apart again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.errors import AccountRequired, InvalidRequest, NotFound, OaError, Unavailable
from openassistant.messages import (
    Account,
    AccountList,
    AccountQuery,
    AccountStatus,
    AttachRequest,
    CheckReport,
    CheckStep,
    ConnectRequest,
    Done,
    ErrorBody,
    PublicKey,
    SyncProgress,
)
from openassistant.oauth import Revoked
from openassistant.seal import SealingKey
from services.gateway import views
from services.gateway.accounts import MODEL_CONNECTOR, Accounts
from services.gateway.holds import Holds
from services.gateway.hooks import Door
from services.gateway.ledger import Ledger
from services.gateway.preferences import Preferences
from services.gateway.sessions import SignedIn
from services.gateway.users import User
from services.gateway.vault import Vault
from services.gateway.wayout import WayOut
from tests.services.gateway.house import GatewayHouse

SECRET = "not-a-real-password"


class Street(GatewayHouse):
    """A house with a vault that opens what is sealed to it, and a connector that answers as the test wants."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._key = SealingKey()
        self.kept: dict[str, Account] = {}
        self.secrets: dict[str, dict[str, str]] = {}
        self.report = CheckReport(ok=True, steps=(CheckStep(name="Sign in", ok=True),))
        self.progress: dict[str, SyncProgress] = {}
        self.attached: list[str] = []
        self.detached: list[str] = []
        self.away: OaError | None = None
        self.accounts: Accounts

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        vault, post = self.bus.room("vault"), self.bus.room("post")
        for bus in (vault, post):
            self._others.push_async_callback(bus.drain, seconds=1)
        await vault.serve(subjects.vault("public"), Done, self._on_public)
        await vault.serve(subjects.vault_account("connect"), ConnectRequest, self._on_connect)
        await vault.serve(subjects.vault_account("finish"), AccountQuery, self._on_finish)
        await vault.serve(subjects.vault_account("revoke"), AccountQuery, self._on_revoke)
        await post.serve(subjects.account("post", "check"), AttachRequest, self._on_check)
        await post.serve(subjects.account("post", "attach"), AttachRequest, self._on_attach)
        await post.serve(subjects.account("post", "detach"), AccountQuery, self._on_detach)
        await post.serve(subjects.account("post", "status"), AccountQuery, self._on_status)
        return self

    async def start(self) -> None:
        await super().start()
        bus = self.bus.room("gateway")
        self._own.push_async_callback(bus.drain, seconds=1)
        vault, ledger = Vault(bus, self.grants), Ledger(bus, self.grants, Preferences(self.store))
        way = WayOut(bus, vault, self.connectors.running, room="gateway", proxy=None)
        holds = Holds(self.store, ledger, default=timedelta(seconds=10))
        self.accounts = Accounts(
            bus, self.store, vault, self.connectors, self.grants, ledger, holds=holds, routing=self.routing, way=way,
            door=Door(bus, self.store, self.connectors, self.grants, ledger, self.clock),
        )  # fmt: skip

    async def connect(self, name: str = "", **settings: Any) -> views.Account:
        draft = views.AccountDraft(connector="post", name=name, settings=settings, secrets={"password": SECRET})
        return await self.accounts.connect(self.me, draft)

    async def _on_public(self, ctx: CallContext, _: Done) -> PublicKey:
        return PublicKey(public_key=self._key.public)

    async def _on_connect(self, ctx: CallContext, request: ConnectRequest) -> Account:
        assert SECRET not in request.model_dump_json()
        given = request.model_dump(include={"user", "connector", "name", "settings"})
        made = Account(**given, id=new_id(), state="pending", created=self.clock())
        self.secrets[made.id] = json.loads(self._key.open(request.sealed, context=ctx.subject))
        self.kept[made.id] = made
        return made

    async def _on_finish(self, ctx: CallContext, query: AccountQuery) -> Account:
        found = self.kept[str(query.account)]
        update = {"state": "attention" if query.problem else "connected", "problem": query.problem}
        self.kept[found.id] = found.model_copy(update=update)
        return self.kept[found.id]

    async def _on_list(self, ctx: CallContext, query: AccountQuery) -> AccountList:
        wanted = {"user": query.user, "connector": query.connector, "id": query.account}
        given = {name: value for name, value in wanted.items() if value is not None}
        fitting = (each for each in self.kept.values() if given.items() <= each.model_dump().items())
        return AccountList(accounts=tuple(fitting))

    async def _on_revoke(self, ctx: CallContext, query: AccountQuery) -> Revoked:
        self.secrets.pop(str(query.account), None)
        if (found := self.kept.pop(str(query.account), None)) is None:
            raise NotFound("That account is not connected any more.")
        return Revoked(account=found)

    async def _on_check(self, ctx: CallContext, request: AttachRequest) -> CheckReport:
        assert self.trust.grant(request.grant, now=self.time).account == request.account
        return self.report

    async def _on_attach(self, ctx: CallContext, request: AttachRequest) -> Done:
        self.attached.append(request.account)
        return Done()

    async def _on_detach(self, ctx: CallContext, query: AccountQuery) -> Done:
        if self.away:
            raise self.away
        self.detached.append(str(query.account))
        return Done()

    async def _on_status(self, ctx: CallContext, query: AccountQuery) -> AccountStatus:
        if self.away:
            raise self.away
        return AccountStatus(accounts=self.progress)


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    async with Street(tmp_path) as made:
        yield made


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_connected_account_was_tried_is_written_down_and_handed_on(street: Street) -> None:
    made = await street.connect("Home")
    assert (made.name, made.state, street.recorded()) == ("Home", "connected", ["account.connected"])
    assert street.secrets == {made.id: {"password": SECRET}}
    await until(lambda: street.attached == [made.id])


@pytest.mark.parametrize("code", ["account_required", "upstream_failed"])
async def test_an_account_that_fails_its_try_leaves_nothing_behind(street: Street, code: str) -> None:
    problem = ErrorBody(code=code, message="The place refused the password.")
    street.report = CheckReport(ok=False, steps=(CheckStep(name="Sign in", ok=False),), problem=problem)
    with pytest.raises(OaError, match="refused the password") as caught:
        await street.connect()
    assert caught.value.code == code
    assert [step["name"] for step in caught.value.details["steps"]] == ["Sign in"]
    await until(lambda: not street.kept and not street.secrets)
    assert street.attached == []


async def test_an_account_that_cannot_be_written_down_is_not_connected(street: Street) -> None:
    street.ledger_error = Unavailable("The witness is away.")
    with pytest.raises(Unavailable):
        await street.connect()
    await until(lambda: not street.kept)


async def test_accounts_get_names_of_their_own(street: Street) -> None:
    names = [(await street.connect(address="ada@home.example")).name for _ in range(3)]
    assert names == ["ada@home.example", "ada@home.example (2)", "ada@home.example (3)"]
    with pytest.raises(InvalidRequest) as caught:
        await street.connect("ada@home.example")
    assert caught.value.details["fields"] == {"name": "You have an account of that name already."}


async def test_somebody_elses_account_is_not_there(street: Street) -> None:
    made = await street.connect()
    user = User(id=new_id(), username="bob", display_name="Bob", role="member")
    other = SignedIn(session=new_id(), user=user, expires=street.me.expires)
    for attempt in (street.accounts.view, street.accounts.check, street.accounts.remove):
        with pytest.raises(NotFound):
            await attempt(other, made.id)
    assert await street.accounts.listing(other) == []
    assert made.id in street.secrets


async def test_a_model_key_and_a_half_connected_account_are_not_accounts(street: Street) -> None:
    made = await street.connect()
    for connector, state in ((MODEL_CONNECTOR, "connected"), ("post", "pending")):
        extra = street.kept[made.id].model_copy(update={"id": new_id(), "connector": connector, "state": state})
        street.kept[extra.id] = extra
    assert [each.id for each in await street.accounts.listing(street.me)] == [made.id]
    assert [each.id for each in await street.accounts.refs(street.me.user.id)] == [made.id]


async def test_what_was_half_connected_is_destroyed_at_the_next_start(street: Street) -> None:
    made = await street.connect()
    half = street.kept[made.id].model_copy(update={"id": new_id(), "state": "pending"})
    street.kept[half.id] = half
    await street.accounts.drop_pending([street.me.user.id])
    assert list(street.kept) == [made.id]


async def test_a_removed_account_loses_its_secrets_at_once_and_its_copy_when_the_connector_is_back(
    street: Street,
) -> None:
    made = await street.connect()
    street.away = Unavailable("away")
    await street.accounts.remove(street.me, made.id)
    assert (street.secrets, street.detached) == ({}, [])
    await street.stop()
    street.away = None
    await street.start()
    assert "account.erased" not in street.recorded()
    await street.accounts.detach_pending()
    assert street.detached == [made.id]
    await street.accounts.detach_pending()
    assert street.detached == [made.id]
    assert street.recorded()[-2:] == ["account.removed", "account.erased"]


async def test_a_copy_counts_as_deleted_once_that_is_written_down(street: Street) -> None:
    made = await street.connect()
    street.away = Unavailable("away")
    await street.accounts.remove(street.me, made.id)
    street.away, street.ledger_error = None, Unavailable("The witness is away.")
    await street.accounts.detach_pending()
    assert set(street.detached) == {made.id}
    assert "account.erased" not in street.recorded()
    street.ledger_error = None
    for _ in range(2):
        await street.accounts.detach_pending()
    assert street.recorded().count("account.erased") == 1


async def test_a_copy_that_several_want_deleted_at_once_is_written_down_once(street: Street) -> None:
    made = await street.connect()
    street.away = Unavailable("away")
    await street.accounts.remove(street.me, made.id)
    street.away = None
    await asyncio.gather(*(street.accounts.detach_pending() for _ in range(3)))
    assert street.recorded().count("account.erased") == 1


async def test_a_removal_that_cannot_be_written_down_removes_nothing(street: Street) -> None:
    made = await street.connect()
    street.ledger_error = Unavailable("The witness is away.")
    with pytest.raises(Unavailable):
        await street.accounts.remove(street.me, made.id)
    assert made.id in street.secrets


async def test_a_check_that_fails_is_kept_as_the_state_until_one_succeeds(street: Street) -> None:
    made, well = await street.connect(), street.report
    problem = ErrorBody(code=AccountRequired.code, message="The place refused the password.")
    street.report = CheckReport(ok=False, problem=problem)
    assert not (await street.accounts.check(street.me, made.id)).ok
    view = await street.accounts.view(street.me, made.id)
    assert (view.state, view.problem and view.problem.action) == ("attention", "reconnect")
    street.report = well
    assert (await street.accounts.check(street.me, made.id)).ok
    assert (await street.accounts.view(street.me, made.id)).state == "connected"


@pytest.mark.parametrize(
    ("code", "details", "shown"),
    [
        ("forbidden", {"reason": "api_disabled", "url": "https://console.example/on"}, ("retry", "api_disabled", True)),
        ("forbidden", {"reason": "scope_missing"}, ("reconnect", "scope_missing", False)),
        ("account_required", {"reason": "clock_wrong"}, ("retry", "clock_wrong", False)),
        ("forbidden", {"reason": 7, "url": "javascript:alert(1)"}, ("retry", None, False)),
        ("forbidden", {"reason": "x" * 3000, "url": "http://console.example"}, ("retry", None, False)),
    ],
)
async def test_a_problem_says_what_a_person_can_do_about_it_and_names_only_pages_with_https(
    street: Street, code: str, details: dict[str, Any], shown: tuple[str, str | None, bool]
) -> None:
    made = await street.connect()
    street.report = CheckReport(ok=False, problem=ErrorBody(code=code, message="No.", details=details))
    problem = (await street.accounts.check(street.me, made.id)).problem
    assert problem is not None
    assert (problem.action, problem.reason, problem.url is not None) == shown
    assert (await street.accounts.view(street.me, made.id)).problem == problem


async def test_a_failed_sync_that_only_the_owner_can_mend_asks_for_attention(street: Street) -> None:
    made = await street.connect()
    for code, state in (("account_required", "attention"), ("unavailable", "connected")):
        problem = ErrorBody(code=code, message="It did not work.")
        street.progress = {made.id: SyncProgress(state="failed", problem=problem)}
        assert (await street.accounts.view(street.me, made.id)).state == state


async def test_a_connector_that_is_away_leaves_its_accounts_in_the_list(street: Street) -> None:
    made = await street.connect()
    street.away = Unavailable("away")
    [view] = await street.accounts.listing(street.me)
    assert (view.id, view.sync) == (made.id, None)


async def test_an_account_that_sends_says_how_long_that_is_held_and_takes_another_time(street: Street) -> None:
    made = await street.connect()
    assert made.hold == views.AccountHold(seconds=10, chosen=False)
    changed = await street.accounts.hold(street.me, made.id, 45)
    assert changed.hold == views.AccountHold(seconds=45, chosen=True)
    assert [each.hold for each in await street.accounts.listing(street.me)] == [changed.hold]
    stranger = street.me.model_copy(update={"user": street.me.user.model_copy(update={"id": new_id()})})
    with pytest.raises(NotFound):
        await street.accounts.hold(stranger, made.id, 0)
    assert (await street.accounts.hold(street.me, made.id, None)).hold == made.hold


@pytest.mark.parametrize(
    ("details", "shown"),
    [
        (
            {"reason": "api_disabled", "url": "https://console.cloud.google.com/x"},
            ("retry", "api_disabled", "https://console.cloud.google.com/x"),
        ),
        ({"reason": "scope_missing"}, ("reconnect", "scope_missing", None)),
        ({"reason": "storage_full", "url": "javascript:alert(1)"}, ("retry", "storage_full", None)),
        ({"reason": "name_taken", "url": "https://console.cloud.google.com/x"}, ("retry", None, None)),
        ({"reason": ["api_disabled"]}, ("retry", None, None)),
    ],
)
async def test_what_a_provider_refuses_is_told_with_the_page_that_helps(
    street: Street, details: dict[str, Any], shown: tuple[str, str | None, str | None]
) -> None:
    made = await street.connect()
    problem = ErrorBody(code="forbidden", message="Not there.", details=details)
    street.report = CheckReport(ok=False, steps=(CheckStep(name="Read", ok=False),), problem=problem)
    report = await street.accounts.check(street.me, made.id)
    account = await street.accounts.view(street.me, made.id)
    for note in (report.problem, account.problem):
        assert note is not None
        assert (note.action, note.reason, note.url) == shown
