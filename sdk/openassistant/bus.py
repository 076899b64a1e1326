"""The bus: request, serve, publish, watch, drain. The only importer of nats.

`Bus` holds what is ours (contexts, deadlines, errors, limits, draining); a `Transport` moves bytes: NATS here, memory
in `openassistant.testing`. The same tests run on both.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from nats import errors as nats_errors
from nats.aio.client import Client
from nats.js import api as js_api
from nats.js import errors as js_errors
from pydantic import BaseModel, SecretStr, ValidationError

from openassistant import __version__, subjects
from openassistant.again import until_answered
from openassistant.context import CallContext, utc_now
from openassistant.errors import (
    DeadlineExceeded,
    Internal,
    InvalidRequest,
    NotFound,
    OaError,
    TooLarge,
    Unavailable,
    error_of,
)
from openassistant.messages import ErrorBody
from openassistant.subjects import CHAT_STREAM, CONNECTORS_BUCKET, INBOX_STREAM

__all__ = ["EVENT_ID", "Bus", "Incoming", "NatsTransport", "Responder", "Subscription", "Transport", "read_seed"]

EVENT_ID = "Oa-Event-Id"
_VERSION, _SINCE = "Oa-Version", "Oa-Since"
"""Headers of every answer: what the room that answered runs, and since when."""
_CODE = "Nats-Service-Error-Code"
_ERROR = "Nats-Service-Error"
_QUIET_SECONDS = 25.0
"""A registry is never silent for so long (instances renew every 20 s): its consumer was lost with the server."""
_EVENT_BUFFER = 20_000
_SETTLE_SECONDS = 0.25

_log = logging.getLogger("openassistant.bus")

Reply = TypeVar("Reply", bound=BaseModel)
Body = TypeVar("Body", bound=BaseModel)
Handler = Callable[[CallContext, Body], Awaitable[BaseModel]]
_Event = tuple[int, bytes]


class Incoming(NamedTuple):
    """A message as it arrived; `reply` is empty where no answer is awaited."""

    subject: str
    data: bytes
    headers: Mapping[str, str]
    reply: str


class Responder(NamedTuple):
    """Who answered a request: its version and start, as far as it says so."""

    version: str | None
    since: datetime | None


class Subscription(Protocol):
    """Something that can be ended so that what has arrived is still handled."""

    async def drain(self) -> None:
        """Takes no more; what has arrived goes on."""


class Transport(Protocol):
    """What moves bytes. Every method raises `Unavailable` when the bus is away."""

    async def request(
        self, subject: str, data: bytes, headers: dict[str, str], timeout: float
    ) -> tuple[bytes, Mapping[str, str]]:
        """One answer; raises `Unavailable` without a responder, `DeadlineExceeded` without an answer."""

    async def publish(self, subject: str, data: bytes, headers: dict[str, str] | None) -> None:
        """Sends without waiting."""

    async def subscribe(self, subject: str, queue: str, handle: Callable[[Incoming], Awaitable[None]]) -> Subscription:
        """Calls `handle` for each message, in order."""

    async def put(self, bucket: str, key: str, value: bytes) -> None:
        """Stores a value in a bucket, acknowledged."""

    def watch(self, bucket: str) -> AsyncIterator[tuple[str, bytes | None]]:
        """The present values, once ("", None) when they have all come, then each change (None: deleted), for ever.

        Values may repeat.
        """

    async def last(self, stream: str, subject: str) -> Incoming | None:
        """The newest message of a subject in a stream."""

    def replay(self, stream: str, subject: str) -> AsyncIterator[Incoming]:
        """What a stream holds of a subject at this moment, oldest first; ends there."""

    async def purge(self, stream: str, subject: str) -> None:
        """Removes what a stream holds of a subject, which may have wildcards; raises `Unavailable`."""

    async def ping(self) -> None:
        """One round trip to whatever carries the messages."""

    async def until_returned(self) -> None:
        """Returns when the connection was lost and is there again."""

    async def close(self) -> None:
        """Flushes and disconnects."""


class _Heard:
    """Events that came and were not taken yet; bounded."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[_Event] = asyncio.Queue(_EVENT_BUFFER)
        self._lost = False

    def put(self, event: _Event) -> None:
        """Keeps one, where there is room."""
        if self._events.full():
            self._lost = True
        else:
            self._events.put_nowait(event)

    async def get(self) -> _Event:
        """The oldest; raises `Unavailable` once one was lost."""
        event = await self._events.get()
        if self._lost:
            raise Unavailable("Events came faster than they were taken.")
        return event


