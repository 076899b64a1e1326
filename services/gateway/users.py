"""The people of this household: an owner, and members."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, text

from openassistant.context import Clock, new_id
from openassistant.errors import Conflict
from openassistant.messages import Id, Wire
from openassistant.store import Store
from services.gateway import people_views, views
from services.gateway.passwords import Passwords, check_strength
from services.gateway.problems import invalid

__all__ = ["Person", "Role", "User", "Users", "login_of"]

Role = Literal["owner", "member"]

_TIMES = ("created", "of_age", "suspended", "leaves")
_NAME = re.compile(r"[\w][\w.@+ -]{0,62}[\w]|[\w]")


class User(Wire):
    """A person, without the password's hash."""

    id: Id
    username: str
    display_name: str
    role: Role

    def view(self) -> views.User:
        """The person as the API shows him."""
        return views.User(**self.model_dump())


class Person(User):
    """A person with what the house knows of his stay here."""

    created: datetime
    of_age: datetime | None = None
    suspended: datetime | None = None
    leaves: datetime | None = None

    def seen(self) -> people_views.Person:
        """The person as an owner of the house sees him."""
        return people_views.Person(
            **self.model_dump(include=set(User.model_fields)), created_at=self.created, of_age_at=self.of_age,
            suspended_at=self.suspended, leaves_at=self.leaves,
        )  # fmt: skip


class Users:
    """The people in the room's store."""

    def __init__(self, store: Store, passwords: Passwords, clock: Clock) -> None:
        self._store, self._passwords, self._clock = store, passwords, clock

    async def any(self) -> bool:
        """Whether somebody lives here yet."""
        return await self._store.read(lambda c: c.execute(text("SELECT 1 FROM users LIMIT 1")).first() is not None)

    async def everybody(self) -> tuple[User, ...]:
        """All people, oldest first."""

        def read(connection: Connection) -> tuple[User, ...]:
            return tuple(_user(row) for row in connection.execute(text("SELECT * FROM users ORDER BY id")))

        return await self._store.read(read)

    async def names(self) -> dict[str, str]:
        """What everybody is called, by id."""
        return {each.id: each.display_name for each in await self.everybody()}

    async def people(self) -> tuple[Person, ...]:
        """All people with what the house knows of their stay, oldest first."""

        def read(connection: Connection) -> tuple[Person, ...]:
            return tuple(_person(row) for row in connection.execute(text("SELECT * FROM users ORDER BY id")))

        return await self._store.read(read)

    async def person(self, user: str) -> Person | None:
        """One of them."""
        return next((each for each in await self.people() if each.id == user), None)

    async def prepare(self, *, username: str, password: str, display_name: str, role: Role) -> tuple[User, str]:
        """A new person and the hash of his password, not stored yet; raises `InvalidRequest` naming the field."""
        name = unicodedata.normalize("NFKC", username).strip()
        if not _NAME.fullmatch(name):
            words = "Letters, digits and . _ - + @, at most 64."
            raise invalid("Please choose another user name.", username=words)
        check_strength(password, username=name)
        user = User(id=new_id(), username=name, display_name=display_name or name, role=role)
        return user, await self._passwords.hash(password)

    async def hashed(self, username: str, password: str) -> str:
        """The hash of a new password for a person who is here; raises `InvalidRequest` naming the field."""
        check_strength(password, username=username)
        return await self._passwords.hash(password)

    async def add(
        self,
        user: User,
        hashed: str,
        *,
        first: bool = False,
        of_age: bool = False,
        most: int | None = None,
        within: Callable[[Connection], None] = lambda _: None,
    ) -> None:
        """Stores a person; with `first` only as the very first one, a member only where an owner is. Raises `Conflict`.

        An empty `hashed` is no password: none fits it. `of_age`: he said so now. `most`: how many may live here. What
        `within` does is done in the same transaction, before; what it raises leaves everything as it was.
        """
        now = self._clock().isoformat()
        row = {
            **user.model_dump(),
            "login": login_of(user.username),
            "password": hashed,
            "created": now,
            "of_age": now if of_age else None,
        }

        def write(connection: Connection) -> None:
            within(connection)
            _refuse_full(connection, most)
            if first and connection.execute(text("SELECT 1 FROM users LIMIT 1")).first():
                raise Conflict("This house has an owner already. Sign in instead.")
            if user.role != "owner":
                _refuse_without_owner(connection)
            if connection.execute(text("SELECT 1 FROM users WHERE login = :login"), row).first():
                raise Conflict("That user name is taken.")
            connection.execute(
                text(
                    "INSERT INTO users (id, login, username, display_name, role, password, created, of_age)"
                    " VALUES (:id, :login, :username, :display_name, :role, :password, :created, :of_age)"
                ),
                row,
            )

        await self._store.write(write)

    async def refuse_full(self, most: int | None) -> None:
        """Raises `Conflict` where so many people live here already."""
        await self._store.read(lambda connection: _refuse_full(connection, most))

    async def find(self, username: str) -> tuple[User, str] | None:
        """The person of a user name and the hash of his password."""

        def read(connection: Connection) -> tuple[User, str] | None:
            found = connection.execute(
                text("SELECT * FROM users WHERE login = :login"), {"login": login_of(username)}
            ).one_or_none()
            return (_user(found), str(found.password)) if found else None

        return await self._store.read(read)

    async def fits(self, stored: str | None, password: str) -> bool:
        """Whether a password fits a hash; takes as long for nobody's."""
        return await self._passwords.fits(stored, password)

    async def refresh(self, user: User, stored: str, password: str) -> None:
        """Hashes a password anew where the stored hash is weaker than today's."""
        if not self._passwords.is_old(stored):
            return
        row = {"id": user.id, "password": await self._passwords.hash(password)}
        await self._store.write(lambda c: c.execute(text("UPDATE users SET password = :password WHERE id = :id"), row))


def login_of(username: str) -> str:
    """The form in which user names are the same."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def _refuse_full(connection: Connection, most: int | None) -> None:
    if most is not None and connection.execute(text("SELECT count(*) FROM users")).scalar_one() >= most:
        raise Conflict(f"Who runs this house lets {most} people live in it, and they do.")


def _user(row: Any) -> User:
    return User(id=row.id, username=row.username, display_name=row.display_name, role=row.role)


def _person(row: Any) -> Person:
    times = {name: datetime.fromisoformat(found) for name in _TIMES if (found := getattr(row, name))}
    return Person(**_user(row).model_dump(), **times)


def _refuse_without_owner(connection: Connection) -> None:
    if not connection.execute(text("SELECT 1 FROM users WHERE role = 'owner' LIMIT 1")).first():
        raise Conflict("This house has no owner, so nobody can join it.")
