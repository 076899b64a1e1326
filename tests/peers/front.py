"""A reverse proxy that asks for a password and passes on: for servers that leave signing in to what stands before them.

It can also take away what a server is able to do, so that a connector meets the lesser servers of this world.
"""

import base64
import http.server
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from tests.peers.process import LOOPBACK, Lifespan, free_port

__all__ = ["Front", "Passed"]

_HOPS = {"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length", "date", "server"}


@dataclass(frozen=True)
class Passed:
    """A request with the answer of the server behind."""

    method: str
    path: str
    asked: bytes
    headers: Mapping[str, str]
    status: int
    answered: bytes


class Front(Lifespan):
    """Passes requests of `users` on to `target`, naming them in `X-Remote-User`; others get 401.

    Without users, what the client sends to sign in is passed on as it is. `change` may give another answer than the
    server's; `seen` holds what was passed. With `tls`, set before it starts, it is spoken to over https.
    """

    def __init__(self, target: str, users: Mapping[str, str] | None = None, *, port: int | None = None) -> None:
        self.tls: ssl.SSLContext | None = None
        self.target, self.users = target.rstrip("/"), users
        self.port = port if port is not None else free_port()
        self.change: Callable[[Passed], Passed] = _as_it_is
        self.seen: list[Passed] = []
        self._server: http.server.ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self.tls else 'http'}://{LOOPBACK}:{self.port}/"

    def start(self) -> None:
        """Listen."""
        self._server = http.server.ThreadingHTTPServer((LOOPBACK, self.port), _handler(self))
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join(5)
            self._server.server_close()
        self._server = self._thread = None

    def plain(self) -> None:
        """Change nothing any more, and forget what was seen."""
        self.change = _as_it_is
        self.seen.clear()

    def asked(self, method: str, part: str = "") -> list[Passed]:
        """The requests that were passed on, of a method and with that in their path."""
        return [each for each in self.seen if each.method == method and part in each.path]

    def break_off(self, method: str, part: str = "", *, status: int = 504, times: int = 1, done: bool = False) -> None:
        """The next answers to such requests are lost, after the server did what was asked.

        `done`: those alone that it did, and did not refuse.
        """
        left = [times]

        def lost(passed: Passed) -> Passed:
            if left[0] and passed.method == method and part in passed.path and (passed.status < 300 or not done):
                left[0] -= 1
                return replace(passed, status=status, answered=b"<html>late</html>", headers={})
            return passed

        self.change = lost

    def user_of(self, authorization: str) -> str | None:
        """Who signs in with that header; None when nobody does."""
        scheme, _, packed = authorization.partition(" ")
        try:
            name, _, password = base64.b64decode(packed).decode().partition(":")
        except ValueError:
            return None
        known = (self.users or {}).get(name)
        return name if scheme == "Basic" and known is not None and known == password else None

    def passed(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Passed:
        """The answer to a request."""
        given = {name.lower(): value for name, value in headers.items()}
        if self.users is not None:
            user = self.user_of(given.pop("authorization", ""))
            if user is None:
                refused = {"www-authenticate": 'Basic realm="calendars"'}
                return Passed(method, path, body, refused, 401, b"Who are you?")
            given["x-remote-user"] = user
        answer = self._ask(method, path, {n: v for n, v in given.items() if n not in _HOPS}, body)
        found = self.change(Passed(method, path, body, answer.headers, answer.status_code, answer.content))
        self.seen.append(found)
        return found

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=15) as client:
            return client.request(method, f"{self.target}{path}", content=body or None, headers=dict(headers))


def _as_it_is(passed: Passed) -> Passed:
    return passed


def _handler(front: Front) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            found = front.passed(self.command, self.path, dict(self.headers), body)
            self.send_response(found.status)
            for name, value in found.headers.items():
                if name.lower() not in _HOPS:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(found.answered)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(found.answered)
            self.close_connection = True

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self.pass_on
            raise AttributeError(name)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Nothing."""

    return Handler
