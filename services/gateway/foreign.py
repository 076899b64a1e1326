"""Conversations out of the exports of other programs, in the form in which an archive of ours has them.

- ChatGPT: `conversations.json`, a list; the messages of each are a tree (`mapping`), read from `current_node` upwards.
- Claude: `conversations.json`, a list; the messages of each are a list (`chat_messages`).
- Open WebUI: the JSON that "Export chats" saves, a list; the messages of each are a tree (`chat.history`).

Read is what people and models said to each other. What a program did in between (tools, searches, hidden contexts) is
left out, and an image or a file stands there by its name.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from openassistant.errors import InvalidRequest

__all__ = ["NAMES", "conversation", "elements", "kind_of"]

NAMES = {"chatgpt": "ChatGPT", "claude": "Claude", "openwebui": "Open WebUI"}

_LARGEST = 64 * 1024 * 1024
_NOT_JSON = "The list of conversations in this file cannot be read."
_SPACE = " \t\r\n"
_NOBODY = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_MESSAGES = 20_000
_SKIPPED = ("thoughts", "reasoning_recap", "user_editable_context", "model_editable_context", "system_error")


class _Said(NamedTuple):
    id: str
    role: str
    text: str
    at: datetime | None


def elements(parts: Iterator[bytes]) -> Iterator[Any]:
    """The values of a JSON list, one at a time, or the one object that there is; raises `InvalidRequest`."""
    decode, reader = json.JSONDecoder().raw_decode, codecs.getincrementaldecoder("utf-8-sig")()
    text, ended, began = "", False, False
    while True:
        text = text.lstrip(_SPACE)
        if not began and text.startswith("["):
            text, began = text[1:].lstrip(_SPACE), True
        if began and text.startswith("]"):
            return
        found = None
        if text.lstrip(_SPACE + ","):
            text = text.lstrip(_SPACE + ",")
            try:
                found = decode(text)
            except ValueError:
                found = None
            except RecursionError as error:
                raise InvalidRequest(_NOT_JSON) from error
        if found is not None and (ended or found[1] < len(text)):
            yield found[0]
            text = text[found[1] :]
            if not began:
                return
            continue
        if ended or len(text) > _LARGEST:
            raise InvalidRequest(_NOT_JSON)
        text, ended = _more(text, parts, reader)


def _more(text: str, parts: Iterator[bytes], reader: codecs.IncrementalDecoder) -> tuple[str, bool]:
    """Twice as much text as before, so that a long value is not tried again for each of its parts."""
    wanted, read = max(len(text), 1), list[str]()
    while wanted > 0:
        part = next(parts, b"")
        try:
            read.append(reader.decode(part, final=not part))
        except UnicodeDecodeError as error:
            raise InvalidRequest(_NOT_JSON) from error
        if not part:
            return text + "".join(read), True
        wanted -= len(read[-1])
    return text + "".join(read), False


def kind_of(found: Any) -> str:
    """Which program a conversation comes from; "" for none that is known."""
    if not isinstance(found, dict):
        return ""
    if isinstance(found.get("mapping"), dict):
        return "chatgpt"
    if isinstance(found.get("chat_messages"), list):
        return "claude"
    return "openwebui" if isinstance(found.get("chat"), dict) else ""


def conversation(found: Any, *, user: str) -> dict[str, Any] | None:
    """One of them as an archive has it; None for one in which nobody said anything, or that is none of these.

    Its ids follow from the owner's and from those that it had, so that it is there once, however often it comes.
    """
    kind = kind_of(found)
    if not kind:
        return None
    said = [each for each in _READERS[kind](found) if each.text.strip()][:_MOST_MESSAGES]
    if not said:
        return None
    given = str(found.get("id") or found.get("conversation_id") or found.get("uuid") or said[0].id)
    id_ = _id(user, kind, given)
    began = _time(found.get("create_time") or found.get("created_at")) or said[0].at or _NOBODY
    ended = _time(found.get("update_time") or found.get("updated_at")) or said[-1].at or began
    return {
        "format": 1, "id": id_, "title": _line(found.get("title") or found.get("name") or said[0].text),
        "created": began.isoformat(), "updated": ended.isoformat(), **_messages(said, id_, began, NAMES[kind]),
    }  # fmt: skip


def _messages(said: list[_Said], conversation: str, began: datetime, outside: str) -> dict[str, Any]:
    """Messages and their turns: each begins with what the owner said."""
    turns, messages = list[dict[str, Any]](), list[dict[str, Any]]()
    at = began
    for number, each in enumerate(said):
        at, id_ = each.at or at, _id(conversation, str(number), each.id)
        if each.role == "user" or not turns:
            text = each.text if each.role == "user" else ""
            turns.append(
                {"id": _id(id_, "turn"), "state": "done", "created": at.isoformat(), "request": {"text": text}}
            )
        messages.append(
            {"id": id_, "turn": turns[-1]["id"], "role": each.role, "text": each.text, "created": at.isoformat(),
             "outside": outside}
        )  # fmt: skip
    return {"turns": turns, "messages": messages}


# --- ChatGPT ------------------------------------------------------------------------------------------------------


def _of_chatgpt(found: dict[str, Any]) -> list[_Said]:
    nodes = {str(key): node for key, node in found["mapping"].items() if isinstance(node, dict)}
    current = found.get("current_node")
    if not isinstance(current, str) or current not in nodes:
        leaves = [key for key, node in nodes.items() if not node.get("children")]
        current = max(leaves, key=lambda key: _stamp(nodes[key]), default=None)
    return [each for node in _upwards(nodes, current, "parent") if (each := _chatgpt_said(node))]


def _chatgpt_said(node: dict[str, Any]) -> _Said | None:
    message = node.get("message")
    if not isinstance(message, dict):
        return None
    author, content = _dict(message.get("author")), _dict(message.get("content"))
    hidden = _dict(message.get("metadata")).get("is_visually_hidden_from_conversation")
    spoken = author.get("role") in ("user", "assistant") and message.get("recipient", "all") == "all"
    if hidden or not spoken or content.get("content_type") in _SKIPPED:
        return None
    parts = content.get("parts")
    text = "\n\n".join(filter(None, map(_part, parts))) if isinstance(parts, list) else _str(content.get("text"))
    return _Said(str(message.get("id")), str(author["role"]), text, _time(message.get("create_time")))


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    kind = _str(_dict(part).get("content_type"))
    if kind == "audio_transcription":
        return _str(part.get("text"))
    return "[image]" if "image" in kind else f"[{kind}]" if kind else ""


def _stamp(node: dict[str, Any]) -> float:
    at = _dict(node.get("message")).get("create_time")
    return float(at) if isinstance(at, int | float) else 0.0


# --- Claude -------------------------------------------------------------------------------------------------------


def _of_claude(found: dict[str, Any]) -> list[_Said]:
    said = list[_Said]()
    for each in map(_dict, found["chat_messages"]):
        role = {"human": "user", "assistant": "assistant"}.get(_str(each.get("sender")))
        blocks = [_dict(block) for block in _list(each.get("content")) if _dict(block).get("type") == "text"]
        text = "\n\n".join(_str(block.get("text")) for block in blocks) or _str(each.get("text"))
        files = [*_list(each.get("attachments")), *_list(each.get("files"))]
        names = "\n".join(f"[{name}]" for file in files if (name := _str(_dict(file).get("file_name"))))
        if role:
            whole = "\n\n".join(filter(None, (text, names)))
            said.append(_Said(str(each.get("uuid")), role, whole, _time(each.get("created_at"))))
    return said


# --- Open WebUI ---------------------------------------------------------------------------------------------------


def _of_openwebui(found: dict[str, Any]) -> list[_Said]:
    chat = found["chat"]
    history = _dict(chat.get("history"))
    nodes = {str(key): node for key, node in _dict(history.get("messages")).items() if isinstance(node, dict)}
    if nodes:
        current = history.get("currentId")
        known = isinstance(current, str) and current in nodes
        listed = _upwards(nodes, current if known else next(reversed(nodes)), "parentId")
    else:
        listed = [_dict(each) for each in _list(chat.get("messages"))]
    said = list[_Said]()
    for each in listed:
        if each.get("role") in ("user", "assistant"):
            at = _time(each.get("timestamp"))
            said.append(_Said(str(each.get("id")), str(each["role"]), _str(each.get("content")), at))
    return said


_READERS = {"chatgpt": _of_chatgpt, "claude": _of_claude, "openwebui": _of_openwebui}


def _upwards(nodes: dict[str, dict[str, Any]], start: Any, parent: str) -> list[dict[str, Any]]:
    """The nodes from the root to this one; a tree that bites its tail ends where it does."""
    path, seen, at = list[dict[str, Any]](), set[str](), start
    while isinstance(at, str) and at in nodes and at not in seen:
        seen.add(at)
        path.append(nodes[at])
        at = nodes[at].get(parent)
    return path[::-1]


def _time(given: Any) -> datetime | None:
    """Seconds since 1970, or milliseconds, or a time in words of RFC 3339."""
    try:
        if isinstance(given, str):
            at = datetime.fromisoformat(given)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        if isinstance(given, int | float) and not isinstance(given, bool) and given > 0:
            return datetime.fromtimestamp(given / 1000 if given > 1e11 else given, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _line(text: Any) -> str:
    line = " ".join(_str(text).split())
    return line if len(line) <= 200 else f"{line[:199]}…"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _str(value: Any) -> str:
    """A text without what no UTF-8 has (half of a pair of surrogates)."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _id(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
