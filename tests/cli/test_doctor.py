"""`oa doctor`: what is tried, what is said about what fails, and when it ends with 1. The answers are the API's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from oa import terminal
from openassistant.messages import Card
from services.gateway import views
from tests.cli.conftest import Terminal

MAIL, DRIVE = "a" * 32, "b" * 32
CONSOLE = "https://console.cloud.google.com/apis/library/drive.googleapis.com"


def capability(name: str, title: str) -> views.ConnectorCapability:
    return views.ConnectorCapability(
        id=name, title=title, description="", scopes=("files",), review="none", api="Drive", api_url=CONSOLE,
        chosen=True,
    )  # fmt: skip


def connector(name: str, *, approved: bool = True, provider: str = "") -> dict[str, Any]:
    sign_in = views.ConnectorSignIn(
        provider=provider, name="Google", manage_url="", console_url="https://console.cloud.google.com/auth/clients",
        codes=False, capabilities=(capability("browse", "See what files there are"), capability("read", "Read files")),
    )  # fmt: skip
    card = Card(id=name, name=name.title(), version="1")
    fields = card.model_dump(include={"id", "name", "version", "description", "settings_schema", "secrets_schema"})
    return views.Connector(
        **fields, digest="0" * 64, approved=approved, instances=1, tools=(), sign_in=sign_in if provider else None
    ).model_dump(mode="json")


def account(ident: str, connector: str, name: str, **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"state": "connected", "settings": {}, "created_at": datetime.now(UTC)}
    return views.Account(id=ident, connector=connector, name=name, **{**plain, **more}).model_dump(mode="json")


def report(*steps: tuple[str, bool, str], **problem: Any) -> dict[str, Any]:
    note = views.ProblemNote(**{"code": "forbidden", "detail": "No.", "action": "retry", **problem})
    shown = tuple(views.CheckStep(name=name, ok=ok, detail=detail) for name, ok, detail in steps)
    ok = not problem
    return views.CheckReport(ok=ok, steps=shown, problem=None if ok else note).model_dump(mode="json")


def copies(**more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "made": True, "tried_at": None, "good_at": None, "file": "", "bytes": 0, "records": 0, "problem": "",
        "restored": None,
    }  # fmt: skip
    return views.Copies(**{**plain, **more}).model_dump(mode="json")


@pytest.fixture
def well(oa: Terminal) -> Terminal:
    """A house where all is well, with a mailbox and a drive."""
    oa.answers |= {
        "GET /readyz": views.Readiness(ready=True).model_dump(mode="json"),
        "GET /api/model": {"current": {"kind": "openai", "model": "qwen3", "base_url": "http://127.0.0.1:1"}},
        "POST /api/model/check": {"ok": True, "detail": "It answers.", "models": []},
        "GET /api/connectors": [connector("mail"), connector("google_drive", provider="google")],
        "GET /api/accounts": [account(MAIL, "mail", "Home"), account(DRIVE, "google_drive", "Work drive")],
        f"POST /api/accounts/{MAIL}/check": report(("Sign in", True, "ada@home.example")),
        f"POST /api/accounts/{DRIVE}/check": report(("Sign in", True, ""), ("Read files", True, "")),
        "GET /api/audit/verify": {"ok": True, "size": 7},
        "GET /api/copies": copies(good_at=datetime(2026, 11, 12, 3, tzinfo=UTC)),
    }
    return oa


def test_where_all_is_well_each_step_is_a_line_and_it_ends_with_0(well: Terminal) -> None:
    ran = well("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "✓ House     http://house.test",
        "✓ Model     qwen3: It answers.",
        "✓ Account   Home: Sign in: ada@home.example",
        "✓ Account   Work drive: Sign in",
        "✓ Account   Work drive: Read files",
        "✓ Ledger    7 records, unchanged",
        f"✓ Copies    {terminal.when('2026-11-12T03:00:00Z')}, and all of it opens",
    ]


@pytest.mark.parametrize(
    ("given", "lines", "code"),
    [
        ({"made": False}, ["✓ Copies    None are made. Choose a folder for them: OA_BACKUP_DIR"], 0),
        ({}, ["✓ Copies    The first is made soon."], 0),
        (
            {"problem": "The last try came to nothing: The disk is full."},
            ["✗ Copies    The last try came to nothing: The disk is full.",
             "  → See that its disk is there and has room; then try: make backup"],
            1,
        ),
    ],
)  # fmt: skip
def test_it_says_how_the_copies_of_the_house_are(
    well: Terminal, given: dict[str, Any], lines: list[str], code: int
) -> None:
    well.answers["GET /api/copies"] = copies(**given)
    ran = well("doctor")
    assert (ran.code, ran.out.splitlines()[-len(lines) :]) == (code, lines)


def test_that_the_house_was_restored_is_said_and_no_fault(well: Terminal) -> None:
    then = datetime(2026, 11, 12, 3, tzinfo=UTC)
    from_copy = views.RestoredFrom(taken_at=then, restored_at=then, put_aside=3)
    well.answers["GET /api/copies"] = copies(restored=from_copy)
    ran = well("doctor")
    assert ran.code == 0
    assert ran.out.splitlines()[-1].startswith("✓ Restored  from a copy of ")
    assert ran.out.splitlines()[-1].endswith("; 3 things were put aside")


@pytest.mark.parametrize(
    ("problem", "todo"),
    [
        ({"reason": "api_disabled", "url": CONSOLE}, f"Open {CONSOLE} and switch it on, wait a minute, then: oa acc"),
        ({"reason": "api_disabled"}, "Open https://console.cloud.google.com/auth/clients and switch it on"),
        (
            {"reason": "scope_missing", "action": "reconnect"},
            "Connect it again, and allow that: oa accounts add google_drive --again 'Work drive' --allow read",
        ),
        ({"reason": "admin_blocked"}, "Ask the administrator of that account to allow this app."),
        ({"reason": "storage_full"}, "Make room there, then: oa accounts check 'Work drive'"),
        ({"reason": "no_mailbox"}, "Have a mailbox made for that account, or connect another one."),
        ({"reason": "clock_wrong", "code": "account_required"}, "Set the clock of the machine that the house runs on"),
        ({"code": "rate_limited"}, "Wait some minutes, then: oa accounts check 'Work drive'"),
        ({"code": "unavailable"}, "Wait some minutes, then: oa accounts check 'Work drive'"),
        ({"code": "invalid_request"}, "Then try it again: oa accounts check 'Work drive'"),
    ],
)
def test_below_the_first_step_that_failed_stands_what_to_do(well: Terminal, problem: dict[str, Any], todo: str) -> None:
    steps = (("Sign in", True, ""), ("Read files", False, "It was refused."), ("Browse", False, "As well."))
    well.answers[f"POST /api/accounts/{DRIVE}/check"] = report(*steps, **problem)
    ran = well("doctor")
    lines = ran.out.splitlines()
    at = lines.index("✗ Account   Work drive: Read files: It was refused.")
    assert ran.code == 1
    assert lines[at + 1].startswith(f"  → {todo}"), lines[at + 1]
    assert sum("→" in line for line in lines) == 1
    [failed] = [each for each in well("doctor", "--json").json["found"] if each["todo"]]
    assert (failed["account"], failed["todo"].startswith(todo)) == (DRIVE, True)
    checked = well("accounts", "check", "Work drive")
    assert (checked.code, todo in checked.err) == (1, True)


def test_a_password_that_is_refused_is_typed_anew(well: Terminal) -> None:
    refused = {"code": "account_required", "action": "reconnect"}
    well.answers[f"POST /api/accounts/{MAIL}/check"] = report(("Sign in", False, "The password is wrong."), **refused)
    assert "→ Type the password anew: oa accounts add mail; then" in well("doctor").out


def test_what_is_not_there_is_said_and_the_rest_is_tried_all_the_same(well: Terminal) -> None:
    away = {"ready": False, "missing": ["vault", "google_drive"]}
    well.answers["GET /readyz"] = httpx.Response(503, json=away)
    well.answers["GET /api/model"] = {"current": None, "found": []}
    well.answers["GET /api/connectors"] = [connector("mail", approved=False)]
    gone = {"code": "not_found", "detail": "google_drive does not run here."}
    well.answers[f"POST /api/accounts/{DRIVE}/check"] = httpx.Response(404, json=gone)
    well.answers["GET /api/audit/verify"] = httpx.Response(503, json={"code": "unavailable", "detail": "Away."})
    ran = well("doctor")
    assert ran.code == 1
    for words in (
        "✗ House     vault, google_drive away\n  → Look at the log",
        "✗ Model     None is set.\n  → Choose one: oa model set",
        "✗ Service   mail waits for you\n  → Look at what it can do, then let it be used: oa connectors approve mail",
        "✓ Account   Home: Sign in",
        "✗ Account   Work drive: google_drive does not run here.\n  → Its service is not running.",
        "✗ Ledger    Away.",
    ):
        assert words in ran.out, ran.out


@pytest.mark.parametrize(("days", "code", "mark"), [(6.1, 0, "✓"), (2.1, 1, "✗"), (-1.1, 1, "✗")])
def test_a_consent_that_ends_is_counted_down_and_asks_for_you_from_three_days_on(
    well: Terminal, days: float, code: int, mark: str
) -> None:
    ends = datetime.now(UTC) + timedelta(days=days)
    well.answers["GET /api/accounts"] = [account(DRIVE, "google_drive", "Work drive", consent_ends_at=ends)]
    ran = well("doctor")
    words = "Its consent ended 1 d ago." if days < 0 else f"Its consent ends in {int(days)} d."
    assert ran.code == code
    assert f"{mark} Consent   Work drive: {words}" in ran.out
    assert ("oa accounts add google_drive --again 'Work drive'" in ran.out) is bool(code)


def test_a_copy_that_failed_while_the_account_works_asks_for_nobody(well: Terminal) -> None:
    sync = {"state": "failed", "done": 3, "total": None, "what": "", "finished_at": None}
    problem = {"code": "unavailable", "detail": "The server was away."}
    well.answers["GET /api/accounts"] = [account(MAIL, "mail", "Home", sync=sync, problem=problem)]
    ran = well("doctor")
    assert ran.code == 0
    assert "✓ Account   Home: The last copy failed. The server was away. It is tried again by itself." in ran.out


@pytest.mark.parametrize(
    ("minutes", "code", "words"), [(0, 0, "as on this"), (90, 1, "90 min ahead"), (-90, 1, "90 min behind")]
)
def test_a_house_with_another_time_than_this_machine_is_noticed(
    well: Terminal, minutes: int, code: int, words: str
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    well.answers["GET /readyz"] = httpx.Response(200, json={"ready": True, "missing": []}, headers={"Date": date})
    ran = well("doctor")
    [line] = [each for each in ran.out.splitlines() if each[2:7] == "Clock"]
    assert (ran.code, words in line) == (code, True), line


def test_a_house_that_does_not_answer_or_wants_a_sign_in_ends_it(well: Terminal) -> None:
    well.answers["GET /api/accounts"] = httpx.Response(401, json={"detail": "Please sign in."})
    assert well("doctor").code == 3
    well.answers["GET /readyz"] = httpx.ConnectError("no")
    assert well("doctor").code == 5


def test_a_name_that_a_stranger_chose_steers_neither_the_terminal_nor_a_command_that_is_pasted(well: Terminal) -> None:
    evil = "x'; rm -rf ~ #\x1b[2J"
    well.answers["GET /api/accounts"] = [account(DRIVE, "google_drive", evil)]
    refused = {"code": "account_required", "action": "reconnect"}
    well.answers[f"POST /api/accounts/{DRIVE}/check"] = report(("Sign in", False, "No."), **refused)
    out = well("doctor").out
    assert "\x1b" not in out
    assert "--again 'x'\"'\"'; rm -rf ~ #[2J'" in out
