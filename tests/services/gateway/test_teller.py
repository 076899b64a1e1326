"""Whoever is away hears that something waits: once, encrypted, written down, in the browsers he chose and no others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from openassistant.context import new_id
from openassistant.errors import Forbidden, InvalidRequest, NotFound, Unavailable
from openassistant.grants import SigningKey
from openassistant.keys import Keys
from openassistant.store import UserStores
from services.gateway import views
from services.gateway.backoff import Backoff
from services.gateway.browsers import Browsers
from services.gateway.files import OwnFiles
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger
from services.gateway.passwords import Passwords
from services.gateway.preferences import Preferences
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.teller import Teller
from services.gateway.tokens import Tokens
from services.gateway.users import Users
from services.gateway.vault import Vault
from services.gateway.wayout import WayOut
from services.gateway.webpush import Pusher
from tests.peers.push import PushBrowser, PushService
from tests.services.gateway.house import GatewayHouse, migrations

MINUTE = timedelta(minutes=1)


class Mails:
    """Mails to oneself that are only counted."""

    async def tell(self, *_: Any, **__: Any) -> bool:
        raise AssertionError("nobody has chosen mails here")


class Telling:
    """The teller of a house, with a push service that its browsers are at."""

    def __init__(self, house: GatewayHouse, service: PushService) -> None:
        self.house, self.service = house, service
        bus, clock = house.bus.room("gateway"), house.clock
        service.now = lambda: house.clock().timestamp()
        keys = Keys(bus, clock)
        self.users = UserStores(house.folder / "users", migrations("user"), keys.of)
        own, preferences = OwnFiles(self.users, keys, house.grants), Preferences(house.store)
        ledger = Ledger(bus, house.grants, preferences)
        way = WayOut(bus, Vault(bus, house.grants), house.connectors.running, room="gateway", proxy=None)
        pusher = Pusher(preferences, clock, makers=(service.origin,), subject="https://house.example", way=way)
        self.browsers = Browsers(own, pusher, ledger, clock)
        people = Users(house.store, Passwords(), clock)
        self.teller = Teller(
            house.store, own, people, house.questions, self.browsers, Mails(), ledger=ledger, trust=house.trust,  # type: ignore[arg-type]  # counts alone
            clock=clock,
        )  # fmt: skip

    async def browser(self) -> PushBrowser:
        """Another browser of the owner, told from now on."""
        made = self.service.subscribe()
        await self.browsers.add(self.house.me, views.NoticeBrowserDraft(**made.draft))
        return made

    async def asked(self) -> str:
        """A question, some seconds old."""
        outcome = await self.house.put(self.house.call("letters_send"), await self.house.turn())
        self.house.later(timedelta(seconds=5))
        return str(outcome.approval_id)

    async def sweep(self, after: timedelta = MINUTE) -> None:
        self.house.later(after)
        await self.teller.sweep()


@pytest.fixture
async def telling(tmp_path: Path) -> AsyncIterator[Telling]:
    with PushService() as service:
        async with GatewayHouse(tmp_path) as house:
            made = Telling(house, service)
            yield made
            await made.users.close()


def said(browser: PushBrowser) -> list[Any]:
    return [json.loads(browser.read(each)) for each in browser.taken]


async def test_a_question_is_told_once_in_every_browser_without_a_word_of_what_it_is_about(telling: Telling) -> None:
    browsers = [await telling.browser() for _ in range(2)]
    approval = await telling.asked()
    for _ in range(3):
        await telling.sweep()
    for browser in browsers:
        [told] = said(browser)
        assert told == {
            "title": "Something waits for your yes", "body": "Open it to look at it and decide.",
            "path": f"/approvals/{approval}",
        }  # fmt: skip
        assert b"carol" not in browser.read(browser.taken[0]).lower()


async def test_what_leaves_is_in_the_record_before_it_does(telling: Telling) -> None:
    browser = await telling.browser()
    approval = await telling.asked()
    telling.house.ledger_error = Unavailable("The witness is away.")
    await telling.sweep()
    assert browser.taken == []
    telling.house.ledger_error = None
    await telling.sweep()
    [record] = [each for each in telling.house.records if each.action.value == "notice.sent"]
    assert record.content["host"] == "127.0.0.1"
    assert record.content["bytes"] == len(browser.taken[0].body)
    assert record.content["questions"] == [approval]


async def test_with_content_chosen_it_says_what_and_to_whom(telling: Telling) -> None:
    browser = await telling.browser()
    await telling.teller.choose(telling.house.me, views.NoticesDraft(content=True))
    await telling.asked()
    await telling.sweep()
    [told] = said(browser)
    assert told["body"] == "Send a letter · carol@example.org"


async def test_many_questions_of_a_minute_are_one_notice(telling: Telling) -> None:
    browser = await telling.browser()
    for _ in range(4):
        await telling.asked()
    await telling.sweep(timedelta())
    for _ in range(2):
        await telling.asked()
        await telling.sweep(timedelta(seconds=5))
    await telling.sweep()
    assert [each["title"] for each in said(browser)] == ["4 things wait for your yes", "6 things wait for your yes"]
    assert {each["path"] for each in said(browser)} == {"/approvals"}


async def test_nobody_is_told_while_he_looks_and_then_if_it_still_waits(telling: Telling) -> None:
    browser = await telling.browser()
    await telling.asked()
    telling.teller.here(telling.house.me)
    await telling.sweep(timedelta(seconds=10))
    assert browser.taken == []
    await telling.sweep()
    assert len(browser.taken) == 1


async def test_what_was_decided_meanwhile_is_not_told(telling: Telling) -> None:
    browser = await telling.browser()
    approval = await telling.asked()
    await telling.house.approvals.decide(telling.house.me, approval, approve=False)
    await telling.sweep()
    assert browser.taken == []


async def test_of_its_end_somebody_is_told_before_and_after_once_each(telling: Telling) -> None:
    browser = await telling.browser()
    await telling.asked()
    await telling.sweep()
    for hours in (20, 3.5, 0.1, 0.1, 1, 0.1, 5, 48):
        telling.house.later(timedelta(hours=hours))
        await telling.house.approvals.sweep()
        await telling.sweep()
    assert [each["body"] for each in said(browser)] == [
        "Open it to look at it and decide.", "The time to decide is nearly over.",
        "Nobody decided in time, so it was not done.",
    ]  # fmt: skip


async def test_a_question_that_is_answered_while_it_expires_tells_one_end_at_most(telling: Telling) -> None:
    browser = await telling.browser()
    approval = await telling.asked()
    await telling.sweep()
    telling.house.later(timedelta(hours=24))
    await asyncio.gather(
        telling.house.approvals.decide(telling.house.me, approval, approve=True),
        telling.house.approvals.sweep(), telling.teller.sweep(), return_exceptions=True,
    )  # fmt: skip
    await telling.sweep()
    await telling.sweep()
    state = (await telling.house.approvals.view(telling.house.me, approval)).state
    assert [each["body"] for each in said(browser)][1:] == ["Nobody decided in time, so it was not done."]
    assert state == "expired"


async def test_a_browser_that_has_ended_it_is_forgotten_and_the_others_are_told(telling: Telling) -> None:
    gone, there = await telling.browser(), await telling.browser()
    telling.service.unsubscribe(gone)
    await telling.asked()
    await telling.sweep()
    assert len(there.taken) == 1
    assert [each.endpoint for each in await telling.browsers.listing(telling.house.me)] == [there.endpoint]
    await telling.house.settled("notice.browser_removed")


async def test_what_a_service_does_not_take_is_tried_again_a_minute_later(telling: Telling) -> None:
    browser = await telling.browser()
    await telling.asked()
    telling.service.status = 503
    await telling.sweep()
    await telling.sweep(timedelta(seconds=2))
    telling.service.status = None
    await telling.sweep(timedelta(seconds=10))
    assert browser.taken == []
    await telling.sweep()
    assert len(browser.taken) == 1


async def test_a_restart_tells_nobody_twice(telling: Telling) -> None:
    browser = await telling.browser()
    await telling.asked()
    await telling.sweep()
    again = Telling(telling.house, telling.service)
    await again.sweep()
    await again.users.close()
    assert len(browser.taken) == 1


async def test_who_is_told_nowhere_is_not_told_of_the_past_when_he_chooses_to_be(telling: Telling) -> None:
    await telling.asked()
    await telling.sweep()
    browser = await telling.browser()
    await telling.sweep()
    assert browser.taken == []


async def test_another_person_is_not_told(telling: Telling) -> None:
    await telling.asked()
    stranger = telling.house.me.model_copy(
        update={"session": new_id(), "user": telling.house.me.user.model_copy(update={"id": new_id()})}
    )
    theirs = telling.service.subscribe()
    added = await telling.browsers.add(stranger, views.NoticeBrowserDraft(**theirs.draft))
    await telling.sweep()
    assert theirs.taken == []
    with pytest.raises(NotFound):
        await telling.browsers.remove(telling.house.me, added.id)


async def test_a_browser_is_told_no_more_after_it_is_removed_or_signed_out(telling: Telling) -> None:
    removed, left = await telling.browser(), await telling.browser()
    listed = {each.endpoint: each.id for each in await telling.browsers.listing(telling.house.me)}
    await telling.browsers.remove(telling.house.me, listed[removed.endpoint])
    await telling.browsers.sign_out(telling.house.me.user.id, telling.house.me.session)
    await telling.asked()
    await telling.sweep()
    assert (removed.taken, left.taken) == ([], [])


async def test_the_same_browser_again_is_one(telling: Telling) -> None:
    browser = await telling.browser()
    await telling.browsers.add(telling.house.me, views.NoticeBrowserDraft(**browser.draft))
    assert len(await telling.browsers.listing(telling.house.me)) == 1


@pytest.mark.parametrize("endpoint", ["https://evil.example/x", "http://127.0.0.1:1/x", "https://192.168.0.1/x"])
async def test_no_address_of_anybodys_choice_is_asked(telling: Telling, endpoint: str) -> None:
    draft = {**telling.service.subscribe().draft, "endpoint": endpoint}
    with pytest.raises(InvalidRequest):
        await telling.browsers.add(telling.house.me, views.NoticeBrowserDraft(**draft))


# --- the link of a mail -------------------------------------------------------------------------------------------


def link(house: GatewayHouse, **changes: Any) -> str:
    plain = {"user": house.me.user.id, "approval": new_id(), "expires": house.time + MINUTE, **changes}
    user = plain.pop("user")
    return house.grants.link(user, **plain)


async def test_a_link_leads_its_owner_to_its_question(telling: Telling) -> None:
    approval = new_id()
    assert telling.teller.opened(telling.house.me, link(telling.house, approval=approval)) == approval


@pytest.mark.parametrize("which", ["anothers", "expired", "forged", "a grant", "none"])
async def test_a_link_that_is_not_ones_own_or_not_signed_leads_nowhere(telling: Telling, which: str) -> None:
    house = telling.house
    stranger = Grants(SigningKey.generate(), dict, house.clock)
    tokens = {
        "anothers": link(house, user=new_id()),
        "expired": link(house, expires=house.time - MINUTE),
        "forged": stranger.link(house.me.user.id, approval=None, expires=house.time + MINUTE),
        "a grant": house.grants.session(house.me.user.id),
        "none": "",
    }
    with pytest.raises(Forbidden):
        telling.teller.opened(house.me, tokens[which])


async def test_a_link_is_no_grant_no_approval_no_word_and_no_sign_in(telling: Telling) -> None:
    house, now = telling.house, telling.house.time
    token = link(house)
    for check in (house.trust.grant, house.trust.approval, house.trust.rule, house.trust.word, house.trust.receipt):
        with pytest.raises(Forbidden):
            check(token, now=now)
    people = Users(house.store, Passwords(), house.clock)
    ledger = Ledger(house.bus.room("gateway"), house.grants, Preferences(house.store))
    sessions = Sessions(house.store, people, ledger, Backoff(house.clock), house.clock)
    with pytest.raises(Exception, match="sign in"):
        await sessions.find(token)
    tokens = Tokens(house.store, sessions, ledger, Backoff(house.clock), house.clock)
    with pytest.raises(Exception, match="token"):
        await tokens.find(token, address="127.0.0.1")


async def test_whoever_has_only_a_link_decides_nothing(telling: Telling) -> None:
    approval = await telling.asked()
    telling.teller.opened(telling.house.me, link(telling.house, approval=approval))
    assert (await telling.house.approvals.view(telling.house.me, approval)).state == "pending"
    stranger = SignedIn(
        session=new_id(), user=telling.house.me.user.model_copy(update={"id": new_id()}), expires=telling.house.time
    )
    with pytest.raises(NotFound):
        await telling.house.approvals.decide(stranger, approval, approve=True)
