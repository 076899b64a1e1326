"""aiosmtpd as the submission server: login, TLS, a record of every mail, and faults on request."""

import asyncio
import base64
import email
import email.policy
import os
import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.peers.certificates import Certificate
from tests.peers.process import LOOPBACK, Lifespan, LoopThread, PeerError, close_server, wait_until

__all__ = ["Faults", "Sent", "SmtpServer"]


@dataclass(frozen=True)
class Sent:
    """One mail that the server took, whether or not the client heard of it."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    user: str
    at: datetime

    @property
    def subject(self) -> str:
        """The decoded Subject header."""
        return str(email.message_from_bytes(self.content, policy=email.policy.default)["subject"] or "")

    @property
    def text(self) -> str:
        """The decoded plain-text body with LF line ends ("" when there is none)."""
        message = email.message_from_bytes(self.content, policy=email.policy.default)
        body = message.get_body(("plain",))
        return "" if body is None else str(body.get_content()).replace("\r\n", "\n")


@dataclass(frozen=True)
class Faults:
    """What goes wrong, for the next `times` mails that would meet it (None: always).

    `refuse`: these recipients answer 550. `defer`: "rcpt" or "data" answers 451. `hang_up`: the connection drops after
    the whole mail came and before the reply; "kept" took the mail, "lost" did not, and the client cannot tell.
    `slow`: seconds before the mail is taken; `late`: seconds between taking it and the reply.
    """

    refuse: frozenset[str] = field(default_factory=frozenset)
    defer: str | None = None
    hang_up: str | None = None
    slow: float = 0.0
    late: float = 0.0
    times: int | None = None


class SmtpServer(Lifespan):
    """A submission server on loopback for `users` (name: password; AUTH PLAIN and LOGIN).

    With `tokens` (name: access token) it takes these instead, by OAUTHBEARER and XOAUTH2.

    `security` is "none", "starttls" (login refused before it) or "tls"; the last two need `certificate`. Each mail
    taken is in `sent`, and in the `maildir` of a recipient that `maildirs` names by address (a Dovecot INBOX).
    `taking` counts the mails whose content has come, taken or not. Set `faults` at any time;
    `SmtpServer.faults = Faults()` makes it well again.
    """

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        *,
        tokens: Mapping[str, str] | None = None,
        security: str = "none",
        certificate: Certificate | None = None,
        maildirs: Mapping[str, Path] | None = None,
        owner: tuple[int, int] | None = None,
        size_limit: int = 33_554_432,
        port: int = 0,
    ) -> None:
        if (security == "none") != (certificate is None):
            raise PeerError("a certificate goes with starttls or tls, and only with them")
        self.tokens = dict(tokens or {})
        self.users = dict(users if users is not None else {"ada@home.example": "not-a-real-password"})
        self.host = LOOPBACK
        self.port = port
        self.faults = Faults()
        self.logins: list[tuple[str, bool]] = []
        self._security, self._certificate = security, certificate
        self._maildirs, self._owner = dict(maildirs or {}), owner
        self._size_limit = size_limit
        self._thread: LoopThread | None = None
        self._server: asyncio.Server | None = None
        self._lock = threading.Lock()
        self._sent: list[Sent] = []
        self.taking = 0

    @property
    def sent(self) -> tuple[Sent, ...]:
        """Every mail taken so far, oldest first."""
        with self._lock:
            return tuple(self._sent)

    def wait_for(self, count: int, *, seconds: float = 10.0) -> tuple[Sent, ...]:
        """The mails, once there are at least `count`; `PeerError` after `seconds`."""
        if not wait_until(lambda: len(self.sent) >= count, seconds=seconds):
            raise PeerError(f"{len(self.sent)} of {count} mails came within {seconds} s")
        return self.sent

    def start(self) -> None:
        """Listen, on a port of the system's choice unless one was given."""
        self._thread = LoopThread("smtp peer")
        self._thread.start()
        self._server = self._thread.run(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close the port and every connection; what was sent stays readable."""
        thread, self._thread = self._thread, None
        if thread is not None:
            if self._server is not None:
                thread.run(close_server(self._server))
            thread.stop()

    async def _listen(self) -> asyncio.Server:
        context = self._certificate.context() if self._certificate and self._security == "tls" else None
        return await asyncio.get_running_loop().create_server(self._session, self.host, self.port, ssl=context)

    def _session(self) -> SMTP:
        starttls = self._security == "starttls"
        return SMTP(
            _Handler(self),
            hostname="smtp.peer.example",
            data_size_limit=self._size_limit,
            enable_SMTPUTF8=True,
            auth_require_tls=starttls,
            require_starttls=starttls,
            tls_context=self._certificate.context() if self._certificate and starttls else None,
            authenticator=self._authenticate,
            auth_exclude_mechanism=["PLAIN", "LOGIN"] if self.tokens else ["XOAUTH2", "OAUTHBEARER"],
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        name, password = data.login.decode(), data.password.decode()
        good = self.users.get(name) == password
        self.logins.append((name, good))
        return AuthResult(success=good, handled=False, auth_data=name)

    def _spend(self) -> Faults:
        with self._lock:
            faults = self.faults
            if faults.times is None:
                return faults
            self.faults = replace(faults, times=faults.times - 1) if faults.times > 1 else Faults()
            return faults

    def _keep(self, session: Session, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        headers = email.message_from_bytes(content)
        sent = Sent(
            message_id=str(headers["message-id"]),
            sender=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            content=content,
            user=str(session.auth_data),
            at=datetime.now(UTC),
        )
        with self._lock:
            self._sent.append(sent)
        for address in sent.recipients:
            if address in self._maildirs:
                self._drop(self._maildirs[address], content)

    def _drop(self, maildir: Path, content: bytes) -> None:
        name = f"{datetime.now(UTC).timestamp():.6f}.{secrets.token_hex(6)}.smtp"
        waiting, arrived = maildir / "tmp" / name, maildir / "new" / name
        waiting.write_bytes(content)
        if self._owner is not None and os.geteuid() == 0:
            os.chown(waiting, *self._owner)
        waiting.rename(arrived)


class _Handler:
    """The hooks that aiosmtpd calls by name."""

    def __init__(self, peer: SmtpServer) -> None:
        self._peer = peer

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 - as below
        return await self._by_token(server, args, rb"user=([^\x01]*)\x01auth=Bearer ([^\x01]*)\x01\x01", b"")

    async def auth_OAUTHBEARER(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 - as below
        pattern = rb"n,a=([^,\x01]*),\x01host=[^\x01]*\x01port=\d+\x01auth=Bearer ([^\x01]*)\x01\x01"
        return await self._by_token(server, args, pattern, b"\x01")

    async def _by_token(self, server: SMTP, args: list[str], pattern: bytes, end: bytes) -> AuthResult:
        given = re.fullmatch(pattern, base64.b64decode(args[1]))
        name, token = (each.decode() for each in given.groups()) if given else ("", "")
        good = bool(name) and self._peer.tokens.get(name) == token
        self._peer.logins.append((name, good))
        if not good and await server.challenge_auth(b'{"status":"401"}') != end:
            self._peer.logins.append(("the exchange was not ended", False))
        return AuthResult(success=good, handled=False, auth_data=name)

    async def handle_MAIL(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self._peer.faults.refuse:
            self._peer._spend()
            return "550 5.1.1 No such mailbox here"
        if self._peer.faults.defer == "rcpt":
            self._peer._spend()
            return "451 4.3.0 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        faults = self._peer._spend()
        self._peer.taking += 1
        if faults.slow:
            await asyncio.sleep(faults.slow)
        if faults.defer == "data":
            return "451 4.3.0 Try again later"
        if faults.hang_up != "lost":
            self._peer._keep(session, envelope)
        if faults.late:
            await asyncio.sleep(faults.late)
        if faults.hang_up and isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
        return "250 2.0.0 Taken"
