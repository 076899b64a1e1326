"""A house with connectors besides those of the tree: `python -m tests.bench.crowd FOLDER …`, each folder one connector.

They are forked like those of the tree, after their libraries were imported.
"""

import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import processes, rooms
from deploy.supervisor import run
from openassistant import __main__ as author


def _load(connectors: Sequence[str], folders: list[Path]) -> tuple[rooms.Room, ...]:
    more = (rooms.Room(name=each.name, work=functools.partial(author.main, ["run", str(each)])) for each in folders)
    return (*rooms.load(connectors), *more)


if __name__ == "__main__":
    processes.no_core_dumps()
    sys.exit(run(lambda connectors: _load(connectors, [Path(each) for each in sys.argv[1:]])))
