"""An invitation in a mail as the model sees it, and how it stands: the newest word, outdated, or called off."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from connectors.mail.itip import Invitation, Part, ics_of, read_invitation, rule_of, when
from connectors.mail.search import Found
from openassistant.connector import OutsideText

__all__ = ["MailInvitation", "Standing", "attendee_in", "doubts_about", "invitation_view", "standing_of"]

_MOST_DATES = 5

State = Literal["current", "outdated", "cancelled"]


class MailInvitation(BaseModel):
    """What the calendar part of a mail says. Times are ISO 8601; of whole days the last one is included.

    `method` is request (an invitation or an update of one), cancel, reply (a guest's answer), counter (a guest proposes
    another time), publish, or another of iTIP's; unclear cannot be acted on. `state` is current, outdated (a newer
    version came) or cancelled (it was called off later); `newer` is that mail. `answer` is what the user has answered.
    `dates` are the dates of a series that it is about, where not the whole. `ics` is for a calendar, unchanged.
    """

    model_config = ConfigDict(frozen=True)

    method: str
    title: OutsideText
    start: str
    end: str
    when: OutsideText
    place: OutsideText | None = None
    organizer: OutsideText
    guests: OutsideText | None = None
    repeats: str = ""
    dates: list[str] = []
    answer: str = "open"
    state: str = "current"
    newer: str = ""
    doubts: str = ""
    ics: OutsideText | None = None


class Standing(NamedTuple):
    """Where an invitation stands among the mails about the same event."""

    state: State = "current"
    newer: str = ""
    answer: str = "open"


def standing_of(
    invitation: Invitation, found: Found, others: Iterable[tuple[Found, str]], own: Collection[str]
) -> Standing:
    """How an invitation stands among the mails about its event, newest first, as `event_mails.about_event` has them.

    What is not from the organiser, as far as its sender says, overtakes nothing. The user's own answer is the newest
    one in the folder of sent mail.
    """
    state: State = "current"
    newer, answer = "", ""
    for other, text in others:
        said = read_invitation(text)
        if said is None or not said.recurrences & invitation.recurrences | ({""} & said.recurrences):
            continue
        if said.method == "reply" and other.folder.role == "sent" and said.sequence >= invitation.sequence:
            answer = answer or next((status for who, status in said.first.guests if who.address in own), "")
        overtakes = said.method in ("request", "cancel") and _order(said, other) > _order(invitation, found)
        same = said.organizer.address == invitation.organizer.address and other.sender.address in said.senders
        if overtakes and same and not newer:
            state, newer = "cancelled" if said.method == "cancel" else "outdated", str(other.id)
    return Standing(state, newer, answer or _own_answer(invitation, own))


def attendee_in(invitation: Invitation, own: Sequence[str]) -> str:
    """Under which of the user's addresses somebody invited; "" when under none of them."""
    invited = {who.address for part in invitation.parts for who, _ in part.guests}
    return next((each for each in own if each in invited), "")


def doubts_about(invitation: Invitation, found: Found) -> list[str]:
    """What a person should know before believing it; in words of ours alone."""
    doubts = []
    if found.sender.address not in invitation.senders and invitation.method not in ("reply", "counter", "refresh"):
        doubts.append("The mail does not come from the organiser that the invitation names; it may be forged.")
    if invitation.method == "unclear":
        doubts.append("It does not say clearly what it is, so it cannot be answered.")
    if found.folder.role == "junk":
        doubts.append("It lies among spam.")
    return doubts


def invitation_view(
    invitation: Invitation, found: Found, standing: Standing, outside: Callable[[str], OutsideText]
) -> MailInvitation:
    """An invitation with what is to be said of it."""
    first = invitation.first
    place, title = first.text("LOCATION", 500), " ".join(first.text("SUMMARY", 500).split())
    dates = [each.recurrence for each in invitation.parts if each.recurrence]
    for_calendar = invitation.method in ("request", "cancel", "publish") and standing.state == "current"
    return MailInvitation(
        method=invitation.method,
        title=outside(title or "(no title)"),
        start=first.start,
        end=first.end,
        when=outside("; ".join(when(each) for each in invitation.parts[:_MOST_DATES])),
        place=outside(place) if place else None,
        organizer=outside(invitation.organizer.shown or "(not named)"),
        guests=outside(_guests(first, invitation.more)) if first.guests else None,
        repeats=rule_of(first),
        dates=dates,
        answer=standing.answer,
        state=standing.state,
        newer=standing.newer,
        doubts=" ".join(doubts_about(invitation, found)),
        ics=outside(ics_of(invitation)) if for_calendar else None,
    )


def _guests(part: Part, more: int) -> str:
    named = ", ".join(f"{who.shown} ({status})" for who, status in part.guests)
    return f"{named} and {more} more" if more else named


def _own_answer(invitation: Invitation, own: Collection[str]) -> str:
    return next((status for who, status in invitation.first.guests if who.address in own), "open")


def _order(invitation: Invitation, found: Found) -> tuple[int, str, int]:
    """Later words count more: by revision, then by when they were written (RFC 5546, 2.1.5), then by the mail."""
    return invitation.sequence, invitation.stamp, found.id
