"""The house in containers is copied by a service without a network; the copy fits a folder, and empty volumes."""

import base64
import re
from pathlib import Path

import pytest

from deploy.places import Places
from deploy.restore import restore
from openassistant.context import utc_now
from services.vault.rootkey import RootKey
from tests.compose.project import ComposeProject
from tests.e2e.stack import Person

pytestmark = [pytest.mark.compose, pytest.mark.needs_dovecot]

RUN = ("--profile", "backup", "run", "--rm", "--no-deps", "-T")


def test_a_copy_of_a_house_in_containers_is_sound_and_restored_elsewhere(
    project: ComposeProject, ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = len(ada.ledger())
    said = project.compose(*RUN, "backup", "python", "-m", "deploy.backup", "--volumes", "make", seconds=900)
    name = re.search(r"open-assistant-\S+\.tar\.age", said)
    assert name, said
    assert "all of it opens" in said
    encoded = project.compose(*RUN, "--entrypoint", "base64", "backup", f"/copies/{name[0]}")
    key = project.compose(*RUN, "--entrypoint", "cat", "init", "/run/root-key/root-key")
    archive, key_file = tmp_path / name[0], tmp_path / "root-key"
    archive.write_bytes(base64.b64decode(encoded))
    key_file.write_text(key)

    report = restore(archive, Places(tmp_path / "data"), RootKey.load(key_file), now=utc_now())
    assert report.ok
    assert report.records >= records

    monkeypatch.setattr(project, "name", f"{project.name}-new")
    try:
        put = f"umask 077 && printf %s {key.strip()} >/run/root-key/root-key"
        project.compose(*RUN, "--entrypoint", "sh", "init", "-c", put, seconds=1500)
        brought = ("--volume", f"{archive}:/copy.tar.age:ro")
        words = ("python", "-m", "deploy.backup", "--volumes", "restore", "/copy.tar.age")
        assert "Restored:" in project.compose(*RUN, *brought, "init", *words)
        project.compose(*RUN, "init")
    finally:
        project.compose("down", "--volumes", "--rmi", "local", seconds=180)


def test_what_copies_the_house_has_no_network(project: ComposeProject) -> None:
    probe = "import socket; socket.create_connection(('bus', 4222), 2)"
    shown = "import os; print(sorted(os.listdir('/sys/class/net')))"
    assert project.compose(*RUN, "--entrypoint", "python", "backup", "-c", shown).strip() == "['lo']"
    failing = f"try:\n {probe}\nexcept OSError as error: print('no way')"
    assert project.compose(*RUN, "--entrypoint", "python", "backup", "-c", failing).strip() == "no way"
