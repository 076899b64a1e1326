"""The ledger in an archive is the one that its verifier knows, whatever pages it came in."""

from __future__ import annotations

from deploy.verify_export import verify
from openassistant import subjects
from openassistant.context import new_id
from openassistant.data import PAGE_BYTES, ExportPage, ExportRequest
from tests.services.audit.house import AuditHouse


async def exported(house: AuditHouse) -> tuple[list[str], int]:
    """The lines of the file, and how many pages it took."""
    body, cursor, count = b"", "", 0
    while True:
        ctx = house.context(house.session())
        page = await house.bus.room("gateway").request(
            subjects.data("audit", "export"), ExportRequest(cursor=cursor), ExportPage, ctx
        )
        (piece,) = page.pieces
        assert piece.path == "ledger.jsonl"
        assert len(piece.body) <= PAGE_BYTES
        assert piece.more is (page.cursor is not None)
        body, count = body + piece.body, count + 1
        if page.cursor is None:
            return body.decode().splitlines(), count
        cursor = page.cursor


async def test_the_file_of_the_ledger_verifies(house: AuditHouse) -> None:
    await house.fill(3)
    await house.begin(house.call(user=(other := new_id())), house.context(house.grant(user=other), user=other))
    lines, count = await exported(house)
    report = verify(lines, house.trust.raw_public("audit"))
    assert (report.size, report.whole, count) == (4, 3, 1)
    assert lines == await house.export()


async def test_large_records_come_in_several_pages(house: AuditHouse) -> None:
    for number in range(9):
        await house.begin(house.call(arguments={"text": f"{number}" * 200_000}))
    lines, count = await exported(house)
    assert count > 2
    assert verify(lines, house.trust.raw_public("audit")).whole == 9
