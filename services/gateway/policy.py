"""What a call may do without asking. Pure: its effect, and whether text from outside was read, in; a verdict out."""

from __future__ import annotations

from typing import Literal, NamedTuple

from openassistant.messages import Effect

__all__ = ["Verdict", "decide"]


class Verdict(NamedTuple):
    """run, or ask a person; `reason` is said to him."""

    action: Literal["run", "ask"]
    reason: str


def decide(effect: Effect, *, tainted: bool) -> Verdict:
    """The first version of the policy: reads run, writes run until something from outside was read, the rest asks."""
    if effect is Effect.READ:
        return Verdict("run", "Reading needs no question.")
    if effect is Effect.WRITE and not tainted:
        return Verdict("run", "A change of your own data, and nothing from outside has been read here.")
    if effect is Effect.WRITE:
        return Verdict("ask", "Text from outside was read in this conversation, so changes are asked for.")
    if effect is Effect.SEND:
        return Verdict("ask", "Whatever leaves this house is asked for, always.")
    return Verdict("ask", "Whatever is deleted is asked for, always.")
