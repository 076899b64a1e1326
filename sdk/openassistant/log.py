"""Logs: JSON unless on a terminal, one static text plus fields, secrets masked, no content.

Modules log by `logging.getLogger("openassistant.…")` with `extra={…}`; `configure` decides what becomes of it. An
exception is written down by its type and place; its words only where they are ours (`OaError`), because those of
others quote what they failed on. Local variables and lines of source are never written.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO
from uuid import UUID

import structlog
from pydantic import SecretBytes, SecretStr
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from openassistant.errors import OaError

__all__ = ["MASK", "configure", "mask"]

MASK = "***"
"""What stands where a secret stood."""

_LONGEST = 2000
_DEEPEST = 6
_FRAMES = 12
_FOREIGN = (
    *("LiteLLM", "LiteLLM Proxy", "LiteLLM Router", "alembic", "asyncio", "httpcore", "httpx", "nats"),
    *("openai", "sqlalchemy", "uvicorn", "uvicorn.access", "uvicorn.asgi", "uvicorn.error"),
)
"""Loggers that quote requests below WARNING, and some of which bring handlers of their own."""

_SECRET_WORDS = {
    *("authorization", "cookie", "cookies", "credential", "credentials", "passphrase", "passwd", "password"),
    *("passwords", "pwd", "secret", "secrets", "seed", "token", "tokens"),
}
_SECRET_PAIRS = {"api_key", "api_keys", "private_key", "root_key", "data_key", "set_cookie"}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NAMED = r"(?:[\w-]*(?:password|passwd|passphrase|secret|token|api[_-]?key)|authorization|(?:set-)?cookie)"
_SHAPES = (
    # JWS and JWE in compact form (RFC 7515, 7516): a JSON object begins with eyJ in base64.
    (re.compile(r"eyJ[\w-]{6,}(?:\.[\w-]*){1,4}"), MASK),
    # A Fernet token: version 0x80 and a time whose upper bytes are zero until 2106.
    (re.compile(r"gAAAA[\w-]{50,}={0,2}"), MASK),
    # 32 bytes in base64: a Fernet key, the root key.
    (re.compile(r"(?<![\w+/-])[\w+/-]{43}="), MASK),
    # The seed of an nkey.
    (re.compile(r"\bS[ACNOUX][A-Z2-7]{56}\b"), MASK),
    (re.compile(r"\bsk-[\w-]{12,}"), MASK),
    (re.compile(r"\b(bearer|basic|negotiate)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\b([a-z][a-z0-9+.-]*://)[^\s/?#]*@", re.IGNORECASE), rf"\1{MASK}@"),
    (re.compile(rf"\b({_NAMED}\\?[\"']?\s*[=:]\s*)\\?[\"']?[^\s\"'&;,}}\])]+", re.IGNORECASE), rf"\1{MASK}"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PLAIN = (bool, int, float, type(None))
_SPOKEN = (datetime, date, time, timedelta, Path, UUID, Enum)


def configure(room: str, *, stream: TextIO | None = None) -> None:
    """Sends every logger of this process to `stream` (stderr), one line per event, in the name of `room`."""
    out = stream or sys.stderr
    _structlog()
    root = logging.getLogger()
    root.handlers = [_handler(room, out)]
    root.setLevel(logging.INFO)
    for name in _FOREIGN:
        _reroute(logging.getLogger(name))
    logging.captureWarnings(True)
    sys.excepthook = _process_failed
    threading.excepthook = _thread_failed


def mask(value: Any, *, depth: int = 0) -> Any:
    """A value as it may be logged: JSON values with secrets replaced; of other objects the type alone."""
    if isinstance(value, SecretStr | SecretBytes):
        return MASK
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, BaseException):
        return _described(value)
    if isinstance(value, _SPOKEN):
        return _text(str(value.value if isinstance(value, Enum) else value))
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {
            str(key): MASK if _is_secret(key, inner) else mask(inner, depth=depth + 1) for key, inner in value.items()
        }
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [mask(inner, depth=depth + 1) for inner in value]
    return f"<{type(value).__name__}>"


def _text(text: str) -> str:
    """A text without secrets and control characters, cut where it is long."""
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    shown = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}… ({len(shown)} characters)"


def _is_secret(key: Any, value: Any) -> bool:
    """Whether the name of a field says that its value is a secret; a number of tokens is none."""
    words = [word.lower() for word in _WORDS.findall(str(key))]
    if isinstance(value, int) and words[-1:] == ["tokens"]:
        return False
    pairs = {f"{first}_{second}" for first, second in pairwise(words)}
    return bool(_SECRET_WORDS.intersection(words) or _SECRET_PAIRS & pairs or "apikey" in words)


def _described(error: BaseException) -> dict[str, Any]:
    """An exception by type, place and cause; its words only where they are ours or the operating system's."""
    found: dict[str, Any] = {"type": type(error).__qualname__}
    if isinstance(error, OaError):
        found |= {"code": error.code, "message": _text(error.message)}
    elif isinstance(error, OSError) and error.strerror:
        found["message"] = _text(error.strerror)
    if error.__traceback__ is not None:
        found["where"] = list(_frames(error.__traceback__))[-_FRAMES:]
    if isinstance(error, BaseExceptionGroup):
        found["inside"] = [_described(each) for each in error.exceptions[:_DEEPEST]]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        found["cause"] = _described(cause)
    return found


