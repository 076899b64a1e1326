"""Tools for models that read slowly and choose badly: each in a line, and no more than twenty-four of them.

Which, where more are offered: first those that this conversation used already; then those of a kind with them
(`messages_reply` with `messages_search`); then those that share most words with the owner's message; then what looks,
and what a command of its connector stands for; then what changes before what sends and what deletes. Among equals the
order of the offers decides. Words are alike when their first four letters are.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from openassistant.messages import Effect
from services.agent.offers import Offer

__all__ = ["MOST", "few", "lines"]

MOST = 24
_ALIKE = 4
_HINT = 60
_CHOICES = 8

_COMMON = {
    *("that", "this", "with", "from", "what", "when", "wher", "whic", "they"),
    *("them", "ther", "have", "into", "than", "your", "will"),
}
_WORD = re.compile(r"[^\W\d_]{4,}")


def few(offered: dict[str, Offer], *, words: str, used: Collection[str]) -> dict[str, Offer]:
    """At most twenty-four of the offers, in their order; the same ones for the same words and uses."""
    if len(offered) <= MOST:
        return offered
    wanted = _stems(words)
    kinds = {_kind(offered[name]) for name in used if name in offered}

    def rank(offer: Offer) -> tuple[bool, bool, int, bool, int]:
        told = _stems(f"{offer.name.replace('_', ' ')} {offer.tool.description}")
        alike = len(wanted & told)
        return offer.name not in used, _kind(offer) not in kinds, -alike, _is_rare(offer), offer.tool.effect.rank

    kept = {offer.name for offer in sorted(offered.values(), key=rank)[:MOST]}
    return {name: offer for name, offer in offered.items() if name in kept}


def lines(tools: list[dict[str, Any]]) -> str:
    """Each tool (in the form of OpenAI's `tools`) as a line: its name, its arguments, what it does."""
    return "\n".join(_line(tool["function"]) for tool in tools)


def _kind(offer: Offer) -> tuple[str, str]:
    """Tools are named noun first; the noun of its connector is a tool's kind."""
    return offer.card.id, offer.tool.name.partition("_")[0]


def _is_rare(offer: Offer) -> bool:
    commands = {command.tool for command in offer.card.commands.values()}
    return offer.tool.effect is not Effect.READ and offer.tool.name not in commands


def _stems(text: str) -> set[str]:
    return {word[:_ALIKE].casefold() for word in _WORD.findall(text)} - _COMMON


def _line(function: dict[str, Any]) -> str:
    schema = function.get("parameters") or {}
    needed = schema.get("required") or ()
    given = [_argument(name, each, name in needed) for name, each in (schema.get("properties") or {}).items()]
    told = " ".join(str(function.get("description") or "").split())
    return f"- {function['name']}({', '.join(given)}): {told}"


def _argument(name: str, schema: dict[str, Any], needed: bool) -> str:  # noqa: FBT001 - private, read at its one call
    """`query: string (words to look for)`; a question mark after the name of one that may be left out."""
    hint = str(schema.get("description") or "").partition(". ")[0]
    hint = f" ({hint})" if needed and 0 < len(hint) <= _HINT else ""
    return f"{name}{'' if needed else '?'}: {_type(schema)}{hint}"


def _type(schema: dict[str, Any]) -> str:
    if choices := schema.get("enum"):
        return "|".join(f'"{each}"' for each in choices[:_CHOICES])
    if kinds := schema.get("anyOf"):
        return "|".join(dict.fromkeys(_type(each) for each in kinds if each.get("type") != "null"))
    if schema.get("type") == "array":
        return f"[{_type(schema.get('items') or {})}]"
    if schema.get("type") == "object" and schema.get("properties"):
        return "{" + ", ".join(f"{name}: {_type(each)}" for name, each in schema["properties"].items()) + "}"
    return str(schema.get("format") or schema.get("type") or "any")
