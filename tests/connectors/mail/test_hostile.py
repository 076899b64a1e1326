"""Whatever lies in a mailbox is kept, marked where it is broken, and shown as far as it can be."""

from __future__ import annotations

import importlib.util
import os
import random
from pathlib import Path
from typing import Any

import pytest

from connectors.mail.imap import FETCHED_BYTES
from connectors.mail.message import parse_mail

HOSTILE = {
    "unknown charset": b"Subject: x\r\nContent-Type: text/plain; charset=klingon\r\n\r\nqapla",
    "bad date": b"Subject: x\r\nDate: the day before yesterday\r\n\r\ntext",
    "huge year": b"Subject: x\r\nDate: Mon, 1 Jan 99999 00:00:00 +9999\r\n\r\ntext",
    "bare CR": b"From: a@example.org\rSubject: quinces\r\rtext",
    "8-bit header": "Subject: Größe – quinces\r\n\r\ntext".encode("latin-1", "replace"),
    "NUL": b"From: a@example.org\0\r\nSubject: quin\0ces\r\n\r\nte\0xt",
    "no end of nesting": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(400)
    ),
    "a million headers": b"X: y\r\n" * 30_000 + b"\r\ntext",
    "one long word": b"Subject: =?utf-8?q?" + b"=C3" * 60_000 + b"?=\r\n\r\ntext",
    "references without end": b"References: " + b"<a@b> " * 30_000 + b"\r\n\r\ntext",
    "nothing": b"",
}
NAMES = {
    "climbing": b'attachment; filename="../../x"',
    "backslashes": b'attachment; filename="..\\\\..\\\\x"',
    "extended": b"attachment; filename*=utf-8''..%2F..%2Fx",
    "in sections": b'attachment; filename*0="../."; filename*1="./x"',
    "in extended sections": b"attachment; filename*0*=utf-8''..%2F; filename*1*=x",
}


def library_mails() -> list[Path]:
    """The mails that Python's own library is tested with, where this interpreter brings them."""
    found = importlib.util.find_spec("test.test_email")
    places = found.submodule_search_locations if found is not None else None
    return sorted(path for place in places or () for path in (Path(place) / "data").iterdir())


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_mail_is_read_as_far_as_it_can_be(content: bytes) -> None:
    mail = parse_mail(content)
    for text in (mail.subject, mail.text, mail.sender.name, mail.problem):
        text.encode()
        assert "\0" not in text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unknown charset", "character set"),
        ("bad date", "date"),
        ("no end of nesting", "Parts"),
        ("nothing", "no header"),
    ],
)
def test_what_is_wrong_with_a_mail_is_said(name: str, said: str) -> None:
    assert said in parse_mail(HOSTILE[name]).problem


def test_a_good_mail_has_no_problem() -> None:
    good = b"Subject: x\r\nDate: Mon, 23 Nov 2026 08:00:00 +0000\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nt"
    assert parse_mail(good).problem == ""


@pytest.mark.parametrize("disposition", NAMES.values(), ids=NAMES)
def test_a_file_name_leads_nowhere(disposition: bytes) -> None:
    mail = parse_mail(b"Content-Type: application/pdf\r\nContent-Disposition: " + disposition + b"\r\n\r\nx")
    assert [each.name for each in mail.attachments] == ["x"]


def test_mails_with_bytes_changed_at_random_never_raise() -> None:
    dice = random.Random(20261124)
    seeds = [*HOSTILE.values(), *(path.read_bytes() for path in library_mails() if path.suffix == ".txt")]
    for _ in range(600):
        content = bytearray(dice.choice(seeds)[:20_000])
        for _ in range(dice.randrange(1, 12)):
            place = dice.randrange(len(content) + 1)
            content[place : place + dice.randrange(3)] = dice.choice((b"\0", b"\r", b"--", b"=?", b"\xff", b'"', b"; "))
        parse_mail(bytes(content)).text.encode()


async def test_every_mail_of_the_library_and_every_hostile_one_comes_into_the_mirror(read: Any) -> None:
    contents = [*HOSTILE.values(), *(path.read_bytes() for path in library_mails() if path.suffix == ".txt")]
    for number, content in enumerate(contents):
        path = read.maildir / "new" / f"1764000000.{number}.peer"
        path.write_bytes(content)
        os.chown(path, *read.imap.owner)
    progress = await read.sync(seconds=60)
    assert (progress.state, progress.done, progress.total) == ("idle", 40 + len(contents), 40 + len(contents))
    assert await read.lease()


async def test_what_is_wrong_with_a_mail_stands_beside_it_when_it_is_read(read: Any) -> None:
    path = read.maildir / "new" / "1764000000.odd.peer"
    path.write_bytes(HOSTILE["bad date"].replace(b"text", b"quinces"))
    os.chown(path, *read.imap.owner)
    await read.sync()
    [found] = await read.search("quinces")
    [shown] = (await read.house.call("threads_read", message=found["id"]))["messages"]
    assert "Its date cannot be read" in shown["note"]


async def test_of_a_mail_of_fifty_megabytes_only_the_beginning_is_fetched(read: Any) -> None:
    head = b"Subject: quinces\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee this."
    part = (
        b"\r\n--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename*=utf-8''..%2Fk%C3%BC.png\r\n"
    )
    path = read.maildir / "new" / "1764000000.large.peer"
    path.write_bytes(
        head + part + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * 18 * 728_000 + b"\r\n--b--\r\n"
    )
    os.chown(path, *read.imap.owner)
    assert path.stat().st_size > 50_000_000 > FETCHED_BYTES
    await read.sync()
    [found] = await read.search("quinces")
    assert found["attachments"]["text"].startswith("kü.png (3")
