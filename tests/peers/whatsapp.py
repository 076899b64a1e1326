"""A double of Meta's WhatsApp Cloud API: one number, its people, templates and files, and the pushes that Meta signs.

There is none that others maintain and CI may install, so this one is checked from its other side: clients that others
wrote (`pywa`, `@kapso/whatsapp-cloud-api`) talk to it, and read its pushes (`test_peer.py` of the connector).
"""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.peers.process import LOOPBACK, Lifespan, free_port

__all__ = ["Asked", "Contact", "Fault", "Push", "WhatsAppPeer"]

_DAY = 24 * 3600
_TYPES = ("text", "image", "video", "audio", "document", "sticker", "template", "reaction")
_KEYS = {
    "messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data",
    *_TYPES,
}  # fmt: skip
_WORDS = {
    100: "Invalid parameter", 190: "Invalid OAuth access token", 131009: "Parameter value is not valid",
    131030: "Recipient phone number not in allowed list", 131047: "Re-engagement message",
    131008: "Required parameter is missing", 132000: "Number of parameters does not match the expected number",
    132001: "Template name does not exist in the translation", 139100: "Failed to block/unblock some users",
}  # fmt: skip


class Refused(Exception):
    """An error of Meta's."""

    def __init__(self, code: int, status: int = 400, details: str = "") -> None:
        super().__init__(code)
        self.code, self.status, self.details = code, status, details


@dataclass
class Contact:
    """Somebody on WhatsApp; with a user name the number is told to nobody."""

    phone: str
    bsuid: str
    name: str
    username: str = ""
    hidden: bool = False
    wrote: float = 0.0


