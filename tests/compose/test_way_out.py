"""From a shell inside a connector's container: what is not its own is out of reach, and the one allowed thing works."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.compose.project import ELSEWHERE, ComposeProject
from tests.e2e.stack import Person
from tests.peers.house import House
from tests.peers.process import wait_until

pytestmark = pytest.mark.compose

Row = dict[str, Any]
WALLED = ("mail", "caldav", "agent", "vault", "audit")
OTHERS_SUBJECTS = (
    "oa.rpc.vault.token.mail", "oa.rpc.vault.key.mail", "oa.rpc.vault.key.audit", "oa.rpc.vault.account.list",
    "oa.rpc.audit.record.mail", "oa.rpc.audit.record.gateway", "oa.rpc.audit.query", "oa.rpc.egress.set",
    "oa.rpc.egress.lookup.mail", "oa.rpc.gateway.targets", "oa.rpc.gateway.approve", "oa.rpc.agent.turn",
    "oa.tool.mail.0.messages_search", "oa.rpc.mail.account.check", "oa.event.inbox.mail", "$JS.API.STREAM.NAMES",
)  # fmt: skip
OTHERS_WORDS = (
    ">", "oa.>", "oa.tool.mail.*.*", "oa.tool.>", "oa.rpc.vault.>", "oa.rpc.egress.>", "oa.rpc.mail.account.*",
    "_INBOX_mail.>", "_INBOX.>", "oa.event.inbox.*", "oa.event.chat.>", "$KV.OA_CONNECTORS.mail.*",
)  # fmt: skip


@pytest.fixture(scope="module")
def calendar(project: ComposeProject, peers: House) -> str:
    """The calendar server's `host:port`, which the calendar connector may reach because its owner connected it."""
    with project.sign_in() as ada:
        mine = [each for each in ada.get("/api/accounts") if each["connector"] == "caldav"]
        if not mine:
            ada.connect(project.reaching(peers.calendar_account()))
    return f"{project.host}:{peers.calendar.port}"


def status(project: ComposeProject, place: str, *, room: str = "caldav", sign: tuple[str, str] = ("", "own")) -> str:
    """The proxy's answer to CONNECT from a room's container."""
    user, password = sign
    told = project.try_to(room, "connect", place, user or room, password)
    return str(told.get("said") or told["stopped"])


def test_the_one_allowed_thing_works(project: ComposeProject, calendar: str) -> None:
    assert status(project, calendar) == "200"


def test_another_room_does_not_get_there(project: ComposeProject, calendar: str) -> None:
    assert status(project, calendar, room="mail") == "403"
    assert status(project, calendar, room="gateway") == "403"


@pytest.mark.parametrize("sign", [("-", "-"), ("caldav", "wrong"), ("mail", "own"), ("root", "own"), ("caldav", "")])
def test_the_proxy_wants_the_rooms_own_password(project: ComposeProject, calendar: str, sign: tuple[str, str]) -> None:
    assert status(project, calendar, sign=sign) == "407"


@pytest.mark.parametrize(
    "place",
    [
        "example.org:443", "1.1.1.1:443", "bus:4222", "bus:8222", "vault:80", "gateway:8080", "egress:3128",
        "127.0.0.1:3128", "localhost:3128", "[::1]:3128", "0.0.0.0:3128", "2130706433:3128", "0x7f000001:3128",
        "169.254.169.254:80", "metadata.google.internal:80", "[::ffff:169.254.169.254]:80", "192.168.1.1:80",
        "10.0.0.1:22", "172.17.0.1:2375", "host.docker.internal:22", f"x.{ELSEWHERE}.example.org:443", "icloud.com:443",
    ],
)  # fmt: skip
def test_what_is_not_on_the_list_is_refused(project: ComposeProject, calendar: str, place: str) -> None:
    assert status(project, place) == "403"


