"""Third-party accounts: settings in the open (inside the encrypted file), secrets as Fernet tokens."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Row, text

from openassistant.context import new_id
from openassistant.errors import Conflict, NotFound
from openassistant.messages import Account, AccountQuery, ErrorBody, Lent, OAuth2
from openassistant.store import Store

__all__ = [
    "Consent",
    "add",
    "authorize",
    "borrow",
    "consent_of",
    "find",
    "find_subject",
    "loan_of",
    "mark",
    "one",
    "remove",
    "rename",
    "renew",
    "secrets_of",
]

_COLUMNS = (
    "id, user, connector, name, auth, settings, state, problem, created,"
    " customs, capabilities, authorized, consent_ends, lent"
)


class Consent(NamedTuple):
    """What an owner said yes to at the provider, and until when the access token of it is good."""

    customs: OAuth2
    subject: str
    """The provider's own id of who signed in; "" where it gave none."""
    capabilities: tuple[str, ...]
    authorized: datetime
    consent_ends: datetime | None
    token_ends: datetime | None


async def add(
    store: Store, *, user: str, connector: str, name: str, settings: dict[str, Any], token: bytes, now: datetime,
    auth: Literal["password", "oauth2"] = "password",
) -> Account:  # fmt: skip
    """Stores an account as pending with its encrypted secrets."""
    account = Account(
        id=new_id(), user=user, connector=connector, name=name, settings=settings, state="pending", created=now,
        auth=auth,
    )  # fmt: skip
    row = {
        **account.model_dump(include={"id", "user", "connector", "name", "state", "auth"}),
        "settings": json.dumps(settings),
        "secrets": token,
        "created": now.isoformat(),
    }

    def write(connection: Connection) -> None:
        connection.execute(
            text(
                "INSERT INTO accounts (id, user, connector, name, auth, settings, secrets, state, created)"
                " VALUES (:id, :user, :connector, :name, :auth, :settings, :secrets, :state, :created)"
            ),
            row,
        )

    await store.write(write)
    return account


async def borrow(
    store: Store, lent: Lent, *, user: str, connector: str, signed: str, name: str, nothing: bytes, now: datetime
) -> Account:
    """Stores a pending account that points to one that is lent; `nothing` are encrypted secrets, none at all.

    Raises `Conflict` where its borrower has one that points there.
    """
    row = {
        "id": new_id(), "user": user, "connector": connector, "name": name, "secrets": nothing,
        "created": now.isoformat(), "source": lent.account, "loan": signed, "lent": lent.model_dump_json(),
    }  # fmt: skip

    def write(connection: Connection) -> None:
        if connection.execute(text("SELECT 1 FROM accounts WHERE source = :source AND user = :user"), row).first():
            raise Conflict("That account is lent to him already.")
        connection.execute(
            text(
                "INSERT INTO accounts"
                " (id, user, connector, name, auth, settings, secrets, state, created, source, loan, lent)"
                " VALUES (:id, :user, :connector, :name, 'password', '{}', :secrets, 'pending', :created, :source,"
                " :loan, :lent)"
            ),
            row,
        )

    await store.write(write)
    return await one(store, str(row["id"]))


async def loan_of(store: Store, account: str) -> str | None:
    """What was signed of the loan that an account is of; None for one that is its user's own."""
    query = text("SELECT loan FROM accounts WHERE id = :id")
    found: str | None = await store.read(lambda connection: connection.execute(query, {"id": account}).scalar())
    return found


async def find(store: Store, query: AccountQuery) -> tuple[Account, ...]:
    """The accounts that fit a query, oldest first; a field that is None does not narrow."""
    given = {"user": query.user, "connector": query.connector, "id": query.account}
    where = " AND ".join(f"{name} = :{name}" for name, value in given.items() if value is not None) or "1"

    def read(connection: Connection) -> tuple[Account, ...]:
        rows = connection.execute(text(f"SELECT {_COLUMNS} FROM accounts WHERE {where} ORDER BY id"), given)  # noqa: S608 - names from the literal above
        return tuple(_account(row) for row in rows)

    return await store.read(read)


async def mark(store: Store, account: str, *, problem: ErrorBody | None) -> Account:
    """Marks an account connected, or in need of attention with the problem; raises `NotFound`."""
    row = {
        "id": account,
        "state": "attention" if problem else "connected",
        "problem": problem.model_dump_json() if problem else None,
    }

    def write(connection: Connection) -> None:
        connection.execute(text("UPDATE accounts SET state = :state, problem = :problem WHERE id = :id"), row)

    await store.write(write)
    return await one(store, account)


