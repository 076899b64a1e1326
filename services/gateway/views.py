"""The shapes of the HTTP API: frozen models that the OpenAPI document and the web UI's types are made from."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from openassistant.budgets import Count, Currency
from openassistant.given import MOST
from openassistant.messages import CallState, Effect, Id, ToolMode
from openassistant.routes import Route as RouteName
from services.gateway.scopes import SCOPES, Scope

__all__ = [
    "Accepted",
    "Account",
    "AccountDraft",
    "AccountHold",
    "Approval",
    "ApprovalForm",
    "AuthorizeDraft",
    "Authorizing",
    "CallView",
    "CheckReport",
    "CheckStep",
    "Command",
    "CommandAccount",
    "CommandDraft",
    "CommandNote",
    "Connector",
    "ConnectorApproval",
    "ConnectorCapability",
    "ConnectorSignIn",
    "ConnectorTool",
    "Conversation",
    "ConversationDraft",
    "DecisionDraft",
    "Device",
    "Doubts",
    "EditDraft",
    "File",
    "FoundServer",
    "History",
    "HoldDraft",
    "Ledger",
    "LedgerEntry",
    "LedgerProblem",
    "LinkDraft",
    "Linked",
    "Login",
    "LoginDraft",
    "Message",
    "MessageDraft",
    "MessageError",
    "ModelCheck",
    "ModelChoice",
    "ModelDraft",
    "ModelPrice",
    "ModelSettings",
    "ModelTools",
    "NewToken",
    "NoticeBrowser",
    "NoticeBrowserDraft",
    "Notices",
    "NoticesDraft",
    "OAuthClient",
    "OAuthClientDraft",
    "OAuthUrls",
    "OAuthUrlsDraft",
    "OneTimeCode",
    "Outcome",
    "OwnMail",
    "OwnMailDraft",
    "Password",
    "Polled",
    "Preview",
    "PreviewDestination",
    "PreviewField",
    "PreviewSource",
    "PriceDraft",
    "Problem",
    "ProblemNote",
    "Readiness",
    "Receipt",
    "ReceiptState",
    "RemovedAccount",
    "ReturnDraft",
    "Route",
    "RouteDraft",
    "RouteNote",
    "Rule",
    "RuleDraft",
    "Session",
    "SetupDraft",
    "SetupState",
    "Sync",
    "Token",
    "TokenDraft",
    "ToldCall",
    "TreeHead",
    "Undoable",
    "Undoing",
    "User",
    "Verification",
    "View",
    "WordDraft",
]


class View(BaseModel):
    """The base of every shape."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class CheckStep(View):
    """One step of a check, in words."""

    name: str
    ok: bool
    detail: str = ""


class Problem(View):
    """An error answer (RFC 9457) with our error code.

    `fields` names what is wrong per field of the request, `steps` how far a check came, `action` what helps:
    `sign_in`, `reconnect`, `retry` or `approve_connector`. `reason` is what a provider refuses where its owner can do
    something about it: `api_disabled`, `scope_missing`, `admin_blocked`, `storage_full`, `no_mailbox`, `trial_over`,
    `clock_wrong`; `url` is the page of the provider where he does it.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    fields: dict[str, str] | None = None
    steps: tuple[CheckStep, ...] | None = None
    action: str | None = None
    reason: str | None = None
    url: str | None = None


# --- people -------------------------------------------------------------------------------------------------------

Username = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class User(View):
    """A person of this household."""

    id: Id
    username: str
    display_name: str
    role: Literal["owner", "member"]


class Session(View):
    """Who is signed in, and until when at most."""

    user: User
    expires_at: datetime


class Device(View):
    """One session, as its owner sees it in the list of his sessions."""

    id: Id
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str
    current: bool


OneTimeCode = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class Login(View):
    """User name and password."""

    username: Username
    password: Password


class LoginDraft(Login):
    """A sign-in; `code` is what an app shows, or a recovery code, for whom the answer was `code_required`."""

    code: OneTimeCode | None = None


class SetupState(View):
    """open: nobody has set this house up yet."""

    state: Literal["open", "done"]


class SetupDraft(Login):
    """The owner's account; `token` is what stands behind `#` in the set-up link.

    `of_age` is his word that he is as old as the house asks.
    """

    token: Annotated[str, StringConstraints(max_length=200)]
    display_name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    of_age: bool = False


# --- tokens -------------------------------------------------------------------------------------------------------


class Token(View):
    """A personal API token, as its owner sees it afterwards: `tail` is its last four characters."""

    id: Id
    name: str
    scopes: tuple[Scope, ...]
    tail: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None


class NewToken(Token):
    """A token that was made just now; `token` is shown this one time."""

    token: str


class TokenDraft(View):
    """A new token. `password` is needed for `approve` and `accounts` when the sign-in is older than 15 minutes."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    scopes: Annotated[tuple[Scope, ...], Field(max_length=len(SCOPES))]
    expires_in_days: Annotated[int, Field(ge=1, le=365)] = 90
    password: Password | None = None


