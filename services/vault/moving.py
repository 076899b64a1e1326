"""A user's accounts as a file, without secrets; and such a file taken in: each account then needs its owner's sign-in.

Nothing is released for such an account, and nothing may be reached for it, before he has signed in again.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError
from sqlalchemy import Connection, text

from openassistant.data import Imported, Piece
from openassistant.errors import AccountRequired
from openassistant.messages import Account, AccountQuery, ErrorBody, Id, Wire
from openassistant.store import Store
from services.vault import accounts

__all__ = ["FILE", "MOVED", "export", "is_moved", "refuse_moved", "still_moved", "take"]

FILE = "accounts.json"
MOVED = "moved"
"""Among the details of the problem of an account that came with an archive."""

_WORDS = "This account came with an archive, which holds no passwords. Sign in again to use it here."
_MOST = 200
"""Accounts of one person, with those that come in."""
_OF_HOUSE = "agent"
"""Under it the keys of models lie, which belong to the house."""
_Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Carried(Wire):
    id: Id
    connector: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    name: _Name
    auth: Literal["password", "oauth2"] = "password"
    settings: Annotated[dict[str, Any], Field(default_factory=dict)]
    capabilities: Annotated[tuple[_Name, ...], Field(max_length=100)] | None = None
    created: datetime


_FILE: TypeAdapter[list[_Carried]] = TypeAdapter(Annotated[list[_Carried], Field(max_length=1000)])


async def export(store: Store, user: str) -> Piece:
    """The accounts of a user that were connected; no secret, no consent, no state, and none that is lent to him."""
    found = await accounts.find(store, AccountQuery(user=user))
    kept = [
        _Carried.model_validate(each.model_dump(include=set(_Carried.model_fields))).model_dump(mode="json")
        for each in found
        if each.state != "pending" and each.connector != _OF_HOUSE and each.lent is None
    ]
    body = json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    return Piece.model_construct(path=FILE, modified=None, body=body.encode(), more=False, offset=0)


async def take(store: Store, user: str, pieces: tuple[Piece, ...], *, nothing: bytes) -> Imported:
    """Stores accounts as in need of a sign-in; `nothing` are encrypted secrets of which there are none."""
    taken, refused = 0, list[str]()
    for piece in pieces:
        try:
            is_whole = piece.path == FILE and not piece.more and not piece.offset
            carried = _FILE.validate_json(piece.body if is_whole else b"")
        except (ValidationError, ValueError, RecursionError):
            refused.append(f"{piece.path[:120]} is not a list of accounts.")
            continue
        rows = [_row(each, user, nothing) for each in carried if each.connector != _OF_HOUSE]
        if not await store.write(lambda connection, rows=rows: all(_insert(connection, row) for row in rows)):  # type: ignore[misc]
            refused.append(f"Only {_MOST} accounts have a place; the others were left out.")
        taken += 1
    return Imported(taken=taken, refused=tuple(refused))


def refuse_moved(account: Account) -> None:
    """Raises `AccountRequired` for an account that came with an archive and was not signed in since."""
    if is_moved(account):
        raise AccountRequired(_WORDS, details={MOVED: True})


def is_moved(account: Account) -> bool:
    """Whether an account came with an archive and its owner has not said yes at its provider since."""
    return account.authorized is None and bool(account.problem and account.problem.details.get(MOVED))


def still_moved(account: Account, problem: ErrorBody | None) -> ErrorBody | None:
    """The problem that an account of an archive is marked with: whatever else it is, it is also that."""
    if problem is None or not is_moved(account):
        return problem
    return problem.model_copy(update={"details": {**problem.details, MOVED: True}})


def _row(carried: _Carried, user: str, nothing: bytes) -> dict[str, Any]:
    problem = ErrorBody(code="account_required", message=_WORDS, details={MOVED: True})
    return {
        **carried.model_dump(include={"id", "connector", "name", "auth"}), "user": user, "secrets": nothing,
        "settings": json.dumps(carried.settings), "created": carried.created.isoformat(),
        "problem": problem.model_dump_json(),
        "capabilities": None if carried.capabilities is None else json.dumps(carried.capabilities),
    }  # fmt: skip


def _insert(connection: Connection, row: dict[str, Any]) -> bool:
    """Adds an account; another one's id is left to it, and a name that he has is numbered. False for one too many."""
    other = connection.execute(text("SELECT 1 FROM accounts WHERE id = :id AND user <> :user"), row).first()
    if other:
        row = {**row, "id": hashlib.sha256(f"{row['user']}/{row['id']}".encode()).hexdigest()[:32]}
    if connection.execute(text("SELECT 1 FROM accounts WHERE id = :id"), row).first():
        return True
    if connection.execute(text("SELECT count(*) FROM accounts WHERE user = :user"), row).scalar_one() >= _MOST:
        return False
    query = text("SELECT name FROM accounts WHERE user = :user AND connector = :connector")
    names = {each.name for each in connection.execute(query, row)}
    numbered = (f"{row['name']} ({number})" for number in range(2, len(names) + 3))
    row = {**row, "name": next(each for each in (row["name"], *numbered) if each not in names)}
    connection.execute(
        text(
            "INSERT INTO accounts"
            " (id, user, connector, name, auth, settings, secrets, state, problem, created, capabilities)"
            " VALUES (:id, :user, :connector, :name, :auth, :settings, :secrets, 'attention', :problem, :created,"
            " :capabilities)"
        ),
        row,
    )
    return True
