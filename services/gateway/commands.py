"""The composer's commands: what connected services can be asked without a model, by forms that their cards declare.

A command becomes calls like a model's: the same policy, the same questions, the same record. That its owner typed it
clears nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from openassistant.context import Clock
from openassistant.errors import Conflict, NotFound, OaError, Unavailable
from openassistant.messages import (
    UNDO_TOOL,
    AccountRef,
    CallState,
    Card,
    Command,
    CommandCall,
    CommandCard,
    Effect,
    ToolCard,
    TurnAccepted,
)
from services.gateway import look_views, views
from services.gateway.accounts import Accounts
from services.gateway.changing import arguments_of
from services.gateway.chat import Chat, zone_of
from services.gateway.connectors import Connectors
from services.gateway.forms import wrong_fields
from services.gateway.problems import invalid
from services.gateway.sessions import SignedIn

__all__ = ["Commands", "Server"]

_LONGEST_SHOWN = 60
_FROM_TODAY = re.compile(r"P(\d{1,3})D")


class Server(NamedTuple):
    """An account (or a connector without accounts) whose card serves a command; `runs`: its connector is there."""

    card: Card
    command: CommandCard
    tool: ToolCard
    account: AccountRef | None
    runs: bool = True

    @property
    def account_id(self) -> str | None:
        """The account's id; None for a connector without accounts."""
        return self.account.id if self.account else None


