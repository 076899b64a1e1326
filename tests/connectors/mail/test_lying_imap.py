"""An IMAP server that lies: each pass ends in time, in words that say who can act; what is true is kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.mail.tools import connector
from openassistant.context import CallContext
from openassistant.errors import OaError
from openassistant.testing import FakeHouse
from tests.connectors.mail.lying_imap import MAILS, Lie, LyingImap, fetched

DONE = b" OK done\r\n"


@pytest.fixture
def server() -> Iterator[LyingImap]:
    with LyingImap() as made:
        yield made


@pytest.fixture
async def house(server: LyingImap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeHouse]:
    monkeypatch.setattr("connectors.mail.sync._SECONDS", 1.0)
    monkeypatch.setattr("connectors.mail.sync._LEAST_SECONDS", 0.3)
    made = FakeHouse(connector, folder=tmp_path / "data")
    settings = {"address": "ada@home.example", "imap_host": server.host, "imap_port": server.port}
    more = {"imap_security": "none", "smtp_host": server.host, "smtp_port": 9, "smtp_security": "none"}
    made.connect("Mail", {**settings, **more}, password="not-a-real-password")
    async with made:
        yield made


async def sync(house: FakeHouse) -> None:
    ctx = CallContext.within(60, user=house.user).signed(grant=house.account_grant())
    assert connector.syncer is not None
    async with asyncio.timeout(30):
        async with house.runner.context(ctx, house.user, house.account.account, progress=_silent) as context:
            await connector.syncer(context)


async def _silent(done: int, total: int | None, what: str) -> None:
    """Nobody listens."""


async def states(house: FakeHouse) -> dict[str, str]:
    """The mirrored mails by subject."""
    async with house.runner.stores.use(house.user) as store:
        rows = await store.read(lambda c: c.exec_driver_sql("SELECT subject, state FROM mail_messages").all())
    return {row.subject: row.state for row in rows}


EVERYTHING = {f"Mail {uid}": "whole" for uid in MAILS}
BREAKING: dict[str, tuple[str, Lie]] = {
    "BYE in the middle": ("FETCH", lambda tag, _: fetched(1)[:60] + b"\r\n* BYE good night\r\n!cut"),
    "BYE before": ("STATUS", lambda tag, _: b"* BYE good night\r\n!cut"),
    "silence at LIST": ("LIST", lambda tag, _: b"!mute"),
    "silence at FETCH": ("FETCH", lambda tag, _: b"!mute"),
    "a literal that never comes": ("FETCH", lambda tag, _: fetched(1, size=50_000_000)[:200] + b"!mute"),
    "a literal without end": ("FETCH", lambda tag, _: fetched(1, size=99_999_999_999)),
    "garbage": ("EXAMINE", lambda tag, _: bytes(range(256)) * 20 + b"\r\n!cut"),
    "garbage at FETCH": ("FETCH", lambda tag, _: b"* 1 FETCH ((((\r\n" + tag.encode() + DONE),
    "another tag": ("LIST", lambda tag, _: b"* LIST () NIL INBOX\r\nZZZ1 OK done\r\n!mute"),
    "no numbers": ("STATUS", lambda tag, _: b"* STATUS INBOX (MESSAGES many)\r\n" + tag.encode() + DONE),
    "refusal": ("EXAMINE", lambda tag, _: tag.encode() + b" NO not today\r\n"),
    "a literal that is too short": ("FETCH", lambda tag, _: fetched(1, size=5) + tag.encode() + DONE),
    "a line without end": ("LIST", lambda tag, _: b"* LIST " + b"x" * 1_500_000 + b"\r\n!mute"),
}


@pytest.mark.parametrize(("verb", "lie"), BREAKING.values(), ids=BREAKING)
async def test_a_lie_ends_the_pass_in_time_and_the_next_one_reads_the_truth(
    house: FakeHouse, server: LyingImap, verb: str, lie: Lie
) -> None:
    server.lies[verb] = lie
    began = time.monotonic()
    [outcome] = await asyncio.gather(sync(house), return_exceptions=True)
    assert outcome is None or isinstance(outcome, OaError)
    assert outcome is None or outcome.message.count(" ") > 3
    assert time.monotonic() - began < 20
    assert set((await states(house)).values()) <= {"whole", "damaged", "unreadable"}
    server.lies.clear()
    await sync(house)
    known = await states(house)
    assert known == EVERYTHING or "unreadable" in known.values() or "damaged" in known.values()


async def test_a_mail_without_its_uid_is_not_taken_for_another(house: FakeHouse, server: LyingImap) -> None:
    server.lies["FETCH"] = lambda tag, _: fetched(2, named=False).replace(b"* 2 ", b"* 1 ") + tag.encode() + DONE
    await sync(house)
    assert "Mail 2" not in await states(house)


async def test_a_mailbox_that_shrinks_while_it_is_read_leaves_no_ghosts(house: FakeHouse, server: LyingImap) -> None:
    server.lies["FETCH"] = lambda tag, _: fetched(1) + fetched(3) + tag.encode() + DONE
    await sync(house)
    assert await states(house) == {"Mail 1": "whole", "Mail 3": "whole"}


async def test_one_mute_mail_is_marked_and_the_others_are_read(house: FakeHouse, server: LyingImap) -> None:
    def mute(tag: str, arguments: str) -> bytes | None:
        return b"!mute" if "2" in arguments.split(maxsplit=1)[0].split(",") and "BODY.PEEK" in arguments else None

    server.lies["FETCH"] = mute
    await sync(house)
    known = await states(house)
    assert sorted(known.values()) == ["unreadable", "whole", "whole"]


async def test_a_server_that_breaks_off_again_and_again_is_named_to_the_owner(
    house: FakeHouse, server: LyingImap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.mail.sync._MOST_BREAKS", 2)
    server.lies["FETCH"] = lambda tag, _: b"!cut"
    with pytest.raises(OaError, match="whoever runs that server has to look"):
        await sync(house)


async def test_a_greeting_that_is_none_says_to_check_port_and_encryption(house: FakeHouse, server: LyingImap) -> None:
    server.greeting = b"220 smtp.example ESMTP\r\n"
    with pytest.raises(OaError, match="Check port and encryption"):
        await sync(house)


@pytest.fixture
def token(house: FakeHouse) -> Any:
    house.account = house.account.model_copy(
        update={
            "settings": {**house.account.settings, "auth": "xoauth2"},
            "secrets": {"access_token": "not.a-real~token=="},
        }
    )
    return house


async def test_a_token_signs_in_by_google_s_words(token: FakeHouse, server: LyingImap) -> None:
    server.capability = "IMAP4rev1 AUTH=XOAUTH2"
    await sync(token)
    assert server.tokens == [b"user=ada@home.example\x01auth=Bearer not.a-real~token==\x01\x01"]


async def test_a_token_signs_in_by_the_standard_where_it_is_offered(token: FakeHouse, server: LyingImap) -> None:
    server.capability = "IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER"
    await sync(token)
    where = f"host=127.0.0.1\x01port={server.port}".encode()
    assert server.tokens == [b"n,a=ada@home.example,\x01" + where + b"\x01auth=Bearer not.a-real~token==\x01\x01"]


@pytest.mark.parametrize(("name", "end"), [("XOAUTH2", b""), ("OAUTHBEARER", b"\x01")])
async def test_a_token_that_is_refused_ends_the_exchange_and_asks_to_connect_again(
    token: FakeHouse, server: LyingImap, name: str, end: bytes
) -> None:
    server.capability, server.refusal = f"IMAP4rev1 AUTH={name}", b'{"status":"invalid_token"}'
    with pytest.raises(OaError, match="Connect the account again") as caught:
        await sync(token)
    assert caught.value.code == "account_required"
    assert server.tokens[1] == end


async def hears(house: FakeHouse, seconds: float) -> bool:
    """Whether the watch of the inbox tells of a change within that time."""
    ctx = CallContext.within(60, user=house.user).signed(grant=house.account_grant())
    assert connector.watcher is not None
    async with house.runner.context(ctx, house.user, house.account.account) as context:
        changes = connector.watcher(context)
        try:
            async with asyncio.timeout(seconds):
                async for _ in changes:
                    return True
        except TimeoutError:
            return False
        finally:
            assert isinstance(changes, AsyncGenerator)
            await changes.aclose()
    return False


def idles(server: LyingImap, told: bytes) -> None:
    """Has the server know IDLE, and tell `told` in one breath with its go-ahead."""
    tags: list[str] = []

    def begun(tag: str, _: str) -> bytes:
        tags.append(tag)
        return b"+ idling\r\n" + (told if len(tags) == 1 else b"")

    server.capability = "IMAP4rev1 AUTH=PLAIN IDLE"
    server.lies |= {"IDLE": begun, "": lambda _, __: tags[-1].encode() + DONE}


async def test_a_mail_that_comes_with_the_go_ahead_of_an_idle_is_heard_of(house: FakeHouse, server: LyingImap) -> None:
    await sync(house)
    idles(server, b"* 4 EXISTS\r\n")
    assert await hears(house, 10)


async def test_a_mail_that_comes_while_the_inbox_is_opened_is_heard_of(house: FakeHouse, server: LyingImap) -> None:
    await sync(house)
    idles(server, b"")
    assert not await hears(house, 4)
    server.lies["EXAMINE"] = lambda tag, _: b"* 4 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n" + tag.encode() + DONE
    assert await hears(house, 4)
