"""Of an account that another person lends, the model is told that it is not the owner's."""

from __future__ import annotations

from openassistant.context import new_id, utc_now
from openassistant.messages import AccountRef
from services.agent.prompt import build


def test_a_lent_account_is_told_as_another_persons() -> None:
    accounts = (
        AccountRef(id=new_id(), connector="mail", name="ada@home.example"),
        AccountRef(id=new_id(), connector="caldav", name="Calendar of Bob", lent="read"),
        AccountRef(id=new_id(), connector="caldav", name="Choir", lent="act"),
    )
    built = build([], {}, tools=[], accounts=accounts, zone="UTC", now=utc_now())
    assert (
        "ada@home.example (mail); Calendar of Bob (caldav, of another person, to read alone);"
        " Choir (caldav, of another person)."
    ) in built.messages[0]["content"]
