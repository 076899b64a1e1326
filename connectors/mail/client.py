"""The wire: imapclient with what it lacks, and with bounds on what a server may send. The only importer of imapclient.

It lacks LIST-STATUS (RFC 5819), STATUS for many folders at once, QRESYNC and CHANGEDSINCE (RFC 7162), ESEARCH (RFC
4731), and it takes a FETCH response without a UID for one of the mail whose UID is that number.
"""

from __future__ import annotations

import contextlib
import imaplib
import logging
import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from imapclient import IMAPClient, SocketTimeout
from imapclient.datetime_util import parse_to_datetime
from imapclient.exceptions import CapabilityError, LoginError
from imapclient.imap_utf7 import decode as decode_utf7
from imapclient.response_parser import parse_response
from imapclient.response_types import BodyData

from connectors.mail.account import MailAccount, Server
from connectors.mail.counted import CountedImap
from connectors.mail.faults import connection_fault, login_fault, no_login_fault, no_starttls_fault, token_fault
from connectors.mail.sasl import answers, mechanism, oauth_response
from openassistant.egress import Egress
from openassistant.tls import client_context

__all__ = ["BROKEN", "Client", "Examined", "Listed", "connect", "sign_in"]

logging.getLogger("imapclient").setLevel(logging.ERROR)  # below that it logs what goes over the wire, content included

BROKEN = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What parsing a dishonest answer has been seen to raise."""

_BUSY = ("[UNAVAILABLE]", "[LIMIT]", "[INUSE]", "[CONTACTADMIN]", "[SERVERBUG]")
_CONNECT_SECONDS = 12.0
_LARGEST_LITERAL = 64 * 1024 * 1024
_MOST_BYTES = 512 * 1024 * 1024
"""What one command may bring: more than any batch holds."""
_AT_ONCE = 50
"""STATUS commands on their way at once: few enough that neither side's buffers fill."""
_MOST_UIDS = 5_000_000
_UID_RANGE = re.compile(rb"(\d{1,10})(?::(\d{1,10}))?")


class Listed(NamedTuple):
    """A folder as LIST names it: marks, separator, path as the server spells it, decoded name; numbers where told."""

    marks: tuple[bytes, ...]
    separator: bytes | None
    path: bytes
    name: str
    numbers: Mapping[bytes, int] | None = None


class Examined(NamedTuple):
    """What opening a folder told; `vanished` and `flags` (by UID, raw) only where QRESYNC was used."""

    messages: int
    uidvalidity: int
    vanished: tuple[range, ...] | None
    flags: Mapping[int, Sequence[bytes]]


