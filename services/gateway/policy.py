"""What a call may do without asking. Pure: the call, what was read before, the owner's rules in; a verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from openassistant.builtin import HOUSE_ID
from openassistant.grants import Rule
from openassistant.messages import UNDO_TOOL, Call, Effect, Preview
from openassistant.rules import PEOPLE, covers, reaches

__all__ = ["A_DAY", "MOST_PEOPLE", "Asks", "Proposal", "Standing", "Verdict", "decide", "offers"]

Asks = Literal["doubt", "version"]
"""Why a turn asks about whatever acts: it tries again what nobody could tell the outcome of, or it is another version
in a conversation in which something was done."""
A_DAY = 30
"""Calls that one rule lets run in 24 hours; the next one is asked about, so that a runaway is seen."""
MOST_PEOPLE = 10
"""Destinations that a rule can name."""


class Proposal(NamedTuple):
    """A call as it is put to the policy.

    `effect` is the highest of what card and connector say, `preview` is the connector's, `tainted` whether text from
    outside was read in the conversation, as the ledger saw it. `unattended`: nobody is there, it is a schedule's run.
    `why` whatever acts is asked about, where it may have been done already: see `Asks`. `lent`: on an account of
    another person, whose data it changes then.
    """

    call: Call
    effect: Effect
    preview: Preview
    conversation: str
    tainted: bool
    unattended: bool = False
    why: Asks | None = None
    lent: bool = False


class Standing(NamedTuple):
    """A living rule, and how many calls ran under it in the last 24 hours."""

    rule: Rule
    used: int


class Verdict(NamedTuple):
    """run, or ask a person; `reason` is said to him. `rule` is the id of the one under which it runs."""

    action: Literal["run", "ask"]
    reason: str
    rule: str | None = None


def decide(proposal: Proposal, rules: Sequence[Standing] = ()) -> Verdict:
    """Reads run; writes of his own data run until something from outside was read, where he is there who said so.

    Else a rule must cover it, or it is asked about.
    """
    if proposal.effect is Effect.READ:
        return Verdict("run", "Reading needs no question.")
    if proposal.why:
        return Verdict("ask", _AGAIN[proposal.why])
    if proposal.effect is Effect.WRITE and not (proposal.tainted or proposal.unattended or proposal.lent):
        return Verdict("run", "A change of your own data, and nothing from outside has been read here.")
    fitting = [each for each in rules if _fits(each.rule, proposal)]
    spared = [each for each in fitting if each.used < A_DAY]
    if spared:
        return Verdict("run", "You allowed this beforehand.", spared[0].rule.id)
    if fitting:
        return Verdict("ask", f"You allowed this beforehand, but it happened {A_DAY} times within a day.")
    if proposal.lent and proposal.effect is Effect.WRITE:
        return Verdict("ask", "It changes what is another person's, so it is asked for.")
    if proposal.unattended and not proposal.tainted and proposal.effect is Effect.WRITE:
        return Verdict("ask", "A schedule changes nothing by itself, unless you allowed exactly that with it.")
    return Verdict("ask", _WHY[proposal.effect])


def offers(effect: Effect, call: Call, preview: Preview) -> bool:
    """Whether a question of this kind may become a rule: named people or none, and nothing to look twice at."""
    kinds = {each.kind for each in preview.destinations}
    return (
        effect in (Effect.WRITE, Effect.SEND)
        and call.tool != UNDO_TOOL
        and call.connector != HOUSE_ID
        and kinds <= PEOPLE
        and len(preview.destinations) <= MOST_PEOPLE
        and (bool(kinds) or effect is Effect.WRITE)
        and not preview.warnings
    )


def _fits(rule: Rule, proposal: Proposal) -> bool:
    covered = covers(rule, proposal.call, effect=proposal.effect, conversation=proposal.conversation)
    return covered and reaches(rule, proposal.preview)


_AGAIN: dict[Asks, str] = {
    "doubt": "Nobody could tell what became of it the last time, so it is asked for again.",
    "version": "Something was done in this conversation already and stays done, so another version of it asks.",
}
_WHY = {
    Effect.WRITE: "Text from outside was read in this conversation, so changes are asked for.",
    Effect.SEND: "What leaves this house is asked for, unless you allowed exactly that beforehand.",
    Effect.DELETE: "Whatever is deleted is asked for, always.",
}