# --- connectors and accounts --------------------------------------------------------------------------------------


class ConnectorTool(View):
    """One tool of a connector; with `undo` what it did can be taken back."""

    name: str
    description: str
    effect: Effect
    undo: bool = False


class ConnectorCapability(View):
    """Something that an owner may allow at the provider; `review` is the provider's class of it."""

    id: str
    title: str
    description: str
    scopes: tuple[str, ...]
    review: Literal["none", "sensitive", "restricted"]
    api: str
    api_url: str
    chosen: bool


class ConnectorSignIn(View):
    """The provider at which the accounts of a connector are authorized; `codes`: also by a code typed there."""

    provider: str
    name: str
    manage_url: str
    console_url: str
    codes: bool
    capabilities: tuple[ConnectorCapability, ...]
    trial_days: float | None = None
    """After so many days a consent ends while the registration is on trial there."""


class Connector(View):
    """A connector that runs now; nothing of it is used before its digest is approved."""

    id: str
    name: str
    version: str
    description: str
    digest: str
    approved: bool
    instances: int
    settings_schema: dict[str, Any]
    secrets_schema: dict[str, Any]
    tools: tuple[ConnectorTool, ...]
    sign_in: ConnectorSignIn | None = None
    """How an account is authorized at the provider, where it is."""


class ConnectorApproval(View):
    """The digest that was looked at."""

    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ProblemNote(View):
    """What is wrong with an account, and what helps; `reason` and `url` as in `Problem`."""

    code: str
    detail: str
    action: str | None = None
    reason: str | None = None
    url: str | None = None


class Sync(View):
    """How far the local copy is."""

    state: Literal["idle", "running", "failed"]
    done: int
    total: int | None
    what: str
    finished_at: datetime | None


class AccountHold(View):
    """For how many seconds what an account sends is held back after a yes; `chosen` for it, or as the house does."""

    seconds: float
    chosen: bool


class HoldDraft(View):
    """The time to hold back what an account sends, in seconds: 0 sends at once, null is as the house does."""

    seconds: Annotated[float, Field(ge=0, le=600)] | None


class Account(View):
    """An account of a third-party service, without its secrets; `hold` where it can send something."""

    id: Id
    connector: str
    name: str
    state: Literal["connected", "attention"]
    settings: dict[str, Any]
    created_at: datetime
    problem: ProblemNote | None = None
    sync: Sync | None = None
    route: RouteName = "cloud_ok"
    provider: str | None = None
    capabilities: tuple[str, ...] | None = None
    """What its owner allowed at the provider; null where it signs in otherwise."""
    authorized_at: datetime | None = None
    consent_ends_at: datetime | None = None
    hold: AccountHold | None = None
    hook_path: str | None = None
    """Where its provider sends what happens, below the address under which this house is reached from outside; null
    where it sends nothing by itself. Whoever knows it can knock, so it is shown to the owner of the account alone."""
    lent: Literal["read", "act"] | None = None
    """What for, where another person of the house lends it; it has no settings of its own then. See `/api/loans`."""


ShortUrl = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]


class RemovedAccount(View):
    """What became of the consent at the provider; where it did not end, its owner ends it at `manage_url`."""

    at_provider: Literal["revoked", "failed", "unsupported", "none"]
    manage_url: str | None = None


class OAuthUrls(View):
    """A provider's addresses; empty where it has none."""

    authorize_url: str
    token_url: str
    device_url: str
    revoke_url: str
    issuer: str


class OAuthClient(View):
    """A provider, and the registration of this house with it; `secret` is whether that provider gives one."""

    provider: str
    name: str
    registered: bool
    client_id: str
    has_secret: bool
    secret: Literal["required", "optional", "none"]
    console_url: str
    urls: OAuthUrls
    redirect_uri: str
    """What to enter at the provider as the address to come back to."""
    returns_here: bool
    """Whether that address leads here from a browser; else the owner hands in where it led."""


