"""What every step looks up is found by an index: the cost of a turn does not grow with what was ever said."""

from pathlib import Path

from sqlalchemy import Connection, event

from openassistant.context import new_id
from openassistant.store import Migrations, Store
from services.agent import conversations

MIGRATIONS = Path(conversations.__file__).parent / "migrations" / "user"


async def test_no_step_of_a_turn_reads_a_whole_table(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "own.db", bytes(32), Migrations({"own": MIGRATIONS}))
    asked: list[tuple[str, object]] = []

    def listen(connection: Connection) -> None:
        event.listen(connection.engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))

    def plans(connection: Connection) -> list[str]:
        return [
            str(row.detail)
            for statement, parameters in asked[:6]
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
        ]

    await store.read(listen)
    conversation, turn = new_id(), new_id()
    await conversations.calls_of_turn(store, turn)
    await conversations.progress(store, turn)
    await conversations.messages(store, conversation)
    await conversations.waiting_turns(store, conversation)
    asked[:] = [each for each in asked if each[0].lstrip().startswith("SELECT")]
    assert len(asked) == 6
    found = await store.read(plans)
    await store.close()
    assert len(found) >= 6
    assert [plan for plan in found if plan.startswith("SCAN")] == []
