"""Logs are kept for as many days as whoever starts the house chose, while rooms write into them."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.house import House
from deploy.logs import trim

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def line(days: float, words: str = "started") -> str:
    time = (NOW - timedelta(days=days)).isoformat(timespec="milliseconds")
    return json.dumps({"time": time, "level": "info", "event": words}) + "\n"


def test_what_is_older_than_so_many_days_goes_and_what_belongs_to_it(tmp_path: Path) -> None:
    log = tmp_path / "agent.log"
    log.write_text(line(9) + "a line of another program\n" + line(8) + line(6) + "another\n" + line(1))
    trim(tmp_path, days=7, now=NOW)
    assert log.read_text() == line(6) + "another\n" + line(1)
    trim(tmp_path, days=7, now=NOW)
    assert log.read_text() == line(6) + "another\n" + line(1)
    trim(tmp_path, days=7, now=NOW + timedelta(days=2))
    assert log.read_text() == line(1)


def test_a_log_that_was_put_aside_goes_once_all_of_it_is_old(tmp_path: Path) -> None:
    (tmp_path / "agent.log.1").write_text(line(9))
    (tmp_path / "agent.log").write_text(line(9))
    trim(tmp_path, days=7, now=NOW)
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"agent.log": ""}


def test_whoever_writes_goes_on_at_the_end(tmp_path: Path) -> None:
    log = tmp_path / "agent.log"
    log.write_text(line(9))
    writing = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.write(writing, line(2).encode())
    trim(tmp_path, days=7, now=NOW)
    os.write(writing, line(0).encode())
    os.close(writing)
    assert log.read_text() == line(2) + line(0)


@pytest.mark.parametrize("content", ["", "a program that knows no times\n", line(1)])
def test_what_has_no_old_line_stays_as_it_is(tmp_path: Path, content: str) -> None:
    (tmp_path / "model.log").write_text(content)
    trim(tmp_path, days=7, now=NOW)
    assert (tmp_path / "model.log").read_text() == content


def test_a_house_trims_once_an_hour_and_only_where_it_was_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs" / "agent.log"
    old = line(5000)
    log.write_text(old)
    kept = House([], 0, "", tmp_path, tmp_path)
    kept.trim_logs()
    assert log.read_text() == old
    house = House([], 0, "", tmp_path, tmp_path, log_days=7)
    house.trim_logs()
    assert log.read_text() == ""
    log.write_text(old)
    house.trim_logs()
    assert log.read_text() == old
    monkeypatch.setattr("time.monotonic", lambda: house.began + 3700)
    house.trim_logs()
    assert log.read_text() == ""
