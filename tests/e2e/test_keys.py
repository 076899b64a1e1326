"""A house gets new keys while it is used and its rooms are killed; a stolen copy of its data gives nothing away."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.vault.rootkey import RootKey, is_protected
from tests.e2e import files
from tests.e2e.stack import OWNER_PASSWORD, ROOT, Person, Stack, until
from tests.e2e.test_disk import find, forms
from tests.peers.house import MAIL_PASSWORD, House, open_house

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

PLANTED = [f"planted-{number:02d}-wolverine" for number in range(12)]
PASSPHRASE = "obviously not a real passphrase"
KILLED = ("vault", "agent", "gateway", "mail", "audit", "vault")


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with ExitStack() as peers:
        yield open_house(peers, mails=40)


@pytest.fixture
def stack(house: House) -> Iterator[Stack]:
    with Stack(model=house.model, connectors=("mail",)) as stack:
        yield stack


def root_of(stack: Stack) -> Path:
    return stack.data_dir.with_name(f"{stack.data_dir.name}.root-key")


def plant(person: Person, house: House) -> None:
    """A mailbox, and words in memories and a conversation."""
    person.connect(house.mail_account(), seconds=300)
    for words in PLANTED[:10]:
        person.post("/api/memories", {"text": f"The cat is called {words}"})
    for words in PLANTED[10:]:
        person.say(person.converse(), f"Say {words}")


def memories(person: Person) -> list[str]:
    return [each["text"] for each in person.get("/api/memories")]


def keys(person: Person) -> dict[str, Any] | None:
    """How the keys are, once the house answers and none is being replaced."""
    with suppress(httpx.HTTPError):
        found: dict[str, Any] = person.get("/api/keys")
        return None if found["replacing"] else found
    return None


class Busy(threading.Thread):
    """Somebody who remembers one thing after the other, and again what was not answered, until told to stop."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self.kept: list[str] = []
        self._url, self._over = stack.url, threading.Event()
        self._stack = stack

    def run(self) -> None:
        with self._stack.sign_in() as me:
            number = 0
            while not self._over.wait(0.1):
                with suppress(httpx.HTTPError):
                    me.post("/api/memories", {"text": f"kept-{number}"})
                    self.kept.append(f"kept-{number}")
                    number += 1

    def stop(self) -> list[str]:
        self._over.set()
        self.join(60)
        return self.kept


def test_all_keys_are_replaced_under_load_and_kills_and_the_old_ones_open_nothing(
    stack: Stack, house: House, tmp_path: Path
) -> None:
    with stack.sign_in() as ada:
        plant(ada, house)
    stack.halt()
    old_root, old_wrapped = RootKey.load(root_of(stack)), files.wrapped(stack.data_dir)
    old_files = {each: each.read_bytes()[16:4096] for each in databases(stack)}
    stack.launch(seconds=120)

    busy = Busy(stack)
    busy.start()
    with stack.sign_in() as ada:
        answer = ada.http.post("/api/keys/rotate", json={"password": OWNER_PASSWORD}, timeout=60)
        assert answer.status_code == 202, answer.text
        for room in KILLED:
            kill(stack, room)
        found = until(lambda: keys(ada), seconds=240, what="the end of it", every=1)
        assert set(found["replaced"]) == {"root", "data", "credentials"}
        kept = busy.stop()
        assert len(kept) > 3
        assert {*kept, *(f"The cat is called {words}" for words in PLANTED[:10])} <= set(memories(ada))
        until(lambda: ada.verify()["ok"] or None, seconds=60, what="the ledger")
        told = [(each["action"], each["outcome"]) for each in ada.ledger() if each["action"] == "key.rotated"]
        assert told[:1] == [("key.rotated", "begun")]
        assert told[-1:] == [("key.rotated", "done")]
    stack.halt()

    new_root = RootKey.load(root_of(stack))
    assert new_root.identity != old_root.identity
    pages = files.pages(stack.data_dir)
    assert not [each for each in old_wrapped if each in pages["vault/vault.db"]]
    assert not set(old_wrapped) & set(files.wrapped(stack.data_dir))
    shutil.copytree(stack.data_dir, tmp_path / "stolen")
    (tmp_path / "stolen.root-key").write_text(old_root.dump())
    with pytest.raises(Exception, match="another key"):
        files.pages(tmp_path / "stolen")
    assert [each for each in databases(stack) if each.read_bytes()[16:4096] == old_files.get(each)] == []

    stack.launch(seconds=120)
    assert (stack.data_dir / "keys" / "root-key-id").read_text().strip() == new_root.identity
    with stack.sign_in() as ada:
        assert set(kept) <= set(memories(ada))
        assert ada.verify()["ok"]
        assert "bus ended" not in stack.log.rpartition("is ready")[2]
        [account] = ada.get("/api/accounts")
        assert ada.post(f"/api/accounts/{account['id']}/check", {})["ok"]


