"""Wherever a mail server breaks off: what is said of a mail is true, nothing goes out twice, and Sent holds it once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from connectors.mail.folders import Folder
from connectors.mail.imap import ImapSession
from connectors.mail.outgoing import file_copy
from openassistant.errors import OaError
from openassistant.messages import Call
from tests.connectors.mail.lying import STAGES, LyingSmtp, Stage

NOTHING = {"greeting", "ehlo", "auth", "mail", "rcpt", "data", "421 data", "421 dot", "second rcpt", "reset"}
UNKNOWN = {"dot lost", "dot taken", "half answer", "odd dot"}
DONE = {"", "answer", "quit"}
EITHER = {"in data"}
"""The last line may be on its way already when the connection breaks."""


@pytest.fixture
def lying() -> Iterator[LyingSmtp]:
    with LyingSmtp() as server:
        yield server


@pytest.fixture
async def led(read: Any, lying: LyingSmtp) -> Any:
    """The mailbox, with a liar to send through."""
    settings = {**read.house.account.settings, "smtp_host": lying.host, "smtp_port": lying.port}
    read.house.connect("Mail", settings, password="not-a-real-password")
    await read.house.stop()
    await read.house.start(read.house._folder)
    read.lying = lying
    return read


def mail(post: Any) -> Call:
    people = ["carol@example.org", "bob@example.org"]
    return cast("Call", post.house.make("messages_send", to=people, subject="Lease", text=".\nI sign.\n..\n"))


async def said(post: Any, call: Call) -> str:
    """What the house says of a call: done, nothing, or unknown."""
    try:
        await post.house.send(call)
    except OaError as error:
        return "unknown" if error.unclear else "nothing"
    return "done"


def copies(post: Any) -> int:
    return sum(b"Subject: Lease\r\n" in path.read_bytes() or b"Subject: Lease\n" in path.read_bytes()
               for path in post.files(".Sent"))  # fmt: skip


def test_every_stage_has_its_truth() -> None:
    assert set(STAGES) == NOTHING | UNKNOWN | DONE | EITHER


@pytest.mark.parametrize("stage", STAGES)
async def test_what_is_said_of_a_mail_is_true_wherever_the_server_breaks_off(led: Any, stage: Stage) -> None:
    led.lying.stage, call = stage, mail(led)
    first = await said(led, call)
    expected = {"nothing"} if stage in NOTHING else {"unknown"} if stage in UNKNOWN else {"done"}
    assert first in (expected if stage not in EITHER else {"nothing", "unknown"})
    assert first != "nothing" or led.lying.taken == []
    assert first != "done" or len(led.lying.taken) == 1
    led.lying.stage, before = "", len(led.lying.taken)
    assert await said(led, call) == first
    assert len(led.lying.taken) == before
    assert copies(led) == (1 if first == "done" else 0)


async def test_a_mail_arrives_to_the_letter(led: Any) -> None:
    await led.house.send(mail(led))
    assert led.lying.taken[0].endswith(b"\r\n\r\n..\r\nI sign.\r\n...\r\n")


def filing(post: Any, *, late: list[bytes] | None = None) -> Callable[[bytes], None]:
    """A server that puts a copy of its own into Sent, at once or when `late` is worked off."""

    def put(content: bytes) -> None:
        path: Path = post.maildir / ".Sent" / "new" / f"{secrets.token_hex(8)}.peer"
        path.write_bytes(b"Received: from here\r\n" + content)

    return put if late is None else late.append


async def test_a_server_that_files_its_own_copy_at_once_leaves_one(led: Any) -> None:
    led.lying.filed = filing(led)
    assert await said(led, mail(led)) == "done"
    assert copies(led) == 1


async def test_a_second_copy_that_comes_late_goes_to_the_trash_and_is_expected_from_then_on(led: Any) -> None:
    late: list[bytes] = []
    led.lying.filed = filing(led, late=late)
    assert await said(led, mail(led)) == "done"
    filing(led)(late.pop())
    assert copies(led) == 2
    await settled(led)
    assert copies(led) == 1
    assert len(led.files(".Trash")) == 1
    second = await led.house.send(mail(led))
    assert "follows" in second.content["note"]
    assert copies(led) == 1
    filing(led)(late.pop())
    await settled(led)
    assert copies(led) == 2


async def test_a_copy_that_is_waited_for_in_vain_is_filed_after_an_hour(led: Any) -> None:
    await led.search("lease")
    async with led.house.runner.stores.use(led.house.user) as store:
        account = led.house.account.account
        await store.write(lambda c: c.exec_driver_sql("INSERT INTO mail_habits VALUES (?)", (account,)))
    await led.house.send(mail(led))
    await settled(led)
    assert copies(led) == 0
    led.later += timedelta(hours=2)
    await settled(led)
    assert copies(led) == 1


async def settled(post: Any) -> None:
    post.later += timedelta(minutes=4)
    await post.sync()
    await post.sync()


class Gmail:
    """What filing a copy asks of a session, with Gmail's capability."""

    def __init__(self, lying: bool) -> None:
        self.found, self.appended = [7] if lying else [], 0

    def offers(self, capability: str) -> bool:
        return capability == "X-GM-EXT-1"

    def folders(self) -> list[Folder]:
        return [Folder(b"[Gmail]/Sent Mail", "[Gmail]/Sent Mail", "sent")]

    def find(self, folder: Folder, message_id: str) -> list[int]:
        return self.found

    def append(self, *given: Any, **options: Any) -> None:
        self.appended += 1


@pytest.mark.parametrize(
    ("lying", "patient", "filed", "appended"),
    [(True, True, True, 0), (False, True, False, 0), (False, False, True, 1), (True, False, True, 0)],
)
def test_gmail_files_its_own_copy_and_gets_an_hour_for_it(
    lying: bool, patient: bool, filed: bool, appended: int
) -> None:
    gmail = Gmail(lying)
    session = cast("ImapSession", gmail)
    assert file_copy(session, "a@b.example", b"", datetime.now(UTC), own=False, patient=patient) is filed
    assert gmail.appended == appended
