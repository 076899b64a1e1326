"""The one way out: a proxy that opens tunnels, and the room that says to whom and to where. Wires and serves."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack

from openassistant import log, subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, new_id
from openassistant.errors import Forbidden, Internal, OaError
from openassistant.messages import AuditAction, Done, Record
from openassistant.targets import DnsRecords, Lookup, Targets
from openassistant.witness import record
from services.egress.counts import Counts
from services.egress.lists import Lists, changes
from services.egress.lookups import look_up
from services.egress.networks import inner, own
from services.egress.questions import Questions
from services.egress.settings import EgressSettings
from services.egress.squid import SOCKET, Squid, configuration

__all__ = ["ROOM", "Egress", "main"]

ROOM = "egress"
_HOUR, _AGAIN, _SECONDS = 3600.0, 3.0, 5.0

_log = logging.getLogger("openassistant.egress")


class Egress:
    """The room's handlers over its list and its sums."""

    def __init__(self, bus: Bus, lists: Lists, counts: Counts) -> None:
        self._bus, self._lists, self._counts = bus, lists, counts
        self._setting = asyncio.Lock()

    async def start(self) -> None:
        """Serves, then asks for the list, again and again until there is one."""
        await self._bus.serve(subjects.egress("set"), Targets, self.on_set)
        await self._bus.serve(subjects.egress_lookup("*"), Lookup, self.on_lookup, caller_is_last=True)
        self._bus.spawn(self._ask())

    async def on_set(self, ctx: CallContext, told: Targets) -> Done:
        """From now on this list holds; what it changes is in the ledger before it does. Raises `Unavailable`."""
        async with self._setting:
            if changed := changes(self._lists.known, told):
                await self._note(AuditAction.EGRESS_CHANGED, {"rooms": changed})
                _log.info("list changed", extra={"rooms": sorted(changed)})
            self._lists.known = told
        return Done()

    async def on_lookup(self, ctx: CallContext, asked: Lookup) -> DnsRecords:
        """What DNS has for a domain that an account of the asking room names; raises `Forbidden`."""
        name, room = asked.name.lower().removesuffix("."), subjects.last_token(ctx.subject)
        if asked.kind not in ("SRV", "MX") or not self._lists.may_look_up(room, name):
            raise Forbidden("Only the domain of an account's own address is looked up.")
        return DnsRecords(records=await look_up(name, asked.kind))

    async def count(self) -> None:
        """Writes down what went through since the last time; what cannot be written down stays for the next."""
        for content in self._counts.taken():
            try:
                await self._note(AuditAction.EGRESS_COUNTED, content)
            except OaError as error:
                _log.warning("not recorded", extra={"code": error.code})
                self._counts.put_back(content)

    async def _note(self, action: AuditAction, content: Mapping[str, object]) -> None:
        entry = Record(id=new_id(), action=action, outcome=str(content.get("room", "")) or None, content=content)
        await record(self._bus, CallContext.within(_SECONDS), entry)

    async def _ask(self) -> None:
        while self._lists.known is None:
            try:
                ctx = CallContext.within(_SECONDS)
                await self.on_set(ctx, await self._bus.request(subjects.gateway("targets"), Done(), Targets, ctx))
            except OaError as error:
                _log.info("no list yet: nothing is open", extra={"code": error.code})
                await asyncio.sleep(_AGAIN)


def _digests(settings: EgressSettings) -> Mapping[str, str]:
    try:
        found: dict[str, str] = json.loads(settings.egress_rooms_file.read_text())
    except (OSError, ValueError) as error:
        raise Internal(f"OA_EGRESS_ROOMS_FILE: {settings.egress_rooms_file} cannot be read.") from error
    return found


async def _hourly(room: Egress) -> None:
    while True:
        await asyncio.sleep(_HOUR)
        await room.count()


async def run(settings: EgressSettings) -> None:
    """Serves until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    _digests(settings)
    never, counts = (*inner(), *own()), Counts()
    lists, folder = Lists(own=never), settings.egress_folder
    folder.mkdir(mode=0o700, exist_ok=True)
    conf = configuration(listen=settings.egress_listen, folder=folder, never=map(str, never))
    async with AsyncExitStack() as stack:
        bus = await settings.connect(ROOM)
        stack.push_async_callback(bus.drain)
        room = Egress(bus, lists, counts)
        await room.start()
        await stack.enter_async_context(Questions(lists, lambda: _digests(settings)).at(folder / SOCKET))
        stack.push_async_callback(room.count)
        for work in (Squid(folder, conf, line=counts.add).run(), _hourly(room)):
            task = asyncio.create_task(work)
            stack.push_async_callback(_ended, task)
        await stop.wait()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def main() -> None:
    """The room's process."""
    settings = EgressSettings.read_or_exit()
    log.configure(ROOM)
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
