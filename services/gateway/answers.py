"""What an OpenAI-compatible client gets: a turn's events as one answer, whole or in chunks, and errors in that form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from openassistant.errors import OaError, error_of
from services.gateway import views
from services.gateway.prompts import MODEL

__all__ = ["Answer", "model", "models", "refusal", "refused"]

_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
_PAUSE = "\n\n"
_MADE = 1_764_547_200
"""When this model came to be, for whoever sorts by it: December 2025."""


class Answer:
    """One answer while it comes. `said` is what the client has been told, word for word; `over`: its run has ended."""

    def __init__(self, turn: str, conversation: str, now: datetime) -> None:
        self.said = ""
        self.error: OaError | None = None
        self.over = False
        self.interrupts: tuple[str, ...] = ()
        self._message: str | None = None
        self._usage: dict[str, int] | None = None
        self._envelope = {
            "id": f"chatcmpl-{turn}",
            "created": int(now.timestamp()),
            "model": MODEL,
            "metadata": {"conversation": conversation},
        }

    def hear(self, event: Mapping[str, Any]) -> str:
        """The words that an AG-UI event adds; takes note of how the run ends."""
        kind = event["type"]
        if kind == "TEXT_MESSAGE_CONTENT":
            return self._say(event["delta"], new=event["messageId"] != self._message, message=event["messageId"])
        if kind == "RUN_ERROR":
            self.fail(error_of(event.get("code") or "internal", event["message"]))
        if kind == "RUN_FINISHED":
            outcome = event.get("outcome") or {}
            self.interrupts = tuple(each["id"] for each in outcome.get("interrupts") or ())
            self._usage, self.over = _sum(event.get("usage") or ()), True
        return ""

    def fail(self, error: OaError) -> None:
        """The answer ends with an error."""
        self.error, self.over = error, True

    def ask(self, waiting: Sequence[views.Approval], base: str) -> str:
        """The words at the end of an answer that waits for decisions, each with the address where it is made."""
        lines = (f"{each.preview.verb}: {base}/approvals#{each.id}" for each in waiting)
        words = "This waits for your decision:" if waiting else f"This waits for your decision: {base}/approvals"
        return self._say("\n".join([words, *(f"- {line}" for line in lines)]), new=True)

    def whole(self) -> dict[str, Any]:
        """The answer as one object (`chat.completion`)."""
        message = {"role": "assistant", "content": self.said, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return {**self._envelope, "object": "chat.completion", "choices": [choice], "usage": self._usage}

    def begun(self) -> dict[str, Any]:
        """The first chunk: who speaks."""
        return self._chunk({"role": "assistant", "content": ""})

    def piece(self, words: str) -> dict[str, Any]:
        """A chunk of words."""
        return self._chunk({"content": words})

    def ended(self) -> dict[str, Any]:
        """The last chunk that belongs to the answer."""
        return self._chunk({}, "stop")

    def counted(self) -> dict[str, Any]:
        """The chunk after it, for whoever asked what it took."""
        return {**self._envelope, "object": "chat.completion.chunk", "choices": [], "usage": self._usage}

    def _say(self, words: str, *, new: bool, message: str | None = None) -> str:
        """Words of one message after another: the turn may say something, look something up, and go on."""
        pause = _PAUSE if new and self.said else ""
        self._message = message
        self.said += pause + words
        return pause + words

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return {**self._envelope, "object": "chat.completion.chunk", "choices": [choice]}


def models() -> dict[str, Any]:
    """The list of models: this house."""
    return {"object": "list", "data": [model()]}


def model() -> dict[str, Any]:
    """The one model."""
    return {"id": MODEL, "object": "model", "created": _MADE, "owned_by": MODEL}


def refusal(error: OaError) -> dict[str, Any]:
    """An error in the form of that API."""
    return refused(error.status, error.code, error.message, error.details)


def refused(status: int, code: str, message: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """An error in the form of that API, of a status; `details` may name the parameter and a narrower kind."""
    usual = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    kind = details.get("type", usual)
    param = details.get("param") or next(iter(details.get("fields") or ()), None)
    return {"error": {"message": message, "type": kind, "param": param, "code": details.get("code", code)}}


def _sum(usage: Sequence[Mapping[str, Any]]) -> dict[str, int] | None:
    """Tokens of all steps of a turn; None where the model did not say."""
    if not usage:
        return None
    asked, answered = (sum(each.get(name) or 0 for each in usage) for name in ("inputTokens", "outputTokens"))
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}
