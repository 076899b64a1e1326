"""A root key under a passphrase: asked for in the terminal, said in words, and in no memory but the vault's."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy import rootkey as by_hand
from deploy.generated import ROOT
from deploy.provision import Server, provision, read_roots
from services.vault import rootkey
from services.vault.rootkey import RootKey, is_protected
from tests.peers.process import free_port

PASSPHRASE = "obviously not a real passphrase"
UNLOCK = """
import os
from deploy.settings import HouseSettings
from deploy.unlocking import unlock
found = unlock(HouseSettings.read())
mine = open("/proc/self/mem", "rb")
seen = b""
for line in open("/proc/self/maps"):
    place, mode = line.split()[:2]
    if mode.startswith("rw") and "[v" not in line:
        start, end = (int(each, 16) for each in place.split("-"))
        mine.seek(start)
        try:
            seen += mine.read(end - start)
        except OSError:
            pass
needle = bytes(reversed(b"esarhpssap laer a ton ylsuoivbo"))
raw = bytes.fromhex(open(os.environ["NEEDLE"]).read()[::-1])
print("identity", found.roots.identity, "there", needle in seen, raw in seen)
print("held", os.pread(found.passphrase, 100, 0).decode()[-10:], found.hand_to("vault") == found.passphrase)
print("agent", found.hand_to("agent"))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A house that was set up once and stands still."""
    monkeypatch.setattr(rootkey, "_MEMORY_KIB", 64)
    monkeypatch.setattr(rootkey, "_PASSES", 1)
    for name in [each for each in os.environ if each.startswith("OA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("OA_PORT", str(free_port()))
    store = tmp_path / "data" / "bus" / "store"
    store.mkdir(parents=True)
    server = Server(store_dir=str(store), pid_file=str(tmp_path / "nats.pid"))
    provision(tmp_path / "data" / "keys", root_key_file=tmp_path / "data.root-key", server=server)
    return tmp_path


@pytest.fixture
def told(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The passphrase in a file that is named."""
    file = place / "passphrase"
    file.write_text(f"{PASSPHRASE}\n")
    monkeypatch.setenv("OA_PASSPHRASE_FILE", str(file))
    return file


