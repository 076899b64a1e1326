"""An SMTP server of ours that breaks off or answers oddly at any one stage, and says what it really took."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from tests.peers.process import LOOPBACK, Lifespan, LoopThread, close_server

__all__ = ["STAGES", "LyingSmtp", "Stage"]

Stage = Literal[
    "", "greeting", "ehlo", "auth", "mail", "rcpt", "data", "in data", "dot lost", "dot taken", "half answer",
    "answer", "quit", "421 data", "421 dot", "odd dot", "second rcpt", "reset",
]  # fmt: skip
STAGES: tuple[Stage, ...] = Stage.__args__  # type: ignore[attr-defined]


class LyingSmtp(Lifespan):
    """Takes any sign-in. `stage` is where it goes wrong; `taken` holds the mails that it kept; `filed` gets each."""

    def __init__(self) -> None:
        self.host, self.port = LOOPBACK, 0
        self.stage: Stage = ""
        self.taken: list[bytes] = []
        self.filed: Callable[[bytes], None] = lambda content: None
        self._thread: LoopThread | None = None
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        """Listen on a port of the system's choice."""
        self._thread = LoopThread("lying smtp")
        self._thread.start()
        self._server = self._thread.run(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close the port."""
        thread, self._thread = self._thread, None
        if thread is not None and self._server is not None:
            thread.run(close_server(self._server))
            thread.stop()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._talk, self.host, 0)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _Talk(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()


class _Cut(ConnectionError):
    """The connection is broken off here."""


class _Talk:
    def __init__(self, peer: LyingSmtp, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peer, self.reader, self.writer = peer, reader, writer
        self.recipients = 0

    async def run(self) -> None:
        self._cut("greeting")
        await self._say("220 lying.example ready")
        while line := (await self.reader.readline()).decode().strip():
            verb = line.split(maxsplit=1)[0].upper()
            await getattr(self, f"_{verb.lower()}", self._other)(line)

    async def _ehlo(self, line: str) -> None:
        self._cut("ehlo")
        await self._say("250-lying.example\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN")

    async def _auth(self, line: str) -> None:
        self._cut("auth")
        await self._say("235 welcome")

    async def _mail(self, line: str) -> None:
        self._cut("mail")
        await self._say("451 later" if self.peer.stage == "reset" else "250 ok")

    async def _rset(self, line: str) -> None:
        self._cut("reset")
        await self._say("250 ok")

    async def _rcpt(self, line: str) -> None:
        self._cut("rcpt")
        self.recipients += 1
        refused = self.peer.stage == "second rcpt" and self.recipients == 2
        await self._say("550 nobody here" if refused else "250 ok")

    async def _data(self, line: str) -> None:
        self._cut("data")
        if self.peer.stage == "421 data":
            await self._say("421 closing")
            raise _Cut
        await self._say("354 go on")
        if self.peer.stage == "in data":
            await self.reader.readline()
            raise _Cut
        content = await self.reader.readuntil(b"\r\n.\r\n")
        await self._answer(content[:-3])

    async def _answer(self, content: bytes) -> None:
        self._cut("dot lost")
        if self.peer.stage in ("421 dot", "odd dot"):
            await self._say("421 closing" if self.peer.stage == "421 dot" else "354 what")
            raise _Cut
        self.peer.taken.append(content)
        self.peer.filed(content)
        self._cut("dot taken")
        if self.peer.stage == "half answer":
            self.writer.write(b"25")
            await self.writer.drain()
            raise _Cut
        await self._say("250 taken")
        self._cut("answer")

    async def _quit(self, line: str) -> None:
        self._cut("quit")
        await self._say("221 bye")
        raise _Cut

    async def _other(self, line: str) -> None:
        await self._say("250 ok")

    def _cut(self, stage: Stage) -> None:
        if self.peer.stage == stage:
            raise _Cut

    async def _say(self, answer: str) -> None:
        self.writer.write(answer.encode() + b"\r\n")
        await self.writer.drain()