class Commands:
    """What one user can run at a time."""

    def __init__(self, connectors: Connectors, accounts: Accounts, chat: Chat, clock: Clock) -> None:
        self._connectors, self._accounts, self._chat, self._clock = connectors, accounts, chat, clock

    async def listing(self, me: SignedIn, *, zone: str | None = None) -> list[views.Command]:
        """What one's connected accounts serve now, what only looks first; days in the forms are those of the zone."""
        today = self._today(zone_of(zone))
        refs = await self._accounts.refs(me.user.id)
        names = sorted({name for card in self._connectors.running() for name in card.commands})
        found = ((name, self._servers(name, refs)) for name in names)
        shown = (_view(name, servers, today) for name, servers in found if servers)
        return sorted(shown, key=lambda each: (each.effect.rank, each.name))

    async def run(self, me: SignedIn, conversation: str, draft: views.CommandDraft) -> TurnAccepted:
        """A turn of a command's calls; raises `InvalidRequest` that names the field, `NotFound`, `Conflict`."""
        zone, refs = zone_of(draft.zone), await self._accounts.refs(me.user.id)
        servers = self._servers(draft.command, refs)
        if not servers:
            raise await self._unserved(draft.command, refs)
        form, fields = _form(servers, self._today(zone)), _given(draft.fields)
        account = fields.pop("account", None)
        filled = _filled(form, fields)
        acts = _effect(servers) is not Effect.READ
        chosen = _chosen(servers, account, acts=acts)
        asked = [each for each in chosen if set(filled) <= set(each.command.arguments)]
        if not acts and account is None:
            asked += self._away(draft.command, refs, filled)
        if not asked:
            name = next(name for name in filled if not any(name in each.command.arguments for each in chosen))
            raise invalid("No connected service knows that field.", **{name: "No connected service knows this."})
        calls = tuple(_call(each, filled, zone) for each in asked)
        command = Command(name=draft.command, fields=fields | ({"account": account} if account else {}), calls=calls)
        return await self._chat.command(me, conversation, command, text=_said(draft.command, filled), zone=zone)

    async def readers(self, me: SignedIn, name: str) -> list[Server]:
        """Who answers a command that only looks: those that run, then accounts whose connector is away."""
        refs = await self._accounts.refs(me.user.id)
        found = [*self._servers(name, refs), *self._away(name, refs, {})]
        return [each for each in found if each.tool.effect is Effect.READ]

    async def reader(self, me: SignedIn, name: str, whom: look_views.LookAt) -> Server:
        """One of them; raises `NotFound`, `Unavailable` where its connector does not run."""
        for each in await self.readers(me, name):
            if (each.card.id, each.account_id) == (whom.connector, whom.account):
                if not each.runs:
                    raise Unavailable(f"{each.card.name} is not running at the moment.")
                return each
        raise NotFound("None of your accounts answers that.")

    async def change(self, me: SignedIn, conversation: str, draft: look_views.ChangeDraft) -> TurnAccepted:
        """A turn that changes what a look opened, by the tool that its card names.

        Raises `InvalidRequest` that names the field, `NotFound`, `Unavailable`, and `Conflict` where nobody can.
        """
        server = await self.reader(me, draft.command, draft)
        changes = server.command.opens.changes if server.command.opens else None
        tool = server.card.tool(changes.tool) if changes else None
        if changes is None or tool is None:
            raise Conflict(f"{server.card.name} shows this, and changes nothing of it.")
        arguments, zone = arguments_of(changes, draft), zone_of(draft.zone)
        if wrong := wrong_fields(tool.parameters, arguments):
            raise invalid(f"Please correct {', '.join(sorted(wrong))}.", **wrong)
        call = CommandCall(connector=server.card.id, tool=tool.name, account=server.account_id, arguments=arguments)
        command = Command(name="change", calls=(call,))
        return await self._chat.command(me, conversation, command, text=_said("change", draft.fields), zone=zone)

    def reading(self, server: Server, fields: dict[str, Any], zone: ZoneInfo) -> CommandCall:
        """The call that a command asks of one of them; raises `InvalidRequest` that names the field."""
        return _call(server, _filled(_form([server], self._today(zone)), _given(fields)), zone)

    async def undo(self, me: SignedIn, conversation: str, call: str, *, zone: str | None = None) -> TurnAccepted:
        """A turn that takes a done call back; raises `NotFound`, `Conflict` where its tool has no undo."""
        history = await self._chat.history(me, conversation)
        done = next((each for message in history.messages for each in message.calls if each.id == call), None)
        if done is None:
            raise NotFound("There is no such action in this conversation.")
        card, _ = self._connectors.usable(done.connector)
        tool = card.tool(done.tool)
        if done.state is not CallState.DONE or tool is None or not tool.undo or card.tool(UNDO_TOOL) is None:
            raise Conflict("That cannot be taken back.")
        wanted = CommandCall(connector=card.id, tool=UNDO_TOOL, account=done.account, arguments={"action": done.id})
        command = Command(name="undo", calls=(wanted,))
        return await self._chat.command(
            me, conversation, command, text=f"/undo {done.title}".strip(), zone=zone_of(zone)
        )

    def _servers(self, name: str, refs: Sequence[AccountRef]) -> list[Server]:
        """Who serves a command now: by connector, then by age of the account."""
        return [server for card in self._connectors.running() for server in _serving(name, card, refs)]

    def _away(self, name: str, refs: Sequence[AccountRef], filled: dict[str, Any]) -> list[Server]:
        """Whom a question should have reached, too: accounts of connectors that do not run, by the card they had.

        Their calls fail and say so, which is better than an answer that looks complete.
        """
        running = {card.id for card in self._connectors.running()}
        found: dict[str, Server] = {}
        for connector in {ref.connector for ref in refs} - running:
            for card in self._connectors.remembered(connector):
                for server in _serving(name, card, refs):
                    if server.tool.effect is Effect.READ and set(filled) <= set(server.command.arguments):
                        found[str(server.account and server.account.id)] = server._replace(runs=False)
        return list(found.values())

    async def _unserved(self, name: str, refs: Sequence[AccountRef]) -> OaError:
        known = {
            each.id for ref in refs for each in self._connectors.remembered(ref.connector) if name in each.commands
        }
        if known:
            return Unavailable(f"The service behind /{name[:20]} is not running at the moment. Try again in a minute.")
        served = sorted(
            {each for card in self._connectors.running() for each in card.commands if self._servers(each, refs)}
        )
        words = f"There are: {', '.join(f'/{each}' for each in served)}." if served else "Nothing is connected yet."
        return invalid(f"There is no command of that name. {words}", command=words)

    def _today(self, zone: ZoneInfo) -> date:
        return self._clock().astimezone(zone).date()


def _serving(name: str, card: Card, refs: Sequence[AccountRef]) -> Iterator[Server]:
    command = card.commands.get(name)
    tool = card.tool(command.tool) if command else None
    if command is None or tool is None:
        return
    if card.auth.kind == "none":
        yield Server(card, command, tool, None)
        return
    yield from (Server(card, command, tool, ref) for ref in refs if ref.connector == card.id)


