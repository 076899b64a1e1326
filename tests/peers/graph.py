"""Microsoft Graph on loopback: accounts, paths, pages, deltas, conflicts, throttling and faults; mail lies beside.

    with Graph() as graph:
        graph.url                                   # "http://127.0.0.1:…/v1.0"
        ada = graph.user("ada@home.example")        # ada.token is what she signs in with
        graph.fault("after_commit", "POST /me/messages/.*/send")

No package has a Graph server with state, so this one is ours, written from Microsoft's reference
(https://learn.microsoft.com/graph/api/overview). It is held against two programs that others wrote: a client library
that works with it, and request and answer schemas (`tests/peers/test_graph.py`).

A service adds paths to a `Routes` and keeps its state in a class of its own: `asked.user.part(Mailbox)` makes it when
it is asked for first. `Graph(routes=(*mail, *calendar))` serves both.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tests.peers.process import LOOPBACK, Lifespan, free_port

__all__ = [
    "SCOPES",
    "Answer",
    "Asked",
    "Feed",
    "Graph",
    "GraphError",
    "Route",
    "Routes",
    "User",
    "delta",
    "moment",
    "stamp",
]

SCOPES = ("Mail.Read", "Mail.ReadWrite", "Mail.Send", "MailboxSettings.ReadWrite", "Calendars.ReadWrite", "User.Read")
_AT_ONCE = 4
"""https://learn.microsoft.com/graph/throttling-limits: of one app to one mailbox."""
_VERSION = "/v1.0"
_SECONDS_OF_A_FAULT = 30.0

Part = TypeVar("Part")


class GraphError(Exception):
    """An answer that is none, with Graph's own code."""

    def __init__(self, status: int, code: str, message: str = "", *, headers: dict[str, str] | None = None) -> None:
        super().__init__(message or code)
        self.status, self.code, self.message, self.headers = status, code, message or code, headers or {}


class User:
    """An account: its address, its token, what it was allowed, and what each service keeps of it."""

    def __init__(self, graph: Graph, address: str, name: str, scopes: Sequence[str]) -> None:
        self.graph, self.address, self.name, self.scopes = graph, address, name, set(scopes)
        self.id = secrets.token_hex(8)
        self.token = f"obviously-fake-token-of-{address.partition('@')[0]}"
        self.busy = 0
        self._parts: dict[type, Any] = {}

    def part(self, kind: type[Part]) -> Part:
        """What a service keeps of this account; made by `kind(user)` when it is asked for first."""
        if kind not in self._parts:
            self._parts[kind] = kind(self)  # type: ignore[call-arg]  # every part is made of its user
        found: Part = self._parts[kind]
        return found


