"""Settings: what is unknown or bad is named, what is empty is unset."""

from __future__ import annotations

from pathlib import Path

import pytest

from openassistant.settings import RoomSettings, SettingsError


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("OA_NKEY_FILE", "/keys/nkey")
    monkeypatch.setenv("OA_DATA_DIR", "/data")
    return monkeypatch


def test_an_empty_variable_is_as_good_as_unset(room: pytest.MonkeyPatch) -> None:
    room.setenv("OA_ALIVE_FILE", "")
    room.setenv("OA_NATS_URL", "")
    settings = RoomSettings.read()
    assert settings.alive_file is None
    assert settings.nats_url == "nats://127.0.0.1:4222"


def test_a_value_that_is_there_is_read(room: pytest.MonkeyPatch) -> None:
    room.setenv("OA_ALIVE_FILE", "/tmp/alive")
    assert RoomSettings.read().alive_file == Path("/tmp/alive")


def test_an_unknown_variable_is_named_even_when_it_is_empty(room: pytest.MonkeyPatch) -> None:
    room.setenv("OA_NAST_URL", "")
    with pytest.raises(SettingsError, match="Unknown setting: OA_NAST_URL"):
        RoomSettings.read()


def test_a_variable_that_must_be_there_is_named(room: pytest.MonkeyPatch) -> None:
    room.setenv("OA_NKEY_FILE", "")
    with pytest.raises(SettingsError, match="OA_NKEY_FILE"):
        RoomSettings.read()
