"""What Drive is asked, and how: addresses, parameters that every request needs, uploads in one piece and in several.

https://developers.google.com/workspace/drive/api/reference/rest/v3
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from connectors.google_drive.faults import explain
from connectors.google_drive.items import FIELDS, Item, item_of
from openassistant.connector import Context
from openassistant.errors import InvalidRequest, NotFound, OaError, TooLarge, UpstreamFailed
from openassistant.http import Response
from openassistant.origins import origin_of
from openassistant.providers.google import GoogleApi

__all__ = ["ALL", "MARK", "Drive", "drive_of", "quoted", "shrinking"]

ALL = {"supportsAllDrives": "true"}
"""Without it, what lies in shared drives is answered for as if it were not there."""
MARK = "open_assistant"
"""The private property that names the call by which a file was made; no other app sees it."""

_IN_ONE = 5 * 1024 * 1024
"""Bytes that go in one request; Google's limit for that."""
_PIECE = 4 * 1024 * 1024
"""Bytes of a piece of a longer upload: a multiple of 256 KiB."""
_TRIES = 3
_PAGE = 1_000
_MOST = 2_000


class Drive:
    """The requests that tools and sync make, to one account."""

    def __init__(self, ctx: Context, api_url: str) -> None:
        base = api_url.rstrip("/")
        self._ctx, self._origin = ctx, origin_of(base)
        self.api = GoogleApi(ctx.http, f"{base}/drive/v3")
        self._uploads = GoogleApi(ctx.http, f"{base}/upload/drive/v3")
        ctx.http.explain_by(explain)

    async def item(self, file: str) -> Item:
        """A file or folder as it is now; raises `NotFound`."""
        return item_of(await self.api.get(f"files/{file}", fields=FIELDS, **ALL))

    async def find(self, file: str) -> Item | None:
        """A file or folder as it is now; None where there is none."""
        try:
            return await self.item(file)
        except NotFound:
            return None

    async def target(self, file: str) -> Item:
        """A file, or what it points to where it is a shortcut."""
        found = await self.item(file)
        if not found.target:
            return found
        try:
            return await self.item(found.target)
        except NotFound as error:
            raise NotFound("That is a shortcut to a file that is gone, or not for this account to see.") from error

    async def folder(self, folder: str) -> Item:
        """A folder that something may be put into; raises `InvalidRequest`, `NotFound` in words."""
        found = await self.target(folder)
        if not found.folder:
            raise InvalidRequest("That is a file, not a folder. Search for the folder again.")
        if found.trashed:
            raise NotFound("That folder lies in the trash. Restore it first, or choose another one.")
        return found

    async def page(self, query: str, *, size: int, order: str = "", token: str = "") -> dict[str, Any]:
        """One page of `files.list`."""
        params = {"pageSize": str(size), "fields": f"nextPageToken,incompleteSearch,files({FIELDS})"}
        params |= {"includeItemsFromAllDrives": "true", **ALL}
        given = {"q": query, "orderBy": order, "pageToken": token}
        return await self.api.get("files", **params, **{name: value for name, value in given.items() if value})

    async def new_id(self) -> str:
        """An id for a file to be made, so that it is made once."""
        found = await self.api.get("files/generateIds", count="1", type="files")
        ids = found.get("ids")
        if not isinstance(ids, list) or not ids or not isinstance(ids[0], str) or not ids[0]:
            raise UpstreamFailed("Google gave no id for a new file.")
        return ids[0]

    async def create(self, metadata: dict[str, Any], content: bytes | None = None, *, kind: str = "") -> Item:
        """Makes a file or folder."""
        if content is None:
            return item_of(await self.api.call("POST", "files", params={"fields": FIELDS, **ALL}, json=metadata))
        return await self._upload("POST", "files", metadata, content, kind)

    async def write(self, file: str, content: bytes, *, kind: str) -> Item:
        """Gives a file another content; what it held stays as an earlier revision."""
        return await self._upload("PATCH", f"files/{file}", {}, content, kind)

    async def change(self, file: str, metadata: dict[str, Any], **params: str) -> Item:
        """Changes what is known of a file."""
        params = {"fields": FIELDS, **ALL, **params}
        return item_of(await self.api.call("PATCH", f"files/{file}", params=params, json=metadata))

    async def copy(self, file: str, metadata: dict[str, Any]) -> Item:
        """Makes a copy."""
        params = {"fields": FIELDS, **ALL}
        return item_of(await self.api.call("POST", f"files/{file}/copy", params=params, json=metadata))

    async def content(self, path: str, *, limit: int, **params: str) -> bytes:
        """Bytes, at most `limit`; raises `TooLarge`."""
        answer = await self.api.send("GET", path, params=params, limit=limit)
        return answer.content

    async def listed(self, path: str, name: str, fields: str, **params: str) -> list[dict[str, Any]]:
        """All of a list below a file: its permissions, comments or revisions."""
        found: list[dict[str, Any]] = []
        async for page in self.api.pages(path, fields=f"nextPageToken,{name}({fields})", pageSize="100", **params):
            some = page.get(name)
            found += [each for each in some if isinstance(each, dict)] if isinstance(some, list) else []
            if len(found) > _MOST:
                raise TooLarge("There are more of these than can be looked through.")
        return found

    async def changes(self, token: str) -> AsyncIterator[dict[str, Any]]:
        """Pages of changes since a token; the last one holds `newStartPageToken`."""
        fields = f"nextPageToken,newStartPageToken,changes(changeType,time,removed,fileId,file({FIELDS}))"
        params = {"fields": fields, "includeRemoved": "true", "includeItemsFromAllDrives": "true", **ALL}
        seen = {token}
        while token:
            page = await shrinking(partial(self._changes, token, params), size=_PAGE)
            yield page
            token = str(page.get("nextPageToken") or "")
            if token in seen:
                raise UpstreamFailed("Google's list of changes does not end.")
            seen.add(token)

    async def _changes(self, token: str, params: dict[str, str], size: int) -> dict[str, Any]:
        return await self.api.get("changes", pageToken=token, pageSize=str(size), **params)

    async def _upload(self, method: str, path: str, metadata: dict[str, Any], content: bytes, kind: str) -> Item:
        if len(content) > _IN_ONE:
            return await self._in_pieces(method, path, metadata, content, kind)
        params = {"uploadType": "multipart", "fields": FIELDS, **ALL}
        body, boundary = _multipart(metadata, content, kind)
        headers = {"Content-Type": f"multipart/related; boundary={boundary}"}
        return item_of(await self._uploads.call(method, path, params=params, headers=headers, content=body))

    async def _in_pieces(self, method: str, path: str, metadata: dict[str, Any], content: bytes, kind: str) -> Item:
        """A resumable upload: https://developers.google.com/workspace/drive/api/guides/manage-uploads."""
        params = {"uploadType": "resumable", "fields": FIELDS, **ALL}
        headers = {"X-Upload-Content-Type": kind, "X-Upload-Content-Length": str(len(content))}
        begun = await self._uploads.send(method, path, params=params, headers=headers, json=metadata)
        session = begun.headers.get("location", "")
        if origin_of(session) != self._origin or urlsplit(session).username:
            raise UpstreamFailed("Google sends the upload on to another host, where the sign-in does not go.")
        sent, tries = 0, 0
        while True:
            piece = content[sent : sent + _PIECE]
            span = f"bytes {sent}-{sent + len(piece) - 1}/{len(content)}"
            try:
                answer = await self._put(session, piece, span)
            except OaError as error:
                tries += 1
                if tries >= _TRIES or not (error.unclear or error.retryable):
                    raise
                answer = await self._put(session, b"", f"bytes */{len(content)}")
            if answer.status != 308:
                return item_of(answer.json())
            before, sent = sent, _arrived(answer)
            tries += sent <= before
            if tries >= _TRIES or sent >= len(content):
                raise UpstreamFailed("Google does not take the upload on. It may have arrived; please check there.")

    async def _put(self, session: str, piece: bytes, span: str) -> Response:
        headers = {"Content-Range": span}
        return await self._ctx.http.put(session, content=piece, headers=headers, also={308}, follow=False)


