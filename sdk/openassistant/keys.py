"""A room's side of the vault: its data keys and, for a connector, its accounts' secrets. Kept in memory alone."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import datetime

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, Clock
from openassistant.errors import Forbidden, OaError
from openassistant.messages import AccountPayload, Call, Effect, KeyReply, KeyRequest, TokenReply, TokenRequest
from openassistant.oauth import fingerprint
from openassistant.seal import SealingKey
from openassistant.store import DataKey

__all__ = ["Keys"]

_SECONDS = 10.0


class Keys:
    """What the vault has released to this room."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._users: dict[str, DataKey] = {}
        self._grants: dict[str, str | None] = {}
        """What was last shown for a user: with it his key is asked for again where another instance changed it."""
        self._accounts: dict[tuple[str, str, bool], tuple[AccountPayload, datetime]] = {}
        """By account, the user for whom the vault released it, and whether that was without secrets."""
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def room(self, *, wait: float = 60.0) -> DataKey:
        """The data key of this room's own file, waiting up to `wait` seconds for the vault."""
        ends = asyncio.get_running_loop().time() + wait
        while True:
            try:
                return await self._fetch(None, CallContext.within(_SECONDS))
            except OaError as error:
                if not error.retryable or asyncio.get_running_loop().time() > ends:
                    raise
            await asyncio.sleep(0.2)

    async def unlock(self, user: str, grant: str | None) -> None:
        """Makes `user`'s data key available to `of`; raises `Forbidden` without a grant of that user."""
        self._grants[user] = grant
        if user in self._users:
            return
        async with self._locks[user]:
            if user not in self._users:
                await self.anew(user)

    async def anew(self, user: str) -> DataKey:
        """A user's key as the vault has it now, under the grant that was last shown; raises `Forbidden`."""
        ctx = CallContext.within(_SECONDS, user=user).signed(grant=self._grants.get(user))
        self._users[user] = await self._fetch(user, ctx)
        return self._users[user]

    async def adopted(self, user: str | None, key: DataKey) -> None:
        """Tells the vault that the file (`user`'s, or the room's own) is under `key`: the one before is destroyed."""
        ctx = CallContext.within(_SECONDS, user=user).signed(grant=self._grants.get(user) if user else None)
        fresh = await self._fetch(user, ctx, adopted=key.id)
        if user is not None:
            self._users[user] = fresh

    async def of(self, user: str) -> DataKey:
        """The data key of a user that was unlocked before; raises `Forbidden`."""
        try:
            return self._users[user]
        except KeyError as error:
            raise Forbidden("No grant of that user has been shown to this room.") from error

    def lock(self, user: str) -> None:
        """Forgets a user's key (erased, or signed out for good)."""
        self._users.pop(user, None)
        self._grants.pop(user, None)

    async def account(
        self,
        account: str,
        ctx: CallContext,
        *,
        user: str,
        call: Call | None = None,
        effect: Effect = Effect.READ,
        profile: bool = False,
        refused: str = "",
    ) -> AccountPayload:
        """An account's settings and (without `profile`) secrets, from memory or the vault.

        `user` is the one of the verified grant: what was released for one is never handed out for another, whatever
        account his call names; the vault is asked, and knows whose it is.
        `refused` is the SHA-256 of an access token that the provider did not take: one kept with it is asked for anew.
        So is what acts on an account that is lent: its lender's ledger holds each time.
        Raises `NotFound` when it was removed, `Forbidden` when the signatures in the context do not allow it.
        """
        async with self._locks[account]:
            kept = self._kept(account, user, profile=profile)
            anew = kept and kept.lent and effect is not Effect.READ and not profile
            if kept and not anew and not (refused and refused == fingerprint(kept.secrets.get("access_token", ""))):
                return kept
            payload, expires = await self._token(account, ctx, call, effect, profile=profile, refused=refused)
            self._accounts[account, user, profile] = (payload, expires)
            return payload

    def forget_account(self, account: str) -> None:
        """Drops an account's secrets from memory (removed, or refused by the provider)."""
        for key in [each for each in self._accounts if each[0] == account]:
            del self._accounts[key]

    def _kept(self, account: str, user: str, *, profile: bool) -> AccountPayload | None:
        for secretless in (False, True) if profile else (False,):
            found = self._accounts.get((account, user, secretless))
            if found and found[1] > self._clock():
                return found[0].model_copy(update={"secrets": {}}) if profile else found[0]
        return None

    async def _fetch(self, user: str | None, ctx: CallContext, *, adopted: str | None = None) -> DataKey:
        sealing, subject = SealingKey(), subjects.vault_key(self._bus.room)
        request = KeyRequest(user=user, public_key=sealing.public, adopted=adopted)
        reply = await self._bus.ask(subject, request, KeyReply, ctx.capped(_SECONDS))
        following = None
        if reply.successor is not None:
            following = DataKey(sealing.open(reply.successor.sealed, context=subject), id=reply.successor.key_id)
        return DataKey(sealing.open(reply.sealed, context=subject), id=reply.key_id, successor=following)

    async def _token(
        self, account: str, ctx: CallContext, call: Call | None, effect: Effect, *, profile: bool, refused: str
    ) -> tuple[AccountPayload, datetime]:
        sealing, subject = SealingKey(), subjects.vault_token(self._bus.room)
        request = TokenRequest(
            account=account, public_key=sealing.public, call=call, effect=effect, profile=profile, refused=refused
        )
        reply = await self._bus.ask(subject, request, TokenReply, ctx.capped(_SECONDS))
        return AccountPayload.model_validate_json(sealing.open(reply.sealed, context=subject)), reply.expires
