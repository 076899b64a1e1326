"""What the tools about tasks give back, and what their previews show."""

from __future__ import annotations

from datetime import datetime, tzinfo

from pydantic import BaseModel, ConfigDict

from connectors.caldav.mirror import Kept
from connectors.caldav.tasks import Task
from openassistant.connector import OutsideText
from openassistant.formats.moments import Moment, shown
from openassistant.messages import OutsideSource

__all__ = ["TaskDeleted", "TaskList", "TaskSaved", "TaskView", "task_rows", "task_source", "task_view", "typed_again"]

_LONGEST_NOTES = 1000


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class TaskView(_View):
    """A task; of one that repeats its present date. `due` and `start` are ISO 8601, a day or a time."""

    id: str
    title: OutsideText
    notes: OutsideText | None = None
    calendar: str
    start: str | None = None
    due: str | None = None
    overdue: bool = False
    priority: str = "none"
    percent: int = 0
    status: str = "needs-action"
    repeats: bool = False


class TaskList(_View):
    """Tasks, those due first at the top; `note` says when the answer may not be complete."""

    tasks: list[TaskView]
    note: str = ""


class TaskSaved(_View):
    """A task as the server took it; `id` is what the other tools take.

    `calendar` is named as the call named it, and empty where it named none.
    """

    id: str
    uid: str
    calendar: str
    due: str | None = None
    status: str = "needs-action"
    note: str = ""


class TaskDeleted(_View):
    """What was deleted."""

    id: str


def task_view(kept: Kept, task: Task, zone: tzinfo, *, overdue: bool) -> TaskView:
    """A task as the model sees it, its times in `zone`."""
    source = task_source(kept, task)
    mark = {"source": source.source, "authors": source.authors}
    return TaskView(
        id=kept.key,
        title=OutsideText(text=task.title or "(no title)", **mark),
        notes=OutsideText(text=task.notes[:_LONGEST_NOTES], **mark) if task.notes else None,
        calendar=kept.calendar_name,
        start=typed_again(task.start, zone),
        due=typed_again(task.due, zone),
        overdue=overdue,
        priority=task.priority,
        percent=task.percent,
        status=task.status,
        repeats=task.repeats,
    )


def task_rows(kept: Kept, task: Task) -> dict[str, str]:
    """A task in the rows of a preview."""
    due = shown(task.due) if task.due is not None else ""
    return {"Task": task.title or "(no title)", "Due": due, "Calendar": kept.calendar_name}


def task_source(kept: Kept, task: Task) -> OutsideSource:
    """Where the texts of a task come from, and who wrote them as far as it says."""
    authors = (task.organizer.address,) if task.organizer else ()
    return OutsideSource(source=f"a task in the calendar {kept.calendar_name}", authors=authors)


def typed_again(value: Moment | None, zone: tzinfo) -> str | None:
    """A day or time as ISO 8601, in `zone` where it has one."""
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(zone).isoformat()
    return None if value is None else value.isoformat()
