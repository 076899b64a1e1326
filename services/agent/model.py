"""One door to every model: httpx for OpenAI-compatible endpoints, litellm for all other providers.

The only importer of litellm, and of the openai package that comes with it, both on first need. Providers' errors
become ours, in words that help.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, NamedTuple, Protocol, TypeVar

import httpx
from pydantic import SecretStr

from openassistant.egress import Egress, Proxy
from openassistant.errors import (
    AccountRequired,
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    OaError,
    RateLimited,
    TooLarge,
    Unavailable,
    UpstreamFailed,
)
from openassistant.messages import ModelRef, Wire
from openassistant.meter import MeteredClient
from openassistant.tls import client_context
from services.agent.settings import keep_litellm_at_home
from services.agent.usage import Counted

__all__ = ["CallPart", "Connections", "Delta", "Model", "OpenModel", "Usage", "joined", "listed", "total"]

_FIRST_BYTE = 180.0
_BETWEEN = 90.0
_LAST_BYTES = 0.1
_LONGEST_LINE = 1 << 24
"""Bytes."""
_MOST_WORDS = 1 << 16
"""Bytes of an error's words that are read."""
_MOST_CONNECTIONS = 1000
_LENGTH, _OTHER_LENGTH = "max_tokens", "max_completion_tokens"
"""OpenAI's models that think call it otherwise and refuse the name that every other server knows."""
_LONGEST_ANSWER = 1_000_000
_LENGTHS = (8_192, 4_096, 2_048)
"""Tokens to try where a longer answer is refused: what models of the last years write at most."""
_ERRORS = (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError)
"""What asking an endpoint can end with."""


Part = TypeVar("Part")


class Usage(Wire):
    """Tokens of one model call, as the provider counts them, or `estimated`; `cached_tokens` are among those read.

    `micro` is what it cost, in millionths of the currency; None where no price is known.
    """

    model: str
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    micro: int | None = None
    currency: str | None = None
    estimated: bool = False


def total(usage: list[Usage]) -> Usage:
    """The sum of one or more calls; of money where every one of them has a price."""
    priced = [each.micro for each in usage if each.micro is not None]
    return Usage(
        model=usage[-1].model,
        input_tokens=sum(each.input_tokens for each in usage),
        cached_tokens=sum(each.cached_tokens for each in usage),
        output_tokens=sum(each.output_tokens for each in usage),
        micro=sum(priced) if len(priced) == len(usage) else None,
        currency=usage[-1].currency,
        estimated=any(each.estimated for each in usage),
    )


class CallPart(Wire):
    """A piece of a tool call: parts with the same index belong together, arguments are appended."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class Delta(NamedTuple):
    """One step of a streamed answer; `finished` is the provider's reason to end."""

    text: str = ""
    calls: tuple[CallPart, ...] = ()
    usage: Usage | None = None
    finished: str | None = None


class Model(Protocol):
    """What a turn needs of a model."""

    def stream(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]], *, form: dict[str, Any] | None = None
    ) -> AsyncGenerator[Delta, None]:
        """The answer, piece by piece, in the form of OpenAI's chat completions; raises `OaError`.

        `form` is OpenAI's `response_format`: what the answer is held to.
        """


def joined(known: CallPart | None, part: CallPart) -> CallPart:
    """A call as far as it is known, with its next part."""
    if known is None:
        return part
    return CallPart(
        index=part.index,
        id=known.id or part.id,
        name=known.name or part.name,
        arguments=known.arguments + part.arguments,
    )


class Connections:
    """Connections to OpenAI-compatible endpoints, kept open between turns; no key and no cookie is kept with them.

    A client of its own for every answer costs 20 ms for its certificates alone, and a new connection after that.
    """

    def __init__(self, proxy: Proxy | None = None) -> None:
        self.lengths: dict[tuple[str, str], tuple[str, int]] = {}
        """By address and model: under which name, and up to what, it lets an answer's length be limited."""
        self._http: httpx.AsyncClient | None = None
        self._proxy = proxy
        self._making = asyncio.Lock()

    async def warm(self) -> None:
        """Makes ready what the first question would wait for."""
        await self.client()

    async def client(self) -> httpx.AsyncClient:
        """The client of them all."""
        async with self._making:
            if self._http is None:
                self._http = await asyncio.to_thread(_http_client, self._proxy)
            return self._http

    async def close(self) -> None:
        """Closes them all."""
        if self._http is not None:
            await self._http.aclose()


