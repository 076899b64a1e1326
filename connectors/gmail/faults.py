"""What Gmail refuses, in words that say who can do something about it.

Reasons: https://developers.google.com/workspace/gmail/api/guides/handle-errors. What is common to Google's APIs is said
by `openassistant.providers.google`.
"""

from __future__ import annotations

from openassistant.errors import Forbidden, InvalidRequest, NotFound, OaError, RateLimited
from openassistant.http import Refusal
from openassistant.providers import google
from openassistant.providers.rest import error_in

__all__ = ["explain"]

_BY_REASON: dict[str, tuple[type[OaError], str]] = {
    "dailyLimitExceeded": (RateLimited, "Google lets this project or account do no more today. Try again tomorrow."),
    "delegationDenied": (Forbidden, "Google does not let this account use that mailbox."),
    "failedPrecondition": (
        InvalidRequest,
        "Google does not do this as things stand: the account may have no mailbox, or the draft no recipient.",
    ),
}
_GONE = "There is no such mail, draft or label (any more). Search for it again."


def explain(refusal: Refusal) -> OaError | None:
    """Gmail's error in our words; what it is not about is left to `google.explain`."""
    errors = error_in(refusal).get("errors")
    for each in errors if isinstance(errors, list) else ():
        reason = each.get("reason") if isinstance(each, dict) else None
        if isinstance(reason, str) and refusal.status < 500 and reason in _BY_REASON:
            kind, words = _BY_REASON[reason]
            details = {**refusal.error.details, "provider_reason": reason}
            return kind(words, details=details, retry_after=refusal.error.retry_after)
    found = google.explain(refusal)
    if found is None and isinstance(refusal.error, NotFound):
        return NotFound(_GONE, details=refusal.error.details)
    return found
