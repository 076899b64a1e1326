"""Mails as nobody should write them: well-formed ones, bent by a seeded generator."""

from __future__ import annotations

import base64
from collections.abc import Callable
from random import Random

__all__ = ["mail"]

_CHARSETS = [
    "utf-8",
    "iso-8859-15",
    "windows-1252",
    "koi8-r",
    "iso-2022-jp",
    "utf-7",
    "unknown-8bit",
    "x",
    "utf-8\\0",
    "",
]
_TYPES = [
    "text/plain",
    "text/html",
    "application/pdf",
    "message/rfc822",
    "text/calendar",
    "text",
    "/",
    "multipart/mixed",
    "image/png; name",
]
_ENCODINGS = ["7bit", "8bit", "base64", "quoted-printable", "x-uuencode", "binary", "base65", ""]
_WORDS = [
    "Re:",
    "lease",
    "=?utf-8?B?TGVhc2U=?=",
    "=?utf-8?Q?=ZZ?=",
    "=?x?y?z",
    "=?iso-2022-jp?B?GyRC?=",
    "ä",
    "\u202e",
    "\x00",
    "\x1b[31m",
    "A" * 200,
]
_ADDRESSES = [
    "carol@example.org",
    "<carol@example.org>",
    '"Carol, M" <carol@example.org>',
    "@",
    "a@b@c",
    "<<>>",
    "carol",
    "(",
    '"',
    ",;,",
    "group: a@b, c@d;",
    "=?utf-8?q?C?= <c@example.org>",
]
_DATES = [
    "Fri, 23 Oct 2026 10:00:00 +0200",
    "Fri, 99 Oct 2026 99:99:99 +9999",
    "yesterday",
    "",
    "Mon, 1 Jan 0001 00:00:00 -2359",
    "23 Oct 99999 10:00",
    "\x00",
]
_NAMES = [
    "lease.pdf",
    "../../x",
    "a" * 5000,
    "\x00.exe",
    "con",
    "=?utf-8?B?4pyT?=.txt",
    "*0*=",
    "x\r\nBcc: eve@example.net",
]
_MARKUP = [
    "<p>Hello</p>",
    "<script>",
    "<" * 500,
    "&#x110000;",
    "<a href='javascript:1'>",
    "<!--",
    "<div>" * 300,
    "<style>p{}",
    "&" * 400,
    "<![CDATA[",
]
_DEEPEST = 40


def mail(random: Random) -> bytes:
    """One mail's bytes."""
    raw = ("\r\n".join(_headers(random)) + "\r\n").encode("utf-8", "surrogateescape") + _entity(random, 0)
    for _ in range(random.choice((0, 0, 1, 3))):
        raw = random.choice(_DAMAGES)(random, raw)
    return raw


def _headers(random: Random) -> list[str]:
    made = [
        f"From: {random.choice(_ADDRESSES)}",
        f"To: {', '.join(random.choices(_ADDRESSES, k=random.choice((1, 2, 60))))}",
        f"Subject: {' '.join(random.choices(_WORDS, k=random.randint(0, 8)))}",
        f"Date: {random.choice(_DATES)}",
        f"Message-ID: {random.choice(['<one@example.org>', '', '<>', '<a b>', 'x' * 3000])}",
        f"References: {' '.join(f'<{each}@example.org>' for each in range(random.choice((0, 1, 400))))}",
        f"List-Unsubscribe: {random.choice(['<https://example.net/u>', '<mailto:u@example.net>', '<<', 'x', ''])}",
        "X-Long: " + random.choice(["", "y" * 100_000, "\r\n\tz" * 500]),
        "No colon at all",
    ]
    random.shuffle(made)
    return made[: random.randint(0, len(made))]


def _entity(random: Random, depth: int) -> bytes:
    if depth < _DEEPEST and random.random() < (0.9 if depth else 0.5) - depth * 0.02:
        return _multipart(random, depth)
    return _leaf(random)


def _multipart(random: Random, depth: int) -> bytes:
    mark = random.choice(["b", "=_x", "", "a b", "--", "b" * 80])
    declared = mark if random.random() < 0.9 else "another"
    kind = random.choice(["mixed", "alternative", "related", "digest", "report", ""])
    head = f'Content-Type: multipart/{kind}; boundary="{declared}"\r\n\r\n'.encode()
    parts = [f"\r\n--{mark}\r\n".encode() + _entity(random, depth + 1) for _ in range(random.choice((0, 1, 1, 2)))]
    return head + b"".join(parts) + (f"\r\n--{mark}--\r\n".encode() if random.random() < 0.8 else b"")


def _leaf(random: Random) -> bytes:
    kind, charset, encoding = random.choice(_TYPES), random.choice(_CHARSETS), random.choice(_ENCODINGS)
    name = random.choice(_NAMES)
    given = random.choice(
        [
            f"; charset={charset}",
            f'; charset="{charset}"; name="{name}"',
            f"; name*0*=utf-8''{name}; name*1=b",
            ";;=",
            "",
        ]
    )
    head = f"Content-Type: {kind}{given}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    head += random.choice(
        ["", f'Content-Disposition: attachment; filename="{name}"\r\n', "Content-Disposition: \x00\r\n"]
    )
    return head.encode("utf-8", "replace") + b"\r\n" + _body(random, encoding)


def _body(random: Random, encoding: str) -> bytes:
    text = random.choice([*_MARKUP, "Hello Ada,\r\n> quoted\r\n-- \r\nCarol", "", "\r" * 300, "x" * 20_000])
    plain = text.encode("utf-8", "replace") + random.randbytes(random.choice((0, 0, 40)))
    if encoding == "base64" and random.random() < 0.7:
        return base64.b64encode(plain)[: random.randint(0, 4000)]
    return plain


def _cut(random: Random, raw: bytes) -> bytes:
    return raw[: random.randint(0, len(raw))]


def _flip(random: Random, raw: bytes) -> bytes:
    at = random.randint(0, max(len(raw) - 1, 0))
    return raw[:at] + random.randbytes(random.choice((1, 4))) + raw[at + 1 :]


def _carriage_returns(random: Random, raw: bytes) -> bytes:
    return raw.replace(b"\r\n", random.choice((b"\r", b"\n", b"\r\r\n", b"\n\r")))


def _twice(random: Random, raw: bytes) -> bytes:
    at = random.randint(0, len(raw))
    return raw[:at] + raw[: min(len(raw), 5000)] + raw[at:]


_DAMAGES: list[Callable[[Random, bytes], bytes]] = [_cut, _flip, _carriage_returns, _twice]
