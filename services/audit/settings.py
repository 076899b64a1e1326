"""The witness's settings."""

from __future__ import annotations

from pathlib import Path

from openassistant.settings import RoomSettings

__all__ = ["AuditSettings"]


class AuditSettings(RoomSettings):
    """The room's settings and the file with the key that signs receipts and tree heads."""

    signing_key_file: Path
    """The key that signs receipts and tree heads."""
