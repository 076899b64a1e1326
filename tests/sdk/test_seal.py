"""A box opens for its receiver in its context, and for nobody else."""

from __future__ import annotations

import pytest

from openassistant.errors import Forbidden, InvalidRequest
from openassistant.seal import SealingKey, b64decode, b64encode, seal

CONTEXT = "oa.rpc.vault.key.mail"


def test_a_box_opens_for_its_receiver() -> None:
    key = SealingKey()
    assert key.open(seal(b"a data key", key.public, context=CONTEXT), context=CONTEXT) == b"a data key"


def test_the_same_secret_never_makes_the_same_box() -> None:
    key = SealingKey()
    boxes = [seal(b"a data key", key.public, context=CONTEXT) for _ in range(3)]
    assert len(set(boxes)) == 3
    assert not any(b"a data key" in b64decode(box) for box in boxes)


def test_a_box_does_not_open_for_another_receiver() -> None:
    box = seal(b"a data key", SealingKey().public, context=CONTEXT)
    with pytest.raises(Forbidden):
        SealingKey().open(box, context=CONTEXT)


def test_a_box_does_not_open_in_another_context() -> None:
    key = SealingKey()
    box = seal(b"a data key", key.public, context=CONTEXT)
    with pytest.raises(Forbidden):
        key.open(box, context="oa.rpc.vault.key.caldav")


def test_a_changed_box_does_not_open() -> None:
    key = SealingKey()
    raw = b64decode(seal(b"a data key", key.public, context=CONTEXT))
    for position in (0, 31, 32, len(raw) - 1):
        changed = bytearray(raw)
        changed[position] ^= 1
        with pytest.raises(Forbidden):
            key.open(b64encode(bytes(changed)), context=CONTEXT)


@pytest.mark.parametrize("box", ["", "AA", "A" * 40, b64encode(bytes(48))])
def test_a_box_that_is_none_is_refused(box: str) -> None:
    with pytest.raises(Forbidden):
        SealingKey().open(box, context=CONTEXT)


@pytest.mark.parametrize("box", ["not base64!", "ümlaut", "a b"])
def test_a_box_that_is_not_base64_is_an_invalid_request(box: str) -> None:
    with pytest.raises(InvalidRequest):
        SealingKey().open(box, context=CONTEXT)


@pytest.mark.parametrize("public", ["", "AA", b64encode(bytes(31)), b64encode(bytes(33)), "not base64!"])
def test_a_public_key_of_another_form_is_an_invalid_request(public: str) -> None:
    with pytest.raises(InvalidRequest):
        seal(b"x", public, context=CONTEXT)


def test_a_public_key_that_gives_every_receiver_the_same_secret_is_an_invalid_request() -> None:
    with pytest.raises(InvalidRequest):
        seal(b"x", b64encode(bytes(32)), context=CONTEXT)


def test_an_empty_secret_and_a_large_one_go_through() -> None:
    key = SealingKey()
    for plain in (b"", bytes(100_000)):
        assert key.open(seal(plain, key.public, context=CONTEXT), context=CONTEXT) == plain


@pytest.mark.parametrize("raw", [b"", b"\0", b"\xfb\xff", bytes(range(256))])
def test_base64_is_for_urls_and_without_padding(raw: bytes) -> None:
    text = b64encode(raw)
    assert not set(text) & set("+/=")
    assert b64decode(text) == raw
