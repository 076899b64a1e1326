"""Accounts that are authorized at their provider, from a terminal: what to allow, where to go, and the way back.

A provider sends the browser to an address of this very machine where it cannot name the house. Where that address is
free, it is listened at; otherwise its owner copies it from the browser and pastes it here.
"""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from oa import terminal
from oa.house import FAILED, USAGE, House, HouseError

__all__ = ["authorized", "chosen", "client_of", "tell_registration"]

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PAUSE = 0.25
_LONGEST = 8192
_DONE = b"<!doctype html><title>Open Assistant</title><p>This page can be closed. Go on in the terminal."
Service = Mapping[str, Any]


def client_of(asked: House, service: Service) -> dict[str, Any]:
    """The house's registration with a service's provider, or what it takes to make one."""
    provider = service["sign_in"]["provider"]
    found = {each["provider"]: each for each in asked.get("/api/oauth/clients")}
    if provider not in found:
        raise HouseError(f"Let the service be used first: oa connectors approve {service['id']}", code=USAGE)
    return dict(found[provider])


def tell_registration(client: Mapping[str, Any], service: Service) -> None:
    """Step by step, how this house is registered with a provider."""
    apis = {each["api"]: each["api_url"] for each in service["sign_in"]["capabilities"] if each["api"]}
    terminal.say(f"1. Open the console of {client['name']}: {client['console_url']}", style="")
    for api, url in apis.items():
        terminal.say(f"   Switch on there: {api}  {url}", style="")
    terminal.say("2. Where it asks for the address to come back to (redirect URI), enter exactly this:", style="")
    terminal.say(f"   {client['redirect_uri']}", style="")
    is_native = client["secret"] != "required" and client["redirect_uri"].startswith("http:")
    kind = "the one for mobile and desktop, which needs no secret" if is_native else "a web application"
    terminal.say(f"   Where it asks what kind of program this is, choose {kind}.", style="")
    terminal.say(f"3. Copy the client ID that it shows: oa connectors register {service['id']} --client-id …", style="")


def chosen(service: Service, given: Sequence[str], again: Mapping[str, Any] | None) -> list[str]:
    """What is asked for: what was given, else what the account has already, else what the service proposes."""
    known = {each["id"]: each for each in service["sign_in"]["capabilities"]}
    if unknown := sorted(set(given) - known.keys()):
        raise HouseError(f"There is no permission {unknown[0]!r}. There are: {', '.join(known)}.", code=USAGE)
    wanted = list(given) or list((again or {}).get("capabilities") or ())
    wanted = wanted or [name for name, each in known.items() if each["chosen"]]
    terminal.say(f"What may it do? {service['sign_in']['name']} will ask you for exactly that.")
    for name, each in known.items():
        terminal.say(f"  {'✓' if name in wanted else ' '} {name:<14}{each['title']}")
    return wanted


def authorized(asked: House, service: Service, draft: Mapping[str, Any]) -> dict[str, Any]:
    """The account that its owner authorized meanwhile; raises `HouseError`."""
    begun = asked.post("/api/oauth/authorize", draft)
    name = service["sign_in"]["name"]
    if not _may_open(begun["url"]):
        words = "The address of the provider is not one to open: its registration here is wrong."
        raise HouseError(words, code=FAILED)
    if begun["user_code"]:
        made = _by_code(asked, begun, name)
    else:
        terminal.say(f"Open {name}, sign in there and allow what you chose:")
        terminal.say(begun["url"], style="")
        made = dict(asked.post("/api/oauth/finish", {"address": _came_back(begun)}))
    missing = set(draft["capabilities"]) - set(made["capabilities"] or ())
    for each in service["sign_in"]["capabilities"]:
        if each["id"] in missing:
            terminal.say(f"Not allowed: {each['title']}")
    return made


