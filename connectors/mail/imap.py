"""The IMAP server (RFC 9051, RFC 3501), spoken in threads: the only importer of imapclient.

Every answer is taken with suspicion: sizes are bounded, names may be undecodable, numbers may be missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import logging
import ssl
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, LoginError
from imapclient.imap_utf7 import decode as decode_utf7

from connectors.mail.account import MailAccount, Server
from connectors.mail.faults import connection_fault, login_fault, no_login_fault, no_starttls_fault
from connectors.mail.folders import Folder, folders_of
from openassistant.errors import Conflict, NotFound, OaError, TooLarge, Unavailable, UpstreamFailed

__all__ = ["FETCHED_BYTES", "Fetched", "Flag", "Folder", "ImapSession", "Status", "imap_session"]

logging.getLogger("imapclient").setLevel(logging.ERROR)  # below that it logs what goes over the wire, content included

FETCHED_BYTES = 128 * 1024
"""How much of a mail is read: headers and text stand at the front, attachments behind."""

_CONNECT_SECONDS = 12.0
_WINDOW = 50_000
"""Messages per UID listing: the answer is one line, and imaplib takes at most a million bytes."""
_UIDS_A_COMMAND = 500
_BROKEN = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What parsing a dishonest answer has been seen to raise."""
_BUSY = ("[UNAVAILABLE]", "[LIMIT]", "[INUSE]", "[CONTACTADMIN]", "[SERVERBUG]")


class Flag:
    """Bits of a message's flags in the mirror."""

    SEEN, FLAGGED, ANSWERED, DRAFT, DELETED = 1, 2, 4, 8, 16


_FLAGS = {
    b"\\seen": Flag.SEEN,
    b"\\flagged": Flag.FLAGGED,
    b"\\answered": Flag.ANSWERED,
    b"\\draft": Flag.DRAFT,
    b"\\deleted": Flag.DELETED,
}


class Status(NamedTuple):
    """What STATUS tells; `modseq` is 0 where the server has no CONDSTORE (RFC 7162)."""

    uidvalidity: int
    uidnext: int
    messages: int
    modseq: int


class Fetched(NamedTuple):
    """One message as the server gave it; `content` holds its first `FETCHED_BYTES`, `size` is its whole size."""

    uid: int
    flags: int
    received: datetime
    size: int
    content: bytes


