"""People as Graph gives and takes them."""

from __future__ import annotations

from typing import Any

from openassistant.formats.guests import Person

__all__ = ["attendee", "person_in"]

_STATUS = {
    "accepted": "accepted",
    "tentativelyAccepted": "tentative",
    "declined": "declined",
    "organizer": "accepted",
}


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
