"""A list is left in the way its mail offers, by exactly the request that was approved, and nothing is ever fetched."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from connectors.mail.lists import Way, click, way_out
from openassistant.context import utc_now
from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound, UpstreamFailed
from openassistant.http import HttpClient
from tests.peers.certificates import Authority
from tests.peers.mailbox import ADA, Letter, add_letter
from tests.sdk.web import answer, serve

BY_MAIL = Way("mail", "u@l.example", "unsubscribe", "unsubscribe")
ONE_CLICK = "List-Unsubscribe-Post: List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("header", "one_click", "way"),
    [
        ("<https://l.example/u?t=1>, <mailto:u@l.example>", True, Way("click", "https://l.example/u?t=1")),
        ("<mailto:u@l.example>, <https://l.example/u>", True, Way("click", "https://l.example/u")),
        (
            "<https://l.example/u>, <mailto:u@l.example?subject=Leave%20me&body=a+b>",
            False,
            Way("mail", "u@l.example", "Leave me", "a+b"),
        ),
        ("<http://l.example/u>,\r\n <mailto:u@l.example>", True, BY_MAIL),
        ("<https://me:pw@l.example/u>, <mailto:u@l.example>", True, BY_MAIL),
        (
            "<mailto:u@l.example?bcc=all@l.example&subject=a%0D%0ABcc:%20b@l.example>",
            False,
            Way("mail", "u@l.example", "a Bcc: b@l.example", "unsubscribe"),
        ),
    ],
    ids=["click first", "click though later", "no click allowed", "no tls", "user in url", "other headers"],
)  # fmt: skip
def test_the_way_out_is_the_safest_that_is_offered(header: str, one_click: bool, way: Way) -> None:
    assert way_out(header, one_click=one_click) == way


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("<https://l.example/u>", "open it yourself"),
        ("", "no way to unsubscribe"),
        ("https://l.example/u", "no way to unsubscribe"),
        ("<javascript:alert(1)>, <mailto:>, <mailto:a@b@c>", "no way to unsubscribe"),
    ],
)
def test_what_is_no_way_out_is_said(header: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        way_out(header, one_click=header == "")


@contextlib.asynccontextmanager
async def client(authority: Authority, *private: str) -> AsyncIterator[HttpClient]:
    async def to_loopback(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    deadline, tls = utc_now() + timedelta(seconds=10), authority.client_context()
    async with HttpClient((), deadline=deadline, clock=utc_now, private=private, tls=tls, resolver=to_loopback) as http:
        yield http


async def test_a_click_is_one_post_with_fixed_words_and_nothing_else(authority: Authority) -> None:
    async with serve(tls=authority.good().context()) as web:
        web.say("/leave", answer(202))
        url = f"https://localhost:{web.port}/leave?t=1"
        async with client(authority, url) as http:
            await click(http, url)
        [asked] = web.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/leave?t=1", b"List-Unsubscribe=One-Click")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert not {"cookie", "authorization", "referer"} & set(asked.headers)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(authority: Authority, status: int) -> None:
    async with serve(tls=authority.good().context()) as web:
        web.say("/leave", answer(status, location="/page"))
        url = f"https://localhost:{web.port}/leave"
        async with client(authority, url) as http:
            with pytest.raises(Conflict, match="web page"):
                await click(http, url)
        assert [each.method for each in web.asked] == ["POST"]


async def test_a_failure_of_the_list_is_unclear_and_not_repeated(authority: Authority) -> None:
    async with serve(tls=authority.good().context()) as web:
        web.say("/leave", answer(500))
        url = f"https://localhost:{web.port}/leave"
        async with client(authority, url) as http:
            with pytest.raises(UpstreamFailed):
                await click(http, url)
        assert len(web.asked) == 1


async def test_an_address_inside_the_own_network_is_refused(authority: Authority) -> None:
    async with serve(tls=authority.good().context()) as web, client(authority) as http:
        with pytest.raises(Forbidden, match="inside this network"):
            await click(http, f"https://localhost:{web.port}/leave")
        assert web.asked == []


async def test_no_other_host_opens_with_it(authority: Authority) -> None:
    async with client(authority) as http:
        http.allow_public("https://list.example/u")
        for url in ("https://list.example:444/u", "http://list.example/u", "https://other.example/u"):
            with pytest.raises(Forbidden, match="may reach"):
                await http.post(url)


async def news(post: Any, *extra: str, folder: str = "") -> str:
    letter = Letter(
        "Shop <news@shop.example>",
        ADA,
        "Quince sale",
        "Buy.",
        utc_now(),
        "<s@shop.example>",
        folder=folder,
        extra=extra,
    )
    add_letter(post.maildir, letter, owner=post.imap.owner)
    await post.sync()
    [found] = await post.search("subject:quince" + (" in:junk" if folder else ""))
    return str(found["id"])


async def test_a_list_is_left_by_the_mail_that_it_asks_for(read: Any) -> None:
    offer = "List-Unsubscribe: <mailto:leave@shop.example?subject=out>"
    message = await news(read, offer, "List-Id: Offers <offers.shop.example>")
    preview = await read.house.preview("messages_unsubscribe", message=message)
    result = await read.house.call("messages_unsubscribe", message=message)
    [sent] = read.smtp.sent
    assert (sent.recipients, sent.subject) == (("leave@shop.example",), "out")
    assert [each.value for each in preview.destinations] == ["leave@shop.example"]
    assert {field.label: field.value for field in preview.fields}["List"] == "Offers <offers.shop.example>"
    assert "nothing here proves it" in " ".join(preview.warnings)
    assert (result["way"], result["target"]) == ("mail", "leave@shop.example")
    thread = await read.house.call("threads_read", message=message)
    assert thread["messages"][0]["mailing_list"]["text"] == "Offers <offers.shop.example>"


async def test_the_card_of_a_click_names_host_address_and_what_is_odd(read: Any) -> None:
    offer = "List-Unsubscribe: <https://tracker.example/u?t=abc>"
    message = await news(read, offer, ONE_CLICK, folder=".Junk")
    preview = await read.house.preview("messages_unsubscribe", message=message)
    [destination] = preview.destinations
    assert (destination.kind, destination.value) == ("url", "tracker.example")
    assert {field.label: field.value for field in preview.fields}["Address"] == "https://tracker.example/u?t=abc"
    warnings = " ".join(preview.warnings)
    assert "came from shop.example" in warnings
    assert "among spam" in warnings
    assert preview.outside[0].authors == ("news@shop.example",)
    assert preview.effect == "send"


async def test_a_click_into_the_own_network_is_refused_whatever_was_approved(read: Any) -> None:
    message = await news(read, "List-Unsubscribe: <https://127.0.0.1/u>", ONE_CLICK)
    with pytest.raises(Forbidden, match="inside this network"):
        await read.house.call("messages_unsubscribe", message=message)


async def test_a_mail_that_is_no_list_offers_nothing(read: Any) -> None:
    with pytest.raises(InvalidRequest, match="messages_junk"):
        await read.house.preview("messages_unsubscribe", message=await read.lease())
    with pytest.raises(NotFound):
        await read.house.preview("messages_unsubscribe", message="1")
