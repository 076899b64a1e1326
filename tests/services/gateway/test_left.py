"""What left the house: whose days are asked for, and who sees what the proxy counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.errors import InvalidRequest, Unavailable
from openassistant.left import (
    EgressCount,
    LeftEntries,
    LeftEntriesQuery,
    LeftEntry,
    LeftQuery,
    LeftReport,
    LeftRow,
)
from openassistant.messages import AccountRef, AuditAction, Traffic
from services.gateway.left import Left
from tests.services.gateway.house import GatewayHouse

_ROW = LeftRow(
    day=date(2030, 5, 2), host="imap.example.org", port=993, reach="public", kind="call", connector="mail",
    bytes_out=2_100, bytes_in=48_000, records=1,
)  # fmt: skip
_COUNT = EgressCount(room="mail", host="imap.example.org", port=993, connections=1, bytes_out=3_000, bytes_in=50_000)


class Witness:
    """What it is asked, and in whose name."""

    def __init__(self, house: GatewayHouse) -> None:
        self.house = house
        self.asked: list[LeftQuery] = []
        self.entries: list[LeftEntry] = []
        self.pages: list[LeftEntriesQuery] = []

    async def on_left(self, ctx: CallContext, query: LeftQuery) -> LeftReport:
        assert self.house.trust.grant(ctx.grant, now=self.house.time).user == self.house.me.user.id
        self.asked.append(query)
        return LeftReport(rows=(_ROW,), counted=(_COUNT,) if query.house else ())

    async def on_entries(self, ctx: CallContext, query: LeftEntriesQuery) -> LeftEntries:
        assert self.house.trust.grant(ctx.grant, now=self.house.time).user == self.house.me.user.id
        self.pages.append(query)
        rest = [each for each in self.entries if query.before is None or each.index < query.before]
        page = rest[: query.limit]
        return LeftEntries(entries=tuple(page), next=page[-1].index if len(rest) > len(page) else None)


@pytest.fixture
async def witness(house: GatewayHouse) -> AsyncIterator[Witness]:
    made, bus = Witness(house), house.bus.room("audit")
    await bus.serve(subjects.audit("left"), LeftQuery, made.on_left)
    await bus.serve(subjects.audit("left_entries"), LeftEntriesQuery, made.on_entries)
    yield made
    await bus.drain(seconds=1)


@pytest.fixture
async def left(house: GatewayHouse) -> Left:
    async def refs(user: str) -> tuple[AccountRef, ...]:
        return (AccountRef(id=house.account.id, connector="post", name="Home"),)

    return Left(house.bus.room("gateway"), house.grants, refs, house.clock)


def _entry(index: int, action: AuditAction) -> LeftEntry:
    traffic = (Traffic(host="imap.example.org", port=993, bytes_out=10),)
    return LeftEntry(
        index=index, time=datetime(2030, 5, 2, tzinfo=UTC), action=action, id=new_id(), leaf="ab" * 32, traffic=traffic
    )


async def test_the_last_thirty_days_are_told_unless_others_are_asked_for(
    house: GatewayHouse, witness: Witness, left: Left
) -> None:
    found = await left.report(house.me, None, None, "UTC")
    assert (found.until, (found.until - found.since).days) == (house.time.date(), 29)
    assert [(each.host, each.bytes_out) for each in found.days] == [("imap.example.org", 2_100)]
    assert found.accounts == {house.account.id: "Home"}


async def test_days_begin_and_end_where_the_person_lives(house: GatewayHouse, witness: Witness, left: Left) -> None:
    await left.report(house.me, date(2030, 3, 31), date(2030, 3, 31), "Europe/Berlin")
    (query,) = witness.asked  # the clocks went forward: a day of 23 hours
    assert query.since == datetime(2030, 3, 30, 23, tzinfo=UTC)
    assert query.until == datetime(2030, 3, 31, 22, tzinfo=UTC)


async def test_what_the_proxy_counted_is_the_owners_to_see(house: GatewayHouse, witness: Witness, left: Left) -> None:
    assert [each.room for each in (await left.report(house.me, None, None, "UTC")).counted] == ["mail"]
    member = house.me.user.model_copy(update={"role": "member"})
    house.become(house.me.model_copy(update={"user": member}))
    assert (await left.report(house.me, None, None, "UTC")).counted == ()
    assert [each.house for each in witness.asked] == [True, False]


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (date(2030, 5, 2), date(2030, 5, 1)),
        (date(2020, 5, 2), date(2030, 5, 1)),
        (date.max, date.max),
    ],
)
async def test_days_that_cannot_be_are_refused(house: GatewayHouse, left: Left, since: date, until: date) -> None:
    with pytest.raises(InvalidRequest, match="days"):
        await left.report(house.me, since, until, "UTC")


async def test_a_zone_that_is_none_is_refused(house: GatewayHouse, left: Left) -> None:
    with pytest.raises(InvalidRequest, match="time zone"):
        await left.report(house.me, None, None, "../../etc/passwd")


async def test_a_vault_that_is_away_costs_the_names_alone(house: GatewayHouse, witness: Witness) -> None:
    async def refs(user: str) -> tuple[AccountRef, ...]:
        raise Unavailable("The vault is away.")

    away = Left(house.bus.room("gateway"), house.grants, refs, house.clock)
    found = await away.report(house.me, None, None, "UTC")
    assert (found.accounts, len(found.days)) == ({}, 1)


async def test_the_entries_of_a_day_and_place_are_asked_for_as_that(
    house: GatewayHouse, witness: Witness, left: Left
) -> None:
    witness.entries = [_entry(9, AuditAction.TOOL_FINISHED), _entry(4, AuditAction.MODEL_ASKED)]
    page = await left.entries(house.me, date(2030, 5, 2), "imap.example.org", 993, "UTC", before=None, limit=1)
    assert (page.next, [each.kind for each in page.entries]) == (9, ["call"])
    assert page.entries[0].call_id == witness.entries[0].id
    rest = await left.entries(house.me, date(2030, 5, 2), "imap.example.org", 993, "UTC", before=9, limit=1)
    assert (rest.next, [(each.kind, each.call_id) for each in rest.entries]) == (None, [("model", None)])
    assert {(each.host, each.port) for each in witness.pages} == {("imap.example.org", 993)}


async def test_all_of_a_conversation_is_told_however_long_it_is(
    house: GatewayHouse, witness: Witness, left: Left
) -> None:
    witness.entries = [_entry(index, AuditAction.TOOL_FINISHED) for index in range(1_200, 0, -1)]
    found = await left.of(house.me, house.conversation)
    assert [each.index for each in found] == list(range(1_200, 0, -1))
    assert {each.conversation for each in witness.pages} == {house.conversation}
