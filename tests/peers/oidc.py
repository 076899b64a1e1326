"""oidc-provider-mock as an OpenID provider: real codes, tokens and refreshes, for whoever types a name at it."""

import sys
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.peers.process import LOOPBACK, Child, Lifespan, free_port, listens, workspace

__all__ = ["OidcProvider"]


class OidcProvider(Lifespan):
    """The provider on loopback; `seconds` is how long its access tokens live."""

    def __init__(self, *, seconds: int = 3600) -> None:
        self.port, self._seconds = free_port(), seconds
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """See `Lifespan`."""
        command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(self.port)]
        command += ["--token-max-age", str(self._seconds)]
        self._child = Child(command, name="oidc", directory=workspace("oidc"))
        self._child.start(lambda: listens(self.port))

    def stop(self) -> None:
        """See `Lifespan`."""
        if self._child:
            self._child.stop()

    def register(
        self, *redirect_uris: str, scopes: tuple[str, ...] = (), auth: str = "client_secret_basic"
    ) -> dict[str, str]:
        """A client of its own: its `client_id` and `client_secret`. Of what it asks for, `scopes` alone are granted."""
        asked: dict[str, object] = {"redirect_uris": redirect_uris, "token_endpoint_auth_method": auth}
        if scopes:
            asked["scope"] = " ".join(scopes)
        answer = httpx.post(f"{self.url}/oauth2/clients", json=asked, timeout=10)
        made: dict[str, str] = answer.raise_for_status().json()
        return made

    def allow(self, url: str, *, subject: str = "ada") -> dict[str, str]:
        """What a person who says yes at the authorization page brings back: the query of the redirect."""
        return self._answer(url, {"sub": subject})

    def tell(self, subject: str, **claims: object) -> None:
        """What it tells of somebody from now on."""
        httpx.put(f"{self.url}/users/{subject}", json=claims, timeout=10).raise_for_status()

    def deny(self, url: str) -> dict[str, str]:
        """What a person who says no brings back."""
        return self._answer(url, {"action": "deny"})

    def who(self, token: str) -> str | None:
        """Whose access token it is; None for one that the provider does not take."""
        answer = httpx.get(f"{self.url}/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=10)
        return str(answer.json()["sub"]) if answer.status_code == 200 else None

    def _answer(self, url: str, form: dict[str, str]) -> dict[str, str]:
        answer = httpx.post(url, data=form, timeout=10)
        location = urlsplit(answer.headers["location"])
        return {name: values[0] for name, values in parse_qs(location.query).items()}
