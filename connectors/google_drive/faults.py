"""What Drive refuses, in words that say who can do something about it.

Reasons: https://developers.google.com/workspace/drive/api/guides/handle-errors. What is common to Google's APIs is said
by `openassistant.providers.google`.
"""

from __future__ import annotations

from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound, OaError, RateLimited, TooLarge
from openassistant.http import Refusal
from openassistant.providers import google
from openassistant.providers.rest import error_in

__all__ = ["explain"]

_BY_REASON: dict[str, tuple[type[OaError], str]] = {
    "appNotAuthorizedToFile": (
        Forbidden,
        "This account was connected for files made here alone, and that one was not. More is allowed in Connections.",
    ),
    "insufficientFilePermissions": (Forbidden, "Whoever owns that file does not let this account do that."),
    "insufficientParentPermissions": (Forbidden, "Whoever owns that folder does not let this account change it."),
    "cannotDownloadFile": (Forbidden, "Whoever owns that file does not let it be downloaded."),
    "cannotDownloadAbusiveFile": (Forbidden, "Google holds that file for malware or spam, so it is not downloaded."),
    "cannotCopyFile": (Forbidden, "Google does not let that be copied; a folder cannot be, and owners may forbid it."),
    "fileNotDownloadable": (InvalidRequest, "That has no content to download."),
    "fileNotExportable": (InvalidRequest, "Google cannot give that out as text."),
    "exportSizeLimitExceeded": (TooLarge, "Google gives out documents of up to 10 MB as text, and that is larger."),
    "downloadQuotaExceeded": (
        Forbidden,
        "That file was downloaded too often today. Google lets nobody have it for now.",
    ),
    "shareOutNotPermitted": (Forbidden, "The administrator of this Google account does not allow sharing outside."),
    "publishOutNotPermitted": (Forbidden, "The administrator of this Google account does not allow links for anyone."),
    "cannotShareTeamDriveTopFolderWithAnyoneOrDomains": (Forbidden, "A shared drive as a whole cannot have a link."),
    "invalidSharingRequest": (InvalidRequest, "Google does not share with that address. Check it."),
    "sharingRateLimitExceeded": (RateLimited, "Google lets no more be shared for now. Try again tomorrow."),
    "cannotAddParent": (InvalidRequest, "A file lies in one folder alone."),
    "cyclicFolder": (InvalidRequest, "A folder cannot be moved into itself."),
    "numChildrenInNonRootLimitExceeded": (Conflict, "That folder is full; Google lets 500,000 things lie in one."),
    "myDriveHierarchyDepthLimitExceeded": (Conflict, "Folders cannot be nested any deeper there."),
    "invalidParent": (InvalidRequest, "That is not a folder. Search for the folder again."),
    "fieldNotWritable": (Forbidden, "Google does not let that be changed."),
}
_GONE = "There is no such file or folder (any more), or this account may not see it. Search for it again."


def explain(refusal: Refusal) -> OaError | None:
    """Drive's error in our words; what it is not about is left to `google.explain`."""
    for reason in google.reasons_in(error_in(refusal)):
        if reason in _BY_REASON:
            kind, words = _BY_REASON[reason]
            details = {**refusal.error.details, "provider_reason": reason}
            return kind(words, details=details, retry_after=refusal.error.retry_after)
    found = google.explain(refusal)
    if found is None and isinstance(refusal.error, NotFound):
        return NotFound(_GONE, details=refusal.error.details)
    return found
