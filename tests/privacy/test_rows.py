"""Rows about a person, what he does here, and the house: each shown to be so. The name of a test is the row's id."""

from __future__ import annotations

import ast
import asyncio
import importlib
import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import text

from deploy.generated import ROOT
from openassistant import subjects
from openassistant.connector import Context
from openassistant.context import CallContext, new_id, utc_now
from openassistant.errors import NotFound
from openassistant.grants import Erasure, Scope
from openassistant.left import LeftQuery, LeftReport
from openassistant.log import configure
from openassistant.messages import AccountQuery, AuditAction, Done, Record
from openassistant.oauth import Revoked
from openassistant.testing import FakeHouse
from services.gateway import usage_views
from services.gateway.data_views import KeepRule
from services.gateway.loans import LONGEST
from services.gateway.memory_views import MemoryDraft
from services.gateway.schedule_views import ScheduleDraft
from services.gateway.sessions import ABSOLUTE, IDLE, SignedIn
from tests.privacy.planted import DAY, PLANTED, as_another, count, goes_when_chosen, holding, rows
from tests.sdk.hand.tools import connector as hand
from tests.sdk.shelf.tools import SHELF
from tests.sdk.shelf.tools import connector as shelf
from tests.sdk.test_holdings import NOW, note, synced
from tests.services.agent.house import AgentHouse, Script, says
from tests.services.agent.test_forgetting import age, another, say
from tests.services.agent.test_forgetting import forget as forget_conversations
from tests.services.audit.house import AuditHouse
from tests.services.audit.test_emptying import forget as empty
from tests.services.audit.test_emptying import moments
from tests.services.audit.test_left import _asked
from tests.services.gateway.authenticator import Authenticator
from tests.services.gateway.door import ELSEWHERE, HOME
from tests.services.gateway.forgetful import Forgetful
from tests.services.gateway.house import GatewayHouse
from tests.services.gateway.household import BOBS_PASSWORD, Browser, Household
from tests.services.gateway.test_loans import FAMILY
from tests.services.gateway.test_loans import Home as Lenders
from tests.services.gateway.test_retention import asked as put_to_her
from tests.services.gateway.test_retention import questions, remember, remembered
from tests.services.vault.house import PASSWORD as SECRET
from tests.services.vault.house import VaultHouse

SERVICES = sorted(each.parent.name for each in (ROOT / "connectors").glob("*/tools.py"))


async def bob_in(home: Household) -> tuple[Browser, Browser, SignedIn]:
    """Ada's browser, Bob's, and who Bob is."""
    ada = await home.open()
    bob = await home.joined(ada)
    me = await home.sessions.find((await home.sign_in(BOBS_PASSWORD, username="bob", address=ELSEWHERE)).token)
    return ada, bob, me


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


async def test_row_second_factor(home: Household, tmp_path: Path) -> None:
    _, bob, me = await bob_in(home)
    secret = (await bob.done("POST", "/api/security/codes", {}))["secret"]
    code = pyotp.TOTP(secret).at(home.house.time)
    kept = (await bob.done("POST", "/api/security/codes/confirm", {"code": code}))["codes"]
    assert secret not in str(await bob.done("GET", "/api/security")) + str(home.house.records)
    rows = await home.house.store.read(lambda c: str(list(c.execute(text("SELECT * FROM recovery_codes")))))
    assert not [each for each in kept if each in rows or each.replace("-", "") in rows]
    assert await home.sessions.codes.take(me.user.id, kept[0]) == "recovery"
    assert await count(home.house, "recovery_codes") == len(kept) - 1
    await home.house.stop()
    assert holding(tmp_path, secret) == []
    await home.house.start()
    await home.house.store.write(
        lambda c: c.execute(text("DELETE FROM users WHERE id = :id"), {"id": me.user.id}).close()
    )
    assert (await count(home.house, "code_secrets"), await count(home.house, "recovery_codes")) == (0, 0)


async def test_row_passkeys(home: Household) -> None:
    ada, bob, me = await bob_in(home)
    bob.http.base_url = "http://localhost:8080"
    await bob.done("POST", "/api/session", {"username": "bob", "password": BOBS_PASSWORD})
    key = Authenticator()
    going = await bob.done("POST", "/api/security/passkeys/begin", {})
    body = {"id": going["id"], "name": "Bob's phone", "credential": key.make(going["options"])}
    await bob.done("POST", "/api/security/passkeys", body)
    query = text("SELECT * FROM passkeys")
    row = await home.house.store.read(lambda c: dict(c.execute(query).one()._mapping))
    kept = {"id", "user", "credential", "public_key", "host", "counter", "transports", "name", "synced", "created"}
    assert set(row) == kept | {"used"}
    assert "Bob's phone" not in str(await ada.done("GET", "/api/people")) + str(await ada.done("GET", "/api/security"))
    await home.house.store.write(
        lambda c: c.execute(text("DELETE FROM users WHERE id = :id"), {"id": me.user.id}).close()
    )
    assert await count(home.house, "passkeys") == 0


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


