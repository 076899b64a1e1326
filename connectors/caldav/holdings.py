"""What this connector holds of its user, by kind: events and tasks as the server has them, and notes of changes."""

from __future__ import annotations

from connectors.caldav import mirror
from openassistant.holdings import Kind
from openassistant.kinds import fields, undo

__all__ = ["KINDS"]


def _kind(name: str, condition: str, at: str) -> Kind:
    """Objects of one kind; what cannot be read counts as an event without a time."""
    return Kind(
        name,
        rows=f"SELECT o.id AS key, c.account AS account, {at} AS at, o.url AS ref, o.uid, o.text, c.name AS calendar"  # noqa: S608 - ours
        f" FROM caldav_objects o JOIN caldav_calendars c ON c.id = o.calendar WHERE {condition}",
        drop=mirror.leave_out,
        file=lambda _, row: row.text.encode(),
        suffix=".ics",
        line=fields("uid", "calendar"),
    )


KINDS = (
    _kind("events", "o.kind <> 'task'", f"CASE WHEN o.kind = 'event' THEN o.last - {mirror.A_DAY} END"),
    _kind("tasks", "o.kind = 'task'", "NULL"),
    undo("caldav_changes", at="made", packed=(), names=("url", "etag", "before")),
)
