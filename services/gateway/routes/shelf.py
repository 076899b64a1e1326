"""One's own conversations as wholes: which there are, what was said in them, how they are kept in order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from openassistant.messages import Id
from openassistant.shelf import LONGEST_SEARCH, PAGE, FileKind, Listing, Search
from services.gateway import shelf_views, views
from services.gateway.routes.doors import House, Me, as_json

__all__ = ["router"]

router = APIRouter(prefix="/api/conversations", tags=["conversations"])

_TYPES = {"md": "text/markdown; charset=utf-8", "json": "application/json"}
_FILE: dict[int | str, dict[str, object]] = {
    200: {
        "description": "The file",
        "content": {"text/markdown": {"schema": {"type": "string"}}, "application/json": {"schema": {}}},
    }
}


@router.get("", response_model=list[views.Conversation])
async def conversations(
    request: Request,
    house: House,
    me: Me,
    archived: bool | None = None,  # noqa: FBT001
    pinned: bool | None = None,  # noqa: FBT001
    label: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int | None, Query(ge=1, le=PAGE, description="Of one page; all of them without it")] = None,
    after: Annotated[str, Query(max_length=100, description="From the link to the next page")] = "",
) -> Response:
    """One's own conversations, newest change first.

    With `limit` by pages: where more follow, the header `Link` (RFC 8288) has the address of the next, `rel="next"`.
    """
    listing = Listing(archived=archived, pinned=pinned, label=label, limit=limit, after=after)
    found, following = await house.shelf.page(me, listing)
    answer = as_json(list[views.Conversation], found)
    if following is not None:
        rest = [each for each in request.query_params.multi_items() if each[0] != "after"]
        answer.headers["Link"] = f'<{request.url.path}?{urlencode([*rest, ("after", following)])}>; rel="next"'
    return answer


@router.get("/labels")
async def labels(house: House, me: Me) -> list[shelf_views.Label]:
    """The labels in use, by name."""
    return await house.shelf.labels(me)


@router.get("/search")
async def search(
    house: House,
    me: Me,
    words: Annotated[str, Query(max_length=LONGEST_SEARCH)] = "",
    before: Annotated[int | None, Query(ge=0, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE)] = 20,
) -> shelf_views.SearchFound:
    """What was said in one's own conversations: messages that have all the words, each by its beginning.

    What stands in quotes is found as it stands. Case and accents do not count.
    """
    return await house.shelf.search(me, Search(words=words, before=before, limit=limit))


@router.patch("/{conversation}")
async def change_conversation(
    conversation: Id, wanted: shelf_views.ConversationChange, house: House, me: Me
) -> views.Conversation:
    """Names a conversation, pins it, labels it, puts it into the archive or takes it out."""
    return await house.shelf.change(me, conversation, wanted)


@router.get("/{conversation}/export", response_class=Response, responses=_FILE)
async def export_conversation(conversation: Id, house: House, me: Me, format: FileKind = "md") -> Response:  # noqa: A002
    """One conversation as a file: Markdown to read, or JSON with all of it, which a house can take in again."""
    body = await house.shelf.file(me, conversation, format)
    name = f"conversation-{datetime.now(UTC):%Y-%m-%d}-{conversation[:8]}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(body, media_type=_TYPES[format], headers=headers)
