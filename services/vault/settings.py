"""The vault's settings."""

from __future__ import annotations

from pathlib import Path

from openassistant.settings import RoomSettings

__all__ = ["VaultSettings"]


class VaultSettings(RoomSettings):
    """The room's settings and the file with the root key, which lies outside the data."""

    root_key_file: Path
    """The root key: 44 characters of base64, or what `python -m deploy.rootkey protect` made of them."""
    passphrase_file: Path | None = None
    """A file, or a pipe, with the passphrase of a root key that is protected by one."""