def _http_client(proxy: Proxy | None) -> httpx.AsyncClient:
    cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    timeout = httpx.Timeout(None, connect=10)  # whoever reads keeps the time, once for each part and not twice
    limits = httpx.Limits(max_connections=_MOST_CONNECTIONS)
    tls = client_context()
    way = Egress(proxy=proxy).transport(verify=tls, limits=limits) if proxy else None
    kind = httpx.AsyncClient if way else MeteredClient  # the way out counts by itself
    return kind(verify=tls, cookies=cookies, timeout=timeout, limits=limits, follow_redirects=True, transport=way)


class _Refused(Exception):
    """An endpoint's answer that is an error; its words are those of the endpoint."""

    def __init__(self, response: httpx.Response, words: str) -> None:
        super().__init__(words)
        self.response, self.status_code = response, response.status_code


class _LengthRefused(Exception):
    """An endpoint does not let the length of an answer be limited so."""

    def __init__(self, error: _Refused) -> None:
        super().__init__(str(error))
        self.error, self.words = error, str(error)


class OpenModel:
    """A model as a turn uses it; `key` is the provider's API key."""

    def __init__(self, ref: ModelRef, key: SecretStr | None, connections: Connections) -> None:
        self._ref, self._key, self._connections = ref, key, connections

    async def stream(
        self,
        messages: list[dict[str, Any]],
        tools: list[dict[str, Any]],
        *,
        form: dict[str, Any] | None = None,
        most: int | None = None,
    ) -> AsyncGenerator[Delta, None]:
        """See `Model`; `most` is how many tokens the answer may have."""
        wanted: dict[str, Any] = {"messages": messages, "stream": True, "stream_options": {"include_usage": True}}
        if most is not None:
            wanted[_LENGTH] = most
        if tools:
            wanted["tools"] = tools
        if form:
            wanted["response_format"] = form
        errors: tuple[type[Exception], ...] = _ERRORS
        begun = False
        try:
            async with asyncio.timeout(_FIRST_BYTE):
                if self._ref.kind == "openai":
                    chunks = await _open_limited(self._connections, self._ref, self._key, wanted)
                else:
                    chunks, errors = await _open_litellm(self._ref, self._key, wanted)
            finished, begun = None, True
            async with aclosing(chunks):
                async for chunk in chunks:
                    delta = _read(chunk, self._ref)
                    finished = delta.finished or finished
                    yield delta
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"{_where(self._ref)} did not answer in time. Try again, or another model."
            ) from error
        except errors as error:
            raise _ours(error, self._ref, begun=begun) from error
        if finished is None:
            raise UpstreamFailed(f"{_where(self._ref)} cut its answer off. What came is kept; try again.")


async def _open_limited(
    connections: Connections, ref: ModelRef, key: SecretStr | None, wanted: dict[str, Any]
) -> AsyncGenerator[Any, None]:
    """As `_open_compatible`, with the answer's length limited as this model takes it, which its refusals teach."""
    http, place = await connections.client(), (str(ref.base_url), ref.model)
    most = wanted.pop(_LENGTH, None)
    if most is None:
        return await _open_compatible(http, ref, key, wanted)
    name, longest = connections.lengths.get(place, (_LENGTH, most))
    first = min(most, longest)
    lengths = [first, *(each for each in _LENGTHS if each < first)]
    while True:
        try:
            chunks = await _open_compatible(http, ref, key, {**wanted, name: lengths[0]})
        except _LengthRefused as refused:
            if name == _LENGTH and _OTHER_LENGTH in refused.words:
                name = _OTHER_LENGTH
            elif len(lengths) > 1:
                lengths.pop(0)
            else:
                raise _ours(refused.error, ref) from refused
        else:
            learnt = lengths[0] if lengths[0] < first else connections.lengths.get(place, (name, _LONGEST_ANSWER))[1]
            connections.lengths[place] = (name, learnt)
            return chunks


