"""The contract every connector keeps, checked without code of its own: `tool_faults`, `connector_faults`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from openassistant.connector import Connector, Tool
from openassistant.messages import Card, Changing, CommandCard, Effect, Opening

__all__ = ["command_faults", "connector_faults", "tool_faults"]

_RESERVED = {"account", "zone"}
"""Fields that every command has without declaring them."""

_NAME = re.compile(r"[a-z]+_[a-z_]+")


def connector_faults(connector: Connector) -> list[str]:
    """What is wrong with a connector, in words; an empty list when nothing is."""
    faults = [fault for tool in connector.tools.values() for fault in tool_faults(tool)]
    if not connector.tools:
        faults.append("The connector declares no tools.")
    if connector.manifest.auth.kind != "none" and connector.checker is None:
        faults.append("Accounts need a check: decorate an async generator with @connector.check.")
    if connector.syncer is not None and connector.forgetter is None:
        faults.append("A mirror must be deletable: decorate a function with @connector.forget.")
    if connector.migrations is not None and not connector.kinds:
        faults.append("A mirror must be countable: say what it holds by kind with connector.holds(…).")
    if connector.manifest.hook is not None and connector.hooker is None:
        faults.append("The manifest promises an address for the provider: decorate a function with @connector.hook.")
    for name, field in {**connector.manifest.settings, **connector.manifest.secrets}.items():
        if "title" not in field:
            faults.append(f"The field {name} needs a title.")
    return faults + command_faults(connector.card())


def command_faults(card: Card) -> list[str]:
    """What is wrong with the commands of a card, in words."""
    return [f"/{name}: {fault}" for name, command in card.commands.items() for fault in _faults(command, card)]


def tool_faults(tool: Tool[Any]) -> list[str]:
    """What is wrong with one tool, in words."""
    card, faults = tool.card(), []
    if not _NAME.fullmatch(tool.name):
        faults.append(f"{tool.name}: a tool is named noun_verb, in lower case.")
    if not card.description:
        faults.append(f"{tool.name}: the docstring is what the model reads; it has none.")
    for name, field in card.parameters.get("properties", {}).items():
        if "description" not in field:
            faults.append(f"{tool.name}: describe the parameter {name}.")
    if tool.effect is not Effect.READ and tool.previewer is None:
        faults.append(f"{tool.name}: an effect needs a preview: what will happen, in words.")
    if tool.effect in (Effect.SEND, Effect.DELETE) and tool.reconciler is None:
        faults.append(f"{tool.name}: say how an interrupted call is looked up: @{tool.name}.reconcile.")
    return faults


def _faults(command: CommandCard, card: Card) -> Iterator[str]:
    tool = card.tool(command.tool)
    if tool is None:
        yield f"there is no tool {command.tool}."
        return
    fields, taken = command.form["properties"], set(tool.parameters.get("properties", {}))
    filled = {command.arguments[name] for name in fields if name in command.form["required"]}
    filled |= {command.arguments[name] for name, field in fields.items() if "default" in field}
    filled |= {command.zone} if command.zone else set()
    filled |= set(command.fixed)
    for name in sorted(_RESERVED & set(fields)):
        yield f"the field {name} is there by itself."
    for name, field in fields.items():
        if "title" not in field:
            yield f"the field {name} needs a title."
    for argument in sorted({*command.arguments.values(), *filled} - taken):
        yield f"{command.tool} takes no {argument}."
    for argument in sorted(set(tool.parameters.get("required", ())) - filled):
        yield f"{command.tool} needs {argument}, which no required field gives."
    if command.opens:
        yield from _opening_faults(command.opens, card)


def _opening_faults(opens: Opening, card: Card) -> Iterator[str]:
    tool = card.tool(opens.tool)
    if tool is None:
        yield f"there is no tool {opens.tool} that could open what was found."
        return
    if tool.effect is not Effect.READ or tool.rises:
        yield f"{opens.tool} does not only read, so it opens nothing."
    if opens.argument not in tool.parameters.get("properties", {}):
        yield f"{opens.tool} takes no {opens.argument}."
    for argument in sorted(set(tool.parameters.get("required", ())) - {opens.argument}):
        yield f"{opens.tool} needs {argument} too, so it cannot open what was found."
    for name in opens.found_in:
        found = card.tool(name)
        if found is None or found.effect is not Effect.READ:
            yield f"there is no tool {name} that reads, so nothing is found in its results."
    if bool(opens.link) != bool(opens.link_hosts):
        yield "an address at the provider needs both its path (link) and its hosts (link_hosts)."
    if opens.changes:
        yield from _changing_faults(opens.changes, card)


def _changing_faults(changes: Changing, card: Card) -> Iterator[str]:
    tool = card.tool(changes.tool)
    if tool is None:
        yield f"there is no tool {changes.tool} that could change what was opened."
        return
    if tool.effect is not Effect.WRITE:
        yield f"{changes.tool} does not only write, so nobody changes anything by it unasked."
    needed = {changes.argument, *changes.fields, *({changes.removes} if changes.removes else ())}
    for argument in sorted(needed - set(tool.parameters.get("properties", {}))):
        yield f"{changes.tool} takes no {argument}."
    for argument in sorted(set(tool.parameters.get("required", ())) - {changes.argument}):
        yield f"{changes.tool} needs {argument} even where it stays, so it cannot change what was opened."
    for name in sorted({*changes.fields} & {changes.argument, changes.removes}):
        yield f"{name} is filled in by itself."
    for name, field in changes.fields.items():
        if "title" not in field:
            yield f"the field {name} needs a title."
    for name in sorted(set(changes.shown) - set(changes.fields)):
        yield f"there is no field {name} to be shown."