class OAuthUrlsDraft(View):
    """Other addresses than the provider's public ones; null keeps those."""

    authorize_url: ShortUrl | None = None
    token_url: ShortUrl | None = None
    device_url: ShortUrl | None = None
    revoke_url: ShortUrl | None = None
    issuer: ShortUrl | None = None


class HeldPart(View):
    """Things of one kind that a room holds of a person, in its own word for them."""

    kind: str
    count: int
    oldest: datetime | None
    newest: datetime | None


class Holding(View):
    """What a room holds of a person: how much of what, and the bytes of his file there. Not every room answers."""

    room: str
    bytes: int
    parts: list[HeldPart]
    answered: bool


class RestoredFrom(View):
    """That the house runs on a copy: of when, since when, and how much that waited in it was put aside."""

    taken_at: datetime
    restored_at: datetime
    put_aside: int


class Copies(View):
    """Copies of the house. `made`: whether somebody makes them; `good_at`: when the newest sound one was made.

    `problem` is a sentence for the owner, "" where all is well.
    """

    made: bool
    tried_at: datetime | None
    good_at: datetime | None
    file: str
    bytes: int
    records: int
    problem: str
    restored: RestoredFrom | None


class EraseDraft(View):
    """Leave to remove everything of whoever asks."""

    password: Password


class OAuthClientDraft(View):
    """What the provider's console shows. Without a secret the one that is known stays, for the same client."""

    client_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
    client_secret: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] | None = None
    urls: OAuthUrlsDraft = OAuthUrlsDraft()
    password: Password | None = None


class AuthorizeDraft(View):
    """Begins the authorization of a new account, or of a known one anew; with `device` by a code typed elsewhere."""

    connector: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,40}$")]
    capabilities: Annotated[tuple[str, ...], Field(min_length=1, max_length=50)]
    account: Id | None = None
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    settings: dict[str, Any] = {}
    login_hint: Annotated[str, StringConstraints(strip_whitespace=True, max_length=320)] = ""
    device: bool = False


class Authorizing(View):
    """Where to go on. `returns_here`: the browser finds back by itself; else the owner hands the address in."""

    id: Id
    url: str
    user_code: str | None = None
    interval: float
    expires_at: datetime
    redirect_uri: str | None = None
    returns_here: bool


class ReturnDraft(View):
    """The whole address that the provider sent the browser to."""

    address: str


class Polled(View):
    """The account, once the code was typed."""

    account: Account | None = None


class AccountDraft(View):
    """A new account: settings and secrets as the connector's schemas say; `route` is what models may see of it."""

    connector: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,40}$")]
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    settings: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    route: RouteName = "cloud_ok"


class Route(View):
    """What a model outside the house may see of a source: an account's id, `own` (what you type), or `from:…`.

    `redact`: names, addresses and numbers are replaced before, as far as they are found. `local_only`: nothing of it.
    """

    source: str
    route: RouteName


class RouteDraft(View):
    """A rule for a source; `password` is needed for a laxer one when the sign-in is older than 15 minutes."""

    route: RouteName
    password: Password | None = None


class CheckReport(View):
    """How a check went, step by step."""

    ok: bool
    steps: tuple[CheckStep, ...] = ()
    problem: ProblemNote | None = None


# --- conversations ------------------------------------------------------------------------------------------------


class MessageError(View):
    """Why an answer ended early."""

    code: str
    detail: str


class CallView(View):
    """One tool call in an answer."""

    id: Id
    connector: str
    tool: str
    effect: Effect
    title: str
    state: CallState
    account: Id | None = None
    arguments: dict[str, Any]
    result: Any = None
    approval_id: Id | None = None


class CommandNote(View):
    """The command that began a turn, and what was filled in."""

    name: str
    fields: dict[str, Any]


class RouteNote(View):
    """What the model that wrote an answer saw, as the agent says; sources are account ids, `own`, or `from:…`.

    `because`: for these the local model answered in place of the chosen one. Of `withheld` it saw nothing, of
    `redacted` no names and numbers that were found.
    """

    model: str
    local: bool
    because: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    redacted: tuple[str, ...] = ()


class File(View):
    """A file that was given with a message; `what` it is in words, `note` what is missing of its text."""

    id: Id
    name: str
    kind: Literal["text", "image"]
    what: str
    size: int
    note: str = ""


