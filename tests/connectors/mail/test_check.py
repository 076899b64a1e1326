"""An account is tried for real, and what is wrong is said in words that tell what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.mail.tools import connector
from openassistant.messages import CheckReport
from openassistant.testing import FakeHouse
from tests.peers.certificates import Authority, Certificate
from tests.peers.dovecot import Dovecot
from tests.peers.process import free_port
from tests.peers.pymap import Pymap
from tests.peers.smtp import SmtpServer

Settings = Callable[[Dovecot | Pymap, SmtpServer], dict[str, Any]]
SECURE = {"imap_host": "localhost", "imap_security": "tls", "smtp_host": "localhost", "smtp_security": "tls"}


async def check(settings: dict[str, Any], password: str = "not-a-real-password") -> CheckReport:
    house = FakeHouse(connector)
    house.connect("Mail", settings, password=password)
    async with house:
        return await house.check()


def steps(report: CheckReport) -> list[bool]:
    return [step.ok for step in report.steps]


@pytest.fixture
def plain(imap_server: Dovecot | Pymap, smtp_server: SmtpServer, settings: Settings) -> dict[str, Any]:
    return settings(imap_server, smtp_server)


async def test_a_good_account_passes_four_steps(plain: dict[str, Any]) -> None:
    report = await check(plain)
    assert report.ok
    assert steps(report) == [True] * 4


async def test_a_wrong_password_is_named_at_the_sign_in(plain: dict[str, Any]) -> None:
    report = await check(plain, password="not-the-password")
    assert steps(report) == [True, False, True, False]
    assert report.problem is not None
    assert report.problem.code == "account_required"
    assert "app password" in report.problem.message
    assert set(report.problem.details["fields"]) == {"password"}


async def test_a_closed_port_is_named_for_the_server_it_is_about(plain: dict[str, Any]) -> None:
    report = await check({**plain, "smtp_port": free_port()})
    assert steps(report) == [True, True, False]
    assert report.problem is not None
    assert "nothing answers on port" in report.problem.message
    assert set(report.problem.details["fields"]) == {"smtp_port"}


async def test_an_unknown_host_is_named(plain: dict[str, Any]) -> None:
    report = await check({**plain, "imap_host": "imap.nowhere.example"})
    assert steps(report) == [False, True, True]
    assert report.problem is not None
    assert "no server named imap.nowhere.example" in report.problem.message
    assert set(report.problem.details["fields"]) == {"imap_host"}


async def test_ports_of_the_wrong_servers_are_found_out(plain: dict[str, Any]) -> None:
    report = await check({**plain, "imap_port": plain["smtp_port"], "smtp_port": plain["imap_port"]})
    assert not report.ok
    assert report.problem is not None
    assert set(report.problem.details["fields"]) == {"imap_port", "smtp_port"}


async def test_tls_where_the_server_speaks_none_is_found_out(plain: dict[str, Any]) -> None:
    report = await check({**plain, "imap_security": "tls"})
    assert report.problem is not None
    assert "STARTTLS" in report.problem.message


async def test_settings_that_make_no_sense_name_their_fields(plain: dict[str, Any]) -> None:
    report = await check({**plain, "address": "ada", "imap_port": 70_000})
    assert report.problem is not None
    assert set(report.problem.details["fields"]) == {"address", "imap_port"}


async def secure_check(certificate: Certificate, settings: Settings) -> CheckReport:
    with (
        Dovecot(certificate=certificate, tls_required=True) as imap,
        SmtpServer(security="tls", certificate=certificate) as smtp,
    ):
        return await check({**settings(imap, smtp), **SECURE, "imap_port": imap.tls_port})


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    return authority


@pytest.mark.needs_dovecot
async def test_tls_from_the_first_byte_works(trusted: Authority, settings: Settings) -> None:
    assert (await secure_check(trusted.good(), settings)).ok


@pytest.mark.needs_dovecot
async def test_starttls_works(trusted: Authority, settings: Settings) -> None:
    good = trusted.good()
    with (
        Dovecot(certificate=good, tls_required=True) as imap,
        SmtpServer(security="starttls", certificate=good) as smtp,
    ):
        given = {**settings(imap, smtp), "imap_host": "localhost", "smtp_host": "localhost"}
        assert (await check({**given, "imap_security": "starttls", "smtp_security": "starttls"})).ok


@pytest.mark.needs_dovecot
async def test_an_expired_certificate_is_named_and_gets_no_password(trusted: Authority, settings: Settings) -> None:
    report = await secure_check(trusted.expired(), settings)
    assert steps(report) == [False, False]
    assert report.problem is not None
    assert "has expired" in report.problem.message
    assert "no password either" in report.problem.message


@pytest.mark.needs_dovecot
async def test_a_certificate_for_another_name_is_named(trusted: Authority, settings: Settings) -> None:
    report = await secure_check(trusted.misnamed(), settings)
    assert report.problem is not None
    assert "is for another name" in report.problem.message


@pytest.mark.needs_dovecot
async def test_a_certificate_of_an_unknown_authority_is_named(authority: Authority, settings: Settings) -> None:
    report = await secure_check(authority.good(), settings)
    assert report.problem is not None
    assert "nobody whom this house trusts" in report.problem.message
