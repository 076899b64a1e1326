"""Values and filters for a database's columns, held against its schema before Notion is asked.

https://developers.notion.com/reference/page-property-values and /reference/filter-data-source-entries.
An error names the argument and the kind of column, never what others wrote.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.notion.api import rich
from connectors.notion.things import Property, id_of
from openassistant.errors import InvalidRequest

__all__ = ["TITLE", "Filter", "Value", "conditions_of", "filter_for", "restored", "same_value", "values_for"]

Value = str | float | bool | list[str] | None
TITLE = {"title": Property("title")}
"""The one column of a page that is in no database."""

_TEXTS = ("equals", "does_not_equal", "contains", "does_not_contain", "starts_with", "ends_with")
_NUMBERS = (
    "equals",
    "does_not_equal",
    "greater_than",
    "less_than",
    "greater_than_or_equal_to",
    "less_than_or_equal_to",
)
_DATES = ("equals", "before", "after", "on_or_before", "on_or_after")
_SPANS = ("this_week", "past_week", "past_month", "past_year", "next_week", "next_month", "next_year")
_EMPTY = ("is_empty", "is_not_empty")
_LISTS = ("contains", "does_not_contain")
_CONDITIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("title", "rich_text", "url", "email", "phone_number"), (*_TEXTS, *_EMPTY)),
    "number": (*_NUMBERS, *_EMPTY), "checkbox": ("equals", "does_not_equal"),
    **dict.fromkeys(("select", "status"), ("equals", "does_not_equal", *_EMPTY)),
    **dict.fromkeys(("multi_select", "people", "relation", "created_by", "last_edited_by"), (*_LISTS, *_EMPTY)),
    **dict.fromkeys(("date", "created_time", "last_edited_time"), (*_DATES, *_SPANS, *_EMPTY)),
    "files": _EMPTY, "unique_id": _NUMBERS,
}  # fmt: skip
_MOST_ITEMS = 100
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")


class Filter(BaseModel):
    """One condition on a column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    property: Annotated[str, Field(description="The column's name, as databases_get shows it", max_length=200)]
    condition: Annotated[
        Literal[
            "equals", "does_not_equal", "contains", "does_not_contain", "starts_with", "ends_with", "greater_than",
            "less_than", "greater_than_or_equal_to", "less_than_or_equal_to", "before", "after", "on_or_before",
            "on_or_after", "this_week", "past_week", "past_month", "past_year", "next_week", "next_month", "next_year",
            "is_empty", "is_not_empty",
        ],
        Field(description="Which ones fit depends on the column's type; databases_get lists them"),
    ]  # fmt: skip
    value: Annotated[
        str | float | bool | None,
        Field(description="What to compare with: text, number, true or false, a day such as 2026-11-01, an id"),
    ] = None


def filter_for(schema: Mapping[str, Property], filters: list[Filter], match: str) -> dict[str, Any] | None:
    """The filter as Notion takes it; raises `InvalidRequest` that names the condition to correct."""
    found = [_condition(schema, number, each) for number, each in enumerate(filters)]
    if len(found) < 2:
        return found[0] if found else None
    return {"and" if match == "all" else "or": found}


def values_for(schema: Mapping[str, Property], given: Mapping[str, Value]) -> dict[str, Any]:
    """Properties as Notion takes them; raises `InvalidRequest` that says which one does not fit, and how it would."""
    return {name: _value(number, _column(schema, name, f"properties: {_nth(number)}"), value)
            for number, (name, value) in enumerate(given.items())}  # fmt: skip


