"""What the ledger says of mail equals what went over the wire, counted by somebody who only passes bytes on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from connectors.mail.account import MailAccount
from connectors.mail.imap import imap_session
from connectors.mail.smtp import smtp_session
from openassistant.errors import OaError
from openassistant.messages import AuditAction, Record, Traffic
from openassistant.meter import Meter, measuring
from tests.connectors.mail.conftest import ADDRESS, Post
from tests.peers.certificates import Authority
from tests.peers.dovecot import Dovecot
from tests.peers.process import LOOPBACK
from tests.peers.smtp import Faults, SmtpServer
from tests.peers.wire import Wire

_PASSWORD = "not-a-real-password"


@contextlib.asynccontextmanager
async def _wired(post: Post) -> AsyncIterator[tuple[Wire, Wire]]:
    """The mailbox, spoken to through wires that count: (IMAP, SMTP)."""
    settings = dict(post.house.account.settings)
    async with Wire(settings["imap_port"]) as imap, Wire(settings["smtp_port"]) as smtp:
        settings |= {"imap_port": imap.port, "smtp_port": smtp.port}
        post.house.connect("Mail", settings, password=_PASSWORD)
        post.house.runner.keys.forget_account(post.house.account.account)
        yield imap, smtp


async def _reported(post: Post, *actions: AuditAction, count: int = 1) -> list[Record]:
    """The reports with what was sent and received, once there are so many."""
    async with asyncio.timeout(10):
        while len(found := [each for each in post.house.records if each.action in actions and each.traffic]) < count:
            await asyncio.sleep(0.01)
    return found


def _sums(traffic: tuple[Traffic, ...]) -> dict[int, tuple[int, int]]:
    return {each.port: (each.bytes_out, each.bytes_in) for each in traffic}


def _all_but_the_last_line(said: tuple[int, int], wire: Wire) -> bool:
    """Equal but for what a server says after its BYE, which nobody reads: one line for each connection."""
    return said[0] == wire.out and 0 <= wire.back - said[1] <= 60 * wire.connections


async def test_a_sent_mail_says_what_went_over_both_wires(post: Post) -> None:
    await post.sync()
    reply = post.reply(await post.lease())
    async with _wired(post) as (imap, smtp):
        reply = reply.model_copy(update={"account": post.house.account.account})
        await post.house.send(reply)
        (record,) = await _reported(post, AuditAction.TOOL_FINISHED)
        await imap.quiet()
        await smtp.quiet()
        sums = _sums(record.traffic)
        assert sums[smtp.port] == (smtp.out, smtp.back)
        assert _all_but_the_last_line(sums[imap.port], imap)
    assert record.id == reply.id
    assert {(each.host, each.reach) for each in record.traffic} == {(LOOPBACK, "machine")}
    assert smtp.out > len("I sign on Friday.")


async def test_a_sync_says_what_it_read_as_the_accounts(post: Post) -> None:
    async with _wired(post) as (imap, _):
        await post.sync()
        (record,) = await _reported(post, AuditAction.TRAFFIC_COUNTED)
        await imap.quiet()
        assert _all_but_the_last_line(_sums(record.traffic)[imap.port], imap)
    assert record.account == post.house.account.account
    assert record.content.keys() == {"from", "until"}
    assert imap.back > 40 * 300


async def test_passes_that_bring_nothing_share_a_record(post: Post) -> None:
    async with _wired(post):
        for _ in range(8):
            await post.sync()
        await post.house.runner.bus.pause(0.2)
    assert len([each for each in post.house.records if each.action is AuditAction.TRAFFIC_COUNTED]) == 3


async def test_a_call_that_fails_says_what_it_sent(post: Post) -> None:
    await post.sync()
    reply = post.reply(await post.lease())
    post.smtp.faults = Faults(refuse=frozenset({"carol@example.org"}))
    async with _wired(post) as (_, smtp):
        reply = reply.model_copy(update={"account": post.house.account.account})
        with pytest.raises(OaError):
            await post.house.send(reply)
        (record,) = await _reported(post, AuditAction.TOOL_FAILED)
        await smtp.quiet()
        assert _sums(record.traffic)[smtp.port] == (smtp.out, smtp.back)


@pytest.fixture
def trusting(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections trust the test's own authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))


def _account(**settings: object) -> MailAccount:
    plain = {"address": ADDRESS, "imap_host": LOOPBACK, "smtp_host": LOOPBACK, "password": _PASSWORD}
    return MailAccount.model_validate({**plain, **settings})


@pytest.mark.needs_dovecot
@pytest.mark.usefixtures("trusting")
async def test_under_tls_the_wire_carries_a_handshake_and_a_little_more(authority: Authority) -> None:
    async with Dovecot(certificate=authority.good()) as dovecot, Wire(dovecot.tls_port) as wire:
        with measuring(Meter()) as meter:
            async with imap_session(_account(imap_port=wire.port), seconds=20) as session:
                for _ in range(50):
                    await asyncio.to_thread(session.folders)
        (said,) = meter.take()
        await wire.quiet()
    records = 60  # of either side; each costs 22 to 29 bytes, the handshake at most 2 kB out and 6 kB in
    assert 0 < wire.out - said.bytes_out < 2_000 + 29 * records
    assert 0 < wire.back - said.bytes_in < 6_000 + 29 * records


@pytest.mark.usefixtures("trusting")
async def test_smtp_counts_what_is_said_before_and_after_starttls(authority: Authority) -> None:
    server = SmtpServer(security="starttls", certificate=authority.good())
    async with server, Wire(server.port) as wire:
        with measuring(Meter()) as meter:
            async with smtp_session(_account(smtp_port=wire.port, smtp_security="starttls"), seconds=20):
                pass
        (said,) = meter.take()
        await wire.quiet()
    assert 60 < said.bytes_out < wire.out < said.bytes_out + 2_500
    assert 100 < said.bytes_in < wire.back < said.bytes_in + 6_500
