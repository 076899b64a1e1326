"""`oa` run in this process against answers that a test writes down."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from rich.console import Console

from oa import session, settings, terminal
from oa.__main__ import main
from oa.house import House

Answer = Callable[[httpx.Request], httpx.Response] | Any


class Ran(NamedTuple):
    """What a run of `oa` came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """A house of fixed answers, "METHOD /path" each, and `oa` in front of it. `asked` is what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.answers: dict[str, Answer] = {"GET /api/setup": {"state": "done"}}
        self.asked: list[httpx.Request] = []
        self._patch, self._capsys = monkeypatch, capsys
        transport = httpx.MockTransport(self._answer)
        monkeypatch.setattr(session, "connect", lambda login: House(login, transport=transport))

    def __call__(self, *arguments: str, typed: str | None = None, piped: str = "") -> Ran:
        """Runs `oa`; `typed` is what a person types, `piped` what comes on standard input where nobody is there."""
        self._patch.setattr(terminal, "is_terminal", lambda: typed is not None)
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((piped if typed is None else typed).encode())))
        self._patch.setattr(terminal, "out", Console(highlight=False, markup=False, soft_wrap=True))
        self._patch.setattr(terminal, "err", Console(highlight=False, markup=False, soft_wrap=True, stderr=True))
        code = main(list(arguments))
        return Ran(code, *self._capsys.readouterr())

    def body(self, number: int = -1) -> Any:
        """The JSON of a request."""
        return json.loads(self.asked[number].content)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        found = self.answers.get(f"{request.method} {request.url.path}")
        if found is None:
            return httpx.Response(404, json={"title": "Not found", "detail": f"No answer for {request.url.path}."})
        if isinstance(found, Exception):
            raise found
        if callable(found):
            return found(request)
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own, empty configuration folder; nothing of this machine's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("OA_URL", raising=False)
    monkeypatch.delenv("OA_TOKEN", raising=False)
    return tmp_path / "openassistant" / "login.json"


@pytest.fixture
def oa(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Signed in with a token."""
    settings.keep(settings.Login("http://house.test", "oa_not-a-real-token"))
    return Terminal(monkeypatch, capsys)
