"""Which mail wants an answer: that of one person to one reader."""

from __future__ import annotations

import pytest

from openassistant.formats.addresses import Address
from openassistant.formats.unanswered import wants_answer

ADA, CAROL = Address("ada@home.example", "Ada"), Address("carol@example.org")
OWN = {"ada@home.example", "lovelace@home.example"}


def test_a_mail_to_its_reader_alone_waits() -> None:
    assert wants_answer(CAROL, [ADA], [], own=OWN, listed=False)
    assert wants_answer(CAROL, [Address("lovelace@home.example")], [], own=OWN, listed=False)
    assert wants_answer(CAROL, [Address("any@home.example")], [], own=set(), listed=False)


def test_what_went_to_several_to_others_or_by_a_list_does_not() -> None:
    assert not wants_answer(CAROL, [ADA, CAROL], [], own=OWN, listed=False)
    assert not wants_answer(CAROL, [ADA], [CAROL], own=OWN, listed=False)
    assert not wants_answer(CAROL, [], [], own=OWN, listed=False)
    assert not wants_answer(CAROL, [Address("sailing@lists.example")], [], own=OWN, listed=False)
    assert not wants_answer(CAROL, [ADA], [], own=OWN, listed=True)


MACHINES = (
    "no-reply@shop.example",
    "noreply@a.example",
    "bank.do-not-reply@b.example",
    "mailer-daemon@c.example",
    "notifications@d.example",
)


@pytest.mark.parametrize("sender", [ADA, Address(""), *map(Address, MACHINES)])
def test_nobody_answers_himself_or_a_machine(sender: Address) -> None:
    assert not wants_answer(sender, [ADA], [], own=OWN, listed=False)


@pytest.mark.parametrize("name", ["nora", "reply", "norbert.reply", "notes", "bouncer"])
def test_a_name_that_only_looks_like_a_machines_is_a_persons(name: str) -> None:
    assert wants_answer(Address(f"{name}@example.org"), [ADA], [], own=OWN, listed=False)
