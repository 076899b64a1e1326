"""What a stranger's file might make its parser do, for the tests of the sandbox."""

import os
import socket
import sys
import time
from pathlib import Path
from typing import Any


def echo(data: bytes, **options: Any) -> Any:
    return [data.decode(), options, dict(os.environ), str(Path.cwd())]


def attempt(data: bytes) -> Any:
    """The errors of everything that must not work."""
    return {name: _tried(each) for name, each in ATTEMPTS.items()}


def _tried(act: Any) -> str:
    try:
        act()
    except Exception as error:  # noqa: BLE001 - which one is what is asked
        return type(error).__name__
    return "worked"


ATTEMPTS = {
    "read a file": lambda: Path(__file__).read_text(),
    "read the memory of its parent": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "write a file": lambda: Path("/tmp/oa-sandbox-test").write_text("x"),
    "make a folder": lambda: Path("/tmp/oa-sandbox-folder").mkdir(),
    "open a socket": lambda: socket.create_connection(("127.0.0.1", 1), timeout=1),
    "send a datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
    "start a program": lambda: os.execv("/bin/true", ["true"]),
    "raise its limits": lambda: __import__("resource").setrlimit(7, (100, 100)),
}


def eat(data: bytes) -> int:
    return len(bytearray(2_000_000_000))


def spin(data: bytes) -> None:
    while True:
        pass


def sleep(data: bytes) -> None:
    time.sleep(60)


def shout(data: bytes) -> str:
    return "x" * 5_000_000


def dive(data: bytes) -> int:
    return dive(data) + 1


def crash(data: bytes) -> None:
    os.kill(os.getpid(), 11)


def lie(data: bytes) -> None:
    sys.stdout.write("[" * 100_000)
    sys.stdout.flush()
    os._exit(0)


def fail(data: bytes) -> None:
    raise ValueError(data.decode())
