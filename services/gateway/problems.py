"""Problem details (RFC 9457): the one form of every error answer, with our error code and words for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from fastapi.responses import JSONResponse

from openassistant.budgets import Bound
from openassistant.errors import AccountRequired, Forbidden, InvalidRequest, OaError
from services.gateway.answers import refused
from services.gateway.views import CheckStep, Problem

__all__ = [
    "AgeUnsaid",
    "BudgetSpent",
    "CodeRequired",
    "ScopeMissing",
    "ShutOut",
    "SignInAgain",
    "SignInRefused",
    "SignInRequired",
    "TokenRefused",
    "advice",
    "answer",
    "invalid",
    "of_error",
    "of_status",
    "of_validation",
    "response",
]

_TITLES = {
    "invalid_request": "That cannot be done as asked",
    "account_required": "The account needs you",
    "forbidden": "Not allowed",
    "not_found": "Not found",
    "method_not_allowed": "Not done this way",
    "conflict": "It changed meanwhile",
    "too_large": "Too large",
    "unsupported_type": "Wrong kind of content",
    "rate_limited": "Too many tries",
    "budget_spent": "Nothing left to spend",
    "internal": "A fault inside",
    "upstream_failed": "The service failed",
    "unavailable": "Away at the moment",
    "deadline_exceeded": "No answer in time",
    "sign_in_required": "Sign in",
    "sign_in_refused": "Sign-in refused",
    "code_required": "One more step",
    "model_not_found": "No such model",
    "sign_in_again": "Sign in again",
    "token_refused": "Token refused",
    "shut_out": "Shut out",
    "age_unsaid": "Your word on your age",
    "scope_missing": "Not what this token is for",
}
_QUOTA = "insufficient_quota"
"""What OpenAI's API says of it, so that its clients do not ask again at once."""
_REALM = 'Bearer realm="open-assistant"'
_BY_STATUS = {
    401: "sign_in_required",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_type",
    429: "rate_limited",
    503: "unavailable",
    504: "deadline_exceeded",
}
_REASONS = ("api_disabled", "scope_missing", "admin_blocked", "storage_full", "no_mailbox", "trial_over", "clock_wrong")
_WHOSE: Mapping[Bound, str] = {
    "turn": "for one answer",
    "day": "for today",
    "month": "for this month",
    "house_day": "for the whole house today",
    "house_month": "for the whole house this month",
}
_ACTIONS = {
    "sign_in_required": "sign_in",
    "sign_in_again": "sign_in",
    "account_required": "reconnect",
    "unavailable": "retry",
    "rate_limited": "retry",
    "deadline_exceeded": "retry",
}


class BudgetSpent(OaError):
    """A limit of what may be spent on the model is reached; nothing was done."""

    code = "budget_spent"
    status = 429
    who = "owner"

    @classmethod
    def of(cls, kind: Literal["tokens", "micro"], bound: Bound, *, ends: float | None) -> BudgetSpent:
        """The refusal in words; `ends`: in how many seconds there is something again."""
        used = "The tokens {} are used up" if kind == "tokens" else "The money {} is used up"
        words = f"{used.format(_WHOSE[bound])}, or held by answers that are under way. Nothing was lost. Usage shows "
        words += "what is left, and changes the limit; commands such as /find work without a model."
        kinds = {"type": _QUOTA, "code": _QUOTA}
        return cls(words, details={"of": kind, "limit": bound, **kinds}, retry_after=ends)


class SignInRequired(OaError):
    """Nobody is signed in, or the session is over."""

    code = "sign_in_required"
    status = 401
    who = "owner"


class SignInRefused(OaError):
    """User name or password is wrong (which one is not said)."""

    code = "sign_in_refused"
    status = 401
    who = "owner"


class CodeRequired(OaError):
    """The password is right, and a code has to come with it, or another one than came."""

    code = "code_required"
    status = 401
    who = "owner"


class SignInAgain(Forbidden):
    """Somebody is signed in, but too long ago for this."""

    code = "sign_in_again"
    who = "owner"


class AgeUnsaid(Forbidden):
    """Somebody new, let in by a provider, who has not said yet that he is as old as the house asks."""

    code = "age_unsaid"
    who = "owner"


class ShutOut(Forbidden):
    """The right password of somebody whom an owner has shut out."""

    code = "shut_out"
    who = "owner"


class TokenRefused(OaError):
    """An API token that is unknown, revoked or over (which one is not said)."""

    code = "token_refused"
    status = 401
    who = "caller"


class ScopeMissing(Forbidden):
    """An API token that was not made for this."""

    code = "scope_missing"
    who = "caller"

    def __init__(self, scopes: Sequence[str]) -> None:
        named = " or ".join(f"“{scope}”" for scope in scopes)
        words = f"This needs a token with the scope {named}." if scopes else "No token can do this; sign in instead."
        super().__init__(words, details={"scopes": tuple(scopes)})


