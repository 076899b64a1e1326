"""The proxy itself: squid's configuration, and squid as a child of this room.

Squid opens tunnels (CONNECT, RFC 9110, 9.3.6) and does nothing else. Whether, and to which address, it asks the room
by three helpers for every single tunnel and keeps no answer:

    who     name and password of the asking room
    where   room, host, port: allowed or why not, and the one address that was looked at
    pin     that address in place of the name, so that squid itself looks nothing up and no name changes its mind

What comes out of the last step as anything but an address is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from openassistant.errors import Internal

__all__ = ["LOG", "LOG_FORMAT", "SOCKET", "Squid", "configuration", "program"]

LOG_FORMAT = "%ts.%03tu %tr %un %rm %>ru %>Hs %>st %>sh %<st %<sh %err_code"
"""Time of the end, milliseconds, room, method, host:port as asked, status, bytes from the room and of their head,
bytes to it and of their head, error."""

SOCKET, LOG = "socket", "log"
"""Names in the folder that this room shares with squid: where it is asked, and the pipe that the log goes through."""

_PLACES = ("/usr/sbin/squid", "/usr/local/sbin/squid")
_NEVER = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/127", "fe80::/10", "ff00::/8")
_FIRST_WAIT, _LONGEST_WAIT, _STEADY = 0.2, 10.0, 60.0
_END_SECONDS = 3.0

_log = logging.getLogger("openassistant.egress")

_CONFIGURATION = """# Made by the room egress at each start.
http_port {listen}
visible_hostname egress
pid_filename none
cache_log /dev/null
debug_options ALL,1 11,0 44,0
logformat room {log_format}
access_log stdio:{log} room
logfile_rotate 0

auth_param basic program {pipe} who
auth_param basic children 1 startup=1 idle=1 concurrency=1000
auth_param basic realm egress
auth_param basic credentialsttl 1 second
external_acl_type where ttl=0 negative_ttl=0 cache=0 children-max=1 children-startup=1 children-idle=1 \\
    concurrency=1000 %un %DST %PORT {pipe} where
url_rewrite_program {pipe} pin
url_rewrite_children 1 startup=1 idle=1 concurrency=1000
url_rewrite_extras "%{{address_}}note"
url_rewrite_access allow all

acl tunnel method CONNECT
acl known proxy_auth REQUIRED
acl decided external where
acl open note verdict_ open
acl nowhere note verdict_ unknown
acl pinned url_regex ^[0-9.]+:[0-9]+$ ^\\[[0-9a-f:.]+\\]:[0-9]+$
acl never dst {never}
http_access deny !tunnel
http_access deny !known
http_access deny !decided
http_access deny nowhere
http_access deny !open
http_access allow all
adapted_http_access deny !pinned
adapted_http_access deny never
adapted_http_access allow all
deny_info 404:ERR_DNS_FAIL nowhere

cache deny all
cache_mem 0 MB
memory_pools off
via off
forwarded_for delete
pinger_enable off
netdb_filename none
icp_port 0
htcp_port 0
server_persistent_connections off
connect_timeout 10 seconds
forward_max_tries 1
read_timeout 60 minutes
client_lifetime 1 day
shutdown_lifetime 1 second
max_filedescriptors 4096
coredump_dir none
"""


def configuration(*, listen: str, folder: Path, never: Iterable[str], python: str = sys.executable) -> str:
    """squid.conf: `listen` as squid writes it, the folder of socket and log, networks that nothing may reach."""
    pipe = Path(__file__).with_name("pipe.py")
    return _CONFIGURATION.format(
        listen=listen,
        log_format=LOG_FORMAT,
        pipe=f"{python} -I -S {pipe} {folder / SOCKET}",
        log=folder / LOG,
        never=" ".join(dict.fromkeys((*_NEVER, *never))),
    )


def program() -> Path:
    """Where squid is; raises `Internal` where it is not."""
    found = next((place for place in (*_PLACES, shutil.which("squid")) if place and Path(place).exists()), None)
    if found is None:
        raise Internal("squid is not installed; in the image of this room it is.")
    return Path(found)


class Squid:
    """Squid as a child: started, its log read line by line, started again when it ends."""

    def __init__(self, folder: Path, conf: str, *, line: Callable[[str], None], user: str | None = None) -> None:
        """`folder` takes configuration and log; `user`: whom squid runs as where this process is root."""
        self._folder, self._conf, self._line, self._user = folder, conf, line, user
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The running child's number."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def run(self) -> None:
        """Keeps squid running until cancelled, then ends it."""
        file, log = self._folder / "squid.conf", self._folder / LOG
        file.write_text(self._conf)
        log.unlink(missing_ok=True)
        os.mkfifo(log)
        if self._user:
            shutil.chown(log, self._user)
        reading = asyncio.create_task(_each_of(log, self._line))
        wait, clock = _FIRST_WAIT, asyncio.get_running_loop().time
        try:
            while True:
                began = clock()
                await self._once(file)
                wait = _FIRST_WAIT if clock() - began > _STEADY else min(wait * 2, _LONGEST_WAIT)
                _log.error("squid ended", extra={"again_in": wait})
                await asyncio.sleep(wait)
        finally:
            reading.cancel()

    async def _once(self, file: Path) -> None:
        name = f"oa{secrets.token_hex(4)}"  # its shared memory bears that name, and one that was killed leaves it
        command = [str(program()), "-N", "-d", "1", "-n", name, "-f", str(file)]
        who: dict[str, Any] = {"user": self._user, "group": "nogroup", "extra_groups": []} if self._user else {}
        self._process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, **who)
        _log.info("squid started", extra={"pid": self._process.pid})
        try:
            await asyncio.gather(_each(self._process.stderr, _say), self._process.wait())
        finally:
            await _end(self._process)
            _sweep(name)


def _sweep(name: str) -> None:
    """Removes shared memory that squid left behind; shm_open(3) keeps it there."""
    for left in Path("/dev/shm").glob(f"{name}-*"):  # noqa: S108 - see above
        left.unlink(missing_ok=True)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Asks squid to end, and makes it end when it does not within some seconds."""
    for ask in (process.terminate, process.kill):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            ask()
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()


async def _each_of(pipe: Path, use: Callable[[str], None]) -> None:
    """The lines that come through a named pipe; it is open for writing here too, so that it never ends."""
    stream, loop = asyncio.StreamReader(), asyncio.get_running_loop()
    file = os.fdopen(os.open(pipe, os.O_RDWR | os.O_NONBLOCK), "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), file)
    try:
        await _each(stream, use)
    finally:
        transport.close()


async def _each(stream: asyncio.StreamReader | None, use: Callable[[str], None]) -> None:
    assert stream is not None, "it is a pipe"
    while raw := await stream.readline():
        use(raw.decode(errors="replace").rstrip())


def _say(words: str) -> None:
    _log.info("squid says", extra={"words": words[:500]})
