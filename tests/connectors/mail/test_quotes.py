"""A text falls into own words, signature and quoted tail; what is not surely repeated stays in its place."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openassistant.formats.quotes import Parts, split

HEADS = [
    "On Mon, 3 Nov 2026 at 10:12, Ada <ada@home.example> wrote:",
    "On Mon, 3 Nov 2026 at 10:12, Ada Lovelace\n<ada@home.example> wrote:",
    "Am 03.11.26 um 10:12 schrieb Ada:",
    "Le lun. 3 nov. 2026 à 10:12, Ada a écrit :",
    "El lun, 3 nov 2026 a las 10:12, Ada escribió:",
    "Il giorno lun 3 nov 2026 alle ore 10:12 Ada ha scritto:",
    "Op ma 3 nov. 2026 om 10:12 schreef Ada:",
    "Ada <ada@home.example> wrote:",
]


@pytest.mark.parametrize("head", HEADS)
def test_an_answer_above_a_quote_is_told_from_it(head: str) -> None:
    assert split(f"Friday is fine.\n\n{head}\n> Friday?\n>> Or Monday?\n") == Parts(
        "Friday is fine.", quoted=f"{head}\n> Friday?\n>> Or Monday?"
    )


@pytest.mark.parametrize("head", HEADS)
def test_a_quote_without_marks_is_known_by_its_head(head: str) -> None:
    assert split(f"Friday is fine.\n\n{head}\nFriday?").own == "Friday is fine."


@pytest.mark.parametrize(
    "block",
    [
        "-----Original Message-----\nFrom: Ada\nSubject: Lease",
        "-----Ursprüngliche Nachricht-----\nVon: Ada",
        "From: Ada <ada@home.example>\nSent: Monday\nTo: Carol\nSubject: Lease",
        "Von: Ada\nGesendet: Montag\nAn: Carol\nBetreff: Mietvertrag",
        "________________________________\nFrom: Ada\nSent: Monday\nTo: Carol\nSubject: Lease",
    ],
)
def test_the_block_of_headers_that_outlook_writes_begins_a_quote(block: str) -> None:
    assert split(f"Fine.\n\n{block}\n\nFriday?") == Parts("Fine.", quoted=f"{block}\n\nFriday?")


@pytest.mark.parametrize(
    "text",
    [
        "> Friday?\nFine.\n> At ten?\nAt eleven.",
        "> Friday?\n> At ten?",
        "FYI\n\n---------- Forwarded message ---------\nFrom: Ada\nDate: Monday\nSubject: Lease\nTo: C\n\n> Friday?",
        "On Monday I wrote:\nnothing.\n\nAnd then I slept.",
        "From: here to there\nis a long way.",
        "",
    ],
    ids=["interleaved", "only a quote", "forwarded", "a story", "no headers", "nothing"],
)
def test_what_may_be_new_is_not_taken_for_a_quote(text: str) -> None:
    assert split(text).own.count("Friday") == text.count("Friday")
    assert split(text).own.splitlines()[:1] == text.splitlines()[:1]


def test_a_signature_is_told_from_the_text() -> None:
    assert split("Fine.\n\nAda\n-- \nAda Lovelace\nLinden Street 12") == Parts(
        "Fine.\n\nAda", "Ada Lovelace\nLinden Street 12"
    )
    assert split("Fine.\n\nSent from my phone").signature == "Sent from my phone"
    assert split("Fine.\n-- \nAda\n\nOn Monday Carol wrote:\n> Well?") == Parts(
        "Fine.", "Ada", "On Monday Carol wrote:\n> Well?"
    )


def test_a_long_text_below_two_dashes_is_no_signature() -> None:
    text = "One.\n-- \n" + "Two.\n" * 40
    assert split(text).signature == ""


@given(st.lists(st.sampled_from(["> a", "On x wrote:", "-- ", "From: a", "To: b", "Sent: c", "", "word"])))
def test_nothing_of_a_text_gets_lost(lines: list[str]) -> None:
    parts = split("\n".join(lines))
    assert bool(parts.own) or not any(lines)
    kept = "\n".join(parts)
    assert all(kept.count(line) >= lines.count(line) for line in lines if line and line != "-- ")


@pytest.mark.parametrize(
    "line", ["On a monday Bob wrote:", "on " + "x" * 250, "a <" * 90, "From: a", "Il " + "ha scritto " * 22]
)
def test_a_hostile_text_takes_no_longer_than_another(line: str) -> None:
    text = "\n".join([line] * (256 * 1024 // len(line)))
    began = time.process_time()
    split(f"{text}\n> quoted\nend")
    assert time.process_time() - began < 2
