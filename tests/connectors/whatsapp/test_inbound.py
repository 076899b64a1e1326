"""Whatever is signed, reading it never fails, and gives nothing longer than agreed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.whatsapp.inbound import read_hook

NUMBER, WABA = "106540352242922", "102290129340398"
KEYS = st.sampled_from(
    ["id", "from", "from_user_id", "timestamp", "type", "text", "body", "image", "caption", "context", "reaction",
     "message_id", "emoji", "edit", "original_message_id", "message", "revoke", "system", "wa_id", "user_id", "profile",
     "name", "errors", "code", "status", "recipient_id", "interactive", "contacts", "messages", "statuses", "document",
     "filename", "location", "latitude", "order", "product_items", "phones", "phone", "group_id", "title"]
)  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30),
    st.sampled_from(["text", "reaction", "edit", "revoke", "system", "1760000000", "16505551234", NUMBER]),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=6)),
    max_leaves=40,
)


def whole(value: dict[str, Any], field: str = "messages") -> bytes:
    value = {**value, "metadata": {"phone_number_id": NUMBER}}
    entry = [{"id": WABA, "changes": [{"field": field, "value": value}]}]
    return json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.lists(VALUES, max_size=3), st.lists(VALUES, max_size=3), st.lists(VALUES, max_size=2))
def test_no_value_that_meta_could_sign_breaks_the_reading(
    messages: list[Any], statuses: list[Any], contacts: list[Any]
) -> None:
    body = whole({"messages": messages, "statuses": statuses, "contacts": contacts})
    for each in read_hook(body, number=NUMBER, waba=WABA).messages:
        assert each.wamid
        assert each.person.bsuid or each.person.phone
        assert len(each.text) <= 65_536


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_reading(body: bytes) -> None:
    assert read_hook(body, number=NUMBER, waba=WABA) == read_hook(b"", number=NUMBER, waba=WABA)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(VALUES)
def test_no_value_in_the_place_of_the_whole_breaks_the_reading(value: Any) -> None:
    for told in (value, {"object": "whatsapp_business_account", "entry": value}, {"object": value}):
        read_hook(json.dumps(told).encode(), number=NUMBER, waba=WABA)
