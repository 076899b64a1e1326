"""The mailbox of an account of the Graph double: folders, messages, and how these are told."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.peers.graph import Asked, Feed, GraphError, User, moment, stamp

__all__ = ["Folder", "Mailbox", "Message", "etag", "file_part", "new_id", "newest_first", "person", "text_in"]

_KNOWN = {
    "inbox": "Inbox", "drafts": "Drafts", "sentitems": "Sent Items", "deleteditems": "Deleted Items",
    "archive": "Archive", "junkemail": "Junk Email", "outbox": "Outbox",
}  # fmt: skip
_ROOT = "msgfolderroot"
_PREVIEW = 255


def new_id(prefix: str) -> str:
    """An id as long and as odd as Graph's."""
    return f"{prefix}{secrets.token_urlsafe(48)}-_=".replace("--", "-A")


@dataclass
class Folder:
    """A folder; `role` is the name by which every mailbox knows it, where there is one."""

    name: str
    parent: str
    role: str = ""
    id: str = field(default_factory=lambda: new_id("AQMkAD"))
    feed: Feed = field(default_factory=Feed)


@dataclass
class Message:
    """A message: what Graph tells of it, and the ids that it has; `mutable` changes when it moves."""

    values: dict[str, Any]
    folder: str
    attachments: list[dict[str, Any]] = field(default_factory=list)
    id: str = field(default_factory=lambda: new_id("AAkALg"))
    mutable: str = field(default_factory=lambda: new_id("AAMkAD"))


