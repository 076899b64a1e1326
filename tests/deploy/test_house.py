"""The supervisor's own loop, without processes."""

import os
import select
from pathlib import Path
from typing import Any

import pytest

from deploy.house import House


def test_being_woken_for_nothing_ends_no_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    house = House([], reading, "", tmp_path, tmp_path, announced=True)
    woken = []

    def ready(waiting: list[int], *_: Any) -> tuple[list[int], list[int], list[int]]:
        """What Linux says now and then of a pipe that nothing is in."""
        woken.append(waiting)
        if len(woken) == 3:
            house.stopping.append(15)
        return waiting, [], []

    monkeypatch.setattr(select, "select", ready)
    try:
        house.run()
    finally:
        os.close(reading)
        os.close(writing)
    assert woken == [[reading]] * 3
