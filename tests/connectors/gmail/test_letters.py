"""Whatever Gmail, or who poses as it, says of a mail: it is read within bounds, or refused in words."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.gmail.digests import digest_of
from connectors.gmail.letters import letter_of, mail_of
from openassistant.errors import OaError

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.binary(max_size=20).map(
        lambda raw: base64.urlsafe_b64encode(raw).decode()
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from([
            "id", "threadId", "labelIds", "snippet", "internalDate", "payload", "headers", "parts", "body", "data",
            "mimeType", "filename", "name", "value", "size", "sizeEstimate",
        ]),
        inner,
        max_size=6,
    ),
    max_leaves=40,
)  # fmt: skip


@given(_values)
@settings(max_examples=300, deadline=None)
def test_any_description_of_a_mail_is_read_or_refused(payload: Any) -> None:
    described = {"id": "a1", "threadId": "a1", "payload": payload, "snippet": payload, "labelIds": payload}
    letter = letter_of(described)
    assert letter.id == "a1"
    assert "\n" not in letter.subject
    mail_of(described)


@pytest.mark.parametrize("id_", [None, "", "../x", "a b", 7, "x" * 65, "ä"])
def test_a_mail_without_an_id_is_none(id_: Any) -> None:
    with pytest.raises(OaError, match="without an id"):
        letter_of({"id": id_})


def test_beginnings_are_plain_text() -> None:
    assert letter_of({"id": "a", "snippet": "Tom &amp; Ann&#39;s"}).excerpt == "Tom & Ann's"


def mail(**changes: str) -> bytes:
    plain = {"To": "carol@home.example", "Subject": "Friday", "text": "I sign.", "html": "", **changes}
    body = f"--b\r\nContent-Type: text/plain\r\n\r\n{plain['text']}\r\n"
    body += f"--b\r\nContent-Type: text/html\r\n\r\n{plain['html']}\r\n" if plain["html"] else ""
    head = "".join(f"{name}: {value}\r\n" for name, value in plain.items() if name[0].isupper())
    return f'{head}Content-Type: multipart/alternative; boundary="b"\r\n\r\n{body}--b--\r\n'.encode()


@pytest.mark.parametrize(
    "changes",
    [{"To": "eve@evil.example"}, {"Cc": "eve@evil.example"}, {"Bcc": "eve@evil.example"}, {"Subject": "Monday"},
     {"text": "I do not sign."}, {"html": "<p>I do not sign.</p>"}],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_another_mail_has_another_digest(changes: dict[str, str]) -> None:
    assert digest_of(mail(**changes)) != digest_of(mail())


def test_what_gmail_writes_around_a_mail_changes_no_digest() -> None:
    around = {"Message-ID": "<other@mail.gmail.com>", "Date": "Fri, 20 Nov 2026 09:00:14 +0000", "Received": "by x"}
    assert digest_of(mail(**around)) == digest_of(mail())
    assert digest_of(mail().replace(b'"b"', b'"c"').replace(b"--b", b"--c")) == digest_of(mail())
