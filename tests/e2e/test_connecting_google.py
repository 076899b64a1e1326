"""Google's services, each connected as its owner does: in a browser, from the registration to what is taken back."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import connecting, files
from tests.e2e.browser import chromium, window
from tests.e2e.connecting import Act
from tests.e2e.stack import Stack, until
from tests.peers.calendar import CompletedCalendar
from tests.peers.drive import CompletedDrive
from tests.peers.front import Front
from tests.peers.gmail import CompletedGmail
from tests.peers.guarded import Guarded
from tests.peers.model import ModelServer
from tests.peers.myworld import MyWorld, World
from tests.peers.oidc import OidcProvider
from tests.peers.process import LOOPBACK, free_port
from tests.peers.script import ToolCall
from tests.peers.tokens import TokenDoor

pytestmark = pytest.mark.e2e

ADA, BOB, CAROL = "ada@home.example", "bob@home.example", "carol@home.example"
NAME = "house.home.example"
"""What a browser on another machine calls the house."""

CONTACTS_SEED: dict[str, Any] = {
    "user": {"email": ADA, "name": "Ada"},
    "contacts": [{"name": "Carol Meyer", "email": CAROL, "phone": "+49 30 123456"}],
    "mailboxes": [
        {"user": {"email": BOB, "name": "Bob"}, "contacts": [{"name": "Dora", "email": "d@example.org"}]},
    ],
}
DRIVE_SEED: dict[str, Any] = {
    "user": {"email": ADA},
    "domain": "home.example",
    "people": [{"email": CAROL}],
    "files": [{"name": "Lease 2026.txt", "id": "1lease", "content": "The lease ends on 31 March."}],
}
CALENDAR_SEED: dict[str, Any] = {
    "user": {"email": ADA, "name": "Ada"},
    "timeZone": "Europe/Berlin",
    "domains": ["home.example"],
    "people": [{"email": CAROL, "name": "Carol"}],
    "events": [
        {"summary": "Party", "start": "2037-12-05T20:00:00+01:00", "end": "2037-12-05T23:00:00+01:00",
         "organizer": CAROL, "attendees": [ADA]},
    ],
}  # fmt: skip
MAIL_SEED: dict[str, Any] = {"user": {"email": ADA, "name": "Ada"}, "mailboxes": [{"user": {"email": CAROL}}]}
LEASE = {
    "from": f"Carol Meyer <{CAROL}>", "to": ADA, "subject": "The lease", "date": "2026-11-19T10:00:00Z",
    "body": "Will you sign on Friday?", "labels": ["INBOX"],
}  # fmt: skip
SCOPES = (
    "openid",
    "email",
    *(
        f"https://www.googleapis.com/auth/{each}"
        for each in (
            "contacts", "contacts.readonly",
            "drive", "drive.file", "drive.readonly", "drive.metadata.readonly",
            "gmail.readonly", "gmail.compose", "gmail.modify",
            "calendar.events", "calendar.events.readonly", "calendar.calendarlist.readonly", "calendar.freebusy",
        )
    ),
)  # fmt: skip
"""What the provider grants, whatever is asked for."""


@dataclass
class Api:
    """One of Google's APIs: a world of its own, what stands before it, and what asks for the provider's tokens."""

    world: World
    front: Front
    guarded: Guarded

    def changes(self) -> list[str]:
        """Every change that was asked for and made, in their order, each by its method and path."""
        made = [each for each in self.front.seen if each.method != "GET" and each.status < 300]
        paths = [(each.method, each.path.partition("?")[0]) for each in made]
        return [f"{method} {path}" for method, path in paths if not path.endswith("/freeBusy")]

    def contacts(self) -> list[str]:
        """Ada's."""
        return sorted(each["name"] for each in self.world.state("gmail")["mailboxes"][ADA]["contacts"].values())

    def mails(self) -> list[tuple[str, str, bool]]:
        """Those of Ada and of Carol: whose it is, what it is about, whether it lies in the inbox."""
        boxes = self.world.state("gmail")["mailboxes"]
        held = [(person, each) for person in (ADA, CAROL) for each in boxes[person]["messages"].values()]
        return sorted((person, each["subject"], "INBOX" in each["labelIds"]) for person, each in held)

    def files(self) -> tuple[list[tuple[str, list[str]]], int]:
        """What is not in the trash, each file with those who may read it, and how many mails told Carol of it."""
        held = [each for each in self.world.state("drive")["files"].values() if each["size"] and not each["trashed"]]
        shared = [(each["name"], [may["emailAddress"] for may in each["permissions"]]) for each in held]
        return sorted(shared), len(self.mails())

    def events(self) -> tuple[list[tuple[str, list[tuple[str, str]]]], int]:
        """What stands in the calendar with the answers of its guests, and how many mails told Carol of them."""
        held = [each for each in self.world.state("calendar")["events"].values() if each["status"] != "cancelled"]
        guests = [(each["summary"], each.get("attendees", [])) for each in held]
        answers = [(title, sorted((each["email"], each["responseStatus"]) for each in some)) for title, some in guests]
        return sorted(answers), len(self.mails())


