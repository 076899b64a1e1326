"""What Meta's error codes mean here, and who can do something about it.

https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes; the code counts, not the status. What Meta
writes beside it is not repeated: it may quote what was sent. In `details.reason`: `window_closed`, `policy`,
`scope_missing`, `template`; in `details.provider_code` the code.
"""

from __future__ import annotations

from openassistant.errors import (
    AccountRequired,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    OaError,
    RateLimited,
    TooLarge,
    Unavailable,
    UpstreamFailed,
)
from openassistant.http import Refusal
from openassistant.providers.rest import error_in

__all__ = ["code_in", "explain", "words_of"]

_WAIT = 10.0
_PAIR_WAIT = 30.0
"""Seconds before a further message to the same person; Meta allows one in about six seconds in the long run."""

_TOKEN = "Meta does not take the access token (any more). Make a new one for the system user, and connect again."
_PERMISSION = (
    "Meta does not allow this to the access token. It needs whatsapp_business_messaging and"
    " whatsapp_business_management, and the system user needs access to this WhatsApp account."
)
_WINDOW = (
    "More than 24 hours have passed since this person last wrote, so WhatsApp takes only an approved template"
    " (templates_send)."
)
_POLICY = "Meta restricted this WhatsApp account for its policies. Look at WhatsApp Manager, Account quality."

_TABLE: dict[int, tuple[type[OaError], str]] = {
    0: (AccountRequired, _TOKEN),
    190: (AccountRequired, _TOKEN),
    3: (Forbidden, _PERMISSION),
    10: (Forbidden, _PERMISSION),
    131005: (Forbidden, _PERMISSION),
    4: (RateLimited, "Meta asks for a pause: this app asked too often."),
    80007: (RateLimited, "Meta asks for a pause: this WhatsApp account asked too often."),
    130429: (RateLimited, "Meta asks for a pause: too many messages at once."),
    131056: (RateLimited, "Meta asks for a pause: too many messages to the same person."),
    131048: (Forbidden, "Meta limits what this number sends: too many of its messages were blocked or reported."),
    131049: (Forbidden, "Meta did not deliver this: it limits how many such messages a person gets."),
    131064: (Forbidden, "Meta limits this account because its templates were of another kind than declared."),
    368: (Forbidden, _POLICY),
    131031: (Forbidden, _POLICY),
    130497: (Forbidden, "Meta does not let this account write to people in that country."),
    131045: (Forbidden, "This number is not registered for sending. Register it in WhatsApp Manager."),
    133010: (Forbidden, "This number is not registered for sending. Register it in WhatsApp Manager."),
    131057: (Unavailable, "This WhatsApp account is in maintenance at Meta. Nothing was done."),
    131016: (Unavailable, "WhatsApp is not available at the moment. Nothing was done."),
    131042: (Forbidden, "Meta wants a way to be paid for this message. Add one in WhatsApp Manager, Billing."),
    131047: (InvalidRequest, _WINDOW),
    131026: (InvalidRequest, "This person cannot get it: not on WhatsApp, or with a version that is too old."),
    131030: (InvalidRequest, "A test number writes to at most five listed people. Add this one under API Setup."),
    131021: (InvalidRequest, "A number cannot write to itself."),
    131050: (Forbidden, "This person does not want marketing messages from this number."),
    131051: (InvalidRequest, "WhatsApp does not take messages of this kind here."),
    131052: (NotFound, "Meta cannot give out this file (any more)."),
    131053: (InvalidRequest, "Meta does not take this file: another type or size than WhatsApp allows."),
    131008: (InvalidRequest, "Meta misses a part of the request."),
    131009: (InvalidRequest, "Meta does not take a value of the request."),
    132000: (InvalidRequest, "The template wants another number of values."),
    132001: (NotFound, "There is no such template in that language, or it is not approved."),
    132005: (InvalidRequest, "With these values the template becomes too long."),
    132007: (Forbidden, "Meta finds that the template's content is against its policies."),
    132012: (InvalidRequest, "The template wants its values in another form."),
    132015: (Forbidden, "The template is paused by Meta for its quality."),
    132016: (Forbidden, "The template was disabled by Meta for its quality."),
    33: (NotFound, "Meta does not know this number (any more). Check the phone number ID."),
    100: (InvalidRequest, "Meta does not take a value of the request. Check the phone number ID and the account ID."),
    139100: (InvalidRequest, "Some of these people could not be blocked."),
    139101: (Conflict, "The list of blocked people is full."),
    139102: (Conflict, "The list of blocked people was changed at the same time. Try again."),
    139103: (UpstreamFailed, "Meta failed inside while blocking. Please look there."),
}
_REASONS = {131047: "window_closed", 368: "policy", 131031: "policy", 3: "scope_missing", 10: "scope_missing"}
_PERMISSIONS = range(200, 300)


def explain(refusal: Refusal) -> OaError | None:
    """Meta's error in our words; None where its code is none that we know."""
    error = error_in(refusal)
    code = code_in(error)
    if code is None:
        return None
    details = {**refusal.error.details, "provider_code": code}
    if code in _REASONS:
        details["reason"] = _REASONS[code]
    wait = refusal.error.retry_after
    if code == 100 and "appsecret_proof" in str(error.get("message") or ""):
        words = "This is not the secret of the app that the access token is of."
        return InvalidRequest(words, details={**details, "fields": {"app_secret": words}})
    if code in _PERMISSIONS:
        return Forbidden(_PERMISSION, details={**details, "reason": "scope_missing"})
    if code in _TABLE:
        kind, words = _TABLE[code]
        pause = (wait or (_PAIR_WAIT if code == 131056 else _WAIT)) if kind is RateLimited else wait
        return kind(words, details=details, retry_after=pause)
    refusal.error.details.update(details)
    if isinstance(refusal.error, TooLarge | UpstreamFailed | Unavailable):
        return None
    words = f"Meta refused this (error {code})."
    return type(refusal.error)(words, details=details, retry_after=wait)


def code_in(error: dict[str, object]) -> int | None:
    """The code of an error object."""
    code = error.get("code")
    return code if isinstance(code, int) and not isinstance(code, bool) and 0 <= code < 10_000_000 else None


def words_of(code: int) -> str:
    """Why a message was not delivered, by the code in its status."""
    if not code:
        return ""
    return _TABLE[code][1] if code in _TABLE else f"Meta did not deliver it (error {code})."
