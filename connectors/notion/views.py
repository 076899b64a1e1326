"""What the tools give back. A workspace is shared, so all its words, names of columns too, may be others'."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from connectors.notion.properties import conditions_of
from connectors.notion.things import Thing, clean, id_of, plain
from openassistant.connector import OutsideText
from openassistant.messages import OutsideSource

__all__ = [
    "SOURCE", "CommentList", "CommentSaved", "CommentView", "DatabaseDetails", "DatabaseList", "DatabaseView",
    "PageList", "PageSaved", "PageText", "PageView", "PropertyView", "RowList", "RowView", "UserList", "UserView",
    "comment_view", "database_details", "database_view", "outside", "page_view", "parent_words", "properties_of",
    "row_view",
]  # fmt: skip

SOURCE = OutsideSource(source="Notion")


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class PropertyView(_View):
    """A property of a page or row, as it is read."""

    name: OutsideText
    value: OutsideText


class PageView(_View):
    """A page or database (`kind`) in short. `inside` says where it lies, with the id; `edited` is ISO 8601."""

    id: str
    kind: str
    title: OutsideText
    inside: str
    date: str
    url: str
    excerpt: OutsideText | None = None


class PageList(_View):
    """Pages and databases; `note` says when there may be more."""

    pages: list[PageView]
    note: str = ""


class PageText(_View):
    """A page's text in Notion's Markdown, with its properties.

    `next` is where to go on where the text is longer; `unread` are blocks that Notion left out: each can be read by its
    id as a page can.
    """

    id: str
    title: OutsideText
    inside: str
    date: str
    url: str
    properties: list[PropertyView]
    text: OutsideText
    next: int | None = None
    unread: list[str] = []
    note: str = ""


class ColumnView(_View):
    """A column: its type, what may be chosen, and the conditions that a filter may put on it."""

    name: OutsideText
    type: str
    options: list[OutsideText] = []
    conditions: list[str] = []


class DatabaseView(_View):
    """A database in short. `id` is what the other tools take."""

    id: str
    title: OutsideText
    inside: str
    url: str


class DatabaseList(_View):
    """The databases, by title; `note` says when there may be more."""

    databases: list[DatabaseView]
    note: str = ""


class DatabaseDetails(DatabaseView):
    """A database with its columns."""

    columns: list[ColumnView]
    note: str = ""


class RowView(_View):
    """A row, which is a page too: `id` is what the tools for pages take."""

    id: str
    title: OutsideText
    date: str
    url: str
    properties: list[PropertyView]


class RowList(_View):
    """Rows; `next` goes on from there where there are more."""

    rows: list[RowView]
    next: str = ""


class CommentView(_View):
    """A comment. What answers it takes its `discussion`."""

    id: str
    discussion: str
    sender: OutsideText
    date: str
    text: OutsideText


class CommentList(_View):
    """Open comments on a page, the oldest first; `note` says when there are more."""

    comments: list[CommentView]
    note: str = ""


class UserView(_View):
    """Somebody in the workspace: a person, or a connection ("bot")."""

    id: str
    kind: str
    name: OutsideText
    address: OutsideText | None = None


class UserList(_View):
    """Who is in the workspace; `note` says when there are more."""

    users: list[UserView]
    note: str = ""


class PageSaved(_View):
    """A page as Notion took it."""

    id: str
    url: str = ""
    note: str = ""


class CommentSaved(_View):
    """A comment that was written."""

    id: str
    discussion: str


def outside(words: str, *authors: str) -> OutsideText:
    """Words of the workspace."""
    return OutsideText(text=words, source=SOURCE.source, authors=tuple(each for each in authors if each))


def page_view(thing: Thing, excerpt: str = "") -> PageView:
    """A page or database in short."""
    return PageView(
        id=thing.id, kind=thing.kind, title=outside(thing.title or "(no title)"), inside=parent_words(thing),
        date=thing.edited, url=thing.url, excerpt=outside(excerpt) if excerpt else None,
    )  # fmt: skip


def parent_words(thing: Thing) -> str:
    """Where something lies."""
    return f"{thing.parent.kind} {thing.parent.id}".strip()


def properties_of(thing: Thing) -> list[PropertyView]:
    """The properties of a page that say something."""
    return [PropertyView(name=outside(name), value=outside(words)) for name, words in thing.words.items() if words]


def row_view(thing: Thing) -> RowView:
    """A row."""
    return RowView(
        id=thing.id, title=outside(thing.title or "(no title)"), date=thing.edited, url=thing.url,
        properties=properties_of(thing),
    )  # fmt: skip


def database_view(thing: Thing) -> DatabaseView:
    """A database in short."""
    title = outside(thing.title or "(no title)")
    return DatabaseView(id=thing.id, title=title, inside=parent_words(thing), url=thing.url)


def database_details(thing: Thing, note: str = "") -> DatabaseDetails:
    """A database with its columns."""
    columns = [
        ColumnView(
            name=outside(name), type=each.kind, options=[outside(option) for option in each.options],
            conditions=list(conditions_of(each.kind)),
        )
        for name, each in thing.schema.items()
    ]  # fmt: skip
    return DatabaseDetails(**dict(database_view(thing)), columns=columns, note=note)


def comment_view(raw: dict[str, object], people: dict[str, str]) -> CommentView | None:
    """A comment; None for what is none."""
    if (name := id_of(raw)) is None:
        return None
    sender = people.get(id_of(raw.get("created_by")) or "", "")
    return CommentView(
        id=name, discussion=id_of(raw.get("discussion_id")) or "", sender=outside(sender or "somebody"),
        date=clean(raw.get("created_time") or "", 40), text=outside(plain(raw.get("rich_text"))[:5000], sender),
    )  # fmt: skip
