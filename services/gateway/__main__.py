"""The gateway: sessions, the HTTP API, the web UI; the only room that signs grants and approvals. Wires and serves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import uvicorn

from openassistant import log
from openassistant.builtin import HOUSE_DIGEST, HOUSE_ID
from openassistant.bus import Bus
from openassistant.catalogue import Catalogue
from openassistant.context import Clock, utc_now
from openassistant.errors import OaError
from openassistant.grants import SigningKey
from openassistant.keys import Keys
from openassistant.rekeying import Rekeying
from openassistant.store import Migrations, Store, UserStores
from services.gateway.accounting import Accounting
from services.gateway.accounts import Accounts
from services.gateway.agui import Agui
from services.gateway.app import create_app
from services.gateway.approvals import Approvals
from services.gateway.backoff import Backoff
from services.gateway.bar import Bar
from services.gateway.belongings import Belongings
from services.gateway.browsers import Browsers
from services.gateway.budgets import Budgets
from services.gateway.chat import Chat
from services.gateway.commands import Commands
from services.gateway.completions import Completions
from services.gateway.connectors import Connectors, read_approved
from services.gateway.copies import Copies
from services.gateway.erasing import Erasing
from services.gateway.exporting import Exporting
from services.gateway.factors import Factors
from services.gateway.files import OwnFiles
from services.gateway.forgetting import Forgetting
from services.gateway.gateway import Gateway
from services.gateway.given import Given
from services.gateway.grants import Grants
from services.gateway.hand import Hand
from services.gateway.health import Health
from services.gateway.holds import Holds
from services.gateway.hooks import Door
from services.gateway.house import HouseRules
from services.gateway.house_words import HouseWords
from services.gateway.importing import Importing
from services.gateway.installation import Installation
from services.gateway.joining import Joining
from services.gateway.leaves import Leaves
from services.gateway.ledger import Ledger
from services.gateway.left import Left
from services.gateway.lending import Lending
from services.gateway.links import Links
from services.gateway.loans import Loans
from services.gateway.looks import Looks
from services.gateway.memories import Memories
from services.gateway.models import Models, OwnServer
from services.gateway.moves import Moves
from services.gateway.moving import Moving
from services.gateway.openid import OpenId
from services.gateway.outcomes import Outcomes
from services.gateway.ownmail import OwnMail
from services.gateway.ownparts import OwnParts
from services.gateway.parts import Parts
from services.gateway.passkeys import Passkeys
from services.gateway.passwords import Passwords
from services.gateway.people import People
from services.gateway.preferences import Preferences
from services.gateway.preset import Preset
from services.gateway.probes import Probes
from services.gateway.proposals import Proposals
from services.gateway.questions import Questions
from services.gateway.receipts import Receipts
from services.gateway.restored import put_aside
from services.gateway.retention import Retention
from services.gateway.rotations import Rotations
from services.gateway.routing import Routing
from services.gateway.rules import Rules
from services.gateway.runbook import Runbook
from services.gateway.runs import Runs
from services.gateway.schedules import Schedules
from services.gateway.sessions import Sessions
from services.gateway.settings import GatewaySettings
from services.gateway.setup import Setup
from services.gateway.shelf import Shelf
from services.gateway.signins import SignIns
from services.gateway.streams import Streams
from services.gateway.taint import Taint
from services.gateway.teller import Teller
from services.gateway.tokens import Tokens
from services.gateway.turns import Turns
from services.gateway.undoable import Undoables
from services.gateway.users import Users
from services.gateway.vault import Vault
from services.gateway.wayout import WayOut
from services.gateway.webpush import Pusher

__all__ = ["ROOM", "Room", "main"]

ROOM = "gateway"
_FOLDER = Path(__file__).parent / "migrations"
_WORK = timedelta(hours=1)
"""What a turn is given for itself, beside the time for which a question in it may wait."""
_SWEEP, _HOURLY, _HEAD, _ATTACH = 2.0, 3600.0, 30.0, 12 * 3600.0

_log = logging.getLogger("openassistant.gateway")


def _migrations(line: str) -> Migrations:
    """The numbered scripts of the room's own file, or of a user's."""
    return Migrations({"own": _FOLDER / line})


def _expected(release: frozenset[tuple[str, str]], settings: GatewaySettings) -> frozenset[str]:
    """Connectors without which the house is not healthy: the release's, or those of them that were chosen."""
    released = frozenset(connector for connector, _ in release)
    return released & {*settings.connectors} if settings.connectors else released


