"""What is signed: by the gateway grants, rules, approvals; by the witness receipts. Ed25519 JWTs (RFC 8037, 9864)."""

from __future__ import annotations

import json
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import BaseModel, ConfigDict, ValidationError, field_serializer, field_validator

from openassistant.budgets import NOTHING, Budget
from openassistant.errors import Forbidden, Internal
from openassistant.messages import Call, Effect, Id
from openassistant.routes import Route

__all__ = [
    "Approval",
    "Erasure",
    "Grant",
    "Link",
    "Loan",
    "Receipt",
    "Rule",
    "Schedule",
    "Scope",
    "Signed",
    "SigningKey",
    "Trust",
    "Word",
]


class Signed(BaseModel):
    """The base of signed claims; times travel as NumericDate seconds (RFC 7519)."""

    model_config = ConfigDict(frozen=True)

    expires: datetime

    @field_serializer("expires")
    def _to_seconds(self, value: datetime) -> float:
        return value.timestamp()

    @field_validator("expires", mode="before")
    @classmethod
    def _from_seconds(cls, value: Any) -> Any:
        return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else value


class Grant(Signed):
    """What may be done in a user's name without asking again.

    turn: one turn of the agent. account: one connector's background work on one account. session: the owner
    reads his own data (history, ledger). `effects` need no approval; `connectors` maps ids to card digests; `budget` is
    what a turn may spend on its model; `routes` says of which sources a model may see what (routes.py).
    A run of a `schedule` is held to what its owner signed: to those `tools` ("mail.messages_search") and those
    standing `rules` alone; None is no such limit. `lent`: the account of an account grant is another person's (`Loan`).
    """

    id: Id
    kind: Literal["turn", "account", "session"]
    user: Id
    turn: Id | None = None
    conversation: Id | None = None
    origin: Literal["message", "look", "schedule", "trigger", "connect", "session"]
    effects: tuple[Effect, ...] = (Effect.READ,)
    connectors: dict[str, str] = {}
    account: Id | None = None
    budget: Budget = NOTHING
    routes: dict[str, Route] = {}
    schedule: Id | None = None
    tools: tuple[str, ...] | None = None
    rules: tuple[Id, ...] | None = None
    lent: bool = False

    def covers(self, call: Call) -> bool:
        """Whether a call is of a connector in the form that was granted, and of a tool inside the limit."""
        return self.connectors.get(call.connector) == call.card_digest and self.allows(call.connector, call.tool)

    def allows(self, connector: str, tool: str) -> bool:
        """Whether a tool is inside the limit."""
        return self.tools is None or f"{connector}.{tool}" in self.tools


class Rule(Signed):
    """What a person allowed beforehand: one tool of one account, to these destinations at most, again and again.

    `effect` is `write` or `send`, never `delete`. `destinations` are "kind:value" in lower case (rules.py); a rule for
    sending names at least one. With `conversation` it holds only there. `session` is the sign-in that made it.
    """

    id: Id
    user: Id
    connector: str
    tool: str
    account: Id | None = None
    effect: Literal[Effect.WRITE, Effect.SEND]
    destinations: tuple[str, ...] = ()
    conversation: Id | None = None
    session: Id


class Loan(Signed):
    """What a person lets another of the house do with an account of his: no more than this, and no longer.

    `access`: to read, or to act as well (write and send, as the borrower's own policy and yeses allow); what deletes is
    never lent. `parts` are the only calendars of it, by the ids that their connector gives them; () is all of it.
    `session` is the sign-in that made it.
    """

    id: Id
    lender: Id
    user: Id
    account: Id
    connector: str
    access: Literal["read", "act"]
    parts: tuple[str, ...] = ()
    session: Id


class Schedule(Signed):
    """What a person signed when making a schedule: no run of it gets more.

    `terms` is the digest of what it says and when; `tools` ("mail.messages_search") may be called in its runs, `rules`
    are the standing rules under which they may act without asking. `session` is the sign-in that made it.
    """

    id: Id
    user: Id
    terms: str
    tools: tuple[str, ...]
    rules: tuple[Id, ...] = ()
    session: Id


