"""`oa accounts add` for a service that signs in at its provider: what is asked for, told, and refused before that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.gateway import views
from tests.cli.conftest import Terminal
from tests.cli.test_doctor import DRIVE, account, connector

FLOW, URL = "f" * 32, "https://accounts.google.com/auth?state=right"
BACK = "https://house.test/oauth/callback"


def client(**more: Any) -> dict[str, Any]:
    urls = views.OAuthUrls(authorize_url="", token_url="", device_url="", revoke_url="", issuer="")
    plain: dict[str, Any] = {
        "provider": "google", "name": "Google", "registered": True, "client_id": "1234", "has_secret": True,
        "secret": "required", "console_url": "https://console.cloud.google.com/auth/clients", "urls": urls,
        "redirect_uri": BACK, "returns_here": True,
    }  # fmt: skip
    return views.OAuthClient(**{**plain, **more}).model_dump(mode="json")


def begun(**more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "id": FLOW, "url": URL, "interval": 0.01, "expires_at": datetime.now(UTC) + timedelta(minutes=1),
        "redirect_uri": BACK, "returns_here": True,
    }  # fmt: skip
    return views.Authorizing(**{**plain, **more}).model_dump(mode="json")


@pytest.fixture
def drive(oa: Terminal) -> Terminal:
    """A house with a drive's connector, registered at its provider."""
    service = {**connector("google_drive", provider="google")}
    service["sign_in"] = {**service["sign_in"], "codes": True}
    oa.answers |= {
        "GET /api/connectors": [service, connector("mail")],
        "GET /api/oauth/clients": [client()],
        "GET /api/accounts": [account(DRIVE, "google_drive", "Work", capabilities=("read",), settings={"a": "b"})],
        "POST /api/oauth/authorize": begun(),
        "POST /api/oauth/finish": account(DRIVE, "google_drive", "Work", capabilities=("read",)),
    }
    return oa


def test_the_pasted_address_is_handed_in_and_what_was_not_allowed_is_named(drive: Terminal) -> None:
    ran = drive("accounts", "add", "google_drive", piped=f"{BACK}?code=x&state=wrong\n{BACK}?code=x&state=right\n")
    assert ran.code == 0, ran.err
    asked = {each.url.path: drive.body(number) for number, each in enumerate(drive.asked) if each.method == "POST"}
    assert asked["/api/oauth/authorize"]["capabilities"] == ["browse", "read"]
    assert asked["/api/oauth/finish"] == {"address": f"{BACK}?code=x&state=right"}
    for words in (URL, "Google will ask you for exactly that", "Not allowed: See what files there are",
                  "This is not the address", "which shows an address. Paste it here"):  # fmt: skip
        assert words in ran.err


def test_a_consent_that_is_asked_for_anew_keeps_what_the_account_is(drive: Terminal) -> None:
    assert drive("accounts", "add", "google_drive", "--again", "Work", piped=f"{BACK}?state=right\n").code == 0
    [asked] = [drive.body(n) for n, each in enumerate(drive.asked) if each.url.path == "/api/oauth/authorize"]
    assert (asked["account"], asked["capabilities"], asked["settings"]) == (DRIVE, ["read"], {"a": "b"})


def test_a_code_is_shown_and_waited_for(drive: Terminal) -> None:
    drive.answers["POST /api/oauth/authorize"] = begun(url="https://id.example/go", user_code="ABCD-EFGH")
    answers = iter([None, None, account(DRIVE, "google_drive", "Work", capabilities=("browse", "read"))])
    drive.answers[f"POST /api/oauth/{FLOW}/poll"] = lambda _: httpx.Response(200, json={"account": next(answers)})
    ran = drive("accounts", "add", "google_drive", "--device")
    assert ran.code == 0, ran.err
    assert "Open https://id.example/go\nType this code there: ABCD-EFGH\n" in ran.err
    assert "Not allowed" not in ran.err


def test_what_models_may_see_of_it_is_kept_as_chosen(drive: Terminal) -> None:
    drive.answers[f"PUT /api/routes/{DRIVE}"] = {"source": DRIVE, "route": "local_only"}
    given = ("accounts", "add", "google_drive", "--route", "local_only")
    assert drive(*given, piped=f"{BACK}?code=x&state=right\n").code == 0
    assert (drive.asked[-1].method, drive.body()) == ("PUT", {"route": "local_only"})


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("google_drive", "--allow", "burn"), 2, "There are: browse, read."),
        (("mail", "--device"), 2, "does not sign in at a provider"),
        (("google_drive", "--again", "Other"), 2, "No account is called"),
        (("google_drive",), 1, "did not come on standard input"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_connected(
    drive: Terminal, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ran = drive("accounts", "add", *arguments)
    assert (ran.code, words in ran.err) == (code, True), ran.err
    assert "/api/oauth/finish" not in {each.url.path for each in drive.asked}


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://id.example/?state=right", "file:///etc/passwd"])
def test_an_address_that_is_none_to_open_is_not_shown(drive: Terminal, url: str) -> None:
    drive.answers["POST /api/oauth/authorize"] = begun(url=url)
    ran = drive("accounts", "add", "google_drive", piped=f"{BACK}?code=x&state=right\n")
    assert (ran.code, url in ran.err) == (1, False)


def test_registering_says_the_steps_and_then_takes_password_and_secret(drive: Terminal) -> None:
    drive.answers["GET /api/oauth/clients"] = [client(registered=False)]
    steps = drive("connectors", "register", "google_drive")
    assert (steps.code, f"   {BACK}\n" in steps.err, "Switch on there: Drive  https://" in steps.err) == (0, True, True)
    assert drive("accounts", "add", "google_drive").code == 1
    drive.answers["POST /api/session"] = {"user": {"username": "ada"}}
    drive.answers["PUT /api/oauth/clients/google"] = client()
    given = ("--client-id", "1234", "--user", "ada", "--url", "token_url=https://id.example/token")
    ran = drive("connectors", "register", "google_drive", *given, piped="not-a-real-password\nnot-a-real-secret\n")
    assert ran.code == 0, ran.err
    assert drive.body() == {
        "client_id": "1234", "client_secret": "not-a-real-secret", "urls": {"token_url": "https://id.example/token"},
    }  # fmt: skip
    assert "authorization" not in drive.asked[-1].headers
    assert "not-a-real" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("at_provider", "words"),
    [("revoked", "Work is removed."), ("unsupported", "still stands at the provider: https://id.example/apps")],
)
def test_an_account_that_is_removed_says_whether_its_consent_still_stands(
    drive: Terminal, at_provider: str, words: str
) -> None:
    drive.answers[f"DELETE /api/accounts/{DRIVE}"] = {
        "at_provider": at_provider, "manage_url": "https://id.example/apps",
    }  # fmt: skip
    assert words in drive("accounts", "remove", DRIVE, "--yes").err
