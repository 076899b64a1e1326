"""Each row of the published privacy policy, shown to be so. The name of a test is the row's id; none stands alone."""

from __future__ import annotations

import ast
import asyncio
import importlib
import io
import json
import logging
import re
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from deploy.generated import ROOT
from deploy.privacy import TARGET
from openassistant import subjects
from openassistant.connector import Context
from openassistant.context import CallContext, new_id, utc_now
from openassistant.errors import NotFound
from openassistant.grants import Erasure
from openassistant.left import LeftQuery, LeftReport
from openassistant.log import configure
from openassistant.messages import AccountQuery, AuditAction, Done, Record
from openassistant.oauth import Revoked
from openassistant.testing import FakeHouse
from services.gateway import privacy, usage_views
from services.gateway.house import HouseRules
from services.gateway.memory_views import MemoryDraft
from services.gateway.schedule_views import ScheduleDraft
from services.gateway.sessions import ABSOLUTE, IDLE, SignedIn
from tests.sdk.hand.tools import connector as hand
from tests.services.agent.house import AgentHouse, Script, says
from tests.services.audit.house import AuditHouse
from tests.services.gateway.door import ELSEWHERE, HOME
from tests.services.gateway.house import GatewayHouse
from tests.services.gateway.household import BOBS_PASSWORD, Browser, Household
from tests.services.vault.house import PASSWORD as SECRET
from tests.services.vault.house import VaultHouse

SERVICES = sorted(each.parent.name for each in (ROOT / "connectors").glob("*/tools.py"))
PLANTED = "planted-words-9f3b"
ROWS = {each.id: each for each in privacy.ROWS}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[GatewayHouse]:
    async with GatewayHouse(tmp_path / "gateway") as made:
        yield made


@pytest.fixture
def home(house: GatewayHouse) -> Household:
    return Household(house)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> None:
    (tmp_path / "gateway").mkdir()


def holding(folder: Path, *words: str) -> list[str]:
    """Names of the files in which one of these stands."""
    files = [each for each in folder.rglob("*") if each.is_file()]
    return [each.name for each in files if any(word.encode() in each.read_bytes() for word in words)]


async def count(house: GatewayHouse, table: str) -> int:
    query = text(f"SELECT count(*) FROM {table}")
    return int(await house.store.read(lambda connection: connection.execute(query).scalar_one()))


async def bob_in(home: Household) -> tuple[Browser, Browser, SignedIn]:
    """Ada's browser, Bob's, and who Bob is."""
    ada = await home.open()
    bob = await home.joined(ada)
    me = await home.sessions.find((await home.sign_in(BOBS_PASSWORD, username="bob", address=ELSEWHERE)).token)
    return ada, bob, me


async def as_another(house: GatewayHouse) -> SignedIn:
    """The owner of the house, where the one whose data it is is somebody else."""
    return house.me.model_copy(update={"user": house.me.user.model_copy(update={"id": new_id()})})


# --- the policy itself ----------------------------------------------------------------------------------------------


def test_each_row_has_a_test_of_its_name_and_each_test_a_row() -> None:
    tests = {name.removeprefix("test_row_") for name in vars(sys.modules[__name__]) if name.startswith("test_row_")}
    assert tests == set(ROWS)
    assert len(ROWS) == len(privacy.ROWS)