async def test_row_conversations(tmp_path: Path, forgetful: Forgetful) -> None:
    async with AgentHouse(tmp_path, Script(says(f"Yes, {PLANTED}."), says("Noted."))) as agents:
        await agents.say(f"Do you know {PLANTED}?")
        history = await agents.settled()
        assert PLANTED in str(history)
        assert holding(tmp_path, PLANTED) == []
        await agents.request("delete", Done(), Done)
        with pytest.raises(NotFound):
            await agents.history()
        await another(agents)
        await say(agents, PLANTED)
        await age(agents, agents.conversation, 31 * DAY)
        chosen = Scope(kinds=("conversations",), until=agents.fake.clock() - 30 * DAY)
        assert await forget_conversations(agents, chosen) == {"conversations": 1}
        with pytest.raises(NotFound):
            await agents.history()
    await goes_when_chosen(forgetful, "agent", "conversations")


async def test_row_memories(house: GatewayHouse, forgetful: Forgetful) -> None:
    made = await house.memories.add(house.me, MemoryDraft(text=PLANTED))
    assert PLANTED in str(await house.memories.listing(house.me, ""))
    assert PLANTED not in str(await house.memories.listing(await as_another(house), ""))
    assert holding(house.folder, PLANTED) == []
    await house.memories.forget(house.me, made.id)
    assert PLANTED not in str(await house.memories.listing(house.me, ""))
    await forgetful.memories.add(forgetful.me, MemoryDraft(text="pinned", pinned=True))
    await remember(forgetful, PLANTED)
    await forgetful.pass_on(400 * DAY)
    assert await remembered(forgetful) == {"pinned", PLANTED}
    await remember(forgetful, "new")
    await forgetful.keep(KeepRule(kind="memories", days=30))
    await forgetful.pass_on(29 * DAY)
    assert await remembered(forgetful) == {"pinned", "new"}
    await forgetful.pass_on(2 * DAY)
    assert await remembered(forgetful) == {"pinned"}


async def test_row_questions(house: GatewayHouse, forgetful: Forgetful) -> None:
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
    await put_to_her(forgetful)
    await forgetful.keep(KeepRule(kind="questions", days=30))
    await forgetful.pass_on(400 * DAY)
    assert await questions(forgetful) == (1, 1)
    decided = text("UPDATE approvals SET state = 'denied', delivered = 1")
    await forgetful.store.write(lambda c: c.execute(decided).close())
    await forgetful.pass_on(DAY)
    assert await questions(forgetful) == (0, 0)


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


async def test_row_mirrors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgetful: Forgetful) -> None:
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
    assert [each.id for each in made if each.syncer is not None and not each.kinds] == []
    SHELF.clear()
    async with FakeHouse(shelf, folder=tmp_path / "shelf", clock=lambda: NOW) as fake:
        fake.connect("alice@example.org", {})
        await synced(fake, note("old", 31, PLANTED), note("new", 29))
        assert await fake.forgotten(kinds=["notes"], until=NOW - 30 * DAY) == {"notes": 1}
        assert [part.count for part in (await fake.held()).parts if part.kind == "notes"] == [1]
        assert PLANTED not in str(await fake.exported())
        assert [each["ref"] for each in SHELF] == ["old", "new"]
    await goes_when_chosen(forgetful, "post", "letters")


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


async def test_row_loans(tmp_path: Path) -> None:
    (tmp_path / "lending").mkdir()
    async with Lenders(tmp_path / "lending") as lenders:
        account, loan, borrowed = await lenders.lent(parts=(FAMILY.id,))
        query = text("SELECT * FROM loans")
        row = await lenders.store.read(lambda c: dict(c.execute(query).one()._mapping))
        assert set(row) == {
            "id", "lender", "user", "account", "connector", "name", "access", "parts", "token", "state", "borrowed",
            "made", "expires", "why",
        }  # fmt: skip
        assert timedelta(days=365) == LONGEST
        eve = await as_another(lenders)
        assert await lenders.loans.listing(eve) == []
        assert holding(tmp_path / "lending", FAMILY.name, FAMILY.id) == []
        await lenders.loans.end(lenders.me, loan)
        assert await lenders.store.read(lambda c: list(c.execute(query))) == []
        assert (account in lenders.kept, borrowed in lenders.kept) == (True, False)


async def test_row_spending(house: GatewayHouse) -> None:
    turn = await house.turn()
    await house.budgets.begin(house.me.user.id, turn)
    columns = await house.store.read(lambda c: {row.name for row in c.execute(text("PRAGMA table_info(spending)"))})
    figures = {"calls", "estimated", "input_tokens", "cached_tokens", "output_tokens", "micro", "held_tokens"}
    assert columns == figures | {"held_micro", "closings", "turn", "day", "house_day", "user", "model", "currency"}
    owners = set(usage_views.PersonUsage.model_fields)
    assert owners == {"id", "display_name", "periods", "ceiling"}


