"""What OneDrive is asked, and how: addresses, uploads in one piece and in several, copies that take their time.

https://learn.microsoft.com/graph/api/resources/onedrive. Uploads in pieces and the progress of copies have addresses at
other hosts, which are themselves the permission: they are asked without the sign-in, and only at Microsoft's own.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from connectors.onedrive.card import OWN, ROOT
from connectors.onedrive.faults import explain
from connectors.onedrive.items import FIELDS, Item, item_of
from openassistant.connector import Context
from openassistant.errors import AccountRequired, Conflict, Forbidden, InvalidRequest, NotFound, OaError, UpstreamFailed
from openassistant.http import Response
from openassistant.providers.graph import GraphApi

__all__ = ["Drive", "drive_of"]

_IN_ONE = 4 * 1024 * 1024
"""Bytes that go in one request; more go in pieces, so that what broke off is not sent anew."""
_PIECE = 10 * 320 * 1024
"""Bytes of a piece: a multiple of 320 KiB, https://learn.microsoft.com/graph/api/driveitem-createuploadsession."""
_TRIES = 3
_PAUSE = 0.5
"""Seconds between two looks at a copy, growing."""
_LONGEST_WAIT = 30.0
_CONFLICT = "@microsoft.graph.conflictBehavior"
_FAIL = {_CONFLICT: "fail"}
_MOST = 1_000
_BY_WORD = {ROOT: "root", OWN: "special/approot"}
_DEEPEST = 30


