"""The stored form of a record, and its content under a key."""

import base64
import secrets
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from services.audit.records import COLUMNS, decrypt, encrypt, exported, leaf_of
from services.audit.tree import leaf_hash

_TEXT = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_ROWS = st.fixed_dictionaries(
    {
        **dict.fromkeys(COLUMNS[1:-1], _TEXT),
        "position": st.integers(0, 2**53 - 1),
        "content": st.none() | st.binary(max_size=40),
    }
)


@given(_ROWS)
def test_a_leaf_is_the_hash_of_the_canonical_form(row: dict[str, Any]) -> None:
    present = {name: value for name, value in row.items() if value is not None}
    if row["content"] is not None:
        present["content"] = base64.b64encode(row["content"]).decode()
    assert exported(row) == present
    assert leaf_of(row) == leaf_hash(rfc8785.dumps(present))


@given(_ROWS, st.data())
def test_no_two_rows_share_a_leaf(row: dict[str, Any], draw: st.DataObject) -> None:
    column = draw.draw(st.sampled_from(COLUMNS))
    other = {**row, column: draw.draw(_ROWS)[column]}
    assert (leaf_of(row) == leaf_of(other)) == (row == other)


@pytest.mark.parametrize("value", [b"bytes", 1.5j, "\ud800"])
def test_a_value_that_no_record_holds_has_no_leaf(value: Any) -> None:
    row = {**dict.fromkeys(COLUMNS), "position": 0, "tool": value}
    with pytest.raises((TypeError, ValueError)):
        leaf_of(row)


def test_content_opens_with_its_key_and_in_its_place_alone() -> None:
    key = secrets.token_bytes(32)
    sealed = encrypt({"result": "ä"}, key, bound_to="id/action")
    assert sealed is not None
    assert decrypt(sealed, key, bound_to="id/action") == {"result": "ä"}
    assert decrypt(sealed, key, bound_to="id/other") is None
    assert decrypt(sealed, secrets.token_bytes(32), bound_to="id/action") is None
    assert decrypt(sealed[:3], key, bound_to="id/action") is None
    assert decrypt(sealed[:-1] + bytes([sealed[-1] ^ 1]), key, bound_to="id/action") is None


def test_the_same_content_is_never_the_same_ciphertext() -> None:
    key = secrets.token_bytes(32)
    assert encrypt("x", key, bound_to="a") != encrypt("x", key, bound_to="a")


def test_nothing_stays_nothing() -> None:
    assert encrypt(None, bytes(32), bound_to="a") is None
    assert decrypt(None, bytes(32), bound_to="a") is None
