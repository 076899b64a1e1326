"""Whether a standing rule covers a call. Pure; asked by the policy, and again by the hand and the vault."""

from __future__ import annotations

from collections.abc import Iterable

from openassistant.grants import Rule
from openassistant.messages import UNDO_TOOL, Call, Destination, Effect, Preview

__all__ = ["PEOPLE", "covers", "places", "reaches"]

PEOPLE = frozenset({"recipient", "attendee"})
"""The kinds of destinations that a rule may name: an address of a person, and nothing that leads elsewhere."""


def places(destinations: Iterable[Destination]) -> frozenset[str]:
    """Destinations as a rule names them: "recipient:carol@example.org"."""
    return frozenset(f"{each.kind}:{each.value}".casefold() for each in destinations)


def covers(rule: Rule, call: Call, *, effect: Effect, conversation: str | None) -> bool:
    """Whether a rule is about a call of this effect, as far as that shows without its preview.

    Its time is checked with its signature. What is deleted, and what takes another act back, no rule covers.
    """
    return (
        (rule.user, rule.connector, rule.tool, rule.account) == (call.user, call.connector, call.tool, call.account)
        and effect in (Effect.WRITE, Effect.SEND)
        and effect.rank <= rule.effect.rank
        and call.tool != UNDO_TOOL
        and rule.conversation in (None, conversation)
    )


def reaches(rule: Rule, preview: Preview) -> bool:
    """Whether what a call will do stays inside a rule: its effect, its destinations, and nothing to look twice at."""
    goes = places(preview.destinations)
    return (
        preview.effect.rank <= rule.effect.rank
        and goes <= frozenset(rule.destinations)
        and (bool(goes) or preview.effect is not Effect.SEND)
        and all(each.kind in PEOPLE for each in preview.destinations)
        and not preview.warnings
    )
