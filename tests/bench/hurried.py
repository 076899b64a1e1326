"""The house as one command starts it, with its pauses cut short: what it does in an hour at rest, it does in a minute.

`SOAK_TIMES` says how many times shorter. Deadlines and pauses of under a second stay as they are.
"""

import asyncio
import os
import sys
from typing import Any

_TIMES = float(os.environ["SOAK_TIMES"])
_sleep = asyncio.sleep


async def _hurried(delay: float, result: Any = None) -> Any:
    return await _sleep(delay / _TIMES if delay >= 1 else delay, result)


asyncio.sleep = _hurried

from connectors.caldav.tools import connector as caldav  # noqa: E402 - what pauses is imported after that
from connectors.mail.tools import connector as mail  # noqa: E402
from deploy.supervisor import main  # noqa: E402

if __name__ == "__main__":
    for each in (caldav, mail):
        each.manifest = each.manifest.model_copy(update={"sync_seconds": each.manifest.sync_seconds / _TIMES})
    sys.exit(main())