@dataclass
class Asked:
    """A request. `path` is below `/v1.0`, `query` by names with their dollar signs, `match` what the route named."""

    graph: Graph
    user: User
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    content: bytes = b""
    match: dict[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        """The body's JSON; an empty body is an empty object."""
        try:
            return json.loads(self.content) if self.content.strip() else {}
        except ValueError as error:
            raise GraphError(400, "BadRequest", "Unable to read JSON request payload.") from error

    @property
    def immutable(self) -> bool:
        """Whether ids are asked for that stay when an item moves."""
        return "immutableid" in self.headers.get("prefer", "").lower()

    def preference(self, name: str) -> str:
        """The value of a preference (RFC 7240), without quotes; "" where it is not given."""
        found = re.search(rf"{re.escape(name)}\s*=\s*\"?([^\",;]+)", self.headers.get("prefer", ""), re.IGNORECASE)
        return found.group(1).strip() if found else ""

    def number(self, name: str, default: int, *, most: int) -> int:
        """A number of the query; raises for one that is none."""
        value = self.query.get(name, str(default))
        if not value.isdecimal() or not 1 <= int(value) <= most:
            raise GraphError(400, "BadRequest", f"Invalid value for {name}.")
        return int(value)

    def page_size(self, default: int) -> int:
        """How many items an answer has at most."""
        preferred = self.preference("odata.maxpagesize")
        return min(int(preferred), 1000) if preferred.isdecimal() and int(preferred) else default

    def link(self, **query: str) -> str:
        """This path with another query."""
        pairs = "&".join(f"{quote(name, safe='$')}={quote(value, safe='')}" for name, value in query.items())
        return f"{self.graph.url}{quote(self.path, safe='/%')}?{pairs}"

    def selected(self, item: dict[str, Any]) -> dict[str, Any]:
        """An item with what `$select` names, its id and its etag."""
        if not (wanted := self.query.get("$select", "")):
            return item
        names = {each.strip() for each in wanted.split(",")}
        return {name: value for name, value in item.items() if name in names or name == "id" or name.startswith("@")}

    def check_match(self, etag: str) -> None:
        """Refuses where `If-Match` names another state."""
        given = self.headers.get("if-match", "*")
        if given not in ("*", etag):
            raise GraphError(412, "ErrorIrresolvableConflict", "The change key does not match the current one.")


@dataclass
class Answer:
    """What comes back: an object as JSON, bytes as they are, None for no body."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Asked], Answer]


@dataclass(frozen=True)
class Route:
    """A method and a path, and which scopes suffice for it, one of them."""

    method: str
    template: str
    scopes: tuple[str, ...]
    handle: Handler

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """What the braces of the template stand for in a path; None where it does not fit."""
        wanted, given = self.template.split("/"), path.split("/")
        if method != self.method or len(wanted) != len(given):
            return None
        found: dict[str, str] = {}
        for template, value in zip(wanted, given, strict=True):
            if template.startswith("{"):
                found[template[1:-1]] = unquote(value)
            elif template.lower() != value.lower().removeprefix("microsoft.graph.").removesuffix("()"):
                return None
        return found


class Routes(list[Route]):
    """The paths of a service: `@routes("GET", "/me/messages/{message}", "Mail.Read", "Mail.ReadWrite")`.

    The first that fits answers, so what has a word stands before what has braces.
    """

    def __call__(self, method: str, template: str, *scopes: str) -> Callable[[Handler], Handler]:
        """Decorator: adds a path."""

        def add(handle: Handler) -> Handler:
            self.append(Route(method, template, scopes, handle))
            return handle

        return add


@dataclass
class Fault:
    """What goes wrong at the calls `first` to `last` among those that fit."""

    kind: str
    where: re.Pattern[str]
    first: int
    last: int
    options: dict[str, Any]
    seen: int = 0

    def meets(self, method: str, path: str) -> bool:
        """Whether this call is one of them; it is counted."""
        if not self.where.fullmatch(f"{method} {path}"):
            return False
        self.seen += 1
        return self.first <= self.seen <= self.last


class Feed:
    """What changed in a collection, in the order in which it did."""

    def __init__(self) -> None:
        self.count = 0
        self._entries: list[tuple[int, str, frozenset[str] | None]] = []
        self._gone: dict[str, int] = {}

    def changed(self, item: str, *names: str) -> None:
        """An item is new or changed; `names` are its changed properties where only those are told."""
        self.count += 1
        self._gone.pop(item, None)
        self._entries.append((self.count, item, frozenset(names) if names else None))

    def removed(self, item: str) -> None:
        """An item is not there any more."""
        self.count += 1
        self._gone[item] = self.count
        self._entries.append((self.count, item, None))

    def since(self, count: int) -> list[tuple[str, frozenset[str] | None]]:
        """The items that changed, each once, with the names of what changed (None is all of it)."""
        found: dict[str, frozenset[str] | None] = {}
        for at, item, names in self._entries:
            if at > count:
                before = found.pop(item, frozenset())
                found[item] = None if before is None or names is None else before | names
        return list(found.items())

    def is_gone(self, item: str) -> bool:
        """Whether it was removed last."""
        return item in self._gone


@dataclass
class _Round:
    """A delta under way: what is left to tell, and from where the next one goes on."""

    path: str
    user: str
    left: list[tuple[str, frozenset[str] | None]]
    until: int
    size: int
    select: str


def delta(
    asked: Asked,
    feed: Feed,
    start: Callable[[], Sequence[str]],
    render: Callable[[str], dict[str, Any] | None],
    *,
    size: int,
) -> Answer:
    """A page of a delta (https://learn.microsoft.com/graph/delta-query-overview).

    `start` gives the ids of the first round, in its order; `render` an item, None for one that is not there.
    """
    graph = asked.graph
    token = asked.query.get("$skiptoken") or asked.query.get("$deltatoken")
    if token is None:
        left: list[tuple[str, frozenset[str] | None]] = [(each, None) for each in start()]
        found = _Round(
            asked.path, asked.user.id, left, feed.count, asked.page_size(size), asked.query.get("$select", "")
        )
    else:
        kept = graph.rounds.get(token)
        if kept is None or (kept.path, kept.user) != (asked.path, asked.user.id):
            raise GraphError(
                410, "SyncStateNotFound", "The sync state generation is not found.",
                headers={"Location": asked.link(**{"$deltatoken": ""})},
            )  # fmt: skip
        fresh = "$deltatoken" in asked.query
        left, until = (feed.since(kept.until), feed.count) if fresh else (kept.left, kept.until)
        found = _Round(kept.path, kept.user, left, until, asked.page_size(kept.size), kept.select)
    asked.query["$select"] = found.select
    page, rest = found.left[: found.size], found.left[found.size :]
    graph.rounds[name := secrets.token_urlsafe(24)] = _Round(
        found.path, found.user, rest, found.until, found.size, found.select
    )
    body: dict[str, Any] = {"@odata.context": f"{graph.url}/$metadata#Collection(delta)"}
    body["value"] = [_told(asked, item, names, render(item)) for item, names in page]
    link = "@odata.nextLink" if rest else "@odata.deltaLink"
    body[link] = asked.link(**{"$skiptoken" if rest else "$deltatoken": name})
    return Answer(200, body)


def _told(asked: Asked, item: str, names: frozenset[str] | None, found: dict[str, Any] | None) -> dict[str, Any]:
    if found is None:
        return {"id": item, "@removed": {"reason": "deleted"}}
    chosen = asked.selected(found)
    if names is None:
        return chosen
    return {name: value for name, value in chosen.items() if name in names or name == "id" or name.startswith("@")}


class Graph(Lifespan):
    """The server. `asked` holds what came, `now` is its clock, `throttle` how many requests an account has at once."""

    def __init__(
        self,
        users: Sequence[str] = ("ada@home.example", "carol@example.org"),
        *,
        routes: Sequence[Route] | None = None,
        port: int | None = None,
    ) -> None:
        from tests.peers.graph_mail import routes as mail

        self.port = port if port is not None else free_port()
        self.routes: list[Route] = [*(mail if routes is None else routes), *_ROUTES]
        self.addresses = tuple(users)
        self.users: dict[str, User] = {}
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.lock = threading.RLock()
        self._server: http.server.ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self.reset()

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"{self.origin}{_VERSION}"

    def reset(self) -> None:
        """All accounts as they were at the beginning; no faults."""
        with self.lock:
            self.users = {each: User(self, each, each.partition("@")[0].title(), SCOPES) for each in self.addresses}
            self.asked: list[Asked] = []
            self.faults: list[Fault] = []
            self.rounds: dict[str, _Round] = {}
            self.uploads: dict[str, Any] = {}
            self.throttle = _AT_ONCE
            self.most_at_once = 0
            self.released = threading.Event()

    def user(self, address: str) -> User:
        """An account."""
        return self.users[address]

    def fault(self, kind: str, where: str = ".*", *, on_call: int = 1, times: int = 1, **options: Any) -> None:
        """Arms a fault for calls whose `METHOD /path` fits the expression, from the `on_call`-th of them on.

        Kinds: `unauthorized` 401 · `throttled` 429 (`retry_after=` seconds) · `unavailable` 503, nothing done ·
        `after_commit` done, but 504 · `dropped` done, but the connection ends · `truncated` half of the answer ·
        `slow` answers after `seconds=`, or once `released` is set · `foreign_link` links lead to another host ·
        `gone` 410 for the state of a sync · `error` (`status=`, `code=`) · `answer` (`body=`) in place of its own.
        """
        with self.lock:
            self.faults.append(Fault(kind, re.compile(where), on_call, on_call + times - 1, options))

    def calls(self, where: str) -> list[Asked]:
        """What was asked for so far and fits."""
        return [each for each in self.asked if re.fullmatch(where, f"{each.method} {each.path}")]

    def expire(self) -> None:
        """Forgets the state of every sync."""
        with self.lock:
            self.rounds.clear()

    def start(self) -> None:
        """Listen."""
        self._server = http.server.ThreadingHTTPServer((LOOPBACK, self.port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        self.released.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join(5)
            self._server.server_close()
        self._server = self._thread = None

    def answer(self, method: str, target: str, headers: dict[str, str], content: bytes) -> Answer:
        """The answer to a request, with whatever is to go wrong."""
        split = urlsplit(target)
        path = split.path.removeprefix(_VERSION)
        if split.path.startswith("/upload/"):
            return self._uploaded(method, split.path, headers, content)
        met = self._met(method, path)
        early = next((fault for fault in met if fault.kind in _EARLY), None)
        if early is not None:
            return _EARLY[early.kind](early)
        with self._signed_in(headers) as user:
            for fault in met:
                if fault.kind == "slow":
                    self.released.wait(fault.options.get("seconds", _SECONDS_OF_A_FAULT))
            query = dict(parse_qsl(split.query, keep_blank_values=True))
            asked = Asked(self, user, method, path, query, headers, content)
            with self.lock:
                self.asked.append(asked)
                answer = self._routed(asked)
        for fault in met:
            answer = _LATE.get(fault.kind, _unchanged)(fault, answer)
        return answer

    def _met(self, method: str, path: str) -> list[Fault]:
        with self.lock:
            return [fault for fault in self.faults if fault.meets(method, path)]

    @contextlib.contextmanager
    def _signed_in(self, headers: dict[str, str]) -> Iterator[User]:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        user = next((each for each in self.users.values() if each.token == token), None)
        if scheme.lower() != "bearer" or user is None:
            raise GraphError(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
        with self.lock:
            user.busy += 1
            self.most_at_once = max(self.most_at_once, user.busy)
            many = user.busy > self.throttle
        try:
            if many:
                raise GraphError(
                    429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.",
                    headers={"Retry-After": "1"},
                )  # fmt: skip
            yield user
        finally:
            with self.lock:
                user.busy -= 1

    def _routed(self, asked: Asked) -> Answer:
        known = False
        for route in self.routes:
            found = route.match(asked.method, asked.path)
            if found is None:
                known = known or route.match(route.method, asked.path) is not None
                continue
            if route.scopes and not asked.user.scopes.intersection(route.scopes):
                raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
            asked.match = found
            return route.handle(asked)
        if known:
            raise GraphError(405, "BadRequest", "Method not allowed.")
        raise GraphError(400, "BadRequest", "Resource not found for the segment.")

    def _uploaded(self, method: str, path: str, headers: dict[str, str], content: bytes) -> Answer:
        """A piece of a file: at its own address, whoever knows that, and never with a token."""
        take = self.uploads.get(path)
        if take is None:
            raise GraphError(404, "ErrorItemNotFound", "The upload session is not found.")
        if "authorization" in headers:
            raise GraphError(401, "InvalidAuthenticationToken", "An upload session takes no token.")
        with self.lock:
            answer: Answer = take(method, headers, content)
        return answer


_ROUTES = Routes()


@_ROUTES("GET", "/me", "User.Read")
def _me(asked: Asked) -> Answer:
    user = asked.user
    found = {"id": user.id, "displayName": user.name, "mail": user.address, "userPrincipalName": user.address}
    return Answer(200, asked.selected(found))


def moment(when: datetime) -> str:
    """A time as Graph writes it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def error_of(error: GraphError) -> Answer:
    """An error as Graph writes it."""
    inner = {"date": "2026-11-29T00:00:00", "request-id": secrets.token_hex(8), "client-request-id": ""}
    body = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
    return Answer(error.status, body, dict(error.headers))


def _refusal(status: int, code: str) -> Callable[[Fault], Answer]:
    return lambda fault: error_of(
        GraphError(int(fault.options.get("status", status)), str(fault.options.get("code", code)))
    )


def _throttled(fault: Fault) -> Answer:
    after = fault.options.get("retry_after")
    headers = {} if after is None else {"Retry-After": str(after)}
    return error_of(GraphError(429, "TooManyRequests", "Too many requests.", headers=headers))


_EARLY: dict[str, Callable[[Fault], Answer]] = {
    "unauthorized": _refusal(401, "InvalidAuthenticationToken"),
    "throttled": _throttled,
    "unavailable": _refusal(503, "ErrorServerBusy"),
    "gone": _refusal(410, "SyncStateNotFound"),
    "error": _refusal(400, "BadRequest"),
}


def _foreign(fault: Fault, answer: Answer) -> Answer:
    if isinstance(answer.body, dict):
        for name in ("@odata.nextLink", "@odata.deltaLink"):
            if name in answer.body:
                answer.body[name] = fault.options.get("to", "https://attacker.example/v1.0/me/messages?$skiptoken=1")
    return answer


def _unchanged(_: Fault, answer: Answer) -> Answer:
    return answer


_LATE: dict[str, Callable[[Fault, Answer], Answer]] = {
    "after_commit": lambda fault, _: error_of(GraphError(504, "UnknownError", "Gateway timeout.")),
    "dropped": lambda fault, _: Answer(0),
    "truncated": lambda fault, answer: Answer(answer.status, answer.body, {**answer.headers, "X-Cut": "1"}),
    "answer": lambda fault, answer: Answer(answer.status, fault.options["body"], answer.headers),
    "foreign_link": _foreign,
}


def _handler(graph: Graph) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def _serve(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                answer = graph.answer(self.command, self.path, headers, content)
            except GraphError as error:
                answer = error_of(error)
            with contextlib.suppress(ConnectionError):
                self._give(answer)

        def _give(self, answer: Answer) -> None:
            if answer.status == 0:
                self.close_connection = True
                return
            is_bytes = isinstance(answer.body, bytes)
            body = answer.body if is_bytes else b"" if answer.body is None else json.dumps(answer.body).encode()
            cut = answer.headers.pop("X-Cut", "")
            self.send_response(answer.status)
            kind = {} if answer.body is None or is_bytes else {"Content-Type": "application/json"}
            for name, value in {**kind, **answer.headers, "request-id": secrets.token_hex(8)}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(graph.now().timestamp() if timestamp is None else timestamp)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - the server looks for these names

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler


def stamp() -> str:
    """Something new at each call, for change keys."""
    return f"CQAAABYA{secrets.token_hex(6)}{time.monotonic_ns() % 10_000:04d}"
