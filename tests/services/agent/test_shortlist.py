"""Few tools, each in a line: the same ones for the same words, and less to read."""

from __future__ import annotations

from pathlib import Path

from openassistant.messages import AccountRef, Card
from services.agent import modes
from services.agent.offers import Offer, as_tools
from services.agent.prompt import estimate
from services.agent.shortlist import MOST, few, lines

CONNECTORS = Path(__file__).parents[3] / "connectors"


def offered() -> dict[str, Offer]:
    found = {}
    for name in ("mail", "caldav"):
        card = Card.model_validate_json((CONNECTORS / name / "card.json").read_text())
        account = AccountRef(id="0" * 32, connector=name, name=name)
        for tool in card.tools:
            found[f"{name}__{tool.name}"] = Offer(
                name=f"{name}__{tool.name}", card=card, tool=tool, digest="", accounts=(account,)
            )
    return found


def names(words: str, *used: str) -> list[str]:
    return [name.partition("__")[2] for name in few(offered(), words=words, used=used)]


def test_at_most_twenty_four_are_kept_in_the_order_of_the_offers() -> None:
    kept = list(few(offered(), words="What did Carol write about the lease?", used=()))
    assert len(kept) == MOST < len(offered())
    assert kept == [name for name in offered() if name in kept]


def test_what_looks_is_kept_before_what_acts() -> None:
    kept = names("Guten Morgen")
    reads = [offer.tool.name for offer in offered().values() if offer.tool.effect == "read"]
    assert set(reads) <= set(kept)


def test_what_the_owner_speaks_of_is_kept() -> None:
    assert {"messages_reply", "messages_reply_all", "messages_search"} <= set(names("Reply to the message of Carol"))
    assert {"tasks_create", "tasks_complete", "tasks_delete"} <= set(names("Complete my task, then delete the others"))
    assert "messages_unsubscribe" in names("Please unsubscribe me from that list")


def test_what_a_command_stands_for_is_kept() -> None:
    assert {"messages_search", "messages_send", "events_create", "events_list"} <= set(names("Guten Morgen"))


def test_what_was_used_stays_and_brings_its_kind_along() -> None:
    assert not {"tasks_delete", "messages_reply"} & set(names("What did Carol write?"))
    assert "tasks_delete" in names("What did Carol write?", "caldav__tasks_delete")
    used = names("What did Carol write? Tell her that I sign, and put it in my calendar.", "mail__messages_search")
    assert {"messages_reply", "messages_archive", "events_create"} <= set(used)


def test_few_offers_stay_as_they_are() -> None:
    some = dict(list(offered().items())[:MOST])
    assert few(some, words="", used=()) is some


def test_a_tool_is_a_line_with_its_arguments() -> None:
    parameters = {
        "type": "object",
        "required": ["query", "kind"],
        "properties": {
            "query": {"type": "string", "description": "Words to look for. Not more than ten."},
            "kind": {"enum": ["mail", "event"], "type": "string"},
            "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "How many"},
            "days": {"type": "array", "items": {"type": "string", "format": "date"}},
        },
    }
    tool = {"type": "function", "function": {"name": "find", "description": "Find\n things.", "parameters": parameters}}
    assert lines([tool]) == (
        '- find(query: string (Words to look for), kind: "mail"|"event", limit?: integer, days?: [date]): Find things.'
    )


def test_the_tools_of_a_weak_model_take_a_fifth_of_the_room() -> None:
    """Measured: all tools natively against 24 in lines, in tokens as the prompt counts them."""
    every = as_tools(offered())
    some = as_tools(modes.within("salvage", offered(), words="What did Carol write about the lease?"))
    native, brief = estimate(modes.weight("native", every)), estimate(modes.weight("salvage", some))
    assert brief * 5 < native
    assert brief < 2200, f"{brief} of {native} tokens"


def test_a_model_that_only_talks_is_offered_nothing() -> None:
    assert modes.within("none", offered(), words="task") == {}
    assert modes.within("native", offered(), words="task") == offered()
