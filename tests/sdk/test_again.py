"""What failed for a reason that passes is tried again, for a while; what nobody answers is asked again."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from openassistant.again import again, until_answered
from openassistant.errors import Conflict, DeadlineExceeded, OaError, Unavailable


class Leaping(selectors.DefaultSelector):
    """Where nothing is to be done before a time, it is that time: an hour passes at once, and to the microsecond."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        found = super().select(0)
        if not found:
            self.now += timeout or 0.0
        return found


class LeapingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._leaping = Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now


def leaping(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """The test, run on a clock that leaps."""

    @functools.wraps(test)
    def run() -> None:
        with asyncio.Runner(loop_factory=LeapingLoop) as runner:
            runner.run(test())

    return run


class Work:
    """Raises these in turn, and comes to how often it was tried."""

    def __init__(self, *errors: OaError) -> None:
        self.errors, self.tries = list(errors), 0

    async def __call__(self) -> int:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.tries


@leaping
async def test_it_is_tried_until_it_works_and_each_failure_is_told() -> None:
    told: list[str] = []
    work = Work(Unavailable("one"), Unavailable("two"))
    assert await again(work, on=Unavailable, first=0.001, note=lambda error: told.append(error.message)) == 3
    assert told == ["one", "two"]


@leaping
async def test_what_does_not_pass_by_itself_is_raised_at_once() -> None:
    work = Work(Conflict("No."))
    with pytest.raises(Conflict):
        await again(work, on=Unavailable, first=0.001)
    assert work.tries == 1


@leaping
async def test_after_its_time_the_last_failure_is_raised() -> None:
    work = Work(*(Unavailable(str(each)) for each in range(100)))
    with pytest.raises(Unavailable) as caught:
        await again(work, on=Unavailable, seconds=10, first=0.5, most=2)
    assert caught.value.message == str(work.tries - 1)
    assert asyncio.get_running_loop().time() == pytest.approx(0.5 + 1 + 2 + 2 + 2 + 2)
    assert work.tries == 7


class Room:
    """Answers the nth question after so many seconds, or with this error; for ever silent from then on."""

    def __init__(self, *answers: float | OaError) -> None:
        self.answers, self.lefts, self.closed = list(answers), list[float](), 0

    async def __call__(self, left: float) -> int:
        self.lefts.append(left)
        nth = len(self.lefts)
        answer = self.answers[nth - 1] if nth <= len(self.answers) else 600.0
        if isinstance(answer, OaError):
            raise answer
        try:
            await asyncio.wait_for(asyncio.sleep(answer), left)
        except TimeoutError as error:
            raise DeadlineExceeded("There was no answer in time.") from error
        except asyncio.CancelledError:
            self.closed += 1
            raise
        return nth


@leaping
async def test_who_is_only_slow_is_heard_though_it_was_asked_again() -> None:
    room = Room(7.5)
    assert await until_answered(room, seconds=60) == 1
    assert room.lefts == pytest.approx([60, 57, 54])
    assert room.closed == 2
    assert asyncio.get_running_loop().time() == pytest.approx(7.5)


@leaping
async def test_a_question_lost_twice_is_put_a_third_time_after_twice_the_silence() -> None:
    room = Room(600, 600, 0)
    assert await until_answered(room, seconds=60) == 3
    assert room.lefts == pytest.approx([60, 57, 54])
    assert room.closed == 2


@leaping
async def test_whom_nobody_answers_asks_ever_more_seldom_and_gives_up_in_time() -> None:
    room = Room()
    with pytest.raises(DeadlineExceeded):
        await until_answered(room, seconds=60)
    assert room.lefts == pytest.approx([60, 57, 54, 48, 36, 12])
    assert asyncio.get_running_loop().time() == pytest.approx(60)


@leaping
async def test_a_refusal_ends_the_asking_and_leaves_nothing_open() -> None:
    room = Room(600, Conflict("No."))
    with pytest.raises(Conflict):
        await until_answered(room, seconds=60)
    assert (len(room.lefts), room.closed) == (2, 1)


@leaping
async def test_who_was_there_is_waited_for_to_the_end_and_who_never_was_is_not() -> None:
    gone = Room(600, Unavailable("Gone."), Unavailable("Still gone."), 0)
    assert await until_answered(gone, seconds=60) == 4
    never = Room(*(Unavailable("Nobody.") for _ in range(9)))
    with pytest.raises(Unavailable):
        await until_answered(never, seconds=60)
    assert len(never.lefts) == 1
    away = Room(*(Unavailable("Nobody.") for _ in range(99)))
    with pytest.raises(Unavailable):
        await until_answered(away, seconds=60, away=10)
    assert away.lefts[-1] == pytest.approx(60 - 0.25 - 0.5 - 1 - 2 - 4)


@leaping
async def test_whoever_gives_up_waiting_leaves_no_question_open() -> None:
    room = Room()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(until_answered(room, seconds=60), 7.5)
    assert len(room.lefts) == room.closed == 3