def kill(stack: Stack, room: str) -> None:
    """Kills a room, and waits until another process of it runs."""
    before = stack.room(room)
    os.kill(before, signal.SIGKILL)
    until(lambda: stack.runs_anew(room, before) or None, seconds=60, what=room)


def databases(stack: Stack) -> list[Path]:
    """The rooms' files; the bus has some of its own by that ending."""
    return [each for each in stack.data_dir.rglob("*.db") if "bus" not in each.parts]


def test_nobody_but_the_owner_with_the_password_has_keys_replaced(stack: Stack) -> None:
    with stack.sign_in() as ada:
        before = root_of(stack).read_bytes()
        refused = ada.http.post("/api/keys/rotate", json={"password": "not-the-password-at-all"})
        assert refused.status_code == 422
        made = ada.post("/api/tokens", {"name": "all", "scopes": ["chat", "approve", "accounts", "audit"]})
        token = {"Authorization": f"Bearer {made['token']}"}
        answer = httpx.post(
            f"{stack.url}/api/keys/rotate", json={"password": OWNER_PASSWORD}, headers=token, trust_env=False
        )
        assert answer.status_code == 403
        stack.add_person("bob", "not-a-real-password-of-bob")
        with Person(stack.url, "bob", "not-a-real-password-of-bob") as bob:
            answer = bob.http.post("/api/keys/rotate", json={"password": "not-a-real-password-of-bob"})
            assert answer.status_code == 403
            assert bob.http.get("/api/keys").status_code == 403
        assert ada.get("/api/keys")["replacing"] == []
        assert root_of(stack).read_bytes() == before


CLEAR = {"nkey", "trust.json", "signing.jwk", "approved-cards.json", "egress-password", "rooms.json", "nats.conf"}
CLEAR |= {"server.json", "root-key-id", "versions.json"}


@pytest.mark.parametrize("protected", [False, True])
def test_a_stolen_volume_gives_nothing_away(house: House, tmp_path: Path, *, protected: bool) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE)
    with Stack(model=house.model, connectors=("mail",)) as stack:
        with stack.sign_in() as ada:
            plant(ada, house)
        stack.halt()
        root = RootKey.load(root_of(stack))
        if protected:
            assert by_hand(stack, "protect", OA_PASSPHRASE_FILE=str(passphrase)).returncode == 0
            stack.extend({"OA_PASSPHRASE_FILE": str(passphrase)})
            stack.launch(seconds=120)
            with stack.sign_in() as ada:
                assert len(memories(ada)) == 10
                assert ada.get("/api/keys")["protected"]
        else:
            stack.launch(seconds=120)
        stolen = tmp_path / "stolen"
        shutil.copytree(stack.data_dir, stolen, ignore=shutil.ignore_patterns("*.pid", "*.sock"))
        if protected:
            shutil.copy(root_of(stack), tmp_path / "stolen.root-key")
        stack.halt()

    taken = [each for each in tmp_path.rglob("*") if each.is_file() and each != passphrase]
    assert len(taken) > 20
    needles = {words: words for words in PLANTED}
    needles |= {
        "the mailbox password": MAIL_PASSWORD,
        "the owner's password": OWNER_PASSWORD,
        "a subject": house.seeded.lease_subject,
    }
    needles |= {"the root key": root.dump().strip(), "the passphrase": PASSPHRASE}
    assert find([each for each in taken if each.suffix != ".json"], needles) == []
    raw = root._raw
    assert not [each for each in taken if any(form in each.read_bytes() for form in (raw, raw.hex().encode()))]
    assert {each.name for each in (stolen / "keys").rglob("*") if each.is_file()} <= CLEAR
    assert [each for each in taken if opens_plainly(each)] == []
    assert is_protected(tmp_path / "stolen.root-key") is protected


