"""The tree and its proofs against the definitions of RFC 9162, section 2.1, written down naively."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.tree import (
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

_LEAVES = st.lists(st.binary(max_size=8), min_size=1, max_size=70)


def _split(size: int) -> int:
    return max(1 << bits for bits in range(size.bit_length()) if 1 << bits < size)


def _tree(data: list[bytes]) -> bytes:
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    half = _split(len(data))
    return hashlib.sha256(b"\x01" + _tree(data[:half]) + _tree(data[half:])).digest()


def _path(index: int, data: list[bytes]) -> list[bytes]:
    if len(data) == 1:
        return []
    half = _split(len(data))
    if index < half:
        return [*_path(index, data[:half]), _tree(data[half:])]
    return [*_path(index - half, data[half:]), _tree(data[:half])]


def _subproof(first: int, data: list[bytes], known: bool) -> list[bytes]:
    if first == len(data):
        return [] if known else [_tree(data)]
    half = _split(len(data))
    if first <= half:
        return [*_subproof(first, data[:half], known), _tree(data[half:])]
    return [*_subproof(first - half, data[half:], False), _tree(data[:half])]


def _flipped(value: bytes) -> bytes:
    return bytes([value[0] ^ 1]) + value[1:]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert CompactRange().root() == _tree([])


@given(_LEAVES)
def test_a_growing_tree_has_the_defined_root_at_every_size(data: list[bytes]) -> None:
    growing = CompactRange()
    for size, each in enumerate(data, start=1):
        growing.append(leaf_hash(each))
        assert (growing.size, growing.root()) == (size, _tree(data[:size]))


@given(_LEAVES, _LEAVES)
def test_a_copy_grows_on_its_own(data: list[bytes], more: list[bytes]) -> None:
    first = CompactRange()
    for each in data:
        first.append(leaf_hash(each))
    second = first.copy()
    for each in more:
        second.append(leaf_hash(each))
    assert (first.root(), second.root()) == (_tree(data), _tree(data + more))


@given(_LEAVES, st.data())
def test_an_inclusion_proof_is_the_defined_one_and_holds_for_its_leaf_alone(
    data: list[bytes], draw: st.DataObject
) -> None:
    index = draw.draw(st.integers(0, len(data) - 1))
    leaves = [leaf_hash(each) for each in data]
    path, root = inclusion_proof(leaves, index), root_of(leaves)
    assert path == _path(index, data)
    assert verify_inclusion(leaves[index], index, len(leaves), path, root)
    assert not verify_inclusion(_flipped(leaves[index]), index, len(leaves), path, root)
    assert not verify_inclusion(leaves[index], index, len(leaves), [*path, root], root)
    assert not verify_inclusion(leaves[index], len(leaves), len(leaves), path, root)
    for place in range(len(path)):
        broken = [*path[:place], _flipped(path[place]), *path[place + 1 :]]
        assert not verify_inclusion(leaves[index], index, len(leaves), broken, root)
        assert not verify_inclusion(leaves[index], index, len(leaves), path[:place], root)


@given(_LEAVES, st.data())
def test_a_consistency_proof_is_the_defined_one_and_holds_for_its_roots_alone(
    data: list[bytes], draw: st.DataObject
) -> None:
    first = draw.draw(st.integers(1, len(data)))
    leaves = [leaf_hash(each) for each in data]
    path, old, new = consistency_proof(leaves, first), root_of(leaves[:first]), root_of(leaves)
    assert path == _subproof(first, data, True)
    assert verify_consistency(first, len(data), path, old, new)
    assert not verify_consistency(first, len(data), path, _flipped(old), new)
    assert not verify_consistency(first, len(data), path, old, _flipped(new))
    for place in range(len(path)):
        broken = [*path[:place], _flipped(path[place]), *path[place + 1 :]]
        assert not verify_consistency(first, len(data), broken, old, new)
        assert not verify_consistency(first, len(data), path[:place], old, new)


@given(_LEAVES, st.data())
def test_a_rewritten_past_has_no_consistency_proof(data: list[bytes], draw: st.DataObject) -> None:
    first = draw.draw(st.integers(1, len(data)))
    place = draw.draw(st.integers(0, first - 1))
    forged = [*data[:place], data[place] + b"!", *data[place + 1 :]]
    leaves = [leaf_hash(each) for each in forged]
    path = consistency_proof(leaves, first)
    assert not verify_consistency(first, len(data), path, _tree(data[:first]), root_of(leaves))


@pytest.mark.parametrize(("first", "second"), [(0, 5), (0, 0)])
def test_everything_continues_the_empty_tree(first: int, second: int) -> None:
    leaves = [leaf_hash(bytes([each])) for each in range(second)]
    assert verify_consistency(first, second, consistency_proof(leaves, first), root_of([]), root_of(leaves))
