"""Time zones by their names at Windows and IANA."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from tzlocal.windows_tz import win_tz

from connectors.outlook_calendar.zones import _iana, _table, iana_of, windows_of


@pytest.mark.parametrize(
    ("windows", "iana"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("Tokyo Standard Time", "Asia/Tokyo"),
        ("India Standard Time", "Asia/Kolkata"),
        ("UTC", "UTC"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("America/New_York", "America/New_York"),
        ("w. europe standard time", "Europe/Berlin"),
        ("tzone://Microsoft/Custom", ""),
        ("", ""),
        ("../../etc/passwd", ""),
        ("Customized Time Zone", ""),
    ],
)
def test_a_name_of_outlook_is_read_or_left_open(windows: str, iana: str) -> None:
    assert iana_of(windows).lower() in (iana.lower(), {"Asia/Kolkata": "asia/calcutta"}.get(iana, iana.lower()))


def test_every_zone_of_windows_is_one_here_and_goes_back() -> None:
    assert len(_table()) >= 139
    for name in _table():
        assert ZoneInfo(iana_of(name)).key == iana_of(name)
        assert iana_of(windows_of(iana_of(name))) == iana_of(name)


def test_every_iana_name_leads_to_a_zone_that_is_the_same_now() -> None:
    assert {windows_of(each) for each in ("Europe/Berlin", "Europe/Vienna")} == {"W. Europe Standard Time"}
    assert len(_iana()) > 400


def test_the_table_is_the_one_that_others_took_from_cldr() -> None:
    assert {name: zones[0] for name, zones in _table().items()} == {
        name: zone for name, zone in win_tz.items() if name in _table()
    }


def test_a_zone_without_a_windows_name_keeps_its_own() -> None:
    assert windows_of("Antarctica/Troll") in ("Antarctica/Troll", "UTC")
