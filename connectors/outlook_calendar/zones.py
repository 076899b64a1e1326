"""Time zones by the names of Windows and of IANA, which Outlook mixes.

`zones.json` is CLDR's table windowsZones: for each Windows name its IANA zone for the whole territory first, then the
others (https://github.com/unicode-org/cldr/blob/main/common/supplemental/windowsZones.xml). Graph takes both kinds in
requests, but of IANA names only some; Windows names always
(https://learn.microsoft.com/graph/api/resources/datetimetimezone).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["iana_of", "windows_of"]

_UTC = {"utc", "tzone://microsoft/utc", "etc/utc", "gmt", "z"}


def iana_of(name: str) -> str:
    """The IANA name of a zone as Outlook names it; "" for one that nobody else knows ("tzone://Microsoft/Custom")."""
    if name.strip().lower() in _UTC:
        return "UTC"
    if found := _windows().get(name.strip().casefold()):
        return found
    try:
        return ZoneInfo(name.strip()).key if 0 < len(name.strip()) <= 60 else ""
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ""


def windows_of(name: str) -> str:
    """The name for a request: that of Windows, or the IANA one where Windows has none."""
    return "UTC" if name.lower() in _UTC else _iana().get(name, name)


@cache
def _table() -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads((Path(__file__).parent / "zones.json").read_text())
    return found


@cache
def _windows() -> dict[str, str]:
    return {name.casefold(): zones[0] for name, zones in _table().items()}


@cache
def _iana() -> dict[str, str]:
    return {zone: name for name, zones in _table().items() for zone in zones}