class Room:
    """All parts, made from one bus and one open store."""

    def __init__(self, bus: Bus, store: Store, keys: Keys, settings: GatewaySettings) -> None:
        clock, self._bus, self._settings = utc_now, bus, settings
        release = read_approved(settings.approved_cards_file)
        self.catalogue = Catalogue(clock)
        self.stores = UserStores(settings.data_dir / "users", _migrations("user"), keys.of, anew=keys.anew)
        preferences = Preferences(store)
        house = HouseRules.read(settings.house_file)
        self.connectors = Connectors(store, self.catalogue, clock, release=release, rules=house)
        grants = Grants(SigningKey.load(settings.signing_key_file), self._grantable, clock)
        self.ledger = Ledger(bus, grants, preferences)
        self.users = Users(store, Passwords(), clock)
        vault = Vault(bus, grants)
        self.way = WayOut(bus, vault, self.connectors.running, room=ROOM, proxy=settings.proxy(ROOM))
        holds = Holds(store, self.ledger, default=timedelta(seconds=settings.send_hold_seconds))
        self.models = Models(
            bus, preferences, vault, self.ledger, self.users, probes=Probes(bus, grants), way=self.way,
            clock=clock, preset=_preset(settings), own_port=settings.port, own=_own_model(settings), rules=house,
        )  # fmt: skip
        own, trust = OwnFiles(self.stores, keys, grants), settings.trust()
        life, self.given = timedelta(hours=settings.approval_hours), Given(bus, own, self.users, grants, clock)
        turns, questions = Turns(store, clock, longest=life + _WORK), Questions(store, own, clock)
        budgets = Budgets(store, preferences, self.users, clock, cap=house.limits)
        self.sessions = Sessions(store, self.users, self.ledger, Backoff(clock), clock)
        rules = Rules(
            own, questions, self.sessions, connectors=self.connectors, grants=grants, ledger=self.ledger, trust=trust,
            clock=clock,
        )  # fmt: skip
        routing = Routing(own, vault, self.sessions, ledger=self.ledger, clock=clock)
        door = Door(bus, store, self.connectors, grants, self.ledger, clock)
        self.accounts = Accounts(
            bus, store, vault, self.connectors, grants, self.ledger, holds=holds, routing=routing, way=self.way,
            door=door,
        )  # fmt: skip
        runbook = Runbook(store, clock)
        schedules = Schedules(
            own, runbook, self.sessions, rules=rules, connectors=self.connectors, grants=grants, ledger=self.ledger,
            trust=trust, clock=clock,
        )  # fmt: skip
        proposals = Proposals(bus, self.connectors, vault, grants)
        taint, memories = Taint(proposals, turns, self.given), Memories(own, clock)
        self.hand = Hand(bus, memories, schedules, taint, self.ledger, trust=trust, clock=clock)
        self.approvals = Approvals(
            bus, questions, turns, proposals=proposals, grants=grants, taint=taint,
            leaves=Leaves(grants, turns, schedules, routing), rules=rules, ledger=self.ledger, budgets=budgets,
            trust=trust, clock=clock, life=life, holds=holds, way=self.way,
        )  # fmt: skip
        self.tokens = Tokens(store, self.sessions, self.ledger, Backoff(clock), clock)
        self.setup = Setup(
            self.users, self.ledger, folder=settings.data_dir, address=settings.address, minimum_age=house.minimum_age
        )
        chat = Chat(
            bus, turns, questions, accounts=self.accounts, models=self.models, memories=memories, routing=routing,
            grants=grants,
            ledger=self.ledger, budgets=budgets, given=self.given,
        )  # fmt: skip
        self.runs = Runs(schedules, runbook, chat, questions, clock)
        pusher = Pusher(preferences, clock, makers=settings.push_hosts, subject=_contact(settings), way=self.way)
        browsers = Browsers(own, pusher, self.ledger, clock)
        mail = OwnMail(
            self.accounts, self.connectors, chat, rules, proposals=proposals, grants=grants, trust=trust, clock=clock
        )
        self.teller = Teller(
            store, own, self.users, questions, browsers, mail, ledger=self.ledger, trust=trust, clock=clock
        )
        outcomes = Outcomes(bus, self.connectors, self.ledger, grants, chat)
        commands = Commands(self.connectors, self.accounts, chat, clock)
        streams = Streams(bus, chat, self.sessions, self.tokens)
        agui = Agui(store, chat, streams, self.approvals)
        completions = Completions(bus, store, chat, streams, self.approvals, clock=clock)
        self._removal(store, vault, grants, clock, OwnParts(bus, store, own, chat.ids, clock), lock=keys.lock)
        self.copies = Copies(
            store, self.users, self.teller, self.ledger, report=settings.backup_report_file, clock=clock
        )
        self.bar = Bar(bus, store, grants, turns, questions, budgets=budgets, accounts=self.accounts)
        joining, openid = self._household(store, vault, budgets, house, clock)
        self.moving = self._moving(
            Moves(store, own, clock), own, turns, vault, grants, clock,
            Belongings(
                own, schedules, runbook, routing, self.tokens, lending=Lending(store), users=self.users, trust=trust,
                clock=clock,
            ),
        )  # fmt: skip
        self.rotations = Rotations(
            bus, preferences, self.sessions, own=Rekeying(keys, store, self.stores), grants=grants,
            ledger=self.ledger, clock=clock,
        )  # fmt: skip
        self.gateway = Gateway(
            sessions=self.sessions, tokens=self.tokens, setup=self.setup, connectors=self.connectors,
            accounts=self.accounts, door=door, loans=self._lending(store, vault, routing, grants, clock),
            sign_ins=SignIns(bus, vault, self.accounts, self.connectors, grants, self.sessions, self.ledger),
            chat=chat, given=self.given, shelf=Shelf(bus, grants), commands=commands, completions=completions,
            looks=Looks(bus, commands, self.connectors, self.accounts, grants),
            streams=streams, agui=agui, approvals=self.approvals, outcomes=outcomes, rules=rules, routing=routing,
            schedules=schedules, runs=self.runs, memories=memories, browsers=browsers, teller=self.teller,
            undoables=Undoables(self.approvals, outcomes, chat, self.ledger),
            receipts=Receipts(bus, grants, self.connectors, turns), ledger=self.ledger, models=self.models,
            left=Left(bus, grants, self.accounts.refs, clock),
            health=Health(bus, release=_expected(release, settings), catalogue=self.catalogue, clock=clock),
            erasing=self.erasing, copies=self.copies, moving=self.moving, retention=self.retention,
            rotations=self.rotations, house=house, people=self.people, joining=joining,
            openid=openid,
            installation=Installation(
                self.connectors, self.models, openid, rules=house, question_hours=settings.approval_hours,
                copied=settings.backup_report_file is not None, clock=clock,
            ),
            factors=Factors(self.sessions, self.passkeys, self.ledger), passkeys=self.passkeys,
            parts=Parts(
                bus, store, self.forgetting, self.sessions, chat=chat, connectors=self.connectors, vault=vault,
                grants=grants,
            ),
            accounting=Accounting(budgets, self.models, self.users, self.ledger, clock),
        )  # fmt: skip
        self._attached: dict[str, str] = {}

    def _removal(
        self, store: Store, vault: Vault, grants: Grants, clock: Clock, here: OwnParts, *, lock: Callable[[str], None]
    ) -> None:
        """What has data removed: parts of it, what is old, and people."""
        bus, connectors, ledger = self._bus, self.connectors, self.ledger
        self.forgetting = Forgetting(
            bus, store, here, grants=grants, ledger=ledger, disconnect=self.accounts.leave,
            detach=self.accounts.detached, clock=clock,
        )  # fmt: skip
        self.retention = Retention(
            bus, store, self.forgetting, connectors=connectors, vault=vault, grants=grants, ledger=ledger, clock=clock
        )
        self.erasing = Erasing(
            bus, store, self.stores, users=self.users, sessions=self.sessions, connectors=connectors, vault=vault,
            grants=grants, ledger=ledger, way=self.way, forgetting=self.forgetting, lock=lock, clock=clock,
        )  # fmt: skip

    def _moving(
        self, moves: Moves, own: OwnFiles, turns: Turns, vault: Vault, grants: Grants, clock: Clock, what: Belongings
    ) -> Moving:
        """What makes archives, and takes them in."""
        bus, connectors, ledger = self._bus, self.connectors, self.ledger
        self.forgetting.drop_copies = lambda user: moves.drop(user, "export")
        return Moving(
            bus,
            moves,
            Exporting(
                bus, moves, own, what, users=self.users, sessions=self.sessions, connectors=connectors, vault=vault,
                grants=grants, ledger=ledger, clock=clock,
            ),
            Importing(
                bus, moves, own, what, turns=turns, connectors=connectors, grants=grants, ledger=ledger, clock=clock,
            ),
        )  # fmt: skip

    def _lending(self, store: Store, vault: Vault, routing: Routing, grants: Grants, clock: Clock) -> Loans:
        """What people lend to each other."""
        self.loans = Loans(
            Lending(store), self.accounts, vault, users=self.users, sessions=self.sessions, grants=grants,
            ledger=self.ledger, words=HouseWords(store, clock), clock=clock,
        )  # fmt: skip
        self.ledger.names = self.users.names
        routing.lent_to, self.erasing.unlending = self.loans.lent_to, self.loans.person_leaves
        return self.loans

    def _household(
        self, store: Store, vault: Vault, budgets: Budgets, house: HouseRules, clock: Clock
    ) -> tuple[Joining, OpenId]:
        """What looks after the people of the house, and how they come in."""
        self.erasing.leaving = self.models.forget_key_of
        links, words = Links(store, Backoff(clock), clock), HouseWords(store, clock)
        self.passkeys = Passkeys(store, self.users, self.sessions, self.ledger, clock=clock)
        self.people = People(
            store, self.users, self.sessions, self.ledger, links=links, words=words, bar=self.bar,
            owners_changed=budgets.owners_changed, erase=self.erasing.remove, clock=clock,
        )  # fmt: skip
        joining = Joining(
            store, self.users, self.sessions, self.ledger, links=links, words=words, people=self.people, rules=house,
            clock=clock,
        )  # fmt: skip
        openid = OpenId(
            self._bus, store, vault, users=self.users, sessions=self.sessions, ledger=self.ledger, way=self.way,
            rules=house, clock=clock,
        )  # fmt: skip
        return joining, openid

    def _grantable(self) -> dict[str, str]:
        """What turns may use: the approved connectors that run, and the house's own tools."""
        return {**self.connectors.grantable(), HOUSE_ID: HOUSE_DIGEST}

    async def start(self) -> None:
        """Serves the agent, opens the house, and keeps it in order from then on."""
        await self.connectors.start(self._bus)
        await self.catalogue.read()
        await self.approvals.start()
        await self.bar.refresh()
        await self.way.start()
        await self.hand.start()
        self.connectors.changed = lambda: self._spawn(self.attach)
        everybody = [user.id for user in await self.users.everybody()]
        # Before anything is connected anew: what is pending now was left behind.
        await _tried(lambda: self.accounts.drop_pending(everybody))
        await _tried(self.loans.start)
        await _tried(self.loans.sweep)
        await self._open()

    def loops(self) -> list[Awaitable[None]]:
        """What goes on for as long as the room does."""
        return [
            _every(_SWEEP, self.approvals.sweep),
            _every(_SWEEP, self.runs.tick),
            _every(_SWEEP, self.teller.sweep),
            _every(_HOURLY, self.teller.tidy),
            _every(_HOURLY, self.sessions.sweep),
            _every(_HOURLY, self.tokens.sweep),
            _every(_HOURLY, self.given.sweep),
            _every(_SWEEP, self.ledger.hold),
            _every(_HEAD, self.ledger.keep_head),
            _every(_HEAD, self.accounts.detach_pending),
            _every(_SWEEP, self.loans.sweep),
            _every(_HEAD, self.erasing.go_on),
            _every(_HEAD, self.copies.look),
            _every(_SWEEP, self.bar.refresh),
            _every(_HOURLY, self.people.sweep),
            _every(_SWEEP, self.moving.go_on),
            _every(_HEAD, self.forgetting.go_on),
            _every(_HEAD, self.retention.tick),
            _every(_HEAD, self.rotations.go_on),
            _every(_HEAD, self.way.tell),
            _every(_HEAD, self.gateway.health.watch),
            _every(_ATTACH, self._attach_anew),
        ]

    async def attach(self) -> None:
        """Hands the accounts of each connector that has come, or has changed to an approved card, to it again."""
        await self.way.tell()
        forbidden = self.connectors.forbidden()
        running = self.connectors.grantable() | forbidden
        gone = set(self._attached) - set(running)
        for connector in gone:
            del self._attached[connector]
        new = {connector: digest for connector, digest in running.items() if self._attached.get(connector) != digest}
        self._attached |= new
        users = [user.id for user in await self.users.everybody()]
        for connector, digest in new.items():
            try:
                await self.accounts.attach_all(connector, digest, users, ends=connector in forbidden)
            except OaError:
                self._attached.pop(connector, None)
                raise

    async def _attach_anew(self) -> None:
        """Grants of background work end by themselves: they are given anew long before."""
        self._attached.clear()
        await self.attach()

    async def _open(self) -> None:
        """Lets somebody move into a house that has nobody; one that is being erased is emptied first."""
        if await self.erasing.is_emptying():
            self.erasing.emptied = self._open
            return
        await self.setup.begin(username=self._settings.setup_user, password_file=self._settings.setup_password_file)
        await self.models.try_preset()

    def _spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        self._bus.spawn(_tried(work))


