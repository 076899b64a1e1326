"""What goes wrong between us and a mail server: a clear sentence that says what to do, and the setting it is about."""

from __future__ import annotations

import socket
import ssl

from connectors.mail.account import Server
from openassistant.errors import AccountRequired, OaError, Unavailable

__all__ = ["connection_fault", "login_fault", "no_login_fault", "no_starttls_fault", "token_fault"]

_USUAL = {
    ("IMAP", "tls"): 993, ("IMAP", "starttls"): 143, ("IMAP", "none"): 143,
    ("SMTP", "tls"): 465, ("SMTP", "starttls"): 587, ("SMTP", "none"): 25,
}  # fmt: skip


def connection_fault(server: Server, error: Exception) -> OaError:
    """Why no conversation came about; nothing was done at that point."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_fault(server, error)
    if isinstance(error, ssl.SSLError):
        return _tls_fault(server, error)
    if isinstance(error, socket.gaierror):
        words = f"There is no server named {server.host}, or this machine has no network. Check the server's name."
        return _fault(server, "host", "host_unknown", words)
    if isinstance(error, TimeoutError):
        return _silence(server)
    if isinstance(error, ConnectionRefusedError):
        usual = _USUAL[server.protocol, server.security]
        words = f"{server.host} is there, but nothing answers on port {server.port}. {_port_hint(server, usual)}"
        return _fault(server, "port", "port_closed", words)
    if isinstance(error, ConnectionError | EOFError):
        words = f"{_place(server)} closed the connection at once. Check port and encryption{_with_usual(server)}."
        return _fault(server, "port", "closed", words)
    if isinstance(error, OSError):
        words = f"{server.host} cannot be reached from this machine. Check the server's name and the network."
        return _fault(server, "host", "unreachable", words)
    words = f"{_place(server)} answers, but not as a {server.protocol} server. Check the port{_with_usual(server)}."
    return _fault(server, "port", "not_a_mail_server", words)


def login_fault(server: Server, login: str) -> AccountRequired:
    """The server refused name and password."""
    words = (
        f"{server.host} refused the sign-in of {login}. Check user name and password; "
        "many providers ask for an app password here instead of the usual one."
    )
    return AccountRequired(words, details={"reason": "login_refused", "fields": {"password": words}})


def token_fault(server: Server, login: str) -> AccountRequired:
    """The server refused the access token."""
    words = f"{server.host} refused the access of {login}; it may have expired. Connect the account again."
    return AccountRequired(words, details={"reason": "token_refused", "fields": {"access_token": words}})


def no_login_fault(server: Server) -> OaError:
    """The server offers no way to sign in over this connection."""
    if server.security == "none":
        words = f"{server.host} takes no password over an unencrypted connection. Choose STARTTLS or TLS."
    else:
        words = f"{_place(server)} offers no sign-in with a password. Check the port{_with_usual(server)}."
    return _fault(server, "security", "no_login", words)


def no_starttls_fault(server: Server) -> OaError:
    """STARTTLS was asked for, and the server does not offer it."""
    tls = _USUAL[server.protocol, "tls"]
    words = f"{_place(server)} does not offer STARTTLS. Choose TLS, usually on port {tls}."
    return _fault(server, "security", "no_starttls", words)


def _silence(server: Server) -> OaError:
    words = f"{_place(server)} does not answer. Check server and port{_with_usual(server)}, and any firewall."
    if server.security != "tls":
        words += " A server that expects TLS from the first byte is silent like this too: then choose TLS."
    return _fault(server, "port", "timeout", words)


_CERTIFICATES = {
    10: ("certificate_expired", "The certificate of {} has expired. Whoever runs that server must renew it."),
    9: ("certificate_early", "The certificate of {} is not valid yet. Check this machine's clock."),
    62: (
        "certificate_name",
        "The certificate of {} is for another name. Use the name that the provider documents.",
    ),
    64: ("certificate_name", "The certificate of {} is for a name, not for this address. Use the server's name."),
}
"""By OpenSSL's X509_V_ERR_ numbers."""
_UNKNOWN_SIGNER = (
    "certificate_unknown",
    "The certificate of {} is signed by nobody whom this house trusts. Have its authority named by OA_CA_FILE.",
)


def _certificate_fault(server: Server, error: ssl.SSLCertVerificationError) -> OaError:
    reason, words = _CERTIFICATES.get(error.verify_code, _UNKNOWN_SIGNER)
    return _fault(server, "host", reason, f"{words.format(server.host)} Nothing was sent to it, no password either.")


def _tls_fault(server: Server, error: ssl.SSLError) -> OaError:
    if "WRONG_VERSION_NUMBER" in str(error) or "UNKNOWN_PROTOCOL" in str(error) or "RECORD_LAYER" in str(error):
        start = _USUAL[server.protocol, "starttls"]
        words = f"{_place(server)} does not begin with TLS. Choose STARTTLS (usually port {start}), or another port."
        return _fault(server, "security", "not_tls", words)
    words = f"{_place(server)} and this machine found no common encryption. The server's TLS may be too old."
    return _fault(server, "security", "tls_failed", words)


def _fault(server: Server, setting: str, reason: str, words: str) -> Unavailable:
    return Unavailable(words, details={"reason": reason, "fields": {server.setting(setting): words}})


def _place(server: Server) -> str:
    return f"{server.host}, port {server.port},"


def _with_usual(server: Server) -> str:
    usual = _USUAL[server.protocol, server.security]
    return "" if server.port == usual else f" (usually {usual} with this encryption)"


def _port_hint(server: Server, usual: int) -> str:
    return (
        "The server may be down." if server.port == usual else f"Check the port; usual with this encryption is {usual}."
    )
