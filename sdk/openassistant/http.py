"""The HTTP client that tools get: allow-list, sign-in, deadline, sizes, retries, and our errors for the provider's.

    answer = await ctx.http.get("https://api.example.com/v1/things", params={"limit": "20"})
    things = answer.json()

Three kinds of host. *Allowed* ones (the card's, the account's) may be asked and get the authorization. *Private* ones
(named in the account's own settings) may besides lie in the owner's network. Any other host is reached by the redirect
of a plain read alone: at a public address, without the authorization and without what the caller sent. A card's
`*.example.org` is every host below example.org, at public addresses and with https, for *unsigned* requests alone:
where a provider sends uploads to addresses that are themselves the permission.

What an answer that is not 2xx or 304 becomes (RFC 9110, 15), with `status` and `host` in the details:

    401 AccountRequired   403, 451 Forbidden   404, 410 NotFound   409, 412 Conflict   413 TooLarge
    429 RateLimited, with the provider's delay   other 4xx InvalidRequest
    408, 502, 503, 504 and a broken connection: Unavailable where it was a read, else UpstreamFailed
    other 5xx and 3xx UpstreamFailed   no connection Unavailable   silence DeadlineExceeded

A 401 or 403 of a server whose clock says another time has `clock_wrong` as its reason.

A provider whose answers say more than their status has them read by `explain_by`. A large body goes piece by piece to
`into` instead of into memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Self
from urllib.parse import urlencode

import httpx
from pydantic import SecretStr

from openassistant.context import Clock
from openassistant.egress import Egress
from openassistant.errors import (
    AccountRequired,
    Conflict,
    DeadlineExceeded,
    Forbidden,
    InvalidRequest,
    NotFound,
    OaError,
    RateLimited,
    TooLarge,
    Unavailable,
    UpstreamFailed,
)
from openassistant.gunzip import Gunzip
from openassistant.meter import MeteredTransport
from openassistant.origins import Origin, is_public, origin, origin_of, parse_url, resolve
from openassistant.tls import client_context

__all__ = ["Explain", "HttpClient", "Into", "Refusal", "Response"]

Resolve = Callable[[str, int], Awaitable[list[str]]]

_LIMIT = 16 * 1024 * 1024
_EXPLANATION = 64 * 1024
"""Bytes of a refusal's body that are read."""
_ATTEMPTS = 3
_HOPS = 5
_CONNECT_SECONDS = 5.0
_READS = {"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"}
_IDEMPOTENT = _READS | {"PUT", "DELETE"}
_REDIRECTS = {301, 302, 303, 307, 308}
_HARMLESS = {"accept", "accept-language"}
_AWAY = {408, 502, 503, 504}
_CLOCKS_DIFFER = timedelta(minutes=5)
"""From here on a clock that is wrong may be why a sign-in is refused; providers allow for about as much."""
_UNITS = ((172_800, 86_400, "days"), (7200, 3600, "hours"), (0, 60, "minutes"))
_BY_STATUS: dict[int, tuple[type[OaError], str]] = {
    401: (AccountRequired, "{host} refused the sign-in. Connect the account again."),
    403: (Forbidden, "{host} does not allow this to the account."),
    404: (NotFound, "{host} does not know that (any more)."),
    409: (Conflict, "It was changed on {host} meanwhile, so nothing was done. Look again."),
    410: (NotFound, "{host} does not know that (any more)."),
    412: (Conflict, "It was changed on {host} meanwhile, so nothing was done. Look again."),
    413: (TooLarge, "That is more than {host} takes."),
    429: (RateLimited, "{host} asks for a pause."),
    451: (Forbidden, "{host} may not give this out."),
}


@dataclass(frozen=True)
class Response:
    """A provider's answer, read to its end. `headers` have lower-case names; `url` is the one that answered."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str

    @property
    def text(self) -> str:
        """The body as UTF-8; what is not becomes the replacement character."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body's JSON value, for a pydantic model to validate; raises `UpstreamFailed`."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise UpstreamFailed("The provider answered with something that is not JSON.") from error