class Bus:
    """One room's door to the bus."""

    def __init__(self, transport: Transport, *, room: str) -> None:
        self.room = room
        self._transport = transport
        self._subscriptions: list[Subscription] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._pulse: asyncio.Task[None] | None = None
        self._about = {_VERSION: __version__, _SINCE: utc_now().isoformat()}

    @classmethod
    async def connect(
        cls, url: str, *, room: str, seed: SecretStr, instance: str = "", streams: bool = False, wait: float = 30.0
    ) -> Self:
        """Connects as `room` with its nkey seed, waiting at most `wait` seconds for the server.

        `streams`: this room (the gateway) also makes the streams, and again after the store was lost.
        """
        transport = await NatsTransport.connect(
            url, room=room, seed=seed, instance=instance, streams=streams, wait=wait
        )
        return cls(transport, room=room)

    async def request(self, subject: str, body: BaseModel, reply: type[Reply], ctx: CallContext) -> Reply:
        """The answer to a request, within the context's deadline; raises the responder's `OaError`."""
        return await self._answered(subject, body, reply, ctx, ctx.remaining())

    async def ask(
        self, subject: str, body: BaseModel, reply: type[Reply], ctx: CallContext, *, away: float = 0.0
    ) -> Reply:
        """As `request`, for what may be asked twice: it is put again while nobody answers, see `until_answered`.

        Each time has what is left of the context, whatever became of the clock. A room that is not there is waited
        for `away` seconds, and to the end where it was there before.
        """

        def question(left: float) -> Coroutine[Any, Any, Reply]:
            return self._answered(subject, body, reply, ctx.renewed(left), left)

        return await until_answered(question, seconds=ctx.remaining(), away=away)

    async def _answered(
        self, subject: str, body: BaseModel, reply: type[Reply], ctx: CallContext, seconds: float
    ) -> Reply:
        asked = body.model_dump_json().encode()
        data, headers = await self._transport.request(subject, asked, ctx.to_headers(), seconds)
        if _CODE in headers:
            raise _error_from(data)
        try:
            return reply.model_validate_json(data)
        except ValidationError as error:
            raise Internal(f"The answer to {subject} is not of the agreed form.") from error

    async def ask_who(self, subject: str, body: BaseModel, ctx: CallContext) -> Responder:
        """Who answers a request, also by refusing it; raises `Unavailable` and `DeadlineExceeded` alone."""
        data, headers = await self._transport.request(
            subject, body.model_dump_json().encode(), ctx.to_headers(), ctx.remaining()
        )
        if _CODE in headers and isinstance(error := _error_from(data), Unavailable | DeadlineExceeded):
            raise error
        return _responder(headers)

    async def serve(
        self,
        subject: str,
        body: type[Body],
        handler: Handler[Body],
        *,
        queue: str = "",
        limit: int = 64,
        caller_is_last: bool = False,
    ) -> None:
        """Answers a subject: a task per request, `limit` at once, the next ones wait, far more are refused.

        Only `OaError`s leave; anything else becomes `Internal` and is logged with its trace id. An answer goes to
        an inbox alone, and where the subject's last token names the caller (`caller_is_last`), to that room's: a
        request that another room smuggled onto the subject is not served.
        """
        slots = asyncio.Semaphore(limit)
        waiting = 0

        async def answer(message: Incoming) -> None:
            nonlocal waiting
            try:
                async with slots:
                    waiting -= 1
                    reply = await _run(handler, body, message)
            except OaError as error:
                await self._answer_error(message, error)
            else:
                await self._answer(message, reply)

        async def accept(message: Incoming) -> None:
            nonlocal waiting
            caller = subjects.last_token(message.subject) if caller_is_last else None
            if not _reply_fits(message.reply, caller):
                _log.warning("request with a foreign reply subject", extra={"subject": message.subject})
                return
            if waiting > limit * 16:
                await self._answer_error(message, Unavailable(f"{self.room} has too much to do.", retry_after=1))
                return
            waiting += 1
            self.spawn(answer(message))

        self._subscriptions.append(await self._transport.subscribe(subject, queue or self.room, accept))

    async def publish(self, subject: str, data: bytes, headers: dict[str, str] | None = None) -> None:
        """Sends bytes without waiting for anybody."""
        await self._transport.publish(subject, data, headers)

    async def subscribe(self, subject: str, handle: Callable[[Incoming], Awaitable[None]]) -> Subscription:
        """Every message of a subject to this very process."""
        subscription = await self._transport.subscribe(subject, "", handle)
        self._subscriptions.append(subscription)
        return subscription

    async def forget_events(self, subject: str) -> None:
        """Removes the events of conversations from their stream; the subject may have wildcards."""
        await self._transport.purge(CHAT_STREAM, subject)

    async def emit(self, subject: str, event_id: int, data: bytes) -> None:
        """One event of a conversation; ids rise strictly within a subject."""
        await self._transport.publish(subject, data, {EVENT_ID: str(event_id)})

    async def events(self, subject: str, *, after: int) -> AsyncGenerator[_Event, None]:
        """Events of a conversation with an id above `after`, then live ones, each once, for ever.

        Raises `NotFound` when `after` is not 0 and no longer in the stream: the caller begins with a snapshot.
        Raises `Unavailable` when the caller takes them so slowly that some were lost: he begins again where he is.
        """
        async with self._listening(subject) as live:
            seen = after
            async for event_id, data in self._in_order(subject, after, live):
                if event_id > seen:
                    seen = event_id
                    yield event_id, data

    async def live_events(self, subject: str, begin: Callable[[], Awaitable[int]]) -> AsyncGenerator[_Event, None]:
        """Events of a conversation with an id above the one that `begin` answers; listens from before it is called.

        So none is missed, and the stream need not be asked. The first value, (0, b""), says that `begin` has ended
        well; what it raises is raised. Raises `Unavailable` as `events` does.
        """
        async with self._listening(subject) as live:
            seen = await begin()
            yield 0, b""
            while True:
                event_id, data = await live.get()
                if event_id > seen:
                    seen = event_id
                    yield event_id, data

    @contextlib.asynccontextmanager
    async def _listening(self, subject: str) -> AsyncIterator[_Heard]:
        heard = _Heard()

        async def keep(message: Incoming) -> None:
            heard.put((_event_id(message), message.data))

        subscription = await self._transport.subscribe(subject, "", keep)
        try:
            yield heard
        finally:
            await subscription.drain()

    async def _in_order(self, subject: str, after: int, live: _Heard) -> AsyncIterator[_Event]:
        """What the stream holds, then what is live; some twice.

        A stream takes a message in a moment after its subscribers got it. So an event can be too early for the live
        subscription and too late for the first replay: the stream is asked once more when the first one came after it.
        """
        newest = after
        async for event in self._missed(subject, after):
            newest = max(newest, event[0])
            yield event
        first = None
        with contextlib.suppress(TimeoutError):
            first = await asyncio.wait_for(live.get(), _SETTLE_SECONDS)
        if await self._newest(subject, at_least=first[0] if first else 0) > newest:
            async for message in self._transport.replay(CHAT_STREAM, subject):
                yield _event_id(message), message.data
        if first:
            yield first
        while True:
            yield await live.get()

    async def _newest(self, subject: str, *, at_least: int) -> int:
        """The newest event that a stream holds, waiting a moment until it holds this one; 0 for none."""
        for _ in range(20):
            last = await self._transport.last(CHAT_STREAM, subject)
            newest = _event_id(last) if last else 0
            if newest >= at_least:
                return newest
            await asyncio.sleep(0.01)
        return 0

    async def _missed(self, subject: str, after: int) -> AsyncIterator[_Event]:
        last = await self._transport.last(CHAT_STREAM, subject)
        if last is not None and _event_id(last) == after:
            return
        found = after == 0
        if last is not None:
            async for message in self._transport.replay(CHAT_STREAM, subject):
                event_id = _event_id(message)
                if event_id > after:
                    if not found:
                        break
                    yield event_id, message.data
                found = found or event_id == after
        if not found:
            raise NotFound("That event is no longer kept.")

    async def put(self, bucket: str, key: str, value: bytes) -> None:
        """Stores a value in a bucket; raises `Unavailable`."""
        await self._transport.put(bucket, key, value)

    def watch(self, bucket: str) -> AsyncIterator[tuple[str, bytes | None]]:
        """The present values of a bucket, ("", None), then each change, for ever; values may repeat."""
        return self._transport.watch(bucket)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A tracked task: `drain` waits for it; what it raises is logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    async def pause(self, seconds: float) -> None:
        """Sleeps, but no longer than until a bus that was away is back: it may have forgotten what it was told."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._transport.until_returned()

    def show_life(self, file: Path, *, every: float = 5.0) -> None:
        """Touches `file` every few seconds while this room serves and the bus answers: its age is the room's health."""
        self._pulse = asyncio.create_task(self._beat(file, every))
        self._pulse.add_done_callback(self._finished)

    async def _beat(self, file: Path, every: float) -> None:
        while True:
            if self._subscriptions:
                with contextlib.suppress(Unavailable):
                    await self._transport.ping()
                    await asyncio.to_thread(file.touch)
            await asyncio.sleep(every if self._subscriptions else _SETTLE_SECONDS)

    async def drain(self, *, seconds: float = 10.0) -> None:
        """Takes no more, lets what runs end within `seconds`, then disconnects."""
        if self._pulse:
            self._pulse.cancel()
        for subscription in self._subscriptions:
            with contextlib.suppress(OaError):
                await subscription.drain()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
        await self._transport.close()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("task failed", exc_info=error)

    async def _answer(self, message: Incoming, body: BaseModel, headers: dict[str, str] | None = None) -> None:
        if not message.reply:
            return
        try:
            await self._transport.publish(
                message.reply, body.model_dump_json().encode(), {**self._about, **(headers or {})}
            )
        except TooLarge as error:
            await self._answer_error(message, error)

    async def _answer_error(self, message: Incoming, error: OaError) -> None:
        body = ErrorBody(code=error.code, message=error.message, details=error.details, retry_after=error.retry_after)
        with contextlib.suppress(Unavailable):
            await self._answer(message, body, {_CODE: str(error.status), _ERROR: error.code})


