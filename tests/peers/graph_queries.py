"""Filters, orders, searches and pages of the Graph double, as far as Outlook takes them together."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from tests.peers.graph import Answer, Asked, GraphError
from tests.peers.graph_mailbox import text_in

__all__ = ["listed", "matching", "ordered"]

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


def listed(asked: Asked, items: Sequence[dict[str, Any]], *, default: int = 10) -> Answer:
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
    fields = {"from": sender, "to": others, "subject": str(item["subject"]), "body": text_in(item["body"])}
    whole = " ".join(fields.values()).lower()
    terms = _TERM.findall(search[1:-1])
    return all(
        (quoted or word).lower().strip("'") in (fields.get(name.lower(), "").lower() if name else whole)
        for name, quoted, word in terms
    )
