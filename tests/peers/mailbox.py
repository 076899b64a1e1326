"""Fill a Maildir with thousands of plausible mails in seconds, the same ones for the same seed.

Messages are built as text, not with `email.message`: 10,000 of them would take half a minute that way.
"""

import base64
import hashlib
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from tests.peers import words

__all__ = ["ADA", "CAROL", "LEASE_SUBJECT", "Letter", "Seeded", "add_letter", "add_mail", "seed_mailbox"]

ADA = "Ada Martin <ada@home.example>"
CAROL = "Carol Meyer <carol@example.org>"
LEASE_SUBJECT = "The lease for Linden Street 12"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

_SHARES = (("", 0.80), (".Sent", 0.10), (".Archive", 0.06), (".Junk", 0.03), (".Trash", 0.01))


@dataclass(frozen=True)
class Letter:
    """One mail before it is a file; `folder` is a Maildir++ name ("" = INBOX, ".Sent")."""

    sender: str
    recipient: str
    subject: str
    body: str
    date: datetime
    message_id: str
    folder: str = ""
    references: tuple[str, ...] = ()
    shape: str = "plain"
    seen: bool = True
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seeded:
    """What a seeded mailbox holds."""

    total: int
    folders: dict[str, int] = field(default_factory=dict)
    lease_message_id: str = ""
    lease_subject: str = LEASE_SUBJECT


def seed_mailbox(
    maildir: Path,
    count: int,
    *,
    seed: int = 1,
    now: datetime = NOW,
    owner: tuple[int, int] | None = None,
    address: str = ADA,
) -> Seeded:
    """Write `count` mails (at least 4: Carol's thread about the lease) into an empty Maildir.

    UIDs follow the dates, by a `dovecot-uidlist` written along. `owner` is the (uid, gid) the files shall have.
    """
    dice = random.Random(seed)
    lease = _lease_thread(now, address)
    letters = sorted([*_everyday(dice, count - len(lease), now, address), *lease], key=lambda letter: letter.date)
    counts: dict[str, int] = {}
    for folder in dict.fromkeys(letter.folder for letter in letters):
        chosen = [letter for letter in letters if letter.folder == folder]
        _write_folder(maildir / folder, chosen, dice, owner)
        counts[folder.removeprefix(".") or "INBOX"] = len(chosen)
    newest = next(letter for letter in reversed(lease) if letter.folder == "")
    return Seeded(len(letters), counts, newest.message_id)


def add_letter(maildir: Path, letter: Letter, *, owner: tuple[int, int] | None = None) -> Path:
    """Deliver one more mail into a Maildir that is in use; it arrives unseen."""
    dice = random.Random(letter.message_id)
    name = f"{letter.date.timestamp():.0f}.{dice.getrandbits(48):x}.peer"
    return _deliver(maildir / letter.folder, name, render(letter, dice), owner)


def add_mail(maildir: Path, name: str, content: bytes, *, owner: tuple[int, int] | None = None) -> Path:
    """Deliver a mail as it is, under a name of its own."""
    return _deliver(maildir, name, content, owner)


def _deliver(folder: Path, name: str, content: bytes, owner: tuple[int, int] | None) -> Path:
    waiting, arrived = folder / "tmp" / name, folder / "new" / name
    waiting.write_bytes(content)
    if owner is not None and os.geteuid() == 0:
        os.chown(waiting, *owner)
    waiting.rename(arrived)
    return arrived


