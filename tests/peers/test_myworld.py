"""The emulator of Google's services, proven with a stock client."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.peers.myworld import MyWorld, World

ADA, BOB = "ada@home.example", "bob@home.example"
PROFILE = "/gmail/v1/users/me/profile"
SEED: dict[str, Any] = {
    "user": {"email": ADA, "name": "Ada"},
    "emails": [],
    "mailboxes": [{"user": {"email": BOB, "name": "Bob"}}],
}


@pytest.fixture(scope="module")
def myworld() -> Iterator[MyWorld]:
    with MyWorld(gateway=True) as server:
        yield server


@pytest.fixture
def world(myworld: MyWorld) -> Iterator[World]:
    world = myworld.world({"gmail": {"seed": SEED}}, [ADA, BOB])
    yield world
    world.close()


def profile(world: World, person: str) -> httpx.Response:
    return httpx.get(world.api("gmail.googleapis.com") + PROFILE, headers=bearer(world.token(person)), timeout=10)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_each_person_has_a_token_of_their_own(world: World) -> None:
    assert [profile(world, person).json()["emailAddress"] for person in (ADA, BOB)] == [ADA, BOB]


def test_the_gateway_answers_for_the_real_host_over_tls_and_for_no_other(myworld: MyWorld, world: World) -> None:
    with httpx.Client(proxy=myworld.proxy, verify=myworld.client_context(), timeout=10) as client:
        answer = client.get("https://gmail.googleapis.com" + PROFILE, headers=bearer(world.token(ADA)))
        assert answer.json()["emailAddress"] == ADA
        with pytest.raises(httpx.ProxyError, match="403"):
            client.get("https://elsewhere.example/")


def test_a_fault_fires_once_on_the_operation_that_it_names(world: World) -> None:
    world.fail("gmail", {"tool": "gmail.users.getProfile", "kind": "rate_limit"})
    assert [profile(world, ADA).status_code for _ in range(2)] == [429, 200]
    assert [call["ok"] for call in world.calls("gmail", "gmail.users.getProfile")] == [False, True]


def test_a_reset_brings_back_the_seed_and_forgets_faults(world: World) -> None:
    world.act("gmail", "deliver_email", sender="Carol <carol@away.example>", subject="Hello", body="Hi", to=ADA)
    assert profile(world, ADA).json()["messagesTotal"] == 1
    world.fail("gmail", {"tool": "*", "kind": "unavailable", "times": None})
    world.reset()
    assert profile(world, ADA).json()["messagesTotal"] == 0


def test_time_passes_only_as_it_is_told_to(world: World) -> None:
    first = world.now
    world.advance(hours=1)
    assert 3600 <= (world.now - first).total_seconds() < 3660


def test_a_closed_world_refuses_its_tokens(myworld: MyWorld) -> None:
    world = myworld.world({"gmail": {"seed": SEED}}, [ADA])
    world.close()
    assert profile(world, ADA).status_code == 401
