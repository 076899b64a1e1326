"""The witness: an append-only ledger that everything is written into before it happens. Wires and serves."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import AsyncExitStack
from pathlib import Path

from openassistant import log, subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, Clock, utc_now
from openassistant.data import Answers, Forgotten, Holding, serve_data
from openassistant.errors import OaError, Unavailable
from openassistant.grants import Scope, SigningKey, Trust
from openassistant.keys import Keys
from openassistant.left import LeftEntriesQuery, LeftQuery
from openassistant.locks import FileLock
from openassistant.messages import (
    ConsistencyRequest,
    Done,
    ExportRequest,
    LedgerQuery,
    ProofRequest,
    Record,
    TreeHead,
    TurnQuery,
    Verification,
    VerifyRequest,
)
from openassistant.rekeying import Rekeying
from openassistant.store import Migrations, Store
from services.audit.contents import Contents, content_key
from services.audit.emptying import Emptying
from services.audit.ledger import Ledger
from services.audit.left import Left
from services.audit.outside import Outside
from services.audit.pages import Pages
from services.audit.settings import AuditSettings
from services.audit.witness import Witness

__all__ = ["MIGRATIONS", "ROOM", "Audit", "alone", "main"]

ROOM = "audit"
_SCRIPTS = Path(__file__).parent / "migrations"
MIGRATIONS = Migrations({"own": _SCRIPTS, "left": _SCRIPTS / "left", "keys": _SCRIPTS / "keys"})
_HEAD_SECONDS = 5.0
_LOCK_SECONDS = 20.0
_DRAIN_SECONDS = 1.0
"""The supervisor gives the witness two seconds; whoever has no answer by then has no receipt either."""
_RECORDS_AT_ONCE = 512

_log = logging.getLogger("openassistant.audit")


class Audit:
    """The room's handlers over an open store; `content_key` is what records of nobody in particular are under."""

    def __init__(
        self,
        bus: Bus,
        store: Store,
        content_key: bytes,
        *,
        keys: Keys,
        key: SigningKey,
        trust: Trust,
        clock: Clock,
        kept_head: Path,
        outside: Outside | None = None,
    ) -> None:
        self._bus, self._store, self._keys, self._trust, self._clock = bus, store, keys, trust, clock
        self.ledger = Ledger(store, key, clock, kept_head=kept_head, outside=outside)
        contents = Contents(keys, content_key)
        self.witness = Witness(self.ledger, contents, key=key, trust=trust, clock=clock)
        self._pages = Pages(self.ledger, contents, trust=trust, clock=clock)
        self._left = Left(store, contents, trust=trust, clock=clock)
        self._emptying = Emptying(store, key.raw_private())

    async def start(self) -> None:
        """Holds the ledger against its signed heads, then serves."""
        await self.ledger.open()
        serve, audit = self._bus.serve, subjects.audit
        await serve(audit("query"), LedgerQuery, self._pages.query)
        await serve(audit("turn"), TurnQuery, self._pages.turn)
        await serve(audit("proof"), ProofRequest, self._pages.proof, limit=2)
        await serve(audit("consistency"), ConsistencyRequest, self._pages.consistency, limit=2)
        await serve(audit("export"), ExportRequest, self._pages.export, limit=4)
        await serve(audit("verify"), VerifyRequest, self.on_verify, limit=1)
        await serve(audit("head"), Done, self.on_head)
        await serve(audit("left"), LeftQuery, self._left.report, limit=4)
        await serve(audit("left_entries"), LeftEntriesQuery, self._left.entries, limit=4)
        answers = Answers(usage=self.on_usage, erase=self.erase, forget=self.forget, export=self._pages.as_file)
        await serve_data(self._bus, ROOM, answers, trust=self._trust, clock=self._clock)
        await Rekeying(self._keys, self._store).serve(self._bus, trust=self._trust, clock=self._clock)
        await serve(
            subjects.audit_record("*"), Record, self.witness.record, limit=_RECORDS_AT_ONCE, caller_is_last=True
        )

    async def on_verify(self, ctx: CallContext, request: VerifyRequest) -> Verification:
        """Checks every record and every signed head, also those that were kept elsewhere."""
        if request.only_heads:
            await self.ledger.hold_against(request.heads)
            head = None if self.ledger.broken else await self.ledger.head()
            size, root = (head.size, head.root) if head else (0, "")
            return Verification(ok=head is not None, size=size, root=root, detail=self.ledger.broken or "")
        return await self.ledger.verify(request.heads)

    async def on_usage(self, ctx: CallContext, user: str) -> Holding:
        """How much is written down of a user."""
        return Holding(parts=(await self.ledger.entries_of(user), *await self._emptying.held(user)))

    async def forget(self, user: str, scope: Scope, dry: bool) -> Forgotten:  # noqa: FBT001 - see `Answers`
        """Removes what records of a user hold, not the records: their proofs stay. See `Emptying`."""
        return Forgotten(parts=await self._emptying.forget(user, scope, dry=dry))

    async def erase(self, user: str) -> None:
        """Forgets where a user's bytes went, and his key. His records stay as proofs; without his key none can be read.

        That key is the vault's to destroy.
        """
        self._keys.lock(user)
        await self._left.forget(user)

    async def on_head(self, ctx: CallContext, _: Done) -> TreeHead:
        """The newest signed head, over everything that was answered before."""
        return await self.ledger.head()

    async def keep_heads(self) -> None:
        """Signs a head whenever records were added, every few seconds, for ever."""
        while True:
            await self.keep_head()
            await asyncio.sleep(_HEAD_SECONDS)

    async def keep_head(self, *, last: bool = False) -> None:
        """Signs a head when records were added since the last one; `last`: the room ends."""
        try:
            await self.ledger.head(last=last)
        except (OaError, OSError) as error:
            _log.error("head not signed", extra={"error": type(error).__name__})


