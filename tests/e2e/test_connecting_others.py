"""Microsoft's services, Notion and WhatsApp: each is connected in a browser, read, changed and set right, and sends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import connecting, files
from tests.e2e.browser import chromium, window
from tests.e2e.connecting import Act
from tests.e2e.stack import Person, Stack
from tests.peers.front import Front, Passed
from tests.peers.graph import Graph
from tests.peers.graph_calendar import Calendars, Mail
from tests.peers.graph_calendar import routes as calendar_routes
from tests.peers.graph_mail import Mailbox
from tests.peers.graph_mail import routes as mail_routes
from tests.peers.guarded import Guarded
from tests.peers.model import ModelServer
from tests.peers.notion import TOKEN, NotionServer
from tests.peers.oidc import OidcProvider
from tests.peers.onedrive import CompletedOneDrive, OneDriveMock, Storage
from tests.peers.script import ToolCall
from tests.peers.tokens import TokenDoor
from tests.peers.whatsapp import Push, WhatsAppPeer

pytestmark = pytest.mark.e2e

ADA, CAROL = "ada@home.example", "carol@example.org"
SERVICES = ("outlook_calendar", "outlook_mail", "notion", "onedrive", "whatsapp")
GRANTED = (
    "openid", "email", "offline_access", "Calendars.Read", "Calendars.ReadWrite", "Mail.Read", "Mail.ReadWrite",
    "Mail.Send", "Files.Read", "Files.ReadWrite", "Files.ReadWrite.AppFolder",
)  # fmt: skip
SOON = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
VERIFY = "not-a-real-verify-token"


@dataclass
class House:
    """The product with all of these connectors, a model, a browser, and Microsoft, who is asked for consent."""

    stack: Stack
    model: ModelServer
    browser: Browser
    microsoft: OidcProvider

    @contextmanager
    def visit(self, *acts: Act, door: TokenDoor | None = None) -> Iterator[tuple[Page, Person]]:
        """Its owner in a window, with a model for these acts; in the end nothing is connected any more.

        `door`: where consent is asked for, if that is another place than the provider's.
        """
        self.model.script = connecting.script(*acts)
        with self.stack.sign_in() as ada:
            try:
                with window(self.browser, self.stack.url) as (page, watch):
                    connecting.leave_to(watch, self.microsoft, self.stack)
                    if door is not None:
                        watch.leave_to(door.url.rstrip("/"))
                    connecting.enter(page, watch)
                    yield page, ada
            finally:
                for each in ada.get("/api/accounts"):
                    ada.http.delete(f"/api/accounts/{each['id']}").raise_for_status()

    @contextmanager
    def guarded(self, target: str, token: str) -> Iterator[Guarded]:
        """An API behind Microsoft's tokens, which names its next pages as it is reached here."""
        with Guarded(target, self.microsoft, {ADA: token}) as api:
            api.change = _at_home(api)
            yield api


def _at_home(api: Front) -> Callable[[Passed], Passed]:
    there, here = api.target.encode(), api.url.rstrip("/").encode()
    return lambda passed: replace(passed, answered=passed.answered.replace(there, here))


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with ExitStack() as parts:
        microsoft = parts.enter_context(OidcProvider())
        model = parts.enter_context(ModelServer())
        stack = parts.enter_context(Stack(model=model, connectors=SERVICES))
        yield House(stack, model, parts.enter_context(chromium()), microsoft)


@pytest.fixture
def graph() -> Iterator[Graph]:
    with Graph((ADA, CAROL), routes=(*mail_routes, *calendar_routes)) as graph:
        yield graph


def connect_at_microsoft(page: Page, house: House, service: str, api: Guarded, *ticked: str, holds: str) -> None:
    connecting.open_service(page, service, provider="Microsoft")
    connecting.register(page, house.microsoft, house.stack.way_back, name="Microsoft", scopes=GRANTED)
    connecting.tick(page, *ticked)
    connecting.settle(page, {"Address of the API": api.url})
    connecting.go_to_provider(page, "Microsoft")
    connecting.say_yes(page, ADA)
    connecting.came_back(page, house.stack)
    card = connecting.card(page, service, ADA)
    connecting.is_up_to_date(card)
    expect(card).to_contain_text(f"Up to date: {holds}")


def changes(api: Guarded) -> list[str]:
    """What Microsoft was asked to change and did, in order: each by its method and the end of its path."""
    made = [each for each in api.seen if each.method != "GET" and each.status < 300]
    return [f"{each.method} {unquote(each.path.rpartition('/')[2])}" for each in made]


def is_written_down(ada: Person, connector: str, *calls: tuple[str, str]) -> None:
    """Each call of the service in the ledger, begun and done, and the ledger is whole."""
    assert connecting.calls(ada, connector) == [(tool, effect, "done") for tool, effect in calls]
    assert ada.verify()["ok"]