class ImapSession:
    """A signed-in connection. Methods block; one at a time. `close` may come from another thread at any time."""

    def __init__(self, client: IMAPClient, server: Server) -> None:
        self._client = client
        self._server = server
        self._busy = threading.Lock()

    @classmethod
    def open(cls, account: MailAccount, *, seconds: float) -> Self:
        """Connects and signs in; raises `Unavailable` or `AccountRequired` with what to do in the message."""
        client = _connect(account.imap, seconds)
        try:
            _sign_in(client, account)
        except BaseException:
            client.shutdown()
            raise
        return cls(client, account.imap)

    def close(self) -> None:
        """Signs out, or just cuts the connection when a command is under way."""
        polite = self._busy.acquire(blocking=False)
        try:
            if polite:
                self._client.logout()
            else:
                self._client.shutdown()
        except (imaplib.IMAP4.error, OSError):
            with contextlib.suppress(OSError):
                self._client.shutdown()
        finally:
            if polite:
                self._busy.release()

    def folders(self) -> list[Folder]:
        """The folders that can hold mail."""
        with self._speaking():
            listed = self._client.list_folders()
        return folders_of((flags, delimiter, name, _decoded(name)) for flags, delimiter, name in listed)

    def status(self, folder: Folder) -> Status | None:
        """The folder's numbers; None when the server will not tell (a folder gone meanwhile)."""
        wanted = ["MESSAGES", "UIDNEXT", "UIDVALIDITY"]
        if self._client.has_capability("CONDSTORE"):
            wanted.append("HIGHESTMODSEQ")
        try:
            with self._speaking():
                got = self._client.folder_status(folder.path, wanted)
        except Conflict:
            return None
        numbers = (got.get(name, 0) for name in (b"UIDVALIDITY", b"UIDNEXT", b"MESSAGES", b"HIGHESTMODSEQ"))
        return Status(*(number if isinstance(number, int) else 0 for number in numbers))

    def select(self, folder: Folder, *, readonly: bool = True) -> int:
        """Opens a folder and gives its number of messages; raises `NotFound`."""
        try:
            with self._speaking():
                return int(self._client.select_folder(folder.path, readonly=readonly).get(b"EXISTS", 0))
        except Conflict as error:
            raise NotFound(f"The folder {folder.name!r} is not there any more.") from error

    def uids(self, messages: int) -> list[int]:
        """The UIDs in the open folder of `messages` messages, ascending."""
        found: set[int] = set()
        with self._speaking():
            for first in range(1, messages + 1, _WINDOW):
                found.update(self._client.search(f"{first}:{min(first + _WINDOW - 1, messages)}"))
        return sorted(uid for uid in found if uid > 0)

    def changed(self, modseq: int) -> list[int]:
        """UIDs in the open folder whose flags changed since `modseq` (RFC 7162, 3.1.5)."""
        with self._speaking():
            return sorted(self._client.search(["MODSEQ", str(modseq + 1)]))

    def flags(self, uids: Sequence[int]) -> dict[int, int]:
        """The flags of messages in the open folder; those that are gone are left out."""
        found: dict[int, int] = {}
        with self._speaking():
            for first in range(0, len(uids), _UIDS_A_COMMAND):
                got = self._client.fetch(uids[first : first + _UIDS_A_COMMAND], ["FLAGS"])
                found.update({uid: _flag_bits(data.get(b"FLAGS")) for uid, data in got.items()})
        return found

    def fetch(self, uids: Sequence[int]) -> list[Fetched]:
        """Messages of the open folder, without marking them as read; those that are gone are left out."""
        section = f"BODY.PEEK[]<0.{FETCHED_BYTES}>"
        with self._speaking():
            got = self._client.fetch(uids, ["FLAGS", "INTERNALDATE", "RFC822.SIZE", section])
        return [message for uid, data in got.items() if (message := _fetched(uid, data)) is not None]

    def structures(self, uids: Sequence[int]) -> dict[int, list[tuple[str, str, int]]]:
        """Per message its attachments as (name, type, bytes), for messages that were not read in full."""
        with self._speaking():
            got = self._client.fetch(uids, ["BODYSTRUCTURE"])
        return {uid: list(_attached(data.get(b"BODYSTRUCTURE"))) for uid, data in got.items()}

    def find(self, folder: Folder, message_id: str) -> list[int]:
        """UIDs in a folder (opened by this) of the mails with that Message-ID."""
        self.select(folder, readonly=False)
        with self._speaking():
            return sorted(self._client.search(["HEADER", "Message-ID", f"<{message_id}>"]))

    def append(self, folder: Folder, content: bytes, *, flags: Sequence[str], date: datetime) -> None:
        """Puts a mail into a folder; raises `Conflict` when refused, `UpstreamFailed` when it may have happened."""
        with self._acting():
            self._client.append(folder.path, content, tuple(flag.encode() for flag in flags), date)

    def move(self, uids: Sequence[int], to: Folder) -> None:
        """Moves messages out of the open folder; raises `Conflict` when refused, `UpstreamFailed` when unclear.

        Without MOVE (RFC 6851) they are copied, then marked as deleted, and expunged where UIDPLUS names them.
        """
        with self._acting():
            if self._client.has_capability("MOVE"):
                self._client.move(uids, to.path)
                return
            self._client.copy(uids, to.path)
            self._client.add_flags(uids, [b"\\Deleted"], silent=True)
            if self._client.has_capability("UIDPLUS"):
                self._client.uid_expunge(uids)

    def delete(self, uids: Sequence[int]) -> None:
        """Removes messages of the open folder for good; raises as `move`."""
        with self._acting():
            self._client.add_flags(uids, [b"\\Deleted"], silent=True)
            if self._client.has_capability("UIDPLUS"):
                self._client.uid_expunge(uids)

    def whole(self, uid: int, *, largest: int) -> bytes | None:
        """A message of the open folder in full, not marked as read; None when it is gone. Raises `TooLarge`."""
        with self._speaking():
            size = self._client.fetch([uid], ["RFC822.SIZE"]).get(uid, {}).get(b"RFC822.SIZE")
        if size is None:
            return None
        if not isinstance(size, int) or size > largest:
            raise TooLarge(f"That mail has more than {largest // 1_048_576} MB, the most that is read.")
        with self._speaking():
            got = self._client.fetch([uid], [f"BODY.PEEK[]<0.{largest}>"]).get(uid, {})
        content = next((value for key, value in got.items() if key.startswith(b"BODY[]")), None)
        return content if isinstance(content, bytes) else None

    def change_flags(self, uids: Sequence[int], *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Sets and clears flags of messages in the open folder; raises as `move`."""
        with self._acting():
            if add:
                self._client.add_flags(uids, [flag.encode() for flag in add], silent=True)
            if remove:
                self._client.remove_flags(uids, [flag.encode() for flag in remove], silent=True)

    def offers(self, capability: str) -> bool:
        """Whether the server names a capability."""
        with self._speaking():
            return bool(self._client.has_capability(capability))

    @contextlib.contextmanager
    def _speaking(self, lost: type[OaError] = Unavailable) -> Iterator[None]:
        """Errors of a command as ours: `lost` when the connection is gone, `Conflict` when the server said no."""
        host = self._server.host
        with self._busy:
            try:
                yield
            except (imaplib.IMAP4.abort, OSError) as error:
                raise lost(f"The connection to {host} was lost.") from error
            except imaplib.IMAP4.error as error:
                raise Conflict(f"{host} refused that.") from error
            except _BROKEN as error:
                raise lost(f"{host} gave an answer that cannot be read.") from error

    def _acting(self) -> contextlib.AbstractContextManager[None]:
        return self._speaking(lost=UpstreamFailed)


@contextlib.asynccontextmanager
async def imap_session(account: MailAccount, *, seconds: float) -> AsyncIterator[ImapSession]:
    """A session for the length of a block, opened and closed in a thread; raises as `ImapSession.open`."""
    opening = asyncio.ensure_future(asyncio.to_thread(ImapSession.open, account, seconds=seconds))
    try:
        session = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unused)
        raise
    try:
        yield session
    finally:
        await asyncio.shield(asyncio.to_thread(session.close))


def _close_unused(opening: asyncio.Future[ImapSession]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _connect(server: Server, seconds: float) -> IMAPClient:
    context = None if server.security == "none" else ssl.create_default_context()
    timeout = SocketTimeout(min(_CONNECT_SECONDS, seconds), max(min(seconds, 60.0), 1.0))
    try:
        tls = server.security == "tls"
        client = IMAPClient(server.host, port=server.port, ssl=tls, ssl_context=context, timeout=timeout)
        client.folder_encode = False
        client.normalise_times = False
    except (imaplib.IMAP4.error, OSError, *_BROKEN) as error:
        raise connection_fault(server, _root_of(error)) from error
    if server.security == "starttls":
        _start_tls(client, server, context)
    return client


def _start_tls(client: IMAPClient, server: Server, context: ssl.SSLContext | None) -> None:
    try:
        client.starttls(context)
    except CapabilityError as error:
        client.shutdown()
        raise no_starttls_fault(server) from error
    except (imaplib.IMAP4.error, OSError, *_BROKEN) as error:
        client.shutdown()
        raise connection_fault(server, _root_of(error)) from error


def _sign_in(client: IMAPClient, account: MailAccount) -> None:
    server, password = account.imap, account.password.get_secret_value()
    try:
        if client.has_capability("AUTH=PLAIN"):
            client.plain_login(account.login, password)
        elif client.has_capability("LOGINDISABLED"):
            raise no_login_fault(server)
        else:
            client.login(account.login, password)
    except LoginError as error:
        if isinstance(error.__context__, imaplib.IMAP4.abort):
            raise connection_fault(server, ConnectionError()) from error
        if any(code in str(error) for code in _BUSY):
            raise Unavailable(f"{server.host} cannot sign anybody in at the moment.", retry_after=60) from error
        raise login_fault(server, account.login) from error
    except (imaplib.IMAP4.error, OSError, *_BROKEN) as error:
        raise connection_fault(server, _root_of(error)) from error


def _root_of(error: Exception) -> Exception:
    """Imaplib wraps a lost connection into its own error; what happened to the socket stands behind it."""
    if isinstance(error, imaplib.IMAP4.abort):
        return error.__context__ if isinstance(error.__context__, OSError) else EOFError()
    return error


def _decoded(path: bytes | str) -> str:
    """A folder's name out of modified UTF-7 (RFC 3501, 5.1.3)."""
    raw = path.encode("utf-8", "replace") if isinstance(path, str) else path
    try:
        return str(decode_utf7(raw))
    except _BROKEN:
        return raw.decode("utf-8", "replace")


def _flag_bits(flags: Any) -> int:
    given = flags if isinstance(flags, tuple | list) else ()
    return sum({_FLAGS.get(flag.lower(), 0) for flag in given if isinstance(flag, bytes)})


def _fetched(uid: int, data: dict[bytes, Any]) -> Fetched | None:
    content = next((value for key, value in data.items() if key.startswith(b"BODY[]")), None)
    if not isinstance(content, bytes):
        return None
    received, size = data.get(b"INTERNALDATE"), data.get(b"RFC822.SIZE")
    return Fetched(
        uid=uid,
        flags=_flag_bits(data.get(b"FLAGS")),
        received=_moment(received),
        size=size if isinstance(size, int) else len(content),
        content=content,
    )


def _moment(value: Any) -> datetime:
    try:
        return value.astimezone(UTC) if isinstance(value, datetime) else datetime.fromtimestamp(0, UTC)
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(0, UTC)


def _attached(structure: Any, depth: int = 0) -> Iterator[tuple[str, str, int]]:
    """Leaves of a BODYSTRUCTURE (RFC 9051, 7.5.2) that are attachments."""
    if not isinstance(structure, tuple) or not structure or depth > 20:
        return
    if isinstance(structure[0], list):
        for part in structure[0][:300]:
            yield from _attached(part, depth + 1)
        return
    kind = "/".join(str(each, "ascii", "replace").lower() for each in structure[:2] if isinstance(each, bytes))
    name = _parameter(structure)
    if name or not kind.startswith("text/"):
        size = structure[6] if len(structure) > 6 and isinstance(structure[6], int) else 0
        base64 = len(structure) > 5 and isinstance(structure[5], bytes) and structure[5].lower() == b"base64"
        yield name or f"({kind})", kind, size * 3 // 4 if base64 else size


def _parameter(structure: tuple[Any, ...]) -> str:
    for part in _flattened(structure):
        for key, value in zip(part[::2], part[1::2], strict=False):
            if (
                isinstance(key, bytes)
                and isinstance(value, bytes)
                and key.lower().rstrip(b"*0") in (b"name", b"filename")
            ):
                return value.decode("utf-8", "replace")
    return ""


def _flattened(structure: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Parameter lists directly in a part and in its disposition."""
    for each in structure:
        if isinstance(each, tuple):
            yield each
            yield from (inner for inner in each if isinstance(inner, tuple))