async def drive_of(ctx: Context) -> Drive:
    """The Drive of the account that a call is for."""
    return Drive(ctx, str((await ctx.credentials()).settings.get("api_url") or "https://www.googleapis.com"))


async def shrinking(ask: Callable[[int], Awaitable[dict[str, Any]]], *, size: int) -> dict[str, Any]:
    """A page of `size` things, or a smaller one where those are so long that they do not fit into an answer."""
    while True:
        try:
            return await ask(size)
        except TooLarge:
            if size < 10:
                raise
            size //= 10


def quoted(text: str) -> str:
    """A text inside a query: https://developers.google.com/workspace/drive/api/guides/search-files."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _arrived(answer: Response) -> int:
    """How many bytes of an upload are there; no `Range` says none."""
    _, _, last = answer.headers.get("range", "").rpartition("-")
    return int(last) + 1 if last.isascii() and last.isdigit() else 0


def _multipart(metadata: dict[str, Any], content: bytes, kind: str) -> tuple[bytes, str]:
    """Metadata and content in one body (RFC 2387), with a boundary that occurs in neither."""
    head, number = json.dumps(metadata).encode(), 0
    while (boundary := f"part-{number}-of-open-assistant").encode() in content or boundary.encode() in head:
        number += 1
    mark = boundary.encode()
    parts = (
        b"--" + mark + b"\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n" + head,
        b"\r\n--" + mark + b"\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + content,
        b"\r\n--" + mark + b"--\r\n",
    )
    return b"".join(parts), boundary