@dataclass(frozen=True)
class Refusal:
    """An answer that is none: its status, headers (lower-case names) and the beginning of its body.

    `error` is what it becomes where nobody knows better.
    """

    method: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    error: OaError

    def json(self) -> Any:
        """The body's JSON value; None where it is none."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None


Explain = Callable[[Refusal], OaError | None]
"""Reads what a provider says beside the status; None leaves it at that."""

Into = Callable[[bytes], Awaitable[None]]
"""Takes a body piece by piece."""


@dataclass(frozen=True)
class _Ask:
    """One request of one hop. `inside`: no redirect has left the allowed hosts so far."""

    method: str
    url: httpx.URL
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    limit: int = _LIMIT
    inside: bool = True
    follow: bool = True
    signed: bool = True
    also: frozenset[int] = frozenset()
    into: _Counted | None = None

    @property
    def reads(self) -> bool:
        return self.method in _READS


class HttpClient:
    """Requests to `hosts` until `deadline`. A host is `name`, `name:port` (https), the URL of an origin or `*.name`.

    `private` hosts are allowed ones that may have an address in the owner's own network.
    """

    def __init__(
        self,
        hosts: Iterable[str],
        *,
        deadline: datetime,
        clock: Clock,
        private: Iterable[str] = (),
        tls: ssl.SSLContext | None = None,
        resolver: Resolve | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        egress: Egress | None = None,
    ) -> None:
        named = tuple(hosts)
        self._allowed = {found for each in named if (found := origin_of(each))}
        self._below = tuple(each[1:].lower() for each in named if each.startswith("*."))
        self._private: set[str] = set()
        self._deadline, self._clock, self._tls = deadline, clock, tls
        self._resolve, self._sleep = resolver or resolve, sleep
        self._through = egress if egress and egress.proxy else None
        self._authorization: SecretStr | None = None
        self._sign_in: Callable[[bool], Awaitable[SecretStr]] | None = None
        self._explain: Explain | None = None
        self._transports: dict[Origin, httpx.AsyncHTTPTransport] = {}
        self.allow(*private)

    async def __aenter__(self) -> Self:
        """Opens nothing yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes every connection."""
        while self._transports:
            _, transport = self._transports.popitem()
            await transport.aclose()

    def allow(self, *hosts: str) -> None:
        """Allows hosts that the account's settings name, at any address; what is no host allows nothing."""
        named = {found for each in hosts if (found := origin_of(each))}
        self._allowed |= named
        self._private |= {each.host for each in named}

    def allow_public(self, url: str) -> None:
        """Allows one origin that an approval named, at public addresses alone; what is no URL allows nothing."""
        if found := origin_of(url):
            self._allowed.add(found)

    def authorize(self, value: SecretStr) -> None:
        """The `Authorization` header for allowed hosts: "Bearer …", "Basic …"."""
        self._authorization = value

    def sign_in_by(self, asked: Callable[[bool], Awaitable[SecretStr]]) -> None:
        """Where the header comes from when it is first needed, and (with True) once more after a 401."""
        self._sign_in = asked

    def explain_by(self, explain: Explain) -> None:
        """Has a provider's refusals read by `explain`, for better errors than their status alone gives."""
        self._explain = explain

    async def get(self, url: str, **options: Any) -> Response:
        """GET; see `request`."""
        return await self.request("GET", url, **options)

    async def post(self, url: str, **options: Any) -> Response:
        """POST, repeated only where the provider asked for a pause before it did anything; see `request`."""
        return await self.request("POST", url, **options)

    async def put(self, url: str, **options: Any) -> Response:
        """PUT; see `request`."""
        return await self.request("PUT", url, **options)

    async def delete(self, url: str, **options: Any) -> Response:
        """DELETE; see `request`."""
        return await self.request("DELETE", url, **options)

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes = b"",
        limit: int = _LIMIT,
        follow: bool = True,
        signed: bool = True,
        also: Iterable[int] = (),
        into: Into | None = None,
    ) -> Response:
        """The answer (2xx, 304 or one of `also`) with at most `limit` bytes of body; raises the table above.

        A parameter with several values is given as often. The body is one of `json`, `form` or `content`. `Forbidden`
        for a host that is not allowed. Where redirects must not be followed, `follow=False` makes one an
        `UpstreamFailed` with its status. `signed=False` leaves the authorization out. With `into` the body of a 2xx
        goes there, and is not in the answer; once some of it went, nothing is tried again.
        """
        body, kind = _body(json, form, content)
        target = parse_url(url).copy_merge_params(dict(params)) if params else parse_url(url)
        ask = _Ask(
            method.upper(), target, {**kind, **(headers or {})}, body, limit, follow=follow, signed=signed,
            also=frozenset(also), into=_Counted(into) if into else None,
        )  # fmt: skip
        if origin(target) not in self._allowed and (signed or not self._covers(origin(target))):
            raise Forbidden(f"{target.host} is not one of the hosts that this connector may reach.")
        try:
            async with asyncio.timeout(self._remaining()):
                return await self._signed_in(ask)
        except TimeoutError as error:
            raise _silence(ask) from error

    async def _signed_in(self, ask: _Ask) -> Response:
        """The answer; a 401, which says that nothing was done, is met with another token once."""
        if self._sign_in is None or not ask.signed:
            return await self._tried(ask)
        if self._authorization is None:
            self._authorization = await self._sign_in(False)
        try:
            return await self._tried(ask)
        except AccountRequired:
            before, self._authorization = self._authorization, await self._sign_in(True)
            if before == self._authorization:
                raise
            return await self._tried(ask)

    async def _tried(self, ask: _Ask) -> Response:
        """The answer after at most three attempts, further ones only where that can do no harm."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._followed(ask)
            except OaError as error:
                pause = _pause(error, attempt)
                harmless = ask.method in _IDEMPOTENT or isinstance(error, RateLimited)
                begun = ask.into is not None and ask.into.size > 0
                again = error.retryable and harmless and not begun and attempt < _ATTEMPTS
                if not again or pause >= self._remaining():
                    raise
            await self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _followed(self, ask: _Ask) -> Response:
        for _ in range(_HOPS + 1):
            with _faults(ask):
                response = await self._sent(ask)
                try:
                    location = response.headers.get("location", "")
                    leads = response.status_code in _REDIRECTS and response.status_code not in ask.also
                    if not ask.follow or not leads or not location:
                        return await self._taken(ask, response)
                finally:
                    await response.aclose()
            ask = self._redirected(ask, response.status_code, location)
        raise UpstreamFailed(f"{ask.url.host} redirects in circles.")

    def _redirected(self, ask: _Ask, status: int, location: str) -> _Ask:
        """The request of the next hop (RFC 9110, 15.4)."""
        target = _joined(ask.url, location)
        inside = ask.inside and origin(target) in self._allowed
        to_get = (status == 303 and ask.method != "HEAD") or (status in (301, 302) and ask.method == "POST")
        if to_get:
            kept = {name: value for name, value in ask.headers.items() if name.lower() != "content-type"}
            ask = replace(ask, method="GET", content=b"", headers=kept)
        if not inside:
            if ask.method not in ("GET", "HEAD") or (ask.url.scheme, target.scheme) == ("https", "http"):
                raise UpstreamFailed(f"{ask.url.host} redirects to where this request must not go.")
            ask = replace(ask, headers={n: v for n, v in ask.headers.items() if n.lower() in _HARMLESS})
        return replace(ask, url=target, inside=inside)

    async def _sent(self, ask: _Ask) -> httpx.Response:
        """The open answer, from the first address that takes a connection."""
        place = origin(ask.url)
        addresses = await self._addresses(place)
        for address in addresses[:-1]:
            with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._transport(place).handle_async_request(self._wire(ask, place, address))
        return await self._transport(place).handle_async_request(self._wire(ask, place, addresses[-1]))

    async def _addresses(self, place: Origin) -> list[str]:
        """Where a host lies; connections go to these very addresses, so a name cannot change its mind in between.

        Through the proxy that is the proxy's work: it is asked for the name.
        """
        if self._through:
            return [place.host]
        try:
            found = await self._resolve(place.host, place.port)
        except OSError as error:
            raise Unavailable(f"There is no server named {place.host}, or no network.") from error
        if not found:
            raise Unavailable(f"There is no server named {place.host}.")
        if place.host not in self._private and not all(is_public(each) for each in found):
            raise Forbidden(f"{place.host} lies inside this network, where this request must not go.")
        return found[:3]

    def _wire(self, ask: _Ask, place: Origin, address: str) -> httpx.Request:
        """The request as it goes to an address: name in `Host` and TLS, authorization for allowed hosts alone."""
        headers = httpx.Headers({"Accept": "*/*", "User-Agent": "OpenAssistant"})
        headers.update({**ask.headers, "Accept-Encoding": "gzip", "Host": ask.url.netloc.decode()})
        if self._authorization is not None and ask.inside and ask.signed:
            headers["Authorization"] = self._authorization.get_secret_value()
        extensions: dict[str, Any] = {"timeout": {"connect": _CONNECT_SECONDS}}
        if address != place.host:
            extensions["sni_hostname"] = place.host
        url = ask.url.copy_with(host=address.partition("%")[0], fragment=None)
        return httpx.Request(ask.method, url, headers=headers, content=ask.content, extensions=extensions)

    def _transport(self, place: Origin) -> httpx.AsyncHTTPTransport:
        """One per origin: a connection whose certificate was checked for one name never serves another."""
        if place not in self._transports:
            tls = self._tls or _system_tls()
            way = self._through
            made = way.transport(verify=tls) if way else MeteredTransport(verify=tls, trust_env=False)
            self._transports[place] = made
        return self._transports[place]

    async def _taken(self, ask: _Ask, response: httpx.Response) -> Response:
        status = response.status_code
        if not (200 <= status < 300 or status == 304 or status in ask.also):
            raise await self._explained(ask, response)
        if ask.into is not None and 200 <= status < 300:
            await _read(ask, response, ask.into)
            return Response(status, dict(response.headers), b"", str(ask.url))
        content = bytearray()
        if ask.method != "HEAD":
            await _read(ask, response, _kept_in(content))
        return Response(status, dict(response.headers), bytes(content), str(ask.url))

    async def _explained(self, ask: _Ask, response: httpx.Response) -> OaError:
        """The error that a refusal becomes; a body that cannot be read explains nothing."""
        error = self._refused(ask, response.status_code, response.headers)
        if self._explain is None or not ask.inside:
            return error
        content = bytearray()
        with contextlib.suppress(OaError, httpx.HTTPError):
            await _read(replace(ask, limit=_EXPLANATION), response, _kept_in(content))
        refusal = Refusal(ask.method, response.status_code, dict(response.headers), bytes(content), error)
        return self._explain(refusal) or error

    def _refused(self, ask: _Ask, status: int, headers: httpx.Headers) -> OaError:
        host = ask.url.host
        details: dict[str, Any] = {"status": status, "host": host}
        wait = _retry_after(headers.get("retry-after", ""), self._clock())
        if status in (401, 403) and (off := _clock_off(headers.get("date", ""), self._clock())):
            kind, _ = _BY_STATUS[status]
            words = f"{host} refused that, and its clock says another time than this house's: {_span(off)}."
            return kind(words, details={**details, "reason": "clock_wrong", "seconds": round(off.total_seconds())})
        if status in _BY_STATUS:
            kind, words = _BY_STATUS[status]
            return kind(words.format(host=host), details=details, retry_after=wait)
        if status in _AWAY and ask.reads:
            return Unavailable(f"{host} is not available at the moment.", details=details, retry_after=wait)
        if 400 <= status < 500 and status != 408:
            return InvalidRequest(f"{host} did not understand the request (status {status}).", details=details)
        return UpstreamFailed(f"{host} failed inside (status {status}). {_doubt(ask)}", details=details)

    def _covers(self, place: Origin) -> bool:
        """Whether a host lies below one that the card names with `*.`."""
        return (place.scheme, place.port) == ("https", 443) and place.host.endswith(self._below)

    def _remaining(self) -> float:
        seconds = (self._deadline - self._clock()).total_seconds()
        if seconds <= 0:
            raise DeadlineExceeded("The time for this call is over.")
        return seconds


def _clock_off(date: str, now: datetime) -> timedelta | None:
    """By how much the house's clock is before a server's (RFC 9110, 6.6.1); None where it is near or not said."""
    try:
        there = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None
    off = now - (there if there.tzinfo else there.replace(tzinfo=UTC))
    return off if abs(off) > _CLOCKS_DIFFER else None


def _span(off: timedelta) -> str:
    seconds = abs(off.total_seconds())
    size, name = next((size, name) for least, size, name in _UNITS if seconds >= least)
    return f"the house is {seconds / size:.0f} {name} {'ahead' if off > timedelta() else 'behind'}"


def _joined(url: httpx.URL, location: str) -> httpx.URL:
    try:
        return parse_url(str(url.join(location)))
    except (httpx.InvalidURL, ValueError, InvalidRequest) as error:
        raise UpstreamFailed(f"{url.host} redirects to something that is no plain address.") from error


def _body(value: Any, form: Mapping[str, str] | None, content: bytes) -> tuple[bytes, dict[str, str]]:
    if value is not None:
        return json.dumps(value).encode(), {"Content-Type": "application/json"}
    if form is not None:
        return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    return content, {}


class _Counted:
    """Where a body goes, and how much of it went."""

    def __init__(self, into: Into) -> None:
        self._into, self.size = into, 0

    async def __call__(self, piece: bytes) -> None:
        self.size += len(piece)
        await self._into(piece)


def _kept_in(body: bytearray) -> Into:
    """Takes a body into memory."""

    async def take(piece: bytes) -> None:
        body.extend(piece)

    return take


async def _read(ask: _Ask, response: httpx.Response, take: Into) -> None:
    """The body in pieces, unpacked no further than the limit."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "", "gzip", "x-gzip"):
        raise UpstreamFailed(f"{ask.url.host} answered in a form that was not asked for.")
    unpack = Gunzip() if "gzip" in coding else None
    size = 0
    async for raw in response.aiter_raw():
        piece = unpack.feed(raw, ask.limit + 1 - size) if unpack else raw
        size += len(piece)
        if size > ask.limit:
            raise TooLarge(f"{ask.url.host} answered with more than {ask.limit} bytes.")
        await take(piece)
    if unpack and not unpack.ended:
        raise httpx.RemoteProtocolError("the packed body ends early")


