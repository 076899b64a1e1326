"""The shapes of the HTTP API about second factors and passkeys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from openassistant.messages import Id
from services.gateway.views import OneTimeCode, Password, View

__all__ = [
    "CodeDraft",
    "NewSecret",
    "Passkey",
    "PasskeyDraft",
    "PasskeyGoing",
    "PasskeyMade",
    "PasskeyName",
    "PasskeyShown",
    "PasskeyUsed",
    "Proof",
    "Recovery",
    "Security",
    "Sure",
]

_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
_Bytes = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]*$", max_length=20_000)]
"""In base64url, as a browser spells them (WebAuthn Level 3, 5.1)."""


class Passkey(View):
    """One of one's passkeys; it signs in at the name `host` of this house alone. `synced`: its maker keeps copies."""

    id: Id
    name: str
    host: str
    synced: bool
    created_at: datetime
    used_at: datetime | None


class Security(View):
    """What one's sign-in asks for. `codes_since`: since when a code is asked for after the password; null: it is not.

    `recovery_left` is how many recovery codes were not used yet.
    """

    codes_since: datetime | None
    recovery_left: int
    passkeys: tuple[Passkey, ...]


class NewSecret(View):
    """What an app is given, this one time: typed, or as a picture of `uri`.

    The picture is a QR code: a square of `size` modules, and `path` in SVG's words, which fills the dark ones.
    """

    secret: str
    uri: str
    size: int
    path: str


class CodeDraft(View):
    """What the app shows now."""

    code: OneTimeCode


class Sure(View):
    """The password once more."""

    password: Password


class Recovery(View):
    """New recovery codes, shown this one time; each lets one in once where the app is lost."""

    codes: tuple[str, ...]


class PasskeyGoing(View):
    """What a browser is asked, as WebAuthn's JSON has it; `id` comes back with its answer, once and within minutes."""

    id: Id
    options: dict[str, Any]


class PasskeyMadeParts(View):
    """What an authenticator says of a new passkey (`AuthenticatorAttestationResponseJSON`)."""

    clientDataJSON: _Bytes  # noqa: N815 - WebAuthn's name
    attestationObject: _Bytes  # noqa: N815 - WebAuthn's name
    transports: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[a-z-]{1,20}$")], ...], Field(max_length=10)
    ] = ()


class PasskeyMade(View):
    """A new passkey (`RegistrationResponseJSON`)."""

    id: _Bytes
    rawId: _Bytes  # noqa: N815 - WebAuthn's name
    type: Literal["public-key"]
    response: PasskeyMadeParts


class PasskeyDraft(View):
    """The answer to what was asked, and what its owner will know the passkey by."""

    id: Id
    name: _Name
    credential: PasskeyMade


class PasskeyName(View):
    """What its owner will know a passkey by from now on."""

    name: _Name


class PasskeyUsedParts(View):
    """What an authenticator signed (`AuthenticatorAssertionResponseJSON`)."""

    clientDataJSON: _Bytes  # noqa: N815 - WebAuthn's name
    authenticatorData: _Bytes  # noqa: N815 - WebAuthn's name
    signature: _Bytes
    userHandle: _Bytes | None = None  # noqa: N815 - WebAuthn's name


class PasskeyUsed(View):
    """A passkey that was shown (`AuthenticationResponseJSON`)."""

    id: _Bytes
    rawId: _Bytes  # noqa: N815 - WebAuthn's name
    type: Literal["public-key"]
    response: PasskeyUsedParts


class PasskeyShown(View):
    """The answer to what was asked."""

    id: Id
    credential: PasskeyUsed


class Proof(View):
    """What does once, within minutes, in a password's place."""

    proof: str
