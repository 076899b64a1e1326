"""An account's settings, checked once, and the rule which addresses get its password."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from openassistant.connector import Context, Credentials
from openassistant.egress import Egress
from openassistant.errors import AccountRequired, Forbidden, InvalidRequest, UpstreamFailed
from openassistant.formats.moments import zone_named

__all__ = ["CaldavAccount", "Server", "account_of", "own_addresses", "owner_of"]

_USUAL = {"http": 80, "https": 443}
_SPREAD = ("icloud.com",)
"""Providers that name a sibling of the typed host as the home of an account."""
_IN_A_PATH = "!$&'()*+,;=:@~"
_ADDRESS = re.compile(r"[^@\s<>,;:\"\x00-\x1f]+@[^@\s<>,;:\"\x00-\x1f]+")


class Server(NamedTuple):
    """Where the calendar server is."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Server:
        """The server of an absolute URL."""
        parts = urlsplit(url)
        return cls(parts.scheme, parts.hostname or "", parts.port or _USUAL[parts.scheme])


class CaldavAccount(BaseModel):
    """The settings of manifest.toml and the password (empty in a preview)."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    url: str = Field(min_length=1, max_length=2000)
    username: str = Field(min_length=1, max_length=320)
    address: str = ""
    zone: str = ""
    password: SecretStr = SecretStr("")
    lent: bool = False
    """Whether it is another person's, who lends it."""
    only: frozenset[str] = frozenset()
    """The addresses of the calendars that are lent, where that is not all of them."""
    egress: Egress = Field(default_factory=Egress, exclude=True, repr=False)
    """How connections to the server are opened."""

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        typed = value.strip() if "://" in value else f"https://{value.strip()}"
        parts = urlsplit(typed)
        if parts.scheme not in _USUAL or not parts.hostname or parts.username or parts.port == 0:
            raise ValueError("Give the server's address, such as https://cloud.home.example")
        return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", "", ""))

    @field_validator("address")
    @classmethod
    def _one_address(cls, value: str) -> str:
        if value and not _ADDRESS.fullmatch(value):
            raise ValueError("Give one mail address, such as ada@home.example")
        return value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            return zone_named(value).key if value else ""
        except InvalidRequest as error:
            raise ValueError(error.message) from error

    @property
    def server(self) -> Server:
        """The server as typed."""
        return Server.of(self.url)

    def holds(self, url: str) -> bool:
        """Whether an address is that of a calendar that may be used here, or lies in one."""
        inside = "/../" not in f"{url}/" and "/./" not in f"{url}/"
        return not self.only or (inside and any(f"{url.rstrip('/')}/".startswith(each) for each in self.only))

    def require(self, *urls: str) -> None:
        """Raises `Forbidden` for what lies outside of the calendars that are lent."""
        if not all(self.holds(each) for each in urls):
            raise Forbidden("That is in no calendar that is lent to you.")

    def resolve(self, base: str, href: str) -> str:
        """The URL that a server's answer names, its path in one spelling.

        Raises `UpstreamFailed` when it leads to a host that the owner did not choose: the password stays at home.
        """
        try:
            parts = urlsplit(urljoin(base, href))
            allowed = _trusted(self.server, Server.of(urlunsplit(parts)))
        except (ValueError, KeyError) as error:
            raise UpstreamFailed("The calendar server named an address that cannot be read.") from error
        if not allowed:
            words = (
                f"The calendar server sends us on to {parts.hostname}. If that is right, enter that address instead."
            )
            raise UpstreamFailed(words, details={"reason": "elsewhere", "fields": {"url": words}})
        return _spelled(parts)


async def account_of(ctx: Context) -> CaldavAccount:
    """The account of a call; raises `InvalidRequest` with `details.fields`, and what `ctx.credentials` raises."""
    kept = await ctx.credentials()
    only = frozenset(kept.lent.parts) if kept.lent else frozenset()
    return _account(kept).model_copy(update={"egress": ctx.egress, "lent": kept.lent is not None, "only": only})


def own_addresses(account: CaldavAccount, known: tuple[str, ...]) -> tuple[str, ...]:
    """The mail addresses of an account's owner, the one to invite with first; `known` is what the server says."""
    login = account.username if "@" in account.username else ""
    return tuple(dict.fromkeys(each.lower() for each in (account.address, *known, login) if each))


def owner_of(ctx: Context) -> str:
    """The account's id, which the mirror's rows carry; raises `AccountRequired`."""
    if ctx.account is None:
        raise AccountRequired("Connect a calendar account first.")
    return ctx.account


def _account(credentials: Credentials) -> CaldavAccount:
    given = {name: value for name, value in credentials.settings.items() if value not in (None, "")}
    try:
        return CaldavAccount.model_validate({**given, "password": credentials.secrets.get("password", "")})
    except ValidationError as error:
        fields = {str(item["loc"][0]): item["msg"].removeprefix("Value error, ") for item in error.errors()}
        named = ", ".join(sorted(fields))
        raise InvalidRequest(f"Correct these settings: {named}.", details={"fields": fields}) from error


def _trusted(typed: Server, named: Server) -> bool:
    if typed.scheme == "https" and named.scheme != "https":
        return False
    if typed.host == named.host:
        return typed.port == named.port or (typed.scheme, named.scheme) == ("http", "https")
    below = named.host.endswith(f".{typed.host}")
    spread = any(typed.host.endswith(f".{each}") and named.host.endswith(f".{each}") for each in _SPREAD)
    return named.scheme == "https" and (below or spread)


def _spelled(parts: SplitResult) -> str:
    """One spelling of a URL: servers escape the same path differently from answer to answer."""
    path = "/".join(quote(unquote(segment), safe=_IN_A_PATH) for segment in parts.path.split("/"))
    return urlunsplit((parts.scheme, parts.netloc, path or "/", parts.query, ""))