def opens_plainly(file: Path) -> bool:
    """Whether SQLite without a key reads something from a file."""
    if not file.stat().st_size:
        return False
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        connection.execute("SELECT * FROM sqlite_master").fetchall()
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()
    return True


def by_hand(stack: Stack, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`python -m deploy.rootkey` for this house."""
    mine = {"OA_DATA_DIR": str(stack.data_dir), "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "sdk")])}
    command = [sys.executable, "-m", "deploy.rootkey", *words]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("OA_")}
    return subprocess.run(
        command,
        env={**plain, **mine, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def test_a_locked_house_says_so_until_the_passphrase_comes_by_a_pipe(house: House, tmp_path: Path) -> None:
    passphrase, wrong, pipe = tmp_path / "passphrase", tmp_path / "wrong", tmp_path / "pipe"
    passphrase.write_text(f"{PASSPHRASE}\n")
    wrong.write_text("another passphrase")
    with Stack(model=house.model, connectors=("mail",)) as stack:
        with stack.sign_in() as ada:
            ada.post("/api/memories", {"text": PLANTED[0]})
        assert "The house runs" in by_hand(stack, "protect", OA_PASSPHRASE_FILE=str(passphrase)).stderr
        stack.halt()
        (tmp_path / "short").write_text("short")
        assert "At least 12" in by_hand(stack, "protect", OA_PASSPHRASE_FILE=str(tmp_path / "short")).stderr
        assert by_hand(stack, "protect", OA_PASSPHRASE_FILE=str(passphrase)).returncode == 0
        before = root_of(stack).read_bytes()
        assert "which fits" in by_hand(stack, "check", OA_PASSPHRASE_FILE=str(passphrase)).stdout
        assert "not the passphrase" in by_hand(stack, "check", OA_PASSPHRASE_FILE=str(wrong)).stderr

        for env, said in (({}, "no terminal to ask"), ({"OA_PASSPHRASE_FILE": str(wrong)}, "not the passphrase")):
            stack.extend(env)
            with pytest.raises(Exception, match=said):
                stack.launch(seconds=60)
        assert root_of(stack).read_bytes() == before

        os.mkfifo(pipe)
        stack.extend({"OA_PASSPHRASE_FILE": str(pipe)})
        starting = threading.Thread(target=lambda: stack.launch(seconds=180))
        starting.start()
        answer = until(lambda: locked(stack), seconds=60, what="the word that it is locked")
        assert "protected by a passphrase" in answer
        pipe.write_text(f"{PASSPHRASE}\n")
        starting.join(180)
        assert stack.ready()
        with stack.sign_in() as ada:
            assert memories(ada) == [PLANTED[0]]
            stack.kill_room("vault")
            until(lambda: stack.ready() or None, seconds=60, what="the vault, opened again without being asked")
            ada.post("/api/memories", {"text": PLANTED[1]})
        stack.halt()
        assert by_hand(stack, "unprotect", OA_PASSPHRASE_FILE=str(passphrase)).returncode == 0
        assert not is_protected(root_of(stack))


def locked(stack: Stack) -> str | None:
    """What /readyz says while the house is locked."""
    try:
        answer = httpx.get(f"{stack.url}/readyz", timeout=2, trust_env=False)
    except httpx.HTTPError:
        return None
    return str(answer.json()["detail"]) if answer.status_code == 503 else None


def test_the_forms_that_are_searched_for_would_be_found() -> None:
    assert len(list(forms(PLANTED[0]))) == 5