async def test_row_ledger(tmp_path: Path, forgetful: Forgetful) -> None:
    async with AuditHouse(tmp_path) as audit:
        owner = new_id()
        await audit.begin(audit.call(arguments={"query": PLANTED}))
        assert PLANTED in "".join(await audit.export())
        lines = [json.loads(line) for line in await audit.export(owner)]
        assert PLANTED not in str(lines)
        assert [set(each) for each in lines if "head" not in each] == [{"index", "leaf"}]
        assert holding(tmp_path, PLANTED) == []
        emptied = audit.call(arguments={"query": f"earlier {PLANTED}"})
        await audit.begin(emptied)
        await audit.begin(audit.call(arguments={"query": f"later {PLANTED}"}))
        times = await moments(audit)
        assert await empty(audit, Scope(kinds=("arguments",), until=times[-1])) == {"arguments": 2}
        whole = "".join(await audit.export())
        assert (f"earlier {PLANTED}" in whole, f"later {PLANTED}" in whole) == (False, True)
        assert emptied.id in whole
        found = await audit.verify()
        assert (found.ok, found.size) == (True, 3)
        order = audit.gateway.sign(Erasure(id=new_id(), user=audit.user, expires=utc_now() + timedelta(minutes=1)))
        from openassistant.data import EraseRequest

        ctx = CallContext.within(10, user=audit.user)
        await audit._vault.request(subjects.data("audit", "erase"), EraseRequest(order=order), Done, ctx)
        audit.keys.pop(audit.user)
        await audit.restart()
        assert (await audit.verify()).ok
        assert PLANTED not in "".join(await audit.export())
    await goes_when_chosen(forgetful, "audit", "arguments")


async def left(audit: AuditHouse, *, house: bool, user: str | None = None) -> LeftReport:
    now = utc_now()
    query = LeftQuery(since=now - timedelta(days=1), until=now + timedelta(days=1), house=house)
    ctx = audit.context(audit.session(user), user=user or audit.user)
    return await audit.ask("left", query, LeftReport, ctx)


async def test_row_left(tmp_path: Path, forgetful: Forgetful) -> None:
    async with AuditHouse(tmp_path) as audit:
        await audit.send("agent", _asked())
        mine = await left(audit, house=False)
        assert [(each.host, each.bytes_out) for each in mine.rows] == [("api.example.com", 9_000)]
        assert {(each.kind, each.connector) for each in mine.sources} == {("owner", None), ("connector", "mail")}
        of_owner = await left(audit, house=True, user=new_id())
        assert (of_owner.rows, of_owner.sources) == ((), ())
        assert holding(tmp_path, "api.example.com") == []
        chosen = Scope(kinds=("left",), until=utc_now() - timedelta(hours=1))
        assert await empty(audit, chosen) == {}
        assert await empty(audit, chosen.model_copy(update={"until": utc_now() + timedelta(hours=1)})) == {"left": 1}
        gone = await left(audit, house=False)
        assert (gone.rows, gone.sources) == ((), ())
    await goes_when_chosen(forgetful, "audit", "left")


async def test_row_house_traffic(tmp_path: Path) -> None:
    content = {
        "room": "mail", "host": "imap.example.org", "port": 993, "connections": 2, "bytes_out": 10, "bytes_in": 20,
    }  # fmt: skip
    async with AuditHouse(tmp_path) as audit:
        counted = Record(id=new_id(), action=AuditAction.EGRESS_COUNTED, content=content)
        await audit.send("egress", counted, CallContext.within(10))
        [told] = (await left(audit, house=True, user=new_id())).counted
        assert told.model_dump() == content
        assert (await left(audit, house=False)).counted == ()
        assert await empty(audit, Scope()) == {}
        assert len((await left(audit, house=True)).counted) == 1
        assert holding(tmp_path, "imap.example.org") == []


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
    scripts = [file for file in sources if file.suffix in (".ts", ".svelte", ".html", ".js")]
    kept = {"theme.svelte.ts", "language.ts", "shortcuts.svelte.ts", "choices.svelte.ts", "drafts.ts", "recent.ts"}
    assert {file.name for file in scripts if "localStorage" in file.read_text()} == kept


async def test_row_visitors(home: Household, caplog: pytest.LogCaptureFixture) -> None:
    await home.open()
    tables = text("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    names = await home.house.store.read(lambda c: sorted(c.execute(tables).scalars()))
    kept, told = await rows(home.house.store, *names), len(home.house.records)
    with caplog.at_level(logging.INFO, logger="openassistant"):
        for path in ("/welcome", "/privacy", "/terms"):
            page = await home.browser().ask("GET", path)
            assert page.status_code == 200
            assert "set-cookie" not in page.headers
    assert await rows(home.house.store, *names) == kept
    assert (len(home.house.records), caplog.records) == (told, [])


def test_row_logs(usual_logging: None) -> None:
    out = io.StringIO()
    configure("gateway", stream=out)
    log = logging.getLogger("openassistant.gateway")
    log.info("work", extra={"password": PLANTED, "token": PLANTED, "authorization": f"Bearer {PLANTED}"})
    log.error("failed", exc_info=ValueError(PLANTED))
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
    """No room but a connector has an address to speak to, libraries that report are told not to, nothing has left.

    That is the cheap check. `tests/network` records every packet of a whole house, for ten minutes at rest and in use,
    and finds the places that were configured and no other.
    """
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