class Approval(Signed):
    """Leave for exactly one call; `preview_digest` binds what the person saw, or what the signed `rule` covered."""

    id: Id
    call_digest: str
    call_id: Id
    user: Id
    decided_by: Literal["person", "policy", "rule"]
    session: str = ""
    preview_digest: str | None = None
    rule: str | None = None


class Receipt(Signed):
    """The witness's word that a call is written down (a signed certificate timestamp for actions, RFC 9162)."""

    index: int
    leaf: str
    time: str
    call_digest: str
    call_id: Id


class Word(Signed):
    """What a person says about one call of his that nobody can tell the outcome of: that it was done, or was not.

    `look` says neither: the connector is to ask its provider once more.
    """

    id: Id
    user: Id
    call_id: Id
    says: Literal["done", "not_done", "look"]
    session: str


class Link(Signed):
    """A way for one user to one question of his, or to all; it says who may go there, and opens nothing by itself."""

    id: Id
    user: Id
    approval: Id | None = None


class Scope(BaseModel):
    """A part of what a room holds of a user: what fits all that is named."""

    model_config = ConfigDict(frozen=True)

    kinds: tuple[str, ...] = ()
    """Words of `data.Part`; () for every kind that the room has."""
    account: Id | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Things of before this moment."""
    beyond: int | None = None
    """Of each kind, what is older than the newest so many."""
    conversation: Id | None = None
    """Of one conversation; for the rooms that know of conversations."""
    calls: tuple[Id, ...] = ()
    """What connectors noted around these calls, and nothing else (`data.Answers.calls`)."""


class Erasure(Signed):
    """The order to remove everything that a room holds of a user, or a part of it. Nothing takes it back."""

    id: Id
    user: Id
    scope: Scope | None = None


S = TypeVar("S", bound=Signed)
_KINDS: dict[type[Signed], str] = {
    Grant: "oa-grant+jwt",
    Rule: "oa-rule+jwt",
    Loan: "oa-loan+jwt",
    Schedule: "oa-schedule+jwt",
    Approval: "oa-approval+jwt",
    Receipt: "oa-receipt+jwt",
    Word: "oa-word+jwt",
    Link: "oa-link+jwt",
    Erasure: "oa-erasure+jwt",
}
_MOST_SEEN = 1024
_SIGNERS: dict[type[Signed], str] = {
    Grant: "gateway",
    Rule: "gateway",
    Loan: "gateway",
    Schedule: "gateway",
    Approval: "gateway",
    Receipt: "audit",
    Word: "gateway",
    Link: "gateway",
    Erasure: "gateway",
}


class SigningKey:
    """An Ed25519 private key of the gateway or the witness, kept as a JWK file."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key

    @classmethod
    def generate(cls) -> Self:
        """A fresh key pair."""
        return cls(OKPKey.generate_key("Ed25519", private=True))

    @classmethod
    def load(cls, path: Path) -> Self:
        """The key in a JWK file; raises `Internal` with the file's name when it is missing or broken."""
        try:
            return cls(OKPKey.import_key(json.loads(path.read_text())))
        except (OSError, ValueError, JoseError) as error:
            raise Internal(f"The signing key {path.name} cannot be read.") from error

    def private_jwk(self) -> str:
        """The JWK with its private part, for the key file alone."""
        return json.dumps(self._key.as_dict(private=True))

    def public_jwk(self) -> dict[str, Any]:
        """The public JWK, for the trust file."""
        return dict(self._key.as_dict(private=False))

    def raw_private(self) -> bytes:
        """The 32-byte Ed25519 seed (for signed notes, which are not JWTs)."""
        raw: bytes = self._key.private_key.private_bytes_raw()  # type: ignore[union-attr]  # Ed25519 keys alone are made here
        return raw

    def raw_public(self) -> bytes:
        """The 32-byte Ed25519 public key (for signed notes)."""
        raw: bytes = self._key.public_key.public_bytes_raw()
        return raw

    def sign(self, claims: Signed) -> str:
        """The compact JWT over the claims."""
        header = {"alg": "Ed25519", "typ": _KINDS[type(claims)]}
        return jwt.encode(header, claims.model_dump(mode="json"), self._key, algorithms=["Ed25519"])


