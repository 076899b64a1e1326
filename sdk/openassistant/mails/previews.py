"""What a person decides on besides mails that go out (`openassistant.formats.approvals`): drafts, and mails to file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from openassistant.formats.drafts import Letter
from openassistant.mails.views import source_of
from openassistant.messages import OutsideSource, Preview, PreviewField

__all__ = ["filing_preview", "named", "unsent"]


def filing_preview(
    mails: Sequence[Letter], rows: Mapping[str, str], *, verb: str, confirm: str, account: str
) -> Preview:
    """What is done to which mails; several are listed by day, sender and subject, in the order given."""
    counted = "a mail" if len(mails) == 1 else f"{len(mails)} mails"
    senders = tuple(dict.fromkeys(each.sender.address for each in mails if each.sender.address))
    several = OutsideSource(source=counted, authors=senders)
    listed = "\n".join(f"{each.date:%Y-%m-%d}  {each.sender.shown}: {each.subject}" for each in mails)
    return Preview(
        verb=f"{verb} {counted}",
        confirm=confirm,
        account=account,
        fields=tuple(PreviewField(label=label, value=value) for label, value in rows.items()),
        content=listed if len(mails) > 1 else "",
        outside=(source_of(mails[0]) if len(mails) == 1 else several,),
    )


def named(mails: Sequence[Letter]) -> dict[str, str]:
    """The rows that name a single mail; none where they are several, which are listed."""
    return {"Mail": mails[0].subject, "Sender": mails[0].sender.shown} if len(mails) == 1 else {}


def unsent(shown: Preview) -> Preview:
    """The preview of a mail as that of a draft: it goes to nobody yet, so its recipients are a row."""
    people = PreviewField(label="Recipients", value=", ".join(each.value for each in shown.destinations))
    return shown.model_copy(update={"destinations": (), "fields": (people, *shown.fields)})
