"""What the API says of looks: who would answer, and what one of them answered."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from openassistant.messages import Id
from services.gateway.views import View

__all__ = ["ChangeDraft", "Look", "LookAt", "LookChange", "LookDraft", "LookOrigin", "LookSource", "OpenDraft"]


class LookSource(View):
    """An account that answers a command, or a connector without accounts.

    `local`: it answers by what the house has read before, and asks no provider. `runs`: its connector is there. `key`
    names what opens one thing of its answer; null where nothing does. `found_in` are the tools whose results hold such
    things too, each with the key that opens one there: from these an answer has its sources.
    """

    connector: str
    name: str
    account: Id | None
    account_name: str
    local: bool
    runs: bool
    key: str | None
    found_in: dict[str, str]


class LookAt(View):
    """Whom to ask, as it stands among the sources; `zone` is the IANA time zone in which times are meant."""

    connector: Annotated[str, StringConstraints(max_length=64)]
    account: Id | None = None
    zone: Annotated[str, StringConstraints(max_length=64)] | None = None


class LookDraft(LookAt):
    """A question to one of them, with the fields of the command's form."""

    fields: dict[str, Any] = Field(default={}, max_length=40)


class OpenDraft(LookAt):
    """One thing of an answer, by what stands under the source's `key`."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class ChangeDraft(OpenDraft):
    """What becomes of one thing that `command` opens: the fields that change alone, with their whole new values.

    `removed`: what is taken out of a list that is only added to (`LookChange.adds`).
    """

    command: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,20}$")]
    fields: dict[str, Any] = Field(default={}, max_length=40)
    removed: Annotated[tuple[Annotated[str, StringConstraints(max_length=1000)], ...], Field(max_length=100)] = ()


class LookChange(View):
    """How it is changed by hand: a JSON Schema of the fields, and what stands in them now.

    `adds`: its lists are only added to, so that what is taken out of one is said apart.
    """

    form: dict[str, Any]
    values: dict[str, Any]
    adds: bool


class LookOrigin(View):
    """Where a text came from, and who could have written it."""

    source: str
    authors: tuple[str, ...]


class Look(View):
    """What was answered: the tool's result as it is, and whose texts are in it.

    `link` is where the thing that was opened stands at its provider, at a host that the card names; or null. `change`
    is how its owner changes it by hand; null where he cannot.
    """

    content: Any
    sources: tuple[LookOrigin, ...]
    link: str | None = None
    change: LookChange | None = None
