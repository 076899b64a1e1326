"""Invitations that come by mail: read as what they are, and answered so that the organiser's program takes it in."""

from __future__ import annotations

import email
import email.policy
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from icalendar import Calendar

from openassistant.errors import InvalidRequest, NotFound
from openassistant.messages import Effect
from openassistant.once import once_faults
from tests.connectors.mail.conftest import Post
from tests.peers.mailbox import add_mail
from tests.peers.smtp import Faults

TALK = (
    "BEGIN:VEVENT\nUID:talk@example.org\nDTSTAMP:20261101T080000Z\nSEQUENCE:0\n"
    "DTSTART;TZID=Europe/Berlin:20301204T100000\nDTEND;TZID=Europe/Berlin:20301204T110000\n"
    "SUMMARY:Talk about the roof\nLOCATION:Linden Street 12\nORGANIZER;CN=Carol Meyer:mailto:carol@example.org\n"
    "ATTENDEE;PARTSTAT=ACCEPTED:mailto:carol@example.org\n"
    "ATTENDEE;CN=Ada;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:ada@home.example\nEND:VEVENT\n"
)
CAROL = "Carol Meyer <carol@example.org>"


class Sender:
    """Whoever sends mails with calendar parts to Ada, one a minute."""

    def __init__(self, post: Post) -> None:
        self.post, self.count = post, 0

    async def mails(
        self, event: str = TALK, *, method: str = "REQUEST", sender: str = CAROL, folder: str = "", kind: str = ""
    ) -> str:
        """Delivers a mail of text and calendar, reads the mailbox, and gives the mail's id."""
        self.count += 1
        date = self.post.now() - timedelta(minutes=60 - self.count)
        name = f"invitation-{self.count}"
        lines = [
            f"From: {sender}", "To: Ada Martin <ada@home.example>", f"Subject: Talk about the roof {self.count}",
            f"Date: {format_datetime(date)}", f"Message-ID: <{name}@example.org>", "MIME-Version: 1.0",
            'Content-Type: multipart/alternative; boundary="cut"', "", "--cut",
            "Content-Type: text/plain", "", "Carol invites you to talk about the roof.", "--cut",
            f"Content-Type: text/calendar; charset=utf-8; method={kind or method}", "",
            f"BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:{method}\n{event}END:VCALENDAR", "--cut--", "",
        ]  # fmt: skip
        content = "\n".join(lines).replace("\n", "\r\n").encode()
        place = self.post.maildir / folder if folder else self.post.maildir
        add_mail(place, f"{date.timestamp():.0f}.{name}.peer", content, owner=self.post.imap.owner)
        await self.post.sync()
        found = await self.post.search(f'"roof {self.count}"', **({"folder": "junk"} if folder == ".Junk" else {}))
        return str(found[0]["id"])


@pytest.fixture
def sender(read: Post) -> Sender:
    return Sender(read)


async def invitation(post: Post, message: str) -> dict[str, Any]:
    thread = await post.house.call("threads_read", message=message)
    return dict(next(each["invitation"] for each in thread["messages"] if each["id"] == message))


def reply(content: bytes) -> tuple[Any, Any]:
    """A sent mail, and its calendar part as another program reads it."""
    mail = email.message_from_bytes(content, policy=email.policy.default)
    [part] = [each for each in mail.walk() if each.get_content_type() == "text/calendar"]
    return mail, Calendar.from_ical(part.get_content())


async def test_a_mail_says_what_it_invites_to_and_all_of_it_is_text_of_others(read: Post, sender: Sender) -> None:
    message = await sender.mails()
    result = await read.house.send(read.house.make("threads_read", message=message))
    [mail] = result.content["messages"]
    found = mail["invitation"]
    assert mail["text"]["text"] == "Carol invites you to talk about the roof."
    assert (found["method"], found["state"], found["answer"], found["doubts"]) == ("request", "current", "open", "")
    assert (found["start"], found["end"]) == ("2030-12-04T10:00:00+01:00", "2030-12-04T11:00:00+01:00")
    assert found["title"] == {
        "text": "Talk about the roof",
        "source": "a mail from carol@example.org",
        "authors": ["carol@example.org"],
    }
    assert found["organizer"]["text"] == "Carol Meyer <carol@example.org>"
    assert found["guests"]["text"] == "carol@example.org (accepted), Ada <ada@home.example> (open)"
    assert Calendar.from_ical(found["ics"]["text"])["METHOD"] == "REQUEST"
    assert result.outside[0].authors == ("carol@example.org",)


async def test_invitations_are_found_by_asking_for_them(read: Post, sender: Sender) -> None:
    await sender.mails()
    await sender.mails(TALK.replace("UID:talk", "UID:other"), method="CANCEL")
    found = await read.search("has:invitation")
    assert [each["invitation"] for each in found] == ["cancel", "request"]
    assert {each["invitation"] for each in await read.search("lease")} == {""}


