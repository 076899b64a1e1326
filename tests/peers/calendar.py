"""Google Calendar: myworld's, with what Google has and myworld lacks laid over it.

myworld keeps calendars, events, series, invitations and busy times, and judges tokens and bodies. Added here, after the
reference (https://developers.google.com/workspace/calendar/api/v3/reference): `If-Match`, the dates of a series that
differ from it as entries of a list, their private properties and the ids of whole days among them, the restoring of
what was deleted, and answers that leave out the other guests.
"""

import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from tests.peers.front import Front

__all__ = ["CompletedCalendar"]

_EVENT = re.compile(r"(?P<list>/calendar/v3/calendars/[^/?]+/events)(?:/(?P<id>[^/?]+))?(?P<verb>/\w+)?")
_DAY = re.compile(r"_(\d{8})$")


class CompletedCalendar(Front):
    """Stands before `myworld`, the address in clear of its `www.googleapis.com`; `state` gives what myworld holds.

    `described` lays fields over those of an event, by id.
    """

    def __init__(self, myworld: str, state: Callable[[], dict[str, Any]], *, zone: str) -> None:
        super().__init__(myworld)
        self._state, self._zone = state, ZoneInfo(zone)
        self.clear()

    def clear(self) -> None:
        """Forget all that was added."""
        self.plain()
        self.described: dict[str, dict[str, Any]] = {}
        self._private: dict[str, dict[str, Any]] = {}
        self._restored: dict[str, str] = {}
        self._dates: set[str] = set()

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        url = urllib.parse.urlsplit(path)
        found = _EVENT.fullmatch(url.path)
        if found is None:
            return self._forward(method, path, headers, body)
        event = urllib.parse.unquote(found["id"] or "")
        matching = headers.get("if-match")
        kept = {name: value for name, value in headers.items() if name != "if-match"}
        if method == "GET" and not found["verb"]:
            return self._read(found["list"], event, url.query, kept)
        if matching not in (None, "*"):
            now = self._read(found["list"], event, "", kept)
            if now.is_success and now.json().get("etag") != matching:
                return httpx.Response(412, json={"error": {"code": 412, "errors": [{"reason": "conditionNotMet"}]}})
        if method == "PATCH":
            return self._patched(found["list"], event, url.query, kept, json.loads(body))
        if method == "DELETE":
            self._dates.discard(event)
        return self._forward(method, path, kept, body)

    def _forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        before, _, query = path.partition("?")
        path = f"{self._spelled(before)}{'?' if query else ''}{query}"
        for known, real in self._restored.items():
            path, body = path.replace(known, real), body.replace(known.encode(), real.encode())
        answer = super()._ask(method, path, headers, body)
        content = answer.content
        for known, real in self._restored.items():
            content = content.replace(real.encode(), known.encode())
        told = {n: v for n, v in answer.headers.items() if n not in ("content-encoding", "content-length")}
        return httpx.Response(answer.status_code, headers=told, content=content)

    def _read(self, path: str, event: str, query: str, headers: Mapping[str, str]) -> httpx.Response:
        answer = self._forward("GET", f"{path}{f'/{event}' if event else ''}?{query}", headers, b"")
        if not answer.is_success:
            return answer
        try:
            found = answer.json()
        except ValueError:
            return answer
        if event:
            return httpx.Response(200, json=self._whole(path, found, headers))
        items = [each for each in found["items"] if each["id"] not in self._restored.values()]
        found["items"] = [self._whole(path, each, headers) for each in items]
        if "singleEvents" not in urllib.parse.parse_qs(query):
            found["items"] += [date for each in items for date in self._differing(path, each["id"], headers)]
        return httpx.Response(200, json=found)

    def _whole(self, path: str, found: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        """An event as Google gives it."""
        original = found.get("originalStartTime", {})
        if "date" in original:
            found["id"] = f"{found['recurringEventId']}_{original['date'].replace('-', '')}"
        if found["id"] in self._dates:
            master = self._forward("GET", f"{path}/{found['recurringEventId']}", headers, b"").json()
            master.pop("recurrence")
            found = {**master, **found, "status": "confirmed", **self._times(master, original)}
        if found["id"] in self._private:
            found["extendedProperties"] = {"private": self._private[found["id"]]}
        return {**found, **self.described.get(found["id"], {})}

    def _differing(self, path: str, series: str, headers: Mapping[str, str]) -> list[dict[str, Any]]:
        held = self._state()["events"].get(self._restored.get(series, series), {})
        answers = [self._forward("GET", f"{path}/{series}_{key}", headers, b"") for key in held.get("_exceptions", {})]
        return [self._whole(path, each.json(), headers) for each in answers if each.is_success]

    def _patched(
        self, path: str, event: str, query: str, headers: Mapping[str, str], wanted: dict[str, Any]
    ) -> httpx.Response:
        now = self._read(path, event, "", headers)
        if not now.is_success:
            return now
        wanted.pop("attendeesOmitted", None)
        restored = now.json().get("status") == "cancelled" and wanted.get("status") in ("confirmed", "tentative")
        if restored and "recurringEventId" not in now.json():
            return self._restore(path, event, headers)
        if restored:
            self._dates.add(event)
        answer = self._forward("PATCH", f"{path}/{event}?{query}", headers, json.dumps(wanted).encode())
        done = answer.is_success or answer.status_code == 504
        if done and "recurringEventId" in now.json() and "extendedProperties" in wanted:
            self._private[event] = wanted["extendedProperties"]["private"]
        if not answer.is_success:
            return answer
        return self._read(path, event, "", headers)

    def _restore(self, path: str, event: str, headers: Mapping[str, str]) -> httpx.Response:
        """myworld keeps the id of what was deleted for itself, so it is made anew under another that nobody sees."""
        held = dict(self._state()["events"][self._restored.get(event, event)])
        names = ("summary", "description", "location", "start", "end", "recurrence", "reminders", "extendedProperties")
        real = f"{self._restored.get(event, event)}v"
        body = {**{name: held[name] for name in names if name in held}, "id": real}
        made = super()._ask("POST", path, headers, json.dumps(body).encode())
        if made.is_success:
            self._restored[event] = real
        return self._read(path, event, "", headers)

    def _spelled(self, path: str) -> str:
        """The path with myworld's id of a date that is a whole day."""
        if not (day := _DAY.search(path)):
            return path
        begin = datetime.combine(date.fromisoformat(day[1]), datetime.min.time(), self._zone)
        return f"{path[: day.start()]}_{begin.astimezone(UTC):%Y%m%dT%H%M%SZ}"

    @staticmethod
    def _times(master: dict[str, Any], original: dict[str, Any]) -> dict[str, Any]:
        name = "date" if "date" in original else "dateTime"
        first, last = (datetime.fromisoformat(master[each][name]) for each in ("start", "end"))
        begin = datetime.fromisoformat(original[name])
        end: datetime = begin + (last - first if last > first else timedelta(hours=1))
        shown = end.date().isoformat() if name == "date" else end.isoformat()
        return {"start": original, "end": {**original, name: shown}}
