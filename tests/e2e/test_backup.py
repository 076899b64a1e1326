"""A copy made while turns send, put back elsewhere with the sheet alone: whole, and nothing is sent a second time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx
import pytest

from tests.e2e.stack import OWNER, OWNER_PASSWORD, ROOT, Person, Stack, until
from tests.e2e.test_disk import find
from tests.e2e.test_story import QUESTION, connect_everything
from tests.e2e.test_terminal import Terminal
from tests.peers.house import CALENDAR_PASSWORD, MAIL_PASSWORD, House

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot, pytest.mark.slow, pytest.mark.mails(60)]

WHY = "This house was restored from a copy of"


def deploy(data: Path, copies: Path, program: str, *words: str, typed: str = "") -> str:
    """What one of the programs of the one who runs the house says; it must go well."""
    hidden = {name: value for name, value in os.environ.items() if not name.startswith("OA_")}
    mine = {
        "OA_DATA_DIR": str(data), "OA_BACKUP_DIR": str(copies),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "sdk")]),
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-m", f"deploy.{program}", *words], env={**hidden, **mine}, input=typed, text=True,
        capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, f"{words}: {ran.stdout}\n{ran.stderr}"
    return ran.stdout


class Load:
    """Turns that send, one after the other, until it is told to stop."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._over = stack, threading.Event()
        self.told: list[str] = []
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        with self._stack.sign_in() as ada:
            ada.lift_limits()
            while not self._over.is_set():
                conversation = ada.converse()
                ada.say(conversation, QUESTION)
                ada.settle(conversation, seconds=120)
                self.told.append(conversation)


def copied(stack: Stack, copies: Path) -> str:
    """A copy made now; the house's own may be under way."""

    def try_it() -> str | None:
        try:
            return deploy(stack.data_dir, copies, "backup", "make")
        except AssertionError as error:
            if "Another copy" not in str(error):
                raise
            return None

    return until(try_it, seconds=120, what="a copy", every=1.0)


def idle(person: Person, conversation: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        view: dict[str, Any] = person.get(f"/api/conversations/{conversation}")
        return view if view["state"] == "idle" else None

    return until(look, seconds=60, what="an end")


class Copied(NamedTuple):
    """A copy of a house under load, and what stood in it: the conversation that waits, and its card."""

    archive: Path
    sheet: str
    parked: str
    card: str


def copied_under_load(house: House, copies: Path) -> Copied:
    """Copies a house while turns send; the card that waits in the copy is approved afterwards, and its mail sent."""
    with Stack(model=house.model, env={"OA_BACKUP_DIR": str(copies)}) as old, old.sign_in() as ada:
        connect_everything(ada, house)
        parked = ada.converse()
        ada.say(parked, QUESTION)
        [card] = [each["id"] for each in ada.pending(parked) if each["connector"] == "mail"]
        with Load(old) as load:
            until(lambda: load.told or None, seconds=120, what="the first turn under load")
            said = [copied(old, copies) for _ in range(3)]
            before = len(house.smtp.sent)
            ada.decide(card, "approve")
            ada.settle(parked)
            until(lambda: len(house.smtp.sent) > before + 1 or None, seconds=60, what="mails after the copy")
        assert until(lambda: ada.get("/api/copies")["good_at"], seconds=180, what="the house's own copy")
        assert ada.get("/api/copies")["problem"] == ""
        print(*said, sep="")
        sheet = deploy(old.data_dir, copies, "backup", "sheet")
        old.halt()
    archive = copies / re.search(r"(open-assistant-\S+\.tar\.age)", said[-1])[1]  # type: ignore[index]
    return Copied(archive, sheet, parked, card)


def test_a_house_restored_elsewhere_is_whole_and_sends_nothing_a_second_time(house: House, tmp_path: Path) -> None:
    copies, new = tmp_path / "copies", tmp_path / "new" / "data"
    archive, sheet, parked, card = copied_under_load(house, copies)
    secrets = {"password": OWNER_PASSWORD, "mail": MAIL_PASSWORD, "calendar": CALENDAR_PASSWORD,
               "words": "I sign on Friday."}  # fmt: skip
    assert find([archive], secrets) == []
    groups = re.findall(r"<code>([0-9A-Z]{5})</code>", sheet)
    deploy(new, copies, "backup", "restore", str(archive), typed=" ".join(groups))
    sent = [each.message_id for each in house.smtp.sent]
    assert len(sent) == len(set(sent))

    with Stack(model=house.model, data_dir=new) as restored, restored.sign_in() as ada:
        view = idle(ada, parked)
        assert view["messages"][-1]["error"]["detail"].startswith(WHY)
        assert not {call["state"] for each in view["messages"] for call in each["calls"]} & {"waiting", "running"}
        assert ada.pending() == []
        refused = ada.http.post(f"/api/approvals/{card}", json={"decision": "approve"})
        assert refused.status_code == httpx.codes.CONFLICT
        assert WHY in refused.json()["detail"]
        for each in ada.get("/api/conversations"):
            idle(ada, each["id"])
        time.sleep(5)  # longer than any round of the gateway or of a connector
        assert [each.message_id for each in house.smtp.sent] == sent
        assert ada.verify()["ok"]
        until(
            lambda: [each for each in ada.ledger() if each["action"] == "house.restored"] or None, seconds=60,
            what="the word in the ledger",
        )  # fmt: skip
        oa = Terminal(tmp_path / "oa")
        oa("login", restored.url, "--user", OWNER, piped=f"{OWNER_PASSWORD}\n")
        told = oa("doctor")
        assert {line[0] for line in told.splitlines()} == {"✓"}, told
        assert "Restored" in told

        again = ada.converse()  # asked anew, it is done
        ada.say(again, QUESTION)
        ada.settle(again)
        assert len(house.smtp.sent) == len(sent) + 1
        restored.halt()
        assert "It would go well" in deploy(new, copies, "upgrade", "--rehearse")


def test_an_upgrade_is_taken_back_within_a_minute_and_a_newer_house_is_refused(house: House, tmp_path: Path) -> None:
    with Stack(model=house.model, connectors=("mail",)) as stack:
        copies = tmp_path / "copies"
        with stack.sign_in() as ada:
            ada.connect(house.mail_account())
            assert "It would go well" in deploy(stack.data_dir, copies, "upgrade", "--rehearse")
            rows = len(ada.ledger())
        stack.halt()
        deploy(stack.data_dir, copies, "upgrade")
        began = time.monotonic()
        said = deploy(stack.data_dir, copies, "upgrade", "--rollback")
        print(f"{said.strip()} ({time.monotonic() - began:.1f} s)")
        stack.launch()
        with stack.sign_in() as ada:
            assert len(ada.ledger()) >= rows
            assert ada.verify()["ok"]
            assert ada.get("/api/copies")["restored"] is None
        stack.halt()
        mark = stack.data_dir / "keys" / "versions.json"
        mark.write_text(
            mark.read_text().replace('"version": "', '"version": "9.').replace('"protocol": 1', '"protocol": 2')
        )
        with pytest.raises(Exception, match="run by a newer version"):
            stack.launch(seconds=20)
        stack.halt()