class Client(IMAPClient):  # type: ignore[misc]  # the library ships types for some versions only
    """A connection with bounds. `renew_allowance` comes before each command."""

    _allowance = _MOST_BYTES

    def __init__(self, server: Server, egress: Egress, *, context: ssl.SSLContext | None, timeout: Any) -> None:
        self._egress = egress
        tls = server.security == "tls"
        super().__init__(server.host, port=server.port, ssl=tls, ssl_context=context, timeout=timeout)

    def renew_allowance(self) -> None:
        """What the server may send until this is called again."""
        self._allowance = _MOST_BYTES

    def _create_IMAP4(self) -> Any:  # noqa: N802 - imapclient's name
        made = _Opened(
            self.host, self.port, self._egress, self._timeout.connect, self.ssl_context if self.ssl else None
        )
        made.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a literal is two packets, else 40 ms apart
        read, readline = made.read, made.readline

        def bounded_read(size: int) -> bytes:
            if size > _LARGEST_LITERAL:
                raise imaplib.IMAP4.abort("a literal that is too large")
            self._spend(size)
            return bytes(read(size))

        def bounded_readline() -> bytes:
            line = bytes(readline())
            self._spend(len(line))
            return line

        made.read, made.readline = bounded_read, bounded_readline  # type: ignore[method-assign]  # of this one object
        return made

    def _spend(self, size: int) -> None:
        self._allowance -= size
        if self._allowance < 0:
            raise imaplib.IMAP4.abort("an answer without end")

    def listed(self, numbers: Sequence[str] = ()) -> list[Listed]:
        """The folders, with `numbers` where the server gives them in one go."""
        wanted = ["SPECIAL-USE"] if self.has_capability("SPECIAL-USE") else []
        if numbers and self.has_capability("LIST-STATUS"):
            wanted.append(f"STATUS ({' '.join(numbers)})")
        options = [f"RETURN ({' '.join(wanted)})"] if self.has_capability("LIST-EXTENDED") and wanted else []
        typ, data = self._imap.xatom("LIST", '""', '"*"', *options)
        self._checkok("LIST", typ, data)
        found = [_listed(each) for each in self._proc_folder_list(self._imap.response("LIST")[1])]
        told = _statuses(self._imap.response("STATUS")[1])
        return [each._replace(numbers=told.get(each.path)) for each in found]

    def statuses(self, paths: Sequence[bytes], numbers: Sequence[str]) -> dict[bytes, dict[bytes, int]]:
        """STATUS of many folders, without waiting for one answer before the next question (RFC 9051, 5.5)."""
        found: dict[bytes, dict[bytes, int]] = {}
        imap, wanted = self._imap, f"({' '.join(numbers)})"
        for first in range(0, len(paths), _AT_ONCE):
            some = [(path, self._normalise_folder(path)) for path in paths[first : first + _AT_ONCE]]
            tags = [(path, imap._command("STATUS", name, wanted)) for path, name in some]  # noqa: SLF001 - as below
            for path, tag in tags:
                imap._command_complete("STATUS", tag)  # noqa: SLF001 - imaplib has no public way to ask ahead
                told = _statuses(imap.response("STATUS")[1])
                found |= told
                if told:
                    found[path] = told.get(path, next(iter(told.values())))
        return found

    def opened(self, path: bytes, *, since: tuple[int, int] | None) -> Examined:
        """EXAMINE; with `since` (UIDVALIDITY, modification sequence) also what changed (RFC 7162, 3.2.5)."""
        imap = self._imap
        imap.untagged_responses = {}
        imap.is_readonly = True
        extra = [f"(QRESYNC ({since[0]} {since[1]}))"] if since else []
        typ, data = imap.xatom("EXAMINE", self._normalise_folder(path), *extra)
        imap.state = "SELECTED" if typ == "OK" else "AUTH"
        self._checkok("EXAMINE", typ, data)
        told = imap.untagged_responses
        validity = _number(told.get("UIDVALIDITY"))
        known = since is not None and since[0] == validity
        vanished = tuple(each for line in told.get("VANISHED", []) for each in _ranges(line))
        fetched = dict(_fetched(told.pop("FETCH", [])))
        flags = {uid: data[b"FLAGS"] for uid, data in fetched.items() if isinstance(data.get(b"FLAGS"), tuple)}
        return Examined(_number(told.get("EXISTS")), validity, vanished if known else None, flags if known else {})

    def fetched(self, uids: str, items: str, *, since: int | None = None) -> dict[int, dict[bytes, Any]]:
        """UID FETCH; what the server says of mails without naming their UID is left out."""
        changed = [f"(CHANGEDSINCE {since})"] if since is not None else []
        typ, data = self._imap.uid("FETCH", uids, f"(UID {items})", *changed)
        self._checkok("FETCH", typ, data)
        found: dict[int, dict[bytes, Any]] = {}
        for uid, each in _fetched(data):
            found.setdefault(uid, {}).update(each)
        return found

    def all_uids(self) -> list[int]:
        """The UIDs in the open folder, in one compact answer (RFC 4731)."""
        typ, data = self._imap.uid("SEARCH", "RETURN", "(ALL)", "ALL")
        self._checkok("SEARCH", typ, data)
        lines = self._imap.response("ESEARCH")[1]
        found = (each.rpartition(b" ALL ")[2] for each in lines if isinstance(each, bytes) and b" ALL " in each)
        each_one = (uid for each in found for some in _ranges(each) for uid in some)
        return sorted(islice(each_one, _MOST_UIDS))

    def authenticate_oauth(self, account: MailAccount, token: str) -> None:
        """Signs in with an access token, by RFC 7628 where the server knows it, else by Google's XOAUTH2."""
        name = mechanism(self.has_capability)
        assert name is not None, "whoever calls this looked"
        self.sasl_login(name, answers(name, oauth_response(name, account.login, token, account.imap)))


