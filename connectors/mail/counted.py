"""IMAP and SMTP as the standard library speaks them, with every byte counted, the greeting included."""

from __future__ import annotations

import imaplib
import smtplib
from typing import IO, Any

from openassistant.meter import Place, count, place_of

__all__ = ["CountedImap", "CountedSmtp", "CountedSmtpTls"]


class CountedImap(imaplib.IMAP4):
    """What is sent and read, before TLS."""

    _place: Place | None = None

    def read(self, size: int) -> bytes:
        """See `imaplib.IMAP4`."""
        data = bytes(super().read(size))
        count(self._where(), received=len(data))
        return data

    def readline(self) -> bytes:
        """See `imaplib.IMAP4`."""
        line = bytes(super().readline())
        count(self._where(), received=len(line))
        return line

    def send(self, data: Any) -> None:
        """See `imaplib.IMAP4`."""
        count(self._where(), sent=len(data))
        super().send(data)

    def _where(self) -> Place:
        if self._place is None:
            self._place = place_of(self.host, self.port, self.sock)
        return self._place


class CountedSmtp(smtplib.SMTP):
    """What is sent and read, before TLS."""

    _place: Place | None = None
    _named = ("", 0)

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        """See `smtplib.SMTP`."""
        self._named = (host, port)
        return super().connect(host, port, source_address)

    def send(self, s: Any) -> None:
        """See `smtplib.SMTP`."""
        count(self._where(), sent=len(s.encode(self.command_encoding) if isinstance(s, str) else s))
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """See `smtplib.SMTP`."""
        if self.file is None and self.sock is not None:
            self.file = _Counted(self.sock.makefile("rb"), self._where())
        return super().getreply()

    def _where(self) -> Place:
        if self._place is None:
            assert self.sock is not None, "something is sent on a connection alone"
            self._place = place_of(*self._named, self.sock)
        return self._place


class CountedSmtpTls(CountedSmtp, smtplib.SMTP_SSL):
    """The same, under TLS from its beginning."""


class _Counted:
    """The lines of answers."""

    def __init__(self, lines: IO[bytes], place: Place) -> None:
        self._lines, self._place = lines, place

    def readline(self, size: int) -> bytes:
        """See `io.BufferedReader`."""
        line = self._lines.readline(size)
        count(self._place, received=len(line))
        return line

    def close(self) -> None:
        """See `io.BufferedReader`."""
        self._lines.close()
