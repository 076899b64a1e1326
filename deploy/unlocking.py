"""A root key under a passphrase, as the one-command run unlocks it: asked for in the terminal, or read from a file.

A process of its own asks, derives what the supervisor has to know, and ends; so that neither the supervisor nor any
room that is forked from it ever has passphrase or root key in its memory. The passphrase lies in a file that exists in
memory alone, open in the supervisor and handed to the vault; each other room closes it as its first act. Meanwhile
whoever asks the house's address is told what it waits for.
"""

from __future__ import annotations

import contextlib
import getpass
import http.server
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from deploy.provision import Roots, read_roots
from deploy.settings import HouseSettings
from openassistant.errors import Internal, OaError
from services.vault.rootkey import WrongPassphrase, is_protected, read_passphrase

__all__ = ["Unlocked", "unlock"]

_NEED_IT = ("vault", "backup")
_ATTEMPTS = 3
_WAITS = (
    "Open Assistant is locked: its root key is protected by a passphrase, which is asked for where it was started. "
    "Nothing runs until then, and nothing is lost."
)
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><meta http-equiv="refresh" content="5"><title>Locked</title>
<main style="font:1rem/1.6 system-ui;max-width:34rem;margin:15vh auto;padding:0 1rem">
<h1>Locked</h1><p>{words}</p></main>
"""


class Unlocked(BaseModel):
    """What the supervisor knows of an unlocked root key, and the open file with its passphrase."""

    model_config = ConfigDict(frozen=True)

    roots: Roots
    passphrase: int

    def hand_to(self, room: str) -> int | None:
        """In a forked room: the open file for the vault and what makes copies; closed, and None, for every other."""
        if room in _NEED_IT:
            return self.passphrase
        os.close(self.passphrase)
        return None


def unlock(settings: HouseSettings) -> Unlocked | None:
    """Has the passphrase of a protected root key told, and tries it; None for a root key without.

    Raises `WrongPassphrase`, `Internal`, before anything of the house is touched.
    """
    if not is_protected(settings.root_key):
        return None
    if not hasattr(os, "memfd_create"):
        raise Internal("A root key under a passphrase needs Linux, or containers.")
    held = os.memfd_create("passphrase")
    with _door(settings):
        answer = _in_child(lambda: _asked(settings, held))
    found = json.loads(answer or '{"wrong": "The passphrase was not told."}')
    if "wrong" in found:
        os.close(held)
        raise WrongPassphrase(found["wrong"])
    return Unlocked(roots=Roots.model_validate(found), passphrase=held)


def _asked(settings: HouseSettings, held: int) -> dict[str, object]:
    """The passphrase into `held`, and what of the root key may be known outside."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            passphrase = _passphrase(settings.passphrase_file)
            roots = read_roots(settings.root_key, passphrase=passphrase)
        except WrongPassphrase as error:
            if settings.passphrase_file is not None or attempt == _ATTEMPTS:
                raise
            sys.stderr.write(f"{error.message} Try again.\n")
            continue
        os.write(held, passphrase.encode())
        return {**roots.model_dump(mode="json"), "jetstream": roots.jetstream.get_secret_value()}
    raise AssertionError("the last attempt returns or raises")


def _passphrase(file: Path | None) -> str:
    if file is not None:
        return read_passphrase(file)
    if not sys.stdin.isatty():
        raise WrongPassphrase(
            "The root key is protected by a passphrase, and there is no terminal to ask for it. Start the house in "
            "one, or name a file or a pipe with it: OA_PASSPHRASE_FILE."
        )
    return getpass.getpass("Passphrase of the root key: ")


def _in_child(work: Callable[[], dict[str, object]]) -> str:
    """What `work` comes to as JSON, done in a process that ends with it; "" where that was broken off."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        with contextlib.suppress(BaseException):
            os.write(writing, json.dumps(_said(work)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        found = answer.read()
    os.waitpid(pid, 0)
    return found


def _said(work: Callable[[], dict[str, object]]) -> dict[str, object]:
    try:
        return work()
    except OaError as error:
        return {"wrong": error.message}
    except (KeyboardInterrupt, EOFError):
        return {"wrong": "The passphrase was not told."}


@contextlib.contextmanager
def _door(settings: HouseSettings) -> Iterator[None]:
    """A process that answers at the house's address meanwhile: the house is locked."""
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            _serve(settings.host, settings.port)
        os._exit(0)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _serve(host: str, port: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who asks
    parent = os.getppid()
    with http.server.ThreadingHTTPServer((host, port), _Locked) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        while os.getppid() == parent:
            signal.sigtimedwait((), 1)


class _Locked(http.server.BaseHTTPRequestHandler):
    """503 for every GET but /healthz, to programs as a problem document (RFC 9457)."""

    server_version, sys_version = "open-assistant", ""

    def do_GET(self) -> None:
        """Answers."""
        alive = self.path == "/healthz"
        as_page = "text/html" in self.headers.get("Accept", "")
        problem = {"type": "about:blank", "title": "Locked", "status": 503, "detail": _WAITS}
        plain = json.dumps({"status": "locked"} if alive else problem)
        body = (_PAGE.format(words=_WAITS) if as_page else plain).encode()
        self.send_response(200 if alive else 503)
        self.send_header("Content-Type", "text/html; charset=utf-8" if as_page else "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("Retry-After", "5")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""
