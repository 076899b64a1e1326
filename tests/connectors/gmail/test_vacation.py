"""The vacation reply answers strangers, so it is shown first; and what breaks off is looked up."""

from __future__ import annotations

from typing import Any

import pytest

from openassistant.errors import DeadlineExceeded, InvalidRequest
from tests.connectors.gmail.conftest import ADA, Desk

AWAY: dict[str, Any] = {"on": True, "subject": "Away", "text": "I am away.", "end": "2026-12-24T00:00:00+01:00"}


async def test_it_is_switched_on_and_off(read: Desk) -> None:
    done = await read.house.call("vacation_set", **AWAY)
    assert (done["on"], done["text"]["text"], done["end"]) == (True, "I am away.", "2026-12-23T23:00:00Z")
    assert read.front.vacation["endTime"] == "1798066800000"
    await read.house.call("vacation_set", on=False)
    now = await read.house.call("vacation_read")
    assert (now["on"], now["text"]["text"]) == (False, "I am away.")


async def test_the_card_says_who_gets_it(read: Desk) -> None:
    shown = await read.house.preview("vacation_set", **AWAY)
    assert [each.value for each in shown.destinations] == [f"everybody who writes to {ADA}"]
    assert "Strangers" in shown.warnings[0]
    assert shown.content == "I am away."
    fewer = await read.house.preview("vacation_set", **AWAY, contacts_only=True)
    assert "only people in the contacts" in fewer.destinations[0].value
    assert fewer.warnings == ("Each of them learns that you are away.",)


@pytest.mark.parametrize(
    "wrong",
    [{"text": " "}, {"subject": "a\nb"}, {"end": "2026-12-24T00:00:00"}, {"start": "2026-12-25T00:00:00+01:00"}],
)
async def test_what_makes_no_sense_is_refused(read: Desk, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        await read.house.preview("vacation_set", **{**AWAY, **wrong})


async def test_an_answer_that_was_lost_is_looked_up(read: Desk) -> None:
    read.break_off("PUT", "/settings/vacation")
    assert (await read.house.call("vacation_set", **AWAY))["on"] is True


async def test_what_somebody_else_set_meanwhile_is_not_guessed_at(read: Desk) -> None:
    read.break_off("PUT", "/settings/vacation")
    lost = read.front.change

    def changed(passed: Any) -> Any:
        found = lost(passed)
        if passed.method == "PUT":
            read.front.vacation = {"enableAutoReply": True, "responseBodyPlainText": "Other"}
        return found

    read.front.change = changed
    with pytest.raises(DeadlineExceeded):
        await read.house.call("vacation_set", **AWAY)


async def test_an_answer_with_formatting_is_read_as_text(read: Desk) -> None:
    read.front.vacation = {"enableAutoReply": True, "responseBodyHtml": "<p>Away <b>now</b></p>"}
    assert (await read.house.call("vacation_read"))["text"]["text"] == "Away now"
