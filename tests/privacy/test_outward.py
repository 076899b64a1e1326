"""Rows about what others learn: providers of sign-ins, models, makers of browsers, providers that call the house."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from openassistant.context import new_id
from openassistant.errors import NotFound
from openassistant.messages import AuditAction, Done, HookCard, TurnAccepted, TurnRequest, card_digest
from openassistant.openid import OpenIdList, OpenIdQuery
from services.gateway import views
from services.vault.oauth import OAuth
from services.vault.openid import OpenId
from services.vault.openidstore import LIFE
from tests.peers.process import LOOPBACK
from tests.peers.push import PushService
from tests.peers.script import Step, ToolCall
from tests.privacy.planted import PLANTED, as_another, holding, rows
from tests.services.agent.house import says
from tests.services.agent.test_questions import _asked, _talking
from tests.services.agent.test_remembered import memory
from tests.services.agent.test_routing import LOCAL, READ, scene
from tests.services.gateway.house import POST, GatewayHouse
from tests.services.gateway.test_hooks import Street, knock
from tests.services.gateway.test_openid import MEMBERS, SECRET, Entrance, back
from tests.services.gateway.test_teller import MINUTE, Telling
from tests.services.vault.forger import Forger
from tests.services.vault.house import VaultHouse
from tests.services.vault.test_openid import Desk

MIA = {"sub": "mia-there", "groups": ["family"], "preferred_username": "mia", "email": "mia@home.example"}


async def test_row_provider_sign_ins(house: GatewayHouse, tmp_path: Path) -> None:
    async with Entrance(house, tmp_path) as entrance:
        entrance.forge()
        made = await entrance.provider(**MEMBERS)
        entrance.forger.claims = {**MIA, "picture": f"https://home.example/{PLANTED}", "birthdate": PLANTED}
        web = await entrance.browser()
        assert (await entrance.enter(web, made["id"], entrance.forger.allow)).status_code == 200
        found = text("SELECT * FROM openid_links")
        link = await house.store.read(lambda c: dict(c.execute(found).one()._mapping))
        assert set(link) == {"id", "issuer", "subject", "user", "shown", "created", "used"}
        assert (link["subject"], link["shown"]) == ("mia-there", "mia@home.example")
        assert PLANTED not in await rows(house.store, "openid_links", "users", "sessions")
        assert PLANTED not in await rows(entrance.vault.store, "openid_clients", "openid_flows")
        assert holding(tmp_path, "mia-there", "mia@home.example") == []
        assert "mia@home.example" in (await web.get("/api/openid/mine")).text
        owner = await entrance.owner()
        assert owner is not web
        seen = await owner.get("/api/openid/providers")
        assert ([each["people"] for each in seen.json()], "mia" in seen.text) == ([1], False)
        await house.store.write(lambda c: c.execute(text("DELETE FROM users WHERE username = 'mia'")).close())
        assert "mia" not in await rows(house.store, "openid_links", "openid_people", "sessions")


async def test_a_way_to_sign_in_goes_with_its_provider(house: GatewayHouse, tmp_path: Path) -> None:
    async with Entrance(house, tmp_path) as entrance:
        entrance.forge()
        made = await entrance.provider()
        web = await entrance.owner()
        going = (await web.post("/api/openid/link", json={"provider": made["id"]})).json()
        await web.post("/api/openid/returned", json={"address": back(entrance.forger.allow(going["url"]))})
        assert "ada" in await rows(house.store, "openid_links")
        assert (await web.delete(f"/api/openid/providers/{made['id']}")).status_code == 204
        assert await rows(house.store, "openid_links", "openid_providers") == "[[], []]"


async def test_row_provider_clients(tmp_path: Path) -> None:
    async with VaultHouse(tmp_path) as vault:
        forger, desk = Forger(), Desk(vault)
        forger.now = lambda: vault.now().timestamp()
        vault.vault._openid = OpenId(
            vault.store, vault.vault._credentials, OAuth(vault.now, forger.transport), clock=vault.now,
            transport=forger.transport,
        )  # fmt: skip
        await desk.keep()
        begun = forger.allow(await desk.begin())
        assert holding(tmp_path, SECRET, begun["state"]) == []
        inside = await rows(vault.store, "openid_clients", "openid_flows")
        assert [each for each in (SECRET, begun["state"], forger.nonces[begun["code"]]) if each in inside] == []
        told = await desk.ask("list", OpenIdQuery(), OpenIdList)
        assert SECRET not in told.model_dump_json()
        assert timedelta(minutes=10) == LIFE
        vault.later = LIFE + timedelta(seconds=1)
        with pytest.raises(NotFound):
            await desk.finish(begun)
        await desk.begin()
        flows = text("SELECT count(*) FROM openid_flows")
        assert await vault.store.read(lambda c: c.execute(flows).scalar_one()) == 1
        await desk.ask("remove", OpenIdQuery(id=desk.id), Done)
        assert await rows(vault.store, "openid_clients", "openid_flows") == "[[], []]"


async def test_row_webhooks(house: GatewayHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    card = POST.model_copy(update={"hook": HookCard(headers=("x-signature",), largest=1_000)})
    monkeypatch.setattr(house.connectors, "usable", lambda _: (card, card_digest(card)))
    monkeypatch.setattr(house.connectors, "remembered", lambda _: [card])
    street = Street(house)
    await street.start()
    former = await street.address()
    body = json.dumps({"said": PLANTED}).encode()
    assert (await street.door.open(*former, knock(body))).status == 200
    assert [each.body for each in street.heard] == [body]
    assert PLANTED not in await rows(house.store, "hooks") + str(house.records)
    columns = await house.store.read(lambda c: {row.name for row in c.execute(text("PRAGMA table_info(hooks)"))})
    assert columns == {"account", "connector", "user", "token", "digest", "refused"}
    assert holding(house.folder, former[1]) == []
    await street.door.change(house.me.user.id, house.account.id, "post")
    with pytest.raises(NotFound):
        await street.door.open(*former, knock(body))
    await street.door.forget(house.account.id)
    assert await rows(house.store, "hooks") == "[[]]"


async def test_row_model_requests(tmp_path: Path) -> None:
    answers = (READ, says("I see nothing of it."), says("Still nothing."))
    async with scene(tmp_path / "withheld", cloud=answers) as it:
        remembered = (memory("She likes tea"),)
        request = TurnRequest(text=f"What of {PLANTED}?", model=it.house.ref, memories=remembered)
        await it.house.request("turn", request, TurnAccepted, new_id())
        await it.house.settled()
        assert it.leaked(PLANTED, "She likes tea") == [PLANTED, "She likes tea"]
        assert it.leaked("4 notes", "mallory@example.net") == []
    async with scene(tmp_path / "redacted", cloud=answers) as it:
        it.rule("redact")
        await it.tell(f"What of {PLANTED}?")
        assert it.leaked("4 notes", "⟨email-1⟩", "mallory@example.net") == ["4 notes", "⟨email-1⟩"]
    steps = (Step(calls=[ToolCall("notes_read", {"limit": 3})]), Step(say="Three notes."))
    async with _talking(tmp_path / "counted", *steps) as (house, wire):
        await house.say(f"What of {PLANTED}?")
        await house.settled()
        told = await _asked(house, 2)
        assert [each.content["model"] for each in told] == ["scripted", "scripted"]
        assert sum(each.traffic[0].bytes_out for each in told) == wire.out
        assert {each.traffic[0].host for each in told} == {LOOPBACK}
        whose = {(each.kind, each.account): each.bytes for each in told[1].sources}
        assert whose["owner", None] == len(f"What of {PLANTED}?")
        assert whose["connector", house.fake.account.account] >= len("3 notes")
        assert PLANTED not in str(told)


async def test_what_is_for_local_models_goes_to_the_one_in_the_house(tmp_path: Path) -> None:
    async with scene(tmp_path, cloud=(READ,), local=(says("Four."),)) as it:
        it.house.private = LOCAL
        await it.tell("What is there?")
        assert "mallory@example.net" in str(it.local.asked)
        assert it.leaked("mallory@example.net") == []


async def test_row_notice_browsers(house: GatewayHouse) -> None:
    with PushService() as service:
        telling = Telling(house, service)
        try:
            browser = await telling.browser()
            kept = text("SELECT * FROM browsers")
            async with house.own.use(house.me.user.id) as store:
                row = await store.read(lambda c: dict(c.execute(kept).one()._mapping))
            assert set(row) == {"id", "endpoint", "point", "secret", "name", "session", "created", "used"}
            assert (row["endpoint"], row["name"]) == (browser.endpoint, "A test browser")
            assert holding(house.folder, browser.endpoint, row["point"]) == []
            assert await telling.browsers.listing(await as_another(house)) == ()
            house.later(timedelta(days=400))
            assert len(await telling.browsers.listing(house.me)) == 1
            await telling.browsers.sign_out(house.me.user.id, house.me.session)
            assert await telling.browsers.listing(house.me) == ()
            await telling.browser()
            [listed] = await telling.browsers.listing(house.me)
            await telling.browsers.remove(house.me, listed.id)
            assert await telling.browsers.listing(house.me) == ()
            service.unsubscribe(await telling.browser())
            await telling.asked()
            await telling.sweep()
            assert await telling.browsers.listing(house.me) == ()
        finally:
            await telling.users.close()


async def test_row_notices(house: GatewayHouse) -> None:
    with PushService() as service:
        telling = Telling(house, service)
        try:
            browser = await telling.browser()
            await telling.asked()
            await telling.sweep(MINUTE)
            await telling.teller.choose(house.me, views.NoticesDraft(content=True))
            await telling.asked()
            await telling.sweep(MINUTE)
            plain, chosen = browser.taken
            assert json.loads(browser.read(plain))["title"] == "Something waits for your yes"
            assert [b"carol@example.org" in browser.read(each) for each in (plain, chosen)] == [False, True]
            assert not [each for each in (plain, chosen) if b"waits" in each.body or b"carol" in each.body]
            assert [len(browser.read(each)) % 256 for each in (plain, chosen)] == [0, 0]
            assert all(0 < int(each.headers["ttl"]) <= 24 * 60 * 60 for each in (plain, chosen))
            sent = [each.content for each in house.records if each.action is AuditAction.NOTICE_SENT]
            assert [each["bytes"] for each in sent] == [len(each.body) for each in (plain, chosen)]
        finally:
            await telling.users.close()
