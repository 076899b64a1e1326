"""Outlook mail of the Graph double: folders, messages, drafts, sending between its accounts, attachments, settings.

As https://learn.microsoft.com/graph/api/resources/mail-api-overview describes it, with the bounds that bite: a search
goes with no filter and no order, an order needs its property first in the filter, an id that is not immutable changes
when its message moves, `send` answers before anything can be known of it, and a delta tells of a change in what was
changed alone.
"""

from __future__ import annotations

import base64
import email.policy
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from tests.peers.graph import Answer, Asked, Feed, GraphError, Routes, User, delta, moment, stamp

__all__ = ["Folder", "Mailbox", "Message", "matching", "ordered", "routes"]

_READ = ("Mail.Read", "Mail.ReadWrite")
_WRITE = ("Mail.ReadWrite",)
_SEND = ("Mail.Send",)
_SETTINGS = ("MailboxSettings.ReadWrite",)

_KNOWN = {
    "inbox": "Inbox", "drafts": "Drafts", "sentitems": "Sent Items", "deleteditems": "Deleted Items",
    "archive": "Archive", "junkemail": "Junk Email", "outbox": "Outbox",
}  # fmt: skip
_ROOT = "msgfolderroot"
_ALWAYS = {"isRead", "flag", "categories", "importance"}
_OF_DRAFTS = {"subject", "body", "toRecipients", "ccRecipients", "bccRecipients", "replyTo", "internetMessageId"}
_PREVIEW = 255
_LARGEST_ATTACHMENT = 3 * 1024 * 1024
_PIECE = 327_680


def _new_id(prefix: str) -> str:
    """An id as long and as odd as Graph's."""
    return f"{prefix}{secrets.token_urlsafe(48)}-_=".replace("--", "-A")


@dataclass
class Folder:
    """A folder; `role` is the name by which every mailbox knows it, where there is one."""

    name: str
    parent: str
    role: str = ""
    id: str = field(default_factory=lambda: _new_id("AQMkAD"))
    feed: Feed = field(default_factory=Feed)


@dataclass
class Message:
    """A message: what Graph tells of it, and the ids that it has; `mutable` changes when it moves."""

    values: dict[str, Any]
    folder: str
    attachments: list[dict[str, Any]] = field(default_factory=list)
    id: str = field(default_factory=lambda: _new_id("AAkALg"))
    mutable: str = field(default_factory=lambda: _new_id("AAMkAD"))


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
        recipients = [_person(each) for each in to or (self.user.address,)]
        given = {
            "subject": subject,
            "body": {"contentType": "html", "content": html} if html else {"contentType": "text", "content": text},
            "from": _person(sender, name), "sender": _person(sender, name),
            "toRecipients": recipients, "ccRecipients": [_person(each) for each in cc],
            "receivedDateTime": moment(when or self.graph.now()), "sentDateTime": moment(when or self.graph.now()),
            "isDraft": False, **({"conversationId": conversation} if conversation else {}), **values,
        }  # fmt: skip
        made = self.create(given, self.folder(folder))
        made.attachments = [_file(*each) for each in files]
        return made

    def create(self, values: dict[str, Any], folder: Folder) -> Message:
        """A message of these values, the rest as Exchange fills it in."""
        now = moment(self.graph.now())
        plain: dict[str, Any] = {
            "createdDateTime": now, "lastModifiedDateTime": now, "receivedDateTime": now, "sentDateTime": now,
            "subject": "", "importance": "normal", "isRead": False, "isDraft": True, "categories": [],
            "conversationId": _new_id("AAQkAD"), "conversationIndex": "AQHc", "webLink": "https://outlook.example/",
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
            message.folder, message.mutable = to.id, _new_id("AAMkAD")
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
        me = _person(self.user.address, self.user.name)
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
        plain = _text(values["body"])
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


def _person(address: str, name: str = "") -> dict[str, Any]:
    return {"emailAddress": {"address": address, "name": name or address}}


def _file(name: str, kind: str, content: bytes, *, inline: bool = False) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.fileAttachment", "id": _new_id("AAMkAT"), "name": name, "contentType": kind,
        "size": len(content), "isInline": inline, "contentId": None, "lastModifiedDateTime": "2026-11-29T00:00:00Z",
        "contentBytes": base64.b64encode(content).decode(),
    }  # fmt: skip


def _text(body: dict[str, Any]) -> str:
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