def test_outlook_calendar(house: House, graph: Graph) -> None:
    mine, hers = (graph.user(each).part(Calendars) for each in (ADA, CAROL))
    hers.add("Lease", f"{SOON}T14:00:00", attendees=[{"emailAddress": {"address": ADA}}])

    def titles() -> list[str]:
        return sorted(each.values["subject"] for each in mine.events.values())

    look = Act("Who wants to meet me?", [ToolCall("invitations_list")], "Carol, about the lease.", finds="Lease")
    put = Act(
        "I go to the dentist before that.",
        [ToolCall("events_create", {"title": "Dentist", "start": f"{SOON}T09:00:00"})],
        "It is in your calendar.",
        asks="Create an event", shows=["Dentist"], yes="Create",
    )  # fmt: skip
    accept = Act(
        "Tell Carol that I come.",
        [ToolCall("invitations_answer", {"event": "{{earlier.invitations_list..id}}", "answer": "accept"})],
        "Carol knows.",
        asks="Accept an invitation", shows=[CAROL], yes="Accept",
    )  # fmt: skip
    with house.guarded(graph.origin, graph.user(ADA).token) as api, house.visit(look, put, accept) as (page, ada):
        connect_at_microsoft(page, house, "Outlook Calendar", api, "Read your", "Create and change", holds="1 events")
        connecting.new_conversation(page)
        connecting.perform(page, look)
        connecting.perform(page, put, still=titles)
        assert titles() == ["Dentist", "Lease"]
        [dentist] = [each.id for each in mine.events.values() if each.values["subject"] == "Dentist"]
        connecting.take_back(page, still=titles)
        assert titles() == ["Lease"]
        connecting.perform(page, accept, still=lambda: list(mine.mails))
        assert changes(api) == ["POST events", f"DELETE {dentist}", "POST accept"]
        assert mine.mails == [Mail("accepted", CAROL, "Lease")]
        [event] = hers.events.values()
        assert [each["status"]["response"] for each in event.values["attendees"]] == ["accepted"]
        is_written_down(
            ada, "outlook_calendar", ("invitations_list", "read"), ("events_create", "write"),
            ("actions_undo", "write"), ("invitations_answer", "send"),
        )  # fmt: skip
        connecting.disconnect(page, ada, "Outlook Calendar", connector="outlook_calendar", consent="unsupported")


def test_outlook_mail(house: House, graph: Graph) -> None:
    mine, hers = (graph.user(each).part(Mailbox) for each in (ADA, CAROL))
    letter = mine.add(subject="Lease", text="Please sign the lease.")

    def archived() -> list[str]:
        return [each.values["subject"] for each in mine.within("archive")]

    search = ToolCall("messages_search", {"query": "lease"})
    look = Act("What about the lease?", [search], "Carol wants you to sign.", finds="Please sign the lease.")
    file = Act(
        "File it.",
        [ToolCall("messages_archive", {"messages": ["{{earlier.messages_search..id}}"]})],
        "It is in the archive.",
        asks="Archive", shows=["Lease"], yes="Archive",
    )  # fmt: skip
    reply = Act(
        "Tell her that I sign on Friday.",
        [ToolCall("messages_reply", {"message": "{{earlier.messages_search..id}}", "text": "I sign on Friday."})],
        "Carol knows.",
        asks="Send an answer", shows=[CAROL, "I sign on Friday."], yes="Send",
    )  # fmt: skip
    with house.guarded(graph.origin, graph.user(ADA).token) as api, house.visit(look, file, reply) as (page, ada):
        connect_at_microsoft(page, house, "Outlook Mail", api, "Read", "Write drafts", "Send mail", holds="1 mails")
        connecting.new_conversation(page)
        connecting.perform(page, look)
        connecting.perform(page, file, still=archived)
        assert archived() == ["Lease"]
        connecting.take_back(page, still=archived)
        assert mine.within("inbox") == [letter]
        connecting.perform(page, reply, still=lambda: list(mine.sent))
        assert changes(api) == ["POST move", "POST move", "POST createReply", "POST send"]
        [sent] = mine.sent
        [received] = hers.within("inbox")
        assert (received.values["subject"], received.values["internetMessageId"]) == (
            "Re: Lease", sent.values["internetMessageId"],
        )  # fmt: skip
        assert mine.within("drafts") == []
        is_written_down(
            ada, "outlook_mail", ("messages_search", "read"), ("messages_archive", "write"), ("actions_undo", "write"),
            ("messages_reply", "send"),
        )  # fmt: skip
        connecting.disconnect(page, ada, "Outlook Mail", connector="outlook_mail", consent="unsupported")