def _retry_after(value: str, now: datetime) -> float | None:
    """Seconds (RFC 9110, 10.2.3: a number or a date); None where the provider names no delay."""
    if value.strip().isdecimal():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds())


def _pause(error: OaError, attempt: int) -> float:
    """Seconds until the next attempt: the provider's delay and a little, or a growing share of chance."""
    chance = secrets.SystemRandom().random()
    if error.retry_after is not None:
        return error.retry_after + chance * 0.25
    return float((0.5 + chance / 2) * 0.5 * 2**attempt)


@contextlib.contextmanager
def _faults(ask: _Ask) -> Iterator[None]:
    """Our errors for those of the connection."""
    host = ask.url.host
    try:
        yield
    except httpx.LocalProtocolError as error:
        raise InvalidRequest("A header of the request is not valid.") from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        if any(isinstance(each, ssl.SSLCertVerificationError) for each in _causes(error)):
            raise Forbidden(f"The certificate of {host} does not hold, so nothing was sent.") from error
        raise Unavailable(f"{host} cannot be reached.") from error
    except httpx.TimeoutException as error:
        raise _silence(ask) from error
    except httpx.DecodingError as error:
        raise UpstreamFailed(f"{host} answered with a damaged body. {_doubt(ask)}") from error
    except httpx.HTTPError as error:
        broken: type[OaError] = Unavailable if ask.reads else UpstreamFailed
        raise broken(f"{host} broke the connection off. {_doubt(ask)}") from error


def _silence(ask: _Ask) -> DeadlineExceeded:
    return DeadlineExceeded(f"{ask.url.host} did not answer in time. {_doubt(ask)}")


def _doubt(ask: _Ask) -> str:
    return "Try again later." if ask.reads else "It may have happened; please check there."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@cache
def _system_tls() -> ssl.SSLContext:
    return client_context()
