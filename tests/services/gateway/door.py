"""Sessions, tokens and set-up over the house's store, with a hash that is quick to make."""

from __future__ import annotations

from argon2 import PasswordHasher
from sqlalchemy import text

from services.gateway import views
from services.gateway.backoff import Backoff
from services.gateway.ledger import Ledger
from services.gateway.passwords import Passwords
from services.gateway.preferences import Preferences
from services.gateway.scopes import Scope
from services.gateway.sessions import Opened, Sessions, SignedIn
from services.gateway.setup import Setup
from services.gateway.tokens import Tokens
from services.gateway.users import User, Users
from tests.services.gateway.house import GatewayHouse

__all__ = ["ELSEWHERE", "HOME", "PASSWORD", "Door"]

PASSWORD = "planted not a real password"
HOME, ELSEWHERE = "192.168.1.20", "203.0.113.9"


class Door:
    """Who comes in: with a password, with a session's cookie, with a token."""

    def __init__(self, house: GatewayHouse) -> None:
        self.house = house
        ledger = Ledger(house.bus.room("gateway"), house.grants, Preferences(house.store))
        quick = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        self.users = Users(house.store, quick, house.clock)
        self.sessions = Sessions(house.store, self.users, ledger, Backoff(house.clock), house.clock)
        self.tokens = Tokens(house.store, self.sessions, ledger, Backoff(house.clock), house.clock)
        self.setup = Setup(self.users, ledger, folder=house.folder, address="http://127.0.0.1:8080")
        self.file = house.folder / "setup-url"

    async def owner(self) -> User:
        user, hashed = await self.users.prepare(username="Ada", password=PASSWORD, display_name="Ada", role="owner")
        await self.users.add(user, hashed, first=True)
        return user

    async def sign_in(
        self, password: str = PASSWORD, *, username: str = "ada", address: str = HOME, former: tuple[str, ...] = ()
    ) -> Opened:
        return await self.sessions.sign_in(username, password, address=address, agent="test", former=former)

    async def signed_in(self) -> SignedIn:
        """The owner, who has just signed in."""
        await self.owner()
        return await self.sessions.find((await self.sign_in()).token)

    async def make(
        self, me: SignedIn, *scopes: Scope, days: int = 90, password: str | None = None, name: str = "laptop"
    ) -> views.NewToken:
        """A token for these scopes."""
        draft = views.TokenDraft(name=name, scopes=scopes, expires_in_days=days, password=password)
        return await self.tokens.create(me, draft, address=HOME)

    def token(self) -> str:
        """The one in the set-up link."""
        return self.file.read_text().strip().partition("#")[2]

    async def stored(self) -> str:
        """Everything in the room's sessions, tokens and users, as text."""
        queries = [text(f"SELECT * FROM {table}") for table in ("sessions", "users", "tokens")]
        return await self.house.store.read(lambda c: str([list(c.execute(each)) for each in queries]))
