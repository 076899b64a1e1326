"""An account's settings, checked once, and the two servers that they name."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from connectors.mail.addresses import parse_typed
from openassistant.connector import Context, Credentials
from openassistant.errors import InvalidRequest

__all__ = ["MailAccount", "Security", "Server", "account_of"]

Security = Literal["tls", "starttls", "none"]
_HOST = Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:\-]+$")


class Server(NamedTuple):
    """Where one of the two servers is; `protocol` is IMAP or SMTP."""

    protocol: Literal["IMAP", "SMTP"]
    host: str
    port: int
    security: Security

    def setting(self, name: str) -> str:
        """The name of a setting of this server: `imap_host`."""
        return f"{self.protocol.lower()}_{name}"


class MailAccount(BaseModel):
    """The settings of manifest.toml and the password (empty in a preview)."""

    model_config = ConfigDict(frozen=True)

    address: str
    username: str = ""
    imap_host: str = _HOST
    imap_port: int = Field(default=993, ge=1, le=65535)
    imap_security: Security = "tls"
    smtp_host: str = _HOST
    smtp_port: int = Field(default=465, ge=1, le=65535)
    smtp_security: Security = "tls"
    auth: Literal["password", "xoauth2"] = "password"
    password: SecretStr = SecretStr("")
    access_token: SecretStr = SecretStr("")

    @field_validator("address")
    @classmethod
    def _one_address(cls, value: str) -> str:
        try:
            return parse_typed(value).address
        except InvalidRequest as error:
            raise ValueError(error.message) from error

    @property
    def login(self) -> str:
        """What to sign in as: the user name, by default the address."""
        return self.username or self.address

    @property
    def imap(self) -> Server:
        """The server for incoming mail."""
        return Server("IMAP", self.imap_host, self.imap_port, self.imap_security)

    @property
    def smtp(self) -> Server:
        """The server for outgoing mail."""
        return Server("SMTP", self.smtp_host, self.smtp_port, self.smtp_security)


async def account_of(ctx: Context) -> MailAccount:
    """The account of a call; raises `InvalidRequest` with `details.fields`, and what `ctx.credentials` raises."""
    return _account(await ctx.credentials())


def _account(credentials: Credentials) -> MailAccount:
    given = {name: value for name, value in credentials.settings.items() if value not in (None, "")}
    try:
        return MailAccount.model_validate({**given, **credentials.secrets})
    except ValidationError as error:
        fields = {str(item["loc"][0]): item["msg"] for item in error.errors()}
        named = ", ".join(sorted(fields))
        raise InvalidRequest(f"Correct these settings: {named}.", details={"fields": fields}) from error