def _lease_thread(now: datetime, address: str) -> list[Letter]:
    first, answer, urgent = (f"<lease-{part}@example.org>" for part in ("one", "two", "three"))
    notice = "<estate-newsletter-7@estates.example>"
    return [
        Letter(
            "Linden Estates <news@estates.example>", address, "Autumn letter to all tenants",
            "Dear tenants,\n\nthe office is closed on the first of November. A new lease form applies next year.\n",
            now - timedelta(days=41), notice,
        ),
        Letter(
            CAROL, address, LEASE_SUBJECT,
            "Hello Ada,\n\nthe landlord wants to renew the lease for Linden Street 12. He asks 1,180 euros a month\n"
            "from January, heating not included. I will send you the paper when I have it.\n\nCarol\n",
            now - timedelta(days=5, hours=3), first,
        ),
        Letter(
            address, CAROL, f"Re: {LEASE_SUBJECT}",
            "Hello Carol,\n\nthat is a fair price. Send it over and I will read it at the weekend.\n\nAda\n",
            now - timedelta(days=4, hours=22), answer, folder=".Sent", references=(first,),
        ),
        Letter(
            CAROL, address, f"Re: {LEASE_SUBJECT}",
            "Hello Ada,\n\nhere is the lease. Please read section 4: the notice period is three months now. The\n"
            "landlord needs both signatures by the end of this week. When can you sign?\n\nCarol\n",
            now - timedelta(hours=14), urgent, references=(first, answer), shape="attachment", seen=False,
        ),
    ]  # fmt: skip


def _everyday(dice: random.Random, count: int, now: datetime, address: str) -> Iterator[Letter]:
    threads: list[Letter] = []
    span = timedelta(days=3 * 365).total_seconds()
    moments = sorted(dice.uniform(86_400, span) for _ in range(count))
    for number, age in enumerate(reversed(moments)):
        date = now - timedelta(seconds=age)
        parent = dice.choice(threads[-200:]) if threads and dice.random() < 0.35 else None
        letter = _letter(dice, number, date.replace(microsecond=0), address, parent)
        threads.append(letter)
        yield letter


def _letter(dice: random.Random, number: int, date: datetime, address: str, parent: Letter | None) -> Letter:
    folder = dice.choices([name for name, _ in _SHARES], [share for _, share in _SHARES])[0]
    other = dice.choice(words.PEOPLE)
    subject = words.subject(dice) if parent is None else f"Re: {parent.subject.removeprefix('Re: ')}"
    links = () if parent is None else (*parent.references[-8:], parent.message_id)
    sender, recipient = (address, other) if folder == ".Sent" else (other, address)
    return Letter(
        sender,
        recipient,
        subject,
        words.paragraphs(dice),
        date,
        f"<{number:06d}.{dice.getrandbits(40):010x}@mail.example>",
        folder=folder,
        references=links,
        shape=dice.choices(tuple(SHAPES), (50, 12, 16, 8, 8, 6))[0],
        seen=dice.random() < 0.93,
        extra=("List-Id: <news.example>", "Precedence: bulk") if dice.random() < 0.1 else (),
    )


def _write_folder(folder: Path, letters: list[Letter], dice: random.Random, owner: tuple[int, int] | None) -> None:
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    guid = hashlib.md5(folder.name.encode(), usedforsecurity=False).hexdigest()
    lines = [f"3 V1750000000 N{len(letters) + 1} G{guid}"]
    written: list[Path] = []
    for uid, letter in enumerate(letters, 1):
        content = render(letter, dice)
        name = f"{letter.date.timestamp():.0f}.M{uid:06d}.peer,S={len(content)}"
        path = folder / "cur" / f"{name}:2,{'S' if letter.seen else ''}"
        path.write_bytes(content)
        os.utime(path, (letter.date.timestamp(),) * 2)
        lines.append(f"{uid} :{name}")
        written.append(path)
    (folder / "dovecot-uidlist").write_text("\n".join(lines) + "\n")
    _own([folder, *(folder / part for part in ("cur", "new", "tmp", "dovecot-uidlist")), *written], owner)


def _own(paths: list[Path], owner: tuple[int, int] | None) -> None:
    if owner is not None and os.geteuid() == 0:
        for path in paths:
            os.chown(path, *owner)