def restored(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Properties of a page as they can be written again; what cannot be written whole is left out."""
    found = {name: _written(each) for name, each in raw.items() if isinstance(each, dict)}
    return {name: each for name, each in found.items() if each is not None}


def same_value(one: Any, other: Any) -> bool:
    """Whether two values say the same, in whatever spelling Notion gives them back."""
    return bool(_key(one) == _key(other))


def conditions_of(kind: str) -> tuple[str, ...]:
    """The conditions that a column of a type takes."""
    return _CONDITIONS.get(kind, ())


def _condition(schema: Mapping[str, Property], number: int, asked: Filter) -> dict[str, Any]:
    column = _column(schema, asked.property, f"filters: {_nth(number)}")
    allowed = conditions_of(column.kind)
    if asked.condition not in allowed:
        kinds = ", ".join(allowed) or "none"
        raise InvalidRequest(
            f"filters: {_nth(number)}: a column of type {column.kind} takes these conditions: {kinds}."
        )
    if asked.condition in _EMPTY:
        operand: Any = True
    elif asked.condition in _SPANS:
        operand = {}
    else:
        operand = _operand(number, column, asked.value)
    if column.kind in ("created_time", "last_edited_time"):
        return {"timestamp": column.kind, column.kind: {asked.condition: operand}}
    return {"property": asked.property, column.kind: {asked.condition: operand}}


def _operand(number: int, column: Property, value: object) -> Any:
    where, kind = f"filters: {_nth(number)}", column.kind
    if kind == "checkbox":
        return _typed(value, bool, f"{where}: give true or false.")
    if kind in ("number", "unique_id"):
        return _number(value, f"{where}: give a number.")
    if kind in ("date", "created_time", "last_edited_time"):
        return _moment(value, f"{where}: give a day such as 2026-11-01, or a time such as 2026-11-01T10:00+01:00.")
    text = _typed(value, str, f"{where}: give a text.")
    if kind in ("people", "relation", "created_by", "last_edited_by"):
        return "me" if text == "me" and kind != "relation" else _id(text, f"{where}: give an id.")
    if kind in ("select", "status", "multi_select"):
        _require_option(column, [text], where)
    return text


def _value(number: int, column: Property, value: Value) -> dict[str, Any]:
    where, kind = f"properties: {_nth(number)}", column.kind
    if kind in ("title", "rich_text"):
        return {kind: rich(_typed("" if value is None else value, str, f"{where}: give a text."))}
    if kind == "checkbox":
        return {kind: _typed(bool(value) if value is None else value, bool, f"{where}: give true or false.")}
    if kind in ("multi_select", "people", "relation"):
        return {kind: _items(kind, column, [] if value is None else value, where)}
    if kind not in ("number", "select", "status", "date", "url", "email", "phone_number"):
        raise InvalidRequest(f"{where}: a column of type {kind} cannot be written from here.")
    return {kind: None if value is None or value == "" else _single(kind, column, value, where)}


def _single(kind: str, column: Property, value: Value, where: str) -> Any:
    if kind == "number":
        return _number(value, f"{where}: give a number.")
    if kind == "date":
        return _span(value, f"{where}: give a day or a time such as 2026-11-01T10:00+01:00, or two with / between.")
    text = _typed(value, str, f"{where}: give a text.")
    if kind in ("select", "status"):
        _require_option(column, [text], where)
        return {"name": text}
    if kind == "email" and not _MAIL.fullmatch(text):
        raise InvalidRequest(f"{where}: give an address such as carol@example.org.")
    return text


def _items(kind: str, column: Property, value: Value, where: str) -> list[dict[str, str]]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or len(given) > _MOST_ITEMS:
        raise InvalidRequest(f"{where}: give a list of at most {_MOST_ITEMS}.")
    if kind == "multi_select":
        _require_option(column, given, where)
        return [{"name": each} for each in given]
    hint = "users_list" if kind == "people" else "pages_search"
    return [{"id": _id(each, f"{where}: give ids from {hint}.")} for each in given]


def _require_option(column: Property, given: list[str], where: str) -> None:
    if any(each not in column.options for each in given):
        raise InvalidRequest(f"{where}: take one of the options that databases_get lists for that column.")


def _column(schema: Mapping[str, Property], name: str, where: str) -> Property:
    if name not in schema:
        raise InvalidRequest(f"{where}: there is no such column; take the names from databases_get.")
    return schema[name]


def _typed(value: object, kind: type, words: str) -> Any:
    if not isinstance(value, kind):
        raise InvalidRequest(words)
    return value


def _number(value: object, words: str) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidRequest(words)
    return int(value) if value == int(value) else value


def _id(value: object, words: str) -> str:
    if (found := id_of(value)) is None:
        raise InvalidRequest(words)
    return found


def _span(value: object, words: str) -> dict[str, str]:
    start, _, end = _typed(value, str, words).partition("/")
    return {"start": _moment(start, words), **({"end": _moment(end, words)} if end else {})}


def _moment(value: object, words: str) -> str:
    text = _typed(value, str, words).strip()
    try:
        if len(text) == 10:
            return date.fromisoformat(text).isoformat()
        return datetime.fromisoformat(text).isoformat()
    except ValueError as error:
        raise InvalidRequest(words) from error


def _written(raw: dict[str, Any]) -> dict[str, Any] | None:
    kind = str(raw.get("type"))
    found = raw.get(kind)
    if raw.get("has_more") is True:
        return None  # a page gives 25 items of a list at most, and writing those back would lose the others
    if kind in ("title", "rich_text"):
        return {kind: [_again(each) for each in found if isinstance(each, dict)] if isinstance(found, list) else []}
    if kind in ("multi_select", "people", "relation"):
        field = "name" if kind == "multi_select" else "id"
        return {kind: [{field: each.get(field)} for each in found or () if isinstance(each, dict)]}
    if kind in ("select", "status"):
        return {kind: {"name": found.get("name")} if isinstance(found, dict) else None}
    if kind in ("number", "date", "url", "email", "phone_number", "checkbox"):
        return {kind: found}
    return None


def _again(piece: dict[str, Any]) -> dict[str, Any]:
    """A piece of rich text as a request takes it."""
    kind = str(piece.get("type", "text"))
    return {
        "type": kind,
        kind: piece.get(kind),
        **({"annotations": piece["annotations"]} if "annotations" in piece else {}),
    }


def _key(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kind = str(value.get("type", next(iter(value), "")))
    found = value.get(kind)
    if kind in ("title", "rich_text") and isinstance(found, list):
        return "".join(_content(each) for each in found)
    if kind in ("multi_select", "people", "relation") and isinstance(found, list):
        return sorted(
            str(each.get("name") or each.get("id")) if kind == "multi_select" else str(id_of(each)) for each in found
        )
    if kind in ("select", "status"):
        return found.get("name") if isinstance(found, dict) else None
    if kind == "date" and isinstance(found, dict):
        return [_instant(found.get("start")), _instant(found.get("end"))]
    return found


def _content(piece: dict[str, Any]) -> str:
    inner = piece.get("text")
    content = inner.get("content") if isinstance(inner, dict) else None
    return str(content if content is not None else piece.get("plain_text", ""))


def _instant(value: Any) -> Any:
    """A time in one spelling: Notion gives back `.000` where none was written."""
    if not isinstance(value, str) or len(value) <= 10:
        return value
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return value
    return found.timestamp() if found.tzinfo else value[:16]


def _nth(number: int) -> str:
    return f"number {number + 1}"
