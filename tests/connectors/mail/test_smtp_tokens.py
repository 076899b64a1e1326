"""Sending with an access token instead of a password, at a server that takes nothing else."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from connectors.mail.account import MailAccount
from connectors.mail.smtp import SmtpSession
from openassistant.errors import AccountRequired, OaError
from openassistant.formats.compose import Outgoing
from tests.peers.smtp import SmtpServer

TOKEN = "not-a-real-token"
MAIL = Outgoing(
    "a@home.example", "ada@home.example", ("carol@example.org",), b"Message-ID: <a@home.example>\r\n\r\nHi\r\n"
)


def account(server: SmtpServer, **changes: object) -> MailAccount:
    plain: dict[str, object] = {
        "address": "ada@home.example",
        "imap_host": "127.0.0.1",
        "smtp_host": server.host,
        "smtp_port": server.port,
        "smtp_security": "none",
        "auth": "xoauth2",
        "access_token": SecretStr(TOKEN),
    }
    return MailAccount.model_validate({**plain, **changes})


@pytest.mark.parametrize("only", ["XOAUTH2", "OAUTHBEARER"])
def test_a_mail_is_sent_with_a_token(only: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.mail.sasl._MECHANISMS", (only,))
    with SmtpServer(tokens={"ada@home.example": TOKEN}) as server:
        session = SmtpSession.open(account(server), seconds=5)
        session.envelope(MAIL)
        session.data(MAIL)
        session.close()
        assert [each.user for each in server.sent] == ["ada@home.example"]


@pytest.mark.parametrize("only", ["XOAUTH2", "OAUTHBEARER"])
@pytest.mark.parametrize("token", ["another", "", "a\x01b"])
def test_a_token_that_does_not_hold_is_said_to_be_refused(
    only: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.mail.sasl._MECHANISMS", (only,))
    with SmtpServer(tokens={"ada@home.example": TOKEN}) as server:
        with pytest.raises(AccountRequired, match="refused the sign-in"):
            SmtpSession.open(account(server, access_token=SecretStr(token)), seconds=5)
        assert set(server.logins) <= {("ada@home.example", False)}


def test_a_server_without_tokens_says_so() -> None:
    with SmtpServer() as server, pytest.raises(OaError, match="takes no password"):
        SmtpSession.open(account(server), seconds=5)
