"""The notes of acts at this service: see `openassistant.acts`."""

from openassistant.acts import Acts, call_id

__all__ = ["before_act", "call_id", "note_act", "noted_by"]

_ACTS = Acts("onedrive_acts")
note_act, before_act, noted_by = _ACTS.note, _ACTS.before, _ACTS.noted_by