@dataclass(frozen=True)
class Asked:
    """A request; `body` is the JSON value in it, or the bytes of a form."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Push:
    """What Meta sends to the address, with its signature."""

    body: bytes
    headers: dict[str, str]


@dataclass
class Fault:
    """What becomes of the next request of `method` whose path ends with `path`: acted upon first, or not at all."""

    path: str
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    act: bool = False
    method: str = "POST"
    times: int = 1


class WhatsAppPeer(Lifespan):
    """Meta, for one number. `now` is its clock; `asked` what came, `sent` the messages that it took, in order."""

    token, app_secret = "EAA-not-a-real-token", "not-a-real-app-secret"
    phone_number_id, waba_id, app_id = "106540352242922", "102290129340398", "67890"
    version = "v26.0"

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self.port, self.now = free_port(), now
        self._server: http.server.ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self.clear()

    def clear(self) -> None:
        """Everything as at first."""
        self.asked: list[Asked] = []
        self.sent: list[dict[str, Any]] = []
        self.read: list[str] = []
        self.faults: list[Fault] = []
        self.people: dict[str, Contact] = {}
        self.listed: set[str] | None = None
        self.blocked: list[str] = []
        self.templates: list[dict[str, Any]] = []
        self.files: dict[str, tuple[bytes, str]] = {}
        self.subscribed, self.page = True, 100
        self.media_origin = self.url
        self.next_link, self.quality = "", "GREEN"
        self._count = 0

    @property
    def url(self) -> str:
        """Where its API answers."""
        return f"http://{LOOPBACK}:{self.port}"

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

    # --- what people do -----------------------------------------------------------------------------------------

    def person(self, phone: str, bsuid: str, name: str, *, username: str = "", hidden: bool = False) -> Contact:
        """Somebody on WhatsApp."""
        made = self.people[bsuid] = Contact(phone, bsuid, name, username, hidden)
        return made

    def says(self, who: Contact, text: str = "", *, ago: float = 0.0, wamid: str = "", **content: Any) -> Push:
        """Somebody writes; `content` is a message of another kind, such as `image={…}`, or fields beside it."""
        wamid, at = wamid or self.wamid(), int(self.now() - ago)
        who.wrote = max(who.wrote, self.now() - ago)
        kind = next((each for each in content if each in _KINDS), "text")
        body = {kind: {"body": text}} if kind == "text" else {}
        message = {**self._from(who), "id": wamid, "timestamp": str(at), "type": kind, **body, **content}
        return self.push({"contacts": [self._contact(who)], "messages": [message]})

    def echoes(self, who: Contact, text: str) -> Push:
        """The owner writes from the phone."""
        to = {"to": who.phone, "to_user_id": who.bsuid}
        message = {"from": "15550783881", **to, "id": self.wamid(), "timestamp": str(int(self.now())), "type": "text",
                   "text": {"body": text}}  # fmt: skip
        value = {"contacts": [self._contact(who)], "message_echoes": [message]}
        return self.push(value, field="smb_message_echoes")

    def status(self, sent: dict[str, Any], status: str = "sent", *, code: int = 0, ago: float = 0.0) -> Push:
        """What became of a message that was taken."""
        who: Contact = sent["who"]
        told: dict[str, Any] = {
            "id": sent["wamid"], "status": status, "timestamp": str(int(self.now() - ago)),
            "recipient_user_id": who.bsuid,
        }  # fmt: skip
        if not who.hidden:
            told["recipient_id"] = who.phone
        if tracker := sent["body"].get("biz_opaque_callback_data"):
            told["biz_opaque_callback_data"] = tracker
        if status == "failed":
            told["errors"] = [{"code": code, "title": "x", "message": "x", "error_data": {"details": "x"}}]
        else:
            told["conversation"] = {"id": "c1", "origin": {"type": "service"}}
            told["pricing"] = {"billable": False, "pricing_model": "PMP", "category": "service",
                               "type": "free_customer_service"}  # fmt: skip
        return self.push({"contacts": [self._contact(who)], "statuses": [told]})

    def push(self, value: dict[str, Any], *, field: str = "messages", number: str = "") -> Push:
        """A signed push of a change."""
        metadata = {"display_phone_number": "15550783881", "phone_number_id": number or self.phone_number_id}
        value = {"messaging_product": "whatsapp", "metadata": metadata, **value}
        entry = {"id": self.waba_id, "changes": [{"field": field, "value": value}]}
        return self.signed({"object": "whatsapp_business_account", "entry": [entry]})

    def signed(self, told: Any) -> Push:
        """Any value, or bytes, as Meta would sign it; Meta escapes what is not ASCII."""
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        made = hmac.new(self.app_secret.encode(), body, hashlib.sha256).hexdigest()
        return Push(body, {"x-hub-signature-256": f"sha256={made}"})

    def wamid(self) -> str:
        """A fresh id of a message."""
        self._count += 1
        return f"wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQ{self._count:08d}=="

    def file(self, content: bytes, mime: str) -> str:
        """A file at Meta; gives its id."""
        self._count += 1
        media = f"27548594414{self._count:05d}"
        self.files[media] = (content, mime)
        return media

    def template(self, name: str, body: str, **more: Any) -> dict[str, Any]:
        """A template, approved unless told otherwise."""
        self._count += 1
        examples = [f"example {each}" for each in re.findall(r"\{\{\w+\}\}", body)]
        example = {"example": {"body_text": [examples]}} if examples else {}
        made = {
            "id": f"5647507955{self._count:05d}", "name": name, "language": "en_US", "category": "UTILITY",
            "status": "APPROVED", "components": [{"type": "BODY", "text": body, **example}],
            "parameter_format": "POSITIONAL", **more,
        }  # fmt: skip
        self.templates.append(made)
        return made

    def _from(self, who: Contact) -> dict[str, str]:
        return {"from_user_id": who.bsuid} if who.hidden else {"from": who.phone, "from_user_id": who.bsuid}

    def _contact(self, who: Contact) -> dict[str, Any]:
        profile = {"name": who.name, **({"username": who.username} if who.username else {})}
        return {"profile": profile, "user_id": who.bsuid, **({} if who.hidden else {"wa_id": who.phone})}

    # --- what the number's owner asks ---------------------------------------------------------------------------

    def answer(self, asked: Asked) -> tuple[int, bytes, dict[str, str]]:
        """What Meta says to a request."""
        self.asked.append(asked)
        fault = next((each for each in self.faults if each.method == asked.method and _hits(each, asked)), None)
        if fault is not None:
            fault.times -= 1
            if not fault.times:
                self.faults.remove(fault)
            if fault.act:
                self._answer(asked)
            return fault.status, fault.body, fault.headers
        return self._answer(asked)

    def _answer(self, asked: Asked) -> tuple[int, bytes, dict[str, str]]:
        try:
            found = self._routed(asked)
        except Refused as refused:
            words = f"(#{refused.code}) {_WORDS.get(refused.code, 'Error')}"
            error = {"message": refused.details if refused.code == 100 and refused.details else words,
                     "type": "OAuthException", "code": refused.code, "fbtrace_id": "AXtest",
                     "error_data": {"messaging_product": "whatsapp", "details": refused.details}}  # fmt: skip
            return refused.status, json.dumps({"error": error}).encode(), {"content-type": "application/json"}
        if isinstance(found, tuple):
            return 200, found[0], {"content-type": found[1]}
        return 200, json.dumps(found).encode(), {"content-type": "application/json"}

    def _routed(self, asked: Asked) -> Any:
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            raise Refused(190, 401)
        if found := re.fullmatch(r"/_media/(\w+)", asked.path):
            return self.files[found[1]]
        version, _, path = asked.path.removeprefix("/").partition("/")
        path = path.rstrip("/")
        if version != self.version:
            raise Refused(100, details="Unknown version")
        routes: dict[tuple[str, str], Callable[[Asked], Any]] = {
            ("POST", f"{self.phone_number_id}/messages"): self._message,
            ("POST", f"{self.phone_number_id}/media"): self._upload,
            ("GET", self.phone_number_id): self._number,
            ("GET", f"{self.phone_number_id}/block_users"): self._list_blocked,
            ("POST", f"{self.phone_number_id}/block_users"): self._block,
            ("DELETE", f"{self.phone_number_id}/block_users"): self._block,
            ("GET", f"{self.waba_id}/message_templates"): self._templates,
            ("GET", f"{self.waba_id}/subscribed_apps"): self._apps,
        }
        if (asked.method, path) in routes:
            return routes[asked.method, path](asked)
        if path in self.files and asked.method == "DELETE":
            del self.files[path]
            return {"success": True}
        if path in self.files and asked.method == "GET":
            return self._media(path)
        raise Refused(100, details=f"Unsupported {asked.method.lower()} request. Object does not exist")

    def _message(self, asked: Asked) -> Any:
        body = asked.body
        if not isinstance(body, dict) or body.get("messaging_product") != "whatsapp":
            raise Refused(100, details="The parameter messaging_product is required.")
        if body.get("status") == "read":
            self.read.append(body["message_id"])
            return {"success": True}
        kind = body.get("type", "text")
        if set(body) - _KEYS or kind not in _TYPES or kind not in body:
            raise Refused(100, details="Unexpected key")
        if len(body.get("biz_opaque_callback_data", "")) > 512:
            raise Refused(131009)
        who = self._recipient(body)
        _checked(kind, body[kind])
        if kind == "template":
            self._check_template(body["template"])
        elif self.now() - who.wrote >= _DAY:
            raise Refused(131047, details="More than 24 hours have passed since the customer last replied")
        if kind in ("image", "video", "audio", "document", "sticker") and body[kind]["id"] not in self.files:
            raise Refused(131009, details="The media does not exist")
        sent = {"wamid": self.wamid(), "who": who, "body": body}
        self.sent.append(sent)
        contact = {"input": body.get("to") or body["recipient"]}
        contact |= {"wa_id": who.phone} if body.get("to") else {"user_id": who.bsuid}
        accepted = {"message_status": "accepted"} if kind == "template" else {}
        return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": sent["wamid"], **accepted}]}

    def _recipient(self, body: dict[str, Any]) -> Contact:
        to, recipient = str(body.get("to", "")).lstrip("+"), body.get("recipient", "")
        if not to and not recipient:
            raise Refused(131008)
        if self.listed is not None and to not in self.listed:
            raise Refused(131030)
        for each in self.people.values():
            if (to and each.phone == to) or (not to and each.bsuid == recipient):
                return each
        return self.person(to, f"US.{to}", "Nobody yet")

    def _check_template(self, given: dict[str, Any]) -> None:
        language = given["language"]["code"]
        known = [each for each in self.templates if each["name"] == given["name"] and each["language"] == language]
        if not known or known[0]["status"] != "APPROVED":
            raise Refused(132001, 404)
        texts = " ".join(str(each.get("text", "")) for each in known[0]["components"])
        wanted = len(set(re.findall(r"\{\{\w+\}\}", texts)))
        if wanted != sum(len(each["parameters"]) for each in given.get("components", [])):
            raise Refused(132000)

    def _upload(self, asked: Asked) -> Any:
        head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
        parts: dict[str, Any] = {}
        for part in BytesParser(policy=HTTP).parsebytes(head + asked.body).iter_parts():
            parts[str(part.get_param("name", header="content-disposition"))] = part
        if parts["messaging_product"].get_payload(decode=True).strip() != b"whatsapp":
            raise Refused(100, details="The parameter messaging_product is required.")
        content = parts["file"].get_payload(decode=True)
        return {"id": self.file(content, parts["file"].get_content_type())}

    def _media(self, media: str) -> Any:
        content, mime = self.files[media]
        return {
            "url": f"{self.media_origin}/_media/{media}?ext=1&hash=x", "mime_type": mime, "id": media,
            "sha256": hashlib.sha256(content).hexdigest(), "file_size": len(content), "messaging_product": "whatsapp",
        }  # fmt: skip

    def _number(self, asked: Asked) -> Any:
        if proof := asked.query.get("appsecret_proof"):
            made = hmac.new(self.app_secret.encode(), self.token.encode(), hashlib.sha256).hexdigest()
            if proof != [made]:
                raise Refused(100, details="Invalid appsecret_proof provided in the API argument")
        return {
            "verified_name": "Ada's assistant", "display_phone_number": "+1 555-078-3881",
            "quality_rating": self.quality, "platform_type": "CLOUD_API",
            "throughput": {"level": "STANDARD"}, "id": self.phone_number_id,
        }  # fmt: skip

    def _templates(self, asked: Asked) -> Any:
        count = len(self.templates)
        summary = {"total_count": count, "message_template_count": count, "message_template_limit": 250,
                   "are_translations_complete": True}  # fmt: skip
        return {**self._page(asked, self.templates), **({"summary": summary} if "summary" in asked.query else {})}

    def _apps(self, _: Asked) -> Any:
        app = {"whatsapp_business_api_data": {"link": "https://example.org", "name": "Assistant", "id": self.app_id}}
        return {"data": [app] if self.subscribed else []}

    def _page(self, asked: Asked, rows: list[dict[str, Any]]) -> Any:
        """Cursors, and a link with the token in it, as Meta has them."""
        start = int(asked.query.get("after", ["0"])[0])
        end = start + min(self.page, int(asked.query.get("limit", ["25"])[0]))
        paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(end)}}
        if end < len(rows):
            paging["next"] = self.next_link or f"{self.url}{asked.path}?access_token={self.token}&after={end}"
        return {"data": rows[start:end], "paging": paging}

    def _list_blocked(self, asked: Asked) -> Any:
        rows = [{"messaging_product": "whatsapp", ("wa_id" if each.isdigit() else "user_id"): each}
                for each in self.blocked]  # fmt: skip
        return self._page(asked, rows)

    def _block(self, asked: Asked) -> Any:
        done, failed = [], []
        for each in asked.body["block_users"]:
            given = str(each.get("user") or each["user_id"]).lstrip("+")
            who = next((one for one in self.people.values() if given in (one.phone, one.bsuid)), None)
            if asked.method == "POST" and (who is None or self.now() - who.wrote >= _DAY):
                failed.append({"input": given, "errors": [{"code": 131047, "message": "x"}]})
                continue
            if asked.method == "POST":
                self.blocked = [*(one for one in self.blocked if one != given), given]
            else:
                self.blocked = [one for one in self.blocked if one != given]
            done.append({"input": given, ("wa_id" if given.isdigit() else "user_id"): given})
        told: dict[str, Any] = {"added_users" if asked.method == "POST" else "removed_users": done}
        if failed and not done:
            raise Refused(139100)
        return {"messaging_product": "whatsapp", "block_users": told | ({"failed_users": failed} if failed else {})}


_KINDS = ("image", "video", "audio", "document", "sticker", "reaction", "location", "contacts", "button",
          "interactive", "edit", "revoke", "system", "unsupported", "order")  # fmt: skip


def _hits(fault: Fault, asked: Asked) -> bool:
    return asked.path.endswith(fault.path)


def _checked(kind: str, part: Any) -> None:
    """What Meta's reference asks of a part."""
    allowed = {
        "text": {"body", "preview_url"}, "image": {"id", "caption", "link"}, "video": {"id", "caption", "link"},
        "audio": {"id", "link", "voice"}, "document": {"id", "caption", "filename", "link"}, "sticker": {"id", "link"},
        "template": {"name", "language", "components"}, "reaction": {"message_id", "emoji"},
    }[kind]  # fmt: skip
    if not isinstance(part, dict) or set(part) - allowed:
        raise Refused(100, details=f"Unexpected key in {kind}")
    if kind == "text" and not 1 <= len(part["body"]) <= 4096:
        raise Refused(100, details="Param text['body'] must be at most 4096 characters long.")


def _handler(peer: WhatsAppPeer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            parts = urlsplit(self.path)
            body: Any = raw
            if headers.get("content-type", "").startswith("application/json"):
                body = json.loads(raw)
            asked = Asked(self.command, parts.path, parse_qs(parts.query), headers, body)
            status, content, more = peer.answer(asked)
            if status == 0:  # the connection breaks
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", more.get("x-lies-of", str(len(content))))
            self.end_headers()
            self.wfile.write(content)
            if "x-lies-of" in more:
                self.close_connection = True

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - as the server wants them

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler
