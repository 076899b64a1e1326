"""Every error that may leave a room.

    OaError
    ├── InvalidRequest      invalid_request    400  the caller corrects the request
    ├── AccountRequired     account_required   401  the owner reconnects the account
    ├── Forbidden           forbidden          403  nobody: the call is not allowed
    ├── NotFound            not_found          404  the caller names something else
    ├── Conflict            conflict           409  the caller reads again, then decides
    ├── TooLarge            too_large          413  the caller sends less
    ├── RateLimited         rate_limited       429  wait, then again (retryable)
    ├── Internal            internal           500  the administrator reads the log
    ├── UpstreamFailed      upstream_failed    502  the provider, later
    ├── Unavailable         unavailable        503  wait for the room or server (retryable)
    └── DeadlineExceeded    deadline_exceeded  504  unknown outcome where the call had an effect

The message of an error is safe for the owner and for the model: no secret, no content, no internals.
The cause is chained (`raise … from`), logged, and never sent.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "ERRORS",
    "AccountRequired",
    "Conflict",
    "DeadlineExceeded",
    "Forbidden",
    "Internal",
    "InvalidRequest",
    "NotFound",
    "OaError",
    "RateLimited",
    "TooLarge",
    "Unavailable",
    "Unstored",
    "UpstreamFailed",
    "error_of",
]


class OaError(Exception):
    """An error with a code, a safe message and, where it helps, details (JSON values)."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    who: ClassVar[str] = "administrator"
    unclear: ClassVar[bool] = False
    """Whether an effect may have happened all the same; every other error says that nothing was done."""

    def __init__(
        self, message: str, *, details: dict[str, Any] | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}
        self.retry_after = retry_after


class InvalidRequest(OaError):
    """The request is wrong in itself; the message says what to correct."""

    code = "invalid_request"
    status = 400
    who = "caller"


class AccountRequired(OaError):
    """The third-party account is missing or its sign-in was refused; the owner reconnects it."""

    code = "account_required"
    status = 401
    who = "owner"


class Forbidden(OaError):
    """Grant, receipt, approval or permission does not cover this call."""

    code = "forbidden"
    status = 403
    who = "nobody"


class NotFound(OaError):
    """What the call names does not exist (or not for this user)."""

    code = "not_found"
    status = 404
    who = "caller"


class Conflict(OaError):
    """The thing changed meanwhile, or was done before in another way."""

    code = "conflict"
    status = 409
    who = "caller"


class TooLarge(OaError):
    """A limit on size was passed; the message names it."""

    code = "too_large"
    status = 413
    who = "caller"


class RateLimited(OaError):
    """Too many calls; `retry_after` is in seconds."""

    code = "rate_limited"
    status = 429
    retryable = True
    who = "time"


class Internal(OaError):
    """A fault of ours; the log has the cause under the trace id."""

    code = "internal"
    status = 500
    who = "administrator"
    unclear = True


class UpstreamFailed(OaError):
    """The provider answered with a fault of its own."""

    code = "upstream_failed"
    status = 502
    who = "provider"
    unclear = True


class Unavailable(OaError):
    """A room or a server cannot be reached at the moment; nothing was done."""

    code = "unavailable"
    status = 503
    retryable = True
    who = "time"


class Unstored(Unavailable):
    """This room's own disk did not take or give something. What was done elsewhere before that stands."""

    unclear = True


class DeadlineExceeded(OaError):
    """No answer in time. After an effectful call the outcome is unknown; never retried unasked."""

    code = "deadline_exceeded"
    status = 504
    who = "owner"
    unclear = True


ERRORS: dict[str, type[OaError]] = {
    error.code: error
    for error in (
        InvalidRequest,
        AccountRequired,
        Forbidden,
        NotFound,
        Conflict,
        TooLarge,
        RateLimited,
        Internal,
        UpstreamFailed,
        Unavailable,
        DeadlineExceeded,
    )
}


def error_of(
    code: str, message: str, *, details: dict[str, Any] | None = None, retry_after: float | None = None
) -> OaError:
    """The error for a code that came over the wire; an unknown code becomes `Internal`."""
    return ERRORS.get(code, Internal)(message, details=details, retry_after=retry_after)