def test_what_is_published_is_what_the_program_says() -> None:
    assert TARGET.read_text() == privacy.document()
    page = privacy.page(HouseRules())
    assert re.findall(r'<tr id="(\w+)"', page) == list(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_says_all_that_it_must(row: str) -> None:
    assert all(each.strip().endswith(".") for each in ROWS[row][1:])


# --- the rows -------------------------------------------------------------------------------------------------------


async def test_row_account(home: Household) -> None:
    ada, _, me = await bob_in(home)
    query = text("SELECT * FROM users WHERE id = :id")
    row = await home.house.store.read(lambda c: dict(c.execute(query, {"id": me.user.id}).one()._mapping))
    kept = {"id", "login", "username", "display_name", "role", "created", "of_age", "suspended", "leaves"}
    assert set(row) == kept | {"password"}
    assert row["of_age"] == row["created"]
    shown = await ada.done("GET", "/api/people")
    assert "password" not in str(shown)
    await home.house.store.write(
        lambda c: c.execute(text("DELETE FROM users WHERE id = :id"), {"id": me.user.id}).close()
    )
    assert "bob" not in await home.stored()


async def test_row_password(home: Household, tmp_path: Path) -> None:
    _, _, me = await bob_in(home)
    query = text("SELECT password FROM users WHERE id = :id")
    kept = await home.house.store.read(lambda c: str(c.execute(query, {"id": me.user.id}).scalar_one()))
    assert kept.startswith("$argon2id$")
    await home.house.stop()
    assert holding(tmp_path, BOBS_PASSWORD, kept) == []
    await home.house.start()
    assert BOBS_PASSWORD not in str(home.house.records)


async def test_row_sign_ins(home: Household) -> None:
    _, _, me = await bob_in(home)
    (newest, *_) = await home.sessions.listing(me)
    assert (newest.address, newest.agent) == (ELSEWHERE, "test")
    assert (timedelta(days=14), timedelta(days=60)) == (IDLE, ABSOLUTE)
    ada = home.browser()
    assert (await ada.ask("GET", "/api/sessions")).status_code == 401
    home.house.time += timedelta(days=14)
    await home.sessions.sweep()
    assert await count(home.house, "sessions") == 0


async def test_sign_ins_of_others_are_not_shown_to_an_owner(home: Household) -> None:
    ada, _, _ = await bob_in(home)
    assert ELSEWHERE not in str(await ada.done("GET", "/api/sessions"))


async def test_row_known_addresses(home: Household) -> None:
    await bob_in(home)
    assert await count(home.house, "known_addresses") > 0
    home.house.time += timedelta(days=180)
    await home.sessions.sweep()
    assert await count(home.house, "known_addresses") == 0


async def test_row_tokens(home: Household) -> None:
    _, _, me = await bob_in(home)
    made = await home.make(me, "chat", days=365)
    assert made.token not in await home.stored()
    ada = home.browser()
    assert (await ada.ask("GET", "/api/tokens")).status_code == 401
    home.house.time += timedelta(days=365)
    await home.tokens.sweep()
    assert await count(home.house, "tokens") == 0


async def test_row_invitations(home: Household) -> None:
    ada = await home.open()
    token = await home.invited(ada, label="For Bob", days=30)
    rows = await home.house.store.read(lambda c: str(list(c.execute(text("SELECT * FROM invitations")))))
    assert token not in rows
    assert "For Bob" in rows
    home.house.time += timedelta(days=30)
    await home.people.sweep()
    assert await count(home.house, "invitations") == 0


async def test_row_conversations(tmp_path: Path) -> None:
    async with AgentHouse(tmp_path, Script(says(f"Yes, {PLANTED}."))) as agents:
        await agents.say(f"Do you know {PLANTED}?")
        history = await agents.settled()
        assert PLANTED in str(history)
        assert holding(tmp_path, PLANTED) == []
        await agents.request("delete", Done(), Done)
        with pytest.raises(NotFound):
            await agents.history()


async def test_row_memories(house: GatewayHouse) -> None:
    made = await house.memories.add(house.me, MemoryDraft(text=PLANTED))
    assert PLANTED in str(await house.memories.listing(house.me, ""))
    assert PLANTED not in str(await house.memories.listing(await as_another(house), ""))
    assert holding(house.folder, PLANTED) == []
    await house.memories.forget(house.me, made.id)
    assert PLANTED not in str(await house.memories.listing(house.me, ""))


async def test_row_questions(house: GatewayHouse) -> None:
    turn = await house.turn()
    house.preview = house.preview.model_copy(update={"content": PLANTED})
    asked = await house.put(house.call("letters_send", text=PLANTED), turn)
    assert PLANTED in str(await house.approvals.view(house.me, str(asked.approval_id)))
    assert await house.approvals.listing(await as_another(house), None) == []
    assert holding(house.folder, PLANTED) == []
    in_the_room = text("SELECT * FROM approvals")
    assert PLANTED not in await house.store.read(lambda c: str(list(c.execute(in_the_room))))
    await house.questions.forget(house.me.user.id, house.conversation)
    assert await house.approvals.listing(house.me, None) == []


async def test_row_schedules(house: GatewayHouse) -> None:
    starts = (house.time + timedelta(days=1)).replace(tzinfo=None)
    draft = ScheduleDraft(
        name="Watering", prompt=PLANTED, starts=starts, zone="UTC", rule="FREQ=DAILY", connectors=("post",), days=30
    )
    made = await house.schedules.make(house.me, draft, address=HOME)
    assert PLANTED in str(await house.schedules.listing(house.me))
    assert await house.schedules.listing(await as_another(house)) == []
    assert holding(house.folder, PLANTED) == []
    await house.schedules.end(house.me, made.id)
    assert await house.schedules.listing(house.me) == []


async def test_row_mirrors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = asyncio.Event()

    async def copies(ctx: Context) -> None:
        await ctx.store.write(lambda c: c.exec_driver_sql("CREATE TABLE IF NOT EXISTS planted (words TEXT)").close())
        await ctx.store.write(lambda c: c.exec_driver_sql(f"INSERT INTO planted VALUES ('{PLANTED}')").close())
        copied.set()

    monkeypatch.setattr(hand, "syncer", copies)
    async with FakeHouse(hand, folder=tmp_path) as fake:
        await fake.attach()
        await asyncio.wait_for(copied.wait(), 10)
        assert holding(tmp_path, PLANTED, "SQLite format") == []
    made = [importlib.import_module(f"connectors.{name}.tools").connector for name in SERVICES]
    assert len(made) > 8
    assert [each.id for each in made if each.syncer is not None and each.forgetter is None] == []


async def test_row_secrets(tmp_path: Path) -> None:
    async with VaultHouse(tmp_path) as vault:
        account = await vault.connect()
        assert holding(tmp_path, SECRET) == []
        inside = await vault.store.read(lambda c: str(list(c.execute(text("SELECT * FROM accounts")))))
        assert SECRET not in inside
        query = AccountQuery(user=vault.user, account=account.id)
        await vault.ask(subjects.vault_account("revoke"), query, Revoked)
        rows = await vault.store.read(lambda c: list(c.execute(text("SELECT * FROM accounts"))))
        assert rows == []


async def test_row_spending(house: GatewayHouse) -> None:
    turn = await house.turn()
    await house.budgets.begin(house.me.user.id, turn)
    columns = await house.store.read(lambda c: {row.name for row in c.execute(text("PRAGMA table_info(spending)"))})
    figures = {"calls", "estimated", "input_tokens", "cached_tokens", "output_tokens", "micro", "held_tokens"}
    assert columns == figures | {"held_micro", "closings", "turn", "day", "house_day", "user", "model", "currency"}
    owners = set(usage_views.PersonUsage.model_fields)
    assert owners == {"id", "display_name", "periods", "ceiling"}


async def test_row_ledger(tmp_path: Path) -> None:
    async with AuditHouse(tmp_path) as audit:
        owner = new_id()
        await audit.begin(audit.call(arguments={"query": PLANTED}))
        assert PLANTED in "".join(await audit.export())
        lines = [json.loads(line) for line in await audit.export(owner)]
        assert PLANTED not in str(lines)
        assert [set(each) for each in lines if "head" not in each] == [{"index", "leaf"}]
        assert holding(tmp_path, PLANTED) == []
        order = audit.gateway.sign(Erasure(id=new_id(), user=audit.user, expires=utc_now() + timedelta(minutes=1)))
        from openassistant.data import EraseRequest

        ctx = CallContext.within(10, user=audit.user)
        await audit._vault.request(subjects.data("audit", "erase"), EraseRequest(order=order), Done, ctx)
        audit.keys.pop(audit.user)
        await audit.restart()
        assert (await audit.verify()).ok
        assert PLANTED not in "".join(await audit.export())


async def left(audit: AuditHouse, *, house: bool, user: str | None = None) -> LeftReport:
    now = utc_now()
    query = LeftQuery(since=now - timedelta(days=1), until=now + timedelta(days=1), house=house)
    ctx = audit.context(audit.session(user), user=user or audit.user)
    return await audit.ask("left", query, LeftReport, ctx)


async def test_row_house_traffic(tmp_path: Path) -> None:
    from tests.services.audit.test_left import _asked

    async with AuditHouse(tmp_path) as audit:
        await audit.send("agent", _asked())
        assert [each.host for each in (await left(audit, house=False)).rows] == ["api.example.com"]
        of_owner = await left(audit, house=True, user=new_id())
        assert (of_owner.rows, of_owner.sources) == ((), ())
        assert all(audit.user not in str(each) for each in of_owner.counted)


async def test_row_browser(home: Household) -> None:
    await home.open()
    stranger = home.browser()
    page = await stranger.ask("GET", "/privacy")
    assert "set-cookie" not in page.headers
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    answer = await stranger.ask("POST", "/api/session", {"username": "ada", "password": "planted not a real password"})
    (cookie,) = answer.headers.get_list("set-cookie")
    assert re.match(r"oa=[^;]+; HttpOnly; Max-Age=5184000; Path=/; SameSite=strict", cookie)
    sources = (ROOT / "services" / "gateway" / "web" / "src").rglob("*.*")
    stored = {
        name
        for file in sources
        if file.suffix in (".ts", ".svelte", ".html", ".js")
        for name in re.findall(r"localStorage\.setItem\('(\w+)'", file.read_text())
    }
    assert stored <= {"theme"}


def test_row_logs() -> None:
    out = io.StringIO()
    before = logging.getLogger().handlers
    try:
        configure("gateway", stream=out)
        log = logging.getLogger("openassistant.gateway")
        log.info("work", extra={"password": PLANTED, "token": PLANTED, "authorization": f"Bearer {PLANTED}"})
        log.error("failed", exc_info=ValueError(PLANTED))
    finally:
        logging.getLogger().handlers = before
    assert "failed" in out.getvalue()
    assert PLANTED not in out.getvalue()


def addresses(folder: str) -> Iterator[tuple[str, str]]:
    """Hosts in the strings of a folder's programs, with the file; what documents is left out."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text())
        told = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
                for host in re.findall(r"https?://([\w.-]+\.[a-z]{2,})", node.value):
                    yield host, path.name


async def test_row_no_telemetry(tmp_path: Path) -> None:
    """No room but a connector has an address to speak to, libraries that report are told not to, nothing has left."""
    known = {"calendarserver.org", "one.google.com", "onedrive.live.com"}  # a namespace, and pages that a person opens
    found = {host for folder in ("services", "sdk", "cli") for host, _ in addresses(folder)}
    assert {each for each in found if not _is_example(each)} <= known
    assert 'os.environ["LITELLM_TELEMETRY"] = "False"' in (ROOT / "services/agent/settings.py").read_text()
    async with AuditHouse(tmp_path) as audit:
        await audit.send("gateway", Record(id=new_id(), action=AuditAction.SESSION_STARTED))
        report = await left(audit, house=True)
        assert (report.rows, report.counted) == ((), ())


def _is_example(host: str) -> bool:
    return host.endswith((".example", "example.com", "example.org", ".invalid"))
