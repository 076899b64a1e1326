"""What became of the newest copy of the house, which somebody else makes, and of the copy that it was restored from.

The owner is told where none could be made, or none was made for too long; and the ledger, where the house was restored.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from openassistant.context import Clock
from openassistant.messages import AuditAction, Wire
from openassistant.store import Store
from services.gateway import restored, views
from services.gateway.ledger import Ledger
from services.gateway.notices import Notice
from services.gateway.preferences import Preferences
from services.gateway.teller import Teller
from services.gateway.users import User, Users

__all__ = ["Copies"]

LATE = timedelta(hours=36)
"""One a day is made; so old may the newest good one be, that one failure over night is told at once and not twice."""
_AGAIN = timedelta(days=1)
_TOLD = "copies_told"


class _Last(Wire):
    """The newest copy, as whoever made it wrote it down."""

    tried: datetime
    ok: bool
    detail: str = ""
    file: str = ""
    bytes: int = 0
    records: int = 0
    good: datetime | None = None


class Copies:
    """`report` is the file that says what became of the newest copy; None where none are made."""

    def __init__(
        self, store: Store, users: Users, teller: Teller, ledger: Ledger, *, report: Path | None, clock: Clock
    ) -> None:
        self._store, self._users, self._teller, self._ledger = store, users, teller, ledger
        self._preferences, self._report, self._clock = Preferences(store), report, clock
        self._since = clock()

    async def state(self) -> views.Copies:
        """How the house's copies stand, and what it was restored from."""
        found = await self._store.read(restored.restored)
        last, problem = self._last(), self._problem()
        return views.Copies(
            made=self._report is not None,
            tried_at=last.tried if last else None,
            good_at=last.good if last else None,
            file=last.file if last else "",
            bytes=last.bytes if last else 0,
            records=last.records if last else 0,
            problem=problem,
            restored=views.RestoredFrom(taken_at=found.taken, restored_at=found.restored, put_aside=found.aside)
            if found
            else None,
        )

    async def look(self) -> None:
        """Tells the owner of a copy that failed or is late, once a day; writes down that the house was restored."""
        owner = next((each for each in await self._users.everybody() if each.role == "owner"), None)
        if owner is None:
            return
        await self._note_restored(owner)
        problem, now = self._problem(), self._clock()
        told = await self._preferences.get(_TOLD)
        if not problem:
            if told is not None:
                await self._preferences.drop(_TOLD)
            return
        if told is None or now - datetime.fromisoformat(told) >= _AGAIN:
            notice = Notice(
                reasons=(), title="The house could not be copied", body=problem, waiting=0, about=None, ends=None
            )
            if await self._teller.tell_of_house(owner, notice):
                await self._preferences.put(_TOLD, now.isoformat())

    async def _note_restored(self, owner: User) -> None:
        found = await self._store.read(restored.restored)
        if found is None or found.noted:
            return
        await self._ledger.note(
            AuditAction.HOUSE_RESTORED, user=owner.id, id=found.id,
            content={"taken": found.taken.isoformat(), "restored": found.restored.isoformat(), "aside": found.aside},
        )  # fmt: skip
        noted = found.model_copy(update={"noted": True})
        await self._store.write(lambda connection: restored.keep(connection, noted))

    def _last(self) -> _Last | None:
        try:
            return _Last.model_validate_json(self._report.read_text()) if self._report else None
        except (OSError, ValidationError):
            return None

    def _problem(self) -> str:
        """What its owner should know, in a sentence; "" where all is well, or nobody makes copies."""
        if self._report is None:
            return ""
        last, now = self._last(), self._clock()
        if last is not None and not last.ok:
            return f"The last try came to nothing: {last.detail}"
        newest = last.good if last and last.good else self._since
        if now - newest > LATE:
            return f"The newest copy of the house is of {newest:%d %B %Y, %H:%M} UTC." if last else "None was made yet."
        return ""
