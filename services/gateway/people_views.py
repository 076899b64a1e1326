"""The shapes of the HTTP API about the house and the people in it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from openassistant.messages import Id
from services.gateway.house_words import WordKind
from services.gateway.limits import Limits
from services.gateway.views import Login, OneTimeCode, Password, User, View

__all__ = [
    "Fresh",
    "House",
    "HouseWord",
    "Invitation",
    "InvitationDraft",
    "Invited",
    "JoinDraft",
    "LinkToken",
    "NewInvitation",
    "Owners",
    "PasswordDraft",
    "Person",
    "ResetDraft",
    "ResetOffer",
    "RoleDraft",
]

Secret = Annotated[str, StringConstraints(max_length=200)]


class House(View):
    """Who runs this house and what he sets; `connectors` and `models` are null where everything may be used.

    `managed`: it has a house file. `people` is how many may live here.
    """

    managed: bool
    name: str
    operator: str
    contact: str
    policy: str
    policy_url: str | None
    terms: str
    terms_url: str | None
    minimum_age: int
    people: int | None
    connectors: tuple[str, ...] | None
    models: tuple[str, ...] | None
    limits: Limits | None


class Owners(View):
    """Names of those who run the house."""

    names: tuple[str, ...]


class Person(User):
    """A person as an owner sees him: who he is, and nothing of what he does here.

    `of_age_at`: when he said that he is old enough. `leaves_at`: when everything of his is erased.
    """

    created_at: datetime
    of_age_at: datetime | None
    suspended_at: datetime | None
    leaves_at: datetime | None


class Invitation(View):
    """A link that lets one person in; what is behind its # is known to whoever it was given to."""

    id: Id
    label: str
    created_at: datetime
    expires_at: datetime


class NewInvitation(Invitation):
    """A new link, shown this once; `opens_at` is from when it does something."""

    path: str
    opens_at: datetime


class Fresh(View):
    """The password once more, where the last sign-in is too long ago."""

    password: Password | None = None


class InvitationDraft(Fresh):
    """Whom it is for, in the owner's own words, and for how long."""

    label: Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)] = ""
    days: Annotated[int, Field(ge=1, le=30)] = 7


class RoleDraft(Fresh):
    """What somebody is from now on."""

    role: Literal["owner", "member"]


class LinkToken(View):
    """What stands behind the # of a link."""

    token: Secret


class Invited(View):
    """What a link is for: to join, or to set the password of `username` anew. `by` is who made it."""

    kind: Literal["join", "reset"]
    by: str
    owners: tuple[str, ...]
    username: str | None
    opens_at: datetime
    expires_at: datetime


class JoinDraft(Login):
    """The account of somebody who was invited; `of_age` is his word that he is as old as the house asks."""

    token: Secret
    display_name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    of_age: bool = False


class ResetOffer(Fresh):
    """A link to a new password; with `factors` it also takes second factor and passkeys away, as all is lost."""

    factors: bool = False


class ResetDraft(View):
    """A new password, by a link; `code` as at a sign-in, unless the link takes that away."""

    token: Secret
    password: Password
    code: OneTimeCode | None = None


class PasswordDraft(View):
    """One's own password, and the one to put in its place."""

    password: Password
    new: Password


class HouseWord(View):
    """Something that was done to one's account, and that one must know; `by` whom, or the name of a passkey.

    `ends_at`: until when a link lives, or when everything is erased. `can_agree`: a link waits that one may let work
    at once; with `factors` it also takes second factor and passkeys away.
    """

    id: Id
    kind: WordKind
    by: str
    at: datetime
    ends_at: datetime | None
    can_agree: bool
    factors: bool = False
