"""What runs before a house in containers: its own to each room, and secrets that cannot be read are named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.containers import ContainerSettings, prepare
from openassistant.errors import Internal


@pytest.fixture
def house(tmp_path: Path) -> ContainerSettings:
    (tmp_path / "root-key").mkdir()
    (tmp_path / "house" / "data" / "vault").mkdir(parents=True)
    key = tmp_path / "root-key" / "root-key"
    return ContainerSettings(
        data_dir=tmp_path / "house", root_key_file=key, uid=os.geteuid() or 10001, gid=os.getegid() or 10001
    )


def owners(settings: ContainerSettings) -> set[tuple[int, int]]:
    places = [settings.keys, settings.data_dir / "data" / "vault", settings.root_key]
    found = [path.lstat() for place in places for path in (place, *place.rglob("*"))]
    return {(each.st_uid, each.st_gid) for each in found}


def test_everything_is_given_to_the_user_that_the_rooms_run_as(house: ContainerSettings) -> None:
    assert prepare(house)
    assert owners(house) == {(house.uid, house.gid)}


def test_a_second_start_keeps_the_keys(house: ContainerSettings) -> None:
    prepare(house)
    made = {path: path.read_bytes() for path in house.keys.rglob("*") if path.is_file()}
    assert not prepare(house)
    assert {path: path.read_bytes() for path in house.keys.rglob("*") if path.is_file()} == made


def test_the_bus_has_its_monitor_on_loopback_and_its_store_key_in_a_file(house: ContainerSettings) -> None:
    prepare(house)
    text = (house.keys / "bus" / "nats.conf").read_text()
    assert 'http: "127.0.0.1:8222"' in text
    assert 'include "jetstream.conf"' in text


@pytest.mark.parametrize("setting", ["setup_password_file", "model_api_key_file"])
def test_a_secret_that_the_rooms_cannot_read_is_named_before_anything_is_made(
    house: ContainerSettings, tmp_path: Path, setting: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not-a-real-secret")
    secret.chmod(0o600)
    other = house.model_copy(update={setting: secret, "uid": house.uid + 1, "gid": house.gid + 1})
    with pytest.raises(Internal, match=f"OA_{setting.upper()} cannot be read by the user {other.uid}"):
        prepare(other)
    assert not house.keys.exists()
    assert not house.root_key.exists()


def test_a_secret_that_everybody_may_read_will_do(house: ContainerSettings, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not-a-real-secret")
    secret.chmod(0o644)
    prepare(house.model_copy(update={"setup_password_file": secret}))
    assert (house.keys / "root-key-id").exists()
