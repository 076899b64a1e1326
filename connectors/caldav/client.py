"""CalDAV over HTTP: one session per piece of work, every wait bounded, every failure in words."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Generator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx

from connectors.caldav import dav
from connectors.caldav.account import CaldavAccount, Server
from connectors.caldav.dav import Multistatus, NotDavError
from connectors.caldav.faults import connection_fault, not_caldav_fault, silence, status_fault
from openassistant.errors import NotFound, OaError, TooLarge, UpstreamFailed
from openassistant.tls import client_context

__all__ = ["DavSession", "Stored", "dav_session"]

_CONNECT_SECONDS = 10.0
_REQUEST_SECONDS = 30.0
_LARGEST = 32 * 1024 * 1024
_MOST_HOPS = 5
_EFFECTS = ("PUT", "DELETE")
_HOPS = (301, 302, 303, 307, 308)
_LOOKS = ("PROPFIND", "OPTIONS")
"""What finds the calendars; what is in one is read and written in other ways."""


class Stored(NamedTuple):
    """A calendar object as the server holds it."""

    url: str
    etag: str
    text: str


class DavSession:
    """The requests of one account; raises `OaError` alone."""

    def __init__(self, http: httpx.AsyncClient, account: CaldavAccount, seconds: float) -> None:
        self._http, self.account = http, account
        self._ends = asyncio.get_running_loop().time() + seconds

    async def propfind(self, url: str, *names: str, depth: int = 0) -> tuple[str, Multistatus]:
        """The properties of a resource (and of what lies in it, with `depth` 1), and the URL that answered."""
        answer = await self._send("PROPFIND", url, dav.propfind(*names), {"Depth": str(depth)})
        return str(answer.url), self._multistatus(answer)

    async def report(self, url: str, body: bytes, *, depth: int = 1) -> Multistatus:
        """What a report on a calendar finds."""
        return self._multistatus(await self._send("REPORT", url, body, {"Depth": str(depth)}))

    async def multiget(self, url: str, urls: Sequence[str]) -> list[Stored]:
        """Some objects of a calendar; those that are gone are left out."""
        self.account.require(*urls)
        return self._stored(url, await self.report(url, dav.multiget(urlsplit(each).path for each in urls)))

    async def by_uid(self, url: str, uid: str, *, component: str = "VEVENT") -> Stored | None:
        """The object of a calendar with that UID."""
        found = self._stored(url, await self.report(url, dav.by_uid(uid, component)))
        return found[0] if found else None

    async def get(self, url: str) -> Stored | None:
        """One object, or None when there is none."""
        try:
            answer = await self._send("GET", url)
        except NotFound:
            return None
        return Stored(url, answer.headers.get("etag", ""), answer.content.decode("utf-8", "replace"))

    async def put(self, url: str, text: str, *, etag: str | None) -> Stored:
        """Stores an object over the one with that ETag, or a new one (None), and gives it as the server holds it.

        Raises `Conflict` when it is there already or was changed; `UpstreamFailed`, `DeadlineExceeded` mean unclear.
        """
        condition = {"If-None-Match": "*"} if etag is None else {"If-Match": _strong(etag)}
        headers = {"Content-Type": "text/calendar; charset=utf-8", **condition}
        answer = await self._send("PUT", url, text.encode(), headers)
        if tag := answer.headers.get("etag", ""):
            return Stored(url, tag, text)
        with contextlib.suppress(OaError):
            return await self.get(url) or Stored(url, "", text)
        return Stored(url, "", text)

    async def ask_outbox(self, url: str, text: str) -> bytes:
        """The answer to a question about others' times (RFC 6638, 5); nobody is told, so it changes nothing."""
        answer = await self._send("POST", url, text.encode(), {"Content-Type": "text/calendar; charset=utf-8"})
        return answer.content

    async def delete(self, url: str, *, etag: str) -> None:
        """Deletes the object with that ETag; raises as `put`, and `NotFound`."""
        await self._send("DELETE", url, b"", {"If-Match": _strong(etag)})

    async def options(self, url: str) -> frozenset[str]:
        """What a resource's DAV header says it can do (RFC 4918, 10.1)."""
        answer = await self._send("OPTIONS", url)
        return frozenset(part.strip().lower() for part in answer.headers.get("dav", "").split(","))

    def _stored(self, base: str, found: Multistatus) -> list[Stored]:
        whole = (each for each in found.answers if each.status == 200 and f"{dav.CALDAV}calendar-data" in each.props)
        stored = [
            Stored(
                self.account.resolve(base, each.href),
                dav.text_of(each.props.get(f"{dav.DAV}getetag")),
                each.props[f"{dav.CALDAV}calendar-data"].text or "",
            )
            for each in whole
        ]
        return [each for each in stored if self.account.holds(each.url)]

    def _multistatus(self, answer: httpx.Response) -> Multistatus:
        if answer.status_code != 207:
            raise not_caldav_fault(Server.of(str(answer.url)))
        try:
            return dav.parse_multistatus(answer.content)
        except NotDavError as error:
            raise not_caldav_fault(Server.of(str(answer.url))) from error

    async def _send(
        self, method: str, url: str, content: bytes = b"", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """The answer, after redirects where nothing is changed; raises `OaError` for statuses from 300 on."""
        effect = method in _EFFECTS
        server, login = Server.of(url), self.account.username
        given = {"Content-Type": "application/xml; charset=utf-8", **(headers or {})} if content else headers or {}
        for _ in range(_MOST_HOPS):
            answer = await self._once(method, url, content, given)
            if answer.status_code not in _HOPS or effect:
                break
            url = self.account.resolve(url, answer.headers.get("location", url))
        else:
            raise UpstreamFailed(f"{server.host} sends us round in circles.", details={"reason": "not_caldav"})
        if answer.status_code >= 300:
            raise status_fault(server, login, answer, effect=effect)
        return answer

    async def _once(self, method: str, url: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
        if method not in _LOOKS:
            self.account.require(url)
        server, effect = Server.of(url), method in _EFFECTS
        left = min(_REQUEST_SECONDS, self._ends - asyncio.get_running_loop().time())
        try:
            async with (
                asyncio.timeout(max(left, 0.0)),
                self._http.stream(method, url, content=content or None, headers=headers) as answer,
            ):
                return _with_body(answer, await _body(answer))
        except TimeoutError as error:
            raise silence(server, effect=effect) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            fault = error if isinstance(error, httpx.HTTPError) else httpx.ConnectError(str(error))
            raise connection_fault(server, fault, effect=effect) from error


@contextlib.asynccontextmanager
async def dav_session(account: CaldavAccount, *, seconds: float) -> AsyncIterator[DavSession]:
    """A session that lasts at most `seconds`."""
    verify = await asyncio.to_thread(client_context, system=True) if account.server.scheme == "https" else False
    transport = account.egress.transport(verify=verify)
    auth = _Password(account.username, account.password.get_secret_value())
    limits = httpx.Timeout(_REQUEST_SECONDS, connect=_CONNECT_SECONDS)
    async with httpx.AsyncClient(auth=auth, transport=transport, timeout=limits, follow_redirects=False) as http:
        yield DavSession(http, account, seconds)


class _Password(httpx.Auth):
    """Basic (RFC 7617), or Digest (RFC 7616) where the server asks for it."""

    def __init__(self, username: str, password: str) -> None:
        self._basic = f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"
        self._digest = httpx.DigestAuth(username, password)
        self._asked = False

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """See `httpx.Auth`."""
        if not self._asked:
            request.headers["Authorization"] = self._basic
            answer = yield request
            self._asked = answer.status_code == 401 and _wants_digest(answer)
        if self._asked:
            request.headers.pop("Authorization", None)
            yield from self._digest.auth_flow(request)


def _wants_digest(answer: httpx.Response) -> bool:
    offers = [offer.lower() for offer in answer.headers.get_list("www-authenticate")]
    return any(offer.startswith("digest") for offer in offers)


async def _body(answer: httpx.Response) -> bytes:
    parts, size = [], 0
    async for part in answer.aiter_bytes():
        size += len(part)
        if size > _LARGEST:
            raise TooLarge("The calendar server's answer is too large (32 MB).")
        parts.append(part)
    return b"".join(parts)


def _with_body(answer: httpx.Response, content: bytes) -> httpx.Response:
    """The answer with its body at hand; what was packed is unpacked by now."""
    headers = [(k, v) for k, v in answer.headers.items() if k not in ("content-encoding", "content-length")]
    return httpx.Response(answer.status_code, headers=headers, content=content, request=answer.request)


def _strong(etag: str) -> str:
    """The ETag that the calendar server itself gave: a proxy that packs answers weakens it (RFC 9110, 8.8.1)."""
    return etag.removeprefix("W/") or "*"
