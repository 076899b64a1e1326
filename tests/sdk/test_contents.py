"""Contents and names of files that a call gives: taken as they are meant, or refused in words."""

import base64
import hashlib

import pytest
from pydantic import TypeAdapter

from openassistant.errors import InvalidRequest, TooLarge
from openassistant.files.arguments import Data
from openassistant.formats.contents import LARGEST, checked_name, content_of


def test_a_text_is_taken_whole_and_its_type_from_its_name() -> None:
    content = content_of("a,b\n\n", None, name="a.csv")
    assert (content.data, content.type, content.text) == (b"a,b\n\n", "text/csv", "a,b\n\n")
    assert content.sha256 == hashlib.sha256(b"a,b\n\n").hexdigest()
    assert content.md5 == hashlib.md5(b"a,b\n\n", usedforsecurity=False).hexdigest()


def test_bytes_are_taken_as_they_are() -> None:
    content = content_of(None, base64.b64encode(b"\x00\xff").decode(), type="Application/PDF")
    assert (content.data, content.type, content.text) == (b"\x00\xff", "application/pdf", None)
    assert content_of(None, "", name="x").type == "application/octet-stream"


def test_half_characters_do_no_harm() -> None:
    assert content_of("a\ud800b", None).data == b"a?b"


@pytest.mark.parametrize(("text", "data"), [(None, None), ("a", "YQ=="), (None, "not base64!"), (None, "YQ")])
def test_a_content_is_given_in_one_way(text: str | None, data: str | None) -> None:
    with pytest.raises(InvalidRequest):
        content_of(text, data)


def test_what_is_too_long_is_refused() -> None:
    with pytest.raises(TooLarge, match="5 MB"):
        content_of("x" * (LARGEST + 1), None)


@pytest.mark.parametrize("kind", ["text/plain\r\nX: y", "nonsense", "a/b; c=d", "é/x", "a/" + "b" * 100])
def test_a_type_is_a_media_type(kind: str) -> None:
    with pytest.raises(InvalidRequest, match="media type"):
        content_of("a", None, type=kind)


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "a\\b", "a\nb", "a\u202eb", "a\x00"])
def test_a_name_is_no_path_and_one_line(name: str) -> None:
    with pytest.raises(InvalidRequest):
        checked_name(name)


def test_a_name_has_none_of_the_characters_that_a_provider_refuses() -> None:
    assert checked_name(" a:b.txt ") == "a:b.txt"
    with pytest.raises(InvalidRequest, match="characters"):
        checked_name("a:b.txt", without=":*")


def test_what_can_be_saved_fits_into_the_argument_that_takes_it() -> None:
    [given, _] = TypeAdapter[str | None](Data).json_schema()["anyOf"]
    assert len(base64.b64encode(b"x" * LARGEST)) <= given["maxLength"]
