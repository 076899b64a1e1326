"""The agent's container, with somebody hostile in it: what it gets done in a house of two people."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from openassistant.grants import SigningKey
from tests.compose.project import ComposeProject, missing
from tests.e2e.stack import ROOT
from tests.hostile import checks
from tests.hostile.scene import Scene, open_peers
from tests.peers.model import ModelServer
from tests.peers.process import PeerError

pytestmark = [pytest.mark.compose, pytest.mark.needs_dovecot]

_DOUBLE = "import sys; sys.path.insert(0, '/hostile'); from tests.hostile.double import main; main()"


class Run(ComposeProject):
    """A house in containers in whose agent's place the double can be put; nothing else of it changes."""

    def put_the_double(self) -> None:
        """The agent's own image, key, volumes and networks, with another program."""
        place = f"{ROOT / 'tests' / 'hostile'}:/hostile/tests/hostile:ro"
        self.replace("agent", {"command": ["python", "-c", _DOUBLE], "volumes": [place]})

    def add_person(self, name: str, password: str) -> None:
        with self.sign_in() as owner:
            owner.bring_in(name, password)

    def signing_key(self) -> SigningKey:
        file = Path(self._folder) / "signing.jwk"
        file.write_text(self.run("gateway", "cat", "/keys/signing.jwk")[1])
        return SigningKey.load(file)

    def file(self, name: str) -> bytes:
        """What it holds at this moment; on a busy machine Docker may lose the beginning of what a command prints."""
        [agent] = self.containers("agent")
        for _ in range(10):
            status, output = agent.exec_run(
                ["sh", "-c", f"test ! -e /data/{name} || {{ wc -c < /data/{name}; cat /data/{name}; }}"]
            )
            size, _, content = bytes(output).partition(b"\n")
            if status == 0 and not output:
                return b""
            if status == 0 and size.strip().isdigit() and len(content) >= int(size):
                return content
        raise PeerError(f"{name} cannot be read in the agent's container")


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    if lack := missing():
        pytest.skip(lack)
    with ExitStack() as stack:
        peers, model = open_peers(stack), stack.enter_context(ModelServer())
        doors = (peers.imap.port, peers.smtp.port, peers.calendar.port, model.port)
        run = stack.enter_context(Run(doors=doors, model=model, scale={}))
        [before] = run.containers("agent")
        run.put_the_double()
        [after] = run.containers("agent")
        assert before.id != after.id
        assert after.image.id == before.image.id
        yield Scene(run, peers, stack)


def test_nothing_is_sent_changed_or_seen(scene: Scene) -> None:
    checks.nothing_happened(scene, scene.obey(scene.ada, "everything", **scene.brief()))


def test_a_question_is_never_worded_by_the_agent(scene: Scene) -> None:
    checks.a_question_is_never_worded_by_the_agent(scene)


def test_a_true_yes_is_good_for_its_own_call_once(scene: Scene) -> None:
    checks.one_yes_is_one_mail(scene)


def test_a_flood_ends_and_the_house_lives(scene: Scene) -> None:
    checks.a_flood_passes(scene)
