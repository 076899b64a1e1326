"""For tests: a bus in memory, fakes of the rooms a connector meets, `call_tool`, and the connector contract suite."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from openassistant.bus import Bus, Incoming, Subscription
from openassistant.context import new_id
from openassistant.errors import DeadlineExceeded, TooLarge, Unavailable

__all__ = ["MemoryBus", "MemoryTransport", "matches"]


def matches(pattern: str, subject: str) -> bool:
    """Whether a subject fits a pattern with `*` (one token) and `>` (the rest)."""
    wanted, given = pattern.split("."), subject.split(".")
    for position, token in enumerate(wanted):
        if token == ">":
            return len(given) > position
        if position >= len(given) or token not in ("*", given[position]):
            return False
    return len(wanted) == len(given)


class _MemorySubscription:
    def __init__(
        self, pattern: str, queue: str, handle: Callable[[Incoming], Awaitable[None]], owner: MemoryTransport
    ) -> None:
        self.pattern, self.queue, self._handle, self._owner = pattern, queue, handle, owner
        self._pending: asyncio.Queue[Incoming] = asyncio.Queue()
        self._task = asyncio.create_task(self._pump())

    def push(self, message: Incoming) -> None:
        self._pending.put_nowait(message)

    async def _pump(self) -> None:
        while True:
            await self._handle(await self._pending.get())

    async def drain(self) -> None:
        if self in self._owner.subscriptions:
            self._owner.subscriptions.remove(self)
        while not self._pending.empty():
            await asyncio.sleep(0)
        self._task.cancel()


class MemoryTransport:
    """What NATS does for us, in one process: queue groups, request/reply, chat replay, buckets."""

    def __init__(self, *, max_payload: int = 8 * 1024 * 1024) -> None:
        self.subscriptions: list[_MemorySubscription] = []
        self.events: dict[str, list[Incoming]] = defaultdict(list)
        self.buckets: dict[str, dict[str, bytes]] = defaultdict(dict)
        self._watchers: dict[str, list[asyncio.Queue[tuple[str, bytes | None]]]] = defaultdict(list)
        self._max_payload = max_payload
        self._turns: dict[tuple[str, str], int] = defaultdict(int)

    async def request(
        self, subject: str, data: bytes, headers: dict[str, str], timeout: float
    ) -> tuple[bytes, Mapping[str, str]]:
        """See `openassistant.bus.Transport`."""
        inbox = f"_INBOX.{new_id()}"
        answer: asyncio.Future[Incoming] = asyncio.get_running_loop().create_future()

        async def take(message: Incoming) -> None:
            if not answer.done():
                answer.set_result(message)

        subscription = await self.subscribe(inbox, "", take)
        try:
            if not self._deliver(Incoming(subject, self._checked(data), headers, inbox)):
                raise Unavailable(f"Nobody answers {subject}: that room is not running.")
            message = await asyncio.wait_for(answer, timeout)
        except TimeoutError as error:
            raise DeadlineExceeded("There was no answer in time.") from error
        finally:
            await subscription.drain()
        return message.data, message.headers

    async def publish(self, subject: str, data: bytes, headers: dict[str, str] | None) -> None:
        """See `openassistant.bus.Transport`."""
        message = Incoming(subject, self._checked(data), headers or {}, "")
        if subject.startswith("oa.event."):
            self.events[subject].append(message)
        self._deliver(message)

    async def subscribe(self, subject: str, queue: str, handle: Callable[[Incoming], Awaitable[None]]) -> Subscription:
        """See `openassistant.bus.Transport`."""
        subscription = _MemorySubscription(subject, queue, handle, self)
        self.subscriptions.append(subscription)
        return subscription

    async def put(self, bucket: str, key: str, value: bytes) -> None:
        """See `openassistant.bus.Transport`."""
        self.buckets[bucket][key] = value
        for watcher in self._watchers[bucket]:
            watcher.put_nowait((key, value))

    async def watch(self, bucket: str) -> AsyncIterator[tuple[str, bytes | None]]:
        """See `openassistant.bus.Transport`."""
        changes: asyncio.Queue[tuple[str, bytes | None]] = asyncio.Queue()
        for item in self.buckets[bucket].items():
            changes.put_nowait(item)
        self._watchers[bucket].append(changes)
        while True:
            yield await changes.get()

    async def last(self, stream: str, subject: str) -> Incoming | None:
        """See `openassistant.bus.Transport`."""
        return self.events[subject][-1] if self.events[subject] else None

    async def replay(self, stream: str, subject: str) -> AsyncIterator[Incoming]:
        """See `openassistant.bus.Transport`."""
        for message in list(self.events[subject]):
            yield message

    async def close(self) -> None:
        """Nothing to flush; other rooms may still use the same transport."""

    def _checked(self, data: bytes) -> bytes:
        if len(data) > self._max_payload:
            raise TooLarge("The message is larger than the bus carries (8 MB).")
        return data

    def _deliver(self, message: Incoming) -> bool:
        groups: dict[tuple[str, str], list[_MemorySubscription]] = defaultdict(list)
        for position, subscription in enumerate(self.subscriptions):
            if matches(subscription.pattern, message.subject):
                queue = subscription.queue or f"#{position}"
                groups[(subscription.pattern, queue)].append(subscription)
        for name, members in groups.items():
            self._turns[name] += 1
            members[self._turns[name] % len(members)].push(message)
        return bool(groups)


class MemoryBus:
    """Many rooms on one transport in memory: `MemoryBus().room("vault")`."""

    def __init__(self) -> None:
        self.transport = MemoryTransport()

    def room(self, name: str) -> Bus:
        """The bus as one room holds it."""
        return Bus(self.transport, room=name)
