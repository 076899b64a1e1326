"""The tools about tasks: list, create, update, complete and delete."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Annotated, Any, NamedTuple

from sqlalchemy import Connection

from connectors.caldav import mirror, undoing
from connectors.caldav.account import account_of, owner_of
from connectors.caldav.arguments import Alarms, CalendarName
from connectors.caldav.card import connector
from connectors.caldav.changes import (
    create_once,
    delete_once,
    find_created,
    replace_once,
    uid_of,
    was_deleted,
    was_replaced,
)
from connectors.caldav.event_reads import unread
from connectors.caldav.mirror import Kept
from connectors.caldav.objects import DamagedError, clean
from connectors.caldav.places import Place, as_named, calendar_named, place_of, zone_of
from connectors.caldav.previews import account_name
from connectors.caldav.task_views import (
    TaskDeleted,
    TaskList,
    TaskSaved,
    task_rows,
    task_source,
    task_view,
    typed_again,
)
from connectors.caldav.tasks import Priority, Task, TaskChanges, changed_task, completed_task, new_task, read_task
from openassistant.acts import call_id
from openassistant.calendars.arguments import Title, Zone, title_of
from openassistant.calendars.previews import alarms_shown, fields_of
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Forbidden, InvalidRequest, NotFound
from openassistant.formats.moments import Moment, aware, moment, shown
from openassistant.formats.repeats import Frequency, repeat_of, repeat_shown
from openassistant.messages import Call, ToolResult

__all__ = ["tasks_complete", "tasks_create", "tasks_delete", "tasks_list", "tasks_update"]

TaskId = Annotated[str, Field(description="The id of a task, as tasks_list gives it", max_length=60)]
Due = Annotated[
    str | None, Field(description="Until when: a day such as 2026-10-23, or a time such as 2026-10-23T10:00")
]
Begin = Annotated[str | None, Field(description="From when on it can be done: a day or a time", max_length=40)]
TaskNotes = Annotated[str | None, Field(description="Notes, plain text", max_length=20_000)]
Urgency = Annotated[Priority | None, Field(description="How important it is")]


class _Chosen(NamedTuple):
    place: Place
    kept: Kept
    task: Task


@connector.tool(effect="read")
async def tasks_list(
    ctx: Context,
    query: Annotated[str | None, Field(description="Only tasks in whose title or notes these words occur")] = None,
    calendar: CalendarName = None,
    due_before: Annotated[str | None, Field(description="Only tasks due by this day or time", max_length=40)] = None,
    zone: Zone = None,
    limit: Annotated[int, Field(description="How many at most", ge=1, le=300)] = 100,
    *,
    done: Annotated[bool, Field(description="Those that are done, too")] = False,
) -> TaskList:
    """List the user's tasks: those due soonest first, then those without a date."""
    place, now = await place_of(ctx), ctx.now()
    local = zone_of(place, zone)
    latest = _end_of(moment(due_before, "due_before", local), local) if due_before else None

    def read(connection: Connection) -> TaskList:
        found = _tasks(connection, owner_of(ctx), query, done=done)
        kept = [(k, t) for k, t in found if calendar is None or k.calendar_name.casefold() == calendar.casefold()]
        pairs = [(k, t) for k, t in kept if latest is None or (t.due is not None and _end_of(t.due, local) <= latest)]
        pairs.sort(key=lambda pair: (pair[1].due is None, _end_of(pair[1].due, local) if pair[1].due else now))
        cut = f"Only the first {limit} are shown." if len(pairs) > limit else ""
        views = [task_view(k, t, local, overdue=_is_overdue(t, now, local)) for k, t in pairs[:limit]]
        return TaskList(tasks=views, note=" ".join(note for note in (cut, unread(place)) if note))

    return await ctx.store.read(read)