class Message(View):
    """One message; `command` where no model was asked, `routed` where one was.

    `outside` names what it was brought in with, an archive or an export of another program, where it was. `versions`
    are the messages that stand in the same place, this one among them, oldest first; none where it is alone there.
    """

    id: Id
    role: Literal["user", "assistant"]
    turn: Id
    created_at: datetime
    text: str
    calls: tuple[CallView, ...] = ()
    error: MessageError | None = None
    usage: dict[str, Any] | None = None
    command: CommandNote | None = None
    routed: RouteNote | None = None
    outside: str | None = None
    files: tuple[File, ...] = ()
    versions: tuple[Id, ...] = ()


class Conversation(View):
    """One conversation."""

    id: Id
    title: str
    created_at: datetime
    updated_at: datetime
    state: Literal["idle", "running", "waiting"]
    pinned: bool = False
    archived: bool = False
    labels: tuple[str, ...] = ()


class History(Conversation):
    """A conversation with its messages; a live view goes on after `last_event_id`."""

    messages: tuple[Message, ...] = ()
    last_event_id: int = 0


class ConversationDraft(View):
    """A new conversation; without a title its first message names it."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class Words(View):
    """What the owner says; `zone` is the IANA time zone that his words about times are meant in."""

    text: str = ""
    zone: Annotated[str, StringConstraints(max_length=64)] | None = None


class MessageDraft(Words):
    """A new message: `files` are the ids of what the owner gives with it; then the text may be empty."""

    files: Annotated[tuple[Id, ...], Field(max_length=MOST)] = ()


class CommandAccount(View):
    """An account that a command can use."""

    id: Id
    name: str
    connector: str


class Command(View):
    """What can be done without a model: a JSON Schema of the fields to fill in, and the accounts it is done with.

    A command that only reads asks all of them, unless the field `account` names one; any other uses one.
    """

    name: str
    title: str
    description: str
    effect: Effect
    form: dict[str, Any]
    accounts: tuple[CommandAccount, ...]


class CommandDraft(View):
    """A command with its fields; `zone` is the IANA time zone in which its times are meant."""

    command: Annotated[str, StringConstraints(max_length=40)]
    fields: dict[str, Any] = {}
    zone: Annotated[str, StringConstraints(max_length=64)] | None = None


class Accepted(View):
    """The turn is stored and under way."""

    turn: Id


# --- approvals ----------------------------------------------------------------------------------------------------


class PreviewDestination(View):
    """Whom or what a call reaches."""

    kind: str
    value: str
    name: str | None = None
    note: str | None = None


class PreviewField(View):
    """One labelled line."""

    label: str
    value: str


class PreviewSource(View):
    """Where text in the call came from, and who could have written it."""

    source: str
    authors: tuple[str, ...] = ()


class Preview(View):
    """What a call will do, in the connector's words."""

    verb: str
    confirm: str
    account: str
    destinations: tuple[PreviewDestination, ...] = ()
    fields: tuple[PreviewField, ...] = ()
    content: str = ""
    outside: tuple[PreviewSource, ...] = ()
    warnings: tuple[str, ...] = ()


class Approval(View):
    """A call that waits, or waited, for a person; `reason` says why it was asked.

    With `can_become_rule` it can be allowed beforehand for the next times (`POST /api/rules`). `preview_digest` names
    what the preview says; `edited` says that a person changed the call. What was
    approved is not carried out before `held_until`; until then a no takes the yes back. `put_aside` says why nobody can
    decide any more what waited in the copy that the house was restored from. `version` is its message in a version of
    the conversation that is not shown.
    """

    id: Id
    state: Literal["pending", "approved", "denied", "expired", "void"]
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    conversation: Id
    turn: Id
    call_id: Id
    connector: str
    tool: str
    effect: Effect
    account: Id | None = None
    arguments: dict[str, Any]
    preview: Preview
    reason: str = ""
    can_become_rule: bool = False
    preview_digest: str
    edited: bool = False
    held_until: datetime | None = None
    put_aside: str | None = None
    version: Id | None = None


ReceiptState = Literal[
    "waiting", "refused", "expired", "withdrawn", "running", "done", "failed", "unknown", "confirmed", "dismissed"
]
"""The last two: nobody could tell what became of it, and its owner said that it was done, or that it was not."""


