"""Whatever bytes a mail, a draft or a file is made of, taking it apart comes to an end and gives plain values."""

from __future__ import annotations

import contextlib
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.mail import readers
from connectors.mail.files import files_of
from connectors.mail.kept import kept_of
from connectors.mail.lists import way_out
from openassistant.documents import limits
from openassistant.errors import InvalidRequest
from openassistant.formats.compose import finish
from tests.connectors.mail.test_attachments import pdf
from tests.peers.mailbox import ADA, CAROL, SHAPES, Letter, render

NOW = datetime(2026, 11, 24, tzinfo=UTC)
HEADERS = st.sampled_from([
    b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: message/rfc822\r\n", b"--b\r\n", b"--b--\r\n",
    b"Content-Disposition: attachment; filename*=utf-8''%2e%2e%2fx\r\n", b"Content-Transfer-Encoding: base64\r\n",
    b'Content-Type: text/plain; name="../../x"\r\n', b"Subject: =?utf-8?b?////?=\r\n", b"Bcc: a@b.example\r\n", b"\r\n",
    b"Message-ID: <a@b.example>\r\n", b"Date: never\r\n", b"\0\xff\r\n", b"Content-Type: ;;;\r\n", b"\r", b"From a\n",
])  # fmt: skip
MAILS = st.lists(HEADERS | st.binary(max_size=30), max_size=40).map(b"".join)


@settings(deadline=None, max_examples=300)
@given(MAILS)
def test_any_mail_falls_into_files(raw: bytes) -> None:
    whole, *files = files_of(raw)
    assert whole.content == raw
    assert all(not set(each.name) & set('/\\\r\n\0"<>|:') for each in (whole, *files))
    assert len(kept_of(raw).attached) == len(files)


@settings(deadline=None, max_examples=300)
@given(MAILS)
def test_any_draft_goes_out_with_one_id_one_date_and_no_blind_copies(raw: bytes) -> None:
    sent = finish(raw, sender="ada@home.example", recipients=["c@d.example"], message_id="new@home.example", date=NOW)
    head = sent.content.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
    assert [each for each in head if each.startswith(b"message-id:")] == [b"message-id: <new@home.example>"]
    assert sum(each.startswith(b"date:") for each in head) == 1
    assert not any(each.startswith(b"bcc") for each in head)


@settings(deadline=None, max_examples=300)
@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(["<", ">", ",", "mailto:", "https://", "a@b.example", "?", "&"])).map("".join)
)
def test_any_way_out_of_a_list_is_taken_or_refused(header: str) -> None:
    with contextlib.suppress(InvalidRequest):
        way = way_out(header, one_click=True)
        assert way.target.startswith("https://") or "@" in way.target
        assert "\n" not in way.subject


def test_the_files_of_every_shape_of_mail_are_found() -> None:
    counted = {}
    for shape in SHAPES:
        letter = Letter(CAROL, ADA, "Papers", "Read.", NOW, f"<{shape}@example.org>", shape=shape)
        counted[shape] = [each.name for each in files_of(render(letter, random.Random(1)))[1:]]
    assert {shape: len(names) for shape, names in counted.items() if names} == {"attachment": 1, "nested": 1}
    assert counted["nested"] == ["Übersicht.csv"]


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300), st.sampled_from(["", "text/html", "text/calendar", "message/rfc822", "text/csv"]))
def test_any_bytes_are_read_or_refused(data: bytes, kind: str) -> None:
    found = readers.read(data, kind)
    assert set(found) in ({"refused"}, {"kind", "text", "note"})


def test_of_a_pdf_that_takes_long_the_first_pages_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_SECONDS", -1.0)
    found = readers.read(pdf("One", "Two", "Three"))
    assert (found["text"], found["note"]) == ("One", "1 of 3 pages.")
