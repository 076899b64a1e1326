"""Which credential opens which route: one row for each, and nothing opens without its row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

__all__ = [
    "ALL",
    "NOBODY",
    "SCOPES",
    "SESSION",
    "TABLE",
    "WORDS",
    "Row",
    "Scope",
    "allowed",
    "described",
    "in_order",
    "table",
]

Scope = Literal["chat", "approve", "accounts", "audit"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

WORDS: Mapping[Scope, str] = {
    "chat": "Write to the assistant, run commands, read conversations and what waits for you",
    "approve": "Decide what waits for you: send, change, delete in your name",
    "accounts": "Connect and remove accounts, choose the model",
    "audit": "Read, check and export the record of what was done",
}

Row = frozenset[Scope] | None
"""The scopes of which a token needs one; none: no token opens it."""

ALL: Row = frozenset(SCOPES)
SESSION: Row = frozenset()
"""For somebody who is signed in, in a browser or with a password; no token will do."""
NOBODY: Row = None
"""Open without any credential; what comes with the request is not looked at."""
_CHAT: Row = frozenset({"chat"})
_APPROVE: Row = frozenset({"approve"})
_ACCOUNTS: Row = frozenset({"accounts"})
_AUDIT: Row = frozenset({"audit"})

TABLE: Mapping[str, Row] = {
    "GET /healthz": NOBODY,
    "GET /readyz": NOBODY,
    "GET /hooks/{connector}/{token}": NOBODY,
    "POST /hooks/{connector}/{token}": NOBODY,
    "GET /api/openapi.json": NOBODY,
    "GET /api/setup": NOBODY,
    "POST /api/setup": NOBODY,
    "GET /api/house": NOBODY,
    "GET /welcome": NOBODY,
    "GET /privacy": NOBODY,
    "GET /terms": NOBODY,
    "POST /api/join/look": NOBODY,
    "POST /api/join": NOBODY,
    "POST /api/join/reset": NOBODY,
    "POST /api/session": NOBODY,
    "GET /api/session": ALL,
    "DELETE /api/session": SESSION,
    "GET /api/sessions": SESSION,
    "DELETE /api/sessions/{session_id}": SESSION,
    "GET /api/house/owners": ALL,
    "GET /api/people": SESSION,
    "GET /api/people/invitations": SESSION,
    "POST /api/people/invitations": SESSION,
    "DELETE /api/people/invitations/{invitation}": SESSION,
    "PUT /api/people/{person}/role": SESSION,
    "POST /api/people/{person}/hand-over": SESSION,
    "POST /api/people/{person}/suspend": SESSION,
    "POST /api/people/{person}/resume": SESSION,
    "POST /api/people/{person}/removal": SESSION,
    "POST /api/people/{person}/keep": SESSION,
    "POST /api/people/{person}/reset": SESSION,
    "PUT /api/password": SESSION,
    "GET /api/told": SESSION,
    "POST /api/told/{word}/agree": SESSION,
    "DELETE /api/told/{word}": SESSION,
    "GET /api/openid": NOBODY,
    "POST /api/openid/enter": NOBODY,
    "POST /api/openid/entered": NOBODY,
    "GET /api/openid/mine": SESSION,
    "POST /api/openid/link": SESSION,
    "DELETE /api/openid/links/{link_id}": SESSION,
    "POST /api/openid/again": SESSION,
    "POST /api/openid/returned": SESSION,
    "GET /api/openid/providers": SESSION,
    "POST /api/openid/providers": SESSION,
    "PUT /api/openid/providers/{sign_in}": SESSION,
    "DELETE /api/openid/providers/{sign_in}": SESSION,
    "GET /api/security": SESSION,
    "POST /api/security/codes": SESSION,
    "POST /api/security/codes/confirm": SESSION,
    "POST /api/security/codes/recovery": SESSION,
    "POST /api/security/codes/off": SESSION,
    "POST /api/security/passkeys/begin": SESSION,
    "POST /api/security/passkeys": SESSION,
    "POST /api/security/passkeys/again": SESSION,
    "POST /api/security/passkeys/proved": SESSION,
    "PATCH /api/security/passkeys/{passkey}": SESSION,
    "POST /api/security/passkeys/{passkey}/remove": SESSION,
    "POST /api/passkeys/enter": NOBODY,
    "POST /api/passkeys/entered": NOBODY,
    "GET /api/tokens": SESSION,
    "POST /api/tokens": SESSION,
    "DELETE /api/tokens/{token}": SESSION,
    "GET /api/conversations": _CHAT,
    "POST /api/conversations": _CHAT,
    "GET /api/conversations/labels": _CHAT,
    "GET /api/conversations/search": _CHAT,
    "GET /api/conversations/{conversation}": _CHAT,
    "PATCH /api/conversations/{conversation}": _CHAT,
    "GET /api/conversations/{conversation}/export": _CHAT,
    "DELETE /api/conversations/{conversation}": _CHAT,
    "POST /api/conversations/{conversation}/messages": _CHAT,
    "POST /api/conversations/{conversation}/messages/{message}/edit": _CHAT,
    "POST /api/conversations/{conversation}/messages/{message}/retry": _CHAT,
    "POST /api/conversations/{conversation}/messages/{message}/show": _CHAT,
    "POST /api/conversations/{conversation}/cancel": _CHAT,
    "POST /api/conversations/{conversation}/retry": _CHAT,
    "GET /api/conversations/{conversation}/events": _CHAT,
    "GET /api/conversations/{conversation}/receipts": _CHAT,
    "GET /api/conversations/{conversation}/left": _CHAT,
    "POST /api/files": _CHAT,
    "GET /api/files/{file}/content": _CHAT,
    "GET /api/files/{file}/image": _CHAT,
    "DELETE /api/files/{file}": _CHAT,
    "GET /api/commands": _CHAT,
    "POST /api/conversations/{conversation}/commands": _CHAT,
    "POST /api/conversations/{conversation}/changes": _CHAT,
    "POST /api/conversations/{conversation}/calls/{call}/undo": _CHAT,
    "GET /api/looks/{command}": _CHAT,
    "POST /api/looks/{command}": _CHAT,
    "POST /api/looks/{command}/open": _CHAT,
    "POST /api/agui": _CHAT,
    "GET /v1/models": _CHAT,
    "GET /v1/models/{model}": _CHAT,
    "POST /v1/chat/completions": _CHAT,
    "GET /api/approvals": frozenset({"chat", "approve"}),
    "GET /api/approvals/{approval}": frozenset({"chat", "approve"}),
    "POST /api/approvals/{approval}": _APPROVE,
    "GET /api/approvals/{approval}/form": frozenset({"chat", "approve"}),
    "PUT /api/approvals/{approval}/arguments": _APPROVE,
    "GET /api/outcomes": frozenset({"chat", "approve"}),
    "POST /api/outcomes/{call}": _APPROVE,
    "POST /api/outcomes/{call}/again": _APPROVE,
    "GET /api/notices": frozenset({"chat", "approve"}),
    "PUT /api/notices": SESSION,
    "POST /api/notices/browsers": SESSION,
    "DELETE /api/notices/browsers/{browser}": _APPROVE,
    "PUT /api/notices/mail": SESSION,
    "DELETE /api/notices/mail": _APPROVE,
    "POST /api/notices/here": SESSION,
    "POST /api/notices/open": SESSION,
    "GET /api/undoable": frozenset({"chat", "approve"}),
    "POST /api/undoable/{call}": _APPROVE,
    "GET /api/rules": frozenset({"chat", "approve"}),
    "POST /api/rules": SESSION,
    "DELETE /api/rules/{rule}": _APPROVE,
    "GET /api/memories": frozenset({"chat", "approve"}),
    "POST /api/memories": _APPROVE,
    "PUT /api/memories/{memory}": _APPROVE,
    "DELETE /api/memories/{memory}": _APPROVE,
    "GET /api/schedules": frozenset({"chat", "approve"}),
    "POST /api/schedules": SESSION,
    "POST /api/schedules/times": _CHAT,
    "GET /api/schedules/proposals": frozenset({"chat", "approve"}),
    "DELETE /api/schedules/proposals/{proposal}": _CHAT,
    "PUT /api/schedules/{schedule}": SESSION,
    "POST /api/schedules/{schedule}/pause": _APPROVE,
    "POST /api/schedules/{schedule}/resume": _APPROVE,
    "POST /api/schedules/{schedule}/run": _APPROVE,
    "DELETE /api/schedules/{schedule}": _APPROVE,
    "GET /api/connectors": frozenset({"chat", "accounts"}),
    "POST /api/connectors/{connector}/approve": SESSION,
    "GET /api/accounts": _ACCOUNTS,
    "POST /api/accounts": _ACCOUNTS,
    "GET /api/accounts/{account}": _ACCOUNTS,
    "POST /api/accounts/{account}/check": _ACCOUNTS,
    "PUT /api/accounts/{account}/hold": _ACCOUNTS,
    "POST /api/accounts/{account}/hook": _ACCOUNTS,
    "DELETE /api/accounts/{account}": _ACCOUNTS,
    "GET /api/accounts/{account}/parts": _ACCOUNTS,
    "GET /api/loans": _ACCOUNTS,
    "POST /api/loans": SESSION,
    "POST /api/loans/{loan}/accept": SESSION,
    "DELETE /api/loans/{loan}": _ACCOUNTS,
    "GET /api/oauth/clients": _ACCOUNTS,
    "PUT /api/oauth/clients/{provider}": SESSION,
    "DELETE /api/oauth/clients/{provider}": SESSION,
    "POST /api/oauth/authorize": _ACCOUNTS,
    "POST /api/oauth/finish": _ACCOUNTS,
    "POST /api/oauth/{flow}/poll": _ACCOUNTS,
    "GET /api/routes": frozenset({"chat", "accounts"}),
    "PUT /api/routes/{source}": _ACCOUNTS,
    "GET /api/model": _ACCOUNTS,
    "PUT /api/model": _ACCOUNTS,
    "DELETE /api/model": _ACCOUNTS,
    "PUT /api/model/price": SESSION,
    "PUT /api/model/private": _ACCOUNTS,
    "DELETE /api/model/private": _ACCOUNTS,
    "POST /api/model/private/test": _ACCOUNTS,
    "POST /api/model/check": _ACCOUNTS,
    "POST /api/model/test": _ACCOUNTS,
    "GET /api/usage": frozenset({"chat", "accounts"}),
    "PUT /api/usage/limits": SESSION,
    "PUT /api/usage/limits/house": SESSION,
    "GET /api/audit": _AUDIT,
    "GET /api/audit/verify": _AUDIT,
    "POST /api/audit/verify": _AUDIT,
    "GET /api/audit/export": _AUDIT,
    "GET /api/audit/consistency": _AUDIT,
    "GET /api/audit/{index}/proof": _AUDIT,
    "GET /api/data": _AUDIT,
    "POST /api/data/erase": SESSION,
    "GET /api/copies": ALL,
    "GET /api/health": ALL,
    "GET /api/rooms": SESSION,
    "GET /api/data/export": SESSION,
    "POST /api/data/export": SESSION,
    "DELETE /api/data/export/{move}": SESSION,
    "GET /api/data/export/{move}/archive": SESSION,
    "GET /api/data/import": SESSION,
    "POST /api/data/import": SESSION,
    "PUT /api/data/import/{move}/content": SESSION,
    "POST /api/data/import/{move}/start": SESSION,
    "DELETE /api/data/import/{move}": SESSION,
    "GET /api/data/erasing": _AUDIT,
    "POST /api/data/erasing/preview": SESSION,
    "POST /api/data/erasing": SESSION,
    "POST /api/data/house/erase": SESSION,
    "POST /api/data/rooms/{room}/gone": SESSION,
    "GET /api/data/keep": _AUDIT,
    "POST /api/data/keep/preview": SESSION,
    "PUT /api/data/keep": SESSION,
    "GET /api/keys": SESSION,
    "POST /api/keys/rotate": SESSION,
    "GET /api/left": _AUDIT,
    "GET /api/left/entries": _AUDIT,
}


def allowed(method: str, path: str) -> frozenset[Scope]:
    """The scopes of which a token needs one for a route, by its method and pattern; none where there is no row."""
    return TABLE.get(f"{method} {path}") or frozenset()


def described() -> str:
    """What a token is for, for the OpenAPI document."""
    return "A personal API token. " + " ".join(f"`{scope}`: {words}." for scope, words in WORDS.items())


def table() -> str:
    """The rows as a Markdown table, for the guide."""
    lines = ["| route | a token with |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| `{route}` | {_told(row)} |" for route, row in TABLE.items())]) + "\n"


def in_order(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """Scopes in the order of their list, each once."""
    given = frozenset(scopes)
    return tuple(each for each in SCOPES if each in given)


def _told(row: Row) -> str:
    if row is None:
        return "open to all"
    if row == ALL:
        return "any scope"
    return " or ".join(f"`{each}`" for each in in_order(row)) or "none: sign in"
