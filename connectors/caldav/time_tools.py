"""The tools about time itself: when one is busy, and when several are free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Annotated, Any

from sqlalchemy import Connection

from connectors.caldav.busy import all_addresses, busy_of_guest, busy_of_user
from connectors.caldav.card import connector
from connectors.caldav.changes import session_of
from connectors.caldav.event_reads import unread
from connectors.caldav.freebusy import busy_in, request_for
from connectors.caldav.places import Place, place_of, zone_of
from connectors.caldav.previews import account_name
from connectors.caldav.views import SlotList
from openassistant.acts import call_id
from openassistant.calendars.arguments import Closes, End, Minutes, Opens, Start, Zone
from openassistant.calendars.previews import event_preview
from openassistant.calendars.times import Busy, ahead, busy_shown, slots_shown
from openassistant.calendars.views import BusyList, GuestTimes, notes_of
from openassistant.connector import Context, Field, Preview
from openassistant.errors import OaError
from openassistant.formats.guests import parse_guest
from openassistant.formats.moments import Window, span_shown, window
from openassistant.messages import Effect

__all__ = ["busy_list", "slots_find"]

_NOT_ASKED = (
    "Not asked: the server that is to answer may be somebody else's. With ask_others it is asked, if the user approves."
)
_NO_ADDRESS = "Not asked: the calendar account needs the user's mail address in its settings."
_NO_SERVER = "This calendar server cannot be asked about others, and no calendar of theirs is shared with the user."
_NO_ANSWER = "The calendar server does not know."
_AWAY = "The calendar server could not be asked at the moment."

_Guests = Annotated[
    list[Annotated[str, Field(max_length=400)]] | None,
    Field(description="Mail addresses of others who must be free too, such as carol@example.org", max_length=30),
]


def _effect(given: dict[str, Any]) -> Effect:
    """The user's own server is a place that the user chose, and asking it about its own people stays there.

    An address of another domain may make it look for a server there, which the model would have chosen: a way out.
    """
    return Effect.SEND if given.get("ask_others") else Effect.READ


@connector.tool(effect="read", outside=False)
async def busy_list(ctx: Context, start: Start, end: End, zone: Zone = None) -> BusyList:
    """List when the user is busy, over all connected calendar accounts: spans without titles."""
    place = await place_of(ctx)
    local = zone_of(place, zone)
    span = window(start, end, local)
    borrowed = await ctx.borrowed()
    busy = await ctx.store.read(lambda connection: busy_of_user(connection, span, local, place.users, borrowed))
    return busy_shown(busy, local, _unread(place, busy))


@connector.tool(effect="read", effect_of=_effect, outside=False)
async def slots_find(
    ctx: Context,
    start: Start,
    end: End,
    minutes: Minutes,
    zone: Zone = None,
    opens: Opens = time(8),
    closes: Closes = time(20),
    guests: _Guests = None,
    *,
    ask_others: Annotated[
        bool, Field(description="Ask about guests of other domains than the user's, too; needs the user's approval")
    ] = False,
) -> SlotList:
    """Find times at which the user is free in all calendar accounts, and the guests as far as their times are known.

    The answer says of each guest whether that is so. At most a year; what is past is left out.
    """
    place, now = await place_of(ctx), ctx.now()
    local = zone_of(place, zone)
    span = ahead(window(start, end, local), now)
    people, borrowed = await _others(ctx, place, guests), await ctx.borrowed()

    def read(connection: Connection) -> tuple[Busy, dict[str, Busy | None]]:
        user = busy_of_user(connection, span, local, place.users, borrowed)
        return user, {each: busy_of_guest(connection, each, span, local) for each in people}

    user, shared = await ctx.store.read(read)
    times = {guest: _shared(guest, busy) for guest, busy in shared.items() if busy is not None}
    left = [each for each in people if each not in times]
    answers, unknown = await _asked(ctx, place, left, span, ask_others=ask_others)
    busy = [*user.firm, *user.tentative, *(span for spans, _ in times.values() for span in spans)]
    taken = [*busy, *(span for spans in answers.values() for span in spans)]
    slots, cut = slots_shown(taken, span, minutes=minutes, opens=opens, closes=closes, zone=local)
    views = [times[each][1] if each in times else _told(each, answers, unknown) for each in people]
    return SlotList(
        slots=slots,
        guests=views,
        accounts=list(user.accounts),
        note=notes_of(cut, _unread(place, user)),
    )


@slots_find.preview
async def preview_slots(ctx: Context, start: str, end: str, zone: str | None, **given: Any) -> Preview:
    """Whose addresses go to which server, and for which time."""
    place = await place_of(ctx)
    local = zone_of(place, zone)
    span = window(start, end, local)
    people = [parse_guest(each) for each in given["guests"] or ()]
    rows = {
        "Asked": place.account.server.host,
        "Times": span_shown(span.start.astimezone(local), span.end.astimezone(local)),
    }
    return event_preview(
        rows,
        None,
        verb="Ask when others are free",
        confirm="Ask",
        account=account_name(place),
        told=people,
        warnings=(
            "Your calendar server gets these addresses and this span of time. It may ask the servers of their domains.",
        ),
    )


async def _others(ctx: Context, place: Place, guests: Sequence[str] | None) -> list[str]:
    """The guests' addresses, each once, without the user's own."""
    own = {*place.users, *await ctx.store.read(all_addresses)}
    typed = dict.fromkeys(parse_guest(each).address for each in guests or ())
    return [each for each in typed if each not in own]


async def _asked(
    ctx: Context, place: Place, guests: list[str], span: Window, *, ask_others: bool
) -> tuple[dict[str, list[Window]], dict[str, str]]:
    """What the account's server says about guests, and of whom it says nothing, with the reason."""
    if not place.profile.outbox or not guests:
        return {}, dict.fromkeys(guests, _NO_SERVER)
    if not place.own:
        return {}, dict.fromkeys(guests, _NO_ADDRESS)
    domains = {each.rpartition("@")[2] for each in place.own}
    asked = [each for each in guests if ask_others or each.rpartition("@")[2] in domains]
    unknown = dict.fromkeys((each for each in guests if each not in asked), _NOT_ASKED)
    if not asked:
        return {}, unknown
    question = request_for(asked, span, organizer=place.own[0], uid=f"{call_id(ctx)}@open-assistant", now=ctx.now())
    try:
        async with session_of(ctx, place.account) as session:
            answer = await session.ask_outbox(place.profile.outbox, question)
    except OaError:
        return {}, {**unknown, **dict.fromkeys(asked, _AWAY)}
    found = busy_in(answer, asked, span)
    return found, {**unknown, **dict.fromkeys((each for each in asked if each not in found), _NO_ANSWER)}


def _shared(guest: str, busy: Busy) -> tuple[list[Window], GuestTimes]:
    note = "By a calendar of theirs that the user sees."
    return [*busy.firm, *busy.tentative], GuestTimes(guest=guest, known=True, note=note)


def _told(guest: str, answers: dict[str, list[Window]], unknown: dict[str, str]) -> GuestTimes:
    if guest in answers:
        return GuestTimes(guest=guest, known=True, note="As the calendar server says.")
    return GuestTimes(guest=guest, known=False, note=unknown[guest])


def _unread(place: Place, busy: Busy) -> str:
    """What is still to be read in any account."""
    return unread(place) or ("" if busy.complete else "Calendars of another account are still being read.")