@connector.tool(effect="write")
async def tasks_create(
    ctx: Context,
    title: Title,
    due: Due = None,
    start: Begin = None,
    zone: Zone = None,
    notes: TaskNotes = None,
    priority: Urgency = None,
    calendar: CalendarName = None,
    repeats: Annotated[Frequency | None, Field(description="How often it comes back; needs due or start")] = None,
    every: Annotated[int, Field(description="2 with weekly means every other week", ge=1, le=99)] = 1,
    until: Annotated[str | None, Field(description="The last day of a series", max_length=40)] = None,
    alarms: Alarms = None,
) -> TaskSaved:
    """Put a task on the user's list."""
    given: dict[str, Any] = {"title": title, "due": due, "start": start, "zone": zone, "notes": notes}
    given |= {"priority": priority, "repeats": repeats, "every": every, "until": until, "alarms": alarms}
    place = await place_of(ctx)
    into = calendar_named(place.calendars, calendar, "tasks")
    content = new_task(**_new(place, **given), uid=uid_of(call_id(ctx)), now=ctx.now())
    return await _saved(ctx, await create_once(ctx, place.account, into, content))


@tasks_create.preview
async def preview_create(ctx: Context, calendar: str | None, **given: Any) -> Preview:
    """The task as it will be created."""
    place = await place_of(ctx)
    into = calendar_named(place.calendars, calendar, "tasks")
    new = _new(place, **given)
    new_task(**new, uid="", now=ctx.now())
    rows = {
        "Task": new["title"],
        "Starts": shown(new["start"]) if new["start"] is not None else "",
        "Due": shown(new["due"]) if new["due"] is not None else "",
        "Repeats": repeat_shown(new["repeats"]),
        "Priority": "" if new["priority"] == "none" else new["priority"],
        "Reminders": alarms_shown(new["alarms"]),
        "Calendar": into.name,
    }
    name = account_name(place)
    return Preview(verb="Create a task", confirm="Create", account=name, fields=fields_of(rows), content=new["notes"])


@tasks_create.reconcile
async def look_for_created(ctx: Context, call: Call) -> ToolResult | None:
    """Looks the call's UID up in every calendar."""
    place = await place_of(ctx)
    calendars = [each for each in place.calendars if each.writable and each.tasks]
    key = await find_created(ctx, place.account, calendars, call.id, component="VTODO")
    return None if key is None else tasks_create.result(await _saved(ctx, key))


@tasks_create.undo
async def undo_create(ctx: Context, call: Call, _: Any) -> None:
    """Deletes what was created."""
    await undoing.remove_created(ctx, await account_of(ctx), call.id)


@connector.tool(effect="write")
async def tasks_update(
    ctx: Context,
    task: TaskId,
    title: Annotated[str | None, Field(description="A new title", max_length=500)] = None,
    due: Due = None,
    start: Begin = None,
    zone: Zone = None,
    notes: TaskNotes = None,
    priority: Urgency = None,
    percent: Annotated[int | None, Field(description="How much of it is done", ge=0, le=99)] = None,
    alarms: Alarms = None,
    *,
    no_due: Annotated[bool, Field(description="Takes the due date away")] = False,
) -> TaskSaved:
    """Change a task. What is not given stays."""
    given: dict[str, Any] = {"title": title, "due": due, "start": start, "zone": zone, "notes": notes}
    given |= {"priority": priority, "percent": percent, "alarms": alarms, "no_due": no_due}
    found = await _chosen(ctx, task)
    content = changed_task(found.kept.text, _changes(found, **given), mark=call_id(ctx), now=ctx.now())
    await replace_once(ctx, found.place.account, found.kept, content)
    return await _saved(ctx, task)


@tasks_update.preview
async def preview_update(ctx: Context, task: str, **given: Any) -> Preview:
    """The task as it is, and what becomes of it."""
    found = await _chosen(ctx, task)
    changes = _changes(found, **given)
    changed_task(found.kept.text, changes, mark="", now=ctx.now())
    rows = {**task_rows(found.kept, found.task), **_new_rows(changes)}
    return _preview(found, "Change a task", "Change", rows, changes.notes or "")


