"""OAuth as Notion has it for public connections, for the double of its API."""

import base64
import secrets
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["Consents"]

Json = dict[str, Any]


class Consents:
    """A public connection: its registrations, the codes that people gave it, and what became of them.

    As at Notion, a token endpoint that takes JSON behind HTTP Basic alone, access tokens without an end, and refresh
    tokens that are good once (https://developers.notion.com/reference/create-a-token).
    """

    def __init__(self, bots: dict[str, str], bot: str) -> None:
        self._bots, self._bot = bots, bot
        self.clients: dict[str, str] = {}
        self._codes: dict[str, tuple[str, str]] = {}
        self._refresh: dict[str, str] = {}

    def allow(self, url: str) -> dict[str, str]:
        """What a person who says yes at the authorization page brings back: the query of the redirect."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["response_type"], asked["owner"]) == ("code", "user")
        assert asked["client_id"] in self.clients
        self._codes[code := secrets.token_hex(8)] = (asked["client_id"], asked["redirect_uri"])
        return {"code": code, "state": asked["state"]}

    def answer(self, verb: str, headers: Mapping[str, str], body: Json) -> tuple[int, Json, Json, bytes]:
        """One request."""
        scheme, _, packed = headers.get("authorization", "").partition(" ")
        name, _, secret = base64.b64decode(packed).decode().partition(":")
        if scheme != "Basic" or self.clients.get(name) != secret:
            return 401, {}, {"error": "invalid_client"}, b""
        if headers.get("content-type", "").partition(";")[0] != "application/json":
            return 400, {}, {"error": "invalid_request"}, b""
        if verb == "introspect":
            return 200, {}, {"active": body["token"] in self._bots}, b""
        if verb == "revoke":
            self._bots.pop(body["token"], None)
            self._bots.pop(self._refresh.pop(body["token"], ""), None)
            return 200, {}, {}, b""
        known = self._token(name, body)
        return (200, {}, known, b"") if known else (400, {}, {"error": "invalid_grant"}, b"")

    def _token(self, client: str, body: Json) -> Json | None:
        if body["grant_type"] == "authorization_code":
            if self._codes.pop(body["code"], None) != (client, body["redirect_uri"]):
                return None
        elif (old := self._refresh.pop(body["refresh_token"], None)) is None:
            return None
        else:
            self._bots.pop(old, None)
        access, refresh = f"ntn_fake_{secrets.token_hex(8)}", f"nrt_fake_{secrets.token_hex(8)}"
        self._bots[access], self._refresh[refresh] = self._bot, access
        return {
            "access_token": access, "token_type": "bearer", "refresh_token": refresh, "bot_id": self._bot,
            "workspace_id": str(uuid.UUID(int=1)), "workspace_name": "Home", "workspace_icon": None,
            "owner": {"type": "workspace", "workspace": True}, "duplicated_template_id": None,
        }  # fmt: skip
