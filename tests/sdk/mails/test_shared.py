"""What tools of every mailbox do alike, where no provider's own tests come by."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from openassistant.errors import NotFound
from openassistant.formats.addresses import Address
from openassistant.mails.attachments import number_of
from openassistant.mails.folders import folder_meant
from openassistant.mails.previews import filing_preview, named
from openassistant.mails.query import parse_query
from openassistant.mails.views import head_of
from openassistant.messages import OutsideSource

CAROL, BEN = Address("carol@example.org", "Carol"), Address("ben@example.org")


class Folder(NamedTuple):
    name: str
    role: str = ""


class Mail(NamedTuple):
    sender: Address = CAROL
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = "Lease"
    date: datetime = datetime(2026, 11, 2, tzinfo=UTC)
    message_id: str = "lease@example.org"
    references: tuple[str, ...] = ()
    reply_to: tuple[Address, ...] = ()
    followup: tuple[Address, ...] = ()


FOLDERS = (Folder("Lists/Junk"), Folder("Spam", "junk"), Folder("Archive/Lease"), Folder("Junk"))


@pytest.mark.parametrize(
    ("name", "role", "found"),
    [("junk", "junk", "Junk"), ("unwanted", "junk", "Spam"), ("LEASE ", "", "Archive/Lease"), ("spam", "", "Spam")],
    ids=["by name first", "by role then", "by its last part", "whatever its case"],
)
def test_the_folder_that_is_meant_is_found(name: str, role: str, found: str) -> None:
    assert folder_meant(FOLDERS, name, role=role, separators="/").name == found


def test_a_folder_without_a_role_is_none_of_no_role() -> None:
    with pytest.raises(NotFound, match="no folder"):
        folder_meant(FOLDERS, "", role="", separators="/")


def test_a_name_that_two_files_bear_means_neither() -> None:
    assert number_of(["a.pdf", "B.pdf"], "b.PDF ") == 2
    with pytest.raises(NotFound, match="by its number"):
        number_of(["a.pdf", "A.pdf"], "a.pdf")


def test_of_many_recipients_the_first_are_named_and_the_others_counted() -> None:
    shown = head_of(Mail(to=(BEN,) * 21, cc=(BEN,)))["recipients"]
    assert shown.text.endswith("ben@example.org and 2 more")
    assert (shown.text.count("ben@"), shown.authors) == (20, ("carol@example.org",))


def test_several_mails_are_listed_and_a_single_one_is_named() -> None:
    one, both = [Mail()], [Mail(), Mail(sender=BEN, subject="Keys")]
    assert named(one) == {"Mail": "Lease", "Sender": CAROL.shown}
    shown = filing_preview(both, {**named(both), "Into": "Archive"}, verb="Move", confirm="Move", account="Home")
    assert shown.content == f"2026-11-02  {CAROL.shown}: Lease\n2026-11-02  ben@example.org: Keys"
    assert shown.outside == (OutsideSource(source="2 mails", authors=("carol@example.org", "ben@example.org")),)
    assert [each.label for each in shown.fields] == ["Into"]


def test_what_is_given_besides_a_search_narrows_it_instead_of_what_was_typed() -> None:
    typed = parse_query("lease is:unread in:Work")
    assert typed.narrowed(folder=None, unread=None, flagged=None, attached=None) == typed
    given = typed.narrowed(folder="Home", unread=False, flagged=True, attached=None)
    assert (given.folder, given.unread, given.flagged, given.attached) == ("Home", False, True, None)


def test_invitations_are_looked_for_only_where_they_are_known() -> None:
    assert parse_query("has:invitation", invitations=True).invites
    assert parse_query("has:invitation").match == '"invitation" *'
