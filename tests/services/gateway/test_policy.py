import pytest

from openassistant.messages import Effect
from services.gateway.policy import decide


@pytest.mark.parametrize("tainted", [False, True])
def test_a_read_runs(tainted: bool) -> None:
    assert decide(Effect.READ, tainted=tainted).action == "run"


def test_a_write_runs_until_something_from_outside_was_read() -> None:
    assert decide(Effect.WRITE, tainted=False).action == "run"
    assert decide(Effect.WRITE, tainted=True).action == "ask"


@pytest.mark.parametrize("effect", [Effect.SEND, Effect.DELETE])
@pytest.mark.parametrize("tainted", [False, True])
def test_sending_and_deleting_always_ask(effect: Effect, tainted: bool) -> None:
    assert decide(effect, tainted=tainted).action == "ask"


def test_every_verdict_says_why() -> None:
    for effect in Effect:
        for tainted in (False, True):
            assert decide(effect, tainted=tainted).reason.endswith(".")
