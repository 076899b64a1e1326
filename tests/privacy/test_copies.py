"""Rows about time and place: what is chosen, archives, copies, and the key under which all of it lies."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest

from deploy import archive as archives
from deploy import backup, recovery
from deploy import rootkey as by_hand
from deploy.places import Places
from deploy.restore import restore
from deploy.settings import HouseSettings
from openassistant.context import new_id
from openassistant.errors import InvalidRequest, NotFound
from openassistant.grants import Scope
from services.gateway.data_views import KeepRule
from services.gateway.forgetting import ACCOUNTS, GATEWAY, Order
from services.gateway.memory_views import MemoryDraft
from services.gateway.moving_views import ImportDraft
from services.gateway.users import User
from services.vault import rootkey
from services.vault.rootkey import RootKey, WrongPassphrase
from tests.deploy.kept import NOW, PLANTED, USER, Kept
from tests.deploy.test_backup import command, opened
from tests.privacy.planted import DAY, holding, rows
from tests.services.gateway.forgetful import Forgetful
from tests.services.gateway.movers import Movers, archive

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PASSPHRASE = "obviously not a real passphrase"
TABLES = ("moves", "move_rooms", "move_files", "move_parts", "move_chunks")


@pytest.fixture
async def movers(tmp_path: Path) -> AsyncIterator[Movers]:
    (tmp_path / "movers").mkdir()
    async with Movers(tmp_path / "movers") as made:
        yield made


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "old")


async def test_row_keeping(forgetful: Forgetful) -> None:
    await forgetful.keep(KeepRule(kind="conversations", days=30))
    forgetful.place("agent", "conversations", days=40, conversation="c" * 32)
    await forgetful.pass_on(DAY)
    stored = await rows(forgetful.store, "retention", "retention_runs")
    assert "c" * 32 not in stored
    run = (await forgetful.retention.view(forgetful.me)).run
    assert [(each.room, each.kind, each.count) for each in run.went] == [("agent", "conversations", 1)]
    another = forgetful.me.model_copy(update={"user": forgetful.me.user.model_copy(update={"id": new_id()})})
    assert (await forgetful.retention.view(another)).rules == ()
    assert forgetful.written("data.kept") == [{"rules": [{"kind": "conversations", "days": 30}]}]
    await forgetful.keep()
    assert (await rows(forgetful.store, "retention")) == "[[]]"


async def test_row_archives(movers: Movers) -> None:
    movers.files["agent"] = {"conversations/a.json": PLANTED.encode()}
    await movers.memories.add(movers.bob, MemoryDraft(text=PLANTED))
    await movers.begin()
    export = await movers.made()
    with zipfile.ZipFile(io.BytesIO(await movers.fetched(export, 0, export.size))) as whole:
        assert PLANTED.encode() in whole.read("agent/conversations/a.json")
    assert holding(movers.folder, PLANTED) == []
    with pytest.raises(NotFound):
        await movers.moving.exporting.size(movers.me.model_copy(update={"user": another(movers)}), export.id)
    assert (await movers.made()).fetched
    movers.later(59 * MINUTE)
    await movers.moving.go_on()
    assert await movers.moving.exporting.status(movers.bob) is not None
    movers.later(2 * MINUTE)
    await movers.moving.go_on()
    assert await held(movers) == "[[], [], [], [], []]"
    await movers.begin()
    await movers.made()
    movers.later(23 * HOUR)
    await movers.moving.go_on()
    assert await movers.moving.exporting.status(movers.bob) is not None
    movers.later(HOUR)
    await movers.moving.go_on()
    assert await held(movers) == "[[], [], [], [], []]"
    identity = pyrage.x25519.Identity.generate()
    await movers.begin(recipient=str(identity.to_public()))
    sealed = await movers.fetched(await movers.made())
    assert sealed.startswith(b"age-encryption.org/v1")
    assert zipfile.ZipFile(io.BytesIO(pyrage.decrypt(sealed, [identity]))).testzip() is None


@pytest.mark.parametrize("room", ["gateway", "accounts"])
async def test_an_archive_that_waits_goes_with_what_is_erased(forgetful: Forgetful, room: str) -> None:
    dropped = list[str]()

    async def drop(user: str) -> None:
        dropped.append(user)

    forgetful.forgetting.drop_copies = drop
    account = forgetful.account.id if room == "accounts" else None
    orders = [Order(room={"gateway": GATEWAY, "accounts": ACCOUNTS}[room], scope=Scope(account=account))]
    await forgetful.forgetting.begin(forgetful.me.user.id, "period" if account is None else "source", orders, told={})
    await forgetful.rounds()
    assert dropped == [forgetful.me.user.id]


async def test_row_imports(movers: Movers) -> None:
    body = json.dumps({"format": 1, "id": "a" * 32, "title": PLANTED, "messages": []}).encode()
    whole = archive({f"agent/conversations/{'a' * 32}.json": body})
    await movers.moving.importing.begin(movers.bob, ImportDraft(size=len(whole) + 1))
    sent = await movers.moving.importing.status(movers.bob)
    assert sent is not None
    await movers.moving.importing.put(movers.bob, sent.id, 0, whole)
    name = f"conversations/{'a' * 32}.json"
    assert (name.encode() in whole, name in await held(movers)) == (True, True)
    assert holding(movers.folder, name) == []
    stranger = movers.bob.model_copy(update={"user": another(movers)})
    assert await movers.moving.importing.status(stranger) is None
    movers.later(24 * HOUR)
    await movers.moving.go_on()
    assert await held(movers) == "[[], [], [], [], []]"
    assert (await movers.bring(whole)).state == "done"
    assert movers.reached["agent"] == {f"conversations/{'a' * 32}.json": body}
    assert PLANTED not in await held(movers)
    assert (await movers.bring(b"PK" + PLANTED.encode() * 99)).state == "refused"
    assert PLANTED not in await held(movers)


async def held(movers: Movers) -> str:
    """All that there is of archives in Bob's file."""
    async with movers.own.use(movers.bob.user.id) as store:
        return await rows(store, *TABLES)


