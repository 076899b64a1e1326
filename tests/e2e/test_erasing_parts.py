"""A conversation, a time, an account and the whole house are erased: nothing of them is found, the rest is whole."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e import files
from tests.e2e.stack import OWNER_PASSWORD, Person, Stack, until
from tests.e2e.test_disk import find, written
from tests.e2e.test_erasing import BOB, BOBS_PASSWORD
from tests.e2e.test_story import QUESTION, connect_everything
from tests.peers.house import House, open_house

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

IN_CONVERSATION = [f"planted-talk-{number}-wolverine" for number in range(4)]
IN_PERIOD = [f"planted-time-{number}-wolverine" for number in range(4)]
KEPT = [f"planted-kept-{number}-badger" for number in range(4)]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with ExitStack() as peers:
        yield open_house(peers, mails=60)


@pytest.fixture
def stack(house: House, tmp_path: Path) -> Iterator[Stack]:
    (tmp_path / "tmp").mkdir()
    with Stack(model=house.model, env={"TMPDIR": str(tmp_path / "tmp")}) as stack:
        yield stack


def erase(person: Person, **part: Any) -> None:
    """Erases a part and waits until every room has answered."""
    answer = person.http.post("/api/data/erasing", json={"part": part, "password": OWNER_PASSWORD}, timeout=60)
    assert answer.status_code == 202, answer.text
    until(lambda: not person.get("/api/data/erasing") or None, seconds=90, what="the end of an erasing")


def now() -> str:
    """This moment; a little goes by before and after it, so that nothing is at it."""
    time.sleep(0.05)
    moment = datetime.now(UTC).isoformat()
    time.sleep(0.05)
    return moment


def contents(person: Person, conversation: str) -> set[bool]:
    """Whether records of a conversation hold something."""
    return {each["content"] is not None for each in person.ledger() if each["conversation"] == conversation}


def lies(found: dict[str, bytes], *needles: str) -> set[str]:
    """Which of these lie in which room's files."""
    return {
        f"{needle} in {name}" for name, content in found.items() for needle in needles if needle.encode() in content
    }


def test_parts_that_were_erased_are_nowhere_and_the_rest_is_whole(stack: Stack, house: House, tmp_path: Path) -> None:
    with stack.sign_in() as ada:
        connect_everything(ada, house)
        stack.add_person(BOB, BOBS_PASSWORD)
        with Person(stack.url, BOB, BOBS_PASSWORD) as bob:
            bob.say(bob.converse(), f"Say {KEPT[0]}")
        before, kept = ada.converse(), ada.converse()
        ada.say(before, f"Say {KEPT[1]}")
        talk = ada.converse()
        ada.say(talk, f"{QUESTION} {IN_CONVERSATION[0]}")
        ada.settle(talk)
        ada.post(f"/api/conversations/{talk}/commands", {"command": "find", "fields": {"text": IN_CONVERSATION[1]}})
        ada.settle(talk)
        since = now()
        ada.say(before, f"Say {IN_PERIOD[0]}")
        ada.say(ada.converse(), f"Say {IN_PERIOD[1]}")
        ada.post("/api/memories", {"text": f"The cat is called {IN_PERIOD[2]}", "pinned": True})
        till = now()
        ada.say(kept, f"Say {KEPT[2]}")
        ada.post("/api/memories", {"text": f"The dog is called {KEPT[3]}"})
        leaves = [each["leaf_hash"] for each in ada.ledger()]
        assert contents(ada, talk) == {True, False}  # a turn's start holds nothing
        stack.halt()
        disk = files.pages(stack.data_dir)
        assert len({each.partition(" ")[0] for each in lies(disk, *IN_CONVERSATION[:2], *IN_PERIOD[:3], *KEPT)}) == 9
        assert lies({k: v for k, v in disk.items() if k.startswith("mail/")}, house.seeded.lease_subject)
        stack.launch()

    with stack.sign_in() as ada:
        part: dict[str, Any] = {"what": "conversation", "conversation": talk, "memories": True}
        seen = ada.post("/api/data/erasing/preview", {"part": part})
        assert {(each["room"], each["kind"]) for each in seen["goes"]} >= {
            ("agent", "conversations"), ("audit", "arguments"), ("gateway", "questions"), ("mail", "calls"),
        }  # fmt: skip
        assert seen["away"] == []
        wrong = ada.http.post("/api/data/erasing", json={"part": part, "password": "not-the-password-at-all"})
        assert wrong.status_code == 422
        erase(ada, **part)
        erase(ada, what="period", since=since, until=till)
        assert {each["id"] for each in ada.get("/api/conversations")} == {before, kept}
        said = [each["text"] for each in ada.get(f"/api/conversations/{before}")["messages"] if each["role"] == "user"]
        assert said == [f"Say {KEPT[1]}"]
        assert contents(ada, talk) == {False}
        mail = next(each for each in ada.get("/api/accounts") if each["connector"] == "mail")
        erase(ada, what="source", account=mail["id"], conversations=False, memories=False)
        assert [each["connector"] for each in ada.get("/api/accounts")] == ["caldav"]
        assert [each["leaf_hash"] for each in ada.ledger()][: len(leaves)] == leaves
        assert ada.verify()["ok"]
        require_certificates(ada)

    stack.halt()
    require_gone(stack, house, tmp_path / "tmp")


