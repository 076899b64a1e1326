"""Somebody who has a room's place on the bus. The signing keys are borrowed, so that one thing at a time is false."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar

from nats.aio.client import Client

from openassistant import subjects
from openassistant.bus import Bus, read_seed
from openassistant.context import CallContext, new_id, utc_now
from openassistant.grants import Approval, Grant, Receipt, Rule, Signed, SigningKey
from openassistant.messages import Call, Effect, Preview, TokenReply, TokenRequest, ToolResult, call_digest
from openassistant.seal import SealingKey
from tests.e2e.stack import Person, Stack

__all__ = ["Intruder"]

S = TypeVar("S", bound=Signed)


class Intruder:
    """Works against a running house in which `person` has connected one account of `connector`."""

    def __init__(self, stack: Stack, person: Person, connector: str = "mail") -> None:
        self._keys = stack.data_dir / "keys"
        self._url = "nats://" + json.loads((self._keys / "bus" / "server.json").read_text())["listen"]
        self.gateway = SigningKey.load(self._keys / "gateway" / "signing.jwk")
        self.audit = SigningKey.load(self._keys / "audit" / "signing.jwk")
        self.user = person.get("/api/session")["user"]["id"]
        [self.account] = [each["id"] for each in person.get("/api/accounts") if each["connector"] == connector]
        cards = {each["id"]: each["digest"] for each in person.get("/api/connectors")}
        self.digest, self.cards = cards[connector], cards

    @asynccontextmanager
    async def room(self, name: str) -> AsyncIterator[Bus]:
        """The bus with a room's own key."""
        bus = await Bus.connect(self._url, room=name, seed=read_seed(self._keys / name / "nkey"), instance="intruder")
        try:
            yield bus
        finally:
            await bus.drain(seconds=1)

    async def client(self, name: str, refused: Callable[[Exception], Awaitable[None]]) -> Client:
        """A bare client with a room's own key; `refused` is told of what the server does not allow."""
        seed = read_seed(self._keys / name / "nkey").get_secret_value()
        client = Client()
        await client.connect(self._url, nkeys_seed_str=seed, error_cb=refused, connect_timeout=5)
        return client

    def mail(self, **changes: Any) -> Call:
        """A call that would send a mail."""
        arguments = {"to": ["carol@example.org"], "subject": "Forged", "text": "This was never approved."}
        plain: dict[str, Any] = {
            "id": new_id(), "nonce": secrets.token_hex(16), "user": self.user, "account": self.account,
            "connector": "mail", "card_digest": self.digest, "tool": "messages_send", "arguments": arguments,
        }  # fmt: skip
        return Call.model_validate({**plain, **changes})

    def grant(self, *, key: SigningKey | None = None, **changes: Any) -> str:
        """A turn's grant as the gateway signs it, or with something changed."""
        return _sign(key or self.gateway, Grant, {
            "id": new_id(), "kind": "turn", "user": self.user, "turn": new_id(), "conversation": new_id(),
            "origin": "message", "effects": (Effect.READ,), "connectors": self.cards,
            "expires": utc_now() + timedelta(minutes=5), **changes,
        })  # fmt: skip

    def receipt(self, call: Call, *, key: SigningKey | None = None, **changes: Any) -> str:
        """The witness's receipt for a call, or with something changed."""
        return _sign(key or self.audit, Receipt, {
            "index": 0, "leaf": "00" * 32, "time": utc_now().isoformat(), "call_digest": call_digest(call),
            "call_id": call.id, "expires": utc_now() + timedelta(minutes=2), **changes,
        })  # fmt: skip

    def approval(self, call: Call, *, key: SigningKey | None = None, **changes: Any) -> str:
        """A person's approval of a call, or with something changed."""
        return _sign(key or self.gateway, Approval, {
            "id": new_id(), "call_digest": call_digest(call), "call_id": call.id, "user": call.user,
            "decided_by": "person", "session": new_id(), "expires": utc_now() + timedelta(minutes=5), **changes,
        })  # fmt: skip

    def rule(self, call: Call, *, key: SigningKey | None = None, **changes: Any) -> str:
        """A rule about the call's tool and Carol, or about something else."""
        return _sign(key or self.gateway, Rule, {
            "id": new_id(), "user": self.user, "connector": "mail", "tool": call.tool, "account": call.account,
            "effect": Effect.SEND, "destinations": ("recipient:carol@example.org",), "session": new_id(),
            "expires": utc_now() + timedelta(days=30), **changes,
        })  # fmt: skip

    def by_rule(self, call: Call, **changes: Any) -> str:
        """An approval under such a rule, for a preview that nobody has made."""
        return self.approval(call, decided_by="rule", rule=self.rule(call, **changes), preview_digest="0" * 64)

    def context(self, call: Call, **tokens: str | None) -> CallContext:
        """A context in which everything is true but the tokens given here (None: it is missing)."""
        good: dict[str, str | None] = {
            "grant": self.grant(), "receipt": self.receipt(call), "approval": self.approval(call),
        }  # fmt: skip
        return CallContext.within(20, user=call.user).model_copy(update={**good, **tokens})

    async def act(self, bus: Bus, call: Call, ctx: CallContext) -> ToolResult:
        """Sends the call to the connector; raises its refusal."""
        return await bus.request(subjects.tool(call.connector, call.user, call.tool), call, ToolResult, ctx)

    async def preview(self, call: Call) -> Preview:
        """What the connector tells the gateway that the call would do."""
        ctx = CallContext.within(20, user=call.user).signed(grant=self.grant())
        async with self.room("gateway") as bus:
            return await bus.request(subjects.preview("mail"), call, Preview, ctx)

    async def secrets(self, bus: Bus, call: Call | None, ctx: CallContext, *, connector: str = "mail") -> str:
        """The sealed answer of the vault to a request for the mailbox's password; raises its refusal."""
        effect = Effect.SEND if call else Effect.READ
        request = TokenRequest(account=self.account, public_key=SealingKey().public, call=call, effect=effect)
        return (await bus.request(subjects.vault_token(connector), request, TokenReply, ctx)).sealed


def _sign(key: SigningKey, kind: type[S], claims: dict[str, Any]) -> str:
    return key.sign(kind.model_validate(claims))
