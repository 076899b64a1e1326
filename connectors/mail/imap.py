"""A mailbox on an IMAP server (RFC 9051, RFC 3501), spoken with in threads.

Every answer is taken with suspicion: sizes are bounded, names may be undecodable, numbers may be missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from connectors.mail.account import MailAccount, Server
from connectors.mail.client import BROKEN, Client, connect, sign_in
from connectors.mail.folders import Folder, folders_of
from connectors.mail.structure import attached
from openassistant.errors import Conflict, NotFound, OaError, TooLarge, Unavailable, UpstreamFailed

__all__ = ["FETCHED_BYTES", "Fetched", "Flag", "Folder", "ImapSession", "Opened", "Status", "imap_session"]

FETCHED_BYTES = 128 * 1024
"""How much of a mail is read: headers and text stand at the front, attachments behind."""

_WINDOW = 50_000
"""Messages per UID listing: the answer is one line, and imaplib takes at most a million bytes."""
_UIDS_A_COMMAND = 500


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
    unseen: int = 0


class Opened(NamedTuple):
    """What opening a folder told; `vanished` and `flags` (by UID) where the server told what changed."""

    messages: int
    uidvalidity: int
    vanished: tuple[range, ...] | None
    flags: dict[int, int]


class Fetched(NamedTuple):
    """One message as the server gave it; `content` holds its first `FETCHED_BYTES`, `size` is its whole size."""

    uid: int
    flags: int
    received: datetime
    size: int
    content: bytes


class ImapSession:
    """A signed-in connection. Methods block; one at a time. `close` may come from another thread at any time."""

    def __init__(self, client: Client, server: Server) -> None:
        self._client = client
        self._server = server
        self._busy = threading.Lock()
        self._idling = False

    @classmethod
    def open(cls, account: MailAccount, *, seconds: float) -> Self:
        """Connects and signs in; raises `Unavailable` or `AccountRequired` with what to do in the message."""
        client = connect(account.imap, seconds, account.egress)
        try:
            sign_in(client, account)
        except BaseException:
            client.shutdown()
            raise
        return cls(client, account.imap)

    def close(self) -> None:
        """Signs out, or just cuts the connection when a command or an IDLE is under way."""
        polite = self._busy.acquire(blocking=False)
        try:
            if polite and not self._idling:
                self._client.logout()
            else:
                self._client.shutdown()
        except (imaplib.IMAP4.error, OSError):
            self.cut()
        finally:
            if polite:
                self._busy.release()

    def cut(self) -> None:
        """Ends the connection without a word and without waiting."""
        with contextlib.suppress(OSError):
            self._client.shutdown()

    def folders(self) -> list[Folder]:
        """The folders that can hold mail."""
        with self._speaking():
            listed = self._client.listed()
        return folders_of((each.marks, each.separator, each.path, each.name) for each in listed)

    def survey(self) -> list[tuple[Folder, Status | None]]:
        """The folders with their numbers; None for one whose numbers the server will not tell."""
        wanted = self._numbers()
        with self._speaking():
            listed = self._client.listed(wanted)
        folders = folders_of((each.marks, each.separator, each.path, each.name) for each in listed)
        numbers = {each.path: each.numbers for each in listed}
        with self._speaking():
            asked = [folder.path for folder in folders if numbers.get(folder.path) is None]
            numbers |= self._client.statuses(asked, wanted)
        return [(folder, _status(numbers.get(folder.path))) for folder in folders]

    def status(self, folder: Folder) -> Status | None:
        """The folder's numbers; None when the server will not tell (a folder gone meanwhile)."""
        wanted = self._numbers()
        with self._speaking():
            return _status(self._client.statuses([folder.path], wanted).get(folder.path))

    def _numbers(self) -> list[str]:
        wanted = ["MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN"]
        return [*wanted, "HIGHESTMODSEQ"] if self.offers("CONDSTORE") else wanted

    def open_at(self, folder: Folder, *, uidvalidity: int, modseq: int) -> Opened:
        """Opens a folder to look; where the server has QRESYNC, with what changed since these numbers.

        Raises `NotFound`.
        """
        since = (uidvalidity, modseq) if uidvalidity and modseq and self.offers("QRESYNC") else None
        try:
            with self._speaking():
                opened = self._client.opened(folder.path, since=since)
        except Conflict as error:
            raise NotFound("That folder is not there any more.") from error
        return Opened(
            opened.messages,
            opened.uidvalidity,
            opened.vanished,
            {uid: _flag_bits(flags) for uid, flags in opened.flags.items()},
        )

    def select(self, folder: Folder, *, readonly: bool = True) -> int:
        """Opens a folder and gives its number of messages; raises `NotFound`."""
        try:
            with self._speaking():
                return int(self._client.select_folder(folder.path, readonly=readonly).get(b"EXISTS", 0))
        except Conflict as error:
            raise NotFound("That folder is not there any more.") from error

    def uids(self, messages: int) -> list[int]:
        """The UIDs in the open folder of `messages` messages, ascending."""
        if self.offers("ESEARCH"):
            with self._speaking():
                return self._client.all_uids()
        found: set[int] = set()
        with self._speaking():
            for first in range(1, messages + 1, _WINDOW):
                last = str(first + _WINDOW - 1) if first + _WINDOW <= messages else "*"
                found.update(self._client.search(f"{first}:{last}"))
        return sorted(uid for uid in found if uid > 0)

    def uids_from(self, first: int) -> list[int]:
        """The UIDs in the open folder from one on, ascending; `n:*` always names the last message too."""
        with self._speaking():
            return sorted(uid for uid in self._client.search(["UID", f"{first}:*"]) if uid >= first)

    def unseen(self) -> list[int]:
        """The UIDs in the open folder that were not read yet."""
        with self._speaking():
            return list(self._client.search(["UNSEEN"]))

    def present(self, uids: Sequence[int]) -> set[int]:
        """Which of these are still in the open folder."""
        found: set[int] = set()
        with self._speaking():
            for first in range(0, len(uids), _UIDS_A_COMMAND):
                found |= self._client.fetched(_set(uids[first : first + _UIDS_A_COMMAND]), "FLAGS").keys()
        return found & set(uids)

    def changed_flags(self, modseq: int) -> dict[int, int]:
        """The flags in the open folder that changed since `modseq` (RFC 7162, 3.1.4)."""
        with self._speaking():
            got = self._client.fetched("1:*", "FLAGS", since=modseq)
        return {uid: _flag_bits(data.get(b"FLAGS")) for uid, data in got.items()}

    def flags(self, uids: Sequence[int]) -> dict[int, int]:
        """The flags of messages in the open folder; those that are gone are left out."""
        found: dict[int, int] = {}
        with self._speaking():
            for first in range(0, len(uids), _UIDS_A_COMMAND):
                got = self._client.fetched(_set(uids[first : first + _UIDS_A_COMMAND]), "FLAGS")
                found.update({uid: _flag_bits(data.get(b"FLAGS")) for uid, data in got.items()})
        return found

    def fetch(self, uids: Sequence[int]) -> list[Fetched]:
        """Messages of the open folder, without marking them as read; those that are gone are left out."""
        items = f"FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.{FETCHED_BYTES}>"
        wanted = set(uids)
        with self._speaking():
            got = self._client.fetched(_set(uids), items)
        read = (_fetched(uid, data) for uid, data in got.items() if uid in wanted)
        return [message for message in read if message is not None]

    def structures(self, uids: Sequence[int]) -> dict[int, list[tuple[str, str, int]]]:
        """Per message its attachments as (name, type, bytes), for messages that were not read in full."""
        with self._speaking():
            got = self._client.fetched(_set(uids), "BODYSTRUCTURE")
        return {uid: list(attached(data.get(b"BODYSTRUCTURE"))) for uid, data in got.items()}

    def begin_idle(self) -> int:
        """Has the server tell what happens in the open folder (RFC 2177); gives the socket to wait on."""
        with self._speaking():
            self._idling = True
            self._client.idle()
            return int(self._client.socket().fileno())

    def end_idle(self) -> bool:
        """Ends what `begin_idle` began; whether something happened."""
        with self._speaking():
            told = self._client.idle_check(timeout=0)
            _, more = self._client.idle_done()
            self._idling = False
        return any(_is_change(each) for each in [*told, *more])

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

        Without MOVE (RFC 6851) they are copied and then deleted as `delete` does.
        """
        if self.offers("MOVE"):
            with self._acting():
                self._client.move(uids, to.path)
            return
        with self._acting():
            self._client.copy(uids, to.path)
        self.delete(uids)

    def delete(self, uids: Sequence[int]) -> None:
        """Removes messages of the open folder for good; raises as `move`.

        Without UIDPLUS (RFC 4315) an expunge takes everything that is marked as deleted, also what somebody else
        marked and may still want: then it is done only where nothing else is marked, and left marked elsewhere.
        """
        with self._acting():
            self._client.add_flags(uids, [b"\\Deleted"], silent=True)
            if self._client.has_capability("UIDPLUS"):
                self._client.uid_expunge(uids)
            elif set(self._client.search(["DELETED"])) <= set(uids):
                self._client.expunge()

    def whole(self, uid: int, *, largest: int) -> bytes | None:
        """A message of the open folder in full, not marked as read; None when it is gone. Raises `TooLarge`."""
        with self._speaking():
            size = self._client.fetched(str(uid), "RFC822.SIZE").get(uid, {}).get(b"RFC822.SIZE")
        if size is None:
            return None
        if not isinstance(size, int) or size > largest:
            raise TooLarge(f"That mail has more than {largest // 1_048_576} MB, the most that is read.")
        with self._speaking():
            got = self._client.fetched(str(uid), f"BODY.PEEK[]<0.{largest}>").get(uid, {})
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
            self._client.renew_allowance()
            try:
                yield
            except (imaplib.IMAP4.abort, OSError) as error:
                raise lost(f"The connection to {host} was lost in the middle.") from error
            except imaplib.IMAP4.error as error:
                raise Conflict(f"{host} refused that or cannot be read. Whoever runs it can look.") from error
            except BROKEN as error:
                raise lost(f"{host} gave an answer that cannot be read. Its operator can look.") from error

    def _acting(self) -> contextlib.AbstractContextManager[None]:
        return self._speaking(lost=UpstreamFailed)


@contextlib.asynccontextmanager
async def imap_session(account: MailAccount, *, seconds: float) -> AsyncIterator[ImapSession]:
    """A session for the length of a block, opened and closed in a thread; raises as `ImapSession.open`."""
    abandoned = threading.Event()
    opening = asyncio.ensure_future(asyncio.to_thread(_open_unless, abandoned, account, seconds))
    try:
        session = await asyncio.shield(opening)
    except asyncio.CancelledError:
        abandoned.set()
        opening.add_done_callback(_cut_unused)
        raise
    try:
        yield session
    finally:
        await asyncio.shield(asyncio.to_thread(session.close))


def _open_unless(abandoned: threading.Event, account: MailAccount, seconds: float) -> ImapSession:
    """Runs in a thread, which nobody may wait for any more when the connection stands."""
    session = ImapSession.open(account, seconds=seconds)
    if abandoned.is_set():
        session.cut()
    return session


def _cut_unused(opening: asyncio.Future[ImapSession]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().cut()


def _flag_bits(flags: Any) -> int:
    """The flags that the mirror keeps, out of what a server sent."""
    given = flags if isinstance(flags, tuple | list) else ()
    return sum({_FLAGS.get(flag.lower(), 0) for flag in given if isinstance(flag, bytes)})


def _set(uids: Sequence[int]) -> str:
    return ",".join(map(str, uids))


def _status(numbers: Mapping[bytes, int] | None) -> Status | None:
    if numbers is None:
        return None
    names = (b"UIDVALIDITY", b"UIDNEXT", b"MESSAGES", b"HIGHESTMODSEQ", b"UNSEEN")
    return Status(*(numbers.get(name, 0) for name in names))


def _is_change(told: Any) -> bool:
    """Whether a line that came in IDLE says more than that the server is still there."""
    return isinstance(told, tuple) and not {b"OK", b"RECENT"} & {each for each in told if isinstance(each, bytes)}


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
