"""What is asked about conversations as wholes: which there are, what was said in them, how they are kept in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints

from openassistant.messages import Conversation, Id, Wire

__all__ = [
    "LONGEST_SEARCH",
    "MOST_LABELS",
    "PAGE",
    "Change",
    "FileKind",
    "FileRequest",
    "Found",
    "Hit",
    "LabelCount",
    "LabelCounts",
    "Labels",
    "Listing",
    "Search",
    "Shred",
    "Title",
]

PAGE = 100
"""Conversations, or hits, of one page at most."""
MOST_LABELS = 8
LONGEST_SEARCH = 200
"""Characters that are searched for."""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _each_once(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels without those that differ from one before in nothing but case, and without empty ones."""
    return tuple({each.casefold(): each for each in reversed(labels) if each}.values())[::-1]


Title: TypeAlias = Annotated[str, StringConstraints(max_length=200), AfterValidator(_one_line)]
_Label: TypeAlias = Annotated[str, StringConstraints(max_length=40), AfterValidator(_one_line)]
Labels: TypeAlias = Annotated[tuple[_Label, ...], Field(max_length=MOST_LABELS), AfterValidator(_each_once)]
FileKind: TypeAlias = Literal["md", "json"]


class Listing(Wire):
    """Which conversations, newest change first; without `limit` all of them. `after` is `next` of the page before."""

    archived: bool | None = None
    pinned: bool | None = None
    label: str | None = None
    after: str = ""
    limit: Annotated[int, Field(ge=1, le=PAGE)] | None = None


class Change(Wire):
    """What is to be otherwise about the context's conversation; None stays as it is.

    An empty title is the one of its first words again.
    """

    title: Title | None = None
    pinned: bool | None = None
    archived: bool | None = None
    labels: Labels | None = None


class LabelCount(Wire):
    """A label, and how many conversations bear it."""

    name: str
    count: int


class LabelCounts(Wire):
    """All labels in use, by name."""

    labels: tuple[LabelCount, ...] = ()


class Search(Wire):
    """Words that one message has, all of them, each by its beginning; "in quotes" as they follow each other."""

    words: Annotated[str, StringConstraints(max_length=LONGEST_SEARCH)]
    before: Annotated[int, Field(ge=0)] | None = None
    limit: Annotated[int, Field(ge=1, le=PAGE)] = 20


class Shred(Wire):
    """A piece of a message, which was searched for where it is a `hit`."""

    text: str
    hit: bool = False


class Hit(Wire):
    """A message that was found, with what stands around the words."""

    conversation: Id
    title: str
    archived: bool
    message: Id
    role: Literal["user", "assistant"]
    created: datetime
    shreds: tuple[Shred, ...]


class Found(Wire):
    """Messages, newest first, and on the first page the conversations whose title or labels have the words.

    `next` is the `before` of the page that follows.
    """

    conversations: tuple[Conversation, ...] = ()
    hits: tuple[Hit, ...] = ()
    next: int | None = None


class FileRequest(Wire):
    """The context's conversation as a file of that kind, from `cursor` on; "" begins."""

    kind: FileKind
    cursor: str = ""
