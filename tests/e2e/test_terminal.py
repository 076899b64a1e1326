"""The whole story from a terminal: a new house, its owner, both accounts, a question, two decisions, the proof."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import ROOT, Stack, until
from tests.e2e.test_story import QUESTION, lease_events
from tests.peers.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

OWNER, PASSWORD = "ada", "not-a-real-owner-password"


class Terminal:
    """`oa` as a program of its own, with a configuration folder of its own."""

    def __init__(self, folder: Path) -> None:
        hidden = {key: value for key, value in os.environ.items() if not key.startswith("OA_")}
        self.env = {**hidden, "XDG_CONFIG_HOME": str(folder), "PYTHONPATH": str(ROOT / "cli"), "TERM": "dumb"}

    def __call__(self, *arguments: str, piped: str = "", code: int = 0) -> str:
        """What `oa` prints; asserts its exit code."""
        ran = subprocess.run(
            self.command(*arguments),
            input=piped,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == code, f"oa {' '.join(arguments)}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        assert "Traceback" not in ran.stderr
        return ran.stdout

    def json(self, *arguments: str, **more: Any) -> Any:
        return json.loads(self(*arguments, "--json", **more))

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "oa", *arguments]


@pytest.fixture
def stack(house: House) -> Iterator[Stack]:
    """The product as at its first start: nobody owns it yet."""
    with Stack(model=house.model, owner=False) as stack:
        yield stack


@pytest.fixture
def oa(stack: Stack, tmp_path: Path) -> Terminal:
    """A terminal whose owner made the house hers."""
    oa = Terminal(tmp_path)
    oa("status", code=5)  # nobody told it yet where the house is
    oa("setup", stack.setup_url, "--user", OWNER, "--name", "Ada", piped=f"y\n{PASSWORD}\n")
    return oa


def connect(oa: Terminal, account: dict[str, Any]) -> None:
    """Approves the service, connects the account, and waits until it was read."""
    connector = account["connector"]
    until(lambda: connector in oa("connectors", "list"), seconds=30, what=connector)
    oa("connectors", "approve", connector, "--user", OWNER, "--yes", piped=f"{PASSWORD}\n")
    settings = [part for key, value in account["settings"].items() for part in ("--set", f"{key}={value}")]
    secrets = "".join(f"{value}\n" for value in account["secrets"].values())
    made = oa.json("accounts", "add", connector, "--name", account["name"], *settings, piped=secrets)

    def is_read() -> bool:
        [found] = [each for each in oa.json("accounts", "list") if each["id"] == made["id"]]
        return bool(found["sync"] and found["sync"]["state"] == "idle" and found["sync"]["finished_at"])

    until(is_read, seconds=120, what=f"{connector} read")


def is_told(house: House) -> bool:
    return len(house.smtp.sent) == 1 and len(lease_events(house)) == 1


def test_the_story_is_told_by_commands(oa: Terminal, house: House, stack: Stack) -> None:
    connect(oa, house.mail_account())
    connect(oa, house.calendar_account())
    oa("ask", QUESTION, code=4)
    assert house.smtp.sent == ()

    def decided() -> bool:
        for each in oa.json("approvals", "list"):
            assert "carol@example.org" in json.dumps(each["preview"]) or each["connector"] == "caldav"
            oa("approvals", "approve", "--yes", each["id"])
        return is_told(house)

    until(decided, seconds=60, what="the end of the story")
    assert oa.json("audit", "verify")["ok"]
    assert oa("audit", "list").count("\t") > 10
    status = oa.json("status")
    assert (status["ready"], status["user"], status["accounts"], status["waiting"]) == (True, OWNER, 2, 0)
    assert {line[0] for line in oa("doctor").splitlines()} == {"✓"}
    for secret in (PASSWORD, *house.mail_account()["secrets"].values(), *house.calendar_account()["secrets"].values()):
        assert secret not in (oa("audit", "export") + stack.log)


def test_a_talk_asks_for_each_decision_in_place(oa: Terminal, house: House) -> None:
    connect(oa, house.mail_account())
    connect(oa, house.calendar_account())
    screen = Screen(oa)
    screen.wait(r"› ")
    screen.type(QUESTION)
    for _ in range(2):
        word = screen.wait(r"Type (\w+) to do it")[1]
        screen.type(word)
    until(lambda: is_told(house), seconds=60, what="the end of the story")
    screen.wait(r"› $")
    screen.end()
    assert "carol@example.org" in screen.seen


def test_a_talk_that_says_no_sends_nothing(oa: Terminal, house: House) -> None:
    connect(oa, house.mail_account())
    connect(oa, house.calendar_account())
    screen = Screen(oa)
    screen.wait(r"› ")
    screen.type(QUESTION)
    for _ in range(2):
        screen.wait(r"Type \w+ to do it")
        screen.type("")
    screen.wait(r"› $")
    screen.end()
    assert house.smtp.sent == ()
    assert lease_events(house) == []


class Screen:
    """`oa chat` on a pseudo-terminal. What was waited for is behind it."""

    def __init__(self, oa: Terminal) -> None:
        self._near, far = pty.openpty()
        self._child = subprocess.Popen(
            oa.command("chat"), stdin=far, stdout=far, stderr=far, env=oa.env, close_fds=True
        )
        os.close(far)
        self.seen, self._at = "", 0

    def wait(self, pattern: str, *, seconds: float = 60) -> re.Match[str]:
        """The next place of a pattern on the screen."""
        ends = time.monotonic() + seconds
        while not (found := re.compile(pattern).search(self.seen, self._at)):
            ready, _, _ = select.select([self._near], [], [], max(ends - time.monotonic(), 0))
            assert ready, f"{pattern!r} did not come:\n{self.seen[self._at :]}"
            self.seen += os.read(self._near, 65536).decode(errors="replace")
        self._at = found.end()
        return found

    def type(self, line: str) -> None:
        os.write(self._near, f"{line}\n".encode())

    def end(self) -> None:
        """Ctrl-D; asserts that the talk ends well."""
        os.write(self._near, b"\x04")
        assert self._child.wait(timeout=20) == 0
        os.close(self._near)
