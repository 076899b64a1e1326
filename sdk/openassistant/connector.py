"""What a connector author writes with: `Connector`, `@tool`, `Context`, `OutsideText`; and the card made of it.

    connector = Connector(__file__)              # manifest.toml lies beside

    @connector.tool(effect="read")
    async def messages_search(ctx: Context, query: Annotated[str, Field(description="…")]) -> list[Summary]:
        '''Search the user's mail, newest first.'''

The signature is the tool's schema and the docstring is what the model reads. `runner.py` serves what is declared here.
"""

from __future__ import annotations

import copy
import functools
import inspect
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, create_model

from openassistant.context import Clock
from openassistant.egress import Egress
from openassistant.errors import InvalidRequest
from openassistant.holdings import Kind
from openassistant.hooks import Hook, HookAnswer
from openassistant.http import HttpClient
from openassistant.messages import (
    UNDO_TOOL,
    AccountPart,
    Auth,
    Call,
    Card,
    CheckStep,
    CommandCard,
    Effect,
    HookCard,
    Lent,
    Opening,
    OutsideSource,
    Preview,
    ToolCard,
    ToolResult,
    card_digest,
)
from openassistant.store import Store

__all__ = [
    "AccountPart",
    "CheckStep",
    "Connector",
    "Context",
    "Credentials",
    "Effect",
    "Field",
    "Hook",
    "HookAnswer",
    "Kind",
    "Manifest",
    "ManifestCommand",
    "OutsideText",
    "Preview",
    "Tool",
    "outside_sources",
]

Result = TypeVar("Result")
Function = Callable[..., Awaitable[Result]]


class OutsideText(BaseModel):
    """A text that somebody else may have written: data for the model, never instructions."""

    model_config = ConfigDict(frozen=True)

    text: str
    source: str
    authors: tuple[str, ...] = ()


class Credentials(BaseModel):
    """An account's settings and secrets; lives in memory alone."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    settings: dict[str, Any] = {}
    secrets: dict[str, str] = Field(default_factory=dict, repr=False)
    capabilities: tuple[str, ...] | None = None
    """What the owner allowed at the provider; None where the provider knows no such thing."""
    lent: Lent | None = None
    """Where the account is another person's: what he lends. Its `parts` are the connector's to keep to."""


class Context(Protocol):
    """What a tool, check or sync gets. `store` is this user's own encrypted file."""

    user: str
    account: str | None
    call: Call | None
    store: Store
    http: HttpClient
    egress: Egress

    async def progress(self, done: int, total: int | None = None, what: str = "") -> None:
        """Says how far a sync is: `done` of `total` things; `what` in words ("Inbox")."""

    @property
    def now(self) -> Clock:
        """The clock."""

    @property
    def zone(self) -> str | None:
        """The IANA name of the time zone in which the owner speaks in this turn; None where nobody said."""

    @property
    def seconds(self) -> float:
        """What is left until the deadline; raises `DeadlineExceeded`."""

    async def credentials(self) -> Credentials:
        """The account's settings and secrets, from memory or the vault; raises `AccountRequired`, `Forbidden`.

        In a preview nothing is done yet, so there the secrets are empty.
        """

    async def borrowed(self) -> frozenset[str]:
        """Those of the user's accounts here that another person lends: what is in them is not the user's own."""

    async def announce(self, kind: str, ids: list[str]) -> None:
        """Says that something new came, by id; the content stays in the mirror. Such an account is looked at often."""


