"""Which model a step asks and what that reads: the rules in the turn's grant, applied to what stands in a conversation.

A model that is not local reads nothing of a source that is for local models only: no result, no answer that was written
from one, no call that such an answer made. What an answer was written from stands beside it (`Message.routed`), so a
conversation that has held such text stays with the local model, also after a restart.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import Field
from sqlalchemy import Connection, text

from openassistant.errors import InvalidRequest
from openassistant.messages import AccountRef, Message, ModelRef, Remembered, RouteNote, Wire
from openassistant.origins import is_near
from openassistant.routes import FILES, OWN, Route, key_of_call, keys_of_authors, route_of, strictest
from openassistant.store import Store
from services.agent.commands import count
from services.agent.conversations import StoredCall, Turn
from services.agent.given import Shown

__all__ = ["Choice", "Seen", "choose", "news", "view"]

_NO_MODEL = "No model is set up yet. Choose one under Model, then try again."
_OWN = (
    "What you write yourself is for local models only, and no local model is set, so nothing was sent. Choose one under"
    " Model, or change this under Connections."
)
_WITHHELD = (
    "[{what} withheld: {name} is for local models only. The person sees this in the interface and you do not: say so,"
    " and do not guess what it says.]"
)
_FILE = (
    "[A file is withheld: files are for local models only. The person sees it in the interface and you do not: say so,"
    " and do not guess what it says.]"
)
_PICTURE = "[An image is withheld: names in files are replaced before you read them, and in an image they cannot be.]"
_ANSWER = "[This answer is withheld: it was written from what is for local models only.]"

_TOUCHED = """
SELECT DISTINCT json_extract(calls.call, '$.account') AS account, json_extract(calls.call, '$.connector') AS connector,
    CASE WHEN :labels THEN json_extract(calls.outcome, '$.outside') END AS outside
FROM messages JOIN calls ON calls.message = messages.id
WHERE messages.conversation = :id AND calls.outcome IS NOT NULL AND calls.call IS NOT NULL
"""
_GIVEN = "SELECT 1 FROM given_files WHERE conversation = :id"
_NOTES = "SELECT DISTINCT routed FROM messages WHERE conversation = :id AND routed IS NOT NULL"


class Choice(Wire):
    """The model of a step, and the rules under which it reads; `accounts` are named as it may know them.

    `because`: sources for which the local model takes the place of the chosen one.
    """

    ref: ModelRef
    routes: dict[str, Route]
    accounts: tuple[AccountRef, ...]
    because: tuple[str, ...] = ()

    @property
    def redacts(self) -> bool:
        """Whether names and numbers are replaced in what it reads."""
        return not self.ref.local and "redact" in self.routes.values()


class Seen(Wire):
    """A conversation as the model of a step may read it, with the note for the answer.

    `files` are by the id of their message; `learnt` are the ids of the messages, calls and files whose names and
    numbers are to be looked for.
    """

    history: list[Message]
    calls: dict[str, list[StoredCall]]
    note: RouteNote
    files: dict[str, list[Shown]] = Field(default={})
    learnt: frozenset[str] = frozenset()


async def choose(store: Store, turn: Turn, routes: Mapping[str, Route]) -> Choice:
    """The model for the next step of a turn; raises `InvalidRequest` where none may be asked."""
    request = turn.request
    if request.model is None:
        raise InvalidRequest(_NO_MODEL)
    ref = await _as_it_is(request.model)
    if not ref.local:
        held = await _held_back(store, turn.conversation, routes)
        private = await _as_it_is(request.private) if held and request.private else None
        if private and private.local:
            return Choice(ref=private, routes=dict(routes), accounts=request.accounts, because=held)
        if routes.get(OWN) == "local_only":
            raise InvalidRequest(_OWN)
    accounts = request.accounts if ref.local else _masked(request.accounts, routes)
    return Choice(ref=ref, routes=dict(routes), accounts=accounts)


def view(
    choice: Choice,
    history: list[Message],
    calls: Mapping[str, list[StoredCall]],
    *,
    older: int,
    files: Mapping[str, list[Shown]] = MappingProxyType({}),
) -> Seen:
    """What the chosen model reads of a conversation; `older` counts messages before `history`."""
    reading = _Reading(choice, older=older)
    for message in history:
        reading.take(message, calls.get(message.id, []))
        if message.id in files:
            reading.take_files(message, files[message.id])
    return reading.seen()


def remembered(choice: Choice, memories: Sequence[Remembered]) -> list[Remembered]:
    """What the model may read of what is remembered.

    Of a note that was made after reading others nobody can say which source stands in it: while one of them is for
    local models only, no other model reads such a note.
    """
    strict = not choice.ref.local and "local_only" in choice.routes.values()
    return [each for each in memories if not (strict and each.tainted)]


def news(seen: Seen, turn: Turn) -> str:
    """What the owner should know of this step, in words; "" where nothing is new since the turn's last answer."""
    former = next((each.routed for each in reversed(seen.history) if each.turn == turn.id and each.routed), None)
    names = {account.id: account.name for account in turn.request.accounts}
    note = seen.note
    if note.because and (former is None or former.because != note.because):
        return f"Answered by the local model {note.model}, because {_named(note.because, names)} for local models only."
    if note.withheld and (former is None or former.withheld != note.withheld):
        return (
            f"For local models only: {', '.join(_name(key, names) for key in note.withheld)}. So {note.model} is not"
            " shown what was found; you see it in the steps. To have it answered, choose a local model under Model."
        )
    return ""