def another(movers: Movers) -> User:
    return movers.bob.user.model_copy(update={"id": new_id()})


def test_row_copies(kept: Kept, tmp_path: Path) -> None:
    folder, heir = tmp_path / "copies", pyrage.x25519.Identity.generate()
    made = backup.make(kept.places, kept.root, folder, now=NOW, recipients=[str(heir.to_public())])
    key = kept.places.path("keys/mail/nkey").read_bytes().strip()
    assert [each for each in (PLANTED.encode(), key) if each in made.path.read_bytes()] == []
    inside = opened(made.path, kept.root)
    assert key in inside["keys/mail/nkey"]
    assert [name for name, content in inside.items() if PLANTED.encode() in content] == []
    identity = pyrage.x25519.Identity.from_str(archives.identity(kept.root))
    assert pyrage.decrypt(made.path.read_bytes(), [identity]) == pyrage.decrypt(made.path.read_bytes(), [heir])
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(made.path.read_bytes(), [pyrage.x25519.Identity.generate()])
    kept.write(f"agent/users/{USER}.db", "DELETE FROM messages", "DELETE FROM conversations")
    new = Places(tmp_path / "new" / "data")
    assert restore(made.path, new, kept.root, now=NOW + HOUR).ok
    assert kept.read(f"agent/users/{USER}.db", "SELECT text FROM messages") == []
    assert kept.read(f"agent/users/{USER}.db", "SELECT text FROM messages", new) == [(PLANTED,)]
    fields = HouseSettings.model_fields
    numbers = [fields[f"backup_{each}"].default for each in ("daily", "weekly", "monthly")]
    assert (numbers, fields["backup_dir"].default) == ([7, 4, 6], None)


