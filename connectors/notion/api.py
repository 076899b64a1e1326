"""Notion's API as the connector asks it.

https://developers.notion.com/reference/intro. Texts go as enhanced Markdown, which the pinned version reads and writes
(https://developers.notion.com/guides/data-apis/enhanced-markdown).

A request to search or to query is a POST that changes nothing: where one fails, nothing is in doubt.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from connectors.notion.account import base_of, owner_of
from openassistant.connector import Context
from openassistant.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    OaError,
    RateLimited,
    Unavailable,
    UpstreamFailed,
)
from openassistant.http import HttpClient, Refusal
from openassistant.providers.rest import RestApi

__all__ = ["VERSION", "Markdown", "NotionApi", "Page", "explain", "rich"]

VERSION = "2026-03-11"
"""The Markdown endpoints want it or newer; a newer one will spell Markdown otherwise, which `sections.py` has to know.

https://developers.notion.com/guides/get-started/upgrade-guide-2026-03-11 and
https://developers.notion.com/guides/data-apis/migrate-to-notion-flavored-markdown
"""

_PAGE = 100
_LARGEST = 32 * 1024 * 1024
_PIECE = 2000
"""Characters of one piece of rich text (https://developers.notion.com/reference/request-limits)."""
_EVERY = 1 / 3
_BURST = 6
"""Three requests a second on average, some of them at once (https://developers.notion.com/reference/request-limits)."""
_MOST_PACED = 1000
_ready: dict[str, float] = {}


class Page(NamedTuple):
    """Objects of one page of a list; `next` leads on, "" at the end."""

    results: list[dict[str, Any]]
    next: str


class Markdown(NamedTuple):
    """A page's text; `cut` where Notion left something out, `unread` the blocks that it names for that."""

    text: str
    cut: bool
    unread: tuple[str, ...]


class NotionApi(RestApi):
    """One account's workspace, at the pace that Notion allows."""

    provider = "Notion"

    def __init__(self, http: HttpClient, base: str, owner: str) -> None:
        super().__init__(http, base, explain=explain)
        self._owner = owner

    @classmethod
    async def of(cls, ctx: Context) -> NotionApi:
        """The API of a call's account."""
        return cls(ctx.http, await base_of(ctx), owner_of(ctx))

    async def call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """See `RestApi`."""
        await _paced(self._owner)
        return await super().call(method, path, headers={"Notion-Version": VERSION}, limit=_LARGEST, **options)

    async def me(self) -> dict[str, Any]:
        """The connection's own user."""
        return await self.call("GET", "users/me")

    async def search(self, query: str = "", *, after: str = "", size: int = _PAGE) -> Page:
        """What is shared, the newest first; a query is held against titles."""
        body: dict[str, Any] = {"sort": {"timestamp": "last_edited_time", "direction": "descending"}}
        return await self._asked("search", {**body, **({"query": query} if query else {})}, after, size)

    async def query(self, source: str, body: dict[str, Any], *, after: str = "", size: int = _PAGE) -> Page:
        """Rows of a data source."""
        return await self._asked(f"data_sources/{source}/query", body, after, size)

    async def page(self, page: str) -> dict[str, Any]:
        """A page without its text."""
        return await self.call("GET", f"pages/{page}")

    async def source(self, source: str) -> dict[str, Any]:
        """A data source with its schema; also by the id of a database that has but one."""
        try:
            return await self.call("GET", f"data_sources/{source}")
        except NotFound:
            found = (await self.call("GET", f"databases/{source}")).get("data_sources")
            ids = [each.get("id") for each in found if isinstance(each, dict)] if isinstance(found, list) else []
            if len(ids) != 1 or not isinstance(ids[0], str):
                raise
            return await self.call("GET", f"data_sources/{ids[0]}")

    async def users(self) -> AsyncIterator[dict[str, Any]]:
        """People and connections of the workspace."""
        async for each in self._listed("users"):
            yield each

    async def comments(self, page: str) -> AsyncIterator[dict[str, Any]]:
        """Open comments on a page, the oldest first."""
        async for each in self._listed("comments", block_id=page):
            yield each

    async def children(self, page: str) -> AsyncIterator[dict[str, Any]]:
        """The blocks right below a page, in their order."""
        async for each in self._listed(f"blocks/{page}/children"):
            yield each

    async def markdown(self, page: str) -> Markdown:
        """The text of a page, or of a block that was left out of one."""
        return _markdown(await self.call("GET", f"pages/{page}/markdown"))

    async def append(self, page: str, text: str) -> Markdown:
        """Puts text at the end of a page; gives the whole text after it."""
        body = {"type": "insert_content", "insert_content": {"content": text, "position": {"type": "end"}}}
        return _markdown(await self.call("PATCH", f"pages/{page}/markdown", json=body))

    async def edit(self, page: str, old: str, new: str) -> Markdown:
        """Puts `new` in the place of `old`; raises `Conflict` where that is not there (any more)."""
        update = {"content_updates": [{"old_str": old, "new_str": new}]}
        body = {"type": "update_content", "update_content": update}
        try:
            return _markdown(await self.call("PATCH", f"pages/{page}/markdown", json=body))
        except InvalidRequest as error:
            if error.details.get("provider_reason") != "validation_error":
                raise
            raise Conflict("The text is another one by now, so nothing was done. Read the page again.") from error

    async def create(self, parent: dict[str, str], properties: dict[str, Any], text: str) -> dict[str, Any]:
        """A new page."""
        body = {"parent": parent, "properties": properties, **({"markdown": text} if text else {})}
        return await self.call("POST", "pages", json=body)

    async def update(self, page: str, **changes: Any) -> dict[str, Any]:
        """Changes `properties` or `in_trash` of a page."""
        return await self.call("PATCH", f"pages/{page}", json=changes)

    async def move(self, page: str, parent: dict[str, str]) -> dict[str, Any]:
        """Puts a page below another one, or into a data source."""
        return await self.call("POST", f"pages/{page}/move", json={"parent": parent})

    async def comment(self, place: dict[str, Any], text: str) -> dict[str, Any]:
        """A new comment; `place` is `parent` or `discussion_id`."""
        return await self.call("POST", "comments", json={**place, "rich_text": rich(text)})

    async def _asked(self, path: str, body: dict[str, Any], after: str, size: int) -> Page:
        asked = {**body, "page_size": size, **({"start_cursor": after} if after else {})}
        try:
            return _page(await self.call("POST", path, json=asked))
        except UpstreamFailed as error:
            raise Unavailable("Notion is not available at the moment. Try again later.") from error

    async def _listed(self, path: str, **params: str) -> AsyncIterator[dict[str, Any]]:
        async def ask(after: str) -> dict[str, Any]:
            given = {**params, "page_size": str(_PAGE), **({"start_cursor": after} if after else {})}
            return await self.call("GET", path, params=given)

        async for found in self.follow(ask, by="next_cursor"):
            for each in _page(found).results:
                yield each


def explain(refusal: Refusal) -> OaError | None:
    """Notion's error in our words (https://developers.notion.com/reference/status-codes)."""
    body = refusal.json()
    found = body if isinstance(body, dict) else {}
    code, more = found.get("code"), found.get("additional_data")
    details = {**refusal.error.details}
    if isinstance(code, str):
        details["provider_reason"] = code[:60]
    if isinstance(more, dict) and isinstance(reason := more.get("rate_limit_reason"), str):
        details["rate_limit_reason"] = reason[:60]
    wait = refusal.error.retry_after
    if refusal.status == 403:
        words = "Notion does not allow this to the connection. Allow it in its settings at Notion, under Capabilities."
        return Forbidden(words, details={**details, "reason": "scope_missing"})
    if refusal.status == 404:
        return NotFound("That is not at Notion (any more), or not shared with the connection.", details=details)
    if refusal.status == 409:
        return Conflict(
            "Something else was changing it at that moment, so nothing was done. Try again.", details=details
        )
    if refusal.status == 429:
        return RateLimited("Notion asks for a pause.", details=details, retry_after=wait)
    if refusal.status == 529 and refusal.method == "GET":
        return Unavailable("Notion is overloaded at the moment.", details=details, retry_after=wait)
    if refusal.status == 400 and "provider_reason" in details:
        return InvalidRequest("Notion did not take that: a value does not fit there, or is too long.", details=details)
    refusal.error.details.update(details)
    return None


def rich(text: str) -> list[dict[str, Any]]:
    """Plain text as rich text, in pieces that Notion takes."""
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
    return [{"type": "text", "text": {"content": piece}} for piece in pieces]


async def _paced(owner: str) -> None:
    """Waits for this account's turn."""
    now = asyncio.get_running_loop().time()
    at = max(_ready.pop(owner, 0.0), now)
    while len(_ready) >= _MOST_PACED:
        _ready.pop(next(iter(_ready)))
    _ready[owner] = at + _EVERY
    if (wait := at - now - _EVERY * (_BURST - 1)) > 0:
        await asyncio.sleep(wait)


def _page(found: dict[str, Any]) -> Page:
    listed, more = found.get("results"), found.get("next_cursor")
    results = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return Page(results, more if isinstance(more, str) and found.get("has_more") is not False else "")


def _markdown(found: dict[str, Any]) -> Markdown:
    text, unread = found.get("markdown"), found.get("unknown_block_ids")
    if not isinstance(text, str):
        raise UpstreamFailed("Notion answered with something else than a text.")
    ids = tuple(each for each in unread if isinstance(each, str)) if isinstance(unread, list) else ()
    return Markdown(text, bool(found.get("truncated")) or bool(ids), ids)
