"""What is shared is listed and ended from a terminal; offering and accepting is done where one signs in."""

from __future__ import annotations

from typing import Any

import httpx

from tests.cli.conftest import Terminal

GIVEN, TAKEN = "a" * 24 + "00000001", "b" * 24 + "00000002"


def loan(id_: str, **changes: Any) -> dict[str, Any]:
    plain = {"id": id_, "given": True, "person": "Bob", "name": "Calendar", "calendars": ["Family"], "access": "read"}
    return {**plain, "state": "accepted", "expires_at": "2027-11-20T10:00:00Z", **changes}


LIST = [loan(GIVEN), loan(TAKEN, given=False, person="Carol", calendars=[], access="act", state="offered")]


def test_what_is_shared_is_listed_with_whom_what_and_until_when(oa: Terminal) -> None:
    oa.answers["GET /api/loans"] = LIST
    ran = oa("loans", "list")
    assert ("to Bob" in ran.out, "Family" in ran.out, "2027-11-20" in ran.out) == (True, True, True)
    assert ("from Carol" in ran.out, "read and change" in ran.out, "not accepted" in ran.out) == (True, True, True)
    assert oa("loans", "list", "--json").json == LIST


def test_it_is_ended_by_the_end_of_its_id(oa: Terminal) -> None:
    oa.answers["GET /api/loans"] = LIST
    oa.answers[f"DELETE /api/loans/{TAKEN}"] = lambda _: httpx.Response(204)
    ran = oa("loans", "end", "00000002")
    assert (ran.code, ran.err.strip()) == (0, "Ended. Its copy is deleted.")
    assert oa("loans", "end", "00000009").code == 2


def test_where_nothing_is_shared_it_says_so(oa: Terminal) -> None:
    oa.answers["GET /api/loans"] = []
    assert "No account is shared." in "".join(oa("loans", "list")[1:])
