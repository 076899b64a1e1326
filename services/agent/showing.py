"""Files as a model reads them: text between the marks of what others wrote, pictures beside it as data.

Nobody knows who wrote what stands in a file, so it is marked like the results of tools.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openassistant.messages import Message
from openassistant.store import Store
from services.agent import given
from services.agent.given import Shown

__all__ = ["beginning", "blinded", "content", "has_parts", "joined", "measured", "pictures", "plain", "size"]

_LEAST = 4_000
"""Characters of a file that are shown in any case."""
_MOST_PICTURES = 10
_LARGEST_PICTURE = 5 * 1024 * 1024
"""What providers take of one picture, in bytes."""
_PICTURE = 12_000
"""Bytes of text that a picture counts as: some thousand tokens at most providers."""
_UNSEEN = "[An image, which this model cannot see: say so where it matters.]"
_FOLLOWS = "[An image: it stands beside this text.]"


def beginning(files: Mapping[str, Sequence[Shown]], *, size: int) -> int:
    """Characters of each text that have a place, where all files together may take `size`."""
    count = sum(each.kind == "text" for some in files.values() for each in some)
    return max(size // max(count, 1), _LEAST)


async def pictures(store: Store, files: Mapping[str, Sequence[Shown]], history: Iterable[Message]) -> dict[str, str]:
    """The newest pictures that a model may see, as data URLs (RFC 2397) by the id of their file."""
    found: dict[str, str] = {}
    for message in reversed(list(history)):
        for file in files.get(message.id, ()):
            wanted = file.kind == "image" and not file.instead and file.size <= _LARGEST_PICTURE
            if wanted and len(found) < _MOST_PICTURES:
                body = await given.body(store, file.id)
                kind = given.image_kind(body[:16])
                found[file.id] = f"data:image/{kind};base64,{base64.b64encode(body).decode()}"
    return found


def content(files: Sequence[Shown], seen: Mapping[str, str], *, most: int) -> str | list[dict[str, Any]]:
    """Files as the content of a message, of each at most `most` characters."""
    words = "\n\n".join(_words(each, seen, most) for each in files)
    images = [seen[each.id] for each in files if each.id in seen]
    if not images:
        return words
    return [{"type": "text", "text": words}, *({"type": "image_url", "image_url": {"url": each}} for each in images)]


def joined(files: str | list[dict[str, Any]], text: str) -> str | list[dict[str, Any]]:
    """A message's files, then what it says."""
    if isinstance(files, str):
        return "\n\n".join(filter(None, [files, text]))
    first, *images = files
    return [{**first, "text": joined(first["text"], text)}, *images]


def size(files: str | list[dict[str, Any]]) -> int:
    """Bytes of what is given of files."""
    if isinstance(files, str):
        return len(files.encode("utf-8", "surrogatepass"))
    return sum(size(each.get("text") or each["image_url"]["url"]) for each in files)


def _words(file: Shown, seen: Mapping[str, str], most: int) -> str:
    if file.instead:
        return file.instead
    if file.kind == "image":
        body = _FOLLOWS if file.id in seen else _UNSEEN
    else:
        body = file.text[:most]
        cut = max(file.length, len(file.text)) - len(body)
        body += f"\n… ({cut} more characters were cut off)" if cut > 0 else ""
        body += f"\n[{file.note}]" if file.note else ""
    source = json.dumps(f"the file {file.name}, given by the person", ensure_ascii=False).replace("<", "\\u003c")
    return f"<outside from={source}>\n{_unclosed(body)}\n</outside>"


def _unclosed(text: str) -> str:
    return text.replace("</outside", "<\\/outside")


def plain(given_: Any) -> str:
    """The content of a message as text alone; of its pictures only that they are there."""
    if not isinstance(given_, list):
        return str(given_)
    words = "\n".join(str(each["text"]) for each in given_ if each["type"] == "text")
    return words.replace(_FOLLOWS, _UNSEEN)


def measured(messages: Iterable[Any]) -> list[Any]:
    """Messages as their size is counted: a picture takes its place by what it costs, not by its bytes."""
    return [{**each, "content": [*map(_weight, each["content"])]} if has_parts(each) else each for each in messages]


def has_parts(message: Any) -> bool:
    """Whether a message holds more than text."""
    return isinstance(message, dict) and isinstance(message.get("content"), list)


def _weight(part: Mapping[str, Any]) -> Any:
    return part if part["type"] == "text" else "x" * _PICTURE


def blinded(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages without their pictures, of which it is said that they are there."""
    return [{**each, "content": plain(each["content"])} if has_parts(each) else each for each in messages]
