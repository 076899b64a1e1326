"""Whose text a model is given: what the ledger says of a question beside its size."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from openassistant.messages import TextSource
from services.agent.conversations import StoredCall

__all__ = ["sources_of"]

_MOST = 64
_KINDS = {"user": "owner", "assistant": "assistant", "system": "rules"}
_Key = tuple[str, str | None, str | None]


def sources_of(
    messages: Iterable[Mapping[str, Any]],
    calls: Mapping[str, Iterable[StoredCall]],
    tools: list[Any],
    *,
    files: int = 0,
) -> tuple[TextSource, ...]:
    """The sources of a prompt with their bytes, the largest first; `files` are those among the owner's words.

    A result belongs to the account that the call was made on; the names and arguments of calls are the model's own.
    """
    known = {call.id: call for call in chain(*calls.values())}
    sums: Counter[_Key] = Counter()
    for message in messages:
        sums[_source(message, known)] += _size(message.get("content") or "")
        if message.get("tool_calls"):
            sums["assistant", None, None] += _size(message["tool_calls"])
    if tools:
        sums["rules", None, None] += _size(tools)
    if files:
        sums["files", None, None] = files
        sums["owner", None, None] = max(0, sums["owner", None, None] - files)
    found = ((kind, connector, account, size) for (kind, connector, account), size in sums.most_common(_MOST) if size)
    return tuple(
        TextSource(kind=kind, connector=connector, account=account, bytes=size)
        for kind, connector, account, size in found
    )


def _source(message: Mapping[str, Any], calls: Mapping[str, StoredCall]) -> _Key:
    if message["role"] != "tool":
        return _KINDS.get(message["role"], "rules"), None, None
    call = calls.get(message["tool_call_id"])
    if call is None or call.call is None:
        return "rules", None, None
    return "connector", call.call.connector, call.call.account


def _size(value: Any) -> int:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return len(text.encode("utf-8", "surrogatepass"))