@dataclass
class Google:
    """A provider that is asked for consent, and its APIs, which answer for the tokens that it gave."""

    provider: OidcProvider
    door: TokenDoor
    apis: dict[str, Api]


@dataclass(frozen=True)
class ByHand:
    """What is looked up and changed without a model: the words to search for, what is found, fields, what is held."""

    words: str
    finds: str
    fields: dict[str, str]
    tools: tuple[str, str, str]
    held: Any


@dataclass(frozen=True)
class Service:
    """What is ticked, what is done, and what Google holds of it (`held`): while the write stands, and in the end.

    `last` is what is never done unasked: to reach somebody else, or what nothing takes back.
    """

    id: str
    name: str
    api: str
    """What has to be switched on at Google."""
    may: tuple[str, ...]
    read: Act
    write: Act
    last: Act
    held: Callable[[Api], Any]
    written: Any
    ended: Any
    changes: tuple[str, ...]
    """Each change at Google as a pattern, and no other: by hand, the write, its undoing, the last."""
    by_hand: ByHand | None = None


CONTACTS = Service(
    id="google_contacts",
    name="Google Contacts",
    api="People API",
    may=("Find and read", "Create, change and delete", "Look through addresses"),
    read=Act(
        "What is Carol's number?",
        [ToolCall("contacts_search", {"query": "carol"})],
        "Carol has the number +49 30 123456.",
        finds="+49 30 123456",
    ),
    write=Act(
        "She married and is called Stone.",
        [ToolCall("contacts_update", {"contact": "{{earlier.contacts_search..id}}", "name": "Carol Stone"})],
        "She is Carol Stone now.",
        asks="Change a contact",
        shows=["Carol Stone"],
        yes="Change",
    ),
    last=Act(
        "I do not need her number any more.",
        [ToolCall("contacts_delete", {"contact": "{{earlier.contacts_search..id}}"})],
        "Carol is gone from your contacts.",
        asks="Delete a contact",
        shows=["Carol Meyer"],
        yes="Delete",
    ),
    held=Api.contacts,
    written=["Carol Stone"],
    ended=[],
    changes=(*["PATCH .*:updateContact"] * 4, "DELETE .*:deleteContact"),
    by_hand=ByHand(
        words="carol",
        finds="Carol Meyer",
        fields={"Name": "Carol Jones", "Mail addresses": "carol@jones.example"},
        tools=("contacts_search", "contacts_get", "contacts_update"),
        held=["Carol Jones"],
    ),
)
DRIVE = Service(
    id="google_drive",
    name="Google Drive",
    api="Google Drive API",
    may=("See what files there are", "Read files", "Save new files", "Share files"),
    read=Act(
        "When does the lease end?",
        [ToolCall("files_search", {"query": "lease"}), ToolCall("files_read", {"file": "{{result..id}}"})],
        "The lease ends on 31 March.",
        finds="The lease ends on 31 March.",
    ),
    write=Act(
        "Keep a note about that.",
        [ToolCall("files_upload", {"name": "Note.txt", "text": "The lease ends on 31 March."})],
        "The note is in your Drive.",
        asks="Save a file",
        shows=["Note.txt", "The lease ends on 31 March."],
        yes="Save",
    ),
    last=Act(
        "Let Carol see the lease.",
        [ToolCall("files_share", {"file": "{{earlier.files_search..id}}", "person": CAROL})],
        "Carol can see the lease.",
        asks="Share a file",
        shows=["Lease 2026.txt", CAROL],
        yes="Share",
    ),
    held=Api.files,
    written=([("Lease 2026.txt", [ADA]), ("Note.txt", [ADA])], 0),
    ended=([("Lease 2026.txt", [ADA, CAROL])], 1),
    changes=("POST /upload/.*/files", r"PATCH .*/files/\w+", "POST .*/files/1lease/permissions"),
)
GMAIL = Service(
    id="gmail",
    name="Gmail",
    api="Gmail API",
    may=("Read mail", "Write drafts and send mail", "File mail"),
    read=Act(
        "What did Carol write about the lease?",
        [ToolCall("messages_search", {"query": "lease"}), ToolCall("messages_read", {"message": "{{result..id}}"})],
        "She asks whether you sign on Friday.",
        finds="Will you sign on Friday?",
    ),
    write=Act(
        "Put her mail into the archive.",
        [ToolCall("messages_archive", {"messages": ["{{earlier.messages_search..id}}"]})],
        "It is in the archive.",
        asks="Archive",
        shows=["The lease"],
        yes="Archive",
    ),
    last=Act(
        "Tell her that I do.",
        [ToolCall("messages_reply", {"message": "{{earlier.messages_search..id}}", "text": "I sign on Friday."})],
        "I told her.",
        asks="Send an answer",
        shows=[CAROL, "I sign on Friday."],
        yes="Send",
    ),
    held=Api.mails,
    written=[(ADA, "The lease", False), (CAROL, "The lease", False)],
    ended=[
        (ADA, "Re: The lease", False),
        (ADA, "The lease", True),
        (CAROL, "Re: The lease", True),
        (CAROL, "The lease", False),
    ],
    changes=("POST .*/modify", "POST .*/modify", "POST .*/drafts", "POST .*/drafts/send"),
)
CALENDAR = Service(
    id="google_calendar",
    name="Google Calendar",
    api="Google Calendar API",
    may=("Read your calendars", "See when you and others are free", "Create and change events"),
    read=Act(
        "What is on the fifth of December 2037?",
        [ToolCall("events_list", {"start": "2037-12-05", "end": "2037-12-05"})],
        "Carol's party, at eight.",
        finds="Party",
    ),
    write=Act(
        "Flowers before that.",
        [ToolCall("events_create", {"title": "Flowers", "start": "2037-12-05T18:00", "zone": "Europe/Berlin"})],
        "Flowers stand in your calendar, at six.",
        asks="Create an event",
        shows=["Flowers"],
        yes="Create",
    ),
    last=Act(
        "Tell Carol that I come.",
        [ToolCall("invitations_answer", {"event": "{{earlier.events_list..id}}", "answer": "accept"})],
        "Carol knows that you come.",
        asks="Accept an invitation",
        shows=["Party", CAROL],
        yes="Accept",
    ),
    held=Api.events,
    written=([("Flowers", []), ("Party", [(ADA, "needsAction"), (CAROL, "accepted")])], 0),
    ended=([("Party", [(ADA, "accepted"), (CAROL, "accepted")])], 1),
    changes=("POST .*/events", r"DELETE .*/events/\w+", r"PATCH .*/events/\w+"),
)
SERVICES = (CONTACTS, DRIVE, GMAIL, CALENDAR)
SCRIPT = connecting.script(*(act for each in SERVICES for act in (each.read, each.write, each.last)))


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    with ExitStack() as peers:
        provider, myworld = peers.enter_context(OidcProvider()), peers.enter_context(MyWorld())

        def guard(world: World, front: Front, *people: str) -> Api:
            tokens = {person: world.token(person) for person in people}
            guarded = Guarded(peers.enter_context(front).url, provider, tokens)
            return Api(world, front, peers.enter_context(guarded))

        people = myworld.world({"gmail": {"seed": CONTACTS_SEED}}, [ADA, BOB])
        drive = myworld.world({"drive": {"seed": DRIVE_SEED}, "gmail": {"seed": MAIL_SEED}}, [ADA])
        mail = myworld.world({"gmail": {"seed": {**MAIL_SEED, "emails": [LEASE]}}}, [ADA])
        dates = myworld.world({"calendar": {"seed": CALENDAR_SEED}, "gmail": {"seed": MAIL_SEED}}, [ADA])
        calendar = CompletedCalendar(
            dates.api("www.googleapis.com"), lambda: dates.state("calendar"), zone="Europe/Berlin"
        )
        apis = {
            "google_contacts": guard(people, Front(people.api("people.googleapis.com")), ADA, BOB),
            "google_drive": guard(drive, CompletedDrive(drive.api("www.googleapis.com")), ADA),
            "gmail": guard(mail, CompletedGmail(mail.api("gmail.googleapis.com")), ADA),
            "google_calendar": guard(dates, calendar, ADA),
        }
        yield Google(provider, peers.enter_context(TokenDoor(provider)), apis)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with ModelServer(SCRIPT) as model:
        env = {"OA_ALLOWED_HOSTS": NAME}
        with Stack(model=model, env=env, connectors=[each.id for each in SERVICES]) as stack:
            yield stack