async def _run(handler: Handler[Body], body: type[Body], message: Incoming) -> BaseModel:
    """The handler's answer within the caller's deadline; raises only `OaError`."""
    ctx = CallContext.from_headers(message.headers, subject=message.subject)
    try:
        request = body.model_validate_json(message.data)
    except ValidationError as error:
        raise InvalidRequest("The body of the request is not of the agreed form.") from error
    try:
        async with asyncio.timeout(ctx.remaining()):
            return await handler(ctx, request)
    except OaError:
        raise
    except TimeoutError as error:
        raise DeadlineExceeded("There was no answer in time.") from error
    except Exception as error:
        _log.exception("request failed", extra={"subject": message.subject, "trace": ctx.traceparent})
        raise Internal("Something went wrong inside; the log has it.", details={"trace": ctx.traceparent}) from error


def _reply_fits(reply: str, caller: str | None) -> bool:
    if caller is not None:
        return reply.startswith(f"{subjects.replies(caller)}.")
    return not reply or reply.startswith("_INBOX_")


def _responder(headers: Mapping[str, str]) -> Responder:
    try:
        since = datetime.fromisoformat(headers.get(_SINCE, ""))
    except ValueError:
        since = None
    return Responder(headers.get(_VERSION, "")[:40] or None, since)


