"""What a person decides on names files by name and place, and says all that is written and who sees it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from openassistant.errors import InvalidRequest
from openassistant.files.previews import opened_warning
from openassistant.messages import PreviewField
from tests.sdk.files.conftest import CAROL, FILES, Box

ACTS: list[tuple[str, dict[str, Any]]] = [
    ("files_update", {"file": "lease", "revision": "7", "text": "x"}),
    ("files_rename", {"file": "lease", "name": "x.txt"}),
    ("files_move", {"file": "lease", "folder": "old"}),
]


@pytest.mark.parametrize(("tool", "arguments"), ACTS)
async def test_a_file_is_named_with_its_place_and_whose_words_its_name_is(
    full: Box, tool: str, arguments: dict[str, Any]
) -> None:
    shown = await full.house.preview(tool, **arguments)
    assert shown.fields[0] == PreviewField(label="File", value="Lease_2026-final.txt in All files / Flat")
    assert shown.account == "ada@example.org"
    assert [(each.source, each.authors) for each in shown.outside] == [("Box, file lease (its name)", (CAROL,))]


@pytest.mark.parametrize(("tool", "arguments"), ACTS)
async def test_what_is_not_known_is_named_by_its_id(box: Box, tool: str, arguments: dict[str, Any]) -> None:
    shown = await box.house.preview(tool, **arguments)
    assert shown.fields[0].value == "(not known here yet), id lease"
    assert shown.account == "Ada's box"
    assert not shown.outside


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("root", "All files"),
        ("old", "All files / Flat / Old contracts"),
        ("nowhere", "(not known here yet), id nowhere"),
    ],
)
@pytest.mark.parametrize(
    ("tool", "arguments"), [("folders_create", {"name": "New"}), ("files_move", {"file": "lease"})]
)
async def test_a_folder_is_named_with_its_path(
    full: Box, tool: str, arguments: dict[str, Any], folder: str, words: str
) -> None:
    shown = await full.house.preview(tool, **arguments, folder=folder)
    assert shown.fields[-1].value == words


async def test_all_that_is_written_is_shown(full: Box) -> None:
    shown = await full.house.preview("files_upload", name="a.csv", text="one,two\n")
    assert shown.content == "one,two\n"
    assert {each.label: each.value for each in shown.fields} == {
        "Name": "a.csv",
        "Folder": "All files",
        "Type": "text/csv",
        "Size": "8 bytes",
        "SHA-256": hashlib.sha256(b"one,two\n").hexdigest(),
    }


async def test_bytes_are_shown_by_their_digest(full: Box) -> None:
    packed = base64.b64encode(b"\x00\xff").decode()
    shown = await full.house.preview("files_update", file="lease", revision="7", data=packed, type="application/pdf")
    assert shown.content == ""
    assert [each.value for each in shown.fields[1:4]] == ["7", "application/pdf", "2 bytes"]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("files_upload", {"text": "x"}), ("folders_create", {}), ("files_rename", {"file": "lease"})],
)
@pytest.mark.parametrize("name", ["../x", "why?"])
async def test_a_name_that_the_tool_would_refuse_is_not_shown(
    full: Box, tool: str, arguments: dict[str, Any], name: str
) -> None:
    with pytest.raises(InvalidRequest):
        await full.house.preview(tool, name=name, **arguments)


@pytest.mark.parametrize(
    ("tool", "arguments"), [*ACTS, ("files_upload", {"name": "a", "text": "x"}), ("folders_create", {"name": "a"})]
)
async def test_that_others_see_it_is_said(full: Box, tool: str, arguments: dict[str, Any]) -> None:
    [warning] = (await full.house.preview(tool, **arguments, seen_by_others=True)).warnings
    assert "Others share this place or file" in warning
    assert not (await full.house.preview(tool, **arguments)).warnings


def test_a_folder_that_is_opened_is_said_to_be_one() -> None:
    assert "all that lies in it" in opened_warning(FILES[0])[0]
    assert opened_warning(FILES[2]) == opened_warning(None) == []
