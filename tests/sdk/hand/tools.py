"""A hand that keeps count of what it did, and fails in every way that a provider can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from openassistant.connector import CheckStep, Connector, Context, Field, OutsideText, Preview
from openassistant.errors import AccountRequired, DeadlineExceeded, InvalidRequest
from openassistant.messages import Call, Destination, Effect, PreviewField, ToolResult

connector = Connector(__file__)

DONE: list[str] = []
PLACES: dict[str, str] = {}
SYNCED: list[str] = []


@connector.tool(effect="read")
async def notes_read(
    ctx: Context, limit: Annotated[int, Field(ge=1, le=10, description="How many")] = 3
) -> OutsideText:
    """Read what somebody wrote."""
    return OutsideText(text=f"{limit} notes", source="a stranger", authors=("mallory@example.net",))


@connector.tool(effect="read", effect_of=lambda given: Effect.SEND if given.get("aloud") else Effect.READ)
async def hours_ask(ctx: Context, aloud: Annotated[bool, Field(description="Ask the neighbours, too")] = False) -> str:
    """Ask when somebody is there."""
    if aloud:
        DONE.append(ctx.call.id if ctx.call else "")
    return "at nine"


@connector.tool(effect="send")
async def letters_send(
    ctx: Context,
    to: Annotated[str, Field(description="To whom")],
    how: Annotated[str, Field(description="What becomes of it")] = "well",
) -> str:
    """Send a letter."""
    if how == "refused":
        raise InvalidRequest("There is no such address.")
    DONE.append(ctx.call.id if ctx.call else "")
    if how in ("silent, found", "silent, absent", "silent"):
        raise DeadlineExceeded("The provider did not answer.")
    if how == "broken":
        raise RuntimeError("a secret detail")
    return f"sent to {to}"


@letters_send.preview
async def _show(ctx: Context, to: str, how: str) -> Preview:
    place = (await ctx.credentials()).settings.get("place", "")
    return Preview(
        verb="Send a letter",
        confirm="Send",
        account=place,
        destinations=(Destination(kind="recipient", value=to),),
        content=how,
    )


@letters_send.reconcile
async def _look(ctx: Context, call: Call) -> ToolResult | None:
    how = call.arguments.get("how")
    if how == "silent, absent":
        return None
    if how == "silent, found":
        return ToolResult(content="found")
    raise DeadlineExceeded("The provider does not say.")


@connector.tool(effect="write", effect_of=lambda given: Effect.SEND if given.get("guests") else Effect.WRITE)
async def events_create(
    ctx: Context, guests: Annotated[list[str] | None, Field(description="Whom to invite")] = None
) -> int:
    """Create an event."""
    return len(guests or ())


@connector.tool(
    effect="write", effect_of=lambda given: Effect.SEND if given.get("to") == "the neighbours" else Effect.WRITE
)
async def things_move(
    ctx: Context,
    thing: Annotated[str, Field(description="What")],
    to: Annotated[str, Field(description="Where to")],
) -> str:
    """Move a thing; says where it was."""
    if to == "nowhere":
        raise InvalidRequest("There is no such place.")
    was, PLACES[thing] = PLACES.get(thing, "the shelf"), to
    return was


@things_move.preview
async def _show_move(ctx: Context, thing: str, to: str) -> Preview:
    rows = {"From": PLACES.get(thing, "the shelf"), "To": to}
    return Preview(
        verb=f"Move {thing}",
        confirm="Move",
        fields=tuple(PreviewField(label=label, value=value) for label, value in rows.items()),
    )


@things_move.undo
async def _move_back(ctx: Context, call: Call, result: str) -> None:
    if PLACES[call.arguments["thing"]] == "lost":
        raise InvalidRequest("It is not there any more.")
    if PLACES[call.arguments["thing"]] == "fog":
        raise DeadlineExceeded("Nobody answered.")
    PLACES[call.arguments["thing"]] = result


@connector.check
async def check(ctx: Context) -> AsyncIterator[CheckStep]:
    yield CheckStep(name="Reach the place", ok=True)
    if (await ctx.credentials()).secrets["password"] != "not-a-real-password":
        raise AccountRequired("The place refused the password.")
    yield CheckStep(name="Sign in", ok=True)


@connector.sync
async def sync(ctx: Context) -> None:
    await ctx.progress(1, 2, "Notes")
    SYNCED.append((await ctx.credentials()).settings["place"])
    await ctx.progress(2, 2, "Notes")


@connector.forget
async def forget(ctx: Context) -> None:
    SYNCED.clear()
