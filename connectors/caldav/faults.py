"""What goes wrong between us and a calendar server: a sentence that says what to do, and the setting."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from connectors.caldav.account import Server
from openassistant.errors import (
    AccountRequired,
    Conflict,
    DeadlineExceeded,
    Forbidden,
    NotFound,
    OaError,
    RateLimited,
    TooLarge,
    Unavailable,
    UpstreamFailed,
)

__all__ = ["connection_fault", "login_fault", "no_calendars_fault", "not_caldav_fault", "silence", "status_fault"]

_USUAL = {"http": 80, "https": 443}
_CERTIFICATES = {
    10: ("certificate_expired", "The certificate of {} has expired. Whoever runs that server must renew it."),
    9: ("certificate_early", "The certificate of {} is not valid yet. Check this machine's clock."),
    62: ("certificate_name", "The certificate of {} is for another name. Use the name that the provider documents."),
    64: ("certificate_name", "The certificate of {} is for a name, not for this address. Use the server's name."),
}
"""By OpenSSL's X509_V_ERR_ numbers."""
_UNKNOWN_SIGNER = (
    "certificate_unknown",
    "The certificate of {} is signed by nobody whom this house trusts. Have its authority named by OA_CA_FILE.",
)


def connection_fault(server: Server, error: httpx.HTTPError, *, effect: bool) -> OaError:
    """Why a request got no answer; with `effect`, what broke off after it was sent leaves the outcome open."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate_fault(server, cause)
        if isinstance(cause, ssl.SSLError) and isinstance(error, httpx.ConnectError):
            return _tls_fault(server, cause)
        if isinstance(cause, socket.gaierror):
            words = f"There is no server named {server.host}, or this machine has no network. Check the address."
            return _fault("host_unknown", words)
        if isinstance(cause, ConnectionRefusedError):
            words = f"{server.host} is there, but nothing answers on port {server.port}. {_port_hint(server)}"
            return _fault("port_closed", words)
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return silence(server, effect=False)
    if isinstance(error, httpx.ConnectError):
        return _fault("unreachable", f"{server.host} cannot be reached from this machine. Check address and network.")
    return _broken_off(server, error, effect=effect)


def silence(server: Server, *, effect: bool) -> OaError:
    """No answer in time."""
    if effect:
        return DeadlineExceeded("The calendar server did not answer. It may have happened; please check there.")
    words = f"{_place(server)} does not answer. Check the address{_with_usual(server)}, and any firewall."
    return _fault("timeout", words)


def login_fault(server: Server, login: str) -> AccountRequired:
    """The server refused name and password."""
    words = (
        f"{server.host} refused the sign-in of {login}. Check user name and password; "
        "many providers ask for an app password here instead of the usual one."
    )
    return AccountRequired(words, details={"reason": "login_refused", "fields": {"password": words}})


def not_caldav_fault(server: Server) -> OaError:
    """Something answers, and it is no calendar server."""
    words = (
        f"{_place(server)} answers, but not as a CalDAV server. Enter the address that the provider gives for "
        f"calendars (CalDAV){_with_usual(server)}."
    )
    return _fault("not_caldav", words)


def no_calendars_fault(server: Server, login: str) -> OaError:
    """Signed in, and there is nothing to read."""
    words = f"{login} has no calendar for events or tasks on {server.host}. Create one there, then try again."
    return NotFound(words, details={"reason": "no_calendars"})


def status_fault(server: Server, login: str, answer: httpx.Response, *, effect: bool) -> OaError:
    """What an answer with a status from 300 on means."""
    status = answer.status_code
    if status == 401:
        return login_fault(server, login)
    if status in (404, 410):
        return NotFound("The calendar server has no such calendar or event (any more).")
    if status in (409, 412):
        return Conflict("It was changed on the calendar server meanwhile, so nothing was done. Look again.")
    if status in (413, 507):
        return TooLarge("The calendar server takes no more: the event is too large for it, or its disk is full.")
    if status == 429:
        return RateLimited(f"{server.host} asks for a pause.", retry_after=_pause(answer))
    if status == 503:
        return Unavailable(f"{server.host} is not available at the moment.", retry_after=_pause(answer))
    if status >= 500 and status != 501:
        failed: type[OaError] = UpstreamFailed if effect else Unavailable
        return failed(f"{server.host} failed inside (status {status}). Try again later.")
    return Forbidden(f"{server.host} does not allow this (status {status}); the calendar may be read-only.")


def _broken_off(server: Server, error: httpx.HTTPError, *, effect: bool) -> OaError:
    if isinstance(error, httpx.TimeoutException):
        return silence(server, effect=effect)
    if effect:
        return UpstreamFailed(f"{server.host} broke the connection off. It may have happened; please check there.")
    if isinstance(error, httpx.RemoteProtocolError):
        return not_caldav_fault(server)
    return _fault("closed", f"{_place(server)} closed the connection. Check the address{_with_usual(server)}.")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
        error = error.__cause__ or error.__context__


def _certificate_fault(server: Server, error: ssl.SSLCertVerificationError) -> OaError:
    reason, words = _CERTIFICATES.get(error.verify_code, _UNKNOWN_SIGNER)
    return _fault(reason, f"{words.format(server.host)} Nothing was sent to it, no password either.")


def _tls_fault(server: Server, error: ssl.SSLError) -> OaError:
    if any(sign in str(error) for sign in ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "RECORD_LAYER")):
        return _fault("not_tls", f"{_place(server)} does not speak TLS. Check the port, or whether it is http://.")
    return _fault(
        "tls_failed", f"{_place(server)} and this machine found no common encryption. The server's TLS may be too old."
    )


def _fault(reason: str, words: str) -> Unavailable:
    return Unavailable(words, details={"reason": reason, "fields": {"url": words}})


def _pause(answer: httpx.Response) -> float | None:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), 3600.0) if asked.isascii() and asked.isdigit() else None


def _place(server: Server) -> str:
    return f"{server.host}, port {server.port},"


def _with_usual(server: Server) -> str:
    usual = _USUAL[server.scheme]
    return "" if server.port == usual else f" (the usual port with {server.scheme} is {usual})"


def _port_hint(server: Server) -> str:
    usual = _USUAL[server.scheme]
    if server.port == usual:
        return "The server may be down."
    return f"Check the port; usual with {server.scheme} is {usual}."
