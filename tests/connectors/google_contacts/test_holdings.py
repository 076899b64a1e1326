"""What is held of contacts is counted, leaves as cards that others read, and is forgotten for good."""

from __future__ import annotations

from typing import Any

import vobject

from tests.connectors.holding import counted, forgets, listed

NOTE = "met at the quincefair"


async def filled(desk: Any) -> None:
    desk.server.add(
        "Carol Meyer", "carol@example.org", "c.meyer@work.example",
        phoneNumbers=[{"value": "+49 30 1234567", "type": "mobile"}],
        addresses=[{"streetAddress": "Harbour Street 4; rear", "city": "Kiel", "postalCode": "24103", "type": "home"}],
        organizations=[{"name": "Quince, Ltd.", "title": "Head"}],
        birthdays=[{"date": {"year": 1985, "month": 4, "day": 12}}],
        biographies=[{"value": f"Line one\n{NOTE}", "contentType": "TEXT_PLAIN"}],
        nicknames=[{"value": "Caro"}],
        urls=[{"value": "https://carol.example/~home", "type": "home"}],
        relations=[{"person": "Ben", "type": "brother"}],
    )  # fmt: skip
    desk.server.collect("Somebody", "somebody@example.org")
    await desk.sync()


async def test_contacts_leave_as_cards_that_a_reader_of_cards_understands(desk: Any) -> None:
    await filled(desk)
    held = await counted(desk.house)
    assert (held["contacts"], held["collected"]) == (1, 1)
    files = await desk.house.exported()
    [path] = [each for each in files if "/contacts/" in each and each.endswith(".vcf")]
    assert all(len(line) <= 75 for line in files[path].split(b"\r\n"))
    card = vobject.readOne(files[path].decode())
    assert card.version.value == "4.0"
    assert card.fn.value == "Carol Meyer"
    assert {each.value for each in card.contents["email"]} == {"carol@example.org", "c.meyer@work.example"}
    assert (card.tel.value, card.tel.type_param) == ("+49 30 1234567", "cell")
    assert (card.adr.value.street, card.adr.value.city, card.adr.value.code) == (
        "Harbour Street 4; rear",
        "Kiel",
        "24103",
    )
    assert card.org.value[0] == "Quince, Ltd."
    assert card.bday.value == "19850412"
    assert card.note.value == f"Line one\n{NOTE}"
    assert card.url.value == "https://carol.example/~home"
    assert card.related.value == "Ben"


async def test_what_is_forgotten_is_in_no_page_and_comes_with_no_pass(desk: Any) -> None:
    await filled(desk)
    before = await counted(desk.house)
    assert await forgets(desk.house, NOTE, "Harbour Street") == before
    await desk.sync()
    assert "contacts" not in await counted(desk.house)
    desk.server.add("Ben Adler", "ben@example.org")
    await desk.sync()
    assert (await counted(desk.house))["contacts"] == 1


async def test_a_change_is_counted_and_forgotten_with_what_was_there_before(desk: Any) -> None:
    await filled(desk)
    found = (await desk.call("contacts_search", query="Carol"))["contacts"][0]
    await desk.call("contacts_update", contact=found["id"], notes="other words")
    await desk.sync()
    files = await desk.house.exported()
    [undo] = [each for each in files if each.endswith("undo.jsonl")]
    assert NOTE in str(listed(files, undo)[0]["before"])
    went = await forgets(desk.house, NOTE, kinds=["undo", "calls"])
    assert went == {"undo": 1, "calls": 1}
