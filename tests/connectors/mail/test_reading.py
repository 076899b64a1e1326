"""What is found and read, with whom it is from; searches of any shape are answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlcipher3 import dbapi2

import openassistant
from connectors.mail import mirror, search
from connectors.mail.folders import Folder
from connectors.mail.message import Mail
from connectors.mail.mirror import Letter
from connectors.mail.threads import conversation
from openassistant.connector import outside_sources
from openassistant.errors import NotFound
from openassistant.formats.addresses import Address
from openassistant.mails.query import parse_query
from openassistant.store import Migrations, Store
from tests.peers.mailbox import ADA, CAROL, add_letter
from tests.peers.mailbox import Letter as Delivered

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MIGRATIONS = Migrations(
    {
        "sdk": Path(openassistant.__file__).parent / "migrations" / "user",
        "own": Path(mirror.__file__).parent / "migrations",
    }
)


async def test_mails_are_found_newest_first_with_all_words(read: Any) -> None:
    found = await read.search("lease")
    assert found == sorted(found, key=lambda each: each["date"], reverse=True)
    assert found[0]["subject"]["text"] == "Re: The lease for Linden Street 12"
    assert {each["id"] for each in await read.search("lease signatures")} == {found[0]["id"]}


async def test_a_search_narrows_by_person_folder_and_state(read: Any) -> None:
    assert {each["folder"] for each in await read.search("lease in:sent")} == {"Sent"}
    assert all("carol@example.org" in each["sender"]["text"] for each in await read.search("from:carol lease"))
    assert all(each["unread"] for each in await read.search("lease is:unread"))
    assert await read.search("lease before:2001-01-01") == []


async def test_words_that_never_meet_find_the_mails_that_fit_best(read: Any) -> None:
    result = await read.house.call("messages_search", query="what did Carol write about the lease")
    assert result["note"] == "No mail has all of these words; these have some of them."
    assert result["messages"][0]["sender"]["text"] == "Carol Meyer <carol@example.org>"


async def test_spam_and_trash_are_found_only_when_asked_for(read: Any) -> None:
    spam = Delivered("M <m@example.net>", "a@b.example", "Quinces", "x", datetime.now(UTC), "<q@example.net>", ".Junk")
    add_letter(read.maildir, spam, owner=read.imap.owner)
    await read.sync()
    assert await read.search("quinces") == []
    assert len(await read.search("quinces in:junk")) == 1


async def test_what_is_found_says_who_could_have_written_it(read: Any) -> None:
    result = await read.house.send(read.house.make("messages_search", query="from:carol lease"))
    assert {author for each in result.outside for author in each.authors} == {"carol@example.org"}
    assert {each.source for each in result.outside} == {"a mail from carol@example.org"}


async def test_a_search_takes_person_dates_folder_and_state_as_arguments(read: Any) -> None:
    find = partial(read.house.call, "messages_search")
    everything = (await find(limit=100))["messages"]
    carol = (await find(sender="carol@example.org", query="lease"))["messages"]
    assert carol
    assert all("carol@example.org" in each["sender"]["text"] for each in carol)
    sent = (await find(folder="Sent", recipient="carol"))["messages"]
    assert sent
    assert all(each["folder"] == "Sent" and "carol" in each["recipients"]["text"] for each in sent)
    day = everything[0]["date"][:10]
    newer = (await find(after=day, limit=100))["messages"]
    older = (await find(before=day, limit=100))["messages"]
    assert [*newer, *older] == everything
    with_files = (await find(has_attachment=True, limit=100))["messages"]
    assert {each["id"] for each in everything if each["attachments"]} == {each["id"] for each in with_files}
    assert await read.search("has:attachment", limit=100) == with_files
    assert all(each["unread"] for each in (await find(unread=True))["messages"])
    assert (await find(flagged=True))["messages"] == []


async def test_a_full_page_says_that_there_may_be_more(read: Any) -> None:
    result = await read.house.call("messages_search", limit=3)
    assert "There may be older ones" in result["note"]


async def test_an_error_about_a_folder_names_none_that_another_may_have_named(read: Any) -> None:
    with pytest.raises(NotFound, match="folders_list names") as refusal:
        await read.house.call("messages_search", folder="Attic")
    assert "Archive" not in refusal.value.message


async def test_folders_are_listed_with_their_role_and_numbers(read: Any) -> None:
    folders = {each["name"]["text"]: each for each in (await read.house.call("folders_list"))["folders"]}
    assert {"INBOX", "Sent", "Drafts", "Trash", "Archive", "Junk"} <= set(folders)
    assert {name: each["mails"] for name, each in folders.items() if each["mails"]} == read.seeded.folders
    assert folders["Junk"]["role"] == "junk"
    assert folders["INBOX"]["read"]


async def test_what_an_answer_repeats_is_folded_and_shown_when_asked_for(read: Any) -> None:
    lease, now = read.seeded.lease_message_id, datetime.now(UTC)
    body = "Agreed.\n\nCarol\n-- \nCarol Meyer\n\nOn Monday Ada <ada@home.example> wrote:\n> I read it.\n> Friday?"
    letter = Delivered(CAROL, ADA, "Re: lease", body, now, "<agreed@example.org>", references=(lease,))
    add_letter(read.maildir, letter, owner=read.imap.owner)
    await read.sync()
    [found] = await read.search("agreed subject:lease")
    folded = (await read.house.call("threads_read", message=found["id"]))["messages"][-1]
    assert (folded["text"]["text"], folded["signature"]["text"], folded["folded"]) == (
        "Agreed.\n\nCarol",
        "Carol Meyer",
        3,
    )
    assert folded["quoted"] is None
    shown = (await read.house.call("threads_read", message=found["id"], quotes=True))["messages"][-1]
    assert "> I read it." in shown["quoted"]["text"]
    assert shown["quoted"]["authors"] == ["carol@example.org"]


async def test_a_quote_of_a_mail_that_is_not_there_stays_readable(read: Any) -> None:
    body = "See below.\n\nOn Monday Bob wrote:\n> The boiler is broken."
    letter = Delivered(CAROL, ADA, "Boiler", body, datetime.now(UTC), "<boiler@example.org>")
    add_letter(read.maildir, letter, owner=read.imap.owner)
    await read.sync()
    [found] = await read.search("subject:boiler")
    [shown] = (await read.house.call("threads_read", message=found["id"]))["messages"]
    assert "The boiler is broken." in shown["quoted"]["text"]
    assert shown["folded"] == 0


async def test_a_mailbox_that_is_not_read_yet_says_so(post: Any) -> None:
    result = await post.house.call("messages_search", query="lease")
    assert result == {"messages": [], "note": "The mailbox is still being read, so there may be more."}


async def test_a_conversation_is_read_oldest_first_across_folders(read: Any) -> None:
    thread = await read.house.call("threads_read", message=await read.lease())
    assert [each["folder"] for each in thread["messages"]] == ["INBOX", "Sent", "INBOX"]
    assert "read section 4" in thread["messages"][-1]["text"]["text"]
    assert "pdf" in thread["messages"][-1]["attachments"]["text"]


async def test_an_id_that_is_none_is_not_found(read: Any) -> None:
    for wrong in ("", "x", "-1", "9" * 18, "1 OR 1"):
        with pytest.raises(NotFound):
            await read.house.call("threads_read", message=wrong)


class Ground:
    """A mirror in memory."""

    def __init__(self) -> None:
        made = dbapi2.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection = create_engine("sqlite://", creator=lambda: made, module=dbapi2).connect()
        MIGRATIONS.run(self.connection, MIGRATIONS.pending(self.connection))
        self.folder = mirror.open_folder(self.connection, "a", Folder(b"INBOX", "INBOX", "inbox"), 1)

    def add(self, *mails: Mail) -> list[int]:
        first = max(mirror.known_uids(self.connection, self.folder), default=0) + 1
        letters = [Letter(uid, 0, mail.date or NOW, 100, mail) for uid, mail in enumerate(mails, first)]
        return mirror.add(self.connection, "a", self.folder, letters, sent=False)

    def conversation(self, message: int) -> list[search.Found]:
        chosen = search.message(self.connection, "a", str(message))
        return conversation(self.connection, "a", chosen, limit=30)

    def threads(self) -> list[set[str]]:
        rows = self.connection.exec_driver_sql("SELECT thread, message_id FROM mail_messages").all()
        return [{row.message_id for row in rows if row.thread == each} for each in {row.thread for row in rows}]


@pytest.fixture(scope="module")
def ground() -> Ground:
    made = Ground()
    made.add(Mail("one@example.org", subject="Quinces", sender=Address("carol@example.org", "Carol"), text="A text"))
    return made


@settings(deadline=None)
@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from([*'"()*:^-+{}', "OR", "AND", "NOT", "NEAR", "from:", "a"])).map(" ".join)
)
def test_any_search_is_answered(ground: Ground, wanted: str) -> None:
    query = parse_query(wanted)
    for loose in (False, True):
        assert len(search.find(ground.connection, "a", query, limit=5, loose=loose)) <= 1


@settings(deadline=None, max_examples=40)
@given(st.permutations(range(6)))
def test_a_conversation_is_one_thread_in_whatever_order_its_mails_come(order: list[int]) -> None:
    ground = Ground()
    chain = [
        Mail(f"{n}@example.org", references=tuple(f"{m}@example.org" for m in range(max(n - 2, 0), n)))
        for n in range(6)
    ]
    for place in order:
        ground.add(chain[place])
    assert ground.threads() == [{mail.message_id for mail in chain}]


def test_two_conversations_stay_two() -> None:
    ground = Ground()
    ground.add(Mail("a1@x.example"), Mail("b1@x.example"), Mail("a2@x.example", references=("a1@x.example",)))
    assert sorted(map(len, ground.threads())) == [1, 2]


def asked(**changes: Any) -> Mail:
    plain = Mail("q@x.example", subject="Keys", sender=Address("ada@home.example"), to=(Address("carol@example.org"),))
    return plain._replace(date=NOW, **changes)


def answer(**changes: Any) -> Mail:
    plain = Mail("a@y.example", subject="RE: keys", sender=Address("carol@example.org"))
    return plain._replace(to=(Address("ada@home.example"),), date=NOW + timedelta(hours=1))._replace(**changes)


@pytest.mark.parametrize("chosen", [0, 1])
def test_an_answer_that_names_nothing_joins_by_subject_when_it_goes_back_the_way(chosen: int) -> None:
    ground = Ground()
    ids = ground.add(asked(), answer())
    assert [each.id for each in ground.conversation(ids[chosen])] == sorted(ids)


@pytest.mark.parametrize(
    "stranger",
    [
        answer(sender=Address("mallory@example.net")),
        answer(to=(Address("bob@home.example"),)),
        answer(subject="Keys"),
        answer(subject="Re: Keys to the cellar"),
        answer(date=NOW - timedelta(days=1)),
        answer(date=NOW + timedelta(days=61)),
        answer(references=("elsewhere@z.example",)),
    ],
    ids=["sender", "recipient", "no answer", "subject", "earlier", "much later", "answers another"],
)
def test_a_stranger_joins_no_conversation_by_its_subject(stranger: Mail) -> None:
    ground = Ground()
    first, second = ground.add(asked(), stranger)
    assert [each.id for each in ground.conversation(first)] == [first]
    assert [each.id for each in ground.conversation(second)] == [second]


def test_copies_of_one_mail_get_ids_of_their_own_and_are_found_once() -> None:
    ground = Ground()
    ids = ground.add(*[Mail("same@example.org", subject="Quinces")] * 3)
    assert len(set(ids)) == 3
    assert len(search.find(ground.connection, "a", parse_query("quinces"), limit=5)) == 1


async def test_one_account_never_finds_the_mails_of_another(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "user.db", bytes(32), MIGRATIONS)
    letter = Letter(1, 0, datetime(2026, 11, 23, tzinfo=UTC), 10, Mail("one@example.org", subject="Quinces"))

    def write(connection: Any) -> list[int]:
        folder = mirror.open_folder(connection, "one", Folder(b"INBOX", "INBOX", "inbox"), 1)
        return mirror.add(connection, "one", folder, [letter], sent=False)

    [message] = await store.write(write)
    assert await store.read(lambda c: search.find(c, "two", parse_query("quinces"), limit=5)) == []
    with pytest.raises(NotFound):
        await store.read(lambda c: search.message(c, "two", str(message)))
    await store.close()


def test_no_source_is_lost_on_the_way_out() -> None:
    from connectors.mail.views import SearchResult, summary_of

    ground = Ground()
    [number] = ground.add(Mail("one@example.org", subject="Quinces", sender=Address("carol@example.org")))
    shown = SearchResult(messages=[summary_of(search.message(ground.connection, "a", str(number)), "")])
    assert [each.authors for each in outside_sources(shown)] == [("carol@example.org",)]
