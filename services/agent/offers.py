"""Which tools a turn may be offered, and how the model's words become a `Call`."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from typing import Any

from openassistant.builtin import HOUSE, HOUSE_DIGEST, HOUSE_ID
from openassistant.catalogue import Catalogue, Listed
from openassistant.errors import InvalidRequest
from openassistant.grants import Grant
from openassistant.messages import AccountRef, Call, Card, Effect, ToolCard, Wire

__all__ = ["Offer", "as_tools", "offers", "understood"]


_OF_THE_HOUSE = Listed(card=HOUSE, digest=HOUSE_DIGEST, instances=1)


class Offer(Wire):
    """One tool under the name the model uses, with the accounts it can act on."""

    name: str
    card: Card
    tool: ToolCard
    digest: str
    accounts: tuple[AccountRef, ...] = ()


def offers(catalogue: Catalogue, grant: Grant, accounts: tuple[AccountRef, ...]) -> dict[str, Offer]:
    """Tools by name: of connectors that run now with the card the grant names, and an account where needed."""
    found, listed = list[Offer](), {**catalogue.listed(), HOUSE_ID: _OF_THE_HOUSE}
    for connector, digest in sorted(grant.connectors.items()):
        there = listed.get(connector)
        mine = tuple(account for account in accounts if account.connector == connector)
        if there is None or there.digest != digest or (there.card.auth.kind != "none" and not mine):
            continue
        card = there.card
        found += [
            Offer(name=tool.name, card=card, tool=tool, digest=digest, accounts=mine)
            for tool in card.tools
            if grant.allows(connector, tool.name)
        ]
    many = {name for name, count in Counter(offer.name for offer in found).items() if count > 1}
    named = (
        offer.model_copy(update={"name": f"{offer.card.id}__{offer.name}"}) if offer.name in many else offer
        for offer in found
    )
    return {offer.name: offer for offer in named}


def as_tools(offered: dict[str, Offer]) -> list[dict[str, Any]]:
    """The offers in the form of OpenAI's `tools`."""
    return [
        {
            "type": "function",
            "function": {
                "name": offer.name,
                "description": offer.tool.description,
                "parameters": _parameters(offer),
            },
        }
        for offer in offered.values()
    ]


def understood(offered: dict[str, Offer], *, call_id: str, user: str, name: str, given: str) -> tuple[Call, Effect]:
    """The call behind a model's tool name and JSON arguments; raises `InvalidRequest` that the model can act on."""
    offer = offered.get(name)
    if offer is None:
        raise InvalidRequest(f"There is no tool {name[:60]!r}. There are: {', '.join(sorted(offered)) or 'none'}.")
    try:
        arguments = json.loads(given or "{}")
    except ValueError as error:
        raise InvalidRequest(f"The arguments of {name} are not JSON: {error}.") from error
    if not isinstance(arguments, dict):
        raise InvalidRequest(f"The arguments of {name} must be a JSON object.")
    account = _account(offer, arguments)
    call = Call(
        id=call_id,
        nonce=secrets.token_hex(16),
        user=user,
        account=account,
        connector=offer.card.id,
        card_digest=offer.digest,
        tool=offer.tool.name,
        arguments=arguments,
    )
    return call, offer.tool.effect


def _account(offer: Offer, arguments: dict[str, Any]) -> str | None:
    if len(offer.accounts) <= 1:
        return offer.accounts[0].id if offer.accounts else None
    wanted = arguments.pop("account", None)
    chosen = next((account for account in offer.accounts if account.name == wanted), None)
    if chosen is None:
        names = ", ".join(account.name for account in offer.accounts)
        raise InvalidRequest(f"{offer.name} needs `account`, one of: {names}.")
    return chosen.id


def _parameters(offer: Offer) -> dict[str, Any]:
    if len(offer.accounts) <= 1:
        return offer.tool.parameters
    shown = dict(offer.tool.parameters)
    names = [account.name for account in offer.accounts]
    field = {"type": "string", "enum": names, "description": "Which account to use"}
    shown["properties"] = {**shown.get("properties", {}), "account": field}
    shown["required"] = [*shown.get("required", []), "account"]
    return shown
