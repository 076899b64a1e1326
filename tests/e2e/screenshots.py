"""`python -m tests.e2e.screenshots [--docs]`: every screen of a real house, in light, in dark and on a phone.

They go into build/screenshots, with an index.html to look through. `--docs` also takes anew those few that the
README shows.
"""

import html
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import DARK, DESK, PHONE, Look, Watch, chromium, window
from tests.e2e.screens import create_owner, decision
from tests.e2e.stack import OWNER_PASSWORD, ROOT, Person, Stack
from tests.e2e.test_public import FOR_EVERYBODY
from tests.e2e.test_screens import FRESH, Screen, before_the_owner, begin_the_story, in_use, refuse_sign_in
from tests.peers.house import House, open_house

SHEET = ROOT / "build" / "screenshots"
IMAGES = ROOT / "docs" / "images"
LOOKS = (DESK, DARK, PHONE)
_TALLEST = 3000
_SETTLED = 300
"""Milliseconds until a page that was scrolled stands still."""

_HIDDEN_HEIGHT = """
(() => Math.max(0, ...[document.documentElement, ...document.querySelectorAll('main, main *')]
  .filter((each) => each === document.documentElement || /(auto|scroll)/.test(getComputedStyle(each).overflowY))
  .map((each) => each.scrollHeight - each.clientHeight)))()
"""

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Every screen</title>
<style>
  body {{ margin: 2rem; font: 16px/1.5 system-ui, sans-serif; background: #8a8f98; color: #111 }}
  section {{ display: flex; gap: 1rem; align-items: flex-start; margin-block-end: 3rem }}
  section a {{ flex: 1280 1 0; min-width: 0 }}
  section a:last-child {{ flex-grow: 360 }}
  img {{ width: 100%; display: block; border-radius: 6px }}
</style>
<h1>Every screen</h1>
{rows}
</html>
"""


@dataclass
class Sheet:
    """Visits screens in each look and keeps a picture of all that can be scrolled to."""

    browser: Browser
    home: str
    folder: Path
    names: list[str] = field(default_factory=list)

    def show(self, screens: Sequence[Screen], *, state: Any = None) -> None:
        """Takes the pictures of some screens, as whoever `state` says is signed in."""
        for look in LOOKS:
            place = self.folder / look.name
            place.mkdir(parents=True, exist_ok=True)
            with window(self.browser, self.home, look, state=state) as (page, watch):
                if state is None:
                    watch.allow(401, "/api/session")
                for screen in screens:
                    _visit(page, watch, screen)
                    _take_whole(page, look, place / f"{screen.name}.png")
        self.names += [screen.name for screen in screens]

    def write(self) -> None:
        """The page that shows them side by side."""
        rows = "\n".join(_row(name) for name in self.names)
        (self.folder / "index.html").write_text(_PAGE.format(rows=rows))


def main(given: list[str]) -> int:
    """Takes them all; 2 for an argument that there is not."""
    if given not in ([], ["--docs"]):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    began = time.monotonic()
    shutil.rmtree(SHEET, ignore_errors=True)
    with ExitStack() as opened:
        house = open_house(opened, mails=300)
        browser = opened.enter_context(chromium())
        stack = opened.enter_context(Stack(owner=False, connectors=("mail", "caldav", "google_drive", "notion")))
        sheet = Sheet(browser, stack.url, SHEET)
        _show_house(sheet, stack, house, docs=bool(given))
        sheet.write()
    print(f"{len(sheet.names)} screens in {time.monotonic() - began:.0f} s: {SHEET / 'index.html'}")
    return 0


def _show_house(sheet: Sheet, stack: Stack, house: House, *, docs: bool) -> None:
    """From the first start to the end of the story."""
    sheet.show(before_the_owner(stack.setup_url))
    state = _owner(sheet, stack)
    sheet.show(FRESH, state=state)
    with stack.sign_in() as ada:
        conversation = begin_the_story(ada, house)
        _live_in(ada)
        if docs:
            _illustrate(sheet, state, {each.name: each for each in in_use(house, conversation)})
        sheet.show([*in_use(house, conversation), *EVERYTHING_ELSE], state=state)
        ada.settle(conversation)
        sheet.show([Screen("chat-answered", f"/c/{conversation}", "and it is in your calendar.")], state=state)
    sheet.show(
        [
            Screen("login", "/login", "Username"),
            Screen("login-refused", "/login", "Username", refuse_sign_in),
            Screen("join", "/join", "The link that you were given"),
            Screen("about", "/about", "What they see"),
            *FOR_EVERYBODY,
        ]
    )


EVERYTHING_ELSE = (
    Screen("search-found", "/search?q=lease", "results"),
    Screen("conversations", "/conversations", "Find a conversation"),
    Screen("schedules", "/schedules", "Morning summary"),
    Screen("memory", "/memory", "My sister is called Mia."),
    Screen("usage", "/usage", "The last 30 days"),
    Screen("left", "/activity/left", "What left"),
    Screen("settings", "/settings", "Chosen elsewhere"),
    Screen("security", "/security", "Where you are signed in"),
    Screen("ways", "/signin", "Sign-in"),
    Screen("password", "/password", "Change it"),
    Screen("notices", "/notices", "A mail to yourself"),
    Screen("tokens", "/tokens", "Nightly script"),
    Screen("people", "/people", "Open invitations"),
    Screen("data", "/data", "What is kept"),
    Screen("account-drive", "/accounts/new/google_drive", "Client ID"),
    Screen("account-notion", "/accounts/new/notion", "Notion"),
)


def _owner(sheet: Sheet, stack: Stack) -> Any:
    """Makes the owner; what her browser holds then."""
    with window(sheet.browser, stack.url) as (page, _):
        create_owner(page, stack.setup_url)
        expect(page.get_by_role("heading", name="Which model does the thinking?")).to_be_visible()
        return page.context.storage_state()


def _live_in(ada: Person) -> None:
    """What a house holds after some days."""
    ada.post("/api/memories", {"text": "My sister is called Mia."})
    ada.post("/api/tokens", {"name": "Nightly script", "scopes": ["chat"]})
    morning = {
        "name": "Morning summary",
        "prompt": "What is new since yesterday?",
        "starts": "2026-01-05T07:30:00",
        "rule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        "zone": "Europe/Berlin",
        "connectors": ["mail", "caldav"],
    }
    ada.post("/api/schedules", morning)
    ada.post("/api/people/invitations", {"password": OWNER_PASSWORD})


def _illustrate(sheet: Sheet, state: Any, screens: Mapping[str, Screen]) -> None:
    """The pictures of the README, as a window shows them; of a decision its card alone."""
    for look in (DESK, DARK):
        with window(sheet.browser, sheet.home, look, state=state) as (page, watch):
            for name in ("home", "activity", "chat"):
                _visit(page, watch, screens[name])
                page.evaluate("document.querySelectorAll('main *').forEach((each) => each.scrollTo(0, 0))")
                page.wait_for_timeout(_SETTLED)
                _keep_small(page.screenshot(), IMAGES / f"{name}-{look.theme}.png")
            page.set_viewport_size({**look.viewport, "height": _TALLEST})
            card = decision(page, "Send an answer?")
            _keep_small(card.screenshot(), IMAGES / f"approval-{look.theme}.png")


def _keep_small(picture: bytes, file: Path) -> None:
    """With 256 colours, which halves what a reader loads."""
    Image.open(BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)


def _visit(page: Page, watch: Watch, screen: Screen) -> None:
    page.goto(screen.path)
    expect(page.get_by_text(screen.ready).filter(visible=True).first).to_be_visible()
    screen.act(page, watch)
    expect(page.get_by_role("main").get_by_text("Loading")).to_have_count(0)


def _take_whole(page: Page, look: Look, file: Path) -> None:
    """A picture of the window made as high as what it holds."""
    size = look.viewport
    hidden = int(page.evaluate(_HIDDEN_HEIGHT))
    page.set_viewport_size({**size, "height": min(size["height"] + hidden, _TALLEST)})
    page.screenshot(path=file)
    page.set_viewport_size(size)


def _row(name: str) -> str:
    pictures = "".join(
        f'<a href="{look.name}/{name}.png"><img loading="lazy" src="{look.name}/{name}.png" alt="{look.name}"></a>'
        for look in LOOKS
    )
    return f"<h2>{html.escape(name)}</h2>\n<section>{pictures}</section>"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
