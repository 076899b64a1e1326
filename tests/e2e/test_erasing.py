"""A person who has everything of his erased: nothing of it is found again, and whoever else lives there keeps his."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e import files
from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_disk import find, written
from tests.e2e.test_story import QUESTION, connect_everything
from tests.peers.house import House, open_house

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

BOB, BOBS_PASSWORD = "bob", "not-a-real-password-of-bob"
PLANTED = [f"planted-{number:02d}-wolverine" for number in range(50)]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with ExitStack() as peers:
        yield open_house(peers, mails=60)


@pytest.fixture
def stack(house: House, tmp_path: Path) -> Iterator[Stack]:
    (tmp_path / "tmp").mkdir()
    with Stack(model=house.model, env={"TMPDIR": str(tmp_path / "tmp")}) as stack:
        yield stack


def plant(person: Person) -> str:
    """Texts everywhere: in conversations and their titles, memories, schedules, names of accounts and tokens."""
    for words in PLANTED[:20]:
        person.say(person.converse(), f"{QUESTION} {words}") if words == PLANTED[0] else person.say(
            person.converse(), f"Say {words}"
        )
    for words in PLANTED[20:35]:
        person.post("/api/memories", {"text": f"The cat is called {words}"})
    for words in PLANTED[35:45]:
        soon = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT08:00:00")
        draft = {"name": words, "prompt": f"Tell me of {words}", "starts": soon, "zone": "Europe/Berlin"}
        person.post("/api/schedules", draft)
    for words in PLANTED[45:]:
        person.post("/api/tokens", {"name": words, "scopes": ["chat"], "expires_in_days": 30})
    return str(person.get("/api/session")["user"]["id"])


def texts(found: dict[str, bytes]) -> list[str]:
    """Which planted text lies in which file."""
    return [f"{words} in {name}" for name, content in found.items() for words in PLANTED if words.encode() in content]


def test_of_an_erased_person_nothing_is_found_and_the_other_keeps_everything(
    stack: Stack, house: House, tmp_path: Path
) -> None:
    with stack.sign_in() as ada:
        connect_everything(ada, house)
        ada.post("/api/memories", {"text": "Ada's own words"})
        stack.add_person(BOB, BOBS_PASSWORD)
        with Person(stack.url, BOB, BOBS_PASSWORD) as bob:
            connect_everything(bob, house)
            user = plant(bob)
            held = {each["room"]: each for each in bob.get("/api/data")}
        assert all(each["answered"] for each in held.values())
        assert {"agent", "audit", "caldav", "gateway", "mail", "vault"} <= set(held)
        assert [each["count"] for each in held["vault"]["parts"]] == [2]
        assert held["mail"]["bytes"] > 0
        before = [entry["leaf_hash"] for entry in ada.ledger()]
        stack.halt()
        assert len({each.partition(" ")[0] for each in texts(files.pages(stack.data_dir))}) == len(PLANTED)
        assert user in files.users(stack.data_dir)
        kept = tmp_path / "kept"
        shutil.copytree(stack.data_dir / "agent" / "users", kept)
        stack.launch()

    with Person(stack.url, BOB, BOBS_PASSWORD) as bob, stack.sign_in() as ada:
        wrong = bob.http.post("/api/data/erase", json={"password": "not-the-password-at-all"})
        assert wrong.status_code == 422
        assert bob.get("/api/session")["user"]["id"] == user
        gone = bob.http.post("/api/data/erase", json={"password": BOBS_PASSWORD})
        assert gone.status_code == 202, gone.text
        assert bob.http.get("/api/session").status_code == 401
        with pytest.raises(httpx.HTTPStatusError, match="401"):
            Person(stack.url, BOB, BOBS_PASSWORD)
        until(lambda: user not in names(stack) or None, seconds=60, what="the end of his files")
        assert len(ada.get("/api/accounts")) == 2
        assert [entry["leaf_hash"] for entry in ada.ledger()][: len(before)] == before
        assert ada.get("/api/memories")[0]["text"] == "Ada's own words"
        assert ada.verify()["ok"]

    stack.halt()
    assert user not in files.users(stack.data_dir)
    assert texts(files.pages(stack.data_dir)) == []
    left = [*written(stack), *(each for each in (tmp_path / "tmp").rglob("*") if each.is_file())]
    assert find(left, {words: words for words in PLANTED}) == []
    assert names(stack) == set()
    assert sorted(each.name for each in kept.glob(f"{user}.db"))  # a copy of before is there, and no key of it


def names(stack: Stack) -> set[Any]:
    """Users who have files somewhere, by the files' names, without the owner."""
    found = {each.stem for each in stack.data_dir.rglob("users/*.db")}
    return found - {owner_of(stack)}


def owner_of(stack: Stack) -> str:
    """The one whose files were there first."""
    return min(each.stem for each in (stack.data_dir / "gateway" / "users").glob("*.db"))
