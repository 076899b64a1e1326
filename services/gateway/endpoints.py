"""Addresses of model servers: which are accepted, and what a server there says when it is asked for its models."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx

from openassistant.egress import Egress
from openassistant.errors import InvalidRequest, OaError
from openassistant.origins import is_public, parse_url
from openassistant.tls import client_context
from services.gateway import views
from services.gateway.problems import invalid

__all__ = ["ask", "has_key_form", "host_of", "is_near", "names_in", "normal", "read", "refuse_open_key"]

_SECONDS = 10.0
_LIMIT = 8 * 1024 * 1024
_MOST = 2000
_LONGEST = 200
_NEAR = (".local", ".lan", ".home.arpa", ".internal", ".localhost")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
_KEY = re.compile(r"[\x21-\x7e]+")
_V1 = "Is the address complete? It usually ends in /v1."


def normal(given: str | None) -> str:
    """The one form of a base URL, without a slash at its end; raises `InvalidRequest` that names `base_url`."""
    if not given:
        raise invalid("Please enter the address of the model server.", base_url="Please fill this in.")
    try:
        url = parse_url(given)
    except InvalidRequest as error:
        words = "An address such as http://127.0.0.1:11434/v1, without user name and password."
        raise invalid("The address of the model server is not valid.", base_url=words) from error
    if url.query or url.fragment:
        words = "Leave out what follows ? or #."
        raise invalid("The address of the model server is not valid.", base_url=words)
    return str(url).rstrip("/?#")


def host_of(base_url: str) -> str:
    """Host and port, as a person reads them."""
    return httpx.URL(base_url).netloc.decode()


def has_key_form(key: str) -> bool:
    """Whether a key can stand in an HTTP header."""
    return _KEY.fullmatch(key) is not None


def is_near(base_url: str) -> bool:
    """Whether a server is this machine or in its own network, as far as its address tells."""
    return _is_near(httpx.URL(base_url).raw_host.decode())


def refuse_open_key(base_url: str) -> None:
    """Raises `InvalidRequest` where a key for this address would cross the internet in the open."""
    if httpx.URL(base_url).scheme == "http" and not is_near(base_url):
        words = "Use https: with http anybody on the way could read the key."
        raise invalid("The key would be sent without encryption.", base_url=words)


async def ask(
    base_url: str, *, egress: Egress, model: str = "", key: str | None = None, stored: bool = False
) -> views.ModelCheck:
    """What `GET {base_url}/models` comes to, in words; `stored`: the vault has a key for this address."""
    where = f"The server at {host_of(base_url)}"
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with (
            asyncio.timeout(_SECONDS),
            httpx.AsyncClient(transport=egress.transport(verify=_tls()), trust_env=False, timeout=_SECONDS) as client,
        ):
            status, body = await read(client, f"{base_url}/models", headers)
    except TimeoutError:
        return _no(f"{where} did not answer within {_SECONDS:.0f} seconds.")
    except OaError as error:
        return _no(error.message)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return _no(_failed(where, error))
    if status in (401, 403):
        return _refused(where, key=key, stored=stored)
    names = names_in(body) if status == 200 else None
    if names is None:
        return _no(_strange(where, status, body))
    return _offer(where, names, model)


async def read(client: httpx.AsyncClient, url: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of an answer, or the address that it redirects to in place of the body; follows none.

    Raises `ValueError` where the body is too large, or packed although that was not asked for.
    """
    plain = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
    async with client.stream("GET", url, headers=plain, follow_redirects=False) as answer:
        if answer.is_redirect:
            return answer.status_code, answer.headers.get("location", "").encode()
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise ValueError("a packed answer")
        body = bytearray()
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > _LIMIT:
                raise ValueError("a large answer")
        return answer.status_code, bytes(body)


