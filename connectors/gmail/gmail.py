"""What Gmail is asked, and how.

https://developers.google.com/workspace/gmail/api/reference/rest
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterable
from typing import Any

from connectors.gmail.faults import explain
from connectors.gmail.letters import FIELDS, Letter, decoded, is_id, labels_of, letter_of
from openassistant.connector import Context
from openassistant.errors import NotFound, UpstreamFailed
from openassistant.providers.google import GoogleApi

__all__ = ["LARGEST", "Gmail", "gmail_of", "ids_in"]

LARGEST = 40 * 1024 * 1024
"""The largest mail that is read in full, in bytes; Gmail takes none that is larger."""
_AT_ONCE = 4
_IN_JSON = 64 * 1024 * 1024
"""Bytes of an answer with a mail in base64 in it."""
_SIMPLE = 4 * 1024 * 1024
"""Bytes of a mail that goes inside JSON; larger ones are uploaded as they are."""


class Gmail:
    """The requests that tools and sync make, to one account."""

    def __init__(self, ctx: Context, api_url: str) -> None:
        base = api_url.rstrip("/")
        self.api = GoogleApi(ctx.http, f"{base}/gmail/v1/users/me")
        self._uploads = GoogleApi(ctx.http, f"{base}/upload/gmail/v1/users/me")
        ctx.http.explain_by(explain)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def letter(self, message: str) -> Letter:
        """A mail without its text; raises `NotFound`."""
        async with self._turns:
            return letter_of(await self.api.get(f"messages/{message}", format="full", fields=FIELDS))

    async def letters(self, ids: Iterable[str]) -> list[Letter]:
        """Mails without their text, some at once; those that are gone are left out."""

        async def one(each: str) -> Letter | None:
            try:
                return await self.letter(each)
            except NotFound:
                return None

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(each)) for each in ids]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return [found for task in tasks if (found := task.result())]

    async def labels(self, message: str) -> tuple[str, ...]:
        """The labels that a mail bears now; raises `NotFound`."""
        return labels_of(await self.api.get(f"messages/{message}", format="minimal", fields="id,labelIds"))

    async def raw(self, message: str) -> bytes:
        """All bytes of a mail."""
        found = await self.api.call(
            "GET", f"messages/{message}", params={"format": "raw", "fields": "id,raw"}, limit=_IN_JSON
        )
        return decoded(found.get("raw"))

    async def draft(self, draft: str) -> tuple[bytes, str, str]:
        """A draft: its bytes, the ids of its mail and of the conversation; raises `NotFound`."""
        params = {"format": "raw", "fields": "id,message(id,threadId,raw)"}
        found = (await self.api.call("GET", f"drafts/{draft}", params=params, limit=_IN_JSON)).get("message")
        if not isinstance(found, dict):
            raise UpstreamFailed("Google did not give out that draft.")
        return decoded(found.get("raw")), str(found.get("id") or ""), str(found.get("threadId") or "")

    async def save(self, content: bytes, *, thread: str = "", draft: str = "") -> str:
        """Makes a draft, or gives one another content; its id."""
        message = {"threadId": thread} if thread else {}
        method, path = ("PUT", f"drafts/{draft}") if draft else ("POST", "drafts")
        if len(content) <= _SIMPLE:
            body = {"message": {**message, "raw": base64.urlsafe_b64encode(content).decode()}}
            found = await self.api.call(method, path, json=body)
        else:
            found = await self._uploaded(method, path, message, content)
        if not is_id(id_ := found.get("id")):
            raise UpstreamFailed("Google did not say which draft it made.")
        return str(id_)

    async def send(self, draft: str) -> dict[str, Any]:
        """Sends a draft; the mail that it became."""
        return await self.api.call("POST", "drafts/send", json={"id": draft})

    async def drop(self, draft: str) -> bool:
        """Deletes a draft; False where there is none."""
        try:
            await self.api.call("DELETE", f"drafts/{draft}")
        except NotFound:
            return False
        return True

    async def newest(self, label: str, *, most: int) -> list[str]:
        """The ids of the newest mails with a label."""
        page = await self.api.get("messages", labelIds=label, maxResults=str(most), fields="messages(id)")
        return ids_in(page, "messages")

    async def drafts(self, *, most: int) -> list[tuple[str, str]]:
        """The newest drafts: their ids and those of their mails."""
        page = await self.api.get("drafts", maxResults=str(most), fields="drafts(id,message(id))")
        listed = page.get("drafts")
        found = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        pairs = [(each.get("id"), each["message"].get("id")) for each in found if isinstance(each.get("message"), dict)]
        return [(str(one), str(other)) for one, other in pairs if is_id(one) and is_id(other)][:most]

    def history(self, since: str) -> AsyncIterator[dict[str, Any]]:
        """What happened since a moment, page by page; raises `NotFound` where Gmail has forgotten it."""
        return self.api.pages("history", startHistoryId=since, maxResults="500")

    async def _uploaded(self, method: str, path: str, message: dict[str, str], content: bytes) -> dict[str, Any]:
        """A draft whose mail goes as it is, beside what is said of it (RFC 2387)."""
        number = 0
        while (mark := f"part-{number}-of-open-assistant".encode()) in content:
            number += 1
        thread = message.get("threadId", "")
        told = f'{{"message": {{"threadId": "{thread}"}}}}' if thread else "{}"
        body = b"--" + mark + b"\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n" + told.encode()
        body += b"\r\n--" + mark + b"\r\nContent-Type: message/rfc822\r\n\r\n" + content + b"\r\n--" + mark + b"--\r\n"
        headers = {"Content-Type": f"multipart/related; boundary={mark.decode()}"}
        return await self._uploads.call(method, path, params={"uploadType": "multipart"}, headers=headers, content=body)


def ids_in(page: dict[str, Any], name: str) -> list[str]:
    """The ids of the things in a page."""
    listed = page.get(name)
    found = [each.get("id") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return list(dict.fromkeys(str(each) for each in found if is_id(each)))


async def gmail_of(ctx: Context) -> Gmail:
    """Gmail of the account in `ctx`."""
    return Gmail(ctx, str((await ctx.credentials()).settings["api_url"]))
