"""`oa left`: where to, how much, whose text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.cli.conftest import Terminal

ACCOUNT = "b" * 32
_PLAIN: dict[str, Any] = {
    "day": "2030-05-02",
    "host": "imap.example.org",
    "port": 993,
    "reach": "public",
    "kind": "call",
    "connector": "mail",
    "account": ACCOUNT,
    "model": None,
    "bytes_out": 2100,
    "bytes_in": 48_400,
    "records": 3,
}
_MODEL = {**_PLAIN, "host": "127.0.0.1", "port": 11434, "reach": "machine", "kind": "model", "model": "small-1"}
_NEAR = {"host": "127.0.0.1", "port": 11434, "reach": "machine"}
LEFT: dict[str, Any] = {
    "since": "2030-04-26",
    "until": "2030-05-02",
    "days": [_PLAIN, {**_MODEL, "connector": None, "account": None, "bytes_out": 999, "bytes_in": 1_234_567}],
    "sources": [
        {
            "host": "127.0.0.1",
            "port": 11434,
            "kind": "connector",
            "connector": "mail",
            "account": ACCOUNT,
            "bytes": 700,
        },
        {"host": "127.0.0.1", "port": 11434, "kind": "owner", "connector": None, "account": None, "bytes": 40},
    ],
    "accounts": {ACCOUNT: "Home mail"},
    "counted": [],
}


def test_each_place_of_each_day_is_a_line_with_its_sizes(oa: Terminal) -> None:
    oa.answers["GET /api/left"] = LEFT
    ran = oa("left")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "2030-05-02\timap.example.org:993\toutside\tasked for: Home mail\t2.1 kB\t48 kB",
        "2030-05-02\t127.0.0.1:11434\tthis machine\tmodel: small-1\t999 B\t1.2 MB",
    ]


def test_whose_text_a_model_was_given_stands_aside(oa: Terminal) -> None:
    oa.answers["GET /api/left"] = LEFT
    assert "127.0.0.1:11434 was given Home mail 700 B, what you wrote 40 B" in oa("left").err


def test_it_asks_for_as_many_days_as_it_is_told(oa: Terminal) -> None:
    oa.answers["GET /api/left"] = LEFT
    oa("left", "--days", "30")
    today = datetime.now(UTC).date()
    asked = oa.asked[-1].url.params
    assert (asked["from"], asked["until"]) == ((today - timedelta(days=29)).isoformat(), today.isoformat())


def test_as_json_it_is_the_api_s_own_answer(oa: Terminal) -> None:
    oa.answers["GET /api/left"] = LEFT
    assert oa("left", "--json").json == LEFT


def test_nothing_is_said_to_be_nothing(oa: Terminal) -> None:
    oa.answers["GET /api/left"] = {**LEFT, "days": [], "sources": []}
    ran = oa("left")
    assert (ran.code, ran.out) == (0, "")
    assert "Nothing left in these days." in ran.err


def test_what_the_proxy_counted_stands_beside_it(oa: Terminal) -> None:
    counted = {"room": "mail", "host": "imap.example.org", "port": 993, "bytes_out": 5_000, "bytes_in": 60_000}
    oa.answers["GET /api/left"] = {**LEFT, "counted": [{**counted, "connections": 4}]}
    assert "The proxy counted for mail, imap.example.org:993: 5.0 kB out, 60 kB in, with TLS" in oa("left").err


def test_a_name_that_a_stranger_chose_cannot_steer_the_terminal(oa: Terminal) -> None:
    evil = {**_PLAIN, "host": "evil\x1b[2J.example", "account": None, "connector": "mail"}
    oa.answers["GET /api/left"] = {**LEFT, "days": [evil]}
    assert "\x1b" not in oa("left").out
