"""A push is encrypted as RFC 8291 says and signed as RFC 8292 says, and goes to browser makers alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

from openassistant.context import utc_now
from openassistant.errors import Forbidden, InvalidRequest, NotFound, OaError
from openassistant.store import Store
from services.gateway.browsers import message
from services.gateway.notices import Notice
from services.gateway.preferences import Preferences
from services.gateway.wayout import WayOut
from services.gateway.webpush import Browser, Pusher, decoded, encoded, encrypted, is_maker
from tests.peers.push import PushBrowser, PushService, opened
from tests.services.gateway.house import migrations

MINUTE = timedelta(minutes=1)


def private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(decoded(text), "big"), ec.SECP256R1())


def test_the_example_of_the_rfc_comes_out_byte_for_byte() -> None:
    """RFC 8291, appendix A."""
    browser = Browser(
        "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
        decoded("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        decoded("BTBZMqHH6r4Tts7J_aSIgg"),
    )
    body = encrypted(
        b"When I grow up, I want to be a watermelon", browser,
        key=private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), salt=decoded("DGv6ra1nlYgDCS1FRnbzlw"),
    )  # fmt: skip
    assert encoded(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    receiver = private("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")
    assert opened(body, receiver, browser.secret) == b"When I grow up, I want to be a watermelon"


def made(browser: PushBrowser) -> Browser:
    return Browser(browser.endpoint, decoded(browser.draft["point"]), browser.auth)


def test_only_the_browser_it_is_for_can_read_it() -> None:
    service = PushService()
    one, other = service.subscribe(), service.subscribe()
    body = encrypted(b"for one", made(one))
    assert opened(body, one.key, one.auth) == b"for one"
    for key, auth in ((other.key, one.auth), (one.key, other.auth)):
        with pytest.raises(InvalidTag):
            opened(body, key, auth)


def test_the_same_words_never_look_the_same() -> None:
    browser = made(PushService().subscribe())
    assert len({encrypted(b"again", browser) for _ in range(5)}) == 5


def test_the_length_of_a_message_says_nothing_of_a_few_words_more_or_less() -> None:
    short = Notice((), "Something waits for your yes", "Open it.", 1, None, None)
    lengths = {len(message(short, content="x" * size, path="/approvals")) for size in range(1, 100, 7)}
    assert lengths == {256}


@pytest.mark.parametrize(
    ("endpoint", "is_one"),
    [
        ("https://fcm.googleapis.com/fcm/send/abc", True),
        ("https://db5p.notify.windows.com/w/?token=abc", True),
        ("https://fcm.googleapis.com:443/x", True),
        ("http://fcm.googleapis.com/x", False),
        ("https://fcm.googleapis.com:8443/x", False),
        ("https://fcm.googleapis.com@evil.example/x", False),
        ("https://evil.example/fcm.googleapis.com", False),
        ("https://fcm.googleapis.com.evil.example/x", False),
        ("https://evilnotify.windows.com/x", False),
        ("https://127.0.0.1/x", False),
        ("https://[::1]/x", False),
        ("https://[broken", False),
        ("", False),
    ],
)
def test_only_endpoints_of_known_makers_are_asked(endpoint: str, is_one: bool) -> None:
    assert is_maker(endpoint, ("fcm.googleapis.com", "*.notify.windows.com")) is is_one


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened_store = await Store.open(tmp_path / "room.db", bytes(32), migrations("room"))
    yield opened_store
    await opened_store.close()


def pusher(store: Store, *makers: str) -> Pusher:
    nothing: Any = None
    way = WayOut(nothing, nothing, list, room="gateway", proxy=None)
    return Pusher(Preferences(store), utc_now, makers=makers, subject="https://house.example", way=way)


async def test_a_service_that_checks_everything_takes_it_and_the_key_stays_the_same(store: Store) -> None:
    with PushService() as service:
        browser = service.subscribe()
        service.known_key = await pusher(store, service.origin).public_key()
        sender = pusher(store, service.origin)
        sender.require(made(browser))
        await sender.send(made(browser), encrypted(json.dumps({"title": "Hello"}).encode(), made(browser)), life=MINUTE)
        [push] = browser.taken
        assert json.loads(browser.read(push)) == {"title": "Hello"}
        assert (push.headers["ttl"], push.headers["urgency"], push.headers["topic"]) == ("60", "high", "decisions")
        assert service.refused == []


async def test_a_browser_that_has_ended_it_is_not_found(store: Store) -> None:
    with PushService() as service:
        browser = service.subscribe()
        service.unsubscribe(browser)
        with pytest.raises(NotFound):
            await pusher(store, service.origin).send(made(browser), b"x", life=MINUTE)


@pytest.mark.parametrize("status", [403, 413, 429, 500, 503])
async def test_a_refusal_is_an_error_and_no_end(store: Store, status: int) -> None:
    with PushService() as service:
        browser, service.status = service.subscribe(), status
        with pytest.raises(OaError) as caught:
            await pusher(store, service.origin).send(made(browser), b"x", life=MINUTE)
        assert not isinstance(caught.value, NotFound)


async def test_a_maker_whose_name_leads_into_ones_own_network_is_not_asked(store: Store) -> None:
    browser = made(PushService().subscribe())._replace(endpoint="https://localhost/push/1")
    with pytest.raises(Forbidden, match="inside this network"):
        await pusher(store, "localhost").send(browser, b"x", life=MINUTE)


@pytest.mark.parametrize("what", ["host", "point", "curve", "secret"])
async def test_what_no_browser_gives_is_refused(store: Store, what: str) -> None:
    service = PushService()
    browser = made(service.subscribe())
    wrong = {
        "host": browser._replace(endpoint="https://evil.example/x"),
        "point": browser._replace(point=b"\x04" + bytes(10)),
        "curve": browser._replace(point=b"\x04" + bytes(64)),
        "secret": browser._replace(secret=b"short"),
    }
    with pytest.raises(InvalidRequest):
        pusher(store, service.origin).require(wrong[what])