class ManifestCommand(BaseModel):
    """`[commands.<name>]`: a form in the composer whose fields become arguments of a tool.

    A field is written as one of `settings`, and may name its `argument` where that is called otherwise. `zone` names
    the argument that takes the person's time zone. `fixed`, `local` and `opens`: see `CommandCard`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str
    title: str
    description: str = ""
    zone: str | None = None
    fixed: dict[str, Any] = {}
    local: bool = False
    opens: Opening | None = None
    fields: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,30}$")], dict[str, Any]] = {}

    def card(self) -> CommandCard:
        """The command as the card shows it."""
        plain = {name: {k: v for k, v in field.items() if k != "argument"} for name, field in self.fields.items()}
        return CommandCard(
            tool=self.tool,
            title=self.title,
            description=self.description,
            form=_form(plain),
            arguments={name: str(field.get("argument", name)) for name, field in self.fields.items()},
            zone=self.zone,
            fixed=self.fixed,
            local=self.local,
            opens=self.opens,
        )


class Manifest(BaseModel):
    """manifest.toml: the facts that must be readable without running code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{1,30}$")
    name: str
    version: str
    description: str = ""
    protocol: int = 1
    hosts: tuple[str, ...] = ()
    host_settings: tuple[str, ...] = ()
    """Names of settings whose value (a host or URL that the owner typed) may be reached too; `x_host` at `x_port`."""
    domain_settings: tuple[str, ...] = ()
    """Names of settings with a mail address whose domain leads to the servers, where a host was left open."""
    auth: Auth = Auth()
    settings: dict[str, dict[str, Any]] = {}
    secrets: dict[str, dict[str, Any]] = {}
    sync_seconds: float = 60.0
    tool_seconds: float = 60.0
    hook: HookCard | None = None
    """That accounts have an address to which their provider sends (`@connector.hook`)."""
    tested: tuple[str, ...] = ()
    """What it is tested against that its authors did not write, for the table of services in the documentation."""
    commands: dict[Annotated[str, StringConstraints(pattern=r"^[a-z]{2,20}$")], ManifestCommand] = {}

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """The manifest in a file; raises `InvalidRequest` that names the field."""
        try:
            return cls.model_validate(tomllib.loads(path.read_text()))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise InvalidRequest(f"{path.name} cannot be read: {error}") from error
        except ValidationError as error:
            raise InvalidRequest(f"{path.name}: {explain(error)}") from error


