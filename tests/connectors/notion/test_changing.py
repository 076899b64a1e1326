"""Pages, rows and comments are written as they were shown, nothing is overwritten unseen, and it can be taken back."""

from __future__ import annotations

from typing import Any

import pytest

from openassistant.errors import Conflict, Forbidden, InvalidRequest
from openassistant.messages import Effect
from tests.connectors.notion.conftest import Desk
from tests.connectors.notion.workspace import CALLS, TEXT, columns, workspace


async def test_a_page_has_its_title_and_text_and_is_taken_back(desk: Desk) -> None:
    home = desk.server.page("Home")
    await desk.sync()
    made = await desk.call("pages_create", parent=home, title=" The  plan ", content="# One\n- two")
    assert desk.server.texts[made["id"]] == "# One\n- two"
    assert await desk.titles("plan") == ["The plan"]
    await desk.call("actions_undo")
    assert desk.server.pages[made["id"]]["in_trash"]
    assert await desk.titles("plan") == []


async def test_a_page_wants_a_title_with_words_in_it(desk: Desk) -> None:
    home = desk.server.page("Home")
    await desk.sync()
    with pytest.raises(InvalidRequest, match="title"):
        await desk.call("pages_create", parent=home, title="  ")


async def test_a_page_that_somebody_went_on_with_is_not_taken_back(desk: Desk) -> None:
    home = desk.server.page("Home")
    await desk.sync()
    made = await desk.call("pages_create", parent=home, title="New")
    desk.server.pass_by(minutes=2)
    desk.server.write(made["id"], "Mine now")
    with pytest.raises(Conflict):
        await desk.call("actions_undo")
    assert not desk.server.pages[made["id"]]["in_trash"]


async def test_all_kinds_of_values_are_written_as_their_columns_want_them(desk: Desk) -> None:
    tasks, ada = await columns(desk), desk.server.person("Ada", "ada@home.example")
    await desk.sync()
    made = await desk.call("rows_create", database=tasks, properties={
        "Name": "Buy tea", "State": "open", "Tags": ["open", "done"], "Cost": 2.5, "Due": "2026-12-01/2026-12-03",
        "Done": True, "Note": "x" * 4500, "Who": [ada],
    })  # fmt: skip
    held = desk.server.pages[made["id"]]["properties"]
    assert [len(each["plain_text"]) for each in held["Note"]["rich_text"]] == [2000, 2000, 500]
    read = await desk.call("pages_read", page=made["id"])
    said = {each["name"]["text"]: each["value"]["text"] for each in read["properties"]}
    assert said | {"Note": ""} == {
        "State": "open", "Tags": "open, done", "Cost": "2.5", "Due": "2026-12-01/2026-12-03", "Done": "yes",
        "Note": "", "Who": "Ada",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"Nothing": "x"}, "no such column"),
        ({"Cost": "three"}, "give a number"),
        ({"Cost": True}, "give a number"),
        ({"State": "maybe"}, "databases_get"),
        ({"Tags": ["open", "maybe"]}, "databases_get"),
        ({"Due": "tomorrow"}, "2026-11-01"),
        ({"Done": "yes"}, "true or false"),
        ({"Who": ["ada"]}, "users_list"),
        ({"Sum": 3}, "cannot be written"),
        ({"Name": 5}, "give a text"),
        ({}, "at least 1"),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_before_notion_is_asked(
    desk: Desk, properties: dict[str, Any], words: str
) -> None:
    tasks = await columns(desk)
    await desk.sync()
    desk.server.seen.clear()
    with pytest.raises(InvalidRequest, match=words):
        await desk.call("rows_create", database=tasks, properties=properties)
    assert desk.server.seen == []


async def test_properties_are_put_back(desk: Desk) -> None:
    tasks = await columns(desk)
    row = desk.server.page(
        "Row", source=tasks, Cost={"number": 1}, Due={"date": {"start": "2026-12-01T09:00:00+00:00"}},
        Tags={"multi_select": [{"name": "open"}]}, Note={"rich_text": [{"text": {"content": "was"}}]},
    )  # fmt: skip
    await desk.sync()
    changed: dict[str, Any] = {"Name": "Other", "Cost": None, "Due": "2027-01-01", "Tags": [], "Note": "is"}
    before = dict(desk.server.pages[row]["properties"])
    await desk.call("pages_update", page=row, properties=changed)
    assert desk.server.pages[row]["properties"] != before
    await desk.call("actions_undo")
    assert desk.server.pages[row]["properties"] == before


async def test_a_page_in_no_database_has_a_title_alone(desk: Desk) -> None:
    home = desk.server.page("Home")
    await desk.sync()
    await desk.call("pages_update", page=home, properties={"title": "House"})
    assert await desk.titles("house") == ["House"]
    with pytest.raises(InvalidRequest, match="no such column"):
        await desk.call("pages_update", page=home, properties={"Cost": 3})


