"""A planted secret is in no line of the log, however it gets there; what the owner needs is."""

from __future__ import annotations

import io
import itertools
import json
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.fernet import Fernet
from pydantic import BaseModel, SecretStr

from openassistant.context import new_id, utc_now
from openassistant.errors import Unavailable
from openassistant.grants import Grant, SigningKey
from openassistant.log import configure, mask

SDK = str(Path(__file__).parents[2] / "sdk")
PLANTED = "planted-not-a-real-secret"
FERNET_KEY = Fernet.generate_key().decode()
FERNET_TOKEN = Fernet(FERNET_KEY).encrypt(b"not a real secret").decode()
GRANT = SigningKey.generate().sign(
    Grant(id=new_id(), kind="turn", user=new_id(), origin="message", expires=utc_now(), connectors={})
)
NKEY_SEED = "SU" + "A" * 56


class Person(BaseModel):
    password: str


class Out(io.StringIO):
    """A stream that may say that it is a terminal."""

    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def only(self) -> dict[str, Any]:
        (line,) = self.lines()
        return line


@pytest.fixture
def out(usual_logging: None) -> Out:
    stream = Out()
    configure("mail", stream=stream)
    return stream


def test_an_event_is_one_line_of_json_with_its_fields(out: Out) -> None:
    logging.getLogger("openassistant.mail").info("mails fetched", extra={"count": 3})
    line = out.only()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "room": "mail",
        "logger": "openassistant.mail",
        "event": "mails fetched",
        "count": 3,
    }


def test_a_terminal_gets_lines_for_a_person(usual_logging: None) -> None:
    out = Out(terminal=True)
    configure("mail", stream=out)
    logging.getLogger("openassistant.mail").warning(
        "provider away", extra={"password": PLANTED, "host": "imap.example"}
    )
    assert "provider away" in out.getvalue()
    assert "imap.example" in out.getvalue()
    assert PLANTED not in out.getvalue()
    assert not out.getvalue().startswith("{")


@pytest.mark.parametrize(
    "name",
    [
        "password", "Password", "smtp_password", "token", "accessToken", "access_token", "refresh-token",
        "Authorization", "client_secret", "clientSecret", "secrets", "api_key", "apiKey", "API_KEY", "x-api-key",
        "cookie", "Set-Cookie", "private_key", "passphrase", "credentials", "seed", "OPENAI_API_KEY", "grant_token",
    ],
)  # fmt: skip
def test_a_field_named_as_a_secret_is_masked(out: Out, name: str) -> None:
    logging.getLogger("openassistant.mail").info("fields", extra={name: PLANTED, "given": {"inner": [{name: PLANTED}]}})
    assert PLANTED not in out.getvalue()
    assert out.only()["given"] == {"inner": [{name: "***"}]}


@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens", "tokens"])
def test_a_number_of_tokens_is_no_secret(out: Out, name: str) -> None:
    logging.getLogger("openassistant.agent").info("used", extra={name: 12})
    assert out.only()[name] == 12