def test_an_allowed_host_has_one_port(project: ComposeProject, calendar: str, peers: House) -> None:
    host = calendar.rpartition(":")[0]
    for port in (22, 80, peers.imap.port, peers.smtp.port, peers.model.port):
        assert status(project, f"{host}:{port}") == "403"


def test_a_listed_name_that_leads_into_the_network_is_refused(project: ComposeProject, calendar: str) -> None:
    _, told = project.run("egress", "python", "-c", f"import socket; print(socket.gethostbyname({ELSEWHERE!r}))")
    assert told.strip() == project.host
    assert status(project, f"{ELSEWHERE}:443") == "403"
    assert '"inside"' in project.compose("logs", "--no-color", "egress")


def test_the_bus_cannot_be_reached_as_if_it_were_somebodys_server(project: ComposeProject, ada: Person) -> None:
    for address in ("http://bus:4222/", "http://egress:3128/", "http://vault:80/", "http://127.0.0.1:3128/"):
        settings = {"url": address, "username": "ada"}
        answer = ada.try_connect({"connector": "caldav", "settings": settings, "secrets": {"password": "not-a-secret"}})
        assert answer.status_code >= 400, address
        assert "not one of the hosts" in answer.text, answer.text
    refused = [line for line in project.compose("logs", "--no-color", "egress").splitlines() if '"inside"' in line]
    assert all(any(f'"{name}"' in line for line in refused) for name in ("bus", "egress", "vault", "127.0.0.1"))


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "TRACE"])
def test_the_proxy_fetches_nothing_itself(project: ComposeProject, calendar: str, method: str) -> None:
    for url in (f"http://{calendar}/", "http://example.org/", "http://169.254.169.254/latest/meta-data/"):
        assert project.try_to("caldav", "plain", method, url, "caldav", "own")["said"] == "403"


def gateways(project: ComposeProject) -> list[tuple[str, ...]]:
    """The addresses that the host would have on the rooms' own networks."""
    pools = [project.network(name)["IPAM"]["Config"][0] for name in ("bus", "way-out")]
    return [("tcp", pool["Gateway"], "22") for pool in pools if pool.get("Gateway")]


@pytest.fixture(scope="module")
def past(project: ComposeProject, calendar: str) -> dict[str, dict[tuple[str, ...], Row]]:
    """What comes of every way past the proxy, by room: tried side by side, since most end by a time-out."""
    host, _, port = calendar.rpartition(":")
    with project.stranger() as stranger:
        attempts: list[tuple[str, ...]] = [
            ("tcp", stranger, "8000"), ("tcp", host, port), ("tcp", "172.17.0.1", "22"), ("tcp", "1.1.1.1", "443"),
            ("tcp", "169.254.169.254", "80"), ("tcp", "2606:4700:4700::1111", "443"),
            ("tcp", "host.docker.internal", port),
            ("datagram", stranger, "8000"), ("datagram", "1.1.1.1", "53"), ("by_library", f"http://{host}:{port}/"),
            ("names", "1.1.1.1"), ("tcp", f"{host.rpartition('.')[0]}.1", "22"), *gateways(project),
        ]  # fmt: skip

        def told(room: str) -> dict[tuple[str, ...], Row]:
            with ThreadPoolExecutor(4) as pool:
                return dict(zip(attempts, pool.map(lambda each: project.try_to(room, *each), attempts), strict=True))

        return project.in_each(WALLED, told)


@pytest.mark.parametrize("room", WALLED)
def test_there_is_no_way_past_the_proxy(past: dict[str, dict[tuple[str, ...], Row]], room: str) -> None:
    # A refusal is an answer too: somebody was reached who gave it.
    assert len(past[room]) >= 12
    reached = {attempt: each for attempt, each in past[room].items() if "Refused" in each.get("stopped", "Refused")}
    assert reached == {}


