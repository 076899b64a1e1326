"""The one-command house with somebody hostile in the agent's place: `python -m tests.hostile.house`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from deploy import processes, rooms, supervisor
from deploy.rooms import Room
from tests.hostile import double

__all__ = ["load"]


def load(connectors: Sequence[str]) -> Sequence[Room]:
    """The rooms of the tree, with another agent."""
    found = rooms.load(connectors)
    return tuple(Room(name=each.name, work=double.main) if each.name == "agent" else each for each in found)


if __name__ == "__main__":
    processes.no_core_dumps()
    sys.exit(supervisor.run(load))
