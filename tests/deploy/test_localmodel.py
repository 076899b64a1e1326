"""A model file of one's own: refused in clear words where it cannot run, else served and looked after like a room."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy import localmodel
from openassistant.errors import Internal
from tests.deploy.test_supervisor import Home, rooms_of
from tests.peers.gguf import NEEDS_ENGINE, write_model
from tests.peers.process import Child, wait_until

SECRET = "an-obviously-fake-word-of-a-conversation"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    yield home
    home.close()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the engine were there; nothing here gets as far as using it."""
    monkeypatch.setattr(localmodel, "_ENGINE", "json")


def refusal(file: Path) -> str:
    with pytest.raises(Internal) as caught:
        localmodel.require(file)
    return caught.value.message


def test_a_missing_package_names_the_command_that_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(localmodel, "_ENGINE", "no_such_engine")
    assert refusal(write_model(tmp_path / "model.gguf")).endswith("Install it with: make local")


@pytest.mark.usefixtures("installed")
def test_a_file_that_is_missing_or_no_model_is_named(tmp_path: Path) -> None:
    assert "nowhere.gguf cannot be read (No such file or directory)" in refusal(tmp_path / "nowhere.gguf")
    assert "cannot be read (Is a directory)" in refusal(tmp_path)
    for head in (b"", b"GGUF", b"GGML\x03\x00\x00\x00", b"GGUF\x01\x00\x00\x00", b"PK\x03\x04" + bytes(100)):
        file = tmp_path / "letter.gguf"
        file.write_bytes(head)
        assert "letter.gguf is not a GGUF file" in refusal(file)


@pytest.mark.usefixtures("installed")
def test_a_model_that_does_not_fit_says_what_it_needs_and_what_is_free(tmp_path: Path) -> None:
    file = write_model(tmp_path / "giant.gguf")
    os.truncate(file, 1 << 43)
    said = refusal(file)
    assert said.startswith("OA_LOCAL_MODEL_FILE: giant.gguf needs about 8192.5 GB of memory, and ")
    assert said.endswith("Close something else, or take a smaller model.")


@pytest.mark.usefixtures("installed")
def test_a_model_that_fits_is_taken(tmp_path: Path) -> None:
    localmodel.require(write_model(tmp_path / "model.gguf"))


def test_the_house_does_not_start_with_a_file_that_cannot_run(home: Home) -> None:
    status, said = home.refuse(OA_LOCAL_MODEL_FILE=str(home.folder / "nowhere.gguf"))
    assert (status, said.startswith("OA_LOCAL_MODEL_FILE")) == (1, True)
    status, said = home.refuse(OA_LOCAL_MODEL_WINDOW="12")
    assert (status, "OA_LOCAL_MODEL_WINDOW" in said) == (2, True)


def server_of(home: Home) -> str:
    """Where the gateway was told that the model listens."""
    seen = (home.data / "gateway" / "settings").read_text().splitlines()
    return next(line.partition("=")[2] for line in seen if line.startswith("OA_LOCAL_MODEL_URL="))


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/models", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def running(home: Home, child: Child) -> int:
    """The process id of the model's server, once it answers."""
    assert wait_until(lambda: "model" in rooms_of(child) and answers(server_of(home)), seconds=20)
    return rooms_of(child)["model"]


@pytest.mark.slow
@NEEDS_ENGINE
def test_a_model_file_is_served_like_a_room_at_low_priority_and_on_loopback_alone(home: Home) -> None:
    file = write_model(home.folder / "Babbler-27k.gguf")
    child = home.start(OA_LOCAL_MODEL_FILE=str(file), OA_LOCAL_MODEL_WINDOW="4096")
    pid, url = running(home, child), server_of(home)
    [model] = httpx.get(f"{url}/models", trust_env=False).json()["data"]
    assert (model["id"], model["meta"]["n_ctx"]) == ("Babbler-27k", 4096)
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 10
    listening = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    port = f"{httpx.URL(url).port:04X}"
    assert {each[1] for each in listening if each[1].endswith(f":{port}") and each[3] == "0A"} == {f"0100007F:{port}"}

    asked = {"model": model["id"], "stream": True, "max_tokens": 8, "messages": [{"role": "user", "content": SECRET}]}
    strange = {"Origin": "https://mallory.example.net"}
    answer = httpx.post(f"{url}/chat/completions", json=asked, headers=strange, trust_env=False)
    assert answer.text.rstrip().endswith("[DONE]")
    assert not answer.headers.get("access-control-allow-origin")
    assert httpx.get(f"{url.removesuffix('/v1')}/slots", trust_env=False).status_code == 501
    assert SECRET not in (home.data / "logs" / "model.log").read_text()

    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: rooms_of(child).get("model", pid) != pid, seconds=10)
    again = running(home, child)
    assert server_of(home) == url
    child.stop(seconds=15)
    assert not Path(f"/proc/{again}").exists()


@pytest.mark.slow
@NEEDS_ENGINE
def test_a_file_that_is_cut_off_is_said_so_and_the_house_goes_on(home: Home) -> None:
    file = write_model(home.folder / "cut.gguf")
    os.truncate(file, file.stat().st_size // 2)
    child = home.start(OA_LOCAL_MODEL_FILE=str(file))
    assert wait_until(lambda: "cut.gguf cannot be loaded: is it complete" in child.tail(), seconds=15)
    assert {"gateway", "agent", "vault", "audit"} <= set(rooms_of(child))


def test_the_random_model_is_the_same_each_time(tmp_path: Path) -> None:
    one, other = write_model(tmp_path / "one.gguf"), write_model(tmp_path / "other.gguf")
    assert one.read_bytes() == other.read_bytes()
