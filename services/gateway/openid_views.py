"""The shapes of the HTTP API about signing in at an OpenID provider."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from openassistant.messages import Id
from services.gateway.views import Password, View

__all__ = [
    "SignInAgainDraft",
    "SignInDraft",
    "SignInEnteredDraft",
    "SignInGoing",
    "SignInLink",
    "SignInLinkDraft",
    "SignInProvider",
    "SignInProviderDraft",
    "SignInReturned",
    "SignInReturnedDraft",
    "SignInWay",
    "SignInWays",
]

_Url = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
_Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=320)]
_Scope = Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$")]


class SignInWay(View):
    """A provider at which people of this house sign in, as the sign-in page names it."""

    id: Id
    label: str


class SignInProviderDraft(View):
    """A registration of this house with an OpenID provider. Without a secret the known one stays, for the same client.

    `claim` and `allowed` say whom it lets in: with `email` a verified address, or `@` and a domain; with any other
    claim, such as `groups`, one of its values; without a claim everybody whom the provider knows. `joins`: whether
    somebody who was let in and is not known here becomes a member, which needs a claim. `password` is needed when the
    sign-in is older than 15 minutes.
    """

    label: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
    issuer: _Url
    client_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
    client_secret: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] | None = None
    scopes: Annotated[tuple[_Scope, ...], Field(max_length=20)] = ("email", "profile")
    claim: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    allowed: Annotated[tuple[_Word, ...], Field(max_length=200)] = ()
    joins: Literal["nobody", "members"] = "nobody"
    password: Password | None = None


class SignInProvider(View):
    """Such a registration as its owner sees it; `people` is how many sign in there."""

    id: Id
    label: str
    issuer: str
    client_id: str
    has_secret: bool
    scopes: tuple[str, ...]
    claim: str
    allowed: tuple[str, ...]
    joins: Literal["nobody", "members"]
    people: int


class SignInDraft(View):
    """Begins a sign-in at a provider."""

    provider: Id


class SignInLinkDraft(SignInDraft):
    """Begins to add a provider to one's own ways to sign in; `password` as in `SignInProviderDraft`."""

    password: Password | None = None


class SignInAgainDraft(View):
    """Begins to show once more that it is oneself, at a provider where one signs in."""

    provider: Id | None = None


class SignInGoing(View):
    """Where the browser goes on. `key` is what it has to show again when it comes back, in this very browser."""

    url: str
    expires_at: datetime
    key: str


class SignInReturnedDraft(View):
    """The whole address that the provider sent the browser to."""

    address: Annotated[str, StringConstraints(max_length=8192)]


class SignInEnteredDraft(SignInReturnedDraft):
    """The same, with the key from the beginning.

    `of_age` is the word of somebody new that he is as old as the house asks. Without it he is not let in: the answer is
    `age_unsaid`, and he begins the sign-in again to give it.
    """

    key: Annotated[str, StringConstraints(min_length=16, max_length=200)]
    of_age: bool = False


class SignInReturned(View):
    """What came of it: a provider was added, or a `proof` that does once, within minutes, in a password's place."""

    linked: bool
    proof: str | None = None


class SignInLink(View):
    """One's own sign-in at a provider; `shown` is what it called one when it was added."""

    id: Id
    provider: Id | None
    label: str
    shown: str
    created_at: datetime
    used_at: datetime | None


class SignInWays(View):
    """How one signs in."""

    has_password: bool
    links: tuple[SignInLink, ...]
