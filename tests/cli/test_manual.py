"""The help is plain text in sections, each example can be pasted, and no page names a flag that there is not."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import httpx
import pytest

from oa import settings
from tests.cli.conftest import Terminal

PAGES = [
    "",
    *("ask", "chat", "undo", "run", "status", "doctor", "setup", "login", "logout"),
    *("approvals", "approvals list", "approvals show", "approvals approve", "approvals edit", "approvals deny"),
    *("outcomes", "outcomes list", "outcomes look", "outcomes done", "outcomes not-done", "outcomes again"),
    *("notices", "notices list", "notices stop"),
    *("loans", "loans list", "loans end"),
    *("rules", "rules list", "rules revoke"),
    *("schedules", "schedules list", "schedules pause", "schedules resume", "schedules run", "schedules remove"),
    *("chats", "chats list", "chats search", "chats rename", "chats archive", "chats export"),
    *("memory", "memory list", "memory add", "memory forget"),
    *(
        "accounts",
        "accounts list",
        "accounts add",
        "accounts route",
        "accounts check",
        "accounts hold",
        "accounts remove",
    ),
    *("connectors", "connectors list", "connectors approve", "connectors register"),
    *("model", "model show", "model set", "model test", "model clear"),
    *("usage", "usage limits", "usage price", "left", "keys", "keys rotate"),
    *("audit", "audit list", "audit verify", "audit witness", "audit export"),
    *("data export", "data import"),
    *("data", "data usage", "data keep", "data erasing", "data gone", "data erase", "data erase conversation"),
    *("data erase account", "data erase period", "data erase me", "data erase house"),
    *("token", "token list", "token create", "token revoke"),
    *("join", "people", "people list", "people invite", "people revoke", "people role", "people hand-over"),
    *("people suspend", "people resume", "people remove", "people keep", "people reset"),
]


def page(oa: Terminal, name: str) -> str:
    ran = oa(*name.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    return ran.out


def section(text: str, heading: str) -> list[str]:
    """The lines under a heading."""
    _, _, rest = text.partition(f"\n{heading}\n")
    return rest.split("\n\n")[0].splitlines()


def examples(text: str) -> Iterator[str]:
    """Every command of `oa` that the examples run."""
    for line in section(text, "EXAMPLES"):
        yield from (
            part.strip() for part in line.strip().removeprefix("$ ").split("|") if part.strip().startswith("oa ")
        )


def test_every_command_has_a_page(oa: Terminal) -> None:
    listed = {
        f"{group} {command}".strip()
        for group in PAGES
        for heading in ("COMMANDS", "TALK COMMANDS", "HOUSE COMMANDS", "PERSONAL COMMANDS")
        for command in re.findall(r"^  ([\w-]+):", "\n".join(section(page(oa, group), heading)), re.MULTILINE)
    }
    assert listed == set(PAGES) - {""}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_it_does_how_to_use_it_and_fits_a_terminal(oa: Terminal, name: str) -> None:
    text = page(oa, name)
    assert section(text, "USAGE")[0].startswith(f"  oa {name}".rstrip())
    assert any("--help" in line for line in section(text, "FLAGS"))
    assert [line for line in text.splitlines() if len(line) > 100 and not line.startswith("  $ ")] == []
    assert re.search(r"[\u2500-\u257f]|Examples?:|<bool>|None", text) is None


@pytest.mark.parametrize("name", PAGES)
def test_what_the_examples_run_exists_with_its_flags(oa: Terminal, name: str) -> None:
    for example in examples(page(oa, name)):
        words = shlex.split(re.sub(r"[<>] \S+$", "", example))[1:]
        owner = max((each for each in PAGES if " ".join([*words, ""]).startswith(f"{each} ")), key=len)
        described = page(oa, owner)
        assert [flag for flag in words if flag.startswith("-") and f"{flag} " not in described] == []


def test_a_house_without_an_owner_points_to_set_up_and_not_to_signing_in(oa: Terminal) -> None:
    settings.forget()
    oa.answers["GET /api/setup"] = {"state": "open"}
    for command in ("status", "login"):
        ran = oa(command)
        assert ran.code == 3
        assert "oa setup LINK" in ran.err
        assert "oa login" not in ran.err
    assert {request.url.path for request in oa.asked} == {"/api/setup"}


def test_a_kept_token_needs_no_question_about_the_owner(oa: Terminal) -> None:
    oa.answers["GET /api/approvals"] = httpx.Response(200, json=[])
    assert oa("approvals", "list").code == 0
    assert [request.url.path for request in oa.asked] == ["/api/approvals"]
