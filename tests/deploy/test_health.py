"""The health check of a container can fail, and says why."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from deploy import health
from tests.peers.model import ModelServer
from tests.peers.process import free_port


def test_a_room_that_showed_life_a_moment_ago_is_well(tmp_path: Path) -> None:
    (tmp_path / "alive").touch()
    assert health.main([str(tmp_path / "alive")]) == 0


def test_a_room_that_never_served_is_not_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert health.main([str(tmp_path / "alive")]) == 1
    assert "does not serve yet" in capsys.readouterr().out


def test_a_room_that_lost_the_bus_is_not_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "alive").touch()
    old = time.time() - 60
    os.utime(tmp_path / "alive", (old, old))
    assert health.main([str(tmp_path / "alive")]) == 1
    assert "has not reached the bus" in capsys.readouterr().out


def test_a_page_is_well_when_it_answers_200_and_at_no_other_time(
    model_server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert health.main([f"{model_server.url}/models"]) == 0
    assert health.main([f"{model_server.url}/nothing-here"]) == 1
    assert "answers 404" in capsys.readouterr().out
    assert health.main([f"http://127.0.0.1:{free_port()}/healthz"]) == 1
    assert "does not answer" in capsys.readouterr().out
