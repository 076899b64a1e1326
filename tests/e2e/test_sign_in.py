"""An account that is authorized at a provider: from the registration to the last call, and what a thief gets of it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.e2e.events import answer_text
from tests.e2e.stack import Person, Stack, until
from tests.e2e.stranger import Stranger
from tests.peers.model import ModelServer
from tests.peers.oidc import OidcProvider
from tests.peers.script import Script, Step, ToolCall, When

pytestmark = pytest.mark.e2e

MANIFEST = """\
id = "parcels"
name = "Parcels"
version = "0.1.0"
description = "Parcels on their way to this house."
host_settings = ["url"]
auth.kind = "oauth2"
settings.url = {{type = "string", format = "uri", title = "Address of the carrier"}}

[auth.oauth2]
provider = "carrier"
name = "Carrier"
authorize_url = "{url}/oauth2/authorize"
token_url = "{url}/oauth2/token"
client_auth = "client_secret_basic"
scopes = ["openid"]
manage_url = "{url}/apps"

[auth.oauth2.capabilities.read]
title = "See who you are"
scopes = ["email"]

[auth.oauth2.capabilities.send]
title = "Redirect parcels"
scopes = ["redirects"]
"""
TOOLS = '''\
"""What a carrier lets the assistant do."""

from openassistant.connector import CheckStep, Connector, Context

connector = Connector(__file__)


@connector.check
async def look(ctx: Context):
    """Ask the carrier once."""
    yield CheckStep(name="The carrier answers", ok=bool(await who_am_i(ctx)))


@connector.tool(effect="read", capability="read")
async def who_am_i(ctx: Context) -> str:
    """Say whom the carrier takes this for."""
    url = (await ctx.credentials()).settings["url"]
    return str((await ctx.http.get(url + "/userinfo")).json()["sub"])


@connector.tool(effect="send", capability="send")
async def parcels_redirect(ctx: Context) -> str:
    """Have the carrier leave all parcels with a neighbour."""
    return "Done."
'''
SCRIPT = Script(
    [
        Step(when=When(user_says="who am i", fresh=0), calls=[ToolCall("who_am_i")]),
        Step(when=When(result_of="who_am_i"), say="You are {{result}}."),
        Step(when=When(user_says="redirect", fresh=0), calls=[ToolCall("parcels_redirect")]),
        Step(when=When(result_of="parcels_redirect", result_says="connected without"), say="It was not allowed."),
    ]
)


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with OidcProvider(seconds=4) as provider:
        yield provider


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer(SCRIPT) as model:
        yield model


@pytest.fixture
def stack(model: ModelServer) -> Iterator[Stack]:
    with Stack(model=model) as stack:
        yield stack


@pytest.fixture
def parcels(tmp_path: Path, stack: Stack, provider: OidcProvider) -> Iterator[Stranger]:
    """A connector that signs in at the provider, running in the house."""
    stranger = Stranger(tmp_path)
    stranger.new()
    (stranger.folder / "manifest.toml").write_text(MANIFEST.format(url=provider.url))
    (stranger.folder / "tools.py").write_text(TOOLS)
    stranger.join(stack)
    stranger.run()
    yield stranger
    stranger.stop()


def register(ada: Person, stack: Stack, provider: OidcProvider) -> dict[str, str]:
    """Approves the connector and registers the house at the provider, as its owner does."""

    def look() -> dict[str, Any] | None:
        found = [each for each in ada.get("/api/connectors") if each["id"] == "parcels"]
        return found[0] if found else None

    card = until(look, seconds=30, what="the connector")
    ada.http.post("/api/connectors/parcels/approve", json={"digest": card["digest"]}).raise_for_status()
    made = provider.register(stack.way_back)
    [client] = ada.get("/api/oauth/clients")
    assert (client["provider"], client["registered"], client["has_secret"]) == ("carrier", False, False)
    draft = {"client_id": made["client_id"], "client_secret": made["client_secret"]}
    kept = ada.http.put("/api/oauth/clients/carrier", json=draft)
    assert (kept.status_code, kept.json()["registered"], kept.json()["has_secret"]) == (200, True, True)
    assert made["client_secret"] not in kept.text
    return made


def begin(ada: Person, provider: OidcProvider, *capabilities: str, **more: Any) -> dict[str, Any]:
    draft = {
        "connector": "parcels",
        "capabilities": capabilities or ("read", "send"),
        "settings": {"url": provider.url},
    }
    begun: dict[str, Any] = ada.http.post("/api/oauth/authorize", json=draft | more).raise_for_status().json()
    return begun


def finish(ada: Person, begun: dict[str, Any], back: dict[str, str]) -> httpx.Response:
    return ada.http.post(
        "/api/oauth/finish", json={"address": f"{begun['redirect_uri']}?{urlencode(back)}"}, timeout=60
    )


def acted(ada: Person) -> set[str]:
    return {entry["action"] for entry in ada.ledger()}


def test_an_account_is_connected_used_renewed_and_disconnected(
    stack: Stack, parcels: Stranger, provider: OidcProvider
) -> None:
    with stack.sign_in() as ada:
        made = register(ada, stack, provider)
        begun = begin(ada, provider)
        assert (begun["redirect_uri"], begun["returns_here"]) == (stack.way_back, True)
        connected = finish(ada, begun, provider.allow(begun["url"], subject="ada-at-home"))
        assert connected.status_code == 201, connected.text
        account = connected.json()
        assert (account["state"], account["capabilities"]) == ("connected", ["read"])
        assert finish(ada, begun, provider.allow(begun["url"])).status_code == 404  # a state is good once

        conversation = ada.converse()
        for _ in range(2):
            assert answer_text(ada.say(conversation, "Who am I?")) == "You are ada-at-home."
            time.sleep(5)  # the token at hand is over by then
        assert answer_text(ada.say(conversation, "Redirect them!")) == "It was not allowed."
        assert ada.pending(conversation) == []
        assert {"client.changed", "account.authorized", "account.connected", "token.refreshed"} <= acted(ada)

        gone = ada.http.delete(f"/api/accounts/{account['id']}")
        assert gone.json() == {"at_provider": "unsupported", "manage_url": f"{provider.url}/apps"}
        until(
            lambda: "token.revoked" in [e["action"] for e in ada.ledger()] or None, seconds=10, what="the record of it"
        )
        assert ada.verify()["ok"]
    stack.halt()
    for path in stack.data_dir.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert made["client_secret"].encode() not in content, path
            assert b"ada-at-home" not in content, path


def test_what_comes_back_for_somebody_else_or_from_nowhere_connects_nothing(
    stack: Stack, parcels: Stranger, provider: OidcProvider
) -> None:
    with stack.sign_in() as ada, stack.sign_in() as elsewhere:
        register(ada, stack, provider)
        begun = begin(ada, provider)
        back = provider.allow(begun["url"])
        assert finish(elsewhere, begun, back).status_code == 404  # another session, though of the same person
        for address in ("", "https://evil.example/", f"{begun['redirect_uri']}?code=x", "x" * 10_000):
            assert ada.http.post("/api/oauth/finish", json={"address": address}).status_code in (400, 422)
        assert finish(ada, begun, {"state": "guessed", "code": back["code"]}).status_code == 404
        state = parse_qs(urlsplit(begun["url"]).query)["state"][0]
        denied = finish(ada, begun, {"state": state, "error": "access_denied"})
        assert (denied.status_code, "not allowed at Carrier" in denied.json()["detail"]) == (403, True)
        assert ada.get("/api/accounts") == []


def test_registering_takes_the_password_again_once_the_sign_in_is_old_and_never_a_token(
    stack: Stack, parcels: Stranger, provider: OidcProvider
) -> None:
    with stack.sign_in() as ada:
        register(ada, stack, provider)
        token = ada.http.post("/api/tokens", json={"name": "t", "scopes": ["accounts"]}).raise_for_status().json()
        draft = {"client_id": "another", "client_secret": "planted"}
        headers = {"Authorization": f"Bearer {token['token']}"}
        answer = httpx.put(f"{stack.url}/api/oauth/clients/carrier", json=draft, headers=headers, timeout=30)
        assert answer.status_code == 403
        for wrong in ({"token_url": "http://id.example/token"}, {"token_url": "nonsense"}):
            answer = ada.http.put("/api/oauth/clients/carrier", json={**draft, "urls": wrong})
            assert answer.status_code == 400, wrong
        [client] = ada.get("/api/oauth/clients")
        assert client["client_id"] != "another"
