"""What reaches others: who gets to see what, what stands on the card, and that nobody is told twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openassistant.errors import DeadlineExceeded, Forbidden, InvalidRequest
from tests.connectors.onedrive.conftest import CAROL, Desk
from tests.peers.front import Passed

pytestmark = pytest.mark.slow


async def test_a_file_is_shared_with_somebody_who_has_to_sign_in(read: Desk) -> None:
    done = await read.house.call("files_share", file="lease", person=f"Carol <{CAROL}>", message="Please look.")
    assert (done["person"], done["role"], done["told"]) == (CAROL, "read", True)
    assert read.front.mails == [(CAROL, "Please look.")]
    [asked] = read.asked("POST", "/invite")
    assert b'"requireSignIn": true' in asked.asked
    assert "Lease 2026.txt" in await read.names(shared=True)


async def test_who_can_do_it_already_is_not_told_again(read: Desk) -> None:
    await read.house.call("files_share", file="lease", person=CAROL, role="write")
    done = await read.house.call("files_share", file="lease", person=CAROL)
    assert (done["role"], done["told"], done["note"]) == ("write", False, "They could do that already.")
    assert len(read.front.mails) == 1


async def test_who_may_see_it_gets_to_change_it_without_another_mail(read: Desk) -> None:
    await read.house.call("files_share", file="lease", person=CAROL)
    done = await read.house.call("files_share", file="lease", person=CAROL, role="write")
    assert (done["role"], done["told"]) == ("write", False)
    assert len(read.front.mails) == 1
    assert [each["roles"] for each in read.front.permissions["lease"]] == [["write"]]


async def test_nobody_is_told_where_that_was_not_wanted(read: Desk) -> None:
    await read.house.call("files_share", file="lease", person=CAROL, tell=False, message="Secret.")
    assert read.front.mails == []
    assert b"Secret" not in read.asked("POST", "/invite")[0].asked


async def test_a_link_is_made_once(read: Desk) -> None:
    first = await read.house.call("links_create", file="lease")
    second = await read.house.call("links_create", file="lease")
    assert first["link"] == second["link"] == "https://1drv.ms/lease/view"
    assert second["note"] == "There was such a link already."
    other = await read.house.call("links_create", file="lease", role="write", audience="organization")
    assert other["link"] == "https://1drv.ms/lease/edit"
    assert [each["link"]["scope"] for each in read.front.permissions["lease"]] == ["anonymous", "organization"]


async def test_a_link_does_not_count_as_a_share_with_somebody(read: Desk) -> None:
    read.front.permissions["lease"] = [
        {"id": "l", "roles": ["write"], "link": {"type": "edit", "scope": "anonymous", "webUrl": "https://1drv.ms/x"},
         "grantedToIdentitiesV2": [{"user": {"email": CAROL}}]}
    ]  # fmt: skip
    done = await read.house.call("files_share", file="lease", person=CAROL)
    assert done["told"] is True


async def test_what_is_inherited_is_no_link_of_the_file(read: Desk) -> None:
    read.front.permissions["lease"] = [
        {"id": "l", "roles": ["read"], "link": {"type": "view", "scope": "anonymous", "webUrl": "https://1drv.ms/x"},
         "inheritedFrom": {"id": "flat"}}
    ]  # fmt: skip
    assert (await read.house.call("links_create", file="lease"))["link"] == "https://1drv.ms/lease/view"


async def test_a_recipient_that_is_refused_is_said_to_be(read: Desk) -> None:
    def refuse(passed: Passed) -> Passed:
        body = b'{"value": [{"error": {"code": "notAllowed", "message": "IGNORE"}}]}'
        return replace(passed, status=207, answered=body) if "/invite" in passed.path else passed

    read.front.change = refuse
    with pytest.raises(Forbidden, match="does not share") as error:
        await read.house.call("files_share", file="lease", person=CAROL)
    assert "IGNORE" not in str(error.value)


@pytest.mark.parametrize(
    ("code", "words"), [("sharingDisabled", "does not allow sharing"), ("accessRestricted", "restricts who")]
)
async def test_what_an_administrator_forbids_is_said_to_be(read: Desk, code: str, words: str) -> None:
    read.refuse("POST", "/createLink", 403, code)
    with pytest.raises(Forbidden, match=words):
        await read.house.call("links_create", file="lease")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", "http://1drv.ms/x"])
async def test_a_link_that_is_none_is_not_passed_on(read: Desk, url: str) -> None:
    made: list[Passed] = []

    def lure(passed: Passed) -> Passed:
        made.extend([passed] if "/createLink" in passed.path else [])
        body = f'{{"id": "x", "link": {{"type": "edit", "scope": "anonymous", "webUrl": "{url}"}}}}'
        if "/createLink" in passed.path:
            return replace(passed, answered=body.encode())
        listed = made and "/permissions" in passed.path
        return replace(passed, answered=f'{{"value": [{body}]}}'.encode()) if listed else passed

    read.front.change = lure
    with pytest.raises(DeadlineExceeded) as error:
        await read.house.call("links_create", file="lease", role="write")
    assert "javascript" not in str(error.value)


@pytest.mark.parametrize("person", ["nobody", "a@b@c", "carol@home.example, eve@evil.example", "a\nb@c.example"])
async def test_a_person_is_one_address(read: Desk, person: str) -> None:
    with pytest.raises(InvalidRequest):
        await read.house.call("files_share", file="lease", person=person)
    assert not read.asked("POST")


async def test_the_drive_as_a_whole_is_not_shared(read: Desk) -> None:
    with pytest.raises(InvalidRequest, match="whole"):
        await read.house.call("files_share", file="root", person=CAROL)
    with pytest.raises(InvalidRequest, match="whole"):
        await read.house.call("links_create", file="root")


async def test_the_cards_say_whom_it_reaches(read: Desk) -> None:
    shown = await read.house.preview("files_share", file="flat", person=CAROL, role="write", message="Look.")
    assert shown == await read.house.preview("files_share", file="flat", person=CAROL, role="write", message="Look.")
    assert [each.value for each in shown.destinations] == [CAROL]
    assert shown.content == "Look."
    assert any("all that lies in it" in each for each in shown.warnings)
    link = await read.house.preview("links_create", file="lease", role="write")
    assert [each.value for each in link.destinations] == ["anyone with the link"]
    assert any("without signing in" in each for each in link.warnings)
    inside = await read.house.preview("links_create", file="lease", audience="organization")
    assert "organization" in inside.destinations[0].value
    assert not read.front.seen


async def test_an_address_that_looks_like_a_known_one_is_told_from_it(desk: Desk) -> None:
    desk.front.described["lease"] = {"createdBy": {"user": {"email": CAROL}}}
    await desk.sync()
    shown = await desk.house.preview("files_share", file="lease", person="caro1@home.example")
    assert any(CAROL in each for each in shown.warnings)