def _event_id(message: Incoming) -> int:
    return int(message.headers.get(EVENT_ID, "0"))


def _error_from(data: bytes) -> OaError:
    try:
        body = ErrorBody.model_validate_json(data)
    except ValidationError:
        return Internal("A room answered with an error that cannot be read.")
    return error_of(body.code, body.message, details=body.details, retry_after=body.retry_after)


class _Client(Client):
    """nats-py stops reading, for good and in silence, when a pong comes for somebody who waits no longer.

    A reader who goes, or a wait that ran out, must cost nobody else the connection.
    """

    async def _process_pong(self) -> None:
        if self._pongs and self._pongs[0].done():
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()


class NatsTransport:
    """NATS: core for requests and live events, JetStream for replay and the registry."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._js = client.jetstream(timeout=5)
        self._returned = asyncio.Event()

    @classmethod
    async def connect(cls, url: str, *, room: str, seed: SecretStr, instance: str, streams: bool, wait: float) -> Self:
        """A connected transport; raises `Unavailable` after `wait` seconds."""
        client = _Client()
        transport = cls(client)

        async def returned() -> None:
            _log.info("bus is back")
            if streams:
                await transport.make_streams()
            transport.note_return()

        async def gone() -> None:
            if not client.is_closed:
                _log.warning("bus is away")

        async def failed(error: Exception) -> None:
            _log.warning("bus error", extra={"error": type(error).__name__})

        try:
            async with asyncio.timeout(wait):
                await client.connect(
                    servers=[url],
                    name=f"{room}.{instance}" if instance else room,
                    nkeys_seed_str=seed.get_secret_value(),
                    inbox_prefix=subjects.replies(room).encode(),
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=1,
                    reconnected_cb=returned,
                    disconnected_cb=gone,
                    error_cb=failed,
                    drain_timeout=10,
                )
                if streams:
                    await transport.make_streams()
        except (TimeoutError, OSError, nats_errors.Error) as error:
            raise Unavailable(f"The bus cannot be reached as {room}.") from error
        return transport

    def note_return(self) -> None:
        """Wakes who waits for the connection to be there again."""
        self._returned.set()
        self._returned = asyncio.Event()

    async def until_returned(self) -> None:
        """See `Transport`."""
        await self._returned.wait()

    async def make_streams(self) -> None:
        """Makes what is missing: each stream can be lost without losing anything of the owner's."""
        hour = 3600.0
        chat = js_api.StreamConfig(
            name=CHAT_STREAM,
            subjects=["oa.event.chat.>"],
            storage=js_api.StorageType.MEMORY,
            max_age=hour,
            max_bytes=128 * 1024 * 1024,
            max_msgs_per_subject=_EVENT_BUFFER,
            allow_direct=True,
        )
        inbox = js_api.StreamConfig(
            name=INBOX_STREAM,
            subjects=["oa.event.inbox.>"],
            storage=js_api.StorageType.FILE,
            max_age=7 * 24 * hour,
            max_bytes=64 * 1024 * 1024,
        )
        registry = js_api.KeyValueConfig(
            bucket=CONNECTORS_BUCKET, ttl=60, storage=js_api.StorageType.MEMORY, max_bytes=32 * 1024 * 1024
        )
        for attempt in range(20):
            try:
                await self._js.add_stream(chat)
                await self._js.add_stream(inbox)
                await self._js.create_key_value(registry)
                return
            except (js_errors.Error, nats_errors.Error, TimeoutError):
                if attempt == 19:
                    raise
                await asyncio.sleep(0.25)

    async def request(
        self, subject: str, data: bytes, headers: dict[str, str], timeout: float
    ) -> tuple[bytes, Mapping[str, str]]:
        """See `Transport`."""
        await self._connected(timeout)
        try:
            message = await self._client.request(subject, data, timeout=timeout, headers=headers)
        except nats_errors.NoRespondersError as error:
            raise Unavailable(f"Nobody answers {_family(subject)}: that room is not running.") from error
        except (nats_errors.TimeoutError, TimeoutError) as error:
            raise DeadlineExceeded(f"{_family(subject)} did not answer in time.") from error
        except nats_errors.MaxPayloadError as error:
            raise TooLarge("The request is larger than the bus carries (8 MB).") from error
        except nats_errors.Error as error:
            raise Unavailable("The bus is away.") from error
        return message.data, message.headers or {}

    async def publish(self, subject: str, data: bytes, headers: dict[str, str] | None) -> None:
        """See `Transport`."""
        try:
            await self._client.publish(subject, data, headers=headers)
        except nats_errors.MaxPayloadError as error:
            raise TooLarge("The message is larger than the bus carries (8 MB).") from error
        except nats_errors.Error as error:
            raise Unavailable("The bus is away.") from error

    async def subscribe(self, subject: str, queue: str, handle: Callable[[Incoming], Awaitable[None]]) -> Subscription:
        """See `Transport`. The server knows of it when this returns: whoever asks from then on is answered."""

        async def receive(message: Any) -> None:
            await handle(Incoming(message.subject, message.data, message.headers or {}, message.reply))

        try:
            subscription = await self._client.subscribe(subject, queue=queue, cb=receive)
            for _ in range(2):  # the client's first PING can overtake a subscription that still waits to be written
                await self._client.flush(timeout=5)
        except (nats_errors.Error, TimeoutError) as error:
            raise Unavailable("The bus is away.") from error
        return _NatsSubscription(subscription)

    async def put(self, bucket: str, key: str, value: bytes) -> None:
        """See `Transport`."""
        try:
            await self._js.publish(f"$KV.{bucket}.{key}", value)
        except (js_errors.Error, nats_errors.Error, TimeoutError) as error:
            raise Unavailable("The registry on the bus is away.") from error

    async def watch(self, bucket: str) -> AsyncIterator[tuple[str, bytes | None]]:
        """See `Transport`. A consumer that falls silent (its stream was lost) is made again."""
        prefix = f"$KV.{bucket}."
        while True:
            try:
                subscription = await self._ordered(f"{prefix}>", f"KV_{bucket}", js_api.DeliverPolicy.LAST_PER_SUBJECT)
            except (js_errors.Error, nats_errors.Error, TimeoutError):
                await asyncio.sleep(1)
                continue
            try:
                await self._first(subscription)
                if not subscription.pending_msgs:
                    yield "", None
                while True:
                    message = await subscription.next_msg(timeout=_QUIET_SECONDS)
                    deleted = "KV-Operation" in (message.headers or {})
                    yield message.subject.removeprefix(prefix), None if deleted else message.data
                    if not message.metadata.num_pending:
                        yield "", None
            except (js_errors.Error, nats_errors.Error, TimeoutError):
                continue
            finally:
                with contextlib.suppress(js_errors.Error, nats_errors.Error, TimeoutError):
                    await subscription.unsubscribe()

    async def last(self, stream: str, subject: str) -> Incoming | None:
        """See `Transport`."""
        try:
            message = await self._js.get_last_msg(stream, subject, direct=True)
        except js_errors.NotFoundError:
            return None
        except (js_errors.Error, nats_errors.Error, TimeoutError) as error:
            raise Unavailable("The event stream on the bus is away.") from error
        return Incoming(subject, message.data or b"", message.headers or {}, "")

    async def replay(self, stream: str, subject: str) -> AsyncIterator[Incoming]:
        """See `Transport`."""
        try:
            subscription = await self._ordered(subject, stream, js_api.DeliverPolicy.ALL)
            try:
                while True:
                    message = await subscription.next_msg(timeout=5)
                    yield Incoming(message.subject, message.data, message.headers or {}, "")
                    if message.metadata.num_pending == 0:
                        return
            finally:
                await subscription.unsubscribe()
        except (js_errors.Error, nats_errors.Error, TimeoutError) as error:
            raise Unavailable("The event stream on the bus is away.") from error

    async def purge(self, stream: str, subject: str) -> None:
        """See `Transport`."""
        try:
            await self._js.purge_stream(stream, subject=subject)
        except (js_errors.Error, nats_errors.Error, TimeoutError) as error:
            raise Unavailable("The event stream on the bus is away.") from error

    async def ping(self) -> None:
        """See `Transport`. A client that lost its server flushes into nothing and says nothing."""
        try:
            await self._client.flush(timeout=5)
        except (nats_errors.Error, TimeoutError) as error:
            raise Unavailable("The bus is away.") from error
        if not self._client.is_connected:
            raise Unavailable("The bus is away.")

    async def close(self) -> None:
        """See `Transport`."""
        with contextlib.suppress(nats_errors.Error, TimeoutError):
            await self._client.drain()

    async def _ordered(self, subject: str, stream: str, deliver: js_api.DeliverPolicy) -> Any:
        return await self._js.subscribe(
            subject, stream=stream, ordered_consumer=True, deliver_policy=deliver, inactive_threshold=120
        )

    async def _first(self, subscription: Any) -> None:
        """Waits for the first message; one that is there comes within a round trip or two."""
        for _ in range(25):
            if subscription.pending_msgs:
                return
            await asyncio.sleep(0.02)

    async def _connected(self, timeout: float) -> None:
        """Waits a moment for a bus that is coming back; raises `Unavailable` rather than queueing a request."""
        for _ in range(max(1, int(min(timeout, 2.0) / 0.05))):
            if self._client.is_connected:
                return
            await asyncio.sleep(0.05)
        raise Unavailable("The bus is away.")


class _NatsSubscription:
    def __init__(self, subscription: Any) -> None:
        self._subscription = subscription

    async def drain(self) -> None:
        with contextlib.suppress(nats_errors.Error, TimeoutError):
            await self._subscription.drain()


def _family(subject: str) -> str:
    """The part of a subject that names the room, without the ids behind it."""
    return ".".join(subject.split(".")[1:3])


def read_seed(path: Path) -> SecretStr:
    """The nkey seed in a file; raises `Internal` that names the file."""
    try:
        return SecretStr(path.read_text().strip())
    except OSError as error:
        raise Internal(f"The bus key {path.name} cannot be read.") from error