class Drive:
    """The requests that tools and sync make, to the drive of one account."""

    def __init__(self, ctx: Context, api_url: str) -> None:
        self._ctx = ctx
        self.api = GraphApi(ctx.http, f"{api_url.rstrip('/')}/v1.0/me/drive", account=ctx.account)
        ctx.http.explain_by(explain)

    async def about(self) -> dict[str, Any]:
        """Whose drive it is, and of which kind."""
        return await self.api.get("", {"$select": "id,driveType,owner"})

    async def item(self, file: str) -> Item:
        """A file or folder as it is now (`root`, `own` or an id); raises `NotFound`."""
        path = _BY_WORD.get(file, f"items/{file}")
        return item_of(await self.api.get(path, {"$select": FIELDS}))

    async def find(self, file: str) -> Item | None:
        """A file or folder as it is now; None where there is none."""
        try:
            return await self.item(file)
        except NotFound:
            return None

    async def folder(self, folder: str) -> Item:
        """A folder that something may be put into; raises `InvalidRequest`, `NotFound` in words."""
        found = await self.item(folder)
        if found.kind == "shortcut":
            raise InvalidRequest("That is a shortcut to a folder of somebody else, which this account does not reach.")
        if not found.folder and folder not in _BY_WORD:
            raise InvalidRequest("That is a file, not a folder. Search for the folder again.")
        return found

    async def child(self, folder: str, name: str) -> Item | None:
        """What has that name in a folder; None where nothing has."""
        try:
            return item_of(await self.api.get(_below(folder, name), {"$select": FIELDS}))
        except NotFound:
            return None

    async def children(self, folder: str, *, size: int) -> dict[str, Any]:
        """The first page of what lies in a folder."""
        params = {"$select": FIELDS, "$top": str(size), "$orderby": "name"}
        return await self.api.get(f"items/{folder}/children", params)

    async def search(self, words: str, *, size: int) -> dict[str, Any]:
        """What Microsoft finds by names and texts; the best first."""
        plain = re.sub(r"[^\w\s.@-]+", " ", words).strip()
        params = {"$select": FIELDS, "$top": str(size)}
        return await self.api.get(f"root/search(q='{quote(plain, safe='')}')", params)

    async def within_own(self, item: Item) -> bool:
        """Whether an item lies in the assistant's own folder."""
        own, above = await self.item(OWN), item
        for _ in range(_DEEPEST):
            if above.id == own.id:
                return True
            if not above.parent:
                return False
            above = await self.item(above.parent)
        return False

    async def make_folder(self, folder: str, name: str) -> Item:
        """Makes a folder; raises `Conflict` where the name is taken."""
        body = {"name": name, "folder": {}, **_FAIL}
        return item_of(await self.api.call("POST", f"items/{folder}/children", json=body))

    async def put(self, folder: str, name: str, content: bytes, *, kind: str) -> Item:
        """Makes a file; raises `Conflict` where the name is taken."""
        path = _below(folder, name)
        if len(content) > _IN_ONE:
            return await self._in_pieces(path, {"item": {"name": name, **_FAIL}}, content)
        headers = {"Content-Type": kind}
        made = await self.api.call("PUT", f"{path}:/content", params=_FAIL, headers=headers, content=content)
        return item_of(made)

    async def write(self, file: str, content: bytes, *, kind: str, revision: str) -> Item:
        """Gives a file another content, where it has still that revision; raises `Conflict`."""
        match = {"If-Match": revision}
        if len(content) > _IN_ONE:
            body = {"item": {_CONFLICT: "replace"}}
            return await self._in_pieces(f"items/{file}", body, content, headers=match)
        headers = {"Content-Type": kind, **match}
        return item_of(await self.api.call("PUT", f"items/{file}/content", headers=headers, content=content))

    async def change(self, file: str, body: dict[str, Any]) -> Item:
        """Changes what is known of a file; raises `Conflict` where its name is taken there."""
        return item_of(await self.api.call("PATCH", f"items/{file}", json={**body, **_FAIL}))

    async def delete(self, file: str) -> None:
        """Puts a file or folder into the recycle bin."""
        await self.api.send("DELETE", f"items/{file}")

    async def restore(self, file: str) -> Item:
        """Takes a file or folder out of the recycle bin; only personal accounts can."""
        return item_of(await self.api.call("POST", f"items/{file}/restore", json={}))

    async def versions(self, file: str) -> list[str]:
        """The ids of a file's versions, newest first; none where this account or kind of file has none."""
        try:
            found = (await self.api.get(f"items/{file}/versions", {"$select": "id,lastModifiedDateTime"})).get("value")
        except (Forbidden, InvalidRequest, NotFound):
            return []
        some = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        some.sort(key=lambda each: str(each.get("lastModifiedDateTime") or ""), reverse=True)
        ids = [str(each.get("id") or "") for each in some]
        return [each for each in ids if re.fullmatch(r"[A-Za-z0-9._-]{1,100}", each) and each.strip(".")]

    async def restore_version(self, file: str, version: str) -> None:
        """Makes an earlier version the newest one."""
        await self.api.send("POST", f"items/{file}/versions/{version}/restoreVersion")

    async def content(self, file: str, *, limit: int) -> bytes:
        """Bytes, at most `limit`, from where Microsoft sends us, without the sign-in there; raises `TooLarge`."""
        return (await self.api.send("GET", f"items/{file}/content", limit=limit)).content

    async def permissions(self, file: str) -> list[dict[str, Any]]:
        """Who may do what with a file."""
        found: list[dict[str, Any]] = []
        async for page in self.api.pages(f"items/{file}/permissions"):
            some = page.get("value")
            found += [each for each in some if isinstance(each, dict)] if isinstance(some, list) else []
            if len(found) > _MOST:
                break
        return found[:_MOST]

    def delta(self, link: str) -> AsyncIterator[dict[str, Any]]:
        """Pages of items from a link on, or of everything in `root` or `own`; the last one holds `@odata.deltaLink`."""
        if link in _BY_WORD:
            return self.api.pages(f"{_BY_WORD[link]}/delta", {"$select": FIELDS})
        return self.api.pages(link)

    async def copy(self, item: Item, folder: Item, name: str) -> Item | None:
        """Copies into a folder and waits for it; None where that is still going on. Raises `Conflict`."""
        place = {"id": folder.id, **({"driveId": folder.drive} if folder.drive else {})}
        body = {"parentReference": place, "name": name}
        begun = await self.api.send("POST", f"items/{item.id}/copy", params=_FAIL, json=body)
        monitor, waited = begun.headers.get("location", ""), 0.0
        most, pause = min(_LONGEST_WAIT, max(self._ctx.seconds - 10, 0)), _PAUSE
        while monitor and not await self._ended(monitor):
            if waited >= most:
                return None
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, 4)
        return await self.child(folder.id, name)

    async def _ended(self, monitor: str) -> bool:
        """Whether a copy is done; raises what it failed by. Where nothing can be known, it counts as done."""
        try:
            answer = await self._ctx.http.get(monitor, signed=False, follow=False, also={303})
            found = answer.json() if answer.status != 303 and answer.content.strip() else {}
        except (Forbidden, NotFound, AccountRequired, InvalidRequest, UpstreamFailed):
            return True
        status = found.get("status") if isinstance(found, dict) else ""
        if status == "failed":
            error = found.get("error")
            if isinstance(error, dict) and error.get("code") == "nameAlreadyExists":
                raise Conflict("There is something of that name already.", details={"reason": "name_taken"})
            raise Conflict("Microsoft began to copy that, and then could not.")
        return status not in ("inProgress", "notStarted", "waiting", "updating")

    async def _in_pieces(
        self, path: str, body: dict[str, Any], content: bytes, *, headers: dict[str, str] | None = None
    ) -> Item:
        """https://learn.microsoft.com/graph/api/driveitem-createuploadsession."""
        suffix = ":/createUploadSession" if ":/" in path else "/createUploadSession"
        begun = await self.api.call("POST", f"{path}{suffix}", json=body, headers=headers)
        session, sent, tries = str(begun.get("uploadUrl") or ""), 0, 0
        while True:
            piece = content[sent : sent + _PIECE]
            span = f"bytes {sent}-{sent + len(piece) - 1}/{len(content)}"
            try:
                answer = await self._piece("PUT", session, piece, {"Content-Range": span})
            except OaError as error:
                tries += 1
                if tries >= _TRIES or not (error.unclear or error.retryable):
                    raise
                answer = await self._piece("GET", session, b"", {})
            if answer.status == 416:
                answer = await self._piece("GET", session, b"", {})
            found = answer.json()
            if isinstance(found, dict) and "id" in found:
                return item_of(found)
            before, sent = sent, _expected(found)
            tries += sent <= before
            if tries >= _TRIES or sent >= len(content):
                raise UpstreamFailed("Microsoft does not take the upload on. It may have arrived; please check there.")

    async def _piece(self, method: str, session: str, piece: bytes, headers: dict[str, str]) -> Response:
        try:
            return await self._ctx.http.request(
                method, session, content=piece, headers=headers, signed=False, follow=False, also={416}
            )
        except (Forbidden, InvalidRequest) as error:
            if "status" in error.details:
                raise
            raise UpstreamFailed(
                "Microsoft sends the upload on to where it must not go, so nothing was sent."
            ) from error
        except (AccountRequired, NotFound) as error:
            raise UpstreamFailed("Microsoft ended the upload. It may have arrived; please check there.") from error


async def drive_of(ctx: Context) -> Drive:
    """The drive of the account that a call is for."""
    return Drive(ctx, str((await ctx.credentials()).settings.get("api_url") or "https://graph.microsoft.com"))


def _below(folder: str, name: str) -> str:
    """The path of a name in a folder; what a path would read as more than a name is quoted."""
    return f"items/{folder}:/{quote(name, safe='')}"


def _expected(answer: Any) -> int:
    """How many bytes of an upload are there: the first range that is still expected begins behind them."""
    ranges = answer.get("nextExpectedRanges") if isinstance(answer, dict) else None
    first = str(ranges[0]).partition("-")[0] if isinstance(ranges, list) and ranges else ""
    return int(first) if first.isascii() and first.isdigit() and len(first) < 18 else 0
