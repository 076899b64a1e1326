"""What the documentation points at exists: files, headings, commands and settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.containers import ContainerSettings
from deploy.generated import ROOT
from deploy.permissions import SERVICES
from deploy.settings import HouseSettings
from openassistant.settings import RoomSettings
from services.agent.settings import AgentSettings
from services.audit.settings import AuditSettings
from services.egress.settings import EgressSettings
from services.gateway.settings import GatewaySettings
from services.vault.settings import VaultSettings

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "sdk" / "README.md"])
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
KINDS = (
    HouseSettings, ContainerSettings, RoomSettings, GatewaySettings, AgentSettings, VaultSettings, AuditSettings,
    EgressSettings,
)  # fmt: skip


def links(page: Path) -> Iterator[str]:
    """The targets of a page's links inside the tree."""
    return (target for target in LINK.findall(page.read_text()) if "://" not in target)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    dead = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_that_is_named_exists(name: str) -> None:
    made = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z][a-z0-9-]*)", (ROOT / name).read_text()))
    assert named <= made


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_that_is_named_exists(name: str) -> None:
    known = {f"OA_{field.upper()}" for kind in KINDS for field in kind.model_fields}
    streams = {"OA_CHAT", "OA_INBOX", "OA_CONNECTORS"}
    of_a_client = {"OA_URL", "OA_TOKEN"}
    named = set(re.findall(r"\bOA_[A-Z][A-Z_]*[A-Z]\b", (ROOT / name).read_text()))
    assert named <= known | streams | of_a_client


@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_ours_that_is_named_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    folders = "deploy|tests|services|sdk|connectors|docs"
    named = set(re.findall(rf"`((?:{folders})/[\w./-]+)`", text))
    made = ("services/gateway/web/build",)
    assert not [each for each in named if not (ROOT / each).exists() and each not in made]


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "adr"
    listed = set(links(folder / "README.md"))
    assert listed == {page.name for page in folder.glob("0*.md")}


def test_the_architecture_names_every_service() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    assert all(f"`services/{room}`" in text for room in SERVICES)