async def _open_compatible(
    http: httpx.AsyncClient, ref: ModelRef, key: SecretStr | None, wanted: dict[str, Any]
) -> AsyncGenerator[Any, None]:
    """Posts a chat completion (OpenAI's API reference, "Create chat completion"); raises the endpoint's error, ours."""
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    try:
        address = f"{str(ref.base_url).rstrip('/')}/chat/completions"
        asked = http.build_request("POST", address, json={"model": ref.model, **wanted}, headers=headers)
        # What is for local models only must not be sent on to elsewhere by one.
        answer = await http.send(asked, stream=True, follow_redirects=not ref.local)
        if answer.is_error or answer.has_redirect_location:
            refused = await _refused(answer)
            if refused.status_code in (400, 422) and any(each in str(refused) for each in (_LENGTH, _OTHER_LENGTH)):
                raise _LengthRefused(refused) from refused
            raise refused
    except (_Refused, *_ERRORS) as error:
        raise _ours(error, ref) from error
    return _chunks(answer)


async def _refused(answer: httpx.Response) -> _Refused:
    """The error that an answer is, with the beginning of its words."""
    words = bytearray()
    try:
        async for part in answer.aiter_bytes():
            words += part
            if len(words) > _MOST_WORDS:
                break
    finally:
        await answer.aclose()
    return _Refused(answer, bytes(words[:_MOST_WORDS]).decode("utf-8", "replace"))


async def _chunks(answer: httpx.Response) -> AsyncGenerator[Any, None]:
    """The chunks as they are on the wire.

    After the last one the body is read to its end, so that the connection can be used again. What is closed before
    that is closed at once, so that the model stops.
    """
    body = answer.aiter_bytes()
    try:
        async for data in _data(_patiently(body)):
            if data == b"[DONE]":
                with suppress(httpx.HTTPError, TimeoutError):
                    async with asyncio.timeout(_LAST_BYTES):
                        await anext(body, None)
                return
            yield json.loads(data)
    finally:
        await answer.aclose()


