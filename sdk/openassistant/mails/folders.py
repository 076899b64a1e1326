"""Which folder of a mailbox a person means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, TypeVar

from openassistant.errors import NotFound

__all__ = ["Named", "folder_meant"]


class Named(Protocol):
    """A folder by what people call it."""

    @property
    def name(self) -> str:
        """Its name, with the folders above it."""

    @property
    def role(self) -> str:
        """What it is for: inbox, sent, drafts, …, or ""."""


F = TypeVar("F", bound=Named)


def folder_meant(known: Sequence[F], name: str, *, role: str, separators: str) -> F:
    """The folder of that name, else of that role, else whose last part is called so; raises `NotFound`.

    `separators` is a regular expression for what stands between the parts of a name.
    """
    wanted = name.strip().casefold()
    of_name = [each for each in known if each.name.casefold() == wanted]
    of_role = [each for each in known if each.role and each.role == role]
    of_last = [each for each in known if re.split(separators, each.name.casefold())[-1] == wanted]
    if found := [*of_name, *of_role, *of_last]:
        return found[0]
    if not known:
        raise NotFound("There are no folders yet: the mailbox is still being read.")
    raise NotFound(f"There is no folder {name[:60]!r}; folders_list names those that there are.")
