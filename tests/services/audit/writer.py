"""A process that records as fast as it can and prints each receipt that it was given: `python writer.py <folder>`.

The room's data key comes on standard input, so that the test can open the ledger after it has killed this process.
"""

import asyncio
import sys
from pathlib import Path

from openassistant.context import new_id, utc_now
from openassistant.grants import SigningKey
from openassistant.messages import AuditAction, Record
from tests.services.audit.house import AuditHouse

__all__ = ["main"]


async def _write(folder: Path) -> None:
    house = AuditHouse(folder, key=SigningKey.load(folder / "signing.jwk"))
    house.keys[None] = bytes.fromhex(sys.stdin.readline().strip())
    async with house:
        await asyncio.gather(*(_for_ever(house) for _ in range(8)))


async def _for_ever(house: AuditHouse) -> None:
    ctx = house.context(house.session())
    while True:
        entry = Record(id=new_id(), action=AuditAction.SESSION_STARTED, content={"note": "x" * 200})
        reply = await house.send("gateway", entry, ctx.renewed(30))
        receipt = house.trust.receipt(reply.receipt, now=utc_now())
        sys.stdout.write(f"{receipt.index} {receipt.leaf}\n")
        sys.stdout.flush()


def main() -> None:
    asyncio.run(_write(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