def _named(keys: Iterable[str], names: Mapping[str, str]) -> str:
    """Sources as words that can be followed by what they are for."""
    shown = [_name(key, names) for key in keys]
    return f"{', '.join(shown)} {'is' if len(shown) == 1 else 'are'}"


def _name(key: str, names: Mapping[str, str]) -> str:
    if key == OWN:
        return "what you write"
    if key == FILES:
        return "the files that you give"
    if key.startswith("from:"):
        return f"what {key.removeprefix('from:').removeprefix('@')} writes"
    return names.get(key, "an account that was removed")


class _Reading:
    """Goes through a conversation from its beginning, and keeps what may be read."""

    def __init__(self, choice: Choice, *, older: int) -> None:
        self._routes, self._open = choice.routes, choice.ref.local
        self._choice = choice
        self._names = {account.id: account.name for account in choice.accounts}
        # What an answer without a note was written from is not known where its beginning is not at hand: the worst.
        self._earlier = dict(choice.routes) if older else {OWN: self._now(OWN)}
        self._read: dict[str, Route] = {}
        self._withheld: dict[str, None] = {}
        self._history: list[Message] = []
        self._calls: dict[str, list[StoredCall]] = {}
        self._files: dict[str, list[Shown]] = {}
        self._learnt: set[str] = set()

    def take(self, message: Message, calls: list[StoredCall]) -> None:
        """The next message, and its calls."""
        label = self._label(message)
        held = self._is_held(label)
        if message.role == "assistant" or label.get(OWN) == "redact":
            self._learnt.add(message.id)
        self._history.append(message.model_copy(update={"text": _ANSWER if message.text else ""}) if held else message)
        self._note(label, held=held)
        self._calls[message.id] = [self._call(call, label, withheld=held) for call in calls]

    def take_files(self, message: Message, files: list[Shown]) -> None:
        """What was given with a message: a source of its own, as a result is."""
        mine = {FILES: self._now(FILES)}
        held, redacts = self._is_held(mine), self._choice.redacts and mine[FILES] == "redact"
        self._earlier = _joined(self._earlier, mine)
        self._note(mine, held=held)
        if held:
            self._files[message.id] = [each.model_copy(update=_nothing(_FILE)) for each in files]
            return
        if redacts:
            self._learnt |= {each.id for each in files}
        unseen = _nothing(_PICTURE) if redacts else {}
        self._files[message.id] = [each.model_copy(update=unseen if each.kind == "image" else {}) for each in files]

    def seen(self) -> Seen:
        """All of it."""
        choice, redacted = self._choice, tuple(key for key, route in self._read.items() if route == "redact")
        note = RouteNote(
            model=choice.ref.model, local=choice.ref.local, because=choice.because, withheld=tuple(self._withheld),
            redacted=redacted if choice.redacts else (), seen=self._read,
        )  # fmt: skip
        return Seen(
            history=self._history, calls=self._calls, note=note, files=self._files, learnt=frozenset(self._learnt)
        )

    def _call(self, call: StoredCall, label: dict[str, Route], *, withheld: bool) -> StoredCall:
        given = call.model_copy(update={"given": "{}"}) if withheld else call
        if call.outcome is None:
            return given.model_copy(update={"call": None}) if withheld else given
        mine = {key: self._now(key) for key in _keys(self._routes, call)}
        whole = _joined(label, mine)  # a call that an answer made may carry on what that was written from
        self._earlier = _joined(self._earlier, mine)
        if self._is_held(whole):
            self._note(whole, held=True)
            return given.model_copy(update={"call": None, "outcome": {"content": self._words(call, mine)}})
        if strictest(whole.values()) == "redact":
            self._learnt.add(call.id)
        self._note(mine, held=False)
        return given

    def _label(self, message: Message) -> dict[str, Route]:
        """What a message was written from."""
        if message.role == "user":
            return {OWN: self._now(OWN)}
        if message.routed is None:
            return dict(self._earlier)
        return {key: strictest([route, self._now(key)]) for key, route in message.routed.seen.items()}

    def _words(self, call: StoredCall, keys: Iterable[str]) -> str:
        number = count(call)
        what = "A result is" if number is None else f"{number} result{'' if number == 1 else 's'}"
        name = next((self._names[key] for key in keys if key in self._names), "what this is made from")
        return _WITHHELD.format(what=what, name=name)

    def _note(self, label: Mapping[str, Route], *, held: bool) -> None:
        if held:
            self._withheld |= dict.fromkeys(key for key, route in label.items() if route == "local_only")
        else:
            self._read = _joined(self._read, label)

    def _is_held(self, label: Mapping[str, Route]) -> bool:
        return not self._open and strictest(label.values()) == "local_only"

    def _now(self, key: str) -> Route:
        return self._routes.get(key, "cloud_ok")


