"""What an owner does with a service in a browser: connects it by the wizard, asks it, lets it act, takes that back.

A service's test says what is ticked or typed, and names its acts; everything else is the same for each of them:

    connecting.enter(page, watch)
    connecting.open_service(page, "Google Drive", provider="Google")
    connecting.register(page, provider, stack.way_back, name="Google", scopes=SCOPES)
    connecting.tick(page, "See what files there are", "Read files")
    connecting.settle(page, {"Address of the API": api.url})
    connecting.go_to_provider(page, "Google")
    connecting.say_yes(page, "ada@home.example")
    connecting.came_back(page, stack)
    connecting.is_up_to_date(connecting.card(page, "Google Drive", "ada@home.example"))

An `Act` is what is said to the assistant and all that follows from it: `script` is the model that makes its calls.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import Watch
from tests.e2e.screens import answer, decision, go_to, sign_in
from tests.e2e.stack import Person, Stack, until
from tests.peers.oidc import OidcProvider
from tests.peers.script import Script, Step, ToolCall, When
from tests.peers.tokens import TokenDoor

__all__ = [
    "Act",
    "calls",
    "came_back",
    "card",
    "connect_by_token",
    "disconnect",
    "enter",
    "go_to_provider",
    "is_up_to_date",
    "leave_to",
    "new_conversation",
    "open_service",
    "perform",
    "register",
    "say_yes",
    "script",
    "settle",
    "take_back",
    "tick",
]

_SYNC_SECONDS = 60
_OUTCOMES = {"tool.finished": "done", "tool.failed": "failed", "tool.unknown": "unknown"}


@dataclass(frozen=True)
class Act:
    """What is said, the calls that are made for it one after the other, and the answer in the end.

    Where it is asked about: how the card's title begins (`asks`), what stands on the card (`shows`), and its yes.
    There is no answer unless the last result holds what `finds` says.
    """

    says: str
    calls: Sequence[ToolCall]
    answer: str
    asks: str = ""
    shows: Sequence[str] = ()
    yes: str = ""
    finds: str = ""


def script(*acts: Act) -> Script:
    """A model that makes exactly the calls of these acts, each once it is asked for it."""
    return Script([step for act in acts for step in _steps(act)])


def enter(page: Page, watch: Watch) -> None:
    """The owner signs in."""
    watch.allow(401, "/api/session")
    page.goto("/login")
    sign_in(page)


def leave_to(watch: Watch, provider: OidcProvider, stack: Stack) -> None:
    """Expect the way to a provider, and back to the house by the name under which providers know it."""
    watch.leave_to(provider.url)
    watch.leave_to(stack.way_back.removesuffix("/oauth/callback"))


def open_service(page: Page, name: str, *, provider: str = "") -> None:
    """From the list of services to its form, or to the registration at its provider; it is allowed where it is new."""
    go_to(page, "Connections")
    page.get_by_role("link", name=re.compile(f"^{name}")).click()
    allow, form = page.get_by_role("button", name="Allow this version"), page.locator("form")
    expect(allow.or_(form).first).to_be_visible()
    if allow.is_visible():
        allow.click()
    expect(form.or_(_registration(page, provider)).first).to_be_visible()


def register(
    page: Page,
    provider: OidcProvider,
    *ways_back: str,
    name: str,
    scopes: tuple[str, ...],
    apis: Sequence[str] = (),
    door: TokenDoor | None = None,
) -> None:
    """Where it is asked for: the house becomes known to the provider, and the provider's addresses to the house.

    Of whatever is asked for later, the provider grants `scopes` alone. `apis` are named with a link to its console.
    Where there is a `door`, tokens are asked for and ended there.
    """
    if not _registration(page, name).is_visible():
        return
    expect(page.get_by_text(ways_back[0], exact=True)).to_be_visible()
    for api in apis:
        expect(page.get_by_role("link", name=api)).to_have_count(1)
    auth = "client_secret_basic" if door else "client_secret_post"
    made = provider.register(*ways_back, scopes=scopes, auth=auth)
    page.get_by_label("Client ID").fill(made["client_id"])
    page.get_by_role("textbox", name="Client secret").fill(made["client_secret"])
    page.get_by_text("Other addresses than the public ones").click()
    page.get_by_label("Authorization").fill(door.authorize_url if door else f"{provider.url}/oauth2/authorize")
    page.get_by_label("Tokens").fill(door.token_url if door else f"{provider.url}/oauth2/token")
    page.get_by_label("Codes for other devices").fill("")
    page.get_by_label("Revocation").fill(door.revoke_url if door else "")
    page.get_by_label("Issuer").fill(provider.url)
    page.get_by_role("button", name="Keep the registration").click()
    expect(_registration(page, name)).to_be_hidden()


def tick(page: Page, *titles: str) -> None:
    """What the service may do; the titles may be the beginnings of theirs."""
    for title in titles:
        page.get_by_role("checkbox", name=re.compile(f"^{re.escape(title)}")).check()


def settle(page: Page, values: Mapping[str, str]) -> None:
    """Fill fields of a service's form by their labels; those for few people are folded away at first."""
    more = page.get_by_text("More settings")
    for label, value in values.items():
        field = page.get_by_label(label, exact=True)
        expect(field).to_be_attached()
        if not field.is_visible():
            more.click()
        field.fill(value)


def go_to_provider(page: Page, name: str) -> None:
    """From the form to the provider's page, or to the link that leads there."""
    page.get_by_role("button", name=f"Continue at {name}").click()


def say_yes(page: Page, person: str) -> None:
    """At the provider."""
    page.get_by_placeholder("sub").fill(person)
    page.get_by_role("button", name="Authorize", exact=True).click()


