"""What every request passes and every answer carries: names of this house, other sites kept out, limits, headers.

A page from elsewhere, open in the same browser, must be able neither to act here nor to read: not by a name that it
points at this machine (DNS rebinding), not with the session's cookie, not in a frame. Answers pass through as they
come; nothing is buffered.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openassistant.given import LARGEST
from openassistant.hooks import LARGEST_HOOK
from services.gateway import problems
from services.gateway.bearer import bearer
from services.gateway.views import Problem

__all__ = ["BODY_LIMIT", "Guard", "content_policy", "is_api", "is_hook"]

BODY_LIMIT = 2 * 1024 * 1024
"""Bytes of one request's body; the door for providers has a limit of its own, which a connector's card lowers, and
files that are given have theirs."""

_FILES = "/api/files"
_SAFE = ("GET", "HEAD", "OPTIONS")
_OWN = ("same-origin", "none")
_JSON, _BYTES = "application/json", "application/octet-stream"
"""Neither can be sent from another site's form (Fetch, CORS-safelisted request headers)."""
_PORTS = {"http": ":80", "https": ":443"}
_DENIED = ("camera", "display-capture", "geolocation", "payment", "serial", "usb")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Who speaks his messages lets the page listen, and the browser asks him first.
    "Permissions-Policy": ", ".join([*(f"{feature}=()" for feature in _DENIED), "microphone=(self)"]),
}
_MARKUP = ("svelte-trusted-html", "dompurify")
"""Who may make markup in the web UI: its templates, and what cleans the model's Markdown."""

_WORKER = "notices-worker"
"""Who may name the one script that a browser runs while no page is open."""

_HSTS = "max-age=31536000"
_ELSEWHERE = (
    "This came from a page of another site. If it did not, a reverse proxy changes the request: it must pass on the"
    " Host header, and OA_TRUSTED_PROXIES must name its address."
)


def content_policy(script_hashes: Iterable[str] = ()) -> str:
    """The Content-Security-Policy (CSP level 3); inline scripts run by their hash alone (`sha256-…`)."""
    scripts = " ".join(["'self'", *(f"'{each}'" for each in script_hashes)])
    rules = (
        "default-src 'none'",
        f"script-src {scripts}",
        *(f"{kind}-src 'self'" for kind in ("style", "img", "font", "connect", "manifest")),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        f"trusted-types {' '.join((*_MARKUP, _WORKER))}",
    )
    return "; ".join(rules)


class Guard:
    """ASGI middleware, the outermost one. `hosts` are names of this house, each with or without a port."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str] = (), body_limit: int = BODY_LIMIT) -> None:
        self._app, self._limit = app, body_limit
        self._hosts = {"localhost", *(_plain(each) for each in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves, or says why not; nothing here speaks over a web socket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = _limit_of(scope["path"], self._limit)
        exchange = _Exchange(receive, send, limit=limit, secure=scope["scheme"] == "https")
        problem = self._refusal(scope, Headers(scope=scope), limit)
        if problem is None:
            await self._app(scope, exchange.receive, exchange.send)
            problem = _too_large(limit) if exchange.cut else None
        if problem is not None:
            await problems.response(problem, scope["path"])(scope, receive, exchange.answer)

    def _refusal(self, scope: Scope, headers: Headers, limit: int) -> Problem | None:
        """Why a request goes no further."""
        if foreign := self._foreign_host(headers.getlist("host")):
            return foreign
        if not _is_of_this_site(scope, headers):
            return problems.of_status(403, _ELSEWHERE)
        return _bad_body(headers, limit, wanted=_content_type(scope["path"]))

    def _foreign_host(self, given: list[str]) -> Problem | None:
        """An address cannot be rebound, a name can: names must be known (RFC 9110, 7.4 has the status)."""
        if len(given) != 1:
            return problems.of_status(400, "A request names its host once.")
        whole = given[0].strip().lower()
        name = _name(whole)
        if name is None:
            return problems.of_status(400, "The Host header is not a host name.")
        if _is_address(name) or not self._hosts.isdisjoint((name, whole)):
            return None
        words = (
            f"This house does not know itself as {name[:100]}. If you reach it by that name, add it to"
            f" OA_ALLOWED_HOSTS (for example OA_ALLOWED_HOSTS={name[:100]}; several are divided by commas)"
            " and start it again."
        )
        return problems.of_status(421, words)


class _Exchange:
    """One request under way: counts what comes in, and puts the headers on what goes out."""

    def __init__(self, receive: Receive, send: Send, *, limit: int, secure: bool) -> None:
        self._receive, self._send, self._left, self._secure = receive, send, limit, secure
        self._started = self._over = False

    @property
    def cut(self) -> bool:
        """Whether the body was too large, and nobody has answered yet."""
        return self._over and not self._started

    async def receive(self) -> Message:
        """The next part of the body; for the app a body that is too large ends as if the client had gone."""
        if self._over:
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self._over = self._left < 0
        return {"type": "http.disconnect"} if self._over else message

    async def send(self, message: Message) -> None:
        """The app's answer, unless a body that was cut off is answered here."""
        if not self.cut:
            await self.answer(message)

    async def answer(self, message: Message) -> None:
        """Sends on, with the headers."""
        if message["type"] == "http.response.start":
            self._started = True
            message = {**message, "headers": list(message.get("headers", ()))}
            _complete(MutableHeaders(raw=message["headers"]), secure=self._secure)
        await self._send(message)


