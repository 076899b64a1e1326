"""Checks an exported ledger without the house: `python verify_export.py ledger.jsonl --trust trust.json`.

One file that needs Python and `cryptography` alone and imports nothing of the product, so that it can be read in one
sitting and run elsewhere. It recomputes each record's leaf hash (RFC 8785, RFC 9162), the tree's root, and the
signature of the head (a C2SP checkpoint). With `--heads` it also checks that the export continues heads that were kept
somewhere else, one or many in a file: without them, a ledger whose newest records were cut off before the export still
fits its own head.

What it cannot see: records of other users, which are exported as bare leaf hashes, and the plain text of a content,
except that of a call's start, whose arguments it holds against the signed call digest. The hash of a record whose
content was removed since cannot be worked out any more: its place in the tree is checked, and that the ledger's key
signed the rest of it together with that hash.

Exit status: 0 it all fits, 1 something does not (the first such line is named), 2 a file cannot be read.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["Mismatch", "Report", "canonical", "main", "read_head", "verify"]

ORIGIN = "open-assistant/ledger"
_EMPTIED = b"open-assistant/ledger/emptied\n"
_CALL = ("id", "user", "account", "connector", "card_digest", "tool")


class Mismatch(Exception):
    """Something in the export does not fit; the message names the line or record."""


class Head(NamedTuple):
    """A signed tree head."""

    size: int
    root: bytes
    time: str


class Report(NamedTuple):
    """What was checked: records in all, those that were exported whole, calls whose arguments fit their digest.

    `emptied` are records without the content that they had: they stand by the signature of the ledger's key.
    """

    size: int
    whole: int
    calls: int
    root: str
    time: str
    emptied: int = 0


_NOTE = re.compile(rf"{ORIGIN}\n\d+\n\S+\n(?:[^\n]+\n)*\n(?:— [^\n]+(?:\n|\Z))+")
_EMPTY = Head(0, hashlib.sha256().digest(), "")


def verify(lines: Iterable[str], public: bytes, *, kept: str | None = None) -> Report:
    """Checks the lines of an export against a 32-byte Ed25519 key and, if given, the notes of kept heads.

    Raises `Mismatch` at the first thing that does not fit.
    """
    earlier = _kept(kept, public) if kept is not None else {}
    if earlier.get(0, _EMPTY).root != _EMPTY.root:
        raise Mismatch("a head over no records names some")
    roots: list[bytes] = []
    size = whole = calls = emptied = 0
    head: Head | None = None
    for number, line in enumerate(filter(str.strip, lines), start=1):
        if head is not None:
            raise Mismatch(f"line {number}: there is something after the head")
        given = _parse(line, number)
        if "head" in given:
            head = _final(given["head"], public)
            continue
        _check_place(given, size, number)
        if "emptied" in given:
            emptied += 1
            _check_emptied(given, size, public)
        elif "record" in given:
            whole += 1
            calls += _check_record(given, size)
        _grow(roots, size, _hash_in(given, number))
        size += 1
        if size in earlier and _root(roots) != earlier[size].root:
            raise Mismatch(
                f"the first {size} records are not those of the head that was signed at {earlier[size].time}"
            )
    newest = earlier[max(earlier)] if earlier else None
    return Report(size, whole, calls, *_end(head, newest, size, _root(roots)), emptied)


def _kept(text: str, public: bytes) -> dict[int, Head]:
    """The heads in a file, by size; raises `Mismatch` where something else stands, or two heads contradict."""
    heads: dict[int, Head] = {}
    if _NOTE.sub("", text).strip() or not text.strip():
        raise Mismatch("the file of heads holds something that is none")
    for note in _NOTE.findall(text):
        head = read_head(note, public)
        if heads.setdefault(head.size, head).root != head.root:
            raise Mismatch(f"two heads over {head.size} records name different ones")
    return heads


def read_head(note: str, public: bytes) -> Head:
    """The head in a C2SP checkpoint; raises `Mismatch` unless the key signed it."""
    body, _, signatures = note.partition("\n\n")
    try:
        origin, size, root, time = body.split("\n")
        signature = base64.b64decode(signatures.removeprefix(f"— {ORIGIN} ").strip(), validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], f"{body}\n".encode())
        head = Head(int(size), base64.b64decode(root, validate=True), time.removeprefix("time "))
    except (ValueError, binascii.Error, InvalidSignature) as error:
        raise Mismatch("the head is not signed by the key that is trusted") from error
    named = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + public).digest()[:4]
    if origin != ORIGIN or signature[:4] != named:
        raise Mismatch("the head is of another ledger")
    return head


def canonical(value: Any) -> str:
    """The RFC 8785 form of a JSON value: keys by UTF-16 units, numbers as ECMAScript writes them."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: str(name).encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(each) for each in value) + "]"
    if isinstance(value, float):
        return _number(value)
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """ECMA-262, Number::toString, from Python's digits (both are the shortest that read back the same)."""
    if value == 0:
        return "0"
    if value < 0:
        return "-" + _number(-value)
    mantissa, _, power = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole.lstrip("0")) + int(power or 0)
    if not whole.lstrip("0"):
        point -= len(fraction) - len(fraction.lstrip("0"))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def _parse(line: str, number: int) -> dict[str, Any]:
    try:
        given = json.loads(line)
    except ValueError as error:
        raise Mismatch(f"line {number}: not JSON") from error
    if not isinstance(given, dict):
        raise Mismatch(f"line {number}: not a record")
    return given


