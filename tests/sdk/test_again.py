"""What failed for a reason that passes is tried again, for a while."""

from __future__ import annotations

import pytest

from openassistant.again import again
from openassistant.errors import Conflict, OaError, Unavailable


class Work:
    """Raises these in turn, and comes to how often it was tried."""

    def __init__(self, *errors: OaError) -> None:
        self.errors, self.tries = list(errors), 0

    async def __call__(self) -> int:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.tries


async def test_it_is_tried_until_it_works_and_each_failure_is_told() -> None:
    told: list[str] = []
    work = Work(Unavailable("one"), Unavailable("two"))
    assert await again(work, on=Unavailable, first=0.001, note=lambda error: told.append(error.message)) == 3
    assert told == ["one", "two"]


async def test_what_does_not_pass_by_itself_is_raised_at_once() -> None:
    work = Work(Conflict("No."))
    with pytest.raises(Conflict):
        await again(work, on=Unavailable, first=0.001)
    assert work.tries == 1


async def test_after_its_time_the_last_failure_is_raised() -> None:
    work = Work(*(Unavailable(str(each)) for each in range(100)))
    with pytest.raises(Unavailable) as caught:
        await again(work, on=Unavailable, seconds=0.1, first=0.01, most=0.02)
    assert caught.value.message == str(work.tries - 1)
    assert 3 <= work.tries <= 11
