"""The text of attached files is read, whatever is broken, locked or hostile is answered in words."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any

import pypdf
import pytest

from openassistant import sandbox
from openassistant.errors import InvalidRequest, NotFound, OaError
from tests.peers.mailbox import _deliver

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
BOMB_XML = (
    '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><d>&j;</d>"
)
CALENDAR = (
    b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Signing at the ol\r\n d office\r\n"
    b"DTSTART;TZID=Europe/Berlin:20261127T100000\r\nLOCATION:Linden Street 12\\, Berlin\r\nX-JUNK:1\r\n"
    b"END:VEVENT\r\nEND:VCALENDAR\r\n"
)


def pdf(*texts: str, password: str = "", pages: str = "") -> bytes:
    """A PDF with a page for each text; `pages` replaces its tree of pages."""
    parts = [b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    for text in texts:
        stream = f"BT /F 9 Tf 20 20 Td ({text}) Tj ET".encode()
        parts.append(b"<</Length %d>>stream\n%b\nendstream" % (len(stream), stream))
        fonts = b"/Resources<</Font<</F 3 0 R>>>>"
        parts.append(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents %d 0 R%b>>" % (len(parts) + 1, fonts))
    kids = " ".join(f"{number} 0 R" for number in range(5, 5 + 2 * len(texts), 2))
    parts[0] = (pages or f"<</Type/Pages/Kids[{kids}]/Count {len(texts)}>>").encode()
    out = b"%PDF-1.4\n"
    places = []
    for number, part in enumerate([b"<</Type/Catalog/Pages 2 0 R>>", *parts], 1):
        places.append(len(out))
        out += b"%d 0 obj%b endobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, len(out))
    plain = out + b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(places) + 1, table) + end
    return locked(plain, password) if password else plain


def locked(content: bytes, password: str) -> bytes:
    writer, made = pypdf.PdfWriter(clone_from=io.BytesIO(content)), io.BytesIO()
    writer.encrypt(password, algorithm="AES-256")
    writer.write(made)
    return made.getvalue()


def docx(xml: str, *, more: dict[str, bytes] | None = None) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"word/document.xml": xml.encode(), **(more or {})}.items():
            archive.writestr(name, content)
    return made.getvalue()


def paragraphs(*texts: str) -> str:
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in texts)
    return f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'


async def read_file(content: bytes, **options: str) -> dict[str, Any]:
    return dict(await sandbox.run("connectors.mail.readers:read", content, options=options))


@pytest.mark.parametrize(
    ("content", "options", "kind", "text"),
    [
        (pdf("The rent is 1,180 euros.", "Page two."), {}, "PDF", "The rent is 1,180 euros.\n\nPage two."),
        (docx(paragraphs("The lease", "Section 4")), {}, "Word document", "The lease\nSection 4"),
        (b"<p>Hello <b>Ada</b></p><script>x</script>", {"type": "text/html"}, "HTML", "Hello Ada"),
        ("Grüße".encode("cp1252"), {"type": "text/plain"}, "text", "Grüße"),
        ("\ufeffGrüße".encode("utf-16"), {"type": "text/plain"}, "text", "Grüße"),
        (b"day,sum\nMonday,12\n", {"type": "text/csv"}, "CSV", "day,sum\nMonday,12"),
        (b"Subject: Keys\r\nFrom: c@example.org\r\n\r\nHere.", {"type": "message/rfc822"}, "mail", "Here."),
    ],
    ids=["pdf", "docx", "html", "latin", "utf-16", "csv", "mail"],
)
async def test_the_text_of_a_file_is_read(content: bytes, options: dict[str, str], kind: str, text: str) -> None:
    found = await read_file(content, **options)
    assert found["kind"] == kind
    assert found["text"].strip().endswith(text)


@pytest.mark.parametrize("options", [{"name": "rent.eml"}, {"type": "message/rfc822"}])
async def test_what_a_file_is_its_first_bytes_say_before_its_name(options: dict[str, str]) -> None:
    assert (await read_file(pdf("The rent."), **options))["kind"] == "PDF"
    mail = await read_file(b"Subject: %PDF-1.4\r\n\r\nHere.", **options)
    assert (mail["kind"], mail["text"].splitlines()[-1]) == ("mail", "Here.")


async def test_an_invitation_is_read_with_its_times_unfolded() -> None:
    text = (await read_file(CALENDAR, type="text/calendar"))["text"]
    assert "Summary: Signing at the old office" in text
    assert "Dtstart: 20261127T100000 (Europe/Berlin)" in text
    assert "Location: Linden Street 12, Berlin" in text
    assert "X-JUNK" not in text


async def test_a_pdf_that_only_its_owner_may_change_is_read() -> None:
    writer, made = pypdf.PdfWriter(clone_from=io.BytesIO(pdf("Open to read."))), io.BytesIO()
    writer.encrypt("", "not-a-real-password", algorithm="AES-256")
    writer.write(made)
    assert (await read_file(made.getvalue()))["text"] == "Open to read."


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (pdf("secret", password="not-a-real-password"), "locked with a password"),
        (pdf(""), "pictures"),
        (b"%PDF-1.7\n" + b"\0" * 200, "damaged"),
        (docx(paragraphs("x" * 30_000_000)), "unpacks to far more"),
        (docx(BOMB_XML), "entities of its own"),
        (docx("<w:document"), "damaged"),
        (docx("<a/>", more={f"../../{n}": b"" for n in range(6_000)}), "more files"),
        (docx("<a/>")[:-30], "damaged or locked"),
        (b"\0\1\2\3", "no text to read"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "no text to read"),
    ],
    ids=["empty", "locked", "scan", "broken pdf", "bomb", "entities", "broken", "many", "torn", "bytes", "picture"],
)
async def test_what_cannot_be_read_is_answered_in_words(content: bytes, words: str) -> None:
    assert words in (await read_file(content))["refused"]


@pytest.mark.parametrize(
    "content",
    [
        pdf("x", pages="<</Type/Pages/Kids[2 0 R]/Count 1>>"),
        pdf("x", pages="<</Type/Pages/Kids[2 0 R 2 0 R]/Count 999999999>>"),
        pdf("x", pages="<</Type/Pages/Parent 2 0 R/Kids 2 0 R/Count 2>>"),
        docx("<a>" * 200_000 + "</a>" * 200_000),
    ],
    ids=["a page tree in itself", "twice in itself", "its own parent", "deep nesting"],
)
async def test_what_turns_in_circles_comes_to_an_end(content: bytes) -> None:
    try:
        found = await sandbox.run("connectors.mail.readers:read", content, seconds=5)
    except OaError as error:
        found = {"refused": error.message}
    assert "That" in found.get("refused", "") or len(found["text"]) < 10_000


def attach(post: Any, name: str, kind: str, content: bytes) -> None:
    """A mail with a file, under whatever name."""
    head = (
        "From: Carol Meyer <carol@example.org>\r\nTo: ada@home.example\r\nSubject: Papers\r\n"
        "Message-ID: <papers@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nPlease read.\r\n"
        f'--b\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; filename="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    body = base64.encodebytes(content).replace(b"\n", b"\r\n") + b"--b--\r\n"
    _deliver(post.maildir, "1700000000.papers.peer", head.encode() + body, post.imap.owner)


async def papers(post: Any, name: str, kind: str, content: bytes) -> str:
    attach(post, name, kind, content)
    await post.sync()
    return str((await post.search("subject:papers"))[0]["id"])


async def test_an_attached_file_is_read_in_parts_with_whom_it_is_from(read: Any) -> None:
    long = "\n".join(f"Section {number}: as before." for number in range(4_000))
    message = await papers(read, "lease.txt", "text/plain", long.encode())
    result = await read.house.send(read.house.make("attachments_read", message=message))
    first = result.content
    rest = await read.house.call("attachments_read", message=message, attachment="lease.txt", start=40_000)
    assert first["total"] == len(long)
    assert long.startswith(first["text"]["text"] + rest["text"]["text"])
    assert {author for each in result.outside for author in each.authors} == {"carol@example.org"}


async def test_the_name_of_a_file_is_never_a_path(read: Any) -> None:
    message = await papers(read, "../../x", "application/octet-stream", pdf("Hello."))
    [listed] = (await read.house.call("attachments_list", message=message))["attachments"]
    found = await read.house.call("attachments_read", message=message, attachment="1")
    assert listed["name"]["text"] == found["name"]["text"] == "x"
    assert (found["kind"], found["text"]["text"], found["note"]) == ("PDF", "Hello.", "1 page.")


async def test_a_file_that_cannot_be_read_says_why(read: Any) -> None:
    message = await papers(read, "photo.png", "image/png", b"\x89PNG\r\n\x1a\n" + b"\0" * 100)
    with pytest.raises(InvalidRequest, match=r"no text to read.*image/png"):
        await read.house.call("attachments_read", message=message)
    with pytest.raises(NotFound, match="attachments_list"):
        await read.house.call("attachments_read", message=message, attachment="7")


async def test_a_mail_without_files_says_so(read: Any) -> None:
    [found] = (await read.search("from:news lease"))[:1]
    with pytest.raises(NotFound, match="Nothing is attached"):
        await read.house.call("attachments_read", message=found["id"])
