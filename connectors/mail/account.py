"""An account's settings, checked once, and the two servers that they name."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from sqlalchemy import text

from connectors.mail.autoconfig import Place, Places, Record, find_servers, look_up, web_reader
from openassistant.connector import Context
from openassistant.context import Clock
from openassistant.egress import Egress
from openassistant.errors import InvalidRequest
from openassistant.formats.addresses import parse_typed
from openassistant.targets import Target

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

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

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
    egress: Egress = Field(default_factory=Egress, exclude=True, repr=False)
    """How connections to the servers are opened."""

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


async def account_of(ctx: Context, *, anew: bool = False) -> MailAccount:
    """The account of a call; raises `InvalidRequest` with `details.fields`, and what `ctx.credentials` raises.

    Servers that the settings leave open are those that the address leads to, as found before unless `anew`.
    """
    credentials = await ctx.credentials()
    given = {name: value for name, value in credentials.settings.items() if value not in (None, "")}
    if ctx.account is not None and given.get("address") and not {"imap_host", "smtp_host"} <= given.keys():
        found = await _servers(ctx, ctx.account, str(given["address"]), anew=anew)
        if ctx.egress.proxy is None:
            ctx.egress.allow(Target(host=each.host, port=each.port) for each in (found.imap, found.smtp))
        given = _completed(given, found)
    secrets = {name: value for name, value in credentials.secrets.items() if value}
    return _account({**given, **secrets}).model_copy(update={"egress": ctx.egress})


def _completed(given: dict[str, Any], found: Places) -> dict[str, Any]:
    """The settings with what was found; what a person typed wins, and a server comes with its port or not at all."""
    named = {"username": found.username} if found.username else {}
    for kind, place in (("imap", found.imap), ("smtp", found.smtp)):
        if f"{kind}_host" not in given:
            plain = {f"{kind}_{name}": value for name, value in place._asdict().items()}
            given = {**given, **plain}
    return {**named, **given}


async def _servers(ctx: Context, account: str, address: str, *, anew: bool) -> Places:
    """What an address led to, kept in the owner's file."""
    query = text("SELECT found FROM mail_servers WHERE account = :account AND address = :address")
    row = {"account": account, "address": address}
    known = None if anew else await ctx.store.read(lambda connection: connection.scalar(query, row))
    if known:
        imap, smtp, username = json.loads(known)
        return Places(Place(*imap), Place(*smtp), username)
    found = await _found(ctx.egress, address, ctx.now)
    kept = text(
        "INSERT INTO mail_servers (account, address, found, changed) VALUES (:account, :address, :found, :now)"
        " ON CONFLICT (account) DO UPDATE SET address = :address, found = :found, changed = :now"
    )
    full = {**row, "found": json.dumps(found), "now": int(ctx.now().timestamp())}
    await ctx.store.write(lambda connection: connection.execute(kept, full))
    return found


async def _found(egress: Egress, address: str, clock: Clock) -> Places:
    read = web_reader(address.rpartition("@")[2].lower(), clock=clock, egress=egress)
    ask = egress.records
    if ask is None:
        return await find_servers(address, read=read, records=look_up)

    async def records(name: str, kind: Literal["SRV", "MX"]) -> list[Record]:
        return [Record(each.order, each.host, each.port) for each in await ask(name, kind)]

    return await find_servers(address, read=read, records=records, addresses=None)


def _account(given: dict[str, Any]) -> MailAccount:
    try:
        return MailAccount.model_validate(given)
    except ValidationError as error:
        fields = {str(item["loc"][0]): item["msg"] for item in error.errors()}
        named = ", ".join(sorted(fields))
        raise InvalidRequest(f"Correct these settings: {named}.", details={"fields": fields}) from error