async def run(settings: AuditSettings) -> None:
    """Serves until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    key = SigningKey.load(settings.signing_key_file)
    async with AsyncExitStack() as stack:
        stack.callback((await alone(settings.data_dir)).release)
        bus = await settings.connect(ROOM)
        keys = Keys(bus, utc_now)
        store = await Store.open(settings.data_dir / "ledger.db", await keys.room(), MIGRATIONS)
        stack.push_async_callback(store.close)
        audit = Audit(
            bus,
            store,
            await content_key(store),
            keys=keys,
            key=key,
            trust=settings.trust(),
            clock=utc_now,
            kept_head=settings.data_dir / "head",
            outside=_outside(settings, key),
        )
        await audit.start()
        stack.push_async_callback(audit.keep_head, last=True)
        stack.push_async_callback(bus.drain, seconds=_DRAIN_SECONDS)
        heads = asyncio.create_task(audit.keep_heads())
        stack.callback(heads.cancel)
        await stop.wait()


def _outside(settings: AuditSettings, key: SigningKey) -> Outside | None:
    """Where heads are kept beside the data, if the owner chose a place."""
    if settings.heads_file is None:
        return None
    return Outside(settings.heads_file, public=key.raw_public(), clock=utc_now, every=settings.heads_every)


async def alone(data_dir: Path, *, seconds: float = _LOCK_SECONDS) -> FileLock:
    """The lock on the ledger, waiting for a former process to end; two writers would each see the other as a thief.

    Raises `Unavailable` after `seconds`.
    """
    ends = asyncio.get_running_loop().time() + seconds
    while (lock := FileLock.take(data_dir / "lock")) is None:
        if asyncio.get_running_loop().time() > ends:
            raise Unavailable("Another witness writes into this ledger.")
        await asyncio.sleep(0.1)
    return lock


def main() -> None:
    """The room's process."""
    settings = AuditSettings.read_or_exit()
    log.configure(ROOM)
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