@pytest.mark.parametrize("name", ["keyboard", "host", "passed", "secretary", "monkey_count", "code"])
def test_a_field_with_a_harmless_name_stays(out: Out, name: str) -> None:
    logging.getLogger("openassistant.agent").info("plain", extra={name: "shown"})
    assert out.only()[name] == "shown"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"grant {GRANT} was refused", GRANT),
        (f"grant {GRANT} was refused", GRANT.split(".")[1]),
        (f"grant {GRANT} was refused", GRANT.split(".")[2]),
        (f"stored {FERNET_TOKEN}", FERNET_TOKEN),
        (f"key '{FERNET_KEY}' made", FERNET_KEY),
        (f"at https://ada:{PLANTED}@cloud.home.example/dav", PLANTED),
        (f"at https://ada:p@{PLANTED}@cloud.home.example/dav", PLANTED),
        (f"at imaps://{PLANTED}@mail.example", PLANTED),
        (f"GET https://api.example/v1?access_token={PLANTED}&limit=3", PLANTED),
        (f"Authorization: Bearer {PLANTED}", PLANTED),
        (f"{{'headers': {{'authorization': 'Basic {PLANTED}'}}}}", PLANTED),
        (f'{{"password": "{PLANTED}"}}', PLANTED),
        (f'{{\\"client_secret\\": \\"{PLANTED}\\"}}', PLANTED),
        (f"login failed: password={PLANTED}", PLANTED),
        (f"Cookie: session={PLANTED}", PLANTED),
        ("key sk-notArealKey1234567890", "sk-notArealKey1234567890"),
        (f"seed {NKEY_SEED}", NKEY_SEED),
    ],
    ids=map(str, itertools.count()),  # the values differ from process to process
)
def test_a_secret_inside_a_text_is_masked(out: Out, text: str, secret: str) -> None:
    log = logging.getLogger("somebody.elses")
    log.info(text)
    log.info("got %s", text)
    log.info("got", extra={"detail": text, "list": [text], "deep": {"er": (text,)}})
    assert len(out.lines()) == 3
    assert secret not in out.getvalue()


def test_what_stands_beside_a_secret_stays_readable() -> None:
    assert mask(f"https://ada:{PLANTED}@cloud.home.example/dav?limit=3") == "https://***@cloud.home.example/dav?limit=3"
    assert mask("a mail of carol@example.org at 10:30") == "a mail of carol@example.org at 10:30"
    assert mask("0198c0de" * 4) == "0198c0de" * 4
    assert mask("a" * 64) == "a" * 64


def test_secret_types_and_objects_are_not_written_out(out: Out) -> None:
    fields = {"one": SecretStr(PLANTED), "two": Person(password=PLANTED), "three": PLANTED.encode(), "four": [object]}
    logging.getLogger("openassistant.mail").info("objects", extra=fields)
    line = out.only()
    assert PLANTED not in out.getvalue()
    assert (line["one"], line["two"], line["three"]) == ("***", "<Person>", "<bytes>")


def test_a_strangers_exception_is_written_by_type_and_place_alone(out: Out) -> None:
    def connect(password: str) -> None:
        local = password.upper()
        raise ValueError(f"cannot use {password} {local}")

    try:
        connect(PLANTED)
    except ValueError:
        logging.getLogger("openassistant.mail").exception("tool failed", extra={"tool": "messages_search"})
    line = out.only()
    assert line["exception"]["type"] == "ValueError"
    assert line["exception"]["where"][-1].endswith(" connect")
    assert line["tool"] == "messages_search"
    assert PLANTED not in out.getvalue().lower()


def test_our_own_exception_is_written_with_its_words_and_its_cause(out: Out) -> None:
    try:
        try:
            os.open("/nowhere/at/all", os.O_RDONLY)
        except FileNotFoundError as missing:
            raise Unavailable("The mail server is away.") from missing
    except Unavailable:
        logging.getLogger("openassistant.mail").exception("sync failed")
    error = out.only()["exception"]
    assert (error["type"], error["code"], error["message"]) == (
        "Unavailable",
        "unavailable",
        "The mail server is away.",
    )
    assert (error["cause"]["type"], error["cause"]["message"]) == ("FileNotFoundError", "No such file or directory")


def test_an_exception_in_a_field_or_group_is_described_the_same_way(out: Out) -> None:
    group = ExceptionGroup(PLANTED, [ValueError(PLANTED), OSError(28, "No space left on device")])
    logging.getLogger("openassistant.mail").error("failed", exc_info=group, extra={"reason": KeyError(PLANTED)})
    line = out.only()
    assert PLANTED not in out.getvalue()
    assert [each["type"] for each in line["exception"]["inside"]] == ["ValueError", "OSError"]
    assert line["reason"] == {"type": "KeyError"}