def invalid(message: str, **fields: str) -> InvalidRequest:
    """An error that names the fields of the request that are wrong."""
    return InvalidRequest(message, details={"fields": fields})


def of_error(error: OaError) -> Problem:
    """The problem for one of our errors; what else its details hold stays inside."""
    fields, steps = _fields(error.details.get("fields")), _steps(error.details.get("steps"))
    # 401 is the session's own (RFC 9110, 15.5.2): what another server refused is wrong in what was sent here.
    ours = isinstance(error, AccountRequired | InvalidRequest) and (fields or steps)
    status = 422 if ours else error.status
    action = error.details.get("action")
    return _problem(
        status,
        error.code,
        error.message,
        fields=fields,
        steps=steps,
        action=action if isinstance(action, str) else _ACTIONS.get(error.code),
        advice=advice(error.details),
    )


def advice(details: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """What a provider refuses that a person can do something about, and the page where; None for what is unknown."""
    reason, url = details.get("reason"), details.get("url")
    if reason not in _REASONS:
        return None, None
    return reason, url if isinstance(url, str) and url.startswith("https://") else None


def of_status(status: int, detail: str = "") -> Problem:
    """The problem for a plain HTTP status."""
    code = _BY_STATUS.get(status, "invalid_request" if status < 500 else "internal")
    return _problem(status, code, detail or f"{_TITLES[code]}.")


def of_validation(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """The problem for a request that is not of the agreed form: one message per field, and never what was sent."""
    fields = {_place(each["loc"]): _sentence(str(each["msg"])) for each in errors}
    named = ", ".join(sorted(fields)) or "the request"
    return _problem(422, "invalid_request", f"Please correct {named}.", fields=fields)


def answer(error: OaError, path: str) -> JSONResponse:
    """The HTTP answer to one of our errors."""
    made = response(of_error(error), path, retry_after=error.retry_after, details=error.details)
    made.headers.update(_challenge(error))
    return made


def response(
    problem: Problem, path: str, *, retry_after: float | None = None, details: Mapping[str, Any] | None = None
) -> JSONResponse:
    """The HTTP answer: a problem, or below /v1 what clients of that API read."""
    headers = {"Cache-Control": "no-store"}
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, round(retry_after)))
    if problem.code == BudgetSpent.code:
        headers["X-Should-Retry"] = "false"
    if path.startswith("/v1/"):
        told = {"fields": problem.fields, **(details or {})}
        return JSONResponse(refused(problem.status, problem.code, problem.detail, told), problem.status, headers)
    body = problem.model_dump(mode="json", exclude_none=True)
    return JSONResponse(body, problem.status, headers, media_type="application/problem+json")


def _challenge(error: OaError) -> dict[str, str]:
    """The header that says which credential would do (RFC 9110, 11.6.1; its words are those of RFC 6750, 3)."""
    if isinstance(error, ScopeMissing):
        wanted = " ".join(error.details["scopes"])
        return {"WWW-Authenticate": f'{_REALM}, error="insufficient_scope"' + (f', scope="{wanted}"' if wanted else "")}
    if isinstance(error, TokenRefused):
        return {"WWW-Authenticate": f'{_REALM}, error="invalid_token"'}
    return {"WWW-Authenticate": _REALM} if isinstance(error, SignInRequired | SignInRefused | CodeRequired) else {}


def _problem(
    status: int,
    code: str,
    detail: str,
    *,
    fields: dict[str, str] | None = None,
    steps: tuple[CheckStep, ...] | None = None,
    action: str | None = None,
    advice: tuple[str | None, str | None] = (None, None),
) -> Problem:
    return Problem(
        type=f"urn:openassistant:problem:{code}",
        title=_TITLES.get(code, "That did not work"),
        status=status,
        detail=detail,
        code=code,
        fields=fields,
        steps=steps,
        action=action or _ACTIONS.get(code),
        reason=advice[0],
        url=advice[1],
    )


def _fields(given: Any) -> dict[str, str] | None:
    return {str(name): str(words) for name, words in given.items()} if isinstance(given, dict) and given else None


def _steps(given: Any) -> tuple[CheckStep, ...] | None:
    return tuple(CheckStep.model_validate(each) for each in given) if isinstance(given, list | tuple) else None


def _place(location: Sequence[Any]) -> str:
    """The dotted name of a field, without the part of the request (body, query, path) that it stood in."""
    return ".".join(str(part) for part in location[1:]) or str(location[0])


def _sentence(words: str) -> str:
    text = words.removeprefix("Value error, ").strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
