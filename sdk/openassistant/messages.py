"""Every wire body: frozen pydantic models, JSON on the bus. Ids are 32 hex digits, times UTC (RFC 3339)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

import rfc8785
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from openassistant.budgets import Count, Price, Spent
from openassistant.routes import Route

__all__ = [
    "UNDO_TOOL",
    "Account",
    "AccountList",
    "AccountPart",
    "AccountParts",
    "AccountPayload",
    "AccountQuery",
    "AccountRef",
    "AccountStatus",
    "Apart",
    "ApprovalNeed",
    "ApprovalOutcome",
    "AttachRequest",
    "AuditAction",
    "Auth",
    "BorrowRequest",
    "Call",
    "CallSettled",
    "CallState",
    "CallView",
    "Card",
    "CheckReport",
    "CheckStep",
    "Command",
    "CommandCall",
    "CommandCard",
    "CommandNote",
    "ConnectRequest",
    "Consistency",
    "ConsistencyRequest",
    "Conversation",
    "ConversationList",
    "ConversationQuery",
    "Decision",
    "Destination",
    "Done",
    "Effect",
    "ErrorBody",
    "ExportPage",
    "ExportRequest",
    "GivenFile",
    "Heartbeat",
    "History",
    "HookCard",
    "Id",
    "KeyReply",
    "KeyRequest",
    "LedgerCall",
    "LedgerEntry",
    "LedgerPage",
    "LedgerQuery",
    "Lent",
    "LookRequest",
    "Message",
    "ModelRef",
    "Opening",
    "OutsideSource",
    "Preview",
    "PreviewField",
    "ProbeReport",
    "ProbeRequest",
    "Proof",
    "ProofRequest",
    "PublicKey",
    "Reach",
    "Record",
    "RecordReply",
    "Remembered",
    "Renewal",
    "RenewalRequest",
    "RouteNote",
    "SealedKey",
    "SyncProgress",
    "TextSource",
    "TokenReply",
    "TokenRequest",
    "ToolCard",
    "ToolMode",
    "ToolResult",
    "Traffic",
    "TreeHead",
    "TurnAccepted",
    "TurnCalls",
    "TurnIds",
    "TurnQuery",
    "TurnRequest",
    "Verification",
    "VerifyRequest",
    "VersionChoice",
    "Wire",
    "call_digest",
    "canonical",
    "card_digest",
    "digest_of",
]

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class Wire(BaseModel):
    """The base of every body: frozen; unknown fields are ignored inside a protocol number."""

    model_config = ConfigDict(frozen=True)


class Done(Wire):
    """An answer that says no more than that it was done."""


class ErrorBody(Wire):
    """The one body of an error answer; the code stands in the ADR-32 header as well."""

    code: str
    message: str
    details: dict[str, Any] = {}
    retry_after: float | None = None


# --- effects, cards, calls ----------------------------------------------------------------------------------------


class Effect(StrEnum):
    """What a call does to the world; an undeclared effect counts as `delete`."""

    READ = "read"
    WRITE = "write"
    SEND = "send"
    DELETE = "delete"

    @property
    def rank(self) -> int:
        """0 for read to 3 for delete: an effect may be raised, never lowered."""
        return ("read", "write", "send", "delete").index(self.value)

    def raised(self, to: Effect) -> Effect:
        """The higher one of both."""
        return max(self, to, key=lambda each: each.rank)


UNDO_TOOL = "actions_undo"
"""The tool by which a connector takes back what another of its tools did (undoing.py)."""


class ToolCard(Wire):
    """One tool as the model and the policy see it; `parameters` and `returns` are JSON Schemas.

    With `rises` some arguments have a higher effect than `effect`; of each call its preview says which.
    """

    name: str
    description: str
    effect: Effect = Effect.DELETE
    rises: bool = False
    parameters: dict[str, Any]
    returns: dict[str, Any] = {}
    returns_outside: bool = True
    undo: bool = False
    capability: str = ""
    """What the owner must have allowed at the provider; "" where nothing in particular."""

    @model_serializer(mode="wrap")
    def _shown(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without `capability` where there is none, so that the cards of other connectors keep their digests."""
        shown: dict[str, Any] = handler(self)
        return {key: value for key, value in shown.items() if key != "capability" or value}


class Changing(Wire):
    """How what was opened is changed by its owner's hand: by an `argument` of a `tool` that writes, and these fields.

    `fields` are JSON Schema, by the names of the tool's arguments; what is not changed is not given. `shown` says where
    a field's present value stands in what was opened (`details.Notes`), where not under its own name. `removes` is the
    argument for what was taken out of a list, where the tool only adds to lists; empty where a list replaces the old.
    """

    tool: str
    argument: str
    fields: dict[str, dict[str, Any]]
    shown: dict[str, str] = {}
    removes: str = ""


