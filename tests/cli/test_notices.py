"""Where one is told is listed and ended from a terminal."""

from __future__ import annotations

from tests.cli.conftest import Terminal

BROWSER = "a" * 24 + "00000001"
NOTICES = {
    "browsers": [{"id": BROWSER, "name": "Firefox on Linux", "host": "push.example", "used_at": None}],
    "mail": {"address": "ada@home.example"},
}


def test_the_list_names_browsers_and_the_mail(oa: Terminal) -> None:
    oa.answers["GET /api/notices"] = NOTICES
    ran = oa("notices", "list")
    assert ("Firefox on Linux" in ran.out, "ada@home.example" in ran.out) == (True, True)


def test_a_browser_and_the_mail_are_stopped(oa: Terminal) -> None:
    oa.answers |= {
        "GET /api/notices": NOTICES,
        f"DELETE /api/notices/browsers/{BROWSER}": {},
        "DELETE /api/notices/mail": {},
    }
    assert oa("notices", "stop", "00000001").code == 0
    assert oa.asked[-1].url.path.endswith(BROWSER)
    assert oa("notices", "stop", "mail").code == 0
    assert oa("notices", "stop", "00000009").code == 2
