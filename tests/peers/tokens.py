"""The token endpoints that a provider has and oidc-provider-mock lacks: secrets in the form, and revocation."""

import base64
import json
import threading
import time
import urllib.parse
from collections.abc import Mapping

import httpx

from tests.peers.front import Front
from tests.peers.oidc import OidcProvider

__all__ = ["TokenDoor"]

_AUTHORIZE, _TOKEN, _REVOKE = "/oauth2/authorize", "/oauth2/token", "/oauth2/revoke"


class TokenDoor(Front):
    """Stands before `provider`, whose clients are registered with `client_secret_basic`.

    A client may send its secret in the form as well (RFC 6749, 2.3.1), and the form as JSON, as Notion has it. Of a
    token that is revoked here (RFC 7009), its owner has none left: the provider cannot end one alone. `ended` is who
    revoked, in order; `refreshes` counts the refreshes that succeeded, and `most_at_once` how many were under way at a
    time. With `seconds` every access token ends so soon; the provider's own setting is for those of a code alone.
    """

    def __init__(self, provider: OidcProvider, *, seconds: float | None = None, scope: str = "") -> None:
        """`scope`: what a client that asks for none is taken to ask for, where the provider insists on some."""
        super().__init__(provider.url)
        self._scope = scope
        self._seconds, self._given = seconds, dict[str, float]()
        self._provider, self._lock, self._under_way = provider, threading.Lock(), 0
        self.ended: list[str] = []
        self.refreshes = self.most_at_once = 0

    @property
    def authorize_url(self) -> str:
        """Where a person says yes."""
        return f"{self.url.rstrip('/') if self._scope else self._provider.url}{_AUTHORIZE}"

    @property
    def token_url(self) -> str:
        """Where tokens are given."""
        return f"{self.url.rstrip('/')}{_TOKEN}"

    @property
    def revoke_url(self) -> str:
        """Where they are ended."""
        return f"{self.url.rstrip('/')}{_REVOKE}"

    def is_over(self, token: str) -> bool:
        """Whether an access token that was given here has ended."""
        return self._seconds is not None and time.monotonic() - self._given.get(token, 0.0) > self._seconds

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        if path.startswith(f"{_AUTHORIZE}?"):
            return super()._ask(method, f"{path}&scope={urllib.parse.quote(self._scope)}", headers, body)
        is_json = headers.get("content-type", "").startswith("application/json")
        form: dict[str, str] = json.loads(body) if is_json else dict(urllib.parse.parse_qsl(body.decode()))
        signed = _signed(
            form, {name: value for name, value in headers.items() if not is_json or name != "content-type"}
        )
        if (method, path) == ("POST", _REVOKE):
            return self._revoked(form, signed)
        if (method, path) == ("POST", _TOKEN) and form.get("grant_type") == "refresh_token":
            return self._refreshed(form, signed)
        answer = super()._ask(method, path, signed, urllib.parse.urlencode(form).encode())
        return self._timed(answer) if path == _TOKEN else answer

    def _timed(self, answer: httpx.Response) -> httpx.Response:
        """An answer of the token endpoint with the end of its token."""
        if self._seconds is None or answer.status_code != 200:
            return answer
        given = {**answer.json(), "expires_in": self._seconds}
        self._given[given["access_token"]] = time.monotonic()
        return httpx.Response(200, json=given)

    def _refreshed(self, form: Mapping[str, str], signed: Mapping[str, str]) -> httpx.Response:
        with self._lock:
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            answer = super()._ask("POST", _TOKEN, signed, urllib.parse.urlencode(form).encode())
        finally:
            with self._lock:
                self._under_way -= 1
        self.refreshes += answer.status_code == 200
        return self._timed(answer)

    def _revoked(self, form: Mapping[str, str], signed: Mapping[str, str]) -> httpx.Response:
        """Whose token it is: that of an access token is asked for, a refresh token is used to get one."""
        subject, token = self._provider.who(form["token"]), form["token"]
        if subject is None:
            grant = urllib.parse.urlencode({"grant_type": "refresh_token", "refresh_token": token}).encode()
            given = super()._ask("POST", _TOKEN, signed, grant)
            subject = self._provider.who(given.json()["access_token"]) if given.status_code == 200 else None
        if subject is not None:
            super()._ask("POST", f"/users/{urllib.parse.quote(subject)}/revoke-tokens", {}, b"").raise_for_status()
            self.ended.append(subject)
        return httpx.Response(200)  # also for a token that is over already (RFC 7009, 2.2)


def _signed(form: dict[str, str], headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a form with the client's secret moved there from it."""
    signed = {"content-type": "application/x-www-form-urlencoded", **headers}
    if "client_secret" in form:
        pair = f"{form.pop('client_id')}:{form.pop('client_secret')}"
        signed["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return signed
