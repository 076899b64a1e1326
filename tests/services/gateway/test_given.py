"""Files that are given: passed on piece by piece, one's own, and text of others wherever they were given."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.errors import InvalidRequest, NotFound, RateLimited, TooLarge, Unavailable
from openassistant.given import LARGEST, MOST, PIECE, FilePart, FilePiece, FileQuery, FileTaken
from openassistant.messages import Done, GivenFile, TurnAccepted, TurnRequest
from services.gateway.chat import Chat
from services.gateway.given import Given
from services.gateway.ledger import Ledger
from services.gateway.preferences import Preferences
from tests.services.gateway.house import GatewayHouse
from tests.services.gateway.test_chat import Fakes


class Keeper:
    """An agent that keeps files, of each user his own."""

    def __init__(self, house: GatewayHouse) -> None:
        self.house = house
        self.files: dict[tuple[str, str], bytearray] = {}
        self.turns: list[TurnRequest] = []
        self.error: Exception | None = None
        fakes: Any = Fakes(house)
        bus = house.bus.room("gateway")
        self.chat = Chat(
            bus, house.turns, house.questions, accounts=fakes, models=fakes, memories=house.memories,
            routing=house.routing, grants=house.grants, budgets=house.budgets, given=house.given,
            ledger=Ledger(bus, house.grants, Preferences(house.store)),
        )  # fmt: skip

    async def serve(self) -> None:
        serve = self.house.agent.serve
        await serve(subjects.agent("give"), FilePiece, self._on_give)
        await serve(subjects.agent("given"), FileQuery, self._on_given)
        await serve(subjects.agent("ungive"), FileQuery, self._on_ungive)
        await serve(subjects.agent("turn"), TurnRequest, self._on_turn)

    async def _on_give(self, ctx: CallContext, piece: FilePiece) -> FileTaken:
        body = self.files.setdefault((str(ctx.user), piece.id), bytearray())
        assert piece.place == len(body)
        body += piece.body
        if self.error:
            raise self.error
        return FileTaken(file=self._file(str(ctx.user), piece.id, piece.name) if piece.last else None)

    async def _on_given(self, ctx: CallContext, query: FileQuery) -> FilePart:
        file, body = self._file(str(ctx.user), query.id, "lease.txt"), self.files[str(ctx.user), query.id]
        part = bytes(body[query.place : query.place + PIECE])
        return FilePart.model_construct(file=file, body=part, more=query.place + len(part) < len(body))

    async def _on_ungive(self, ctx: CallContext, query: FileQuery) -> Done:
        if self.files.pop((str(ctx.user), query.id), None) is None:
            raise NotFound("That file does not exist.")
        return Done()

    async def _on_turn(self, ctx: CallContext, request: TurnRequest) -> TurnAccepted:
        self.turns.append(request)
        if self.error:
            raise self.error
        return TurnAccepted(turn=str(ctx.turn), run=str(ctx.turn))

    def _file(self, user: str, file: str, name: str) -> GivenFile:
        if (user, file) not in self.files:
            raise NotFound("That file does not exist.")
        body = self.files[user, file]
        return GivenFile(id=file, name=name, kind="text", what="text", size=len(body), sha256="0" * 64)


@pytest.fixture
async def keeper(house: GatewayHouse) -> Keeper:
    keeper = Keeper(house)
    await keeper.serve()
    return keeper


async def parts(body: bytes, step: int = 100_000) -> AsyncIterator[bytes]:
    for place in range(0, len(body), step):
        yield body[place : place + step]


async def give(house: GatewayHouse, body: bytes = b"The rent is 900 EUR.", name: str = "lease.txt") -> str:
    return (await house.given.take(house.me, name=name, type_="", body=parts(body))).id


async def rows(house: GatewayHouse) -> list[Any]:
    async with house.own.use(house.me.user.id) as store:
        return await store.read(lambda connection: list(connection.execute(text("SELECT * FROM given_files"))))


async def test_a_file_is_passed_on_whole_and_given_back_as_it_was(house: GatewayHouse, keeper: Keeper) -> None:
    body = bytes(range(256)) * 5_000
    file = await give(house, body, name="C:\\files\\the\u202elease.txt")
    found, stream = await house.given.read(house.me, file)
    assert b"".join([each async for each in stream]) == body
    assert found.size == len(body)
    [row] = await rows(house)
    assert (row.name, row.size, row.sha256) == ("the lease.txt", len(body), hashlib.sha256(body).hexdigest())


async def test_what_is_too_large_or_cannot_be_read_leaves_nothing(house: GatewayHouse, keeper: Keeper) -> None:
    with pytest.raises(TooLarge, match="20 MB"):
        await give(house, bytes(LARGEST + 1))
    keeper.error = InvalidRequest("There is no text to read in a file of this kind.")
    with pytest.raises(InvalidRequest, match="no text"):
        await give(house)
    assert (keeper.files, await rows(house)) == ({}, [])


async def test_an_upload_that_breaks_off_leaves_nothing(house: GatewayHouse, keeper: Keeper) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(2 * PIECE)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await house.given.take(house.me, name="lease.txt", type_="", body=broken())
    assert (keeper.files, await rows(house)) == ({}, [])


async def test_a_turn_with_a_file_is_tainted_and_its_record_names_the_file(house: GatewayHouse, keeper: Keeper) -> None:
    file = await give(house)
    accepted = await keeper.chat.say(house.me, house.conversation, "What is the rent?", files=[file])
    assert keeper.turns[-1].files == (file,)
    digest = hashlib.sha256(b"The rent is 900 EUR.").hexdigest()
    told = {"name": "lease.txt", "size": 20, "sha256": digest}
    assert house.records[-1].content == {"files": [told], "tainted": True}
    assert (await house.put(house.call("drafts_create"), accepted.turn)).verdict == "ask"
    await house.turns.end(accepted.turn)
    later = await keeper.chat.say(house.me, house.conversation, "Thanks")
    assert (await house.put(house.call("drafts_create"), later.turn)).verdict == "ask"
    assert await house.taint.sources(house.me.user.id, house.conversation) == ("files that were given",)
    assert await house.taint.sources(house.me.user.id, new_id()) == ()
    [row] = await rows(house)
    assert row.name == ""


async def test_a_file_of_another_person_or_of_no_one_cannot_be_sent(house: GatewayHouse, keeper: Keeper) -> None:
    file = await give(house)
    other = house.me.model_copy(update={"user": house.me.user.model_copy(update={"id": new_id()})})
    for me, named in ((other, file), (house.me, new_id())):
        with pytest.raises(NotFound):
            await keeper.chat.say(me, house.conversation, "Read it", files=[named])
    with pytest.raises(NotFound):
        await house.given.read(other, file)
    with pytest.raises(NotFound):
        await house.given.drop(other, file)
    assert keeper.turns == []


async def test_a_file_is_sent_once_and_one_of_a_turn_that_did_not_begin_waits_on(
    house: GatewayHouse, keeper: Keeper
) -> None:
    file = await give(house)
    keeper.error = Unavailable("Away.")
    with pytest.raises(Unavailable):
        await keeper.chat.say(house.me, house.conversation, "Read it", files=[file])
    assert await house.taint.sources(house.me.user.id, house.conversation) == ()
    keeper.error = None
    await keeper.chat.say(house.me, house.conversation, "", files=[file])
    with pytest.raises(NotFound):
        await keeper.chat.say(house.me, house.conversation, "Read it again", files=[file])
    with pytest.raises(NotFound):
        await house.given.drop(house.me, file)


async def test_a_message_has_so_many_files_at_most(house: GatewayHouse, keeper: Keeper) -> None:
    files = [await give(house) for _ in range(MOST + 1)]
    with pytest.raises(InvalidRequest, match=str(MOST)):
        await keeper.chat.say(house.me, house.conversation, "Read them", files=files)


async def test_only_so_many_files_wait_to_be_sent(house: GatewayHouse, keeper: Keeper) -> None:
    for _ in range(5 * MOST):
        await give(house)
    with pytest.raises(RateLimited):
        await give(house)


async def test_what_was_never_sent_goes_after_a_day_and_what_was_sent_stays(
    house: GatewayHouse, keeper: Keeper
) -> None:
    sent, unsent = await give(house), await give(house)
    await keeper.chat.say(house.me, house.conversation, "Read it", files=[sent])
    users: Any = SimpleNamespace(everybody=_everybody(house))
    given = Given(house.bus.room("gateway"), house.own, users, house.grants, house.clock)
    house.later(timedelta(hours=23))
    await given.sweep()
    assert len(keeper.files) == 2
    house.later(timedelta(hours=2))
    await given.sweep()
    assert [each for _, each in keeper.files] == [sent]
    assert [each.id for each in await rows(house)] == [sent]
    assert unsent not in {each for _, each in keeper.files}


def _everybody(house: GatewayHouse) -> Any:
    async def everybody() -> list[Any]:
        return [house.me.user]

    return everybody


async def test_a_file_is_removed_before_it_is_sent(house: GatewayHouse, keeper: Keeper) -> None:
    file = await give(house)
    await house.given.drop(house.me, file)
    assert (keeper.files, await rows(house)) == ({}, [])
