"""The second factor of a sign-in, as its owner sets it up and takes it away; `codes` says whether one is right."""

from __future__ import annotations

from openassistant.errors import Conflict
from openassistant.messages import AuditAction
from services.gateway import security_views as views
from services.gateway.codes import drawn
from services.gateway.ledger import Ledger
from services.gateway.passkeys import Passkeys
from services.gateway.people_views import Fresh
from services.gateway.problems import invalid
from services.gateway.sessions import Sessions, SignedIn

__all__ = ["Factors"]

_WHY = "What your sign-in asks for needs your password once more."


class Factors:
    """One's own codes; everything about them is written down first."""

    def __init__(self, sessions: Sessions, passkeys: Passkeys, ledger: Ledger) -> None:
        self._sessions, self._codes, self._passkeys, self._ledger = sessions, sessions.codes, passkeys, ledger

    async def state(self, me: SignedIn) -> views.Security:
        """What one's sign-in asks for."""
        since, left = await self._codes.since(me.user.id), await self._codes.left(me.user.id)
        passkeys = await self._passkeys.listing(me.user.id)
        return views.Security(codes_since=since, recovery_left=left, passkeys=passkeys)

    async def begin(self, me: SignedIn, draft: Fresh, *, address: str) -> views.NewSecret:
        """A secret for an app, which asks for nothing yet; raises `SignInAgain`, `Conflict` where one counts."""
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        if await self._codes.since(me.user.id) is not None:
            raise Conflict("Codes are asked for already. Turn that off first.")
        made = await self._codes.begin(me.user.id, name=me.user.username)
        size, path = drawn(made.uri)
        return views.NewSecret(secret=made.secret, uri=made.uri, size=size, path=path)

    async def confirm(self, me: SignedIn, draft: views.CodeDraft, *, address: str) -> views.Recovery:
        """Codes are asked for from now on, and every other sign-in ends; raises `InvalidRequest` for a wrong one."""
        if await self._codes.since(me.user.id) is not None:
            raise Conflict("Codes are asked for already.")
        if not await self._codes.fits_new(me.user.id, draft.code):
            words = "This is not the code. Look at the app once more, and at the clock of the phone."
            raise invalid("The code is wrong.", code=words)
        await self._note(me, AuditAction.FACTOR_ADDED, address)
        return views.Recovery(codes=await self._codes.confirm(me.user.id, draft.code, session=me.session))

    async def renew(self, me: SignedIn, draft: Fresh, *, address: str) -> views.Recovery:
        """New recovery codes in place of the old ones; raises `SignInAgain`, `Conflict` where none are needed."""
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        if await self._codes.since(me.user.id) is None:
            raise Conflict("No codes are asked for, so there is nothing to recover.")
        await self._ledger.note(AuditAction.RECOVERY_RENEWED, user=me.user.id, content={"address": address})
        return views.Recovery(codes=await self._codes.renew(me.user.id))

    async def off(self, me: SignedIn, draft: views.Sure, *, address: str) -> None:
        """No codes are asked for any more; raises `InvalidRequest` for a wrong password."""
        await self._sessions.confirm(me, draft.password, address=address)
        if await self._codes.since(me.user.id) is not None:
            await self._note(me, AuditAction.FACTOR_REMOVED, address)
            await self._codes.off(me.user.id)

    async def _note(self, me: SignedIn, action: AuditAction, address: str) -> None:
        await self._ledger.note(action, user=me.user.id, content={"kind": "codes", "name": "", "address": address})
