"""One command starts the house, looks after it, refuses what cannot work in clear words, and stops it whole."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from deploy import supervisor
from tests.deploy.standin import NAMES
from tests.peers.process import Child, free_port, wait_until

pytestmark = pytest.mark.slow  # starts whole houses of processes

ROOT = Path(__file__).parents[2]
ALL = ("bus", *NAMES)


class Home:
    """A data directory, its settings, and the supervisor on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.root_key = folder / "data.root-key"
        self.port = free_port()
        self._children: list[Child] = []

    def environment(self, **more: str) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("OA_")}
        path = os.pathsep.join([str(ROOT), str(ROOT / "sdk")])
        return clean | {"OA_DATA_DIR": str(self.data), "OA_PORT": str(self.port), "PYTHONPATH": path} | more

    def start(self, *rooms: str, **more: str) -> Child:
        name = f"house{len(self._children)}"
        command = [sys.executable, "-m", "tests.deploy.standin", *rooms]
        child = Child(command, name=name, directory=self.folder, env=self.environment(**more))
        self._children.append(child)
        child.start(lambda: "is ready" in child.tail(), seconds=30)
        return child

    def refuse(self, **more: str) -> tuple[int, str]:
        """The status and the words of a start that comes to nothing; it happens in this process."""
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(io.StringIO()) as said:
            for name, value in self.environment(**more).items():
                patch.setenv(name, value)
            status = supervisor.run(lambda _: pytest.fail("the house would start"))
        return status, said.getvalue()

    def close(self) -> None:
        for child in self._children:
            child.stop(seconds=15)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    yield home
    home.close()


def rooms_of(child: Child) -> Mapping[str, int]:
    """Process ids of the supervisor's children by room; one that ends while we look is not among them."""
    rooms = {}
    for pid in Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            rooms["bus" if name == "nats-server" else name.removeprefix("oa-")] = int(pid)
    return rooms


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_first_start_makes_the_keys_says_so_and_prints_the_set_up_link(home: Home) -> None:
    said = home.start().tail()
    assert f"http://127.0.0.1:{home.port}/setup#once" in said
    assert f"A new root key was made: {home.root_key}" in said
    assert stat.S_IMODE(home.root_key.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.data.stat().st_mode) == 0o700


def test_every_room_runs_with_the_settings_that_are_its_own(home: Home) -> None:
    password = home.folder / "password"
    password.write_text("not-a-real-owner-password")
    child = home.start(OA_SETUP_USER="ada", OA_SETUP_PASSWORD_FILE=str(password), OA_MODEL="openai/scripted")
    assert set(rooms_of(child)) == set(ALL)
    given = {name: (home.data / name / "settings").read_text() for name in NAMES}
    holders = {
        word: {name for name, text in given.items() if word in text}
        for word in ("OA_ROOT_KEY_FILE", "OA_SIGNING_KEY_FILE", "OA_SETUP_USER", "OA_MODEL", "OA_NKEY_FILE")
    }
    assert holders == {
        "OA_ROOT_KEY_FILE": {"vault"},
        "OA_SIGNING_KEY_FILE": {"gateway", "audit"},
        "OA_SETUP_USER": {"gateway"},
        "OA_MODEL": {"gateway"},
        "OA_NKEY_FILE": set(NAMES),
    }


def test_a_second_start_keeps_the_keys_and_the_bus_address(home: Home) -> None:
    first = home.start()
    kept = {path: path.read_bytes() for path in [home.root_key, *(home.data / "keys").rglob("*")] if path.is_file()}
    first.stop()
    said = home.start().tail()
    assert {path: path.read_bytes() for path in kept} == kept
    assert "root key" not in said


def test_core_dumps_are_off_in_every_process(home: Home) -> None:
    child = home.start()
    for pid in (child.pid, *rooms_of(child).values()):
        limits = Path(f"/proc/{pid}/limits").read_text()
        line = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        assert line.split()[4:6] == ["0", "0"]


def test_a_second_instance_on_the_same_data_is_refused(home: Home) -> None:
    home.start()
    status, said = home.refuse(OA_PORT=str(free_port()))
    assert status == 1
    assert said.startswith(f"Another Open Assistant runs on {home.data}.")


