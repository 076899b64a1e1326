"""The whole table of the policy, and what no rule may ever do to it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openassistant.context import new_id, utc_now
from openassistant.grants import Rule
from openassistant.messages import UNDO_TOOL, Call, Destination, Effect, Preview
from services.gateway.policy import A_DAY, MOST_PEOPLE, Asks, Proposal, Standing, decide, offers

CAROL, MALLORY = "carol@example.org", "mallory@example.net"
USER, ACCOUNT, TALK = new_id(), new_id(), new_id()


def to(*addresses: str, kind: str = "recipient") -> tuple[Destination, ...]:
    return tuple(Destination(kind=kind, value=each) for each in addresses)


def proposal(
    effect: Effect, *, tainted: bool = True, people: tuple[Destination, ...] = (), tool: str = "letters_send",
    account: str = ACCOUNT, conversation: str = TALK, warnings: tuple[str, ...] = (),
) -> Proposal:  # fmt: skip
    call = Call(
        id=new_id(), nonce="0" * 32, user=USER, account=account, connector="post", card_digest="0" * 64, tool=tool,
        arguments={},
    )  # fmt: skip
    shown = Preview(verb="Send", confirm="Send", effect=effect, destinations=people, warnings=warnings)
    return Proposal(call, effect, shown, conversation=conversation, tainted=tainted)


def rule(*addresses: str, effect: Effect = Effect.SEND, tool: str = "letters_send", talk: str | None = None) -> Rule:
    return Rule.model_validate({
        "id": new_id(), "user": USER, "connector": "post", "tool": tool, "account": ACCOUNT, "effect": effect,
        "destinations": tuple(f"recipient:{each}" for each in addresses), "conversation": talk, "session": new_id(),
        "expires": utc_now() + timedelta(days=1),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("effect", "tainted", "action"),
    [
        (Effect.READ, False, "run"),
        (Effect.READ, True, "run"),
        (Effect.WRITE, False, "run"),
        (Effect.WRITE, True, "ask"),
        (Effect.SEND, False, "ask"),
        (Effect.SEND, True, "ask"),
        (Effect.DELETE, False, "ask"),
        (Effect.DELETE, True, "ask"),
    ],
)
def test_without_rules(effect: Effect, tainted: bool, action: str) -> None:
    verdict = decide(proposal(effect, tainted=tainted, people=to(CAROL)))
    assert verdict.action == action
    assert verdict.reason.endswith(".")


def test_what_is_another_persons_is_asked_about_unless_a_rule_covers_it() -> None:
    lent = proposal(Effect.WRITE)._replace(lent=True)
    assert decide(lent).action == "ask"
    assert decide(lent, [Standing(rule(effect=Effect.WRITE), 0)]).action == "run"
    assert decide(proposal(Effect.READ)._replace(lent=True)).action == "run"


@pytest.mark.parametrize("effect", [Effect.WRITE, Effect.SEND, Effect.DELETE])
@pytest.mark.parametrize("why", ["doubt", "version"])
def test_what_is_tried_again_is_asked_about_whatever_is_allowed(effect: Effect, why: Asks) -> None:
    tried = proposal(effect, tainted=False, people=to(CAROL))._replace(why=why)
    kind = Effect.SEND if effect is Effect.SEND else Effect.WRITE
    assert decide(tried, [Standing(rule(CAROL, effect=kind), 0)]).action == "ask"


def test_what_is_only_looked_at_again_needs_no_question() -> None:
    assert decide(proposal(Effect.READ)._replace(why="doubt")).action == "run"


def test_a_rule_lets_exactly_its_tool_reach_its_people() -> None:
    known = Standing(rule(CAROL), 0)
    verdict = decide(proposal(Effect.SEND, people=to("Carol@Example.org")), [known])
    assert (verdict.action, verdict.rule) == ("run", known.rule.id)


@pytest.mark.parametrize(
    "other",
    [
        proposal(Effect.SEND, people=to(MALLORY)),
        proposal(Effect.SEND, people=to(CAROL, MALLORY)),
        proposal(Effect.SEND, people=to(CAROL) + to(CAROL, kind="url")),
        proposal(Effect.SEND, people=to(CAROL, kind="attendee")),
        proposal(Effect.SEND, people=()),
        proposal(Effect.SEND, people=to("carol@example.org.mallory.example")),
        proposal(Effect.SEND, people=to("c\u0430rol@example.org")),
        proposal(Effect.SEND, people=to(CAROL), tool="letters_forward"),
        proposal(Effect.SEND, people=to(CAROL), tool=UNDO_TOOL),
        proposal(Effect.SEND, people=to(CAROL), account=new_id()),
        proposal(Effect.SEND, people=to(CAROL), warnings=("Files go along: 1.",)),
        proposal(Effect.DELETE, people=to(CAROL)),
    ],
)  # fmt: skip
def test_whatever_leaves_the_rule_is_asked_about(other: Proposal) -> None:
    assert decide(other, [Standing(rule(CAROL), 0)]).action == "ask"


def test_a_rule_of_one_conversation_holds_there_alone() -> None:
    known = [Standing(rule(CAROL, talk=TALK), 0)]
    assert decide(proposal(Effect.SEND, people=to(CAROL)), known).action == "run"
    assert decide(proposal(Effect.SEND, people=to(CAROL), conversation=new_id()), known).action == "ask"


def test_a_rule_for_changes_lets_nothing_out() -> None:
    known = [Standing(rule(effect=Effect.WRITE), 0)]
    assert decide(proposal(Effect.WRITE), known).action == "run"
    assert decide(proposal(Effect.WRITE, people=to(CAROL)), known).action == "ask"
    assert decide(proposal(Effect.SEND, people=to(CAROL)), known).action == "ask"


def test_another_users_rule_is_none() -> None:
    known = rule(CAROL).model_copy(update={"user": new_id()})
    assert decide(proposal(Effect.SEND, people=to(CAROL)), [Standing(known, 0)]).action == "ask"


def test_a_rule_that_runs_away_is_asked_about_and_says_so() -> None:
    verdict = decide(proposal(Effect.SEND, people=to(CAROL)), [Standing(rule(CAROL), A_DAY)])
    assert verdict.action == "ask"
    assert "within a day" in verdict.reason
    spare = Standing(rule(CAROL), A_DAY - 1)
    verdict = decide(proposal(Effect.SEND, people=to(CAROL)), [Standing(rule(CAROL), A_DAY), spare])
    assert verdict.rule == spare.rule.id


_address = st.sampled_from([CAROL, MALLORY, "ben@example.org"])


@given(
    effect=st.sampled_from(list(Effect)), tainted=st.booleans(), goes=st.lists(_address, max_size=3),
    allowed=st.lists(st.lists(_address, max_size=3), max_size=3), of=st.sampled_from([Effect.WRITE, Effect.SEND]),
)  # fmt: skip
def test_nothing_leaves_and_nothing_is_deleted_but_to_people_whom_one_rule_names(
    effect: Effect, tainted: bool, goes: list[str], allowed: list[list[str]], of: Effect
) -> None:
    rules = [Standing(rule(*each, effect=of), 0) for each in allowed]
    verdict = decide(proposal(effect, tainted=tainted, people=to(*goes)), rules)
    if verdict.action == "ask" or effect is Effect.READ or (effect is Effect.WRITE and not tainted):
        return
    assert effect is not Effect.DELETE
    named = next(each for each in rules if each.rule.id == verdict.rule)
    assert {f"recipient:{each}" for each in goes} <= set(named.rule.destinations)
    assert effect is Effect.WRITE or (goes and of is Effect.SEND)


@pytest.mark.parametrize(
    ("asked", "may"),
    [
        (proposal(Effect.SEND, people=to(CAROL)), True),
        (proposal(Effect.WRITE), True),
        (proposal(Effect.SEND, people=()), False),
        (proposal(Effect.SEND, people=to("https://example.org", kind="url")), False),
        (proposal(Effect.SEND, people=to(CAROL), warnings=("It looks like another address.",)), False),
        (proposal(Effect.SEND, people=to(*(f"p{n}@example.org" for n in range(MOST_PEOPLE + 1)))), False),
        (proposal(Effect.DELETE, people=to(CAROL)), False),
        (proposal(Effect.WRITE, tool=UNDO_TOOL), False),
    ],
)
def test_only_a_clear_question_may_become_a_rule(asked: Proposal, may: bool) -> None:
    assert offers(asked.effect, asked.call, asked.preview) is may
