"""How conversations are kept in order and searched, in the shapes of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from openassistant.messages import Id
from openassistant.shelf import Labels, Title
from services.gateway.views import Conversation, View

__all__ = ["ConversationChange", "Label", "SearchFound", "SearchHit", "SearchShred"]


class ConversationChange(View):
    """What is to be otherwise; what is not named stays. An empty title is the one of the first words again."""

    title: Title | None = None
    pinned: bool | None = None
    archived: bool | None = None
    labels: Labels | None = None


class Label(View):
    """A label, and how many conversations bear it."""

    name: str
    count: int


class SearchShred(View):
    """A piece of a message as plain text; `hit`: it is what was searched for."""

    text: str
    hit: bool


class SearchHit(View):
    """A message that was found, with the words around."""

    conversation: Id
    title: str
    archived: bool
    message: Id
    role: Literal["user", "assistant"]
    created_at: datetime
    shreds: tuple[SearchShred, ...]


class SearchFound(View):
    """Messages, newest first; on the first page also conversations by their title and labels.

    `next` is the `before` of the page that follows, null on the last.
    """

    conversations: tuple[Conversation, ...]
    hits: tuple[SearchHit, ...]
    next: int | None
