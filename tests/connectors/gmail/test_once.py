"""Every act on a mailbox happens once, whatever interrupts it: the SDK's own check, and answers that Gmail loses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count

import pytest

from openassistant.errors import DeadlineExceeded, UpstreamFailed
from openassistant.messages import Call
from openassistant.once import once_faults
from tests.connectors.gmail.conftest import CAROL, Desk

Made = tuple[Callable[[], Awaitable[Call]], Callable[[], Awaitable[int]]]


def _arrived(read: Desk) -> Callable[[], Awaitable[int]]:
    async def done() -> int:
        return sum("once" in each["subject"] + each["body"] for each in await read.box(CAROL))

    return done


def _labelled(read: Desk, label: str, *, borne: bool = True) -> Callable[[], Awaitable[int]]:
    async def done() -> int:
        return sum((label in each["labelIds"]) is borne for each in await read.box() if "mail-" in each["subject"])

    return done


async def _mail(read: Desk, number: int) -> str:
    message = await read.deliver(f"mail-{number}", f"Text {number}")
    await read.house.call("messages_read", message=message)
    return message


async def _draft(read: Desk, number: int) -> str:
    made = await read.house.call("drafts_create", to=[CAROL], subject=f"draft-{number}", text=f"Text {number}")
    return str(made["draft"])


def sends(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("messages_send", to=[CAROL], subject=f"once-{next(numbers)}", text="Hello")

    return make, _arrived(read)


def replies(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        number = next(numbers)
        return read.make("messages_reply", message=await _mail(read, number), text=f"once {number}")

    return make, _arrived(read)


def replies_to_all(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        number = next(numbers)
        return read.make("messages_reply_all", message=await _mail(read, number), text=f"once {number}")

    return make, _arrived(read)


def forwards(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        number = next(numbers)
        message = await _mail(read, number)
        return read.make("messages_forward", message=message, to=[CAROL], text=f"once {number}")

    return make, _arrived(read)


def drafts_sent(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        made = await read.house.call("drafts_create", to=[CAROL], subject=f"once-{next(numbers)}", text="Hello")
        return read.make("drafts_send", draft=made["draft"])

    return make, _arrived(read)


def drafts_made(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("drafts_create", to=[CAROL], subject=f"once-{next(numbers)}", text="Hello")

    async def done() -> int:
        return len(await read.drafts())

    return make, done


def drafts_changed(read: Desk) -> Made:
    numbers = count()
    made: list[str] = []

    async def make() -> Call:
        made.append(await _draft(read, next(numbers)))
        return read.make("drafts_update", draft=made[-1], text="changed once")

    async def done() -> int:
        return sum("changed once" in each["body"] for each in await read.box() if "DRAFT" in each["labelIds"])

    return make, done


def drafts_dropped(read: Desk) -> Made:
    numbers = count()
    made: list[str] = []

    async def make() -> Call:
        made.append(await _draft(read, next(numbers)))
        return read.make("drafts_delete", draft=made[-1])

    async def done() -> int:
        return len(set(made) - set(await read.drafts()))

    return make, done


def archives(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("messages_archive", messages=[await _mail(read, next(numbers))])

    return make, _labelled(read, "INBOX", borne=False)


def marks(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("messages_flag", messages=[await _mail(read, next(numbers))], starred=True)

    return make, _labelled(read, "STARRED")


def labellings(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("messages_label", messages=[await _mail(read, next(numbers))], add=["Flat"])

    return make, _labelled(read, "Label_1")


def trashes(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("messages_trash", messages=[await _mail(read, next(numbers))])

    return make, _labelled(read, "TRASH")


def restores(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        message = await _mail(read, next(numbers))
        await read.other("POST", f"messages/{message}/trash")
        return read.make("messages_restore", messages=[message])

    async def done() -> int:
        posted = [each.path for each in read.asked("POST", "/untrash")]
        assert len(posted) == len(set(posted))
        return len(posted)

    return make, done


def labels(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("labels_create", name=f"once-{next(numbers)}")

    async def done() -> int:
        found = (await read.other("GET", "labels")).json()["labels"]
        return sum(each["name"].startswith("once-") for each in found)

    return make, done


def vacations(read: Desk) -> Made:
    numbers = count()

    async def make() -> Call:
        return read.make("vacation_set", on=True, text=f"once {next(numbers)}")

    async def done() -> int:
        return len({each.asked for each in read.asked("PUT", "/vacation")})

    return make, done


ACTS = [
    sends, replies, replies_to_all, forwards, drafts_sent, drafts_made, drafts_changed, drafts_dropped, archives, marks,
    labellings, trashes, restores, labels, vacations,
]  # fmt: skip


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_an_act_is_done_once(read: Desk, act: Callable[[Desk], Made]) -> None:
    make, done = act(read)
    assert await once_faults(read.house, make, done) == []


LOST: dict[Callable[[Desk], Made], tuple[str, str]] = {
    sends: ("POST", "/drafts/send"), replies: ("POST", "/drafts/send"), forwards: ("POST", "/drafts/send"),
    drafts_sent: ("POST", "/drafts/send"), drafts_made: ("POST", "/drafts"), drafts_changed: ("PUT", "/drafts/"),
    drafts_dropped: ("DELETE", "/drafts/"), archives: ("POST", "/modify"), trashes: ("POST", "/trash"),
    restores: ("POST", "/untrash"), labels: ("POST", "/labels"), vacations: ("PUT", "/vacation"),
}  # fmt: skip


@pytest.mark.parametrize("act", LOST, ids=lambda act: act.__name__)
async def test_an_act_whose_answer_is_lost_is_found(read: Desk, act: Callable[[Desk], Made]) -> None:
    make, done = act(read)
    call, before = await make(), await done()
    read.break_off(*LOST[act], times=3)
    try:
        await read.house.send(call)
    except (UpstreamFailed, DeadlineExceeded):
        read.front.change = lambda passed: passed
        await read.house.send(call)
    assert await done() - before == 1
