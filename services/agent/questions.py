"""Questions to models, in the ledger: stored before the first byte goes out, reported when the answer has ended.

The witness is told beside the turn, which waits for nothing but the commit in its owner's own file. What it does not
take stays there and is reported with the next question, also after a crash: then with what was about to be sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
from sqlalchemy import Connection, text

from openassistant.bus import Bus
from openassistant.context import CallContext, Clock, new_id
from openassistant.errors import Conflict, OaError
from openassistant.messages import AuditAction, ModelRef, Record, TextSource, Traffic
from openassistant.meter import Meter, measuring, reach_of
from openassistant.store import Store, UserStores
from openassistant.witness import record
from services.agent.model import Usage

__all__ = ["Question", "Questions"]

_PAUSES = (0.0, 2.0, 10.0, 30.0)
"""Seconds before each attempt to report; after the last one it waits for the next question."""
_AT_ONCE = 100
_STOPPED = "cancelled"
_USUAL = {"http": 80, "https": 443}

_log = logging.getLogger("openassistant.agent")


class Question:
    """What is under way: `usage` and `said` (bytes of the answer) are filled in as they become known."""

    def __init__(self) -> None:
        self.usage: Sequence[Usage] = ()
        self.said = 0


class Questions:
    """The questions of all users of this process."""

    def __init__(self, bus: Bus, stores: UserStores, clock: Clock) -> None:
        self._bus, self._stores, self._clock = bus, stores, clock
        self._under_way: set[str] = set()

    @contextlib.asynccontextmanager
    async def asked(self, ctx: CallContext, ref: ModelRef, sources: tuple[TextSource, ...]) -> AsyncIterator[Question]:
        """Whatever is sent and received within is a question of the context's user; his file is open already."""
        user = str(ctx.user)
        meant = self._meant(ctx, ref, sources)
        self._under_way.add(meant.id)
        question, meter, outcome = Question(), Meter(), "done"
        try:
            async with self._stores.use(user) as store:
                await _keep(store, meant)
            with measuring(meter):
                yield question
        except asyncio.CancelledError:
            outcome = _STOPPED
            raise
        except OaError as error:
            outcome = error.code
            raise
        finally:
            ended = _ended(meant, ref, question, meter.take(), outcome)
            self._bus.spawn(self._report(ctx, meant.id, ended))

    def _meant(self, ctx: CallContext, ref: ModelRef, sources: tuple[TextSource, ...]) -> Record:
        """The record as it stands if nobody lives to tell how it went."""
        host, port = _endpoint(ref)
        size = sum(each.bytes for each in sources)
        content = {"model": ref.model, "turn": ctx.turn, "conversation": ctx.conversation, "at": str(self._clock())}
        return Record(
            id=new_id(),
            action=AuditAction.MODEL_ASKED,
            outcome="unknown",
            content={name: value for name, value in content.items() if value},
            traffic=(Traffic(host=host, port=port, reach=reach_of(host), bytes_out=size),),
            sources=sources,
        )

    async def _report(self, ctx: CallContext, asked: str, ended: Record | None) -> None:
        """Stores how a question went, then tells the witness of it and of what was left from before."""
        try:
            async with self._stores.use(str(ctx.user)) as store:
                await (_keep(store, ended) if ended else _forget(store, [asked]))
                self._under_way.discard(asked)
                for pause in _PAUSES:
                    await asyncio.sleep(pause)
                    if await self._sent(store, ctx):
                        return
        except OaError as error:
            _log.warning("a question is not reported yet", extra={"code": error.code})
        finally:
            self._under_way.discard(asked)

    async def _sent(self, store: Store, ctx: CallContext) -> bool:
        """Whether the witness has all that is known of questions that have ended."""
        kept = [each for each in await _kept(store) if each.id not in self._under_way]
        taken = await asyncio.gather(*(self._taken(ctx, each) for each in kept))
        await _forget(store, [each for each in taken if each])
        return all(taken)

    async def _taken(self, ctx: CallContext, entry: Record) -> str | None:
        ctx = ctx.renewed(10, now=self._clock())
        try:
            await record(self._bus, ctx, entry)
        except Conflict:
            _log.error("the ledger holds another question under this id", extra={"id": entry.id})
        except OaError as error:
            _log.info("a question is not reported yet", extra={"code": error.code})
            return None
        return entry.id


def _endpoint(ref: ModelRef) -> tuple[str, int]:
    """Host and port; of a provider that is known by name alone, that name."""
    if ref.base_url is None:
        return ref.model.split("/")[0][:255] or "model", 443
    url = httpx.URL(ref.base_url)
    return url.host or "model", url.port or _USUAL.get(url.scheme, 443)


def _ended(
    meant: Record, ref: ModelRef, question: Question, traffic: tuple[Traffic, ...], outcome: str
) -> Record | None:
    """The record of a question that has ended; None where nothing was sent.

    Litellm's connections are its own: there the sizes are those of the texts, and the record says so.
    """
    content: dict[str, Any] = dict(meant.content)
    if question.usage:
        last = question.usage[-1]
        content |= {"input_tokens": last.input_tokens, "output_tokens": last.output_tokens}
    if not traffic and ref.kind == "openai":
        return None
    if not traffic:
        content["estimated"] = True
        traffic = tuple(each.model_copy(update={"bytes_in": question.said}) for each in meant.traffic)
    return meant.model_copy(update={"content": content, "traffic": traffic, "outcome": outcome})


async def _keep(store: Store, entry: Record) -> None:
    query = text(
        "INSERT INTO model_questions (id, record) VALUES (:id, :record) ON CONFLICT (id) DO UPDATE SET record = :record"
    )
    row = {"id": entry.id, "record": entry.model_dump_json()}
    await store.write(lambda connection: connection.execute(query, row).close())


async def _kept(store: Store) -> list[Record]:
    query = text("SELECT record FROM model_questions ORDER BY id LIMIT :limit")

    def read(connection: Connection) -> list[Record]:
        return [Record.model_validate_json(row.record) for row in connection.execute(query, {"limit": _AT_ONCE})]

    return await store.read(read)


async def _forget(store: Store, ids: list[str]) -> None:
    query = text("DELETE FROM model_questions WHERE id = :id")
    if ids:
        await store.write(lambda connection: connection.execute(query, [{"id": each} for each in ids]).close())