# Filters, orders, pages


_CLAUSE = re.compile(
    r"\s*(?:(startswith|contains)\((\w+(?:/\w+)*),\s*'((?:[^']|'')*)'\)"
    r"|(\w+(?:/\w+)*)\s+(eq|ne|ge|gt|le|lt)\s+('(?:[^']|'')*'|[^\s']+))\s*(?:and(?=\s)|$)",
    re.IGNORECASE,
)


def matching(items: Sequence[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """The items that a `$filter` of clauses joined by `and` lets through; 400 for what it cannot read."""
    clauses, at = list[tuple[str, str, Any]](), 0
    while at < len(text):
        found = _CLAUSE.match(text, at)
        if found is None:
            raise GraphError(400, "ErrorInvalidUrlQueryFilter", "The query filter contains one or more invalid nodes.")
        at = found.end()
        if found.group(1):
            clauses.append((found.group(1).lower(), found.group(2), found.group(3).replace("''", "'")))
        else:
            clauses.append((found.group(5).lower(), found.group(4), _literal(found.group(6))))
    return [each for each in items if all(_holds(each, *clause) for clause in clauses)]


def _literal(text: str) -> Any:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return {"true": True, "false": False}.get(text.lower(), text)


def _value(item: dict[str, Any], path: str) -> Any:
    found: Any = item
    for name in path.split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _holds(item: dict[str, Any], kind: str, path: str, wanted: Any) -> bool:
    found = _value(item, path)
    if kind == "startswith":
        return str(found or "").lower().startswith(wanted.lower())
    if kind == "contains":
        return wanted.lower() in str(found or "").lower()
    if kind in ("eq", "ne"):
        same = (
            found.lower() == wanted.lower() if isinstance(found, str) and isinstance(wanted, str) else found == wanted
        )
        return same if kind == "eq" else not same
    compared: Callable[[str, str], bool] = {
        "ge": str.__ge__, "gt": str.__gt__, "le": str.__le__, "lt": str.__lt__,
    }[kind]  # fmt: skip
    return compared(str(found), str(wanted))


def ordered(items: Sequence[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """Items in the order of an `$orderby`."""
    found = list(items)
    for each in reversed(text.split(",")):
        path, _, way = each.strip().partition(" ")
        found.sort(key=lambda item: str(_value(item, path) or ""), reverse=way.strip().lower() == "desc")
    return found


def _listed(asked: Asked, items: Sequence[dict[str, Any]], *, default: int = 10) -> Answer:
    """A page of a collection by filter, order, search, top and skip, as Outlook allows them together."""
    query = asked.query
    wanted, order, search = query.get("$filter", ""), query.get("$orderby", ""), query.get("$search", "")
    if search and (wanted or order):
        code = "SearchWithFilter" if wanted else "SearchWithOrderBy"
        raise GraphError(400, code, "The query parameter is not supported with $search.")
    if wanted and order and not wanted.lstrip("( ").lower().startswith(order.split()[0].rstrip(",").lower()):
        raise GraphError(400, "InefficientFilter", "The restriction or sort order is too complex for this operation.")
    found = matching(items, wanted) if wanted else list(items)
    found = [each for each in found if _found(each, search)] if search else found
    found = ordered(found, order) if order else found
    skip = int(query["$skip"]) if query.get("$skip", "").isdecimal() else 0
    top = asked.number("$top", default, most=1000)
    body: dict[str, Any] = {"@odata.context": f"{asked.graph.url}/$metadata#Collection"}
    if query.get("$count") == "true":
        body["@odata.count"] = len(found)
    body["value"] = [asked.selected(each) for each in found[skip : skip + top]]
    if skip + top < len(found):
        body["@odata.nextLink"] = asked.link(**{**query, "$skip": str(skip + top)})
    return Answer(200, body)


_TERM = re.compile(r'(?:(\w+):)?(?:\\?"((?:[^"\\]|\\[^"])*)\\?"|([^\s"]+))')


def _found(item: dict[str, Any], search: str) -> bool:
    """Whether a message answers a search (KQL: words that all occur, and a few properties)."""
    if not (search.startswith('"') and search.endswith('"') and len(search) > 1):
        raise GraphError(400, "BadRequest", "Syntax error: character is not valid.")
    people = [item.get("from") or {}, *item["toRecipients"], *item["ccRecipients"]]
    said = {name: " ".join(str(v) for v in each.get("emailAddress", {}).values()) for name, each in enumerate(people)}
    sender, others = said.get(0, ""), " ".join(text for at, text in said.items() if at)
    fields = {"from": sender, "to": others, "subject": str(item["subject"]), "body": _text(item["body"])}
    whole = " ".join(fields.values()).lower()
    terms = _TERM.findall(search[1:-1])
    return all(
        (quoted or word).lower() in (fields.get(name.lower(), "").lower() if name else whole)
        for name, quoted, word in terms
    )


# Paths


routes = Routes()


def _box(asked: Asked) -> Mailbox:
    return asked.user.part(Mailbox)


def _taken(message: Message, asked: Asked, status: int = 200) -> Answer:
    return Answer(status, asked.selected(_box(asked).shown(asked, message)))


@routes("GET", "/me/mailFolders/delta", *_READ)
def _folders_delta(asked: Asked) -> Answer:
    box = _box(asked)

    def render(item: str) -> dict[str, Any] | None:
        folder = box.folders.get(item)
        return box.shown_folder(folder) if folder else None

    return delta(asked, box.tree, lambda: list(box.folders), render, size=10)


@routes("GET", "/me/mailFolders", *_READ)
def _folders(asked: Asked) -> Answer:
    box = _box(asked)
    found = [box.shown_folder(each) for each in box.folders.values() if each.parent == box.root.id]
    return _listed(asked, found)


@routes("POST", "/me/mailFolders", *_WRITE)
def _new_folder(asked: Asked) -> Answer:
    box, name = _box(asked), str(asked.json["displayName"])
    if any(each.name.lower() == name.lower() and each.parent == box.root.id for each in box.folders.values()):
        raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")
    return Answer(201, box.shown_folder(box.add_folder(name)))


@routes("GET", "/me/mailFolders/{folder}", *_READ)
def _folder(asked: Asked) -> Answer:
    box = _box(asked)
    return Answer(200, asked.selected(box.shown_folder(box.folder(asked.match["folder"]))))


@routes("GET", "/me/mailFolders/{folder}/childFolders", *_READ)
def _children(asked: Asked) -> Answer:
    box = _box(asked)
    parent = box.folder(asked.match["folder"]).id
    return _listed(asked, [box.shown_folder(each) for each in box.folders.values() if each.parent == parent])


@routes("GET", "/me/mailFolders/{folder}/messages/delta", *_READ)
def _messages_delta(asked: Asked) -> Answer:
    box = _box(asked)
    folder = box.folder(asked.match["folder"])
    order = asked.query.get("$orderby", "").lower()
    if order and order.split() != ["receiveddatetime", "desc"]:
        raise GraphError(400, "ErrorInvalidUrlQuery", "The order is not supported with a delta.")

    def render(item: str) -> dict[str, Any] | None:
        message = box.messages.get(item)
        return box.shown(asked, message) if message is not None and message.folder == folder.id else None

    def start() -> list[str]:
        found = box.within(folder.id)
        shown = {each.id: box.shown(asked, each) for each in found}
        kept = matching(list(shown.values()), asked.query["$filter"]) if "$filter" in asked.query else shown.values()
        wanted = {each["id"] for each in kept}
        return [each.id for each in found if shown[each.id]["id"] in wanted]

    return delta(asked, folder.feed, start, render, size=10)


@routes("GET", "/me/mailFolders/{folder}/messages", *_READ)
def _in_folder(asked: Asked) -> Answer:
    box = _box(asked)
    return _listed(asked, [box.shown(asked, each) for each in box.within(asked.match["folder"])])


@routes("POST", "/me/mailFolders/{folder}/messages", *_WRITE)
def _create_in(asked: Asked) -> Answer:
    return _created(asked, _box(asked).folder(asked.match["folder"]))


@routes("GET", "/me/messages", *_READ)
def _messages(asked: Asked) -> Answer:
    box = _box(asked)
    return _listed(asked, [box.shown(asked, each) for each in newest_first(list(box.messages.values()))])


@routes("POST", "/me/messages", *_WRITE)
def _create(asked: Asked) -> Answer:
    return _created(asked, _box(asked).folder("drafts"))


def _created(asked: Asked, folder: Folder) -> Answer:
    values = _writable(asked.json, _ALWAYS | _OF_DRAFTS)
    files = values.pop("attachments", [])
    made = _box(asked).create({**values, "isRead": True}, folder)
    made.attachments = [_given_file(each) for each in files]
    return _taken(made, asked, 201)


def _writable(given: Any, names: set[str]) -> dict[str, Any]:
    """Checked values of a message; 400 for what cannot be written, or is of another type."""
    if not isinstance(given, dict):
        raise GraphError(400, "RequestBodyRead", "The request body is not valid.")
    values = {name: value for name, value in given.items() if not name.startswith("@")}
    unknown = set(values) - names - {"attachments", "isDeliveryReceiptRequested", "isReadReceiptRequested", "from",
                                     "sender", "singleValueExtendedProperties"}  # fmt: skip
    if unknown:
        raise GraphError(400, "ErrorInvalidPropertySet", f"The property {min(unknown)} cannot be set.")
    for name in {"toRecipients", "ccRecipients", "bccRecipients", "replyTo"} & values.keys():
        values[name] = [_recipient(each) for each in values[name]]
    if "body" in values and set(values["body"]) - {"contentType", "content", "@odata.type"}:
        raise GraphError(400, "RequestBodyRead", "The body is not valid.")
    return values


def _recipient(given: Any) -> dict[str, Any]:
    address = given.get("emailAddress", {}).get("address") if isinstance(given, dict) else None
    if not isinstance(address, str) or "@" not in address:
        raise GraphError(400, "ErrorInvalidRecipients", "At least one recipient is not valid.")
    return _person(address, str(given["emailAddress"].get("name") or ""))


@routes("GET", "/me/messages/{message}", *_READ)
def _message(asked: Asked) -> Answer:
    return _taken(_box(asked).message(asked.match["message"]), asked)


@routes("GET", "/me/messages/{message}/$value", *_READ)
def _mime(asked: Asked) -> Answer:
    message = _box(asked).message(asked.match["message"])
    return Answer(200, _as_mime(message), {"Content-Type": "text/plain"})


@routes("PATCH", "/me/messages/{message}", *_WRITE)
def _change(asked: Asked) -> Answer:
    box = _box(asked)
    message = box.message(asked.match["message"])
    asked.check_match(etag(message))
    draft = message.values["isDraft"]
    values = _writable(asked.json, _ALWAYS | _OF_DRAFTS)
    if not draft and set(values) & _OF_DRAFTS:
        raise GraphError(400, "ErrorInvalidPropertySet", "The property cannot be set once the message was sent.")
    box.change(message, values)
    return _taken(message, asked)


@routes("DELETE", "/me/messages/{message}", *_WRITE)
def _delete(asked: Asked) -> Answer:
    box = _box(asked)
    message = box.message(asked.match["message"])
    asked.check_match(etag(message))
    bin_ = box.folder("deleteditems")
    if message.folder == bin_.id:
        box.remove(message)
    else:
        box.move(message, bin_)
    return Answer(204)


@routes("POST", "/me/messages/{message}/permanentDelete", *_WRITE)
def _delete_for_good(asked: Asked) -> Answer:
    box = _box(asked)
    box.remove(box.message(asked.match["message"]))
    return Answer(204)


@routes("POST", "/me/messages/{message}/move", *_WRITE)
def _move(asked: Asked) -> Answer:
    box = _box(asked)
    message = box.message(asked.match["message"])
    box.move(message, box.folder(str(asked.json["destinationId"])))
    return _taken(message, asked, 201)


@routes("POST", "/me/messages/{message}/copy", *_WRITE)
def _copy(asked: Asked) -> Answer:
    box = _box(asked)
    message = box.message(asked.match["message"])
    made = box.create(dict(message.values), box.folder(str(asked.json["destinationId"])))
    made.attachments = [dict(each) for each in message.attachments]
    return _taken(made, asked, 201)


@routes("POST", "/me/messages/{message}/send", *_SEND)
def _send(asked: Asked) -> Answer:
    box = _box(asked)
    message = box.message(asked.match["message"])
    if not message.values["isDraft"]:
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    box.send(message)
    return Answer(202)


@routes("POST", "/me/sendMail", *_SEND)
def _send_mail(asked: Asked) -> Answer:
    box = _box(asked)
    values = _writable(asked.json["message"], _ALWAYS | _OF_DRAFTS)
    files = values.pop("attachments", [])
    made = box.create(values, box.folder("drafts"))
    made.attachments = [_given_file(each) for each in files]
    box.send(made)
    if asked.json.get("saveToSentItems") is False:
        box.remove(made)
    return Answer(202)


def _answering(asked: Asked, kind: str) -> Message:
    """The draft that answers a message or passes it on."""
    box = _box(asked)
    first, given = box.message(asked.match["message"]), asked.json
    values, comment = _writable(given.get("message") or {}, _ALWAYS | _OF_DRAFTS), given.get("comment")
    if comment is not None and "body" in values:
        raise GraphError(400, "ErrorInvalidRequest", "Either comment or body may be given.")
    was = first.values
    prefix = "FW: " if kind == "createForward" else "RE: "
    subject = was["subject"] if was["subject"].upper().startswith(prefix.strip()) else prefix + was["subject"]
    history = f"{comment or ''}\r\n\r\n________________________________\r\nFrom: …\r\n{_text(was['body'])}"
    own = box.user.address.lower()
    people: dict[str, Any] = {}
    if kind != "createForward":
        people["toRecipients"] = was["replyTo"] or [was["from"]]
    if kind == "createReplyAll":
        others = [each for each in was["toRecipients"] if each["emailAddress"]["address"].lower() != own]
        people["toRecipients"] = [*people["toRecipients"], *others]
        people["ccRecipients"] = was["ccRecipients"]
    if kind == "createForward" and "toRecipients" in given:
        people["toRecipients"] = [_recipient(each) for each in given["toRecipients"]]
    conversation = {} if kind == "createForward" else {"conversationId": was["conversationId"]}
    plain = {
        "subject": subject, "body": {"contentType": "text", "content": history}, "isRead": True, **people,
        **conversation, "_answers": "" if kind == "createForward" else was["internetMessageId"],
    }  # fmt: skip
    made = box.create({**plain, **values}, box.folder("drafts"))
    if kind == "createForward":
        made.attachments = [{**each, "id": _new_id("AAMkAT")} for each in first.attachments]
    return made


@routes("POST", "/me/messages/{message}/createReply", *_WRITE)
def _create_reply(asked: Asked) -> Answer:
    return _taken(_answering(asked, "createReply"), asked, 201)


@routes("POST", "/me/messages/{message}/createReplyAll", *_WRITE)
def _create_reply_all(asked: Asked) -> Answer:
    return _taken(_answering(asked, "createReplyAll"), asked, 201)


@routes("POST", "/me/messages/{message}/createForward", *_WRITE)
def _create_forward(asked: Asked) -> Answer:
    return _taken(_answering(asked, "createForward"), asked, 201)


@routes("POST", "/me/messages/{message}/reply", *_SEND)
def _reply(asked: Asked) -> Answer:
    _box(asked).send(_answering(asked, "createReply"))
    return Answer(202)


@routes("POST", "/me/messages/{message}/forward", *_SEND)
def _forward(asked: Asked) -> Answer:
    _box(asked).send(_answering(asked, "createForward"))
    return Answer(202)


# Attachments


def _given_file(given: dict[str, Any]) -> dict[str, Any]:
    try:
        content = base64.b64decode(given["contentBytes"], validate=True)
    except (KeyError, ValueError) as error:
        raise GraphError(400, "ErrorInvalidProperty", "The content is not valid.") from error
    if len(content) > _LARGEST_ATTACHMENT:
        raise GraphError(413, "ErrorMessageSizeExceeded", "The attachment is too large for one request.")
    kind = str(given.get("contentType") or "application/octet-stream")
    return _file(str(given["name"]), kind, content, inline=bool(given.get("isInline")))


def _attachment(asked: Asked) -> tuple[Message, dict[str, Any]]:
    message = _box(asked).message(asked.match["message"])
    for each in message.attachments:
        if each["id"] == asked.match["attachment"]:
            return message, each
    raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


@routes("GET", "/me/messages/{message}/attachments", *_READ)
def _attachments(asked: Asked) -> Answer:
    return _listed(asked, _box(asked).message(asked.match["message"]).attachments)


@routes("POST", "/me/messages/{message}/attachments", *_WRITE)
def _attach(asked: Asked) -> Answer:
    box = _box(asked)
    message = box.message(asked.match["message"])
    message.attachments.append(made := _given_file(asked.json))
    box.change(message, {})
    return Answer(201, made)


@routes("POST", "/me/messages/{message}/attachments/createUploadSession", *_WRITE)
def _upload_session(asked: Asked) -> Answer:
    box, given = _box(asked), asked.json["AttachmentItem"]
    message = box.message(asked.match["message"])
    kept = bytearray()

    def take(method: str, headers: dict[str, str], content: bytes) -> Answer:
        if method == "DELETE":
            return Answer(204)
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", headers.get("content-range", ""))
        if found is None or int(found.group(1)) != len(kept):
            raise GraphError(416, "ErrorInvalidRange", "The range is not the next one expected.")
        kept.extend(content)
        if len(kept) < int(given["size"]):
            return Answer(200, {"nextExpectedRanges": [f"{len(kept)}-"], "expirationDateTime": "2026-12-01T00:00:00Z"})
        message.attachments.append(_file(given["name"], str(given.get("contentType") or ""), bytes(kept)))
        box.change(message, {})
        return Answer(201, headers={"Location": f"{asked.graph.url}{asked.path}"})

    path = f"/upload/{secrets.token_urlsafe(24)}"
    asked.graph.uploads[path] = take
    made = {"uploadUrl": f"{asked.graph.origin}{path}", "expirationDateTime": "2026-12-01T00:00:00Z"}
    return Answer(201, {**made, "nextExpectedRanges": ["0-"]})


@routes("GET", "/me/messages/{message}/attachments/{attachment}", *_READ)
def _one_attachment(asked: Asked) -> Answer:
    return Answer(200, asked.selected(_attachment(asked)[1]))


@routes("GET", "/me/messages/{message}/attachments/{attachment}/$value", *_READ)
def _content(asked: Asked) -> Answer:
    found = _attachment(asked)[1]
    if "contentBytes" not in found:
        raise GraphError(405, "ErrorInvalidRequest", "This attachment has no content here.")
    return Answer(200, base64.b64decode(found["contentBytes"]), {"Content-Type": "application/octet-stream"})


@routes("DELETE", "/me/messages/{message}/attachments/{attachment}", *_WRITE)
def _detach(asked: Asked) -> Answer:
    message, found = _attachment(asked)
    message.attachments.remove(found)
    _box(asked).change(message, {})
    return Answer(204)


def _as_mime(message: Message) -> bytes:
    made, values = EmailMessage(policy=email.policy.SMTP), message.values
    for header, name in (("To", "toRecipients"), ("Cc", "ccRecipients")):
        if people := [each["emailAddress"]["address"] for each in values[name]]:
            made[header] = ", ".join(people)
    if sender := values.get("from"):
        made["From"] = sender["emailAddress"]["address"]
    made["Subject"], made["Message-ID"] = values["subject"], values["internetMessageId"]
    made.set_content(_text(values["body"]))
    for each in message.attachments:
        kind, _, detail = str(each["contentType"]).partition("/")
        content = base64.b64decode(each.get("contentBytes", ""))
        made.add_attachment(content, maintype=kind or "application", subtype=detail or "octet-stream",
                            filename=each["name"])  # fmt: skip
    return made.as_bytes()


# Settings


@routes("GET", "/me/mailboxSettings", *_SETTINGS, "MailboxSettings.Read")
def _settings(asked: Asked) -> Answer:
    return Answer(200, asked.selected(_box(asked).settings))


@routes("GET", "/me/mailboxSettings/automaticRepliesSetting", *_SETTINGS, "MailboxSettings.Read")
def _automatic(asked: Asked) -> Answer:
    return Answer(200, _box(asked).settings["automaticRepliesSetting"])


@routes("PATCH", "/me/mailboxSettings", *_SETTINGS)
def _set_settings(asked: Asked) -> Answer:
    box, given = _box(asked), dict(asked.json)
    given.pop("@odata.context", None)
    automatic = given.pop("automaticRepliesSetting", {})
    if set(given) - set(box.settings) or set(automatic) - set(box.settings["automaticRepliesSetting"]):
        raise GraphError(400, "ErrorInvalidRequest", "The setting cannot be written.")
    if automatic.get("status", "disabled") not in ("disabled", "alwaysEnabled", "scheduled"):
        raise GraphError(400, "ErrorInvalidRequest", "The status is not valid.")
    box.settings |= given
    box.settings["automaticRepliesSetting"] = {**box.settings["automaticRepliesSetting"], **automatic}
    return Answer(200, box.settings)
