"""Sign-in, sessions, and the first start: what opens the door, and everything that must not."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from openassistant.context import new_id
from openassistant.errors import Conflict, Forbidden, Internal, InvalidRequest, NotFound, RateLimited, Unavailable
from services.gateway.backoff import network_of
from services.gateway.problems import SignInRefused, SignInRequired
from services.gateway.sessions import ABSOLUTE, IDLE
from tests.services.gateway.door import ELSEWHERE, HOME, PASSWORD, Door
from tests.services.gateway.house import GatewayHouse


@pytest.fixture
def door(house: GatewayHouse) -> Door:
    return Door(house)


# --- sessions -------------------------------------------------------------------------------------------------------


async def test_the_right_password_opens_a_session_that_is_stored_hashed_and_written_down(door: Door) -> None:
    user = await door.owner()
    opened = await door.sign_in()
    found = await door.sessions.find(opened.token)
    assert (found.user.id, found.session) == (user.id, opened.session)
    stored = await door.stored()
    assert opened.token not in stored
    assert PASSWORD not in stored
    assert "$argon2id$" in stored
    assert door.house.recorded() == ["session.started"]


@pytest.mark.parametrize(("username", "password"), [("ada", "wrong password here"), ("nobody", PASSWORD)])
async def test_a_refusal_does_not_say_which_of_the_two_was_wrong(door: Door, username: str, password: str) -> None:
    await door.owner()
    with pytest.raises(SignInRefused) as refused:
        await door.sign_in(password, username=username)
    assert refused.value.message == "User name or password is wrong."


async def test_without_a_ledger_nobody_is_signed_in(door: Door) -> None:
    await door.owner()
    door.house.ledger_error = Unavailable("The ledger is away.")
    with pytest.raises(Unavailable):
        await door.sign_in()
    assert "token" not in await door.stored()


async def test_every_sign_in_is_a_new_session_and_ends_the_one_the_browser_had(door: Door) -> None:
    await door.owner()
    first = await door.sign_in()
    second = await door.sign_in(former=(first.token, "planted-by-somebody"))
    assert second.token != first.token
    with pytest.raises(SignInRequired):
        await door.sessions.find(first.token)


@pytest.mark.parametrize("token", ["", "guess", "x" * 5000, "' OR 1=1 --"])
async def test_a_guessed_token_is_nobodys(door: Door, token: str) -> None:
    await door.owner()
    await door.sign_in()
    with pytest.raises(SignInRequired):
        await door.sessions.find(token)


async def test_a_session_ends_when_it_is_not_used_and_at_its_absolute_end(door: Door) -> None:
    await door.owner()
    idle, used = await door.sign_in(), await door.sign_in()
    for _ in range(ABSOLUTE // IDLE):
        door.house.time += IDLE - timedelta(hours=1)
        await door.sessions.find(used.token)
    with pytest.raises(SignInRequired):
        await door.sessions.find(idle.token)
    door.house.time += timedelta(days=4, hours=5)
    assert not await door.sessions.lives(used.session)
    with pytest.raises(SignInRequired):
        await door.sessions.find(used.token)
    await door.sessions.sweep()
    assert used.session not in await door.stored()


async def test_a_user_ends_his_own_sessions_alone(door: Door) -> None:
    user = await door.owner()
    opened = await door.sign_in()
    other = user.model_copy(update={"id": new_id()})
    with pytest.raises(NotFound):
        await door.sessions.end(other, opened.session)
    assert await door.sessions.lives(opened.session)
    await door.sessions.end(user, opened.session)
    assert not await door.sessions.lives(opened.session)


# --- guessing -------------------------------------------------------------------------------------------------------


async def guess(door: Door, times: int, *, address: str, username: str = "ada") -> int:
    """How many of the guesses were looked at."""
    looked = 0
    for _ in range(times):
        try:
            await door.sign_in("a wrong password", username=username, address=address)
        except SignInRefused:
            looked += 1
        except RateLimited:
            continue
    return looked


async def test_guessing_from_one_place_must_wait_longer_and_longer(door: Door) -> None:
    await door.owner()
    assert await guess(door, 12, address=ELSEWHERE) == 5
    with pytest.raises(RateLimited):
        await door.sign_in(address=ELSEWHERE)
    door.house.time += timedelta(minutes=1)
    assert await guess(door, 5, address=ELSEWHERE) == 1


async def test_a_stranger_who_guesses_does_not_lock_the_owner_out(door: Door) -> None:
    await door.owner()
    await door.sign_in(address=HOME)
    for place in range(1, 40):
        await guess(door, 6, address=f"203.0.113.{place}")
    with pytest.raises(RateLimited):
        await door.sign_in(address="198.51.100.7")
    assert (await door.sign_in(address=HOME)).user.username == "Ada"


async def test_a_right_password_clears_what_was_mistyped_before(door: Door) -> None:
    await door.owner()
    for _ in range(3):
        assert await guess(door, 3, address=HOME) == 3
        await door.sign_in(address=HOME)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.7", "192.0.2.7"),
        ("somewhere", "somewhere"),
    ],
)
def test_an_ipv6_network_counts_as_one_place(address: str, network: str) -> None:
    assert network_of(address) == network


# --- the first start ------------------------------------------------------------------------------------------------


async def test_the_link_lies_in_a_file_for_the_owner_alone_and_works_once(door: Door) -> None:
    await door.setup.begin(username=None, password_file=None)
    assert stat.S_IMODE(door.file.stat().st_mode) == 0o600
    token = door.token()
    user = await door.setup.finish(token, username="Ada", password=PASSWORD, display_name="", of_age=True)
    assert (user.role, user.display_name) == ("owner", "Ada")
    assert not door.file.exists()
    with pytest.raises(Conflict):
        await door.setup.finish(token, username="eve", password=PASSWORD, display_name="", of_age=True)
    assert door.house.recorded() == ["user.created"]


@pytest.mark.parametrize("token", ["", "guess", "ä" * 43])
async def test_a_wrong_link_makes_no_owner(door: Door, token: str) -> None:
    await door.setup.begin(username=None, password_file=None)
    with pytest.raises(Forbidden):
        await door.setup.finish(token, username="eve", password=PASSWORD, display_name="", of_age=True)
    assert await door.setup.is_open()


async def test_a_new_start_makes_a_new_link(door: Door) -> None:
    await door.setup.begin(username=None, password_file=None)
    old = door.token()
    again = Door(door.house)
    await again.setup.begin(username=None, password_file=None)
    with pytest.raises(Forbidden):
        await again.setup.finish(old, username="eve", password=PASSWORD, display_name="", of_age=True)
    assert again.token() != old


async def test_a_house_with_an_owner_offers_no_link(door: Door) -> None:
    await door.owner()
    await door.setup.begin(username=None, password_file=None)
    assert not door.file.exists()
    assert not await door.setup.is_open()


async def test_the_settings_may_name_the_owner(door: Door, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    await door.setup.begin(username="ada", password_file=file)
    await door.setup.begin(username="somebody else", password_file=file)
    assert [each.username for each in await door.users.everybody()] == ["ada"]
    assert (await door.sign_in()).user.role == "owner"


async def test_a_password_file_that_cannot_be_read_is_named(door: Door, tmp_path: Path) -> None:
    with pytest.raises(Internal, match="OA_SETUP_PASSWORD_FILE: missing"):
        await door.setup.begin(username="ada", password_file=tmp_path / "missing")


@pytest.mark.parametrize(
    ("username", "password", "field"),
    [
        ("ada", "short", "password"),
        ("ada-of-the-house", "ADA-of-the-house", "password"),
        ("ada", "aaaaaaaaaaaaaaaa", "password"),
        ("", PASSWORD, "username"),
        ("a\nb", PASSWORD, "username"),
        ("x" * 65, PASSWORD, "username"),
    ],
)
async def test_a_weak_password_or_an_odd_name_is_refused_by_its_field(
    door: Door, username: str, password: str, field: str
) -> None:
    await door.setup.begin(username=None, password_file=None)
    with pytest.raises(InvalidRequest) as refused:
        await door.setup.finish(door.token(), username=username, password=password, display_name="", of_age=True)
    assert list(refused.value.details["fields"]) == [field]
    assert password not in f"{refused.value.message} {refused.value.details}"
    assert await door.setup.is_open()
