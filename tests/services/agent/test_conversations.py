"""What every step looks up is found by an index: the cost of a turn does not grow with what was ever said."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from openassistant.context import new_id, utc_now
from openassistant.messages import Conversation, Message
from openassistant.store import Migrations, Store
from services.agent import conversations, versions
from services.agent.conversations import StoredCall

MIGRATIONS = Path(conversations.__file__).parent / "migrations" / "user"


async def test_no_step_of_a_turn_reads_a_whole_table(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "own.db", bytes(32), Migrations({"own": MIGRATIONS}))
    asked: list[tuple[str, object]] = []

    def listen(connection: Connection) -> None:
        event.listen(connection.engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))

    def plans(connection: Connection) -> list[str]:
        return [
            str(row.detail)
            for statement, parameters in list(asked)
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
        ]

    await store.read(listen)
    conversation, turn = new_id(), new_id()
    await conversations.calls_of_turn(store, turn)
    await conversations.progress(store, turn)
    await conversations.messages(store, conversation)
    await conversations.recent(store, conversation, turn=turn, size=1000)
    await conversations.waiting_turns(store, conversation)
    await versions.is_aside(store, conversation, turn)
    await versions.broke_off(store, turn)
    asked[:] = [each for each in asked if each[0].lstrip().startswith(("SELECT", "WITH"))]
    assert len(asked) == 21
    found = await store.read(plans)
    await store.close()
    assert len(found) >= 12
    assert [plan for plan in found if plan.startswith(("SCAN messages", "SCAN calls", "SCAN given_files"))] == []


@pytest.mark.parametrize(("size", "kept"), [(1, 1), (1_033, 1), (1_034, 2), (2_500, 3), (100_000, 6)])
async def test_the_newest_of_a_conversation_are_read_and_the_others_counted(
    tmp_path: Path, size: int, kept: int
) -> None:
    store = await Store.open(tmp_path / "own.db", bytes(32), Migrations({"own": MIGRATIONS}))
    conversation = Conversation(id=new_id(), created=utc_now(), updated=utc_now(), title="")
    await conversations.create(store, conversation)
    for number in range(6):
        said = Message(id=new_id(), role="assistant", turn=new_id(), created=utc_now(), text=f"{number}" * 900)
        call = StoredCall(id=new_id(), turn=said.turn, message=said.id, name="find", given="x" * 100)
        await conversations.add_message(store, conversation.id, said, [call])
    messages, calls, older = await conversations.recent(store, conversation.id, size=size)
    await store.close()
    assert [message.text[0] for message in messages] == ["0", "1", "2", "3", "4", "5"][6 - kept :]
    assert (len(calls), older) == (kept, 6 - kept)
