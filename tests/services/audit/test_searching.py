"""The owner finds his own records by their words; what others did is not looked at."""

from __future__ import annotations

import pytest

from openassistant.context import new_id
from openassistant.messages import AuditAction, LedgerPage, LedgerQuery
from services.audit import searching
from tests.services.audit.house import AuditHouse


async def found(house: AuditHouse, words: str, **query: object) -> list[int]:
    """The numbers of what a search finds, over all its pages."""
    numbers: list[int] = []
    after: int | None = -1
    while after is not None:
        asked = LedgerQuery.model_validate({"search": words, "after": after, **query})
        page = await house.ask("query", asked, LedgerPage)
        assert len(page.entries) <= asked.limit
        numbers += [each.index for each in page.entries]
        after = page.next
    return numbers


@pytest.fixture
async def filled(house: AuditHouse) -> AuditHouse:
    for number, text in enumerate(("The lease", "the Grüße an Zoë", "LEASE of the bicycle", "nothing")):
        await house.begin(house.call(arguments={"text": text, "number": number}, tool="messages_send"))
    stranger = new_id()
    theirs = house.call(user=stranger, arguments={"text": "a lease of theirs"})
    await house.begin(theirs, house.context(house.grant(user=stranger), user=stranger))
    return house


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("lease", [0, 2]),
        ("LEASE the", [0, 2]),
        ("bicycle lease", [2]),
        ("grüße ZOË", [1]),
        ("messages_send", [0, 1, 2, 3]),
        ("tool.started nothing", [3]),
        ("theirs", []),
        ('%_"', []),
    ],
)
async def test_all_words_are_found_in_any_case_and_order(filled: AuditHouse, words: str, numbers: list[int]) -> None:
    assert await found(filled, words) == numbers
    assert await found(filled, words, newest=True) == numbers[::-1]
    assert await found(filled, words, limit=1) == numbers


async def test_a_search_narrows_with_the_other_filters(filled: AuditHouse) -> None:
    assert await found(filled, "lease", connector="caldav") == []
    assert await found(filled, "lease", actions=(AuditAction.TOOL_STARTED,)) == [0, 2]


async def test_a_long_ledger_is_looked_through_in_parts(filled: AuditHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "AT_ONCE", 2)
    monkeypatch.setattr(searching, "MOST", 2)
    first = await filled.ask("query", LedgerQuery(search="nothing"), LedgerPage)
    assert (first.entries, first.next) == ((), 1)
    assert await found(filled, "nothing") == [3]
    assert await found(filled, "lease", newest=True) == [2, 0]


async def test_what_cannot_be_opened_any_more_is_found_by_its_name_alone(filled: AuditHouse) -> None:
    await filled.tamper("UPDATE records SET content = x'00' WHERE position = 2")
    assert await found(filled, "bicycle") == []
    assert await found(filled, "messages_send") == [0, 1, 2, 3]