async def test_properties_that_changed_meanwhile_are_not_overwritten(desk: Desk) -> None:
    tasks = await columns(desk)
    row = desk.server.page("Row", source=tasks, Cost={"number": 1})
    await desk.sync()
    desk.server.pages[row]["properties"]["Cost"] = {"id": "Cost", "type": "number", "number": 2}
    with pytest.raises(Conflict):
        await desk.call("pages_update", page=row, properties={"Cost": 3})
    assert desk.server.pages[row]["properties"]["Cost"]["number"] == 2
    await desk.call("pages_update", page=row, properties={"Cost": 3})
    desk.server.pages[row]["properties"]["Cost"]["number"] = 4
    with pytest.raises(Conflict):
        await desk.call("actions_undo")


async def test_a_list_that_notion_gives_in_part_is_not_put_back(desk: Desk) -> None:
    tasks, ada = await columns(desk), desk.server.person("Ada")
    row = desk.server.page("Row", source=tasks, Who={"people": [{"id": ada}]})
    desk.server.pages[row]["properties"]["Who"]["has_more"] = True
    await desk.sync()
    await desk.call("pages_update", page=row, properties={"Who": []})
    with pytest.raises(Conflict, match="Not all of the former values"):
        await desk.call("actions_undo")
    assert desk.server.pages[row]["properties"]["Who"]["people"] == []


async def test_a_section_ends_at_the_next_heading_as_large_and_is_put_back(desk: Desk) -> None:
    home = desk.server.page("Home", TEXT)
    await desk.sync()
    await desk.call("pages_read", page=home)
    await desk.call("sections_replace", page=home, heading="# costs", content="Nothing\n## More\nYes")
    assert desk.server.texts[home] == "Intro\n# Costs\nNothing\n## More\nYes\n# Dates\nFriday"
    await desk.call("actions_undo")
    assert desk.server.texts[home] == TEXT


async def test_of_two_sections_of_one_name_the_right_one_is_replaced(desk: Desk) -> None:
    twice = "# Day\nTea\n# Day\nTea\n# Day\nTea"
    home = desk.server.page("Home", twice)
    await desk.sync()
    await desk.call("pages_read", page=home)
    with pytest.raises(InvalidRequest, match="number: say which one; 3"):
        await desk.call("sections_replace", page=home, heading="Day", content="Coffee")
    await desk.call("sections_replace", page=home, heading="Day", content="Coffee", number=2)
    assert desk.server.texts[home] == "# Day\nTea\n# Day\nCoffee\n# Day\nTea"


async def test_a_section_is_replaced_only_as_it_was_read(desk: Desk) -> None:
    home = desk.server.page("Home", TEXT)
    await desk.sync()
    with pytest.raises(InvalidRequest, match="pages_read first"):
        await desk.call("sections_replace", page=home, heading="Costs", content="x")
    await desk.call("pages_read", page=home)
    desk.server.write(home, TEXT.replace("Tea 3", "Tea 4"))
    with pytest.raises(Conflict, match="Read it again"):
        await desk.call("sections_replace", page=home, heading="Costs", content="x")
    assert "Tea 4" in desk.server.texts[home]


async def test_a_section_that_changes_at_the_last_moment_stays(desk: Desk) -> None:
    home = desk.server.page("Home", TEXT)
    await desk.sync()
    await desk.call("pages_read", page=home)
    desk.server.fault("PATCH", "markdown", 400)
    with pytest.raises(Conflict):
        await desk.call("sections_replace", page=home, heading="Costs", content="x")
    assert desk.server.texts[home] == TEXT


@pytest.mark.parametrize(
    ("text", "heading", "words"),
    [
        ('# A\n<page url="https://www.notion.so/x">Below</page>', "A", "Move them first"),
        ("```\n# A\n```", "A", "none like that"),
        ("text", "A", "none like that"),
    ],
)
async def test_a_section_that_is_none_or_holds_pages_is_not_replaced(
    desk: Desk, text: str, heading: str, words: str
) -> None:
    home = desk.server.page("Home", text)
    await desk.sync()
    await desk.call("pages_read", page=home)
    with pytest.raises(InvalidRequest, match=words):
        await desk.call("sections_replace", page=home, heading=heading, content="x")
    assert desk.server.texts[home] == text


async def test_what_was_appended_is_taken_off_again(desk: Desk) -> None:
    home, empty = desk.server.page("Home", "Tea\nTea"), desk.server.page("Empty")
    await desk.sync()
    await desk.call("pages_append", page=home, content="Tea")
    assert desk.server.texts[home] == "Tea\nTea\nTea"
    await desk.call("actions_undo")
    assert desk.server.texts[home] == "Tea\nTea"
    await desk.call("pages_append", page=empty, content="# First")
    await desk.call("actions_undo")
    assert desk.server.texts[empty] == ""


