"""Meta's WhatsApp Cloud API as the connector asks it.

https://developers.facebook.com/docs/whatsapp/cloud-api/reference. Every id that goes into a path is checked first.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from pydantic import SecretStr

from connectors.whatsapp.account import Number, number_of
from connectors.whatsapp.faults import explain
from openassistant.connector import Context
from openassistant.errors import InvalidRequest, NotFound, UpstreamFailed
from openassistant.origins import origin_of
from openassistant.providers.rest import RestApi

__all__ = ["MEDIA_ID", "CloudApi", "MediaFile"]

MEDIA_ID = re.compile(r"[A-Za-z0-9_-]{1,120}")
_MEDIA_HOST = "https://lookaside.fbsbx.com"
"""Where media lie (https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media); the token goes along."""
_LARGEST_PAGE = 8 * 1024 * 1024
_PAGE = "100"


class MediaFile(NamedTuple):
    """What Meta says of a file; `url` holds for five minutes."""

    url: str
    mime: str
    sha256: str
    size: int


class CloudApi(RestApi):
    """One number's API."""

    provider = "Meta"

    def __init__(self, ctx: Context, number: Number) -> None:
        super().__init__(ctx.http, number.base, explain=explain)
        self.number = number
        ctx.http.authorize(SecretStr(f"Bearer {number.token}"))

    @classmethod
    async def of(cls, ctx: Context) -> CloudApi:
        """The API of a call's account."""
        return cls(ctx, await number_of(ctx))

    async def message(self, body: dict[str, Any]) -> dict[str, Any]:
        """Sends a message, a reaction or a read receipt."""
        return await self.call(
            "POST", f"{self.number.id}/messages", json={"messaging_product": "whatsapp", **body}, follow=False
        )

    async def upload(self, content: bytes, *, mime: str, name: str) -> str:
        """Puts a file at Meta, where it stays for 30 days; gives its id."""
        boundary = f"oa-{secrets.token_hex(16)}"
        body = _multipart(boundary, content, mime=mime, name=name)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        answer = await self.call("POST", f"{self.number.id}/media", headers=headers, content=body, follow=False)
        media = str(answer.get("id") or "")
        if not MEDIA_ID.fullmatch(media):
            raise UpstreamFailed("Meta took the file and named none. Nothing was sent.")
        return media

    async def media(self, media: str) -> MediaFile:
        """Where a file lies, and what it is; raises `NotFound` when Meta does not keep it any more."""
        if not MEDIA_ID.fullmatch(media):
            raise InvalidRequest("This message names no file that could be fetched.")
        found = await self.call("GET", media, params={"phone_number_id": self.number.id})
        size = found.get("file_size")
        return MediaFile(
            str(found.get("url") or ""),
            str(found.get("mime_type") or "")[:100].lower(),
            str(found.get("sha256") or "")[:100],
            size if isinstance(size, int) and size >= 0 else 0,
        )

    async def download(self, media: MediaFile, *, largest: int) -> bytes:
        """A file. It is fetched with the token, so only from where Meta keeps such files."""
        place = origin_of(media.url)
        if place is None or place not in (origin_of(_MEDIA_HOST), origin_of(self.base)):
            raise UpstreamFailed("Meta named a place for the file that is not its own, so it was not fetched.")
        found = await self.http.get(media.url, limit=largest)
        if not found.content:
            raise NotFound("Meta gave out an empty file.")
        return found.content

    async def phone_number(self, *, proof: bool = False) -> dict[str, Any]:
        """The number as Meta shows it. `proof` has Meta check the app secret, too."""
        params = {"fields": "id,display_phone_number,verified_name,quality_rating,platform_type,throughput"}
        if proof:
            made = hmac.new(self.number.app_secret.encode(), self.number.token.encode(), hashlib.sha256)
            params["appsecret_proof"] = made.hexdigest()
        return await self.call("GET", self.number.id, params=params)

    async def is_subscribed(self) -> bool:
        """Whether any app is told what happens in this WhatsApp account."""
        found = await self.call("GET", f"{self.number.waba}/subscribed_apps")
        return bool(found.get("data"))

    def templates(self) -> AsyncIterator[list[dict[str, Any]]]:
        """The message templates, page by page."""
        fields = "id,name,language,category,status,components,parameter_format"
        return self._pages(f"{self.number.waba}/message_templates", fields=fields)

    def blocked(self) -> AsyncIterator[list[dict[str, Any]]]:
        """Who is blocked, page by page."""
        return self._pages(f"{self.number.id}/block_users")

    async def block(self, who: dict[str, str], *, undo: bool = False) -> dict[str, Any]:
        """Blocks somebody, or no longer."""
        body = {"messaging_product": "whatsapp", "block_users": [who]}
        return await self.call("DELETE" if undo else "POST", f"{self.number.id}/block_users", json=body, follow=False)

    async def _pages(self, path: str, **params: str) -> AsyncIterator[list[dict[str, Any]]]:
        """Page after page, by the cursor and never by the link, which holds a token and could lead elsewhere."""

        async def ask(after: str) -> dict[str, Any]:
            more = {"after": after} if after else {}
            asked = {**params, "limit": _PAGE, **more}
            return _with_next(await self.call("GET", path, params=asked, limit=_LARGEST_PAGE))

        async for page in self.follow(ask, by="_next"):
            listed = page.get("data")
            yield [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _with_next(page: dict[str, Any]) -> dict[str, Any]:
    """The page with the cursor of the next one; the last one names a cursor too, but no link."""
    paging = page.get("paging")
    cursors = paging.get("cursors") if isinstance(paging, dict) else None
    after = (
        cursors.get("after") if isinstance(cursors, dict) and isinstance(paging, dict) and paging.get("next") else ""
    )
    return {**page, "_next": after if isinstance(after, str) else ""}


def _multipart(boundary: str, content: bytes, *, mime: str, name: str) -> bytes:
    """A form with a file (RFC 7578)."""
    quoted = re.sub(r'[\r\n"\\]', "_", name)
    fields = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in (("messaging_product", "whatsapp"), ("type", mime))
    )
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quoted}"\r\n'
        f"Content-Type: {mime}\r\n\r\n"
    )
    return fields + head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
