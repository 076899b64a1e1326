"""What reaches others: who gets to see what, what stands on the card, and that nobody is told twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openassistant.errors import Forbidden, InvalidRequest
from tests.connectors.google_drive.conftest import CAROL, Desk
from tests.peers.front import Passed


async def roles(read: Desk, file: str) -> dict[str, str]:
    held = await read.file(file)
    return {each["emailAddress"]: each["role"] for each in held["permissions"]}


async def test_a_file_is_shared_as_asked(read: Desk) -> None:
    done = await read.house.call(
        "files_share", file="1lease", person=f"Carol <{CAROL}>", role="commenter", message="Look"
    )
    assert (done["person"], done["role"], done["told"]) == (CAROL, "commenter", True)
    assert (await roles(read, "1lease"))[CAROL] == "commenter"
    [asked] = read.asked("POST", "/permissions")
    assert "sendNotificationEmail=true" in asked.path
    assert "emailMessage=Look" in asked.path


async def test_nobody_is_told_where_that_was_not_asked(read: Desk) -> None:
    done = await read.house.call("files_share", file="1lease", person=CAROL, tell=False, message="Look")
    assert done["told"] is False
    [asked] = read.asked("POST", "/permissions")
    assert "sendNotificationEmail=false" in asked.path
    assert "emailMessage" not in asked.path


async def test_who_could_do_that_already_is_not_told_again(read: Desk) -> None:
    await read.house.call("files_share", file="1lease", person=CAROL, role="writer")
    done = await read.house.call("files_share", file="1lease", person=CAROL.upper(), role="reader")
    assert "already" in done["note"]
    assert len(read.asked("POST", "/permissions")) == 1
    assert (await roles(read, "1lease"))[CAROL] == "writer"


async def test_who_may_do_more_now_is_not_told_by_a_second_mail(read: Desk) -> None:
    await read.house.call("files_share", file="1lease", person=CAROL)
    done = await read.house.call("files_share", file="1lease", person=CAROL, role="writer")
    assert done["told"] is False
    assert (await roles(read, "1lease"))[CAROL] == "writer"


@pytest.mark.parametrize("person", ["nobody", "a@b@c", "a@home.example, b@home.example", "x\r\ny@home.example"])
async def test_a_person_is_one_address(read: Desk, person: str) -> None:
    with pytest.raises(InvalidRequest):
        await read.house.call("files_share", file="1lease", person=person)
    assert not read.asked("POST")


async def test_a_link_opens_a_file_to_anyone(read: Desk) -> None:
    done = await read.house.call("links_create", file="1lease")
    assert done["link"].startswith("https://")
    held = await read.file("1lease")
    assert (held["link_sharing"], held["link_role"]) == ("anyone_with_link", "reader")
    again = await read.house.call("links_create", file="1lease")
    assert "already" in again["note"]
    assert len(read.asked("POST", "/permissions")) == 1


async def test_the_card_of_a_link_says_what_it_is(read: Desk) -> None:
    shown = await read.house.preview("links_create", file="1folderFlat", role="writer")
    assert shown.verb == "Open a file to anyone with its link"
    assert shown.destinations[0].value == "anyone with the link"
    words = " ".join(shown.warnings)
    assert "without signing in" in words
    assert "all that lies in it" in words
    assert "change it" in words


async def test_the_card_of_a_share_names_who_gets_it(read: Desk) -> None:
    shown = await read.house.preview("files_share", file="1lease", person="carol@horne.example", message="Look")
    assert shown == await read.house.preview("files_share", file="1lease", person="carol@horne.example", message="Look")
    assert (shown.destinations[0].kind, shown.destinations[0].value) == ("recipient", "carol@horne.example")
    assert shown.content == "Look"
    assert any("looks like carol@home.example" in each for each in shown.warnings)
    assert not read.front.seen


async def test_an_administrator_who_forbids_it_is_named(read: Desk) -> None:
    def forbid(passed: Passed) -> Passed:
        body = b'{"error": {"code": 403, "errors": [{"reason": "publishOutNotPermitted"}]}}'
        return replace(passed, status=403, answered=body) if passed.method == "POST" else passed

    read.front.change = forbid
    with pytest.raises(Forbidden, match="administrator"):
        await read.house.call("links_create", file="1lease")


async def test_a_comment_is_written(read: Desk) -> None:
    done = await read.house.call("comments_create", file="1lease", text="Is that date right?")
    assert done["comment"]
    assert read.front.comments("1lease") == ["Is that date right?"]


async def test_a_folder_is_not_commented_on(read: Desk) -> None:
    with pytest.raises(InvalidRequest, match="folder"):
        await read.house.call("comments_create", file="1folderFlat", text="x")


async def test_the_card_of_a_comment_shows_all_of_it(read: Desk) -> None:
    shown = await read.house.preview("comments_create", file="1notes", text="Is that right?")
    assert shown.content == "Is that right?"
    assert shown.destinations[0].value == CAROL