def test_notion(house: House) -> None:
    look = Act(
        "What is the rent?", [ToolCall("pages_search", {"query": "lease"})], "It is 900.", finds="The rent is 900."
    )
    add = Act(
        "Write down that it was paid.",
        [ToolCall("pages_append", {"page": "{{earlier.pages_search..id}}", "content": "It was paid."})],
        "It stands there.",
        asks="Add", shows=["It was paid."], yes="Add",
    )  # fmt: skip
    comment = Act(
        "Tell the others.",
        [ToolCall("comments_create", {"page": "{{earlier.pages_search..id}}", "text": "The rent is paid."})],
        "They know.",
        asks="Comment on a page", shows=["The rent is paid."], yes="Comment",
    )  # fmt: skip
    with NotionServer() as notion, house.visit(look, add, comment) as (page, ada):
        lease = notion.page("Lease", "The rent is 900.")
        connecting.open_service(page, "Notion")
        connecting.connect_by_token(page, {"Token": TOKEN, "Address of the API": notion.url})
        card = connecting.card(page, "Notion")
        connecting.is_up_to_date(card, tried=False)
        expect(card).to_contain_text("Up to date: 1 pages")
        connecting.new_conversation(page)
        connecting.perform(page, look)
        connecting.perform(page, add, still=lambda: notion.texts[lease])
        assert notion.texts == {lease: "The rent is 900.\nIt was paid."}
        connecting.take_back(page, still=lambda: notion.texts[lease])
        assert notion.texts == {lease: "The rent is 900."}
        connecting.perform(page, comment, still=lambda: len(notion.comments))
        [said] = notion.comments.values()
        assert (said["parent"]["page_id"], said["rich_text"][0]["plain_text"]) == (lease, "The rent is paid.")
        is_written_down(
            ada, "notion", ("pages_search", "read"), ("pages_append", "write"), ("actions_undo", "write"),
            ("comments_create", "send"),
        )  # fmt: skip
        connecting.disconnect(page, ada, "Notion", connector="notion", consent=None)


def test_notion_by_its_own_sign_in(house: House) -> None:
    look = Act(
        "What is the rent?", [ToolCall("pages_search", {"query": "lease"})], "It is 900.", finds="The rent is 900."
    )
    provider = house.microsoft
    with (
        NotionServer() as notion,
        TokenDoor(provider, scope="openid email") as door,
        Guarded(notion.url, provider, {ADA: TOKEN}) as api,
        house.visit(look, door=door) as (page, ada),
    ):
        notion.page("Lease", "The rent is 900.")
        connecting.open_service(page, "Notion")
        page.get_by_role("button", name="sign in at Notion").click()
        expect(page.get_by_role("heading", name="Register this house with Notion")).to_be_visible()
        connecting.register(page, provider, house.stack.way_back, name="Notion", scopes=(), door=door)
        connecting.tick(page, "Find and read", "Write pages")
        connecting.settle(page, {"Address of the API": api.url})
        connecting.go_to_provider(page, "Notion")
        connecting.say_yes(page, ADA)
        connecting.came_back(page, house.stack)
        card = connecting.card(page, "Notion")
        connecting.is_up_to_date(card)
        expect(card).to_contain_text("Up to date: 1 pages")
        connecting.new_conversation(page)
        connecting.perform(page, look)
        assert not api.is_over()
        connecting.disconnect(page, ada, "Notion", connector="notion", consent="revoked")
        assert api.is_over()


@pytest.fixture
def drive() -> Iterator[CompletedOneDrive]:
    """A drive with one file in it."""
    with OneDriveMock() as mock, Storage() as storage, CompletedOneDrive(mock.url, storage) as drive:
        about = {"id": "lease", "name": "Lease.txt", "file": {"mimeType": "text/plain"}}
        mock.ask("POST", "/v1.0/me/drive/items/root/children", json=about)
        mock.ask(
            "PUT", "/v1.0/me/drive/items/lease/content", content=b"It ends.", headers={"Content-Type": "text/plain"}
        )
        yield drive


