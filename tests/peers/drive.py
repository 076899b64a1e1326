"""Google Drive: myworld's, with what Drive has and myworld lacks laid over it.

myworld keeps files, contents, folders, permissions, uploads and the trash, and judges queries and tokens. Added here,
after the reference (https://developers.google.com/workspace/drive/api/reference/rest/v3): ids that a client asks for
beforehand, the list of changes, comments, earlier revisions, private properties, how far an upload is, and fields laid
over those of a file.
"""

import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import httpx

from tests.peers.front import Front

__all__ = ["CompletedDrive"]

_ID = re.compile(rb'"id": "([\w-]+)"')
_MARK = re.compile(rb'"open_assistant": "([\w-]+)"')


class CompletedDrive(Front):
    """Stands before `myworld`, the address in clear of its `www.googleapis.com`.

    `described` lays fields over those of a file, by id: `{"abc": {"size": "2147483648"}}`. `page` is the size of a page
    of changes.
    """

    def __init__(self, myworld: str) -> None:
        super().__init__(myworld)
        self.clear()

    def clear(self) -> None:
        """Forget all that was added."""
        self.plain()
        self.described: dict[str, dict[str, Any]] = {}
        self.page = 1000
        self.touched: list[str] = []
        self._ids: dict[str, str] = {}
        self._given = 0
        self._marks: dict[str, str] = {}
        self._sessions: dict[str, str] = {}
        self._arrived: dict[str, str] = {}
        self._comments: dict[str, list[dict[str, Any]]] = {}
        self._revisions: dict[tuple[str, str], bytes] = {}

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        url = urllib.parse.urlsplit(path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if headers.get("content-range", "").startswith("bytes */"):
            return self._asked_how_far(query.get("upload_id", ""))
        added = self._added(method, url.path, query, headers, body)
        if added is not None:
            allowed = self._forward("GET", "/drive/v3/about?fields=kind", headers, b"")
            return allowed if allowed.status_code != 200 else added
        chosen = _ID.search(body[:4000]) if method == "POST" and re.search(r"/files(/[^/]+/copy)?$", url.path) else None
        if chosen and chosen[1].decode() in self._ids:
            return httpx.Response(409, json={"error": {"code": 409, "errors": [{"reason": "fileIdInUse"}]}})
        if method in ("PATCH", "PUT") and url.path.startswith("/upload/drive/v3/files/"):
            self._keep_revision(url.path.rpartition("/")[2], headers)
        answer = self._forward(method, path, headers, body)
        return self._noted(method, url.path, query, body, answer, chosen[1].decode() if chosen else "")

    def _forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        for chosen, real in self._ids.items():
            path, body = path.replace(chosen, real), body.replace(chosen.encode(), real.encode())
        answer = super()._ask(method, path, headers, body)
        content = answer.content
        for chosen, real in self._ids.items():
            content = content.replace(real.encode(), chosen.encode())
        if answer.status_code == 308:
            upload = re.sub(r".*upload_id=", "", path)
            self._arrived[upload] = answer.headers.get("range", "")
        told = {
            name: value for name, value in answer.headers.items() if name not in ("content-encoding", "content-length")
        }
        if location := told.get("location", ""):
            told["location"] = location.replace("https://www.googleapis.com/", self.url)
        if self.described and content[:1] == b"{":
            content = json.dumps(self._overlaid(json.loads(content))).encode()
        return httpx.Response(answer.status_code, headers=told, content=content)

    def _overlaid(self, found: Any) -> Any:
        if isinstance(found, dict):
            plain = {name: self._overlaid(value) for name, value in found.items()}
            return {**plain, **self.described.get(str(plain.get("id")), {})}
        return [self._overlaid(each) for each in found] if isinstance(found, list) else found

    def _noted(
        self, method: str, path: str, query: dict[str, str], body: bytes, answer: httpx.Response, chosen: str
    ) -> httpx.Response:
        """What a request changed."""
        if method == "GET" or answer.status_code >= 300:
            return answer
        location = answer.headers.get("location", "")
        mark = _MARK.search(body[:4000])
        if location:
            self._sessions[location.rpartition("upload_id=")[2]] = f"{chosen} {mark[1].decode() if mark else ''}"
            return answer
        if "upload_id" in query:
            chosen, _, marked = self._sessions.pop(query["upload_id"]).partition(" ")
        else:
            marked = mark[1].decode() if mark else ""
        touched = path.split("/files/")[1].split("/", maxsplit=1)[0] if "/files/" in path else ""
        if answer.content[:1] == b"{":
            made = json.loads(answer.content)
            if chosen:
                self._ids[chosen] = str(made["id"])
                answer = httpx.Response(
                    answer.status_code, content=answer.content.replace(self._ids[chosen].encode(), chosen.encode())
                )
            if made.get("kind") != "drive#permission":
                touched = chosen or str(made.get("id", touched))
        if marked:
            self._marks[marked] = touched
        self.touched.append(touched)
        return answer

    def _asked_how_far(self, upload: str) -> httpx.Response:
        if upload not in self._sessions:
            return _missing()
        arrived = self._arrived.get(upload)
        return httpx.Response(308, headers={"range": arrived} if arrived else {})

    def _keep_revision(self, file: str, headers: Mapping[str, str]) -> None:
        known = self._forward("GET", f"/drive/v3/files/{file}?fields=headRevisionId", headers, b"")
        held = self._forward("GET", f"/drive/v3/files/{file}?alt=media", headers, b"")
        if known.status_code == 200:
            self._revisions[file, known.json().get("headRevisionId", "")] = held.content

    def _added(
        self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes
    ) -> httpx.Response | None:
        if path == "/drive/v3/files/generateIds":
            self._given += 1
            return httpx.Response(200, json={"ids": [f"1chosen{self._given:025d}"], "space": "drive"})
        if path == "/drive/v3/changes/startPageToken":
            return httpx.Response(200, json={"startPageToken": str(1000 + len(self.touched))})
        if path == "/drive/v3/changes":
            return self._changes(query, headers)
        if path == "/drive/v3/files" and (marked := re.search(r"value='(\w+)'", query.get("q", ""))):
            return self._marked(marked[1], query, headers)
        if found := re.fullmatch(r"/drive/v3/files/([\w-]+)/comments", path):
            return self._commented(method, found[1], headers, body)
        if found := re.fullmatch(r"/drive/v3/files/([\w-]+)/revisions/([\w-]+)", path):
            held = self._revisions.get((found[1], found[2]))
            return httpx.Response(200, content=held) if held is not None else _missing()
        return None

    def _changes(self, query: dict[str, str], headers: Mapping[str, str]) -> httpx.Response:
        begin = int(query["pageToken"]) - 1000
        end = min(begin + self.page, len(self.touched))
        fields = query["fields"].partition("file(")[2][:-2]
        changes = [self._change(each, fields, headers) for each in dict.fromkeys(self.touched[begin:end])]
        name = "nextPageToken" if end < len(self.touched) else "newStartPageToken"
        return httpx.Response(200, json={"changes": changes, name: str(1000 + end)})

    def _change(self, file: str, fields: str, headers: Mapping[str, str]) -> dict[str, Any]:
        found = self._forward("GET", f"/drive/v3/files/{file}?fields={urllib.parse.quote(fields)}", headers, b"")
        plain = {"changeType": "file", "time": "2026-11-20T10:00:00.000Z", "fileId": file}
        if found.status_code != 200:
            return {**plain, "removed": True}
        return {**plain, "removed": False, "file": found.json()}

    def _marked(self, mark: str, query: dict[str, str], headers: Mapping[str, str]) -> httpx.Response:
        if mark not in self._marks:
            return httpx.Response(200, json={"files": []})
        fields = urllib.parse.quote(query["fields"].partition("files(")[2][:-1])
        found = self._forward("GET", f"/drive/v3/files/{self._marks[mark]}?fields={fields}", headers, b"")
        return httpx.Response(200, json={"files": [found.json()]})

    def _commented(self, method: str, file: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        known = self._forward("GET", f"/drive/v3/files/{file}?fields=id", headers, b"")
        if known.status_code != 200:
            return known
        kept = self._comments.setdefault(file, [])
        if method == "GET":
            return httpx.Response(200, json={"comments": kept})
        made = {"id": f"AAAA{len(kept)}", "content": json.loads(body)["content"], "author": {"me": True}}
        kept.append({**made, "createdTime": "2026-11-20T10:00:00.000Z"})
        return httpx.Response(200, json={"id": made["id"]})

    def real(self, file: str) -> str:
        """What myworld calls a file whose id a client chose."""
        return self._ids.get(file, file)

    def comments(self, file: str) -> list[str]:
        """What was said about a file."""
        return [str(each["content"]) for each in self._comments.get(file, [])]


def _missing() -> httpx.Response:
    return httpx.Response(404, json={"error": {"code": 404, "errors": [{"reason": "notFound"}]}})
