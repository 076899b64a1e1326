"""Gmail: myworld's, with what Gmail has and myworld lacks laid over it.

myworld keeps mails, labels, drafts, conversations and history, searches and delivers, and judges tokens. Added here,
after the reference (https://developers.google.com/workspace/gmail/api/reference/rest): drafts that are changed, the
vacation reply, mails that were deleted elsewhere, history that Gmail has forgotten, and history without labels.
"""

import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import httpx

from tests.peers.front import Front

__all__ = ["CompletedGmail"]

_ME = "/gmail/v1/users/me"


class CompletedGmail(Front):
    """Stands before `myworld`, the address in clear of its `gmail.googleapis.com`.

    `forgotten`: no history is known any more. `bare`: history does not say which labels a mail bears. `deleted`: the
    ids of mails that are gone for good. `eats`: a draft that is to be sent is deleted instead, and nothing is said.
    `tokens`: further tokens, each with the one of myworld that it stands for.
    """

    def __init__(self, myworld: str) -> None:
        super().__init__(myworld)
        self.clear()

    def clear(self) -> None:
        """Forget all that was added."""
        self.plain()
        self.forgotten = self.bare = self.eats = False
        self.deleted: list[str] = []
        self.tokens: dict[str, str] = {}
        self.vacation: dict[str, Any] = {"enableAutoReply": False}
        self._ids: dict[str, str] = {}
        self._refusals: list[tuple[str, str, int]] = []

    def refuse(self, method: str, part: str, *, status: int, times: int = 1) -> None:
        """Answer the next such requests before they come to Gmail."""
        self._refusals += [(method, part, status)] * times

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        for each in self._refusals:
            if each[0] == method and each[1] in path:
                self._refusals.remove(each)
                return httpx.Response(each[2], text="<html>no</html>")
        url = urllib.parse.urlsplit(path)
        if url.path == f"{_ME}/settings/vacation":
            return self._vacation(method, headers, body)
        if method == "PUT" and (found := re.fullmatch(rf"{_ME}/drafts/([\w-]+)", url.path)):
            return self._changed(found[1], headers, body)
        if self.eats and url.path == f"{_ME}/drafts/send":
            self._forward("DELETE", f"{_ME}/drafts/{json.loads(body)['id']}", headers, b"")
            return httpx.Response(504, text="<html>late</html>")
        gone = re.match(rf"{_ME}/messages/([\w-]+)", url.path)
        if gone and gone[1] in self.deleted:
            return _missing()
        if url.path == f"{_ME}/history" and self.forgotten:
            return _missing()
        answer = self._forward(method, path, headers, body)
        if answer.status_code == 200 and self.deleted and url.path == f"{_ME}/messages":
            return self._without_deleted(answer)
        if answer.status_code == 200 and url.path == f"{_ME}/history":
            return self._history(answer)
        return answer

    def _forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        for chosen, real in self._ids.items():
            path, body = path.replace(chosen, real), body.replace(chosen.encode(), real.encode())
        scheme, _, token = headers.get("authorization", "").partition(" ")
        headers = {**headers, "authorization": f"{scheme} {self.tokens.get(token, token)}"}
        answer = super()._ask(method, path, headers, body)
        content = answer.content
        for chosen, real in self._ids.items():
            content = content.replace(real.encode(), chosen.encode())
        told = {n: v for n, v in answer.headers.items() if n not in ("content-encoding", "content-length")}
        return httpx.Response(answer.status_code, headers=told, content=content)

    def _changed(self, draft: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        """Another draft in the place of the old one, under its id."""
        gone = self._forward("DELETE", f"{_ME}/drafts/{draft}", headers, b"")
        if gone.status_code >= 300:
            return gone
        self._ids.pop(draft, None)
        made = self._forward("POST", f"{_ME}/drafts", headers, body)
        if made.status_code == 404:  # the conversation held nothing but that draft
            alone = json.dumps({"message": {"raw": json.loads(body)["message"]["raw"]}}).encode()
            made = self._forward("POST", f"{_ME}/drafts", headers, alone)
        if made.status_code == 200:
            self._ids[draft] = str(made.json()["id"])
            return httpx.Response(200, json={**made.json(), "id": draft})
        return made

    def _vacation(self, method: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        allowed = self._forward("GET", f"{_ME}/profile", headers, b"")
        if allowed.status_code != 200:
            return allowed
        if method == "PUT":
            self.vacation = json.loads(body)
        return httpx.Response(200, json=self.vacation)

    def _without_deleted(self, answer: httpx.Response) -> httpx.Response:
        page = answer.json()
        kept = [each for each in page.get("messages", []) if each["id"] not in self.deleted]
        return httpx.Response(200, json={**page, "messages": kept})

    def _history(self, answer: httpx.Response) -> httpx.Response:
        page = answer.json()
        records = page.get("history", [])
        for record in records if self.bare else ():
            for name in ("labelsAdded", "labelsRemoved"):
                for each in record.get(name, []):
                    each["message"].pop("labelIds", None)
        if "nextPageToken" not in page:
            gone = [{"message": {"id": each, "threadId": each}} for each in self.deleted]
            records = [*records, *([{"id": page["historyId"], "messagesDeleted": gone}] if gone else [])]
        return httpx.Response(200, json={**page, "history": records})


def _missing() -> httpx.Response:
    told = {"message": "Requested entity was not found.", "domain": "global", "reason": "notFound"}
    return httpx.Response(404, json={"error": {"code": 404, "status": "NOT_FOUND", "errors": [told]}})
