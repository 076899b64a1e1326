"""What is written in age's format another implementation reads, and the other way round, from any place in it."""

from __future__ import annotations

import secrets

import pyrage
import pytest

from openassistant.errors import InvalidRequest
from services.gateway import agefile
from services.gateway.agefile import Sealed

PHRASE = "not a real passphrase"
SIZES = (0, 1, 65_535, 65_536, 65_537, 200_000)


@pytest.fixture(scope="module")
def identity() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


@pytest.fixture(scope="module")
def sealed() -> Sealed:
    return agefile.by_passphrase(PHRASE)


def written(sealed: Sealed, plain: bytes, *, start: int = 0, step: int = 50_000) -> bytes:
    """The sealed file from `start` on, read in steps."""
    out = b""
    while part := sealed.read(len(plain), start + len(out), step, lambda at, count: plain[at : at + count]):
        out += part
    return out


def read(sealed: Sealed, file: bytes) -> bytes:
    out = b""
    while part := sealed.open(len(file), len(out), lambda at, count: file[at : at + count]):
        out += part
    return out


@pytest.mark.parametrize("size", SIZES)
def test_another_implementation_reads_what_is_written_for_a_key(size: int, identity: pyrage.x25519.Identity) -> None:
    plain = secrets.token_bytes(size)
    sealed = agefile.by_recipient(str(identity.to_public()))
    file = written(sealed, plain)
    assert pyrage.decrypt(file, [identity]) == plain
    assert len(file) == agefile.sealed_size(sealed, size)
    assert sealed.content_size(len(file)) == size
    for start in (1, len(sealed.head), len(file) // 2, max(0, len(file) - 1)):
        assert written(sealed, plain, start=start) == file[start:]


@pytest.mark.parametrize("size", SIZES)
def test_what_another_implementation_wrote_is_read(size: int, identity: pyrage.x25519.Identity) -> None:
    plain = secrets.token_bytes(size)
    file = pyrage.encrypt(plain, [pyrage.x25519.Identity.generate().to_public(), identity.to_public()])
    opened = agefile.opened(file[: agefile.MOST_HEADER], identity=str(identity))
    assert (read(opened, file), opened.content_size(len(file))) == (plain, size)


def test_a_passphrase_opens_in_both_directions(sealed: Sealed) -> None:
    plain = secrets.token_bytes(70_000)
    assert pyrage.passphrase.decrypt(written(sealed, plain), PHRASE) == plain
    file = pyrage.passphrase.encrypt(plain, PHRASE)
    assert read(agefile.opened(file, passphrase=PHRASE), file) == plain


def test_a_wrong_passphrase_or_key_opens_nothing(sealed: Sealed, identity: pyrage.x25519.Identity) -> None:
    file = written(sealed, b"content")
    for given in ({"passphrase": "another"}, {"identity": str(identity)}, {}):
        with pytest.raises(InvalidRequest, match="does not open"):
            agefile.opened(file, **given)
    with pytest.raises(InvalidRequest, match="not a secret key"):
        agefile.opened(pyrage.encrypt(b"x", [identity.to_public()]), identity="AGE-SECRET-KEY-1NONE")


@pytest.mark.parametrize(
    "recipient", ["", "age1", "age1qqqq", "ssh-ed25519 AAAA", "AGE-SECRET-KEY-1", "age1" + "q" * 58]
)
def test_what_is_no_key_is_refused(recipient: str) -> None:
    with pytest.raises(InvalidRequest, match="not a public key"):
        agefile.by_recipient(recipient)


def test_what_was_changed_or_cut_off_is_noticed(identity: pyrage.x25519.Identity) -> None:
    file = pyrage.encrypt(secrets.token_bytes(150_000), [identity.to_public()])
    opened = agefile.opened(file, identity=str(identity))
    changed = file[:-5] + bytes([file[-5] ^ 1]) + file[-4:]
    for broken in (changed, file[:-1], file[: len(opened.head) + 65_552]):
        with pytest.raises(InvalidRequest, match="changed, or cut off"):
            read(opened, broken)
    with pytest.raises(InvalidRequest, match="head of the file"):
        agefile.opened(file.replace(b"\n---", b"\n-> a b\n\n---", 1), identity=str(identity))
    with pytest.raises(InvalidRequest, match="not a whole"):
        agefile.opened(file[:100], identity=str(identity))


def test_no_file_makes_the_house_work_for_minutes() -> None:
    file = pyrage.passphrase.encrypt(b"x", PHRASE)
    line = next(each for each in file.split(b"\n") if each.startswith(b"-> scrypt"))
    greedy = file.replace(line, line.rpartition(b" ")[0] + b" 30")
    with pytest.raises(InvalidRequest, match="more work"):
        agefile.opened(greedy, passphrase=PHRASE)
