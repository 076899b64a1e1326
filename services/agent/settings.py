"""The agent's settings."""

from __future__ import annotations

import os

from openassistant.egress import Proxy
from openassistant.settings import RoomSettings

__all__ = ["AgentSettings", "keep_litellm_at_home", "send_litellm_through"]


class AgentSettings(RoomSettings):
    """The room's settings; which model runs comes with each turn from the gateway."""


def keep_litellm_at_home() -> None:
    """Litellm fetches a price list from the network at import unless it is told not to; call before importing it."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_TELEMETRY"] = "False"


def send_litellm_through(proxy: Proxy) -> None:
    """Litellm's own connections to the proxy by the variables that its libraries read; https alone."""
    os.environ.update({"HTTPS_PROXY": proxy.url, "NO_PROXY": "", "AIOHTTP_TRUST_ENV": "True"})
