"""Third-party accounts: settings in the open (inside the encrypted file), secrets as Fernet tokens."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from openassistant.context import new_id
from openassistant.errors import NotFound
from openassistant.messages import Account, AccountQuery, ErrorBody
from openassistant.store import Store

__all__ = ["add", "find", "mark", "one", "remove", "secrets_of"]

_COLUMNS = "id, user, connector, name, settings, state, problem, created"


async def add(
    store: Store, *, user: str, connector: str, name: str, settings: dict[str, Any], token: bytes, now: datetime
) -> Account:
    """Stores an account as pending with its encrypted secrets."""
    account = Account(
        id=new_id(), user=user, connector=connector, name=name, settings=settings, state="pending", created=now
    )
    row = {
        **account.model_dump(include={"id", "user", "connector", "name", "state"}),
        "auth": "password",
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


async def remove(store: Store, account: str) -> Account:
    """Deletes an account with its secrets and returns what it was; raises `NotFound`."""
    found = await one(store, account)

    def write(connection: Connection) -> None:
        connection.execute(text("DELETE FROM accounts WHERE id = :id"), {"id": account})

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
    )