@pytest.fixture(scope="module")
def port() -> int:
    """Where a browser finds the house under its name, and where nothing answers on the browser's own machine."""
    return free_port()


@pytest.fixture(scope="module")
def browser(stack: Stack, port: int) -> Iterator[Browser]:
    with chromium({f"{NAME}:{port}": f"{LOOPBACK}:{stack.port}"}) as browser:
        yield browser


def ask_google(page: Page, google: Google, service: Service, *ways_back: str) -> None:
    """From the list of services to the provider's door: everything that it needs is ticked, the API is the test's."""
    connecting.open_service(page, service.name, provider="Google")
    connecting.register(
        page, google.provider, *ways_back, name="Google", scopes=SCOPES, apis=[service.api],
        door=google.door,
    )  # fmt: skip
    connecting.tick(page, *service.may)
    expect(page.get_by_label("Address of the API")).to_be_hidden()
    connecting.settle(page, {"Address of the API": google.apis[service.id].guarded.url})
    connecting.go_to_provider(page, "Google")


def ways_back(stack: Stack, port: int) -> tuple[str, str]:
    """From the provider to the house: for a browser on its machine, and for one elsewhere, where nothing answers."""
    return stack.way_back, f"http://localhost:{port}/oauth/callback"


def change_by_hand(page: Page, wanted: ByHand) -> None:
    """Search, open, fill in, save; what came of it stands in a conversation of its own."""
    page.goto("/search")
    page.get_by_label("Search in everything").fill(wanted.words)
    page.keyboard.press("Enter")
    page.get_by_role("button", name=wanted.finds).click()
    panel = page.get_by_role("dialog")
    panel.get_by_role("button", name="Change").click()
    for label, value in wanted.fields.items():
        panel.get_by_label(label, exact=True).fill(value)
    panel.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name=re.compile("^Undo"))).to_be_visible(timeout=30_000)


