"""Forms that a card declares as JSON Schema: what was filled in, checked field by field, in words for a person."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any, cast

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError

from openassistant.errors import Internal
from openassistant.messages import Card
from services.gateway.problems import invalid

__all__ = ["check_form", "wrong_fields"]

_MAILBOX = re.compile(r"[^<>@]*<[^\s@<>,]+@[^\s@<>,]+>|[^\s@<>,]+@[^\s@<>,]+")
_FORMATS = FormatChecker(formats=())

_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "yes or no",
    "array": "a list",
}
_PLACES = {
    "date": "Give a day such as 2026-10-23.",
    "day-or-time": "Give a day such as 2026-10-23, or a time such as 2026-10-23T10:00.",
    "mailbox": "An address looks like carol@example.org.",
}
_WORDS: dict[str, Callable[[Any], str]] = {
    "required": lambda _: "Please fill this in.",
    "type": lambda wanted: f"This should be {_KINDS.get(str(wanted), str(wanted))}.",
    "enum": lambda wanted: f"One of: {', '.join(str(each) for each in wanted)}.",
    "const": lambda wanted: f"This can only be {wanted}.",
    "minLength": lambda wanted: "Please fill this in." if wanted == 1 else f"At least {wanted} characters.",
    "maxLength": lambda wanted: f"At most {wanted} characters.",
    "minItems": lambda wanted: "Please fill this in." if wanted == 1 else f"At least {wanted}.",
    "maxItems": lambda wanted: f"At most {wanted}.",
    "minimum": lambda wanted: f"At least {wanted}.",
    "maximum": lambda wanted: f"At most {wanted}.",
    "pattern": lambda _: "This is not of the form that is expected here.",
    "format": lambda wanted: _PLACES.get(str(wanted), f"This is not a valid {wanted}."),
    "additionalProperties": lambda _: "There is no such field.",
}


def check_form(card: Card, settings: dict[str, Any], secrets: dict[str, str] | None) -> None:
    """Raises `InvalidRequest` that names each field which does not fit the card's schemas; never shows a value.

    `secrets` is None where the account signs in at its provider, which gives them.
    """
    fields = wrong_fields(card.settings_schema, settings)
    if secrets is not None:
        fields |= wrong_fields(card.secrets_schema, secrets)
    if fields:
        raise invalid(f"Please correct {', '.join(sorted(fields))}.", **fields)


def wrong_fields(schema: dict[str, Any], given: dict[str, Any], *, formats: bool = False) -> dict[str, str]:
    """What is wrong, by field; a list is one field. With `formats` days, times and addresses are read, too."""
    checker = _FORMATS if formats else None
    try:
        errors = list(Draft202012Validator(schema, format_checker=checker).iter_errors(given))
    except SchemaError as error:
        raise Internal("The connector's form cannot be read.") from error
    return {name: _words(error) for error in errors for name in _names(error, given)}


def _words(error: ValidationError) -> str:
    words = _WORDS.get(str(error.validator))
    return words(error.validator_value) if words else "This is not as expected."


def _names(error: ValidationError, given: dict[str, Any]) -> Iterator[str]:
    if error.path:
        yield str(error.path[0])
    elif error.validator == "required":
        yield from (name for name in cast(list[str], error.validator_value) if name not in given)
    else:
        known = (error.schema if isinstance(error.schema, dict) else {}).get("properties", {})
        yield from [str(name) for name in given if name not in known] or ["settings"]


@_FORMATS.checks("date")
def _is_day(value: object) -> bool:
    return not isinstance(value, str) or _is_iso(value, date.fromisoformat)


@_FORMATS.checks("day-or-time")
def _is_day_or_time(value: object) -> bool:
    return not isinstance(value, str) or any(_is_iso(value, read) for read in (date.fromisoformat, _time_of))


@_FORMATS.checks("mailbox")
def _is_mailbox(value: object) -> bool:
    return not isinstance(value, str) or _MAILBOX.fullmatch(value.strip()) is not None


def _time_of(value: str) -> datetime:
    """A time of a day; raises `ValueError` also where an hour is missing."""
    if "T" not in value:
        raise ValueError("no time")
    return datetime.fromisoformat(value)


def _is_iso(value: str, read: Callable[[str], date]) -> bool:
    try:
        read(value)
    except ValueError:
        return False
    return True