@tasks_update.reconcile
async def look_for_updated(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the call's mark in the task."""
    if not await was_replaced(ctx, await account_of(ctx), call.id):
        return None
    return tasks_update.result(await _saved(ctx, str(call.arguments["task"])))


@tasks_update.undo
async def undo_update(ctx: Context, call: Call, _: Any) -> None:
    """Puts the former task back."""
    await undoing.put_back(ctx, await account_of(ctx), call.id)


@connector.tool(effect="write")
async def tasks_complete(
    ctx: Context, task: TaskId, *, done: Annotated[bool, Field(description="False opens it again")] = True
) -> TaskSaved:
    """Mark a task as done, or open again. One that repeats goes on to its next date."""
    found = await _chosen(ctx, task)
    content = completed_task(found.kept.text, done=done, mark=call_id(ctx), now=ctx.now())
    await replace_once(ctx, found.place.account, found.kept, content)
    saved = await _saved(ctx, task)
    went_on = done and found.task.repeats and saved.status != "completed"
    return saved.model_copy(update={"note": "It repeats, and goes on with its next date."}) if went_on else saved


@tasks_complete.preview
async def preview_complete(ctx: Context, task: str, *, done: bool) -> Preview:
    """The task that is done, and when it comes back."""
    found = await _chosen(ctx, task)
    after = read_task(completed_task(found.kept.text, done=done, mark="", now=ctx.now()))
    rows = task_rows(found.kept, found.task)
    if done and not after.done:
        rows["Next due"] = shown(after.due or after.start or ctx.now())
    return _preview(found, "Mark a task as done" if done else "Open a task again", "Done" if done else "Open", rows)


@tasks_complete.reconcile
async def look_for_completed(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the call's mark in the task."""
    if not await was_replaced(ctx, await account_of(ctx), call.id):
        return None
    return tasks_complete.result(await _saved(ctx, str(call.arguments["task"])))


@tasks_complete.undo
async def undo_complete(ctx: Context, call: Call, _: Any) -> None:
    """Puts the former task back."""
    await undoing.put_back(ctx, await account_of(ctx), call.id)


@connector.tool(effect="delete")
async def tasks_delete(ctx: Context, task: TaskId) -> TaskDeleted:
    """Delete a task; one that repeats with all its dates."""
    found = await _chosen(ctx, task)
    await delete_once(ctx, found.place.account, found.kept)
    return TaskDeleted(id=task)


@tasks_delete.preview
async def preview_delete(ctx: Context, task: str) -> Preview:
    """The task that will be gone."""
    found = await _chosen(ctx, task)
    rows = {**task_rows(found.kept, found.task), "Extent": "all its dates" if found.task.repeats else ""}
    return _preview(found, "Delete a task", "Delete", rows)


@tasks_delete.reconcile
async def look_for_deleted(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the task is gone."""
    gone = await was_deleted(ctx, await account_of(ctx), call.id)
    return tasks_delete.result(TaskDeleted(id=str(call.arguments["task"]))) if gone else None


@tasks_delete.undo
async def undo_delete(ctx: Context, call: Call, _: Any) -> None:
    """Puts back what was deleted."""
    await undoing.put_back_deleted(ctx, await account_of(ctx), call.id)


def _tasks(connection: Connection, owner: str, query: str | None, *, done: bool) -> list[tuple[Kept, Task]]:
    if query is None:
        found = mirror.tasks(connection, owner, done=done)
    else:
        found = mirror.find(connection, owner, query, limit=300, kind="task")
    pairs = ((kept, _readable(kept)) for kept in found)
    return [(kept, task) for kept, task in pairs if task is not None and (done or not task.done)]


def _readable(kept: Kept) -> Task | None:
    try:
        return read_task(kept.text)
    except DamagedError:
        return None


async def _chosen(ctx: Context, task: str) -> _Chosen:
    """The task with an id, to be changed; raises `NotFound`, `Forbidden`, `InvalidRequest`."""
    owner, place = owner_of(ctx), await place_of(ctx)
    kept = await ctx.store.read(lambda connection: mirror.object_of(connection, owner, task))
    found = _readable(kept) if kept is not None else None
    if kept is None or found is None:
        raise NotFound("There is no task with that id; take it from tasks_list.")
    if not kept.writable:
        raise Forbidden(f"The calendar {kept.calendar_name} is read-only.")
    if any(each.address not in place.own for each in found.guests):
        raise InvalidRequest("Others take part in this task; change it in another program, so that they are told.")
    return _Chosen(place, kept, found)


async def _saved(ctx: Context, key: str) -> TaskSaved:
    found = await _chosen(ctx, key)
    zone = zone_of(found.place, None, found.kept.calendar_name)
    return TaskSaved(
        id=key,
        uid=found.task.uid,
        calendar=as_named(ctx, found.kept.calendar_name),
        due=typed_again(found.task.due, zone),
        status=found.task.status,
    )


def _new(
    place: Place,
    *,
    title: str,
    due: str | None,
    start: str | None,
    zone: str | None,
    notes: str | None,
    priority: Priority | None,
    repeats: Frequency | None,
    every: int,
    until: str | None,
    alarms: list[int] | None,
) -> dict[str, Any]:
    local = zone_of(place, zone)
    last = moment(due, "due", local) if due else None
    first = moment(start, "start", local) if start else None
    anchor = first if first is not None else last
    if repeats and anchor is None:
        raise InvalidRequest("repeats: give the first due date, too.")
    repeat = None
    if anchor is not None:
        repeat = repeat_of(repeats, every=every, on=None, until=until, count=None, start=anchor)
    words = {"title": title_of(clean(title, 500)), "notes": clean(notes or "", 20_000)}
    new: dict[str, Any] = {**words, "start": first, "due": last}
    return {**new, "priority": priority or "none", "repeats": repeat, "alarms": tuple(sorted(set(alarms or ())))}


def _changes(
    found: _Chosen,
    *,
    title: str | None,
    due: str | None,
    start: str | None,
    zone: str | None,
    notes: str | None,
    priority: Priority | None,
    percent: int | None,
    alarms: list[int] | None,
    no_due: bool,
) -> TaskChanges:
    if not no_due and all(each is None for each in (title, due, start, notes, priority, percent, alarms)):
        raise InvalidRequest("Say what to change: title, due, start, notes, priority, percent or alarms.")
    local = zone_of(found.place, zone, found.kept.calendar_name)
    return TaskChanges(
        title=None if title is None else title_of(clean(title, 500)),
        notes=None if notes is None else clean(notes, 20_000),
        start=moment(start, "start", local) if start else None,
        due=moment(due, "due", local) if due else None,
        no_due=no_due,
        priority=priority,
        percent=percent,
        alarms=None if alarms is None else tuple(sorted(set(alarms))),
    )


def _new_rows(changes: TaskChanges) -> dict[str, str]:
    rows = {
        "New title": changes.title or "",
        "New start": shown(changes.start) if changes.start is not None else "",
        "New due": shown(changes.due) if changes.due is not None else "none" if changes.no_due else "",
        "New priority": changes.priority or "",
        "Done so far": "" if changes.percent is None else f"{changes.percent} %",
        "New notes": "none" if changes.notes == "" else "",
    }
    if changes.alarms is not None:
        rows["New reminders"] = alarms_shown(changes.alarms) or "none"
    return rows


def _preview(found: _Chosen, verb: str, confirm: str, rows: dict[str, str], content: str = "") -> Preview:
    return Preview(
        verb=verb,
        confirm=confirm,
        account=account_name(found.place),
        fields=fields_of(rows),
        content=content,
        outside=(task_source(found.kept, found.task),),
    )


def _end_of(value: Moment, zone: tzinfo) -> datetime:
    """A day is over at its end."""
    if isinstance(value, datetime):
        return aware(value, zone)
    return aware(datetime(value.year, value.month, value.day, 23, 59, 59, tzinfo=zone), zone)


def _is_overdue(task: Task, now: datetime, zone: tzinfo) -> bool:
    return task.due is not None and not task.done and _end_of(task.due, zone) < now