def _nothing(words: str) -> dict[str, str]:
    """What is changed of a file that is held back, its name with it."""
    return {"name": "a file", "text": "", "note": "", "instead": words}


def _joined(some: Mapping[str, Route], more: Mapping[str, Route]) -> dict[str, Route]:
    """Both labels in one, the stricter rule where both name a source."""
    return {**some, **{key: strictest([route, some.get(key, "cloud_ok")]) for key, route in more.items()}}


def _keys(routes: Mapping[str, Route], call: StoredCall) -> tuple[str, ...]:
    """The sources of a call's result."""
    if call.call is None:
        return ()
    outside = (call.outcome or {}).get("outside") or ()
    return (key_of_call(call.call.account, call.call.connector), *_labels(routes, outside))


def _labels(routes: Mapping[str, Route], outside: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return keys_of_authors(routes, (author for each in outside for author in each.get("authors") or ()))


async def _held_back(store: Store, conversation: str, routes: Mapping[str, Route]) -> tuple[str, ...]:
    """The sources in a conversation that are for local models only, now or when an answer was written from them."""
    labels = any(key.startswith("from:") for key in routes)

    def read(connection: Connection) -> tuple[list[Any], list[str], bool]:
        names = {"id": conversation, "labels": labels}
        touched = list(connection.execute(text(_TOUCHED), names)) if routes else []
        given = connection.execute(text(_GIVEN), names).first() is not None
        return touched, [row.routed for row in connection.execute(text(_NOTES), names)], given

    touched, notes, given = await store.read(read)
    keys = [OWN, *((FILES,) if given else ()), *(key_of_call(row.account, row.connector) for row in touched)]
    for row in touched:
        keys += _labels(routes, json.loads(row.outside or "[]"))
    then = [key for each in notes for key, route in json.loads(each)["seen"].items() if route == "local_only"]
    now = [key for key in keys if route_of(routes, [key]) == "local_only"]
    return tuple(dict.fromkeys([*now, *then]))


async def _as_it_is(ref: ModelRef) -> ModelRef:
    """A model with what is true of its address now: a turn may go on long after it was chosen."""
    local = ref.local and ref.base_url is not None and await is_near(ref.base_url)
    return ref.model_copy(update={"local": local})


def _masked(accounts: tuple[AccountRef, ...], routes: Mapping[str, Route]) -> tuple[AccountRef, ...]:
    """Accounts that are held back, without the addresses in their names."""
    return tuple(
        account.model_copy(update={"name": f"{account.connector} account {number}"})
        if "@" in account.name and route_of(routes, [account.id]) != "cloud_ok"
        else account
        for number, account in enumerate(accounts, start=1)
    )