def test_protect_and_unprotect_keep_the_key_and_check_says_how_it_is(
    place: Path, told: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = place / "data.root-key"
    before = RootKey.load(file)
    assert by_hand.main(["check"]) == 0
    assert "in its file as it is" in capsys.readouterr().out
    assert by_hand.main(["protect"]) == 0
    assert is_protected(file)
    assert file.stat().st_mode & 0o077 == 0
    assert by_hand.main(["protect"]) == 1
    assert by_hand.main(["check"]) == 0
    assert "which fits" in capsys.readouterr().out
    assert by_hand.main(["unprotect"]) == 0
    assert RootKey.load(file).identity == before.identity
    assert by_hand.main(["unprotect"]) == 1


def test_a_short_or_wrong_passphrase_changes_nothing(
    place: Path, told: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = place / "data.root-key"
    before = file.read_bytes()
    told.write_text("short")
    assert by_hand.main(["protect"]) == 1
    assert "At least 12 characters" in capsys.readouterr().err
    assert file.read_bytes() == before
    told.write_text(PASSPHRASE)
    assert by_hand.main(["protect"]) == 0
    before = file.read_bytes()
    told.write_text("another passphrase")
    for command in ("unprotect", "check"):
        assert by_hand.main([command]) == 1
        assert "not the passphrase" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_another_houses_key_is_told_from_ones_own(place: Path, told: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "data.root-key").write_text(RootKey(bytes(32)).dump())
    assert by_hand.main(["check"]) == 1
    assert "not the one of the house" in capsys.readouterr().err


def test_a_house_knows_the_key_that_follows_its_own_and_begins_with_an_empty_bus(place: Path) -> None:
    file, keys, store = place / "data.root-key", place / "data" / "keys", place / "data" / "bus" / "store"
    server = Server(store_dir=str(store), pid_file=str(place / "nats.pid"))
    (store / "jetstream").mkdir()
    (store / "jetstream" / "old").write_text("under the former key")
    provision(keys, root_key_file=file, server=server, bus_store=store)
    assert list(store.iterdir())
    second = RootKey.following(RootKey.load(file))
    third = RootKey.following(second)
    file.write_text(third.dump())
    assert not provision(keys, root_key_file=file, server=server, bus_store=store)
    assert list(store.iterdir()) == []
    assert (keys / "root-key-id").read_text().strip() == third.identity
    file.write_text(second.dump())
    with pytest.raises(Exception, match="not the root key that this house was set up with"):
        provision(keys, root_key_file=file, server=server)


def test_in_containers_a_running_bus_keeps_its_store_and_the_next_one_has_its_own(place: Path) -> None:
    file, keys, store = place / "data.root-key", place / "data" / "keys", place / "data" / "bus" / "store"
    server = Server(store_dir="/store", pid_file="/tmp/nats.pid", key_in_file=True)

    def start() -> str:
        provision(keys, root_key_file=file, server=server, bus_store=store)
        return str(json.loads((keys / "bus" / "server.json").read_text())["store_dir"])

    (store / "jetstream").mkdir()
    assert start() == "/store"
    former = (keys / "bus" / "jetstream.conf").read_text()
    following = RootKey.following(RootKey.load(file))
    file.write_text(following.dump())
    for _ in range(2):
        assert start() == f"/store/{following.identity[:16]}"
        assert (store / "jetstream").exists()
    assert (keys / "bus" / "jetstream.conf").read_text() != former
    (store / following.identity[:16] / "jetstream").mkdir(parents=True)
    start()
    assert [each.name for each in store.iterdir()] == [following.identity[:16]]


def test_what_the_house_knows_of_a_root_key_is_not_shown(place: Path) -> None:
    roots = read_roots(place / "data.root-key")
    assert roots.jetstream.get_secret_value() not in repr(roots)


def test_a_terminal_is_asked_until_the_passphrase_fits_and_the_supervisor_never_has_it(place: Path, told: Path) -> None:
    raw = RootKey.load(place / "data.root-key")._raw
    identity = RootKey.load(place / "data.root-key").identity
    assert by_hand.main(["protect"]) == 0
    (place / "needle").write_text(raw.hex()[::-1])
    env = {**_environment(), "NEEDLE": str(place / "needle")}
    said = _in_terminal([sys.executable, "-c", UNLOCK], env, "wrong passphrase", PASSPHRASE)
    assert said.count("Passphrase of the root key:") == 2
    assert "not the passphrase" in said
    assert f"identity {identity} there False False" in said
    assert "held passphrase True" in said
    assert "agent None" in said
    assert PASSPHRASE not in said


def test_three_wrong_passphrases_end_it_in_words(place: Path, told: Path) -> None:
    assert by_hand.main(["protect"]) == 0
    before = (place / "data.root-key").read_bytes()
    script = "from deploy.settings import HouseSettings as H; from deploy.unlocking import unlock\n"
    script += "try:\n    unlock(H.read())\nexcept Exception as error:\n    print('ended:', error)"
    said = _in_terminal([sys.executable, "-c", script], _environment(), "wrong one", "wrong two", "wrong three")
    assert said.count("Passphrase of the root key:") == 3
    assert "ended: This is not the passphrase" in said
    assert (place / "data.root-key").read_bytes() == before


def test_without_a_terminal_it_says_what_to_do(place: Path, told: Path) -> None:
    assert by_hand.main(["protect"]) == 0
    found = subprocess.run(
        [sys.executable, "-m", "deploy.supervisor"],
        env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert found.returncode == 1
    assert "OA_PASSPHRASE_FILE" in found.stderr


def _environment() -> dict[str, str]:
    """This one, without the file that holds the passphrase."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "sdk")])
    return {**{name: value for name, value in os.environ.items() if name != "OA_PASSPHRASE_FILE"}, "PYTHONPATH": path}


def _in_terminal(command: list[str], env: Mapping[str, str], *lines: str) -> str:
    """What a program says that has a terminal of its own, in which these lines are typed, one for each question."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, env)
    said, left = b"", list(lines)
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        said += part
        if said.count(b"root key:") > len(lines) - len(left) and left:
            os.write(terminal, left.pop(0).encode() + b"\n")
    os.waitpid(pid, 0)
    os.close(terminal)
    return said.decode()


def test_what_is_derived_goes_out_as_text_and_nothing_else(place: Path) -> None:
    assert set(json.loads(read_roots(place / "data.root-key").model_dump_json())) == {
        "identity", "replaces", "jetstream",
    }  # fmt: skip
