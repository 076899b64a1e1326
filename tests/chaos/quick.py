"""The house as one command starts it, but rooms start anew at once however often they die, and its clock can be set.

The clock is what every room asks for the time (`openassistant.context.utc_now`), put in place before any of them is
imported; the file that `CHAOS_CLOCK` names holds by how many seconds it is ahead.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from openassistant import context

_CLOCK = Path(os.environ["CHAOS_CLOCK"])


def _shifted() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=int(_CLOCK.read_text()))


context.utc_now = _shifted

from deploy import house  # noqa: E402 - everything that asks for the time is imported after the clock was set
from deploy.supervisor import main  # noqa: E402

if __name__ == "__main__":
    house._LONGEST_WAIT = house._FIRST_WAIT
    sys.exit(main())
