"""Gmail in three containers: one of them reads the mailbox, all of them answer, and nothing goes out twice."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from tests.compose.google import ADA, CAROL, MAILS, TOKEN_SECONDS, Google
from tests.compose.project import ComposeProject
from tests.e2e.stack import Person, until
from tests.peers.front import Passed
from tests.peers.house import House
from tests.peers.script import Script, Step, ToolCall, When

pytestmark = [pytest.mark.compose, pytest.mark.needs_dovecot]

Row = dict[str, Any]


@pytest.fixture(scope="module")
def account(project: ComposeProject, google: Google) -> Row:
    """Ada's, read once."""
    with project.sign_in() as ada:
        return google.connect(ada, project)


@pytest.fixture(autouse=True)
def plain(google: Google, peers: House) -> Iterator[None]:
    """Each test has a model and a Gmail of its own behaviour."""
    before = peers.model.script
    yield
    peers.model.script = before
    google.front.change = lambda passed: passed


def calls(person: Person) -> Counter[tuple[str, str]]:
    """What the ledger knows of Gmail's calls: tool, and how it ended."""
    ends = ("tool.finished", "tool.failed", "tool.unknown")
    return Counter((each["tool"], each["action"]) for each in person.ledger()
                   if each["connector"] == "gmail" and each["action"] in ends)  # fmt: skip


def named(ada: Person, tool: str) -> str:
    """What the model calls one of Gmail's tools: another mailbox of Ada's may have one of the same name."""
    used = {each["connector"] for each in ada.get("/api/accounts")} - {"gmail"}
    others = {known["name"] for each in ada.get("/api/connectors") if each["id"] in used for known in each["tools"]}
    return f"gmail__{tool}" if tool in others else tool


def letter(number: int, tool: str) -> Step:
    """Asked for it, the model writes to Carol."""
    call = ToolCall(tool, {"to": [CAROL], "subject": f"Note {number}", "text": f"It is {number}."})
    return Step(when=When(user_says=f"note {number}$", fresh=0), calls=[call])


def notes(ada: Person, *numbers: int) -> Script:
    tool = named(ada, "messages_send")
    return Script(
        [*(letter(number, tool) for number in numbers), Step(when=When(result_of="messages_send"), say="It went out.")]
    )


def asked(ada: Person, *numbers: int) -> list[str]:
    """Conversations, each of which waits for a yes to a note."""
    conversations = []
    for number in numbers:
        conversation = ada.converse()
        ada.say(conversation, f"Send note {number}")
        assert len(ada.pending(conversation)) == 1
        conversations.append(conversation)
    return conversations


def answer_all(project: ComposeProject, conversations: list[str]) -> list[Row]:
    """Says yes in all of them at once; how each ended."""
    with ExitStack() as people, ThreadPoolExecutor(len(conversations)) as threads:
        asking = [people.enter_context(project.sign_in()) for _ in conversations]
        return list(threads.map(lambda ada, each: ada.settle(each, seconds=120), asking, conversations))


def states(views: list[Row]) -> Counter[str]:
    return Counter(call["state"] for view in views for message in view["messages"] for call in message["calls"])


def test_a_mailbox_is_read_once_by_three_instances(
    project: ComposeProject, google: Google, account: Row, ada: Person
) -> None:
    assert len(project.containers("gmail")) == 3
    assert google.read() == Counter(google.ids())
    assert sum(google.read().values()) == MAILS


def test_what_comes_in_is_read_once_however_often_they_are_told_to_look(
    project: ComposeProject, google: Google, account: Row, ada: Person
) -> None:
    before = set(google.ids())
    for number in range(8):
        google.arrives(f"News {number}")
        ada.post(f"/api/accounts/{account['id']}/check", {})
    new = set(google.ids()) - before
    assert len(new) == 8
    until(lambda: new <= set(google.read()) or None, seconds=90, what="the new mails")
    until(lambda: ada.synced(account["id"])["sync"]["done"] == MAILS + 8 or None, seconds=90, what="the end of it")
    assert set(google.read().values()) == {1}


