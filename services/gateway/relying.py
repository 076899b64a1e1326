"""What a passkey is bound to, and whether an answer of one is right (WebAuthn Level 3, chapter 7).

A passkey belongs to one name of this house, the relying party's id: the name under which a browser has it open. That is
one of the names that the house knows itself by, for the guard lets no other pass. Browsers do it over TLS, or on the
machine itself; an address in numbers is no name.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from openassistant.errors import Conflict, InvalidRequest

__all__ = ["SECONDS", "Known", "Made", "Party", "asked_for", "check_made", "check_shown", "encoded", "party", "to_make"]

SECONDS = 300
"""How long a browser waits for its person, and we for the browser."""
_WAYS = {each.value for each in AuthenticatorTransport}
_NAME = "Open Assistant"
_WRONG = "This passkey's answer is not right. Try again."
_MALFORMED = (WebAuthnException, ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError)
"""The library's own, and what Python raises at bytes that are none of the agreed form."""


class Party(NamedTuple):
    """Who asks: the name that passkeys are bound to, and the whole origin that a browser signs."""

    host: str
    origin: str


class Known(NamedTuple):
    """A passkey that is known: its id in base64url, and the ways by which it is reached."""

    credential: str
    ways: tuple[str, ...]


class Made(NamedTuple):
    """A passkey that was just made; `synced`: its maker keeps copies of it."""

    credential: str
    public_key: bytes
    counter: int
    synced: bool


def party(scheme: str, netloc: str) -> Party:
    """The relying party at an address; raises `Conflict` in words where browsers have no passkeys."""
    host = (urlsplit(f"//{netloc}").hostname or "").rstrip(".")
    if _is_address(host):
        raise Conflict(
            "A passkey is bound to a name, and this address is none. On the machine itself, open the house as"
            " localhost; elsewhere by its name, over https."
        )
    if scheme != "https" and host != "localhost" and not host.endswith(".localhost"):
        raise Conflict("Browsers have passkeys only over https. Put this house behind a proxy with TLS.")
    port = {"http": ":80", "https": ":443"}[scheme]
    return Party(host, f"{scheme}://{netloc.lower().removesuffix(port)}")


def to_make(who: Party, *, challenge: bytes, handle: bytes, name: str, shown: str, known: Sequence[Known]) -> Any:
    """What a browser is asked to make: one that knows its person, without attestation; as JSON (5.1.8)."""
    options = generate_registration_options(
        rp_id=who.host,
        rp_name=_NAME,
        user_id=handle,
        user_name=name,
        user_display_name=shown,
        challenge=challenge,
        timeout=SECONDS * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_described(known),
    )
    return options_to_json_dict(options)


def asked_for(who: Party, *, challenge: bytes, known: Sequence[Known] = ()) -> Any:
    """What a browser is asked to show: one of these, or where none is named, any of this house (5.1.8)."""
    options = generate_authentication_options(
        rp_id=who.host,
        challenge=challenge,
        timeout=SECONDS * 1000,
        allow_credentials=_described(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def check_made(answer: dict[str, Any], who: Party, *, challenge: bytes) -> Made:
    """The passkey that a browser made (7.1); raises `InvalidRequest`."""
    try:
        _refuse_framed(answer)
        made = verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=who.host, expected_origin=who.origin,
            require_user_verification=True,
        )  # fmt: skip
    except _MALFORMED as error:
        raise InvalidRequest(_WRONG) from error
    synced = made.credential_backed_up
    return Made(bytes_to_base64url(made.credential_id), made.credential_public_key, made.sign_count, synced)


def check_shown(answer: dict[str, Any], who: Party, *, challenge: bytes, public_key: bytes) -> int:
    """The counter of a passkey that was rightly shown (7.2); whoever asks holds it against the last one.

    Raises `InvalidRequest`.
    """
    try:
        _refuse_framed(answer)
        shown = verify_authentication_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=who.host, expected_origin=who.origin,
            credential_public_key=public_key, credential_current_sign_count=0, require_user_verification=True,
        )  # fmt: skip
    except _MALFORMED as error:
        raise InvalidRequest(_WRONG) from error
    return shown.new_sign_count


def encoded(raw: bytes) -> str:
    """Bytes in base64url, as everything here is spelt on the wire."""
    return bytes_to_base64url(raw)


def _refuse_framed(answer: dict[str, Any]) -> None:
    """An answer that was given inside of another site's page (7.2, `crossOrigin`)."""
    told = json.loads(base64url_to_bytes(answer["response"]["clientDataJSON"]))
    if told.get("crossOrigin") or "topOrigin" in told:
        raise ValueError(told.get("topOrigin"))


def _described(known: Sequence[Known]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(each.credential),
            transports=[AuthenticatorTransport(way) for way in each.ways if way in _WAYS],
        )
        for each in known
    ]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return not host
    return True
