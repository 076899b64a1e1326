"""Message templates: what values one wants, how it reads with them, and the components of a request that sends it.

https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-message-templates. A value is named by where it
goes: `body.1`, `body.first_name`, `header.1`, `button.0`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.whatsapp.chats import Template
from openassistant.errors import InvalidRequest

__all__ = ["Filled", "fill", "places", "reads", "refusal"]

_PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,60})\s*\}\}")
_LONGEST = 1024
_SPACES = re.compile(r"[\n\t]| {5,}")
_MOST_BUTTONS = 10


class Filled(NamedTuple):
    """A template with its values: how it reads, and what Meta is given."""

    text: str
    components: list[dict[str, Any]]


def refusal(template: Template) -> str:
    """Why a template cannot be sent from here; "" where it can."""
    if template.status != "APPROVED":
        return f"Meta has not approved this template (it is {template.status.lower()[:30]})."
    if template.category == "AUTHENTICATION":
        return "Templates that carry a code to sign in are not sent from here."
    header = _component(template, "HEADER")
    if header and header.get("format", "TEXT") != "TEXT":
        return "This template wants a file above its text; such ones are not sent from here."
    odd = [each for each in _buttons(template) if each.get("type") in ("FLOW", "COPY_CODE", "CATALOG", "MPM", "OTP")]
    return "This template has a button of a kind that is not sent from here." if odd else ""


def places(template: Template) -> list[str]:
    """The keys of the values that a template wants, in their order."""
    found = [f"header.{each}" for each in _names(_text(_component(template, "HEADER")))]
    found += [f"body.{each}" for each in _names(_text(_component(template, "BODY")))]
    found += [f"button.{number}" for number, each in enumerate(_buttons(template)) if _PLACE.search(_url(each))]
    return found


def reads(template: Template, values: Mapping[str, str] | None = None) -> str:
    """How a template reads, with its values or with their places."""

    def put(part: str, text: str) -> str:
        return _PLACE.sub(lambda place: (values or {}).get(f"{part}.{place[1]}", place[0]), text)

    header = put("header", _text(_component(template, "HEADER")))
    body = put("body", _text(_component(template, "BODY")))
    footer = _text(_component(template, "FOOTER"))
    return "\n\n".join(each for each in (header, body, footer, _shown_buttons(template, values)) if each)


def fill(template: Template, values: Mapping[str, str]) -> Filled:
    """A template with its values; raises `InvalidRequest` where one is missing, unknown, or not as Meta takes it."""
    if words := refusal(template):
        raise InvalidRequest(words)
    wanted = places(template)
    if set(wanted) != set(values):
        named = ", ".join(wanted)[:500] or "none"
        raise InvalidRequest(f"This template wants these values: {named}.")
    for key, value in values.items():
        if not value.strip() or len(value) > _LONGEST or _SPACES.search(value):
            words = f"The value {key[:70]} is empty, too long, or has line breaks, tabs or rows of spaces."
            raise InvalidRequest(words)
    components = [
        {"type": part, "parameters": [_parameter(key, values[key]) for key in wanted if key.startswith(f"{part}.")]}
        for part in ("header", "body")
    ]
    buttons = [
        {
            "type": "button",
            "sub_type": "url",
            "index": key.partition(".")[2],
            "parameters": [{"type": "text", "text": values[key]}],
        }
        for key in wanted
        if key.startswith("button.")
    ]
    return Filled(reads(template, values), [*(each for each in components if each["parameters"]), *buttons])


def _parameter(key: str, value: str) -> dict[str, str]:
    name = key.partition(".")[2]
    named = {} if name.isdigit() else {"parameter_name": name}
    return {"type": "text", **named, "text": value}


def _shown_buttons(template: Template, values: Mapping[str, str] | None) -> str:
    lines = []
    for number, each in enumerate(_buttons(template)):
        value = (values or {}).get(f"button.{number}")
        url = _PLACE.sub(lambda place, value=value: value or place[0], _url(each))  # type: ignore[misc]  # bound here
        label = str(each.get("text") or "")[:60]
        lines.append(f"[{label}] {url}".strip())
    return "\n".join(lines)


def _component(template: Template, kind: str) -> dict[str, Any]:
    return next((each for each in template.components if each.get("type") == kind), {})


def _buttons(template: Template) -> list[dict[str, Any]]:
    buttons = _component(template, "BUTTONS").get("buttons")
    return [each for each in buttons if isinstance(each, dict)][:_MOST_BUTTONS] if isinstance(buttons, list) else []


def _text(component: dict[str, Any]) -> str:
    value = component.get("text")
    return value if isinstance(value, str) else ""


def _url(button: dict[str, Any]) -> str:
    value = button.get("url")
    return value if isinstance(value, str) else ""


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(_PLACE.findall(text)))