async def _data(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The data of server-sent events (WHATWG HTML, 9.2.6)."""
    rest, data = bytearray(), list[bytes]()
    async for part in body:
        rest += part
        if len(rest) > _LONGEST_LINE:
            raise ValueError("a line of the stream is too long")
        if b"\n" not in part:
            continue
        *lines, last = bytes(rest).split(b"\n")
        rest[:] = last
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[5:].strip())
            elif data and line in (b"", b"\r"):
                yield b"\n".join(data)
                data = []
    if data:
        yield b"\n".join(data)


async def _litellm() -> Any:
    keep_litellm_at_home()
    return await asyncio.to_thread(importlib.import_module, "litellm")


async def listed(model: str) -> dict[str, Any]:
    """What litellm's list, which came with it, says of a model; nothing where it does not know it."""
    known = (await _litellm()).model_cost
    return dict(known.get(model) or known.get(model.partition("/")[2]) or {})


async def _open_litellm(
    ref: ModelRef, key: SecretStr | None, wanted: dict[str, Any]
) -> tuple[AsyncGenerator[Any, None], tuple[type[Exception], ...]]:
    litellm = await _litellm()
    litellm.suppress_debug_info = True
    if most := wanted.get(_LENGTH):
        longest = (await listed(ref.model)).get("max_output_tokens")
        wanted = {**wanted, _LENGTH: min(most, longest if isinstance(longest, int) else _LENGTHS[1])}
    openai = importlib.import_module("openai")
    errors = (openai.OpenAIError, *_ERRORS)
    try:
        stream = await litellm.acompletion(
            model=ref.model,
            api_base=ref.base_url,
            api_key=key.get_secret_value() if key else None,
            num_retries=0,
            timeout=_FIRST_BYTE,
            _skip_mcp_handler=True,  # else every call with tools asks for a package that litellm does not bring along
            **wanted,
        )
    except errors as error:
        raise _ours(error, ref) from error
    return (chunk.model_dump() async for chunk in _patiently(stream)), errors


async def _patiently(parts: AsyncIterator[Part]) -> AsyncIterator[Part]:
    """The same parts; raises `TimeoutError` when one takes too long."""
    while True:
        async with asyncio.timeout(_BETWEEN):
            part = await anext(parts, None)
        if part is None:
            return
        yield part


def _read(chunk: Any, ref: ModelRef) -> Delta:
    """A chunk as a step; the clients check nothing of what they hand on, so anything may be in it."""
    try:
        return _delta(chunk, ref.model)
    except (AttributeError, TypeError, LookupError, ValueError) as error:
        raise _unreadable(ref) from error


def _delta(chunk: dict[str, Any], model: str) -> Delta:
    if chunk.get("error"):
        raise ValueError("the provider sent an error in place of a chunk")
    given = Counted.read(chunk.get("usage"))
    counted = Usage(model=model, **given.model_dump()) if given else None
    if not chunk.get("choices"):
        return Delta(usage=counted)
    choice = chunk["choices"][0]
    said = choice.get("delta") or {}
    parts = tuple(_part(part) for part in said.get("tool_calls") or ())
    finished = choice.get("finish_reason")
    return Delta(text=said.get("content") or "", calls=parts, usage=counted, finished=finished)


def _part(part: dict[str, Any]) -> CallPart:
    function = part.get("function") or {}
    return CallPart(
        index=part.get("index") or 0,
        id=part.get("id") or "",
        name=function.get("name") or "",
        arguments=function.get("arguments") or "",
    )


def _ours(error: Exception, ref: ModelRef, *, begun: bool = False) -> OaError:
    """The provider's error as ours; the message names the endpoint and never what was sent.

    `begun`: the answer had begun.
    """
    where, status = _where(ref), getattr(error, "status_code", None)
    if isinstance(error, OaError):
        return error
    if broken := _broken(error, ref, begun=begun):
        return broken
    if status in (401, 403):
        return AccountRequired(f"{where} refused the key. Enter another one in the model settings.")
    if status == 404:
        return NotFound(f"{where} has no model named {ref.model}. Choose another one in the model settings.")
    if status == 429:
        wait = _retry_after(error)
        return RateLimited(f"{where} has had enough requests for now. Try again in {wait:.0f} s.", retry_after=wait)
    if status in (400, 413, 422):
        if "context" in str(error).lower() or status == 413:
            return TooLarge(f"The conversation is longer than {ref.model} can read.")
        return InvalidRequest(f"{where} does not accept the request; test the model in the model settings.")
    if isinstance(status, int) and status >= 500 and not begun:
        return UpstreamFailed(f"{where} failed with status {status}. Nothing was lost; try again.")
    if "Timeout" in type(error).__name__:
        return DeadlineExceeded(f"{where} did not answer in time. Try again, or another model.")
    return _unreadable(ref)


def _unreadable(ref: ModelRef) -> UpstreamFailed:
    return UpstreamFailed(f"{_where(ref)} answered with something that cannot be read. What came is kept; try again.")


def _broken(error: Exception, ref: ModelRef, *, begun: bool) -> OaError | None:
    """What the causes say: litellm reports a connection that failed or broke as a status 500 of the provider."""
    where = _where(ref)
    for each in _causes(error):
        if isinstance(each, httpx.TimeoutException | TimeoutError) and not isinstance(each, httpx.ConnectTimeout):
            return None
        if isinstance(each, httpx.TransportError | OSError):
            if begun or isinstance(each, httpx.ReadError | httpx.RemoteProtocolError):
                return UpstreamFailed(f"{where} cut its answer off. What came is kept; try again.")
            return Unavailable(f"{where} cannot be reached. Is it running, and is its address right?")
    return None


def _retry_after(error: Exception) -> float:
    """Seconds, as the provider says somewhere in the chain of causes; 30 where it does not."""
    for each in _causes(error):
        response = getattr(each, "response", None)
        asked = response.headers.get("retry-after", "") if response is not None else ""
        if asked.isascii() and asked.isdigit():
            return min(float(asked), 3600.0)
    return 30.0


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from, the outermost first."""
    each: BaseException | None = error
    for _ in range(10):
        if each is None:
            return
        yield each
        each = each.__cause__ or each.__context__


def _where(ref: ModelRef) -> str:
    if ref.base_url is None:
        return ref.model.split("/")[0].capitalize()
    return f"The model at {httpx.URL(ref.base_url).netloc.decode()}"
