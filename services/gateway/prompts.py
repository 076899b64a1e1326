"""What an OpenAI-compatible client sends, and what of it counts: the newest words of the user, and nothing else."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from openassistant.errors import InvalidRequest, OaError
from openassistant.messages import digest_of
from services.gateway.views import View

__all__ = ["MODEL", "ModelUnknown", "Prompt", "PromptMessage", "Unsupported", "digest"]

MODEL = "open-assistant"
"""The one model that this door offers: the house itself, whatever model answers inside."""

_ROLES = ("user", "assistant")
_DROPPED = ("system", "developer")
_REFUSED = {
    "tools": "This house has tools of its own; those of a client are not called.",
    "functions": "This house has tools of its own; those of a client are not called.",
    "stop": "Answers cannot be cut at given words.",
    "audio": "Only text can be answered.",
    "logprobs": "There are no probabilities of single tokens here.",
    "top_logprobs": "There are no probabilities of single tokens here.",
    "web_search_options": "This house does not search the web.",
}
"""Parameters that would make another answer of it. Whatever only tunes the model (temperature, …) is not looked at."""


class Unsupported(InvalidRequest):
    """A parameter that would change what the answer means, and that this door does not have."""

    def __init__(self, parameter: str, why: str) -> None:
        super().__init__(why, details={"param": parameter, "code": "unsupported_parameter"})


class ModelUnknown(OaError):
    """Another model than the one that this door offers."""

    code = "model_not_found"
    status = 404
    who = "caller"


class PromptPart(View):
    """One part of a message; whatever is not text is not kept."""

    type: str
    text: str | None = None


class PromptMessage(View):
    """One message; `content` is text or a list of parts."""

    role: Annotated[str, StringConstraints(max_length=40)]
    content: str | list[PromptPart] | None = None

    def text(self) -> str:
        """The words of it; other parts are left out."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text or "" for part in self.content or () if part.type == "text")

    def is_text(self) -> bool:
        """Whether there is nothing in it but words."""
        return isinstance(self.content, str) or all(part.type == "text" for part in self.content or ())


class StreamOptions(View):
    """How a stream is to be."""

    include_usage: bool = False


class Prompt(View):
    """A request for a chat completion, as far as it is looked at (OpenAI API, `POST /v1/chat/completions`).

    `metadata.conversation` names one of one's conversations, `metadata.zone` an IANA time zone.
    """

    model: Annotated[str, StringConstraints(max_length=200)]
    messages: Annotated[list[PromptMessage], Field(min_length=1, max_length=10_000)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    metadata: dict[str, str] | None = None
    response_format: dict[str, Any] | None = None
    modalities: list[str] | None = None
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    stop: str | list[str] | None = None
    audio: dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    web_search_options: dict[str, Any] | None = None

    def check(self) -> None:
        """Raises `ModelUnknown`, and `Unsupported` for what would change the meaning of an answer."""
        if self.model != MODEL:
            raise ModelUnknown(f"There is no model {self.model[:60]!r} here; it is called {MODEL!r}.")
        for name, why in _REFUSED.items():
            if getattr(self, name):
                raise Unsupported(name, why)
        if self.n not in (None, 1):
            raise Unsupported("n", "There is one answer to a message.")
        if (self.response_format or {}).get("type", "text") != "text":
            raise Unsupported("response_format", "Only text can be answered, in no given form.")
        if set(self.modalities or ()) - {"text"}:
            raise Unsupported("modalities", "Only text can be answered.")

    def said(self) -> str:
        """The newest words of the user, which must be the last of the conversation; raises `InvalidRequest`."""
        last = self._spoken()[-1:]
        if not last or last[0].role != "user":
            raise InvalidRequest("The last message must be the user's.", details={"param": "messages"})
        if not last[0].is_text():
            raise Unsupported("messages", "Only text can be read here so far, no images, sounds or files.")
        return last[0].text()

    def seen(self) -> list[tuple[str, str]]:
        """What was said before, as (role, text): what the client has seen, or claims to."""
        told = ((each.role, each.text()) for each in self._spoken()[:-1] if each.role in _ROLES)
        return [each for each in told if each[1].strip()]

    def conversation(self) -> str | None:
        """The conversation that the client names."""
        return (self.metadata or {}).get("conversation")

    def zone(self) -> str | None:
        """The time zone that the client names."""
        return (self.metadata or {}).get("zone")

    def _spoken(self) -> list[PromptMessage]:
        return [each for each in self.messages if each.role not in _DROPPED]


def digest(seen: list[tuple[str, str]]) -> str:
    """SHA-256 over what was said, as canonical JSON (RFC 8785); spaces around a message do not count."""
    return digest_of([[role, text.strip()] for role, text in seen])
