"""The reference pages say what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import policy_table, reference
from deploy.containers import ContainerSettings
from deploy.settings import HouseSettings
from openassistant import subjects
from openassistant.errors import ERRORS
from openassistant.messages import AuditAction
from openassistant.settings import RoomSettings, Settings
from services.audit.settings import AuditSettings
from services.gateway.settings import GatewaySettings
from services.vault.settings import VaultSettings


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_committed_page_is_what_the_code_says_now(name: str) -> None:
    assert (reference.FOLDER / name).read_text() == reference.PAGES[name](), "run: python -m deploy.reference --write"


@pytest.mark.parametrize("action", AuditAction)
def test_every_audit_action_has_a_row(action: AuditAction) -> None:
    rows = [row for row in (reference.FOLDER / "audit.md").read_text().splitlines() if f"| `{action}` |" in row]
    assert len(rows) == 1
    assert all(cell.strip() for cell in rows[0].strip("|").split("|"))


def test_the_policy_lets_nothing_leave_or_be_deleted_without_a_person_or_a_rule_for_it() -> None:
    ran = {row[:3] for row in policy_table.cases() if row[3] == "run"}
    assert {row for row in ran if row[0] in ("send", "delete")} == {
        ("send", outside, "a rule for this") for outside in ("no", "no, but in the run of a schedule", "yes")
    }
    asked = {row for row in ran if row[0] == "write" and row[1] != "no"}
    assert {row[2] for row in asked} == {"a rule for this"}


@pytest.mark.parametrize("code", ERRORS)
def test_every_error_code_has_a_row(code: str) -> None:
    assert f"| `{code}` |" in reference.PAGES["errors.md"]()


@pytest.mark.parametrize(
    "kind", [HouseSettings, ContainerSettings, RoomSettings, GatewaySettings, VaultSettings, AuditSettings]
)
def test_every_setting_says_what_it_means(kind: type[Settings]) -> None:
    own = {name for name in kind.model_fields if name in kind.__annotations__}
    assert own <= reference.attribute_docs(kind).keys()


def test_every_subject_has_a_row_with_somebody_at_each_end() -> None:
    rows = [row for row in reference.PAGES["subjects.md"]().splitlines() if row.startswith("| `oa.")]
    makers = {name for name in subjects.__all__ if name.islower()} - {
        "instance_key",
        "last_token",
        "replies",
        "token_at",
        "tools_of",
    }
    assert len(rows) == len(makers)
    assert not [row for row in rows if "nobody" in row]


def test_a_stale_page_fails_the_check_and_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main(["--write"], folder=tmp_path) == 0
    assert reference.main(["--check"], folder=tmp_path) == 0
    (tmp_path / "errors.md").write_text("old")
    assert reference.main(["--check"], folder=tmp_path) == 1
    assert "errors.md is stale" in capsys.readouterr().err


def test_a_missing_page_fails_the_check(tmp_path: Path) -> None:
    assert reference.main(["--check"], folder=tmp_path) == 1
