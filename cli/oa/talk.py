"""Asking and chatting: answers on standard output, the steps to them on standard error."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from oa import cards, terminal
from oa.house import FAILED, WAITS, Event, HouseError
from oa.session import Json, house

__all__ = ["ask", "chat"]

_LONGEST = 200_000
_STATES = {
    "refused": "Not done, you said no",
    "expired": "Not done, nobody decided",
    "withdrawn": "Not done, withdrawn",
    "running": "Under way",
    "done": "Done",
    "failed": "Not done, it failed",
    "unknown": "May have been done",
}
_MARK = re.compile(r" ?\[\[(?=[^\[\]\s]*\d)[^\[\]\s]{1,300}\]\]")
_BEGUN = re.compile(r" ?\[(?:\[[^\[\]\s]{0,300}\]?)?\Z| \Z")
_Conversation = Annotated[
    str | None, typer.Option("--conversation", "-c", help="Go on in this conversation, by its id; `last` is the newest")
]


def ask(
    question: Annotated[list[str], typer.Argument(help="What you want to know or have done")],
    conversation: _Conversation = None,
    file: Annotated[list[Path] | None, typer.Option("--file", "-f", help="A file to go along; several times")] = None,
    json: Json = False,
) -> None:
    """Ask one thing and print the answer.

    What comes on standard input goes along as a file. Nobody knows who wrote what stands in files, so what follows from
    them is asked about. When something needs your yes, the answer ends there: the
    exit code is 4, and `oa approvals` has the card.

    Examples:
      oa ask what did Carol write about the lease
      oa ask --file contract.pdf "what do I sign here?"
      cat contract.txt | oa ask "what do I sign here?"
      oa ask --conversation last "and when?"
    """
    text, bodies = " ".join(question), [*(_read(each) for each in file or ()), *_piped()]
    if len(text) > _LONGEST:
        raise HouseError(f"That is {len(text):,} characters; {_LONGEST:,} is the most. Send a part of it.", code=FAILED)
    with house() as asked:
        where = _conversation(asked, conversation)
        given = [asked.give(name, body) for name, body in bodies]
        answer = _Answer(quiet=json)
        answer.take(asked.ask(where, text, given))
        waiting = [each for each in asked.get("/api/approvals", state="pending") if each["conversation"] == where]
        receipts = _receipts(asked, where, answer.turn)
    if json:
        terminal.show_json({
            "conversation": where, "text": answer.text, "waiting": [each["id"] for each in waiting],
            "receipts": receipts,
        })  # fmt: skip
    answer.check()
    _say_what_was_done(receipts, waits=bool(waiting))
    if waiting:
        for each in waiting:
            terminal.say(f"Waits for your yes: {each['preview']['verb']}. oa approvals approve {each['id'][-8:]}")
        raise typer.Exit(WAITS)


def chat(conversation: _Conversation = None) -> None:
    """Talk, with approvals asked in place. Ctrl-C stops an answer, Ctrl-D ends the talk.

    Examples:
      oa chat
      oa chat --conversation last
    """
    if not terminal.is_terminal():
        raise HouseError("oa chat needs a terminal. For pipes there is oa ask.", code=FAILED)
    with house() as asked:
        where = _conversation(asked, conversation)
        terminal.say("Ctrl-C stops an answer, Ctrl-D ends the talk.")
        while (text := _line()) is not None:
            if text.strip():
                _turn(asked, where, text)


def _turn(asked: Any, where: str, text: str) -> None:
    """One message with all that follows from it; an answer that fails does not end the talk."""
    try:
        answer = _Answer()
        answer.take(asked.ask(where, text))
        while answer.interrupts:
            decided = answer
            for approval in decided.interrupts:
                cards.decide(asked, approval)
            answer = _Answer()
            answer.take(asked.follow(where, decided.last))
        _say_what_was_done(_receipts(asked, where, answer.turn))
        answer.check()
    except KeyboardInterrupt:
        asked.post(f"/api/conversations/{where}/cancel")
        terminal.say("\nStopped.")
    except HouseError as error:
        terminal.complain(error)


def _receipts(asked: Any, where: str, turn: str) -> list[dict[str, Any]] | None:
    """What was done in a turn, from the ledger; None where that cannot be read now."""
    try:
        found = asked.get(f"/api/conversations/{where}/receipts") if turn else None
        return None if found is None else [each for each in found if each["turn"] == turn]
    except HouseError:
        return None


def _say_what_was_done(receipts: list[dict[str, Any]] | None, *, waits: bool = False) -> None:
    """The lines below an answer; what waits is told elsewhere."""
    if receipts is None:
        terminal.say("The activity record cannot be read just now, so what was done is not shown.", style="yellow")
        return
    told = [each for each in receipts if each["state"] in _STATES]
    for each in told:
        people = ", ".join(place["name"] or place["value"] for place in each["destinations"])
        parts = [each["verb"], each["subject"], f"to {people}" if people else "", each["account"]]
        told_so = " · ".join(part for part in parts if part)
        terminal.say(f"{_STATES[each['state']]}: {told_so} (record {each['index']})")
    if not told and not waits:
        terminal.say("Nothing was changed.")


class _Answer:
    """What a run says, as it comes."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.text, self.last, self.turn = "", "", ""
        self.interrupts: list[str] = []
        self._error, self._quiet, self._held = "", quiet, ""
        self._shown: set[tuple[str, str]] = set()

    def take(self, events: Iterator[Event]) -> None:
        """Prints the text and the steps of a run to its end."""
        for event in events:
            self.last = event.id or self.last
            if event.type == "RUN_STARTED":
                self.turn = str(event.data.get("parentRunId") or event.data.get("runId") or "")
            elif event.type == "TEXT_MESSAGE_CONTENT":
                self._say(str(event.data["delta"]))
            elif event.type == "TEXT_MESSAGE_END" and self.text and not self.text.endswith("\n"):
                self._say("\n")
            elif event.type == "CUSTOM":
                self._note(event.data)
            elif event.type == "RUN_ERROR":
                self._error = str(event.data.get("message") or "The answer failed.")
            elif event.type == "RUN_FINISHED":
                outcome = event.data.get("outcome") or {}
                self.interrupts = [each["id"] for each in outcome.get("interrupts") or ()]
        self._write(self._held)
        self._held = ""

    def check(self) -> None:
        """Raises `HouseError` where the run failed."""
        if self._error:
            raise HouseError(self._error)

    def _say(self, delta: str) -> None:
        self.text += delta
        shown, self._held = _unmarked(self._held + delta)
        self._write(shown)

    def _write(self, shown: str) -> None:
        if not self._quiet:
            sys.stdout.write(terminal.clean(shown))
            sys.stdout.flush()

    def _note(self, data: dict[str, Any]) -> None:
        value = data.get("value") or {}
        if data.get("name") == "oa.notice":
            terminal.say(value.get("text", ""), style="yellow")
        elif data.get("name") == "oa.call" and value.get("state") in ("done", "failed", "denied", "unknown"):
            step = (str(value["callId"]), str(value["state"]))
            if step not in self._shown:
                self._shown.add(step)
                mark = {"done": "✓", "unknown": "?"}.get(step[1], "✗")
                terminal.say(f"{mark} {value.get('title') or value.get('tool')}")