@pytest.fixture(scope="module")
def names(project: ComposeProject) -> dict[str, tuple[Row, Row, Row]]:
    """What a room is told of a name inside, of one outside, and by a DNS server that it asks itself."""
    attempts = (("name", "bus"), ("name", "secret.example.org"), ("names", "127.0.0.11"))

    def told(room: str) -> tuple[Row, Row, Row]:
        inside, outside, answer = (project.try_to(room, *each) for each in attempts)
        return inside, outside, answer

    return project.in_each((*WALLED, "gateway"), told)


@pytest.mark.parametrize("room", [*WALLED, "gateway"])
def test_names_of_the_outside_are_not_looked_up(names: dict[str, tuple[Row, Row, Row]], room: str) -> None:
    """A name is a message to whoever runs its zone: DNS alone would be a way out."""
    inside, outside, answer = names[room]
    assert "said" in inside
    assert "stopped" in outside
    assert "stopped" in answer or (answer["said"].endswith(" 0 answers") and not answer["said"].startswith("rcode 0"))


@pytest.mark.parametrize("subject", OTHERS_SUBJECTS)
def test_the_bus_refuses_what_is_anothers_to_say(project: ComposeProject, subject: str) -> None:
    assert "permissions violation" in json.dumps(project.try_to("caldav", "said", "caldav", subject)).lower()


@pytest.mark.parametrize("subject", OTHERS_WORDS)
def test_the_bus_refuses_what_is_anothers_to_hear(project: ComposeProject, subject: str) -> None:
    assert "permissions violation" in json.dumps(project.try_to("caldav", "heard", "caldav", subject)).lower()


def test_a_rooms_own_subject_is_not_refused(project: ComposeProject) -> None:
    assert project.try_to("caldav", "said", "caldav", "oa.rpc.vault.key.caldav") == {"said": "allowed"}


def test_nothing_of_another_room_lies_about(project: ComposeProject) -> None:
    def told(path: str) -> Row:
        return project.try_to("caldav", "read", path)

    assert set(told("/keys")["said"].split(", ")) == {"nkey", "trust.json", "egress-password"}
    for path in ("/run/root-key/root-key", "/house", "/app/connectors/mail", "/app/services", "/store"):
        assert "stopped" in told(path), path
    assert told("/run/secrets") == {"said": "ca"}  # certificates of authorities that the house names: no secret
    assert told("/app/connectors")["said"].split(", ")[-1] == "caldav"
    status, words = project.run("caldav", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert status == 0
    assert "services" not in words
    assert "connectors.mail" not in words


def test_what_went_through_is_in_the_ledger(project: ComposeProject, calendar: str, ada: Person) -> None:
    """Counted by the hour, and before the proxy stops."""
    assert status(project, calendar) == "200"
    project.compose("restart", "egress")
    assert wait_until(lambda: project.health("egress") == "healthy", seconds=60, every=1)
    assert wait_until(lambda: status(project, calendar) == "200", seconds=30, every=1)
    lines = [json.loads(line) for line in ada.http.get("/api/audit/export").text.splitlines()]
    found = [each["content"] for each in lines if each.get("record", {}).get("action") == "egress.counted"]
    host, _, port = calendar.rpartition(":")
    mine = [each for each in found if (each["room"], each["host"], each["port"]) == ("caldav", host, int(port))]
    assert mine
    assert all(each["connections"] and each["bytes_in"] and each["bytes_out"] for each in mine[:1])
    changed = [each for each in lines if each.get("record", {}).get("action") == "egress.changed"]
    assert any(f"{host}:{port}" in json.dumps(each["content"]) for each in changed)


def test_a_proxy_that_is_away_stops_calls_and_opens_no_other_way(
    project: ComposeProject, ada: Person, peers: House
) -> None:
    [proxy] = project.containers("egress")
    proxy.pause()
    try:
        answer = ada.try_connect(project.reaching(peers.calendar_account()))
        assert answer.status_code >= 400
    finally:
        proxy.unpause()
    assert wait_until(lambda: project.health("egress") == "healthy", seconds=60, every=1)
