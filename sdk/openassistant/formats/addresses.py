"""Mail addresses: reading them out of headers (RFC 5322, 3.4), checking typed ones, and telling look-alikes."""

from __future__ import annotations

import email.utils
import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from openassistant.errors import InvalidRequest
from openassistant.formats.charsets import decode_header

__all__ = ["Address", "looks_like", "parse_header", "parse_typed"]

_ADDRESS = r"([^<>\s@\"(),:;\\]+@[^<>\s@\"(),:;\\]+)"
_NAMED = re.compile(rf"\s*(?:\"([^\"\\\r\n]*)\"\s*|([^\"<>@,;:()\\\r\n]*))<{_ADDRESS}>\s*")
_BARE = re.compile(rf"\s*{_ADDRESS}\s*")
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_LONGEST_HEADER = 16_000
_MOST = 200
_BROKEN = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What the standard library's address parser has been seen to raise on hostile headers."""


class Address(NamedTuple):
    """A mail address in lower case and the name that came with it ("" when none did)."""

    address: str
    name: str = ""

    @property
    def shown(self) -> str:
        """As people write it: `Carol Meyer <carol@example.org>`."""
        return f"{self.name} <{self.address}>" if self.name else self.address


def parse_header(value: str) -> tuple[Address, ...]:
    """The addresses of a From, To or Cc header as the e-mail parser gives it; at most 200; never raises."""
    value = value[:_LONGEST_HEADER]
    if simple := _split(value):
        return (_address(*simple),)
    try:
        pairs = email.utils.getaddresses([value])
    except _BROKEN:
        return ()
    return tuple(_address(address, name) for name, address in pairs[:_MOST] if "@" in address)


def parse_typed(text: str) -> Address:
    """One address that a person or a model wrote, with or without a name.

    Raises `InvalidRequest` that says what is wrong with it: line breaks, several addresses, or not an address.
    """
    if any(unicodedata.category(character).startswith("C") for character in text):
        raise InvalidRequest("A mail address cannot contain line breaks or invisible characters.")
    simple = _split(text)
    if simple is None:
        raise InvalidRequest(f"{text[:100]!r} is not one mail address, like carol@example.org.")
    address, name = simple
    local, _, domain = address.rpartition("@")
    if not _LOCAL.fullmatch(local) or local.startswith(".") or local.endswith(".") or ".." in local:
        raise InvalidRequest(f"{address[:100]!r}: the part before the @ is not one that mail servers accept.")
    return Address(f"{local}@{_ascii_domain(domain)}", name.strip())


def looks_like(address: str, known: Iterable[str]) -> str | None:
    """The known address that this one could be mistaken for, or None; an address is not its own look-alike."""
    shape = _skeleton(address)
    near: str | None = None
    for each in known:
        if each == address:
            return None
        if near is None and _near(shape, _skeleton(each)):
            near = each
    return near


def _split(text: str) -> tuple[str, str] | None:
    """Address and name of the simple forms that nearly all mail uses; None for anything else."""
    if found := _NAMED.fullmatch(text):
        return found.group(3), (found.group(1) or found.group(2) or "").strip()
    if found := _BARE.fullmatch(text):
        return found.group(1), ""
    return None


def _address(address: str, name: str) -> Address:
    shown = decode_header(name).strip().strip('"').strip()
    cleaned = decode_header(address).replace(" ", "").lower()
    return Address(cleaned[:320], "" if shown.lower() == cleaned else shown[:200])


def _ascii_domain(domain: str) -> str:
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise InvalidRequest(f"{domain[:100]!r} is not a domain name.") from error
    if len(ascii_domain) > 253 or not _DOMAIN.fullmatch(ascii_domain):
        raise InvalidRequest(f"{domain[:100]!r} is not a domain name.")
    return ascii_domain.lower()


_CONFUSED = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "-": None, "_": None, ".": None})
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))


def _skeleton(address: str) -> tuple[str, str]:
    """Local part and domain with look-alike characters folded into one (in the spirit of UTS #39)."""
    local, _, domain = address.lower().rpartition("@")
    if "xn--" in domain:
        try:
            domain = domain.encode("ascii").decode("idna")
        except UnicodeError:
            pass
    return _fold(local), _fold(domain)


def _fold(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    plain = plain.translate(_HOMOGLYPHS).translate(_CONFUSED)
    for pair, single in _PAIRS:
        plain = plain.replace(pair, single)
    return plain


_HOMOGLYPHS = str.maketrans("асеорхуіјѕԁһӏτνο", "aceopxyljsdhltvo")


def _near(one: tuple[str, str], other: tuple[str, str]) -> bool:
    if one == other:
        return True
    if one[0] == other[0]:
        return _distance_at_most(one[1], other[1], 2) or one[1].split("@")[-1] == other[1]
    return one[1] == other[1] and len(one[0]) > 3 and _distance_at_most(one[0], other[0], 1)


def _distance_at_most(one: str, other: str, limit: int) -> bool:
    """Whether the edit distance (insert, delete, replace, swap of neighbours) is within `limit`."""
    if abs(len(one) - len(other)) > limit:
        return False
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return False
    return row[-1] <= limit
