"""A service of a provider, connected as its owner does: in a browser, from the registration to what is taken back."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Watch, chromium, window
from tests.e2e.screens import answer, ask, decision, go_to, sign_in
from tests.e2e.stack import Stack, until
from tests.peers.guarded import Guarded
from tests.peers.model import ModelServer
from tests.peers.myworld import MyWorld, World
from tests.peers.oidc import OidcProvider
from tests.peers.process import LOOPBACK, free_port
from tests.peers.script import Script, Step, ToolCall, When

pytestmark = pytest.mark.e2e

ADA, BOB = "ada@home.example", "bob@home.example"
NAME = "house.home.example"
SEED = {
    "user": {"email": ADA, "name": "Ada"},
    "contacts": [{"name": "Carol Meyer", "email": "carol@example.org", "phone": "+49 30 123456"}],
    "mailboxes": [{"user": {"email": BOB, "name": "Bob"}, "contacts": [{"name": "Dora", "email": "d@example.org"}]}],
}
CONTACTS = "https://www.googleapis.com/auth/contacts"
GRANTED = ("openid", "email", CONTACTS, f"{CONTACTS}.readonly")
SCRIPT = Script(
    [
        Step(when=When(user_says="number", fresh=0), calls=[ToolCall("contacts_search", {"query": "carol"})]),
        Step(when=When(result_of="contacts_search"), say="Carol has the number +49 30 123456."),
        Step(
            when=When(user_says="married", fresh=0),
            calls=[ToolCall("contacts_update", {"contact": "{{earlier.contacts_search..id}}", "name": "Carol Stone"})],
        ),
        Step(when=When(result_of="contacts_update"), say="She is Carol Stone now."),
    ]
)


@dataclass
class Cloud:
    """A provider that is asked for consent, and its API, which answers for the tokens that it gave."""

    provider: OidcProvider
    world: World
    api: Guarded

    def names(self, person: str) -> list[str]:
        """The contacts that a person has there."""
        return sorted(each["name"] for each in self.world.state("gmail")["mailboxes"][person]["contacts"].values())


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with ExitStack() as peers:
        provider = peers.enter_context(OidcProvider())
        world = peers.enter_context(MyWorld()).world({"gmail": {"seed": SEED}}, [ADA, BOB])
        tokens = {person: world.token(person) for person in (ADA, BOB)}
        api = peers.enter_context(Guarded(world.api("people.googleapis.com"), provider, tokens))
        yield Cloud(provider, world, api)


@pytest.fixture
def stack() -> Iterator[Stack]:
    with ModelServer(SCRIPT) as model:
        env = {"OA_ALLOWED_HOSTS": NAME}
        with Stack(model=model, env=env, connectors=["google_contacts"]) as stack:
            yield stack


def enter(page: Page, watch: Watch) -> None:
    watch.allow(401, "/api/session")
    page.goto("/login")
    sign_in(page)


def open_contacts(page: Page) -> None:
    go_to(page, "Connections")
    page.get_by_role("link", name=re.compile("^Google Contacts")).click()
    allow, go_on = page.get_by_role("button", name="Allow this version"), page.get_by_text("What may it do?")
    register = page.get_by_role("heading", name="Register this house with Google")
    expect(allow.or_(go_on).or_(register)).to_be_visible()
    if allow.is_visible():
        allow.click()


def register(page: Page, provider: OidcProvider, *ways_back: str) -> None:
    """The house becomes known to the provider, and the provider's addresses to the house."""
    expect(page.get_by_role("heading", name="Register this house with Google")).to_be_visible()
    expect(page.get_by_text(ways_back[0], exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="People API")).to_have_count(1)
    made = provider.register(*ways_back, scopes=GRANTED, auth="client_secret_post")
    page.get_by_label("Client ID").fill(made["client_id"])
    page.get_by_role("textbox", name="Client secret").fill(made["client_secret"])
    page.get_by_text("Other addresses than the public ones").click()
    page.get_by_label("Authorization").fill(f"{provider.url}/oauth2/authorize")
    page.get_by_label("Tokens").fill(f"{provider.url}/oauth2/token")
    page.get_by_label("Revocation").fill("")
    page.get_by_label("Issuer").fill(provider.url)
    page.get_by_role("button", name="Keep the registration").click()


