"""Filters and sorts of Notion's databases, for the double of its API.

https://developers.notion.com/reference/filter-data-source-entries
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

__all__ = ["holds", "sortable"]

Json = dict[str, Any]


def holds(row: Json, held: Json | None) -> bool:
    """Whether a filter lets a row through."""
    if held is None:
        return True
    if "and" in held:
        return all(holds(row, each) for each in held["and"])
    if "or" in held:
        return any(holds(row, each) for each in held["or"])
    if by := held.get("timestamp"):
        [(condition, wanted)] = held[by].items()
        return _is(condition, datetime.fromisoformat(row[by]), datetime.fromisoformat(wanted))
    kind = next(each for each in held if each not in ("property", "type"))
    [(condition, wanted)] = held[kind].items()
    return _is(condition, _bare(row["properties"][held["property"]]), wanted)


def _is(condition: str, value: Any, wanted: Any) -> bool:
    empty = value in (None, "", [])
    if condition in ("is_empty", "is_not_empty"):
        return empty is (condition == "is_empty")
    if condition in ("does_not_equal", "does_not_contain"):
        return empty or not _is(
            condition.replace("does_not_", "") + "s" * (condition != "does_not_equal"), value, wanted
        )
    if empty:
        return False
    tests: dict[str, Callable[[], bool]] = {
        "equal": lambda: bool(value == wanted), "equals": lambda: bool(value == wanted),
        "contains": lambda: wanted in value, "starts_with": lambda: value.startswith(wanted),
        "ends_with": lambda: value.endswith(wanted), "greater_than": lambda: value > wanted,
        "less_than": lambda: value < wanted, "greater_than_or_equal_to": lambda: value >= wanted,
        "less_than_or_equal_to": lambda: value <= wanted, "before": lambda: value < wanted,
        "after": lambda: value > wanted, "on_or_before": lambda: value <= wanted,
        "on_or_after": lambda: value >= wanted,
    }  # fmt: skip
    return tests[condition]()


def _bare(value: Json) -> Any:
    """What a condition or a sort looks at."""
    kind, found = value["type"], value[value["type"]]
    if kind in ("title", "rich_text"):
        return "".join(each["plain_text"] for each in found)
    if kind in ("select", "status"):
        return found["name"] if found else None
    if kind in ("multi_select", "people", "relation"):
        return [each["name" if kind == "multi_select" else "id"] for each in found]
    return found["start"] if kind == "date" and found else found


def sortable(row: Json, by: Json) -> Any:
    """What a row is sorted by; what is empty comes first."""
    found = row[by["timestamp"]] if "timestamp" in by else _bare(row["properties"][by["property"]])
    return (found is not None, found if found is not None else 0)
