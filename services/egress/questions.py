"""What squid asks this room, over a socket: one line a question, its number in front, one line an answer.

The protocol of squid's helpers with `concurrency`: `<number> <words, percent-encoded>`, answered by `<number> OK` with
`key=value` pairs, or `<number> ERR`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from urllib.parse import unquote

from openassistant.errors import OaError
from services.egress.lists import Lists

__all__ = ["Questions"]

_log = logging.getLogger("openassistant.egress")


class Questions:
    """The answers: from the lists, and `digests` (room to SHA-256 of its password), read anew each time."""

    def __init__(self, lists: Lists, digests: Callable[[], Mapping[str, str]]) -> None:
        self._lists, self._digests = lists, digests
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._kinds: dict[str, Callable[[list[str]], Awaitable[str]]] = {
            "who": self._who,
            "where": self._where,
            "pin": self._pin,
        }

    @contextlib.asynccontextmanager
    async def at(self, path: Path) -> AsyncIterator[None]:
        """Answers at a socket for the length of a block."""
        server = await asyncio.start_unix_server(self._serve, path)
        try:
            yield
        finally:
            server.close()
            for writer in tuple(self._open):
                writer.close()
            await asyncio.gather(*self._serving, return_exceptions=True)

    async def answer(self, kind: str, words: list[str]) -> str:
        """The answer to one question, without its number; what cannot be understood is refused."""
        try:
            return await self._kinds[kind](words)
        except (ValueError, LookupError, OaError):
            return "ERR"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        if task := asyncio.current_task():
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        with contextlib.suppress(ConnectionError, ValueError):
            kind = (await reader.readline()).decode("ascii", "replace").strip()
            async with asyncio.TaskGroup() as tasks:
                while line := await reader.readline():
                    tasks.create_task(self._one(kind, line, writer))
        writer.close()
        self._open.discard(writer)

    async def _one(self, kind: str, line: bytes, writer: asyncio.StreamWriter) -> None:
        number, *words = line.decode("utf-8", "replace").split()
        said = await self.answer(kind, words)
        with contextlib.suppress(ConnectionError):
            writer.write(f"{number} {said}\n".encode())
            await writer.drain()

    async def _who(self, words: list[str]) -> str:
        room, password = (unquote(each) for each in words[:2])
        given = hashlib.sha256(password.encode()).hexdigest()
        return "OK" if hmac.compare_digest(given, self._digests().get(room, "")) else "ERR"

    async def _where(self, words: list[str]) -> str:
        room, host, port = (unquote(each) for each in words[:3])
        verdict = await self._lists.decide(room, host, int(port))
        if verdict.word != "open":
            _log.warning("refused", extra={"caller": room, "host": host[:253], "port": port, "why": verdict.word})
        return f"OK verdict_={verdict.word} address_={verdict.address or '-'}"

    async def _pin(self, words: list[str]) -> str:
        return f"OK rewrite-url={words[-1]}"
