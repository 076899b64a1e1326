"""What a thief of the disk finds: no password, no mail, no word of a chat, in any file that the product wrote."""

import base64
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.stack import OWNER_PASSWORD, Stack
from tests.e2e.test_story import QUESTION, connect_everything
from tests.peers.house import CALENDAR_PASSWORD, MAIL_PASSWORD, House

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

SAID = "I sign on Friday."


def forms(secret: str) -> Iterator[bytes]:
    """A text as it may lie in a file: plain, in UTF-16, and inside base64 at each of three places."""
    yield secret.encode()
    yield secret.encode("utf-16-le")
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + secret.encode())
        yield encoded[4 * ((lead + 2) // 3) + 2 : -4]


def written(stack: Stack) -> list[Path]:
    """Every file below the product's folder, but the one in which the test itself put the owner's password."""
    return [each for each in stack.folder.rglob("*") if each.is_file() and each.name != "owner-password"]


def find(files: list[Path], needles: dict[str, str]) -> list[str]:
    found = []
    for file in files:
        content = file.read_bytes()
        found += [f"{name} in {file.name}" for name, text in needles.items() for form in forms(text) if form in content]
    return found


def open_elsewhere(stack: Stack) -> list[str]:
    """Regular files that a process of the product has open for writing outside its folder, deleted ones included."""
    found = []
    for pid in stack.processes():
        links = list[Path]()
        with suppress(FileNotFoundError, ProcessLookupError):  # it may have ended
            links += Path(f"/proc/{pid}/fd").iterdir()
        for link in links:
            try:
                target, flags = str(link.readlink()), (link.parents[1] / "fdinfo" / link.name).read_text()
            except OSError:
                continue
            mode = int(re.search(r"flags:\s+0?(\d+)", flags)[1][-1])  # type: ignore[index]
            outside = target.startswith("/") and not target.startswith((str(stack.folder), "/dev/", "/proc/"))
            if mode & 3 and outside and not target.startswith("/memfd:"):
                found.append(target)
    return found


def test_nothing_of_a_days_work_lies_readable_on_the_disk(house: House, tmp_path: Path) -> None:
    with Stack(model=house.model, env={"TMPDIR": str(tmp_path / "tmp")}) as stack:
        (tmp_path / "tmp").mkdir(exist_ok=True)
        with stack.sign_in() as ada:
            connect_everything(ada, house)
            conversation = ada.converse()
            ada.say(conversation, QUESTION)
            ada.settle(conversation)
            assert len(house.smtp.sent) == 1
        needles = {
            "the mailbox password": MAIL_PASSWORD,
            "the calendar password": CALENDAR_PASSWORD,
            "the owner's password": OWNER_PASSWORD,
            "a subject": house.seeded.lease_subject,
            "the question": QUESTION,
            "the answer": "notice period is three months now",
            "the mail": SAID,
            "the title of an event": "Sign the lease for Linden Street",
            "an address": "carol@example.org",
        }
        while_running = [*written(stack), *(each for each in tmp_path.rglob("*") if each.is_file())]
        assert len(while_running) > 20
        assert find(while_running, needles) == []
        assert open_elsewhere(stack) == []
        for pid in stack.processes():
            limits = Path(f"/proc/{pid}/limits").read_text()
            assert re.search(r"Max core file size\s+0\s+0\s", limits), f"process {pid} may dump core"
        stack.halt()
        after = [*written(stack), *(each for each in tmp_path.rglob("*") if each.is_file())]
        assert find(after, needles) == []


def test_the_search_finds_what_lies_open(tmp_path: Path) -> None:
    for place, secret in enumerate((SAID, QUESTION)):
        lead = b"x" * place
        (tmp_path / f"{place}.bin").write_bytes(base64.b64encode(lead + secret.encode() + b"tail"))
    (tmp_path / "plain").write_bytes(b"\0" + SAID.encode() + b"\0")
    files = sorted(tmp_path.iterdir())
    assert {each.split(" in ")[1] for each in find(files, {"said": SAID, "question": QUESTION})} == {
        "0.bin", "1.bin", "plain",
    }  # fmt: skip
