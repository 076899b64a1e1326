"""Microsoft Graph's links, turns and errors, with bodies as its documentation shows them."""

import asyncio
import json

import pytest

from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound, OaError, RateLimited, UpstreamFailed
from openassistant.http import HttpClient
from openassistant.providers.graph import GraphApi
from tests.sdk.web import Asked, Web, answer


@pytest.fixture
async def api(web: Web, http: HttpClient) -> GraphApi:
    return GraphApi(http, web.url("/v1.0"), account="a", prefer=('outlook.body-content-type="text"',))


async def test_links_are_followed_as_they_are_and_every_request_asks_for_ids_that_stay(web: Web, api: GraphApi) -> None:
    first = json.dumps({"value": [1], "@odata.nextLink": web.url("/v1.0/next?$skiptoken=a%2Fb")}).encode()
    web.say("/v1.0/me/messages", answer(200, first))
    web.say("/v1.0/next", answer(200, b'{"value": [2], "@odata.deltaLink": "x"}'))
    found = [page async for page in api.pages("me/messages", {"$select": "id"})]
    assert [each["value"] for each in found] == [[1], [2]]
    assert found[-1]["@odata.deltaLink"] == "x"
    assert web.asked[1].target == "/v1.0/next?$skiptoken=a%2Fb"
    assert {each.headers["prefer"] for each in web.asked} == {'IdType="ImmutableId", outlook.body-content-type="text"'}


@pytest.mark.parametrize("link", ["https://evil.example/v1.0/next", "http://127.0.0.1:1/next"])
async def test_a_link_to_another_host_is_not_asked_for(web: Web, api: GraphApi, link: str) -> None:
    web.say("/v1.0/me/messages", answer(200, json.dumps({"value": [], "@odata.nextLink": link}).encode()))
    with pytest.raises(UpstreamFailed, match="another host"):
        [page async for page in api.pages("me/messages")]


async def test_no_more_than_four_requests_are_under_way_for_an_account(web: Web, http: HttpClient) -> None:
    under_way, most = 0, 0

    async def page(_: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.05)
        under_way -= 1
        writer.write(answer(200, b"{}"))

    web.pages["/v1.0/me"] = page
    apis = [GraphApi(http, web.url("/v1.0"), account="a") for _ in range(12)]
    await asyncio.gather(*(each.get("me") for each in apis))
    assert most == 4


@pytest.mark.parametrize(
    ("status", "code", "error", "reason"),
    [
        (410, "x", NotFound, "resync"), (400, "syncStateNotFound", NotFound, "resync"),
        (403, "ErrorAccessDenied", Forbidden, "scope_missing"),
        (404, "MailboxNotEnabledForRESTAPI", Forbidden, "no_mailbox"),
        (507, "quotaLimitReached", Forbidden, "storage_full"), (409, "nameAlreadyExists", Conflict, "name_taken"),
        (403, "BlockedByConditionalAccess", Forbidden, "admin_blocked"),
        (400, "ApplicationThrottled", RateLimited, None), (400, "ErrorInvalidId", InvalidRequest, None),
    ],
)  # fmt: skip
async def test_what_a_person_can_do_something_about_is_named(
    web: Web, api: GraphApi, status: int, code: str, error: type[OaError], reason: str | None
) -> None:
    inner = {"error": {"code": "outer", "message": "words of the provider", "innerError": {"code": code}}}
    for body in (inner, {"error": {"code": code, "message": "words of the provider"}}):
        web.say("/v1.0/me", answer(status, json.dumps(body).encode()))
        with pytest.raises(error) as caught:
            await api.get("me")
        assert caught.value.details.get("reason") == reason
        assert "words of the provider" not in caught.value.message