@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.id)
def test_a_service_is_connected_read_written_and_lets_nothing_out_unasked(
    service: Service, stack: Stack, browser: Browser, google: Google, port: int
) -> None:
    api, ways = google.apis[service.id], ways_back(stack, port)

    def held() -> Any:
        return service.held(api)

    with window(browser, stack.url) as (page, watch):
        connecting.leave_to(watch, google.provider, stack)
        connecting.enter(page, watch)
        ask_google(page, google, service, *ways)
        connecting.say_yes(page, ADA)
        connecting.came_back(page, stack)
        connecting.is_up_to_date(connecting.card(page, service.name, ADA))
        assert api.changes() == []
        before = held()
        if service.by_hand:
            change_by_hand(page, service.by_hand)
            assert held() == service.by_hand.held
            connecting.take_back(page, asks=False)
            assert held() == before
        connecting.new_conversation(page)
        connecting.perform(page, service.read, still=held)
        connecting.perform(page, service.write, still=held)
        assert held() == service.written
        connecting.take_back(page, still=held)
        assert held() == before
        connecting.perform(page, service.last, still=held)
        assert not api.guarded.is_over()
        with stack.sign_in() as ada:
            connecting.disconnect(page, ada, service.name, ADA, connector=service.id, consent="revoked")
        assert api.guarded.is_over()
        assert google.door.ended.pop() == ADA
    assert held() == service.ended
    made = api.changes()
    assert len(made) == len(service.changes), made
    assert all(map(re.fullmatch, service.changes, made)), made
    with stack.sign_in() as ada:
        [write], [last] = service.write.calls, service.last.calls
        effect = "delete" if last.name.endswith("_delete") else "send"
        searched, opened, changed = service.by_hand.tools if service.by_hand else ("", "", "")
        alone = [(searched, "read"), (opened, "read"), (changed, "write"), ("actions_undo", "write")]
        assert connecting.calls(ada, service.id) == [
            *((tool, effect, "done") for tool, effect in alone if service.by_hand),
            *((call.name, "read", "done") for call in service.read.calls),
            (write.name, "write", "done"),
            ("actions_undo", "write", "done"),
            (last.name, effect, "done"),
        ]
        granted = [each for each in ada.ledger() if each["action"] == "approval.granted"]
        yes = [each["tool"] for each in granted if each["connector"] == service.id]
        assert yes == [write.name, "actions_undo", last.name]
        assert ada.verify()["ok"]


