"""OneDrive: `microsoft-onedrive-mock`, which nobody here wrote, and what OneDrive has and it lacks laid over it.

The emulator keeps files, contents, folders, revisions and the list of changes, and judges tokens and `If-Match`. It has
no whole uploads in pieces, no copies, no recycle bin, no permissions and no versions, and gives a content right away.
`CompletedOneDrive` is ours, after https://learn.microsoft.com/graph/api/resources/onedrive: names that are taken,
uploads in pieces, copies that take a while, the recycle bin of personal accounts, permissions, links and versions,
contents at another host, the folder of an app, pages of changes, and fields laid over those of an item.
"""

import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import httpx

from tests.peers.front import Front
from tests.peers.nodes import MODULES, node
from tests.peers.process import LOOPBACK, Child, Lifespan, free_port, listens, workspace

__all__ = ["OWN", "CompletedOneDrive", "OneDriveMock", "Storage"]

OWN = "ownfolder"
"""The id of the folder of the app."""
_SCRIPT = "require(process.argv[2]).startServer(Number(process.argv[3]), process.argv[4]);\n"
_DRIVE = "/v1.0/me/drive"
_PIECES = 320 * 1024
_CONFLICT = "@microsoft.graph.conflictBehavior"


class OneDriveMock(Lifespan):
    """The emulator on loopback; it takes one token."""

    token = "valid-token"

    def __init__(self) -> None:
        self.directory = workspace("onedrive-mock")
        self.port = free_port()
        self._child: Child | None = None
        self._client = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, trust_env=False
        )

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """See `Lifespan`."""
        script = self.directory / "serve.cjs"
        script.write_text(_SCRIPT)
        command = node(script, str(MODULES / "microsoft-onedrive-mock"), str(self.port), LOOPBACK)
        self._child = Child(command, name="onedrive-mock", directory=self.directory)
        self._child.start(lambda: listens(self.port), seconds=60)

    def stop(self) -> None:
        """See `Lifespan`."""
        self._client.close()
        if self._child:
            self._child.stop()

    def clear(self) -> None:
        """Forget all files."""
        self.ask("POST", "/debug/clear")

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request as another program would make it."""
        answer = self._client.request(method, path, **options)
        answer.raise_for_status()
        return answer


class Storage(Front):
    """Where contents lie, and copies are watched: another host, which refuses whoever signs in there."""

    def __init__(self) -> None:
        super().__init__("")
        self.held: dict[str, bytes] = {}

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        if "authorization" in headers:
            return httpx.Response(401, json={"error": {"code": "unauthenticated"}})
        key = path.rpartition("/")[2]
        return httpx.Response(200, content=self.held[key]) if key in self.held else _missing()


class CompletedOneDrive(Front):
    """Stands before the emulator at `mock`; contents are given by `storage`.

    `described` lays fields over those of an item, by id. `page` is the size of a page of changes. `kind` is the kind of
    the drive, `copying` how often a copy is looked at before it is done, `holder` whose drive it is.
    """

    def __init__(self, mock: str, storage: Storage) -> None:
        super().__init__(mock)
        self._storage = storage
        self._client = httpx.Client(base_url=mock, trust_env=False, timeout=15)
        self.clear()

    def stop(self) -> None:
        """See `Front.stop`."""
        super().stop()
        self._client.close()

    def clear(self) -> None:
        """Forget all that was added."""
        self.plain()
        self.described: dict[str, dict[str, Any]] = {}
        self.page, self.kind, self.copying, self.holder = 1000, "personal", 1, "ada@home.example"
        self.permissions: dict[str, list[dict[str, Any]]] = {}
        self.mails: list[tuple[str, str]] = []
        self._bin: dict[str, tuple[dict[str, Any], bytes]] = {}
        self._versions: dict[str, list[bytes]] = {}
        self._sessions: dict[str, dict[str, Any]] = {}
        self._copies: dict[str, int] = {}

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        url = urllib.parse.urlsplit(path)
        plain = urllib.parse.unquote(url.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if plain.startswith("/session/"):
            return self._piece(method, plain.removeprefix("/session/"), headers, body)
        if plain.startswith("/monitor/"):
            return self._watched(plain.removeprefix("/monitor/"), headers)
        allowed = self._send("GET", f"{_DRIVE}/root", headers)
        if allowed.status_code != 200:
            return allowed
        given = {
            name: value for name, value in headers.items() if name in ("authorization", "if-match", "content-type")
        }
        answer = self._added(method, plain.removeprefix(_DRIVE), query, given, body)
        if answer is None:
            answer = self._kept(method, url.path.removeprefix(_DRIVE), url.query, query, given, body)
        return self._dressed(answer)

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], *, body: bytes = b"", **options: Any
    ) -> httpx.Response:
        """A request to the emulator itself."""
        given = {
            name: value for name, value in headers.items() if name in ("authorization", "content-type", "if-match")
        }
        if body or "json" not in options:
            options["content"] = body
        return self._client.request(method, path, headers=given, **options)

    def _kept(
        self, method: str, path: str, raw: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> httpx.Response:
        """What the emulator does itself, after what OneDrive looks at before."""
        name, parent = self._named(method, path, query, headers, body)
        if name and self._child(parent, name, headers):
            return _taken()
        changed = re.fullmatch(r"/items/([^/:]+)/content", path)
        if method == "PUT" and changed:
            before = self._send("GET", f"{_DRIVE}{path}", headers).content
            self._versions.setdefault(changed[1], []).append(before)
        deleted = re.fullmatch(r"/items/([^/:]+)", path)
        if method == "DELETE" and deleted:
            self._throw_away(deleted[1], headers)
        if method in ("POST", "PATCH") and body[:1] == b"{":
            plain = {name: value for name, value in json.loads(body).items() if not name.startswith("@")}
            if method == "PATCH" and "parentReference" in plain:
                plain["parentReference"] = {"id": plain["parentReference"]["id"]}
            body = json.dumps(plain).encode()
        target = path if method != "GET" else path.replace(f"/items/{OWN}/delta", "/root/delta")
        answer = self._send(
            method, f"{_DRIVE}{target}{'?' + raw if raw and method == 'GET' else ''}", headers, body=body
        )
        return self._paged(answer, query) if path.endswith("/delta") else answer

    def _named(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> tuple[str, str]:
        """The name that a request gives, and the folder where it has to be free: only where that was asked for."""
        plain = urllib.parse.unquote
        asked = query.get(_CONFLICT, json.loads(body).get(_CONFLICT) if body[:1] == b"{" and method != "PUT" else "")
        if asked != "fail" and method != "PATCH":
            return "", ""
        if method == "PUT" and (found := re.fullmatch(r"/items/([^/:]+):/([^/]+):/content", path)):
            return plain(found[2]), found[1]
        if method == "POST" and (found := re.fullmatch(r"/items/([^/:]+)/children", path)):
            return str(json.loads(body)["name"]), found[1]
        if method == "PATCH" and (found := re.fullmatch(r"/items/([^/:]+)", path)):
            wanted, item = json.loads(body), self._send("GET", f"{_DRIVE}/items/{found[1]}", headers)
            if item.status_code == 200 and {"name", "parentReference"} & set(wanted):
                place = wanted.get("parentReference", item.json()["parentReference"])["id"]
                name = wanted.get("name", item.json()["name"])
                if (name, place) != (item.json()["name"], item.json()["parentReference"]["id"]):
                    return str(name), str(place)
        return "", ""

    def _child(self, parent: str, name: str, headers: Mapping[str, str]) -> dict[str, Any] | None:
        listed = self._send("GET", f"{_DRIVE}/items/{parent}/children", headers).json().get("value", [])
        fits = [each for each in listed if each["name"].lower() == name.lower() and each["id"] != "root"]
        return fits[0] if fits else None

    def _added(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> httpx.Response | None:
        """What the emulator has not."""
        given = json.loads(body) if body[:1] == b"{" and not path.endswith("/content") else {}
        if path == "" and method == "GET":
            owner = {"user": {"email": self.holder, "displayName": "Ada"}}
            return httpx.Response(200, json={"id": "b!drive", "driveType": self.kind, "owner": owner})
        if path.startswith("/special/approot"):
            made = self._own(headers)
            return self._below_own(query, headers) if path.endswith("/delta") else made
        if method == "GET" and (found := re.fullmatch(r"/items/([^/:]+):/(.+)", path)):
            child = self._child(found[1], found[2], headers)  # the emulator unquotes names twice
            return httpx.Response(200, json=child) if child else _missing()
        if found := re.fullmatch(r"/items/([^/:]+)/content", path):
            return self._elsewhere(found[1], headers) if method == "GET" else None
        if found := re.fullmatch(r"/items/([^/:]+)(:/[^/]+:)?/createUploadSession", path):
            return self._session(found[1], (found[2] or "").strip(":/"), given, headers)
        if found := re.fullmatch(r"/items/([^/:]+)/(\w+)(?:/([^/]+))?(/restoreVersion)?", path):
            return self._of_item(method, found[1], found[2], found[3] or "", given, headers)
        return None

    def _of_item(
        self, method: str, file: str, what: str, which: str, given: dict[str, Any], headers: dict[str, str]
    ) -> httpx.Response | None:
        if what == "restore":
            return self._restored(file, headers)
        if what not in ("copy", "versions", "permissions", "invite", "createLink"):
            return None
        item = self._send("GET", f"{_DRIVE}/items/{file}", headers)
        if item.status_code != 200:
            return item
        kept = self.permissions.setdefault(file, [])
        if what == "copy":
            return self._copied(item.json(), given, headers)
        if what == "versions":
            return self._versioned(method, file, which, headers)
        if what == "permissions" and method == "PATCH":
            [found] = [each for each in kept if each["id"] == which]
            found["roles"] = given["roles"]
            return httpx.Response(200, json=found)
        if what == "permissions":
            return httpx.Response(200, json={"value": kept})
        self.described.setdefault(file, {})["shared"] = {"scope": "users"}
        made: dict[str, Any] = {"id": f"perm{len(kept)}"}
        if what == "createLink":
            url = f"https://1drv.ms/{file}/{given['type']}"
            made |= {"roles": [{"view": "read", "edit": "write"}[given["type"]]], "link": {**given, "webUrl": url}}
            kept.append(made)
            return httpx.Response(201, json=made)
        [person] = given["recipients"]
        made |= {"roles": given["roles"], "grantedToV2": {"user": {"email": person["email"]}}}
        kept.append(made)
        if given["sendInvitation"]:
            self.mails.append((person["email"], given.get("message", "")))
        return httpx.Response(200, json={"value": [made]})

    def _own(self, headers: dict[str, str]) -> httpx.Response:
        """The app's own folder, which is made when it is first asked for."""
        found = self._send("GET", f"{_DRIVE}/items/{OWN}", headers)
        if found.status_code == 200:
            return found
        body = {"id": OWN, "name": "Open Assistant", "folder": {}}
        return self._send("POST", f"{_DRIVE}/items/root/children", headers, json=body)

    def _below_own(self, query: dict[str, str], headers: dict[str, str]) -> httpx.Response:
        """Changes in the app's own folder alone."""
        found = self._send("GET", f"{_DRIVE}/root/delta", headers, params=query).json()
        inside = {OWN}
        while (
            more := {each["id"] for each in found["value"] if each.get("parentReference", {}).get("id") in inside}
            - inside
        ):
            inside |= more
        found["value"] = [each for each in found["value"] if each["id"] in inside]
        latest = found["@odata.deltaLink"].rpartition("=")[2]
        found["@odata.deltaLink"] = f"{self.url}v1.0/me/drive/special/approot/delta?token={latest}"
        return httpx.Response(200, json=found)

    def _paged(self, answer: httpx.Response, query: dict[str, str]) -> httpx.Response:
        if answer.status_code != 200:
            return answer
        found, skip = answer.json(), int(query.get("skip", 0))
        latest = found["@odata.deltaLink"].rpartition("=")[2]
        if skip + self.page < len(found["value"]):
            del found["@odata.deltaLink"]
            token = query.get("token", "0")
            found["@odata.nextLink"] = f"{self.url}v1.0/me/drive/root/delta?token={token}&skip={skip + self.page}"
        else:
            found["@odata.deltaLink"] = f"{self.url}v1.0/me/drive/root/delta?token={latest}"
        found["value"] = found["value"][skip : skip + self.page]
        return httpx.Response(200, json=found)

    def _elsewhere(self, file: str, headers: dict[str, str]) -> httpx.Response:
        found = self._send("GET", f"{_DRIVE}/items/{file}/content", headers)
        if found.status_code != 200:
            return found
        self._storage.held[file] = found.content
        return httpx.Response(302, headers={"location": f"{self._storage.url}content/{file}"})

    def _session(self, file: str, name: str, given: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        item = given.get("item", {})
        if name and item.get(_CONFLICT) == "fail" and self._child(file, name, headers):
            return _taken()
        if not name and headers.get("if-match"):
            known = self._send("GET", f"{_DRIVE}/items/{file}", headers).json()
            if known["eTag"] != headers["if-match"]:
                return httpx.Response(412, json={"error": {"code": "resourceModified"}})
        key = f"s{len(self._sessions)}"
        self._sessions[key] = {"file": file, "name": name, "held": b"", "authorization": headers["authorization"]}
        return httpx.Response(200, json={"uploadUrl": f"{self.url}session/{key}", "nextExpectedRanges": ["0-"]})

    def _piece(self, method: str, key: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        if "authorization" in headers:
            return httpx.Response(401, json={"error": {"code": "unauthenticated"}})
        session = self._sessions.get(key)
        if session is None:
            return _missing()
        if method == "PUT":
            found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", headers.get("content-range", ""))
            assert found, "a piece says where it belongs"
            first, last, total = (int(each) for each in found.groups())
            assert last - first + 1 == len(body)
            if first != len(session["held"]):
                return httpx.Response(416, json={"error": {"code": "invalidRange"}})
            assert last + 1 == total or len(body) % _PIECES == 0, "a piece is a multiple of 320 KiB"
            session["held"] += body
            if len(session["held"]) == total:
                return self._whole(self._sessions.pop(key))
        expected = {"nextExpectedRanges": [f"{len(session['held'])}-"]}
        return httpx.Response(200 if method == "GET" else 202, json=expected)

    def _whole(self, session: dict[str, Any]) -> httpx.Response:
        signed = {"authorization": session["authorization"], "content-type": "application/octet-stream"}
        name = urllib.parse.quote(session["name"], safe="")
        path = f"/items/{session['file']}:/{name}:/content" if name else f"/items/{session['file']}/content"
        return self._dressed(self._kept("PUT", path, "", {}, signed, session["held"]))

    def _copied(self, item: dict[str, Any], given: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        place, name = given["parentReference"]["id"], given["name"]
        key = f"c{len(self._copies)}"
        self._copies[key] = self.copying
        monitor = httpx.Response(202, headers={"location": f"{self.url}monitor/{key}"})
        if self._child(place, name, headers):
            self._copies[key] = -1
        elif "folder" in item:
            self._send("POST", f"{_DRIVE}/items/{place}/children", headers, json={"name": name, "folder": {}})
        else:
            content = self._send("GET", f"{_DRIVE}/items/{item['id']}/content", headers).content
            kind = {**headers, "content-type": item["file"]["mimeType"]}
            quoted = urllib.parse.quote(name, safe="")
            self._send("PUT", f"{_DRIVE}/items/{place}:/{quoted}:/content", kind, body=content)
        return monitor

    def _watched(self, key: str, headers: Mapping[str, str]) -> httpx.Response:
        if "authorization" in headers or key not in self._copies:
            return httpx.Response(401, json={"error": {"code": "unauthenticated"}})
        left = self._copies[key]
        self._copies[key] = left - 1
        if left < 0:
            return httpx.Response(200, json={"status": "failed", "error": {"code": "nameAlreadyExists"}})
        if left:
            return httpx.Response(202, json={"status": "inProgress", "percentageComplete": 50.0})
        return httpx.Response(200, json={"status": "completed", "percentageComplete": 100.0})

    def _throw_away(self, file: str, headers: dict[str, str]) -> None:
        item = self._send("GET", f"{_DRIVE}/items/{file}", headers)
        if item.status_code == 200:
            content = self._send("GET", f"{_DRIVE}/items/{file}/content", headers)
            self._bin[file] = (item.json(), content.content if "folder" not in item.json() else b"")

    def _restored(self, file: str, headers: dict[str, str]) -> httpx.Response:
        if self.kind != "personal":
            return httpx.Response(400, json={"error": {"code": "notSupported"}})
        if file not in self._bin:
            return _missing()
        item, content = self._bin.pop(file)
        known = {name: item[name] for name in ("id", "name", "parentReference", "createdDateTime")}
        kind: dict[str, Any] = {"folder": {}} if "folder" in item else {"file": {"mimeType": item["file"]["mimeType"]}}
        signed = {"authorization": headers["authorization"]}
        made = self._send(
            "POST", f"{_DRIVE}/items/{known['parentReference']['id']}/children", signed, json=known | kind
        )
        if "file" in item:
            typed = {**signed, "content-type": item["file"]["mimeType"]}
            made = self._send("PUT", f"{_DRIVE}/items/{file}/content", typed, body=content)
        return httpx.Response(200, json=made.json())

    def _versioned(self, method: str, file: str, which: str, headers: dict[str, str]) -> httpx.Response:
        older = self._versions.get(file, [])
        if method == "GET":
            return httpx.Response(200, json={"value": [{"id": f"{n}.0"} for n in range(len(older) + 1, 0, -1)]})
        number = int(which.partition(".")[0]) - 1
        if number >= len(older):
            return _missing()
        current = self._send("GET", f"{_DRIVE}/items/{file}/content", headers).content
        self._send(
            "PUT",
            f"{_DRIVE}/items/{file}/content",
            {"authorization": headers["authorization"], "content-type": "text/plain"},
            body=older[number],
        )
        older.append(current)
        return httpx.Response(204)

    def _dressed(self, answer: httpx.Response) -> httpx.Response:
        """Items as OneDrive shows them: no content in them, the kind of drive, and what a test lays over them."""
        told = {name: value for name, value in answer.headers.items() if name in ("location", "content-type")}
        content = answer.content
        if content[:1] == b"{" and "json" in answer.headers.get("content-type", ""):
            content = json.dumps(self._laid_over(json.loads(content))).encode()
        return httpx.Response(answer.status_code, headers=told, content=content)

    def _laid_over(self, found: dict[str, Any]) -> dict[str, Any]:
        if isinstance(listed := found.get("value"), list):
            return {**found, "value": [self._laid_over(each) for each in listed]}
        if "eTag" not in found and not ({"name", "folder", "file"} & set(found) and "id" in found):
            return found
        plain = {name: value for name, value in found.items() if name != "content"}
        parent = {"driveId": "b!drive", "driveType": self.kind, **plain.get("parentReference", {})}
        if plain["id"] == "root":
            parent.pop("id", None)
            plain["root"] = {}
        return {**plain, "parentReference": parent, **self.described.get(plain["id"], {})}


def _missing() -> httpx.Response:
    return httpx.Response(404, json={"error": {"code": "itemNotFound"}})


def _taken() -> httpx.Response:
    return httpx.Response(409, json={"error": {"code": "nameAlreadyExists"}})
