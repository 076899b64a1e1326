"""The agent: turns, model calls, conversations. Wires and serves; the only room with a model client."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path

from openassistant import log, subjects
from openassistant.bus import Bus
from openassistant.catalogue import Catalogue
from openassistant.context import CallContext, Clock, new_id, utc_now
from openassistant.data import Answers, ExportPage, Forgotten, Holding, Imported, Part, Piece, serve_data
from openassistant.errors import Conflict
from openassistant.given import FilePart, FilePiece, FileQuery, FileTaken
from openassistant.grants import Scope, Trust
from openassistant.guard import admit_grant
from openassistant.keys import Keys
from openassistant.messages import (
    Apart,
    CallSettled,
    Conversation,
    ConversationList,
    ConversationQuery,
    Decision,
    Done,
    History,
    LookRequest,
    ProbeReport,
    ProbeRequest,
    TextSource,
    TurnIds,
    TurnRequest,
    VersionChoice,
)
from openassistant.rekeying import Rekeying
from openassistant.shelf import Change, FileRequest, Found, LabelCounts, Listing, Search
from openassistant.store import Migrations, Store, UserStores
from services.agent import conversations, forgetting, given, livestore, moving, searching, shelving, versions
from services.agent.asking import ModelFactory
from services.agent.looking import Looking
from services.agent.model import Connections, OpenModel
from services.agent.probe import Probing
from services.agent.questions import Questions
from services.agent.settings import AgentSettings, send_litellm_through
from services.agent.turns import Turns

__all__ = ["ROOM", "Agent", "main"]

ROOM = "agent"
_MIGRATIONS = Path(__file__).parent / "migrations"


class Agent:
    """The room's handlers."""

    def __init__(
        self,
        bus: Bus,
        room: Store,
        data_dir: Path,
        *,
        trust: Trust,
        clock: Clock,
        keys: Keys,
        model: ModelFactory,
    ) -> None:
        self._bus, self._room, self._trust, self._clock, self._keys = bus, room, trust, clock, keys
        self.stores = UserStores(
            data_dir / "users", Migrations({"own": _MIGRATIONS / "user", "left": _MIGRATIONS / "left"}), keys.of,
            anew=keys.anew,
        )  # fmt: skip
        self.catalogue = Catalogue(clock)
        self._questions = Questions(bus, self.stores, clock)
        self.turns = Turns(
            bus,
            self.stores,
            room,
            keys=keys,
            catalogue=self.catalogue,
            trust=trust,
            clock=clock,
            model=model,
            questions=self._questions,
        )
        self._looking = Looking(bus, self.catalogue, trust=trust, clock=clock)
        self._probing = Probing(trust=trust, clock=clock, keys=keys, model=model)

    async def start(self) -> None:
        """Serves, then goes on with what a former process left."""
        serve, agent = self._bus.serve, subjects.agent
        await serve(agent("turn"), TurnRequest, self.turns.on_turn)
        await serve(agent("decide"), Decision, self.turns.on_decide)
        await serve(agent("settle"), CallSettled, self.turns.on_settle)
        await serve(agent("cancel"), Done, self.turns.on_cancel)
        await serve(agent("history"), Done, self.on_history)
        await serve(agent("conversations"), Listing, self.on_conversations)
        await serve(agent("create"), ConversationQuery, self.on_create)
        await serve(agent("change"), Change, self.on_change)
        await serve(agent("show"), VersionChoice, self.on_show)
        await serve(agent("apart"), TurnIds, self.on_apart)
        await serve(agent("delete"), Done, self.on_delete)
        await serve(agent("labels"), Done, self.on_labels)
        await serve(agent("search"), Search, self.on_search)
        await serve(agent("file"), FileRequest, self.on_file)
        await serve(agent("give"), FilePiece, self.on_give)
        await serve(agent("given"), FileQuery, self.on_given)
        await serve(agent("ungive"), FileQuery, self.on_ungive)
        await serve(agent("probe"), ProbeRequest, self.on_probe)
        await serve(agent("look"), LookRequest, self._looking.on_look)
        answers = Answers(
            usage=self.on_usage, erase=self.erase, forget=self.forget, export=self.on_export, take=self.on_import,
            unlock=self._keys.unlock,
        )  # fmt: skip
        await serve_data(self._bus, ROOM, answers, trust=self._trust, clock=self._clock)
        rekeying = Rekeying(self._keys, self._room, self.stores)
        await rekeying.serve(self._bus, trust=self._trust, clock=self._clock)
        await self.turns.recover()

    async def on_usage(self, ctx: CallContext, user: str) -> Holding:
        """A user's conversations, and the files that he gave."""
        await self._keys.unlock(user, ctx.grant)
        async with self.stores.use(user) as store:
            found, files = await conversations.listing(store), await given.kept(store)
        parts = (Part.of("conversations", [each.created for each in found]), Part.of("files", files))
        return Holding(parts=tuple(each for each in parts if each.count or each.kind == "conversations"),
                       bytes=self.stores.size(user))  # fmt: skip

    async def on_export(self, ctx: CallContext, user: str, cursor: str) -> ExportPage:
        """A user's conversations as files."""
        await self._keys.unlock(user, ctx.grant)
        async with self.stores.use(user) as store:
            return await moving.export(store, cursor)

    async def on_import(self, ctx: CallContext, user: str, pieces: tuple[Piece, ...]) -> Imported:
        """Conversations out of files."""
        await self._keys.unlock(user, ctx.grant)
        async with self.stores.use(user) as store:
            return await moving.take(store, user, pieces)

    async def erase(self, user: str) -> None:
        """Stops a user's turns, then removes his file; done twice is done."""
        await self.turns.forget(user)
        self._keys.lock(user)
        await self.stores.erase(user)

    async def forget(self, user: str, scope: Scope, dry: bool) -> Forgotten:  # noqa: FBT001 - see `Answers`
        """Removes conversations of a user, or the turns of a period out of them; what is under way there ends.

        By age and number alone, what has not ended stays.
        """
        if scope.account or (scope.kinds and forgetting.CONVERSATIONS not in scope.kinds):
            return Forgotten()
        live = {conversation for _, _, conversation, _ in await livestore.everything(self._room)}
        async with self.stores.use(user) as store:
            chosen = await forgetting.chosen(store, scope, live=live)
            if not dry and chosen:
                for conversation in {each.conversation for each in chosen} & live:
                    await self.turns.leave(conversation)
                await forgetting.remove(store, chosen, scope)
                for conversation in {each.conversation for each in chosen}:
                    await self.turns.leave(conversation)
                await store.tidy()
                await self._room.tidy()
        return Forgotten(parts=forgetting.counted(chosen))

    async def on_history(self, ctx: CallContext, _: Done) -> History:
        """A conversation with its messages, and the event id from which a live view goes on."""
        user = await self._owner(ctx)
        live = await self.turns.live(user, str(ctx.conversation))
        async with self.stores.use(user) as store, live.lock:
            conversation, _event = await conversations.find(store, str(ctx.conversation))
            messages, _calls = await conversations.messages(store, str(ctx.conversation))
            if live.partial is not None and not live.aside:
                messages.append(live.partial)
            turns = await livestore.turns_of(self._room, str(ctx.conversation))
            elsewhere = await versions.apart(store, turns)
            state = self._state([each for each in turns if each not in elsewhere or self.turns.is_running(each)])
            return History(
                conversation=conversation.model_copy(update={"state": state}),
                messages=tuple(messages),
                last_event_id=live.last_event_id,
            )

    async def on_conversations(self, ctx: CallContext, listing: Listing) -> ConversationList:
        """The user's conversations, newest change first."""
        user = await self._owner(ctx)
        async with self.stores.use(user) as store:
            found = await shelving.page(store, listing)
        return found.model_copy(update={"conversations": await self._with_states(found.conversations)})

    async def on_create(self, ctx: CallContext, query: ConversationQuery) -> Conversation:
        """A new, empty conversation (with the context's id when it names one)."""
        user, now = await self._owner(ctx), self._clock()
        made = Conversation(id=ctx.conversation or new_id(), title=query.title or "", created=now, updated=now)
        async with self.stores.use(user) as store:
            await conversations.create(store, made)
        return made

    async def on_change(self, ctx: CallContext, wanted: Change) -> Conversation:
        """Names, pins, labels or archives a conversation; raises `NotFound`."""
        user = await self._owner(ctx)
        async with self.stores.use(user) as store:
            changed = await shelving.change(store, str(ctx.conversation), wanted, now=self._clock())
        [shown] = await self._with_states((changed,))
        return shown

    async def on_show(self, ctx: CallContext, choice: VersionChoice) -> Done:
        """Shows another version of a conversation; raises `NotFound`, and `Conflict` while it is being answered."""
        user, conversation = await self._owner(ctx), str(ctx.conversation)
        live = await self.turns.live(user, conversation)
        async with self.stores.use(user) as store, live.lock:
            if await self._is_answered(conversation):
                raise Conflict("An answer is being written. Stop it first, or wait for its end.")
            await conversations.show(store, conversation, choice.message)
            await live.version_changed()
            await conversations.remember_event(store, conversation, live.last_event_id)
        return Done()

    async def on_apart(self, ctx: CallContext, asked: TurnIds) -> Apart:
        """Which of these turns go on in a version that is not shown."""
        user = await self._owner(ctx)
        async with self.stores.use(user) as store:
            return Apart(messages=await versions.apart(store, asked.turns))

    async def on_labels(self, ctx: CallContext, _: Done) -> LabelCounts:
        """The labels that the user gave."""
        user = await self._owner(ctx)
        async with self.stores.use(user) as store:
            return LabelCounts(labels=await shelving.labels(store))

    async def on_search(self, ctx: CallContext, wanted: Search) -> Found:
        """What was said in the user's conversations."""
        user = await self._owner(ctx)
        async with self.stores.use(user) as store:
            return await searching.search(store, wanted)

    async def on_file(self, ctx: CallContext, request: FileRequest) -> ExportPage:
        """One conversation as a file, as an export of everything has it; raises `NotFound`."""
        user = await self._owner(ctx)
        async with self.stores.use(user) as store:
            return await moving.export_one(store, str(ctx.conversation), request.kind, request.cursor)

    async def on_give(self, ctx: CallContext, piece: FilePiece) -> FileTaken:
        """The next bytes of a file; with the last of them it is read. Raises `InvalidRequest`, `TooLarge`."""
        user = await self._owner(ctx)
        async with self.stores.use(user) as store:
            await given.put(store, piece, now=self._clock())
            return FileTaken(file=await given.whole(store, piece.id) if piece.last else None)

    async def on_given(self, ctx: CallContext, query: FileQuery) -> FilePart:
        """Bytes of a file; raises `NotFound`."""
        user = await self._owner(ctx)
        async with self.stores.use(user) as store:
            return await given.part(store, query.id, query.place)

    async def on_ungive(self, ctx: CallContext, query: FileQuery) -> Done:
        """Removes a file that is in no message; raises `NotFound`."""
        user = await self._owner(ctx)
        async with self.stores.use(user) as store:
            await given.drop(store, query.id)
        return Done()

    async def on_delete(self, ctx: CallContext, _: Done) -> Done:
        """Deletes a conversation; raises `Conflict` while it is being answered."""
        user, conversation = await self._owner(ctx), str(ctx.conversation)
        await self.turns.live(user, conversation)
        if await self._is_answered(conversation):
            raise Conflict("Stop the answer first, then delete the conversation.")
        async with self.stores.use(user) as store:
            await conversations.delete(store, conversation)
        for turn in await livestore.turns_of(self._room, conversation):
            await livestore.forget(self._room, turn)
        return Done()

    async def on_probe(self, ctx: CallContext, request: ProbeRequest) -> ProbeReport:
        """See `Probing`; what it sends is in the ledger as any question is."""
        await self._owner(ctx)
        async with self._questions.asked(ctx, request.model, (TextSource(kind="rules"),)):
            return await self._probing.on_probe(ctx, request)

    async def _is_answered(self, conversation: str) -> bool:
        turns = await livestore.turns_of(self._room, conversation)
        return any(self.turns.is_running(each) for each in turns)

    async def _owner(self, ctx: CallContext) -> str:
        grant = admit_grant(ctx, trust=self._trust, user=str(ctx.user), now=self._clock())
        await self._keys.unlock(grant.user, ctx.grant)
        return grant.user

    async def _with_states(self, found: tuple[Conversation, ...]) -> tuple[Conversation, ...]:
        live: dict[str, list[str]] = {}
        for turn, _user, conversation, _grant in await livestore.everything(self._room):
            live.setdefault(conversation, []).append(turn)
        return tuple(each.model_copy(update={"state": self._state(live.get(each.id, []))}) for each in found)

    def _state(self, live: list[str]) -> str:
        """What a conversation does, of whose turns these have not ended."""
        if not live:
            return "idle"
        return "running" if any(self.turns.is_running(turn) for turn in live) else "waiting"


async def run(settings: AgentSettings) -> None:
    """Serves until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with AsyncExitStack() as stack:
        bus = await settings.connect(ROOM)
        keys = Keys(bus, utc_now)
        room = await Store.open(
            settings.data_dir / "room.db", await keys.room(), Migrations({"own": _MIGRATIONS / "room"})
        )
        stack.push_async_callback(room.close)
        proxy = settings.proxy(ROOM)
        if proxy:
            send_litellm_through(proxy)
        connections = Connections(proxy)
        stack.push_async_callback(connections.close)
        agent = Agent(
            bus, room, settings.data_dir, trust=settings.trust(), clock=utc_now, keys=keys,
            model=lambda ref, key: OpenModel(ref, key, connections),
        )  # fmt: skip
        stack.push_async_callback(agent.stores.close)
        follow = asyncio.create_task(agent.catalogue.follow(bus))
        stack.callback(follow.cancel)
        await agent.start()
        bus.spawn(connections.warm())
        stack.push_async_callback(bus.drain, seconds=5.0)
        await stop.wait()


def main() -> None:
    """The room's process."""
    settings = AgentSettings.read_or_exit()
    log.configure(ROOM)
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