def names_in(body: bytes) -> tuple[str, ...] | None:
    """The models that a listing names (OpenAI's `data`, Ollama's `models`, or a bare list); None for no listing."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict):
        listed = next((key for key in ("data", "models") if key in value), None)
        value = (value[listed] or []) if listed else None
    if not isinstance(value, list):
        return None
    return tuple(dict.fromkeys(name for each in value[:_MOST] if (name := _name(each))))


def _name(listed: Any) -> str | None:
    """The name of a listed model, where it has one that can be shown."""
    name = listed.get("id") or listed.get("name") if isinstance(listed, dict) else None
    return name if isinstance(name, str) and len(name) <= _LONGEST and name.isprintable() else None


def _is_near(host: str) -> bool:
    """Whether a host is this machine or in its own network, as far as its name tells."""
    try:
        return not is_public(host)
    except ValueError:
        name = host.rstrip(".").lower()
    return name.endswith(_NEAR) or ("." not in name and not _NUMBER.fullmatch(name))


@cache
def _tls() -> ssl.SSLContext:
    """The authorities that the agent's model client trusts as well."""
    return client_context()


def _no(detail: str) -> views.ModelCheck:
    return views.ModelCheck(ok=False, detail=detail)


def _refused(where: str, *, key: str | None, stored: bool) -> views.ModelCheck:
    if key:
        return _no(f"{where} refused the key. Is it complete, and still valid?")
    if stored:
        words = "answers. The key that is stored for it will be tried with your next message."
        return views.ModelCheck(ok=True, detail=f"{where} {words}")
    return _no(f"{where} asks for a key. Enter it, then try again.")


def _offer(where: str, names: tuple[str, ...], model: str) -> views.ModelCheck:
    if not names and not model:
        return _no(f"{where} answers, but offers no model yet. Load one there, then try again.")
    if not names:
        words = f"answers without a list of models. {model} will be tried with your next message."
        return views.ModelCheck(ok=True, detail=f"{where} {words}")
    # Ollama knows a name without a tag as that of the tag `latest`.
    if model and not {model, f"{model}:latest"} & set(names):
        return views.ModelCheck(ok=False, detail=f"{where} has no model named {model}.", models=names)
    detail = f"{where} offers {model}." if model else f"{where} offers {_count(len(names))}."
    return views.ModelCheck(ok=True, detail=detail, models=names)


def _count(number: int) -> str:
    return "one model" if number == 1 else f"{number} models"


def _strange(where: str, status: int, body: bytes) -> str:
    if 300 <= status < 400:
        return f"{where} sends requests on to {_target(body)}. Enter the address that it means."
    if status in (200, 404, 405):
        return f"{where} answers, but not as an OpenAI-compatible model server does. {_V1}"
    if status == 429:
        return f"{where} has had enough requests for now. Try again in a minute."
    return f"{where} failed with status {status}." if status >= 500 else f"{where} answered with status {status}. {_V1}"


def _target(location: bytes) -> str:
    try:
        return httpx.URL(location.decode()).netloc.decode() or "another page"
    except (httpx.InvalidURL, ValueError):
        return "another page"


def _failed(where: str, error: Exception) -> str:
    causes = tuple(_causes(error))
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in causes):
        return f"{where} shows a certificate that is not trusted, so nothing was sent."
    if any(isinstance(each, ssl.SSLError) for each in causes):
        return f"{where} does not speak TLS as expected. Should the address begin with http instead of https?"
    if any(isinstance(each, socket.gaierror) for each in causes):
        return f"{where} cannot be found: its name is not known. Is it spelt right?"
    if any(isinstance(each, ConnectionRefusedError) for each in causes):
        return f"{where} refuses the connection. Is it running, and is the port right?"
    if any(isinstance(each, httpx.TimeoutException) for each in causes):
        return f"{where} did not answer in time."
    if isinstance(error, httpx.ConnectError):
        return f"{where} cannot be reached. Is it running, and is its address right?"
    return f"{where} answered with something that cannot be read. {_V1}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what caused it, and the parts of a group."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
        error = error.__cause__ or error.__context__