def _limit_of(path: str, usual: int) -> int:
    if is_hook(path):
        return LARGEST_HOOK
    return max(LARGEST + 1, usual) if path == _FILES else usual


def _complete(headers: MutableHeaders, *, secure: bool) -> None:
    for name, value in _HEADERS.items():
        headers[name] = value
    headers.setdefault("Content-Security-Policy", content_policy())
    headers.setdefault("Cache-Control", "no-store")
    if secure:
        headers["Strict-Transport-Security"] = _HSTS


def _is_of_this_site(scope: Mapping[str, Any], headers: Headers) -> bool:
    """Whether no page of another site can have sent this.

    Sec-Fetch-Site (W3C Fetch Metadata) cannot be set by a page, and decides where it is there: over TLS and on
    loopback. Elsewhere Origin decides, which every browser sends with an unsafe method. A request with neither comes
    from no browser's page, and whoever can send that freely has no use for somebody else's browser.
    Pages themselves may be opened from elsewhere; the API is for our own pages alone, whatever the method.
    A token in the header speaks for itself: no page of another site can add that header unasked (Fetch, CORS
    preflight, which nothing here answers with leave), and the cookie beside it counts for nothing.
    """
    if bearer(headers) is not None and scope["method"] != "OPTIONS":
        return True
    if scope["method"] in _SAFE and not is_api(scope["path"]):
        return True
    if sites := headers.getlist("sec-fetch-site"):
        return all(site in _OWN for site in sites)
    own = _origin(f"{scope['scheme']}://{headers['host'].strip()}")
    return all(_origin(origin) == own for origin in headers.getlist("origin"))


def _content_type(path: str) -> str | None:
    """What a body has to be: JSON for the API, bytes where an archive or a file comes, and elsewhere what it likes."""
    if not is_api(path):
        return None
    archive = path.startswith("/api/data/import/") and path.endswith("/content")
    return _BYTES if archive or path == _FILES else _JSON


def _bad_body(headers: Headers, limit: int, *, wanted: str | None) -> Problem | None:
    length = headers.get("content-length", "")
    if length and not (length.isascii() and length.isdigit() and len(length) < 20):
        return problems.of_status(400, "Content-Length is not a number.")
    if length and int(length) > limit:
        return _too_large(limit)
    has_body = "transfer-encoding" in headers or int(length or 0) > 0
    given = headers.get("content-type", "").partition(";")[0].strip().lower()
    if wanted and has_body and given != wanted:
        return problems.of_status(415, f"Send {wanted}.")
    return None


def _too_large(limit: int) -> Problem:
    return problems.of_status(413, f"A request may have {limit:,} bytes.")


def _origin(text: str) -> str:
    """An origin in the form in which equal ones are the same: lower case, no default port (RFC 6454, 4)."""
    lower = text.lower()
    return lower.removesuffix(_PORTS.get(lower.partition("://")[0], ":"))


def _plain(host: str) -> str:
    """A configured name as a Host header has it, also where somebody wrote an address of a page."""
    return host.strip().lower().rpartition("//")[2].rstrip("/.")


def _name(host: str) -> str | None:
    """The name or address in a Host header, without port and brackets; None where it is neither."""
    inside, bracket, port = host.partition("]")
    name = inside.removeprefix("[") if bracket and inside.startswith("[") else host.partition(":")[0]
    port = port if bracket else host[len(name) :]
    if port and not (port.startswith(":") and (port[1:].isdigit() or port == ":")):
        return None
    name = name.removesuffix(".")
    return name if name and all(char.isalnum() or char in ".-_:" for char in name) else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_api(path: str) -> bool:
    """Whether an address is for programs and our own pages, and never for a page of another site."""
    return path in ("/api", "/v1") or path.startswith(("/api/", "/v1/"))


def is_hook(path: str) -> bool:
    """Whether an address is for the providers of accounts."""
    return path == "/hooks" or path.startswith("/hooks/")
