"""People as they are typed, and as Outlook gives them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from openassistant.formats import guests

__all__ = ["Person", "attendee", "parse_guest", "parse_guests", "person_in"]

_STATUS = {
    "accepted": "accepted",
    "tentativelyAccepted": "tentative",
    "declined": "declined",
    "organizer": "accepted",
}


class Person(NamedTuple):
    """Somebody with an address; `status` as in `guests.Person`, `kind` is required, optional or resource."""

    address: str
    name: str = ""
    status: str = "open"
    kind: str = "required"

    @property
    def shown(self) -> str:
        """Name and address."""
        return f"{self.name} <{self.address}>" if self.name else self.address


def parse_guest(typed: str) -> Person:
    """See `guests.parse_guest`."""
    return Person(*guests.parse_guest(typed))


def parse_guests(typed: Iterable[str] | None) -> tuple[Person, ...]:
    """See `guests.parse_guests`."""
    return tuple(Person(*each) for each in guests.parse_guests(typed))


def person_in(value: Any, status: Any = None) -> Person | None:
    """The person in a recipient or attendee of Graph; None where there is no address."""
    mailbox = value.get("emailAddress") if isinstance(value, dict) else None
    if not isinstance(mailbox, dict) or not isinstance(mailbox.get("address"), str):
        return None
    name = mailbox.get("name") if isinstance(mailbox.get("name"), str) else ""
    answered = status.get("response") if isinstance(status, dict) else None
    address = " ".join(str(mailbox["address"]).split())[:254].lower()
    shown = " ".join(str(name).split())[:100]
    kind = value.get("type") if value.get("type") in ("required", "optional", "resource") else "required"
    named = "" if shown.lower() == address else shown
    return Person(address, named, _STATUS.get(str(answered), "open"), str(kind)) if address else None


def attendee(person: Person) -> dict[str, Any]:
    """A guest as Graph takes them."""
    mailbox = {"address": person.address, **({"name": person.name} if person.name else {})}
    return {"emailAddress": mailbox, "type": person.kind}