def _view(name: str, servers: Sequence[Server], today: date) -> views.Command:
    first, effect = servers[0].command, _effect(servers)
    accounts = tuple(
        views.CommandAccount(id=each.account.id, name=each.account.name, connector=each.card.id)
        for each in servers
        if each.account
    )
    form = _form(servers, today)
    if len(accounts) > 1:
        field = {"type": "string", "title": "Account", "enum": [each.id for each in accounts]}
        form["properties"]["account"] = field
        form["required"] += ["account"] if effect is not Effect.READ else []
    return views.Command(
        name=name, title=first.title, description=first.description, effect=effect, form=form, accounts=accounts
    )


def _effect(servers: Sequence[Server]) -> Effect:
    return max((each.tool.effect for each in servers), key=lambda effect: effect.rank)


def _form(servers: Sequence[Server], today: date) -> dict[str, Any]:
    """The fields of all who serve a command; days that are counted from today are made days."""
    fields: dict[str, Any] = {}
    required: dict[str, None] = {}
    for command in {each.card.id: each.command for each in servers}.values():
        fields = {**command.form.get("properties", {}), **fields}
        required |= dict.fromkeys(command.form.get("required", ()))
    dated = {name: _dated(field, today) for name, field in fields.items()}
    return {"type": "object", "properties": dated, "required": list(required), "additionalProperties": False}


def _dated(field: dict[str, Any], today: date) -> dict[str, Any]:
    counted = _FROM_TODAY.fullmatch(str(field.get("default", "")))
    if not counted or field.get("format") not in ("date", "day-or-time"):
        return field
    return {**field, "default": (today + timedelta(days=int(counted[1]))).isoformat()}


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """What was filled in: an empty text or list is a field that was left empty."""
    return {name: value for name, value in fields.items() if value not in (None, "", [])}


def _filled(form: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """The fields in the order of the form, with its defaults; raises `InvalidRequest` that names each wrong one."""
    defaults = {name: field["default"] for name, field in form["properties"].items() if "default" in field}
    given = defaults | fields
    if wrong := wrong_fields(form, given, formats=True):
        raise invalid(f"Please correct {', '.join(sorted(wrong))}.", **wrong)
    return {name: given[name] for name in form["properties"] if name in given}


def _chosen(servers: Sequence[Server], account: Any, *, acts: bool) -> list[Server]:
    """With whom it is done: all who can be asked, or one account that acts."""
    if account is None and (not acts or len(servers) == 1):
        return list(servers)
    if account is None:
        names = ", ".join(each.account.name for each in servers if each.account)
        raise invalid("Choose an account.", account=f"Choose one of: {names}.")
    found = [each for each in servers if each.account and each.account.id == account]
    if not found:
        raise invalid("That account cannot do this.", account="There is no such account for this.")
    return found


def _call(server: Server, filled: dict[str, Any], zone: ZoneInfo) -> CommandCall:
    """The call that a server is asked to make; raises `InvalidRequest` where its tool would not take it."""
    places = server.command.arguments
    arguments = server.command.fixed | {places[name]: value for name, value in filled.items()}
    if server.command.zone:
        arguments[server.command.zone] = zone.key
    fields = {argument: name for name, argument in places.items()}
    wrong = wrong_fields(server.tool.parameters, arguments)
    if wrong:
        named = {fields.get(argument, argument): words for argument, words in wrong.items()}
        raise invalid(f"Please correct {', '.join(sorted(named))}.", **named)
    tool, account = server.command.tool, server.account_id
    return CommandCall(connector=server.card.id, tool=tool, account=account, arguments=arguments)


def _said(name: str, filled: dict[str, Any]) -> str:
    """The command as a line of the conversation: its name and the short of what was filled in."""
    texts = (", ".join(map(str, value)) if isinstance(value, list) else str(value) for value in filled.values())
    lines = (" ".join(text.split()) for text in texts)
    short = (line if len(line) <= _LONGEST_SHOWN else line[: _LONGEST_SHOWN - 1].rstrip() + "…" for line in lines)
    return f"/{name} {' · '.join(short)}".strip()
