"""Conversations, messages, and their events."""

from __future__ import annotations

from typing import Annotated

from ag_ui.core import RunAgentInput
from fastapi import APIRouter, Header, Request, Response

from openassistant.messages import Id
from services.gateway import views
from services.gateway.routes.doors import EVENTS, House, Me, answered, as_json

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["conversations"])


@router.post("/conversations", status_code=201)
async def create_conversation(house: House, me: Me, draft: views.ConversationDraft | None = None) -> views.Conversation:
    """A new, empty conversation."""
    return await house.chat.create(me, title=draft.title if draft else "")


@router.get("/conversations/{conversation}", response_model=views.History)
async def conversation(conversation: Id, house: House, me: Me) -> Response:
    """A conversation with its messages."""
    return as_json(views.History, await house.chat.history(me, conversation))


@router.delete("/conversations/{conversation}", status_code=204)
async def delete_conversation(conversation: Id, house: House, me: Me, memories: bool = False) -> Response:  # noqa: FBT001, FBT002
    """Deletes a conversation, with `memories` also what is remembered from it; the ledger's records of it stay."""
    await house.chat.delete(me, conversation)
    if memories:
        await house.memories.forget_all_of(me, conversation)
    await house.completions.forget(me, conversation)
    return Response(status_code=204)


@router.post("/conversations/{conversation}/messages", status_code=202, response_model=views.Accepted, responses=EVENTS)
async def say(conversation: Id, draft: views.MessageDraft, request: Request, house: House, me: Me) -> Response:
    """A message; answered with the turn, or with `Accept: text/event-stream` with the events of its run."""
    return await answered(
        request,
        house,
        me,
        conversation,
        lambda: house.chat.say(me, conversation, draft.text, zone=draft.zone, files=draft.files),
    )


@router.post(
    "/conversations/{conversation}/messages/{message}/edit",
    status_code=202,
    response_model=views.Accepted,
    responses=EVENTS,
)
async def edit_message(
    conversation: Id, message: Id, draft: views.Words, request: Request, house: House, me: Me
) -> Response:
    """Says something else in the place of a message of one's own; what stood there and after it stays, as a version.

    The files of that message are in both.
    """
    return await answered(
        request, house, me, conversation,
        lambda: house.chat.edit(me, conversation, message, draft.text, zone=draft.zone),
    )  # fmt: skip


@router.post("/conversations/{conversation}/messages/{message}/retry", status_code=202)
async def retry_message(conversation: Id, message: Id, house: House, me: Me) -> views.Accepted:
    """Has an answer written again; what stood there and after it stays, as a version."""
    accepted = await house.chat.retry(me, conversation, message)
    return views.Accepted(turn=accepted.turn)


@router.post("/conversations/{conversation}/messages/{message}/show", status_code=204)
async def show_message(conversation: Id, message: Id, house: House, me: Me) -> Response:
    """Shows the version of a conversation that a message is in, everywhere; what follows it is as it was left."""
    await house.chat.show(me, conversation, message)
    return Response(status_code=204)


@router.post("/conversations/{conversation}/cancel", status_code=204)
async def cancel(conversation: Id, house: House, me: Me) -> Response:
    """Stops the answer; what already acts is brought to its end."""
    await house.chat.cancel(me, conversation)
    return Response(status_code=204)


@router.post("/conversations/{conversation}/retry", status_code=202)
async def retry(conversation: Id, house: House, me: Me) -> views.Accepted:
    """Answers the last message once more; what was answered stays, as a version."""
    accepted = await house.chat.retry(me, conversation)
    return views.Accepted(turn=accepted.turn)


@router.get("/conversations/{conversation}/receipts")
async def receipts(conversation: Id, house: House, me: Me) -> list[views.Receipt]:
    """What was done in a conversation, from the ledger: one receipt for each call that acts, oldest first."""
    return await house.receipts.of(me, conversation)


@router.get("/conversations/{conversation}/events", response_class=Response, responses=EVENTS)
async def events(
    conversation: Id, house: House, me: Me, last_event_id: Annotated[int | None, Header(ge=0)] = None
) -> Response:
    """A conversation's events as they happen, after `Last-Event-ID`; begins with a snapshot where some are lost.

    Those of all its runs, and ours (`oa.message`, `oa.call`) also between them; for one run alone use `/api/agui`.
    After `oa.version` another version is shown: read the conversation anew.
    """
    return await house.streams.follow(me, conversation, after=last_event_id)


@router.post("/agui", response_class=Response, responses=EVENTS)
async def agui(run: RunAgentInput, house: House, me: Me) -> Response:
    """For any AG-UI client: takes the newest message of the user, or decisions, and answers with the run's events."""
    return await house.agui.run(me, run)
