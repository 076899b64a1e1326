"""A conversation without names and numbers for a model outside the house, and its answer with them again.

Everything that goes out is replaced in its parts before they are put together, so that nothing is hidden in escapes or
cut in half; everything that comes back is restored before anybody reads it: words while they stream, arguments before
they become a call. So policy, preview, approval and record are about the real thing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from openassistant.errors import OaError
from openassistant.messages import Message
from openassistant.store import Store
from services.agent.conversations import StoredCall, Turn
from services.agent.finding import region_of
from services.agent.given import Shown
from services.agent.model import CallPart, Delta, Model, joined
from services.agent.placeholders import LONGEST, Book
from services.agent.routing import Seen

__all__ = ["Restored", "Restorer", "hidden", "told"]

_TOLD = (
    "Names, addresses and numbers of people are replaced by placeholders such as ⟨person-1⟩ or ⟨email-2⟩. The same one"
    " always means the same, and ⟨person-1a⟩ is a part or another spelling of ⟨person-1⟩. Write them exactly as they"
    " stand, with their brackets, also in the arguments of tools: they are put back before anybody reads them. Where a"
    " tool wants a mail address, give the ⟨email-…⟩. Never make one up, and do not speak about placeholders."
)


async def hidden(store: Store, turn: Turn, seen: Seen) -> tuple[Seen, Book]:
    """What a model may read, with placeholders that are kept already, and what they stand for."""
    book = await Book.load(store, turn.conversation, region=region_of(turn.request.zone))
    found = await asyncio.to_thread(_hidden, book, seen)  # a long conversation takes a while, and others go on
    await book.save(store, turn.conversation)
    return found, book


def _hidden(book: Book, seen: Seen) -> Seen:
    for calls in seen.calls.values():
        for call in calls:
            if call.id in seen.learnt:
                book.learn(call.outcome)
    history = [_message(book, each, learn=each.id in seen.learnt) for each in seen.history]
    found = {of: [_call(book, each, learn=each.id in seen.learnt) for each in some] for of, some in seen.calls.items()}
    files = {of: [_file(book, each, learn=each.id in seen.learnt) for each in some] for of, some in seen.files.items()}
    return seen.model_copy(update={"history": history, "calls": found, "files": files})


def told(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The prompt of a model that reads placeholders."""
    return [messages[0], {"role": "system", "content": _TOLD}, *messages[1:]]


def _message(book: Book, message: Message, *, learn: bool) -> Message:
    return message.model_copy(update={"text": book.hide(message.text, learn=learn)})


def _file(book: Book, file: Shown, *, learn: bool) -> Shown:
    hidden_ = {name: book.hide(getattr(file, name), learn=learn) for name in ("name", "text", "note")}
    return file.model_copy(update=hidden_)


def _call(book: Book, call: StoredCall, *, learn: bool) -> StoredCall:
    meant = call.call
    if meant:
        meant = meant.model_copy(update={"arguments": book.hide_all(meant.arguments, learn=learn)})
    try:
        given = json.dumps(book.hide_all(json.loads(call.given or "{}"), learn=learn), ensure_ascii=False)
    except ValueError:
        given = book.hide(call.given, learn=learn)
    outcome = book.hide_all(call.outcome, learn=learn)
    return call.model_copy(update={"call": meant, "given": given, "outcome": outcome})


class Restorer:
    """Restores a text that comes in pieces: what may be the beginning of a placeholder waits for its end."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be shown now that this piece has come."""
        text = self._held + piece
        begun = text.rfind("⟨")
        if begun < 0 or "⟩" in text[begun:] or len(text) - begun > LONGEST:
            begun = len(text)
        self._held = text[begun:]
        return self._book.restore(text[:begun])

    def end(self) -> str:
        """What is left."""
        rest, self._held = self._held, ""
        return self._book.restore(rest)


class Restored:
    """A model whose answers are restored; its calls come whole, at the end."""

    def __init__(self, model: Model, book: Book) -> None:
        self._model, self._book = model, book

    async def stream(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]], *, form: dict[str, Any] | None = None
    ) -> AsyncGenerator[Delta, None]:
        """See `Model`."""
        text, parts, ended = Restorer(self._book), dict[int, CallPart](), False
        try:
            async with aclosing(self._model.stream(messages, tools, form=form)) as deltas:
                async for delta in deltas:
                    for part in delta.calls:
                        parts[part.index] = joined(parts.get(part.index), part)
                    said, calls = text.feed(delta.text), tuple[CallPart, ...]()
                    if delta.finished is not None and not ended:
                        said, calls, ended = said + text.end(), self._calls(parts), True
                    yield delta._replace(text=said, calls=calls)
        except OaError:
            if rest := text.end():
                yield Delta(text=rest)
            raise

    def _calls(self, parts: dict[int, CallPart]) -> tuple[CallPart, ...]:
        return tuple(
            part.model_copy(update={"arguments": self._arguments(part.arguments)}) for _, part in sorted(parts.items())
        )

    def _arguments(self, given: str) -> str:
        """Arguments restored inside of their texts, so that what is put in stays a text; no JSON stays as it is."""
        try:
            return json.dumps(self._book.restore_all(json.loads(given)), ensure_ascii=False)
        except (ValueError, RecursionError):
            return given