def came_back(page: Page, stack: Stack) -> None:
    """From the provider to the list of accounts, where the new one is tried."""
    expect(page).to_have_url(re.compile(rf"^{re.escape(stack.url)}/accounts\?connected=\w+$"))


def connect_by_token(page: Page, values: Mapping[str, str]) -> None:
    """Type what a service without a sign-in asks for, its settings and its secrets, and connect it."""
    settle(page, values)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page).to_have_url(re.compile(r"/accounts(\?|$)"))


def card(page: Page, service: str, account: str = "") -> Locator:
    """An account in the list."""
    of_service = page.get_by_role("article").filter(has_text=re.compile(rf"{re.escape(service)}\s*·"))
    return of_service.filter(has_text=account)


def is_up_to_date(found: Locator, *, tried: bool = True) -> None:
    """Its copy is complete, and where the account was `tried`, all that it may do worked."""
    if tried:
        expect(found).to_contain_text("All steps passed.")
    expect(found).to_contain_text("Up to date", timeout=_SYNC_SECONDS * 1000)


def new_conversation(page: Page) -> None:
    """An empty one."""
    page.get_by_role("link", name="New conversation").first.click()
    expect(answer(page)).to_have_count(0)


def perform(page: Page, act: Act, *, still: Callable[[], object] = lambda: None) -> None:
    """Say it, give the yes that it asks for, wait for the answer. Until the yes, `still` gives what it gave before."""
    before, heard = still(), answer(page).count()
    _say(page, act.says)
    if act.asks:
        asked = decision(page, re.compile(f"^{re.escape(act.asks)}"))
        for words in act.shows:
            expect(asked).to_contain_text(words)
        assert still() == before, "it acted before it was allowed to"
        asked.get_by_role("button", name=act.yes, exact=True).click()
    expect(answer(page).nth(heard)).to_be_visible()
    expect(answer(page).last).to_contain_text(act.answer)


def take_back(page: Page, *, still: Callable[[], object] = lambda: None, asks: bool = True) -> None:
    """Undo the one act that can be undone, and say yes where it asks. Until then, `still` gives the same."""
    page.get_by_role("button", name=re.compile("^Undo")).click()
    if asks:
        before, asked = still(), decision(page, re.compile("Take back"))
        expect(asked).to_be_visible()
        assert still() == before, "it took back before it was allowed to"
        asked.get_by_role("button", name="Take back", exact=True).click()
    expect(page.get_by_text("Taken back.")).to_be_visible()


def disconnect(
    page: Page, person: Person, service: str, account: str = "", *, connector: str, consent: str | None
) -> None:
    """Remove an account in the list; the ledger says that its secrets went, and then its copy.

    `consent` is what became of it at the provider, in the ledger's word; None where there is none.
    """
    wanted = ["account.erased", "account.removed", *(["token.revoked"] if consent else [])]

    def told_of() -> list[dict[str, str]]:
        return [each for each in person.ledger() if each["connector"] == connector and each["action"] in wanted]

    before = len(told_of())
    go_to(page, "Connections")
    found = card(page, service, account)
    found.get_by_role("button", name=re.compile("^Remove")).click()
    asked = page.get_by_role("alertdialog")
    expect(asked).to_contain_text("its consent at the provider is ended" if consent else "Its password is destroyed")
    asked.get_by_role("button", name="Remove", exact=True).click()
    expect(found).to_have_count(0)
    stands = page.get_by_text("Its consent still stands at the provider")
    expect(stands).to_have_count(1 if consent in ("unsupported", "failed") else 0)

    def look() -> list[str] | None:
        told = told_of()[before:]
        return [each["outcome"] for each in told] if sorted(each["action"] for each in told) == wanted else None

    told = until(look, seconds=30, what="the word in the ledger that the copy is deleted")
    assert consent is None or consent in told
    assert person.verify()["ok"]


def calls(person: Person, connector: str) -> list[tuple[str, str, str]]:
    """What the ledger knows of a service's calls in the order of their starts: tool, effect, how it ended.

    It waits until each start has its one end.
    """

    def look() -> list[tuple[str, str, str]] | None:
        entries = [each for each in person.ledger() if each["connector"] == connector]
        begun = [each for each in entries if each["action"] == "tool.started"]
        ends = [(each["call_id"], _OUTCOMES[each["action"]]) for each in entries if each["action"] in _OUTCOMES]
        if sorted(each["call_id"] for each in begun) != sorted(call for call, _ in ends):
            return None
        return [(each["tool"], each["effect"], dict(ends)[each["call_id"]]) for each in begun]

    return until(look, seconds=20, what="an end of each call in the ledger")


def _steps(act: Act) -> list[Step]:
    says = re.escape(act.says)
    first, *_ = act.calls
    steps = [Step(when=When(user_says=says, fresh=0), calls=[first])]
    for done, following in zip(act.calls, act.calls[1:], strict=False):
        steps.append(Step(when=When(user_says=says, result_of=_bare(done)), calls=[following]))
    found = When(user_says=says, result_of=_bare(act.calls[-1]), result_says=re.escape(act.finds))
    return [*steps, Step(when=found, say=act.answer)]


def _bare(call: ToolCall) -> str:
    return call.name.rpartition("__")[2]


def _registration(page: Page, provider: str) -> Locator:
    return page.get_by_role("heading", name=f"Register this house with {provider}")


def _say(page: Page, text: str) -> None:
    """As soon as nothing runs any more: until then the button that sends is another."""
    page.get_by_label("Your message").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()
