"""Each room accepts the settings that the supervisor gives it, and can be forked after it was imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy import rooms
from deploy.permissions import SERVICES
from deploy.provision import Server, first_party, provision
from deploy.settings import HouseSettings
from openassistant.settings import RoomSettings
from services.agent.settings import AgentSettings
from services.audit.settings import AuditSettings
from services.gateway.settings import GatewaySettings
from services.vault.settings import VaultSettings

KINDS: dict[str, type[RoomSettings]] = {
    "gateway": GatewaySettings,
    "agent": AgentSettings,
    "vault": VaultSettings,
    "audit": AuditSettings,
    "mail": RoomSettings,
}
FULL = {
    "OA_ALLOWED_HOSTS": "house.example, assistant.example",
    "OA_TRUSTED_PROXIES": "192.0.2.1",
    "OA_SETUP_USER": "ada",
    "OA_MODEL": "openai/scripted",
    "OA_MODEL_BASE_URL": "http://127.0.0.1:9/v1",
}
_LOADED = """
import sys, threading
from deploy import rooms
rooms.load(sys.argv[1:])
assert threading.active_count() == 1, threading.enumerate()
late = {"litellm", "openai"} & set(sys.modules)
assert not late, late
"""


def house(folder: Path, patch: pytest.MonkeyPatch, **values: str) -> HouseSettings:
    """The settings of a provisioned house in a folder."""
    for name, value in {"OA_DATA_DIR": str(folder / "data"), **values}.items():
        patch.setenv(name, value)
    settings = HouseSettings.read()
    server = Server(store_dir=str(folder / "store"), pid_file=str(folder / "pid"))
    provision(settings.keys, root_key_file=settings.root_key, server=server)
    return settings


@pytest.mark.parametrize("room", KINDS)
def test_a_room_reads_what_the_supervisor_gives_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: str) -> None:
    settings = house(tmp_path, monkeypatch, **FULL, OA_SETUP_PASSWORD_FILE=str(tmp_path / "password"))
    given = rooms.environment(room, settings, url="nats://127.0.0.1:4333")
    for name in FULL.keys() | {"OA_SETUP_PASSWORD_FILE", "OA_DATA_DIR"}:
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    read = KINDS[room].read()
    assert read.nats_url == "nats://127.0.0.1:4333"
    assert read.data_dir == tmp_path / "data" / room


def test_the_gateway_gets_what_whoever_starts_the_house_chose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = house(tmp_path, monkeypatch, **FULL, OA_SETUP_PASSWORD_FILE=str(tmp_path / "password"))
    given = rooms.environment("gateway", settings, url="nats://127.0.0.1:4333")
    assert {name: given[name] for name in FULL} == FULL


def test_the_files_that_a_room_is_pointed_to_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = house(tmp_path, monkeypatch)
    given = [rooms.environment(room, settings, url="") for room in (*SERVICES, *first_party())]
    named = {value for each in given for name, value in each.items() if name.endswith("_FILE")}
    assert {path for path in named if not Path(path).is_file()} == set()


@pytest.mark.slow
def test_all_rooms_are_imported_without_a_second_thread_and_without_a_model_client() -> None:
    command = [sys.executable, "-c", _LOADED, *first_party()]
    ended = subprocess.run(command, env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