class Opening(Wire):
    """How one thing of a command's answer is opened: `key` of it goes into an `argument` of a `tool` that reads.

    `found_in` names the tools whose results hold such things too, each with the key that is opened there: from these an
    answer has its sources. `link` is the path in what was opened to its address at the provider (`file.link`), which
    counts only with https and at one of `link_hosts` (`*.` before a name: whatever belongs to it). `changes` is how its
    owner changes it.
    """

    tool: str
    argument: str
    key: str = "id"
    found_in: dict[str, str] = {}
    link: str = ""
    link_hosts: tuple[str, ...] = ()
    changes: Changing | None = None

    @model_serializer(mode="wrap")
    def _shown(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what came later where there is none of it: a card from before keeps its digest."""
        shown: dict[str, Any] = handler(self)
        return {key: value for key, value in shown.items() if value or key in ("tool", "argument", "key")}


class CommandCard(Wire):
    """How a tool serves one of the composer's commands.

    `form` is the JSON Schema of what a person fills in, `arguments` says into which argument of the tool each field
    goes, `zone` names the argument that takes the person's time zone. `fixed` are arguments that nobody fills in.
    `local`: it answers by what was read before, and asks no provider. `opens` is how one thing of its answer is looked
    at in full.
    """

    tool: str
    title: str
    description: str = ""
    form: dict[str, Any]
    arguments: dict[str, str]
    zone: str | None = None
    fixed: dict[str, Any] = {}
    local: bool = False
    opens: Opening | None = None

    @model_serializer(mode="wrap")
    def _shown(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what came later where there is none of it: a card from before keeps its digest."""
        shown: dict[str, Any] = handler(self)
        return {key: value for key, value in shown.items() if value or key not in ("fixed", "local", "opens")}


class HookCard(Wire):
    """`[hook]` in the manifest: accounts of this connector have an address to which their provider sends.

    `headers` are handed on beside the body, which may have `largest` bytes.
    """

    headers: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")], ...] = ()
    largest: Annotated[int, Field(ge=1, le=4 * 1024 * 1024)] = 1024 * 1024


class Capability(Wire):
    """Something that an owner may allow or not: `[auth.oauth2.capabilities.<name>]` in the manifest.

    `scopes` are asked for together. `review` is the provider's class of the weightiest one, `api` what has to be
    switched on in the provider's console, at `api_url`.
    """

    title: str
    description: str = ""
    scopes: tuple[str, ...]
    review: Literal["none", "sensitive", "restricted"] = "none"
    api: str = ""
    api_url: str = ""
    chosen: bool = True
    """Whether it is ticked to begin with."""


class OAuth2(Wire):
    """How the accounts of a connector are authorized (RFC 6749): the provider's public addresses and customs."""

    provider: str
    """One registration of this installation serves all connectors of a provider: "google", "microsoft"."""
    name: str
    authorize_url: str
    token_url: str
    device_url: str = ""
    """RFC 8628; empty where the provider has none for these scopes."""
    revoke_url: str = ""
    """RFC 7009; empty where there is none: then `manage_url` is where the owner does it."""
    manage_url: str = ""
    console_url: str = ""
    """Where an owner registers this installation."""
    issuer: str = ""
    """What `iss` of the redirect has to be where it is given (RFC 9207)."""
    scopes: tuple[str, ...] = ()
    """Asked for each time, beside those of the capabilities."""
    params: dict[str, str] = {}
    """Further parameters of the authorization request."""
    client_secret: Literal["required", "optional", "none"] = "required"
    client_auth: Literal["client_secret_post", "client_secret_basic", "client_secret_basic_json"] = "client_secret_post"
    """The last one is Notion's: HTTP Basic, and the request as JSON where RFC 6749 has a form."""
    trial_days: float | None = None
    """After so many days a consent ends where the registration is still in testing, as `trial_hint` says."""
    trial_hint: str = ""
    capabilities: dict[str, Capability]


class Auth(Wire):
    """How an account of this connector signs in; `oauth2` says how where `kind` is that.

    With `password` it may be there too: then an account signs in by what the form asks (the secret `access_token` in
    the place of the provider's) or at the provider, as its owner likes.
    """

    kind: Literal["none", "password", "oauth2"] = "none"
    oauth2: OAuth2 | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "oauth2" and self.oauth2 is None:
            raise ValueError("kind oauth2 needs auth.oauth2")
        if self.kind == "none" and self.oauth2 is not None:
            raise ValueError("auth.oauth2 belongs to kind oauth2, or beside kind password")
        return self

    @model_serializer(mode="wrap")
    def _shown(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without `oauth2` where there is none, so that the cards of other connectors keep their digests."""
        shown: dict[str, Any] = handler(self)
        return {key: value for key, value in shown.items() if key != "oauth2" or value is not None}


_LATER = ("commands", "host_settings", "domain_settings", "hook")


class Card(Wire):
    """What a connector is: generated from manifest and tools; its digest is what an administrator approves."""

    id: str
    name: str
    version: str
    description: str = ""
    protocol: int = 1
    hosts: tuple[str, ...] = ()
    host_settings: tuple[str, ...] = ()
    domain_settings: tuple[str, ...] = ()
    auth: Auth = Auth()
    settings_schema: dict[str, Any] = {}
    secrets_schema: dict[str, Any] = {}
    tools: tuple[ToolCard, ...] = ()
    commands: dict[str, CommandCard] = {}
    hook: HookCard | None = None

    def tool(self, name: str) -> ToolCard | None:
        """The tool of that name, or None."""
        return next((tool for tool in self.tools if tool.name == name), None)

    @model_serializer(mode="wrap")
    def _shown(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what came later where there is none of it: a card from before keeps its digest."""
        shown: dict[str, Any] = handler(self)
        return {key: value for key, value in shown.items() if value or key not in _LATER}


class Heartbeat(Wire):
    """A registry entry: `<connector>.<instance>` in OA_CONNECTORS, renewed well before its 60 s are over."""

    instance: str
    card: Card
    digest: str
    started: datetime


class Call(Wire):
    """One proposed tool call; the nonce keeps short arguments from being guessed out of a digest."""

    id: Id
    nonce: Id
    user: Id
    account: Id | None = None
    connector: str
    card_digest: str
    tool: str
    arguments: dict[str, Any]


def canonical(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value."""
    return rfc8785.dumps(value)


def digest_of(value: Any) -> str:
    """SHA-256 (hex) over the RFC 8785 form of a JSON value."""
    return hashlib.sha256(canonical(value)).hexdigest()


def call_digest(call: Call) -> str:
    """The digest that receipt and approval are bound to."""
    return digest_of(call.model_dump(mode="json"))


def card_digest(card: Card) -> str:
    """The digest of a card: any change of tools, scopes, hosts or texts changes it."""
    return digest_of(card.model_dump(mode="json"))


class OutsideSource(Wire):
    """Where a text came from, and who could have written it."""

    source: str
    authors: tuple[str, ...] = ()


class ToolResult(Wire):
    """What a tool gave back: its typed result as JSON and the outside sources found in it."""

    content: Any = None
    outside: tuple[OutsideSource, ...] = ()
    provider_id: str | None = None


class Destination(Wire):
    """Whom or what a call reaches: kind is recipient, attendee, url, path or account."""

    kind: str
    value: str
    name: str | None = None
    note: str | None = None


class PreviewField(Wire):
    """One labelled line of a preview."""

    label: str
    value: str


class Preview(Wire):
    """What a call will do, in the connector's words. `warnings` and notes may change; the rest is signed.

    `effect` is that of this very call: the tool's, or a higher one (an event with guests is a `send`).
    """

    verb: str
    confirm: str
    effect: Effect = Effect.DELETE
    account: str = ""
    destinations: tuple[Destination, ...] = ()
    fields: tuple[PreviewField, ...] = ()
    content: str = ""
    outside: tuple[OutsideSource, ...] = ()
    warnings: tuple[str, ...] = ()

    def digest(self) -> str:
        """SHA-256 over what the person decides on: everything but warnings and notes."""
        signed = self.model_copy(
            update={
                "warnings": (),
                "destinations": tuple(d.model_copy(update={"note": None}) for d in self.destinations),
            }
        )
        return digest_of(signed.model_dump(mode="json"))


# --- vault --------------------------------------------------------------------------------------------------------


class PublicKey(Wire):
    """An X25519 public key, base64 (seal.py)."""

    public_key: str


class KeyRequest(Wire):
    """A room asks for its data key; for a user's key the context must hold a grant of that user.

    `adopted` is the id of the successor that its file is under now: the vault destroys the key before it.
    """

    user: Id | None = None
    public_key: str
    adopted: str | None = None


class SealedKey(Wire):
    """A 32-byte data key, sealed with the request's subject as context."""

    sealed: str
    key_id: str


class KeyReply(SealedKey):
    """The data key and, while it is being replaced, the one that follows it."""

    successor: SealedKey | None = None


class TokenRequest(Wire):
    """A connector (or the agent, for a model key) asks for an account's settings and secrets.

    In the context: the account's grant, or a turn's grant with receipt and approval for `call`. With `profile` the
    answer holds no secrets, and any grant of the user will do.
    """

    account: Id
    public_key: str
    call: Call | None = None
    effect: Effect = Effect.READ
    profile: bool = False
    refused: str = ""
    """The SHA-256 (hex) of an access token that the provider refused: another one is wanted."""


class TokenReply(Wire):
    """An `AccountPayload` as JSON, sealed with the request's subject as context; good until `expires`."""

    sealed: str
    expires: datetime


class Lent(Wire):
    """That an account is another person's, who lends it: see `grants.Loan`. `account` is his."""

    loan: Id
    lender: Id
    account: Id
    access: Literal["read", "act"]
    parts: tuple[str, ...] = ()
    until: datetime

    def allows(self, effect: Effect) -> bool:
        """Whether an effect is inside it; what deletes never is."""
        return effect is Effect.READ or (self.access == "act" and effect in (Effect.WRITE, Effect.SEND))


class AccountPayload(Wire):
    """What lies in a sealed token: never logged, never stored outside the vault."""

    account: Id
    name: str
    settings: dict[str, Any]
    secrets: dict[str, str]
    capabilities: tuple[str, ...] | None = None
    """What the owner allowed at the provider; None where the provider knows no such thing."""
    lent: Lent | None = None


class Account(Wire):
    """A third-party account without its secrets."""

    id: Id
    user: Id
    connector: str
    name: str
    settings: dict[str, Any]
    state: Literal["pending", "connected", "attention"]
    created: datetime
    problem: ErrorBody | None = None
    auth: Literal["password", "oauth2"] = "password"
    provider: str = ""
    capabilities: tuple[str, ...] | None = None
    authorized: datetime | None = None
    """When its owner last said yes at the provider."""
    consent_ends: datetime | None = None
    """When that will have to be said again, where the provider told so."""
    lent: Lent | None = None
    """Where it points to an account of another, and holds nothing of its own."""


class AccountRef(Wire):
    """What the agent may know of an account; `lent`: what for, where it is another person's."""

    id: Id
    connector: str
    name: str
    lent: Literal["read", "act"] | None = None


class ConnectRequest(Wire):
    """Stores an account as pending; `sealed` holds the secrets (a JSON object), sealed to the vault's key."""

    user: Id
    connector: str
    name: str
    settings: dict[str, Any]
    sealed: str


class BorrowRequest(Wire):
    """Stores an account as pending that points to the one of a signed loan."""

    loan: str
    name: str


class AccountPart(Wire):
    """A calendar of an account, by the id that its connector knows it by."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    name: Annotated[str, StringConstraints(max_length=400)]


class AccountParts(Wire):
    """What an account consists of; not `offered` where the connector cannot keep to parts of it."""

    offered: bool
    parts: tuple[AccountPart, ...] = ()


class AccountQuery(Wire):
    """Names accounts: of one user, of one connector, or one by id; None means all.

    `problem` marks attention, `name` is the one to give.
    """

    user: Id | None = None
    connector: str | None = None
    account: Id | None = None
    problem: ErrorBody | None = None
    name: str | None = None


class AccountList(Wire):
    """Accounts, oldest first."""

    accounts: tuple[Account, ...] = ()


# --- connectors ---------------------------------------------------------------------------------------------------


class CheckStep(Wire):
    """One step of an account check, in words."""

    name: str
    ok: bool
    detail: str = ""


class CheckReport(Wire):
    """What an account check found; `problem` is set when a step failed."""

    ok: bool
    steps: tuple[CheckStep, ...] = ()
    problem: ErrorBody | None = None


class AttachRequest(Wire):
    """A connected account for background sync, under the account grant in `grant`."""

    account: Id
    name: str
    grant: str


class SyncProgress(Wire):
    """How far the mirror of an account is."""

    state: Literal["idle", "running", "failed"] = "idle"
    done: int = 0
    total: int | None = None
    what: str = ""
    finished: datetime | None = None
    problem: ErrorBody | None = None


class AccountStatus(Wire):
    """Per account id, its progress."""

    accounts: dict[str, SyncProgress] = {}


# --- audit --------------------------------------------------------------------------------------------------------


class AuditAction(StrEnum):
    """What the ledger can hold; each has a row in docs/reference/audit.md."""

    TOOL_STARTED = "tool.started"
    """A tool call was written down and may run. Id: the call's. Content: arguments and nonce."""
    TOOL_FINISHED = "tool.finished"
    """A call did what it should. Id: the call's. Content: the result, or its digest and size where it is large."""
    TOOL_FAILED = "tool.failed"
    """A call ended with an error, and nothing was done. Id: the call's. Content: the error."""
    TOOL_UNKNOWN = "tool.unknown"
    """Nobody can say whether a call was done. Id: the call's. Content: the error."""
    APPROVAL_ASKED = "approval.asked"
    """A call was put to a person. Id: the approval's. Content: the call's id, the preview, the reason."""
    APPROVAL_EDITED = "approval.edited"
    """A person changed a call that waits. Id: a fresh one. Content: the approval's id, the call's id, the preview."""
    APPROVAL_GRANTED = "approval.granted"
    """A person said yes. Id: the approval's. Content: call id, digest of the preview, session or token, note."""
    APPROVAL_DENIED = "approval.denied"
    """A person said no. Id: the approval's. Content: call id, digest of the preview, session or token, note."""
    APPROVAL_EXPIRED = "approval.expired"
    """Nobody decided in time. Id: the approval's. Content: call id and digest of the preview."""
    POLICY_DECIDED = "policy.decided"
    """The policy let a call run without a question. Id: the call's. Content: verdict, reason, preview, rule."""
    POLICY_REFUSED = "policy.refused"
    """A call was put to the policy that cannot be allowed at all. Id: a fresh one. Content: call id and reason."""
    RULE_MADE = "rule.made"
    """Somebody allowed something beforehand. Id: the rule's. Content: where to, scope, question, end, session."""
    LOAN_OFFERED = "loan.offered"
    """Somebody lends an account, once it is accepted; both have this. Id: a fresh one. Content: the loan's id, who, to
    whom, access, calendars, end, session."""
    LOAN_ACCEPTED = "loan.accepted"
    """Somebody takes an account that is lent to him; both have this. Id: a fresh one. Content: the loan's id, who."""
    LOAN_ENDED = "loan.ended"
    """A loan is over; both have this, and the outcome says why. Id: a fresh one. Content: the loan's id, who."""
    LOAN_USED = "loan.used"
    """The secrets of a lent account are about to go to its connector for who borrowed it; in the lender's ledger. The
    outcome is his id. Id: the call's, or a fresh one for background work. Content: none."""
    RULE_REVOKED = "rule.revoked"
    """Somebody revoked a rule. Id: a fresh one. Content: the rule's id."""
    TOKEN_RELEASED = "token.released"
    """An account's secrets are about to go to its connector. Id: a fresh one. Content: none."""
    TOKEN_REFRESHED = "token.refreshed"
    """A provider is about to be asked for a new access token. Id: a fresh one. Content: none."""
    TOKEN_REVOKED = "token.revoked"
    """The provider was told that a consent ends; the outcome says what came of it. Id: a fresh one. Content: none."""
    ACCOUNT_AUTHORIZED = "account.authorized"
    """Somebody said yes at a provider. Id: a fresh one. Content: what was allowed."""
    CLIENT_CHANGED = "client.changed"
    """The house was registered with a provider, or forgot that. Id: a fresh one. Content: provider, client, address."""
    KEY_RELEASED = "key.released"
    """A room was given a data key: its own, or that of this user's data there. Id: a fresh one. Content: none."""
    KEY_ROTATED = "key.rotated"
    """Keys are about to be replaced (outcome: begun), or all were (done). Id: a fresh one. Content: kinds, how many."""
    ACCOUNT_CONNECTED = "account.connected"
    """An account was tried and is kept. Id: the account's. Content: its name."""
    ACCOUNT_REMOVED = "account.removed"
    """An account's secrets are destroyed. Id: a fresh one. Content: its name."""
    ACCOUNT_ERASED = "account.erased"
    """A connector deleted all that it had copied of a removed account. Id: a fresh one. Content: none."""
    ACCOUNT_HOLD_CHANGED = "account.hold_changed"
    """What an account sends is held for another time. Id: a fresh one. Content: seconds, or null for the house's."""
    HOOK_REFUSED = "hook.refused"
    """Somebody sent to an account's address what is not signed by its provider; written once a day. Id: a fresh one.
    Content: network address."""
    CONNECTOR_APPROVED = "connector.approved"
    """The owner approved a connector as it is. Id: a fresh one. Content: the card's digest."""
    ROUTE_CHANGED = "route.changed"
    """Somebody chose what models may see of a source. Id: a fresh one. Content: source, rule, the one before."""
    MODEL_CHANGED = "model.changed"
    """Another model answers from now on. Id: a fresh one. Content: its kind, name, host and slot, never its key."""
    SESSION_STARTED = "session.started"
    """Somebody signed in. Id: the session's. Content: network address, browser, what he showed beside a password or in
    its place."""
    SESSION_ENDED = "session.ended"
    """Somebody signed out, or a session was ended. Id: the session's. Content: none."""
    SESSION_REFUSED = "session.refused"
    """A wrong password, code or passkey for a user who exists. Id: a fresh one. Content: network address, which."""
    API_TOKEN_CREATED = "api_token.created"
    """A personal API token was made. Id: the token's. Content: name, scopes, end, network address."""
    SIGN_IN_LINKED = "signin.linked"
    """Somebody added a provider to his ways to sign in. Id: the link's. Content: link, provider and its label."""
    SIGN_IN_UNLINKED = "signin.unlinked"
    """Somebody took one of his ways to sign in away. Id: a fresh one. Content: the link's id."""
    FACTOR_ADDED = "factor.added"
    """Somebody added a second factor or a passkey to his sign-in. Id: a fresh one. Content: kind, name, address."""
    FACTOR_REMOVED = "factor.removed"
    """Somebody took a second factor or a passkey away. Id: a fresh one. Content: kind, name, address."""
    FACTOR_RENAMED = "factor.renamed"
    """Somebody gave one of his passkeys another name. Id: a fresh one. Content: kind, name, the one before, address."""
    RECOVERY_RENEWED = "factor.recovery_renewed"
    """Somebody made new recovery codes; the old ones are void. Id: a fresh one. Content: network address."""
    API_TOKEN_REVOKED = "api_token.revoked"
    """A personal API token was revoked. Id: a fresh one. Content: the token's id and name."""
    USER_CREATED = "user.created"
    """A user was created. Id: the user's. Content: the role."""
    USER_INVITED = "user.invited"
    """An owner made a link that lets one person in. Id: the invitation's. Content: for whom, its end."""
    USER_JOINED = "user.joined"
    """Somebody came by an owner's invitation. Id: a fresh one. Content: the invitation's id, who came."""
    INVITATION_REVOKED = "invitation.revoked"
    """A link was ended before it was used. Id: a fresh one. Content: the invitation's id."""
    ROLE_CHANGED = "user.role_changed"
    """Somebody became an owner or a member; both he and whoever did it have this. Id: a fresh one. Content: of whom,
    by whom, the role."""
    USER_SUSPENDED = "user.suspended"
    """An owner shut somebody out; both have this. Id: a fresh one. Content: of whom, by whom."""
    USER_RESUMED = "user.resumed"
    """An owner let somebody in again; both have this. Id: a fresh one. Content: of whom, by whom."""
    PASSWORD_CHANGED = "password.changed"
    """A password is about to be replaced. Id: a fresh one. Content: by its owner, or by which reset link, and whether
    that takes second factor and passkeys away."""
    RESET_OFFERED = "password.reset_offered"
    """An owner made a link that sets somebody's password anew; both have this. Id: the link's. Content: of whom, by
    whom, from when it works, whether it takes second factor and passkeys away."""
    RESET_ANSWERED = "password.reset_answered"
    """Somebody let a reset link of his work at once, or refused it. Id: a fresh one. Content: the link's id."""
    REMOVAL_ANNOUNCED = "user.removal_announced"
    """An owner began to remove somebody; both have this. Id: a fresh one. Content: of whom, by whom, when."""
    REMOVAL_WITHDRAWN = "user.removal_withdrawn"
    """An owner keeps somebody after all; both have this. Id: a fresh one. Content: of whom, by whom."""
    USER_ERASING = "user.erasing"
    """A person had everything of his removed, which begins now. Id: a fresh one. Content: none."""
    USER_ERASED = "user.erased"
    """Everything of a person is gone, in every room; what these records held cannot be read any more. Id: a fresh one.
    Content: none."""
    HOUSE_RESTORED = "house.restored"
    """The house runs on a copy of before. Id: the restore's. Content: when the copy was taken, when it was restored,
    how much was put aside."""
    DATA_EXPORTED = "data.exported"
    """A person had an archive made of his data. Id: a fresh one. Content: the rooms that are asked."""
    DATA_IMPORTED = "data.imported"
    """A person had an archive taken in. Id: a fresh one. Content: its kind, files, and the digest of what it holds."""
    DATA_ERASING = "data.erasing"
    """Somebody had a part of what is kept of him removed, which begins now. Id: the erasing's. Content: what kind of
    part, in words without content."""
    DATA_ERASED = "data.erased"
    """That part is gone, in every room. Id: the erasing's. Content: what kind of part, and how many things of each kind
    went in each room."""
    DATA_EXPIRED = "data.expired"
    """What somebody wants kept no longer went. Id: the run's. Content: how many things of each kind went in each room,
    and the rooms that could not be asked."""
    DATA_KEPT = "data.kept"
    """Somebody chose for how long things are kept. Id: a fresh one. Content: the rules from now on."""
    ROOM_GONE = "room.gone"
    """The owner said that a connector's data will not come back: nobody waits for it any more. Id: a fresh one.
    Content: the connector, and of how many erasings its part was closed."""
    EGRESS_CHANGED = "egress.changed"
    """A room may reach other hosts from now on. Id: a fresh one. Content: by room what was added and removed."""
    SCHEDULE_SIGNED = "schedule.signed"
    """Somebody made or changed a schedule. Id: a fresh one. Content: the schedule's id and all that was signed."""
    SCHEDULE_ENDED = "schedule.ended"
    """Somebody ended a schedule. Id: a fresh one. Content: the schedule's id."""
    TURN_STARTED = "turn.started"
    """A message or a schedule began a turn. Id: the turn's. Content: the schedule and when it was due,
    the memories that it began with, and whether these or the schedule were tainted; of files that were given with it
    name, size and digest."""
    LIMITS_CHANGED = "limits.changed"
    """Somebody changed what may be spent on the model. Id: a fresh one. Content: whose limits, before and after."""
    OUTCOME_SETTLED = "outcome.settled"
    """A person said what became of a call that nobody could tell of. Id: the call's. Content: session or token."""
    NOTICE_CHOSEN = "notice.chosen"
    """Somebody chose how he is told that something waits. Id: a fresh one. Content: the choices."""
    NOTICE_SENT = "notice.sent"
    """A notice is about to go to a browser's maker. Id: a fresh one. Content: host, bytes, browser, questions."""
    NOTICE_BROWSER_ADDED = "notice.browser_added"
    """A browser is told from now on. Id: the browser's. Content: its name, the host that carries notices."""
    NOTICE_BROWSER_REMOVED = "notice.browser_removed"
    """A browser is told no more. Id: a fresh one. Content: the browser's id and why."""
    CONVERSATION_DELETED = "conversation.deleted"
    """A conversation was deleted. Id: a fresh one. Content: the conversation's id."""
    MODEL_ASKED = "model.asked"
    """Words went to a model. Id: the question's. Content: model, tokens, traffic, and whose text it was."""
    TRAFFIC_COUNTED = "traffic.counted"
    """What an account sent and received beside calls. Id: a fresh one. Content: from, until, traffic."""
    EGRESS_COUNTED = "egress.counted"
    """The proxy counted a room's bytes. Id: a fresh one. Content: room, host, port, connections, bytes, from, until."""


Reach = Literal["machine", "network", "public"]
"""How far a destination lies: in this machine, in the owner's own network, or outside."""


class Traffic(Wire):
    """Bytes to and from one place, as the protocol said them, before TLS; see `meter.py`."""

    host: Annotated[str, Field(max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
    port: Annotated[int, Field(ge=0, le=65535)]
    reach: Reach = "public"
    bytes_out: Annotated[int, Field(ge=0, lt=2**53)] = 0
    bytes_in: Annotated[int, Field(ge=0, lt=2**53)] = 0


class TextSource(Wire):
    """Whose text a model was given, and how many bytes (UTF-8) of it.

    `account` says whose account it was where `kind` is `connector`: results of tools. `owner` is what the owner typed,
    `assistant` what the model said before, `rules` what comes with every question: instructions, tools.
    """

    kind: Annotated[str, Field(max_length=40, pattern=r"^[a-z_]+$")]
    connector: Annotated[str, Field(max_length=64)] | None = None
    account: Id | None = None
    bytes: Annotated[int, Field(ge=0, lt=2**53)] = 0


class Record(Wire):
    """One thing to write down. User, turn and conversation come from the verified grant in the context.

    `id` makes it idempotent (with `action`): the call id for calls, any fresh id else. `call` is given for
    `tool.started` alone; `content` (arguments, results, details) is encrypted under the user's key, and `traffic` and
    `sources` with it.
    """

    id: Id
    action: AuditAction
    call: Call | None = None
    connector: str | None = None
    tool: str | None = None
    effect: Effect | None = None
    account: Id | None = None
    outcome: str | None = None
    content: Any = None
    traffic: Annotated[tuple[Traffic, ...], Field(max_length=64)] = ()
    sources: Annotated[tuple[TextSource, ...], Field(max_length=64)] = ()
    loan: str | None = None
    """The signed loan that was used: the record then stands with who lends (`loan.used`)."""


class RecordReply(Wire):
    """The signed receipt, given after the commit."""

    receipt: str
    index: int


class TreeHead(Wire):
    """A signed head: `checkpoint` is the C2SP signed note, the rest its fields for reading."""

    size: int
    root: str
    time: datetime
    checkpoint: str


class LedgerEntry(Wire):
    """One record as its owner reads it; `content` is None where the key is gone."""

    index: int
    time: datetime
    action: AuditAction
    room: str
    id: Id
    user: Id | None = None
    turn: Id | None = None
    conversation: Id | None = None
    connector: str | None = None
    tool: str | None = None
    effect: Effect | None = None
    account: Id | None = None
    call_digest: str | None = None
    outcome: str | None = None
    content: Any = None
    leaf: str


class LedgerQuery(Wire):
    """Entries of the context's user with index > `after`, at most `limit`; oldest first unless `newest`.

    `actions` and the others narrow it down; empty or None means all. `search`: words that an entry holds, all of them.
    """

    after: int = -1
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    newest: bool = False
    actions: tuple[AuditAction, ...] = ()
    connector: str | None = None
    conversation: Id | None = None
    search: Annotated[str, Field(max_length=200)] = ""
    id: Id | None = None


class LedgerPage(Wire):
    """Entries and the index to go on after; None at the end."""

    entries: tuple[LedgerEntry, ...] = ()
    next: int | None = None
    head: TreeHead | None = None


class TurnQuery(Wire):
    """Which calls were made in a conversation (or one turn of it), for the policy; or for one account."""

    user: Id
    conversation: Id | None = None
    turn: Id | None = None
    account: Id | None = None


class LedgerCall(Wire):
    """One call as the ledger saw it start, at `time`, as record `index`; `effect` as the agent gave it.

    `outcome` (finished, failed, unknown) is the last that was reported, by record `ended`; `leaf` is the hash of the
    newest of both records, in hex. `call_digest` is that of the call as it started.
    """

    id: Id
    index: int
    time: datetime
    turn: Id | None
    connector: str
    card_digest: str
    tool: str
    effect: Effect
    outcome: str | None = None
    ended: int | None = None
    leaf: str
    call_digest: str | None = None
    conversation: Id | None = None

    @property
    def newest(self) -> int:
        """The number of the newest record about it."""
        return self.index if self.ended is None else self.ended


class TurnCalls(Wire):
    """The calls of a turn or conversation, oldest first."""

    calls: tuple[LedgerCall, ...] = ()


class VerifyRequest(Wire):
    """Asks for a full check, also against `heads`: signed notes (C2SP checkpoints) that were kept elsewhere.

    With `only_heads` the records are not recomputed, and a ledger that does not fit these heads records nothing more:
    that is how the room that kept them asks at its start.
    """

    heads: Annotated[tuple[str, ...], Field(max_length=2000)] = ()
    only_heads: bool = False


class ProofRequest(Wire):
    """Asks for the proof that a record is in the tree of the newest head."""

    index: int


class Proof(Wire):
    """An inclusion proof (RFC 9162, 2.1.3): leaf, sibling hashes from the leaf up (hex), and the signed head."""

    index: int
    leaf: str
    path: tuple[str, ...]
    head: TreeHead


class ConsistencyRequest(Wire):
    """Asks for the proof that the tree of the first `first` records is a prefix of the present one."""

    first: Annotated[int, Field(ge=0)]


class Consistency(Wire):
    """A consistency proof (RFC 9162, 2.1.4): sibling hashes (hex) from `first` records to those of the head."""

    first: int
    path: tuple[str, ...]
    head: TreeHead


class ExportRequest(Wire):
    """Asks for a part of the export: records with an index above `after`."""

    after: int = -1
    limit: Annotated[int, Field(ge=1, le=2000)] = 500


class ExportPage(Wire):
    """Lines of NDJSON and the index to go on after; None when the head was the last line."""

    lines: tuple[str, ...] = ()
    next: int | None = None


class Verification(Wire):
    """What a full check found; `index` names the first record that does not fit."""

    ok: bool
    size: int
    root: str
    index: int | None = None
    detail: str = ""
    seconds: float = 0.0


# --- gateway ↔ agent ----------------------------------------------------------------------------------------------


ToolMode = Literal["unknown", "native", "schema", "salvage", "none"]
"""How a model calls tools, as a probe found it: by the protocol's own means, as JSON that is held to a schema, as JSON
that it writes of itself, or not at all. Unknown is treated as native."""


class ModelRef(Wire):
    """Which model a turn uses; the key, if there is one, is the vault account `account`; `window` is in tokens.

    `price` is what it costs, where that is known. `local`: what it reads does not leave the owner's own machines, as
    far as its address and its owner say.
    """

    kind: Literal["openai", "litellm"]
    model: str
    base_url: str | None = None
    account: Id | None = None
    window: int | None = None
    mode: ToolMode = "unknown"
    price: Price | None = None
    local: bool = False


class ProbeRequest(Wire):
    """Asks how a model calls tools; the grant, of a turn that covers no connector, is in the context."""

    model: ModelRef


class ProbeReport(Wire):
    """What a probe found, and what it saw, in words; `listed` is the price that came with the model client."""

    mode: ToolMode
    detail: str
    listed: Price | None = None


class CommandNote(Wire):
    """A command that a person ran instead of asking a model: its name and what was filled in."""

    name: str
    fields: dict[str, Any] = {}


class CommandCall(Wire):
    """One call that a command makes; its account, where the connector has accounts."""

    connector: str
    tool: str
    account: Id | None = None
    arguments: dict[str, Any] = {}


class Command(CommandNote):
    """A command with the calls it makes: proposed exactly so, under the same policy as a model's."""

    calls: tuple[CommandCall, ...]


class LookRequest(Wire):
    """One call that only reads, for its owner to look at; nothing of it is kept. Its answer is a `ToolResult`."""

    call: CommandCall
    accounts: tuple[AccountRef, ...] = ()


class Remembered(Wire):
    """One thing that is remembered, as it is put before the model.

    `origin`: whose words; with `tainted` they were written after reading texts of others, from `sources`.
    """

    id: Id
    text: str
    origin: Literal["owner", "assistant"]
    tainted: bool
    sources: tuple[str, ...] = ()
    changed: datetime


class TurnRequest(Wire):
    """A new message of the owner; the grant is in the context. `retry` runs the last message again.

    `anew` is a message of the owner that was said already: with `retry` it is that one which is run again, else the new
    one takes its place, in another version of the conversation. With `command` no model is asked: the turn makes those
    calls and ends after them. With `alone` the model reads nothing of what was said before. `private` is the local
    model for what `model` must not see. `files` are the ids of what is given with it.
    """

    text: str
    accounts: tuple[AccountRef, ...] = ()
    model: ModelRef | None = None
    private: ModelRef | None = None
    retry: bool = False
    anew: Id | None = None
    zone: str = "UTC"
    command: Command | None = None
    alone: bool = False
    memories: tuple[Remembered, ...] = ()
    files: tuple[Id, ...] = ()


class TurnAccepted(Wire):
    """The turn is stored: it survives a crash from here on."""

    turn: Id
    run: Id
    last_event_id: int = 0


class Decision(Wire):
    """A person's decision about a parked call; `approval` is the signed token when it was approved.

    `expired`: nobody decided in time, which is not the same as a no. `call` is the call as the person changed it: it
    takes the place of the one that was put, under the same id.
    """

    approval_id: Id
    call_id: Id
    approved: bool
    approval: str | None = None
    note: str = ""
    expired: bool = False
    call: Call | None = None


class CallSettled(Wire):
    """What became of a call that the agent could not tell the outcome of; its turn is in the context."""

    call_id: Id
    state: Literal["done", "failed"]
    outcome: dict[str, Any]


class ApprovalNeed(Wire):
    """The agent puts a call to the policy; `reason` is the model's or owner's wording, shown as such."""

    call: Call
    reason: str = ""


class ApprovalOutcome(Wire):
    """run: `approval` may be attached; ask: parked under `approval_id`; refuse: `detail` says why.

    `call` is what runs where a person changed the call meanwhile.
    """

    verdict: Literal["run", "ask", "refuse"]
    approval: str | None = None
    approval_id: Id | None = None
    preview: Preview | None = None
    expires: datetime | None = None
    detail: str = ""
    call: Call | None = None


class RenewalRequest(Wire):
    """The agent asks for a fresh grant of a live turn; the old one, also expired, is in the context.

    `spent` is what the turn has spent so far, what is reserved included; `need_tokens` and `need_micro` are what it is
    about to spend besides. Of a turn that `ended`, or is `parked` until a person decides, no grant is needed.
    """

    turn: Id
    ended: bool = False
    parked: bool = False
    spent: Spent | None = None
    need_tokens: Count = 0
    need_micro: Count = 0


class Renewal(Wire):
    """A fresh grant (and approvals that were decided meanwhile).

    With `aside` the turn does not go on, for the reason that it says to the owner; the grant then only reads his data.
    """

    grant: str | None = None
    decisions: tuple[Decision, ...] = ()
    aside: str | None = None


class CallState(StrEnum):
    """The life of a call, as the chat shows it."""

    PROPOSED = "proposed"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"
    UNKNOWN = "unknown"


class CallView(Wire):
    """A call as the chat shows it."""

    id: Id
    connector: str
    tool: str
    effect: Effect
    title: str = ""
    state: CallState
    account: Id | None = None
    arguments: dict[str, Any] = {}
    result: Any = None
    approval_id: Id | None = None


class RouteNote(Wire):
    """What the model that wrote an answer saw; sources are keys (routes.py).

    `because` names the sources for which the local model answered in place of the chosen one, `withheld` and `redacted`
    those of which it saw nothing, or no names and numbers. `seen` is all that it read, with the rule of that time.
    """

    model: str
    local: bool = False
    because: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    redacted: tuple[str, ...] = ()
    seen: dict[str, Route] = {}


class GivenFile(Wire):
    """A file that a person gave with a message; what is in it was written by nobody knows whom.

    `kind` says how a model can be given it, `what` what it is in words ("PDF"), `note` what is missing of its text.
    `size` is in bytes, `sha256` is of these.
    """

    id: Id
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    type: Annotated[str, StringConstraints(max_length=100)] = ""
    kind: Literal["text", "image"]
    what: str = ""
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    note: str = ""


class Message(Wire):
    """One message of a conversation; the assistant's also holds its calls. `command` began its turn, if one did.

    `routed` says what the model that wrote it saw; `outside` from where it was brought in, if it was not said here.
    `versions` are the messages that stand in the same place, this one among them, oldest first; none where it is alone.
    """

    id: Id
    role: Literal["user", "assistant"]
    turn: Id
    created: datetime
    text: str = ""
    calls: tuple[CallView, ...] = ()
    error: ErrorBody | None = None
    usage: dict[str, Any] | None = None
    command: CommandNote | None = None
    routed: RouteNote | None = None
    outside: str | None = None
    files: tuple[GivenFile, ...] = ()
    versions: tuple[Id, ...] = ()


class VersionChoice(Wire):
    """A message of the context's conversation whose version is to be shown."""

    message: Id


class TurnIds(Wire):
    """Turns of the context's user."""

    turns: tuple[Id, ...]


class Apart(Wire):
    """Turns that go on in a version of their conversation that is not shown, each with its newest message."""

    messages: dict[Id, Id] = {}


class Conversation(Wire):
    """One conversation."""

    id: Id
    title: str
    created: datetime
    updated: datetime
    state: Literal["idle", "running", "waiting"] = "idle"
    pinned: bool = False
    archived: bool = False
    labels: tuple[str, ...] = ()


class ConversationQuery(Wire):
    """Names the conversation of the context, or all."""

    title: str | None = None


class ConversationList(Wire):
    """Conversations, newest change first; `next` is where the page that follows goes on."""

    conversations: tuple[Conversation, ...] = ()
    next: str | None = None


class History(Wire):
    """A conversation with its messages; `last_event_id` is where a live view goes on."""

    conversation: Conversation
    messages: tuple[Message, ...] = ()
    last_event_id: int = 0
