"""The SMTP server (RFC 5321, submission after RFC 6409), spoken in threads; the point of no return is plain to see.

`envelope` may be refused or lost without anything done. Once `data` was called, only its return says what happened.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Self

from connectors.mail.account import MailAccount, Server
from connectors.mail.counted import CountedSmtp
from connectors.mail.faults import connection_fault, login_fault, no_login_fault, no_starttls_fault
from connectors.mail.sasl import answers, mechanism, oauth_response
from openassistant.egress import Egress
from openassistant.errors import InvalidRequest, TooLarge, Unavailable, UpstreamFailed
from openassistant.formats.compose import Outgoing
from openassistant.tls import client_context

__all__ = ["SmtpSession", "smtp_session"]

_CONNECT_SECONDS = 12.0
_OUR_NAME = "[127.0.0.1]"
"""The name in EHLO: an address literal, so that the machine's own name stays at home (and needs no look-up)."""


class SmtpSession:
    """A signed-in connection. Methods block, one at a time."""

    def __init__(self, client: smtplib.SMTP, server: Server) -> None:
        self._client = client
        self._server = server

    @classmethod
    def open(cls, account: MailAccount, *, seconds: float) -> Self:
        """Connects and signs in; raises `Unavailable` or `AccountRequired` with what to do in the message."""
        client = _connect(account.smtp, seconds, account.egress)
        try:
            _sign_in(client, account)
        except BaseException:
            client.close()
            raise
        return cls(client, account.smtp)

    def close(self) -> None:
        """Says goodbye, or just cuts the connection."""
        try:
            self._client.quit()
        except (smtplib.SMTPException, OSError):
            self._client.close()

    def cut(self) -> None:
        """Cuts the connection, from any thread."""
        self._client.close()

    def envelope(self, mail: Outgoing) -> None:
        """Announces sender and recipients; all of them must be taken, else nothing is sent.

        Raises `InvalidRequest` that names the refused recipients, `TooLarge`, `Unavailable`; nothing is done then.
        """
        try:
            self._check_size(len(mail.content))
            options = [] if mail.content.isascii() else self._eight_bit()
            self._expect(self._client.mail(mail.sender, options), f"the sender {mail.sender}")
            refused = [address for address in mail.recipients if not self._takes(address)]
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(f"The connection to {self._server.host} was lost before anything was sent.") from error
        if refused:
            self._reset()
            named = ", ".join(refused)
            raise InvalidRequest(
                f"{self._server.host} does not accept mail for {named}. Nothing was sent to anybody.",
                details={"refused": refused},
            )

    def data(self, mail: Outgoing) -> None:
        """Sends the mail itself. Returns when the server took it.

        Raises `Unavailable` or `InvalidRequest` when it certainly did not, `UpstreamFailed` when nobody knows.
        """
        host = self._server.host
        try:
            code, _ = self._client.docmd("DATA")
            if code != 354:
                raise _refusal(host, code)
            self._client.send(_stuffed(mail.content))
        except (smtplib.SMTPException, OSError) as error:  # without its last line no mail counts (RFC 5321, 4.1.1.4)
            raise Unavailable(f"The connection to {host} was lost before the mail was sent.") from error
        try:
            self._client.send(b".\r\n")
            code, _ = self._client.getreply()
        except (smtplib.SMTPException, OSError) as error:
            raise UpstreamFailed(f"{host} broke off before it confirmed the mail. It may have been sent.") from error
        if code // 100 in (4, 5):
            raise _refusal(host, code)
        if code // 100 != 2:
            raise UpstreamFailed(f"{host} gave no clear answer to the mail. It may have been sent.")

    def _takes(self, address: str) -> bool:
        code, _ = self._client.rcpt(address)
        if code // 100 == 4:
            self._reset()
            raise Unavailable(
                f"{self._server.host} asks to try {address} again later. Nothing was sent.", retry_after=300
            )
        return code // 100 == 2

    def _expect(self, answer: tuple[int, bytes], what: str) -> None:
        if answer[0] // 100 != 2:
            self._reset()
            raise _refusal(self._server.host, answer[0], what)

    def _eight_bit(self) -> list[str]:
        """RFC 6152: bytes above 127 go only to a server that says it takes them."""
        if not self._client.has_extn("8bitmime"):
            raise InvalidRequest(
                f"{self._server.host} takes plain ASCII only, and that mail holds other bytes. Nothing was sent."
            )
        return ["BODY=8BITMIME"]

    def _check_size(self, size: int) -> None:
        """RFC 1870: a server that names its limit is believed."""
        limit = self._client.esmtp_features.get("size", "")
        if limit.isdigit() and 0 < int(limit) < size:
            raise TooLarge(f"{self._server.host} takes mails of at most {int(limit) // 1024} KB.")

    def _reset(self) -> None:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            self._client.rset()


@contextlib.asynccontextmanager
async def smtp_session(account: MailAccount, *, seconds: float) -> AsyncIterator[SmtpSession]:
    """A session for the length of a block, opened and closed in a thread; raises as `SmtpSession.open`."""
    opening = asyncio.ensure_future(asyncio.to_thread(SmtpSession.open, account, seconds=seconds))
    try:
        session = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unused)
        raise
    try:
        yield session
    except asyncio.CancelledError:
        session.cut()
        raise
    finally:
        await asyncio.shield(asyncio.to_thread(session.close))


