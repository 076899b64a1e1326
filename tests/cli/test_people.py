"""`oa people` and `oa join`: what is sent, what is printed, and what is asked before."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.cli.conftest import Terminal

DONE = ("suspend", "resume", "removal", "keep", "hand-over")
LINK = "http://house.example/join#an-invitation-that-is-obviously-fake"
BOB = {
    "id": "b" * 32, "username": "bob", "display_name": "Bob", "role": "member", "suspended_at": None, "leaves_at": None,
}  # fmt: skip
MADE = {
    "id": "1" * 32, "label": "Carol", "path": "/join#fake", "expires_at": "2026-12-06",
    "opens_at": "2026-11-30T10:00:00Z",
}  # fmt: skip


@pytest.fixture
def people(oa: Terminal) -> Terminal:
    invitation = {key: MADE[key] for key in ("id", "label", "expires_at")}
    oa.answers |= {
        "POST /api/session": {}, "GET /api/people": [BOB], "GET /api/people/invitations": [invitation],
        "POST /api/people/invitations": MADE,
        f"POST /api/people/{BOB['id']}/reset": {**MADE, "path": "/join?reset#fake"},
        f"PUT /api/people/{BOB['id']}/role": [BOB],
        **{f"POST /api/people/{BOB['id']}/{what}": [BOB] for what in DONE},
        f"DELETE /api/people/invitations/{MADE['id']}": httpx.Response(204),
    }  # fmt: skip
    return oa


def test_who_lives_here_is_listed_with_open_invitations(people: Terminal) -> None:
    ran = people("people", "list", "-u", "ada", piped="a password\n")
    assert ran.code == 0
    assert "bob" in ran.out
    assert "Carol" in ran.out


def test_an_invitation_is_printed_as_a_link_alone(people: Terminal) -> None:
    ran = people("people", "invite", "Carol", "--days", "3", "-u", "ada", piped="a password\n")
    assert ran.out.strip().endswith("/join#fake")
    assert len(ran.out.splitlines()) == 1
    assert people.body() == {"label": "Carol", "days": 3, "password": "a password"}


@pytest.mark.parametrize(
    ("command", "path"),
    [("suspend", "suspend"), ("resume", "resume"), ("remove", "removal"), ("keep", "keep"), ("hand-over", "hand-over")],
)
def test_a_person_is_named_by_his_user_name_and_the_password_goes_along(
    people: Terminal, command: str, path: str
) -> None:
    assert people("people", command, "Bob", "-u", "ada", piped="a password\n").code == 0
    assert people.asked[-1].url.path == f"/api/people/{BOB['id']}/{path}"
    assert people.body() == {"password": "a password"}


def test_a_role_is_one_of_two(people: Terminal) -> None:
    assert people("people", "role", "bob", "owner", "-u", "ada", piped="a password\n").code == 0
    assert people.body() == {"role": "owner", "password": "a password"}
    assert people("people", "role", "bob", "king", "-u", "ada", piped="a password\n").code == 2


def test_nobody_of_that_name_is_said_and_nothing_is_done(people: Terminal) -> None:
    ran = people("people", "suspend", "eve", "-u", "ada", piped="a password\n")
    assert (ran.code, "Nobody here has the user name" in ran.err) == (2, True)
    assert [each.method for each in people.asked].count("POST") == 1


def test_a_reset_link_says_from_when_it_works(people: Terminal) -> None:
    ran = people("people", "reset", "bob", "-u", "ada", piped="a password\n")
    assert ran.out.strip().endswith("/join?reset#fake")
    assert "2026-11-30 10:00" in ran.err


def test_an_invitation_is_revoked_by_the_end_of_its_id(people: Terminal) -> None:
    assert people("people", "revoke", "1111", "-u", "ada", piped="a password\n").code == 0
    assert people.asked[-1].method == "DELETE"


def _join(oa: Terminal, kind: str = "join") -> None:
    looked: dict[str, Any] = {"kind": kind, "by": "Ada"}
    oa.answers |= {
        "POST /api/join/look": looked, "GET /api/house": {"minimum_age": 18},
        "POST /api/join": httpx.Response(201, json={}),
    }  # fmt: skip


def test_who_joins_is_asked_how_old_he_is_before_anything_is_sent(oa: Terminal) -> None:
    _join(oa)
    ran = oa("join", LINK, "-u", "bob", piped="n\n")
    assert (ran.code, "18 or older" in ran.err) == (1, True)
    assert [each.url.path for each in oa.asked] == ["/api/join/look", "/api/house"]


def test_who_joins_is_in(oa: Terminal) -> None:
    _join(oa)
    ran = oa("join", LINK, "-u", "bob", "--name", "Bob", piped="y\na new password\n")
    assert ran.code == 0, ran.err
    assert oa.body() == {
        "token": "an-invitation-that-is-obviously-fake", "username": "bob", "password": "a new password",
        "display_name": "Bob", "of_age": True,
    }  # fmt: skip


def test_a_link_to_a_password_and_half_a_link_are_none(oa: Terminal) -> None:
    _join(oa, "reset")
    assert oa("join", LINK).code == 2
    assert oa("join", "http://house.example/join").code == 2
