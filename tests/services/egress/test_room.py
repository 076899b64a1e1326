"""The room behind the proxy: what it is told is in the ledger first, and what it is asked stays inside its list."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from openassistant import subjects
from openassistant.context import CallContext
from openassistant.errors import Forbidden, OaError, Unavailable
from openassistant.messages import AuditAction, Done, Record, RecordReply
from openassistant.targets import DnsRecords, Lookup, Target, Targets
from openassistant.testing import MemoryBus
from services.egress.__main__ import Egress
from services.egress.counts import Counts, read
from services.egress.lists import Lists

LIST = Targets(rooms={"mail": (Target(host="imap.home.example", port=993),)}, lookups={"mail": ("home.example",)})
LINE = "1795909376.335 2000 mail CONNECT imap.home.example:993 200 1086 76 5039 39 -"


class Place:
    """The room beside a witness that keeps `records`, unless it is `deaf`, and a gateway with a list."""

    def __init__(self) -> None:
        self.bus = MemoryBus()
        names = ("egress", "gateway", "audit", "mail", "caldav")
        self.egress, self.gateway, self.audit, self.mail, self.caldav = (self.bus.room(name) for name in names)
        self.lists, self.counts, self.records, self.deaf = Lists(own=()), Counts(), list[Record](), False
        self.room = Egress(self.egress, self.lists, self.counts)

    async def start(self) -> None:
        await self.audit.serve(subjects.audit_record("egress"), Record, self._on_record)
        await self.room.start()

    async def stop(self) -> None:
        for bus in (self.egress, self.gateway, self.audit, self.mail, self.caldav):
            await bus.drain(seconds=1)

    async def tell(self, told: Targets) -> None:
        await self.gateway.request(subjects.egress("set"), told, Done, CallContext.within(5))

    async def _on_record(self, ctx: CallContext, record: Record) -> RecordReply:
        if self.deaf:
            raise Unavailable("The disk is full.")
        self.records.append(record)
        return RecordReply(receipt="", index=len(self.records))


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    await place.start()
    yield place
    await place.stop()


async def test_a_new_list_holds_and_its_changes_are_recorded_once(place: Place) -> None:
    await place.tell(LIST)
    await place.tell(LIST)
    assert place.lists.known == LIST
    [record] = place.records
    assert record.action is AuditAction.EGRESS_CHANGED
    assert record.content == {"rooms": {"mail": {"added": ["imap.home.example:993"], "removed": []}}}


async def test_without_a_record_the_former_list_holds(place: Place) -> None:
    await place.tell(LIST)
    place.deaf = True
    with pytest.raises(OaError):
        await place.tell(Targets(rooms={"mail": (Target(host="attacker.test", port=443),)}))
    assert place.lists.known == LIST


async def test_what_went_through_is_recorded_and_not_lost_while_the_witness_is_away(place: Place) -> None:
    place.counts.add(LINE)
    place.deaf = True
    await place.room.count()
    place.counts.add(LINE)
    place.deaf = False
    await place.room.count()
    await place.room.count()
    [record] = place.records
    assert record.action is AuditAction.EGRESS_COUNTED
    assert record.content == {
        "room": "mail", "host": "imap.home.example", "port": 993, "connections": 2, "bytes_out": 2020,
        "bytes_in": 10000, "from": "2026-11-28T23:42:54.335+00:00", "until": "2026-11-28T23:42:56.335+00:00",
    }  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "", "x", LINE.replace("CONNECT", "GET"), LINE.replace(" 200 ", " 403 "), LINE.replace(":993", ":x"),
        "1.0 0 - NONE error:invalid-request 400 0 0 3500 300 ERR_INVALID_REQ", LINE + " more",
    ],
)  # fmt: skip
def test_what_is_no_tunnel_is_not_counted(line: str) -> None:
    assert read(line) is None


async def test_only_the_domain_of_an_account_is_looked_up_and_only_for_its_connector(place: Place) -> None:
    await place.tell(LIST)

    async def ask(bus: str, name: str, kind: str = "SRV") -> DnsRecords:
        asker = place.mail if bus == "mail" else place.caldav
        lookup = Lookup(name=name, kind=kind)
        return await asker.request(subjects.egress_lookup(bus), lookup, DnsRecords, CallContext.within(5))

    for bus, name, kind in (
        ("mail", "secret.attacker.test", "SRV"), ("caldav", "_imaps._tcp.home.example", "SRV"),
        ("mail", "home.example", "TXT"), ("mail", "home.example", "A"), ("mail", "", "MX"),
    ):  # fmt: skip
        with pytest.raises(Forbidden, match="own address"):
            await ask(bus, name, kind)
