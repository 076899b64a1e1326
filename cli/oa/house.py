"""The house as this program reaches it: the gateway's HTTP API, with a token or, for a moment, a password."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx

from oa import settings

__all__ = ["AWAY", "FAILED", "SIGN_IN", "USAGE", "WAITS", "Event", "House", "HouseError", "the_one"]

FAILED, USAGE, SIGN_IN, WAITS, AWAY = 1, 2, 3, 4, 5
"""Exit codes: it failed; used wrongly; signing in is needed; an approval waits; the house does not answer."""

_SECONDS = httpx.Timeout(60, connect=5)
_QUIET = httpx.Timeout(60, connect=5, read=90)
"""A stream says something at least every 15 seconds, if only that it lives."""
_RETURNS = 5


class HouseError(Exception):
    """What went wrong, in words for a person, and the exit code that says so to a program."""

    def __init__(self, words: str, *, code: int = FAILED, problem: dict[str, Any] | None = None) -> None:
        super().__init__(words)
        self.words, self.code, self.problem = words, code, problem or {}


class Event(NamedTuple):
    """One AG-UI event with its server-sent id."""

    id: str
    data: dict[str, Any]

    @property
    def type(self) -> str:
        """Such as RUN_STARTED."""
        return str(self.data.get("type"))


class House:
    """One connection. Every method raises `HouseError`."""

    def __init__(self, login: settings.Login, *, transport: httpx.BaseTransport | None = None) -> None:
        self.url = login.url
        self.clock_ahead: timedelta | None = None
        """By how much the house's clock is before this machine's, as its last answer said (RFC 9110, 6.6.1)."""
        headers = {"User-Agent": "oa", "Origin": login.url}
        if login.token:
            headers["Authorization"] = f"Bearer {login.token}"
        try:
            # What goes to this machine passes no proxy; further away, the machine's proxy and certificates count.
            trusts = httpx.URL(login.url).host not in ("127.0.0.1", "::1", "localhost")
            self._http = httpx.Client(
                base_url=login.url, headers=headers, timeout=_SECONDS, transport=transport, trust_env=trusts
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise HouseError(f"{login.url} is not an address. Give one such as {settings.DEFAULT_URL}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """The JSON that a path answers with."""
        return self._json("GET", path, params=query)

    def post(self, path: str, body: Any = None) -> Any:
        """The JSON that a request with a JSON body is answered with; None where there is none."""
        return self._json("POST", path, json={} if body is None else body)

    def put(self, path: str, body: Any) -> Any:
        """As `post`."""
        return self._json("PUT", path, json=body)

    def patch(self, path: str, body: Any) -> Any:
        """As `post`."""
        return self._json("PATCH", path, json=body)

    def delete(self, path: str) -> Any:
        """Deletes what a path names; what is said of that, None where it is nothing."""
        return self._json("DELETE", path)

    def sign_in(self, username: str, password: str, code: str | None = None) -> Any:
        """Signs this connection in; the cookie lives as long as it does. `code`: of whom one is asked."""
        body = {"username": username, "password": password}
        return self.post("/api/session", body if code is None else {**body, "code": code})

    def lines(self, path: str) -> Iterator[bytes]:
        """A long answer, in pieces."""
        with self._asked("GET", path) as answer:
            yield from answer.iter_bytes()

    def part(self, path: str, *, start: int) -> Iterator[bytes]:
        """A long answer from a byte on, in pieces."""
        with self._asked("GET", path, headers={"Range": f"bytes={start}-"}) as answer:
            yield from answer.iter_bytes()

    def send(self, path: str, body: bytes, **query: Any) -> Any:
        """As `put`, with bytes."""
        headers = {"Content-Type": "application/octet-stream"}
        return self._json("PUT", path, content=body, params=query, headers=headers)

    def give(self, name: str, body: bytes) -> str:
        """A file for a message; its id."""
        headers = {"Content-Type": "application/octet-stream"}
        given = self._json("POST", "/api/files", content=body, params={"name": name}, headers=headers, timeout=_QUIET)
        return str(given["id"])

    def ask(self, conversation: str, text: str, files: Sequence[str] = ()) -> Iterator[Event]:
        """Sends a message; the events of the answer to their end. A cut is resumed where it was."""
        path, last = f"/api/conversations/{conversation}", ""
        try:
            for event in self._events("POST", f"{path}/messages", json={"text": text, "files": list(files)}):
                yield event
                last = event.id or last
                if ends(event):
                    return
        except HouseError as error:
            if not last or error.code != AWAY:
                raise
        yield from self._resumed(f"{path}/events", last)

    def follow(self, conversation: str, last: str) -> Iterator[Event]:
        """The events of a conversation after `last`, to the end of a run."""
        yield from self._resumed(f"/api/conversations/{conversation}/events", last)

    def _resumed(self, path: str, last: str) -> Iterator[Event]:
        for attempt in range(_RETURNS):
            try:
                for event in self._events("GET", path, headers={"Last-Event-ID": last}):
                    yield event
                    last = event.id or last
                    if ends(event):
                        return
            except HouseError as error:
                if error.code != AWAY or attempt == _RETURNS - 1:
                    raise
        raise HouseError("The answer broke off again and again. It goes on in the house.", code=AWAY)

    def _events(self, method: str, path: str, **more: Any) -> Iterator[Event]:
        headers = {"Accept": "text/event-stream", **more.pop("headers", {})}
        with self._asked(method, path, headers=headers, timeout=_QUIET, **more) as answer:
            yield from read_events(answer.iter_lines())

    def _asked(self, method: str, path: str, **more: Any) -> _Answer:
        return _Answer(self._http, self.url, method, path, more)

    def _json(self, method: str, path: str, **more: Any) -> Any:
        try:
            answer = self._http.request(method, path, **more)
        except httpx.TransportError as error:
            raise _away(self.url, error) from error
        self.clock_ahead = _clock_ahead(answer.headers.get("date", ""))
        if answer.is_error:
            raise _refused(answer)
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise HouseError(f"{self.url} does not answer as Open Assistant does. Is it the right address?") from error


class _Answer:
    """A streamed answer; what breaks in it is said as the house being away."""

    def __init__(self, http: httpx.Client, url: str, method: str, path: str, more: dict[str, Any]) -> None:
        self._stream, self._url = http.stream(method, path, **more), url

    def __enter__(self) -> Self:
        try:
            self._answer = self._stream.__enter__()
            if self._answer.is_error:
                self._answer.read()
                raise _refused(self._answer)
        except httpx.TransportError as error:
            raise _away(self._url, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.__exit__(kind, error, trace)
        if isinstance(error, httpx.TransportError):
            raise _away(self._url, error) from error

    def iter_bytes(self) -> Iterator[bytes]:
        return self._answer.iter_bytes()

    def iter_lines(self) -> Iterator[str]:
        return self._answer.iter_lines()


def read_events(lines: Iterator[str]) -> Iterator[Event]:
    """Events out of the lines of an event stream (WHATWG HTML, 9.2.6); raises `HouseError` for what is none of ours."""
    last, data = "", list[str]()
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            last = value
        elif name == "data":
            data.append(value)
        elif not line and data:
            yield Event(last, _object("\n".join(data)))
            data = []


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise HouseError("The house said something that cannot be read. Is this oa as new as the house?")
    return found


def _clock_ahead(date: str) -> timedelta | None:
    try:
        there = parsedate_to_datetime(date)
    except ValueError:
        return None
    ahead = (there if there.tzinfo else there.replace(tzinfo=UTC)) - datetime.now(UTC)
    return timedelta(seconds=round(ahead.total_seconds()))


def ends(event: Event) -> bool:
    """Whether a run is over: finished, waiting for a decision, or failed."""
    return event.type in ("RUN_FINISHED", "RUN_ERROR")


def _away(url: str, error: httpx.TransportError) -> HouseError:
    if isinstance(error, httpx.TimeoutException):
        return HouseError(f"{url} did not answer in time. Nothing more is known.", code=AWAY)
    return HouseError(f"Nobody answers at {url}. Is the house running? `oa run` starts it.", code=AWAY)


def _refused(answer: httpx.Response) -> HouseError:
    """The problem details of a refusal (RFC 9457), as one sentence or a few."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    words = str(problem.get("detail") or problem.get("title") or f"The house answered {answer.status_code}.")
    fields = problem.get("fields") or {}
    more = [f"  {name}: {text}" for name, text in fields.items()]
    steps = [f"  {step['name']}: {step.get('detail', '')}" for step in problem.get("steps") or [] if not step.get("ok")]
    code = SIGN_IN if answer.status_code == 401 else AWAY if answer.status_code in (502, 503, 504) else FAILED
    hint = ["Sign in with: oa login"] if code == SIGN_IN else []
    return HouseError("\n".join([words, *more, *steps, *hint]), code=code, problem=problem)


def the_one(found: Iterable[Mapping[str, Any]], given: str, *, what: str, listed: str) -> str:
    """The id that `given`, an id or at least four characters of its end, names among these; raises `HouseError`."""
    fitting = [str(each["id"]) for each in found if len(given) > 3 and each["id"].endswith(given)]
    if len(fitting) != 1:
        raise HouseError(f"There is no one {what} whose id ends in {given!r}. See: {listed}", code=USAGE)
    return fitting[0]
