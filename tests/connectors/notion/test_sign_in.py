"""Two ways to sign in at Notion: a token that is typed into the form, and a consent that the vault asks for."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from connectors.notion.account import _USUAL
from connectors.notion.tools import connector
from openassistant.context import utc_now
from openassistant.errors import AccountRequired, InvalidRequest
from openassistant.oauth import OAuthClient
from services.gateway.forms import check_form
from services.vault.oauth import OAuth, Registration, Tokens
from tests.connectors.notion.conftest import Desk

BACK = "http://localhost:8080/oauth/callback"
SECRET = "obviously-fake-client-secret"
OAUTH = connector.manifest.auth.oauth2
assert OAUTH is not None


def _registered(desk: Desk, secret: str = SECRET) -> Registration:
    """This house, registered at the double as the manifest says, at other addresses."""
    assert OAUTH is not None
    desk.server.consents.clients["the-client"] = SECRET
    urls = {
        name: url.replace(_USUAL, desk.server.url)
        for name, url in OAUTH.model_dump(include={"authorize_url", "token_url", "revoke_url"}).items()
    }
    client = OAuthClient(provider=OAUTH.provider, client_id="the-client", **urls)
    return Registration(client, SecretStr(secret), OAUTH)


async def _allowed(desk: Desk, at: Registration) -> Tokens:
    oauth = OAuth(utc_now)
    url, verifier = oauth.authorization(at, scopes=(), redirect_uri=BACK, state="s", login_hint="")
    back = desk.server.consents.allow(url)
    return await oauth.exchange(at, code=back["code"], verifier=verifier, redirect_uri=BACK)


async def test_a_consent_gives_a_token_that_reads_is_renewed_and_ends(desk: Desk) -> None:
    page, at, oauth = desk.server.page("Page", "words"), _registered(desk), OAuth(utc_now)
    given = await _allowed(desk, at)
    assert given.refresh is not None
    assert given.ends is None
    desk.house.connect("Ada", {"api_url": desk.server.url}, access_token=given.access.get_secret_value())
    assert (await desk.call("pages_read", page=page))["text"]["text"] == "words"
    renewed = await oauth.refresh(at, given.refresh.get_secret_value())
    desk.house.connect("Ada", {"api_url": desk.server.url}, access_token=renewed.access.get_secret_value())
    assert (await desk.call("pages_read", page=page))["text"]["text"] == "words"  # 401 once, then the new one
    with pytest.raises(AccountRequired, match="Notion ended this account's consent"):
        await oauth.refresh(at, given.refresh.get_secret_value())
    assert renewed.refresh is not None
    await oauth.revoke(at, renewed.refresh.get_secret_value())
    with pytest.raises(AccountRequired):
        await desk.call("pages_read", page=page)


async def test_a_wrong_secret_is_said_to_the_administrator(desk: Desk) -> None:
    with pytest.raises(InvalidRequest, match="client ID"):
        await _allowed(desk, _registered(desk, "another-fake-secret"))


def test_the_request_asks_for_a_user_and_no_scope() -> None:
    assert OAUTH is not None
    client = OAuthClient(provider="notion", client_id="c", authorize_url=OAUTH.authorize_url, token_url=OAUTH.token_url)
    at = Registration(client, None, OAUTH)
    url, _ = OAuth(utc_now).authorization(at, scopes=(), redirect_uri=BACK, state="s", login_hint="")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith("https://api.notion.com/v1/oauth/authorize?")
    assert (asked["owner"], asked["redirect_uri"], asked.get("scope")) == ("user", BACK, None)


def test_the_form_wants_a_token_and_a_consent_wants_none() -> None:
    card = connector.card()
    check_form(card, {}, {"access_token": "obviously-fake-token"})
    check_form(card, {}, None)
    with pytest.raises(InvalidRequest, match="access_token"):
        check_form(card, {}, {})


def test_the_address_in_the_manifest_is_the_one_that_is_asked() -> None:
    assert connector.manifest.settings["api_url"]["default"] == _USUAL == f"https://{connector.manifest.hosts[0]}"
