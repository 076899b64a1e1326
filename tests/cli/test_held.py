"""What is kept is shown, chosen and erased from a terminal; what would go is shown before anything is asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Terminal

MAIL, TALK = "a" * 24 + "00000001", "b" * 24 + "00000002"
OFFERS = [
    {
        "kind": "conversations",
        "room": "agent",
        "account": None,
        "service": None,
        "account_name": None,
        "ways": ["days"],
    },
    {"kind": "mails", "room": "mail", "account": MAIL, "service": "Mail", "account_name": "Work", "ways": ["days"]},
]
RUN: dict[str, Any] = {"at": None, "next": None, "went": [], "unasked": []}
GOES = [
    {"room": "agent", "kind": "conversations", "account": None, "count": 12, "oldest": "2025-01-01T00:00:00Z",
     "newest": "2025-06-01T00:00:00Z"},
]  # fmt: skip
SIGN_IN = ("-u", "ada")
PASSWORD = "not-a-real-password"


@pytest.fixture
def at_home(oa: Terminal) -> Terminal:
    oa.answers |= {
        "POST /api/session": {"user": {}},
        "GET /api/data/keep": {"rules": [], "offers": OFFERS, "run": RUN},
        "PUT /api/data/keep": {"rules": [], "offers": OFFERS, "run": RUN},
        "POST /api/data/keep/preview": {"goes": GOES, "away": ["mail"]},
        "POST /api/data/erasing/preview": {"goes": GOES, "away": [], "conversations": 3},
        "POST /api/data/erasing": [],
        "GET /api/conversations": [{"id": TALK}],
        "GET /api/accounts": [{"id": MAIL}],
    }
    return oa


def sent(oa: Terminal, method: str, path: str) -> list[Any]:
    return [json.loads(each.content) for each in oa.asked if (each.method, each.url.path) == (method, path)]


def test_usage_names_rooms_kinds_and_who_does_not_answer(oa: Terminal) -> None:
    part = {"kind": "conversations", "count": 12, "oldest": "2025-01-01T00:00:00Z", "newest": None}
    oa.answers["GET /api/data"] = [
        {"room": "agent", "bytes": 2_000_000, "parts": [part], "answered": True},
        {"room": "mail", "bytes": 0, "parts": [], "answered": False},
    ]
    ran = oa("data", "usage")
    assert ran.out.splitlines()[0].startswith("agent\tconversations\t12")
    assert "mail does not answer" in ran.err
    assert "2.0 MB" in ran.err


def test_what_is_kept_is_listed_with_its_rule(at_home: Terminal) -> None:
    rule = {"kind": "mails", "account": MAIL, "days": None, "newest": 500}
    run = {"at": "2026-11-20T10:00:00Z", "next": None, "went": [{"room": "mail", "kind": "mails", "count": 4}],
           "unasked": ["caldav"]}  # fmt: skip
    at_home.answers["GET /api/data/keep"] = {"rules": [rule], "offers": OFFERS, "run": run}
    ran = at_home("data", "keep")
    assert [line.split("\t")[-1] for line in ran.out.splitlines()] == ["all", "at most 500"]
    assert "4 things went" in ran.err
    assert "caldav" in ran.err


@pytest.mark.parametrize(
    ("flags", "rule"),
    [
        (("--days", "30"), {"days": 30, "newest": None}), (("--newest", "9"), {"days": None, "newest": 9}),
        (("--never",), {"days": 0, "newest": None}),
    ],
)  # fmt: skip
def test_a_rule_is_tried_before_it_is_chosen(at_home: Terminal, flags: tuple[str, ...], rule: dict[str, Any]) -> None:
    ran = at_home("data", "keep", "conversations", *flags, *SIGN_IN, "--yes", piped=f"{PASSWORD}\n")
    assert ran.code == 0, ran.err
    wanted = {"rules": [{"kind": "conversations", "account": None, **rule}]}
    assert sent(at_home, "POST", "/api/data/keep/preview") == sent(at_home, "PUT", "/api/data/keep") == [wanted]
    assert "conversations\t12" in ran.out
    assert "mail does not answer" in ran.err


def test_keeping_all_takes_one_rule_away_and_leaves_the_others(at_home: Terminal) -> None:
    rules = [{"kind": "mails", "account": MAIL, "days": 3, "newest": None},
             {"kind": "conversations", "account": None, "days": 3, "newest": None}]  # fmt: skip
    at_home.answers["GET /api/data/keep"] = {"rules": rules, "offers": OFFERS, "run": RUN}
    at_home("data", "keep", "mails", "--account", "00000001", "--all", *SIGN_IN, "--yes", piped=f"{PASSWORD}\n")
    assert sent(at_home, "PUT", "/api/data/keep") == [{"rules": rules[1:]}]


@pytest.mark.parametrize("more", [(), ("--days", "3", "--never"), ("--days", "0")])
def test_a_rule_says_exactly_one_thing(at_home: Terminal, more: tuple[str, ...]) -> None:
    assert at_home("data", "keep", "conversations", *more).code == 2
    assert sent(at_home, "PUT", "/api/data/keep") == []


def test_nothing_is_chosen_for_what_is_not_there(at_home: Terminal) -> None:
    ran = at_home("data", "keep", "spoons", "--days", "3", *SIGN_IN, "--yes", piped=f"{PASSWORD}\n")
    assert (ran.code, "oa data keep" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("conversation", "00000002", "--memories"), {"what": "conversation", "conversation": TALK, "memories": True}),
        (
            ("account", "00000001", "--conversations"),
            {"what": "source", "account": MAIL, "conversations": True, "memories": False},
        ),
    ],
)
def test_a_part_is_shown_and_then_erased_with_the_password(
    at_home: Terminal, arguments: tuple[str, ...], part: dict[str, Any]
) -> None:
    ran = at_home("data", "erase", *arguments, *SIGN_IN, "--yes", piped=f"{PASSWORD}\n")
    assert ran.code == 0, ran.err
    assert sent(at_home, "POST", "/api/data/erasing/preview") == [{"part": part}]
    assert sent(at_home, "POST", "/api/data/erasing") == [{"part": part, "password": PASSWORD}]
    assert "conversations\t12" in ran.out


def test_conversations_that_stay_are_told_of(at_home: Terminal) -> None:
    ran = at_home("data", "erase", "account", "00000001", *SIGN_IN, "--yes", piped=f"{PASSWORD}\n")
    assert "3 conversations, which stay" in ran.err


def test_a_period_is_in_the_time_of_this_machine(at_home: Terminal) -> None:
    at_home("data", "erase", "period", "2026-03-01", "2026-04-01T12:30", *SIGN_IN, "--yes", piped=f"{PASSWORD}\n")
    [given] = sent(at_home, "POST", "/api/data/erasing")
    assert given["part"]["since"].startswith("2026-03-01T00:00:00")
    assert given["part"]["until"].startswith("2026-04-01T12:30:00")
    assert given["part"]["since"][19:20] in "+-"


def test_without_a_word_at_a_terminal_nothing_is_erased(at_home: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oa.terminal.secret", lambda *_, **__: PASSWORD)
    monkeypatch.setattr("oa.terminal.confirm", lambda *_: False)
    at_home("data", "erase", "conversation", "00000002", *SIGN_IN, typed="")
    at_home("data", "erase", "me", *SIGN_IN, typed="")
    at_home("data", "gone", "mail", *SIGN_IN, typed="")
    at_home("data", "keep", "conversations", "--days", "3", *SIGN_IN, typed="")
    assert {each.method for each in at_home.asked if each.url.path not in {
        "/api/session", "/api/data/keep/preview", "/api/data/erasing/preview",
    }} == {"GET"}  # fmt: skip


def test_oneself_and_the_house_go_after_the_password_and_the_words(at_home: Terminal) -> None:
    at_home.answers |= {"POST /api/data/erase": None, "POST /api/data/house/erase": None}
    at_home("data", "erase", "me", *SIGN_IN, "--yes", piped=f"{PASSWORD}\n")
    at_home("data", "erase", "house", "--confirm", "erase this house", *SIGN_IN, piped=f"{PASSWORD}\n")
    assert sent(at_home, "POST", "/api/data/erase") == [{"password": PASSWORD}]
    assert sent(at_home, "POST", "/api/data/house/erase") == [{"password": PASSWORD, "confirm": "erase this house"}]


def test_what_is_being_erased_is_listed_and_a_lost_connector_is_given_up(at_home: Terminal) -> None:
    at_home.answers |= {
        "GET /api/data/erasing": [
            {"id": TALK, "what": "period", "begun_at": "2026-11-20T10:00:00Z", "rooms": ["mail"], "mine": True}
        ],
        "POST /api/data/rooms/mail/gone": None,
    }
    assert at_home("data", "erasing").out.startswith("period\t")
    at_home("data", "gone", "mail", *SIGN_IN, "--yes", piped=f"{PASSWORD}\n")
    assert sent(at_home, "POST", "/api/data/rooms/mail/gone") == [{"password": PASSWORD}]