class Receipt(View):
    """What became of one call that acts, from the ledger: record `index` is the newest about it.

    `verb`, `subject`, `account` and `destinations` are the connector's words, as they were before the call ran;
    without them the record's key is gone.
    """

    call_id: Id
    turn: Id | None = None
    connector: str
    tool: str
    effect: Effect
    verb: str
    subject: str = ""
    account: str = ""
    destinations: tuple[PreviewDestination, ...] = ()
    state: ReceiptState
    at: datetime
    index: int
    leaf_hash: str


class ToldCall(View):
    """One call out of a connector's journal: `verb`, `subject`, `account` and `destinations` in its own words.

    Where the ledger cannot be read for it, `conversation` is missing.
    """

    call_id: Id
    connector: str
    tool: str
    verb: str
    subject: str = ""
    account: str = ""
    destinations: tuple[PreviewDestination, ...] = ()
    at: datetime
    conversation: Id | None = None


class Doubts(View):
    """Calls that nobody can tell the outcome of; `away` names connectors that could not be asked for theirs."""

    calls: tuple[ToldCall, ...] = ()
    away: tuple[str, ...] = ()


class WordDraft(View):
    """What its owner says about such a call: `done`, `not_done`, or `look`: ask the service once more."""

    says: Literal["done", "not_done", "look"]


class Outcome(View):
    """What stands now: unknown still, or done or failed, by the service or by its owner's word; `detail` in words."""

    call_id: Id
    state: Literal["done", "failed", "unknown"]
    by_person: bool
    detail: str


class Undoable(ToldCall):
    """What can still be taken back: `held` waits to go out until `until`, `done` has a way back."""

    kind: Literal["held", "done"]
    until: datetime


class Undoing(View):
    """What was held is `taken_back`; else `turn` takes it back in `conversation`, under the policy of any call."""

    taken_back: bool
    conversation: Id
    turn: Id | None = None


class Rule(View):
    """What was allowed beforehand: `what` as the connector's card says it, to these people at most, in or from `place`.

    With `conversation` it holds only there. `uses` counts the calls that ran under it.
    """

    id: Id
    what: str
    people: tuple[str, ...]
    place: str
    connector: str
    tool: str
    effect: Literal["write", "send"]
    conversation: Id | None = None
    created_at: datetime
    expires_at: datetime
    uses: int
    last_used_at: datetime | None = None


class RuleDraft(View):
    """Makes a rule out of an approval that waits, or was given.

    It `lasts` an hour, in that conversation (30 days at most), a month (30 days) or a year. `password` is needed when
    the sign-in is older than 15 minutes.
    """

    approval: Id
    lasts: Literal["hour", "conversation", "month", "year"] = "month"
    password: Password | None = None


class DecisionDraft(View):
    """The decision; `note` tells the assistant why not.

    `seen` is the `preview_digest` that was looked at: a yes to something else is refused. A call that was changed
    needs it.
    """

    decision: Literal["approve", "deny"]
    note: Annotated[str, StringConstraints(max_length=2000)] = ""
    seen: str | None = None


class EditDraft(View):
    """The arguments of a call that waits, whole, in the place of what they were when `seen` was its preview."""

    arguments: dict[str, Any]
    seen: str


class ApprovalForm(View):
    """The arguments of a call that waits, and the JSON Schema that its tool gives them."""

    parameters: dict[str, Any]
    arguments: dict[str, Any]


# --- notices ------------------------------------------------------------------------------------------------------


class NoticeBrowser(View):
    """A browser that is told; `host` is its maker's, which carries the notices. `current`: of this very sign-in."""

    id: Id
    name: str
    host: str
    endpoint: str
    created_at: datetime
    used_at: datetime | None = None
    current: bool


class NoticeBrowserDraft(View):
    """What a browser gave for it (Push API): the endpoint, and in base64url its public point and its secret."""

    endpoint: Annotated[str, StringConstraints(max_length=2000)]
    point: Annotated[str, StringConstraints(max_length=200)]
    secret: Annotated[str, StringConstraints(max_length=100)]
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""


class OwnMail(View):
    """The account that mails its owner, at which address, and the conversation that holds these mails."""

    account: Id
    address: str
    conversation: Id


class OwnMailDraft(View):
    """Mails to oneself; `password` is needed when the sign-in is older than 15 minutes."""

    account: Id
    password: Password | None = None