def test_a_text_cannot_forge_a_line_or_steer_a_terminal(usual_logging: None) -> None:
    out = Out(terminal=True)
    configure("mail", stream=out)
    logging.getLogger("openassistant.mail").warning("from \x1b]0;owned\x07 \x1b[2J", extra={"subject": "\x1b[2J"})
    assert "\x1b]0" not in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()
    json_out = Out()
    configure("mail", stream=json_out)
    logging.getLogger("openassistant.mail").warning('two\n{"event": "forged"}')
    assert len(json_out.lines()) == 1


def test_a_very_long_text_is_cut(out: Out) -> None:
    logging.getLogger("openassistant.mail").info("long", extra={"text": "x" * 100_000})
    assert len(out.getvalue()) < 3000


@pytest.mark.parametrize("name", ["httpx", "httpcore", "nats", "uvicorn.access", "uvicorn.error", "LiteLLM", "openai"])
def test_a_library_speaks_from_warning_on_through_the_same_handler(out: Out, name: str) -> None:
    library, own = logging.getLogger(name), io.StringIO()
    its_handler = logging.StreamHandler(own)
    library.addHandler(its_handler)
    try:
        library.info("HTTP Request: GET https://api.example/?q=private")
        library.setLevel(logging.DEBUG)
        library.debug(PLANTED)
        library.warning("slow %s", f"token={PLANTED}")
    finally:
        library.removeHandler(its_handler)
    assert own.getvalue() == ""
    assert [line["event"] for line in out.lines()] == ["slow token=***"]


def test_asyncio_says_what_failed_without_the_words_of_the_failure(out: Out) -> None:
    text = f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{PLANTED}')>"
    logging.getLogger("asyncio").error(text, exc_info=ValueError(PLANTED))
    assert out.only()["event"] == "Task exception was never retrieved"
    assert PLANTED not in out.getvalue()


def test_an_event_that_cannot_be_formatted_is_not_quoted() -> None:
    ended = run(f'logging.getLogger("openassistant.mail").info("two %s %s", "{PLANTED}")')
    assert ended.returncode == 0
    assert [json.loads(line)["event"] for line in ended.stderr.splitlines()] == ["event not logged"]


def test_a_room_goes_on_where_its_log_cannot_be_written() -> None:
    program = (
        'import logging; from openassistant.log import configure; configure("mail");'
        'logging.getLogger("openassistant.mail").warning("bus is away"); print("went on")'
    )
    ended = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -c "$1" 2>/dev/full', sys.executable, program],
        env={**os.environ, "PYTHONPATH": SDK}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.stdout == "went on\n"


def test_structlogs_own_loggers_and_warnings_go_the_same_way(out: Out) -> None:
    structlog.stdlib.get_logger("openassistant.mail").warning("by structlog", password=PLANTED, count=2)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn(f"old way, token={PLANTED}", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)
    first, second = out.lines()
    assert (first["event"], first["count"], first["password"]) == ("by structlog", 2, "***")
    assert second["logger"] == "py.warnings"
    assert PLANTED not in out.getvalue()


def test_configuring_twice_does_not_write_twice(usual_logging: None) -> None:
    out = Out()
    configure("mail", stream=out)
    configure("mail", stream=out)
    logging.getLogger("httpx").warning("once")
    logging.getLogger("openassistant.mail").warning("once")
    assert len(out.lines()) == 2


def test_a_process_or_thread_that_dies_of_a_strangers_exception_does_not_quote_it() -> None:
    ended = run(
        f"""
def fail():
    raise ValueError("{PLANTED}")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail()
"""
    )
    assert ended.returncode == 1
    assert PLANTED not in ended.stderr + ended.stdout
    assert [json.loads(line)["event"] for line in ended.stderr.splitlines()] == ["thread failed", "process failed"]


def run(program: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, because pytest listens to every logger of this one."""
    start = 'import logging, threading\nfrom openassistant.log import configure\nconfigure("mail")\n'
    return subprocess.run(
        [sys.executable, "-c", start + program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": SDK},
    )