class Trust:
    """The public keys of the two signers, and the check of what they signed."""

    def __init__(self, keys: dict[str, OKPKey]) -> None:
        self._keys = keys
        self._seen: OrderedDict[str, Grant] = OrderedDict()

    @classmethod
    def of(cls, *, gateway: SigningKey, audit: SigningKey) -> Self:
        """Trust in these two keys (provisioning and tests)."""
        return cls.parse({"gateway": gateway.public_jwk(), "audit": audit.public_jwk()})

    @classmethod
    def parse(cls, keys: dict[str, dict[str, Any]]) -> Self:
        """Trust from public JWKs by room; raises `Internal`."""
        try:
            return cls({room: OKPKey.import_key(keys[room]) for room in ("gateway", "audit")})
        except (KeyError, ValueError, JoseError) as error:
            raise Internal("The trust file does not hold the public keys of gateway and audit.") from error

    @classmethod
    def load(cls, path: Path) -> Self:
        """Trust from the file that provisioning wrote; raises `Internal`."""
        try:
            return cls.parse(json.loads(path.read_text()))
        except (OSError, ValueError) as error:
            raise Internal(f"The trust file {path.name} cannot be read.") from error

    def dump(self) -> str:
        """The trust file's content: public keys alone."""
        return json.dumps({room: dict(key.as_dict(private=False)) for room, key in self._keys.items()}, indent=2)

    def raw_public(self, room: str) -> bytes:
        """The 32-byte Ed25519 public key of `gateway` or `audit`."""
        raw: bytes = self._keys[room].public_key.public_bytes_raw()
        return raw

    def grant(self, token: str | None, *, now: datetime) -> Grant:
        """The grant behind a token; raises `Forbidden`. A turn shows its grant often: read once, its time always."""
        grant = self.expired_grant(token)
        if grant.expires <= now:
            raise Forbidden("The grant has expired.")
        return grant

    def expired_grant(self, token: str | None) -> Grant:
        """The grant behind a token whose time may be over: good for asking for a renewal, nothing else."""
        known = self._seen.get(token or "")
        if known is not None:
            return known
        grant = self._verify(Grant, token, now=None)
        self._seen[str(token)] = grant
        if len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)
        return grant

    def rule(self, token: str | None, *, now: datetime) -> Rule:
        """The rule behind a token; raises `Forbidden`."""
        return self._verify(Rule, token, now=now)

    def loan(self, token: str | None, *, now: datetime) -> Loan:
        """The loan behind a token; raises `Forbidden`."""
        return self._verify(Loan, token, now=now)

    def schedule(self, token: str | None, *, now: datetime) -> Schedule:
        """The schedule behind a token; raises `Forbidden`."""
        return self._verify(Schedule, token, now=now)

    def approval(self, token: str | None, *, now: datetime) -> Approval:
        """The approval behind a token; raises `Forbidden`."""
        return self._verify(Approval, token, now=now)

    def receipt(self, token: str | None, *, now: datetime) -> Receipt:
        """The receipt behind a token; raises `Forbidden`."""
        return self._verify(Receipt, token, now=now)

    def word(self, token: str | None, *, now: datetime) -> Word:
        """A person's word behind a token; raises `Forbidden`."""
        return self._verify(Word, token, now=now)

    def link(self, token: str | None, *, now: datetime) -> Link:
        """The way behind a token; raises `Forbidden`."""
        return self._verify(Link, token, now=now)

    def erasure(self, token: str | None, *, now: datetime) -> Erasure:
        """The order behind a token; raises `Forbidden`."""
        return self._verify(Erasure, token, now=now)

    def _verify(self, kind: type[S], token: str | None, *, now: datetime | None) -> S:
        name = kind.__name__.lower()
        if not token:
            raise Forbidden(f"The call carries no {name}.")
        try:
            decoded = jwt.decode(token, self._keys[_SIGNERS[kind]], algorithms=["Ed25519"])
            if decoded.header.get("typ") != _KINDS[kind]:
                raise Forbidden(f"The {name} is of another kind.")
            claims = kind.model_validate(decoded.claims)
        except (JoseError, ValidationError, ValueError, OverflowError) as error:
            raise Forbidden(f"The {name} is not signed by the room that signs it.") from error
        if now is not None and claims.expires <= now:
            raise Forbidden(f"The {name} has expired.")
        return claims