async def rename(store: Store, account: str, name: str) -> Account:
    """Gives an account another name; raises `NotFound`."""

    def write(connection: Connection) -> None:
        connection.execute(text("UPDATE accounts SET name = :name WHERE id = :id"), {"id": account, "name": name})

    await store.write(write)
    return await one(store, account)


async def authorize(store: Store, account: str, *, token: bytes, consent: Consent) -> Account:
    """Keeps new encrypted secrets with the consent that they come of; raises `NotFound`."""
    row = {
        "id": account, "secrets": token, "customs": consent.customs.model_dump_json(), "subject": consent.subject,
        "capabilities": json.dumps(consent.capabilities), "authorized": consent.authorized.isoformat(),
        "consent_ends": _iso(consent.consent_ends), "token_ends": _iso(consent.token_ends),
    }  # fmt: skip

    def write(connection: Connection) -> None:
        connection.execute(
            text(
                "UPDATE accounts SET secrets = :secrets, customs = :customs, subject = :subject,"
                " capabilities = :capabilities, authorized = :authorized, consent_ends = :consent_ends,"
                " token_ends = :token_ends WHERE id = :id"
            ),
            row,
        )

    await store.write(write)
    return await one(store, account)


async def renew(
    store: Store, account: str, *, token: bytes, token_ends: datetime | None, consent_ends: datetime | None
) -> None:
    """Keeps the encrypted secrets of a refresh; an account that is gone meanwhile stays gone."""
    row = {"id": account, "secrets": token, "token_ends": _iso(token_ends), "consent_ends": _iso(consent_ends)}

    def write(connection: Connection) -> None:
        connection.execute(
            text(
                "UPDATE accounts SET secrets = :secrets, token_ends = :token_ends,"
                " consent_ends = coalesce(:consent_ends, consent_ends) WHERE id = :id"
            ),
            row,
        )

    await store.write(write)


async def consent_of(store: Store, account: str) -> Consent | None:
    """An account's consent; None where it signs in otherwise or is gone."""

    def read(connection: Connection) -> Row[Any] | None:
        query = text(
            "SELECT customs, subject, capabilities, authorized, consent_ends, token_ends FROM accounts"
            " WHERE id = :id AND customs IS NOT NULL"
        )
        return connection.execute(query, {"id": account}).one_or_none()

    row = await store.read(read)
    if row is None:
        return None
    return Consent(
        customs=OAuth2.model_validate_json(row.customs),
        subject=row.subject,
        capabilities=tuple(json.loads(row.capabilities)),
        authorized=datetime.fromisoformat(row.authorized),
        consent_ends=_time(row.consent_ends),
        token_ends=_time(row.token_ends),
    )


async def find_subject(store: Store, *, user: str, connector: str) -> dict[str, str]:
    """Who signed in, by the ids of a user's accounts at one connector."""
    row = {"user": user, "connector": connector}

    def read(connection: Connection) -> dict[str, str]:
        query = text("SELECT id, subject FROM accounts WHERE user = :user AND connector = :connector AND subject <> ''")
        return {each.id: each.subject for each in connection.execute(query, row)}

    return await store.read(read)


async def remove(store: Store, account: str) -> Account:
    """Deletes an account with its secrets, and those that point to it; returns what it was. Raises `NotFound`."""
    found = await one(store, account)

    def write(connection: Connection) -> None:
        connection.execute(text("DELETE FROM accounts WHERE id = :id OR source = :id"), {"id": account})

    await store.write(write)
    return found


async def secrets_of(store: Store, account: str) -> bytes:
    """An account's encrypted secrets; raises `NotFound`."""

    def read(connection: Connection) -> bytes | None:
        row = connection.execute(text("SELECT secrets FROM accounts WHERE id = :id"), {"id": account}).one_or_none()
        return bytes(row.secrets) if row else None

    token = await store.read(read)
    if token is None:
        raise NotFound("That account is not connected any more.")
    return token


async def one(store: Store, account: str) -> Account:
    """One account by its id; raises `NotFound`."""
    found = await find(store, AccountQuery(account=account))
    if not found:
        raise NotFound("That account is not connected any more.")
    return found[0]


def _account(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        user=row.user,
        connector=row.connector,
        name=row.name,
        settings=json.loads(row.settings),
        state=row.state,
        created=datetime.fromisoformat(row.created),
        problem=ErrorBody.model_validate_json(row.problem) if row.problem else None,
        auth=row.auth,
        provider=OAuth2.model_validate_json(row.customs).provider if row.customs else "",
        capabilities=tuple(json.loads(row.capabilities)) if row.capabilities else None,
        authorized=_time(row.authorized),
        consent_ends=_time(row.consent_ends),
        lent=Lent.model_validate_json(row.lent) if row.lent else None,
    )


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _time(kept: str | None) -> datetime | None:
    return datetime.fromisoformat(kept) if kept else None