def test_onedrive(house: House, drive: CompletedOneDrive) -> None:
    def names() -> list[str]:
        signed = {"Authorization": f"Bearer {OneDriveMock.token}"}
        found = httpx.get(f"{drive.target}/v1.0/me/drive/items/root/children", headers=signed).raise_for_status()
        return [each["name"] for each in found.json()["value"] if "file" in each]

    look = Act(
        "Where is the lease?", [ToolCall("files_search", {"query": "lease"})], "In Lease.txt.", finds="Lease.txt"
    )
    rename = Act(
        "Call it the old lease.",
        [ToolCall("files_rename", {"file": "{{earlier.files_search..id}}", "name": "Old lease.txt"})],
        "It is called so.",
        asks="Rename a file", shows=["Lease.txt", "Old lease.txt"], yes="Rename",
    )  # fmt: skip
    share = Act(
        "Show it to Carol.",
        [ToolCall("files_share", {"file": "{{earlier.files_search..id}}", "person": CAROL, "message": "Here it is."})],
        "Carol can read it.",
        asks="Share a file", shows=[CAROL, "Here it is."], yes="Share",
    )  # fmt: skip
    with house.guarded(drive.url, OneDriveMock.token) as api, house.visit(look, rename, share) as (page, ada):
        connect_at_microsoft(page, house, "OneDrive", api, "Find and read", "Change and", "Share", holds="2 files")
        connecting.new_conversation(page)
        connecting.perform(page, look)
        connecting.perform(page, rename, still=names)
        assert names() == ["Old lease.txt"]
        connecting.take_back(page, still=names)
        assert names() == ["Lease.txt"]
        connecting.perform(page, share, still=lambda: list(drive.mails))
        assert changes(api) == ["PATCH lease", "PATCH lease", "POST invite"]
        assert drive.mails == [(CAROL, "Here it is.")]
        [[access]] = drive.permissions.values()
        assert (access["roles"], access["grantedToV2"]["user"]["email"]) == (["read"], CAROL)
        is_written_down(
            ada, "onedrive", ("files_search", "read"), ("files_rename", "write"), ("actions_undo", "write"),
            ("files_share", "send"),
        )  # fmt: skip
        connecting.disconnect(page, ada, "OneDrive", connector="onedrive", consent="unsupported")


def _knock(hook: str, push: Push) -> None:
    assert httpx.post(hook, content=push.body, headers=push.headers).status_code == 200


def test_whatsapp(house: House) -> None:
    look = Act("Who wrote on WhatsApp?", [ToolCall("chats_list")], "Carol wants to move in.", finds="May I move in?")
    greeting = ToolCall("messages_send", {"chat": "{{earlier.chats_list..id}}", "text": "Friday is fine."})
    late = Act("Tell her that Friday is fine.", [greeting], "She has to write once more before.", finds="24 hours")
    block = Act(
        "Block her.",
        [ToolCall("contacts_block", {"chat": "{{earlier.chats_list..id}}"})],
        "She is blocked.",
        asks="Block somebody on WhatsApp", shows=["Carol Meyer"], yes="Block",
    )  # fmt: skip
    reply = Act(
        "She wrote. Tell her now.",
        [greeting],
        "Carol knows.",
        asks="Send a WhatsApp message", shows=["Carol Meyer", "Friday is fine."], yes="Send",
    )  # fmt: skip
    with WhatsAppPeer() as meta, house.visit(look, late, block, reply) as (page, ada):
        carol = meta.person("16505551234", "US.1", "Carol Meyer")
        connecting.open_service(page, "WhatsApp")
        connecting.connect_by_token(
            page,
            {
                "Phone number ID": meta.phone_number_id, "WhatsApp Business Account ID": meta.waba_id,
                "Access token": meta.token, "App secret": meta.app_secret, "Verify token": VERIFY,
                "Address of the API": meta.url,
            },
        )  # fmt: skip
        card = connecting.card(page, "WhatsApp")
        connecting.is_up_to_date(card, tried=False)
        card.get_by_text("Address for its provider").click()
        hook = f"{house.stack.url}{card.get_by_text(re.compile('^/hooks/')).inner_text()}"
        _knock(hook, meta.says(carol, "May I move in?", ago=25 * 3600))
        connecting.new_conversation(page)
        connecting.perform(page, look)
        connecting.perform(page, late)
        assert meta.sent == []
        _knock(hook, meta.says(carol, "On Friday?"))
        connecting.perform(page, block, still=lambda: list(meta.blocked))
        assert meta.blocked == [carol.phone]
        connecting.take_back(page, still=lambda: list(meta.blocked))
        assert meta.blocked == []
        connecting.perform(page, reply, still=lambda: len(meta.sent))
        [sent] = meta.sent
        assert (sent["who"], sent["body"]["text"]["body"]) == (carol, "Friday is fine.")
        is_written_down(
            ada, "whatsapp", ("chats_list", "read"), ("contacts_block", "write"), ("actions_undo", "write"),
            ("messages_send", "send"),
        )  # fmt: skip
        connecting.disconnect(page, ada, "WhatsApp", connector="whatsapp", consent=None)


def test_of_accounts_that_were_removed_no_file_of_the_house_holds_anything(house: House) -> None:
    house.stack.halt()
    for service in SERVICES:
        kept = files.rows(house.stack.data_dir, service)
        assert set(kept) == {"journal"}, (service, kept)
