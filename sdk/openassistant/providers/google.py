"""Google's REST APIs: paths below one address, pages by token, and what its errors mean.

    api = GoogleApi(ctx.http, "https://gmail.googleapis.com/gmail/v1/users/me")
    async for page in api.pages("messages", maxResults="100"):
        ids = [each["id"] for each in page.get("messages", [])]

Errors: https://cloud.google.com/apis/design/errors and https://developers.google.com/workspace/gmail/api/guides/handle-errors.
In `details.reason` they say what a person can do about: `api_disabled` (with `url`), `scope_missing`, `admin_blocked`,
`storage_full`; in `details.provider_reason` Google's own word.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

from openassistant.errors import Forbidden, OaError, RateLimited
from openassistant.http import HttpClient, Refusal
from openassistant.providers.rest import RestApi, error_in

__all__ = ["GoogleApi", "explain", "reasons_in"]

_PAUSE = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"}
_DISABLED = {"accessNotConfigured", "SERVICE_DISABLED"}
_UNSCOPED = {"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientScopes"}
_BLOCKED = {"domainPolicy", "admin_policy_enforced", "ORG_POLICY_VIOLATION", "domainCannotUseApis"}
_FULL = {"storageQuotaExceeded", "teamDriveFileLimitExceeded"}
_STORAGE = "https://one.google.com/storage"
"""Where its owner sees what fills it, and makes room."""
_CONSOLES = ("console.cloud.google.com", "console.developers.google.com")


class GoogleApi(RestApi):
    """See `RestApi`."""

    provider = "Google"

    def __init__(self, http: HttpClient, base: str) -> None:
        super().__init__(http, base, explain=explain)

    async def get(self, path: str, **params: str | list[str]) -> dict[str, Any]:
        """What lies at a path."""
        return await self.call("GET", path, params=params)

    def pages(self, path: str, **params: str | list[str]) -> AsyncIterator[dict[str, Any]]:
        """Page after page. Only a missing token ends them: a page may be empty."""
        return self.follow(
            lambda token: self.get(path, **params, **({"pageToken": token} if token else {})), by="nextPageToken"
        )


def explain(refusal: Refusal) -> OaError | None:
    """Google's error in our words, with what can be done about it."""
    error = error_in(refusal)
    reasons = list(dict.fromkeys(reasons_in(error)))
    known, details = set(reasons), {**refusal.error.details}
    if reasons:
        details["provider_reason"] = reasons[0][:60]
    if refusal.status == 429 or (refusal.status == 403 and known & _PAUSE):
        return RateLimited("Google asks for a pause.", details=details, retry_after=refusal.error.retry_after)
    if refusal.status == 403 and (said := _forbidden(known, error)):
        reason, words, url = said
        return Forbidden(words, details={**details, "reason": reason, **({"url": url} if url else {})})
    refusal.error.details.update(details)
    return None


def _forbidden(known: set[str], error: dict[str, Any]) -> tuple[str, str, str] | None:
    """Reason, words and link of a 403 that a person can do something about."""
    if known & _DISABLED:
        words = "An API that this needs is not switched on in your Google Cloud project. Switch it on, wait a minute."
        return "api_disabled", words, _console_url(error)
    if known & _UNSCOPED:
        return "scope_missing", "This account was connected without the permission for that. Connect it again.", ""
    if known & _BLOCKED:
        return "admin_blocked", "The administrator of this Google account does not allow this app.", ""
    if known & _FULL:
        return "storage_full", "The storage of this Google account is full.", _STORAGE
    return None


def reasons_in(error: dict[str, Any]) -> Iterator[str]:
    """Google's own words for what is wrong, in an error object."""
    for each in _objects(error, "details") + _objects(error, "errors"):
        if isinstance(reason := each.get("reason"), str):
            yield reason
    if isinstance(status := error.get("status"), str):
        yield status


def _console_url(error: dict[str, Any]) -> str:
    """Where the API is switched on, as the error says; nothing where that leads elsewhere than to Google's console."""
    for each in _objects(error, "details"):
        metadata, links = each.get("metadata"), _objects(each, "links")
        urls = [metadata.get("activationUrl")] if isinstance(metadata, dict) else []
        for url in [*urls, *(link.get("url") for link in links)]:
            if isinstance(url, str) and url.startswith("https://") and urlsplit(url).hostname in _CONSOLES:
                return url
    return ""


def _objects(of: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = of.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
