"""An IMAP server of ours that lies, breaks off or says nothing at a chosen command; else it serves three mails."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable

from tests.peers.process import LOOPBACK, Lifespan, LoopThread, close_server

__all__ = ["MAILS", "LyingImap"]

MAILS = {
    uid: f"From: Carol Meyer <carol@example.org>\r\nSubject: Mail {uid}\r\n\r\nText {uid}\r\n".encode()
    for uid in (1, 2, 3)
}
Lie = Callable[[str, str], bytes | None]
"""What to send instead of the answer to a command, from its tag and arguments; None tells the truth."""


class LyingImap(Lifespan):
    """`lies` holds, by command (`FETCH`, `LIST`, …), what is sent instead; `tokens` what came by AUTHENTICATE.

    After an answer that ends with "!cut" the connection is closed, after "!mute" nothing comes any more.
    """

    def __init__(self) -> None:
        self.host, self.port = LOOPBACK, 0
        self.capability = "IMAP4rev1 AUTH=PLAIN"
        self.greeting = b"* OK lying.example ready\r\n"
        self.lies: dict[str, Lie] = {}
        self.tokens: list[bytes] = []
        self.refusal = b""
        self._thread: LoopThread | None = None
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        """Listen on a port of the system's choice."""
        self._thread = LoopThread("lying imap")
        self._thread.start()
        self._server = self._thread.run(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close the port and every connection."""
        if self._thread is not None and self._server is not None:
            self._thread.run(close_server(self._server))
            self._thread.stop()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, self.host, 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(self.greeting)
            while line := (await reader.readline()).decode("latin-1").strip():
                answer = await self._answer(line, reader, writer)
                writer.write(answer.removesuffix(b"!cut").removesuffix(b"!mute"))
                await writer.drain()
                if answer.endswith(b"!cut"):
                    return
                if answer.endswith(b"!mute"):
                    await reader.read()
        except ConnectionError:
            return
        finally:
            writer.close()

    async def _answer(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        tag, _, rest = line.partition(" ")
        verb, _, arguments = rest.removeprefix("UID ").partition(" ")
        lie = self.lies.get(verb.upper())
        if lie is not None and (told := lie(tag, arguments)) is not None:
            return told
        if verb.upper() == "AUTHENTICATE":
            return await self._authenticate(tag, reader, writer)
        return self._truth(verb.upper(), arguments) + f"{tag} OK done\r\n".encode()

    async def _authenticate(self, tag: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"+ \r\n")
        self.tokens.append(base64.b64decode(await reader.readline()))
        if not self.refusal:
            return f"{tag} OK signed in\r\n".encode()
        writer.write(b"+ " + base64.b64encode(self.refusal) + b"\r\n")
        self.tokens.append(base64.b64decode(await reader.readline()))
        return f"{tag} NO [AUTHENTICATIONFAILED] no\r\n".encode()

    def _truth(self, verb: str, arguments: str) -> bytes:
        if verb == "FETCH":
            asked = re.findall(r"\d+", arguments.partition(" ")[0])
            return b"".join(fetched(uid) for uid in MAILS if str(uid) in asked)
        answers = {
            "CAPABILITY": f"* CAPABILITY {self.capability}\r\n",
            "LIST": '* LIST () "/" INBOX\r\n',
            "STATUS": "* STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7 UNSEEN 3)\r\n",
            "EXAMINE": "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n",
            "SELECT": "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n",
            "SEARCH": "* SEARCH 1 2 3\r\n",
            "LOGOUT": "* BYE\r\n",
        }
        return answers.get(verb, "").encode()


def fetched(uid: int, *, size: int | None = None, named: bool = True) -> bytes:
    """A FETCH response for a mail, with a literal that claims `size` bytes, with or without its UID."""
    content = MAILS[uid]
    claimed = len(content) if size is None else size
    name = f"UID {uid} " if named else ""
    head = f"* {uid} FETCH ({name}FLAGS () RFC822.SIZE {len(content)} BODY[]<0> {{{claimed}}}\r\n"
    return head.encode() + content + b")\r\n"
