"""The shapes of retention and of erasing parts in the HTTP API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from openassistant.messages import Id
from services.gateway.views import Password, View

__all__ = [
    "EraseConversation",
    "ErasePeriod",
    "ErasePreview",
    "EraseSource",
    "Erasing",
    "GoneDraft",
    "HouseDraft",
    "Keep",
    "KeepDraft",
    "KeepOffer",
    "KeepPreview",
    "KeepRule",
    "KeepRun",
    "PartDraft",
    "PartGoes",
    "PartWent",
    "PreviewDraft",
]

Kind = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
Way = Literal["days", "newest", "never"]


class KeepRule(View):
    """For how long things of a kind are kept, of one account or all: so many days, so many of them, or not at all.

    `days` 0 is "not at all": they go after an hour of quiet. What no rule is about is kept.
    """

    kind: Kind
    account: Id | None = None
    days: Annotated[int, Field(ge=0, le=3650)] | None = None
    newest: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> KeepRule:
        if (self.days is None) == (self.newest is None):
            raise ValueError("Either a number of days or a number of things.")
        return self


class KeepDraft(View):
    """All rules of a person; they take the place of those of before."""

    rules: Annotated[tuple[KeepRule, ...], Field(max_length=200)] = ()


class KeepOffer(View):
    """Something that there can be a rule about; `service` and `account_name` for what was copied from an account."""

    kind: str
    room: str
    account: Id | None = None
    service: str | None = None
    account_name: str | None = None
    ways: tuple[Way, ...]


class PartWent(View):
    """How many things of a kind went in a room."""

    room: str
    kind: str
    count: int


class KeepRun(View):
    """The newest run that has ended: when, what went, and the rooms that could not be asked in that of before."""

    at: datetime | None
    next: datetime | None
    went: tuple[PartWent, ...] = ()
    unasked: tuple[str, ...] = ()


class Keep(View):
    """One's rules, what there can be rules about, and the newest run."""

    rules: tuple[KeepRule, ...]
    offers: tuple[KeepOffer, ...]
    run: KeepRun


class PartGoes(View):
    """What would go now of one kind, and from when it is."""

    room: str
    kind: str
    account: Id | None = None
    count: int
    oldest: datetime | None
    newest: datetime | None


class KeepPreview(View):
    """What rules would take now; `away` are rooms that did not say."""

    goes: tuple[PartGoes, ...]
    away: tuple[str, ...]


class EraseConversation(View):
    """One conversation, with all that its calls left behind; with `memories` also what is remembered from it."""

    what: Literal["conversation"]
    conversation: Id
    memories: bool = False


class EraseSource(View):
    """One account: its access, its copy, and what was done with it.

    With `conversations` also every conversation in which it was used, with `memories` also what is remembered from
    those.
    """

    what: Literal["source"]
    account: Id
    conversations: bool = False
    memories: bool = False


class ErasePeriod(View):
    """Everything from one moment to another."""

    what: Literal["period"]
    since: datetime
    until: datetime

    @model_validator(mode="after")
    def _in_order(self) -> ErasePeriod:
        if self.since.tzinfo is None or self.until.tzinfo is None or self.since >= self.until:
            raise ValueError("Two moments with their zones, the earlier one first.")
        return self


Choice = Annotated[EraseConversation | EraseSource | ErasePeriod, Field(discriminator="what")]


class PreviewDraft(View):
    """A part that somebody thinks of having erased."""

    part: Choice


class PartDraft(PreviewDraft):
    """A part that is to be erased; the password is asked for each time."""

    password: Password


class ErasePreview(View):
    """What would go now, and how many conversations and memories are only about that part and would stay."""

    goes: tuple[PartGoes, ...]
    away: tuple[str, ...]
    conversations: int = 0


class Erasing(View):
    """What is being erased: of oneself, or for the owner of anybody, and the rooms that are still to answer."""

    id: Id
    what: Literal["conversation", "source", "period", "person"]
    begun_at: datetime
    rooms: tuple[str, ...]
    mine: bool


class HouseDraft(View):
    """Leave to remove everybody and everything; `confirm` is the sentence that has to be typed."""

    password: Password
    confirm: str


class GoneDraft(View):
    """The owner's word that the data of a connector will not come back."""

    password: Password