async def test_a_text_that_went_on_is_not_taken_back(desk: Desk) -> None:
    home = desk.server.page("Home", "Begin")
    await desk.sync()
    await desk.call("pages_append", page=home, content="More")
    desk.server.write(home, desk.server.texts[home] + "\nTheirs")
    with pytest.raises(Conflict):
        await desk.call("actions_undo")
    assert desk.server.texts[home] == "Begin\nMore\nTheirs"


async def test_a_page_is_moved_back(desk: Desk) -> None:
    home, other = desk.server.page("Home"), desk.server.page("Other")
    page = desk.server.page("Page", parent=home)
    await desk.sync()
    await desk.call("pages_move", page=page, into=other)
    assert desk.server.pages[page]["parent"]["page_id"] == other
    await desk.call("actions_undo")
    assert desk.server.pages[page]["parent"]["page_id"] == home


async def test_a_page_that_was_moved_meanwhile_stays_there(desk: Desk) -> None:
    home, other, third = (desk.server.page(each) for each in ("Home", "Other", "Third"))
    page = desk.server.page("Page", parent=home)
    await desk.sync()
    desk.server.pages[page]["parent"] = {"type": "page_id", "page_id": third}
    with pytest.raises(Conflict, match="moved at Notion meanwhile"):
        await desk.call("pages_move", page=page, into=other)
    assert desk.server.pages[page]["parent"]["page_id"] == third
    await desk.call("pages_move", page=page, into=other)
    desk.server.pages[page]["parent"] = {"type": "page_id", "page_id": third}
    with pytest.raises(Conflict, match="moved again"):
        await desk.call("actions_undo")


async def test_a_page_at_the_top_is_not_moved_back_and_that_is_said_before(desk: Desk) -> None:
    home, other = desk.server.page("Home"), desk.server.page("Other")
    await desk.sync()
    shown = await desk.house.preview("pages_move", page=home, into=other)
    assert any("cannot be moved back" in each for each in shown.warnings)
    await desk.call("pages_move", page=home, into=other)
    with pytest.raises(Conflict, match="at Notion"):
        await desk.call("actions_undo")


async def test_a_page_comes_out_of_the_trash(desk: Desk) -> None:
    home = desk.server.page("Home")
    desk.server.page("Below", parent=home)
    await desk.sync()
    shown = await desk.house.preview("pages_trash", page=home)
    assert [each.value for each in shown.fields] == ["Home", "1 below it"]
    await desk.call("pages_trash", page=home)
    assert await desk.titles("home") == []
    await desk.call("actions_undo")
    assert await desk.titles("home") == ["Home"]


async def test_an_answer_goes_into_a_discussion_of_that_page_alone(desk: Desk) -> None:
    home, other = desk.server.page("Home"), desk.server.page("Other")
    mine, theirs = desk.server.comment(home, "Who?"), desk.server.comment(other, "Secret")
    threads = {each: desk.server.comments[each]["discussion_id"] for each in (mine, theirs)}
    await desk.sync()
    saved = await desk.call("comments_create", page=home, text="Me", discussion=threads[mine])
    assert saved["discussion"] == threads[mine]
    with pytest.raises(InvalidRequest, match="none like that on the page"):
        await desk.call("comments_create", page=home, text="Me", discussion=threads[theirs])
    assert len(desk.server.comments) == 3


async def test_previews_are_the_same_twice_and_ask_nobody(desk: Desk) -> None:
    for tool, _, _, arguments in CALLS:
        _, given = await workspace(desk, arguments)
        desk.server.seen.clear()
        one = await desk.house.preview(tool, **given)
        assert one == await desk.house.preview(tool, **given), tool
        assert (one.account, one.outside[0].source) == ("Ada", "Notion")
        assert one.effect is (Effect.SEND if tool == "comments_create" else Effect.WRITE)
        assert desk.server.seen == [], tool


async def test_what_the_connection_may_not_do_is_said_in_our_words(desk: Desk) -> None:
    home = desk.server.page("Home")
    await desk.sync()
    desk.server.fault("POST", "comments", 403)
    with pytest.raises(Forbidden, match="under Capabilities") as caught:
        await desk.call("comments_create", page=home, text="Hi")
    assert "mallory" not in str(caught.value)
    assert caught.value.details["reason"] == "scope_missing"


async def test_a_change_that_collided_is_not_tried_again_unasked(desk: Desk) -> None:
    home = desk.server.page("Home")
    await desk.sync()
    desk.server.fault("POST", "comments", 409)
    with pytest.raises(Conflict, match="nothing was done"):
        await desk.call("comments_create", page=home, text="Hi")
    assert desk.server.comments == {}