def _close_unused(opening: asyncio.Future[SmtpSession]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().cut()


class _Opened(CountedSmtp):
    """The protocol over a connection that the egress opens."""

    def __init__(self, server: Server, egress: Egress, seconds: float) -> None:
        self._egress = egress
        super().__init__(server.host, server.port, local_hostname=_OUR_NAME, timeout=seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._egress.connect(host, port, seconds=timeout)


class _OpenedTls(_Opened):
    """The same with TLS from the first byte."""

    def __init__(self, server: Server, egress: Egress, seconds: float, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(server, egress, seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made = super()._get_socket(host, port, timeout)
        try:
            return self._context.wrap_socket(made, server_hostname=host)
        except BaseException:
            made.close()
            raise


def _connect(server: Server, seconds: float, egress: Egress) -> smtplib.SMTP:
    context = client_context(system=True)
    timeout = max(min(_CONNECT_SECONDS, seconds), 0.1)
    try:
        if server.security == "tls":
            client: smtplib.SMTP = _OpenedTls(server, egress, timeout, context)
        else:
            client = _Opened(server, egress, timeout)
    except (smtplib.SMTPException, ValueError, OSError) as error:
        raise connection_fault(server, _root_of(error)) from error
    _greet(client, server, context)
    client.timeout = max(min(60.0, seconds), 0.1)
    if client.sock is not None:
        client.sock.settimeout(client.timeout)
    return client


def _greet(client: smtplib.SMTP, server: Server, context: ssl.SSLContext) -> None:
    try:
        client.ehlo_or_helo_if_needed()
        starttls = server.security == "starttls"
        if starttls and client.has_extn("starttls"):
            client.starttls(context=context)
            client.ehlo()
    except (smtplib.SMTPException, ValueError, OSError) as error:
        client.close()
        raise connection_fault(server, _root_of(error)) from error
    if starttls and not isinstance(client.sock, ssl.SSLSocket):
        client.close()
        raise no_starttls_fault(server)


def _sign_in(client: smtplib.SMTP, account: MailAccount) -> None:
    """Signs in by token or password; raises `AccountRequired` or `Unavailable` with what to do."""
    server = account.smtp
    try:
        code = _by_token(client, account) if account.auth == "xoauth2" else _by_password(client, account)
    except (smtplib.SMTPException, OSError) as error:
        raise connection_fault(server, _root_of(error)) from error
    if code in (421, 432, 450, 451, 454):
        raise Unavailable(f"{server.host} cannot sign anybody in at the moment.", retry_after=60)
    if code != 235:
        raise login_fault(server, account.login)


def _by_password(client: smtplib.SMTP, account: MailAccount) -> int:
    """SASL PLAIN or LOGIN by hand: smtplib's own refuses passwords that are not ASCII."""
    password, offered = account.password.get_secret_value(), _offered(client)
    if "PLAIN" in offered:
        return client.docmd("AUTH", "PLAIN " + _b64(f"\0{account.login}\0{password}".encode()))[0]
    if "LOGIN" in offered:
        client.docmd("AUTH", "LOGIN")
        client.docmd(_b64(account.login.encode()))
        return client.docmd(_b64(password.encode()))[0]
    raise no_login_fault(account.smtp)


def _by_token(client: smtplib.SMTP, account: MailAccount) -> int:
    """OAUTHBEARER or XOAUTH2; a refusal comes with a challenge that wants an answer (RFC 7628, 3.2.3)."""
    offered, server = _offered(client), account.smtp
    name = mechanism(lambda wanted: wanted.removeprefix("AUTH=") in offered)
    if name is None:
        raise no_login_fault(server)
    token = account.access_token.get_secret_value()
    try:
        answer = answers(name, oauth_response(name, account.login, token, server))
    except ValueError as error:
        raise login_fault(server, account.login) from error
    code, _ = client.docmd("AUTH", f"{name} {_b64(answer(b''))}")
    return client.docmd(_b64(answer(b"")))[0] if code == 334 else code


def _offered(client: smtplib.SMTP) -> list[str]:
    return client.esmtp_features.get("auth", "").upper().split()


def _stuffed(content: bytes) -> bytes:
    """The lines of a mail, each period at a line's beginning doubled (RFC 5321, 4.5.2)."""
    doubled = re.sub(rb"^\.", b"..", content, flags=re.MULTILINE)
    return doubled if doubled.endswith(b"\r\n") else doubled + b"\r\n"


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _root_of(error: Exception) -> Exception:
    """What happened: smtplib wraps a lost connection, and its errors are OSErrors even where the network was well."""
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return error.__context__ if isinstance(error.__context__, OSError) else EOFError()
    if isinstance(error, smtplib.SMTPException):
        return ValueError("The answer was not one of an SMTP server.")
    return error


def _refusal(host: str, code: int, what: str = "the mail") -> InvalidRequest | Unavailable:
    """A reply of 4xx means later, of 5xx never (RFC 5321, 4.2.1); in both cases it was not sent."""
    if code // 100 == 4:
        return Unavailable(f"{host} asks to try again later. Nothing was sent.", retry_after=300)
    return InvalidRequest(f"{host} refused {what}. Nothing was sent.", details={"smtp_code": code})
