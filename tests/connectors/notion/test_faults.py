"""Notion is away, asks for a pause, refuses, or lies: nothing breaks, and nothing leads elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.notion import api
from openassistant.context import new_id
from openassistant.errors import (
    AccountRequired,
    InvalidRequest,
    OaError,
    RateLimited,
    TooLarge,
    Unavailable,
    UpstreamFailed,
)
from tests.connectors.notion.conftest import Desk
from tests.peers.notion import TOKEN, NotionServer


async def test_a_pause_is_kept_and_its_reason_said(desk: Desk) -> None:
    page = desk.server.page("Page", "words")
    desk.server.fault("GET", "markdown", 429, Retry_After="1")
    assert (await desk.call("pages_read", page=page))["text"]["text"] == "words"
    for _ in range(3):
        desk.server.fault("GET", "markdown", 429)
    with pytest.raises(RateLimited, match="Notion asks for a pause") as caught:
        await desk.call("pages_read", page=page)
    assert caught.value.details["rate_limit_reason"] == "connection"


async def test_a_pause_longer_than_the_call_is_given_back(desk: Desk) -> None:
    page = desk.server.page("Page")
    desk.server.fault("GET", "markdown", 429, Retry_After="300")
    with pytest.raises(RateLimited) as caught:
        await desk.call("pages_read", page=page)
    assert caught.value.retry_after == 300
    assert desk.asked("markdown") == 1


async def test_an_overloaded_notion_is_tried_again_where_that_does_no_harm(desk: Desk) -> None:
    page = desk.server.page("Page", "words")
    desk.server.fault("GET", "markdown", 529, Retry_After="2")
    assert (await desk.call("pages_read", page=page))["text"]["text"] == "words"
    desk.server.fault("POST", "search", 529)
    with pytest.raises(Unavailable):
        await desk.sync()


async def test_a_token_that_is_refused_says_to_connect_again(desk: Desk) -> None:
    desk.server.page("Page")
    await desk.sync()
    desk.server.refused.add(TOKEN)
    with pytest.raises(AccountRequired):
        await desk.sync()
    report = await desk.house.check()
    assert not report.ok


async def test_a_token_that_was_renewed_meanwhile_is_taken(desk: Desk) -> None:
    page = desk.server.page("Page", "words")
    await desk.sync()
    desk.server.refused.add(TOKEN)
    desk.server.bots["renewed-fake-token"] = desk.server.bot
    desk.house.account = desk.house.account.model_copy(update={"secrets": {"access_token": "renewed-fake-token"}})
    assert (await desk.call("pages_read", page=page))["text"]["text"] == "words"


async def test_an_answer_that_breaks_off_is_no_text(desk: Desk) -> None:
    page = desk.server.page("Page", "words")
    for _ in range(3):
        desk.server.fault("GET", "markdown", 200, Content_Length="5000").body = b'{"object": "page_markdown", "mark'
    with pytest.raises(OaError) as caught:
        await desk.call("pages_read", page=page)
    assert isinstance(caught.value, Unavailable | UpstreamFailed)


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b'"text"', b"null", b'{"markdown": 5}', b"<html></html>"]
)
async def test_an_answer_of_another_form_is_no_text(desk: Desk, body: bytes) -> None:
    page = desk.server.page("Page")
    desk.server.fault("GET", "markdown", 200).body = body
    with pytest.raises(UpstreamFailed):
        await desk.call("pages_read", page=page)


async def test_an_answer_beyond_all_size_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_LARGEST", 10_000)
    page = desk.server.page("Page", "x" * 20_000)
    with pytest.raises(TooLarge):
        await desk.call("pages_read", page=page)


async def test_a_redirect_to_another_host_does_not_get_the_token(desk: Desk) -> None:
    page = desk.server.page("Page")
    with NotionServer() as other:
        desk.server.fault("GET", "markdown", 302, Location=f"{other.url}/v1/pages/{page}/markdown")
        with pytest.raises(OaError):
            await desk.call("pages_read", page=page)
        assert other.tokens <= {""}


async def test_a_refusal_s_own_words_are_not_passed_on(desk: Desk) -> None:
    page = desk.server.page("Page")
    for status in (400, 401, 403, 404, 409, 500):
        desk.server.fault("GET", "markdown", status)
        with pytest.raises(OaError) as caught:
            await desk.call("pages_read", page=page)
        assert "mallory" not in f"{caught.value} {caught.value.details}", status
        desk.server.faults.clear()


def _odd(kind: str, *properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    listed = {f"column {number}": each for number, each in enumerate(properties)}
    return {"object": kind, "id": new_id(), "properties": listed, **more}


@pytest.mark.parametrize(
    "name", ["../users/me", "a/b", "1?x=1", "", "me", "3f000000-4000-8000-0000-00000000000g", "x" * 10_000, "%2e%2e"]
)
async def test_an_id_leads_nowhere_else(desk: Desk, name: str) -> None:
    for tool, arguments in (
        ("pages_read", {"page": name}), ("comments_list", {"page": name}), ("rows_query", {"database": name}),
        ("pages_trash", {"page": name}), ("pages_move", {"page": name, "into": name}),
        ("comments_create", {"page": name, "text": "x"}), ("databases_get", {"database": name}),
    ):  # fmt: skip
        with pytest.raises(InvalidRequest):
            await desk.call(tool, **arguments)
    assert desk.server.seen == []


@pytest.mark.parametrize(
    "raw",
    [
        {"object": "page"},
        {"object": "page", "id": 5},
        {"object": "page", "id": "../x"},
        {"object": "user", "id": new_id()},
        {"object": "page", "id": new_id(), "properties": [], "parent": "x", "url": "javascript:alert(1)"},
        {"object": "page", "id": new_id(), "last_edited_time": 5, "created_by": [], "in_trash": "no"},
        _odd("page", {"type": "title", "title": [{"plain_text": 5}]}),
        _odd("page", {"type": ["x"], "x": 1}),
        _odd("page", {"type": "date", "date": []}),
        _odd("page", {"type": "people", "people": [5, {"id": []}]}),
        _odd("page", {"type": "rollup", "rollup": {"type": "array", "array": [{"type": "rollup", "rollup": {}}]}}),
        _odd("page", *({"type": "url", "url": "\x00\u202e" * 9000} for _ in range(300))),
        _odd("data_source", {"type": "select", "select": {"options": {}}}, {"type": None}, title="x"),
    ],
)
async def test_objects_of_any_shape_stop_no_pass(desk: Desk, raw: dict[str, Any]) -> None:
    desk.server.page("Good")
    desk.server.searched = lambda found: {**found, "results": [raw, None, *found["results"]]}
    await desk.sync()
    assert await desk.titles("good") == ["Good"]
