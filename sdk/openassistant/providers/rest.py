"""What the JSON APIs of providers have in common: paths below one address, objects as answers, pages, error objects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ClassVar

from openassistant.errors import UpstreamFailed
from openassistant.http import Explain, HttpClient, Refusal, Response

__all__ = ["RestApi", "error_in"]

_MOST_PAGES = 10_000


class RestApi:
    """Requests below `base`; answers are JSON objects. Raises what `HttpClient.request` does, explained."""

    provider: ClassVar[str]
    """Its name in the words of an error."""

    def __init__(self, http: HttpClient, base: str, *, explain: Explain) -> None:
        self.http, self.base = http, base.rstrip("/")
        http.explain_by(explain)

    async def call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """One request (options as those of `HttpClient.request`); an empty answer is an empty object."""
        answer = await self.send(method, path, **options)
        found = answer.json() if answer.content.strip() else {}
        if not isinstance(found, dict):
            raise UpstreamFailed(f"{self.provider} answered with something else than was asked for.")
        return found

    async def send(self, method: str, path: str, **options: Any) -> Response:
        """One request, and its answer as it came."""
        return await self.http.request(method, self.url(path), **options)

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"{self.base}/{path}" if path else self.base

    async def follow(
        self, ask: Callable[[str], Awaitable[dict[str, Any]]], *, by: str
    ) -> AsyncIterator[dict[str, Any]]:
        """Page after page: `ask` is given "" and then what the page before says under `by`, until one says nothing."""
        mark, seen = "", set[str]()
        for _ in range(_MOST_PAGES):
            page = await ask(mark)
            yield page
            mark = str(page.get(by) or "")
            if not mark:
                return
            if mark in seen:
                break
            seen.add(mark)
        raise UpstreamFailed(f"{self.provider}'s list does not end.")


def error_in(refusal: Refusal) -> dict[str, Any]:
    """The `error` object of a refusal's body; an empty one where there is none."""
    body = refusal.json()
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}
