"""Microsoft Graph: paths below one address, pages and deltas by link, throttling, and what its errors mean.

    api = GraphApi(ctx.http, "https://graph.microsoft.com/v1.0", account=ctx.account)
    async for page in api.pages("me/messages", params={"$select": "id,subject"}):
        for item in page["value"]: …

A link to a next page is opaque and followed as it is, but only where it leads to the same origin, since the token goes
along. Outlook takes four requests at once for an account (https://learn.microsoft.com/graph/throttling-limits).
Errors: https://learn.microsoft.com/graph/errors. In `details.reason`: `scope_missing`, `admin_blocked`, `no_mailbox`,
`storage_full`, `resync` (a delta has to begin anew), `name_taken`; in `details.provider_reason` Graph's own word.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from weakref import WeakValueDictionary

from openassistant.errors import Conflict, Forbidden, NotFound, OaError, RateLimited, UpstreamFailed
from openassistant.http import HttpClient, Refusal, Response
from openassistant.origins import origin_of
from openassistant.providers.rest import RestApi, error_in

__all__ = ["GraphApi", "codes_in", "explain"]

_AT_ONCE = 4
_IMMUTABLE = 'IdType="ImmutableId"'
_RESYNC = {"syncstatenotfound", "syncstateinvalid", "resyncrequired", "resyncchangesapplydifferences",
           "resyncchangesuploaddifferences"}  # fmt: skip
_UNSCOPED = {"erroraccessdenied", "accessdenied", "authorization_requestdenied", "forbidden"}
_BLOCKED = {"blockedbyconditionalaccess", "erroraccountsuspend", "accessblocked"}
_NO_MAILBOX = {"mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi", "errormailboxstoreunavailable"}
_FULL = {"quotalimitreached", "insufficientstorage", "errorquotaexceeded"}
_STORAGE = "https://onedrive.live.com/"
"""Mails and files of a personal account share one quota (https://learn.microsoft.com/graph/api/resources/quota)."""
_PAUSE = {"toomanyrequests", "applicationthrottled", "activitylimitreached", "errorexceededmessagelimit"}

_under_way: WeakValueDictionary[tuple[asyncio.AbstractEventLoop, str], asyncio.Semaphore] = WeakValueDictionary()


class GraphApi(RestApi):
    """See `RestApi`; the requests are those of one account.

    `prefer` are further preferences (RFC 7240) beside ids that stay when an item moves.
    """

    provider = "Microsoft"

    def __init__(self, http: HttpClient, base: str, *, account: str | None, prefer: tuple[str, ...] = ()) -> None:
        super().__init__(http, base, explain=explain)
        self._prefer = ", ".join((_IMMUTABLE, *prefer))
        key = (asyncio.get_running_loop(), account or "")
        self._turns = _under_way.get(key) or _under_way.setdefault(key, asyncio.Semaphore(_AT_ONCE))

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What lies at a path, or at a link that Graph gave."""
        return await self.call("GET", path, params=params)

    async def send(self, method: str, path: str, headers: Mapping[str, str] | None = None, **options: Any) -> Response:
        """One request, and its answer as it came."""
        async with self._turns:
            return await super().send(method, path, headers={"Prefer": self._prefer, **(headers or {})}, **options)

    def url(self, path: str) -> str:
        """The address of a path; a link that leads to another origin than `base` raises `UpstreamFailed`."""
        if not path.startswith(("https://", "http://")):
            return super().url(path)
        if origin_of(path) != origin_of(self.base):
            raise UpstreamFailed("Microsoft named a next page on another host, so it was not asked for.")
        return path

    def pages(self, path: str, params: Mapping[str, str] | None = None) -> AsyncIterator[dict[str, Any]]:
        """Page after page; of a delta the last one has `@odata.deltaLink`."""
        return self.follow(lambda link: self.get(link or path, None if link else params), by="@odata.nextLink")


def explain(refusal: Refusal) -> OaError | None:
    """Graph's error in our words, with what can be done about it."""
    codes = codes_in(error_in(refusal))
    known, details = {each.lower() for each in codes}, {**refusal.error.details}
    if codes:
        details["provider_reason"] = codes[0][:60]
    if refusal.status == 410 or known & _RESYNC:
        return NotFound("The list of changes is too old and begins anew.", details={**details, "reason": "resync"})
    if known & _PAUSE:
        return RateLimited("Microsoft asks for a pause.", details=details, retry_after=refusal.error.retry_after)
    if known & _NO_MAILBOX:
        return Forbidden("This Microsoft account has no mailbox.", details={**details, "reason": "no_mailbox"})
    if refusal.status == 507 or known & _FULL:
        words = "The storage of this Microsoft account is full."
        return Forbidden(words, details={**details, "reason": "storage_full", "url": _STORAGE})
    if refusal.status == 409 and "namealreadyexists" in known:
        return Conflict("There is something of that name already.", details={**details, "reason": "name_taken"})
    if refusal.status == 403 and known & _BLOCKED:
        words = "The administrator of this Microsoft account does not allow this app."
        return Forbidden(words, details={**details, "reason": "admin_blocked"})
    if refusal.status == 403 and known & _UNSCOPED:
        words = (
            "Microsoft does not allow this to the account as it is connected. Connect it again with that permission."
        )
        return Forbidden(words, details={**details, "reason": "scope_missing"})
    refusal.error.details.update(details)
    return None


def codes_in(error: object) -> list[str]:
    """The code of an error, and those inside it."""
    found: list[str] = []
    while isinstance(error, dict) and len(found) < 10:
        if isinstance(code := error.get("code"), str):
            found.append(code)
        error = error.get("innererror", error.get("innerError"))
    return found