def _preset(settings: GatewaySettings) -> Preset | None:
    if settings.model is None:
        return None
    return Preset(model=settings.model, base_url=settings.model_base_url, key_file=settings.model_api_key_file)


def _contact(settings: GatewaySettings) -> str:
    """How the makers of browsers could reach whoever runs this house: its address, where it has a public name."""
    name = next(iter(settings.allowed_hosts), None)
    return f"https://{name}" if name else "mailto:owner@house.invalid"


def _own_model(settings: GatewaySettings) -> OwnServer | None:
    if settings.local_model_url is None:
        return None
    return OwnServer(
        base_url=settings.local_model_url, model=settings.local_model_name, window=settings.local_model_window
    )


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await _tried(work)
        await asyncio.sleep(seconds)


async def _tried(work: Callable[[], Awaitable[None]]) -> None:
    """Work that another room may not be ready for; the next round tries again."""
    try:
        await work()
    except OaError as error:
        _log.info("put off", extra={"work": getattr(work, "__name__", "work"), "code": error.code})


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the room stops as a whole."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(settings: GatewaySettings) -> None:
    """Serves until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with AsyncExitStack() as stack:
        bus = await settings.connect(ROOM, streams=True)
        keys = Keys(bus, utc_now)
        store = await Store.open(settings.data_dir / "room.db", await keys.room(), _migrations("room"))
        stack.push_async_callback(store.close)
        await put_aside(store, settings.data_dir, now=utc_now())
        room = Room(bus, store, keys, settings)
        stack.push_async_callback(room.stores.close)
        stack.callback(asyncio.ensure_future(room.catalogue.follow(bus)).cancel)
        await room.start()
        for loop in room.loops():
            stack.callback(asyncio.ensure_future(loop).cancel)
        stack.push_async_callback(bus.drain, seconds=3.0)
        stack.push_async_callback(_tried, room.ledger.keep_last_head)
        await _serve(room, settings, stop)


async def _serve(room: Room, settings: GatewaySettings, stop: asyncio.Event) -> None:
    server = _Server(
        uvicorn.Config(
            create_app(room.gateway, settings),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_graceful_shutdown=3,
            timeout_keep_alive=30,
            lifespan="off",
            ws="none",
        )
    )
    serving = asyncio.ensure_future(server.serve())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    await serving


def main() -> None:
    """The room's process."""
    settings = GatewaySettings.read_or_exit()
    log.configure(ROOM)
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
