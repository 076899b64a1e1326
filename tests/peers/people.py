"""A double of Google's People API (v1) for what no emulator has: sync tokens, groups, copies, client data, faults.

Each request is held against the discovery document of People v1 and refused where that knows it not. One account; any
bearer token is taken that is not in `refused`.
"""

import http.server
import itertools
import json
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.peers.discovery import Discovery
from tests.peers.process import LOOPBACK, Lifespan, free_port

__all__ = ["Answer", "PeopleServer"]

Json = dict[str, Any]
_API = Discovery("people.v1")
_OUT = ("resourceName", "etag", "metadata")


@dataclass
class Answer:
    """What goes back. `cut`: the connection ends in the middle of the body."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class _Fault:
    """The answer to some requests, from the `skip`th on; with `after` they are carried out first."""

    method: str
    path: str
    answer: Answer
    after: bool
    skip: int
    times: int


class PeopleServer(Lifespan):
    """People by id. `seen` are the requests, `misunderstood` what was wrong with them, `tokens` who asked.

    A change takes `slow` seconds; `most_changing` is how many there were at once.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self._server: http.server.ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self.clear()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def clear(self) -> None:
        """Forget everything."""
        self.people: dict[str, Json] = {}
        self.others: dict[str, Json] = {}
        self.groups: dict[str, str] = {"myContacts": "SYSTEM_CONTACT_GROUP", "starred": "SYSTEM_CONTACT_GROUP"}
        self.log: list[tuple[str, str]] = []
        self.lost: list[tuple[str, str]] = []
        self.seen: list[tuple[str, str]] = []
        self.misunderstood: list[str] = []
        self.tokens: set[str] = set()
        self.refused: set[str] = set()
        self.expired, self.warm, self.page_size = False, False, 1000
        self.slow, self.changing, self.most_changing = 0.0, 0, 0
        self._faults: list[_Fault] = []
        self._count, self._ids = itertools.count(1), itertools.count(1)

    def start(self) -> None:
        """Listen."""
        self._server = http.server.ThreadingHTTPServer((LOOPBACK, self.port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join(5)
            self._server.server_close()
        self._server = self._thread = None

    def fault(
        self, method: str, path: str, status: int = 200, reason: str = "", *, body: Any = None, cut: bool = False,
        after: bool = False, skip: int = 0, times: int = 1, **headers: str,
    ) -> None:  # fmt: skip
        """How the next requests whose path ends so are answered; with `after` they are carried out all the same."""
        detail = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}] if reason else []
        given = {"error": {"code": status, "details": detail}} if body is None else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._faults.append(_Fault(method, path, Answer(status, given, named, cut), after, skip, times))

    def add(self, name: str, *mails: str, **fields: Any) -> str:
        """A contact as its owner would make it; gives its id."""
        body = {"names": [{"unstructuredName": name}], "emailAddresses": [{"value": each} for each in mails], **fields}
        return str(self._put(f"c{next(self._ids)}", body)["resourceName"]).removeprefix("people/")

    def collect(self, name: str, mail: str) -> str:
        """An address that was collected."""
        number = f"o{next(self._ids)}"
        fields = {"names": [{"displayName": name, "unstructuredName": name}], "emailAddresses": [{"value": mail}]}
        metadata = {"sources": [{"type": "OTHER_CONTACT", "id": number}]}
        self.others[number] = {**fields, "resourceName": f"otherContacts/{number}", "etag": "1", "metadata": metadata}
        self.lost.append(("changed", number))
        return number

    def uncollect(self, other: str) -> None:
        """A collected address that is none any more."""
        del self.others[other]
        self.lost.append(("deleted", other))

    def change(self, contact: str, **fields: Any) -> None:
        """A change by somebody else."""
        self._put(contact, fields)

    def drop(self, contact: str) -> None:
        """Deleted by somebody else."""
        del self.people[contact]
        self.log.append(("deleted", contact))

    def answer(self, method: str, target: str, token: str, body: Json) -> Answer:
        """One request."""
        parts = urlsplit(target)
        path, asked = parts.path.removeprefix("/v1/"), parse_qs(parts.query, keep_blank_values=True)
        self.seen.append((method, target))
        self.tokens.add(token.removeprefix("Bearer "))
        if token.removeprefix("Bearer ") in self.refused:
            return Answer(401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}})
        if wrong := _API.faults(method, target, body):
            self.misunderstood += wrong
            return Answer(400, {"error": {"code": 400, "message": "; ".join(wrong), "status": "INVALID_ARGUMENT"}})
        if (hit := self._hit(method, path)) is None:
            return Answer(*(self._route if method == "GET" else self._change)(method, path, asked, body))
        found = self._route(method, path, asked, body)[1] if hit.after or hit.answer.cut else {}
        return hit.answer if not hit.answer.cut else Answer(hit.answer.status, found, hit.answer.headers, cut=True)

    def _hit(self, method: str, path: str) -> _Fault | None:
        for each in self._faults:
            if each.method == method and path.endswith(each.path) and each.times:
                each.skip -= 1
                each.times -= each.skip < 0
                return each if each.skip < 0 else None
        return None

    def _change(self, *request: Any) -> tuple[int, Json]:
        self.changing += 1
        self.most_changing = max(self.most_changing, self.changing)
        time.sleep(self.slow)
        self.changing -= 1
        return self._route(*request)

    def _route(self, method: str, path: str, asked: dict[str, list[str]], body: Json) -> tuple[int, Json]:
        name, _, verb = path.partition(":")
        contact = name.removeprefix("people/")
        if path == "people/me/connections":
            return self._list("connections", "people", self.people, self.log, asked)
        if path == "otherContacts":
            return self._list("otherContacts", "otherContacts", self.others, self.lost, asked)
        if path == "contactGroups":
            return 200, self._grouped()
        if verb == "searchContacts" or path == "otherContacts:search":
            return self._search(verb, asked)
        if verb == "createContact":
            return 200, self._put(f"c{next(self._ids)}", body)
        if verb == "batchGet":
            wanted = [each.removeprefix("people/") for each in asked["resourceNames"]]
            return 200, {"responses": [{"person": self.people[each]} for each in wanted if each in self.people]}
        if verb.startswith("copyOther") and (other := self.others.get(name.removeprefix("otherContacts/"))):
            fields = {key: value for key, value in other.items() if key not in _OUT}
            return 200, self._put(f"c{next(self._ids)}", fields)
        if name.startswith("contactGroups/") and path.endswith("/members:modify"):
            return self._regroup(name.split("/")[1], body)
        return self._one(method, contact, asked, body)

    def _one(self, method: str, contact: str, asked: dict[str, list[str]], body: Json) -> tuple[int, Json]:
        if contact not in self.people:
            return 404, {"error": {"code": 404, "status": "NOT_FOUND"}}
        if method == "PATCH":
            return self._update(contact, asked, body)
        if method == "DELETE":
            self.drop(contact)
            return 200, {}
        return 200, self.people[contact]

    def _grouped(self) -> Json:
        groups = [
            {"resourceName": f"contactGroups/{key}", "name": key, "formattedName": key, "groupType": kind}
            for key, kind in self.groups.items()
        ]
        return {"contactGroups": groups}

    def _list(
        self, name: str, prefix: str, held: dict[str, Json], log: list[tuple[str, str]], asked: dict[str, list[str]]
    ) -> tuple[int, Json]:
        people = list(held.values())
        if "syncToken" in asked:
            if self.expired:
                return 400, _error(400, "EXPIRED_SYNC_TOKEN")
            changed = dict.fromkeys(each for _, each in log[int(asked["syncToken"][0]) :])
            gone = {"metadata": {"deleted": True}}
            people = [held.get(each) or {"resourceName": f"{prefix}/{each}", **gone} for each in changed]
        if asked.get("sortOrder") == ["LAST_MODIFIED_DESCENDING"]:
            people.sort(key=lambda each: int(each["etag"]), reverse=True)
        start = int(asked.get("pageToken", ["0"])[0])
        end = start + min(int(asked.get("pageSize", ["100"])[0]), self.page_size)
        hidden = "clientData" not in asked.get("personFields", [""])[0]
        page = [{k: v for k, v in each.items() if not (hidden and k == "clientData")} for each in people[start:end]]
        found: Json = {name: page, "totalItems" if name == "connections" else "totalSize": len(people)}
        if end < len(people):
            return 200, {**found, "nextPageToken": str(end)}
        return 200, {**found, **({"nextSyncToken": str(len(log))} if "requestSyncToken" in asked else {})}

    def _search(self, verb: str, asked: dict[str, list[str]]) -> tuple[int, Json]:
        query = asked["query"][0].casefold()
        if not query:
            self.warm = True
            return 200, {}
        source = self.people if verb == "searchContacts" else self.others
        words = re.compile(rf"(?<!\w){re.escape(query)}")
        hits = [each for each in source.values() if any(words.search(said.casefold()) for said in _said(each))]
        return 200, {"results": [{"person": each} for each in hits[:30]]} if self.warm else {}

    def _update(self, contact: str, asked: dict[str, list[str]], body: Json) -> tuple[int, Json]:
        source = body["metadata"]["sources"][0]
        if source["etag"] != self.people[contact]["metadata"]["sources"][0]["etag"]:
            return 400, _error(400, "failedPrecondition")
        fields = asked["updatePersonFields"][0].split(",")
        return 200, self._put(contact, {each: body.get(each, []) for each in fields})

    def _regroup(self, group: str, body: Json) -> tuple[int, Json]:
        missing = []
        for verb in ("Add", "Remove"):
            for each in body.get(f"resourceNamesTo{verb}", []):
                contact = each.removeprefix("people/")
                if contact not in self.people:
                    missing.append(each)
                    continue
                kept = [m for m in self.people[contact]["memberships"] if not _is_in(m, group)]
                self._put(contact, {"memberships": [*kept, *([_member(group)] if verb == "Add" else [])]})
        return 200, {"notFoundResourceNames": missing}

    def _put(self, contact: str, fields: Json) -> Json:
        tag = str(next(self._count))
        when = (datetime.now(UTC) + timedelta(milliseconds=int(tag))).isoformat()
        source = {"type": "CONTACT", "id": contact, "etag": f"#{tag}", "updateTime": when}
        was = self.people.get(contact, {"memberships": [_member("myContacts")]})
        kept = {key: value for key, value in fields.items() if key not in _OUT}
        made = {**was, **kept, "resourceName": f"people/{contact}", "etag": tag, "metadata": {"sources": [source]}}
        for each in made.get("names", []):
            given = " ".join(each[part] for part in ("givenName", "familyName") if part in each)
            each["displayName"] = each.get("unstructuredName") or given
        self.people[contact] = made
        self.log.append(("changed", contact))
        return made


def _error(code: int, reason: str) -> Json:
    return {"error": {"code": code, "details": [{"reason": reason}], "status": "FAILED_PRECONDITION"}}


def _member(group: str) -> Json:
    return {"contactGroupMembership": {"contactGroupResourceName": f"contactGroups/{group}"}}


def _said(person: Json) -> list[str]:
    """What a search looks through."""
    fields = [
        each for name in ("names", "nicknames", "emailAddresses", "phoneNumbers") for each in person.get(name, [])
    ]
    return [value for each in fields for value in each.values() if isinstance(value, str)]


def _is_in(membership: Json, group: str) -> bool:
    return bool(membership == _member(group))


def _handler(server: PeopleServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(size) or b"{}")
            found = server.answer(self.command, self.path, self.headers.get("authorization", ""), body)
            content = found.body if isinstance(found.body, bytes) else json.dumps(found.body).encode()
            self.send_response(found.status)
            for name, value in {"content-type": "application/json", **found.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if found.cut else content)
            self.close_connection = self.close_connection or found.cut

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Nothing."""

    return Handler