def _frames(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        code = trace.tb_frame.f_code
        module = trace.tb_frame.f_globals.get("__name__", "?")
        yield f"{module}:{trace.tb_lineno} {code.co_name}"
        trace = trace.tb_next


def _structlog() -> None:
    """Sends structlog's own loggers the same way."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _handler(room: str, out: TextIO) -> logging.Handler:
    handler = _Handler(out)
    render: Processor = structlog.dev.ConsoleRenderer(event_key="event") if out.isatty() else _as_json
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[structlog.contextvars.merge_contextvars, structlog.stdlib.ExtraAdder(), _without_reprs],
            processors=[_Fields(room), render],
        )
    )
    return handler


class _Handler(logging.StreamHandler[TextIO]):
    """A stream that does not quote what could not be logged, and stops nobody where it cannot be written to."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Says where, in place of the record's text and arguments."""
        with contextlib.suppress(OSError, ValueError):  # a full disk; a stream that was closed
            sys.stderr.write(f'{{"event": "event not logged", "logger": "{record.name}", "line": {record.lineno}}}\n')


class _Fields:
    """The last form of an event: who, when, how grave, then the fields, masked."""

    def __init__(self, room: str) -> None:
        self._room = room

    def __call__(self, _: WrappedLogger, name: str, event: EventDict) -> EventDict:
        record: logging.LogRecord = event.pop("_record")
        for ours in ("_from_structlog", "stack_info", "logger", "level"):
            event.pop(ours, None)
        error = _error_in(event.pop("exc_info", None))
        made = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        head = {"time": made, "level": record.levelname.lower(), "room": self._room, "logger": record.name}
        fields: dict[str, Any] = mask({"event": event.pop("event", ""), **event})
        if error is not None:
            fields["exception"] = _described(error)
        return {**head, **{k: v for k, v in fields.items() if k not in head}}


def _without_reprs(_: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Asyncio appends the repr of tasks and their exceptions to its texts: the first line is the static one."""
    record: logging.LogRecord = event["_record"]
    if record.name == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _error_in(given: Any) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1]  # type: ignore[no-any-return]
    return sys.exc_info()[1] if given else None


def _as_json(_: WrappedLogger, name: str, event: EventDict) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(", ", ": "))


class _Reroute(logging.Filter):
    """Hands a record to the root's handler alone, whatever handlers the library has added or will add."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Never lets the logger's own handlers have it."""
        if record.levelno >= logging.WARNING:
            logging.getLogger().handle(record)
        return False


def _reroute(logger: logging.Logger) -> None:
    logger.setLevel(logging.WARNING)
    if not any(isinstance(each, _Reroute) for each in logger.filters):
        logger.addFilter(_Reroute())


def _process_failed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger("openassistant").critical("process failed", exc_info=error)


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    logging.getLogger("openassistant").critical("thread failed", exc_info=failed.exc_value)
