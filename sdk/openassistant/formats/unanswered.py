"""Which mail wants an answer, as far as its headers tell: somebody wrote it to its reader, and to nobody else."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from openassistant.formats.addresses import Address

__all__ = ["DAYS", "LOOKED_AT", "wants_answer"]

DAYS = 30
"""Mail that is older is not waited for any more."""
LOOKED_AT = 500
"""So many of the newest unread mails are looked at."""
_MACHINE = re.compile(
    r"(?:.*[.+_-])?(?:no|not|dont|donot)[.+_-]?repl(?:y|ies)(?:[.+_-].*)?"
    r"|(?:mailer-daemon|postmaster|bounces?|notifications?|newsletter)(?:[.+_-].*)?"
)


def wants_answer(
    sender: Address, to: Sequence[Address], cc: Sequence[Address], *, own: Collection[str], listed: bool
) -> bool:
    """Whether a mail was written to one of the `own` addresses alone, by somebody else who reads answers.

    `listed`: it says that it came from a mailing list. Where no own address is known, any single one will do.
    """
    if listed or cc or len(to) != 1 or not sender.address or sender.address in own:
        return False
    if own and to[0].address not in own:
        return False
    return not _MACHINE.fullmatch(sender.address.partition("@")[0])
