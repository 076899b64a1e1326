"""The keys of the house, from a terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Terminal

KEYS: dict[str, Any] = {
    "replacing": [], "total": 0, "left": 0, "waiting": [], "replaced": ["root", "data"], "protected": True,
    "replaced_at": "2026-11-28T10:00:00Z", "fixed": None,
}  # fmt: skip
UNDER_WAY = {
    **KEYS, "replacing": ["data"], "total": 5, "left": 2, "waiting": [{"room": "mail\x1b[2J", "files": 2}],
    "replaced": [], "replaced_at": None,
}  # fmt: skip


@pytest.fixture
def asked(oa: Terminal) -> Terminal:
    oa.answers["POST /api/session"] = {"user": {"username": "ada"}, "expires_at": "2026-12-01T00:00:00Z"}
    oa.answers["GET /api/keys"] = KEYS
    oa.answers["POST /api/keys/rotate"] = UNDER_WAY
    return oa


def test_it_says_when_keys_were_replaced_and_how_the_root_key_is_kept(asked: Terminal) -> None:
    ran = asked("keys", piped="ada\nsecret\n")
    assert ran.code == 0
    assert "the root key, the keys of the rooms' files" in ran.out
    assert "protected by a passphrase" in ran.out
    assert asked("keys", "--json", piped="ada\nsecret\n").json == KEYS


def test_all_are_replaced_after_the_password_and_it_waits_for_the_end(asked: Terminal) -> None:
    ran = asked("keys", "rotate", piped="ada\nsecret\n")
    assert ran.code == 0
    sent = next(each for each in asked.asked if each.url.path == "/api/keys/rotate")
    assert json.loads(sent.content) == {"keys": ["root", "data", "credentials"], "password": "secret"}
    assert "3 of 5 files" in ran.err
    assert "Replaced" in ran.out


def test_what_still_waits_is_said_and_one_kind_can_be_chosen(asked: Terminal) -> None:
    ran = asked("keys", "rotate", "--only", "data", "--no-wait", piped="ada\nsecret\n")
    assert ran.code == 0
    assert json.loads(asked.asked[-1].content)["keys"] == ["data"]
    assert "mail[2J: 2 files to go" in ran.out
    assert asked("keys", "rotate", "--only", "front-door", piped="ada\nsecret\n").code == 2