def test_a_port_in_use_is_named(home: Home) -> None:
    with socket.create_server(("127.0.0.1", home.port)):
        status, said = home.refuse()
    assert status == 1
    assert f"OA_PORT: port {home.port} on 127.0.0.1 cannot be used" in said
    assert not home.root_key.exists()


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("OA_COLOUR", "blue", "Unknown setting: OA_COLOUR"),
        ("OA_PORT", "many", "OA_PORT"),
        ("OA_PORT", "70000", "OA_PORT"),
        ("OA_HOST", "no such host", "OA_HOST"),
        ("OA_MODEL_BASE_URL", "not an address", "OA_MODEL_BASE_URL"),
        ("OA_SETUP_USER", "ada", "OA_SETUP_PASSWORD_FILE"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(home: Home, setting: str, value: str, words: str) -> None:
    status, said = home.refuse(**{setting: value})
    assert status in {1, 2}
    assert words in said


def test_a_file_that_cannot_be_read_is_named_with_its_setting(home: Home) -> None:
    missing = str(home.folder / "missing")
    owner = home.refuse(OA_SETUP_USER="ada", OA_SETUP_PASSWORD_FILE=missing)
    model = home.refuse(OA_MODEL="openai/scripted", OA_MODEL_API_KEY_FILE=missing)
    assert owner == (1, f"OA_SETUP_PASSWORD_FILE: {missing} cannot be read.\n")
    assert model == (1, f"OA_MODEL_API_KEY_FILE: {missing} cannot be read.\n")
    assert not home.root_key.exists()


def test_a_data_directory_that_is_a_file_is_named(home: Home) -> None:
    home.data.write_text("")
    assert home.refuse() == (1, f"OA_DATA_DIR: {home.data} cannot be used (File exists).\n")


def test_a_root_key_inside_the_data_is_refused(home: Home) -> None:
    status, said = home.refuse(OA_ROOT_KEY_FILE=str(home.data / "root.key"))
    assert status == 2
    assert "OA_ROOT_KEY_FILE lies inside OA_DATA_DIR" in said


def test_a_missing_root_key_is_said_and_no_new_one_is_made(home: Home) -> None:
    home.start().stop()
    home.root_key.unlink()
    status, said = home.refuse()
    assert status == 1
    assert f"The root key {home.root_key} cannot be read." in said
    assert not home.root_key.exists()


def test_another_root_key_is_said(home: Home) -> None:
    home.start().stop()
    home.root_key.write_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
    status, said = home.refuse()
    assert status == 1
    assert "is not the root key that this house was set up with" in said


def test_a_killed_room_comes_back_and_it_is_said(home: Home) -> None:
    child = home.start()
    before = rooms_of(child)["agent"]
    os.kill(before, signal.SIGKILL)
    assert wait_until(lambda: rooms_of(child).get("agent", before) != before, seconds=10)
    assert wait_until(lambda: "agent is started again." in child.tail(), seconds=5)
    assert "agent ended (killed by SIGKILL)" in child.tail()


def test_a_killed_bus_comes_back_under_the_rooms(home: Home) -> None:
    child = home.start()
    before = rooms_of(child)
    os.kill(before["bus"], signal.SIGKILL)
    assert wait_until(lambda: "bus is started again." in child.tail(), seconds=10)
    after = rooms_of(child)
    assert {name: pid for name, pid in after.items() if name != "bus"} == {
        name: pid for name, pid in before.items() if name != "bus"
    }


@pytest.mark.slow
def test_a_store_that_the_bus_dies_of_is_put_aside(home: Home) -> None:
    home.start().stop()
    cut_short = list((home.data / "bus" / "store").rglob("meta.key"))
    for path in cut_short:
        path.write_bytes(b"")
    said = home.start().tail()
    assert cut_short
    assert "The bus cannot read its store: it begins with an empty one" in said
    assert len(list((home.data / "bus").glob("store-unreadable-*"))) == 1


def test_a_root_key_that_cannot_be_written_is_named(home: Home) -> None:
    (home.folder / "file").write_text("")
    status, said = home.refuse(OA_ROOT_KEY_FILE=str(home.folder / "file" / "root.key"))
    assert status == 1
    assert "cannot be" in said


def test_a_gateway_that_comes_back_prints_its_new_link(home: Home) -> None:
    child = home.start()
    os.kill(rooms_of(child)["gateway"], signal.SIGKILL)
    assert wait_until(lambda: child.tail().count("/setup#once") == 2, seconds=10)


@pytest.mark.slow
def test_a_room_that_never_starts_is_tried_with_growing_waits_and_its_reason_is_shown(home: Home) -> None:
    child = home.start("broken")
    assert wait_until(
        lambda: "starts again in 1 s. It said last: the frobnicator is missing" in child.tail(), seconds=10
    )
    assert "broken ended (status 3) and starts again in 0.5 s." in child.tail()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_every_process(home: Home, number: signal.Signals) -> None:
    child = home.start()
    pids = rooms_of(child).values()
    child.signal(number)
    assert child.wait(seconds=10) == 0
    assert [pid for pid in pids if not is_gone(pid)] == []


@pytest.mark.slow
def test_a_room_that_does_not_stop_is_killed_within_ten_seconds(home: Home) -> None:
    child = home.start("stubborn")
    pids = rooms_of(child).values()
    child.signal(signal.SIGTERM)
    assert child.wait(seconds=10) == 0
    assert [pid for pid in pids if not is_gone(pid)] == []


@pytest.mark.slow
def test_nothing_outlives_a_killed_supervisor(home: Home) -> None:
    child = home.start()
    pids = rooms_of(child).values()
    child.signal(signal.SIGKILL)
    assert wait_until(lambda: all(is_gone(pid) for pid in pids), seconds=10)
    home.start()
