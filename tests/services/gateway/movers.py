"""A house whose other rooms hold files in memory: what they give, what they were given, and whether they are away."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from argon2 import PasswordHasher

from openassistant import subjects
from openassistant.context import CallContext, new_id, utc_now
from openassistant.data import ExportPage, ExportRequest, Imported, ImportRequest, Piece
from openassistant.errors import OaError
from openassistant.messages import AccountList, AccountQuery
from services.gateway import moving_views as views
from services.gateway.backoff import Backoff
from services.gateway.belongings import Belongings
from services.gateway.exporting import Exporting
from services.gateway.importing import Importing
from services.gateway.ledger import Ledger
from services.gateway.lending import Lending
from services.gateway.moves import Moves
from services.gateway.moving import Moving
from services.gateway.passwords import Passwords
from services.gateway.preferences import Preferences
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.tokens import Tokens
from services.gateway.users import Users
from services.gateway.vault import Vault
from tests.services.gateway.house import GatewayHouse

__all__ = ["PASSWORD", "Movers", "archive", "manifest", "zipped"]

PASSWORD = "not-a-real-password-of-bob"
_MODIFIED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROOMS = ("agent", "vault", "audit", "post")


def manifest(files: dict[str, bytes], **changes: Any) -> bytes:
    listed = {name: {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()} for name, body in files.items()}
    return json.dumps({"format": 1, "files": listed, **changes}).encode()


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name, body in files.items():
            target.writestr(name, body)
    return made.getvalue()


def archive(files: dict[str, bytes], **changes: Any) -> bytes:
    """An archive as another house would have made it."""
    return zipped({"manifest.json": manifest(files, **changes), "README.txt": b"", **files})


class Movers(GatewayHouse):
    """`files` is what each room gives, one piece of at most `step` bytes a page; `reached` is what reached each."""

    def __init__(self, folder: Path) -> None:
        self._ahead = timedelta()
        super().__init__(folder)
        self.files: dict[str, dict[str, bytes]] = {room: {} for room in ROOMS}
        self.reached: dict[str, dict[str, bytes]] = {room: {} for room in ROOMS}
        self.requests: list[tuple[str, tuple[str, ...]]] = []
        self.away: dict[str, OaError] = {}
        self.lost: set[str] = set()
        self.step = 1000
        self.pages = 0
        self.stop_after: int | None = None
        self.stopped = asyncio.Event()
        self.moving: Moving
        self.moves: Moves
        self.bob: SignedIn

    @property
    def time(self) -> datetime:
        """It goes on: work on an archive takes its time."""
        return utc_now() + self._ahead

    @time.setter
    def time(self, now: datetime) -> None:
        self._ahead = now - utc_now()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        for room in ROOMS:
            bus = self.bus.room(room)
            self._others.push_async_callback(bus.drain, seconds=1)
            await bus.serve(subjects.data(room, "export"), ExportRequest, self._exporter(room))
            await bus.serve(subjects.data(room, "import"), ImportRequest, self._importer(room))
        owner = self.me.user.model_copy(update={"role": "owner"})
        await self.users.add(owner, "not a hash", first=True)
        user, hashed = await self.users.prepare(username="bob", password=PASSWORD, display_name="", role="member")
        await self.users.add(user, hashed)
        self.bob = SignedIn(session=new_id(), user=user, expires=self.time + timedelta(days=1), began=self.time)
        self.become(self.bob)
        return self

    async def start(self) -> None:
        await super().start()
        bus = self.bus.room("gateway")
        self._own.push_async_callback(bus.drain, seconds=1)
        ledger = Ledger(bus, self.grants, Preferences(self.store))
        quick = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        self.users = Users(self.store, quick, self.clock)
        sessions = Sessions(self.store, self.users, ledger, Backoff(self.clock), self.clock)
        self.tokens = Tokens(self.store, sessions, ledger, Backoff(self.clock), self.clock)
        belongings = Belongings(
            self.own, self.schedules, self.runbook, self.routing, self.tokens, lending=Lending(self.store),
            users=self.users, trust=self.trust, clock=self.clock,
        )  # fmt: skip
        self.moves = Moves(self.store, self.own, self.clock)
        self.moving = Moving(
            bus, self.moves,
            Exporting(
                bus, self.moves, self.own, belongings, users=self.users, sessions=sessions,
                connectors=self.connectors, vault=Vault(bus, self.grants), grants=self.grants, ledger=ledger,
                clock=self.clock,
            ),
            Importing(
                bus, self.moves, self.own, belongings, turns=self.turns, connectors=self.connectors,
                grants=self.grants, ledger=ledger, clock=self.clock,
            ),
        )  # fmt: skip

    # --- what a person does ---------------------------------------------------------------------------------------

    async def begin(self, me: SignedIn | None = None, *, password: str = PASSWORD, **draft: Any) -> views.Export:
        made = views.ExportDraft(password=password, **draft)
        return await self.moving.exporting.begin(me or self.bob, made, address="192.0.2.1")

    async def made(self, state: str = "ready", me: SignedIn | None = None) -> views.Export:
        """The archive, once it is in a state."""
        async with asyncio.timeout(60):
            while (found := await self.moving.exporting.status(me or self.bob)) is None or found.state != state:
                await self.moving.go_on()
                await asyncio.sleep(0.01)
        return found

    async def fetched(self, export: views.Export, start: int = 0, end: int | None = None) -> bytes:
        last = export.size if end is None else end
        assert last is not None
        return b"".join([part async for part in self.moving.exporting.read(self.bob, export.id, start, last)])

    async def export(self, **draft: Any) -> dict[str, bytes]:
        """Each file of a new archive."""
        await self.begin(**draft)
        whole = await self.fetched(await self.made())
        with zipfile.ZipFile(io.BytesIO(whole)) as opened:
            assert opened.testzip() is None
            return {name: opened.read(name) for name in opened.namelist()}

    async def send(self, body: bytes, me: SignedIn | None = None, *, step: int = 700_000) -> views.Import:
        """An upload of which all is here."""
        sent = await self.moving.importing.begin(me or self.bob, views.ImportDraft(size=len(body)))
        for at in range(0, len(body), step):
            sent = await self.moving.importing.put(me or self.bob, sent.id, at, body[at : at + step])
        return sent

    async def bring(self, body: bytes, me: SignedIn | None = None, **keys: str) -> views.Import:
        """An archive, taken in or refused."""
        sent = await self.send(body, me)
        await self.moving.importing.start(me or self.bob, sent.id, views.ImportKeys(**keys))
        return await self.brought(me)

    async def brought(self, me: SignedIn | None = None) -> views.Import:
        async with asyncio.timeout(60):
            while True:
                found = await self.moving.importing.status(me or self.bob)
                if found is not None and found.state in ("done", "refused"):
                    return found
                await self.moving.go_on()
                await asyncio.sleep(0.01)

    # --- the other rooms ------------------------------------------------------------------------------------------

    def _exporter(self, room: str) -> Any:
        async def on_export(ctx: CallContext, request: ExportRequest) -> ExportPage:
            await self._answers(room, ctx)
            pieces = [
                Piece.model_construct(
                    path=path, modified=_MODIFIED, body=body[at : at + self.step], more=at + self.step < len(body),
                    offset=0,
                )
                for path, body in sorted(self.files[room].items())
                for at in range(0, max(len(body), 1), self.step)
            ]  # fmt: skip
            number = int(request.cursor or 0)
            after = number + 1
            return ExportPage(pieces=tuple(pieces[number:after]), cursor=str(after) if after < len(pieces) else None)

        return on_export

    def _importer(self, room: str) -> Any:
        async def on_import(ctx: CallContext, request: ImportRequest) -> Imported:
            await self._answers(room, ctx)
            self.requests.append((room, tuple(each.path for each in request.pieces)))
            for piece in request.pieces:
                before = self.reached[room].get(piece.path, b"")[: piece.offset]
                assert len(before) == piece.offset
                self.reached[room][piece.path] = before + piece.body
            if room in self.lost:
                self.lost.discard(room)
                raise self.away.get("lost", OaError("unused"))
            return Imported(taken=len(request.pieces))

        return on_import

    async def _answers(self, room: str, ctx: CallContext) -> None:
        assert self.trust.grant(ctx.grant, now=self.time).user == ctx.user
        self.pages += 1
        if self.stop_after is not None and self.pages > self.stop_after:
            self.stopped.set()
            await asyncio.sleep(3600)
        if room in self.away:
            raise self.away[room]

    async def _on_list(self, ctx: CallContext, query: AccountQuery) -> AccountList:
        mine = query.user == self.account.user
        return AccountList(accounts=(self.account,) if mine else ())
