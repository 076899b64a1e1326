"""The mail of the Graph double serves a client that others wrote, O365, in the shapes that Microsoft describes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from O365 import Account, MSGraphProtocol
from O365.utils.token import MemoryTokenBackend

from tests.peers.graph import Graph
from tests.peers.graph_mail import Mailbox
from tests.peers.nodes import MODULES, node
from tests.peers.process import MissingPeerError

ADA, CAROL = "ada@home.example", "carol@example.org"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


class _Protocol(MSGraphProtocol):  # type: ignore[misc]  # O365 has no types
    """Microsoft Graph at another address."""

    def __init__(self, url: str) -> None:
        self._protocol_url = url
        super().__init__()
        self.service_url = f"{url}/"


@pytest.fixture(scope="module")
def graph() -> Iterator[Graph]:
    with Graph() as made:
        yield made


@pytest.fixture
def box(graph: Graph) -> Mailbox:
    graph.reset()
    return graph.user(ADA).part(Mailbox)


@pytest.fixture
def outlook(graph: Graph, box: Mailbox) -> Any:
    """Ada's mailbox, as O365 has it."""
    protocol = _Protocol(graph.url)
    account = Account(
        ("obviously-fake-client", "obviously-fake-secret"), protocol=protocol, token_backend=MemoryTokenBackend()
    )
    session = account.con.get_session()
    session.headers["Authorization"] = f"Bearer {graph.user(ADA).token}"
    account.con.session, account.con.requests_delay = session, 0
    return account.mailbox()


@pytest.fixture
def http(graph: Graph, box: Mailbox) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {graph.user(ADA).token}"}
    with httpx.Client(base_url=graph.url, headers=headers) as client:
        yield client


# A client of others


def test_mail_is_listed_and_read(box: Mailbox, outlook: Any) -> None:
    box.add(subject="Lease", text="Please sign.", files=[("plan.txt", "text/plain", b"The plan.")])
    [found] = outlook.inbox_folder().get_messages(download_attachments=True)
    assert (found.subject, found.sender.address, found.get_body_text()) == ("Lease", CAROL, "Please sign.")
    assert [each.name for each in found.attachments] == ["plan.txt"]


def test_mail_is_found_by_filter_and_search(box: Mailbox, outlook: Any) -> None:
    box.add(subject="Lease")
    box.add(subject="Tea", sender="dave@example.com", name="Dave", text="At four?")
    query = outlook.q().equals("subject", "Tea")
    assert [each.subject for each in outlook.get_messages(query=query)] == ["Tea"]
    assert [each.subject for each in outlook.get_messages(query=outlook.q().search("four"))] == ["Tea"]


def test_a_draft_is_saved_changed_and_sent(graph: Graph, box: Mailbox, outlook: Any) -> None:
    message = outlook.new_message()
    message.to.add(CAROL)
    message.subject, message.body = "Tea", "At four?"
    assert message.save_draft()
    [draft] = box.within("drafts")
    message.subject = "Coffee"
    assert message.save_message()
    assert draft.values["subject"] == "Coffee"
    assert message.send()
    assert [each.values["subject"] for each in graph.user(CAROL).part(Mailbox).within("inbox")] == ["Coffee"]


def test_a_mail_is_answered_and_passed_on(graph: Graph, box: Mailbox, outlook: Any) -> None:
    box.add(subject="Lease")
    [found] = outlook.inbox_folder().get_messages()
    answer = found.reply(to_all=False)
    answer.body = "Yes."
    assert answer.send()
    further = found.forward()
    further.to.add(CAROL)
    assert further.send()
    subjects = sorted(each.values["subject"] for each in graph.user(CAROL).part(Mailbox).within("inbox"))
    assert subjects == ["FW: Lease", "RE: Lease"]


def test_mail_is_marked_moved_and_deleted(box: Mailbox, outlook: Any) -> None:
    lease = box.add(subject="Lease")
    [found] = outlook.inbox_folder().get_messages()
    assert found.mark_as_read()
    assert [each.json for each in box.graph.asked if each.method == "PATCH"] == [{"isRead": True}]
    assert lease.values["isRead"] is True
    assert found.move(outlook.archive_folder())
    [found] = outlook.archive_folder().get_messages()
    assert found.delete()
    assert box.within("deleteditems") == [lease]


def test_folders_are_listed_and_made(box: Mailbox, outlook: Any) -> None:
    assert outlook.create_child_folder("Projects")
    assert "Projects" in [each.name for each in outlook.get_folders()]
    assert [each.name for each in box.folders.values()][-1] == "Projects"


def test_automatic_replies_are_set(box: Mailbox, outlook: Any) -> None:
    assert outlook.set_automatic_reply("Away.", "Away.")
    assert box.settings["automaticRepliesSetting"]["internalReplyMessage"] == "Away."


# What bites


def test_an_id_stays_over_a_move_only_where_that_is_asked_for(box: Mailbox, http: httpx.Client) -> None:
    box.add(subject="Lease")
    for headers, same in (({}, False), (IMMUTABLE, True)):
        [found] = http.get("/me/mailFolders/inbox/messages", headers=headers).json()["value"]
        moved = http.post(f"/me/messages/{found['id']}/move", json={"destinationId": "archive"}, headers=headers)
        assert (moved.json()["id"] == found["id"]) is same
        http.post(f"/me/messages/{moved.json()['id']}/move", json={"destinationId": "inbox"}, headers=headers)


