"""When schedules are due, and what became of each run: in the room's file, by ids, times and codes alone.

A run is claimed in the same transaction in which the next time is put down, under (schedule, time) as its key: however
often and from however many processes it is tried, there is one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, text

from openassistant.context import Clock
from openassistant.messages import Id, Wire
from openassistant.store import Store
from services.gateway.restored import restored

__all__ = ["Due", "Run", "RunState", "Runbook", "State"]

RunState = Literal["claimed", "started", "finished", "busy", "waiting", "missed", "failed"]

_KEPT_RUNS = 50
_MOST_AT_ONCE = 20
_IN = "user NOT IN (SELECT id FROM users WHERE suspended IS NOT NULL)"
"""Nothing begins for who is shut out; what falls due meanwhile is late when he is let in again."""


class Due(Wire):
    """A schedule whose time has come: `due` is that time."""

    schedule: Id
    user: Id
    due: datetime


class Run(Wire):
    """One run and what became of it; `claimed` is when it was last tried."""

    schedule: Id
    user: Id
    due: datetime
    turn: Id
    state: RunState
    claimed: datetime


class State(Wire):
    """Whether a schedule is paused, and its newest runs."""

    paused: bool
    runs: tuple[Run, ...]


class Runbook:
    """The tables `due` and `runs`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def expect(self, schedule: str, user: str, next_: datetime | None, *, paused: bool) -> None:
        """When a schedule is due next; None for never again."""
        row = {"schedule": schedule, "user": user, "next": _iso(next_), "paused": int(paused)}
        await self._do(
            "INSERT INTO due (schedule, user, next, paused) VALUES (:schedule, :user, :next, :paused)"
            " ON CONFLICT (schedule) DO UPDATE SET next = :next, paused = :paused",
            row,
        )

    async def due(self) -> list[Due]:
        """Schedules whose time has come and that are not paused, the longest due first."""
        query = text(
            f"SELECT schedule, user, next FROM due WHERE next <= :now AND paused = 0 AND {_IN} ORDER BY next LIMIT :most"  # noqa: S608, E501
        )
        row = {"now": _iso(self._clock()), "most": _MOST_AT_ONCE}
        found = await self._store.read(lambda connection: list(connection.execute(query, row)))
        return [Due(schedule=each.schedule, user=each.user, due=datetime.fromisoformat(each.next)) for each in found]

    async def claim(self, due: Due, *, at: datetime, turn: str, state: RunState, next_: datetime | None) -> bool:
        """Takes a due time for this process and puts the next one down; whether it was still to be had.

        `at` is the time that the run stands for: of several that were missed, the newest.
        """
        row = {
            "schedule": due.schedule, "user": due.user, "was": _iso(due.due), "due": _iso(at), "turn": turn,
            "state": state, "next": _iso(next_), "now": _iso(self._clock()), "kept": _KEPT_RUNS,
        }  # fmt: skip

        def write(connection: Connection) -> bool:
            moved = connection.execute(
                text("UPDATE due SET next = :next WHERE schedule = :schedule AND next = :was AND paused = 0"), row
            )
            if not moved.rowcount:
                return False
            made = connection.execute(
                text(
                    "INSERT INTO runs (schedule, due, user, turn, state, claimed)"
                    " VALUES (:schedule, :due, :user, :turn, :state, :now) ON CONFLICT DO NOTHING"
                ),
                row,
            )
            connection.execute(
                text(
                    "DELETE FROM runs WHERE schedule = :schedule AND due NOT IN"
                    " (SELECT due FROM runs WHERE schedule = :schedule ORDER BY due DESC LIMIT :kept)"
                ),
                row,
            )
            return made.rowcount > 0

        return await self._store.write(write)

    async def add(self, run: Run) -> None:
        """A run beside the times of its schedule."""
        row = {**run.model_dump(), **_key(run), "claimed": _iso(run.claimed)}
        await self._do(
            "INSERT INTO runs (schedule, due, user, turn, state, claimed)"
            " VALUES (:schedule, :due, :user, :turn, :state, :claimed)",
            row,
        )

    async def restored(self) -> datetime | None:
        """When the house was restored from a copy: what was due before may have been run by the one it is a copy of."""
        found = await self._store.read(restored)
        return found.at if found else None

    async def left(self, *, older: timedelta) -> list[Run]:
        """Runs that were claimed some time ago and have not started: their process ended, or a room was away."""
        row = {"then": _iso(self._clock() - older), "most": _MOST_AT_ONCE}
        return await self._runs(f"state = 'claimed' AND claimed <= :then AND {_IN} ORDER BY claimed LIMIT :most", row)

    async def take_over(self, run: Run) -> bool:
        """Takes such a run for this process; whether nobody else did."""
        row = {**_key(run), "was": _iso(run.claimed), "now": _iso(self._clock())}
        query = text(
            "UPDATE runs SET claimed = :now WHERE schedule = :schedule AND due = :due AND state = 'claimed'"
            " AND claimed = :was"
        )
        return await self._store.write(lambda connection: connection.execute(query, row).rowcount > 0)

    async def became(self, run: Run, state: RunState) -> None:
        """What became of a run that was claimed."""
        await self._do(
            "UPDATE runs SET state = :state WHERE schedule = :schedule AND due = :due AND state = 'claimed'",
            {**_key(run), "state": state},
        )

    async def living(self, schedule: str) -> list[Run]:
        """Runs that are about to start, or whose turn has not ended."""
        found = "schedule = :schedule AND state IN ('claimed', 'started') AND (state = 'claimed' OR"
        return await self._runs(f"{found} {_TURN_LIVES}) ORDER BY due", {"schedule": schedule})

    async def under_way(self, user: str) -> int:
        """How many runs of a user are about to start or work, and do not wait for an answer."""
        waits = "EXISTS (SELECT 1 FROM approvals WHERE approvals.turn = runs.turn AND approvals.state = 'pending')"
        works = f"state = 'claimed' OR (state = 'started' AND {_TURN_LIVES} AND NOT {waits})"
        return len(await self._runs(f"user = :user AND ({works})", {"user": user}))

    async def state(self, schedule: str, *, most: int) -> State:
        """How a schedule stands, with its newest runs."""
        row = {"schedule": schedule, "most": most}
        query = text("SELECT paused FROM due WHERE schedule = :schedule")
        paused = await self._store.read(lambda connection: connection.execute(query, row).scalar())
        runs = await self._runs("schedule = :schedule ORDER BY due DESC LIMIT :most", row)
        live = {each.turn for each in await self.living(schedule)}
        shown = (
            each.model_copy(update={"state": "finished"}) if each.state == "started" and each.turn not in live else each
            for each in runs
        )
        return State(paused=bool(paused), runs=tuple(shown))

    async def forget(self, schedule: str) -> None:
        """A schedule was ended: nothing is due, its turns are over, and what waits in them waits no more."""
        row = {"schedule": schedule, "now": _iso(self._clock())}

        def write(connection: Connection) -> None:
            for statement in (
                _VOID,
                "UPDATE turns SET ended = :now WHERE schedule = :schedule AND ended IS NULL",
                "DELETE FROM runs WHERE schedule = :schedule",
                "DELETE FROM due WHERE schedule = :schedule",
            ):
                connection.execute(text(statement), row)

        await self._store.write(write)

    async def _runs(self, found: str, row: dict[str, Any]) -> list[Run]:
        query = text(f"SELECT * FROM runs WHERE {found}")  # noqa: S608 - from the code
        rows = await self._store.read(lambda connection: list(connection.execute(query, row)))
        return [Run.model_validate(each, from_attributes=True) for each in rows]

    async def _do(self, statement: str, row: dict[str, Any]) -> None:
        await self._store.write(lambda connection: connection.execute(text(statement), row))


_TURN_LIVES = "EXISTS (SELECT 1 FROM turns WHERE turns.id = runs.turn AND turns.ended IS NULL)"


_VOID = (
    "UPDATE approvals SET state = 'void', decided = :now, delivered = 1 WHERE state = 'pending'"
    " AND turn IN (SELECT id FROM turns WHERE schedule = :schedule)"
)


def _iso(moment: datetime | None) -> str | None:
    """One form of every time, so that they compare as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else None


def _key(run: Run) -> dict[str, Any]:
    return {"schedule": run.schedule, "due": _iso(run.due)}