class NoticesDraft(View):
    """With `content` a notice says what it is about. Between the quiet hours, in `zone`, nobody is told."""

    content: bool = False
    quiet_from: time | None = None
    quiet_to: time | None = None
    zone: Annotated[str, StringConstraints(max_length=64)] = "UTC"


class Notices(NoticesDraft):
    """How one is told that something waits; `key` is what a browser is given to know this house by (RFC 8292)."""

    key: str
    browsers: tuple[NoticeBrowser, ...] = ()
    mail: OwnMail | None = None


class LinkDraft(View):
    """What stands behind `#` in the link of a mail."""

    token: Annotated[str, StringConstraints(max_length=2000)]


class Linked(View):
    """The approval that a link leads to; none: to all that wait."""

    approval: Id | None = None


# --- the ledger ---------------------------------------------------------------------------------------------------


class LedgerEntry(View):
    """One record; `content` is null where its key is gone."""

    index: int
    time: datetime
    action: str
    room: str
    turn: Id | None = None
    conversation: Id | None = None
    connector: str | None = None
    tool: str | None = None
    effect: Effect | None = None
    call_id: Id | None = None
    outcome: str | None = None
    content: Any = None
    leaf_hash: str


class TreeHead(View):
    """A signed head of the ledger's Merkle tree; `signature` is the whole C2SP signed note."""

    size: int
    root: str
    time: datetime
    signature: str


class Ledger(View):
    """A page of the ledger; `next` goes into `after`."""

    entries: tuple[LedgerEntry, ...] = ()
    next: int | None = None
    head: TreeHead | None = None


class LedgerProblem(View):
    """The first record that does not fit; -1 where it is the whole that does not fit."""

    index: int
    detail: str


class KeptHeads(View):
    """Signed heads (C2SP checkpoints) that were kept somewhere else."""

    heads: Annotated[tuple[Annotated[str, Field(max_length=1000)], ...], Field(max_length=1000)]


class Verification(View):
    """What a full check of the ledger found."""

    ok: bool
    size: int
    root: str
    problem: LedgerProblem | None = None
    seconds: float


# --- the model ----------------------------------------------------------------------------------------------------


class ModelDraft(View):
    """Which model answers: an OpenAI-compatible address, or a litellm name.

    `local`: whether what it reads stays on your own machines. Left out, its address says so; false for a server that
    passes on to a cloud; true is refused for a public address.
    """

    kind: Literal["openai", "litellm"] = "openai"
    model: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    base_url: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] | None = None
    api_key: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] | None = None
    window: Annotated[int, Field(ge=512, le=10_000_000)] | None = None
    local: bool | None = None


class ModelProbe(View):
    """As `ModelDraft`, but the model may still be open."""

    kind: Literal["openai", "litellm"] = "openai"
    model: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    base_url: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] | None = None
    api_key: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] | None = None


class ModelTools(View):
    """How the model calls tools, as a test found it (unknown: as native), what was seen, and when."""

    mode: ToolMode = "unknown"
    detail: str = ""
    tested_at: datetime | None = None
    testing: bool = False


class PriceDraft(View):
    """What a million tokens cost, in millionths of the currency; `cached` is the price of input that was kept."""

    currency: Currency
    input: Count
    output: Count
    cached: Count | None = None


class ModelPrice(PriceDraft):
    """A price, and where it is from: set by the owner, nothing because the model runs at home, or a list.

    The list came with the model client (litellm), and nobody checked it.
    """

    source: Literal["owner", "local", "list"]


class ModelChoice(View):
    """The model that answers now, without its key; `price` is null where nobody knows it."""

    kind: Literal["openai", "litellm"]
    model: str
    base_url: str | None = None
    has_key: bool = False
    window: int | None = None
    local: bool = False
    tools: ModelTools = ModelTools()
    price: ModelPrice | None = None


class FoundServer(View):
    """A model server found on this machine."""

    name: str
    base_url: str
    models: tuple[str, ...] = ()


class ModelSettings(View):
    """The present choice, the local model for what it must not see, and what was found."""

    current: ModelChoice | None = None
    private: ModelChoice | None = None
    found: tuple[FoundServer, ...] = ()


class ModelCheck(View):
    """Whether a model server answers, in words, and what it offers."""

    ok: bool
    detail: str
    models: tuple[str, ...] = ()


class Readiness(View):
    """Whether every room answers; `missing` names those that do not."""

    ready: bool
    missing: tuple[str, ...] = ()
