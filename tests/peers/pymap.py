"""pymap as a second IMAP server, of a different make: without CONDSTORE, QRESYNC, SPECIAL-USE and LIST-STATUS."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from pysasl.hashing import BuiltinHash

from tests.peers.certificates import Certificate
from tests.peers.dovecot import FOLDERS
from tests.peers.process import LOOPBACK, Child, Lifespan, find_binary, free_port, listens, workspace

__all__ = ["Pymap"]

_QUICK = BuiltinHash(rounds=1)
"""Its own digest of a password, in a moment instead of half a second."""


class Pymap(Lifespan):
    """An IMAP server on loopback with a Maildir++ for each of `users` (name: password), the same as Dovecot's.

    Without a certificate it speaks plain IMAP on `port`, with one it offers STARTTLS there.
    """

    def __init__(
        self, users: Mapping[str, str] | None = None, *, certificate: Certificate | None = None, port: int | None = None
    ) -> None:
        self.users = dict(users if users is not None else {"ada@home.example": "not-a-real-password"})
        self.host = LOOPBACK
        self.port = port if port is not None else free_port()
        self.directory = Path()
        self._certificate = certificate
        self._child: Child | None = None

    @property
    def owner(self) -> tuple[int, int]:
        """The uid and gid that own the mail: whoever starts it."""
        return os.geteuid(), os.getegid()

    @property
    def log(self) -> str:
        """What the server wrote so far."""
        return "" if self._child is None else self._child.tail(100_000)

    def maildir(self, user: str) -> Path:
        """The Maildir of a user; INBOX is the folder itself, other folders begin with a dot."""
        return self.directory / "mail" / user

    def start(self) -> None:
        """Start it, in a folder of its own that `stop` removes."""
        self.directory = workspace("pymap")
        self._write_files()
        self.launch()

    def stop(self) -> None:
        """Stop it and remove all mail."""
        self.halt()
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = Path()

    def launch(self) -> None:
        """Start the server on the mail that is there, after `halt`."""
        command = [find_binary("pymap", package="the development group"), "--host", LOOPBACK, "--port", str(self.port)]
        command += [*self._tls(), "maildir", str(self.directory / "mail")]
        self._child = Child(command, name="pymap", directory=self.directory)
        self._child.start(lambda: listens(self.port, greeting=b"* OK"))

    def halt(self) -> None:
        """Stop the server and keep the mail: what a client sees when the host is down."""
        if self._child is not None:
            self._child.stop(seconds=1)
            self._child = None

    def _tls(self) -> list[str]:
        if self._certificate is None:
            return ["--no-tls"]
        return ["--cert", str(self._certificate.certificate), "--key", str(self._certificate.key)]

    def _write_files(self) -> None:
        mail = self.directory / "mail"
        mail.mkdir()
        users = "".join(f"{name}:x::::{self.maildir(name)}:\n" for name in self.users)
        (mail / "pymap-etc-passwd").write_text(users)
        shadow = (f"{name}:{_QUICK.hash(password)}:::::::\n" for name, password in self.users.items())
        (mail / "pymap-etc-shadow").write_text("".join(shadow))
        for user in self.users:
            for folder in ("", *(f".{name}" for name in FOLDERS)):
                for part in ("cur", "new", "tmp"):
                    (self.maildir(user) / folder / part).mkdir(parents=True, exist_ok=True)