def require_certificates(ada: Person) -> None:
    """What the ledger says of the three parts: how much of which kind, and nothing of it."""
    told = [each["content"] for each in ada.ledger() if each["action"] == "data.erased"]
    assert [each["what"] for each in told] == ["conversation", "period", "source"]
    assert told[0]["went"]["agent"] == {"conversations": 1}
    assert told[0]["went"]["mail"]["calls"] >= 1
    assert told[1]["went"]["agent"] == {"turns": 2}
    assert told[1]["went"]["gateway"] == {"memories": 1}


def require_gone(stack: Stack, house: House, elsewhere: Path) -> None:
    """Of the parts nothing lies anywhere, and all of the rest does."""
    disk = files.pages(stack.data_dir)
    assert lies(disk, *IN_CONVERSATION, *IN_PERIOD) == set()
    assert lies({k: v for k, v in disk.items() if k.startswith("mail/")}, house.seeded.lease_subject) == set()
    assert len({each.partition(" ")[0] for each in lies(disk, *KEPT)}) == len(KEPT)
    left = [*written(stack), *(each for each in elsewhere.rglob("*") if each.is_file())]
    assert find(left, {words: words for words in (*IN_CONVERSATION, *IN_PERIOD)}) == []


def test_what_is_not_to_be_kept_goes_by_itself_in_a_house_that_runs(stack: Stack, house: House) -> None:
    with stack.sign_in() as ada:
        connect_everything(ada, house)
        for words in (IN_CONVERSATION[0], IN_CONVERSATION[1], KEPT[0]):
            ada.say(ada.converse(), f"Say {words}")
            ada.post("/api/memories", {"text": f"The cat is called {words}"})
        rules = [{"kind": kind, "newest": 1} for kind in ("conversations", "memories", "arguments")]
        seen = ada.post("/api/data/keep/preview", {"rules": rules})
        assert {(each["room"], each["kind"]) for each in seen["goes"]} == {
            ("agent", "conversations"), ("gateway", "memories"), ("audit", "arguments"),
        }  # fmt: skip
        ada.put("/api/data/keep", {"rules": rules})
        until(lambda: ada.get("/api/data/keep")["run"]["at"], seconds=90, what="the first run")
        [left] = ada.get("/api/conversations")
        assert KEPT[0] in left["title"]
        assert [each["text"] for each in ada.get("/api/memories")] == [f"The cat is called {KEPT[0]}"]
        [told] = [each["content"] for each in ada.ledger() if each["action"] == "data.expired"]
        assert told["went"]["agent"] == {"conversations": 2}
        assert told["went"]["gateway"] == {"memories": 2}
        assert ada.verify()["ok"]
    stack.halt()
    assert lies(files.pages(stack.data_dir), *IN_CONVERSATION) == set()


def test_of_a_house_that_was_erased_nothing_is_left_but_the_ledger_and_it_waits_for_an_owner(
    house: House, tmp_path: Path
) -> None:
    with Stack(model=house.model, data_dir=tmp_path / "data") as stack:
        with stack.sign_in() as ada:
            connect_everything(ada, house)
            ada.say(ada.converse(), f"Say {KEPT[0]}")
            stack.add_person(BOB, BOBS_PASSWORD)
            with Person(stack.url, BOB, BOBS_PASSWORD) as bob:
                bob.say(bob.converse(), f"Say {KEPT[1]}")
                refused = bob.http.post(
                    "/api/data/house/erase", json={"password": BOBS_PASSWORD, "confirm": "erase this house"}
                )
                assert refused.status_code == 403
            size = len(ada.ledger())
            untyped = ada.http.post("/api/data/house/erase", json={"password": OWNER_PASSWORD, "confirm": "yes"})
            assert untyped.status_code == 422
            gone = ada.http.post(
                "/api/data/house/erase", json={"password": OWNER_PASSWORD, "confirm": "erase this house"}
            )
            assert gone.status_code == 202, gone.text
        until(lambda: not list(stack.data_dir.rglob("users/*.db")) or None, seconds=90, what="the end of all files")
        assert httpx.get(f"{stack.url}/api/setup", trust_env=False).json()["state"] == "open"
        until(lambda: files_done(stack) or None, seconds=60, what="the last word")
        stack.halt()
        assert files.users(stack.data_dir) == set()
        assert lies(files.pages(stack.data_dir), *KEPT) == set()
        assert names_left(stack) == set()
    with Stack(model=house.model, data_dir=tmp_path / "data", owner=False) as stack:
        assert "/setup#" in stack.setup_url
        token = stack.setup_url.partition("#")[2]
        draft = {"token": token, "username": "ada", "password": OWNER_PASSWORD, "of_age": True}
        headers = {"Origin": stack.url}
        made = httpx.post(f"{stack.url}/api/setup", json=draft, headers=headers, timeout=30, trust_env=False)
        assert made.is_success, made.text
        with Person(stack.url, "ada", OWNER_PASSWORD) as ada:
            found = ada.verify()
            assert found["ok"]
            assert found["size"] > size
            assert ada.get("/api/conversations") == []
            assert ada.get("/api/accounts") == []


def files_done(stack: Stack) -> bool:
    """Whether the gateway has said its last word: then its log of changes is emptied."""
    return "house_erasing" not in str(lies(files.pages(stack.data_dir), "house_erasing"))


def names_left(stack: Stack) -> set[str]:
    return {each.stem for each in stack.data_dir.rglob("users/*.db")}
