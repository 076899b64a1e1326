"""What was opened, to be changed by its owner's hand: the form of its card, filled with what stands there now."""

from __future__ import annotations

import re
from typing import Any

from openassistant.messages import Changing
from services.gateway import look_views as views
from services.gateway.forms import wrong_fields
from services.gateway.problems import invalid

__all__ = ["arguments_of", "at", "offered"]

_LISTED = re.compile(r'(?:"[^"]*"|[^,])+')
"""A list that was shown in one line: a comma inside quotes does not count."""


def offered(changes: Changing, content: Any) -> views.LookChange:
    """The form with its present values; a field whose value was cut off, or is more than it takes, is left out."""
    values = {name: _value(field, at(content, changes.shown.get(name, name))) for name, field in changes.fields.items()}
    known = {name: value for name, value in values.items() if value is not None}
    for name in wrong_fields(_form(changes.fields), known):
        del known[name]
    return views.LookChange(
        form=_form({name: changes.fields[name] for name in known}), values=known, adds=bool(changes.removes)
    )


def arguments_of(changes: Changing, draft: views.ChangeDraft) -> dict[str, Any]:
    """What the tool is told: the thing, and what becomes another; raises `InvalidRequest` that names the field."""
    if wrong := wrong_fields(_form(changes.fields), draft.fields, formats=True):
        raise invalid(f"Please correct {', '.join(sorted(wrong))}.", **wrong)
    if draft.removed and not changes.removes:
        raise invalid("Nothing can be taken out of that.", removed="Leave this empty.")
    if not draft.fields and not draft.removed:
        raise invalid("That is how it is already: nothing was changed.")
    removed = {changes.removes: list(draft.removed)} if draft.removed else {}
    return {changes.argument: draft.key, **draft.fields, **removed}


def _form(fields: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": [], "additionalProperties": False}


def at(content: Any, path: str) -> Any:
    """What stands in an answer under a path such as `file.link`; None where nothing does."""
    for name in path.split("."):
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _value(field: dict[str, Any], found: Any) -> str | list[str] | None:
    """What stands in a field; None where it does not fit in."""
    texts = [_text(each) for each in found] if isinstance(found, list) else [_text(found)]
    texts = [each for each in texts if each]
    if field.get("type") == "array":
        return texts if isinstance(found, list) else [each.strip() for text in texts for each in _LISTED.findall(text)]
    return "".join(texts) if len(texts) <= 1 else None


def _text(value: Any) -> str:
    """A text, also one that is marked as another's."""
    text = value.get("text") if isinstance(value, dict) else value
    return text if isinstance(text, str) else ""