class Tool(Generic[Result]):
    """One tool: a typed function with its effect and, unless it only reads, its preview."""

    def __init__(
        self,
        function: Function[Result],
        *,
        effect: Effect,
        effect_of: Callable[[dict[str, Any]], Effect] | None,
        outside: bool | None,
        capability: str = "",
        offer_undo: Callable[[], None] = lambda: None,
    ) -> None:
        self.function = function
        self.name = function.__name__
        self.effect = effect
        self.capability = capability
        self._effect_of = effect_of
        self.previewer: Function[Preview] | None = None
        self.reconciler: Function[ToolResult | None] | None = None
        self.undoer: Function[Any] | None = None
        self._offer_undo = offer_undo
        hints = get_type_hints(function, include_extras=True)
        self._returns: TypeAdapter[Result] = TypeAdapter(hints.pop("return"))
        self.arguments_model = _arguments_model(function, hints)
        self._outside = outside

    async def __call__(self, ctx: Context, **arguments: Any) -> Result:
        """Runs the plain function."""
        return await self.function(ctx, **arguments)

    def preview(self, function: Function[Preview]) -> Function[Preview]:
        """Decorator: what the call will do, in words, from the same arguments as the tool."""
        self.previewer = function
        return function

    def reconcile(self, function: Function[ToolResult | None]) -> Function[ToolResult | None]:
        """Decorator: `(ctx, call)` looks at the provider whether an interrupted call was done.

        Returns its result, or None when it was certainly not done; raises any `OaError` when that stays unknown.
        """
        self.reconciler = function
        return function

    def undo(self, function: Function[Any]) -> Function[Any]:
        """Decorator: `(ctx, call, result)` takes a done call back; the connector then has the tool `actions_undo`."""
        self.undoer = function
        self._offer_undo()
        return function

    def parse(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Validated arguments by name; raises `InvalidRequest` in words that let a model correct itself."""
        try:
            parsed = self.arguments_model.model_validate(arguments)
        except ValidationError as error:
            raise InvalidRequest(f"{self.name}: {explain(error)}") from error
        return {name: getattr(parsed, name) for name in type(parsed).model_fields}

    def effect_for(self, arguments: dict[str, Any]) -> Effect:
        """The effect of a call with these raw arguments: the declared one or a higher one."""
        if self._effect_of is None:
            return self.effect
        return max(self.effect, self._effect_of(arguments), key=lambda effect: effect.rank)

    def result(self, value: Result) -> ToolResult:
        """The wire form of a result with the outside sources found in it."""
        content = self._returns.dump_python(value, mode="json")
        return ToolResult(content=content, outside=tuple(outside_sources(value)))

    def card(self) -> ToolCard:
        """The tool as the model and the policy see it."""
        parameters, returns = self._schemas
        found = "OutsideText" in returns.get("$defs", {}) or returns.get("title") == "OutsideText"
        return ToolCard(
            name=self.name,
            description=inspect.getdoc(self.function) or "",
            effect=self.effect,
            rises=self._effect_of is not None,
            parameters=copy.deepcopy(parameters),
            returns=copy.deepcopy(returns),
            returns_outside=found if self._outside is None else self._outside,
            undo=self.undoer is not None,
            capability=self.capability,
        )

    @functools.cached_property
    def _schemas(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The JSON Schemas of arguments and result, which take milliseconds to make."""
        return self.arguments_model.model_json_schema(), self._returns.json_schema(mode="serialization")


class Connector:
    """One third-party service as typed tools. `path` is the file beside which manifest.toml lies."""

    def __init__(self, path: str | Path) -> None:
        self.folder = Path(path).resolve().parent
        self.manifest = Manifest.load(self.folder / "manifest.toml")
        self.tools: dict[str, Tool[Any]] = {}
        self.checker: Callable[[Context], AsyncIterator[CheckStep]] | None = None
        self.syncer: Callable[[Context], Awaitable[None]] | None = None
        self.watcher: Callable[[Context], AsyncIterator[None]] | None = None
        self.forgetter: Callable[[Context], Awaitable[None]] | None = None
        self.hooker: Callable[[Context, Hook], Awaitable[HookAnswer]] | None = None
        self.parter: Callable[[Context], Awaitable[list[AccountPart]]] | None = None
        self.kinds: tuple[Kind, ...] = ()

    @property
    def id(self) -> str:
        """The id: folder, subject token, queue group and test folder in one."""
        return self.manifest.id

    @property
    def migrations(self) -> Path | None:
        """The folder of the connector's own migrations, when it keeps a mirror."""
        folder = self.folder / "migrations"
        return folder if folder.is_dir() else None

    def tool(
        self,
        *,
        effect: Literal["read", "write", "send", "delete"],
        effect_of: Callable[[dict[str, Any]], Effect] | None = None,
        outside: bool | None = None,
        capability: str = "",
    ) -> Callable[[Function[Result]], Tool[Result]]:
        """Decorator: makes an async function a tool. `effect_of(arguments)` may raise the effect, never lower it.

        `outside` says whether text of others may come back; by default it is read off the return type. `capability`
        is what the owner must have allowed at the provider (`[auth.oauth2.capabilities]`).
        """

        def declare(function: Function[Result]) -> Tool[Result]:
            known = self.manifest.auth.oauth2.capabilities if self.manifest.auth.oauth2 else {}
            if capability and capability not in known:
                raise InvalidRequest(f"{function.__name__}: the manifest has no capability {capability!r}.")
            made = Tool(
                function, effect=Effect(effect), effect_of=effect_of, outside=outside, capability=capability,
                offer_undo=self._offer_undo,
            )  # fmt: skip
            self.tools[made.name] = made
            return made

        return declare

    def _offer_undo(self) -> None:
        from openassistant import undoing  # noqa: PLC0415 - it is a tool, written with what is declared here

        if UNDO_TOOL not in self.tools:
            self.tools[UNDO_TOOL] = undoing.undo_of(self.tools)

    def check(
        self, function: Callable[[Context], AsyncIterator[CheckStep]]
    ) -> Callable[[Context], AsyncIterator[CheckStep]]:
        """Decorator: an async generator that really signs in and yields a step for each thing it tried."""
        self.checker = function
        return function

    def sync(self, function: Callable[[Context], Awaitable[None]]) -> Callable[[Context], Awaitable[None]]:
        """Decorator: one pass of the background sync of one account; called again every `sync_seconds`.

        Passes that announce nothing and leave nothing to be read come more and more seldom, up to an eighth as often.
        """
        self.syncer = function
        return function

    def watch(self, function: Callable[[Context], AsyncIterator[None]]) -> Callable[[Context], AsyncIterator[None]]:
        """Decorator: an async generator that yields whenever something changed at the provider; a pass follows at once.

        It may end or raise `OaError` at any time and is begun again, at most once a minute; passes come without it too.
        """
        self.watcher = function
        return function

    def forget(self, function: Callable[[Context], Awaitable[None]]) -> Callable[[Context], Awaitable[None]]:
        """Decorator: deletes what the mirror holds of `ctx.account` when the owner removes it."""
        self.forgetter = function
        return function

    def parts(
        self, function: Callable[[Context], Awaitable[list[AccountPart]]]
    ) -> Callable[[Context], Awaitable[list[AccountPart]]]:
        """Decorator: the parts (calendars) of an account, for an owner who lends some of them.

        Whoever declares it keeps to `Credentials.lent.parts` in all that is read, found, counted, written and mirrored;
        of a connector without it accounts are lent as a whole or not at all.
        """
        self.parter = function
        return function

    def holds(self, *kinds: Kind) -> None:
        """Says what the mirror holds by kind, so that it can be counted, exported and forgotten (`holdings`)."""
        self.kinds = (*self.kinds, *kinds)

    def hook(
        self, function: Callable[[Context, Hook], Awaitable[HookAnswer]]
    ) -> Callable[[Context, Hook], Awaitable[HookAnswer]]:
        """Decorator: takes what the provider sends to `ctx.account`'s address; needs `[hook]` in the manifest.

        It tells by a signature over the raw bytes whether they are the provider's, and answers `REFUSED` where not.
        What it said 200 to is kept; the same may come again, and late. On `OaError` the provider is asked to try later.
        """
        if self.manifest.hook is None:
            raise InvalidRequest("The manifest has no [hook].")
        self.hooker = function
        return function

    def card(self) -> Card:
        """The card: manifest and tools in one, in a stable order."""
        manifest = self.manifest
        return Card(
            id=manifest.id,
            name=manifest.name,
            version=manifest.version,
            description=manifest.description,
            protocol=manifest.protocol,
            hosts=manifest.hosts,
            host_settings=manifest.host_settings,
            domain_settings=manifest.domain_settings,
            auth=manifest.auth,
            settings_schema=_form(manifest.settings),
            secrets_schema=_form(manifest.secrets),
            tools=tuple(self.tools[name].card() for name in sorted(self.tools)),
            commands={name: manifest.commands[name].card() for name in sorted(manifest.commands)},
            hook=manifest.hook,
        )

    def digest(self) -> str:
        """The digest of the card."""
        return card_digest(self.card())


def outside_sources(value: Any) -> Iterator[OutsideSource]:
    """The distinct sources of all outside text inside a result."""
    return iter(dict.fromkeys(_walk(value)))


def _walk(value: Any) -> Iterator[OutsideSource]:
    if isinstance(value, OutsideText):
        yield OutsideSource(source=value.source, authors=value.authors)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _walk(getattr(value, name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _walk(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _walk(each)


def explain(error: ValidationError) -> str:
    """A validation error in one line, without the values that were wrong."""
    lines = (f"{'.'.join(str(part) for part in item['loc']) or 'value'}: {item['msg']}" for item in error.errors())
    return "; ".join(list(lines)[:8])


def _arguments_model(function: Function[Any], hints: dict[str, Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[name] = (hints[name], default)
    config = ConfigDict(extra="forbid")
    return create_model(f"{function.__name__}_arguments", __config__=config, **fields)


def _form(fields: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A JSON Schema object of form fields; a field without a default is required unless it says otherwise."""
    required = [name for name, field in fields.items() if field.get("required", "default" not in field)]
    properties = {name: {k: v for k, v in field.items() if k != "required"} for name, field in fields.items()}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