def test_a_delta_tells_of_what_came_changed_and_went_once(box: Mailbox, http: httpx.Client) -> None:
    kept = [box.add(subject=f"Tea {number}") for number in range(12)]
    first = http.get("/me/mailFolders/inbox/messages/delta?$select=subject,isRead", headers=IMMUTABLE).json()
    rest = http.get(first["@odata.nextLink"], headers=IMMUTABLE).json()
    assert (len(first["value"]), len(rest["value"])) == (10, 2)
    box.change(kept[0], {"isRead": True})
    box.remove(kept[1])
    changes = http.get(rest["@odata.deltaLink"], headers=IMMUTABLE).json()
    assert {each["id"]: each.get("@removed", each.get("isRead")) for each in changes["value"]} == {
        kept[0].id: True, kept[1].id: {"reason": "deleted"},
    }  # fmt: skip
    assert http.get(changes["@odata.deltaLink"], headers=IMMUTABLE).json()["value"] == []
    box.graph.expire()
    assert http.get(changes["@odata.deltaLink"]).status_code == 410


def test_a_stale_etag_is_refused(box: Mailbox, http: httpx.Client) -> None:
    lease = box.add(subject="Lease")
    found = http.get(f"/me/messages/{lease.id}").json()
    box.change(lease, {"isRead": True})
    answer = http.patch(f"/me/messages/{lease.id}", json={"isRead": False}, headers={"If-Match": found["@odata.etag"]})
    assert (answer.status_code, lease.values["isRead"]) == (412, True)


def test_what_was_sent_is_no_draft_and_is_not_sent_again(box: Mailbox, http: httpx.Client) -> None:
    person = [{"emailAddress": {"address": CAROL}}]
    made = http.post("/me/messages", json={"subject": "Tea", "toRecipients": person}, headers=IMMUTABLE).json()
    assert http.post(f"/me/messages/{made['id']}/send").status_code == 202
    assert http.post(f"/me/messages/{made['id']}/send").status_code == 404
    assert http.get(f"/me/messages/{made['id']}", headers=IMMUTABLE).json()["isDraft"] is False
    assert http.patch(f"/me/messages/{made['id']}", json={"subject": "Other"}).status_code == 400


def test_a_large_file_goes_up_in_pieces_without_a_token(graph: Graph, box: Mailbox, http: httpx.Client) -> None:
    draft = http.post("/me/messages", json={"subject": "Tea"}).json()
    size = 4 * 1024 * 1024
    item = {"AttachmentItem": {"attachmentType": "file", "name": "big.bin", "size": size}}
    session = http.post(f"/me/messages/{draft['id']}/attachments/createUploadSession", json=item).json()
    with httpx.Client() as plain:
        for start in range(0, size, size // 2):
            end = start + size // 2
            span = {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
            answer = plain.put(session["uploadUrl"], content=b"x" * (size // 2), headers=span)
    assert answer.status_code == 201
    assert http.put(session["uploadUrl"], content=b"x").status_code == 401
    assert [len(box.within("drafts")[0].attachments), box.within("drafts")[0].attachments[0]["size"]] == [1, size]


@pytest.mark.parametrize("query", ['$search="tea"&$filter=isRead eq true', "$filter=isRead eq true&$orderby=subject"])
def test_queries_that_outlook_does_not_take_together_are_refused(http: httpx.Client, query: str) -> None:
    assert http.get(f"/me/messages?{query}").status_code == 400


def test_what_was_not_allowed_is_refused(graph: Graph, http: httpx.Client) -> None:
    graph.user(ADA).scopes = {"Mail.Read"}
    assert http.post("/me/messages", json={}).status_code == 403
    assert http.get("/me/messages", headers={"Authorization": "Bearer other"}).status_code == 401


# Microsoft's description


@pytest.mark.slow
def test_answers_have_the_shapes_that_microsoft_describes(box: Mailbox, http: httpx.Client) -> None:
    package = MODULES / "@softeria" / "ms-365-mcp-server"
    if not package.is_dir():
        raise MissingPeerError("@softeria/ms-365-mcp-server is not installed: make peers")
    lease = box.add(subject="Lease", files=[("plan.txt", "text/plain", b"The plan.")])
    asked = {
        "/me/messages": "microsoft_graph_messageCollectionResponse",
        f"/me/messages/{lease.id}": "microsoft_graph_message",
        f"/me/messages/{lease.id}/attachments": "microsoft_graph_attachmentCollectionResponse",
        "/me/mailFolders": "microsoft_graph_mailFolderCollectionResponse",
        "/me/mailFolders/inbox": "microsoft_graph_mailFolder",
        "/me/mailFolders/inbox/messages/delta": "microsoft_graph_messageCollectionResponse",
        "/me/mailboxSettings": "microsoft_graph_mailboxSettings",
        "/me/mailboxSettings/automaticRepliesSetting": "microsoft_graph_automaticRepliesSetting",
    }
    answers = [{"schema": schema, "value": http.get(path).json()} for path, schema in asked.items()]
    odd = {"schema": "microsoft_graph_message", "value": {"subject": 5, "isDraft": "no"}}
    script = MODULES.parents[1] / "scripts" / "graph_answers.mjs"
    ran = subprocess.run(
        node(script, str(package)), input=json.dumps([*answers, odd]), capture_output=True, text=True, check=True,
        timeout=120,
    )  # fmt: skip
    *found, wrong = json.loads(ran.stdout)
    assert found == [[]] * len(asked)
    assert len(wrong) == 2