def _check_place(given: dict[str, Any], place: int, number: int) -> None:
    if given.get("index") != place:
        raise Mismatch(f"line {number}: record {place} is missing or moved")


def _hash_in(given: dict[str, Any], number: int) -> bytes:
    try:
        leaf = bytes.fromhex(given["leaf"])
    except (KeyError, TypeError, ValueError) as error:
        raise Mismatch(f"line {number}: no leaf hash") from error
    if len(leaf) != hashlib.sha256().digest_size:
        raise Mismatch(f"line {number}: no leaf hash")
    return leaf


def _check_record(given: dict[str, Any], place: int) -> int:
    """Holds a whole record against its leaf hash; 1 when its call's arguments were proven too."""
    record = given["record"]
    if not isinstance(record, dict) or record.get("position") != place:
        raise Mismatch(f"record {place} stands in another's place")
    leaf = hashlib.sha256(b"\x00" + _encoded(record, place)).hexdigest()
    if leaf != given.get("leaf"):
        raise Mismatch(f"record {place} was changed")
    content = given.get("content")
    if record.get("action") != "tool.started" or not isinstance(content, dict) or "nonce" not in content:
        return 0
    call = {name: record.get(name) for name in _CALL}
    call |= {"nonce": content["nonce"], "arguments": content.get("arguments")}
    if hashlib.sha256(_encoded(call, place)).hexdigest() != record.get("call_digest"):
        raise Mismatch(f"record {place}: the arguments are not those that were signed for")
    return 1


def _check_emptied(given: dict[str, Any], place: int, public: bytes) -> None:
    """Holds a record without its content against the signature over it and its leaf hash."""
    record = given.get("record")
    if not isinstance(record, dict) or record.get("position") != place or "content" in record:
        raise Mismatch(f"record {place} stands in another's place")
    message = _EMPTIED + _encoded({**record, "leaf": given.get("leaf")}, place)
    try:
        signature = base64.b64decode(str(given["emptied"]), validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (ValueError, binascii.Error, InvalidSignature) as error:
        raise Mismatch(f"record {place} was emptied by somebody else, or changed") from error


def _encoded(value: Any, place: int) -> bytes:
    try:
        return canonical(value).encode()
    except UnicodeEncodeError as error:
        raise Mismatch(f"record {place} holds broken text") from error


def _final(given: Any, public: bytes) -> Head:
    note = given.get("checkpoint") if isinstance(given, dict) else None
    head = read_head(str(note), public)
    if (given.get("size"), given.get("root")) != (head.size, head.root.hex()):
        raise Mismatch("the head says something else than its signed note")
    return head


def _end(head: Head | None, earlier: Head | None, size: int, root: bytes) -> tuple[str, str]:
    if head is None:
        raise Mismatch("the export has no head: its end is missing")
    if head.size != size:
        raise Mismatch(f"the head was signed over {head.size} records, the export has {size}")
    if head.root != root:
        raise Mismatch("the root of the records is not the one that was signed")
    if earlier is not None and earlier.size > size:
        raise Mismatch(f"records were cut off: {earlier.size} were signed at {earlier.time}, the export has {size}")
    return root.hex(), head.time


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _grow(roots: list[bytes], size: int, leaf: bytes) -> None:
    """Adds a leaf to the roots of the perfect subtrees, largest first."""
    while size & 1:
        leaf, size = _node(roots.pop(), leaf), size >> 1
    roots.append(leaf)


def _root(roots: Sequence[bytes]) -> bytes:
    if not roots:
        return hashlib.sha256().digest()
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = _node(left, root)
    return root


def _key_in(path: Path) -> bytes:
    """The ledger's public key in a house's trust file (JWKs by room)."""
    encoded = str(json.loads(path.read_text("utf-8"))["audit"]["x"])
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(description="Checks an exported ledger.")
    parser.add_argument("export", type=Path, help="the downloaded ledger.jsonl")
    parser.add_argument("--trust", type=Path, required=True, help="the house's trust.json, from a place you trust")
    parser.add_argument("--heads", "--head", type=Path, help="signed heads that were kept somewhere else, in one file")
    given = parser.parse_args(arguments)
    try:
        public = _key_in(given.trust)
        kept = given.heads.read_text("utf-8") if given.heads else None
        with given.export.open(encoding="utf-8") as lines:
            report = verify(lines, public, kept=kept)
    except Mismatch as error:
        print(f"Does not fit: {error}.")
        return 1
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"Cannot be read: {error}", file=sys.stderr)
        return 2
    print(f"Fits: {report.size} records, {report.whole} of them whole, {report.calls} calls with their arguments.")
    if report.emptied:
        print(f"Of {report.emptied} more the content was removed, as the ledger's key signed.")
    print(f"Root {report.root}, signed {report.time}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
