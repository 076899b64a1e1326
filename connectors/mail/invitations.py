"""The tool that answers an invitation which came by mail: to its organiser, as calendar programs do (RFC 6047)."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sqlalchemy import Connection

from connectors.mail import outgoing, search
from connectors.mail.account import MailAccount, account_of
from connectors.mail.connector import connector, owner_of
from connectors.mail.drafts import Draft, outgoing_of, threaded
from connectors.mail.event_mails import about_event, calendars_of
from connectors.mail.invitation_views import Standing, attendee_in, doubts_about, standing_of
from connectors.mail.itip import Answer, Invitation, answer_to, read_invitation, subject_of, when
from connectors.mail.previews import preview_of
from connectors.mail.search import Found
from connectors.mail.sending import LATER, sent_mail
from connectors.mail.views import InvitationAnswered
from openassistant.connector import Context, Field, Preview
from openassistant.errors import InvalidRequest
from openassistant.formats.addresses import parse_typed
from openassistant.formats.charsets import clean
from openassistant.formats.compose import checked_subject
from openassistant.mails.arguments import MessageId
from openassistant.messages import Call, PreviewField, ToolResult

__all__ = ["invitations_answer"]

_WORDS: dict[Answer, tuple[str, str, str]] = {
    "accept": ("Accept an invitation", "Accept", "accepted"),
    "tentative": ("Answer an invitation with maybe", "Answer", "tentative"),
    "decline": ("Decline an invitation", "Decline", "declined"),
}
_NOT_TO_ANSWER = {
    "cancel": "That mail calls the event off; there is nothing to answer.",
    "reply": "That mail is a guest's answer, not an invitation.",
    "counter": "That mail proposes another time for an event that the user organises; answer it in words.",
    "publish": "That mail holds an event for information; nobody waits for an answer.",
}


class _Asked(NamedTuple):
    """An invitation that is to be answered: its mail, how it stands, and as whom the user answers."""

    found: Found
    invitation: Invitation
    standing: Standing
    attendee: str


@connector.tool(effect="send", outside=True)
async def invitations_answer(
    ctx: Context,
    message: MessageId,
    answer: Annotated[Answer, Field(description="The user's answer")],
    comment: Annotated[str | None, Field(description="A word to the organiser", max_length=2_000)] = None,
) -> InvitationAnswered:
    """Answer an invitation in a mail, so that the organiser's calendar takes it in.

    Only for invitations that are in no calendar which answers by itself. If a calendar is connected, propose beside
    this to put the invitation's `ics` there with the same answer.
    """
    account, asked = await account_of(ctx), await _asked(ctx, message)
    draft = _draft(ctx, account, asked, answer, comment)
    sent = await sent_mail(ctx, account, outgoing_of(ctx, account, draft))
    return InvitationAnswered(answer=_WORDS[answer][2], **dict(sent))


@invitations_answer.preview
async def preview_answer(ctx: Context, message: str, answer: Answer, comment: str | None) -> Preview:
    """The answer as it will go out, what it is about, and what is doubtful about the invitation."""
    account, asked = await account_of(ctx), await _asked(ctx, message)
    found, invitation = asked.found, asked.invitation
    doubts = doubts_about(invitation, found)
    if not attendee_in(invitation, [asked.attendee]):
        doubts.append(f"The invitation names no guest {asked.attendee}; the organiser may not expect this answer.")
    verb, confirm, _ = _WORDS[answer]
    draft = _draft(ctx, account, asked, answer, comment)
    shown = await preview_of(ctx, account, draft, verb=verb, confirm=confirm, doubts=doubts)
    first = invitation.first
    rows = {
        "Event": " ".join(first.text("SUMMARY", 500).split()) or "(no title)",
        "When": "; ".join(when(each) for each in invitation.parts),
        "Extent": "" if "" in invitation.recurrences else "single dates of a series",
        "Place": first.text("LOCATION", 500),
        "Organiser": invitation.organizer.shown,
        "Invitation from": found.sender.shown,
        "Answer until now": asked.standing.answer,
    }
    fields = tuple(PreviewField(label=label, value=value) for label, value in rows.items() if value)
    return shown.model_copy(update={"fields": (*fields, *shown.fields)})


@invitations_answer.reconcile
async def find_answer(ctx: Context, call: Call) -> ToolResult | None:
    """Whether the answer went out."""
    sent = await outgoing.was_sent(ctx, await account_of(ctx), call.id)
    if sent is None:
        return None
    answer: Answer = invitations_answer.parse(call.arguments)["answer"]
    note = "" if sent.copied else LATER
    done = InvitationAnswered(
        answer=_WORDS[answer][2], message_id=sent.message_id, recipients=list(sent.recipients), note=note
    )
    return invitations_answer.result(done)


async def _asked(ctx: Context, message: str) -> _Asked:
    """The invitation in a mail; raises `InvalidRequest` in words when there is nothing to answer."""
    owner, account = owner_of(ctx), await account_of(ctx)

    def read(connection: Connection) -> _Asked:
        found = search.message(connection, owner, message)
        invitation = read_invitation(calendars_of(connection, [found.id]).get(found.id, ""))
        if invitation is None:
            raise InvalidRequest("There is no invitation in that mail that can be read.")
        own = _own(connection, owner, account)
        standing = standing_of(invitation, found, about_event(connection, owner, invitation.uid), own)
        return _Asked(found, invitation, standing, attendee_in(invitation, own) or account.address)

    asked = await ctx.store.read(read)
    _require_open(asked, account)
    return asked


def _own(connection: Connection, owner: str, account: MailAccount) -> list[str]:
    """The user's addresses, the account's own first."""
    return list(dict.fromkeys((account.address, account.login.lower(), *search.own_addresses(connection, owner))))


def _require_open(asked: _Asked, account: MailAccount) -> None:
    invitation, standing = asked.invitation, asked.standing
    if invitation.method != "request":
        words = "It does not say clearly what it is, so it cannot be answered; answer in words."
        raise InvalidRequest(_NOT_TO_ANSWER.get(invitation.method, words))
    if standing.state == "cancelled":
        raise InvalidRequest(f"The event was called off since, by mail {standing.newer}.")
    if standing.state == "outdated":
        raise InvalidRequest(f"A newer version of that invitation came: answer mail {standing.newer}.")
    if invitation.organizer.address in ("", account.address, asked.attendee):
        raise InvalidRequest("That invitation names nobody whom an answer could go to.")


def _draft(ctx: Context, account: MailAccount, asked: _Asked, answer: Answer, comment: str | None) -> Draft:
    """The answer: to the organiser alone, in words for people and in a calendar part for programs."""
    invitation, words = asked.invitation, clean(comment or "").strip()
    organizer = invitation.organizer
    to = parse_typed(organizer.address)._replace(name=organizer.name)
    title = " ".join(invitation.first.text("SUMMARY", 300).split()) or "(no title)"
    lines = [f"{asked.attendee}: {_WORDS[answer][2]}", "", title, *map(when, invitation.parts[:5])]
    text = "\n".join([*lines, *(["", words] if words else [])])
    calendar = answer_to(
        invitation, answer, attendee=asked.attendee, sent_by=account.address, comment=words, now=ctx.now()
    )
    subject = checked_subject(clean(subject_of(invitation, answer)).replace("\n", " "))
    return threaded(Draft((to,), (), (), subject, text, calendar=calendar), asked.found)
