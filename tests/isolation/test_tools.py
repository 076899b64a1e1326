"""Every tool of every connector: it acts for whoever signed, on what is his, and for nobody else."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from openassistant import subjects
from openassistant.__main__ import load
from openassistant.context import CallContext, new_id
from openassistant.errors import Forbidden, OaError
from openassistant.guard import admit_grant
from openassistant.messages import Call, Effect, Preview, TokenReply, TokenRequest, ToolResult
from openassistant.testing import FakeHouse

CONNECTORS = sorted(each.parent.name for each in (Path(__file__).parents[2] / "connectors").glob("*/manifest.toml"))
PLANTED = "planted-name-otter"
_TEXTS = ("carol@example.org", "0123456789abcdef0123456789abcdef", "491701234567", "2037-05-04", "2037-05-04T07:00:00")


class OwnersHouse(FakeHouse):
    """A house whose vault hands out an account against a grant of its owner alone, as the real one does."""

    async def _on_token(self, ctx: CallContext, request: TokenRequest) -> TokenReply:
        admit_grant(ctx, trust=self.trust, user=self.user, now=self.clock())
        return await super()._on_token(ctx, request)


@pytest.fixture(params=CONNECTORS)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OwnersHouse]:
    async with OwnersHouse(load(f"connectors.{request.param}"), folder=tmp_path) as running:
        running.connect(PLANTED, {}, password="obviously-fake", access_token="obviously-fake")
        yield running


def least(schema: dict[str, Any], whole: dict[str, Any]) -> Any:
    """The smallest value that a JSON Schema takes, near enough."""
    if "$ref" in schema:
        return least(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    if "default" in schema:
        return schema["default"]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return least(schema[several][0], whole)
    if "enum" in schema or "const" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    if "examples" in schema:
        return schema["examples"][0]
    kind = schema.get("type", "string")
    if kind == "object":
        properties = schema.get("properties", {})
        needed = dict.fromkeys(["any"] if schema.get("minProperties") else [], "words")
        return needed | {name: least(properties[name], whole) for name in schema.get("required", ())}
    if kind == "array":
        return [least(schema.get("items", {}), whole)] * schema.get("minItems", 1)
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 1), 1)
    return _text(schema) if kind == "string" else kind == "boolean"


def _text(schema: dict[str, Any]) -> str:
    forms = {"date-time": "2037-05-04T07:00:00", "date": "2037-05-04"}
    if schema.get("format") in forms:
        return forms[schema["format"]]
    fit = (each for each in _TEXTS if re.search(schema.get("pattern", ""), each))
    return next(fit)[: schema.get("maxLength", 100)]


def calls(house: OwnersHouse) -> list[Call]:
    """One call of each tool, in the victim's name and on his account."""
    card = house.runner.card
    assert len(card.tools) == len(house.connector.tools) > 0
    return [house.make(each.name, **least(each.parameters, each.parameters)) for each in card.tools]


async def send(house: OwnersHouse, call: Call, ctx: CallContext, *, subject: str | None = None) -> ToolResult:
    to = subject or subjects.tool(call.connector, call.user, call.tool)
    return await house.agent.request(to, call, ToolResult, ctx)


async def test_no_tool_runs_for_a_person_under_what_somebody_else_signed(house: OwnersHouse) -> None:
    stranger = new_id()
    for call in calls(house):
        theirs = call.model_copy(update={"user": stranger})
        forged = {
            "no grant": house.context(call, grant=None),
            "the grant of another": house.context(call, grant=house.grant(user=stranger)),
            "no receipt": house.context(call, receipt=None),
            "the receipt of another's call": house.context(call, receipt=house.receipt(theirs)),
        }
        if house.connector.tools[call.tool].effect_for(call.arguments) is not Effect.READ:
            forged |= {
                "no approval": house.context(call, approval=None),
                "the approval of another": house.context(call, approval=house.approval(call, user=stranger)),
            }
        for name, ctx in forged.items():
            with pytest.raises(OaError) as refused:
                await send(house, call, ctx)
            assert refused.value.code == "forbidden", f"{call.tool}: {name}: {refused.value}"
            assert PLANTED not in f"{refused.value.message} {refused.value.details}"
        mine = subjects.tool(call.connector, stranger, call.tool)
        with pytest.raises(Forbidden):
            await send(house, call, house.context(call), subject=mine)


async def test_no_tool_reaches_a_persons_account_for_somebody_else(house: OwnersHouse) -> None:
    stranger, reached = new_id(), list[str]()
    for mine in calls(house):
        call = mine.model_copy(update={"user": stranger})
        ctx = house.context(call, grant=house.grant(user=stranger))
        try:
            answer = (await send(house, call, ctx)).model_dump_json()
        except OaError as error:
            answer = f"{error.message} {error.details}"
        try:
            subject = subjects.preview(call.connector)
            shown = await house.agent.request(subject, call, Preview, ctx.model_copy(update={"receipt": None}))
            answer += shown.model_dump_json()
        except OaError as error:
            answer += f"{error.message} {error.details}"
        if PLANTED in answer or house.user in answer:
            reached.append(f"{call.tool}: {answer}")
    assert reached == []
    assert not [each.name for each in house.runner.stores._folder.glob(f"*{house.user}*")]


def test_every_connector_is_tried() -> None:
    folder = Path(__file__).parents[2] / "connectors"
    assert sorted(each.name for each in folder.iterdir() if (each / "card.json").exists()) == CONNECTORS
