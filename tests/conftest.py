"""What holds for every test: nothing leaves this machine, and logging is as it was for the next one."""

import errno
import ipaddress
import logging
import os
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

pytest_plugins = ["tests.peers.fixtures", "tests.e2e.fixtures"]

_NAMES = {"", "localhost", "localhost.", "ip6-localhost", socket.gethostname()}


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _is_local(host: str) -> bool:
    address = _address(host)
    return host in _NAMES if address is None else address.is_loopback


def _text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")


def _close_sockets(event: str, arguments: tuple[Any, ...]) -> None:
    """Answers as a machine without a network would: no such name, network unreachable."""
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not _is_local(_text(arguments[1][0])):
        raise OSError(errno.ENETUNREACH, f"{os.strerror(errno.ENETUNREACH)} (tests reach loopback alone)")
    if event == "socket.getaddrinfo":
        host = _text(arguments[0])
        if not _is_local(host) and _address(host) is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known (tests reach loopback alone)")


sys.addaudithook(_close_sockets)


@pytest.fixture
def usual_logging() -> Iterator[None]:
    """Logging as it was before, afterwards."""
    root = logging.getLogger()
    hooks = sys.excepthook, threading.excepthook
    handlers, level, raising = root.handlers, root.level, logging.raiseExceptions
    levels = {logger: logger.level for logger in _loggers()}
    yield
    root.handlers, root.level, logging.raiseExceptions = handlers, level, raising
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(False)
    structlog.reset_defaults()
    for logger in _loggers():
        for reroute in [each for each in logger.filters if type(each).__module__ == "openassistant.log"]:
            logger.removeFilter(reroute)
            logger.setLevel(levels.get(logger, logging.NOTSET))


def _loggers() -> list[logging.Logger]:
    return [each for each in logging.Logger.manager.loggerDict.values() if isinstance(each, logging.Logger)]
