"""Looks: what a person sees of his services without a conversation and without a model, each at once or not at all.

A look is a read that a card's command declares, asked of one account: the agent makes the call under a grant for that
one tool, the witness writes it down first, and the answer goes to the person alone. Every account is asked by a request
of its own, so that none waits for another and each that does not answer is named.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.errors import Conflict
from openassistant.messages import CommandCall, Effect, LookRequest, Opening, OutsideSource, ToolResult
from services.gateway import look_views as views
from services.gateway.accounts import Accounts
from services.gateway.changing import at, offered
from services.gateway.chat import zone_of
from services.gateway.commands import Commands, Server
from services.gateway.connectors import Connectors
from services.gateway.forms import wrong_fields
from services.gateway.grants import Grants
from services.gateway.problems import invalid
from services.gateway.sessions import SignedIn

__all__ = ["Looks", "link_of"]

_SECONDS = 15.0
"""So long one service is waited for."""
_LONGEST_LINK = 2_000


class Looks:
    """What one person can look at."""

    def __init__(
        self, bus: Bus, commands: Commands, connectors: Connectors, accounts: Accounts, grants: Grants, *,
        seconds: float = _SECONDS,
    ) -> None:  # fmt: skip
        self._bus, self._commands, self._connectors = bus, commands, connectors
        self._accounts, self._grants, self._seconds = accounts, grants, seconds

    async def sources(self, me: SignedIn, command: str) -> list[views.LookSource]:
        """Who would answer a command, one for each account; also those whose connector is away."""
        return [_source(each) for each in await self._commands.readers(me, command)]

    async def ask(self, me: SignedIn, command: str, draft: views.LookDraft) -> views.Look:
        """What one of them answers; raises `NotFound`, `InvalidRequest` that names the field, `Unavailable`.

        Raises `DeadlineExceeded` where no answer came in time, and whatever the connector raises.
        """
        server = await self._commands.reader(me, command, draft)
        call = self._commands.reading(server, draft.fields, zone_of(draft.zone))
        return await self._look(me, server, call, draft.zone)

    async def open(self, me: SignedIn, command: str, draft: views.OpenDraft) -> views.Look:
        """One thing of such an answer in full, as its tool tells it; raises as `ask`, and `Conflict`."""
        server = await self._commands.reader(me, command, draft)
        opens = server.command.opens
        tool = server.card.tool(opens.tool) if opens else None
        if opens is None or tool is None or tool.effect is not Effect.READ:
            raise Conflict(f"{server.card.name} shows no more than this.")
        arguments = {opens.argument: draft.key}
        if "zone" in tool.parameters.get("properties", {}):
            arguments["zone"] = zone_of(draft.zone).key
        if wrong_fields(tool.parameters, arguments):
            raise invalid("That is nothing that can be opened.", key="This is not the id of something that was found.")
        call = CommandCall(connector=server.card.id, tool=tool.name, account=server.account_id, arguments=arguments)
        look = await self._look(me, server, call, draft.zone)
        is_read = server.account is not None and server.account.lent == "read"
        change = offered(opens.changes, look.content) if opens.changes and not is_read else None
        return look.model_copy(update={"link": link_of(opens, look.content), "change": change})

    async def _look(self, me: SignedIn, server: Server, call: CommandCall, zone: str | None) -> views.Look:
        card, digest = self._connectors.usable(server.card.id)
        grant = self._grants.look(me.user.id, connector=card.id, digest=digest, tool=call.tool)
        ctx = self._grants.context(me.user.id, seconds=self._seconds, grant=grant)
        ctx = ctx.model_copy(update={"zone": zone_of(zone).key})
        request = LookRequest(call=call, accounts=(server.account,) if server.account else ())
        found = await self._bus.request(subjects.agent("look"), request, ToolResult, ctx)
        return views.Look(content=found.content, sources=tuple(map(_named, found.outside)))


def _source(server: Server) -> views.LookSource:
    opens = server.command.opens
    return views.LookSource(
        connector=server.card.id,
        name=server.card.name,
        account=server.account.id if server.account else None,
        account_name=server.account.name if server.account else "",
        local=server.command.local,
        runs=server.runs,
        key=opens.key if opens else None,
        found_in=opens.found_in if opens else {},
    )


def link_of(opens: Opening, content: Any) -> str | None:
    """The address of what was opened at its provider; None where it has none, or one at a host that the card lacks."""
    content = at(content, opens.link)
    if not isinstance(content, str) or len(content) > _LONGEST_LINK or not content.isprintable():
        return None
    try:
        parts = urlsplit(content)
        plain = parts.scheme == "https" and parts.port is None and "@" not in parts.netloc and "\\" not in content
    except ValueError:
        return None
    return content if plain and any(_belongs(parts.hostname or "", host) for host in opens.link_hosts) else None


def _belongs(host: str, to: str) -> bool:
    return host.endswith(to[1:]) if to.startswith("*.") else host == to


def _named(found: OutsideSource) -> views.LookOrigin:
    return views.LookOrigin(source=found.source, authors=found.authors)
