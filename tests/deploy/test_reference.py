"""The reference pages say what the code says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from deploy import policy_table, reference, services_table
from deploy.containers import ContainerSettings
from deploy.generated import ROOT
from deploy.settings import HouseSettings
from openassistant import __main__ as author
from openassistant import subjects
from openassistant.errors import ERRORS
from openassistant.messages import AuditAction
from openassistant.scaffold import write_connector
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
        ("send", outside, "a rule for this")
        for outside in ("no", "no, but in the run of a schedule", "no, but on an account that is lent", "yes")
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


@pytest.mark.parametrize("service", services_table.services(), ids=lambda service: service.card.id)
def test_every_tool_of_a_service_has_a_row_with_the_scopes_of_its_permission(service: services_table.Service) -> None:
    section = section_of(service)
    for tool in service.card.tools:
        [row] = [row for row in section if row.startswith(f"| `{tool.name}` |")]
        _, effect, permission, scopes, undo = (cell.strip() for cell in row.strip("|").split("|"))
        assert effect.split()[0] == f"`{tool.effect}`"
        assert permission == (f"`{tool.capability}`" if tool.capability else "")
        asked = service.card.auth.oauth2
        least = asked.capabilities[tool.capability].scopes if asked and tool.capability else ()
        assert scopes == ", ".join(f"`{scope}`" for scope in least)
        assert undo == ("yes" if tool.undo else "")


@pytest.mark.parametrize("service", services_table.services(), ids=lambda service: service.card.id)
def test_every_service_says_what_it_is_tested_against_and_has_a_guide(service: services_table.Service) -> None:
    assert service.manifest.tested
    assert service.guide
    [row] = [row for row in reference.PAGES["services.md"]().splitlines() if row.startswith(f"| [{service.card.name}]")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[-1] == ", ".join(service.manifest.tested)
    assert int(cells[1]) == len(service.card.tools) == sum(map(int, cells[2:6]))


@pytest.mark.parametrize("service", services_table.services(), ids=lambda service: service.card.id)
def test_what_signs_in_at_a_provider_names_a_permission_for_each_tool(service: services_table.Service) -> None:
    signs_in = service.card.auth.oauth2 is not None
    without = {tool.name for tool in service.card.tools if not tool.capability}
    assert without == {"actions_undo"} if signs_in else without == {tool.name for tool in service.card.tools}


@pytest.mark.parametrize("service", services_table.services(), ids=lambda service: service.card.id)
def test_the_versions_that_a_service_is_tested_against_are_those_that_the_tests_install(
    service: services_table.Service,
) -> None:
    pinned = pins()
    named = dict(each.rsplit(" ", 1) for each in service.manifest.tested)
    known = {name: pinned[name.lower()] for name in named if name.lower() in pinned}
    assert known == {name: named[name] for name in known}
    assert known


def test_a_new_connector_has_a_section_without_being_named_anywhere(tmp_path: Path) -> None:
    folder = write_connector("weather", tmp_path / "connectors")
    assert author.main(["card", str(folder), "--write"]) == 0
    [service] = services_table.services(tmp_path)
    page = services_table.page([service])
    assert "| [Weather](#weather) | 1 | 1 | 0 | 0 | 0 | not at all | nothing yet |" in page
    assert "| `words_count` | `read` |  |  |  |" in page


def pins() -> dict[str, str]:
    """By name in small letters, the version of each package that tests are installed with."""
    python = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "deploy" / "locks" / "dev.txt").read_text(), re.MULTILINE)
    node = json.loads((ROOT / "tests" / "peers" / "node" / "package.json").read_text())["dependencies"]
    return {name.lower(): version for name, version in (*python, *node.items())}


def section_of(service: services_table.Service) -> list[str]:
    _, _, rest = reference.PAGES["services.md"]().partition(f"\n## {service.card.name}\n")
    return rest.partition("\n## ")[0].splitlines()
