"""Two ways of handling a page without a mouse: fingers on a phone, and a keyboard.

    for hand in (Touch(page), Keys(page)):
        hand.write(page.get_by_label("Username"), "ada")
        hand.press(page.get_by_role("button", name="Sign in"))

Neither lays hold of anything that a person could not: a finger of what is too small, a keyboard of what Tab does not
lead to. Each act says what it found wrong with the page by raising `AssertionError`.
"""

from typing import Protocol

from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import sideways

__all__ = ["Hand", "Keys", "Touch"]

_FARTHEST = 120
_SMALLEST = 24.0
_HAS_FOCUS = "(element) => element === document.activeElement"
_COVER = """(element) => {
  const box = element.getBoundingClientRect();
  const label = element.closest('label');
  const isMine = (hit) => hit !== null && (element.contains(hit) || hit.contains(element) || label?.contains(hit));
  const within = (from, to, most) =>
    [0.02, 0.25, 0.5, 0.75, 0.98].map((part) => from + part * (to - from)).filter((at) => at > 0 && at < most);
  const across = within(box.left, box.right, innerWidth);
  const down = within(box.top, box.bottom, innerHeight);
  const hits = across.flatMap((x) => down.map((y) => document.elementFromPoint(x, y)));
  return hits.some(isMine) ? '' : `${element.outerHTML.slice(0, 160)} at ${[box.left, box.top].map(Math.round)}`;
}"""
"""What cannot be seen of an element, not even in part: its beginning and place; "" where something of it shows."""


class Hand(Protocol):
    """What somebody does with a page."""

    def press(self, target: Locator) -> None:
        """A button, a link, or what folds and unfolds."""

    def tick(self, target: Locator) -> None:
        """A box, or one of several choices."""

    def write(self, target: Locator, text: str) -> None:
        """Into a field, in place of what stands there."""

    def choose(self, target: Locator, label: str) -> None:
        """Out of a list that folds down."""

    def send(self, target: Locator, text: str) -> None:
        """Writes a message and sends it."""


class Touch:
    """Fingers: taps alone, on targets that are large enough, on a page that is never wider than the screen."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, target: Locator) -> None:
        """See `Hand`."""
        expect(target).to_be_enabled()
        assert sideways(self._page) == []
        box = target.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= _SMALLEST, f"{target} measures {box}"
        target.tap()

    def tick(self, target: Locator) -> None:
        """See `Hand`; a box is taken by its label, as fingers take it."""
        assert sideways(self._page) == []
        self._page.locator("label").filter(has=target).tap()
        expect(target).to_be_checked()

    def write(self, target: Locator, text: str) -> None:
        """See `Hand`."""
        self.press(target)
        expect(target).to_be_focused()
        target.fill("")
        self._page.keyboard.type(text)

    def choose(self, target: Locator, label: str) -> None:
        """See `Hand`; what folds down is the phone's own, so that no tap reaches it here."""
        assert sideways(self._page) == []
        target.select_option(label=label)

    def send(self, target: Locator, text: str) -> None:
        """See `Hand`."""
        self.write(target, text)
        self.press(self._page.get_by_role("button", name="Send", exact=True))


class Keys:
    """A keyboard alone; wherever the focus comes to, it can be seen."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, target: Locator) -> None:
        """See `Hand`."""
        self._go_to(target)
        self._page.keyboard.press("Enter")

    def tick(self, target: Locator) -> None:
        """See `Hand`; Tab comes to the chosen one of several choices, arrows to the others."""
        kind = target.get_attribute("type")
        if kind == "radio":
            self._go_to(target.page.locator(f"input[name='{target.get_attribute('name')}']:checked"))
            for _ in range(9):
                if target.is_checked():
                    return
                self._page.keyboard.press("ArrowDown")
        else:
            self._go_to(target)
            self._page.keyboard.press("Space")
        expect(target).to_be_checked()

    def write(self, target: Locator, text: str) -> None:
        """See `Hand`."""
        self._go_to(target)
        self._page.keyboard.press("Control+a")
        self._page.keyboard.type(text)

    def choose(self, target: Locator, label: str) -> None:
        """See `Hand`."""
        self._go_to(target)
        self._page.keyboard.type(label[:4])
        expect(target.locator("option:checked")).to_have_text(label)

    def send(self, target: Locator, text: str) -> None:
        """See `Hand`."""
        self.write(target, text)
        self._page.keyboard.press("Enter")

    def _go_to(self, target: Locator) -> None:
        expect(target).to_be_enabled()
        for _ in range(_FARTHEST):
            if target.evaluate(_HAS_FOCUS):
                return
            self._page.keyboard.press("Tab")
            self._focus_is_seen()
        raise AssertionError(f"{_FARTHEST} tabs do not lead to {target}")

    def _focus_is_seen(self) -> None:
        focused = self._page.locator(":focus")
        hidden = focused.evaluate(_COVER) if focused.count() else ""
        assert not hidden, f"hidden while it has the focus: {hidden}"
