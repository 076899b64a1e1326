"""The witness's settings."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from openassistant.settings import RoomSettings

__all__ = ["AuditSettings"]


class AuditSettings(RoomSettings):
    """The room's settings and the file with the key that signs receipts and tree heads."""

    signing_key_file: Path
    """The key that signs receipts and tree heads."""
    heads_file: Path | None = None
    """A file, best on another disk, to which signed heads are appended; the ledger is held against them."""
    heads_minutes: Annotated[float, Field(gt=0, le=10_080)] = 60.0
    """So many minutes lie between two heads in that file at least."""

    @property
    def heads_every(self) -> timedelta:
        """The time between two heads in the file."""
        return timedelta(minutes=self.heads_minutes)