async def test_an_answer_goes_to_the_organiser_in_a_form_that_programs_read(read: Post, sender: Sender) -> None:
    message = await sender.mails()
    call = read.house.make("invitations_answer", message=message, answer="accept", comment="I bring the plans.")
    shown = await read.house.preview("invitations_answer", **call.arguments)
    done = (await read.house.send(call)).content
    [sent] = read.smtp.sent
    mail, calendar = reply(sent.content)
    [event] = calendar.walk("VEVENT")
    assert sent.recipients == ("carol@example.org",)
    assert (mail["subject"], mail["in-reply-to"]) == ("Accepted: Talk about the roof", "<invitation-1@example.org>")
    assert mail.get_body(("plain",)).get_content().splitlines() == shown.content.splitlines()
    assert "I bring the plans." in shown.content
    kind = next(each for each in mail.walk() if each.get_content_type() == "text/calendar")
    assert kind["content-type"].params["method"] == calendar["METHOD"] == "REPLY"
    assert (event["UID"], str(event["ATTENDEE"])) == ("talk@example.org", "mailto:ada@home.example")
    assert event["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"
    assert done["answer"] == "accepted"
    assert len(read.copies(f"<{done['message_id']}>", ".Sent")) == 1
    await read.sync()
    assert (await invitation(read, message))["answer"] == "accepted"


async def test_the_card_names_event_organiser_and_answer(read: Post, sender: Sender) -> None:
    message = await sender.mails()
    shown = await read.house.preview("invitations_answer", message=message, answer="decline", comment=None)
    rows = {row.label: row.value for row in shown.fields}
    assert (shown.effect, shown.verb, shown.confirm) == (Effect.SEND, "Decline an invitation", "Decline")
    assert [(each.value, each.name) for each in shown.destinations] == [("carol@example.org", "Carol Meyer")]
    assert rows["When"] == "Wednesday 4 December 2030, 10:00 to 11:00 (+01:00)"
    assert (rows["Event"], rows["Place"]) == ("Talk about the roof", "Linden Street 12")
    assert rows["Subject"] == "Declined: Talk about the roof"
    assert shown.outside[0].authors == ("carol@example.org",)
    assert shown.warnings == ()


async def test_an_invitation_in_anothers_name_is_shown_as_such(read: Post, sender: Sender) -> None:
    message = await sender.mails(sender="Carol Meyer <mallory@example.net>")
    assert "may be forged" in (await invitation(read, message))["doubts"]
    shown = await read.house.preview("invitations_answer", message=message, answer="accept")
    assert any("may be forged" in warning for warning in shown.warnings)
    assert [each.value for each in shown.destinations] == ["carol@example.org"]
    assert {row.label: row.value for row in shown.fields}["Invitation from"] == "Carol Meyer <mallory@example.net>"


async def test_who_sends_for_the_organiser_is_believed_as_far_as_the_invitation_says(
    read: Post, sender: Sender
) -> None:
    event = TALK.replace("ORGANIZER;", 'ORGANIZER;SENT-BY="mailto:office@example.org";')
    assert (await invitation(read, await sender.mails(event, sender="office@example.org")))["doubts"] == ""


async def test_an_update_overtakes_and_is_answered_instead(read: Post, sender: Sender) -> None:
    first = await sender.mails()
    await read.house.call("invitations_answer", message=first, answer="accept")
    second = await sender.mails(TALK.replace("T10", "T15").replace("T11", "T16").replace("SEQUENCE:0", "SEQUENCE:1"))
    found = await invitation(read, first)
    assert (found["state"], found["newer"], found["ics"]) == ("outdated", second, None)
    assert (await invitation(read, second))["answer"] == "open"
    with pytest.raises(InvalidRequest, match=f"answer mail {second}"):
        await read.house.call("invitations_answer", message=first, answer="decline")
    await read.house.call("invitations_answer", message=second, answer="decline")
    _, calendar = reply(read.smtp.sent[-1].content)
    assert calendar.walk("VEVENT")[0]["SEQUENCE"] == 1


async def test_what_was_called_off_is_said_and_not_answered(read: Post, sender: Sender) -> None:
    first = await sender.mails()
    off = await sender.mails(TALK.replace("SEQUENCE:0", "SEQUENCE:1"), method="CANCEL")
    assert (await invitation(read, first))["state"] == "cancelled"
    assert (await invitation(read, off))["method"] == "cancel"
    for message, words in ((first, "called off since"), (off, "nothing to answer")):
        with pytest.raises(InvalidRequest, match=words):
            await read.house.call("invitations_answer", message=message, answer="accept")


async def test_a_stranger_cannot_overtake_or_call_off(read: Post, sender: Sender) -> None:
    first = await sender.mails()
    await sender.mails(TALK.replace("SEQUENCE:0", "SEQUENCE:9"), method="CANCEL", sender="mallory@example.net")
    await sender.mails(
        TALK.replace("SEQUENCE:0", "SEQUENCE:9").replace("mailto:carol", "mailto:mallory"), sender="mallory@example.org"
    )
    assert (await invitation(read, first))["state"] == "current"


async def test_a_cancelled_date_leaves_the_others_standing(read: Post, sender: Sender) -> None:
    series = TALK.replace("SEQUENCE:0", "SEQUENCE:0\nRRULE:FREQ=WEEKLY;COUNT=3")
    first = await sender.mails(series)
    one = TALK.replace("SEQUENCE:0", "SEQUENCE:1\nRECURRENCE-ID;TZID=Europe/Berlin:20301211T100000")
    off = await sender.mails(one, method="CANCEL")
    assert (await invitation(read, first))["state"] == "current"
    assert (await invitation(read, off))["dates"] == ["2030-12-11T10:00:00+01:00"]


async def test_a_guests_answer_is_shown_and_not_answered(read: Post, sender: Sender) -> None:
    event = TALK.replace("mailto:carol@example.org\nATTENDEE;P", "mailto:ada@home.example\nATTENDEE;P")
    message = await sender.mails(event, method="REPLY")
    found = await invitation(read, message)
    assert (found["method"], found["ics"], found["doubts"]) == ("reply", None, "")
    with pytest.raises(InvalidRequest, match="guest's answer"):
        await read.house.call("invitations_answer", message=message, answer="accept")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"method": "COUNTER"}, "another time"),
        ({"method": "PUBLISH"}, "for information"),
        ({"method": "ODDITY"}, "not say clearly"),
        ({"kind": "CANCEL"}, "not say clearly"),
        ({"event": TALK.replace("ORGANIZER;CN=Carol Meyer:mailto:carol@example.org\n", "")}, "nobody whom"),
        ({"event": "BEGIN:VEVENT\nSUMMARY:nothing\nEND:VEVENT\n"}, "no invitation"),
    ],
)
async def test_what_waits_for_no_answer_gets_none(read: Post, sender: Sender, more: dict[str, Any], words: str) -> None:
    message = await sender.mails(**more)
    with pytest.raises(InvalidRequest, match=words):
        await read.house.call("invitations_answer", message=message, answer="accept")
    assert read.smtp.sent == ()


