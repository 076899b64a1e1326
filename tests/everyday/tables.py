"""The tables of this folder, with their days filled in: `{{today}}`, `{{today+3}}`, and `{{monday}}` to `{{sunday}}`.

A weekday is the next one that is not today. Other templates stay: the scripted model fills them from what it reads.
"""

import re
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

__all__ = [
    "KINDS",
    "Entry",
    "FirstTask",
    "Kind",
    "Mail",
    "Rule",
    "Sent",
    "Task",
    "home_table",
    "read_tasks",
    "read_week",
]

Kind = Literal["look", "file", "plan", "answer", "write", "invite", "delete"]
KINDS: tuple[Kind, ...] = ("look", "file", "plan", "answer", "write", "invite", "delete")

_FOLDER = Path(__file__).parent
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = re.compile(r"\{\{(today|" + "|".join(_DAYS) + r")([+-]\d+)?\}\}")


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sent(_Row):
    """A mail that has to go out: to whom, and words that are in it."""

    to: str
    holds: str = ""


class Mail(_Row):
    """A mail by its subject: where it has to lie, and with which marks."""

    subject: str
    folder: str = "INBOX"
    seen: bool | None = None
    starred: bool | None = None


class Entry(_Row):
    """An event or a task by its title, with what has to be in it (each the beginning or a part), or gone."""

    title: str
    gone: bool = False
    start: str | None = None
    due: str | None = None
    status: str | None = None
    place: str | None = None
    alarm: bool | None = None
    guest: str | None = None


class Task(_Row):
    """What somebody asks, what a well-behaved model calls for it, and by what one sees that it was done.

    `calls` are the steps: in each, tools with their arguments, made side by side. `answer` is said afterwards and has
    to fit the pattern `says`. `asked` names the tools of which a question comes although there are rules, `spared`
    those of which one comes only without them. `follows`: it is said in the conversation of the task before.
    """

    words: str
    kind: Kind
    calls: tuple[dict[str, dict[str, Any]], ...]
    answer: str
    says: str = ""
    asked: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    follows: bool = False
    sent: Sent | None = None
    mails: tuple[Mail, ...] = ()
    event: Entry | None = None
    todo: Entry | None = None


class Rule(_Row):
    """Which question becomes a rule, and for whom."""

    tool: str
    people: tuple[str, ...] = ()


class FirstTask(Task):
    """One task of the first week, with the rule that its owner makes of it."""

    rule: Rule


def read_tasks(today: date) -> list[Task]:
    """The tasks, in the order in which they are asked."""
    return [Task.model_validate(each) for each in _table("tasks.toml", today)["task"]]


def read_week(today: date) -> list[FirstTask]:
    """The first week: each task with the rule that comes of it."""
    return [FirstTask.model_validate(each) for each in _table("week.toml", today)["task"]]


def home_table(today: date) -> dict[str, list[dict[str, Any]]]:
    """What lies in the mailbox and the calendar."""
    return _table("home.toml", today)


def _table(name: str, today: date) -> dict[str, list[dict[str, Any]]]:
    filled = _DAY.sub(lambda found: _day(found, today), (_FOLDER / name).read_text("utf-8"))
    return tomllib.loads(filled)


def _day(found: re.Match[str], today: date) -> str:
    name, more = found[1], int(found[2] or 0)
    days = 0 if name == "today" else (_DAYS.index(name) - today.weekday() - 1) % 7 + 1
    return (today + timedelta(days=days + more)).isoformat()