def choose(page: Page, cloud: Cloud) -> None:
    """Everything is ticked, more than the provider will grant; the API is the one of this test."""
    for title in ("Find and read", "Create, change and delete", "Look through addresses"):
        page.get_by_role("checkbox", name=re.compile(f"^{title}")).check()
    expect(page.get_by_label("Address of the API")).to_be_hidden()
    page.get_by_text("More settings").click()
    page.get_by_label("Address of the API").fill(cloud.api.url)
    page.get_by_role("button", name="Continue at Google").click()


def say_yes(page: Page, person: str) -> None:
    """At the provider."""
    page.get_by_placeholder("sub").fill(person)
    page.get_by_role("button", name="Authorize", exact=True).click()


def stands(page: Page, name: str, *, contacts: int) -> None:
    """The account's card, with what was granted of what was asked, and its copy."""
    card = page.get_by_role("article").filter(has_text=name)
    may = card.get_by_role("list", name="May").get_by_role("listitem")
    expect(may).to_have_text(
        [
            "Find and read your contacts",
            "Create, change and delete contacts",
            "Look through addresses that Google collected: Not allowed",
        ]
    )
    expect(card).to_contain_text("All steps passed.")
    for step in ("Read your contacts", "Change your contacts"):
        expect(card.get_by_role("listitem").filter(has_text=re.compile(rf"{step}\s*: passed"))).to_be_visible()
    expect(card).to_contain_text(f"Up to date: {contacts}")


def by_redirect(page: Page, watch: Watch, stack: Stack, cloud: Cloud, other_way: str) -> None:
    watch.leave_to(cloud.provider.url)
    open_contacts(page)
    register(page, cloud.provider, f"{stack.url}/oauth/callback", other_way)
    choose(page, cloud)
    say_yes(page, ADA)
    expect(page).to_have_url(re.compile(rf"^{stack.url}/accounts\?connected=\w+$"))
    stands(page, ADA, contacts=1)


def by_hand(page: Page, watch: Watch, cloud: Cloud, way: str) -> None:
    """The provider is opened in a page of its own, which ends at an address where nothing answers."""
    watch.leave_to(cloud.provider.url)
    watch.leave_to(way.removesuffix("/oauth/callback"))
    open_contacts(page)
    choose(page, cloud)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open Google").click()
    with opened.value.expect_event("requestfailed", lambda request: request.url.startswith(way)) as failed:
        say_yes(opened.value, BOB)
    page.get_by_label("Address of the page that did not open").fill(failed.value.url)
    page.get_by_role("button", name="Connect", exact=True).click()
    stands(page, BOB, contacts=1)


def use(page: Page, cloud: Cloud) -> None:
    """A look, a change that is asked about because something from outside was read, and its undoing."""
    page.get_by_role("link", name="New conversation").first.click()
    ask(page, "What is Carol's number?")
    expect(answer(page).last).to_contain_text("Carol has the number +49 30 123456.")
    ask(page, "She married and is called Stone.")
    card = decision(page, re.compile("Change a contact"))
    expect(card).to_contain_text("Carol Stone")
    assert cloud.names(ADA) == ["Carol Meyer"]
    card.get_by_role("button", name="Change", exact=True).click()
    expect(answer(page).last).to_contain_text("She is Carol Stone now.")
    assert cloud.names(ADA) == ["Carol Stone"]
    page.get_by_role("button", name=re.compile("^Undo")).click()
    decision(page, re.compile("Take back")).get_by_role("button", name="Take back", exact=True).click()
    until(lambda: cloud.names(ADA) == ["Carol Meyer"] or None, seconds=20, what="the contact as it was")


def test_an_account_at_a_provider_is_connected_used_and_set_right_in_a_browser(stack: Stack, cloud: Cloud) -> None:
    port = free_port()
    way = f"http://{LOOPBACK}:{port}/oauth/callback"
    with chromium({f"{NAME}:{port}": f"{LOOPBACK}:{stack.port}"}) as browser:
        with window(browser, stack.url) as (page, watch):
            enter(page, watch)
            by_redirect(page, watch, stack, cloud, way)
            use(page, cloud)
        with window(browser, f"http://{NAME}:{port}") as (page, watch):
            enter(page, watch)
            by_hand(page, watch, cloud, way)
    assert set(cloud.api.served) == {ADA, BOB}
    with stack.sign_in() as ada:
        actions = [entry["action"] for entry in ada.ledger()]
        assert actions.count("account.authorized") == 2
        assert {"client.changed", "approval.granted", "token.released"} <= set(actions)
        assert ada.verify()["ok"]
