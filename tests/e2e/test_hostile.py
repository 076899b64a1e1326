"""Somebody hostile in the agent's place, with the agent's own key: what it gets done in a house of two people."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from openassistant.grants import SigningKey
from tests.e2e.stack import OWNER, OWNER_PASSWORD, ROOT, Person, Stack
from tests.hostile import checks
from tests.hostile.scene import Row, Scene, open_peers

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]


class Run(Stack):
    """The one-command house with the double in it."""

    command = (sys.executable, "-m", "tests.hostile.house")

    def sign_in(self) -> Person:
        return self.sign_in_as(OWNER, OWNER_PASSWORD)

    def sign_in_as(self, name: str, password: str) -> Person:
        return Person(self.url, name, password)

    def reaching(self, account: Row) -> Row:
        return account

    def signing_key(self) -> SigningKey:
        return SigningKey.load(self.data_dir / "keys" / "gateway" / "signing.jwk")

    def file(self, name: str) -> bytes:
        path = self.data_dir / "agent" / name
        return path.read_bytes() if path.exists() else b""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with ExitStack() as stack:
        peers = open_peers(stack)
        run = stack.enter_context(Run(env={"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "sdk")])}))
        yield Scene(run, peers, stack)


def test_nothing_is_sent_changed_or_seen(scene: Scene) -> None:
    checks.nothing_happened(scene, scene.obey(scene.ada, "everything", **scene.brief()))


def test_devices_that_decide_differently_at_once_make_one_decision(scene: Scene) -> None:
    checks.decisions_at_once_are_one(scene, rounds=6)


def test_a_question_is_never_worded_by_the_agent(scene: Scene) -> None:
    checks.a_question_is_never_worded_by_the_agent(scene)


def test_a_true_yes_is_good_for_its_own_call_once(scene: Scene) -> None:
    checks.one_yes_is_one_mail(scene)


def test_a_flood_ends_and_the_house_lives(scene: Scene) -> None:
    checks.a_flood_passes(scene)