def test_of_copies_the_newest_of_days_weeks_and_months_stay(tmp_path: Path) -> None:
    house, first = "0a1b2c3d", datetime(2026, 1, 1, 3, tzinfo=UTC)
    for day in range(300):
        (tmp_path / f"open-assistant-{house}-{first + day * DAY:%Y%m%dT%H%M%SZ}.tar.age").touch()
    labelled = tmp_path / f"open-assistant-{house}-20260101T030000Z-before-upgrade.tar.age"
    labelled.touch()
    backup.prune(tmp_path, house, daily=7, weekly=4, monthly=6)
    left = [each for each in backup.copies(tmp_path, house) if each != labelled]
    assert len(left) <= 7 + 4 + 6
    assert left[0].name[24:32] == "20260531"
    assert labelled.exists()


@pytest.fixture
def stopped(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """The house as the commands by hand find it."""
    monkeypatch.setattr(rootkey, "_MEMORY_KIB", 64)
    monkeypatch.setattr(rootkey, "_PASSES", 1)
    for name in [each for each in os.environ if each.startswith("OA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OA_DATA_DIR", str(kept.places.folder))
    return kept


def protect(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner types a passphrase, twice."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda _: PASSPHRASE)
    assert by_hand.main(["protect"]) == 0


def forms(root: RootKey) -> list[str]:
    """The root key in each form in which it could be written."""
    return [root.dump().strip(), root.raw().hex(), "".join(recovery.spell(root))]


def test_row_root_key(stopped: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    file = stopped.root_key
    assert not file.is_relative_to(stopped.places.folder)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    files = [each.read_bytes() for each in stopped.places.folder.rglob("*") if each.is_file()]
    assert [each for each in files if stopped.root.raw() in each] == []
    assert holding(stopped.places.folder, *forms(stopped.root)) == []
    protect(stopped, monkeypatch)
    assert holding(stopped.folder, *forms(stopped.root)) == []
    assert RootKey.load(file, passphrase=PASSPHRASE).raw() == stopped.root.raw()
    with pytest.raises(WrongPassphrase):
        RootKey.load(file, passphrase="another one, not real either")
    with pytest.raises(WrongPassphrase):
        RootKey.load(file)


def test_row_passphrase(stopped: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the running house knows of it, in whose memory, tests/deploy/test_rootkey.py reads out of that memory."""
    protect(stopped, monkeypatch)
    assert by_hand.main(["check"]) == 0
    assert holding(stopped.folder, PASSPHRASE) == []
    assert PASSPHRASE not in str(dict(os.environ))
    assert HouseSettings.read().passphrase() is None
    told = stopped.folder / "told"
    told.write_text(f"{PASSPHRASE}\n")
    monkeypatch.setenv("OA_PASSPHRASE_FILE", str(told))
    assert HouseSettings.read().passphrase() == PASSPHRASE
    assert by_hand.main(["check"]) == 0
    assert holding(stopped.folder, PASSPHRASE) == ["told"]


def test_row_recovery_sheet(kept: Kept, tmp_path: Path) -> None:
    before = {each: each.read_bytes() for each in kept.folder.rglob("*") if each.is_file()}
    sheet = command(kept, tmp_path / "copies", "sheet")
    groups = re.findall(r"<code>([0-9A-Z]{5})</code>", sheet.stdout)
    assert recovery.read(" ".join(groups)).raw() == kept.root.raw()
    assert {each: each.read_bytes() for each in kept.folder.rglob("*") if each.is_file()} == before
    assert holding(tmp_path, groups[0], groups[-1]) == []
    beside = command(kept, tmp_path / "copies", "sheet", "--to", str(kept.places.folder / "sheet.html"))
    assert (beside.returncode, "beside the data" in beside.stderr) == (1, True)
    with pytest.raises(InvalidRequest):
        recovery.read(" ".join(reversed(groups)))
