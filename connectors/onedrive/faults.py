"""What OneDrive refuses, in words that say who can do something about it.

Codes: https://learn.microsoft.com/graph/errors and https://learn.microsoft.com/onedrive/developer/rest-api/concepts/errors.
What is common to Graph's APIs is said by `openassistant.providers.graph`.
"""

from __future__ import annotations

from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound, OaError, TooLarge
from openassistant.http import Refusal
from openassistant.providers import graph
from openassistant.providers.rest import error_in

__all__ = ["explain"]

_BY_CODE: dict[str, tuple[type[OaError], str]] = {
    "malwaredetected": (Forbidden, "Microsoft holds that file for malware, so it is not given out."),
    "resourcelocked": (Conflict, "Somebody has that file open or locked. Close it, then try again."),
    "sharingdisabled": (Forbidden, "The administrator of this Microsoft account does not allow sharing like that."),
    "sharinganonymousdisabled": (Forbidden, "The administrator does not allow links for anyone in this account."),
    "accessrestricted": (Forbidden, "The administrator restricts who may see that, so nothing was done."),
    "notsupported": (InvalidRequest, "OneDrive does not do that with this kind of file or account."),
    "childcountlimit": (Conflict, "That folder is full."),
    "pathistoodeep": (Conflict, "Folders cannot be nested any deeper there."),
    "pathistoolong": (InvalidRequest, "Name and folders together are too long for OneDrive."),
    "namecontainsinvalidcharacters": (InvalidRequest, "OneDrive does not take that name."),
    "invalidname": (InvalidRequest, "OneDrive does not take that name."),
    "filetoolarge": (TooLarge, "That file is larger than OneDrive takes."),
}
_GONE = "There is no such file or folder (any more), or this account may not see it. Search for it again."
_LOCKED = 423


def explain(refusal: Refusal) -> OaError | None:
    """OneDrive's error in our words; what it is not about is left to `graph.explain`."""
    for code in graph.codes_in(error_in(refusal)):
        if code.lower() in _BY_CODE:
            kind, words = _BY_CODE[code.lower()]
            return kind(words, details={**refusal.error.details, "provider_reason": code[:60]})
    if refusal.status == _LOCKED:
        return Conflict(_BY_CODE["resourcelocked"][1], details=refusal.error.details)
    found = graph.explain(refusal)
    if found is None and isinstance(refusal.error, NotFound):
        return NotFound(_GONE, details=refusal.error.details)
    return found
