"""Chromium at the product: a window that notes what a page must not do, examines it and takes its picture.

with chromium() as browser, window(browser, stack.url) as page:
    page.goto("/")
    assert violations(page) == []
"""

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.e2e.stack import ROOT
from tests.peers.process import PeerError

__all__ = ["DARK", "DESK", "LOOKS", "PHONE", "Look", "Watch", "chromium", "picture", "sideways", "violations", "window"]

SECONDS = 20
"""How long a page may take for whatever a test expects of it."""

expect.set_options(timeout=SECONDS * 1000)

_SYSTEM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
_AXE = ROOT / "services" / "gateway" / "web" / "node_modules" / "axe-core" / "axe.min.js"
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_PICTURES = "BROWSER_PICTURES"

_TELL_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', (event) => {
  console.error(`policy: ${event.violatedDirective} refused ${event.blockedURI} ${event.sample}`);
});
"""

_SIDEWAYS = """
(() => {
  const limit = document.documentElement.clientWidth;
  const scrolls = (element) => element !== null
    && (/(auto|scroll|hidden)/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
  return [...document.querySelectorAll('body *')]
    .filter((element) => element.getBoundingClientRect().right > limit + 1 && !scrolls(element.parentElement))
    .map((element) => element.outerHTML.slice(0, 120));
})()
"""


@dataclass(frozen=True)
class Look:
    """One way of looking at the product: a theme, and a desk's or a phone's window."""

    theme: Literal["light", "dark"]
    phone: bool

    @property
    def name(self) -> str:
        """What its pictures' folder is called."""
        return f"{self.theme}-{'phone' if self.phone else 'desktop'}"

    @property
    def viewport(self) -> ViewportSize:
        """In CSS pixels."""
        return {"width": 360, "height": 780} if self.phone else {"width": 1280, "height": 800}


DESK, DARK, PHONE = Look("light", phone=False), Look("dark", phone=False), Look("light", phone=True)
LOOKS = (DESK, DARK, PHONE, Look("dark", phone=True))


@dataclass
class Watch:
    """What the pages of a window did that they must not: errors, refusals by the policy, requests to others.

    A refusal that a test provokes is an error to the browser's console, so the test names it: `allow(401, "/api/…")`.
    Pages of others that it is sent to are not ours, so nothing of theirs counts: `leave_to(provider.url)`.
    """

    home: str
    others: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    allowed: set[tuple[int, str]] = field(default_factory=set)

    def attach(self, context: BrowserContext) -> None:
        """Watch every page of a context, those to come included."""
        context.add_init_script(_TELL_VIOLATIONS)
        context.on("request", self._asked)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.faults.append(f"thrown: {error.error}"))

    def allow(self, status: int, path: str) -> None:
        """Expect answers of this status from this path."""
        self.allowed.add((status, path))

    def leave_to(self, other: str) -> None:
        """Expect the window to be sent to pages of another place, named without a slash at the end."""
        self.others.add(other)

    def settle(self) -> None:
        """Raise `AssertionError` with all that was noted."""
        if self.faults:
            raise AssertionError("\n".join(self.faults))

    def _asked(self, request: Request) -> None:
        if request.url.startswith((f"{self.home}/", "data:", f"blob:{self.home}/")):
            return
        place = request.url if request.is_navigation_request() or not self.others else request.frame.url
        if not self._is_of_others(place):
            self.faults.append(f"asked elsewhere: {request.method} {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        page = message.page
        if message.type not in {"error", "warning"} or self._is_expected(message):
            return
        if page is not None and self._is_of_others(page.url):
            return
        self.faults.append(f"{message.type}: {message.text} ({message.location['url']})")

    def _is_of_others(self, url: str) -> bool:
        return any(url.startswith(f"{other}/") for other in self.others)

    def _is_expected(self, message: ConsoleMessage) -> bool:
        # Chromium cuts connections when the machine's network changes, as containers that come and go make it.
        if "net::ERR_NETWORK_CHANGED" in message.text:
            return True
        # What the browser says to that header wherever a house is not reached by https, nor on the browser's machine.
        if self.home.startswith("http://") and "Cross-Origin-Opener-Policy header has been ignored" in message.text:
            return True
        status = re.search(r"responded with a status of (\d{3})", message.text)
        path = message.location["url"].removeprefix(self.home).partition("?")[0]
        return status is not None and (int(status[1]), path) in self.allowed


@contextmanager
def chromium(names: Mapping[str, str] | None = None, *, before: Sequence[str] = ()) -> Iterator[Browser]:
    """The system's Chromium, else Playwright's own; it reaches loopback alone.

    It resolves no name but `names`, each to a place on loopback with its port. With a command `before` it, which starts
    it in a network that leads nowhere, it may ask for any name.
    """
    known = [f"MAP {name} {place}" for name, place in (names or {}).items()]
    alone = "--host-resolver-rules=" + ", ".join([*known, "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1", "EXCLUDE localhost"])
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        found = next((path for path in _SYSTEM if Path(path).exists()), playwright.chromium.executable_path)
        if before:
            started = Path(folder, "chromium")
            started.write_text(f'#!/bin/sh\nexec {shlex.join([*before, found])} "$@"\n')
            started.chmod(0o700)
            found = str(started)
        browser = playwright.chromium.launch(executable_path=found, args=[] if before else [alone])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(browser: Browser, home: str, look: Look = DESK, *, state: Any = None) -> Iterator[tuple[Page, Watch]]:
    """A fresh window at `home` with what it is watched for; on leaving it well, there must have been no fault.

    `state` is another window's `storage_state`, to be signed in as there.
    """
    context = browser.new_context(
        base_url=home, viewport=look.viewport, has_touch=look.phone, color_scheme=look.theme, reduced_motion="reduce",
        locale="en-GB", timezone_id="Europe/Berlin", storage_state=state,
    )  # fmt: skip
    context.set_default_timeout(SECONDS * 1000)
    watch = Watch(home)
    watch.attach(context)
    try:
        yield context.new_page(), watch
        watch.settle()
    finally:
        context.close()


def violations(page: Page, look: Look = DESK) -> list[str]:
    """What axe-core finds on the page as it stands: rule and elements.

    Nothing but contrast depends on the colours: in a dark look that is asked alone, since each page has a light one.
    The script goes in through the debugger, past the page's policy, which stays as it is for the page itself.
    """
    if not _AXE.exists():
        raise PeerError("axe-core is not installed. Run `npm ci` in services/gateway/web.")
    rules = ("color-contrast",) if look.theme == "dark" else _TAGS
    options = json.dumps({"runOnly": list(rules), "resultTypes": ["violations"]})
    words = "`${each.id}: ${each.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`"
    _evaluate(page, f"{_AXE.read_text()}; undefined")
    found = _evaluate(page, f"axe.run(document, {options}).then((all) => all.violations.map((each) => {words}))")
    return [str(each) for each in found]


def sideways(page: Page) -> list[str]:
    """The elements that stick out to the right of the window."""
    return [str(each) for each in _evaluate(page, _SIDEWAYS)]


def picture(page: Page, look: Look, name: str, folder: Path) -> None:
    """A screenshot as `<look>/<name>.png`, in the folder that BROWSER_PICTURES names or else in `folder`."""
    place = Path(os.environ.get(_PICTURES) or folder) / look.name
    place.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=place / f"{name}.png")


def _evaluate(page: Page, expression: str) -> Any:
    devtools = page.context.new_cdp_session(page)
    try:
        options = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = devtools.send("Runtime.evaluate", options)
    finally:
        devtools.detach()
    if "exceptionDetails" in answer:
        raise PeerError(f"the page said: {answer['exceptionDetails']}")
    return answer["result"].get("value")
