"""What may have been done is seen to from a terminal, too; nothing of it repeats anything."""

from __future__ import annotations

from tests.cli.conftest import Terminal

CALL = "0198c1e27d1f70a3b2c4d5e6f7a8b9c0"
DOUBT = {
    "call_id": CALL, "verb": "Send a mail", "subject": "Re: The lease", "at": "2026-11-20T10:00:00Z",
    "destinations": [{"kind": "recipient", "value": "carol@example.org"}],
}  # fmt: skip


def test_the_list_says_what_to_whom_and_which_services_could_not_be_asked(oa: Terminal) -> None:
    oa.answers["GET /api/outcomes"] = {"calls": [DOUBT], "away": ["Calendar"]}
    ran = oa("outcomes", "list")
    assert ran.code == 0
    assert "Send a mail: Re: The lease" in ran.out
    assert "carol@example.org" in ran.out
    assert ran.err.strip() == "Could not be asked: Calendar"


def test_the_end_of_an_id_names_one_and_the_word_goes_along(oa: Terminal) -> None:
    oa.answers["GET /api/outcomes"] = {"calls": [DOUBT], "away": []}
    said = {"call_id": CALL, "state": "failed", "by_person": True, "detail": "You said that it was not done."}
    oa.answers[f"POST /api/outcomes/{CALL}"] = said
    ran = oa("outcomes", "not-done", "f7a8b9c0")
    assert (ran.code, oa.body()) == (0, {"says": "not_done"})
    assert f"oa outcomes again {CALL}" in ran.err
    assert oa("outcomes", "done", "00000000").code == 2


def test_trying_again_says_where_the_question_waits(oa: Terminal) -> None:
    oa.answers[f"POST /api/outcomes/{CALL}/again"] = {"turn": CALL}
    ran = oa("outcomes", "again", CALL)
    assert (ran.code, ran.err.strip()) == (0, "It waits for your yes: oa approvals list")