class Mailbox:
    """An account's mail. `sent` holds what left it; `late` keeps what was sent in the outbox until `settle`."""

    def __init__(self, user: User) -> None:
        self.user, self.graph = user, user.graph
        self.folders: dict[str, Folder] = {}
        self.messages: dict[str, Message] = {}
        self.tree = Feed()
        self.sent: list[Message] = []
        self.late = False
        self.short_changes = True
        self.settings: dict[str, Any] = {
            "timeZone": "UTC",
            "language": {"locale": "en-US", "displayName": "English (United States)"},
            "automaticRepliesSetting": {
                "status": "disabled", "externalAudience": "none", "internalReplyMessage": "",
                "externalReplyMessage": "",
                "scheduledStartDateTime": {"dateTime": "2026-11-29T08:00:00.0000000", "timeZone": "UTC"},
                "scheduledEndDateTime": {"dateTime": "2026-11-30T08:00:00.0000000", "timeZone": "UTC"},
            },
        }  # fmt: skip
        root = Folder("Top of Information Store", "", _ROOT)
        self.folders[root.id] = self.root = root
        for role, name in _KNOWN.items():
            self.add_folder(name, role=role)

    def add_folder(self, name: str, *, under: str = "", role: str = "") -> Folder:
        """Another folder, below that of an id or below the root."""
        made = Folder(name, under or self.root.id, role)
        self.folders[made.id] = made
        self.tree.changed(made.id)
        return made

    def remove_folder(self, folder: Folder) -> None:
        """Deletes a folder with all that lies in it."""
        for each in [each for each in self.messages.values() if each.folder == folder.id]:
            self.remove(each)
        del self.folders[folder.id]
        self.tree.removed(folder.id)

    def folder(self, name: str) -> Folder:
        """The folder of an id or of a known name; 404 for others."""
        wanted = name.lower()
        for each in self.folders.values():
            if each.id == name or (each.role and each.role == wanted):
                return each
        raise GraphError(404, "ErrorFolderNotFound", "The specified folder could not be found in the store.")

    def message(self, name: str) -> Message:
        """The message of an id, of either kind; 404 for others."""
        if name in self.messages:
            return self.messages[name]
        found = next((each for each in self.messages.values() if each.mutable == name), None)
        if found is None:
            raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return found

    def within(self, folder: str) -> list[Message]:
        """The messages of a folder, newest first."""
        kept = self.folder(folder).id
        return newest_first([each for each in self.messages.values() if each.folder == kept])

    def add(
        self,
        folder: str = "inbox",
        *,
        subject: str = "Lease",
        text: str = "Please sign the lease.",
        html: str = "",
        sender: str = "carol@example.org",
        name: str = "Carol Meyer",
        to: Sequence[str] = (),
        cc: Sequence[str] = (),
        when: datetime | None = None,
        files: Sequence[tuple[str, str, bytes]] = (),
        conversation: str = "",
        **values: Any,
    ) -> Message:
        """A mail that lies in a folder, for tests to begin with."""
        recipients = [person(each) for each in to or (self.user.address,)]
        given = {
            "subject": subject,
            "body": {"contentType": "html", "content": html} if html else {"contentType": "text", "content": text},
            "from": person(sender, name), "sender": person(sender, name),
            "toRecipients": recipients, "ccRecipients": [person(each) for each in cc],
            "receivedDateTime": moment(when or self.graph.now()), "sentDateTime": moment(when or self.graph.now()),
            "isDraft": False, **({"conversationId": conversation} if conversation else {}), **values,
        }  # fmt: skip
        made = self.create(given, self.folder(folder))
        made.attachments = [file_part(*each) for each in files]
        return made

    def create(self, values: dict[str, Any], folder: Folder) -> Message:
        """A message of these values, the rest as Exchange fills it in."""
        now = moment(self.graph.now())
        plain: dict[str, Any] = {
            "createdDateTime": now, "lastModifiedDateTime": now, "receivedDateTime": now, "sentDateTime": now,
            "subject": "", "importance": "normal", "isRead": False, "isDraft": True, "categories": [],
            "conversationId": new_id("AAQkAD"), "conversationIndex": "AQHc", "webLink": "https://outlook.example/",
            "internetMessageId": f"<{secrets.token_hex(12)}@{self.user.address.partition('@')[2]}>",
            "isDeliveryReceiptRequested": None, "isReadReceiptRequested": False, "inferenceClassification": "focused",
            "flag": {"flagStatus": "notFlagged"}, "body": {"contentType": "text", "content": ""},
            "toRecipients": [], "ccRecipients": [], "bccRecipients": [], "replyTo": [],
        }  # fmt: skip
        made = Message({**plain, **values, "changeKey": stamp()}, folder.id)
        self.messages[made.id] = made
        folder.feed.changed(made.id)
        self.tree.changed(folder.id)
        return made

    def change(self, message: Message, values: dict[str, Any]) -> None:
        """Writes values; a delta tells of them alone."""
        message.values |= {**values, "lastModifiedDateTime": moment(self.graph.now()), "changeKey": stamp()}
        names = (*values, "lastModifiedDateTime", "changeKey") if self.short_changes else ()
        self.folders[message.folder].feed.changed(message.id, *names)
        self.tree.changed(message.folder)

    def move(self, message: Message, to: Folder) -> None:
        """Puts a message into another folder: its mutable id is another one then."""
        if message.folder != to.id:
            self.folders[message.folder].feed.removed(message.id)
            self.tree.changed(message.folder)
            message.folder, message.mutable = to.id, new_id("AAMkAD")
        message.values["changeKey"] = stamp()
        to.feed.changed(message.id)
        self.tree.changed(to.id)

    def remove(self, message: Message) -> None:
        """Deletes a message for good."""
        del self.messages[message.id]
        self.folders[message.folder].feed.removed(message.id)
        self.tree.changed(message.folder)

    def send(self, message: Message) -> None:
        """Sends a draft: it lies with what was sent then, and with each recipient who has an account here."""
        values = message.values
        people = [*values["toRecipients"], *values["ccRecipients"], *values["bccRecipients"]]
        if not people:
            raise GraphError(400, "ErrorInvalidRecipients", "At least one recipient is not valid.")
        now = moment(self.graph.now())
        me = person(self.user.address, self.user.name)
        values |= {"isDraft": False, "isRead": True, "from": me, "sender": me, "sentDateTime": now}
        self.sent.append(message)
        self.move(message, self.folder("outbox" if self.late else "sentitems"))
        for address in {each["emailAddress"]["address"].lower() for each in people}:
            if address in self.graph.users:
                self.graph.user(address).part(Mailbox).receive(message)

    def settle(self) -> None:
        """What waits in the outbox goes to what was sent."""
        for each in self.within("outbox"):
            self.move(each, self.folder("sentitems"))

    def receive(self, message: Message) -> None:
        """A copy of a mail that somebody sent."""
        kept = ("subject", "body", "toRecipients", "ccRecipients", "from", "sender", "internetMessageId", "replyTo")
        values = {name: message.values[name] for name in kept}
        answered = message.values.get("_answers", "")
        for each in self.messages.values():
            if answered and each.values["internetMessageId"] == answered:
                values["conversationId"] = each.values["conversationId"]
        made = self.create({**values, "isDraft": False, "isRead": False}, self.folder("inbox"))
        made.attachments = [dict(each) for each in message.attachments]

    def shown(self, asked: Asked, message: Message) -> dict[str, Any]:
        """A message as it is told, before anything is selected."""
        values = {name: value for name, value in message.values.items() if not name.startswith("_")}
        plain = text_in(values["body"])
        if asked.preference("outlook.body-content-type").lower() == "text":
            values["body"] = {"contentType": "text", "content": plain}
        selected = asked.query.get("$select", "")
        if "internetMessageHeaders" in selected:
            values["internetMessageHeaders"] = _headers(message)
        if "uniqueBody" in selected:
            values["uniqueBody"] = values["body"]
        kind = {"@odata.etag": etag(message)}
        own = message.id if asked.immutable else message.mutable
        inline = [each for each in message.attachments if not each.get("isInline")]
        return {
            **kind, "id": own, **values, "parentFolderId": message.folder, "hasAttachments": bool(inline),
            "bodyPreview": " ".join(plain.split())[:_PREVIEW],
        }  # fmt: skip

    def shown_folder(self, folder: Folder) -> dict[str, Any]:
        """A folder as it is told."""
        inside = [each for each in self.messages.values() if each.folder == folder.id]
        return {
            "id": folder.id, "displayName": folder.name, "parentFolderId": folder.parent,
            "childFolderCount": sum(each.parent == folder.id for each in self.folders.values()),
            "unreadItemCount": sum(not each.values["isRead"] for each in inside),
            "totalItemCount": len(inside), "sizeInBytes": 0, "isHidden": False,
        }  # fmt: skip


