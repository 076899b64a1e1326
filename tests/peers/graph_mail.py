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
from email.message import EmailMessage
from typing import Any

from tests.peers.graph import Answer, Asked, GraphError, Routes, delta
from tests.peers.graph_mailbox import Folder, Mailbox, Message, etag, file_part, new_id, newest_first, person, text_in
from tests.peers.graph_queries import listed, matching, ordered

__all__ = ["Folder", "Mailbox", "Message", "matching", "ordered", "routes"]

_READ = ("Mail.Read", "Mail.ReadWrite")
_WRITE = ("Mail.ReadWrite",)
_SEND = ("Mail.Send",)
_SETTINGS = ("MailboxSettings.ReadWrite",)

_ALWAYS = {"isRead", "flag", "categories", "importance"}
_OF_DRAFTS = {"subject", "body", "toRecipients", "ccRecipients", "bccRecipients", "replyTo", "internetMessageId"}
_LARGEST_ATTACHMENT = 3 * 1024 * 1024


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
    return listed(asked, found)


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
    return listed(asked, [box.shown_folder(each) for each in box.folders.values() if each.parent == parent])


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
    return listed(asked, [box.shown(asked, each) for each in box.within(asked.match["folder"])])


@routes("POST", "/me/mailFolders/{folder}/messages", *_WRITE)
def _create_in(asked: Asked) -> Answer:
    return _created(asked, _box(asked).folder(asked.match["folder"]))


@routes("GET", "/me/messages", *_READ)
def _messages(asked: Asked) -> Answer:
    box = _box(asked)
    return listed(asked, [box.shown(asked, each) for each in newest_first(list(box.messages.values()))])


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
    return person(address, str(given["emailAddress"].get("name") or ""))


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
    history = f"{comment or ''}\r\n\r\n________________________________\r\nFrom: …\r\n{text_in(was['body'])}"
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
        made.attachments = [{**each, "id": new_id("AAMkAT")} for each in first.attachments]
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
    return file_part(str(given["name"]), kind, content, inline=bool(given.get("isInline")))


def _attachment(asked: Asked) -> tuple[Message, dict[str, Any]]:
    message = _box(asked).message(asked.match["message"])
    for each in message.attachments:
        if each["id"] == asked.match["attachment"]:
            return message, each
    raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


@routes("GET", "/me/messages/{message}/attachments", *_READ)
def _attachments(asked: Asked) -> Answer:
    return listed(asked, _box(asked).message(asked.match["message"]).attachments)


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
        message.attachments.append(file_part(given["name"], str(given.get("contentType") or ""), bytes(kept)))
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
    made.set_content(text_in(values["body"]))
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
