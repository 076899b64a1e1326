"""What a model is asked in a turn, and who listens to what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from itertools import chain

from pydantic import SecretStr

from openassistant.catalogue import Catalogue
from openassistant.context import CallContext, Clock
from openassistant.errors import TooLarge
from openassistant.keys import Keys
from openassistant.messages import ModelRef
from openassistant.store import Store
from services.agent import closing, conversations, given, modes, redaction, routing, showing
from services.agent.conversations import Turn
from services.agent.listening import Listening
from services.agent.live import Live
from services.agent.metering import LAST_QUESTION, Metered, Purse, Source
from services.agent.model import Model, Usage
from services.agent.offers import Offer, as_tools, offers
from services.agent.permits import Permits
from services.agent.prices import price_of
from services.agent.probe import key_of
from services.agent.prompt import BYTES, WINDOW, build
from services.agent.questions import Questions
from services.agent.remembered import beside
from services.agent.routing import Choice
from services.agent.seeing import Seeing
from services.agent.sources import sources_of

__all__ = ["Asking", "ModelFactory"]

ModelFactory = Callable[[ModelRef, SecretStr | None], Source]


class Asking:
    """The models of all turns. `stopped` holds the turns whose owner has stopped them: what was said so far is kept."""

    def __init__(
        self,
        *,
        keys: Keys,
        catalogue: Catalogue,
        clock: Clock,
        model: ModelFactory,
        questions: Questions,
        permits: Permits,
        stopped: Collection[str],
    ) -> None:
        self._keys, self._catalogue, self._clock, self._model = keys, catalogue, clock, model
        self._questions, self._permits, self._stopped = questions, permits, stopped
        self._blind: set[tuple[str, str]] = set()

    async def ask(self, store: Store, live: Live, user: str, turn: Turn) -> list[Usage]:
        """One answer of the model; a conversation that turns out too long is tried once more, halved."""
        ctx, grant = await self._permits.context(user, turn), self._permits.of(turn)
        await self._catalogue.read()
        choice = await routing.choose(store, turn, grant.routes)
        model = await self._model_of(choice.ref, store, turn, ctx)
        offered = offers(self._catalogue, grant, choice.accounts)
        window = choice.ref.window or WINDOW
        try:
            return await self._answer(store, live, user, turn, model, choice, offered, window)
        except TooLarge:
            return await self._answer(store, live, user, turn, model, choice, offered, window // 2)

    async def ask_last(self, store: Store, live: Live, user: str, turn: Turn, largest: int) -> list[Usage]:
        """The last word of the model: a short question without tools."""
        choice = await routing.choose(store, turn, self._permits.of(turn).routes)
        model = await self._model_of(choice.ref, store, turn, self._permits.plain(user, turn), last=True)
        return await self._answer(store, live, user, turn, model, choice, {}, LAST_QUESTION * 4 // 3, largest)

    async def _answer(
        self,
        store: Store,
        live: Live,
        user: str,
        turn: Turn,
        model: Model,
        choice: Choice,
        offered: dict[str, Offer],
        window: int,
        largest: int | None = None,
    ) -> list[Usage]:
        """Asks and listens; with `largest`, in characters of a result, for the last time in this turn."""
        now, request, mode = self._clock(), turn.request, choice.ref.mode if largest is None else "none"
        history, calls, older = await conversations.recent(store, turn.conversation, turn=turn.id, size=window * BYTES)
        said = [each for each in history if each.turn == turn.id or not request.alone]
        files = await given.shown(store, turn.conversation, [each.id for each in said], most=window * BYTES // 2)
        told = beside(said, routing.remembered(choice, request.memories))
        seen = routing.view(choice, told, calls, older=older, files=files)
        if choice.redacts:
            seen, book = await redaction.hidden(store, turn, seen)
            model = redaction.Restored(model, book)
        offered = modes.within(mode, offered, words=request.text, calls=chain(*calls.values()))
        tools = as_tools(offered)
        prompt = build(
            [each for each in seen.history if not each.error], seen.calls, older=0 if request.alone else older,
            tools=modes.weight(mode, tools), accounts=choice.accounts, zone=request.zone, now=now, window=window,
            files=seen.files, pictures=await showing.pictures(store, seen.files, seen.history),
            **({} if largest is None else {"largest": largest}),
        )  # fmt: skip
        messages = prompt.messages
        if largest is not None:
            messages = [*messages, {"role": "system", "content": closing.ASKED_LAST}]
        elif prompt.left_out:
            await live.notice(f"{prompt.left_out} earlier messages did not fit the model and were left out.")
        if words := routing.news(seen, turn):
            await live.notice(words)
        listening = Listening(store, live, turn, user=user, offered=offered, note=seen.note)
        if choice.redacts:
            messages = redaction.told(messages)
        sources = sources_of(messages, seen.calls, tools, files=prompt.files)
        try:
            async with self._questions.asked(self._permits.plain(user, turn), choice.ref, sources) as question:
                return await listening.answer(model, messages, tools, now=now, question=question)
        except asyncio.CancelledError:
            if turn.id in self._stopped:
                await listening.keep_stopped()
            raise

    async def _model_of(
        self, ref: ModelRef, store: Store, turn: Turn, ctx: CallContext, *, last: bool = False
    ) -> Model:
        user = str(ctx.user)
        purse = Purse(
            lambda: self._permits.budget(turn),
            lambda *need: self._permits.renewed(user, turn, *need),
            lambda: self._permits.seconds(turn),
        )
        metered = Metered(
            lambda: self._source(ref, ctx), ref.model, store=store, turn=turn.id, purse=purse,
            price=await price_of(ref), window=ref.window or WINDOW, clock=self._clock, last=last,
        )  # fmt: skip
        return modes.fitted("none" if last else ref.mode, metered)

    async def _source(self, ref: ModelRef, ctx: CallContext) -> Source:
        """The model itself; its key is asked for when there is something to spend on it."""
        fresh = ctx.signed(grant=self._permits.token(str(ctx.turn)))
        return Seeing(self._model(ref, await key_of(self._keys, ref, fresh)), ref, self._blind)