def etag(message: Message) -> str:
    """The state of a message, as `If-Match` takes it."""
    return f'W/"{message.values["changeKey"]}"'


def newest_first(messages: Sequence[Message]) -> list[Message]:
    """By the time they came."""
    return sorted(messages, key=lambda each: str(each.values["receivedDateTime"]), reverse=True)


def person(address: str, name: str = "") -> dict[str, Any]:
    return {"emailAddress": {"address": address, "name": name or address}}


def file_part(name: str, kind: str, content: bytes, *, inline: bool = False) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.fileAttachment", "id": new_id("AAMkAT"), "name": name, "contentType": kind,
        "size": len(content), "isInline": inline, "contentId": None, "lastModifiedDateTime": "2026-11-29T00:00:00Z",
        "contentBytes": base64.b64encode(content).decode(),
    }  # fmt: skip


def text_in(body: dict[str, Any]) -> str:
    """Text out of HTML, roughly: Exchange does it better, and nothing here hangs on how."""
    content = str(body.get("content") or "")
    if str(body.get("contentType")).lower() != "html":
        return content
    content = re.sub(r"(?is)<(style|script|head)\b.*?</\1>", "", content)
    content = re.sub(r"(?i)<br\s*/?>|</p>|</div>", "\r\n", content)
    plain = re.sub(r"<[^>]*>", "", content)
    for entity, letter in (("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        plain = plain.replace(entity, letter)
    return plain.strip()


def _headers(message: Message) -> list[dict[str, str]]:
    values = message.values
    found = [{"name": "Message-ID", "value": values["internetMessageId"]}]
    if answered := values.get("_answers"):
        found += [{"name": "In-Reply-To", "value": answered}, {"name": "References", "value": answered}]
    return found + list(values.get("_headers", ()))