def _by_code(asked: House, begun: Mapping[str, Any], name: str) -> dict[str, Any]:
    terminal.say(f"Open {begun['url']}", style="")
    terminal.say(f"Type this code there: {begun['user_code']}", style="")
    terminal.say(f"Waiting until it is allowed at {name} …")
    while _left(begun) > 0:
        time.sleep(begun["interval"])
        if account := asked.post(f"/api/oauth/{begun['id']}/poll")["account"]:
            return dict(account)
    raise HouseError("The code was not typed in time. Begin again.", code=FAILED)


def _came_back(begun: Mapping[str, Any]) -> str:
    """The address that the provider sent the browser to: seen here, or pasted."""
    state = _query(begun["url"]).get("state", "")
    with _door(begun["redirect_uri"], state) as door:
        _tell_way_back(begun, listens=door is not None)
        reads = True
        while _left(begun) > 0:
            if door is not None and door.address:
                return door.address
            if not reads:
                time.sleep(_PAUSE)
                continue
            if (line := _line(_PAUSE)) is None:
                continue
            if line and _query(line.strip()).get("state") == state:
                return line.strip()
            if line.strip():
                terminal.say("This is not the address that the provider sent you to.", style="red")
            elif not line:
                reads = False
                if door is None:
                    raise HouseError("Its address did not come on standard input. Nothing was connected.", code=FAILED)
    raise HouseError("Nobody came back in time. Begin again.", code=FAILED)


def _tell_way_back(begun: Mapping[str, Any], *, listens: bool) -> None:
    if listens:
        terminal.say("Waiting until the browser comes back. From a browser on another machine, paste here the whole")
        terminal.say(f"address of the page that did not open; it begins with {begun['redirect_uri']}?")
    elif begun["returns_here"]:
        terminal.say("The browser then comes to a page of this house, which shows an address. Paste it here:")
    else:
        terminal.say("Then the browser says that a page cannot be reached. That is as it should be.")
        terminal.say("Copy the whole address of that page from the browser, and paste it here:")


class _Door:
    """The redirect address of this machine: takes the one answer that carries the state, and nothing else."""

    def __init__(self, place: str, state: str) -> None:
        url = urlsplit(place)
        self.address, self._place, self._path, self._state = "", place, url.path, state
        self._server = ThreadingHTTPServer(("127.0.0.1", url.port or 80), self._handler())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Frees the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def take(self, target: str) -> bool:
        """Whether a request is the browser that comes back."""
        if urlsplit(target).path != self._path or _query(target).get("state") != self._state or not self._state:
            return False
        self.address = self.address or f"{self._place}?{urlsplit(target).query}"
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        door = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                found = len(self.path) <= _LONGEST and door.take(self.path)
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", "default-src 'none'")
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(_DONE if found else b"")

            def log_message(self, *_: Any) -> None:
                """Nothing is written: the address is a secret."""

        return Handler


@contextmanager
def _door(place: str, state: str) -> Iterator[_Door | None]:
    """The redirect address, listened at; None where it is another machine's, or taken."""
    url = urlsplit(place)
    if url.scheme != "http" or url.hostname not in _LOOPBACK:
        yield None
        return
    try:
        door = _Door(place, state)
    except OSError:
        yield None
        return
    try:
        yield door
    finally:
        door.close()


def _line(seconds: float) -> str | None:
    """A line of standard input, "" at its end; None where none came in time."""
    try:
        ready = bool(select.select([sys.stdin], [], [], seconds)[0])
    except (OSError, ValueError):
        ready = True
    return sys.stdin.readline(_LONGEST) if ready else None


def _left(begun: Mapping[str, Any]) -> float:
    return (datetime.fromisoformat(begun["expires_at"]) - datetime.now(UTC)).total_seconds()


def _query(address: str) -> dict[str, str]:
    try:
        found = parse_qs(urlsplit(address).query)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _may_open(address: str) -> bool:
    """Nothing but https, and http on this machine, is gone to."""
    url = urlsplit(address)
    return url.scheme == "https" or (url.scheme == "http" and url.hostname in _LOOPBACK)