class _Opened(CountedImap):
    """The protocol over a connection that the egress opens, with TLS from the first byte where there is a context."""

    def __init__(self, host: str, port: int, egress: Egress, seconds: float, context: ssl.SSLContext | None) -> None:
        self._way, self._seconds, self._context = egress, seconds, context
        super().__init__(host, port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        made = self._way.connect(self.host, self.port, seconds=self._seconds)
        if self._context is None:
            return made
        try:
            return self._context.wrap_socket(made, server_hostname=self.host)
        except BaseException:
            made.close()
            raise


def connect(server: Server, seconds: float, egress: Egress) -> Client:
    """A connection that is as secure as the settings ask for; raises `Unavailable` with what to do."""
    context = None if server.security == "none" else client_context(system=True)
    timeout: Any = SocketTimeout(min(_CONNECT_SECONDS, seconds), max(min(seconds, 60.0), 0.1))
    try:
        client = Client(server, egress, context=context, timeout=timeout)
        client.folder_encode = False
        client.normalise_times = False
    except (imaplib.IMAP4.error, OSError, *BROKEN) as error:
        raise connection_fault(server, _root_of(error)) from error
    if server.security == "starttls":
        _start_tls(client, server, context)
    return client


def sign_in(client: Client, account: MailAccount) -> None:
    """Signs in by token or password; raises `AccountRequired` or `Unavailable` with what to do."""
    server = account.imap
    try:
        _authenticate(client, account)
        if client.has_capability("QRESYNC"):
            client.enable("QRESYNC")
    except LoginError as error:
        if any(word in str(error) for word in _BUSY):
            raise connection_fault(server, TimeoutError()) from error
        fault = token_fault if account.auth == "xoauth2" else login_fault
        raise fault(server, account.login) from error
    except (imaplib.IMAP4.error, OSError, *BROKEN) as error:
        raise connection_fault(server, _root_of(error)) from error


def decoded(path: bytes | str) -> str:
    """A folder's name out of modified UTF-7 (RFC 3501, 5.1.3)."""
    raw = path.encode("utf-8", "replace") if isinstance(path, str) else path
    try:
        return str(decode_utf7(raw))
    except BROKEN:
        return raw.decode("utf-8", "replace")


def _authenticate(client: Client, account: MailAccount) -> None:
    server, password = account.imap, account.password.get_secret_value()
    if account.auth == "xoauth2":
        if not mechanism(client.has_capability):
            raise no_login_fault(server)
        client.authenticate_oauth(account, account.access_token.get_secret_value())
    elif client.has_capability("AUTH=PLAIN"):
        client.plain_login(account.login, password)
    elif client.has_capability("LOGINDISABLED"):
        raise no_login_fault(server)
    else:
        client.login(account.login, password)


def _start_tls(client: Client, server: Server, context: ssl.SSLContext | None) -> None:
    try:
        client.starttls(context)
    except CapabilityError as error:
        client.shutdown()
        raise no_starttls_fault(server) from error
    except (imaplib.IMAP4.error, OSError, *BROKEN) as error:
        client.shutdown()
        raise connection_fault(server, _root_of(error)) from error


def _root_of(error: Exception) -> Exception:
    """Imaplib wraps a lost connection into its own error; what happened to the socket stands behind it."""
    if isinstance(error, imaplib.IMAP4.abort):
        return error.__context__ if isinstance(error.__context__, OSError) else EOFError()
    return error


def _listed(found: tuple[Any, Any, Any]) -> Listed:
    marks, separator, path = found
    raw = path if isinstance(path, bytes) else str(path).encode("utf-8", "replace")
    kept = tuple(mark for mark in marks if isinstance(mark, bytes)) if isinstance(marks, tuple) else ()
    return Listed(kept, separator if isinstance(separator, bytes) else None, raw, decoded(raw))


def _statuses(data: Iterable[Any]) -> dict[bytes, dict[bytes, int]]:
    """Numbers by path out of untagged STATUS responses; what is not such is left out."""
    flat = parse_response([each for each in data if each])
    found: dict[bytes, dict[bytes, int]] = {}
    for path, items in zip(flat[::2], flat[1::2], strict=False):
        if isinstance(items, tuple):
            pairs = zip(items[::2], items[1::2], strict=False)
            numbers = {name.upper(): n for name, n in pairs if isinstance(name, bytes) and isinstance(n, int)}
            found[path if isinstance(path, bytes) else str(path).encode()] = numbers
    return found


def _fetched(data: Iterable[Any]) -> Iterator[tuple[int, dict[bytes, Any]]]:
    """Each FETCH response that names its UID, with its values by upper-case name."""
    flat = parse_response([each for each in data if each])
    for items in flat[1::2]:
        if isinstance(items, tuple):
            pairs = zip(items[::2], items[1::2], strict=False)
            values: dict[bytes, Any] = {name.upper(): value for name, value in pairs if isinstance(name, bytes)}
            if isinstance(uid := values.get(b"UID"), int) and uid > 0:
                yield uid, _converted(values)


def _converted(values: dict[bytes, Any]) -> dict[bytes, Any]:
    """Dates as dates, structures as such; what cannot be read becomes None."""
    for name, convert in ((b"INTERNALDATE", _moment), (b"BODYSTRUCTURE", BodyData.create)):
        if name in values:
            try:
                values[name] = convert(values[name])
            except BROKEN:
                values[name] = None
    return values


def _moment(value: bytes) -> datetime:
    found: datetime = parse_to_datetime(value, normalise=False)
    return found


def _number(told: Sequence[Any] | None) -> int:
    """The last of the numbers that an untagged response gave, 0 where it gave none."""
    with contextlib.suppress(*BROKEN):
        return int(told[-1]) if told else 0
    return 0


def _ranges(line: Any) -> Iterator[range]:
    """A sequence set (`(EARLIER) 41,43:116`) as ranges."""
    for first, last in _UID_RANGE.findall(line if isinstance(line, bytes) else b""):
        low, high = sorted((int(first), int(last or first)))
        yield range(low, high + 1)
