"""What stands between the rooms: no rights, no writing, no way out, nobody else's keys."""

from pathlib import Path
from typing import Any

import pytest

from tests.compose.project import ComposeProject

pytestmark = pytest.mark.compose

CARDS = (Path(__file__).parents[2] / "connectors").glob("*/manifest.toml")
CONNECTORS = tuple(sorted(card.parent.name for card in CARDS))
ROOMS = ("gateway", "agent", "vault", "audit", "egress", *CONNECTORS)
ALL = (*ROOMS, "bus")
OUTSIDE = {"egress"}
NETWORKS = {
    "gateway": {"bus", "way-out", "front"},
    "agent": {"bus", "way-out"},
    "egress": {"bus", "way-out", "egress"},
    "vault": {"bus", "way-out"},
    "audit": {"bus"},
    "bus": {"bus"},
    **{connector: {"bus", "way-out"} for connector in CONNECTORS},
}


def inspect(project: ComposeProject, service: str) -> list[dict[str, Any]]:
    found = [container.attrs for container in project.containers(service)]
    assert found
    return found


def volumes(project: ComposeProject, service: str) -> dict[str, tuple[str, bool]]:
    """By volume: where it is mounted, and whether it can be written."""
    [mounts, *_] = [each["Mounts"] for each in inspect(project, service)]
    named = [each for each in mounts if each["Type"] == "volume"]
    return {each["Name"].removeprefix(f"{project.name}_"): (each["Destination"], each["RW"]) for each in named}


@pytest.mark.parametrize("service", ALL)
def test_a_container_has_no_rights_and_its_limits(project: ComposeProject, service: str) -> None:
    for found in inspect(project, service):
        host = found["HostConfig"]
        assert found["Config"]["User"].split(":")[0] not in {"", "0", "root"}
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert not host["CapAdd"]
        assert not host["Privileged"]
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert {(each["Name"], each["Hard"]) for each in host["Ulimits"]} == {("core", 0)}
        assert 0 < host["Memory"] <= 2**30
        assert 0 < host["PidsLimit"] <= 256


@pytest.mark.parametrize("service", ROOMS)
def test_a_room_holds_no_capability_and_writes_nothing_but_its_data(project: ComposeProject, service: str) -> None:
    status, said = project.run(service, "cat", "/proc/1/status")
    assert status == 0
    assert {line.split()[1] for line in said.splitlines() if line.startswith(("CapEff", "CapPrm", "CapBnd"))} == {
        "0" * 16
    }
    for place in ("/app/x", "/keys/x", "/opt/room/x", "/etc/x"):
        assert project.run(service, "touch", place)[0] != 0, place
    assert project.run(service, "touch", "/data/x")[0] == 0
    assert project.run(service, "rm", "/data/x")[0] == 0


def test_only_the_gateway_publishes_a_port_and_on_loopback(project: ComposeProject) -> None:
    published = {service: [each["HostConfig"]["PortBindings"] for each in inspect(project, service)] for service in ALL}
    [gateway] = published.pop("gateway")
    assert gateway == {f"{project.port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(project.port)}]}
    assert not [binding for bindings in published.values() for binding in bindings if binding]


@pytest.mark.parametrize("service", ALL)
def test_a_container_is_on_its_networks_and_no_others(project: ComposeProject, service: str) -> None:
    for found in inspect(project, service):
        names = set(found["NetworkSettings"]["Networks"])
        assert {name.removeprefix(f"{project.name}_").removeprefix(f"{project.name}-") for name in names} == NETWORKS[
            service
        ]


def test_the_rooms_networks_lead_nowhere_and_one_container_has_a_way_out(project: ComposeProject) -> None:
    for inner in (project.network("bus"), project.network("way-out")):
        assert inner["Internal"]
        assert inner["Options"]["com.docker.network.bridge.inhibit_ipv4"] == "true"
    assert project.network("front")["Options"]["com.docker.network.bridge.enable_ip_masquerade"] == "false"
    with project.stranger() as address:
        reached = project.in_each(ROOMS, lambda service: project.reaches(service, address))
    assert {service for service, yes in reached.items() if yes} == OUTSIDE


@pytest.mark.parametrize("service", ROOMS)
def test_a_room_is_given_its_own_keys_and_data_alone(project: ComposeProject, service: str) -> None:
    own = {f"{service}-keys": ("/keys", False), f"{service}-data": ("/data", True)}
    # The vault puts a new root key in the old one's place; the gateway reads how the last copy went.
    more = {"vault": {"root-key": ("/run/root-key", True)}, "gateway": {"backup-data": ("/backup", False)}}
    assert volumes(project, service) == own | more.get(service, {})


def test_the_rooms_hold_different_keys_and_only_gateway_and_audit_can_sign(project: ComposeProject) -> None:
    seeds = {service: project.run(service, "cat", "/keys/nkey") for service in ROOMS}
    assert {status for status, _ in seeds.values()} == {0}
    assert len({seed for _, seed in seeds.values()}) == len(ROOMS)
    signing = {service for service in ROOMS if project.run(service, "test", "-e", "/keys/signing.jwk")[0] == 0}
    assert signing == {"gateway", "audit"}


def test_the_set_up_password_reaches_the_gateway_alone(project: ComposeProject) -> None:
    path = "/run/secrets/setup-password"
    assert {service for service in ROOMS if project.run(service, "test", "-e", path)[0] == 0} == {"gateway"}


def test_a_room_holds_no_package_of_another(project: ComposeProject) -> None:
    packages = ("litellm", "fastapi", "imapclient", "icalendar", "dns", "pip", "setuptools")

    def has(service: str, package: str) -> bool:
        return project.run(service, "python", "-c", f"import {package}")[0] == 0

    held = project.in_each(ROOMS, lambda service: {package for package in packages if has(service, package)})
    assert {package: {service for service in ROOMS if package in held[service]} for package in packages} == {
        "litellm": {"agent"},
        "fastapi": {"gateway"},
        "imapclient": {"mail"},
        "icalendar": {"caldav", "google_calendar"},
        "dns": {"egress", "mail"},
        "pip": set(),
        "setuptools": set(),
    }
