"""The bus server's image runs the configuration that provisioning makes for containers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from deploy.containers import ContainerSettings, prepare
from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext
from openassistant.errors import DeadlineExceeded, OaError
from openassistant.messages import Done
from tests.compose.project import missing
from tests.peers.process import LOOPBACK

pytestmark = pytest.mark.compose

IMAGE = os.environ.get("NATS_IMAGE", "nats:2.15.1-alpine")
PLANTED = b"planted-words-of-an-inbox-event"


class Place:
    """A provisioned house, and its bus in a container."""

    def __init__(self, folder: Path) -> None:
        self.settings = ContainerSettings(
            data_dir=folder / "house",
            root_key_file=folder / "root-key",
            uid=os.geteuid() or 10001,
            gid=os.getegid() or 10001,
        )
        prepare(self.settings)
        self.store = folder / "store"
        self.store.mkdir()
        self.url = ""

    async def join(self, room: str) -> Bus:
        seed = SecretStr((self.settings.keys / room / "nkey").read_text().strip())
        return await Bus.connect(self.url, room=room, seed=seed, streams=room == "gateway", wait=10)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if lack := missing():
        pytest.skip(lack)
    place = Place(tmp_path_factory.mktemp("bus"))
    container = (
        DockerContainer(IMAGE)
        .with_kwargs(entrypoint=["nats-server", "-c", "/keys/nats.conf"], read_only=True)
        .with_tmpfs_mount("/tmp")
        .with_volume_mapping(str(place.settings.keys / "bus"), "/keys", "ro")
        .with_volume_mapping(str(place.store), "/store", "rw")
        .with_exposed_ports(4222)
        .waiting_for(LogMessageWaitStrategy("Server is ready").with_startup_timeout(30))
    )
    with container:
        place.url = f"nats://{LOOPBACK}:{container.get_exposed_port(4222)}"
        yield place


async def test_rooms_join_with_their_keys_and_the_gateway_makes_the_streams(place: Place) -> None:
    gateway, vault = await place.join("gateway"), await place.join("vault")

    async def answer(ctx: CallContext, body: Done) -> Done:
        return body

    await vault.serve(subjects.vault("public"), Done, answer)
    assert await gateway.request(subjects.vault("public"), Done(), Done, CallContext.within(5)) == Done()
    await gateway.drain(seconds=1)
    await vault.drain(seconds=1)


async def test_a_room_is_refused_what_its_row_does_not_hold(place: Place) -> None:
    mail, vault = await place.join("mail"), await place.join("vault")
    asked: list[str] = []

    async def answer(ctx: CallContext, body: Done) -> Done:
        asked.append(ctx.subject)
        return body

    await vault.serve(subjects.vault_token("*"), Done, answer)
    await mail.request(subjects.vault_token("mail"), Done(), Done, CallContext.within(5))
    with pytest.raises((DeadlineExceeded, OaError)):
        await mail.request(subjects.vault_token("caldav"), Done(), Done, CallContext.within(1))
    assert asked == [subjects.vault_token("mail")]
    await mail.drain(seconds=1)
    await vault.drain(seconds=1)


async def test_what_a_stream_stores_cannot_be_read_in_its_volume(place: Place) -> None:
    gateway, mail = await place.join("gateway"), await place.join("mail")
    await mail.publish(subjects.inbox("mail"), PLANTED)
    await mail.drain(seconds=1)
    await gateway.drain(seconds=1)
    stored = [path.read_bytes() for path in place.store.rglob("*") if path.is_file()]
    assert stored
    assert not [content for content in stored if PLANTED in content]
