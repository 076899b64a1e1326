"""What a person decides on: see `openassistant.files.previews`."""

from connectors.google_drive.card import owner_of
from connectors.google_drive.contents import content_of
from connectors.google_drive.mirror import mirror
from openassistant.files.previews import Previews

__all__ = ["previews"]

previews = Previews(mirror, owner_of=owner_of, places={"": "My Drive", "root": "My Drive"}, content_of=content_of)
