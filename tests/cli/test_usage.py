"""What the model costs, from a terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Terminal

LIMITS: dict[str, Any] = {
    "turn_tokens": 500_000, "turn_micro": 2_000_000, "model_calls": 24, "tool_calls": 60, "seconds": 3600,
    "day_tokens": 5_000_000, "day_micro": None, "month_tokens": None, "month_micro": 50_000_000,
}  # fmt: skip
USAGE: dict[str, Any] = {
    "currency": "EUR",
    "zone": "Europe/Berlin",
    "priced": False,
    "own": {**dict.fromkeys(LIMITS), "model_calls": 5},
    "limits": LIMITS,
    "periods": [
        {
            "bound": "day",
            "tokens": {"spent": 1234567, "held": 0, "limit": 5_000_000},
            "micro": {"spent": 1_230_000, "held": 0, "limit": None},
        }
    ],
    "rows": [
        {
            "day": "2026-11-28", "model": "m\x1b[2J", "currency": "EUR", "calls": 3, "estimated": 1,
            "input_tokens": 1200, "cached_tokens": 0, "output_tokens": 34, "micro": 5_100,
        }
    ],
    "house": {"each": LIMITS, "limits": {"day_tokens": 9, "day_micro": None}, "periods": [], "people": [], "rows": []},
}  # fmt: skip


@pytest.fixture
def asked(oa: Terminal) -> Terminal:
    oa.answers["GET /api/usage"] = USAGE
    oa.answers["POST /api/session"] = {"user": {"username": "ada"}, "expires_at": "2026-12-01T00:00:00Z"}
    oa.answers["PUT /api/usage/limits"] = USAGE
    oa.answers["PUT /api/usage/limits/house"] = USAGE
    oa.answers["PUT /api/model/price"] = {"current": None, "found": []}
    return oa


def test_alone_it_shows_what_is_spent_and_left(asked: Terminal) -> None:
    ran = asked("usage")
    assert ran.code == 0
    assert "Today\t1,234,567\t5,000,000\t1.23 EUR\tno limit" in ran.out
    assert "2026-11-28\tm[2J\t3\t1200\t34\t0.01 EUR" in ran.out
    assert "oa usage price" in ran.err
    assert asked("usage", "--json").json == USAGE


def test_a_limit_that_is_named_changes_and_the_others_stay(asked: Terminal) -> None:
    ran = asked("usage", "limits", "--day-money", "2.50", "--answer-tokens", "none", piped="ada\nsecret\n")
    assert ran.code == 0
    assert json.loads(asked.asked[-1].content)["limits"] == {
        **dict.fromkeys(LIMITS), "model_calls": 5, "day_micro": 2_500_000, "turn_tokens": None,
    }  # fmt: skip


def test_the_houses_limits_are_others(asked: Terminal) -> None:
    assert asked("usage", "limits", "--house", "--day-tokens", "7", piped="ada\nsecret\n").code == 0
    assert json.loads(asked.asked[-1].content) == {"house": {"day_tokens": 7, "day_micro": None}}
    assert asked("usage", "limits", "--house", "--each").code == 2


@pytest.mark.parametrize("wrong", [("--day-tokens", "many"), ("--day-money", "-1"), ("--day-money", "0.0000001")])
def test_what_is_no_amount_is_not_sent(asked: Terminal, wrong: tuple[str, str]) -> None:
    assert asked("usage", "limits", *wrong).code == 2
    assert asked.asked == []


def test_a_price_is_sent_in_millionths(asked: Terminal) -> None:
    ran = asked("usage", "price", "3", "15", "--cached", "0.30", "--currency", "eur", piped="ada\nsecret\n")
    assert ran.code == 0
    assert json.loads(asked.asked[-1].content) == {
        "currency": "EUR", "input": 3_000_000, "output": 15_000_000, "cached": 300_000,
    }  # fmt: skip
