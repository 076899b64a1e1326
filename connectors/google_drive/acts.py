"""The notes of acts at this service: see `openassistant.acts`."""

from openassistant.acts import Acts

__all__ = ["before_act", "note_act"]

_ACTS = Acts("google_drive_acts")
note_act, before_act = _ACTS.note, _ACTS.before
