"""What failed for a reason that passes is tried again, for a while; what nobody answers is asked again."""

from __future__ import annotations

import asyncio

import pytest

from openassistant.again import again, until_answered
from openassistant.errors import Conflict, DeadlineExceeded, OaError, Unavailable


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


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openassistant.again._SILENCE", 0.2)


class Room:
    """Answers the nth question after so many seconds, or with this error; for ever silent from then on."""

    def __init__(self, *answers: float | OaError) -> None:
        self.answers, self.lefts, self.closed = list(answers), list[float](), 0

    async def __call__(self, left: float) -> int:
        self.lefts.append(left)
        nth = len(self.lefts)
        answer = self.answers[nth - 1] if nth <= len(self.answers) else 60.0
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


async def test_who_is_only_slow_is_heard_though_it_was_asked_again(quick: None) -> None:
    room = Room(0.5)
    assert await until_answered(room, seconds=10) == 1
    assert [round(each, 1) for each in room.lefts] == [10.0, 9.8, 9.6]
    assert room.closed == 2


async def test_a_question_lost_twice_is_put_a_third_time_after_twice_the_silence(quick: None) -> None:
    room = Room(60, 60, 0)
    assert await until_answered(room, seconds=10) == 3
    assert round(room.lefts[-1], 1) == 9.6
    assert room.closed == 2


async def test_a_refusal_ends_the_asking_and_leaves_nothing_open(quick: None) -> None:
    room = Room(60, Conflict("No."))
    with pytest.raises(Conflict):
        await until_answered(room, seconds=10)
    assert (len(room.lefts), room.closed) == (2, 1)


async def test_who_was_there_is_waited_for_to_the_end_and_who_never_was_is_not(quick: None) -> None:
    gone = Room(60, Unavailable("Gone."), Unavailable("Still gone."), 0)
    assert await until_answered(gone, seconds=10) == 4
    never = Room(*(Unavailable("Nobody.") for _ in range(9)))
    with pytest.raises(Unavailable):
        await until_answered(never, seconds=10)
    assert len(never.lefts) == 1


async def test_whoever_gives_up_waiting_leaves_no_question_open(quick: None) -> None:
    room = Room()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(until_answered(room, seconds=10), 0.5)
    assert len(room.lefts) == room.closed == 3