def test_a_house_on_another_machine_is_connected_by_the_address_that_did_not_open(
    stack: Stack, browser: Browser, google: Google, port: int
) -> None:
    """The provider is opened in a page of its own; of what is asked for it does not grant all."""
    here, there = ways_back(stack, port)
    with window(browser, f"http://{NAME}:{port}") as (page, watch):
        connecting.leave_to(watch, google.provider, stack)
        watch.leave_to(there.removesuffix("/oauth/callback"))
        connecting.enter(page, watch)
        ask_google(page, google, CONTACTS, there, here)
        with page.expect_popup() as opened:
            page.get_by_role("link", name="Open Google").click()
        with opened.value.expect_event("requestfailed", lambda request: request.url.startswith(there)) as failed:
            connecting.say_yes(opened.value, BOB)
        page.get_by_label("Address of the page that did not open").fill(failed.value.url)
        page.get_by_role("button", name="Connect", exact=True).click()
        card = connecting.card(page, "Google Contacts", BOB)
        connecting.is_up_to_date(card)
        expect(card).to_contain_text("Up to date: 1")
        expect(card.get_by_role("list", name="May").get_by_role("listitem")).to_have_text(
            [
                "Find and read your contacts",
                "Create, change and delete contacts",
                "Look through addresses that Google collected: Not allowed",
            ]
        )
        for step in ("Read your contacts", "Change your contacts"):
            expect(card.get_by_role("listitem").filter(has_text=re.compile(rf"{step}\s*: passed"))).to_be_visible()
    assert BOB in google.apis["google_contacts"].guarded.served
    with stack.sign_in() as ada:
        actions = {entry["action"] for entry in ada.ledger()}
        assert {"client.changed", "account.authorized", "token.released"} <= actions
        assert ada.verify()["ok"]


def test_of_accounts_that_were_removed_no_file_of_the_house_holds_anything(stack: Stack) -> None:
    with stack.sign_in() as ada:
        for each in ada.get("/api/accounts"):
            ada.http.delete(f"/api/accounts/{each['id']}").raise_for_status()

        def are_erased() -> bool | None:
            removed, erased = (
                sorted(each["connector"] for each in ada.ledger() if each["action"] == f"account.{what}")
                for what in ("removed", "erased")
            )
            return (removed == erased and set(removed) == {each.id for each in SERVICES}) or None

        until(are_erased, seconds=30, what="the end of each copy")
    stack.halt()
    for service in SERVICES:
        kept = files.rows(stack.data_dir, service.id)
        assert set(kept) == {"journal"}, (service.id, kept)