def test_fifty_calls_at_once_with_tokens_of_five_seconds_all_succeed(
    project: ComposeProject, google: Google, account: Row, ada: Person, peers: House
) -> None:
    tool = named(ada, "messages_read")
    reads = [ToolCall(tool, {"message": each}) for each in google.ids()[:50]]
    peers.model.script = Script(
        [
            Step(when=When(user_says="fifty", fresh=0), calls=reads),
            Step(when=When(result_of="messages_read", fresh=50), say="All are read."),
        ]
    )
    before, refreshed = calls(ada), google.door.refreshes
    for _ in range(2):
        time.sleep(TOKEN_SECONDS)  # the token at hand is over by then
        conversation = ada.converse()
        ada.say(conversation, "Read fifty of them")
        assert states([ada.settle(conversation, seconds=120)]) == {"done": 50}
    until(lambda: (calls(ada) - before).total() >= 100 or None, seconds=20, what="the record of every outcome")
    assert calls(ada) - before == {("messages_read", "tool.finished"): 100}
    assert google.door.refreshes >= refreshed + 2
    assert google.door.most_at_once == 1


def test_six_mails_allowed_at_once_go_out_once_each(
    project: ComposeProject, google: Google, account: Row, ada: Person, peers: House
) -> None:
    numbers = range(6)
    peers.model.script = notes(ada, *numbers)
    views = answer_all(project, asked(ada, *numbers))
    assert states(views) == {"done": 6}
    assert google.received(CAROL) == {f"Note {number}": 1 for number in numbers}


def test_what_gmail_did_and_did_not_answer_is_not_sent_again_by_another_instance(
    project: ComposeProject, google: Google, account: Row, ada: Person, peers: House
) -> None:
    peers.model.script = notes(ada, 11, 12)
    conversations = asked(ada, 11, 12)
    google.front.break_off("POST", "/drafts/send", times=2, done=True)
    assert states(answer_all(project, conversations)) == {"done": 2}
    assert {subject: count for subject, count in google.received(CAROL).items() if subject in ("Note 11", "Note 12")} \
        == {"Note 11": 1, "Note 12": 1}  # fmt: skip


def test_when_all_three_die_in_the_middle_of_a_mail_it_is_there_once(
    project: ComposeProject, google: Google, account: Row, ada: Person, peers: House
) -> None:
    peers.model.script = notes(ada, 21)
    [conversation] = asked(ada, 21)
    sent, go_on = threading.Event(), threading.Event()

    def late(passed: Passed) -> Passed:
        if passed.method == "POST" and passed.path.endswith("/drafts/send") and passed.status < 300:
            sent.set()
            go_on.wait(60)
            return replace(passed, status=504, answered=b"", headers={})
        return passed

    google.front.change = late
    [waiting] = ada.pending(conversation)
    ada.decide(waiting["id"], "approve")
    try:
        assert sent.wait(60)
        instances = project.containers("gmail")
        for each in instances:
            each.kill()
    finally:
        go_on.set()
    google.front.change = lambda passed: passed
    for each in instances:
        each.start()
    view = ada.settle(conversation, seconds=180)
    assert google.received(CAROL)["Note 21"] == 1
    assert set(states([view])) <= {"done", "unknown"}
    assert ada.verify()["ok"]


def test_a_removed_account_is_erased_in_all_of_them_and_ended_at_the_provider(
    project: ComposeProject, google: Google, account: Row, ada: Person
) -> None:
    assert not google.guarded.is_over()
    gone = ada.http.delete(f"/api/accounts/{account['id']}", timeout=60)
    assert gone.json()["at_provider"] == "revoked"
    assert google.door.ended == [ADA]
    assert google.guarded.is_over()
    until(
        lambda: any(each["action"] == "account.erased" for each in ada.ledger()) or None,
        seconds=60,
        what="the word that its copy is deleted",
    )
    for instance in range(3):
        container = project.containers("gmail")[instance]
        status, found = container.exec_run(["sh", "-c", f"find /data -name '*{account['id']}*'"])
        assert (status, found.decode().strip()) == (0, "")
    assert ada.verify()["ok"]
