"""What is tried on each route in another person's name, and what may come of it: one row for each route of the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

__all__ = ["OWNER_SEES", "PROBES", "SOON", "Probe", "filled"]

SOON = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT08:00:00")
"""When schedules begin."""

Kind = Literal["theirs", "own", "house", "open"]
"""theirs: it names something of the victim's, which is not there for anybody else. own: it can only be about whoever
asks, and must hold nothing of the victim's. house: the owner alone, and nothing of anybody's in it. open: anybody."""

OWNER_SEES = {
    "GET /api/usage",
    "PUT /api/usage/limits",
    "PUT /api/usage/limits/house",
    "GET /api/people",
    "PUT /api/people/{person}/role",
    "POST /api/people/{person}/resume",
    "POST /api/people/{person}/keep",
}
"""Where an owner sees that another person lives here at all: his names and id, since when, and sums of his spending."""

Body = Mapping[str, Any] | list[Any] | bytes | None


@dataclass(frozen=True)
class Probe:
    """A request; words like `{memory}` stand for the ids of what is the victim's.

    `empty`: whoever names something of the victim's is answered as if there were nothing. `does`: an owner with a
    cookie may, and it would shut the victim out or change who owns the house; all others try.
    """

    kind: Kind
    body: Body = None
    query: Mapping[str, str] = field(default_factory=dict)
    empty: tuple[Any, ...] = ()
    does: bool = False


_SCHEDULE = {"name": "Mine", "prompt": "Say hello", "starts": SOON, "zone": "UTC"}
_RUN = {"threadId": "{conversation}", "runId": "r1", "state": {}, "messages": [], "tools": [], "context": [],
        "forwardedProps": {}}  # fmt: skip
_RESUME = {"interruptId": "{approval}", "status": "resolved", "payload": {"approved": True}}
_ASKED = {"model": "open-assistant", "messages": [{"role": "user", "content": "hello"}]}
_WRONG = {"password": "not-the-right-password"}
_PART = {"part": {"what": "conversation", "conversation": "{conversation}", "memories": True}}
_KEEP = {"rules": [{"kind": "{kind}", "account": "{account}", "days": 0}]}
_NO_LINK = "A" * 43
_JOINING = {"username": "{name}", "password": "not-a-real-password-of-eve", "display_name": "", "of_age": True}

_KEY = {"id": "AAAA", "rawId": "AAAA", "type": "public-key"}
_MADE = {**_KEY, "response": {"clientDataJSON": "e30", "attestationObject": "AAAA"}}
_USED = {**_KEY, "response": {"clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "AAAA"}}

PROBES: Mapping[str, Probe] = {
    "GET /healthz": Probe("open"),
    "GET /readyz": Probe("open"),
    "GET /hooks/{connector}/{token}": Probe("open"),
    "POST /hooks/{connector}/{token}": Probe("open"),
    "GET /api/openapi.json": Probe("open"),
    "GET /api/house": Probe("open"),
    "GET /welcome": Probe("open"),
    "GET /privacy": Probe("open"),
    "GET /terms": Probe("open"),
    "POST /api/join/reset": Probe("open", {"token": "{reset_link}", "password": "not-a-real-password-of-eve"}),
    "POST /api/join": Probe("open", {"token": "{reset_link}", **_JOINING}),
    "POST /api/join/look": Probe("open", {"token": _NO_LINK}),
    "GET /api/setup": Probe("open"),
    "POST /api/setup": Probe(
        "open", {"username": "eve", "password": "not-a-real-password-of-eve", "token": "none", "display_name": ""}
    ),
    "POST /api/session": Probe("open", {"username": "{name}", **_WRONG}),
    "GET /api/session": Probe("own"),
    "DELETE /api/session": Probe("own"),
    "GET /api/sessions": Probe("own"),
    "DELETE /api/sessions/{session_id}": Probe("theirs"),
    "GET /api/openid": Probe("open"),
    "POST /api/openid/enter": Probe("open", {"provider": "0" * 32}),
    "POST /api/openid/entered": Probe("open", {"address": "http://x/login/back?state=enter.x&code=x", "key": "0" * 43}),
    "GET /api/openid/mine": Probe("own"),
    "POST /api/openid/link": Probe("own", {"provider": "{sign_in}"}),
    "DELETE /api/openid/links/{link_id}": Probe("theirs"),
    "POST /api/openid/again": Probe("own", {"provider": "{sign_in}"}),
    "POST /api/openid/returned": Probe("theirs", {"address": "http://x/login/back?state={link_state}&code=x"}),
    "GET /api/openid/providers": Probe("house"),
    "POST /api/openid/providers": Probe("house", {"label": "x", "issuer": "ftp://x", "client_id": "x"}),
    "PUT /api/openid/providers/{sign_in}": Probe("house", {"label": "x", "issuer": "ftp://x", "client_id": "x"}),
    "DELETE /api/openid/providers/{sign_in}": Probe("house"),
    "GET /api/security": Probe("own"),
    "POST /api/security/codes": Probe("own", {}),
    "POST /api/security/codes/confirm": Probe("own", {"code": "000000"}),
    "POST /api/security/codes/recovery": Probe("own", {}),
    "POST /api/security/codes/off": Probe("own", _WRONG),
    "POST /api/security/passkeys/begin": Probe("own", {}),
    "POST /api/security/passkeys": Probe("own", {"id": "0" * 32, "name": "Mine", "credential": _MADE}),
    "POST /api/security/passkeys/again": Probe("own", {}),
    "POST /api/security/passkeys/proved": Probe("own", {"id": "0" * 32, "credential": _USED}),
    "PATCH /api/security/passkeys/{passkey}": Probe("theirs", {"name": "Mine"}),
    "POST /api/security/passkeys/{passkey}/remove": Probe("theirs", {}),
    "POST /api/passkeys/enter": Probe("open", {}),
    "POST /api/passkeys/entered": Probe("open", {"id": "0" * 32, "credential": _USED}),
    "GET /api/tokens": Probe("own"),
    "POST /api/tokens": Probe("own", {"name": "mine", "scopes": ["chat"]}),
    "DELETE /api/tokens/{token}": Probe("theirs"),
    "GET /api/conversations": Probe("own"),
    "POST /api/conversations": Probe("own", {}),
    "GET /api/conversations/labels": Probe("own"),
    "GET /api/conversations/search": Probe("own", query={"words": "a"}),
    "GET /api/conversations/{conversation}": Probe("theirs"),
    "PATCH /api/conversations/{conversation}": Probe("theirs", {"title": "Mine", "archived": True}),
    "GET /api/conversations/{conversation}/export": Probe("theirs", query={"format": "json"}),
    "DELETE /api/conversations/{conversation}": Probe("theirs", query={"memories": "true"}),
    "POST /api/conversations/{conversation}/messages": Probe("theirs", {"text": "Tell me everything"}),
    "POST /api/conversations/{conversation}/messages/{message}/edit": Probe("theirs", {"text": "Tell me everything"}),
    "POST /api/conversations/{conversation}/messages/{message}/retry": Probe("theirs"),
    "POST /api/conversations/{conversation}/messages/{message}/show": Probe("theirs"),
    "POST /api/conversations/{conversation}/cancel": Probe("theirs"),
    "POST /api/conversations/{conversation}/retry": Probe("theirs"),
    "GET /api/conversations/{conversation}/events": Probe("theirs"),
    "GET /api/conversations/{conversation}/receipts": Probe("theirs", empty=([],)),
    "GET /api/conversations/{conversation}/left": Probe("theirs", empty=([],)),
    "POST /api/files": Probe("own", b"mine", query={"name": "mine.txt"}),
    "GET /api/files/{file}/content": Probe("theirs"),
    "GET /api/files/{file}/image": Probe("theirs"),
    "DELETE /api/files/{file}": Probe("theirs"),
    "GET /api/commands": Probe("own"),
    "POST /api/conversations/{conversation}/commands": Probe("theirs", {"command": "agenda", "fields": {}}),
    "POST /api/conversations/{conversation}/changes": Probe(
        "theirs",
        {"command": "find", "connector": "mail", "account": "{account}", "key": "1", "fields": {"subject": "a"}},
    ),
    "POST /api/conversations/{conversation}/calls/{call}/undo": Probe("theirs"),
    "GET /api/looks/{command}": Probe("own"),
    "POST /api/looks/{command}": Probe(
        "theirs", {"connector": "mail", "account": "{account}", "fields": {"text": "a"}}
    ),
    "POST /api/looks/{command}/open": Probe("theirs", {"connector": "mail", "account": "{account}", "key": "1"}),
    "POST /api/agui": Probe("theirs", {**_RUN, "resume": [_RESUME]}),
    "GET /v1/models": Probe("own"),
    "GET /v1/models/{model}": Probe("own"),
    "POST /v1/chat/completions": Probe("theirs", {**_ASKED, "metadata": {"conversation": "{conversation}"}}),
    "GET /api/approvals": Probe("own"),
    "GET /api/approvals/{approval}": Probe("theirs"),
    "POST /api/approvals/{approval}": Probe("theirs", {"decision": "approve", "seen": "{seen}"}),
    "GET /api/approvals/{approval}/form": Probe("theirs"),
    "PUT /api/approvals/{approval}/arguments": Probe(
        "theirs", {"arguments": {"to": ["eve@example.org"]}, "seen": "{seen}"}
    ),
    "GET /api/outcomes": Probe("own"),
    "POST /api/outcomes/{call}": Probe("theirs", {"says": "done"}),
    "POST /api/outcomes/{call}/again": Probe("theirs"),
    "GET /api/notices": Probe("own"),
    "PUT /api/notices": Probe("own", {"content": False}),
    "POST /api/notices/browsers": Probe(
        "own", {"endpoint": "https://push.example/x", "point": "AA", "secret": "AA", "name": "mine"}
    ),
    "DELETE /api/notices/browsers/{browser}": Probe("theirs"),
    "PUT /api/notices/mail": Probe("theirs", {"account": "{account}"}),
    "DELETE /api/notices/mail": Probe("own"),
    "POST /api/notices/here": Probe("own"),
    "POST /api/notices/open": Probe("own", {"token": "{link}"}),
    "GET /api/undoable": Probe("own"),
    "POST /api/undoable/{call}": Probe("theirs"),
    "GET /api/rules": Probe("own"),
    "POST /api/rules": Probe("theirs", {"approval": "{approval}", "lasts": "year"}),
    "DELETE /api/rules/{rule}": Probe("theirs"),
    "GET /api/memories": Probe("own", query={"words": "planted"}),
    "POST /api/memories": Probe("own", {"text": "Somebody else's words"}),
    "PUT /api/memories/{memory}": Probe("theirs", {"text": "Changed", "pinned": True}),
    "DELETE /api/memories/{memory}": Probe("theirs"),
    "GET /api/schedules": Probe("own"),
    "POST /api/schedules": Probe("own", _SCHEDULE),
    "POST /api/schedules/times": Probe("own", {"starts": SOON}),
    "GET /api/schedules/proposals": Probe("own"),
    "DELETE /api/schedules/proposals/{proposal}": Probe("theirs"),
    "PUT /api/schedules/{schedule}": Probe("theirs", _SCHEDULE),
    "POST /api/schedules/{schedule}/pause": Probe("theirs"),
    "POST /api/schedules/{schedule}/resume": Probe("theirs"),
    "POST /api/schedules/{schedule}/run": Probe("theirs"),
    "DELETE /api/schedules/{schedule}": Probe("theirs"),
    "GET /api/connectors": Probe("own"),
    "POST /api/connectors/{connector}/approve": Probe("house", {"digest": "0" * 64}),
    "GET /api/accounts": Probe("own"),
    "POST /api/accounts": Probe("own", {"connector": "mail", "name": "Mine", "settings": {}, "secrets": {}}),
    "GET /api/accounts/{account}": Probe("theirs"),
    "POST /api/accounts/{account}/check": Probe("theirs"),
    "PUT /api/accounts/{account}/hold": Probe("theirs", {"seconds": 0}),
    "POST /api/accounts/{account}/hook": Probe("theirs"),
    "DELETE /api/accounts/{account}": Probe("theirs"),
    "GET /api/accounts/{account}/parts": Probe("theirs"),
    "GET /api/loans": Probe("own"),
    "POST /api/loans": Probe("theirs", {"account": "{account}", "person": "eve", "access": "act"}),
    "POST /api/loans/{loan}/accept": Probe("theirs", {"name": "Mine"}),
    "DELETE /api/loans/{loan}": Probe("theirs"),
    "GET /api/oauth/clients": Probe("own"),
    "PUT /api/oauth/clients/{provider}": Probe("house", {"client_id": "x", "client_secret": "obviously-fake"}),
    "DELETE /api/oauth/clients/{provider}": Probe("house"),
    "POST /api/oauth/authorize": Probe(
        "theirs", {"connector": "gmail", "capabilities": ["read"], "account": "{account}"}
    ),
    "POST /api/oauth/finish": Probe("theirs", {"address": "http://localhost/oauth/callback?state={state}&code=x"}),
    "POST /api/oauth/{flow}/poll": Probe("theirs"),
    "GET /api/routes": Probe("own"),
    "PUT /api/routes/{source}": Probe("theirs", {"route": "local_only"}),
    "GET /api/model": Probe("own"),
    "PUT /api/model": Probe("house", {"model": "nothing", "base_url": "http://127.0.0.1:9"}),
    "DELETE /api/model": Probe("house"),
    "PUT /api/model/price": Probe("house", {"currency": "EUR", "input": 1, "output": 1}),
    "PUT /api/model/private": Probe("house", {"model": "nothing", "base_url": "http://127.0.0.1:9"}),
    "DELETE /api/model/private": Probe("house"),
    "POST /api/model/private/test": Probe("house"),
    "POST /api/model/check": Probe("house", {"base_url": "http://127.0.0.1:9"}),
    "POST /api/model/test": Probe("house"),
    "GET /api/usage": Probe("own"),
    "PUT /api/usage/limits": Probe("own", {"limits": {}}),
    "PUT /api/usage/limits/house": Probe("house", {"people": {"{user}": None}}),
    "GET /api/audit": Probe("own", query={"search": "planted", "limit": "500"}),
    "GET /api/audit/verify": Probe("own"),
    "POST /api/audit/verify": Probe("own", {"heads": []}),
    "GET /api/audit/export": Probe("house"),
    "GET /api/audit/consistency": Probe("own", query={"first": "1"}),
    "GET /api/audit/{index}/proof": Probe("theirs"),
    "GET /api/house/owners": Probe("own"),
    "GET /api/people": Probe("house"),
    "GET /api/people/invitations": Probe("house"),
    "POST /api/people/invitations": Probe("house", {"label": "mine"}),
    "DELETE /api/people/invitations/{invitation}": Probe("house"),
    "PUT /api/people/{person}/role": Probe("house", {"role": "member"}),
    "POST /api/people/{person}/hand-over": Probe("house", {}, does=True),
    "POST /api/people/{person}/suspend": Probe("house", {}, does=True),
    "POST /api/people/{person}/resume": Probe("house", {}),
    "POST /api/people/{person}/removal": Probe("house", {}, does=True),
    "POST /api/people/{person}/keep": Probe("house", {}),
    "POST /api/people/{person}/reset": Probe("house", {}, does=True),
    "PUT /api/password": Probe("own", {**_WRONG, "new": "not-a-real-password-of-mallory"}),
    "GET /api/told": Probe("own"),
    "POST /api/told/{word}/agree": Probe("theirs"),
    "DELETE /api/told/{word}": Probe("theirs"),
    "GET /api/health": Probe("own"),
    "GET /api/rooms": Probe("house"),
    "GET /api/copies": Probe("own"),
    "GET /api/data": Probe("own"),
    "POST /api/data/erase": Probe("own", _WRONG),
    "GET /api/data/export": Probe("own"),
    "POST /api/data/export": Probe("own", _WRONG),
    "DELETE /api/data/export/{move}": Probe("theirs"),
    "GET /api/data/export/{move}/archive": Probe("theirs"),
    "GET /api/data/import": Probe("own"),
    "POST /api/data/import": Probe("own", {"size": 100}),
    "PUT /api/data/import/{move}/content": Probe("theirs", b"Mine now", query={"offset": "0"}),
    "POST /api/data/import/{move}/start": Probe("theirs", {}),
    "DELETE /api/data/import/{move}": Probe("theirs"),
    "GET /api/data/erasing": Probe("own"),
    "POST /api/data/erasing/preview": Probe("theirs", _PART),
    "POST /api/data/erasing": Probe("theirs", {**_PART, **_WRONG}),
    "POST /api/data/house/erase": Probe("house", {**_WRONG, "confirm": "erase this house"}),
    "POST /api/data/rooms/{room}/gone": Probe("house", _WRONG),
    "GET /api/data/keep": Probe("own"),
    "POST /api/data/keep/preview": Probe("own", _KEEP),
    "PUT /api/data/keep": Probe("own", _KEEP),
    "GET /api/keys": Probe("house"),
    "POST /api/keys/rotate": Probe("house", {**_WRONG, "keys": ["root", "data", "credentials"]}),
    "GET /api/left": Probe("own"),
    "GET /api/left/entries": Probe("own", query={"day": "{day}", "host": "{host}", "port": "{port}"}),
}


def filled(value: Any, ids: Mapping[str, str]) -> Any:
    """A request with the victim's ids in it, deeply."""
    if isinstance(value, Mapping):
        return {filled(name, ids): filled(each, ids) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [filled(each, ids) for each in value]
    if isinstance(value, str):
        for name, known in ids.items():
            value = value.replace(f"{{{name}}}", known)
    return value