def _unmarked(text: str) -> tuple[str, str]:
    """A text without its marks of sources, which are for screens that open them, and what may begin another."""
    whole = _MARK.sub("", text)
    begun = _BEGUN.search(whole)
    return (whole[: begun.start()], whole[begun.start() :]) if begun else (whole, "")


def _read(file: Path) -> tuple[str, bytes]:
    """A file's name and bytes; raises `HouseError`."""
    try:
        return file.name, file.read_bytes()
    except OSError as error:
        raise HouseError(f"{file} cannot be read: {error.strerror}.", code=FAILED) from error


def _piped() -> list[tuple[str, bytes]]:
    """What comes on standard input, as a file; nothing where that is a terminal, or empty."""
    if terminal.is_terminal():
        return []
    body = sys.stdin.buffer.read()
    return [("standard input", body)] if body.strip() else []


def _conversation(asked: Any, given: str | None) -> str:
    """The conversation to go on in, or a new one; raises `HouseError`."""
    if given is None:
        return str(asked.post("/api/conversations")["id"])
    if given == "last":
        found = asked.get("/api/conversations")
        if not found:
            raise HouseError("There is no conversation yet.", code=FAILED)
        return str(found[0]["id"])
    return str(asked.get(f"/api/conversations/{given}")["id"])


def _line() -> str | None:
    try:
        return input("› ")
    except EOFError:
        print()
        return None
    except KeyboardInterrupt:
        print()
        return ""