def render(letter: Letter, dice: random.Random) -> bytes:
    """The letter as an RFC 5322 message with CRLF line ends, in the letter's shape."""
    head = [
        f"From: {_encoded(letter.sender, dice)}",
        f"To: {_encoded(letter.recipient, dice)}",
        f"Subject: {_encoded(letter.subject, dice)}",
        f"Date: {format_datetime(letter.date)}",
        f"Message-ID: {letter.message_id}",
        *letter.extra,
    ]
    if letter.references:
        head += [f"In-Reply-To: {letter.references[-1]}", "References: " + "\r\n ".join(letter.references)]
    return "\r\n".join([*head, "MIME-Version: 1.0", ""]).encode() + SHAPES[letter.shape](letter.body, dice)


def _encoded(text: str, dice: random.Random) -> str:
    if text.isascii():
        return text
    phrase, bracket, address = text.partition(" <")
    if dice.random() < 0.5:
        word = "=?utf-8?b?" + base64.b64encode(phrase.encode()).decode() + "?="
    else:
        word = "=?iso-8859-15?q?" + _quoted(phrase.encode("iso-8859-15", "replace"), header=True) + "?="
    return word + bracket + address


def _quoted(raw: bytes, *, header: bool = False) -> str:
    special = b"=?_ " if header else b"="
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in special else f"={byte:02X}" for byte in raw)


def _plain(body: str, dice: random.Random) -> bytes:
    return b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + _crlf(body).encode()


def _latin(body: str, dice: random.Random) -> bytes:
    lines = [_soft(_quoted(line.encode("iso-8859-15", "replace"))) for line in body.split("\n")]
    head = "Content-Type: text/plain; charset=iso-8859-15\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return (head + "\r\n".join(lines)).encode("ascii")


def _soft(line: str) -> str:
    pieces = []
    while len(line) > 75:
        cut = 74 - (2 if line[73] == "=" else 1 if line[72] == "=" else 0)
        pieces.append(line[:cut] + "=")
        line = line[cut:]
    return "\r\n".join([*pieces, line])


def _alternative(body: str, dice: random.Random) -> bytes:
    html = _html(body).partition("\r\n\r\n")
    parts = [_plain(body, dice), (html[0] + "\r\n\r\n" + html[2]).encode()]
    return _multipart("alternative", parts, dice)


def _html_only(body: str, dice: random.Random) -> bytes:
    return _html(body).encode()


def _html(body: str) -> str:
    paragraphs = "".join(f"<p>{part}</p>\r\n" for part in body.strip().split("\n\n"))
    page = f"<html><head><style>p {{ margin: 0 }}</style></head><body>\r\n{_crlf(paragraphs)}</body></html>\r\n"
    return f"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{page}"


def _attachment(body: str, dice: random.Random) -> bytes:
    content = base64.encodebytes(b"%PDF-1.4\n" + dice.randbytes(dice.randrange(200, 3000))).decode()
    name = dice.choice(("contract.pdf", "invoice.pdf", "photo of the kitchen.pdf"))
    part = (
        f'Content-Type: application/pdf; name="{name}"\r\nContent-Disposition: attachment; filename="{name}"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{_crlf(content)}"
    )
    return _multipart("mixed", [_plain(body, dice), part.encode()], dice)


def _nested(body: str, dice: random.Random) -> bytes:
    name = "=?utf-8?b?" + base64.b64encode("Übersicht.csv".encode()).decode() + "?="
    part = (
        f'Content-Type: text/csv; charset=utf-8; name="{name}"\r\n'
        "Content-Disposition: attachment; filename*=utf-8''%C3%9Cbersicht.csv\r\n\r\nday,sum\r\nMonday,12\r\n"
    )
    return _multipart("mixed", [_alternative(body, dice), part.encode()], dice)


def _multipart(kind: str, parts: list[bytes], dice: random.Random) -> bytes:
    mark = f"=_{dice.getrandbits(64):016x}"
    head = f'Content-Type: multipart/{kind}; boundary="{mark}"\r\n\r\n'.encode()
    line = f"--{mark}\r\n".encode()
    return head + b"".join(line + part + b"\r\n" for part in parts) + f"--{mark}--\r\n".encode()


def _crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


SHAPES = {
    "plain": _plain,
    "latin": _latin,
    "alternative": _alternative,
    "html": _html_only,
    "attachment": _attachment,
    "nested": _nested,
}
