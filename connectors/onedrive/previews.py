"""What a person decides on: see `openassistant.files.previews`."""

from connectors.onedrive.card import FORBIDDEN, OWN, ROOT, owner_of
from connectors.onedrive.mirror import mirror
from openassistant.files.previews import Previews

__all__ = ["previews"]

_PLACES = {ROOT: "OneDrive", OWN: "the assistant's own folder, below Apps"}
previews = Previews(mirror, owner_of=owner_of, places=_PLACES, without=FORBIDDEN)
