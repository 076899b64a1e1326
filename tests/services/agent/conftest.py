"""What every test of the agent begins with."""

import pytest

from tests.sdk.hand import tools


@pytest.fixture(autouse=True)
def _fresh_hand() -> None:
    """The hand has done nothing yet."""
    tools.DONE.clear()