async def test_a_mail_without_invitation_has_none(read: Post) -> None:
    with pytest.raises(InvalidRequest, match="no invitation"):
        await read.house.call("invitations_answer", message=await read.lease(), answer="accept")
    with pytest.raises(NotFound):
        await read.house.call("invitations_answer", message="1", answer="accept")


async def test_who_is_not_on_the_list_answers_in_the_own_name_and_the_card_says_so(read: Post, sender: Sender) -> None:
    message = await sender.mails(TALK.replace("ada@home.example", "tenants@lists.example"))
    shown = await read.house.preview("invitations_answer", message=message, answer="accept")
    assert any("names no guest ada@home.example" in warning for warning in shown.warnings)
    await read.house.call("invitations_answer", message=message, answer="accept")
    _, calendar = reply(read.smtp.sent[0].content)
    assert str(calendar.walk("VEVENT")[0]["ATTENDEE"]) == "mailto:ada@home.example"


async def test_spam_is_doubted(read: Post, sender: Sender) -> None:
    message = await sender.mails(folder=".Junk")
    assert "among spam" in (await invitation(read, message))["doubts"]


async def test_an_address_of_the_organiser_that_is_none_is_refused(read: Post, sender: Sender) -> None:
    message = await sender.mails(TALK.replace("CN=Carol Meyer:mailto:carol@example.org", "CN=C:mailto:carol"))
    with pytest.raises(InvalidRequest, match="not one mail address"):
        await read.house.preview("invitations_answer", message=message, answer="accept")


async def test_an_invitation_is_answered_once(read: Post, sender: Sender) -> None:
    message = await sender.mails()

    async def make() -> Any:
        return read.house.make("invitations_answer", message=message, answer="accept")

    async def done() -> int:
        return len(read.smtp.sent)

    assert await once_faults(read.house, make, done) == []


async def test_an_answer_whose_server_broke_off_before_it_took_it_was_not_sent(read: Post, sender: Sender) -> None:
    message = await sender.mails()
    read.smtp.faults = Faults(refuse=frozenset({"carol@example.org"}))
    with pytest.raises(InvalidRequest):
        await read.house.call("invitations_answer", message=message, answer="accept")
    assert read.smtp.sent == ()
