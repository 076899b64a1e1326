"""The agent's settings."""

from __future__ import annotations

import os

from openassistant.settings import RoomSettings

__all__ = ["AgentSettings", "keep_litellm_at_home"]


class AgentSettings(RoomSettings):
    """The room's settings; which model runs comes with each turn from the gateway."""


def keep_litellm_at_home() -> None:
    """Litellm fetches a price list from the network at import unless it is told not to; call before importing it."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_TELEMETRY"] = "False"
