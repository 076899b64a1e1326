"""Google's pages and errors, with bodies as its documentation shows them."""

import json
from typing import Any

import pytest

from openassistant.errors import Forbidden, InvalidRequest, OaError, RateLimited, UpstreamFailed
from openassistant.http import HttpClient
from openassistant.providers.google import GoogleApi
from tests.sdk.web import Web, answer


@pytest.fixture
def api(web: Web, http: HttpClient) -> GoogleApi:
    return GoogleApi(http, web.url("/v1/"))


def error(status: int, reason: str = "", *, info: dict[str, Any] | None = None) -> bytes:
    body = {"code": status, "message": "words of the provider", "errors": [{"reason": reason}] if reason else []}
    return answer(status, json.dumps({"error": {**body, "details": [info] if info else []}}).encode())


async def raised(api: GoogleApi) -> OaError:
    with pytest.raises(OaError) as caught:
        await api.get("things")
    assert "words of the provider" not in caught.value.message
    return caught.value


async def test_pages_go_on_as_long_as_there_is_a_token_even_when_one_is_empty(web: Web, api: GoogleApi) -> None:
    web.say(
        "/v1/things",
        answer(200, b'{"things": [1], "nextPageToken": "a"}'),
        answer(200, b'{"nextPageToken": "b"}'),
        answer(200, b'{"things": [2]}'),
    )
    found = [page.get("things", []) async for page in api.pages("things", maxResults="10")]
    assert found == [[1], [], [2]]
    assert [each.target.partition("?")[2] for each in web.asked] == [
        "maxResults=10", "maxResults=10&pageToken=a", "maxResults=10&pageToken=b",
    ]  # fmt: skip


async def test_a_list_that_repeats_itself_ends(web: Web, api: GoogleApi) -> None:
    web.say("/v1/things", answer(200, b'{"nextPageToken": "a"}'))
    with pytest.raises(UpstreamFailed, match="does not end"):
        [page async for page in api.pages("things")]


async def test_a_quota_answered_as_forbidden_is_a_pause(web: Web, api: GoogleApi) -> None:
    web.say("/v1/things", error(403, "userRateLimitExceeded"))
    assert isinstance(await raised(api), RateLimited)
    assert len(web.asked) == 3


async def test_an_api_that_is_switched_off_says_where_it_is_switched_on(web: Web, api: GoogleApi) -> None:
    link = "https://console.developers.google.com/apis/api/gmail.googleapis.com/overview?project=1"
    for url, shown in ((link, link), ("https://evil.example/x", None), ("javascript:alert(1)", None)):
        info = {"reason": "SERVICE_DISABLED", "metadata": {"activationUrl": url}}
        web.say("/v1/things", error(403, info=info))
        found = await raised(api)
        assert (type(found), found.details["reason"], found.details.get("url")) == (Forbidden, "api_disabled", shown)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("insufficientPermissions", "scope_missing"), ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "scope_missing"),
        ("domainPolicy", "admin_blocked"), ("storageQuotaExceeded", "storage_full"),
    ],
)  # fmt: skip
async def test_what_a_person_can_do_something_about_is_named(web: Web, api: GoogleApi, reason: str, said: str) -> None:
    web.say("/v1/things", error(403, reason))
    assert (await raised(api)).details["reason"] == said


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"error": "text"}', b'{"error": {"errors": [1], "details": 2}}']
)
async def test_an_error_without_form_keeps_what_its_status_says(web: Web, api: GoogleApi, body: bytes) -> None:
    web.say("/v1/things", answer(400, body))
    assert isinstance(await raised(api), InvalidRequest)


async def test_an_answer_that_is_no_object_is_the_providers_fault(web: Web, api: GoogleApi) -> None:
    web.say("/v1/things", answer(200, b"[1]"))
    assert isinstance(await raised(api), UpstreamFailed)
