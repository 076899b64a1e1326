"""`openassistant new`: what it writes passes as it stands; what it cannot use, it names."""

import sys
from pathlib import Path

import pytest

from openassistant.__main__ import load, main
from openassistant.contract import connector_faults
from openassistant.errors import Conflict, InvalidRequest
from openassistant.scaffold import write_connector
from openassistant.testing import call_tool


@pytest.fixture(autouse=True)
def forget_what_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("parcels", "parcels.tools"):
        monkeypatch.delitem(sys.modules, name, raising=False)


async def test_a_new_connector_keeps_the_contract_and_answers(tmp_path: Path) -> None:
    connector = load(str(write_connector("parcels", tmp_path)))
    assert connector_faults(connector) == []
    assert await call_tool(connector, "words_count", text="one two three") == 3


def test_a_new_connector_with_its_test_has_less_than_thirty_lines(tmp_path: Path) -> None:
    files = [path for path in write_connector("parcels", tmp_path).iterdir() if path.suffix in {".py", ".toml"}]
    assert sum(bool(line.strip()) for path in files for line in path.read_text().splitlines()) < 30


@pytest.mark.parametrize(
    "name", ["json", "calendar", "class", "vault", "openassistant", "Parcels", "p", "a.b", "../up"]
)
def test_a_name_that_cannot_be_an_id_and_a_package_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRequest):
        write_connector(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    write_connector("parcels", tmp_path)
    with pytest.raises(Conflict):
        write_connector("parcels", tmp_path)


@pytest.mark.parametrize("target", ["no_such_connector", "no.such.module"])
def test_a_connector_that_is_not_there_is_named(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", target]) == 1
    assert capsys.readouterr().err == f"There is no folder, file or module {target}.\n"


def test_a_folder_without_tools_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 1
    assert "tools.py" in capsys.readouterr().err
